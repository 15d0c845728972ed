"""Directions in which no margin falls and some rise, by linear programming."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import qr
from scipy.optimize import linprog

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._tolerances import DEPENDENT, NOISE

# The tolerance of linear programs: the finest that HiGHS accepts.
_LP_TOL = 1e-10
#: Margins below this cannot be told from 0 at that tolerance.
LP_RESOLUTION = 1e-7
_OPTIONS: Any = {
    "primal_feasibility_tolerance": _LP_TOL,
    "dual_feasibility_tolerance": _LP_TOL,
}


def row_tolerance(direction: Vector) -> float:
    """Return the rounding error of a unit row's product with a direction."""
    return float(NOISE * np.linalg.norm(direction))


def separating_direction(rows: Matrix, mean: Vector) -> Vector | None:
    """Return a direction d with rows @ d ≥ 0 and mean @ d > 0, None if there is none.

    The mean is that of these rows and some more. Columns that depend on others get no
    weight, since their own part is rounding error.
    """
    rows = np.vstack([rows, mean])
    triangle, pivots = qr(rows, mode="r", pivoting=True, check_finite=False)
    lengths = np.linalg.norm(rows, axis=0)[pivots]
    own = np.abs(triangle.diagonal())
    kept = np.sort(pivots[: len(own)][own > DEPENDENT * lengths[: len(own)]])
    rows, mean = rows[:, kept], mean[kept]
    direction = _max_mean_margin(rows, mean)
    if direction is not None and (rows @ direction).min() < -row_tolerance(direction):
        direction = _max_min_margin(rows, mean)
    if direction is None or (rows @ direction).min() < -row_tolerance(direction):
        return None
    full = np.zeros(len(lengths))
    full[kept] = direction
    return full


def _max_mean_margin(rows: Matrix, mean: Vector) -> Vector | None:
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
    # Rows on the hyperplane are on it to the tolerance of the program. Correct that.
    margins = rows @ direction
    on_it = np.abs(margins) <= LP_RESOLUTION
    corrected = direction - np.linalg.lstsq(rows[on_it], margins[on_it])[0]
    better = (rows @ corrected).min() >= -row_tolerance(corrected)
    return corrected if better and mean @ corrected > _LP_TOL else direction


def _max_min_margin(rows: Matrix, mean: Vector) -> Vector | None:
    """Maximize the least of rows @ d with mean @ d = 1, to working accuracy.

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
            break  # the direction so far may be good enough
        direction = direction + scale * found.x[:-1]
        scale *= LP_RESOLUTION
    return direction if direction.any() else None


def sparse_direction(
    rows: Matrix, strict: NDArray[np.bool_], n_columns: int
) -> Vector | None:
    """Minimize Σ|dⱼ| with rows @ d ≥ 1 for strict rows and ≥ 0 for others.

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
