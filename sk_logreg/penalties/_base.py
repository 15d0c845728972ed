"""What a penalty has to state: its value, its derivatives and where it is absent."""

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Vector


class FenchelGap(NamedTuple):
    """The part of a penalty with kinks or bounds in a duality gap.

    It is ``value + share * f``, with f the objective. Both are arrays if it is that of
    several problems.
    """

    value: Any
    share: Any


class Penalty(ABC):
    """A separable, convex penalty on the coefficients, with its minimum at zero.

    For a penalty with its minimum elsewhere, the builder of a problem translates the
    coefficients.
    """

    #: Whether the second derivatives are constant, where they exist. Newton's models
    #: require it.
    quadratic: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, strengths: NDArray[Any]) -> "Penalty":
        """Return the penalty with a strength for each coefficient, 0 for none."""

    @property
    @abstractmethod
    def curvature(self) -> Vector:
        """The second derivative for each coefficient."""

    @abstractmethod
    def value(self, coef: NDArray[np.float64]) -> Any:
        """Return the penalty at a point, or at each row of an array of points."""

    @abstractmethod
    def gradient(self, coef: Vector) -> Vector:
        """Return the gradient of its smooth part."""

    @abstractmethod
    def gradient_longdouble(self, coef: Vector) -> NDArray[Any]:
        """Return the same gradient in the widest floating-point format available."""

    @abstractmethod
    def gap(self, direction: Vector, residual: Vector) -> float:
        """Return the penalty's part of a duality gap.

        With r the penalty, w a point, d the direction and v = ∇r(w + d) - residual the
        slope of the penalty that a dual point implies, it is the Fenchel-Young gap
        r(w) + r*(v) - wᵀv, over the penalized coefficients.
        """

    @abstractmethod
    def dual_norm(self, slope: Vector) -> float:
        """Return the dual norm of a slope, over the penalized coefficients.

        A change of the dual point that changes the slope by `slope` adds at most this
        to the square root of twice `gap`.
        """

    @abstractmethod
    def reduction_over(self, directions: NDArray[Any], coef: Vector) -> float:
        """Return by how much it can decrease from `coef` along some directions.

        The directions are the columns of an array.
        """

    @property
    def smooth(self) -> bool:
        """Whether it has neither kinks nor bounds."""
        return True

    def kinks(self, _coef: Vector) -> float:
        """Return the part of the value that has kinks, which `gradient` leaves out."""
        return 0.0

    def proximal_step(
        self, coef: Vector, gradient: Vector, curvature: Vector
    ) -> Vector:
        """Return the minimum of a separable model of f: quadratic, kinks and bounds."""
        return coef - gradient / curvature

    def kink_slope(self, _coef: Vector, _direction: Vector) -> float:
        """Return the slope along a direction that `gradient` does not include."""
        return 0.0

    def one_sided(self, columns: Any) -> Vector:
        """Return the signs of the directions that bounds allow, 0 if both."""
        return np.zeros(len(self.curvature))[columns]

    def clip(self, coef: Vector) -> Vector:
        """Return the point within the bounds that is nearest to `coef`."""
        return coef

    @cached_property
    def penalized(self) -> NDArray[np.bool_]:
        """Whether there is a penalty on each coefficient."""
        return self.curvature > 0.0

    @cached_property
    def absent(self) -> bool:
        """Whether no coefficient is penalized."""
        return not self.penalized.any()
