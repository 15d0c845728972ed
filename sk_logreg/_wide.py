"""Follow a path over few rows and many features, by a step or two for each C.

So near the solutions, most of the time would pass between operations on small arrays.
"""

from dataclasses import replace

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._objective import Objective, RowVector, Stack, StackedPoints
from sk_logreg._records import CONVERGED
from sk_logreg._solvers import Solution
from sk_logreg._solvers._working_sets import WorkingSet, exceeding, with_bias
from sk_logreg._stacked import MAX_STEPS, DualPoints, evaluation, newton_steps
from sk_logreg._tolerances import FINE
from sk_logreg.penalties import ElasticNet, Penalty
from sk_logreg.penalties._base import FenchelGap

# With more multiply-adds for a Hessian, it takes longer than the code that is saved.
_MOST_PRODUCTS = 1 << 26


class WideFollower:
    """Solves problems over the same rows that differ in C, near known solutions.

    By Newton's method over working sets, as `solve_by_working_sets` does.

    Parameters
    ----------
    objective : Objective
        That at C = 1.
    tol : float
        The bound on the relative suboptimality that is asked for.
    """

    def __init__(self, objective: Objective, tol: float):
        self._objective, self._tol = objective, tol
        problem = objective.problem
        suits = problem.loss.dual is not None and problem.bounded and tol >= FINE
        self._suits = suits and not objective.rows.partitioned
        self._stack: Stack | None = None

    def solution(
        self, penalty: Penalty, start: Vector, nearby: Solution
    ) -> Solution | None:
        """Return the solution near a start, None if a few steps do not lead to it.

        `nearby` is that of another C.
        """
        before: WorkingSet | None = nearby.working_set
        if before is None or not self._suits:
            return None
        assert isinstance(penalty, ElasticNet)
        objective, n_features = self._objective, self._objective.n_features
        coef = penalty.clip(start)
        columns = before.first_columns(penalty, coef, n_features)
        for _ in range(MAX_STEPS):
            if objective.n_samples * len(columns) ** 2 > _MOST_PRODUCTS:
                break
            stack = self._stack_of(columns)
            kept = with_bias(objective, columns)
            inner = penalty.take(kept)
            strengths, l1 = inner.strengths[None], inner.l1[None]
            inner = replace(inner, strengths=strengths, l1=l1)
            found = _minimum(stack, inner, stack.at(coef[None, kept]), self._tol)
            if found is None:
                break
            points, values, dual = found
            coef = np.zeros_like(coef)
            coef[kept] = points.coefs[0]
            dual, gradient = self._over_all(penalty, dual, kept, before.squares)
            gap = float(dual.excesses(values)[0] / values[0])
            if gap <= self._tol:
                point = evaluation(points, values, inner, 0)
                gradient[kept] = point.gradient
                point = replace(point, coef=coef, gradient=gradient)
                last = WorkingSet.after(
                    before, columns, None, gradient, penalty.l1, before.squares
                )
                return Solution(point, gap, CONVERGED, working_set=last)
            added = exceeding(penalty, gradient)[:n_features]
            columns = np.union1d(columns, np.flatnonzero(added))
        return None

    def _stack_of(self, columns: Indices) -> Stack:
        """Return the losses over a working set."""
        if self._stack is None or self._stack.columns is not columns:
            self._stack = Stack(self._objective, columns, self._stack)
        return self._stack

    def _over_all(
        self, penalty: ElasticNet, dual: DualPoints, kept: Indices, squares: Vector
    ) -> tuple[DualPoints, Vector]:
        """Return a dual point with the gap of all features, in one pass over X.

        Given that of the coefficients that are kept; the others are 0. Also returns the
        gradient of the losses there. `squares` is an upper bound of the diagonal of
        their Hessian.
        """
        rows, objective = self._objective.rows, self._objective
        by_row = dual.slopes[0] * rows.weights * rows.signs
        gradient = objective.vector(objective.rmatvec(RowVector(by_row)), by_row.sum())
        errors = dual.norms[0] * np.sqrt(squares)
        counts = (penalty.curvature > 0.0) | (np.abs(gradient) + errors > penalty.l1)
        counts[kept] = False
        which, gap = np.flatnonzero(counts), dual.gap
        more = penalty.take(which).fenchel_gap(
            np.zeros(len(which)), -gradient[which], errors[which]
        )
        shares = np.maximum(gap.share, more.share)
        return dual._replace(gap=FenchelGap(gap.value + more.value, shares)), gradient


def _minimum(
    stack: Stack, penalty: ElasticNet, points: StackedPoints, tol: float
) -> tuple[StackedPoints, Vector, DualPoints] | None:
    """Return the point that a few steps lead to, f and the dual point there.

    None if the bound is not as asked for.
    """
    for _ in range(MAX_STEPS):
        before = points
        hessians, ends = newton_steps(stack, penalty, points)
        points = stack.at(ends)
        values = points.losses + penalty.value(ends)
        dual = DualPoints.of(stack, penalty, before, points, hessians)
        if (dual.excesses(values) <= tol * values).all():
            return points, values, dual
    return None
