"""The bound on the suboptimality of cross entropy that its dual problem gives.

The dual variables at a point are α = σ(-margin). At any others, moved from these by
δ, still in [0, 1] and with Σ weight · y · α = 0 where the bias is free, the gap to the
dual objective is a sum of Kullback-Leibler divergences, which with t = δ / (α (1 - α))

    (1 + t) log(1 + t) - t  ≤  t²/2 (1 + |t|)    for |t| ≤ 1

bounds, and half the penalty on the difference of the weights that belong to the two.

A step d that solves a Newton system H d = -g only up to r = g + H d moves the weights
that belong to the dual variables by d - r / λ instead of d. So the penalty bounds what
r adds, where it is not too faint, and so does the norm of r in the metric of H⁻¹.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sk_logreg._design import Vector

_TINY = float(np.finfo(np.float64).tiny)


class Divergence(NamedTuple):
    """Some rows' part of the gap.

    Attributes
    ----------
    quadratic : float
        The weighted sum of δ² / (α (1 - α)).
    furthest : float
        The largest |t| of a row that has a weight.
    lowest, highest : float
        Least and greatest change of a margin, 0 for rows without weight.
    ratio : float
        The largest curvature of a row in the system behind δ, relative to
        weight · α (1 - α).
    """

    quadratic: float
    furthest: float
    lowest: float
    highest: float
    ratio: float

    @classmethod
    def of_step(
        cls,
        weights: Vector,
        curvature: Vector,
        slack: Vector,
        change: Vector,
        clip: bool,
    ) -> "Divergence":
        """Return the part of rows whose dual variables follow a Newton step.

        Parameters
        ----------
        weights, curvature : ndarray of shape (n_rows,)
            The rows' weights, and their curvature in the Newton system.
        slack : ndarray of shape (n_rows,)
            α (1 - α), cross entropy's curvature.
        change : ndarray of shape (n_rows,)
            The change of the margins along the step.
        clip : bool
            Whether dual variables move by α (1 - α) at most.
        """
        change = change * (weights > 0.0)
        # The least normal number in place of zeros, where the numerator is zero.
        ratio = curvature / np.maximum(weights * slack, _TINY)
        t = ratio * change
        if clip:
            t = np.clip(t, -1.0, 1.0)
        return cls(
            float((weights * slack * t) @ t),
            float(np.abs(t).max()),
            float(change.min()),
            float(change.max()),
            float(ratio.max()),
        )

    @classmethod
    def of_shift(
        cls, weights: Vector, shift: Vector, slack: Vector, change: Vector
    ) -> "Divergence":
        """Return the part of rows whose dual variables are shifted by δ.

        Parameters
        ----------
        weights, shift : ndarray of shape (n_rows,)
            The rows' weights, and δ.
        slack, change : ndarray of shape (n_rows,)
            As for `of_step`.
        """
        relevant = weights > 0.0
        shift, change = shift * relevant, change * relevant
        t = shift / np.maximum(slack, _TINY)
        return cls(
            float((weights * shift) @ t),
            float(np.abs(t).max()),
            float(change.min()),
            float(change.max()),
            1.0,
        )

    @classmethod
    def none(cls) -> "Divergence":
        """Return the part of rows whose dual variables stay as they are."""
        return cls(0.0, 0.0, 0.0, 0.0, 1.0)

    @classmethod
    def combine(cls, parts: Iterable["Divergence"]) -> "Divergence":
        """Return the part of all rows together."""
        quadratic, furthest, lowest, highest, ratio = zip(*parts, strict=True)
        return cls(sum(quadratic), max(furthest), min(lowest), max(highest), max(ratio))

    def bound(self, penalty: float = 0.0, residual_norm: float = 0.0) -> float:
        """Return the bound on f - f*, infinite where no dual point is known.

        Parameters
        ----------
        penalty : float
            Twice the penalty on the difference of the weights.
        residual_norm : float
            The norm of what the step left of its system, in the metric of H⁻¹.
        """
        if not self.furthest <= 1.0:
            return np.inf
        size = np.sqrt((1.0 + self.furthest) * self.quadratic + penalty)
        left = np.sqrt(max(1.0, self.ratio)) * residual_norm
        return float(0.5 * (size + left) ** 2)


@dataclass(frozen=True)
class DualGap:
    """A step d that about solves H d = -g, and what its dual point bounds.

    Attributes
    ----------
    divergence : Divergence
        That of the dual variables, moved along the step.
    direction, residual : ndarray of shape (n_dof,)
        d and r = g + H d.
    strengths : ndarray of shape (n_dof,)
        λ, 0 for a free bias, or for all coefficients.
    total_curvature : float
        The sum of the curvatures in H: the curvature of f in the bias.
    """

    divergence: Divergence
    direction: Vector
    residual: Vector
    strengths: Vector
    total_curvature: float

    def by_penalty(self, diagonal: Vector) -> float:
        """Return the bound on f - f*, with r charged to the penalty.

        A free bias is moved first, so that its equation is met.

        Parameters
        ----------
        diagonal : ndarray of shape (n_dof,)
            The diagonal of H, or more.
        """
        penalized = self.strengths > 0.0
        if not penalized[:-1].all():
            return np.inf
        roots = np.sqrt(self.strengths[penalized])
        residual = self.residual[penalized] / roots
        penalty = np.linalg.norm(roots * self.direction[penalized] - residual)
        quadratic, furthest = self.divergence.quadratic, self.divergence.furthest
        if not penalized[-1] and self.residual[-1]:
            total, ratio = self.total_curvature, self.divergence.ratio
            shift = abs(self.residual[-1]) / total if total > 0.0 else np.inf
            # By Cauchy and Schwarz, no entry of H exceeds the root of two diagonal
            # ones.
            size = np.linalg.norm(np.sqrt(diagonal[penalized]) / roots)
            penalty += shift * np.sqrt(total) * size
            quadratic = (np.sqrt(quadratic) + shift * np.sqrt(ratio * total)) ** 2
            furthest += ratio * shift
        moved = self.divergence._replace(quadratic=quadratic, furthest=furthest)
        return moved.bound(float(penalty) ** 2)

    def by_norm(self, residual_norm: float) -> float:
        """Return the bound on f - f*, given the norm of r in the metric of H⁻¹."""
        penalty = float(self.direction @ (self.strengths * self.direction))
        return self.divergence.bound(penalty, residual_norm)
