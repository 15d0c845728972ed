"""What the figures of an inference assume, and what is wrong with a fit."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sk_logreg.inference._covariance import Covariance
from sk_logreg.inference._divergence import Divergence
from sk_logreg.inference._estimate import Estimate
from sk_logreg.inference._fitted import FittedModel

# With more coefficients per observation than this, the coefficients and standard errors
# of maximum likelihood are biased (P. Sur, E. J. Candès, 2019, A modern maximum-
# likelihood theory for high-dimensional logistic regression, PNAS 116(29)).
_MANY_COEFS = 0.1
# A fit stopped too early, or is of other data, if the minimum is further away than this
# number of standard errors.
_FAR = 0.05
# Maximum ratio of the distance to the distance that the fit's bound implies.
_SLACK = 2.0
_MAX_NAMES = 10

_WHAT = {
    "model": "Standard errors are those of the model: the inverse of the Fisher "
    "information.",
    "HC0": "Standard errors are robust to a wrong model of the variance: the sandwich "
    "HC0, without correction for small samples.",
    "HC1": "Standard errors are robust to a wrong model of the variance: HC1, the "
    "sandwich times n / (n - k).",
    "HC2": "Standard errors are robust to a wrong model of the variance: HC2, the "
    "sandwich of scores over the root of 1 - leverage.",
    "HC3": "Standard errors are robust to a wrong model of the variance: HC3, the "
    "sandwich of scores over 1 - leverage.",
    "bayesian": "Standard errors are Bayesian: the penalty is the prior, and the "
    "covariance is the inverse of the information plus the penalty.",
    "frequentist": "Standard errors are the variation of the penalized coefficients "
    "from sample to sample. Their bias is not in them; see penalty_bias.",
}


def named(terms: Sequence[str], which: NDArray[np.bool_]) -> str:
    """Return the names of some terms, the first ones if there are many."""
    names = [name for name, chosen in zip(terms, which, strict=True) if chosen]
    listed = ", ".join(names[:_MAX_NAMES])
    more = len(names) - _MAX_NAMES
    return f"{listed} and {more} more" if more > 0 else listed


def notes_of(estimate: Estimate) -> Iterator[str]:
    """Yield the notes."""
    fitted, covariance = estimate.fitted, estimate.covariance
    divergence = estimate.divergence
    model = fitted.estimator
    yield from _on_covariance(fitted, covariance)
    if not model.converged_ and divergence is None:
        status = model.status_
        yield f"The fit did not converge. {status.sentence} {status.remedy}"
    yield from _on_distance(fitted, estimate.distance)
    if divergence is not None:
        yield from _on_separation(fitted, divergence)
    undetermined = np.asarray(estimate.null_space.any(axis=1))
    if undetermined.any():
        yield (
            "Some columns are constant or combinations of others. The data do not "
            f"determine the coefficients of {named(fitted.terms, undetermined)}; "
            "predictions do not depend on them."
        )
    ratio = covariance.edf / fitted.n_obs
    plain = fitted.by_likelihood and not fitted.penalized
    if plain and fitted.bias_reduction is None and ratio > _MANY_COEFS:
        yield (
            f"There are {ratio:.2f} coefficients per observation. Above "
            f"{_MANY_COEFS:g}, maximum likelihood exaggerates the coefficients, and "
            "standard errors, p-values and likelihood-ratio tests are too optimistic. "
            "Use bias_reduction='mdypl' or a penalty."
        )
    if fitted.searched and not fitted.refitted:
        yield (
            "The coefficients are means over the folds, not those of a fit. Use "
            "refit=True."
        )
    elif fitted.searched:
        yield (
            "C was chosen by the same data. The standard errors do not include the "
            "variation of this choice."
        )


def _on_covariance(fitted: FittedModel, covariance: Covariance) -> Iterator[str]:
    kind, model = fitted.covariance, fitted.estimator
    if kind == "cluster":
        yield (
            "Standard errors are robust to dependence within the "
            f"{covariance.n_groups} groups (CR1). They are reliable with about 40 "
            "groups or more."
        )
    else:
        yield _WHAT[kind]
    if fitted.penalized:
        yield (
            "There are no p-values: the penalty biases the coefficients, so that z "
            "does not have its usual distribution."
        )
    if not fitted.by_likelihood:
        yield (
            "The squared error is no likelihood. Tests are Wald tests, and AIC, BIC "
            "and likelihood-ratio tests do not exist."
        )
    if fitted.has_jeffreys_prior:
        yield (
            "Coefficients are those of Firth's penalized likelihood. Likelihood-ratio "
            "tests and profile intervals are of the penalized likelihood."
        )
    if fitted.bias_reduction == "flic":
        yield (
            "The intercept is that of maximum likelihood, given the other terms. "
            "Standard errors are from the Fisher information at these coefficients."
        )
    if fitted.bias_reduction == "mdypl":
        yield (
            "Coefficients maximize the likelihood of labels shrunk toward 1/2. "
            "Likelihood-ratio tests and profile intervals are of that likelihood."
        )
    if fitted.observed.weighted:
        yield (
            "sample_weight is taken as frequencies: a row of weight 2 counts as two "
            f"observations, so that there are {fitted.n_obs:g}."
        )
    if model.class_weight is not None:
        yield (
            "class_weight multiplies the likelihood of each class. The intercept and "
            "the probabilities are those of a population weighted in this way"
            + (
                ", and the standard errors of the model, AIC and BIC do not hold. Use "
                "covariance='HC0'."
                if kind in ("model", "bayesian", "frequentist")
                else "."
            )
        )


def _on_distance(fitted: FittedModel, distance: float) -> Iterator[str]:
    if not distance > _FAR:
        return
    model = fitted.estimator
    gap = max(model.optimality_gap_, model.tol)
    allowed = np.sqrt(2.0 * gap * fitted.total * fitted.point.value)
    if distance > _SLACK * allowed and model.converged_:
        yield (
            "X, y, sample_weight or offset are not those of the fit: the minimum of "
            f"their objective is {distance:.2g} standard errors away from the "
            "coefficients. Pass what was passed to fit."
        )
    else:
        yield (
            f"The coefficients are {distance:.2g} standard errors away from the "
            "minimum." + model.converged_ * " Use a smaller tol, such as 1e-12."
        )


def _on_separation(fitted: FittedModel, divergence: Divergence) -> Iterator[str]:
    yield fitted.estimator.status_.sentence
    upward, downward = divergence.upward, divergence.downward
    only = {
        "plus infinity": upward & ~downward,
        "minus infinity": downward & ~upward,
    }
    for where, which in only.items():
        if which.any():
            yield (
                f"The estimated coefficients of {named(fitted.terms, which)} are "
                f"{where}."
            )
    both = divergence.either_way
    if both.any():
        yield (
            f"The coefficients of {named(fitted.terms, both)} diverge, and the data do "
            "not determine the sign."
        )
    plain = fitted.by_likelihood and not fitted.penalized
    yield "Wald intervals of diverging coefficients do not exist. " + (
        "Use profile_intervals or bias_reduction='firth'."
        if plain
        else "Penalize these features too."
    )
