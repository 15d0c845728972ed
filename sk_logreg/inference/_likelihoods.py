"""The log likelihoods of a model, of the null model and of a perfect prediction."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from sk_logreg._arrays import Vector
from sk_logreg.inference._diagnostics import log_likelihoods, saturated
from sk_logreg.inference._estimate import Estimate
from sk_logreg.inference._fitted import FittedModel

# The accuracy of the null model's bias.
_XTOL = 1e-12


@dataclass(frozen=True, eq=False)
class Likelihoods:
    """The log likelihoods, and how far apart the mean probabilities are."""

    log_likelihood: float
    saturated: float
    null: float
    tjur: float
    by_likelihood: bool

    def pseudo_r2(self, n_obs: float) -> list[float]:
        """Return the coefficients of McFadden, Cox and Snell, Nagelkerke and Tjur."""
        if not self.by_likelihood:
            return [np.nan, np.nan, np.nan, self.tjur]
        cox_snell = -np.expm1(2.0 * (self.null - self.log_likelihood) / n_obs)
        greatest = -np.expm1(2.0 * self.null / n_obs)
        with np.errstate(divide="ignore", invalid="ignore"):
            mcfadden = 1.0 - np.divide(self.log_likelihood, self.null)
            cox_snell, greatest = np.float64(cox_snell), np.float64(greatest)
            nagelkerke = cox_snell / greatest
        return [mcfadden, cox_snell, nagelkerke, self.tjur]


def likelihoods_of(estimate: Estimate) -> Likelihoods:
    """Return the log likelihoods at an estimate, without a pass over X."""
    fitted, q = estimate.fitted, estimate.fitted.positive
    z = fitted.problem.rows.signs * fitted.point.margins.gather()
    per_copy = [fitted.per_class[1] * q, fitted.per_class[0] * (1.0 - q)]
    positive, negative = (fitted.frequencies * part for part in per_copy)
    both = positive + negative
    mixed = positive / np.where(both > 0.0, both, 1.0)
    reached = float(both @ log_likelihoods(z, mixed))
    if estimate.divergence is not None:
        # The limit; the coefficients of the fit are finite.
        reached = -estimate.limit.total * estimate.limit.point.loss
    p = expit(z)
    with np.errstate(invalid="ignore"):  # a class may have no weight
        tjur = positive @ p / positive.sum() - negative @ p / negative.sum()
    return Likelihoods(
        log_likelihood=reached,
        saturated=float(both @ saturated(mixed)),
        null=_null(fitted, both, mixed),
        tjur=float(tjur),
        by_likelihood=fitted.by_likelihood,
    )


def _null(fitted: FittedModel, weights: Vector, mixed: Vector) -> float:
    """Return the greatest log likelihood of an intercept, if there is one, alone."""
    offset = fitted.data.offset
    z = np.zeros(len(weights)) if offset is None else offset
    if fitted.problem.fit_intercept:
        # Where the mean probability is the mean label. The bias is between those of
        # constant offsets, of which each is one end.
        logit_of_mean = logit(weights @ mixed / weights.sum())

        def excess(bias: float) -> float:
            return float(weights @ (expit(z + bias) - mixed))

        low, high = logit_of_mean - z.max(), logit_of_mean - z.min()
        if np.isfinite(logit_of_mean) and excess(low) < 0.0 < excess(high):
            low = brentq(excess, low, high, xtol=_XTOL)
        z = z + low
    used = weights > 0.0
    return float(weights[used] @ log_likelihoods(z, mixed)[used])
