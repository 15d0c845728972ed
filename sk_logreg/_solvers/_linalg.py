"""Factor a symmetric matrix whose rows and columns may have any scale."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from sk_logreg._design import Matrix, Vector

_EPS = np.finfo(np.float64).eps


@dataclass(frozen=True)
class Factor:
    """The inverse, or pseudo-inverse, of a positive semidefinite matrix.

    Attributes
    ----------
    scale : ndarray of shape (n,)
        What rows and columns were multiplied by for a unit diagonal.
    root : ndarray of shape (n, n) or (n, rank)
        The Cholesky factor of the scaled matrix or, where it is singular, the
        eigenvectors of its nonzero eigenvalues, divided by their square roots.
    singular : bool
        Whether the matrix is singular to working accuracy.
    """

    scale: Vector
    root: Matrix
    singular: bool = False

    def solve(self, rhs: Vector) -> Vector:
        """Return the solution of least norm, in the scaled variables."""
        scaled = self.scale * rhs
        if self.singular:
            return self.scale * (self.root @ (scaled @ self.root))
        return self.scale * lapack.dpotrs(self.root, scaled, lower=1)[0]


def factor(matrix: Matrix) -> Factor | None:
    """Factor a symmetric matrix, or return None where it is indefinite.

    The matrix is scaled to a unit diagonal first, so that neither the success nor the
    accuracy depends on the units of the variables (A. van der Sluis, 1969, Condition
    numbers and equilibration of matrices, Numerische Mathematik 14, 14-23).
    """
    diagonal = matrix.diagonal()
    if diagonal.min(initial=0.0) < 0.0:
        return None
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    # Row by row and then column by column: the products of two scales may overflow.
    scaled = matrix * scale[:, None]
    scaled *= scale
    # Symmetric, so its transpose is the Fortran order that LAPACK takes uncopied.
    root, failed = lapack.dpotrf(scaled.T, lower=1, clean=0)
    negligible = 8 * len(diagonal) * _EPS
    # A pivot is the part of a column that those before it do not explain.
    if not failed and (root.diagonal() ** 2).min(initial=1.0) > negligible:
        return Factor(scale, root)
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < -negligible * values[-1]:
        return None
    kept = values > negligible * values[-1]
    return Factor(scale, vectors[:, kept] / np.sqrt(values[kept]), singular=True)


def most_negative_curvature(matrix: Matrix, metric: Matrix) -> Vector:
    """Return the direction in which `matrix` is most negative, as `metric` sees it."""
    diagonal = metric.diagonal()
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, vectors = np.linalg.eigh(metric * scale[:, None] * scale)
    kept = values > 8 * len(diagonal) * _EPS * values[-1]
    whiten = scale[:, None] * (vectors[:, kept] / np.sqrt(values[kept]))
    return whiten @ np.linalg.eigh(whiten.T @ matrix @ whiten)[1][:, 0]
