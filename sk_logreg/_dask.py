"""Dask collections as the data of a fit, and lazy predictions for them.

Dask is an optional dependency. It is imported only if an argument is one of its
collections.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from sk_logreg._arguments import column_parameters, to_float64
from sk_logreg._arrays import Vector
from sk_logreg._compat import check_sample_weight, import_pandas, naming
from sk_logreg._design import Clusters, Coordinates, Extremes, Rows, coordinates_of
from sk_logreg._design._clusters import numbered
from sk_logreg._design._observations import Observations
from sk_logreg._design._partition_data import (
    Finish,
    Layout,
    Number,
    Summarize,
    Summary,
)
from sk_logreg._design._partition_sources import client_of, groups_of, is_future
from sk_logreg._design._partition_tasks import (
    RowsTask,
    View,
    facts_part,
    matrix_of,
    not_finite_part,
    sizes_part,
)
from sk_logreg._design._partitioned_rows import (
    Facts,
    PartitionedRows,
    PartitionedVector,
    stacked,
)
from sk_logreg._design._partitions import Handle, Partitions
from sk_logreg._execution import ThreadExecutor
from sk_logreg._labels import encode_labels, shrinkage, weights_of_classes
from sk_logreg._problem import Data

# Number of rows that all partitions together offer for a look at a few, at least.
_LOOK_ROWS = 128
# A few rows are kept, spread over all.
_KEPT_ROWS = 64


def is_dask(value: Any) -> bool:
    """Return whether a value is a collection of dask, without importing dask."""
    package = type(value).__module__.partition(".")[0]
    return package in ("dask", "dask_expr") and hasattr(value, "__dask_graph__")


def _is_frame(value: Any) -> bool:
    """Return whether a dask collection is a data frame or a series."""
    return not hasattr(value, "chunks")


def _module(name: str) -> Any:
    """Return a module of dask, which has no types or incomplete ones."""
    return import_module(name)


class _Shape(NamedTuple):
    """What is known of X where the rows are not in memory."""

    shape: tuple[int, int]
    dtype: np.dtype[Any]


@dataclass(frozen=True, eq=False)
class PartitionedData(Data):
    """Validated data in partitions; `X` has a shape and a dtype alone."""

    partitions: Partitions | None = None
    states: tuple[Handle, ...] = ()
    finish: Finish | None = None
    facts: Facts | None = None
    scale: tuple[float, float] = (1.0, 1.0)
    observed: Observations | None = None
    grouped: tuple[list[Handle], NDArray[np.bool_]] | None = None
    has_features: bool = True

    def weight_scale(self) -> tuple[float, float]:
        """Return the largest weight, and the sum of all weights relative to it."""
        return self.scale

    def without_features(self) -> "PartitionedData":
        """Return the same with one feature, which is zero, in place of X."""
        assert self.facts is not None
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
        assert self.partitions is not None
        is_zero, sizes = not self.has_features, self.partitions.sizes
        return View(self.X.dtype, self.X.shape[1], sizes=sizes, is_zero=is_zero)

    def _over_x(self, function: Any, *args: Any) -> Any:
        """Return the sum of a function of the rows of each partition."""
        assert self.partitions is not None
        task = RowsTask(function, args, (), self._view, self.finish)
        [found], _ = self.partitions.run(task, self.states, read=True)
        return found

    def coordinates(
        self, *, centered: bool, penalized: bool, every_row: bool
    ) -> Coordinates | None:
        """Return the coordinates that X needs, see `coordinates_of`."""
        assert self.facts is not None
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
        assert self.partitions is not None
        assert self.facts is not None
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


# ----------------------------------------------------------------------------- a fit


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
        classes, signs = _classes(summaries, estimator.soft_labels)
        of_labels = _of_labels(summaries, signs)
        finish = self._finish(estimator, classes, signs, of_labels)
        counts, totals, lightest = of_labels.scaled(finish)
        if estimator.soft_labels or not lightest > 0.0:
            task = RowsTask(facts_part, finish=finish)
            (counts, totals, least), _ = self.partitions.run(task, self.raw)
            lightest = least.least
        has_soft_labels = finish.is_soft or finish.shrunk is not None
        facts = _facts(summaries, counts, totals, lightest, has_soft_labels)
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
        of_labels: "_OfLabels",
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
    given, dtype, n_features = _checked(estimator, given, reset=reset)
    everything, of_x, layout = _partitions(given, executor)
    n_look = int(np.clip(_LOOK_ROWS // len(everything), 2, _KEPT_ROWS))
    soft = estimator.soft_labels
    task = Summarize(layout, dtype, n_features, soft, n_look, weight)
    [summaries], raw = everything.run(task, read=True, keep=True)
    errors = [summary.error for summary in summaries if summary.error]
    if errors:
        raise ValueError(errors[0])
    of_x.meter = everything.meter
    return Looked(of_x, summaries, raw, dtype, n_features, "groups" in given)


def _checked(
    estimator: Any, given: dict[str, Any], *, reset: bool
) -> tuple[dict[str, Any], np.dtype[Any], int]:
    """Return the collections, one block of columns each, the dtype and n_features."""
    for name, value in given.items():
        if not is_dask(value):
            raise ValueError(
                f"{name} must be a dask collection, since others are, of the same "
                f"partitions; got {type(value).__name__}."
            )
        wanted = 2 if name == "X" else 1
        if value.ndim != wanted:
            raise ValueError(
                f"{name} must have {wanted} dimension{'s' * (wanted > 1)}, but has "
                f"{value.ndim}."
            )
    X = given["X"]
    dtype, n_features = check_features(estimator, X, reset=reset)
    if not _is_frame(X) and X.numblocks[1] > 1:
        given = given | {"X": X.rechunk({1: -1})}
    _check_partitions(given)
    return given, dtype, n_features


def check_features(estimator: Any, X: Any, *, reset: bool) -> tuple[np.dtype[Any], int]:
    """Check the columns of a dask X; return the type of its values and their number."""
    n_features = X.shape[1]
    if np.isnan(n_features):
        raise ValueError("X must have a known number of columns.")
    if n_features == 0:
        raise ValueError("X has 0 features, but at least 1 is required.")
    seen = X._meta if _is_frame(X) else np.empty((0, n_features))
    validate_data(estimator, seen, reset=reset, skip_check_array=True)
    dtypes = list(X.dtypes) if _is_frame(X) else [X.dtype]
    if any(getattr(dtype, "kind", "O") in "cmM" for dtype in dtypes):
        raise ValueError(f"X must hold real numbers, got {dtypes}.")
    known = all(isinstance(dtype, np.dtype) for dtype in dtypes)
    narrow = known and np.result_type(*dtypes) == np.float32
    return np.dtype(np.float32 if narrow else np.float64), int(n_features)


def _check_partitions(given: dict[str, Any]) -> None:
    """Raise a ValueError if the partitions of collections do not match."""
    X = given["X"]
    for name, value in given.items():
        if value.npartitions != X.npartitions:
            raise ValueError(
                f"{name} has {value.npartitions} partitions, but X has "
                f"{X.npartitions}. Give them the same: take them out of one data "
                "frame, or use rechunk or repartition."
            )
        if _is_frame(X) or _is_frame(value):
            continue
        wrong = [
            (i, a, b)
            for i, (a, b) in enumerate(zip(value.chunks[0], X.chunks[0], strict=True))
            if a != b and not (np.isnan(a) or np.isnan(b))
        ]
        if wrong:
            i, a, b = wrong[0]
            raise ValueError(
                f"Partition {i} of {name} has {a} rows, but that of X has {b}. Give "
                f"them the same chunks: {name}.rechunk((X.chunks[0],))."
            )


def _of_frames(function: Callable[..., Any], *frames: Any, **options: Any) -> Any:
    """Return a function of the partitions of data frames, in one expression.

    dask may divide frames of different columns, read from the same files, differently.
    """
    options |= {"align_dataframes": False, "enforce_metadata": False}
    return _module("dask.dataframe").map_partitions(function, *frames, **options)


def _packed(*blocks: Any) -> tuple[Any, ...]:
    """Return the partitions of data frames as one."""
    return blocks


def _partitions(
    given: dict[str, Any], executor: ThreadExecutor
) -> tuple[Partitions, Partitions, Layout]:
    """Return the partitions of all collections, and those of X alone.

    Partitions of data frames are taken out of one expression, see `_of_frames`.
    """
    get = _module("dask.base").get_scheduler(collections=list(given.values()))
    client = client_of(get)
    on_cluster = client is not None
    arrays = {name: value for name, value in given.items() if not _is_frame(value)}
    frames = {name: value for name, value in given.items() if _is_frame(value)}
    collections = dict(arrays)  # before the frames, see `_graph`
    if len(frames) > 1:
        values = list(frames.values())
        collections[""] = _of_frames(_packed, *values, meta=values[0]._meta)
    else:
        collections |= frames
    names = tuple(name for name in collections if name)
    layout = Layout(names, tuple(frames) if "" in collections else ())
    graph, keys = _graph(list(collections.values()), on_cluster)
    if len({len(k) for k in keys}) > 1:
        found = {n: len(k) for n, k in zip(collections, keys, strict=True)}
        raise ValueError(f"The partitions do not match: {found}.")
    of_each = [list(k) for k in zip(*keys, strict=True)]
    alone, [of_x] = _graph([given["X"]], on_cluster)
    if len(of_x) != len(of_each):  # alone, X would be divided differently
        alone = graph
        of_x = keys[list(collections).index("X" if "X" in collections else "")]
    groups = None
    if on_cluster:
        groups = groups_of(client, alone, of_x, 8.0 * (given["X"].shape[1] + 1) ** 2)
    return (
        Partitions(graph, of_each, get, executor, groups),
        Partitions(alone, [[k] for k in of_x], get, executor, groups),
        layout,
    )


def _graph(
    collections: list[Any], on_cluster: bool
) -> tuple[dict[Any, Any], list[list[Any]]]:
    """Return the optimized low-level graph of collections, and their blocks' keys."""
    graph: dict[Any, Any] = {}
    for collection in collections:  # optimized, persisted blocks may have no entry
        entries = dict(collection.__dask_graph__())
        graph |= {key: value for key, value in entries.items() if is_future(value)}
    closed = any(future.client.status != "running" for future in graph.values())
    if closed or (graph and not on_cluster):
        raise ValueError(
            "The data are persisted on a cluster whose client is closed, or is not the "
            "scheduler that dask is set to."
        )
    keys = _keys(collections)
    if not all(key in graph for some in keys for key in some):
        arrays = _module("dask").optimize(*(c for c in collections if not _is_frame(c)))
        frames = [c.optimize() for c in collections if _is_frame(c)]
        optimized = [*arrays, *frames]  # the frames, if any, were last
        keys = _keys(optimized)
        for collection in optimized:
            graph |= dict(collection.__dask_graph__())
    return graph, keys


def _keys(collections: list[Any]) -> list[list[Any]]:
    """Return the keys of the blocks of collections."""
    flatten = _module("dask.core").flatten
    return [list(flatten(c.__dask_keys__())) for c in collections]


@dataclass(frozen=True, eq=False)
class _OfLabels:
    """The sample weights of the two classes.

    Attributes
    ----------
    counts, least, largest, totals : ndarray of shape (2,)
        For each class, the number of rows of positive weight, the least sample weight
        of these, the largest, and the sum in units of `unit`.
    unit : float
        The largest sample weight.
    """

    counts: Vector
    least: Vector
    largest: Vector
    totals: Vector
    unit: float

    def scale(self, per_class: Vector | None, soft: bool) -> tuple[float, float]:
        """Return the largest weight, and the sum of all weights relative to it."""
        factors = np.ones(2) if per_class is None else per_class
        largest = float((factors * self.largest).max())
        if soft:  # a bound: a row has a part in both classes
            largest = float(factors.max() * self.unit)
        total = float(factors @ self.totals) * (self.unit / largest)
        return largest, total

    def scaled(self, finish: Finish) -> tuple[NDArray[np.int64], Vector, float]:
        """Return how many rows the classes have, their weights' sum, and the least.

        The weights are those of the fit. Some may be 0 if the least is.
        """
        factors = np.ones(2) if finish.per_class is None else finish.per_class
        largest, total = finish.scale
        totals = factors * self.totals * (self.unit / largest) / total
        some = self.counts > 0.0
        lightest = finish.scaled(factors[some] * self.least[some]).min()
        return self.counts.astype(np.int64), totals, float(lightest)


def _classes(
    summaries: list[Summary], soft: bool
) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Return the classes, and the signs of the two labels of each partition."""
    some = [summary for summary in summaries if summary.n_rows]
    if not some:
        raise ValueError("X and y have no rows, but at least 1 is required.")
    both = np.tile(np.array([-1, 1], dtype=np.int8), (len(summaries), 1))
    if soft:
        for kind, which in ((0, 0), (1, 1)):
            if not any(summary.soft[kind] for summary in some):
                raise ValueError(
                    "BinaryLogisticRegression needs both classes in y, but all soft "
                    f"labels are {which}."
                )
        return np.array([0, 1]), both
    with warnings.catch_warnings():
        # About many classes for the number of rows: these are the labels, each once.
        warnings.simplefilter("ignore", UserWarning)
        with naming("y"):
            classes, signs = encode_labels(np.concatenate([s.labels for s in some]))
    lengths = [len(s.labels) if s.n_rows else 0 for s in summaries]
    both[np.arange(2) < np.array(lengths)[:, None]] = signs
    return classes, both


def _of_labels(summaries: list[Summary], signs: NDArray[np.int8]) -> _OfLabels:
    """Return the sample weights of the two classes, over all partitions."""
    unit = max(summary.unit for summary in summaries if summary.n_rows)
    counts, largest, totals = np.zeros(2), np.zeros(2), np.zeros(2)
    least = np.full(2, np.inf)
    for summary, both in zip(summaries, signs, strict=True):
        if not summary.n_rows:
            continue
        kinds = (both[: len(summary.labels)] > 0).astype(np.intp)
        np.add.at(counts, kinds, summary.counts)
        np.minimum.at(least, kinds, summary.least)
        np.maximum.at(largest, kinds, summary.largest)
        np.add.at(totals, kinds, summary.totals * (summary.unit / unit))
    if not largest.any():
        raise ValueError("Sample weights must not all be 0.")
    return _OfLabels(counts, least, largest, totals, unit)


def _facts(
    summaries: list[Summary],
    counts: NDArray[np.int64],
    totals: Vector,
    lightest: float,
    has_soft_labels: bool,
) -> Facts:
    """Return what is known of all rows."""
    offsets = sum((summary.offset for summary in summaries), Extremes())
    has_offset = any(np.isfinite(s.offset.least) for s in summaries)
    look = stacked([s.look for s in summaries if s.n_rows])
    rows = np.linspace(0, look.shape[0] - 1, min(_KEPT_ROWS, look.shape[0]))
    stored = [s.stored for s in summaries if s.stored is not None]
    values, pairs = (
        (sum(k) for k in zip(*stored, strict=True)) if stored else (0.0, 0.0)
    )
    return Facts(
        np.cumsum([0, *(summary.n_rows for summary in summaries)]),
        counts,
        totals,
        lightest,
        offsets.size if has_offset else None,
        has_soft_labels,
        look[rows.astype(np.intp)],
        (values, pairs) if stored else None,
    )


# ----------------------------------------------------------------------- predictions


def _z(block: Any, *offset: Any, w: Vector, b: Any, kind: np.dtype[Any]) -> Vector:
    """Return wᵀx + b of the rows of a block, plus a block of an offset."""
    z = matrix_of(block, kind) @ w + b
    if not offset:
        return z
    added = to_float64(offset[0]).ravel()
    if added.shape != z.shape:
        raise ValueError(
            f"A partition of offset has {len(added)} rows, but that of X has {len(z)}."
        )
    return z + added


def _series(X: Any, *offset: Any, **options: Any) -> Any:
    """Return the same for blocks of data frames, as a series."""
    return import_pandas("dask.dataframe").Series(_z(X, *offset, **options), X.index)


def lazy_decision(estimator: Any, X: Any, w: NDArray[Any], b: Any, offset: Any) -> Any:
    """Return the linear predictions for a dask X as a dask array."""
    given = {"X": X} if offset is None else {"X": X, "offset": offset}
    given, dtype, _ = _checked(estimator, given, reset=False)
    wide = offset is not None or w.dtype == np.float64
    meta = np.empty(0, dtype=np.float64 if wide else dtype)
    options: Any = {"w": w, "b": b, "kind": dtype}
    if all(map(_is_frame, given.values())):
        series = import_pandas("dask.dataframe").Series(meta)
        frames = given.values()
        return _of_frames(_series, *frames, meta=series, **options).to_dask_array()
    X, *others = (
        value.to_dask_array() if _is_frame(value) else value for value in given.values()
    )
    options |= {"drop_axis": 1, "chunks": (X.chunks[0],), "meta": meta}
    return X.map_blocks(_z, *(other[:, None] for other in others), **options)


def per_row(
    function: Callable[..., NDArray[Any]],
    z: Any,
    *args: Any,
    dtype: np.dtype[Any] | None = None,
    n_columns: int | None = None,
) -> Any:
    """Return a function of z, lazily if z is a dask array.

    It has `n_columns` columns or, without, one dimension, and the type of z by default.
    """
    if not is_dask(z):
        return function(z, *args)
    shape: tuple[int, ...] = (0,) if n_columns is None else (0, n_columns)
    options: Any = {"meta": np.empty(shape, dtype=z.dtype if dtype is None else dtype)}
    if n_columns is not None:
        options |= {"new_axis": 1, "chunks": (z.chunks[0], (n_columns,))}
    return z.map_blocks(function, *args, **options)


# --------------------------------------------------------------------- a row per row


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Calls a function with the blocks of a partition by their names."""

    function: Callable[..., Any]
    layout: Layout

    def __call__(self, i: int, blocks: Any) -> Any:
        del i
        return self.function(**self.layout.blocks(blocks))


def delayed_parts(
    estimator: Any, given: dict[str, Any], function: Callable[..., Any]
) -> list[Any]:
    """Return a function of the blocks of collections, delayed, one per partition.

    `given` are X and others by name, with which the function is called.
    """
    given = {name: value for name, value in given.items() if value is not None}
    given, _, _ = _checked(estimator, given, reset=False)
    everything, _, layout = _partitions(given, ThreadExecutor())
    return everything.delayed(_Blocks(function, layout))


def lazy_frame(parts: list[Any], columns: Sequence[str], index: Any) -> Any:
    """Return a lazy data frame of float64, given its delayed partitions.

    `index` is an empty index of its type, or None for row numbers.
    """
    pandas, nothing = import_pandas("Inference"), np.empty((0, len(columns)))
    empty = pandas.DataFrame(nothing, index, list(columns))
    frames = _module("dask.dataframe")
    return frames.from_delayed(parts, meta=empty, verify_meta=False)
