"""Everything that has an entry per row: X, the labels, the weights, the offset."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import _map
from sk_logreg._design import _products as products
from sk_logreg._design._base import Design
from sk_logreg._design._clusters import Clusters, cluster_gram
from sk_logreg._design._costs import Meter
from sk_logreg._design._dense import DenseDesign
from sk_logreg._design._map import Function, GroupSums
from sk_logreg._design._strata import Strata
from sk_logreg._design._vectors import RowPart, RowVector
from sk_logreg._execution import ONE_THREAD, ThreadExecutor
from sk_logreg.losses import Loss


@dataclass(frozen=True, eq=False)
class Rows:
    """X together with all else that has an entry per row; the offset is added to z.

    The sign of a row is 1 if its label, or with soft labels its more probable label, is
    the positive one, and -1 otherwise. The weights, sample weight times class weight,
    are scaled to a sum of one. With soft labels, `p_other` is the probability of the
    other label, in [0, ½].
    """

    design: Design
    signs: NDArray[np.int8]
    weights: Vector
    offset: Vector | None = None
    p_other: Vector | None = None

    # ---------------------------------------------------------------------- the map

    # Methods whose first argument is the rows.
    read, scan, gram_float32 = _map.read, _map.scan, _map.gram_float32

    def read_groups(
        self,
        executor: ThreadExecutor,
        function: Function,
        group: RowVector,
        args: Sequence[Sequence[tuple[Any, ...]]],
        **options: Any,
    ) -> GroupSums:
        """Return sums over the rows of each group, in one pass over X.

        `group` holds the number of the group of each row, and ``args[k]`` the arguments
        of each call of the function for the rows of group k, which are copied. The
        options are those of `read`; no row vector is kept.
        """
        order = np.argsort(group.values, kind="stable")
        edges = np.searchsorted(group.values[order], np.arange(len(args) + 1))
        found = GroupSums()
        for k, (start, stop) in enumerate(pairwise(edges)):
            if start == stop:
                continue
            rows = self.take(order[start:stop], None, executor, copied=True)
            for j, given in enumerate(args[k]):
                found[k, j], _ = rows.read(executor, function, (), given, **options)
        return found

    def cluster_gram(self, u: RowVector, clusters: Clusters) -> Matrix:
        """Return the Gram matrix of Xᵀ u over each cluster, and u for the bias last.

        In one pass over X.
        """
        gram, _ = cluster_gram(self, u.values, clusters.codes.values, clusters.spread)
        return gram

    # ------------------------------------------------------------ what is known of all

    #: Whether the rows are in partitions, outside the memory of this process.
    partitioned: ClassVar[bool] = False
    #: Whether all rows have room in memory.
    fits: ClassVar[bool] = True

    def new_meter(self) -> Meter:
        """Return a meter of the passes over these rows."""
        return Meter()

    @cached_property
    def all_positive(self) -> bool:
        """Whether no weight is zero."""
        return bool(self.weights.min() > 0.0)

    @property
    def lightest_weight(self) -> float:
        """The smallest weight that is not zero."""
        return float(self.weights.min(where=self.weights > 0.0, initial=np.inf))

    @property
    def has_offset(self) -> bool:
        """Whether there is an offset."""
        return self.offset is not None

    @property
    def has_soft_labels(self) -> bool:
        """Whether some label is a probability between 0 and 1."""
        return self.p_other is not None

    def saturated_loss(self, executor: ThreadExecutor, loss: Loss) -> float:
        """Return the mean loss where each prediction is the label."""
        del executor
        every = self.part(slice(None))
        return float(products.saturated_loss(every, loss)[0])

    # ------------------------------------------------------------------ row vectors

    def weight_vector(self, factor: float | None = None) -> RowVector:
        """Return the weights, times a factor if one is given."""
        return RowVector(self.weights if factor is None else factor * self.weights)

    def above(
        self, limit: RowVector, curvature: RowVector, change: RowVector, most: int
    ) -> Indices | None:
        """Return the rows with |curvature · change| above a limit; None if too many."""
        part = curvature.values * np.abs(change.values)
        rows = np.flatnonzero(part > limit.values)
        return None if len(rows) > most else rows

    def placed(self, vector: RowVector, rows: Indices | slice) -> RowVector:
        """Return the numbers of a vector of some of the rows, and 0 at the others."""
        values = np.zeros(self.design.n_samples)
        values[rows] = vector.values
        return RowVector(values)

    def with_offset_at(self, margins: RowVector) -> "Rows":
        """Return the rows with the z of these margins as the offset."""
        return replace(self, offset=self.signs * margins.values)

    def with_weights(self, weights: RowVector) -> "Rows":
        """Return the rows with other weights."""
        return replace(self, weights=weights.values)

    # -------------------------------------------------------------- some of the rows

    def part(self, rows: slice | Indices) -> RowPart:
        """Return the entries of some rows."""
        offset, p_other = self.offset, self.p_other
        return RowPart(
            self.signs[rows],
            self.weights[rows],
            None if offset is None else offset[rows],
            None if p_other is None else p_other[rows],
        )

    def take(
        self,
        rows: Indices,
        weights: Vector | None,
        executor: ThreadExecutor,
        *,
        copied: bool = False,
    ) -> "Rows":
        """Return some of the rows, with other weights of sum one if any are given."""
        part = self.part(rows)
        if weights is not None:
            part = part._replace(weights=weights)
        return Rows(self.design.take(rows, executor, copied=copied), *part)

    def draw(self, sizes: Sequence[int]) -> Iterator[tuple[Indices, Vector]]:
        """Draw samples of about these sizes, with weights of sum one; see `Strata`."""
        strata = Strata(self.signs, self.weights)
        for size in sizes:
            yield strata.draw(size)

    def dense(self, rows: Indices, columns: Indices) -> Matrix:
        """Return some columns of some rows of X, copied, dense."""
        return self.design.part(rows, columns)

    def spread(self, size: int, columns: Indices) -> Matrix:
        """Return some columns of a few rows, spread over all of them, dense."""
        rows = np.linspace(0, self.design.n_samples - 1, size).astype(np.intp)
        return self.dense(rows, columns)

    def without_features(self) -> "Rows":
        """Return the rows with one feature, which is zero, in place of all others."""
        return replace(self, design=DenseDesign(np.zeros((self.design.n_samples, 1))))

    def columns(
        self, columns: Indices, executor: ThreadExecutor = ONE_THREAD, /
    ) -> "Rows":
        """Return the rows over some of the features."""
        return replace(self, design=self.design.columns(columns, executor))
