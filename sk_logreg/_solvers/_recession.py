"""Directions in which no margin falls and some rise, by linear programming."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.optimize import linprog

from sk_logreg._design import Matrix, Vector

# What linear programs are solved to.
_LP_TOL = 1e-10
#: What that leaves undecided.
DOUBT = 1e-7
_OPTIONS: Any = {
    "primal_feasibility_tolerance": _LP_TOL,
    "dual_feasibility_tolerance": _LP_TOL,
}
# Part of a column that the others do not explain: below this share it is rounding.
_DEPENDENT = 1e-12
_EPS = float(np.finfo(np.float64).eps)


def rounding(direction: Vector) -> float:
    """Return what a unit row's product with a direction may be wrong by."""
    return float(64 * _EPS * np.linalg.norm(direction))


def separating_direction(rows: Matrix, mean: Vector) -> Vector | None:
    """Return a direction d with rows @ d ≥ 0 and mean @ d > 0, None if there is none.

    The mean is that of these rows and some more. Only columns that do not depend on
    others get a weight: what is left of those that do is rounding.
    """
    rows = np.vstack([rows, mean])
    triangle, pivots = qr(rows, mode="r", pivoting=True, check_finite=False)
    lengths = np.linalg.norm(rows, axis=0)[pivots]
    own = np.abs(triangle.diagonal())
    kept = np.sort(pivots[: len(own)][own > _DEPENDENT * lengths[: len(own)]])
    rows, mean = rows[:, kept], mean[kept]
    direction = _widest(rows, mean)
    if direction is not None and (rows @ direction).min() < -rounding(direction):
        direction = _least_wrong(rows, mean)
    if direction is None or (rows @ direction).min() < -rounding(direction):
        return None
    full = np.zeros(len(lengths))
    full[kept] = direction
    return full


def _widest(rows: Matrix, mean: Vector) -> Vector | None:
    """Maximize mean @ d over -1 ≤ d ≤ 1 with rows @ d ≥ 0."""
    found: Any = linprog(
        -mean,
        A_ub=-rows,
        b_ub=np.zeros(len(rows)),
        bounds=(-1.0, 1.0),
        options=_OPTIONS,
    )
    if found.x is None or mean @ found.x <= _LP_TOL:
        return None
    direction: Vector = found.x
    # Rows on the hyperplane are so to the tolerance of the program; now to rounding.
    margins = rows @ direction
    on_it = np.abs(margins) <= DOUBT
    corrected = direction - np.linalg.lstsq(rows[on_it], margins[on_it])[0]
    better = (rows @ corrected).min() >= -rounding(corrected)
    return corrected if better and mean @ corrected > _LP_TOL else direction


def _least_wrong(rows: Matrix, mean: Vector) -> Vector | None:
    """Maximize the least of rows @ d with mean @ d = 1, to rounding.

    The residuals, scaled up, are the right sides of the same program again
    (A. M. Gleixner, D. E. Steffy, K. Wolter, 2012, Improving the accuracy of linear
    programming solvers with iterative refinement, ISSAC, 187-194).
    """
    n_rows, n_columns = rows.shape
    direction, scale = np.zeros(n_columns), 1.0
    for _ in range(3):
        margins = rows @ direction
        least = margins.min()
        found: Any = linprog(
            np.append(np.zeros(n_columns), -1.0),
            A_ub=np.column_stack([-rows, np.ones(n_rows)]),
            b_ub=(margins - least) / scale,
            A_eq=np.append(mean, 0.0)[None, :],
            b_eq=[float(1.0 - mean @ direction) / scale],
            bounds=[(None, None)] * n_columns + [(None, (1.0 - least) / scale)],
            options=_OPTIONS,
        )
        if found.x is None:
            break  # what there is may be good enough
        direction = direction + scale * found.x[:-1]
        scale *= DOUBT
    return direction if direction.any() else None


def sparse_direction(
    rows: Matrix, strict: NDArray[np.bool_], n_columns: int
) -> Vector | None:
    """Minimize Σ|dⱼ| with rows @ d ≥ 1 where that is asked for and ≥ 0 elsewhere.

    The sum is over the first columns; one for the bias may follow. None if there is
    no such d, as where there is no column.
    """
    if not rows.shape[1]:
        return None
    first, bias = rows[:, :n_columns], rows[:, n_columns:]
    n_biases = bias.shape[1]
    found: Any = linprog(
        np.repeat([1.0, 0.0], [2 * n_columns, n_biases]),
        A_ub=-np.hstack([first, -first, bias]),
        b_ub=-strict.astype(float),
        bounds=[(0.0, None)] * (2 * n_columns) + [(None, None)] * n_biases,
        options=_OPTIONS,
    )
    if found.x is None:
        return None
    up, down, free = np.split(found.x, [n_columns, 2 * n_columns])
    return np.append(up - down, free)
