"""Minimize a convex quadratic with an L1 term and bounds by an active-set method."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._solvers._factors import Factor, factor
from sk_logreg._tolerances import EPS, TINY, negligible

Mask = NDArray[np.bool_]

# Maximum number of steps.
_MAX_STEPS = 500
# A step frees at most as many coordinates as are free already, or this many. From a
# start at 0 this keeps the active set from growing far beyond its final size.
_MIN_ADDED = 32
# Shares of the decrease that Newton's step predicts. A step that reaches less than the
# first is computed again with fewer coordinates, if possible; else no coordinate is
# freed until a step is full. Coordinates are freed only after a step that reaches the
# second.
_ACCEPTED, _SUFFICIENT = 0.1, 0.5
# Maximum number of points of a projected path at which the quadratic is evaluated.
_MAX_TRIALS = 8
# The ridge of a factored matrix in units of `negligible`, and its growth where the
# matrix stays indefinite. Above 1, so that `factor` does not find the matrix singular.
_RIDGE, _RIDGE_GROWTH = 4.0, 100.0
# An error up to this share of the sum of the sizes of its terms counts as zero.
_ROUNDING = 8 * EPS


@dataclass(frozen=True)
class QuadraticSolution:
    """A point, and how well it satisfies the optimality conditions.

    Attributes
    ----------
    u : ndarray of shape (p,)
        The point. Zeros and bounds are exact.
    free : ndarray of shape (p,), bool
        Whether a coordinate is neither at a kink nor at a bound, and has curvature.
    residual : float
        ‖D^½ (u − prox(u − D⁻¹ (H u + g)))‖, D the diagonal of H: 0 at a minimum.
    solved : bool
        Whether the residual is as small as was asked for, or is rounding error.
    n_factorizations : int
        The number of matrices factored.
    """

    u: Vector
    free: Mask
    residual: float
    solved: bool
    n_factorizations: int


def minimize_quadratic(
    hessian: Matrix,
    slope: Vector,
    l1: Vector,
    lower: Vector,
    upper: Vector,
    start: Vector,
    *,
    tol: float = 0.0,
) -> QuadraticSolution:
    """Minimize ½ uᵀHu + gᵀu + Σ λⱼ|uⱼ| over lower ≤ u ≤ upper.

    Each step is Newton's over the active set: the free coordinates, and of the others
    those that violate the optimality conditions most, as a proximal gradient step tells
    [1]_. Within the orthant of the signs of u the function is a quadratic with bounds.
    The step is projected onto that orthant [2]_ [3]_, and shortened where that makes
    the function fall more. From a start near the solution, with its signs, one step is
    exact.

    No step increases the function. A projected step may fail to decrease it, but only
    if it presses coordinates against their bounds. These are removed from the active
    set, and the step over the others is a descent direction. It ends at the minimum
    over the free coordinates, or moves at least one of them to a kink or a bound. If it
    still reaches only a small share of the decrease that Newton's step predicts, no
    coordinate is freed until that minimum is reached. So either the predicted decrease
    tends to 0, or the method passes minima over sets of free coordinates, of falling
    values, of which there are finitely many.

    Parameters
    ----------
    hessian : ndarray of shape (p, p)
        H, symmetric and positive semidefinite up to rounding.
    slope : ndarray of shape (p,)
        g, the gradient of the quadratic at 0.
    l1 : ndarray of shape (p,)
        λ ≥ 0, where 0 stands for no kink.
    lower, upper : ndarray of shape (p,)
        The bounds, which may be infinite, or equal. They need not include 0.
    start : ndarray of shape (p,)
        The first point, which is clipped to the bounds.
    tol : float, default=0.0
        The residual at which to stop, as a share of the residual at `start`. 0 asks for
        a solution to rounding error.

    Returns
    -------
    QuadraticSolution

    Notes
    -----
    No decision depends on the units of the coordinates. The matrices that are factored
    get a ridge ε D, where ε is about the rounding error of a factor, so that they may
    be singular. That makes a step one of the proximal point method [4]_: repeated, it
    minimizes the function without the ridge. Along a direction without curvature u
    stays where it is, unless the function falls along it to a kink or a bound.

    References
    ----------
    .. [1] M. Hintermüller, K. Ito, K. Kunisch (2003). The primal-dual active set
       strategy as a semismooth Newton method. SIAM Journal on Optimization 13(3),
       865-888.
    .. [2] D. P. Bertsekas (1982). Projected Newton methods for optimization problems
       with simple constraints. SIAM Journal on Control and Optimization 20(2), 221-246.
    .. [3] G. Andrew, J. Gao (2007). Scalable training of L1-regularized log-linear
       models. ICML, 33-40.
    .. [4] R. T. Rockafellar (1976). Monotone operators and the proximal point
       algorithm. SIAM Journal on Control and Optimization 14(5), 877-898.
    """
    problem = _Problem(hessian, slope, l1, lower, upper).with_flat_fixed(start)
    u = np.clip(start, problem.lower, problem.upper)
    block, n_factorizations = None, 0
    first, last, falls, grow = 0.0, np.inf, True, True
    for n_steps in range(_MAX_STEPS + 1):
        gradient = slope + problem.product(u)
        error, wrong = problem.errors(u, gradient)
        residual = float(np.linalg.norm(error))
        first = first or residual
        free = problem.free(u)
        solved = residual <= tol * first or not wrong.any()
        added = wrong & ~free & (grow or not free.any())
        # A second full step on the same set corrects rounding errors. What it does not
        # reduce is the slope along directions without curvature.
        settled = residual > 0.5 * last and not added.any()
        if solved or settled or n_steps == _MAX_STEPS or not np.isfinite(residual):
            break
        limit = max(_MIN_ADDED, int(np.count_nonzero(free)))
        active = np.flatnonzero(free | _largest(np.abs(error), added, limit))
        signs = np.where(u == 0.0, np.sign(error), np.sign(u))
        while True:
            if block is None or not np.array_equal(block.active, active):
                block = _Block.of(hessian, active)
                n_factorizations += 1
            step = _step(problem, block, u, gradient, signs)
            if step.share >= _ACCEPTED or not step.blocked.any():
                break
            active = active[~step.blocked]
        u[active] = step.end
        falls = step.full or (falls and step.share >= _ACCEPTED)
        grow = falls and step.share >= _SUFFICIENT
        last = residual if step.full else np.inf
    return QuadraticSolution(u, free, residual, solved, n_factorizations)


@dataclass(frozen=True)
class _Problem:
    """The function that is minimized, and its bounds."""

    hessian: Matrix
    slope: Vector
    l1: Vector
    lower: Vector
    upper: Vector

    @cached_property
    def diagonal(self) -> Vector:
        """D, or 1 where that is 0: times its root, the coordinates have no units."""
        diagonal = self.hessian.diagonal()
        return np.where(diagonal > 0.0, diagonal, 1.0)

    def with_flat_fixed(self, start: Vector) -> "_Problem":
        """Fix the coordinates without curvature where the function is minimal.

        It is linear in them. They stay at the start where it is constant or unbounded.
        """
        flat = self.hessian.diagonal() <= 0.0
        if not flat.any():
            return self
        rises, falls = self.slope > self.l1, self.slope < -self.l1
        end = np.where(rises, self.lower, np.where(falls, self.upper, 0.0))
        stays = ~np.isfinite(end) | ((self.slope == 0.0) & (self.l1 == 0.0))
        end = np.clip(np.where(stays, start, end), self.lower, self.upper)
        lower, upper = np.where(flat, end, self.lower), np.where(flat, end, self.upper)
        return replace(self, lower=lower, upper=upper)

    def product(self, u: Vector) -> Vector:
        """Return H u, from the rows of H where u is not 0 if these are few."""
        support = np.flatnonzero(u)
        if 2 * len(support) > len(u):
            return self.hessian @ u
        return u[support] @ self.hessian[support]

    def errors(self, u: Vector, gradient: Vector) -> tuple[Vector, Mask]:
        """Return the proximal gradient step in the metric of D, times D^½.

        Also which coordinates it moves, beyond rounding; those that are not a number
        count as well.
        """
        diagonal, root = self.diagonal, np.sqrt(self.diagonal)
        total = np.sqrt(self.hessian.diagonal()) @ np.abs(u)
        rounding = _ROUNDING * (
            total / root + (np.abs(self.slope) + self.l1) / diagonal
        )
        moved = u - gradient / diagonal
        end = self._proximal(moved)
        low, high = self._proximal(moved - rounding), self._proximal(moved + rounding)
        return root * (end - u), ~((low <= u) & (u <= high))

    def _proximal(self, moved: Vector) -> Vector:
        """Return where ½ D (u - moved)² plus the L1 term is least, between bounds."""
        shrunk = moved - np.minimum(np.maximum(moved, -self.shrinkage), self.shrinkage)
        return np.minimum(np.maximum(shrunk, self.lower), self.upper)

    @cached_property
    def shrinkage(self) -> Vector:
        """By how much the L1 term shrinks a coordinate, given its curvature."""
        return self.l1 / self.diagonal

    def free(self, u: Vector) -> Mask:
        """Return whether each coordinate is neither at a kink nor at a bound."""
        inside = (self.lower < u) & (u < self.upper)
        return inside & ((u != 0.0) | (self.l1 == 0.0))


@dataclass(frozen=True)
class _Block:
    """The rows and columns of H of the active set, with a ridge, and their factor."""

    active: Indices
    matrix: Matrix
    ridge: Vector
    factor: Factor

    @classmethod
    def of(cls, hessian: Matrix, active: Indices) -> "_Block":
        matrix = hessian[active][:, active]
        diagonal = matrix.diagonal().copy()
        share = _RIDGE * negligible(len(active))
        while True:
            ridge = share * diagonal
            np.fill_diagonal(matrix, diagonal + ridge)
            factored = factor(matrix)
            if factored is not None and not factored.singular:
                return cls(active, matrix, ridge, factored)
            share *= _RIDGE_GROWTH

    def without_flat(self, step: Vector) -> Vector:
        """Return (H + R)⁻¹ H times a step, R the ridge: 0 where H has no curvature."""
        return step - self.factor.solve(self.ridge * step)


class _Step(NamedTuple):
    """A step of the active set.

    Attributes
    ----------
    end : ndarray of shape (n_active,)
        The coordinates after it.
    blocked : ndarray of shape (n_active,), bool
        Whether Newton's step points out of the orthant, or the bounds, at once.
    share : float
        The decrease of the function as a share of that which Newton's step predicts.
    full : bool
        Whether it is Newton's step, unchanged.
    """

    end: Vector
    blocked: Mask
    share: float
    full: bool


def _step(
    problem: _Problem, block: _Block, u: Vector, gradient: Vector, signs: Vector
) -> _Step:
    """Return the best of several points of the path of a projected Newton step."""
    active = block.active
    u, signs, l1 = u[active], signs[active], problem.l1[active]
    lower, upper = problem.lower[active], problem.upper[active]
    lower = np.where((l1 > 0.0) & (signs > 0.0), np.maximum(lower, 0.0), lower)
    upper = np.where((l1 > 0.0) & (signs < 0.0), np.minimum(upper, 0.0), upper)
    slope = gradient[active] + signs * l1
    newton = -block.factor.solve(slope)
    room = np.where(newton < 0.0, u - lower, upper - u)
    with np.errstate(divide="ignore", over="ignore"):
        lengths = np.where(newton == 0.0, np.inf, room / np.abs(newton))
    blocked = lengths <= 0.0
    ends = np.sort(lengths[(lengths > 0.0) & (lengths <= 1.0)])
    if not len(ends) and not blocked.any():
        # Without a kink or a bound to reach, the slope along flat directions is noise.
        end = u + block.without_flat(newton)
        if not np.all((lower < end) & (end < upper)):
            end = np.minimum(np.maximum(u + newton, lower), upper)
        return _Step(end, blocked, 1.0, full=True)
    n_trials = min(len(ends) + 1, _MAX_TRIALS)
    few = np.arange(n_trials) * len(ends) // max(1, n_trials - 1)
    trials = np.append(ends, 1.0)[few]
    changes = np.minimum(np.maximum(trials[:, None] * newton, lower - u), upper - u)
    bent = slope + 0.5 * changes @ block.matrix
    values = np.einsum("ij,ij->i", changes, bent)
    best = int(values.argmin())
    share = float(values[best] / min(0.5 * (slope @ newton), -TINY))
    end = np.minimum(np.maximum(u + changes[best], lower), upper)
    ended = lengths <= trials[best]
    end[ended] = np.where(newton < 0.0, lower, upper)[ended]
    return _Step(end, blocked, share, full=False)


def _largest(sizes: Vector, among: Mask, limit: int) -> Mask:
    """Return a mask of the largest sizes among some, at most `limit` of them."""
    if np.count_nonzero(among) <= limit:
        return among
    mask = np.zeros_like(among)
    mask[np.argpartition(np.where(among, sizes, 0.0), -limit)[-limit:]] = True
    return mask
