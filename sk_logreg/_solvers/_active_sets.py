"""Minimize several convex quadratics with L1 terms and bounds together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._tolerances import TINY

# Maximum number of active sets that are tried. Few problems near their solutions take
# more than four.
_MAX_SETS = 4
# So few problems take less time one by one.
_FEW = 2


def minimize_quadratics(
    hessians: NDArray[np.float64],
    slopes: Matrix,
    l1: Matrix,
    lower: Vector,
    upper: Vector,
    starts: Matrix,
) -> Matrix:
    """Minimize ½ uᵀHu + gᵀu + Σ λⱼ|uⱼ| over lower ≤ u ≤ upper, for each H, g and λ.

    By primal-dual active sets, which are semismooth Newton steps [1]_: an active set is
    that of the coordinates that a step by the diagonal of H, shrunk by the L1 term,
    leads neither to a kink nor to a bound. Over it, with the signs that it leads to, a
    linear system is solved, and the others stay at their kinks and bounds. That ends
    where the set and the signs do not change. It is quick from starts near the
    solutions, but may cycle. `minimize_quadratic` solves the problems left over.

    Parameters
    ----------
    hessians : ndarray of shape (n, p, p)
    slopes, l1, starts : ndarray of shape (n, p)
    lower, upper : ndarray of shape (p,)

    Returns
    -------
    ndarray of shape (n, p)

    References
    ----------
    .. [1] M. Hintermüller, K. Ito, K. Kunisch (2002). The primal-dual active set
       strategy as a semismooth Newton method. SIAM Journal on Optimization 13(3),
       865-888.
    """
    u, kinked = np.clip(starts, lower, upper), l1 > 0.0
    left, target = np.arange(len(u)), u
    for _ in range(_MAX_SETS):
        if len(left) <= _FEW:
            break
        matrix, slope, sizes = hessians[left], slopes[left], l1[left]
        bent = kinked[left]
        free = _free(target, bent, lower, upper)
        signs, fixed = np.sign(target) * bent, np.where(free, 0.0, target)
        rhs = -slope - signs * sizes - products(matrix, fixed)
        rhs = np.where(free, rhs, fixed)
        pairs = free[:, :, None] & free[:, None, :]
        block = np.where(pairs, matrix, np.eye(u.shape[1]))
        try:
            solved: Any = np.linalg.solve(block, rhs[..., None])
        except np.linalg.LinAlgError:
            break
        u[left] = found = np.where(free, solved[..., 0], fixed)
        diagonal = np.maximum(matrix.diagonal(axis1=1, axis2=2), TINY)
        target = found - (slope + products(matrix, found)) / diagonal
        shrunk = np.maximum(np.abs(target) - sizes / diagonal, 0.0)
        target = np.clip(np.sign(target) * shrunk, lower, upper)
        inside = _free(target, bent, lower, upper)
        same = np.where(free, np.sign(target) * bent == signs, target == fixed)
        moving = ~(same & (free == inside)).all(axis=1)
        left, target = left[moving], target[moving]
    for k in left:
        parts = hessians[k], slopes[k], l1[k], lower, upper, starts[k]
        u[k] = minimize_quadratic(*parts).u
    return u


def _free(
    u: Matrix, kinked: NDArray[np.bool_], lower: Vector, upper: Vector
) -> NDArray[np.bool_]:
    """Return which coordinates are at neither a kink nor a bound."""
    return (lower < u) & (u < upper) & ((u != 0.0) | ~kinked)


def products(matrices: NDArray[np.float64], vectors: Matrix) -> Matrix:
    """Return the product of each matrix with its vector."""
    return (matrices @ vectors[..., None])[..., 0]
