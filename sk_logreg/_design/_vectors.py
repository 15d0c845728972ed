"""Row vectors, their extremes, and the entries of some rows."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector


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


@dataclass(frozen=True)
class Largest:
    """The largest of each of some numbers; those of several are added."""

    values: Vector

    def __add__(self, other: "Largest") -> "Largest":
        return Largest(np.maximum(self.values, other.values))


def lowest_of(values: Vector, most: int) -> tuple[Indices, Vector]:
    """Return the positions of the lowest numbers, the lowest first, and these."""
    some = np.arange(len(values))
    if most < len(values):
        some = np.argpartition(values, most)[:most]
    some = some[np.argsort(values[some], kind="stable")]
    return some, values[some]


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

    def squared(self) -> "RowVector":
        """Return the squares of the numbers."""
        return RowVector(np.square(self.values))

    def extremes(self) -> Extremes:
        """Return the least and the greatest number."""
        return Extremes.of(self.values)

    def lowest(self, most: int) -> tuple[Indices, Vector]:
        """Return the rows with the lowest numbers, the lowest first, and these."""
        return lowest_of(self.values, most)

    def gather(self) -> Vector:
        """Return the numbers of all rows on this machine."""
        return self.values

    def take(self, rows: Indices | slice) -> "RowVector":
        """Return the numbers of some of the rows."""
        return RowVector(self.values[rows])


class RowPart(NamedTuple):
    """The entries of some rows, see `Rows`."""

    signs: NDArray[np.int8]
    weights: Vector
    offset: Vector | None
    p_other: Vector | None

    def take(self, rows: slice) -> "RowPart":
        """Return the entries of some of the rows."""
        some = (None if part is None else part[rows] for part in self)
        return RowPart(*some)  # type: ignore[arg-type]
