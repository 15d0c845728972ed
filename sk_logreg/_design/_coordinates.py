"""Centers and units of columns whose values would otherwise cost digits."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_logreg._arrays import Vector
from sk_logreg._design._base import slices
from sk_logreg._design._costs import BLOCK_SIZES
from sk_logreg._tolerances import NOISE

# A column is centered if its mean exceeds this many standard deviations. A smaller mean
# costs at most two and a half digits of the Gram matrix.
_FAR_FROM_ZERO = 16.0
# A column is divided by a unit if its largest absolute value is outside these limits.
# Inside them, sums of squares neither overflow nor underflow.
_SMALLEST, _LARGEST = 2.0**-200, 2.0**200
# Units are powers of two with exponents up to this size, so that units and their
# reciprocals are normal numbers.
_LARGEST_EXPONENT = 1000
# Number of rows examined, and maximum number of values that they hold, unless these are
# fewer rows than the least number: in one or two rows, most columns look constant.
_ROWS, _MOST_VALUES, _LEAST_ROWS = 64, 1 << 17, 16
# Positions of the examined rows, in units of their mean distance. The distances vary,
# so that a periodic order of the rows does no harm.
_PLACES = np.arange(_ROWS) + np.arange(_ROWS) * 0.5 * (np.sqrt(5.0) - 1.0) % 1.0
# Centers are multiples of a power of two, about the standard deviation times two to
# this power. They have few digits, so that value minus center is exact.
_CENTER_DIGITS = -3


@dataclass(frozen=True, eq=False)
class Coordinates:
    """An affine change of the features and of the coefficients.

    The features become x̃ = (x - center) / unit, and the weights w̃ = unit · (w - c),
    with c the origin. The predictions are unchanged if the bias is
    b̃ = b + Σ center · w and Σ unit · c · x̃ is added to the offset.

    Attributes
    ----------
    centers : ndarray of shape (n_features,)
        0 for a column that is not centered.
    units : ndarray of shape (n_features,)
        Powers of two, so that division by them is exact.
    origin : ndarray of shape (n_features,) or None
        c, the weights at which w̃ is zero; None if c is zero.
    """

    centers: Vector
    units: Vector
    origin: Vector | None = None

    @classmethod
    def none(cls, n_features: int) -> "Coordinates":
        """Return the identity: all centers are 0, all units 1."""
        return cls(np.zeros(n_features), np.ones(n_features))

    def take(self, columns: Any) -> "Coordinates":
        """Return those of some features, for their values alone."""
        return Coordinates(self.centers[columns], self.units[columns])

    def inside(self, coef: Vector) -> Vector:
        """Return w̃ and b̃ (the bias last), given w and b."""
        w, bias = np.split(coef, [len(self.units)])
        moved = w if self.origin is None else w - self.origin
        return np.append(moved * self.units, bias + self.centers @ w)

    def outside(
        self,
        coef: Vector,
        dtype: Any = np.float64,
        bounds: tuple[Vector, Vector] | None = None,
    ) -> Vector:
        """Return w and b (the bias last), given w̃ and b̃.

        The weights are rounded to `dtype`, inward at bounds. The bias is computed from
        the rounded weights, and is rounded to float64.
        """
        w, bias = np.split(coef, [len(self.units)])
        w = w / self.units
        if self.origin is not None:
            w += self.origin
        w = w.astype(dtype)
        if bounds is not None:
            lower, upper = (bound.astype(dtype) for bound in bounds)
            lower = np.where(lower < bounds[0], np.nextafter(lower, np.inf), lower)
            upper = np.where(upper > bounds[1], np.nextafter(upper, -np.inf), upper)
            w = np.clip(w, lower.astype(dtype), upper.astype(dtype))
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
    all_sizes: Vector | None = None,
) -> Coordinates | None:
    """Return the coordinates that a design needs, or None if it needs none.

    They are computed from a few rows, spread over all rows: an approximate mean serves
    as well as the mean. NumPy's error state must ignore overflow.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n_samples, n_features)
        Validated features; values that are not finite are ignored.
    weights : ndarray of shape (n_samples,) or (1,)
        Rows of zero weight are ignored.
    centered : bool
        Whether columns may be centered, which requires a free bias.
    penalized : bool
        Whether there is a penalty. If so, units are large enough that the penalty
        divided by their squares does not overflow.
    every_row : bool, default=False
        Whether the largest values are those of all rows, not only of the few rows.
    all_sizes : ndarray of shape (n_features,), default=None
        The largest absolute value of each column in all rows, if X has not all rows.

    Returns
    -------
    Coordinates or None
    """
    rows = spread_rows(X, weights)
    look = _parts_of_sparse if sparse.issparse(X) else _parts_of_dense
    found = None
    for columns, values, sizes in look(X, rows, every_row):
        found = found or Coordinates.none(X.shape[1])
        largest = sizes if all_sizes is None else all_sizes[columns]
        units = found.units[columns] = _units(largest, penalized)
        if centered and len(values):
            found.centers[columns] = _centers(values / units) * units
    needed = found and ((found.units != 1.0).any() or found.centers.any())
    return found if needed else None


def _is_ordinary(values: Any) -> bool:
    """Return whether a quick test shows that columns need neither units nor centers.

    Most columns need none. The test takes half of the time of the full examination.
    """
    sums = np.add.reduce(values, axis=0)
    squares = np.einsum("ij,ij->j", values, values)
    # squared mean <= _FAR_FROM_ZERO² * variance, in terms of both sums.
    ratio = len(values) / (1.0 + _FAR_FROM_ZERO**-2)
    ordinary = (sums * sums <= ratio * squares) & (squares < _LARGEST**2)
    ordinary &= squares > _SMALLEST**2
    return bool(ordinary.all()) or not values[:, ~ordinary].any()  # or only zeros


def _parts_of_dense(
    X: Any, rows: Any, every_row: bool
) -> Iterator[tuple[Any, Any, Vector]]:
    """Yield groups of columns, their values in some rows, and their largest values.

    Groups whose columns pass the quick test are skipped.
    """
    n_features = X.shape[1]
    n_rows = X.shape[0] if isinstance(rows, slice) else len(rows)
    width = max(1, BLOCK_SIZES.weighted_bytes // (8 * n_rows))
    for columns in slices(0, n_features, width):
        values = X[:, columns][rows].astype(np.float64)
        if not every_row and _is_ordinary(values):
            continue
        every = X[:, columns] if every_row else values
        largest = np.maximum(every.max(axis=0), -every.min(axis=0))
        yield columns, values, largest.astype(np.float64, copy=False)


def _parts_of_sparse(
    X: Any, rows: Any, every_row: bool
) -> Iterator[tuple[Any, Any, Vector]]:
    """Yield the columns without zeros, and then the others, as for a dense X.

    Only columns without zeros may be centered. The values of the others are not needed,
    so none are yielded.
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


def _units(largest: Vector, penalized: bool) -> Vector:
    """Return the unit of each column."""
    extreme = (largest > _LARGEST) | ((largest < _SMALLEST) & (largest > 0.0))
    units = np.ones(len(largest))
    _, exponents = np.frexp(largest[extreme])
    least = -_LARGEST_EXPONENT // 2 if penalized else -_LARGEST_EXPONENT
    units[extreme] = np.ldexp(1.0, np.clip(exponents, least, _LARGEST_EXPONENT))
    return units


def _centers(values: Any) -> Vector:
    """Return the center of each column; `values` is overwritten."""
    # Relative to the first row, so that no digits cancel.
    first = values[0].copy()
    values -= first
    change = np.add.reduce(values, axis=0) / len(values)
    values -= change
    means = first + change
    variances = np.einsum("ij,ij->j", values, values) / len(values)
    squares = means * means
    far = squares > _FAR_FROM_ZERO**2 * variances
    centers = np.where(variances == 0.0, first, 0.0)
    # A column that is constant up to rounding is centered only if it is exactly so.
    far &= variances > NOISE**2 * squares
    digits = np.exp2(np.floor(0.5 * np.log2(variances[far]) + _CENTER_DIGITS))
    centers[far] = np.rint(means[far] / digits) * digits
    return np.where(np.isfinite(centers), centers, 0.0)


def spread_rows(X: Any, weights: Vector, most: int = _ROWS) -> NDArray[np.intp] | slice:
    """Return some of the rows of nonzero weight, spread over all of them."""
    n_rows, n_features = X.shape
    is_sparse = sparse.issparse(X)
    per_row = X.nnz / max(n_rows, 1) if is_sparse else n_features
    size = min(most, max(_LEAST_ROWS, int(_MOST_VALUES / max(per_row, 1))))
    weighted = None if weights.all() else np.flatnonzero(weights)
    length = n_rows if weighted is None else len(weighted)
    if length <= size:
        return slice(None) if weighted is None else weighted
    rows = (_PLACES[:size] * (length / size)).astype(np.intp)
    return rows if weighted is None else weighted[rows]
