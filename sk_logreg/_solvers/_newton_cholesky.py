"""Newton's method with a Cholesky factor of the Hessian."""

from sk_logreg._design import Vector
from sk_logreg._objective import Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._cholesky_model import CholeskyModel
from sk_logreg._solvers._newton import minimize
from sk_logreg._solvers._newton_cg import ConjugateGradientModel
from sk_logreg._solvers._row_space import RowSpace
from sk_logreg._solvers._samples import nested_samples
from sk_logreg._status import MAX_ITER, SUSPECTED

# Where f is this close to its minimum on a sample, relative to the error that the
# sample itself makes, there is no point in coming closer.
_SAMPLE_ACCURACY = 0.1
_MANY = 500
# Hessians that a problem takes whose Newton steps start from zero.
_USUAL_FACTORS = 8
# What a factor of a sample's Hessian saves, in reads of X.
_SAVED_READS = 10


def solve(
    objective: Objective, start: Vector, journal: Journal, *, tol: float
) -> Solution:
    """Minimize by Newton's method with Cholesky factors.

    With fewer rows than features the problem is first reduced to the row space of X.

    See `minimize` for the parameters.
    """
    if objective.design.n_features <= objective.design.n_samples:
        return _solve_tall(objective, start, journal, tol=tol)
    row_space = RowSpace(objective)
    solution = _solve_tall(
        row_space.objective, row_space.project(start), journal, tol=tol
    )
    return row_space.lift(solution)


def _solve_tall(
    objective: Objective, start: Vector, journal: Journal, *, tol: float
) -> Solution:
    """Minimize on nested samples of the rows, then on all of them.

    Each sample starts where the one before it ended. The Hessian of the last serves
    all rows as the initial matrix of L-BFGS, so that an iteration on all rows only
    takes a gradient; it is replaced by the Hessian of all rows if progress is slow.
    Where that one would be dear, conjugate gradients are tried first, with the factor
    of the sample's Hessian as the preconditioner if it is cheap enough. The bound that
    ends the fit holds whatever matrix is in use.

    References
    ----------
    .. [1] R. H. Byrd, G. M. Chin, W. Neveitt, J. Nocedal (2011). On the use of
       stochastic Hessian information in optimization methods for machine learning.
       SIAM Journal on Optimization 21(3), 977-995.
    .. [2] J. Nocedal (1980). Updating quasi-Newton matrices with limited storage.
       Mathematics of Computation 35, 773-782.
    """
    many = objective.n_dof > _MANY
    borrowed = None
    for rows, sample in nested_samples(objective, tol):
        model = CholeskyModel(sample)
        # Many coefficients make a factor dear: one at the sample's minimum is enough.
        walker = ConjugateGradientModel(sample) if many else model
        accuracy = _SAMPLE_ACCURACY * objective.n_dof / len(rows)
        solution = minimize(sample, start, journal, walker, tol=accuracy, certify=False)
        if solution.status.converged:
            start = solution.point.coef + solution.step_left
            if _reads_per_factor(objective) < _SAVED_READS:
                borrowed = model.lend(rows, solution.point)
    if many:
        # Conjugate gradients win if the features are but weakly correlated, and lose
        # by orders of magnitude if not: they may spend what factors are going to.
        reads = _reads_per_factor(objective) + objective.design.reads_per_gram
        factor = None if borrowed is None else borrowed.factor
        walker = ConjugateGradientModel(objective, _USUAL_FACTORS * reads, factor)
        solution = minimize(objective, start, journal, walker, tol=tol)
        # A factor may show that there is a minimum where products do not.
        if solution.status not in (MAX_ITER, SUSPECTED) or journal.full:
            return solution
        start = solution.point.coef
    model = CholeskyModel(objective, borrowed)
    return minimize(objective, start, journal, model, tol=tol)


def _reads_per_factor(objective: Objective) -> float:
    """Return what factoring a Hessian costs, in reads of X."""
    return objective.n_dof**3 / (100 * objective.design.n_values)
