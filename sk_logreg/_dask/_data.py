"""Dask collections as the data of a fit."""

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arguments import column_parameters
from sk_logreg._compat import check_sample_weight
from sk_logreg._dask._collections import checked, partitions_of
from sk_logreg._dask._summaries import LabelWeights, classes_of, facts_of, label_weights
from sk_logreg._design import Clusters, Coordinates, Rows, coordinates_of
from sk_logreg._design._clusters import numbered
from sk_logreg._design._costs import PARTITION_SIZES
from sk_logreg._design._observations import Observations
from sk_logreg._design._partition_data import Finish, Number, Summarize, Summary
from sk_logreg._design._partition_facts import Facts
from sk_logreg._design._partition_tasks import (
    RowsTask,
    View,
    not_finite_part,
    sizes_part,
)
from sk_logreg._design._partition_vectors import facts_part
from sk_logreg._design._partitioned_rows import PartitionedRows
from sk_logreg._design._partitioned_vectors import PartitionedVector
from sk_logreg._design._partitions import Handle, Partitions
from sk_logreg._execution import ThreadExecutor
from sk_logreg._labels import shrinkage, weights_of_classes
from sk_logreg._problem import Data


class _Shape(NamedTuple):
    """What is known of X where the rows are not in memory."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class PartitionedData(Data):
    """Validated data in partitions; `X` has a shape and a dtype alone."""

    partitions: Partitions
    states: tuple[Handle, ...]
    finish: Finish | None
    facts: Facts
    scale: tuple[float, float]
    observed: Observations
    grouped: tuple[list[Handle], NDArray[np.bool_]] | None
    has_features: bool = True

    def weight_scale(self) -> tuple[float, float]:
        """Return the largest weight, and the sum of all weights relative to it."""
        return self.scale

    def without_features(self) -> "PartitionedData":
        """Return the same with one feature, which is zero, in place of X."""
        return replace(
            self,
            X=_Shape((self.X.shape[0], 1), np.dtype(np.float64)),
            facts=self.facts.without_features(),
            penalty_factor=None,
            penalty_center=None,
            bounds=None,
            has_features=False,
        )

    @property
    def _view(self) -> View:
        is_zero, sizes = not self.has_features, self.partitions.sizes
        return View(self.X.dtype, self.X.shape[1], sizes=sizes, is_zero=is_zero)

    def _over_x(self, function: Any, *args: Any) -> Any:
        """Return the sum of a function of the rows of each partition."""
        task = RowsTask(function, args, (), self._view, self.finish)
        [found], _ = self.partitions.run(task, self.states, read=True)
        return found

    def coordinates(
        self, *, centered: bool, penalized: bool, every_row: bool
    ) -> Coordinates | None:
        """Return the coordinates that X needs, see `coordinates_of`."""
        sizes = self._over_x(sizes_part).values if every_row else None
        return coordinates_of(
            self.facts.look,
            np.ones(1),
            centered=centered,
            penalized=penalized,
            every_row=every_row,
            all_sizes=sizes,
        )

    def rows(self, coordinates: Coordinates | None, scale: tuple[float, float]) -> Rows:
        """Return the rows in some coordinates, with weights of sum one."""
        del scale  # the weights have it already
        view = replace(self._view, coordinates=coordinates)
        states = list(self.states)
        return PartitionedRows(self.partitions, states, self.finish, self.facts, view)

    def clusters(self, rows: Rows) -> Clusters | None:
        """Return the clusters of its rows, None without groups."""
        if self.grouped is None:
            return None
        assert isinstance(rows, PartitionedRows)
        handles, spread = self.grouped
        return Clusters(PartitionedVector(rows, handles), spread)

    def assert_finite(self, name: str) -> None:
        """Raise a ValueError that names an estimator if X has NaN or infinity."""
        found = self._over_x(not_finite_part, name)
        if found:
            i, message = found[0]
            raise ValueError(f"Partition {i} of X: {message}")


def partitioned_data(
    estimator: Any,
    given: dict[str, Any],
    executor: ThreadExecutor,
    *,
    reset: bool = True,
) -> tuple[PartitionedData, NDArray[Any]]:
    """Return the data that an estimator is fitted to, and the classes.

    In one pass over the partitions. `given` are the arguments of `fit` by name; groups
    of the rows may be among them. Without `reset`, the features are compared with those
    of the fit.
    """
    return look(estimator, given, executor, reset=reset).data(estimator)


@dataclass(frozen=True, eq=False)
class Looked:
    """What the first pass over the partitions finds, and the partitions of X."""

    partitions: Partitions
    summaries: list[Summary]
    raw: list[Handle]
    dtype: np.dtype[Any]
    n_features: int
    has_groups: bool

    def data(self, estimator: Any) -> tuple[PartitionedData, NDArray[Any]]:
        """Return the data that an estimator is fitted to, and the classes."""
        summaries, n_features = self.summaries, self.n_features
        classes, signs = classes_of(summaries, estimator.soft_labels)
        of_labels = label_weights(summaries, signs)
        finish = self._finish(estimator, classes, signs, of_labels)
        counts, totals, lightest = of_labels.scaled(finish)
        if estimator.soft_labels or not lightest > 0.0:
            task = RowsTask(facts_part, finish=finish)
            (counts, totals, least), _ = self.partitions.run(task, self.raw)
            lightest = least.least
        has_soft_labels = finish.is_soft or finish.shrunk is not None
        facts = facts_of(summaries, counts, totals, lightest, has_soft_labels)
        per_class = finish.per_class
        data = PartitionedData(
            _Shape((int(facts.starts[-1]), n_features), self.dtype),
            np.zeros(0, dtype=np.int8),
            np.zeros(0),
            **column_parameters(estimator, n_features),
            shrunk=finish.shrunk or 0.0,
            partitions=self.partitions,
            states=tuple(self.raw),
            finish=finish,
            facts=facts,
            scale=finish.scale,
            observed=Observations(
                float(of_labels.unit * of_labels.totals.sum()),
                any(summary.weighted for summary in summaries),
                np.ones(2) if per_class is None else per_class,
            ),
            grouped=self._grouped() if self.has_groups else None,
        )
        return data, classes

    def _finish(
        self,
        estimator: Any,
        classes: NDArray[Any],
        signs: NDArray[np.int8],
        of_labels: LabelWeights,
    ) -> Finish:
        """Return what turns labels and weights into entries of rows."""
        soft = estimator.soft_labels
        absorbed = estimator.absorb_bias and np.isfinite(estimator.C)
        per_class = weights_of_classes(
            estimator.class_weight,
            classes,
            of_labels.largest,
            of_labels.totals,
            free_bias=bool(estimator.fit_intercept and not absorbed),
        )
        scale = of_labels.scale(per_class, soft)
        is_soft = any(summary.soft[2] for summary in self.summaries)
        shrunk = None
        if estimator.bias_reduction == "mdypl":
            shrunk = shrinkage(scale[0] * scale[1], self.n_features)
        return Finish(signs, per_class, scale, is_soft, shrunk)

    def _grouped(self) -> tuple[list[Handle], NDArray[np.bool_]]:
        """Return the number of each row's group, and which are in several partitions.

        Labels of different partitions are the same if they are equal.
        """
        of_each = [summary.groups for summary in self.summaries]
        labels = np.concatenate([some.astype(object) for some in of_each])
        every, codes = numbered(labels, np.ones(len(labels), dtype=bool))
        parts = np.split(codes, np.cumsum([len(some) for some in of_each])[:-1])
        _, handles = self.partitions.run(Number(parts), self.raw, keep=True)
        return handles, np.bincount(codes, minlength=len(every)) > 1


def look(
    estimator: Any,
    given: dict[str, Any],
    executor: ThreadExecutor,
    *,
    reset: bool = True,
) -> Looked:
    """Check the arguments of a fit, in one pass over the partitions."""
    number = given["sample_weight"]
    weight = None
    if isinstance(number, Real):
        weight = float(check_sample_weight(number, np.empty((1, 1)))[0])
        given = given | {"sample_weight": None}
    given = {name: value for name, value in given.items() if value is not None}
    given, dtype, n_features = checked(estimator, given, reset=reset)
    everything, of_x, layout = partitions_of(given, executor)
    n_look = int(
        np.clip(
            PARTITION_SIZES.look_rows // len(everything), 2, PARTITION_SIZES.kept_rows
        )
    )
    soft = estimator.soft_labels
    task = Summarize(layout, dtype, n_features, soft, n_look, weight)
    [summaries], raw = everything.run(task, read=True, keep=True)
    errors = [summary.error for summary in summaries if summary.error]
    if errors:
        raise ValueError(errors[0])
    of_x.meter = everything.meter
    return Looked(of_x, summaries, raw, dtype, n_features, "groups" in given)
