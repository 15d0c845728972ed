"""The part of the rows in the duality gap of a Newton step."""

from sk_logreg._arrays import Vector
from sk_logreg._design import RowVector
from sk_logreg._design import _products as products
from sk_logreg._objective._core import Objective
from sk_logreg.losses._dual import EntropyDual


def dual_of_step(
    objective: Objective,
    margins: RowVector,
    weights: RowVector,
    curvature: RowVector,
    change: RowVector,
    *,
    clip: bool = False,
) -> EntropyDual:
    """Return the part of the rows in the duality gap of a Newton step.

    Each dual variable α is moved by -curvature · change / weight, or by α (1 - α) at
    most if they are clipped. `weights` are those that these rows have at the point, and
    `curvature` is theirs in the Newton system. X is not read.
    """
    vectors, args = (margins, weights, curvature, change), (objective.loss, clip)
    [dual], _ = objective.scan(products.dual_of_step, vectors, args)
    return dual


def dual_after_step(
    objective: Objective, before: RowVector, after: RowVector
) -> EntropyDual:
    """Return the part of the rows in the duality gap that a step has left.

    Given the margins before and after it. The dual variables that the step was going to
    reach, by its linear model, are feasible if none leaves [0, 1], and the weights that
    belong to them are those after the step, up to the residual of its system. So only
    the divergence from the dual variables after the step is left. X is not read.
    """
    vectors, args = (before, after), (objective.loss,)
    [dual], _ = objective.scan(products.dual_after_step, vectors, args)
    return dual


def dual_slopes(
    objective: Objective, margins: RowVector, curvature: RowVector, change: RowVector
) -> Vector:
    """Return the gradient of the loss at the dual point of a Newton step.

    Of all features, in one pass over X: the row vectors may come from an objective over
    some of them.
    """
    vectors, args = (margins, curvature, change), (objective.loss,)
    kept = objective.scan(products.dual_slope, vectors, args, n_kept=1)[1]
    sums, _ = objective.read(products.weighted_sum, kept)
    return objective.vector(*sums)


def weighted_variance(
    objective: Objective, margins: RowVector, weights: RowVector
) -> RowVector:
    """Return weight · α (1 - α) of each row, α its dual variable at a point."""
    vectors, args = (margins, weights), (objective.loss,)
    return objective.scan(products.weighted_variance, vectors, args, n_kept=1)[1][0]
