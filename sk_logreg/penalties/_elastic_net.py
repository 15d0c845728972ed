"""The elastic net with bounds: L1 and L2 parts, and a box, per coefficient."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Vector
from sk_logreg.penalties._base import FenchelGap
from sk_logreg.penalties._l2 import L2


@dataclass(frozen=True, eq=False)
class ElasticNet(L2):
    """The sum of l1ⱼ |wⱼ| + ½ λⱼ wⱼ² over lowerⱼ ≤ wⱼ ≤ upperⱼ, λ the strengths.

    Apart from `value`, the methods of the base class are those of the L2 part alone.

    References
    ----------
    .. [1] H. Zou, T. Hastie (2005). Regularization and variable selection via the
       elastic net. Journal of the Royal Statistical Society B 67(2), 301-320.
    """

    l1: Vector
    lower: Vector
    upper: Vector

    @property
    def smooth(self) -> bool:
        return False

    @cached_property
    def penalized(self) -> NDArray[np.bool_]:
        boxed = np.isfinite(self.lower) & np.isfinite(self.upper)
        return boxed | (self.curvature > 0.0) | (self.l1 > 0.0)

    def value(self, coef: NDArray[np.float64]) -> Any:
        return super().value(coef) + (np.abs(coef) * self.l1).sum(axis=-1)

    def kinks(self, coef: Vector) -> float:
        return float(self.l1 @ np.abs(coef))

    def proximal_step(
        self, coef: Vector, gradient: Vector, curvature: Vector
    ) -> Vector:
        moved = coef - gradient / curvature
        shrunk = np.maximum(np.abs(moved) - self.l1 / curvature, 0.0)
        return self.clip(np.sign(moved) * shrunk)

    def kink_slope(self, coef: Vector, direction: Vector) -> float:
        at_kink = np.where(coef == 0.0, np.abs(direction), np.sign(coef) * direction)
        return float(self.l1 @ at_kink)

    def descent_slope(self, coef: Vector, gradient: Vector) -> Vector:
        """Return the slope of f by coefficient, along the direction that lowers f.

        Given the gradient of all but the kinks; 0 where no direction lowers f.
        """
        sign = np.sign(coef)
        shrunk = np.sign(gradient) * np.maximum(np.abs(gradient) - self.l1, 0.0)
        slope = np.where(coef == 0.0, shrunk, gradient + self.l1 * sign)
        blocked = (coef <= self.lower) & (slope > 0.0)
        blocked |= (coef >= self.upper) & (slope < 0.0)
        return np.where(blocked, 0.0, slope)

    def within_orthant(self, coef: Vector, signs: Vector) -> Vector:
        """Return the point within the bounds and the orthant nearest to `coef`."""
        crossed = (self.l1 > 0.0) & (coef * signs <= 0.0)
        return self.clip(np.where(crossed, 0.0, coef))

    def one_sided(self, columns: Any) -> Vector:
        below, above = np.isfinite(self.lower), np.isfinite(self.upper)
        return (below.astype(float) - above)[columns]

    def clip(self, coef: Vector) -> Vector:
        return np.clip(coef, self.lower, self.upper)

    def take(self, columns: Any) -> "ElasticNet":
        return ElasticNet(
            self.strengths[columns],
            self.l1[columns],
            self.lower[columns],
            self.upper[columns],
        )

    def free(self, coef: Vector) -> NDArray[np.bool_]:
        inside = (self.lower < coef) & (coef < self.upper)
        return inside & ((coef != 0.0) | (self.l1 == 0.0))

    def fenchel_gap(self, coef: Vector, slope: Vector, error: Vector) -> FenchelGap:
        """Return the Fenchel-Young gap of the slopes v of a dual point.

        That is r(w) + r*(v) - wᵀv, up to an error of each entry of v. Where r* is
        infinite, since |v| exceeds l1 and neither an L2 part nor a bound limits w, v is
        replaced by l1. That neglects at most a share |v| / l1 - 1 of the L1 term at the
        minimum, which is at most f. The arrays, and those of the penalty, may have a
        row for each of several problems.
        """
        size = np.abs(slope)
        beyond = np.sign(slope) * np.maximum(size - self.l1, 0.0)
        limit = np.where(beyond > 0.0, self.upper, self.lower)
        curved = self.curvature > 0.0
        held = curved | (beyond == 0.0) | np.isfinite(limit)
        with np.errstate(divide="ignore", invalid="ignore"):
            # r* is attained at `end`.
            end = np.where(curved, beyond / self.curvature, limit)
            end = self.clip(np.where((beyond == 0.0) | ~held, 0.0, end))
            moved = coef - end
            mean = np.where(moved != 0.0, (np.abs(coef) - np.abs(end)) / moved, 0.0)
            added = np.where(curved, 0.5 * error**2 / self.curvature, 0.0)
            shares = (size + error) / self.l1 - 1.0
        slope = np.where(held, slope, slope - beyond)
        parts = moved * (0.5 * self.curvature * (coef + end) - slope + self.l1 * mean)
        parts = np.maximum(parts, 0.0) + error * np.abs(moved) + added
        value = np.where(~held & (self.l1 == 0.0), np.inf, parts).sum(axis=-1)
        boxed = np.isfinite(self.lower) & np.isfinite(self.upper)
        pressed = np.isfinite(limit) & (size - error > self.l1)
        limited = (self.l1 == 0.0) | curved | boxed | pressed
        share = np.max(shares, axis=-1, where=~limited, initial=0.0)
        return FenchelGap(value, share)
