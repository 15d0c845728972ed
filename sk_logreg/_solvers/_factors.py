"""Factor a symmetric matrix whose rows and columns may have any scale."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.linalg import blas, lapack
from scipy.sparse.linalg import LinearOperator, eigsh

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._execution import blas_threads
from sk_logreg._tolerances import ACCURATE, negligible

#: Number of coefficients from which a factor is so costly that Lanczos's method and
#: conjugate gradients beside it pay.
MANY = 500
# From this size on a factor takes long enough for BLAS's own threads to pay. On smaller
# ones they may spin for longer than the factor takes, if the machine is busy.
_THREADED = 2000
#: With more coefficients a factor takes too much memory and too many seconds.
TOO_MANY = 4000
_INVERSE_ITERATIONS = 3


class Inverse(Protocol):
    """The inverse, or pseudo-inverse, of a matrix."""

    def solve(self, rhs: Vector, /) -> Vector:
        """Return the inverse times a vector."""


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
    diagonal : ndarray of shape (n,)
        The diagonal of the matrix.
    eigenvalues, null_space : ndarray of shape (rank,), (n, n - rank), or None
        Where it is singular, the nonzero eigenvalues of the scaled matrix, and the
        directions that the inverse leaves out.
    """

    scale: Vector
    root: Matrix
    diagonal: Vector
    eigenvalues: Vector | None = None
    null_space: Matrix | None = None

    @property
    def singular(self) -> bool:
        """Whether the matrix is singular to working accuracy."""
        return self.eigenvalues is not None

    @property
    def inverse_root(self) -> Matrix:
        """A matrix R, of shape (n, rank), with R Rᵀ the inverse or pseudo-inverse."""
        if self.singular:
            return self.scale[:, None] * self.root
        return blas.dtrsm(1.0, self.root, np.diag(self.scale), lower=1).T

    @property
    def log_determinant(self) -> float:
        """The logarithm of the determinant of a matrix that is not singular."""
        assert not self.singular
        return 2.0 * float(np.log(self.root.diagonal() / self.scale).sum())

    def solve(self, rhs: Vector) -> Vector:
        """Return the solution of least norm, in the scaled variables."""
        scaled = self.scale * rhs
        if self.singular:
            return self.scale * (self.root @ (scaled @ self.root))
        return self.scale * _solve_twice(blas.dtrsv, self.root, scaled)

    def norm(self, rhs: Vector) -> float:
        """Return the norm of a vector in the metric of the inverse."""
        scaled = self.scale * rhs
        if self.singular:
            return float(np.linalg.norm(scaled @ self.root))
        return float(np.linalg.norm(blas.dtrsv(self.root, scaled, lower=1)))

    def norms(self, rows: Matrix) -> Vector:
        """Return the norm of each row in the metric of the inverse."""
        scaled = rows * self.scale
        if self.singular:
            return np.asarray(np.linalg.norm(scaled @ self.root, axis=1))
        half = blas.dtrsm(1.0, self.root, scaled.T, lower=1)
        return np.asarray(np.linalg.norm(half, axis=0))

    def smallest_eigenpair(self) -> tuple[Vector, float]:
        """Return a direction, and an estimate of the smallest eigenvalue that is not 0.

        The direction is of unit length in the scaled variables; the value is the
        quadratic form of the factored matrix in it.
        """
        if self.eigenvalues is not None:
            least = int(self.eigenvalues.argmin())
            value = self.eigenvalues[least]
            return self.scale * self.root[:, least] * np.sqrt(value), float(value)
        unit = np.ones(len(self.scale))
        for _ in range(_INVERSE_ITERATIONS):
            unit = _solve_twice(blas.dtrsv, self.root, unit)
            unit /= np.linalg.norm(unit)
        half = blas.dtrmv(self.root, unit, lower=1, trans=1)
        return self.scale * unit, float(half @ half)

    def well_conditioned(self) -> bool:
        """Return whether all eigenvalues that are not zero are accurate.

        Those of the scaled matrix; by a cheap estimate from below.
        """
        if not len(self.scale):
            return True
        if self.eigenvalues is not None:
            least = self.eigenvalues.min(initial=np.inf)
            return bool(least >= ACCURATE * self.eigenvalues.max(initial=0.0))
        # The norm of the matrix is passed as 1, that of its diagonal.
        least, _ = lapack.dpocon(self.root, 1.0, uplo="L")
        return bool(least >= ACCURATE)

    def eigenvalue_ratio(self) -> float:
        """Return the smallest eigenvalue of the scaled matrix over the largest."""
        if self.singular or not len(self.scale):
            return 0.0
        root = np.tril(self.root)
        if len(root) <= MANY:
            lengths = np.linalg.svd(root, compute_uv=False)
            return float((lengths[-1] / lengths[0]) ** 2)
        start = np.ones(len(root))  # fixed, for identical results from run to run

        def largest(matvec: Callable[[Vector], Vector]) -> float:
            operator = LinearOperator(root.shape, matvec=matvec, dtype=np.float64)
            return float(
                eigsh(operator, k=1, v0=start, tol=1e-3, return_eigenvectors=False)[0]
            )

        of_inverse = largest(lambda v: _solve_twice(blas.dtrsv, root, v.ravel()))
        return 1.0 / (of_inverse * largest(lambda v: root @ (root.T @ v.ravel())))


@dataclass(frozen=True)
class Float32Factor:
    """The inverse of a positive definite matrix, in single precision; see `Factor`."""

    scale: Vector
    root: NDArray[np.float32]

    def solve(self, rhs: Vector) -> Vector:
        """Return the solution, to about as many digits as single precision has."""
        scaled = self.scale * rhs
        size = np.abs(scaled).max() or 1.0  # single precision has a short range
        narrow = (scaled / size).astype(np.float32)
        return self.scale * size * _solve_twice(blas.strsv, self.root, narrow)


def factor_float32(matrix: NDArray[np.float32], scale: Vector) -> Float32Factor | None:
    """Factor a matrix of unit diagonal, of which only the lower triangle counts.

    Overwrites it. Its diagonal is increased by its rounding error, so that eigenvalues
    of this size do not make it indefinite.
    """
    matrix.flat[:: len(matrix) + 1] += len(matrix) * np.finfo(np.float32).eps
    with blas_threads():
        root, failed = lapack.spotrf(matrix, lower=1, clean=0, overwrite_a=1)
    return None if failed else Float32Factor(scale, root)


def eigenpairs(matrix: Matrix) -> tuple[Vector, Matrix]:
    """Return the eigenvalues, ascending, and eigenvectors of a symmetric matrix.

    By divide and conquer, which does not converge for a few matrices of very unequal
    entries; then by QR iteration, which takes longer.
    """
    try:
        values, vectors = np.linalg.eigh(matrix)
    except np.linalg.LinAlgError:
        values, vectors = scipy.linalg.eigh(matrix, driver="ev")
    return values, vectors


def _solve_twice(trsv: Callable[..., Any], root: Any, rhs: Any) -> Any:
    """Solve with a Cholesky factor (`potrs` is slow with one right-hand side)."""
    halfway = trsv(root, rhs, lower=1)
    return trsv(root, halfway, lower=1, trans=1, overwrite_x=1)


def factor(
    matrix: Matrix, *, semidefinite: bool = False, inaccurate: bool = False
) -> Factor | None:
    """Factor a symmetric matrix, or return None where it is indefinite.

    If it is known to be `semidefinite`, it is never rejected: negative eigenvalues are
    rounding errors, and eigenvalues up to twice their size count as zero. If it is
    `inaccurate`, eigenvalues of the size of the rounding error of sums over the rows
    count as zero, and the result is always a pseudo-inverse.

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
    least = ACCURATE if inaccurate else negligible(len(diagonal))
    with blas_threads() if len(scaled) >= _THREADED else nullcontext():
        root, failed = lapack.dpotrf(scaled.T, lower=1, clean=0, overwrite_a=1)
    # A pivot is the part of a column that the columns before it do not explain. It may
    # be far larger than the smallest eigenvalue, so it does not show whether that is
    # accurate.
    large = not failed and (root.diagonal() ** 2).min(initial=1.0) > least
    if large and not inaccurate:
        return Factor(scale, root, diagonal.copy())
    values, vectors = eigenpairs(matrix * scale[:, None] * scale)
    cut = least * values[-1]
    if semidefinite:
        cut = max(cut, -2.0 * values[0])
    elif values[0] < -cut:
        return None
    kept = values > cut
    root = vectors[:, kept] / np.sqrt(values[kept])
    null_space = vectors[:, ~kept]
    null_space[np.abs(null_space) <= negligible(len(diagonal))] = 0.0
    null_space *= scale[:, None]
    scale = np.where(diagonal > 0.0, scale, 0.0)  # exactly 0 for empty columns
    return Factor(scale, root, diagonal, values[kept], null_space)


def most_negative_curvature(matrix: Matrix, metric: Matrix) -> Vector:
    """Return the direction in which `matrix` is most negative, as `metric` sees it."""
    diagonal = metric.diagonal()
    scale = 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    values, vectors = eigenpairs(metric * scale[:, None] * scale)
    kept = values > negligible(len(diagonal)) * values[-1]
    whiten = scale[:, None] * (vectors[:, kept] / np.sqrt(values[kept]))
    return whiten @ eigenpairs(whiten.T @ matrix @ whiten)[1][:, 0]
