"""The covariance matrix of the coefficients."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._design import Clusters
from sk_logreg._objective import clustered_scores_gram, scores_gram
from sk_logreg._solvers._factors import Factor, factor
from sk_logreg._tolerances import ACCURATE, negligible
from sk_logreg.inference._fitted import FittedModel
from sk_logreg.inference._kinds import LEVERAGE_POWERS

# A term depends on directions that the data leave undetermined if its share in one of
# them exceeds this, in units of its scale.
_UNDETERMINED = 1e-6


@dataclass(frozen=True, eq=False)
class Covariance:
    """The covariance matrix of the coefficients, as coefficients of the problem.

    Attributes
    ----------
    hessian : Factor
        The pseudo-inverse of the Hessian of the problem.
    root : ndarray of shape (n_dof, rank)
        R, with R Rᵀ that pseudo-inverse.
    edf : float
        The effective degrees of freedom: the trace of (H + Λ)⁻¹ H, with H the Hessian
        of the losses and Λ that of the penalty.
    matrix : ndarray of shape (n_dof, n_dof)
        The covariance matrix.
    n_groups : int or None
        The number of clusters.
    """

    fitted: FittedModel
    hessian: Factor
    root: Matrix
    edf: float
    matrix: Matrix
    n_groups: int | None = None

    @cached_property
    def of_terms(self) -> Matrix:
        """The covariance matrix of the terms; of undetermined ones it is arbitrary."""
        jacobian = self.fitted.jacobian
        return np.asarray(jacobian @ self.matrix @ jacobian.T)

    @cached_property
    def std_err(self) -> Vector:
        """The standard errors of the terms; infinite where they are undetermined."""
        fitted, size = self.fitted, np.ones(1)
        if fitted.problem.coordinates is None:
            variances = self.matrix.diagonal()[fitted.order]
        else:  # of scaled rows, since the variances may underflow
            size = np.abs(fitted.jacobian).max(axis=1)
            rows = fitted.jacobian / size[:, None]
            variances = np.einsum("ij,ij->i", rows @ self.matrix, rows)
        found = size * np.sqrt(np.maximum(variances, 0.0))
        return np.where(self.undetermined, np.inf, found)

    @cached_property
    def null_space(self) -> Matrix:
        """Directions of the terms that change no prediction, one per column."""
        return null_space_of_terms(self.fitted, self.hessian)

    @cached_property
    def undetermined(self) -> NDArray[np.bool_]:
        """Whether the data leave each term undetermined."""
        return np.asarray(self.null_space.any(axis=1))

    @cached_property
    def root_of_matrix(self) -> Matrix:
        """A matrix S with S Sᵀ the covariance matrix."""
        scale, values, vectors = _scaled_eigenpairs(self.matrix)
        kept = values > negligible(len(values)) * values.max(initial=0.0)
        return np.asarray(scale[:, None] * vectors[:, kept] * np.sqrt(values[kept]))


def _scaled_eigenpairs(matrix: Matrix) -> tuple[Vector, Vector, Matrix]:
    """Return what a matrix is divided by for a unit diagonal, and its eigenpairs then.

    The matrix is positive semidefinite.
    """
    scale = np.sqrt(matrix.diagonal())
    scale = np.where(scale > 0.0, scale, 1.0)
    return scale, *eigh(matrix / np.outer(scale, scale))


def quadratic_form(matrix: Matrix, v: Vector) -> tuple[float, int]:
    """Return vᵀ A⁺ v and the rank of a positive semidefinite matrix A.

    Raises a ValueError if v is not in the range of A: hypotheses contradict each other.
    """
    scale, values, vectors = _scaled_eigenpairs(matrix)
    parts = (v / scale) @ vectors
    kept = values > ACCURATE * values.max(initial=0.0)
    if np.any(np.abs(parts[~kept]) > _UNDETERMINED * np.linalg.norm(parts)):
        raise ValueError("R and q contradict each other: no coefficients satisfy them.")
    return float(np.sum(parts[kept] ** 2 / values[kept])), int(kept.sum())


def null_space_of_terms(fitted: FittedModel, hessian: Factor) -> Matrix:
    """Return directions of the terms in which a Hessian is singular, one per column."""
    if hessian.null_space is None:
        return np.empty((fitted.problem.n_dof, 0))
    found = fitted.jacobian @ hessian.null_space
    # The scale of each term, in the inverse of the unit of its feature.
    scale = np.where(hessian.scale > 0.0, hessian.scale, 1.0)
    size = np.abs(found) / (np.abs(fitted.jacobian) @ scale)[:, None]
    return np.where(size > _UNDETERMINED * size.max(initial=0.0), found, 0.0)


def covariance_of(fitted: FittedModel) -> Covariance:
    """Return the covariance matrix of a fitted model.

    Without a penalty it is the inverse of the information, or a sandwich [1]_, with
    corrections by the leverages [2]_, or over clusters. With a penalty, "bayesian" is
    (I + Λ)⁻¹ [3]_, and "frequentist" is (I + Λ)⁻¹ I (I + Λ)⁻¹ [4]_.

    References
    ----------
    .. [1] H. White (1982). Maximum likelihood estimation of misspecified models.
       Econometrica 50(1), 1-25.
    .. [2] J. G. MacKinnon, H. White (1985). Some heteroskedasticity-consistent
       covariance matrix estimators with improved finite sample properties. Journal of
       Econometrics 29(3), 305-325.
    .. [3] G. Marra, S. N. Wood (2012). Coverage properties of confidence intervals for
       generalized additive model components. Scandinavian Journal of Statistics 39(1),
       53-74.
    .. [4] R. J. Gray (1992). Flexible methods for analyzing survival data using
       splines, with applications to breast cancer prognosis. Journal of the American
       Statistical Association 87(420), 942-951.
    """
    kind, total = fitted.covariance, fitted.total
    curvature = fitted.problem.penalty.curvature
    hessian = factor(fitted.hessian, semidefinite=fitted.by_likelihood)
    if hessian is None:
        raise ValueError(
            "The coefficients are not a minimum: the Hessian there is not positive "
            "definite. Fit the model until it converges."
        )
    root = hessian.inverse_root
    edf = root.shape[1] - float(curvature @ np.square(root).sum(axis=1))
    inverse = root @ root.T
    if kind in ("model", "bayesian"):
        return Covariance(fitted, hessian, root, edf, inverse / total)
    if kind == "frequentist":
        meat = fitted.hessian - np.diag(curvature)
        return Covariance(fitted, hessian, root, edf, inverse @ meat @ inverse / total)
    n_groups = None
    if kind == "cluster":
        assert fitted.clusters is not None
        n_groups = len(fitted.clusters.spread)
        meat = _clustered(fitted, fitted.clusters, edf)
    else:
        meat = _robust(fitted, root, edf)
    matrix = inverse @ meat @ inverse
    return Covariance(fitted, hessian, root, edf, matrix, n_groups)


def _robust(fitted: FittedModel, root: Matrix, edf: float) -> Matrix:
    """Return the middle of the sandwich, in the unit of the problem's objective."""
    kind, total, scores = fitted.covariance, fitted.total, fitted.scores
    if scores is None:
        with fitted.objective() as objective:
            scores = scores_gram(
                objective,
                fitted.point.margins,
                fitted.observed.per_class,
                root / np.sqrt(total),
                LEVERAGE_POWERS[kind],
            )
        if not np.isfinite(scores).all():
            raise ValueError(
                f"covariance={kind!r} is not defined, since some rows have a leverage "
                "of 1. Use 'HC0' or 'HC1'."
            )
    if kind == "HC1":
        scores = scores * _small_sample(fitted, edf, fitted.n_obs)
    return scores / total


def _clustered(fitted: FittedModel, clusters: Clusters, edf: float) -> Matrix:
    """Return the middle of the sandwich over clusters (CR1)."""
    n_groups = len(clusters.spread)
    if n_groups < 2:
        raise ValueError(
            "groups must hold at least 2 groups of rows with positive weight, got "
            f"{n_groups}."
        )
    with fitted.objective() as objective:
        meat = clustered_scores_gram(objective, fitted.point.margins, clusters)
    correction = _small_sample(fitted, edf, fitted.n_obs - 1.0)
    return meat * correction * n_groups / (n_groups - 1.0)


def _small_sample(fitted: FittedModel, edf: float, numerator: float) -> float:
    """Return numerator / (n_obs - edf)."""
    left = fitted.n_obs - edf
    if left <= 0.0:
        raise ValueError(
            f"covariance={fitted.covariance!r} needs more observations than "
            f"coefficients, but n_obs={fitted.n_obs:g} and edf={edf:g}. Use a penalty, "
            "or 'HC0'."
        )
    return numerator / left
