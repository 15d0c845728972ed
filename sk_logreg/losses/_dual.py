"""The dual of cross entropy: what moving its dual variables adds to the duality gap.

At a point with margins m the dual variables are α = σ(-m). Soft labels add a linear
term to the loss, and an offset moves m: neither changes what follows. At other dual
variables α + δ in [0, 1], with Σ weight · sign · (α + δ) unchanged where the bias is
free, the gap between the primal and the dual objective is a sum of Kullback-Leibler
divergences and the penalty's part. With t = δ / (α (1 - α)) the divergence of a row is
at most α (1 - α) times

    (1 + t) log(1 + t) - t  ≤  t²/2 (1 + |t|)    for |t| ≤ 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._tolerances import TINY


@dataclass(frozen=True)
class EntropyDual:
    """The part of some rows in the duality gap of cross entropy; ``+`` adds two parts.

    That of a step from each of several points has arrays in place of numbers.

    Attributes
    ----------
    quadratic : float
        The weighted sum of δ² / (α (1 - α)).
    max_ratio : float
        The largest |t| of a row of positive weight.
    min_change, max_change : float
        Least and greatest change of a margin, 0 for rows of zero weight.
    curvature_ratio : float
        The largest curvature of a row in the system behind δ, relative to
        weight · α (1 - α).

    References
    ----------
    .. [1] H.-F. Yu, F.-L. Huang, C.-J. Lin (2011). Dual coordinate descent methods for
       logistic regression and maximum entropy models. Machine Learning 85, 41-75.
    """

    quadratic: float = 0.0
    max_ratio: float = 0.0
    min_change: float = 0.0
    max_change: float = 0.0
    curvature_ratio: float = 1.0

    @classmethod
    def of_step(
        cls,
        weights: Vector,
        curvature: Vector,
        variance: Vector,
        change: Vector,
        clip: bool,
    ) -> "EntropyDual":
        """Return the part of rows whose dual variables follow a Newton step.

        `curvature` is that in the Newton system, `variance` is α (1 - α), the second
        derivative of the loss, and `change` that of the margins. With `clip`, |δ| is
        limited to α (1 - α).
        """
        change = change * (weights > 0.0)
        # Where the denominator is zero, the numerator is too.
        ratio = curvature / np.maximum(weights * variance, TINY)
        t = ratio * change
        if clip:
            t = np.clip(t, -1.0, 1.0)
        return cls(
            float((weights * variance * t) @ t),
            float(np.abs(t).max()),
            float(change.min()),
            float(change.max()),
            float(ratio.max()),
        )

    @classmethod
    def of_shift(
        cls, weights: Vector, shift: Vector, variance: Vector, change: Vector
    ) -> "EntropyDual":
        """Return the part of rows whose dual variables are shifted by δ.

        `change` is that of the margins since the point of the Newton system. The
        arrays may have a row for each of several points.
        """
        relevant = weights > 0.0
        shift, change = shift * relevant, change * relevant
        t = shift / np.maximum(variance, TINY)
        return cls(
            np.einsum("...i,...i", weights * shift, t),
            np.abs(t).max(axis=-1),
            change.min(axis=-1),
            change.max(axis=-1),
            # The third derivative is at most the second.
            np.exp(np.abs(change).max(axis=-1)),
        )

    def __add__(self, other: "EntropyDual") -> "EntropyDual":
        return EntropyDual(
            self.quadratic + other.quadratic,
            max(self.max_ratio, other.max_ratio),
            min(self.min_change, other.min_change),
            max(self.max_change, other.max_change),
            max(self.curvature_ratio, other.curvature_ratio),
        )

    @property
    def reach(self) -> float:
        """The greatest change of a margin, in size."""
        return max(-self.min_change, self.max_change)

    def bound(self, penalty_gap: Any = 0.0, residual_norm: Any = 0.0) -> Any:
        """Return the bound on f - f*, infinite where no dual point is known.

        Given the penalty's part of the gap, and the norm of the residual of the step's
        Newton system in the metric of H⁻¹.
        """
        size = np.sqrt((1.0 + self.max_ratio) * self.quadratic + 2.0 * penalty_gap)
        left = np.sqrt(np.maximum(1.0, self.curvature_ratio)) * residual_norm
        return np.where(self.max_ratio <= 1.0, 0.5 * (size + left) ** 2, np.inf)[()]
