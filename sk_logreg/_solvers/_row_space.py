"""Fewer rows than features: the same problem over a basis of the row space."""

from dataclasses import replace

import numpy as np
from scipy.linalg import lapack

from sk_logreg._design import DenseDesign, Matrix, Vector
from sk_logreg._objective import Objective
from sk_logreg._solvers._base import Solution
from sk_logreg._threads import blas_threads

_EPS = float(np.finfo(np.float64).eps)


class RowSpace:
    """The row space of X, in which the weights of every minimum lie.

    With X Xᵀ = R Rᵀ and w = Xᵀ R⁻ᵀ v the predictions are R v + b and ‖w‖ = ‖v‖: the
    problem keeps its form, with R of shape (n_samples, rank) in place of X, which is
    read once for X Xᵀ, once for w, and once to evaluate the objective there. Without
    a penalty the weights are those of least norm.

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
            self._root, self._inverse = _root(products)
        self.objective = objective.over(DenseDesign(self._root), self.lift_coef)

    def project(self, coef: Vector) -> Vector:
        """Return v and b for the weights and the bias of a start."""
        n_features = self._original.design.n_features
        w, bias = coef[:n_features], coef[n_features:]
        if not w.any():
            return np.append(np.zeros(self._root.shape[1]), bias)
        point = self._original.evaluate(coef)
        z = point.margins * self._original.signs - bias.sum()
        return np.append(z @ self._inverse, bias)

    def lift_coef(self, coef: Vector) -> Vector:
        """Return v and b as the weights and the bias."""
        v, bias = np.split(coef, [self._root.shape[1]])
        return np.append(self._original.combine_rows(self._inverse @ v), bias)

    def lift(self, solution: Solution) -> Solution:
        """Return a solution over v and b as one over the weights and the bias.

        The bound grows by what rounding, in X Xᵀ most of all, has added to f.
        """
        point = self._original.evaluate(self.lift_coef(solution.point.coef))
        excess = solution.gap * solution.point.value
        excess += max(0.0, point.value - solution.point.value)
        gap = min(1.0, excess / point.value)
        return replace(solution, point=point, gap=gap)


def _root(products: Matrix) -> tuple[Matrix, Matrix]:
    """Return R with R Rᵀ = X Xᵀ, and its inverse or pseudo-inverse, transposed."""
    n_rows = len(products)
    negligible = 8 * n_rows * _EPS
    root, failed = lapack.dpotrf(products.T, lower=1, clean=1)
    pivots = root.diagonal() ** 2
    if not failed and (pivots > negligible * products.diagonal()).all():
        return root, lapack.dtrtri(root, lower=1)[0].T
    values, vectors = np.linalg.eigh(products)
    kept = values > negligible * values[-1]
    lengths = np.sqrt(values[kept])
    return vectors[:, kept] * lengths, vectors[:, kept] / lengths
