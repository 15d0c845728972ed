"""Likelihood-ratio tests and profile likelihoods of the terms of an estimate."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg.inference._estimate import Estimate, likelihood_of
from sk_logreg.inference._likelihood import (
    Constraints,
    Likelihood,
    constrained_minimum,
)
from sk_logreg.inference._profile import profile_end


@dataclass(frozen=True, eq=False)
class LikelihoodRatios:
    """Ratios of the greatest likelihood to those under constraints.

    Attributes
    ----------
    whole, limit : Likelihood
        Those of the fitted model and of its limit, which differ where the classes are
        separated.
    """

    estimate: Estimate
    whole: Likelihood
    limit: Likelihood

    def drop(self, terms: Indices) -> tuple[float, int]:
        """Return the likelihood-ratio statistic of some terms, and its degrees.

        Refits with these terms fixed at 0; NaN if the refit does not converge.
        """
        estimate, fitted = self.estimate, self.estimate.fitted
        if fitted.is_refitted(terms):
            return np.nan, len(terms)
        basis = self._estimable(terms)
        constraints = Constraints(
            basis @ fitted.jacobian[terms], -basis @ fitted.origin[terms]
        )
        start, least = estimate.peak
        if estimate.divergence is not None:
            start = self.whole.evaluate(np.zeros(len(start.coef)))
        _, value = constrained_minimum(self.whole, start, constraints, fitted.total)
        statistic = 2.0 * fitted.total * (value - least)
        return float(np.maximum(statistic, 0.0)), len(basis)

    def _estimable(self, terms: Indices) -> Matrix:
        """Return a basis of the combinations of some terms that the data determine."""
        directions = self.estimate.null_space[terms]
        if not directions.any():
            return np.eye(len(terms))
        return null_space(directions.T).T

    def interval(self, term: int, fall: float) -> tuple[float, float]:
        """Return where the profile log likelihood of a term falls by `fall`."""
        estimate, fitted = self.estimate, self.estimate.limit
        if fitted.is_refitted([term]):
            return np.nan, np.nan
        low, high = estimate.diverges_to(term)
        undetermined = estimate.divergence is None and estimate.undetermined[term]
        if (low and high) or undetermined:
            return -np.inf, np.inf
        a, origin = fitted.jacobian[term], float(fitted.origin[term])
        start, least = estimate.peak
        inside, likelihood = float(a @ start.coef), self.limit
        if low or high:  # start where the term is 0, nearer to the other end
            inside, likelihood = float(a @ estimate.fitted.point.coef), self.whole
            zero = Constraints(a[None, :], np.array([-origin]))
            start = likelihood.evaluate(np.zeros(len(a)))
            start, _ = constrained_minimum(likelihood, start, zero, fitted.total)
        level = least, least + fall / fitted.total

        def end(side: float) -> float:
            return profile_end(likelihood, start, a, inside, level, side, fitted.total)

        ends = -np.inf if low else end(-1.0), np.inf if high else end(1.0)
        return origin + ends[0], origin + ends[1]

    def profile(self, term: int, values: Vector) -> Vector:
        """Return the fall of the log likelihood where a term has each of some values.

        The values are in ascending order.
        """
        fitted = self.estimate.fitted
        start, least = self.estimate.peak
        if self.estimate.divergence is not None:
            start = self.whole.evaluate(np.zeros(len(start.coef)))
        a, origin = fitted.jacobian[term], fitted.origin[term]
        middle = int(np.searchsorted(values, fitted.terms_of(start.coef)[term]))
        found = np.empty(len(values))
        for places in (range(middle, len(values)), range(middle)[::-1]):
            point = start
            for place in places:
                at = Constraints(a[None, :], values[place : place + 1] - origin)
                point, value = constrained_minimum(self.whole, point, at, fitted.total)
                found[place] = fitted.total * (value - least)
        return np.maximum(found, 0.0)


@contextmanager
def likelihood_ratios(estimate: Estimate) -> Iterator[LikelihoodRatios]:
    """Yield the likelihood ratios of an estimate, with threads."""
    with ExitStack() as stack:
        limit = stack.enter_context(likelihood_of(estimate.limit))
        whole = limit
        if estimate.divergence is not None:
            whole = stack.enter_context(likelihood_of(estimate.fitted))
        yield LikelihoodRatios(estimate, whole, limit)
