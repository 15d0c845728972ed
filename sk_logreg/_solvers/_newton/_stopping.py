"""When Newton's method stops: one policy per kind of objective, chosen once."""

from dataclasses import dataclass, replace
from typing import ClassVar

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation, Objective, separates
from sk_logreg._records import (
    AT_INFINITY,
    CONVERGED,
    ROUNDING,
    SEPARABLE,
    SINGULAR,
    STALLED,
    SUSPECTED,
    Status,
    ended_by_rounding,
)
from sk_logreg._solvers._base import UNKNOWN_GAP, Goal, Solution, relative
from sk_logreg._solvers._newton._line_search import Move, try_evaluate
from sk_logreg._solvers._newton._model import Bound, Model, Step

# With all margins above this, the classes are separated and the loss falls for ever.
_SEPARATED = 1.0
# If the Newton step would still change some z by more than this although f hardly
# falls, f is flat there: the point is not near a minimum.
_FLAT_FROM = 0.25
# A direction recedes if it lowers no margin by more than this share of what it raises
# another.
_NOT_LOWERED = 1e-6


@dataclass(frozen=True)
class Continue:
    """Take a step, or follow a direction of negative curvature instead.

    The step is `last` if the point after it is likely to end the fit.
    """

    step: Step
    last: bool = False
    negative_direction: Vector | None = None


#: What to do with a step; None asks for an exact step from the same point.
Verdict = Solution | Continue | None


class NewtonDecrement:
    """Stops a convex loss without a dual: the bound is half the squared decrement.

    Also the base of the other policies. It is an estimate from the quadratic model,
    with the residual of the Newton system charged to it.
    """

    #: Whether a step that is not exact serves to judge its start.
    _takes_any: ClassVar[bool] = False

    def __init__(self, objective: Objective, model: Model, goal: Goal):
        self._objective, self._model, self._goal = objective, model, goal
        self._moved = False
        self._bounded = objective.problem.bounded

    def ended(self, point: Evaluation) -> Solution | None:
        """Return the solution if f is zero, or shows that there is no minimum."""
        if not self._bounded and separates(self._objective, point, _SEPARATED):
            return Solution(point, UNKNOWN_GAP, SEPARABLE)
        if point.value == 0.0:  # no loss and no penalty is negative
            return Solution(point, 0.0, CONVERGED)
        return None

    def judge(self, step: Step, *, stagnated: bool, can_move: bool) -> Verdict:
        """Return what to do with a step.

        It has `stagnated` if the decrement no longer falls although f cannot show
        progress. Further iterations are allowed if the fit `can_move`.
        """
        if not (stagnated or step.below_accuracy):
            return self._go_on(step)
        if stagnated or not (step.exact or self._takes_any):
            exact = self._model.step(step.point, step.accuracy, exact=True)
            step = step if exact is None else exact
        return self._judge(step, stagnated, can_move)

    def _judge(self, step: Step, stagnated: bool, _can_move: bool) -> Verdict:
        """Return what to do with a step that may be the end."""
        gap, status = self._gap_and_status(step)
        if stagnated and status is None:
            status = self._end_of_progress(step, ended_by_rounding(gap))
        if status is not None:
            return self._solution(step, gap, status)
        if gap >= UNKNOWN_GAP and not step.exact:  # too old a matrix for a certificate
            return None
        return self._go_on(step)

    def _solution(self, step: Step, gap: float, status: Status) -> Solution:
        """Return the point of a step as the solution; at a certified start, its end."""
        objective, point = self._objective, step.point
        pending: Vector | float = 0.0
        refinable = status.converged and self._goal.fine
        if status.converged and not (refinable or self._moved):
            end = try_evaluate(objective.evaluate, step.at(1.0))
            if end is not None and end.value <= point.value:
                point = end
        elif not refinable and objective.problem.reduced and objective.loss.dual:
            pending = step.direction  # is taken over more features
        return Solution(point, gap, status, pending_step=pending)

    def after(self, verdict: Continue, move: Move, stopped: bool) -> Solution | None:
        """Return the solution if the point after a step is certified at no cost."""
        self._moved = self._moved or move.length > 0.0
        whole = move.newton and move.length == 1.0
        if not (verdict.last and whole) or stopped:
            return None
        after = move.point
        gap = relative(self._model.certify_after(verdict.step, after), after)
        if gap > self._goal.tol:
            return None
        reduced = self._objective.problem.reduced
        pending = self._model.last_step(after) if reduced else 0.0
        return Solution(after, gap, CONVERGED, pending_step=pending)

    def unfinished(self, step: Step, status: Status) -> Solution:
        """Return the solution where a fit ends before it is certified."""
        status = self._end_of_progress(step, status)
        return Solution(step.point, self._gap_and_status(step)[0], status)

    def _end_of_progress(self, step: Step, status: Status) -> Status:
        """Return the status of a fit that makes no progress, or ends before that."""
        stalled = status is STALLED
        return ROUNDING if stalled and self._objective.vanishes(step.point) else status

    def _go_on(self, step: Step) -> Continue:
        return Continue(step)

    def _gap_and_status(self, step: Step) -> tuple[float, Status | None]:
        """Return the bound on the relative suboptimality, and a status if it decides.

        It is half the squared Newton decrement.
        """
        if step.shift > 0.0:
            return UNKNOWN_GAP, None
        estimate = relative(0.5 * step.decrement2 + step.slack, step.point)
        if estimate > self._goal.tol or not step.exact:
            return estimate, None
        bound = self._model.certify(step)
        gap = relative(bound.excess, step.point)
        if gap > self._goal.tol:
            return gap, None
        if bound.reach >= _FLAT_FROM:
            return gap, None if self._bounded else AT_INFINITY
        # Of a loss that is not convex, there may be other minima next to this one.
        singular = bound.singular and not self._objective.loss.convex
        return gap, SINGULAR if singular else CONVERGED


class LocalMinimum(NewtonDecrement):
    """Stops a loss that is not convex: where the Hessian is positive definite."""

    def _judge(self, step: Step, stagnated: bool, can_move: bool) -> Verdict:
        """Return what to do with a step that may be the end, or a saddle point's."""
        curvature = self._model.least_curvature(step.point)
        if curvature.negative_direction is not None and can_move:
            direction = curvature.negative_direction
            return Continue(step, negative_direction=direction)
        verdict = super()._judge(step, stagnated, can_move)
        if isinstance(verdict, Solution):
            return replace(verdict, curvature_ratio=curvature.ratio)
        return verdict


class DualityGap(NewtonDecrement):
    """Stops a loss with a dual where the bound is that of a dual point."""

    _takes_any = True

    def _go_on(self, step: Step) -> Continue:
        # A finer tolerance asks for refinement, for which the step must be at hand.
        last = not self._goal.fine and step.solved and step.next_converges
        return Continue(step, last)

    def _gap_and_status(self, step: Step) -> tuple[float, Status | None]:
        bound = self._model.certify(step)
        gap = relative(bound.excess, step.point)
        return gap, self._status(gap, bound)

    def _status(self, gap: float, _bound: Bound) -> Status | None:
        return CONVERGED if gap <= self._goal.tol else None


class DualityGapOrRecession(DualityGap):
    """The same without a penalty on some weights: there may be no minimum.

    The last step is expected once. If a second one is, the steps do not converge as
    they do next to a minimum.
    """

    def __init__(self, objective: Objective, model: Model, goal: Goal):
        super().__init__(objective, model, goal)
        self._expected_end = False

    def _go_on(self, step: Step) -> Continue:
        last = super()._go_on(step).last and not self._expected_end
        if last:
            self._expected_end = True
        # With a slack, which is an estimate here, the bound after the step is no proof.
        return Continue(step, last and step.slack == 0.0)

    def after(self, verdict: Continue, move: Move, stopped: bool) -> Solution | None:
        """Return the solution, unless the dual point may be at its bounds.

        So it may be after a long step.
        """
        found = super().after(verdict, move, stopped)
        if found is None:
            return None
        change = self._objective.margin_change_between(verdict.step.point, found.point)
        return found if change < _FLAT_FROM else None

    def _status(self, gap: float, bound: Bound) -> Status | None:
        if self._goal.separation_excluded:
            return super()._status(gap, bound)
        if bound.reach >= _FLAT_FROM:  # unless it lowers some margin as well
            recedes = bound.min_change > -_NOT_LOWERED * bound.max_change
            return SUSPECTED if recedes else None
        # A dual point inside its bounds proves that there is a minimum, if the step
        # that it is from solves the whole system.
        return super()._status(gap, bound) if bound.complete else SUSPECTED


class Predicted:
    """Stops where the next point is predicted to be near enough, without proof.

    For samples of the rows and for rough starts. The last step is not taken.
    """

    def __init__(self, certified: NewtonDecrement):
        self._certified = certified

    def ended(self, point: Evaluation) -> Solution | None:
        return self._certified.ended(point)

    def judge(self, step: Step, *, stagnated: bool, can_move: bool) -> Verdict:
        arrives = step.below_accuracy or (step.exact and step.next_converges)
        if arrives and step.shift == 0.0:
            pending = step.direction
            return Solution(step.point, UNKNOWN_GAP, CONVERGED, pending_step=pending)
        return self._certified.judge(step, stagnated=stagnated, can_move=can_move)

    def after(self, _verdict: Continue, _move: Move, _stopped: bool) -> Solution | None:
        return None

    def unfinished(self, step: Step, status: Status) -> Solution:
        return Solution(step.point, UNKNOWN_GAP, status)


Stopping = NewtonDecrement | Predicted


def stopping_for(objective: Objective, model: Model, goal: Goal) -> Stopping:
    """Return the policy that suits an objective."""
    kind: type[NewtonDecrement]
    if objective.loss.dual is None:
        kind = NewtonDecrement if objective.loss.convex else LocalMinimum
    else:
        bounded = objective.problem.bounded
        kind = DualityGap if bounded else DualityGapOrRecession
    certified = kind(objective, model, goal)
    return certified if goal.certify else Predicted(certified)
