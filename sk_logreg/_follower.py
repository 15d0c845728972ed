"""A solver for many rows that follows a path: it solves all of its problems at once."""

from bisect import bisect
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from scipy.interpolate import make_interp_spline

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._problem import Problem, with_C
from sk_logreg._records import CONVERGED
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution, Solver, relative
from sk_logreg._solvers._factors import factor
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._tolerances import FINE, NOISE
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import L2, ElasticNet

# With more columns than this, working sets of them pay.
_MANY_COLUMNS = 400
# The length of the path between points where the Hessian is computed: half the root
# mean square of the change of z, if it begins at 0. The last is left out if it is
# nearer than a share of that.
import os
_SPACING, _CLOSER = float(os.environ.get("L","0.2")), 0.01
# The first step is shorter by this factor, as the change of the Hessian is not known.
_LONGER = 2.0
# Maximum number of steps before the usual solver takes over.
_MAX_STEPS = 5


def followable(
    problem: Problem, executor: ThreadExecutor, tol: float
) -> Problem | None:
    """Return a problem with a penalty that a `Follower` takes, None if it takes none.

    Its loss must have a dual, all weights a penalty that is not minute, and samples of
    its rows must pay.
    """
    penalty, coordinates = problem.penalty, problem.coordinates
    suits = problem.loss.dual is not None and problem.bounded and tol >= FINE
    if not suits or problem.n_features >= _MANY_COLUMNS or not isinstance(penalty, L2):
        return None
    if coordinates is not None and (coordinates.units != 1.0).any():
        return None
    if next(nested_samples(Objective(problem, executor), tol), None) is None:
        return None
    none, infinite = np.zeros(problem.n_dof), np.full(problem.n_dof, np.inf)
    if isinstance(penalty, ElasticNet):
        return problem
    whole = ElasticNet(penalty.strengths, none, -infinite, infinite)
    return replace(problem, penalty=whole)


class Follower:
    """Solves problems that differ in C alone, one after the other.

    The first is solved as usual. From there on the Hessian of the losses is computed at
    a few points near the path, the knots, each predicted from the one before. Between
    them it is interpolated by a cubic spline. So all other solutions are predicted by
    minimizing quadratic models with their penalties, and evaluated together, in one
    pass over X. Those that are not certified take further steps together. What a few
    steps do not certify is left to the usual solver.

    The certificate is the dual point that a Newton step with the interpolated Hessian
    leads to. As the curvatures of each row are compared in the same pass, it takes no
    other one.
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
            ahead = self._found[place]
            if ahead.gap <= goal.tol:
                self._place += 1
                return Solution(ahead.point, ahead.gap, CONVERGED)
            start = ahead.point.coef
        solution = self._solver(objective, start, journal, goal)
        if solution.status.converged:
            self._place += 1  # or it will be solved once more, from another start
            if place == 0 and len(self._Cs) > 1:
                self._found = self._follow(objective, solution.point, goal.tol)
        return solution

    def hessian(self, place: int) -> Matrix | None:
        """Return the Hessian of the losses at a solution, if the path is followed."""
        return self._found[place].hessian if self._found else None

    def _follow(
        self, objective: Objective, first: Evaluation, tol: float
    ) -> list["_Ahead"]:
        """Return what is found of all problems, given the first solution."""
        path = [objective]
        for C in self._Cs[1:]:
            problem = with_C(self._problem, C)
            path.append(Objective(problem, self._executor, objective.meter))
        knots = _knots(path, first.coef)
        if len(knots) == 1:
            return []
        curve = _Curve(knots)
        every = [_Ahead.on(curve, place, one) for place, one in enumerate(path)]
        sizes, moving = objective.largest_sizes(), every[1:]
        for _ in range(_MAX_STEPS):
            ends = np.array([ahead.end for ahead in moving])
            shares = np.array([ahead.shares for ahead in moving])
            found = objective.losses_and_ratios(ends, curve.coefs, shares)
            for ahead, loss, slope, ratio in zip(moving, *found, strict=True):
                most = curve.hessian(np.abs(ahead.shares))
                ahead.move(loss, slope, ratio, most, sizes)
            moving = [ahead for ahead in moving if ahead.gap > tol]
            print([k.place for k in knots], len(ends)) if os.environ.get('DBG') else 0
            if not moving:
                break
        return every


@dataclass(frozen=True, eq=False)
class _Knot:
    """A point near the path, with the gradient and the Hessian of the losses."""

    place: int
    coef: Vector
    gradient: Vector
    hessian: Matrix

    @classmethod
    def at(cls, place: int, objective: Objective, coef: Vector) -> "_Knot":
        found = objective.evaluate(coef, hessian=True, margins=False)
        assert found.hessian is not None
        penalty = objective.penalty
        gradient = found.gradient - penalty.gradient(coef)
        return cls(place, coef, gradient, found.hessian - np.diag(penalty.curvature))

    def length(self, end: Vector) -> float:
        """Return the length of a step from here."""
        step = end - self.coef
        return float(np.sqrt(max(0.0, step @ (self.hessian @ step))))


def _knots(path: list[Objective], start: Vector) -> list[_Knot]:
    """Return the knots, the first of which is at the first solution."""
    knot = _Knot.at(0, path[0], start)
    knots, last = [knot], len(path) - 1
    spacing, change = _SPACING / _LONGER, np.zeros_like(knot.hessian)
    while knot.place < last:
        before, matrix = knot, knot.hessian + change

        def end(place: int, knot: _Knot = knot, matrix: Matrix = matrix) -> Vector:
            return _model_end(path[place], knot.coef, knot.gradient, matrix)

        farther = range(knot.place + 2, last + 1)
        n_near = bisect(farther, spacing, key=lambda place: before.length(end(place)))
        place = knot.place + 1 + n_near
        coef = end(place)
        length = knot.length(coef)
        if place == last and length <= _CLOSER * _SPACING:
            break
        knot = _Knot.at(place, path[place], coef)
        knots.append(knot)
        # The mean on the way, if the Hessian goes on to change as it has.
        share = 0.5 * min(_SPACING / length, _LONGER)
        spacing, change = _SPACING, share * (knot.hessian - before.hessian)
    return knots


class _Curve:
    """The path and the Hessian along it, by its knots."""

    def __init__(self, knots: list[_Knot]):
        self.coefs = np.array([knot.coef for knot in knots])
        self._knots = knots
        self._hessians = np.array([knot.hessian for knot in knots])
        lengths = [knot.length(end.coef) for knot, end in pairwise(knots)]
        self._positions = np.cumsum([0.0, *lengths])
        degree = min(3, len(lengths))
        self._shares = make_interp_spline(self._positions, np.eye(len(knots)), k=degree)

    def hessian(self, shares: Vector) -> Matrix:
        """Return a combination of the Hessians at the knots."""
        return np.tensordot(shares, self._hessians, 1)

    def solution(self, place: int, objective: Objective) -> tuple[Vector, Vector]:
        """Return about where a solution is, and the shares of the knots there.

        The gradient of the losses between two knots is that of Hermite's cubic.
        """
        places = [knot.place for knot in self._knots]
        segment = min(max(0, bisect(places, place) - 1), len(places) - 2)
        first, last = self._knots[segment : segment + 2]
        start, stop = self._positions[segment : segment + 2]
        chord = last.coef - first.coef
        bends = first.hessian @ chord, last.hessian @ chord
        end, t = last.coef, min(1.0, (place - first.place) / (last.place - first.place))
        for _ in range(2):  # the second time with the projection of the first end
            u = 1.0 - t
            gradient = u * u * ((1.0 + 2.0 * t) * first.gradient + t * bends[0])
            gradient += t * t * ((1.0 + 2.0 * u) * last.gradient - u * bends[1])
            shares = np.asarray(self._shares(start + t * (stop - start)))
            hessian = self.hessian(shares)
            coef = first.coef + t * chord
            end = _model_end(objective, coef, gradient, hessian)
            bend = hessian @ chord
            t = float(np.clip((end - first.coef) @ bend / (chord @ bend), 0.0, 1.0))
        return end, shares


@dataclass
class _Ahead:
    """A point on its way to the solution of a problem ahead on the path.

    The shares are those of the knots in the Hessian of the losses.
    """

    objective: Objective
    end: Vector
    shares: Vector
    hessian: Matrix
    point: Evaluation | None = None
    gap: float = UNKNOWN_GAP

    @classmethod
    def on(cls, curve: _Curve, place: int, objective: Objective) -> "_Ahead":
        """Return the predicted one."""
        end, shares = curve.solution(place, objective)
        return cls(objective, end, shares, curve.hessian(shares))

    def move(
        self, loss: float, slope: Vector, ratio: float, most: Matrix, sizes: Vector
    ) -> None:
        """Move to the end of the last step, and compute the bound and the next step.

        The losses there and their gradient are given. The sum of what the knots
        contribute to the curvature of a row, in size, is that of the matrix `most`,
        and their sum at most `ratio` times the curvature at the point. The largest
        sizes of the columns are given too.
        """
        objective, coef = self.objective, self.end
        penalty = objective.penalty
        assert isinstance(penalty, ElasticNet)
        gradient = slope + penalty.gradient(coef)
        value = float(loss + penalty.value(coef))
        if not (np.isfinite(gradient).all() and np.isfinite(value)):
            raise NotFiniteError
        margins = partial(objective.margins, coef)
        point = Evaluation(coef, value, float(loss), gradient, margins)
        self.point = point
        self.end = _model_end(objective, coef, slope, self.hessian)
        step, bound = self.end - coef, np.inf
        slopes = -slope - self.hessian @ step
        dual = EntropyDual(
            quadratic=ratio * float(step @ (most @ step)),
            max_ratio=ratio * float(sizes @ np.abs(step)),
            curvature_ratio=ratio,
        )
        free = penalty.free(self.end) & ~penalty.penalized
        block = factor(self.hessian[np.ix_(free, free)], semidefinite=True)
        if block is not None and block.null_space is None:
            moved = block.solve(slopes[free])
            norm = np.sqrt(max(0.0, moved @ (most[np.ix_(free, free)] @ moved)))
            roots = np.sqrt(most.diagonal() + penalty.curvature)
            norm += NOISE * float(roots @ np.abs(step))
            slopes, error = np.where(free, 0.0, (slopes, norm * roots))
            gap = penalty.fenchel_gap(coef, slopes, error)
            bound = dual.bound(gap.value, norm) + gap.share * value
        self.gap = relative(bound, point)


def _model_end(
    objective: Objective, coef: Vector, slope: Vector, hessian: Matrix
) -> Vector:
    """Return where a quadratic model of the losses plus the penalty is least.

    Given the gradient of the losses at a point.
    """
    penalty = objective.penalty
    assert isinstance(penalty, ElasticNet)
    matrix = hessian + np.diag(penalty.curvature)
    bounds = penalty.lower, penalty.upper
    slope = slope - hessian @ coef
    return minimize_quadratic(matrix, slope, penalty.l1, *bounds, coef).u
