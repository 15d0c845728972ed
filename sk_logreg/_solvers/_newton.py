"""Newton's method, whoever solves the Newton system: the steps and when to stop."""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from sk_logreg import _status
from sk_logreg._design import Vector
from sk_logreg._dual_gap import DualGap
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._status import Status

_EPS = float(np.finfo(np.float64).eps)
#: The first multiple of the majorizer to add to a Hessian.
FIRST_SHIFT = 2.0**-20
#: Whoever asks for a finer tolerance than this also wants the coefficients to many
#: digits, which are those of the square root of the bound.
FINE = 1e-9
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
    singular : bool, default=False
        Whether H + μM is singular to working accuracy.
    slack : float, default=0.0
        What the residual adds to the bound on f - f*.
    short : bool, default=False
        Whether f may be lowest well beyond the whole step.
    """

    direction: Vector
    decrement2: float
    shift: float
    exact: bool
    singular: bool = False
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

    def dual_gap(self, point: Evaluation, step: Step) -> DualGap:
        """Return the bound on f - f* at a point, for a convex loss."""

    def solves_all(self) -> bool:
        """Return whether the last step left out only directions that change no z."""

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
        Where to start.
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
    # Without a penalty the slack estimates what a step left, not what the next finds.
    provable = convex and objective.penalized and tol >= FINE
    point = model.evaluate(start)
    exact, unverified, stopped, stuck = False, np.inf, False, False
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
                    return Solution(point, 1.0, _status.SINGULAR)
                point, unverified = lower, np.inf
                stopped = journal.record(objective, point, step.decrement2, 1.0)
                continue
            gap, status = _judge(objective, model, point, step, tol)
            if status is not None or worn:
                status = status or _status.ROUNDING
                if status.converged and tol < FINE:
                    point = _refine(objective, model, point)  # the bound holds there
                return Solution(point, gap, status, curvature_ratio=bend.ratio)
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
            excess = objective.gap_after(point.margins, after.margins)
            gap = _relative(excess + step.slack, after)
        point = after
        if gap <= tol:
            return Solution(point, gap, _status.CONVERGED)


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
    while length > _SHORTEST:
        trial = _evaluate(model, point.coef + length * step.direction, last=ending)
        if trial is None:
            length *= 0.1
            continue
        fall = point.value - trial.value
        if fall >= 0.1 * min(length, 1.0) * step.decrement2:
            return trial, length
        if fall >= -noise and 0.5 * step.decrement2 <= noise:
            return trial, length
        before, after = -step.decrement2, float(trial.gradient @ step.direction)
        middle = before + after + 3.0 * fall / length
        root = np.sqrt(max(middle * middle - before * after, 0.0))
        share = 1.0 - (after + root - middle) / (after - before + 2.0 * root)
        length *= min(max(float(share), 0.05), 0.7)
    return None, 0.0


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


def _judge(
    objective: Objective, model: Model, point: Evaluation, step: Step, tol: float
) -> tuple[float, Status | None]:
    """Return the bound on the relative suboptimality and, where it decides, a status.

    For a convex loss the bound is a duality gap; otherwise half the squared Newton
    decrement, an estimate of how far f lies above the local minimum.
    """
    if step.shift > 0.0:
        return 1.0, None
    if not objective.loss.convex:
        gap = _relative(0.5 * step.decrement2 + step.slack, point)
        if gap > tol or not step.exact:
            return gap, None
        if objective.reach(step.direction) > _FAR:  # f is flat here, not at its minimum
            return gap, None if objective.penalized else _status.AT_INFINITY
        return gap, _status.SINGULAR if step.singular else _status.CONVERGED
    dual = model.dual_gap(point, step)
    gap = _relative(dual.bound + step.slack, point)
    if not (objective.penalized or objective.inseparable):
        # A step that still moves rows by so much though f hardly falls may go to
        # infinity, unless it also moves some row the wrong way.
        if max(-dual.lowest, dual.highest) >= _FAR:
            runs_off = dual.lowest > -1e-6 * dual.highest
            return gap, _status.SUSPECTED if runs_off else None
        # A dual point inside its bounds proves that there is a minimum, if the step
        # that it is from solves the whole system.
        if gap <= tol and not model.solves_all():
            return gap, _status.SUSPECTED
    return gap, _status.CONVERGED if gap <= tol else None


def arrives(decrement2: float, value: float, accuracy: float) -> bool:
    """Return whether a Newton step is likely to end within `accuracy`.

    Convergence is quadratic: the excess of f, relative to f, is about squared.
    """
    # Of roots, for squares may overflow.
    return decrement2 <= np.sqrt(2.0 * accuracy) * np.sqrt(value)


def _relative(excess: float, point: Evaluation) -> float:
    """Return an excess of f relative to f; f is never more than all of it too high."""
    return min(max(excess, 0.0), point.value) / point.value if excess else 0.0
