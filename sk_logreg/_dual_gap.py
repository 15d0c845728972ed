"""The bound on the suboptimality of cross entropy that its dual problem gives.

The dual variables at a point are α = σ(-margin). At any others, moved from these by
δ and still in [0, 1], the gap to the dual objective is a sum of Kullback-Leibler
divergences, which with t = δ / (α (1 - α))

    (1 + t) log(1 + t) - t  ≤  t²/2 (1 + |t|)    for |t| ≤ 1

bounds, and half the penalty on the difference of the weights.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from sk_logreg._design import Vector


class Divergence(NamedTuple):
    """Some rows' share of the gap.

    Attributes
    ----------
    quadratic : float
        The weighted sum of δ² / (α (1 - α)).
    furthest : float
        The largest |t| of a row that has a weight.
    lowest, highest : float
        Least and greatest change of a margin, that of rows without weight being none.
    """

    quadratic: float
    furthest: float
    lowest: float
    highest: float

    @classmethod
    def of(
        cls, weights: Vector, shift: Vector, curvature: Vector, change: Vector
    ) -> "Divergence":
        """Return the share of rows whose dual variables are shifted by δ.

        Parameters
        ----------
        weights, shift : ndarray of shape (n_rows,)
            The rows' weights, and δ.
        curvature : ndarray of shape (n_rows,)
            α (1 - α), cross entropy's curvature.
        change : ndarray of shape (n_rows,)
            The change of the margins behind the shift.
        """
        relevant = weights > 0.0
        shift, change = shift * relevant, change * relevant
        # The least normal number in place of zeros, where the numerator is zero.
        t = shift / np.maximum(curvature, np.finfo(np.float64).tiny)
        return cls(
            float((weights * shift) @ t),
            float(np.abs(t).max()),
            float(change.min()),
            float(change.max()),
        )

    @classmethod
    def combine(cls, shares: Iterable["Divergence"]) -> "Divergence":
        """Return the share of all rows together."""
        quadratic, furthest, lowest, highest = zip(*shares, strict=True)
        return cls(sum(quadratic), max(furthest), min(lowest), max(highest))


@dataclass(frozen=True)
class DualGap:
    """A bound from the dual problem, and what the step behind it does to the margins.

    Attributes
    ----------
    bound : float
        Bound on f - f*; infinite where the dual point is not known to be feasible.
    lowest, highest : float
        Least and greatest change of a margin along the step, that of rows without
        weight being none.
    """

    bound: float
    lowest: float
    highest: float

    @classmethod
    def of(cls, divergence: Divergence, penalty: float) -> "DualGap":
        """Return the bound, from twice the penalty on the difference of the weights."""
        quadratic, furthest, lowest, highest = divergence
        bound = 0.5 * ((1.0 + furthest) * quadratic + penalty)
        return cls(bound if furthest <= 1.0 else np.inf, lowest, highest)
