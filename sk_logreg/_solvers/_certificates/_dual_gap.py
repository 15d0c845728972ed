"""The bound on the suboptimality that the dual problem of a loss and a penalty gives.

A step d that solves a Newton system H d = -g only up to r = g + H d belongs to a dual
point whose slope, in the penalized coefficients, differs by r. So the penalty bounds
what r adds, unless it is too weak, and so does the norm of r in the metric of H⁻¹.
"""

from dataclasses import dataclass, replace

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import Penalty


@dataclass(frozen=True, eq=False)
class DualGap:
    """A step d that about solves H d = -g, and the bound of its dual point.

    The residual is r = g + H d.
    `dual` is the rows' part of the gap: that of the dual variables, moved along the
    step. `bias_curvature` is the curvature of f in a free bias, which is the sum of the
    curvatures in H, None if there is no free bias.
    """

    dual: EntropyDual
    direction: Vector
    residual: Vector
    penalty: Penalty
    bias_curvature: float | None

    def by_penalty(self, diagonal: Vector) -> float:
        """Return the bound on f - f*, with r charged to the penalty.

        A free bias is moved first, so that its equation is met. The bound is infinite
        if the equation of an unpenalized weight is not. `diagonal` is that of H, or
        more.
        """
        total = self.bias_curvature
        fixed = ~self.penalty.penalized
        if total is not None:
            fixed[-1] = False
        if self.residual[fixed].any():
            return np.inf
        penalty_gap, dual = self.penalty.gap(self.direction, self.residual), self.dual
        if total is not None and self.residual[-1]:
            ratio = dual.curvature_ratio
            if not total > 0.0:
                return np.inf
            shift = abs(self.residual[-1]) / total
            # By Cauchy and Schwarz, an entry of H is at most the root of the product
            # of two diagonal ones.
            added = shift * np.sqrt(total) * self.penalty.dual_norm(np.sqrt(diagonal))
            penalty_gap = 0.5 * (np.sqrt(2.0 * penalty_gap) + added) ** 2
            root = np.sqrt(dual.quadratic) + shift * np.sqrt(ratio * total)
            max_ratio = dual.max_ratio + ratio * shift
            dual = replace(dual, quadratic=root**2, max_ratio=max_ratio)
        return dual.bound(penalty_gap)

    def by_norm(self, residual_norm: float) -> float:
        """Return the bound on f - f*, given the norm of r in the metric of H⁻¹."""
        no_residual = np.zeros_like(self.residual)
        penalty_gap = self.penalty.gap(self.direction, no_residual)
        return self.dual.bound(penalty_gap, residual_norm)
