"""Rows in partitions of dask collections, behind the interface of `Rows`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import _partition_tasks as tasks
from sk_logreg._design import _partition_vectors as vector_tasks
from sk_logreg._design import _products as products
from sk_logreg._design._clusters import Clusters
from sk_logreg._design._costs import Meter
from sk_logreg._design._map import Function, GroupSums, Result
from sk_logreg._design._partition_facts import Facts, PartitionedDimensions
from sk_logreg._design._partition_tasks import RowsTask, View
from sk_logreg._design._partitioned_vectors import (
    NOT_PARTITIONED,
    Later,
    PartitionedVector,
)
from sk_logreg._design._partitions import Handle, Partitions
from sk_logreg._design._rows import Rows
from sk_logreg._design._strata import Strata
from sk_logreg._design._vectors import RowVector
from sk_logreg._execution import ONE_THREAD, ThreadExecutor
from sk_logreg.losses import Loss


@dataclass
class _Memory:
    """What rows over all and over some columns share.

    Attributes
    ----------
    sample : _Gathered or None
        The last sample.
    keeps : bool
        Whether margins are kept, see `PartitionedRows.recomputing`.
    """

    sample: "_Gathered | None" = None
    keeps: bool = True


@dataclass
class _Gathered:
    """A sample of the rows in memory: their positions, ascending, X and the rest."""

    ids: Indices
    X: Any
    rows: Rows


class PartitionedRows(Rows):
    """Rows in partitions; see `Rows`. Row vectors stay with their partitions.

    Parameters
    ----------
    partitions : Partitions
        Those of X.
    states : list of handles
        Results that hold the `RowPart` of each partition or, with `finish`, what it
        takes to return that.
    """

    partitioned = True

    def __init__(
        self,
        partitions: Partitions,
        states: list[Handle],
        finish: tasks.Finisher | None,
        facts: Facts,
        view: View,
        memory: _Memory | None = None,
    ):
        self.partitions, self.states, self._finish = partitions, states, finish
        self._facts, self._view = facts, view
        self._memory = _Memory() if memory is None else memory
        set_ = object.__setattr__  # the base is frozen
        set_(self, "design", PartitionedDimensions(facts, view))

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    @property
    def starts(self) -> Indices:
        """The number of rows before each partition, and that of all rows."""
        return self._facts.starts

    @property
    def fits(self) -> bool:  # type: ignore[override]
        """Whether all rows have room in a sample."""
        return bool(self.design.is_small)  # type: ignore[attr-defined]

    def _refused(self) -> NoReturn:
        raise ValueError(NOT_PARTITIONED)

    # What would have an entry per row on this machine.
    signs = property(_refused)
    weights = property(_refused)
    offset = property(_refused)
    p_other = property(_refused)

    def new_meter(self) -> Meter:
        """Return the meter of the partitions."""
        return self.partitions.meter

    # ---------------------------------------------------------------------- the map

    def _run(
        self,
        function: Any,
        vectors: Sequence[RowVector],
        args: tuple[Any, ...],
        *,
        view: View | None = None,
        keep: bool = False,
        matrices: bool = False,
    ) -> tuple[list[Any], list[Handle]]:
        places = tuple(v.place for v in vectors)  # type: ignore[attr-defined]
        held = [v.handles for v in vectors]  # type: ignore[attr-defined]
        task = RowsTask(function, args, places, view, self._finish)
        read = view is not None and not view.is_zero
        options: Any = {"read": read, "keep": keep, "matrices": matrices}
        return self.partitions.run(task, self.states, *held, **options)

    def on_vectors(
        self,
        function: Any,
        vectors: Sequence[RowVector],
        args: tuple[Any, ...] = (),
        *,
        keep: bool = False,
    ) -> tuple[list[Any], list[Handle]]:
        """Apply a function of `_partition_tasks` to all rows of each partition."""
        return self._run(function, vectors, args, keep=keep)

    def _with_kept(
        self, sums: list[Any], origin: list[Handle] | Later, n_kept: int
    ) -> Result:
        """Return sums, and what is kept, whose extremes are the last of the sums."""
        n_sums = len(sums) - n_kept
        kept: list[RowVector] = [
            PartitionedVector(self, origin, k, extremes)
            for k, extremes in enumerate(sums[n_sums:])
        ]
        return sums[:n_sums], kept

    def read(
        self,
        executor: ThreadExecutor,
        function: Function,
        vectors: Sequence[RowVector] = (),
        args: tuple[Any, ...] = (),
        *,
        n_kept: int = 0,
        shape: tuple[int, ...] = (),
        for_gram: bool = False,
        of_point: bool = False,
    ) -> Result:
        del shape  # of rows in memory only
        inner = (function, args, n_kept, for_gram)
        later = of_point and n_kept > 0 and not self._memory.keeps
        options: Any = {"view": self._view, "matrices": for_gram}
        sums, handles = self._run(
            tasks.read_part, vectors, inner, keep=n_kept > 0 and not later, **options
        )
        origin = self._margins_later(executor, *args[:2]) if later else handles
        return self._with_kept(sums, origin, n_kept)

    def _margins_later(
        self, executor: ThreadExecutor, w: Vector | None, b: float
    ) -> Later:
        """Return what finds the margins at a point when they are asked for."""

        def of(rows: Rows) -> Sequence[RowVector]:
            return rows.read(executor, products.margins, (), (w, b), n_kept=1)[1]

        def keep() -> list[Handle]:
            self._memory.keeps = True
            [found] = of(self)
            assert isinstance(found, PartitionedVector)
            return found.handles

        return Later(keep, of)

    def scan(
        self,
        executor: ThreadExecutor,
        function: Function,
        vectors: Sequence[RowVector] = (),
        args: tuple[Any, ...] = (),
        *,
        n_kept: int = 0,
    ) -> Result:
        del executor
        inner = (function, args, n_kept)
        sums, handles = self._run(tasks.scan_part, vectors, inner, keep=n_kept > 0)
        return self._with_kept(sums, handles, n_kept)

    def read_groups(
        self,
        executor: ThreadExecutor,
        function: Function,
        group: RowVector,
        args: Sequence[Sequence[tuple[Any, ...]]],
        **options: Any,
    ) -> GroupSums:
        del executor
        inner = (function, args, options)
        [found], _ = self._run(
            tasks.groups_part, (group,), inner, view=self._view, matrices=True
        )
        sums: GroupSums = found
        return sums

    def gram_float32(self, curvature: RowVector, scale: Vector) -> NDArray[np.float32]:
        [total], _ = self._run(
            tasks.gram_float32_part,
            (curvature,),
            (scale,),
            view=self._view,
            matrices=True,
        )
        return np.asarray(total)

    def cluster_gram(self, u: RowVector, clusters: Clusters) -> Matrix:
        vectors, args = (u, clusters.codes), (clusters.spread,)
        sums, _ = self._run(
            tasks.cluster_gram_part, vectors, args, view=self._view, matrices=True
        )
        gram, of_spread = sums
        return np.asarray(gram + of_spread.sums.T @ of_spread.sums)

    def delayed(
        self,
        function: Function,
        args: tuple[Any, ...],
        n_kept: int,
        finish: Callable[..., Any],
    ) -> list[Any]:
        """Return what becomes of the row vectors of a map, delayed, one per partition.

        `finish` is called with the X of a partition, the number of the rows before it
        and the row vectors.
        """
        inner = RowsTask(
            tasks.read_part,
            (function, args, n_kept, False),
            (),
            self._view,
            self._finish,
        )
        task = tasks.FinishTask(inner, self.starts, finish)
        return self.partitions.delayed(task, self.states)

    # ------------------------------------------------------------ what is known of all

    @property
    def all_positive(self) -> bool:
        return int(self._facts.counts.sum()) == self.design.n_samples

    @property
    def lightest_weight(self) -> float:
        return self._facts.lightest

    @property
    def has_offset(self) -> bool:
        return self._facts.has_offset

    @property
    def has_soft_labels(self) -> bool:
        return self._facts.has_soft_labels

    def saturated_loss(self, executor: ThreadExecutor, loss: Loss) -> float:
        if not self.has_soft_labels:
            return 0.0
        [found], _ = self.scan(executor, products.saturated_loss, (), (loss,))
        return float(found)

    # ------------------------------------------------------------------ row vectors

    def weight_vector(self, factor: float | None = None) -> RowVector:
        def keep() -> list[Handle]:
            return self._run(vector_tasks.weights_part, (), (factor,), keep=True)[1]

        return PartitionedVector(
            self, Later(keep, lambda some: [some.weight_vector(factor)])
        )

    def above(
        self, limit: RowVector, curvature: RowVector, change: RowVector, most: int
    ) -> Indices | None:
        vectors, args = (limit, curvature, change), (self.starts, most)
        [found], _ = self._run(vector_tasks.above_part, vectors, args)
        rows: Indices = np.concatenate(found)
        return None if len(rows) > most else rows

    def placed(self, vector: RowVector, rows: Indices | slice) -> RowVector:
        if isinstance(rows, slice):
            return vector
        args = (self.starts, rows, vector.gather())
        _, handles = self._run(vector_tasks.placed_part, (), args, keep=True)
        return PartitionedVector(self, handles)

    def with_offset_at(self, margins: RowVector) -> "PartitionedRows":
        _, states = self._run(vector_tasks.offset_part, (margins,), (), keep=True)
        facts = replace(self._facts, has_offset=True)
        return PartitionedRows(self.partitions, states, None, facts, self._view)

    def with_weights(self, weights: RowVector) -> "PartitionedRows":
        found, states = self._run(vector_tasks.weighted_part, (weights,), (), keep=True)
        counts, totals, least = found
        facts = replace(self._facts, counts=counts, totals=totals, lightest=least.least)
        return PartitionedRows(self.partitions, states, None, facts, self._view)

    # -------------------------------------------------------------- some of the rows

    def take(
        self,
        rows: Indices,
        weights: Vector | None,
        executor: ThreadExecutor,
        *,
        copied: bool = False,
    ) -> Rows:
        """Return some of the rows, which are sorted, in the memory of this process."""
        where = self._places(rows)
        if where is None:
            held = self._gather(tasks.chosen, (rows,), self._with_rows(rows)).rows
        else:
            held = self._sample.rows
        if where is not None and len(where) < len(held.signs):
            taken = held.take(where, weights, executor, copied=copied)
        else:
            taken = held if weights is None else replace(held, weights=weights)
        chosen = self._view.chosen
        return taken if chosen is None else taken.columns(chosen)

    def sampled(self, rows: Indices) -> Rows | None:
        """Return some rows in memory if they are in the last sample."""
        if self._places(rows) is None:
            return None
        return self.take(rows, None, self.partitions.executor)

    @property
    def _sample(self) -> _Gathered:
        assert self._memory.sample is not None
        return self._memory.sample

    def _places(self, rows: Indices) -> Indices | None:
        """Return where sorted rows are in the last sample, None if not all are."""
        if self._memory.sample is None or not len(self._sample.ids):
            return None
        ids = self._sample.ids
        if np.array_equal(ids, rows):
            return np.arange(len(ids))
        where = np.searchsorted(ids, rows)
        known = ids[np.minimum(where, len(ids) - 1)]
        return where if np.array_equal(known, rows) else None

    def _with_rows(self, rows: Indices) -> list[int]:
        """Return the partitions that have some of the rows."""
        return np.unique(np.searchsorted(self.starts, rows, "right") - 1).tolist()

    def _gather(
        self, select: Any, args: tuple[Any, ...], only: list[int] | None = None
    ) -> _Gathered:
        """Return some rows, all columns, in the memory of this process."""
        view = replace(self._view, chosen=None)
        task = tasks.PieceTask(select, args, self.starts, view, self._finish)
        read = not view.is_zero
        sums, _ = self.partitions.run(
            task, self.states, read=read, only=only, apart=True
        )
        ids, blocks, *columns = zip(*sums[0], strict=True)
        X = stacked(blocks)
        part: Any = [None if c[0] is None else np.concatenate(c) for c in columns]
        return _Gathered(np.concatenate(ids), X, Rows(view.design(X), *part))

    def draw(self, sizes: Sequence[int]) -> Iterator[tuple[Indices, Vector]]:
        """Draw samples; the smaller ones are samples of the largest, which is read."""
        if not sizes:
            return
        counts, totals = self._facts.counts, self._facts.totals
        size = max(sizes)
        others = np.minimum(size // 2, counts[::-1])
        shares = np.minimum((size - others) / np.maximum(counts, 1), 1.0)
        found = self._gather(tasks.drawn, ((float(shares[0]), float(shares[1])),))
        self._memory.sample = found
        signs, weights = found.rows.signs, found.rows.weights.copy()
        for sign, total in zip((-1, 1), totals, strict=True):
            kind = signs == sign
            if kind.any():
                weights[kind] *= total / weights[kind].sum()
        weights /= weights.sum()  # one, unless a class was not drawn
        strata = Strata(signs, weights)
        for some in sizes:
            if some == size:
                yield found.ids, weights
            else:
                rows, drawn = strata.draw(some)
                yield found.ids[rows], drawn

    def dense(self, rows: Indices, columns: Indices) -> Matrix:
        if not len(rows):
            return np.empty((0, len(columns)))
        unique, inverse = np.unique(rows, return_inverse=True)
        found = self._gather(tasks.chosen, (unique,), self._with_rows(unique))
        return found.rows.dense(inverse, self._columns(columns))

    def spread(self, size: int, columns: Indices) -> Matrix:
        look = self._facts.look
        rows = np.linspace(0, look.shape[0] - 1, size).astype(np.intp)
        seen = replace(self._view, chosen=None).design(look)
        return seen.part(rows, self._columns(columns))

    def _columns(self, columns: Indices) -> Indices:
        """Return the positions of some of the columns in all of X."""
        return columns if self._view.chosen is None else self._view.chosen[columns]

    def recomputing(self) -> "PartitionedRows":
        """Return the same rows; the margins at a point are not kept at first.

        Those of a sample in memory follow from its rows. Those of all rows take a pass
        when they are asked for, after which they are kept.
        """
        memory = _Memory(self._memory.sample, keeps=False)
        return PartitionedRows(
            self.partitions, self.states, self._finish, self._facts, self._view, memory
        )

    def without_features(self) -> "PartitionedRows":
        view = View(np.dtype(np.float64), 1, is_zero=True)
        facts = self._facts.without_features()
        return PartitionedRows(self.partitions, self.states, self._finish, facts, view)

    def columns(
        self, columns: Indices, _executor: ThreadExecutor = ONE_THREAD, /
    ) -> "PartitionedRows":
        view = replace(self._view, chosen=self._columns(columns))
        return PartitionedRows(
            self.partitions, self.states, self._finish, self._facts, view, self._memory
        )


def stacked(pieces: Sequence[Any]) -> Any:
    """Return arrays or CSR matrices, one below the other."""
    if any(sparse.issparse(piece) for piece in pieces):
        return sparse.vstack(pieces, format="csr")
    return np.concatenate(pieces)
