"""Newton's method, whoever solves the Newton system: the steps and when to stop."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from sk_logreg import _status
from sk_logreg._design import Vector
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._status import Status

_EPS = float(np.finfo(np.float64).eps)
#: The first multiple of the majorizer to add to a Hessian.
FIRST_SHIFT = 2.0**-20
#: Whoever asks for a finer tolerance than this also wants the coefficients to many
#: digits, which are those of the square root of the bound.
FINE = 1e-9
# The shortest share of a step that is tried, and of the share of which it is known
# that f falls.
_SHORTEST = 1e-10
# Steps that are to lower f by more than this share of it may be worth lengthening: to
# a Newton step beyond where the slope is this share of the one at the start, in so many
# trials.
_WHOLE = 0.05
_FLAT = 0.2
_MOST_LENGTHS = 20
# At most so many steps end such a fit.
_REFINEMENTS = 3


@dataclass(frozen=True)
class Step:
    """A step d that solves (H + μM) d = -g, up to a residual.

    Attributes
    ----------
    direction : ndarray of shape (n_dof,)
        d.
    decrement2 : float
        -gᵀd: where μ is 0, the squared Newton decrement, and f is about to fall by
        half of it.
    shift : float
        μ, the multiple of the majorizer M that was added to the Hessian H.
    exact : bool
        Whether H is the Hessian of all rows at this very point.
    slack : float, default=0.0
        About what the residual adds to the bound on f - f*.
    short : bool, default=False
        Whether f may be lowest well beyond the whole step.
    """

    direction: Vector
    decrement2: float
    shift: float
    exact: bool
    slack: float = 0.0
    short: bool = False


@dataclass(frozen=True)
class Bend:
    """How a Hessian bends where it bends least.

    Attributes
    ----------
    ratio : float
        Its smallest eigenvalue over the largest, with rows and columns scaled to a
        unit diagonal; nan where it is indefinite.
    downhill : ndarray of shape (n_dof,) or None
        A direction of negative curvature where it is indefinite.
    """

    ratio: float
    downhill: Vector | None = None


_NOT_ASKED = Bend(np.nan)
# A step that changes some z by more does not end at a minimum.
_FAR = 0.25


@dataclass(frozen=True)
class Bound:
    """A bound on f - f* at a point, and what the step behind it does to the margins.

    Attributes
    ----------
    excess : float
        The bound, infinite where there is none.
    lowest, highest : float
        Least and greatest change of a margin along the step, 0 for rows without
        weight.
    complete : bool
        Whether the step leaves out no direction that changes some z.
    singular : bool
        Whether the Hessian is singular to working accuracy.
    """

    excess: float
    lowest: float
    highest: float
    complete: bool = True
    singular: bool = False


class Model(Protocol):
    """The quadratic model of an objective: what a solver has to provide."""

    def evaluate(self, coef: Vector, *, last: bool = False) -> Evaluation:
        """Return the objective at a point, with what the model will need of it.

        Of the `last` point it will probably need nothing.
        """

    def step(self, point: Evaluation, accuracy: float, exact: bool) -> Step | None:
        """Return the Newton step, with a shift if the Hessian is indefinite.

        None gives up: the work this model was allowed is used up.

        Where f is within about `accuracy` of its minimum, the step is to be good
        enough to certify that. An `exact` step takes the Hessian at the point.
        """

    def certify(self, point: Evaluation, step: Step, accuracy: float) -> Bound:
        """Return the bound on f - f* at a point, given an exact or a convex step.

        It charges all that the step leaves of its Newton system. For a loss that is
        not convex, f* is the minimum of the quadratic model.
        """

    def certify_step(
        self, point: Evaluation, after: Evaluation, step: Step, accuracy: float
    ) -> float:
        """Return the bound on f - f* after a whole, exact step, for a convex loss."""

    def last_step(self, point: Evaluation) -> Vector:
        """Return about the Newton step, at a cost that does not count."""

    def bend(self, point: Evaluation) -> Bend:
        """Return how the Hessian bends, after an exact step at the same point."""


def minimize(
    objective: Objective,
    start: Vector,
    journal: Journal,
    model: Model,
    *,
    tol: float,
    certify: bool = True,
) -> Solution:
    """Minimize an objective by Newton's method, damped where it must be.

    The step solves (H + μM) d = -g with H the Hessian, M a majorizer of every Hessian
    and μ = 0 unless H is indefinite, which makes the method invariant to linear maps
    of the features; a line search shortens it if f does not fall enough. On a saddle,
    where the gradient tells nothing, the step follows negative curvature instead.

    Parameters
    ----------
    objective : Objective
        What to minimize.
    start : ndarray of shape (n_dof,)
        Where to start, if that is better than zero.
    journal : Journal
        Where iterations are written down and counted.
    model : Model
        Who solves the Newton system.
    tol : float
        The bound on the relative suboptimality to reach.
    certify : bool, default=True
        Whether to show that it was reached. Otherwise the last step is neither
        taken nor looked at, only returned.

    Returns
    -------
    Solution

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
       chapters 3, 4 and 7. Springer.
    """
    convex = objective.loss.convex
    # After a step the bound is asked for only where a penalty can be charged.
    provable = convex and objective.penalized and tol >= FINE
    point = _at_start(objective, model, start)
    exact, unverified, stopped, stuck = False, np.inf, False, False
    moved = False
    while True:
        if not objective.penalized and objective.smallest_margin(point) > 1.0:
            return Solution(point, 1.0, _status.SEPARABLE)
        accuracy = tol * point.value
        step = model.step(point, accuracy, exact)
        if step is None:
            return Solution(point, 1.0, _status.MAX_ITER)
        near = 0.5 * step.decrement2 <= accuracy
        if not certify and step.shift == 0.0:
            arriving = step.exact and arrives(step.decrement2, point.value, accuracy)
            if near or arriving:
                step_left = step.direction
                return Solution(point, 1.0, _status.CONVERGED, step_left=step_left)
        # Where f can no longer tell better from worse, the decrement still can.
        worn = step.decrement2 > 0.25 * unverified
        if worn or near:
            if worn or not (convex or step.exact):
                step = model.step(point, accuracy, exact=True) or step
            bend = _NOT_ASKED if convex else model.bend(point)
            if bend.downhill is not None and not (journal.full or stopped):
                journal.begin(objective, point)
                lower = _follow(objective, model, point, bend.downhill)
                if lower is None:
                    journal.record(objective, point, step.decrement2, 0.0)
                    return Solution(point, 1.0, _status.SINGULAR)
                point, unverified, moved = lower, np.inf, True
                stopped = journal.record(objective, point, step.decrement2, 1.0)
                continue
            gap, status = _judge(objective, model, point, step, tol)
            if status is not None or worn:
                status = status or _status.ended_by_rounding(gap)
                left: Vector | float = 0.0
                if status.converged and tol < FINE:
                    point = _refine(objective, model, point)  # the bound holds there
                elif status.converged and not moved:
                    point = _improved(model, point, step)
                elif convex and objective.reduced:
                    left = step.direction
                return Solution(
                    point, gap, status, curvature_ratio=bend.ratio, step_left=left
                )
            if gap >= 1.0 and not step.exact:  # too old a matrix to certify anything
                exact = True
                continue
        if journal.full or stopped:
            status = _status.STOPPED if stopped else _status.MAX_ITER
            gap, _ = _judge(objective, model, point, step, tol)
            return Solution(point, gap, status)

        journal.begin(objective, point)
        noise = objective.rounding(point) if stuck else 16 * _EPS * point.value
        unverified = np.inf if 0.5 * step.decrement2 > noise else step.decrement2
        sound = step.exact and step.shift == 0.0 and step.slack <= accuracy
        ending = provable and sound and arrives(step.decrement2, point.value, accuracy)
        trial, length = _search(objective, model, point, step, noise, ending)
        if trial is None and step.exact:
            if stuck:
                gap, _ = _judge(objective, model, point, step, tol)
                return Solution(point, gap, _status.STALLED)
            stuck = True  # unless it is that z is a sum of terms far larger than z
        exact = trial is None
        after = trial or point
        stopped = journal.record(objective, after, step.decrement2, length)
        gap = 1.0
        if ending and length == 1.0 and not stopped:
            excess = model.certify_step(point, after, step, accuracy)
            gap = relative(excess, after)
        moved = moved or after is not point
        point = after
        if gap <= tol:
            left = model.last_step(point) if objective.reduced else 0.0
            return Solution(point, gap, _status.CONVERGED, step_left=left)


def _at_start(objective: Objective, model: Model, start: Vector) -> Evaluation:
    """Return the objective at a start or, if a convex one is lower there, at zero."""
    if not (objective.loss.convex and start.any()):
        return model.evaluate(start)
    point = _evaluate(model, start)
    at_zero = float(objective.loss.at_margin(np.zeros(1)).value[0])
    if point is None or point.value > at_zero:
        return model.evaluate(np.zeros_like(start))
    return point


def _search(
    objective: Objective,
    model: Model,
    point: Evaluation,
    step: Step,
    noise: float,
    ending: bool,
) -> tuple[Evaluation | None, float]:
    """Return the first point along a step where f falls enough, and how far it is.

    Starts at the whole step or, where that is likely to be too short, at the minimum
    along it. Backtracks to the minimum of the cubic through values and slopes at both
    ends (Nocedal and Wright, equation 3.59). None where no point is lower.
    """
    short = step.short and step.decrement2 > _WHOLE * point.value
    length = _lengthened(objective, point, step) if short else 1.0
    shortest, safe = _SHORTEST, None
    while length > shortest:
        trial = _evaluate(model, point.coef + length * step.direction, last=ending)
        if trial is not None:
            fall = point.value - trial.value
            if fall >= 0.1 * min(length, 1.0) * step.decrement2:
                return trial, length
            if fall >= -noise and 0.5 * step.decrement2 <= noise:
                return trial, length
        length *= 0.1 if trial is None else _backtrack(step, trial, fall / length)
        if safe is None and (trial is None or length <= shortest):
            # Along a Newton step a loss whose third derivative is at most its second
            # falls at least this far (Bach, 2010; Sun and Tran-Dinh, 2017).
            reach = objective.reach(step.direction)
            safe = np.log1p(reach) / reach if 0.0 < reach < np.inf else 0.0
            length, shortest = min(length, safe), shortest * min(safe, 1.0)
    return None, 0.0


def _backtrack(step: Step, trial: Evaluation, fall: float) -> float:
    """Return where between the start and a trial the cubic through both is lowest.

    Parameters
    ----------
    step : Step
    trial : Evaluation
    fall : float
        How much f falls on the way, per unit of the step.

    Returns
    -------
    float
        As a share of the way.
    """
    before, after = -step.decrement2, float(trial.gradient @ step.direction)
    middle = before + after + 3.0 * fall
    root = np.sqrt(max(middle * middle - before * after, 0.0))
    share = 1.0 - (after + root - middle) / (after - before + 2.0 * root)
    return min(max(float(share), 0.05), 0.7)


def _lengthened(objective: Objective, point: Evaluation, step: Step) -> float:
    """Return about how far along a step a convex f is lowest.

    That may be several times the step: far from the minimum Newton's steps follow the
    tail of the loss one unit of z at a time. The zero of the slope is bracketed and
    sought by Newton's method: all along a line f costs one read of X.
    """
    slope_at = objective.along(point, step.direction)
    low, high, length = 0.0, np.inf, 1.0
    for _ in range(_MOST_LENGTHS):
        slope, curvature = slope_at(length)
        if not np.isfinite(slope):
            return 1.0
        low, high = (length, high) if slope < 0.0 else (low, length)
        zero = length - slope / curvature if curvature > 0.0 else np.inf
        edge = 0.1 * (high - low) if high < np.inf else 0.0
        most = min(high - edge, 10.0 * length)
        length = min(max(zero, low + edge), most)
        if abs(slope) <= _FLAT * step.decrement2:
            break
    return length


def _refine(objective: Objective, model: Model, point: Evaluation) -> Evaluation:
    """Return the minimum next to a point, as exact as float64 can state it.

    f no longer shows it, nor does its gradient, which is a small difference of large
    sums; taken in a wider format it does [1]_, and each step adds as many digits as the
    Newton system can be solved to.

    References
    ----------
    .. [1] N. J. Higham (2002). Accuracy and Stability of Numerical Algorithms, 2nd
       edition, chapter 12. SIAM.
    """
    noise = objective.rounding(point)
    for _ in range(_REFINEMENTS):
        exact = replace(point, gradient=objective.wide_gradient(point.coef))
        step = model.step(exact, _EPS**2 * point.value, exact=True)
        if step is None:
            break
        trial = _evaluate(model, point.coef + step.direction)
        if trial is None or trial.value > point.value + noise:
            break  # the system was not solved well enough for a step
        point = trial
        if (np.abs(step.direction) <= 4 * _EPS * np.abs(point.coef)).all():
            break
    return point


def _evaluate(model: Model, coef: Vector, *, last: bool = False) -> Evaluation | None:
    """Return the objective at a trial point, or None where it overflows."""
    try:
        return model.evaluate(coef, last=last)
    except NotFiniteError:
        return None


def _follow(
    objective: Objective, model: Model, point: Evaluation, direction: Vector
) -> Evaluation | None:
    """Return a lower point along a direction of negative curvature, None if none."""
    if point.gradient @ direction > 0.0:
        direction = -direction
    direction = direction / objective.reach(direction)
    for halvings in range(30):
        trial = _evaluate(model, point.coef + 0.5**halvings * direction)
        if trial is not None and trial.value < point.value * (1.0 - 16 * _EPS):
            return trial
    return None


def _improved(model: Model, point: Evaluation, step: Step) -> Evaluation:
    """Return the end of a step that is known from a certified start, if no higher."""
    end = _evaluate(model, point.coef + step.direction, last=True)
    return point if end is None or end.value > point.value else end


def _judge(
    objective: Objective, model: Model, point: Evaluation, step: Step, tol: float
) -> tuple[float, Status | None]:
    """Return the bound on the relative suboptimality and, where it decides, a status.

    For a convex loss the bound is a duality gap; otherwise half the squared Newton
    decrement, an estimate of how far f lies above the local minimum.
    """
    convex, penalized = objective.loss.convex, objective.penalized
    if step.shift > 0.0:
        return 1.0, None
    estimate = relative(0.5 * step.decrement2 + step.slack, point)
    if not convex and (estimate > tol or not step.exact):
        return estimate, None
    bound = model.certify(point, step, tol * point.value)
    gap = relative(bound.excess, point)
    # A step that still moves rows by so much though f hardly falls may go to infinity.
    far = max(-bound.lowest, bound.highest) >= _FAR
    if not convex:
        if gap > tol:
            return gap, None
        if far:  # f is flat here, not at its minimum
            return gap, None if penalized else _status.AT_INFINITY
        return gap, _status.SINGULAR if bound.singular else _status.CONVERGED
    if not (penalized or objective.inseparable):
        if far:  # unless it also moves some row the wrong way
            runs_off = bound.lowest > -1e-6 * bound.highest
            return gap, _status.SUSPECTED if runs_off else None
        # A dual point inside its bounds proves that there is a minimum, if the step
        # that it is from solves the whole system.
        if not bound.complete:
            return gap, _status.SUSPECTED
    return gap, _status.CONVERGED if gap <= tol else None


def arrives(decrement2: float, value: float, accuracy: float) -> bool:
    """Return whether a Newton step is likely to end within `accuracy`.

    Convergence is quadratic: the excess of f, relative to f, is about squared.
    """
    # Of roots, for squares may overflow.
    return decrement2 <= np.sqrt(2.0 * accuracy) * np.sqrt(value)


def relative(excess: float, point: Evaluation) -> float:
    """Return an excess of f relative to f; f is never more than all of it too high.

    What is no number is no bound.
    """
    if np.isnan(excess):
        return 1.0
    return float(min(max(excess, 0.0), point.value) / point.value) if excess else 0.0
