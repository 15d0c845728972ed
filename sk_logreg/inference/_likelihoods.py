"""The log likelihoods of a model, of the null model and of a perfect prediction."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.optimize import brentq
from scipy.special import logit

from sk_logreg._arrays import Vector
from sk_logreg._design import Extremes
from sk_logreg._design._map import Function
from sk_logreg._design._observations import likelihoods, null_excess, null_likelihood
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
    fitted = estimate.fitted
    vectors, args = (fitted.point.margins,), (fitted.observed,)
    found, _ = fitted.over_rows(likelihoods, vectors, args)
    reached, saturated, of_classes, offset, sums = found
    if estimate.divergence is not None:
        # The limit; the coefficients of the fit are finite.
        reached = -estimate.limit.total * estimate.limit.point.loss
    with np.errstate(invalid="ignore"):  # a class may have no weight
        negative, positive = sums / of_classes
    return Likelihoods(
        log_likelihood=float(reached),
        saturated=float(saturated),
        null=_null(fitted, of_classes, offset),
        tjur=float(positive - negative),
        by_likelihood=fitted.by_likelihood,
    )


def _null(fitted: FittedModel, of_classes: Vector, offset: Extremes) -> float:
    """Return the greatest log likelihood of an intercept, if there is one, alone."""

    def over_rows(function: Function, bias: float) -> float:
        [found], _ = fitted.over_rows(function, (), (bias, fitted.observed))
        return float(found)

    if not fitted.problem.fit_intercept:
        return over_rows(null_likelihood, 0.0)
    # Where the mean probability is the mean label. The bias is between those of
    # constant offsets, of which each is one end.
    logit_of_mean = float(logit(of_classes[1] / of_classes.sum()))
    bias, high = logit_of_mean - offset.greatest, logit_of_mean - offset.least
    if offset.least < offset.greatest and np.isfinite(logit_of_mean):
        excess = partial(over_rows, null_excess)
        if excess(bias) < 0.0 < excess(high):
            bias = brentq(excess, bias, high, xtol=_XTOL)
    return over_rows(null_likelihood, bias)
