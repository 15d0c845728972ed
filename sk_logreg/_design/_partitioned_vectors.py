"""Row vectors that stay with the partitions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design import _partition_vectors as tasks
from sk_logreg._design._partitions import Handle
from sk_logreg._design._rows import Rows
from sk_logreg._design._vectors import Extremes, RowVector

if TYPE_CHECKING:
    from sk_logreg._design._partitioned_rows import PartitionedRows

#: The message about what partitioned data have no implementation for.
NOT_PARTITIONED = (
    "This is not available for dask collections. Pass X, y and the other arguments as "
    "arrays in memory, such as X.compute()."
)


class PartitionedVector(RowVector):
    """A number per row, which stays with the partitions.

    Attributes
    ----------
    origin : list of handles, or Later
        One per group of partitions, of results that hold row vectors.
    place : int
        Which of the row vectors this is.
    """

    __slots__ = ("_extremes", "_rows", "origin", "place")

    def __init__(
        self,
        rows: "PartitionedRows",
        origin: "list[Handle] | Later",
        place: int = 0,
        extremes: Extremes | None = None,
    ):
        self._rows, self.origin, self.place = rows, origin, place
        self._extremes = extremes

    @property
    def handles(self) -> list[Handle]:
        """One per group of partitions, of results that hold row vectors."""
        return self.origin.handles if isinstance(self.origin, Later) else self.origin

    def _sum(self, function: Any, *others: RowVector, **options: Any) -> Any:
        [found], _ = self._rows.on_vectors(function, (self, *others), **options)
        return found

    def total(self) -> float:
        return float(self._sum(tasks.total_part))

    def dot(self, other: RowVector) -> float:
        return float(self._sum(tasks.dot_part, other))

    def squared(self) -> RowVector:
        _, handles = self._rows.on_vectors(tasks.squared_part, (self,), keep=True)
        return PartitionedVector(self._rows, handles)

    def extremes(self) -> Extremes:
        if self._extremes is None:
            self._extremes = self._sum(tasks.extremes_part)
        return self._extremes

    def lowest(self, most: int) -> tuple[Indices, Vector]:
        found = self._sum(tasks.lowest_part, args=(self._rows.starts, most))
        rows, values = (np.concatenate(some) for some in zip(*found, strict=True))
        order = np.argsort(values, kind="stable")[:most]
        return rows[order], values[order]

    def gather(self) -> NoReturn:
        raise ValueError(NOT_PARTITIONED)

    def take(self, rows: Indices | slice) -> RowVector:
        """Return the numbers of all rows, or gather those of some sorted rows."""
        if isinstance(rows, slice):
            assert rows == slice(None)
            return self
        if isinstance(self.origin, Later):
            sampled = self._rows.sampled(rows)
            if sampled is not None:
                return self.origin.of(sampled)[self.place]
        args = self._rows.starts, rows
        return RowVector(np.concatenate(self._sum(tasks.taken_part, args=args)))


@dataclass(frozen=True, eq=False)
class Later:
    """Row vectors that are found when they are asked for.

    Attributes
    ----------
    keep : callable
        Finds them for all rows, and returns handles.
    of : callable
        Returns those of some rows in memory.
    """

    keep: Callable[[], list[Handle]]
    of: Callable[[Rows], Sequence[RowVector]]

    @cached_property
    def handles(self) -> list[Handle]:
        """One per group of partitions, of results that hold row vectors."""
        return self.keep()
