"""The L2 penalty (ridge), with a strength for each coefficient."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Vector
from sk_logreg.penalties._base import Penalty

# Strengths are clipped to this range so that λ w² stays finite. Beyond it a weight is
# zero, or free, to working precision.
_SMALLEST, _LARGEST = 1e-300, 1e300


@dataclass(frozen=True, eq=False)
class L2(Penalty):
    """Half the sum of λⱼ wⱼ², with λ the strengths, in longdouble.

    References
    ----------
    .. [1] A. E. Hoerl, R. W. Kennard (1970). Ridge regression: biased estimation for
       nonorthogonal problems. Technometrics 12(1), 55-67.
    """

    strengths: NDArray[Any]
    quadratic: ClassVar[bool] = True

    @classmethod
    def of(cls, strengths: NDArray[Any]) -> "L2":
        # Clipped to a range that is safe.
        clipped = strengths.clip(_SMALLEST, _LARGEST)
        clipped[strengths == 0.0] = 0.0
        return cls(clipped)

    @cached_property
    def curvature(self) -> Vector:
        return self.strengths.astype(np.float64)

    def value(self, coef: NDArray[np.float64]) -> Any:
        return 0.5 * (self.curvature * coef * coef).sum(axis=-1)

    def gradient(self, coef: Vector) -> Vector:
        return self.curvature * coef

    def gradient_longdouble(self, coef: Vector) -> NDArray[Any]:
        return self.strengths * coef

    def gap(self, direction: Vector, residual: Vector) -> float:
        """Return half the sum of (λ d - residual)² / λ; v is λ (w + d) - residual."""
        roots, which = self._roots, self._which
        slope = roots * direction[which] - residual[which] / roots
        # Of a norm, since the squares may underflow.
        return 0.5 * float(np.linalg.norm(slope)) ** 2

    def dual_norm(self, slope: Vector) -> float:
        """Return the root of the sum of slope² / λ."""
        return float(np.linalg.norm(slope[self._which] / self._roots))

    def reduction_over(self, directions: NDArray[Any], coef: Vector) -> float:
        if self.absent:
            return 0.0
        roots = np.sqrt(self.curvature)
        directions = roots[:, None] * directions
        lengths = np.linalg.norm(directions, axis=0)
        penalized = lengths > 0.0
        basis, _ = np.linalg.qr(directions[:, penalized] / lengths[penalized])
        return 0.5 * float(np.sum(((roots * coef) @ basis) ** 2))

    @cached_property
    def _roots(self) -> Vector:
        return np.sqrt(self.curvature[self._which])

    @cached_property
    def _which(self) -> Any:
        """The penalized coefficients; a slice, which copies nothing, if all are."""
        return slice(None) if self.penalized.all() else self.penalized
