"""A solver for many rows that solves all problems of a path at once."""

from bisect import bisect
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.interpolate import make_interp_spline

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._follower import Follower
from sk_logreg._log import Journal
from sk_logreg._objective import (
    Evaluation,
    NotFiniteError,
    Objective,
    largest_sizes,
    losses_and_ratios,
)
from sk_logreg._problem import Problem, with_C
from sk_logreg._records import CONVERGED
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution, Solver, relative
from sk_logreg._solvers._factors import factor
from sk_logreg._tolerances import NOISE, TINY
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import ElasticNet

# The length of the path between knots, the root mean square of the change of z by the
# curvatures of the rows. With more, points between knots need a second evaluation; with
# less, Hessians take longer. A last one that is nearer than a share is left out.
_SPACING, _CLOSER = 0.5, 0.01
# The first step is shorter by this factor, as the change of the Hessian is not known.
_LONGER = 2.0
# Those that are not certified are evaluated together again, unless they are more than
# this share of all that were. If they are so at first, the path is followed instead.
_MOST = 0.5


class WholePath:
    """Solves problems that differ in C alone, all after the first at once.

    The first is solved as usual. From there on the Hessian of the losses is computed at
    a few points near the path, the knots, each predicted from those before it. Between
    the knots it is interpolated. So all other solutions are predicted by minimizing
    quadratic models with their penalties, and evaluated together, in one pass over X.
    Those that are not certified take another Newton step with that Hessian, together
    again. Where that certifies few, they are left to the usual solver.

    Where rows far from the others make it certify few at first, as their curvatures
    change too much, the path is followed as a `Follower` does it.
    """

    def __init__(
        self, solver: Solver, executor: ThreadExecutor, problem: Problem, Cs: Vector
    ):
        self._solver, self._executor = solver, executor
        self._problem, self._Cs, self._place = problem, Cs, 0
        self._found: list[_Ahead] = []

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        """Return the solution of the next problem."""
        place = self._place
        if self._found and not journal.closed:
            point, gap = self._found[place].point, self._found[place].gap
            if gap <= goal.tol:
                self._place += 1
                return Solution(point, gap, CONVERGED)
            start = point.coef
        solution = self._solver(objective, start, journal, goal)
        if solution.status.converged:
            self._place += 1  # or it will be solved once more, from another start
            if place == 0 and not goal.fine:
                # A knot may be anywhere where the Hessian changes much.
                with suppress(NotFiniteError):
                    self._found = self._all(objective, solution.point, goal.tol)
            if place == 0 and not self._found:
                rest = self._solver, self._executor, self._problem, self._Cs[1:]
                self._solver = Follower(*rest)
        return solution

    def hessian(self, place: int) -> Matrix | None:
        """Return about the Hessian of the losses at a solution, if it was predicted."""
        return self._found[place].hessian if self._found else None

    def _all(
        self, objective: Objective, first: Evaluation, tol: float
    ) -> "list[_Ahead]":
        """Return where all solutions are, given the first, or none if it fails."""
        path = [objective]
        for C in self._Cs[1:]:
            problem = with_C(self._problem, C)
            path.append(Objective(problem, self._executor, objective.meter))
        knots = _knots(path, first.coef)
        if len(knots) == 1:
            return []
        curve, sizes = _Curve(knots), largest_sizes(objective)
        every = [curve.ahead(place, one, first) for place, one in enumerate(path)]
        moving, n_before = every[1:], np.inf
        while moving and len(moving) <= _MOST * n_before:
            ends = np.array([ahead.end for ahead in moving])
            shares = np.array([ahead.shares for ahead in moving])
            found = losses_and_ratios(objective, ends, curve.coefs, shares)
            for ahead, loss, slope, ratio in zip(moving, *found, strict=True):
                most = curve.hessian(np.abs(ahead.shares))
                ahead.move(float(loss), slope)
                reach = float((sizes @ np.abs(ahead.end - ahead.point.coef)).max())
                ahead.certify(float(ratio), most, reach)
            n_before = len(moving)
            moving = [ahead for ahead in moving if ahead.gap > tol]
            if len(moving) > _MOST * len(path):
                return []
        return every


@dataclass(frozen=True, eq=False)
class _Knot:
    """A point near a solution, with the gradient and the Hessian of the losses.

    `total` is the sum of the curvatures of the rows.
    """

    place: int
    coef: Vector
    gradient: Vector
    hessian: Matrix
    total: float

    @classmethod
    def at(cls, place: int, objective: Objective, coef: Vector) -> "_Knot":
        """Return the knot at a point, in one pass over X."""
        found, penalty = objective.evaluate(coef, hessian=True), objective.penalty
        assert found.hessian is not None
        assert found.curvature is not None
        gradient = found.gradient - penalty.gradient(coef)
        hessian = found.hessian - np.diag(penalty.curvature)
        total = found.curvature.total()
        return cls(place, coef, gradient, hessian, total)

    def length(self, end: Vector) -> float:
        """Return the length of the way to a point."""
        way = end - self.coef
        square = float(way @ (self.hessian @ way))
        return float(np.sqrt(max(0.0, square) / max(self.total, TINY)))


def _knots(path: list[Objective], start: Vector) -> list[_Knot]:
    """Return the knots, the first of which is the first solution."""
    knot, last = _Knot.at(0, path[0], start), len(path) - 1
    knots, spacing, change = [knot], _SPACING / _LONGER, np.zeros_like(knot.hessian)

    def end(place: int) -> Vector:
        return _model_end(path[place], knot.coef, knot.gradient, knot.hessian + change)

    def length(place: int) -> float:
        return knot.length(end(place))

    while knot.place < last:
        farther = range(knot.place + 2, last + 1)
        place = knot.place + 1 + bisect(farther, spacing, key=length)
        if place == last and length(place) <= _CLOSER * _SPACING:
            break
        knots.append(_Knot.at(place, path[place], end(place)))
        # The mean on the way, if the Hessian goes on to change as it has.
        share = 0.5 * min(_SPACING / max(length(place), TINY), _LONGER)
        change = share * (knots[-1].hessian - knot.hessian)
        knot, spacing = knots[-1], _SPACING
    return knots


class _Curve:
    """The path and the Hessian along it, by its knots."""

    def __init__(self, knots: list[_Knot]):
        self._knots = knots
        self.coefs = np.array([knot.coef for knot in knots])
        self._hessians = np.array([knot.hessian for knot in knots])
        ways = [knot.length(after.coef) for knot, after in pairwise(knots)]
        lengths = np.clip(ways, _CLOSER * _SPACING, _SPACING / _CLOSER)
        self._positions = np.append(0.0, np.cumsum(lengths))
        degree = min(3, len(lengths))
        self._spline = make_interp_spline(self._positions, np.eye(len(knots)), degree)

    def hessian(self, shares: Vector) -> Matrix:
        """Return a combination of the Hessians at the knots."""
        return np.asarray(np.tensordot(shares, self._hessians, 1))

    def ahead(self, place: int, objective: Objective, point: Evaluation) -> "_Ahead":
        """Return the point from which a solution is sought, about where it is.

        Along the chord of two knots the gradient of the losses is about the cubic that
        has their gradients and Hessians. The Hessian is a cubic spline in the length.
        """
        places = [knot.place for knot in self._knots]
        segment = min(max(0, bisect(places, place) - 1), len(places) - 2)
        first, last = self._knots[segment : segment + 2]
        chord, length = last.coef - first.coef, np.diff(self._positions)[segment]
        bends = first.hessian @ chord, last.hessian @ chord
        t = min(1.0, (place - first.place) / (last.place - first.place))
        for _ in range(2):  # again where the first end is next to the chord
            u = 1.0 - t
            slope = u * u * ((1.0 + 2.0 * t) * first.gradient + t * bends[0])
            slope += t * t * ((1.0 + 2.0 * u) * last.gradient - u * bends[1])
            shares = np.asarray(self._spline(self._positions[segment] + t * length))
            hessian = self.hessian(shares)
            end = _model_end(objective, first.coef + t * chord, slope, hessian)
            bend = hessian @ chord
            t = float((end - first.coef) @ bend) / max(float(chord @ bend), TINY)
            t = min(max(0.0, t), 1.0)
        return _Ahead(objective, shares, hessian, end, point)


@dataclass
class _Ahead:
    """A point on its way to the solution of a problem ahead on the path.

    Attributes
    ----------
    shares : ndarray of shape (n_knots,)
        Those of the knots in the Hessian of the losses.
    hessian : ndarray of shape (n_dof, n_dof)
    end : ndarray of shape (n_dof,)
        Where the next step ends.
    point : Evaluation
    gap : float
    """

    objective: Objective
    shares: Vector
    hessian: Matrix
    end: Vector
    point: Evaluation
    gap: float = UNKNOWN_GAP

    def move(self, loss: float, slope: Vector) -> None:
        """Move to the end of the step, given the losses and their gradient there."""
        objective, coef, penalty = self.objective, self.end, self.objective.penalty
        value, gradient = loss + float(penalty.value(coef)), penalty.gradient(coef)
        gradient += slope
        if not (np.isfinite(value) and np.isfinite(gradient).all()):
            raise NotFiniteError
        margins = partial(objective.margins, coef)
        self.point = Evaluation(coef, value, loss, gradient, margins)
        self.end = _model_end(objective, coef, slope, self.hessian)

    def certify(self, ratio: float, most: Matrix, reach: float) -> None:
        """Compute the bound of the dual point that the next step leads to.

        The dual variables of the rows change by their interpolated curvature times the
        change of their margins. So their slopes are those of the quadratic model.

        Parameters
        ----------
        ratio : float
            The largest size of an interpolated curvature, relative to the curvature.
        most : ndarray of shape (n_dof, n_dof)
            At least the matrix with the sizes of the interpolated curvatures.
        reach : float
            At least the largest change of a margin along the step.
        """
        penalty, point = self.objective.penalty, self.point
        assert isinstance(penalty, ElasticNet)
        step = self.end - point.coef
        slopes = penalty.gradient(point.coef) - point.gradient - self.hessian @ step
        dual = EntropyDual(
            quadratic=ratio * float(step @ (most @ step)),
            max_ratio=ratio * reach,
            curvature_ratio=ratio,
        )
        roots = np.sqrt(most.diagonal())
        norm = NOISE * float(roots @ np.abs(step))
        free = penalty.free(self.end) & ~penalty.penalized
        if free.any():
            # Their slopes have to be 0: the dual variables move on along these.
            block = factor(self.hessian[np.ix_(free, free)], semidefinite=True)
            if block is None or block.null_space is not None:
                return
            moved = block.solve(slopes[free])
            square = float(moved @ (most[np.ix_(free, free)] @ moved))
            norm += float(np.sqrt(max(0.0, square)))
        slopes, error = np.where(free, 0.0, (slopes, norm * roots))
        gap = penalty.fenchel_gap(point.coef, slopes, error)
        excess = dual.bound(gap.value, norm) + gap.share * point.value
        self.gap = relative(excess, point)


def _model_end(
    objective: Objective, coef: Vector, slope: Vector, hessian: Matrix
) -> Vector:
    """Return where a quadratic model of the losses plus the penalty is least.

    Given their gradient at a point, and their Hessian.
    """
    penalty = objective.penalty
    assert isinstance(penalty, ElasticNet)
    matrix = hessian + np.diag(penalty.curvature)
    bounds = penalty.lower, penalty.upper
    slope = slope - hessian @ coef
    return minimize_quadratic(matrix, slope, penalty.l1, *bounds, coef).u
