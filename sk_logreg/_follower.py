"""A solver for many rows that follows a path: each problem from the one before it."""

from dataclasses import replace

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._problem import Problem
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
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._tolerances import NOISE
from sk_logreg.penalties import L2, ElasticNet

# With more columns than this, working sets of them pay.
_MANY_COLUMNS = 400
# The sample's Hessian is renewed after this number of steps, and maximum number of
# steps before the usual solver takes over.
_OLD, _MAX_STEPS = 2, 5


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
    The quadratic model at the last solution, with the new penalty, predicts the next.
    Its matrix is updated by the changes of the gradient (BFGS), and so improves along
    the path. A point is certified by the sample's Hessian, so it takes one pass over X.
    If a few steps do not suffice, or f rises, the usual solver goes on.
    """

    def __init__(self, solver: Solver, executor: ThreadExecutor):
        self._solver, self._executor = solver, executor
        self._known: HessianMatrix | None = None

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        """Return the solution of the next problem."""
        if self._known is not None and not (goal.fine or journal.closed):
            point, gap = self._follow(objective, self._known, goal)
            if gap <= goal.tol:
                return Solution(point, gap, CONVERGED)
            start = point.coef
        solution = self._solver(objective, start, journal, goal)
        self._keep(objective, solution.point, goal)
        return solution

    def _keep(self, objective: Objective, point: Evaluation, goal: Goal) -> None:
        """Keep a sample of the rows, and its Hessian at a point."""
        if self._known is None:
            *_, (drawn, weights) = nested_samples(objective, goal.tol)
            rows: slice | Indices = drawn
            sample = objective.sample(drawn, weights)
        else:
            rows, sample = self._known.rows, self._sample(objective, self._known)
        self._known = HessianMatrix.at(sample, point.margins.take(rows), rows)
        self._matrix, self._last = self._known.matrix, point
        self._curvature = objective.penalty.curvature

    def _sample(self, objective: Objective, known: HessianMatrix) -> Objective:
        """Return the objective over the kept sample."""
        problem = replace(objective.problem, rows=known.objective.problem.rows)
        fraction = known.objective.n_samples / objective.n_samples
        return Objective(problem, self._executor, objective.meter, fraction)

    def _follow(
        self, objective: Objective, known: HessianMatrix, goal: Goal
    ) -> tuple[Evaluation, float]:
        """Return the point where the model leads, and the bound there."""
        rows, curvature = known.rows, objective.penalty.curvature
        added = curvature - self._curvature
        sample, matrix = self._sample(objective, known), self._matrix + np.diag(added)
        known = HessianMatrix(
            sample, rows, known.curvature, known.matrix + np.diag(added)
        )
        last = self._last
        value = last.loss + objective.penalty.value(last.coef)
        gradient = last.gradient + added * last.coef
        point, gap = replace(last, value=value, gradient=gradient), UNKNOWN_GAP
        for n_steps in range(1, _MAX_STEPS + 1):
            model = HessianMatrix(objective, rows, known.curvature, matrix)
            before, point = point, objective.evaluate(model.end(point))
            change, bend = point.coef - before.coef, point.gradient - before.gradient
            matrix = bfgs_update(matrix, change, bend)
            if not point.value <= before.value * (1.0 + NOISE):
                point, gap = before, UNKNOWN_GAP
                break
            margins, weights = point.margins.take(rows), objective.weights.take(rows)
            gap = relative(known.certify(margins, weights, point).excess, point)
            if gap <= goal.tol:
                break
            if n_steps >= _OLD:
                known = HessianMatrix.at(sample, margins, rows)
                matrix = known.matrix
        self._known, self._matrix, self._last = known, matrix, point
        self._curvature = curvature
        return point, gap
