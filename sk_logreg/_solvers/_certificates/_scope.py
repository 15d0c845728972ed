"""How far a minimum is known to be the lowest: everywhere, in a region, or nearby."""

import numpy as np

from sk_logreg._objective import Evaluation, Objective
from sk_logreg._records import Scope
from sk_logreg._solvers._factors import factor


def optimality_scope(objective: Objective, point: Evaluation) -> Scope:
    """Return how far a local minimum is known to be the lowest.

    "global" if the objective is convex, since the penalty outweighs the curvature of
    the loss, or if a row outside the region would by itself cost more than all rows do
    here. "region" if all rows are where their loss is convex: the objective is convex
    over the points of which that is true, a convex set. "local" elsewhere.
    """
    if _is_convex(objective, point):
        return "global"
    threshold = objective.loss.convex_from
    if threshold is None or not objective.in_convex_region(point, threshold):
        return "local"
    if objective.rows.has_soft_labels:  # their loss outside the region may be small
        return "region"
    least_outside = objective.loss.at_margin(np.array([threshold])).value[0]
    cost = least_outside * objective.rows.lightest_weight
    return "global" if point.value <= cost else "region"


def _is_convex(objective: Objective, point: Evaluation) -> bool:
    """Return whether the objective is provably convex: Λ ≥ c Xᵀ diag(ŝ) X.

    -c is the least curvature of the loss and Λ that of the penalty. The quadratic
    forms at the solution itself cost little, and decide the usual case.
    """
    least = objective.loss.least_curvature
    strengths = objective.penalty.curvature
    if least is None or not strengths.min() > 0.0:
        return False
    concavity = objective.curvature_of(-least)
    if strengths @ np.square(point.coef) < -least * objective.mean_square(point):
        return False
    # A sum of the eigenvalues bounds the largest, in one pass over X.
    if strengths.min() >= objective.product_diagonal(concavity).sum():
        return True
    if objective.n_dof > objective.n_samples:
        return False
    return factor(objective.hessian(objective.curvature_of(least))) is not None
