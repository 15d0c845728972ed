"""The losses, one a file: pointwise value, gradient and curvature in z."""

from sk_logreg.losses._base import Loss, Pointwise
from sk_logreg.losses._convexity import ConvexityViolation, convexity_violation
from sk_logreg.losses._cross_entropy import CrossEntropy
from sk_logreg.losses._squared_error import SquaredError

#: The losses by the value of the ``loss`` parameter that selects them.
LOSSES: dict[str, Loss] = {loss.name: loss for loss in (CrossEntropy(), SquaredError())}

__all__ = [
    "LOSSES",
    "ConvexityViolation",
    "CrossEntropy",
    "Loss",
    "Pointwise",
    "SquaredError",
    "convexity_violation",
]
