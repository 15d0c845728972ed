"""Many features, few of which have a weight: problems over working sets of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector
from sk_logreg._log import Journal
from sk_logreg._objective import (
    Evaluation,
    Objective,
    dual_after_step,
    dual_of_step,
    dual_slopes,
)
from sk_logreg._records import ended_by_rounding
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution, relative
from sk_logreg._solvers._newton import HessianMatrix, excess_of_slopes
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
    #: The least tolerance over a working set, relative to that over all features.
    least_share: float = 0.1
    #: Where features are added, so are those that miss the limit by this share of it:
    #: they may exceed it after the next step.
    margin: float = 0.01
    #: The largest share of features added to a set for which the Hessian is extended.
    extended: float = 0.2
    #: The error of an extrapolated gradient, relative to the change of the L1 strength.
    trend_error: float = 0.3


_OPTIONS = WorkingSetOptions()


@dataclass(frozen=True, eq=False)
class WorkingSet:
    """What is kept of a solution for a problem that differs in C.

    Attributes
    ----------
    columns : ndarray of int
        The features of the last working set.
    restricted : Objective or None
        The objective over them, if there is one.
    gradient, l1 : ndarray of shape (n_dof,)
        At the solution; and the strengths of the L1 penalty there.
    trend : ndarray of shape (n_dof,) or None
        How the gradient changes with the strengths, from the solution before.
    squares : ndarray of shape (n_dof,)
        An upper bound of the diagonal of the Hessian of the losses.
    """

    columns: Indices
    restricted: Objective | None
    gradient: Vector
    l1: Vector
    trend: Vector | None
    squares: Vector

    def first_columns(
        self, penalty: ElasticNet, start: Vector, n_features: int
    ) -> Indices:
        """Return the first working set with other strengths.

        That is the last one unless it misses a feature, or has too many.
        """
        needed = _always_in(penalty, start) | self.may_enter(penalty.l1)
        columns, held = np.flatnonzero(needed[:n_features]), self.columns
        few = len(held) <= 1.2 * len(columns)
        return held if few and needed[held].sum() == len(columns) else columns

    def may_enter(self, l1: Vector) -> NDArray[np.bool_]:
        """Return which features may have a weight with other strengths.

        The gradient is extrapolated. Its error is assumed to be a share of what the
        strong rule assumes: that it changes by no more than the strengths.
        """
        change, share = l1 - self.l1, 1.0
        ahead = self.gradient
        if self.trend is not None:
            ahead, share = ahead + self.trend * change, _OPTIONS.trend_error
        return ~(np.abs(ahead) + share * np.abs(change) < l1)

    @classmethod
    def after(
        cls,
        before: "WorkingSet | None",
        columns: Indices,
        restricted: Objective | None,
        gradient: Vector,
        l1: Vector,
        squares: Vector,
    ) -> "WorkingSet":
        """Return what is kept of a solution, given what was of the one before it."""
        trend = None
        if before is not None and (l1 != before.l1).any():
            trend = (gradient - before.gradient) / (l1 - before.l1)
        return cls(columns, restricted, gradient, l1, trend, squares)


def solve_by_working_sets(
    objective: Objective, start: Vector, journal: Journal, goal: Goal, solve: Solve
) -> Solution:
    """Minimize over a set of features, and add those that should have a weight.

    All features are read once per set: the slopes at its minimum show which features to
    add. At the end those at its dual point show it, and give a bound for all features
    [1]_. The first set is that of the strong rule [2]_ if the solution with another C
    is known.

    References
    ----------
    .. [1] M. Massias, A. Gramfort, J. Salmon (2018). Celer: a fast solver for the lasso
       with dual extrapolation. ICML, PMLR 80, 3315-3324.
    .. [2] R. Tibshirani, J. Bien, J. Friedman, T. Hastie, N. Simon, J. Taylor,
       R. J. Tibshirani (2012). Strong rules for discarding predictors in lasso-type
       problems. Journal of the Royal Statistical Society B 74(2), 245-266.
    """
    penalty = objective.penalty
    assert isinstance(penalty, ElasticNet)
    coef = penalty.clip(start)
    squares, known, near = _squares(objective, goal), None, goal.near
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = penalty.l1 / np.sqrt(squares + penalty.curvature)
    columns, restricted, value = _first_set(objective, coef, scale, goal.working_set)
    tol = goal.tol if near else max(goal.tol, _OPTIONS.first_tol)
    while True:
        last, kept = tol <= goal.tol, with_bias(objective, columns)
        inner = replace(
            goal, tol=tol, certify=last, near=near, known=known, squares=squares[kept]
        )
        solution = solve(restricted, coef[kept], journal, inner)
        point = solution.point if last else _after_pending(restricted, solution)
        coef = np.zeros_like(coef)
        coef[kept] = point.coef
        ended = journal.closed or not solution.status.converged
        excess = np.zeros(0)
        if not (ended or (last and goal.near)):
            slopes = -objective.gradient_of_losses(point.margins)
            excess = _outside(kept, penalty, slopes)
        if ended or (last and not excess.any()):
            slopes, gap, end = _certified(
                objective, restricted, kept, solution, squares, tol
            )
            excess = _outside(kept, penalty, slopes)
            hopeless = not excess.any() and tol < _OPTIONS.least_share * goal.tol
            if ended or gap <= goal.tol:
                break
            if hopeless:
                solution = replace(solution, status=ended_by_rounding(gap))
                break
            if excess.any():
                coef = end  # nearer to the minimum than a point that is certified
        fall, value, near = relative(value - point.value, point), point.value, True
        if not excess.any():
            tol, known = 0.5 * min(tol, goal.tol), solution.model.known
            continue
        tol = min(tol, max(_OPTIONS.accuracy * fall, 0.5 * goal.tol))
        size = max(_OPTIONS.min_size, 2 * int(np.count_nonzero(coef[columns])))
        near_excess = _outside(kept, penalty, slopes, _OPTIONS.margin)
        largest = len(columns) + size
        before, columns = columns, _grown(columns, near_excess, scale, largest)
        restricted, known = objective.restricted(columns), solution.model.known
        if known is not None:
            known = _extended(known, restricted, ~np.isin(columns, before))
    gradient = penalty.gradient(coef) - slopes  # at the dual point
    gradient[kept] = point.gradient
    point = replace(point, coef=coef, gradient=gradient, curvature=None, hessian=None)
    found = WorkingSet.after(
        goal.working_set, columns, restricted, gradient, penalty.l1, squares
    )
    return replace(solution, point=point, gap=gap, pending_step=0.0, working_set=found)


def _extended(
    known: HessianMatrix, restricted: Objective, added: NDArray[np.bool_]
) -> HessianMatrix | None:
    """Return a Hessian over a larger working set, if few features are added to it.

    And if about two more steps than by a new one, with a factor each, cost less.
    """
    places, costs = np.flatnonzero(added), restricted.costs
    more = 2.0 * (1.0 + costs.factor(restricted.n_dof))
    if len(places) > _OPTIONS.extended * len(added) or more > costs.gram:
        return None
    return known.over(restricted, places)


def with_bias(objective: Objective, columns: Indices) -> Indices:
    """Return the positions of the coefficients of features, and of the bias if any."""
    if not objective.problem.fit_intercept:
        return columns
    return np.append(columns, objective.n_features)


def _after_pending(objective: Objective, solution: Solution) -> Evaluation:
    """Return the point after the step that a solution leaves to be taken.

    Or the one before it, if that is lower.
    """
    end = solution.point.coef + solution.pending_step
    after = objective.evaluate(objective.penalty.clip(end))
    return after if after.value <= solution.point.value else solution.point


def _first_set(
    objective: Objective, start: Vector, scale: Vector, before: WorkingSet | None
) -> tuple[Indices, Objective, float]:
    """Return the first working set, the objective over it, and f at the start if known.

    It contains the features that are always in.
    """
    penalty, n_features = objective.penalty, objective.n_features
    assert isinstance(penalty, ElasticNet)
    if before is None:
        point = objective.evaluate(start)
        columns = np.flatnonzero(_always_in(penalty, start)[:n_features])
        excess = _violations(penalty, -point.gradient)[:n_features]
        size = max(_OPTIONS.min_size, 2 * len(columns))
        columns = _grown(columns, excess, scale, size)
        return columns, objective.restricted(columns), point.value
    columns = before.first_columns(penalty, start, n_features)
    held = before.restricted if columns is before.columns else None
    return columns, objective.restricted(columns, held), np.inf


def _always_in(penalty: ElasticNet, start: Vector) -> NDArray[np.bool_]:
    """Return which coefficients belong to each first working set.

    Those with a nonzero start, without an L1 part, or whose bounds exclude 0.
    """
    always = (start != 0.0) | ~(penalty.l1 > 0.0)
    return always | (penalty.lower > 0.0) | (penalty.upper < 0.0)


def _squares(objective: Objective, goal: Goal) -> Vector:
    """Return an upper bound of the diagonal of the Hessian of the losses."""
    if goal.working_set is not None:
        return goal.working_set.squares
    return objective.product_diagonal(objective.curvature_bound)


def _outside(
    kept: Indices, penalty: ElasticNet, slopes: Vector, margin: float = 0.0
) -> Vector:
    """Return the violations of the coefficients that are not kept."""
    excess = _violations(penalty, slopes, margin)
    excess[kept] = 0.0
    return excess


def _violations(penalty: ElasticNet, slopes: Vector, margin: float = 0.0) -> Vector:
    """Return by how much slopes exceed what the penalty allows at zero, relatively.

    Or all but a margin of it.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.abs(slopes) / penalty.l1 - 1.0 + margin
    return np.where((penalty.l1 > 0.0) & (excess > NOISE), excess, 0.0)


def exceeding(penalty: ElasticNet, gradient: Vector) -> NDArray[np.bool_]:
    """Return at which coefficients the gradient exceeds the limit at 0, or nearly."""
    return _violations(penalty, gradient, _OPTIONS.margin) > 0.0


def _grown(columns: Indices, excess: Vector, scale: Vector, size: int) -> Indices:
    """Return a working set of at most some size: with those that lower f most.

    A violation times its `scale` is the square root of twice the fall of f that is
    certain if that coefficient alone changes. The largest violations themselves would
    be those of the columns with the most stored values, at a higher cost per pass.
    """
    violating = np.flatnonzero(excess)
    room = max(0, size - len(columns))
    if len(violating) > room:
        falls = excess[violating] * scale[violating]
        violating = violating[np.argpartition(-falls, room)[:room]]
    return np.union1d(columns, violating)


def _certified(
    objective: Objective,
    restricted: Objective,
    kept: Indices,
    solution: Solution,
    squares: Vector,
    tol: float,
) -> tuple[Vector, float, Vector]:
    """Return the slopes of all features at a dual point, and the bound that follows.

    Also where the step ends that the dual point follows. Without a dual, these are the
    slopes of the loss at the point itself, and the point. `squares` is an upper bound
    of the diagonal of the Hessian.
    """
    point, penalty = solution.point, objective.penalty
    assert isinstance(penalty, ElasticNet)
    coef = np.zeros(objective.n_dof)
    coef[kept] = point.coef
    if objective.loss.dual is None:
        slopes = -objective.evaluate(coef).gradient
        violated = _violations(penalty, slopes)
        violated[kept] = 0.0
        return slopes, UNKNOWN_GAP if violated.any() else solution.gap, coef
    for step in solution.model.dual_steps(point, tol * point.value):
        end = coef.copy()
        end[kept] = step.end
        known, rows, curvature = step.objective, step.rows, step.curvature
        start = step.start.margins
        change = known.margin_change(step.end - step.start.coef)
        if step.start is point:
            weights = restricted.weights.take(rows)
            dual = dual_of_step(known, start.take(rows), weights, curvature, change)
        else:
            dual = dual_after_step(known, start, point.margins)
        placed = [objective.rows.placed(v, rows) for v in (curvature, change)]
        slopes = -dual_slopes(objective, start, *placed)
        if known.n_samples < objective.n_samples:  # their curvatures may be larger
            squares = objective.product_diagonal(placed[0])
        bound = excess_of_slopes(
            known,
            penalty,
            dual,
            curvature,
            point.value,
            coef,
            end,
            slopes,
            squares,
            kept,
        )
        gap = relative(bound, point)
        if gap <= tol or _outside(kept, penalty, slopes).max() > tol:
            break
    return slopes, gap, end
