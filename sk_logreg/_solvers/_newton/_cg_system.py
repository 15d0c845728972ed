"""The Newton system of conjugate gradients: products, preconditioner, free bias."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Objective, RowVector
from sk_logreg._solvers._factors import MANY, Factor, Float32Factor, eigenpairs
from sk_logreg._tolerances import NOISE, TINY


@dataclass(frozen=True)
class ConjugateGradients:
    """The parameters of the conjugate gradient model."""

    #: Conjugate gradients stop when a product gains less than this share of the average
    #: gain so far (S. G. Nash, A. Sofer, 1990, Assessing a search direction within a
    #: truncated-Newton method, Operations Research Letters 9, 219-221). A step that
    #: makes little progress lowers it.
    forcing: float = 0.5
    #: Maximum number of products per system. In exact arithmetic one per coefficient is
    #: enough; rounding errors delay convergence.
    products_per_coef: int = 20
    max_products: int = 10_000
    #: Maximum number of restarts of Lanczos's method, of about 18 products each: more
    #: would take longer than the rest of a fit. Its tolerance is enough for the sign
    #: and the size of the smallest eigenvalue, which it overestimates by at most this
    #: factor.
    max_restarts: int = 20
    eigenvalue_tol: float = 0.1
    overestimate: float = 2.0


CONJUGATE_GRADIENTS = ConjugateGradients()


#: The inverse of a positive definite matrix close to the Hessian.
Preconditioner = Factor | Float32Factor


class System:
    """The Newton system (H + μM) d = -g, with the curvature of each row in H + μM.

    An unpenalized bias is eliminated by deflation: each search direction is made
    conjugate to it, so that its equation holds throughout, as the bound on the
    suboptimality requires. `diagonal` is that of H + μM, computed with the size of each
    curvature, and `scale` is its inverse square root. The system is `bounded` if the
    penalty on all weights is strong enough to charge residuals to.
    """

    def __init__(
        self,
        objective: Objective,
        curvature: RowVector,
        shift: float,
        preconditioner: Preconditioner | None = None,
    ):
        self._objective = objective
        self._preconditioner = preconditioner
        self.curvature = curvature
        self._added = (1.0 + shift) * objective.penalty.curvature
        diagonal, column = objective.diagonal_and_intercept_column(curvature)
        diagonal += self._added
        self.diagonal = diagonal
        # The inverse of a subnormal number would overflow.
        self._inverse_diagonal = 1.0 / np.where(diagonal > TINY, diagonal, 1.0)
        self.scale = np.sqrt(self._inverse_diagonal)
        # A penalty far below the curvature changes only the last digits.
        noticed = self._added > NOISE * diagonal
        added = np.where(noticed, self._added, 1.0)
        self._inverse_added = np.where(noticed, 1.0 / added, self._inverse_diagonal)
        problem = objective.problem
        deflated = problem.free_bias and not objective.penalty.absent
        # Where a convex loss is saturated, the curvature in the bias is zero too.
        deflated = deflated and not (objective.loss.convex and column[-1] <= 0.0)
        self._bias_column = column if deflated else None
        self.bounded = bool(noticed[: objective.n_features].all())

    def product(self, v: Vector) -> Vector:
        """Return (H + μM) v."""
        return self._objective.product(self.curvature, v) + self._added * v

    def diagonal_norm2(self, v: Vector) -> float:
        """Return the squared norm of a vector in the metric of the diagonal."""
        return float(v @ (v / self._inverse_diagonal))

    def precondition(self, residual: Vector) -> Vector:
        """Return an approximate solution of (H + μM) v = residual."""
        if self._preconditioner is not None:
            return self._preconditioner.solve(residual)
        return self._inverse_diagonal * residual

    @property
    def convex_in_bias(self) -> bool:
        """Whether the curvature in an unpenalized bias is positive."""
        return self._bias_column is None or bool(self._bias_column[-1] > 0.0)

    def eliminate_bias(self, residual: Vector) -> Vector:
        """Return the step in the bias alone, in which the system must be convex.

        `residual` becomes the residual after this step.
        """
        direction = np.zeros_like(residual)
        column = self._bias_column
        if column is not None:
            direction[-1] = residual[-1] / column[-1]
            residual -= direction[-1] * column
        return direction

    def conjugate_to_bias(self, v: Vector) -> Vector:
        """Return `v` with the bias chosen so that its own equation is unaffected."""
        column = self._bias_column
        if column is not None:
            v = v.copy()
            v[-1] = -float(column[:-1] @ v[:-1]) / column[-1]
        return v

    def slack(self, residual: Vector) -> float:
        """Return an estimate of what the residual adds to the bound on f - f*.

        Half the squared norm of the residual over the penalty, which is what it takes
        to make the dual point feasible. Where there is no penalty, or one below working
        accuracy, the norm of the preconditioner takes its place.
        """
        return 0.5 * float(residual @ (residual * self._inverse_added))


def extremes(objective: Objective, system: System) -> tuple[Vector, Matrix]:
    """Return eigenvalues of the scaled system, the smallest first, and eigenvectors.

    All of them up to `MANY` coefficients. With more, the smallest and the
    largest by Lanczos's method, NaN where it fails.
    """
    scale, n_dof, options = system.scale, objective.n_dof, CONJUGATE_GRADIENTS
    if n_dof <= MANY:
        matrix = objective.hessian(system.curvature)
        return eigenpairs(matrix * scale[:, None] * scale)
    operator = LinearOperator(
        (n_dof, n_dof),
        matvec=lambda v: scale * system.product(scale * v.ravel()),
        dtype=np.float64,
    )
    start = np.random.default_rng(0).standard_normal(n_dof)
    found: tuple[Any, Any] = np.full(2, np.nan), np.zeros((n_dof, 2))
    try:
        found = eigsh(
            operator,
            k=2,
            which="BE",
            v0=start,
            maxiter=options.max_restarts,
            tol=options.eigenvalue_tol,
        )
    except ArpackNoConvergence as failure:
        if len(failure.eigenvalues):
            found = failure.eigenvalues, failure.eigenvectors
    except ArpackError:
        pass
    return found
