"""How a fit is put together: the row space, samples, the model, refinement."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._log import Journal
from sk_logreg._objective import Objective
from sk_logreg._records import STALLED, SUSPECTED
from sk_logreg._solvers._base import Goal, Solution, Solver, relative
from sk_logreg._solvers._factors import MANY, TOO_MANY
from sk_logreg._solvers._newton import (
    BUDGET_SPENT,
    CholeskyModel,
    ConjugateGradientModel,
    FactoredHessian,
    HessianMatrix,
    OrthantModel,
    ProximalModel,
    minimize,
    refined,
)
from sk_logreg._solvers._newton._cg_system import Preconditioner
from sk_logreg._solvers._newton._model import Model
from sk_logreg._solvers._newton._preconditioner import preconditioner
from sk_logreg._solvers._row_space import RowSpace, n_kept, reducible
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._solvers._working_sets import solve_by_working_sets


@dataclass(frozen=True)
class PlanOptions:
    """The parameters of the plan."""

    #: The largest cost of a Hessian, in passes over X: the number of products that
    #: conjugate gradients need for the same step where it is hard.
    max_gram_cost: float = 100.0
    #: The number of factors that a proximal Newton step takes.
    n_factors: float = 5.0
    #: The cost of a Hessian and its factor, in passes over X, from which conjugate
    #: gradients may be quicker than factors with L-BFGS between them. With 1,000 dense
    #: columns it is 27 for many rows, and 33 for 1,500.
    costly_factor: float = 32.0
    #: Number of features from which working sets of them pay.
    many_columns: int = 400
    #: The accuracy of a sample's minimum, relative to the error of the sample itself.
    sample_accuracy: float = 0.1
    #: Maximum number of factors in single precision before one in double precision.
    max_preconditioners: int = 8
    #: The passes over X that a factor of a sample's Hessian saves.
    saved_passes: float = 10.0


_OPTIONS = PlanOptions()


def _by_conjugate_gradients(
    objective: Objective, start: Vector, journal: Journal, goal: Goal
) -> Solution:
    """Minimize by Newton's method with conjugate gradients."""
    return _minimize(objective, start, journal, ConjugateGradientModel(objective), goal)


def _by_cost(
    objective: Objective, start: Vector, journal: Journal, goal: Goal
) -> Solution:
    """Minimize with factors, conjugate gradients or both, by their cost.

    A factor is exact and indifferent to the conditioning, so factors are used unless
    they are too large, or forming the Hessian costs far more than the products that
    would replace it.
    """
    if not objective.penalty.smooth:
        return _composite(objective, start, journal, goal)
    size, gram = objective.n_features, objective.costs.gram
    if reducible(objective):  # a dense matrix of that size takes the place of X
        size = objective.n_samples + n_kept(objective)
        gram = 5.0 * objective.costs.factor(size)
    if size > TOO_MANY or gram > _OPTIONS.max_gram_cost:
        return _by_conjugate_gradients(objective, start, journal, goal)
    return _in_row_space(objective, start, journal, goal, mixed=True)


def _by_factors(
    objective: Objective, start: Vector, journal: Journal, goal: Goal
) -> Solution:
    """Minimize by Newton's method with Cholesky factors of the Hessian."""
    if not objective.penalty.smooth:
        return _composite(objective, start, journal, goal)
    return _in_row_space(objective, start, journal, goal, mixed=False)


def _composite(
    objective: Objective, start: Vector, journal: Journal, goal: Goal
) -> Solution:
    """Minimize with a penalty that has kinks, by working sets if there are many."""

    def solve(
        objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        """Minimize over some or all features, by factors or conjugate gradients."""
        costs, n_dof = objective.costs, objective.n_dof
        # Factors are of the coefficients that are not 0, or about to become so.
        n_active = min(n_dof, 2 * int(np.count_nonzero(start)))
        cost = costs.gram + _OPTIONS.n_factors * costs.factor(n_active)
        if objective.loss.convex and n_dof > MANY and cost > _OPTIONS.max_gram_cost:
            # Only problems over working sets have more than MANY coefficients here.
            assert goal.squares is not None
            model = OrthantModel(objective, goal.squares, goal.certify)
            return _minimize(objective, start, journal, model, goal)
        return _from_samples(objective, start, journal, goal, mixed=False)

    if objective.n_features < _OPTIONS.many_columns:
        return solve(objective, start, journal, goal)
    return solve_by_working_sets(objective, start, journal, goal, solve)


def _minimize(
    objective: Objective, start: Vector, journal: Journal, model: Model, goal: Goal
) -> Solution:
    """Minimize by a model, and refine the minimum for a fine tolerance."""
    solution = minimize(objective, start, journal, model, goal)
    if not objective.penalty.smooth:
        solution = replace(solution, model=model)
    if not (goal.certify and solution.status.converged):
        return solution
    if goal.fine:  # the bound at the minimum holds after refinement too
        solution = replace(solution, point=refined(objective, model, solution.point))
    directions = model.null_space if isinstance(model, CholeskyModel) else None
    if directions is None or not objective.penalty.absent:
        return solution
    return _of_least_norm(objective, solution, directions, goal.tol)


def _of_least_norm(
    objective: Objective, solution: Solution, directions: Matrix, tol: float
) -> Solution:
    """Return the solution of least norm, where some directions change no z.

    In units in which each column has the same mean square. So it depends neither on the
    start nor on the way to a minimum. Over a row space, coefficients have these units.
    """
    point, sizes = solution.point, np.ones(objective.n_dof)
    if not objective.problem.reduced:
        squares = objective.product_diagonal(objective.weights)
        sizes = np.sqrt(np.where(squares > 0.0, squares, 1.0))
    directions = directions / np.linalg.norm(directions, axis=0)

    def projected(v: Vector) -> Vector:
        part, *_ = np.linalg.lstsq(sizes[:, None] * directions, sizes * v)
        return v - directions @ part

    end = objective.evaluate(projected(point.coef))
    gap = solution.gap + relative(max(0.0, end.value - point.value), point)
    if gap > tol:  # rounding errors along the directions change f
        return solution
    pending = projected(solution.pending_step * np.ones_like(point.coef))
    return replace(solution, point=end, gap=gap, pending_step=pending)


def _in_row_space(
    objective: Objective, start: Vector, journal: Journal, goal: Goal, *, mixed: bool
) -> Solution:
    """Minimize in the row space of X if there are fewer rows than features."""
    if not reducible(objective):
        return _from_samples(objective, start, journal, goal, mixed=mixed)
    row_space = RowSpace(objective)
    # Half of the bound is left for the rounding errors of the reduction.
    inner = replace(goal, tol=0.5 * goal.tol)
    start = row_space.project(start)
    reduced = row_space.objective
    solution = _from_samples(reduced, start, journal, inner, mixed=mixed)
    return row_space.lift(solution, goal.tol if goal.certify else None)


def _from_samples(
    objective: Objective, start: Vector, journal: Journal, goal: Goal, *, mixed: bool
) -> Solution:
    """Minimize on nested samples of the rows, then on all of them.

    Each sample starts where the one before it ended. The Hessian of the last serves
    all rows as the initial matrix of L-BFGS, so that an iteration on all rows only
    takes a gradient; it is replaced by the Hessian of all rows if progress is slow. The
    bound that ends the fit holds whatever matrix is in use.

    If `mixed`, and with many coefficients and costly factors, conjugate gradients
    are tried first.

    References
    ----------
    .. [1] R. H. Byrd, G. M. Chin, W. Neveitt, J. Nocedal (2011). On the use of
       stochastic Hessian information in optimization methods for machine learning.
       SIAM Journal on Optimization 21(3), 977-995.
    """
    costs, n_dof = objective.costs, objective.n_dof
    costly = costs.gram + costs.factor(n_dof) > _OPTIONS.costly_factor
    mixed = mixed and costly and n_dof > MANY
    of_sample = None
    if goal.near:
        of_sample = _near(objective, start, goal)
    else:
        for drawn in nested_samples(objective, goal.tol):
            of_sample = None  # frees the memory of the sample before
            start, of_sample = _from_sample(objective, *drawn, start, journal, mixed)
    # Without a dual, the bound is that of a Hessian of all rows in any case.
    if mixed and not (of_sample is not None and objective.loss.dual is None):
        solution = _without_hessian(objective, start, journal, goal, of_sample)
        start = solution.point.coef
        # A factor may show that there is a minimum where products do not.
        unsolved = solution.status in (BUDGET_SPENT, STALLED, SUSPECTED)
        if not unsolved or (journal.closed and solution.status is not BUDGET_SPENT):
            return solution
    if of_sample is not None and not goal.fine:
        objective = objective.recomputing_margins()
    model: Model
    if objective.penalty.smooth:
        model = CholeskyModel(objective, of_sample, fine=goal.fine)
    else:
        model = ProximalModel(objective, of_sample, near=goal.near, fine=goal.fine)
    return _minimize(objective, start, journal, model, goal)


def _from_sample(
    objective: Objective,
    rows: Indices,
    weights: Vector,
    start: Vector,
    journal: Journal,
    mixed: bool,
) -> tuple[Vector, Any]:
    """Return where the minimum over a sample is, and a known Hessian near it.

    Returns the start, and None, if the sample has no minimum.
    """
    sample = objective.sample(rows, weights)
    smooth = objective.penalty.smooth
    model: Any = CholeskyModel(sample) if smooth else ProximalModel(sample)
    # With many coefficients one factor, at the sample's minimum, is enough.
    walker: Model = ConjugateGradientModel(sample) if mixed else model
    goal = Goal(_OPTIONS.sample_accuracy * objective.n_dof / len(rows), certify=False)
    solution = minimize(sample, start, journal, walker, goal)
    if not solution.status.converged:
        return start, None
    of_sample = None
    if objective.costs.factor(objective.n_dof) < _OPTIONS.saved_passes:
        of_sample = model.known_hessian(rows, solution.point)
    return solution.point.coef + solution.pending_step, of_sample


def _near(objective: Objective, start: Vector, goal: Goal) -> Any:
    """Return the known Hessian, or that of the last sample at a start, if it pays."""
    if goal.known is not None:
        return goal.known
    samples = list(nested_samples(objective, goal.tol))
    costly = objective.costs.factor(objective.n_dof) >= _OPTIONS.saved_passes
    if costly or not samples:
        return None
    rows, weights = samples[-1]
    sample = objective.sample(rows, weights)
    if objective.penalty.smooth:
        return FactoredHessian.at(sample, sample.margins(start), rows)
    known = HessianMatrix.at(sample, sample.margins(start), rows)
    # A bound takes the sample's own Hessian.
    if goal.certify or goal.squares is None:
        return known
    return known.completed(goal.squares)


def _without_hessian(
    objective: Objective,
    start: Vector,
    journal: Journal,
    goal: Goal,
    of_sample: FactoredHessian | None,
) -> Solution:
    """Minimize without the Hessian of all rows in double precision.

    First by L-BFGS from a sample's Hessian, if there is one, for as long as it serves:
    a step takes a pass over X. Then by conjugate gradients, preconditioned by that
    Hessian and, as they pay, by others.
    """
    factor: Preconditioner | None = None
    if of_sample is not None:
        factor = of_sample.factor
        sampled = CholeskyModel(objective, of_sample, fine=goal.fine, renewed=False)
        solution = _minimize(objective, start, journal, sampled, goal)
        if solution.status is not BUDGET_SPENT or journal.closed:
            return solution
        start = solution.point.coef
    return _preconditioned(objective, start, journal, goal, factor)


def _preconditioned(
    objective: Objective,
    start: Vector,
    journal: Journal,
    goal: Goal,
    factor: Preconditioner | None,
) -> Solution:
    """Minimize by conjugate gradients, preconditioned by factors as they pay.

    The ski-rental rule: when conjugate gradients have cost as much as a factor of the
    Hessian in single precision, one is computed where they have come to. The total cost
    is at most twice that of switching at the best time.
    """
    budget = objective.costs.preconditioner(objective.n_dof)
    model = ConjugateGradientModel(objective, budget, factor)
    solution = _minimize(objective, start, journal, model, goal)
    for _ in range(_OPTIONS.max_preconditioners - 1):
        if solution.status is not BUDGET_SPENT or journal.closed:
            break
        del factor, model  # frees the memory of the factor before
        factor = preconditioner(objective, solution.point)
        model = ConjugateGradientModel(objective, budget, factor)
        solution = _minimize(objective, solution.point.coef, journal, model, goal)
    return solution


#: The solvers by the value of the ``solver`` parameter that selects them.
SOLVERS: dict[str, Solver] = {
    "auto": _by_cost,
    "newton-cholesky": _by_factors,
    "newton-cg": _by_conjugate_gradients,
}
