"""Everything that has an entry per row: X, the labels, the weights, the offset."""

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design._base import Design
from sk_logreg._execution import ThreadExecutor


@dataclass(frozen=True)
class Extremes:
    """The least and the greatest of some numbers; those of several are added."""

    least: float = np.inf
    greatest: float = -np.inf

    @classmethod
    def of(cls, values: Vector) -> "Extremes":
        """Return the extremes of an array."""
        return cls(
            float(values.min(initial=np.inf)), float(values.max(initial=-np.inf))
        )

    def __add__(self, other: "Extremes") -> "Extremes":
        return Extremes(
            min(self.least, other.least), max(self.greatest, other.greatest)
        )

    @property
    def size(self) -> float:
        """The greatest absolute value, 0 of no numbers."""
        return max(-self.least, self.greatest, 0.0)


class RowVector:
    """A number per row of X, such as the margins at a point.

    It stays where the rows are. A solver passes it back to the objective it comes
    from and does not look into it; its sum and its extremes are numbers like others.
    """

    __slots__ = ("values",)

    def __init__(self, values: Vector):
        self.values = values

    def total(self) -> float:
        """Return the sum over all rows."""
        return float(self.values.sum())

    def dot(self, other: "RowVector") -> float:
        """Return the sum over all rows of the product with another row vector."""
        return float(self.values @ other.values)

    def extremes(self) -> Extremes:
        """Return the least and the greatest number."""
        return Extremes.of(self.values)

    def gather(self) -> Vector:
        """Return the numbers of all rows on this machine."""
        return self.values

    def take(self, rows: Indices | slice) -> "RowVector":
        """Return the numbers of some of the rows."""
        return RowVector(self.values[rows])

    def placed(self, rows: Indices | slice, n_rows: int) -> "RowVector":
        """Return these numbers at some of more rows, and 0 at the others."""
        values = np.zeros(n_rows)
        values[rows] = self.values
        return RowVector(values)


class RowPart(NamedTuple):
    """The entries of some rows, see `Rows`."""

    signs: NDArray[np.int8]
    weights: Vector
    offset: Vector | None
    p_other: Vector | None


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

    @cached_property
    def all_positive(self) -> bool:
        """Whether no weight is zero."""
        return bool(self.weights.min() > 0.0)

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
        weights: Vector,
        executor: ThreadExecutor,
        *,
        copied: bool = False,
    ) -> "Rows":
        """Return some of the rows, with other weights of sum one."""
        part = self.part(rows)._replace(weights=weights)
        return Rows(self.design.take(rows, executor, copied=copied), *part)
