"""Minimize a convex quadratic with an L1 term and bounds by an active-set method."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._solvers._active_block import Block, LastBlock
from sk_logreg._tolerances import EPS, TINY

Mask = NDArray[np.bool_]

# Maximum number of steps.
_MAX_STEPS = 500
# A step frees at most as many coordinates as are free already, or this many. From a
# start at 0 this keeps the active set from growing far beyond its final size.
_MIN_ADDED = 32
# Coordinates are freed where the slope of those that are free is at most this share of
# the whole: then these are near their minimum.
_PROPORTION = 0.5
# Share of the decrease that Newton's step predicts. After a step that reaches less, no
# coordinate is freed until a step is full.
_ACCEPTED = 0.1
# Maximum number of points of a projected path at which the quadratic is evaluated.
_MAX_TRIALS = 8
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
        The norm of the slopes along which the function falls, each over the root of the
        curvature of its coordinate, up to a factor of √2: 0 at a minimum.
    solved : bool
        Whether the residual is as small as was asked for, or is rounding error.
    n_factorizations : int
        The number of matrices factored, anew or by changing a factor.
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
    blocks: LastBlock | None = None,
) -> QuadraticSolution:
    """Minimize ½ uᵀHu + gᵀu + Σ λⱼ|uⱼ| over lower ≤ u ≤ upper.

    Within the orthant of the signs of u, where a coordinate at 0 has the sign that
    lowers the function, that is a quadratic with bounds. Each step is Newton's over an
    active set of coordinates, projected onto that orthant [1]_ [2]_, and shortened
    where that makes the function fall more. The active set are the coordinates between
    their bounds, the free ones. Where their slope is small beside that of the others,
    it includes those that leave a bound to lower the function [3]_. From a start near
    the solution, with its signs, one step is exact.

    No step increases the function. Coordinates that Newton's step presses against their
    bounds are removed from the active set, so the step over the others is a descent
    direction. It ends at the minimum over the free coordinates, or moves at least one
    of them to a kink or a bound. If it reaches only a small share of the decrease that
    Newton's step predicts, no coordinate is freed until that minimum is reached. So
    either the predicted decrease tends to 0, or the method passes minima over sets of
    free coordinates, of falling values, of which there are finitely many.

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
    blocks : LastBlock, default=None
        The block of the last active set of this matrix, which is changed. Problems that
        differ in the slope only may take less time with it.

    Returns
    -------
    QuadraticSolution

    Notes
    -----
    Slopes are compared in units in which H has a diagonal between ½ and 2: powers of
    two, so that the units of the coordinates change no digit of the result. The
    matrices that are factored get a ridge ε D, D their diagonal, where ε is about the
    rounding error of a factor, so that they may be singular. That makes a step one of
    the proximal point method [4]_: repeated, it minimizes the function without the
    ridge. Along a direction without curvature u stays where it is, unless the function
    falls along it to a kink or a bound.

    References
    ----------
    .. [1] D. P. Bertsekas (1982). Projected Newton methods for optimization problems
       with simple constraints. SIAM Journal on Control and Optimization 20(2), 221-246.
    .. [2] G. Andrew, J. Gao (2007). Scalable training of L1-regularized log-linear
       models. ICML, 33-40.
    .. [3] Z. Dostál (1997). Box constrained quadratic programming with proportioning
       and projections. SIAM Journal on Optimization 7(3), 871-887.
    .. [4] R. T. Rockafellar (1976). Monotone operators and the proximal point
       algorithm. SIAM Journal on Control and Optimization 14(5), 877-898.
    """
    problem = _Problem.of(hessian, slope, l1, lower, upper, start)
    u = problem.clip(start)
    blocks, n_factorizations = blocks or LastBlock(), 0
    first, last, grow = 0.0, np.inf, True
    for n_steps in range(_MAX_STEPS + 1):
        at = problem.orthant(u)
        residual = _norm(at.fall)
        first = first or residual
        solved = residual <= tol * first
        n_free = int(np.count_nonzero(at.free))
        added = at.fall * ~at.free
        near = last < np.inf or _norm(at.fall * at.free) <= _PROPORTION * residual
        if n_free and not (grow and near):
            added[:] = 0.0
        # A second full step on the same set corrects rounding errors. What it does not
        # reduce is the slope along directions without curvature.
        settled = residual > 0.5 * last and not np.count_nonzero(added)
        if solved or settled or n_steps == _MAX_STEPS or not np.isfinite(residual):
            break
        added_too = _largest(added, max(_MIN_ADDED, n_free))
        (active,) = (at.free | added_too).nonzero()
        while True:
            held = blocks.block
            block = blocks.over(hessian, active)
            n_factorizations += block is not held
            step = _step(block, u, at)
            if not np.count_nonzero(step.blocked):
                break
            active = active[~step.blocked]
        u[active] = step.end
        grow = step.full or (grow and step.share >= _ACCEPTED)
        last = residual if step.full else np.inf
    return QuadraticSolution(u, at.free, residual, solved, n_factorizations)


class _Orthant(NamedTuple):
    """The function within the orthant of the signs of a point.

    Attributes
    ----------
    slope : ndarray of shape (n,)
        The gradient of the quadratic and the L1 term.
    fall : ndarray of shape (n,)
        The size of the slope of coordinates that can move to lower the function, beyond
        rounding, over about the root of the curvature; else 0.
    low, high : ndarray of shape (n,)
        The bounds, which include those of the orthant.
    free : ndarray of shape (n,), bool
        Whether a coordinate is between these bounds.
    """

    slope: Vector
    fall: Vector
    low: Vector
    high: Vector
    free: Mask


@dataclass(frozen=True)
class _Problem:
    """The function that is minimized, and its bounds.

    `least` and `greatest` are the bounds of coordinates with a positive and with a
    negative sign. `roots` are about the roots of the curvatures of the coordinates, and
    `sizes` the largest sizes of their slopes at 0.
    """

    hessian: Matrix
    slope: Vector
    l1: Vector
    lower: Vector
    upper: Vector
    least: Vector
    greatest: Vector
    roots: Vector
    sizes: Vector

    @classmethod
    def of(
        cls,
        hessian: Matrix,
        slope: Vector,
        l1: Vector,
        lower: Vector,
        upper: Vector,
        start: Vector,
    ) -> "_Problem":
        """Return the problem, with coordinates without curvature fixed.

        The function is linear in these. They are fixed where it is minimal, and stay at
        the start where it is constant or unbounded.
        """
        diagonal = hessian.diagonal()
        flat = diagonal <= 0.0
        if flat.any():
            rises, falls = slope > l1, slope < -l1
            end = np.where(rises, lower, np.where(falls, upper, 0.0))
            stays = ~np.isfinite(end) | ((slope == 0.0) & (l1 == 0.0))
            end = np.clip(np.where(stays, start, end), lower, upper)
            lower, upper = np.where(flat, end, lower), np.where(flat, end, upper)
        kinked = l1 > 0.0
        least = np.where(kinked, np.maximum(lower, 0.0), lower)
        greatest = np.where(kinked, np.minimum(upper, 0.0), upper)
        roots = np.ldexp(1.0, np.frexp(np.where(flat, 1.0, diagonal))[1] >> 1)
        sizes = np.abs(slope) + l1
        return cls(hessian, slope, l1, lower, upper, least, greatest, roots, sizes)

    def clip(self, u: Vector) -> Vector:
        """Return the point within the bounds next to one."""
        return np.minimum(np.maximum(u, self.lower), self.upper)

    def product(self, u: Vector) -> Vector:
        """Return H u, from the rows of H where u is not 0 if these are few."""
        if 4 * np.count_nonzero(u) > len(u):
            return self.hessian @ u
        (support,) = u.nonzero()
        return u[support] @ self.hessian[support]

    def orthant(self, u: Vector) -> _Orthant:
        """Return the function within the orthant of a point."""
        gradient = self.slope + self.product(u)
        positive = np.where(u == 0.0, -gradient, u) >= 0.0
        slope = np.where(positive, gradient + self.l1, gradient - self.l1)
        low = np.where(positive, self.least, self.lower)
        high = np.where(positive, self.upper, self.greatest)
        above, below = u > low, u < high
        terms = self.sizes + (np.abs(u) @ self.roots) * self.roots
        size = np.abs(slope)
        moves = np.where(slope > 0.0, above, below) & ~(size <= _ROUNDING * terms)
        fall = np.where(moves, size / self.roots, 0.0)
        return _Orthant(slope, fall, low, high, above & below)


class _Step(NamedTuple):
    """A step of the active set.

    Attributes
    ----------
    end : ndarray of shape (n_active,)
        The coordinates after it.
    blocked : ndarray of shape (n_active,), bool
        Whether Newton's step points out of the orthant, or the bounds, at once. If one
        is, there is no step.
    share : float
        The decrease of the function as a share of that which Newton's step predicts.
    full : bool
        Whether it is Newton's step, unchanged.
    """

    end: Vector
    blocked: Mask
    share: float = 1.0
    full: bool = True


def _step(block: Block, u: Vector, at: _Orthant) -> _Step:
    """Return the best of several points of the path of a projected Newton step."""
    parts = u, at.slope, at.low, at.high
    u, slope, low, high = (part[block.active] for part in parts)
    newton = -block.solve(slope)
    target = u + newton
    end = np.minimum(np.maximum(target, low), high)
    stopped = end != target
    if not np.count_nonzero(stopped):
        # Without a bound to reach, the slope along flat directions is noise.
        # (H + R)⁻¹ H times the step, R the ridge: 0 where H has no curvature.
        curved = u + newton - block.solve(block.ridge * newton)
        inside = np.all((low < curved) & (curved < high))
        return _Step(curved if inside else end, stopped)
    blocked = stopped & (end == u)
    if np.count_nonzero(blocked):
        return _Step(end, blocked)
    lengths = np.where(stopped, (end - u) / newton, np.inf)
    ends = np.append(np.sort(lengths[stopped]), 1.0)
    n_trials = min(len(ends), _MAX_TRIALS)
    trials = ends[np.arange(n_trials) * (len(ends) - 1) // (n_trials - 1)]
    changes = trials[:, None] * newton
    changes = np.minimum(np.maximum(changes, low - u), high - u)
    values = changes @ slope + 0.5 * block.curvatures(changes)
    best = int(values.argmin())
    share = float(values[best] / min(0.5 * (slope @ newton), -TINY))
    shorter = np.minimum(np.maximum(u + changes[best], low), high)
    end = np.where(lengths <= trials[best], end, shorter)
    return _Step(end, blocked, share, full=False)


def _largest(sizes: Vector, limit: int) -> Mask:
    """Return a mask of the largest sizes above 0, at most `limit` of them."""
    mask = sizes > 0.0
    if np.count_nonzero(mask) > limit:
        mask[np.argpartition(sizes, -limit)[:-limit]] = False
    return mask


def _norm(v: Vector) -> float:
    return float(np.sqrt(v @ v))
