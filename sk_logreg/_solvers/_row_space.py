"""Fewer rows than features: the same problem over a basis of the row space."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular

from sk_logreg._design import DenseDesign, Matrix, Vector, cut
from sk_logreg._objective import Objective
from sk_logreg._solvers._base import Solution
from sk_logreg._threads import blas_threads

_EPS = float(np.finfo(np.float64).eps)
# So many rows or columns of a square matrix are copied at a time.
_N_COPIED = 256


class RowSpace:
    """The row space of X, in which the weights of every minimum lie.

    With X Xᵀ = R Rᵀ and B a basis of the rows, w = X_Bᵀ R_B⁻ᵀ v has the predictions
    R v + b, and ‖w‖ = ‖v‖: the problem keeps its form, with R of shape (n_samples,
    rank) in place of X, which is read once for X Xᵀ, once for w, and once to evaluate
    the objective there. Without a penalty the weights are those of least norm.

    Attributes
    ----------
    objective : Objective
        The objective over v and b.

    References
    ----------
    .. [1] G. Kimeldorf, G. Wahba (1971). Some results on Tchebycheffian spline
       functions. Journal of Mathematical Analysis and Applications 33, 82-95.
    """

    def __init__(self, objective: Objective):
        self._original = objective
        products = objective.row_products()
        with blas_threads():
            self._root, self._basis = _root(products)
        self.objective = objective.over(DenseDesign(self._root), self.lift_coef)

    def project(self, coef: Vector) -> Vector:
        """Return v and b for the weights and the bias of a start."""
        n_features = self._original.design.n_features
        w, bias = coef[:n_features], coef[n_features:]
        if not w.any():
            return np.append(np.zeros(self._root.shape[1]), bias)
        point = self._original.evaluate(coef)
        z = (point.margins * self._original.signs - bias.sum())[self._basis]
        v = solve_triangular(self._root[self._basis], z, lower=True)
        return np.append(v, bias)

    def lift_coef(self, coef: Vector) -> Vector:
        """Return v and b as the weights and the bias."""
        v, bias = np.split(coef, [self._root.shape[1]])
        # R_Bᵀ u = v, from below, some rows at a time: R_B is not to be copied whole.
        shares = np.zeros(len(self._root))
        for rows in reversed(cut(len(v), len(v) // _N_COPIED + 1)):
            part = self._root[self._basis[rows]]
            u = solve_triangular(part[:, rows], v[rows], trans="T", lower=True)
            v = v[: rows.start] - u @ part[:, : rows.start]
            shares[self._basis[rows]] = u
        return np.append(self._original.combine_rows(shares), bias)

    def lift(self, solution: Solution) -> Solution:
        """Return a solution over v and b as one over the weights and the bias.

        The bound grows by what rounding, in X Xᵀ most of all, has added to f.
        """
        coef, step_left = solution.point.coef, solution.step_left
        point = self._original.evaluate(self.lift_coef(coef))
        excess = solution.gap * solution.point.value
        excess += max(0.0, point.value - solution.point.value)
        gap = min(1.0, excess / point.value)
        if np.any(step_left):
            step_left = self.lift_coef(coef + step_left) - point.coef
        return replace(solution, point=point, gap=gap, step_left=step_left)


def _root(products: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Return R with R Rᵀ = X Xᵀ, and which rows are a basis; overwrites X Xᵀ.

    By Cholesky's method with pivoting, which finds the basis: there R is triangular.
    The rows are scaled to unit length meanwhile, so that none is too short to count.

    References
    ----------
    .. [1] N. J. Higham (1990). Analysis of the Cholesky decomposition of a
       semi-definite matrix. In Reliable Numerical Computation, Oxford.
    """
    lengths = np.sqrt(products.diagonal())
    lengths[lengths == 0.0] = 1.0
    products /= lengths
    products /= lengths[:, None]
    negligible = 8 * len(products) * _EPS
    upper, order, rank, _ = lapack.dpstrf(
        products, tol=negligible, lower=0, overwrite_a=1
    )
    order -= 1  # LAPACK counts from one
    root = upper.T  # in C order
    for columns in cut(rank, rank // _N_COPIED + 1):  # not to copy it whole
        root[order, columns] = np.tril(root[:, columns], -columns.start)
    root *= lengths[:, None]
    return root[:, :rank], order[:rank]
