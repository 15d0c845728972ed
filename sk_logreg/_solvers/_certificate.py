"""How far a minimum is known to be one: everywhere, in a region, or nearby."""

import numpy as np

from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._linalg import factor

# The loss is convex where the margin is at least this.
_CONVEX_FROM = -np.log(2.0)
# The squared error of a row whose margin is less exceeds this: (1 - 1/3)² / 2.
_LEAST_OUTSIDE = 2.0 / 9.0


def optimality_scope(objective: Objective, point: Evaluation) -> str:
    """Return how far a local minimum is known to be the minimum.

    Parameters
    ----------
    objective : Objective
        That of the squared error.
    point : Evaluation
        The local minimum.

    Returns
    -------
    {"global", "region", "local"}
        "global" where the objective is convex, the penalty outweighing the curvature
        of the loss, or where any row that a point outside the region leaves behind
        costs more than all rows do here. "region" where all margins are at least
        -log 2: the objective is convex over the points of which that is true, a
        convex set. "local" elsewhere.
    """
    if _is_convex(objective, point):
        return "global"
    if objective.smallest_margin(point) < _CONVEX_FROM:
        return "local"
    lightest = objective.weights[objective.weights > 0.0].min()
    return "global" if point.value <= _LEAST_OUTSIDE * lightest else "region"


def _is_convex(objective: Objective, point: Evaluation) -> bool:
    """Return whether the objective is provably convex: λ ≥ c λ_max(Xᵀ diag(ŝ) X).

    -c is the least curvature of the loss. The quotient of the solution itself bounds
    λ_max from below, at no cost, and settles the usual case.
    """
    concavity = -objective.loss.least_curvature * objective.weights
    bend = float(concavity @ np.square(point.margins))
    hold = float(objective.strengths @ np.square(point.coef))
    if objective.strengths.min() == 0.0 or hold < bend:
        return False
    # A sum of the eigenvalues bounds the largest, in one read of X.
    if objective.strengths.min() >= objective.product_diagonal(concavity).sum():
        return True
    small = objective.n_dof <= objective.design.n_samples
    return small and factor(objective.hessian(-concavity)) is not None
