"""The estimate: coefficients, covariance and likelihood, also where it is infinite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.linalg import null_space

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg.inference._covariance import Covariance, covariance_of
from sk_logreg.inference._divergence import Divergence, divergence_of, is_separated
from sk_logreg.inference._fitted import FittedModel
from sk_logreg.inference._likelihood import (
    Constraints,
    Likelihood,
    PenalizedLikelihood,
    constrained_minimum,
)
from sk_logreg.inference._profile import profile_end

# A row depends on undetermined directions, of unit length in the scaled coefficients,
# if its product with them is larger than this.
_OUTSIDE = 1e-6


@dataclass(frozen=True, eq=False)
class Estimate:
    """The coefficients of a fitted model and their covariance matrix.

    Attributes
    ----------
    fitted : FittedModel
        The model as it was fitted.
    limit : FittedModel
        The same or, where classes are separated, that of the rows that no direction
        separates, at their maximum likelihood: what the fit approaches.
    covariance : Covariance
        That of the limit.
    divergence : Divergence or None
        How coefficients diverge, if classes are separated.
    """

    fitted: FittedModel
    limit: FittedModel
    covariance: Covariance
    divergence: Divergence | None

    @cached_property
    def coef(self) -> Vector:
        """The terms: infinite if they diverge to one side, NaN if to either."""
        coef = self.limit.terms_of(self.limit.point.coef)
        found = self.divergence
        if found is None:
            return coef
        coef = np.where(found.upward, np.inf, coef)
        return np.where(found.downward, np.where(found.upward, np.nan, -np.inf), coef)

    @cached_property
    def peak(self) -> tuple[Evaluation, float]:
        """The maximum of the likelihood, as a minimum of f, and its value."""
        nothing = Constraints.none(self.fitted.problem.n_dof)
        with _likelihood(self.limit) as likelihood:
            point = self.limit.point
            if self.limit.has_jeffreys_prior:
                point = likelihood.evaluate(point.coef)
            return constrained_minimum(likelihood, point, nothing, self.limit.total)

    @cached_property
    def distance(self) -> float:
        """How many standard errors the coefficients are away from the minimum."""
        gradient = self.limit.point.gradient
        if self.limit.has_jeffreys_prior:
            moved = self.peak[0].coef - self.limit.point.coef
            if self.limit.bias_reduction == "flic":
                moved[-1] = 0.0
            gradient = self.limit.hessian @ moved
        return float(self.covariance.hessian.norm(gradient) * np.sqrt(self.limit.total))

    def drop(self, terms: Indices) -> tuple[float, int]:
        """Return the likelihood-ratio statistic of some terms, and its degrees.

        By a fit of the others, or of the penalized likelihood with these terms at 0.
        """
        fitted = self.fitted
        basis = self._estimable(terms)
        constraints = Constraints(
            basis @ fitted.jacobian[terms], -basis @ fitted.origin[terms]
        )
        start, least = self.peak
        with _likelihood(fitted) as likelihood:
            if self.divergence is not None:
                start = likelihood.evaluate(np.zeros(len(start.coef)))
            _, value = constrained_minimum(likelihood, start, constraints, fitted.total)
        return max(0.0, 2.0 * fitted.total * (value - least)), len(basis)

    def _estimable(self, terms: Indices) -> Matrix:
        """Return a basis of the combinations of some terms that the data determine."""
        if self.divergence is not None:
            return np.eye(len(terms))
        return null_space(self.covariance.null_space[terms].T).T

    def profile_interval(self, term: int, rise: float) -> tuple[float, float]:
        """Return where the profile likelihood of a term falls by `rise`."""
        low, high = self._diverges_to(term)
        if (low and high) or (self.divergence is None and self._is_free(term)):
            return -np.inf, np.inf
        fitted = self.fitted if low or high else self.limit
        a, origin = fitted.jacobian[term], float(fitted.origin[term])
        start, least = self.peak
        level = least, least + rise / fitted.total
        with _likelihood(fitted) as likelihood:
            inside = float(a @ start.coef)
            if low or high:  # start where the term is 0, nearer to the other end
                inside = float(a @ fitted.point.coef)
                zero = Constraints(a[None, :], np.array([-origin]))
                start = likelihood.evaluate(np.zeros(len(a)))
                start, _ = constrained_minimum(likelihood, start, zero, fitted.total)

            def end(side: float) -> float:
                return profile_end(likelihood, start, a, inside, level, side)

            ends = -np.inf if low else end(-1.0), np.inf if high else end(1.0)
        return origin + ends[0], origin + ends[1]

    def _diverges_to(self, term: int) -> tuple[bool, bool]:
        """Return whether a term diverges to minus infinity, and to infinity."""
        found = self.divergence
        if found is None:
            return False, False
        return bool(found.downward[term]), bool(found.upward[term])

    def _is_free(self, term: int) -> bool:
        """Return whether the data leave a term undetermined."""
        return bool(self.covariance.undetermined[term])

    def profile(self, term: int, values: Vector) -> Vector:
        """Return the fall of the log likelihood where a term has each of some values.

        The values are in ascending order.
        """
        fitted = self.fitted
        start, least = self.peak
        a, origin = fitted.jacobian[term], fitted.origin[term]
        middle = int(np.searchsorted(values, fitted.terms_of(start.coef)[term]))
        found = np.empty(len(values))
        with _likelihood(fitted) as likelihood:
            for places in (range(middle, len(values)), range(middle)[::-1]):
                point = start
                for place in places:
                    at = Constraints(a[None, :], values[place : place + 1] - origin)
                    point, value = constrained_minimum(
                        likelihood, point, at, fitted.total
                    )
                    found[place] = fitted.total * (value - least)
        return np.maximum(found, 0.0)

    def variances(self, objective: Objective) -> Vector:
        """Return the variance of z of each row of an objective.

        Infinite if z depends on directions that the data leave undetermined.
        """
        found = objective.squared_norms(self.covariance.root_of_matrix).gather()
        null_space = self.covariance.hessian.null_space
        if null_space is None or not null_space.size:
            return found
        outside = objective.squared_norms(null_space).gather()
        return np.where(outside > _OUTSIDE**2, np.inf, found)


def estimate_of(fitted: FittedModel, groups: Indices | None) -> Estimate:
    """Return the estimate, with the covariance over groups if there are any."""
    limit, divergence = fitted, None
    if is_separated(fitted):
        with fitted.objective() as objective:
            divergence = divergence_of(fitted, objective)
        limit = _limit_of(fitted, divergence.weights)
    covariance = covariance_of(limit, groups)
    if divergence is not None:
        lost = covariance.undetermined_directions - divergence.undetermined_directions
        covariance = replace(covariance, edf=covariance.edf + lost)
    return Estimate(fitted, limit, covariance, divergence)


def _limit_of(fitted: FittedModel, weights: Vector) -> FittedModel:
    """Return the model at the maximum likelihood with other weights of the rows."""
    rows = replace(fitted.problem.rows, weights=weights)
    limit = replace(fitted, problem=replace(fitted.problem, rows=rows), scores=None)
    nothing = Constraints.none(fitted.problem.n_dof)
    with _likelihood(limit) as likelihood:
        start = likelihood.evaluate(fitted.point.coef)
        point, _ = constrained_minimum(likelihood, start, nothing, fitted.total)
    with limit.objective() as objective:
        point, scores = objective.evaluate_with_scores(point.coef, fitted.per_class)
    return replace(limit, point=point, scores=scores)


@contextmanager
def _likelihood(fitted: FittedModel) -> Iterator[Likelihood]:
    """Yield the likelihood that the model maximizes, as a function of coefficients."""
    kind = PenalizedLikelihood if fitted.has_jeffreys_prior else Likelihood
    with fitted.objective() as objective:
        yield kind(objective)
