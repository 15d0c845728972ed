"""Centers and units of the columns, where the columns as they are would cost digits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_logreg._arrays import Vector
from sk_logreg._tolerances import EPS

# A column is centered if its mean exceeds this many standard deviations. Of the digits
# of a Gram matrix, one of fewer costs at most two and a half.
_FAR_FROM_ZERO = 16.0
# A column whose deviations are smaller shares of its mean is constant but for rounding
# and is not centered.
_NOISE = 64 * EPS
# Values are divided by a unit if a column's largest lies outside these limits: inside
# them, sums of squares neither overflow nor underflow.
_SMALLEST, _LARGEST = 2.0**-200, 2.0**200
# Units are powers of two, up to this one, of which both signs have a square root that
# is normal.
_LARGEST_EXPONENT = 1000
# Number of rows examined, and maximum number of values that they hold.
_ROWS, _MOST_VALUES = 64, 1 << 17
# Number of values per part in which columns are examined: allocating a larger array
# takes longer than using it.
_CHUNK_VALUES = 1 << 14
# Positions of these rows, in units of their mean distance. The distances vary, since
# rows may repeat with any period.
_PLACES = np.arange(_ROWS) + np.arange(_ROWS) * 0.5 * (np.sqrt(5.0) - 1.0) % 1.0
# A center is a multiple of the standard deviation times two to this power: it has few
# digits, so that the difference of a value and its center is exact.
_CENTER_DIGITS = -3


@dataclass(frozen=True, eq=False)
class Coordinates:
    """An affine change of the features and of the coefficients.

    The features become x̃ = (x - center) / unit, and the weights those relative to an
    origin c, w̃ = unit · (w - c). The prediction stays the same with the bias
    b̃ = b + Σ center · w and with Σ unit · c · x̃ added to the offset.

    Attributes
    ----------
    centers : ndarray of shape (n_features,)
        0 for a column that stays where it is.
    units : ndarray of shape (n_features,)
        Powers of two, so that dividing by them is exact.
    origin : ndarray of shape (n_features,) or None
        c, the weights at which w̃ is zero; None for zero weights.
    """

    centers: Vector
    units: Vector
    origin: Vector | None = None

    @classmethod
    def none(cls, n_features: int) -> "Coordinates":
        """Return the coordinates that change nothing."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def inside(self, coef: Vector) -> Vector:
        """Return w̃ and b̃ (the bias last), given w and b."""
        w, bias = np.split(coef, [len(self.units)])
        moved = w if self.origin is None else w - self.origin
        return np.append(moved * self.units, bias + self.centers @ w)

    def outside(self, coef: Vector, dtype: Any = np.float64) -> Vector:
        """Return w and b (the bias last), given w̃ and b̃.

        The weights are rounded to `dtype`. The bias belongs to the rounded weights, and
        is itself rounded to float64 only.
        """
        w, bias = np.split(coef, [len(self.units)])
        w = w / self.units
        if self.origin is not None:
            w += self.origin
        w = w.astype(dtype)
        moved = self.centers.astype(np.longdouble) @ w
        return np.append(w.astype(np.float64), (bias - moved).astype(np.float64))

    def apply(self, columns: Any, values: Any, out: Any = None) -> Any:
        """Return the values of some columns in these coordinates, in float64."""
        moved = np.subtract(values, self.centers[columns], out=out, dtype=np.float64)
        moved /= self.units[columns]
        return moved


def coordinates_of(
    X: Any,
    weights: Vector,
    *,
    centered: bool,
    penalized: bool,
    every_row: bool = False,
) -> Coordinates | None:
    """Return the coordinates that a design needs, None where it needs none.

    They are found from a few rows, spread over all of them: nearly the mean is as good
    as the mean. To be called where NumPy's error state ignores overflow.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Validated features; values that are not finite are passed over.
    weights : ndarray of shape (n_samples,) or (1,)
        Rows without weight do not count.
    centered : bool
        Whether columns may be centered, as they may where the bias is free.
    penalized : bool
        Whether there is a penalty. Then no unit is so small that the penalty, divided
        by its square, would overflow.
    every_row : bool, default=False
        Whether to look at all rows for values that are too large.

    Returns
    -------
    Coordinates or None
    """
    rows = _spread_rows(X, weights)
    look = _parts_of_sparse if sparse.issparse(X) else _parts_of_dense
    needed = []
    for columns, values, largest in look(X, rows, every_row):
        units = _units(largest, penalized)
        centers = None
        if centered and len(values):
            centers = _centers(values if units is None else values / units)
        if not (units is None and centers is None):
            needed.append((columns, units, centers))
    if not needed:
        return None
    found = Coordinates.none(X.shape[1])
    for columns, units, centers in needed:
        if units is not None:
            found.units[columns] = units
        if centers is not None:
            found.centers[columns] = centers * found.units[columns]
    return found


def _is_ordinary(values: Any) -> bool:
    """Return whether it is plain that columns need neither units nor centers.

    Most columns need none. This test takes half of the time of the full examination.
    """
    sums = np.add.reduce(values, axis=0)
    squares = np.einsum("ij,ij->j", values, values)
    # squared mean <= _FAR_FROM_ZERO² * variance, in terms of both sums.
    ratio = len(values) / (1.0 + _FAR_FROM_ZERO**-2)
    if not ((sums * sums <= ratio * squares).all() and squares.max() < _LARGEST**2):
        return False
    small = squares <= _SMALLEST**2
    return not (small.any() and values[:, small].any())


def _parts_of_dense(
    X: Any, rows: Any, every_row: bool
) -> Iterator[tuple[Any, Any, Vector]]:
    """Yield some columns at a time, their values in some rows, and the largest.

    But for columns that plainly need no coordinates.
    """
    n_features = X.shape[1]
    n_rows = X.shape[0] if isinstance(rows, slice) else len(rows)
    width = max(1, _CHUNK_VALUES // n_rows)
    for start in range(0, n_features, width):
        columns = slice(start, start + width)
        values = X[:, columns][rows].astype(np.float64)
        if not every_row and _is_ordinary(values):
            continue
        every = X[:, columns] if every_row else values
        largest = np.maximum(every.max(axis=0), -every.min(axis=0))
        yield columns, values, largest.astype(np.float64, copy=False)


def _parts_of_sparse(
    X: Any, rows: Any, every_row: bool
) -> Iterator[tuple[Any, Any, Vector]]:
    """Yield the columns without zeros, which alone can be far from zero, and others.

    Of the others the values are not needed.
    """
    n_features, some = X.shape[1], X[rows]
    stored = X if every_row else some
    largest = np.zeros(n_features)
    np.maximum.at(largest, stored.indices, np.abs(stored.data))
    full = np.bincount(some.indices, minlength=n_features) >= some.shape[0]
    columns = np.flatnonzero(full)
    values = some[:, columns].toarray().astype(np.float64)
    yield columns, values, largest[columns]
    yield (
        np.flatnonzero(~full),
        np.empty((0, n_features - len(columns))),
        largest[~full],
    )


def _units(largest: Vector, penalized: bool) -> Vector | None:
    """Return the unit of each column, None where all are one."""
    extreme = (largest > _LARGEST) | ((largest < _SMALLEST) & (largest > 0.0))
    if not extreme.any():
        return None
    units = np.ones(len(largest))
    _, exponents = np.frexp(largest[extreme])
    least = -_LARGEST_EXPONENT // 2 if penalized else -_LARGEST_EXPONENT
    units[extreme] = np.ldexp(1.0, np.clip(exponents, least, _LARGEST_EXPONENT))
    return units


def _centers(values: Any) -> Vector | None:
    """Return the center of each column, None where all are zero.

    Overwrites the values.
    """
    # From the first row on, so that no digits cancel.
    first = values[0].copy()
    values -= first
    change = np.add.reduce(values, axis=0) / len(values)
    values -= change
    means = first + change
    variances = np.einsum("ij,ij->j", values, values) / len(values)
    squares = means * means
    far = squares > _FAR_FROM_ZERO**2 * variances
    if not far.any():
        return None
    centers = np.where(variances == 0.0, first, 0.0)
    far &= variances > _NOISE**2 * squares
    digits = np.exp2(np.floor(0.5 * np.log2(variances[far]) + _CENTER_DIGITS))
    centers[far] = np.rint(means[far] / digits) * digits
    return np.where(np.isfinite(centers), centers, 0.0)


def _spread_rows(X: Any, weights: Vector) -> NDArray[np.intp] | slice:
    """Return some of the rows that have a weight, spread over all of them."""
    n_rows, n_features = X.shape
    size = max(1, min(_ROWS, _MOST_VALUES // n_features))
    weighted = None if weights.all() else np.flatnonzero(weights)
    length = n_rows if weighted is None else len(weighted)
    if length <= size:
        return slice(None) if weighted is None else weighted
    rows = (_PLACES[:size] * (length / size)).astype(np.intp)
    return rows if weighted is None else weighted[rows]
