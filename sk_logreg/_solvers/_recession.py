"""Directions in which no margin falls and some rise, by linear programming."""

import numpy as np
from scipy.linalg import qr
from scipy.optimize import linprog

from sk_logreg._design import Matrix, Vector

# What linear programs are solved to, and what that leaves undecided.
_LP_TOL = 1e-10
_LP_DOUBT = 1e-7
_OPTIONS = {
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

    Of all rows the mean is that of some more. Only columns that do not depend on
    others get a weight: what is left of those that do is rounding.
    """
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
    found = linprog(
        -mean, A_ub=-rows, b_ub=np.zeros(len(rows)), bounds=(-1.0, 1.0), options=_OPTIONS
    )
    if found.x is None or mean @ found.x <= _LP_TOL:
        return None
    direction: Vector = found.x
    # Rows on the hyperplane are so to the tolerance of the program; now to rounding.
    margins = rows @ direction
    on_it = np.abs(margins) <= _LP_DOUBT
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
        found = linprog(
            np.append(np.zeros(n_columns), -1.0),
            A_ub=np.column_stack([-rows, np.ones(n_rows)]),
            b_ub=(margins - least) / scale,
            A_eq=np.append(mean, 0.0)[None, :],
            b_eq=[(1.0 - mean @ direction) / scale],
            bounds=[(None, None)] * n_columns + [(None, (1.0 - least) / scale)],
            options=_OPTIONS,
        )
        if found.x is None:
            return None
        direction = direction + scale * found.x[:-1]
        scale *= _LP_DOUBT
    return direction
