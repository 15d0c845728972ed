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

    All features are read once per set: the slopes at its minimum show which features to
    add. At the end those at its dual point show it, and give a bound for all features
    [1]_.

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
    # The set always contains features with a nonzero start, without an L1 part, or
    # whose bounds exclude 0.
    always = (start != 0.0) | ~(penalty.l1 > 0.0)
    always |= (penalty.lower > 0.0) | (penalty.upper < 0.0)
    columns = np.flatnonzero(always[:n_features])
    excess = _violations(penalty, -point.gradient)[:n_features]
    columns = _grown(columns, excess, max(_OPTIONS.min_size, 2 * len(columns)))
    tol, coef = max(goal.tol, _OPTIONS.first_tol), start
    restricted, known = objective.restricted(columns), None
    while True:
        kept = columns
        if objective.problem.fit_intercept:
            kept = np.append(columns, n_features)
        last, near = tol <= goal.tol, coef is not start
        inner = replace(goal, tol=tol, certify=last, near=near, known=known)
        solution = solve(restricted, coef[kept], journal, inner)
        coef = np.zeros_like(start)
        step = 0.0 if last else solution.pending_step
        coef[kept] = restricted.penalty.clip(solution.point.coef + step)
        before, point = point, objective.evaluate(coef)
        excess = _outside(columns, _violations(penalty, -point.gradient)[:n_features])
        ended = journal.closed or not solution.status.converged
        if ended or (last and not excess.any()):
            slopes, gap = _certified(objective, restricted, kept, solution, tol)
            excess = _outside(columns, _violations(penalty, slopes)[:n_features])
            if ended or gap <= goal.tol or not excess.any():
                break
        fall = relative(before.value - point.value, point)
        tol = min(tol, max(_OPTIONS.accuracy * fall, 0.5 * goal.tol))
        if not excess.any():
            tol, known = 0.5 * goal.tol, solution.model.known
            continue
        used = columns[coef[columns] != 0.0]
        size = max(_OPTIONS.min_size, 2 * len(used))
        columns = _grown(columns, excess, len(columns) + size)
        restricted, known = objective.restricted(columns), None
    return replace(solution, point=point, gap=gap, pending_step=0.0)


def _outside(columns: Indices, excess: Vector) -> Vector:
    """Return the violations of the features that are not among some columns."""
    excess = excess.copy()
    excess[columns] = 0.0
    return excess


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
    tol: float,
) -> tuple[Vector, float]:
    """Return the slopes of all features at a dual point, and the bound that follows.

    Without a dual, those of the loss at the point itself.
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
    for step in solution.model.dual_steps(point, tol * point.value):
        end = coef.copy()
        end[kept] = step.end
        known, rows, curvature = step.objective, step.rows, step.curvature
        change = known.margin_change(step.end - point.coef)
        dual = known.dual_of_step(
            margins.take(rows), restricted.weights.take(rows), curvature, change
        )
        placed = [objective.placed(v, rows) for v in (curvature, change)]
        slopes = -objective.dual_slopes(margins, *placed)
        bound = excess_of_slopes(
            known,
            penalty,
            dual,
            curvature,
            point.value,
            coef,
            end,
            slopes,
            objective.product_diagonal(placed[0]),
            kept,
        )
        gap = relative(bound, point)
        if gap <= tol:
            break
    return slopes, gap
