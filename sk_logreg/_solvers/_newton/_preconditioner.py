"""A factor close to a Hessian, which preconditions conjugate gradients."""

import numpy as np

from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._factors import Float32Factor, factor_float32


def preconditioner(objective: Objective, point: Evaluation) -> Float32Factor | None:
    """Return a factor of the Hessian at a point, in single precision.

    It takes half the time and half the memory, and costs a product or two. The
    curvature of rows where the loss is not convex counts by its size. None if
    rounding errors make the matrix indefinite.
    """
    curvature = objective.curvature(point.margins, absolute=True)
    diagonal = objective.product_diagonal(curvature) + objective.penalty.curvature
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    return factor_float32(objective.hessian_float32(curvature, scale), scale)
