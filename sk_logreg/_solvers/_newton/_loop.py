"""Newton's method: a model proposes, a line search moves, a policy decides."""

from sk_logreg._arrays import Vector
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._records import MAX_ITER, SINGULAR, STALLED, STOPPED, Status
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution
from sk_logreg._solvers._newton._line_search import (
    SHORTEST,
    Move,
    NoiseFloor,
    descend_negative_curvature,
    line_search,
    scaled_gradient_search,
    try_evaluate,
)
from sk_logreg._solvers._newton._model import Model
from sk_logreg._solvers._newton._stopping import Continue, stopping_for

#: The model has no further step: it has spent its budget of passes over X, or needs a
#: matrix that it must not compute. Never the status of a fit.
BUDGET_SPENT = Status("budget_spent", "The budget of passes over X is spent.")


def minimize(
    objective: Objective, start: Vector, journal: Journal, model: Model, goal: Goal
) -> Solution:
    """Minimize an objective by Newton's method, damped where it must be.

    The step solves (H + μM) d = -g with H the Hessian, M a majorizer of every Hessian
    and μ = 0 unless H is indefinite, which makes the method invariant to linear maps
    of the features; a line search shortens it if f does not fall enough. At a saddle
    point, where the gradient vanishes, the step follows negative curvature instead.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
       chapters 3, 4 and 7. Springer.
    """
    stopping = stopping_for(objective, model, goal)
    noise = NoiseFloor(objective)
    point, exact = _first_point(objective, model, start), False
    while True:
        if (ended := stopping.ended(point)) is not None:
            return ended
        step = model.step(point, goal.tol * point.value, exact=exact)
        if step is None:
            return Solution(point, UNKNOWN_GAP, BUDGET_SPENT)
        verdict = stopping.judge(
            step, stagnated=noise.stagnated(step), can_move=not journal.closed
        )
        if isinstance(verdict, Solution):
            return verdict
        if verdict is None:
            exact = True
            continue
        if journal.closed:
            return stopping.unfinished(step, STOPPED if journal.stopped else MAX_ITER)
        journal.begin(objective, point)
        move = _move(objective, model, verdict, noise)
        journal.end(objective, move.point, verdict.step.decrement2, move.length)
        if move.length == 0.0 and verdict.negative_direction is not None:
            return Solution(point, UNKNOWN_GAP, SINGULAR)
        if move.length == 0.0 and noise.exhausted:
            return stopping.unfinished(verdict.step, STALLED)
        if (last := stopping.after(verdict, move, journal.stopped)) is not None:
            return last
        point, exact = move.point, move.length == 0.0
        del step, verdict, move  # frees the margins at the last point


def _first_point(objective: Objective, model: Model, start: Vector) -> Evaluation:
    """Return the objective at a start or, if a convex one is lower there, at zero."""
    start = objective.penalty.clip(start)
    if not (objective.loss.convex and start.any()):
        return model.evaluate(start)
    point = try_evaluate(model.evaluate, start)
    if point is None or point.value > objective.value_at_zero:
        return model.evaluate(objective.penalty.clip(0.0 * start))
    return point


def _move(
    objective: Objective, model: Model, verdict: Continue, noise: NoiseFloor
) -> Move:
    """Return the point that an iteration leads to."""
    step, direction = verdict.step, verdict.negative_direction
    if direction is not None:
        noise.reset()
        return descend_negative_curvature(objective, model, step.point, direction)
    evaluate = objective.evaluate if verdict.last else model.evaluate
    move = line_search(objective, evaluate, step, noise.floor(step))
    if move.length == 0.0:
        noise.search_failed(step)
    failed = noise.exhausted if move.length == 0.0 else move.length < SHORTEST
    if failed or not step.direction.any():
        other = scaled_gradient_search(objective, model, step)
        if move.length == 0.0 or other.point.value < move.point.value:
            if other.length > 0.0:
                noise.reset()
            return other
    return move
