"""Line searches along a Newton step, and along a direction of negative curvature."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._solvers._newton._model import Model, Step
from sk_logreg._tolerances import SUM_ROUNDING


@dataclass(frozen=True)
class LineSearch:
    """The parameters of the line search."""

    #: f must fall by this share of the decrease that the slope predicts: the c₁ of
    #: Armijo's condition, which must be below ½ for whole Newton steps to pass.
    sufficient: float = 0.1
    #: The shortest step tried, as a share of the Newton step and of the length along
    #: which f is known to fall.
    shortest: float = 1e-10
    #: Limits of a new length relative to the one before (Nocedal and Wright, 2006,
    #: section 3.5).
    least_share: float = 0.05
    most_share: float = 0.7
    #: A step that is to lower f by more than this share of it may be extended.
    extend_from: float = 0.05
    #: An extension ends where the slope is this share of that at the start, or after
    #: this number of trials.
    level: float = 0.2
    max_extensions: int = 20


_OPTIONS = LineSearch()
#: A shorter step, as a share of Newton's, is one that failed.
SHORTEST = _OPTIONS.shortest


class Move(NamedTuple):
    """Where a search led, and the length of the step, 0 if no point is lower."""

    point: Evaluation
    length: float
    newton: bool = True


class NoiseFloor:
    """The rounding error of f, below which it cannot show progress.

    Progress is judged by the Newton decrement there.
    """

    def __init__(self, objective: Objective):
        self._objective = objective
        self._last_decrement2 = np.inf  # of a step whose decrease f could not show
        self._search_failed = False
        #: Whether an exact step failed with the larger estimate of the rounding error.
        self.exhausted = False

    def floor(self, step: Step) -> float:
        """Return the rounding error of f at the start of a step.

        After a search has failed, it is the larger estimate that accounts for
        cancellation in z.
        """
        point = step.point
        floor = SUM_ROUNDING * point.terms
        if self._search_failed:
            floor = self._objective.rounding(point)
        visible = 0.5 * step.decrement2 > floor
        self._last_decrement2 = np.inf if visible else step.decrement2
        return floor

    def stagnated(self, step: Step) -> bool:
        """Return whether neither f nor the decrement shows progress."""
        return step.decrement2 >= 0.25 * self._last_decrement2

    def search_failed(self, step: Step) -> None:
        """Note that no point along a step is lower."""
        self.exhausted = self._search_failed and step.exact
        self._search_failed = self._search_failed or step.exact

    def reset(self) -> None:
        """Forget the decrements, which do not matter to a step of another kind."""
        self._last_decrement2 = np.inf


def try_evaluate(
    evaluate: Callable[[Vector], Evaluation], coef: Vector
) -> Evaluation | None:
    """Return the objective at a trial point, or None where it overflows."""
    try:
        return evaluate(coef)
    except NotFiniteError:
        return None


def line_search(
    objective: Objective,
    evaluate: Callable[[Vector], Evaluation],
    step: Step,
    noise: float,
) -> Move:
    """Return the first point along a step at which f falls enough.

    Starts at the whole step or, where that is likely to be too short, at the minimum
    along it. Backtracks to the minimum of the cubic through values and slopes at both
    ends [1]_.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
       equation 3.59. Springer.
    """
    point = step.point
    long = step.decrement2 > _OPTIONS.extend_from * point.scale or step.shift > 0.0
    extend = step.extendable and long
    length = _extended(objective, step) if extend else 1.0
    shortest, safe = _OPTIONS.shortest, None
    while length > shortest:
        trial = try_evaluate(evaluate, step.at(length))
        fall = -np.inf if trial is None else point.value - trial.value
        if trial is not None and _is_lower(fall, length, step, noise):
            return Move(trial, length)
        length *= _backtrack(objective, step, trial, fall / length)
        if safe is None and (trial is None or length <= shortest):
            safe = _safe_length(objective, step)
            length, shortest = min(length, safe), shortest * min(safe, 1.0)
    return Move(point, 0.0)


def _is_lower(fall: float, length: float, step: Step, noise: float) -> bool:
    """Return whether f falls enough, or by no less than rounding lets it show."""
    if fall >= _OPTIONS.sufficient * min(length, 1.0) * step.decrement2:
        return True
    return fall >= -noise and 0.5 * step.decrement2 <= noise


def _safe_length(objective: Objective, step: Step) -> float:
    """Return a length up to which f falls along a Newton step.

    So it does if the third derivative of the loss is at most its second [1]_.

    References
    ----------
    .. [1] T. Sun, Q. Tran-Dinh (2019). Generalized self-concordant functions: a recipe
       for Newton-type methods. Mathematical Programming 178, 145-213.
    """
    reach = objective.max_abs_change(step.direction)
    return np.log1p(reach) / reach if 0.0 < reach < np.inf else 0.0


def _backtrack(
    objective: Objective, step: Step, trial: Evaluation | None, fall: float
) -> float:
    """Return where between the start and a trial the cubic through both is lowest.

    As a share of the way, on which f falls by `fall` per unit of the step. The trial is
    None where f overflows.
    """
    if trial is None:
        return 0.1
    before, after = -step.decrement2, objective.slope(trial, step.direction)
    middle = before + after + 3.0 * fall
    root = np.sqrt(max(middle * middle - before * after, 0.0))
    share = 1.0 - (after + root - middle) / (after - before + 2.0 * root)
    return min(max(float(share), _OPTIONS.least_share), _OPTIONS.most_share)


def _extended(objective: Objective, step: Step) -> float:
    """Return about how far along a step a convex f is lowest.

    That may be several times the step: far from the minimum, Newton's steps follow the
    tail of the loss one unit of z at a time. The zero of the slope is bracketed and
    sought by Newton's method: f along a whole line costs one pass over X.
    """
    derivatives = objective.line_derivatives(step.point, step.direction)
    low, high, length = 0.0, np.inf, 1.0
    for _ in range(_OPTIONS.max_extensions):
        slope, curvature = derivatives(length)
        if not np.isfinite(slope):
            return 1.0
        low, high = (length, high) if slope < 0.0 else (low, length)
        zero = length - slope / curvature if curvature > 0.0 else np.inf
        margin = 0.1 * (high - low) if high < np.inf else 0.0
        length = min(max(zero, low + margin), high - margin, 10.0 * length)
        if abs(slope) <= _OPTIONS.level * step.decrement2:
            break
    return length


def scaled_gradient_search(objective: Objective, model: Model, step: Step) -> Move:
    """Return a lower point along proximal gradient steps of growing length.

    They are scaled by a majorizer's diagonal. For a convex loss, where Newton's step is
    no use: where the loss is saturated, its curvature vanishes, and the step is far too
    long in some coefficients.
    """
    point, loss, penalty = step.point, objective.loss, objective.penalty
    best = Move(point, 0.0, newton=False)
    if not loss.convex or loss.curvature_bound is None:
        return best
    diagonal = objective.product_diagonal(objective.curvature_bound)
    diagonal += penalty.curvature
    diagonal[diagonal <= 0.0] = np.inf
    least = objective.rounding(point)
    for doublings in range(-_OPTIONS.max_extensions, 2 * _OPTIONS.max_extensions):
        curvature = diagonal / 2.0**doublings
        end = penalty.proximal_step(point.coef, point.gradient, curvature)
        trial = try_evaluate(model.evaluate, end)
        if trial is None or trial.value >= best.point.value - least:
            if best.length > 0.0:
                break
            continue
        best = Move(trial, 1.0, newton=False)
    return best


def descend_negative_curvature(
    objective: Objective, model: Model, point: Evaluation, direction: Vector
) -> Move:
    """Return a lower point along a direction of negative curvature, if any is."""
    if objective.slope(point, direction) > 0.0:
        direction = -direction
    direction = direction / objective.max_abs_change(direction)
    length = 1.0
    while length > _OPTIONS.shortest:
        coef = objective.penalty.clip(point.coef + length * direction)
        trial = try_evaluate(model.evaluate, coef)
        if trial is not None and trial.value < point.value * (1.0 - SUM_ROUNDING):
            return Move(trial, 1.0)
        length *= 0.5
    return Move(point, 0.0)
