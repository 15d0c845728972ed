"""Newton's method with a Cholesky factor of the Hessian."""

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Vector
from sk_logreg._objective import Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._cholesky_model import CholeskyModel
from sk_logreg._solvers._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton import minimize
from sk_logreg._solvers._newton_cg import ConjugateGradientModel, Preconditioner
from sk_logreg._solvers._preconditioner import (
    preconditioner,
    reads_per_factor,
    reads_per_preconditioner,
)
from sk_logreg._solvers._row_space import RowSpace, reducible
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._status import MAX_ITER, STALLED, SUSPECTED

# Where f is this close to its minimum on a sample, relative to the error that the
# sample itself makes, there is no point in coming closer.
_SAMPLE_ACCURACY = 0.1
_MANY = 500
# After so many factors in single precision, double precision takes over.
_MOST_FACTORS = 8
# What a factor of a sample's Hessian saves, in reads of X.
_SAVED_READS = 10


def solve(
    objective: Objective,
    start: Vector,
    journal: Journal,
    *,
    tol: float,
    certify: bool = True,
) -> Solution:
    """Minimize by Newton's method with Cholesky factors.

    With fewer rows than features the problem is first reduced to the row space of X.

    See `minimize` for the parameters.
    """
    if not reducible(objective):
        return _solve_tall(objective, start, journal, tol=tol, certify=certify)
    row_space = RowSpace(objective)
    start = row_space.project(start)
    # Half of the bound is left to what rounding adds to it.
    solution = _solve_tall(
        row_space.objective, start, journal, tol=0.5 * tol, certify=certify
    )
    return row_space.lift(solution, tol if certify else None)


def _solve_tall(
    objective: Objective, start: Vector, journal: Journal, *, tol: float, certify: bool
) -> Solution:
    """Minimize on nested samples of the rows, then on all of them.

    Each sample starts where the one before it ended. The Hessian of the last serves
    all rows as the initial matrix of L-BFGS, so that an iteration on all rows only
    takes a gradient; it is replaced by the Hessian of all rows if progress is slow.
    Where that one would be dear, conjugate gradients are tried first, preconditioned by
    the factor of the sample's Hessian if it is cheap enough. Whenever they have cost as
    much as to factor a Hessian in single precision, one is, at the point they have
    come to: in all that is at most twice what it would have cost to know when. The
    bound that ends the fit holds whatever matrix is in use.

    References
    ----------
    .. [1] R. H. Byrd, G. M. Chin, W. Neveitt, J. Nocedal (2011). On the use of
       stochastic Hessian information in optimization methods for machine learning.
       SIAM Journal on Optimization 21(3), 977-995.
    .. [2] J. Nocedal (1980). Updating quasi-Newton matrices with limited storage.
       Mathematics of Computation 35, 773-782.
    """
    borrowed = None
    for rows, weights in nested_samples(objective, tol):
        borrowed = None  # there is to be room for one sample at a time
        start, borrowed = _from_sample(objective, rows, weights, start, journal)
    if objective.n_dof > _MANY:
        factor: Preconditioner | None = None if borrowed is None else borrowed.factor
        reads = reads_per_preconditioner(objective)
        for _ in range(_MOST_FACTORS):
            solution = minimize(
                objective,
                start,
                journal,
                ConjugateGradientModel(objective, reads, factor),
                tol=tol,
                certify=certify,
            )
            start = solution.point.coef
            if solution.status is not MAX_ITER or journal.full:
                break
            factor = None  # there is to be room for one
            factor = preconditioner(objective, solution.point)
        # A factor may show that there is a minimum where products do not.
        if solution.status not in (MAX_ITER, STALLED, SUSPECTED) or journal.full:
            return solution
    model = CholeskyModel(objective, borrowed)
    return minimize(objective, start, journal, model, tol=tol, certify=certify)


def _from_sample(
    objective: Objective,
    rows: NDArray[np.intp],
    weights: Vector,
    start: Vector,
    journal: Journal,
) -> tuple[Vector, FactoredHessian | None]:
    """Return where the minimum over a sample is, and a Hessian near it to borrow.

    The start, and None, if the sample has no minimum.
    """
    sample = objective.sample(rows, weights)
    model = CholeskyModel(sample)
    # Many coefficients make a factor dear: one at the sample's minimum is enough.
    many = objective.n_dof > _MANY
    walker = ConjugateGradientModel(sample) if many else model
    accuracy = _SAMPLE_ACCURACY * objective.n_dof / len(rows)
    solution = minimize(sample, start, journal, walker, tol=accuracy, certify=False)
    if not solution.status.converged:
        return start, None
    affordable = reads_per_factor(objective) < _SAVED_READS
    borrowed = model.lend(rows, solution.point) if affordable else None
    return solution.point.coef + solution.step_left, borrowed
