"""Where to start, and which of several minima to keep."""

from collections.abc import Iterator

import numpy as np

from sk_logreg._design import Vector
from sk_logreg._objective import Objective
from sk_logreg._solvers._base import Journal, Solution, Solver
from sk_logreg._status import STOPPED
from sk_logreg.losses import CrossEntropy

# The cross-entropy solution only has to lie in the right valley.
_TOL_OF_START = 1e-4


def solve_from_starts(
    objective: Objective,
    solver: Solver,
    journal: Journal,
    *,
    tol: float,
    previous: Vector | None,
    n_init: int,
    random_state: np.random.RandomState,
) -> Solution:
    """Minimize an objective from each of its starts and return the lowest minimum.

    Parameters
    ----------
    objective : Objective
        What to minimize.
    solver : callable
        Who does it.
    journal : Journal
        Where iterations are written down and counted.
    tol : float
        The bound on the relative suboptimality to reach.
    previous : ndarray of shape (n_dof,) or None
        Coefficients to start from, those of an earlier fit.
    n_init : int
        Number of starts for a loss that is not convex, the first of them chosen and
        the others drawn.
    random_state : RandomState
        Draws the extra starts.

    Returns
    -------
    Solution
    """
    zero = np.zeros(objective.n_dof)
    first = zero if previous is None else previous
    if objective.loss.convex:
        return solver(objective, first, journal, tol=tol)

    def starts() -> Iterator[Vector]:
        convex = objective.with_loss(CrossEntropy())
        yield solver(convex, first, journal, tol=_TOL_OF_START).point.coef
        yield first
        spread = np.sqrt(objective.product_diagonal(objective.weights))
        spread = 4.0 / np.where(spread > 0.0, spread, np.inf)
        for _ in range(n_init - 1):
            draw = random_state.standard_normal(objective.n_dof)
            yield spread * draw / np.sqrt(objective.n_dof)

    best: Solution | None = None
    for start in starts():
        journal.restart()
        solution = solver(objective, start, journal, tol=tol)
        if best is None or solution.point.value < best.point.value:
            best = solution
        if solution.status is STOPPED:
            break
    assert best is not None
    return best
