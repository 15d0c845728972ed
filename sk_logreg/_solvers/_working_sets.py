"""Many features, few of which have a weight: problems over working sets of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._log import Journal
from sk_logreg._objective import Objective
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution, relative
from sk_logreg._solvers._newton import excess_of_slopes
from sk_logreg._tolerances import NOISE
from sk_logreg.penalties import ElasticNet

Solve = Callable[[Objective, Vector, Journal, Goal], Solution]


@dataclass(frozen=True)
class WorkingSetOptions:
    """The parameters of working sets."""

    #: Minimum size of the first working set.
    min_size: int = 64
    #: The tolerance over a working set, relative to the bound over all features.
    accuracy: float = 0.1
    #: The tolerance over the first working set.
    first_tol: float = 1e-3


_OPTIONS = WorkingSetOptions()


def solve_by_working_sets(
    objective: Objective, start: Vector, journal: Journal, goal: Goal, solve: Solve
) -> Solution:
    """Minimize over a set of features, and add those that should have a weight.

    All features are read once per set: the slopes at the dual point of its minimum show
    which features to add, and give a bound for all of them [1]_.

    References
    ----------
    .. [1] M. Massias, A. Gramfort, J. Salmon (2018). Celer: a fast solver for the lasso
       with dual extrapolation. ICML, PMLR 80, 3315-3324.
    """
    penalty = objective.penalty
    assert isinstance(penalty, ElasticNet)
    start = penalty.clip(start)
    point = objective.evaluate(start)
    n_features = objective.n_features
    # What has a weight, or would not have the weight 0 without a reason, is in the set.
    always = (start != 0.0) | ~(penalty.l1 > 0.0)
    always |= (penalty.lower > 0.0) | (penalty.upper < 0.0)
    columns = np.flatnonzero(always[:n_features])
    excess = _violations(penalty, -point.gradient)[:n_features]
    columns = _grown(columns, excess, max(_OPTIONS.min_size, 2 * len(columns)))
    bound = objective.loss.curvature_bound
    assert bound is not None
    weighted = objective.curvature_of(bound)
    sizes = objective.product_diagonal(weighted) + penalty.curvature
    tol, coef = max(goal.tol, _OPTIONS.first_tol), start
    while True:
        restricted = objective.restricted(columns)
        kept = columns
        if objective.problem.fit_intercept:
            kept = np.append(columns, n_features)
        inner = replace(goal, tol=tol)
        solution = solve(restricted, coef[kept], journal, inner)
        coef = np.zeros_like(start)
        coef[kept] = solution.point.coef
        slopes, gap = _certified(objective, restricted, kept, solution, sizes, tol)
        excess = _violations(penalty, slopes)[:n_features]
        excess[columns] = 0.0
        complete = not excess.any()
        done = gap <= goal.tol or (complete and solution.gap <= goal.tol)
        if done or not solution.status.converged or journal.closed:
            break
        if complete and tol <= goal.tol:
            break
        tol = min(tol, max(0.5 * goal.tol, _OPTIONS.accuracy * gap))
        if complete:
            tol = 0.5 * goal.tol
        used = columns[coef[columns] != 0.0]
        size = max(_OPTIONS.min_size, 2 * len(used))
        columns = _grown(columns, excess, len(columns) + size)
    point = objective.evaluate(coef)
    return replace(solution, point=point, gap=gap, pending_step=0.0)


def _violations(penalty: ElasticNet, slopes: Vector) -> Vector:
    """Return by how much slopes exceed what the penalty allows at zero, relatively."""
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.abs(slopes) / penalty.l1 - 1.0
    return np.where((penalty.l1 > 0.0) & (excess > NOISE), excess, 0.0)


def _grown(columns: Indices, excess: Vector, size: int) -> Indices:
    """Return a working set with the largest violations, of at most some size."""
    violating = np.flatnonzero(excess)
    room = max(0, size - len(columns))
    if len(violating) > room:
        largest = np.argpartition(-excess[violating], room)[:room]
        violating = violating[largest]
    return np.union1d(columns, violating)


def _certified(
    objective: Objective,
    restricted: Objective,
    kept: Indices,
    solution: Solution,
    sizes: Vector,
    tol: float,
) -> tuple[Vector, float]:
    """Return the slopes of all features at a dual point, and the bound that follows.

    Without a dual, those of the loss at the point itself. No diagonal entry of a
    Hessian exceeds that in `sizes`.
    """
    point, penalty = solution.point, objective.penalty
    assert isinstance(penalty, ElasticNet)
    coef = np.zeros(objective.n_dof)
    coef[kept] = point.coef
    margins = point.margins
    if objective.loss.dual is None:
        slopes = -objective.evaluate(coef).gradient
        violated = _violations(penalty, slopes)
        violated[kept] = 0.0
        return slopes, UNKNOWN_GAP if violated.any() else solution.gap
    end = coef.copy()
    curvature, end[kept] = solution.model.dual_step(point, tol * point.value)
    change = restricted.margin_change(end[kept] - point.coef)
    dual = restricted.dual_of_step(margins, restricted.weights, curvature, change)
    slopes = -objective.dual_slopes(margins, curvature, change)
    value = point.value
    bound = excess_of_slopes(
        restricted, penalty, dual, curvature, value, coef, end, slopes, sizes, kept
    )
    return slopes, relative(bound, point)
