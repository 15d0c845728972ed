"""A solver for many rows that follows a path: each problem from the one before it."""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, NotFiniteError, Objective, losses_at
from sk_logreg._problem import Problem, with_C
from sk_logreg._records import CONVERGED
from sk_logreg._solvers._base import (
    UNKNOWN_GAP,
    Goal,
    Solution,
    Solver,
    relative,
)
from sk_logreg._solvers._newton import HessianMatrix
from sk_logreg._solvers._newton._lbfgs import bfgs_update
from sk_logreg._solvers._newton._proximal import proximal_point
from sk_logreg._solvers._samples import nested_samples
from sk_logreg.penalties import L2, ElasticNet

# With more columns than this, working sets of them pay.
_MANY_COLUMNS = 400
# Number of steps after which the sample's Hessian is computed again; maximum number of
# steps before the usual solver takes over.
_OLD, _MAX_STEPS = 2, 5
# The next solutions are sought together up to this multiple of the last C at first, and
# at most this number of them.
_FURTHEST, _MOST = 1.6, 16
# Factor of the range of log C where one step serves all of them, or less than half.
_LONGER, _SHORTER = 2.0, 0.5


def followable(
    problem: Problem, executor: ThreadExecutor, tol: float
) -> Problem | None:
    """Return a problem with a penalty that a `Follower` takes, None if it takes none.

    Its loss must have a dual, all weights a penalty that is not minute, and samples of
    its rows must pay.
    """
    penalty, coordinates = problem.penalty, problem.coordinates
    suits = problem.loss.dual is not None and problem.bounded
    if not suits or problem.n_features >= _MANY_COLUMNS or not isinstance(penalty, L2):
        return None
    if coordinates is not None and (coordinates.units != 1.0).any():
        return None
    objective = Objective(problem, executor)
    if next(nested_samples(objective, tol), None) is None:
        return None
    # A sample may lack the rows whose squares overflow.
    if not np.isfinite(objective.product_diagonal(objective.weights)).all():
        raise NotFiniteError
    if isinstance(penalty, ElasticNet):
        return problem
    none, infinite = np.zeros(problem.n_dof), np.full(problem.n_dof, np.inf)
    whole = ElasticNet(penalty.strengths, none, -infinite, infinite)
    return replace(problem, penalty=whole)


class Follower:
    """Solves problems that differ in C alone, one after the other.

    The first is solved as usual. Then a sample of the rows and its Hessian are kept.
    The next solutions, up to a multiple of C, are predicted by minimizing quadratic
    models with their penalties, and evaluated in one pass over X. The matrix of each
    model is about the mean of the Hessian on the way to it: that at the last solution,
    and half of its change, as the sample shows it. Each goes on from there until it is
    certified, by the sample's Hessian; BFGS updates make its model more accurate. What
    a few steps do not certify is left to the usual solver.
    """

    def __init__(
        self, solver: Solver, executor: ThreadExecutor, problem: Problem, Cs: Vector
    ):
        self._solver, self._executor = solver, executor
        self._problem, self._Cs, self._place = problem, Cs, 0
        self._reach = np.log(_FURTHEST)  # the range of log C that is sought together
        self._found: dict[int, _Ahead] = {}
        self._last: _Ahead | None = None

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        """Return the solution of the next problem."""
        place = self._place
        if not (self._last is None or goal.fine or journal.closed):
            if place not in self._found:
                self._look_ahead(objective, goal)
            ahead = self._found.pop(place)
            if ahead.gap <= goal.tol:
                self._place, self._last = place + 1, ahead
                return Solution(ahead.point, ahead.gap, CONVERGED)
            start = ahead.point.coef
        solution = self._solver(objective, start, journal, goal)
        if solution.status.converged:
            self._place += 1  # or it will be solved once more, from another start
        self._found.clear()
        self._last = self._known_at(objective, solution.point, goal)
        return solution

    def _known_at(
        self, objective: Objective, point: Evaluation, goal: Goal
    ) -> "_Ahead":
        """Return what is known at a solution: the Hessian of a sample of the rows."""
        if self._last is None:
            *_, (drawn, weights) = nested_samples(objective, goal.tol)
            rows: slice | Indices = drawn
            sample = objective.sample(drawn, weights, copied=True)
        else:
            rows = self._last.known.rows
            sample = self.sample(objective)
        known = HessianMatrix.at(sample, sample.margins(point.coef), rows)
        return _Ahead(objective, known, known.matrix, point)

    def sample(self, objective: Objective) -> Objective:
        """Return the objective over the sample, which is kept from the first on."""
        assert self._last is not None
        kept = self._last.known.objective
        problem = replace(objective.problem, rows=kept.problem.rows)
        fraction = kept.n_samples / objective.n_samples
        return Objective(problem, self._executor, objective.meter, fraction)

    def _look_ahead(self, objective: Objective, goal: Goal) -> None:
        """Find the next solutions, as far as one pass over X may serve them."""
        last, place = self._last, self._place
        assert last is not None
        if last.n_steps != 1:
            last.renew()
        distances = np.log(self._Cs[place:] / self._Cs[place - 1])[:_MOST]
        n_ahead = max(1, int(np.searchsorted(distances, self._reach, side="right")))
        shares = distances[:n_ahead] / distances[n_ahead - 1]
        for k in range(place, place + n_ahead):
            # The one at hand has a meter that counts the passes over X.
            other = objective
            if k > place:
                problem = with_C(self._problem, self._Cs[k])
                other = Objective(problem, self._executor, objective.meter)
            self._found[k] = last.with_penalty(other, self.sample(other))
        every = list(self._found.values())
        furthest, reached = every[-1].known, every[-1].reached()
        for ahead, share in zip(every, shares, strict=True):
            ahead.bend(share, furthest, reached)
        moving = every
        for _ in range(_MAX_STEPS):
            ends = np.array([ahead.end() for ahead in moving])
            found = zip(moving, *losses_at(objective, ends), ends, strict=True)
            for ahead, loss, slope, end in found:
                ahead.move(end, float(loss), slope)
            moving = [ahead for ahead in moving if ahead.certify(goal.tol)]
            if not moving:
                break
        n_slow = sum(ahead.n_steps > 1 for ahead in every)
        if n_slow == 0 or 2 * n_slow > n_ahead:
            self._reach *= _SHORTER if n_slow else _LONGER


@dataclass
class _Ahead:
    """A point on its way to the solution of a problem ahead on the path.

    `matrix` is that of the quadratic model, and `known` the Hessian of the sample, both
    with the penalty of the problem. The Hessian of all rows at the point is about
    ``matrix + rest``.
    """

    objective: Objective
    known: HessianMatrix
    matrix: Matrix
    point: Evaluation
    gap: float = UNKNOWN_GAP
    n_steps: int = 0
    rest: Matrix | float = 0.0

    def with_penalty(self, objective: Objective, sample: Objective) -> "_Ahead":
        """Return the same point for a problem with another C."""
        penalty, point, known = objective.penalty, self.point, self.known
        before = self.objective.penalty
        added = penalty.curvature - before.curvature
        value = point.loss + float(penalty.value(point.coef))
        gradient = point.gradient + added * point.coef
        return _Ahead(
            objective,
            HessianMatrix(
                sample, known.rows, known.curvature, known.matrix + np.diag(added)
            ),
            self.matrix + self.rest + np.diag(added),
            replace(point, value=value, gradient=gradient),
        )

    def renew(self) -> None:
        """Compute the Hessian at the point."""
        found = self.objective.evaluate(self.point.coef, hessian=True, margins=False)
        assert found.hessian is not None
        self.matrix, self.rest = found.hessian, 0.0

    def reached(self) -> HessianMatrix:
        """Return the sample's Hessian where the model plus the penalty is least."""
        sample = self.known.objective
        return HessianMatrix.at(sample, sample.margins(self.end()), self.known.rows)

    def bend(self, share: float, before: HessianMatrix, after: HessianMatrix) -> None:
        """Account for the change of the Hessian.

        It changes by a share of that between two, which have the same penalty.
        """
        change, known = after.matrix - before.matrix, self.known
        self.rest = 0.5 * share * change
        self.matrix = self.matrix + self.rest
        if share > 0.5:
            matrix = known.matrix + change
            self.known = replace(known, curvature=after.curvature, matrix=matrix)

    def end(self) -> Vector:
        """Return where the quadratic model plus the penalty is least."""
        return proximal_point(self.objective, self.matrix, self.point)

    def move(self, end: Vector, loss: float, slope: Vector) -> None:
        """Move to a point, given the losses and their gradient there."""
        penalty, before = self.objective.penalty, self.point
        gradient = slope + penalty.gradient(end)
        if not np.isfinite(gradient).all():
            raise NotFiniteError
        value = loss + float(penalty.value(end))
        margins = partial(self.objective.margins, end)
        self.point = Evaluation(end, value, loss, gradient, margins)
        self.n_steps += 1
        change, bend = end - before.coef, gradient - before.gradient
        self.matrix = bfgs_update(self.matrix, change, bend)

    def certify(self, tol: float) -> bool:
        """Compute the bound at the point; return whether it needs another step."""
        sample, rows = self.known.objective, self.known.rows
        margins = sample.margins(self.point.coef)
        weights = self.objective.weights.take(rows)
        bound = self.known.certify(margins, weights, self.point)
        self.gap = relative(bound.excess, self.point)
        if self.gap > tol and self.n_steps >= _OLD:
            self.known = HessianMatrix.at(sample, margins, rows)
            self.matrix, self.rest = self.known.matrix, 0.0
        return self.gap > tol
