"""Diagnostics of the rows: leverages, residuals and influence."""

from dataclasses import dataclass

import numpy as np
from scipy.special import entr, log_expit

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._tolerances import NOISE
from sk_logreg.inference._covariance import Covariance
from sk_logreg.inference._fitted import FittedModel

# Number of values of X that are copied at a time.
_CHUNK_VALUES = 1 << 20


def log_likelihoods(z: Vector, q: Vector) -> Vector:
    """Return q log σ(z) + (1 - q) log σ(-z) of each row, for any z."""
    with np.errstate(invalid="ignore"):  # 0 times infinity
        positive = np.where(q > 0.0, q * log_expit(z), 0.0)
        return positive + np.where(q < 1.0, (1.0 - q) * log_expit(-z), 0.0)


def saturated(q: Vector) -> Vector:
    """Return the greatest log likelihood of each row, 0 where q is 0 or 1."""
    return -np.asarray(entr(q) + entr(1.0 - q))


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """Diagnostics of one copy of each row, see `Inference.diagnostics`.

    Attributes
    ----------
    step : ndarray of shape (n_samples,)
        What x̃ᵀ H⁻¹ is multiplied by to give the change of the coefficients.
    """

    leverage: Vector
    pearson: Vector
    deviance: Vector
    cooks_distance: Vector
    step: Vector


def diagnostics_of(fitted: FittedModel, covariance: Covariance) -> Diagnostics:
    """Return the diagnostics, in one pass over X.

    Cook's distance is that of one Newton step [1]_.

    References
    ----------
    .. [1] D. Pregibon (1981). Logistic regression diagnostics. Annals of Statistics
       9(4), 705-724.
    """
    rows, q = fitted.problem.rows, fitted.positive
    with fitted.objective() as objective:
        margins = fitted.point.margins
        norms = objective.squared_norms(covariance.root).gather() / fitted.total
        m = margins.gather()
        slope, curvature = objective.loss.derivatives(m, rows.p_other)
    z = rows.signs * m
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # The class weight: what the weight of a row is beyond its frequency.
        factor = fitted.total * rows.weights / fitted.frequencies
        factor = np.where(fitted.frequencies > 0.0, factor, 0.0)
        leverage = factor * curvature * norms
        # A leverage of 1, up to rounding, is one: the row is fitted exactly.
        leverage = np.where(leverage < 1.0 - NOISE, leverage, 1.0)
        left = np.where(leverage < 1.0, 1.0 - leverage, np.nan)
        step = -factor * slope * rows.signs / left
        cooks = step**2 * norms / covariance.edf
        # (q - p) / √(p (1 - p)), also where p rounds to 0 or 1
        pearson = np.where(q > 0.0, q * np.exp(-0.5 * z), 0.0)
        pearson -= np.where(q < 1.0, (1.0 - q) * np.exp(0.5 * z), 0.0)
    excess = np.maximum(saturated(q) - log_likelihoods(z, q), 0.0)
    deviance = np.sign(pearson) * np.sqrt(2.0 * excess)
    return Diagnostics(leverage, pearson, deviance, cooks, step)


def dfbetas_of(
    fitted: FittedModel, covariance: Covariance, found: Diagnostics
) -> Matrix:
    """Return what leaving out one copy of each row changes, in standard errors.

    By one Newton step: of shape (n_samples, n_terms).
    """
    n_samples, n_dof = len(found.step), fitted.problem.n_dof
    root = covariance.root
    to_terms = root @ (fitted.jacobian @ root).T / fitted.total
    to_terms /= covariance.std_err
    changes = np.empty((n_samples, n_dof))
    step = max(1, _CHUNK_VALUES // n_dof)
    with fitted.objective() as objective:
        for start in range(0, n_samples, step):
            rows = np.arange(start, min(start + step, n_samples))
            part = objective.dense_rows(rows, intercept=True)
            changes[rows] = found.step[rows, None] * (part @ to_terms)
    return changes
