"""The quadratic model of an objective: what solves the Newton systems."""

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._objective import Evaluation, Objective, RowVector

#: The first multiple of the majorizer that is added to an indefinite Hessian.
FIRST_SHIFT = 2.0**-20


def converges_next(decrement2: float, accuracy: float, value: float) -> bool:
    """Return whether the point after a Newton step is likely to be within `accuracy`.

    Convergence is quadratic: the excess of f, relative to f, is about squared.
    """
    # Of roots, since the squares may overflow.
    return decrement2 <= np.sqrt(2.0 * accuracy) * np.sqrt(value)


@dataclass(frozen=True, eq=False)
class Step:
    """A step d that solves (H + μM) d = -g, up to a residual.

    Attributes
    ----------
    accuracy : float
        The excess of f over its minimum that counts as none.
    decrement2 : float
        -gᵀd, less what the step adds to a penalty that is not smooth. Where μ is 0 this
        is the squared Newton decrement, and the quadratic model of f falls by half of
        it, or by more if the penalty is not smooth.
    shift : float
        μ, the multiple of the majorizer M that was added to the Hessian H.
    exact : bool
        Whether d solves a system with the Hessian of all rows at this very point,
        instead of an older or a smaller one, or of following negative curvature.
    slack : float, default=0.0
        An estimate of what the residual adds to the bound on f - f*.
    extendable : bool, default=False
        Whether f may be lowest well beyond the whole step.
    end : ndarray, default=None
        The point after the whole step, where its zeros and bounds are exact. None
        where rounding does not matter.
    """

    point: Evaluation
    accuracy: float
    direction: Vector
    decrement2: float
    shift: float
    exact: bool
    slack: float = 0.0
    extendable: bool = False
    end: Vector | None = None

    def at(self, length: float) -> Vector:
        """Return the point that is this multiple of the step away."""
        if self.end is not None and length == 1.0:
            return self.end
        return self.point.coef + length * self.direction

    @property
    def below_accuracy(self) -> bool:
        """Whether the quadratic model falls by no more than the accuracy."""
        return 0.5 * self.decrement2 <= self.accuracy

    @property
    def next_converges(self) -> bool:
        """Whether the point after this step is likely to be within the accuracy."""
        return converges_next(self.decrement2, self.accuracy, self.point.value)

    @property
    def solved(self) -> bool:
        """Whether d is the Newton step, up to a residual that does not count."""
        return self.exact and self.shift == 0.0 and self.slack <= self.accuracy


@dataclass(frozen=True)
class Curvature:
    """The curvature of a Hessian in the direction in which it is least.

    The ratio is that of the smallest eigenvalue to the largest, with rows and columns
    scaled to a unit diagonal. Where the Hessian is indefinite, it is NaN, and there is
    a direction of negative curvature.
    """

    ratio: float = np.nan
    negative_direction: Vector | None = None


@dataclass(frozen=True)
class Bound:
    """A bound on f - f* at a point, and what the step behind it does to the margins.

    The bound is infinite where there is none. The least and the greatest change of a
    margin along the step are 0 for rows without weight. The step is `complete` if each
    direction in which it was not solved for changes no z. The Hessian is `singular` if
    it is so to working accuracy.
    """

    excess: float
    min_change: float
    max_change: float
    complete: bool = True
    singular: bool = False

    @property
    def reach(self) -> float:
        """The greatest change of a margin, in size."""
        return max(-self.min_change, self.max_change)


class DualStep(NamedTuple):
    """A proximal Newton step that the dual variables follow.

    It starts at a point and ends at `end`. `objective` is that over the rows of the
    model behind it, `rows` are their positions in all rows, and `curvature` is theirs
    in that model.
    """

    start: Evaluation
    objective: Objective
    rows: slice | Indices
    curvature: RowVector
    end: Vector


class Model(Protocol):
    """The quadratic model of an objective, which solves the Newton systems."""

    def evaluate(self, coef: Vector) -> Evaluation:
        """Return the objective at a point, with what the next step will need of it."""

    def step(
        self, point: Evaluation, accuracy: float, *, exact: bool = False
    ) -> Step | None:
        """Return the Newton step, with a shift if the Hessian is indefinite.

        Returns None when the budget of passes over X is spent, or where another matrix
        is due and must not be computed.

        Where f is within about `accuracy` of its minimum, the step must be good enough
        to certify that. If `exact`, it must be an exact step, see `Step`.
        """

    def certify(self, step: Step) -> Bound:
        """Return the bound on f - f* at the start of an exact or a convex step.

        It charges the residual of the step's Newton system. For a loss without a dual,
        f* is the minimum of the quadratic model.
        """

    def certify_after(self, step: Step, after: Evaluation) -> float:
        """Return the bound on f - f* after a whole step that was solved."""

    def last_step(self, point: Evaluation) -> Vector:
        """Return an approximate Newton step, without a pass over X."""

    def least_curvature(self, point: Evaluation) -> Curvature:
        """Return the least curvature of the Hessian at a point."""
