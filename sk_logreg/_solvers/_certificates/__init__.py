"""Certificates: how far f can be above its minimum, and how far that is the lowest."""

from sk_logreg._solvers._certificates._dual_gap import DualGap
from sk_logreg._solvers._certificates._rounding import stated
from sk_logreg._solvers._certificates._scope import optimality_scope

__all__ = ["DualGap", "optimality_scope", "stated"]
