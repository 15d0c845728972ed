"""The solvers: Newton's method, what surrounds it, and the choice among them."""

from sk_logreg._solvers._base import UNKNOWN_GAP, Solution
from sk_logreg._solvers._certificates import stated
from sk_logreg._solvers._jeffreys import solve_jeffreys
from sk_logreg._solvers._multistart import max_starts, solve_from_starts
from sk_logreg._solvers._plan import SOLVERS

__all__ = [
    "SOLVERS",
    "UNKNOWN_GAP",
    "Solution",
    "max_starts",
    "solve_from_starts",
    "solve_jeffreys",
    "stated",
]
