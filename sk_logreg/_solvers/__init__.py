"""The solvers, one algorithm a file, and the choice among them."""

from sk_logreg._objective import Objective
from sk_logreg._solvers import _newton_cg, _newton_cholesky
from sk_logreg._solvers._base import (
    IterationRecord,
    Journal,
    Listener,
    Solution,
    Solver,
    StartRecord,
)
from sk_logreg._solvers._row_space import reducible
from sk_logreg._solvers._starts import most_starts, solve_from_starts

__all__ = [
    "SOLVERS",
    "IterationRecord",
    "Journal",
    "Listener",
    "Solution",
    "StartRecord",
    "choose_solver",
    "most_starts",
    "solve_from_starts",
]

#: The solvers by the value of the ``solver`` parameter that selects them.
SOLVERS: dict[str, Solver] = {
    "newton-cholesky": _newton_cholesky.solve,
    "newton-cg": _newton_cg.solve,
}

# Beyond this many coefficients a factor takes too much memory and too many seconds.
_MAX_FACTOR = 4000
# At most this many reads of X may a Hessian cost: as many as conjugate gradients need
# for the same step where it is hard.
_MAX_READS = 100


def choose_solver(objective: Objective) -> str:
    """Return the name of the solver that suits the shape of the problem.

    A factor is exact and indifferent to the conditioning, so it is taken unless it is
    too large or forming the Hessian dwarfs the products that would avoid it.
    """
    design = objective.design
    size, reads = design.n_features, design.reads_per_gram
    if reducible(objective):  # a dense matrix of that size takes the place of X
        size = design.n_samples
        reads = size**3 / (20 * design.n_values)
    return (
        "newton-cholesky"
        if size <= _MAX_FACTOR and reads <= _MAX_READS
        else "newton-cg"
    )
