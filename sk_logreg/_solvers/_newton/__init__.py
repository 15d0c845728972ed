"""Newton's method: the loop, when it stops, the line search, and two models."""

from sk_logreg._solvers._newton._cg import ConjugateGradientModel
from sk_logreg._solvers._newton._cholesky import CholeskyModel
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton._loop import BUDGET_SPENT, minimize
from sk_logreg._solvers._newton._orthant import OrthantModel
from sk_logreg._solvers._newton._proximal import (
    HessianMatrix,
    ProximalModel,
    excess_of_slopes,
)
from sk_logreg._solvers._newton._refine import refined

__all__ = [
    "BUDGET_SPENT",
    "CholeskyModel",
    "ConjugateGradientModel",
    "FactoredHessian",
    "HessianMatrix",
    "OrthantModel",
    "ProximalModel",
    "excess_of_slopes",
    "minimize",
    "refined",
]
