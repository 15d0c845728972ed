"""The estimate: coefficients, covariance and likelihood, also where it is infinite."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._design import Rows
from sk_logreg._objective import Evaluation, Objective, squared_norms
from sk_logreg.inference._covariance import Covariance, covariance_of
from sk_logreg.inference._divergence import Divergence, divergence_of, is_separated
from sk_logreg.inference._fitted import FittedModel, evaluated
from sk_logreg.inference._likelihood import (
    Constraints,
    Likelihood,
    PenalizedLikelihood,
    constrained_minimum,
)

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
    def null_space(self) -> Matrix:
        """Directions of the terms that change no prediction, one per column."""
        found = self.divergence
        return self.covariance.null_space if found is None else found.null_space

    @cached_property
    def any_coef(self) -> Vector:
        """The terms, with any values of those that are undetermined or diverge."""
        return self.limit.terms_of(self.limit.point.coef)

    @cached_property
    def coef(self) -> Vector:
        """The terms: infinite if they diverge to one side, NaN if undetermined."""
        coef = np.where(self.undetermined, np.nan, self.any_coef)
        found = self.divergence
        if found is None:
            return coef
        coef = np.where(found.upward & ~found.downward, np.inf, coef)
        return np.where(found.downward & ~found.upward, -np.inf, coef)

    @cached_property
    def peak(self) -> tuple[Evaluation, float]:
        """The maximum of the likelihood, as a minimum of f, and its value."""
        nothing = Constraints.none(self.fitted.problem.n_dof)
        with likelihood_of(self.limit) as likelihood:
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

    @property
    def undetermined(self) -> NDArray[np.bool_]:
        """Whether the data, or those of the limit, leave each term undetermined."""
        return self.covariance.undetermined

    def diverges_to(self, term: int) -> tuple[bool, bool]:
        """Return whether a term diverges to minus infinity, and to infinity."""
        found = self.divergence
        if found is None:
            return False, False
        return bool(found.downward[term]), bool(found.upward[term])

    def variances(self, objective: Objective) -> Vector:
        """Return the variance of z of each row of an objective, see `variances`."""
        found = self.covariance
        return variances(objective, found.root_of_matrix, found.hessian.null_space)


def variances(objective: Objective, root: Matrix, null_space: Matrix | None) -> Vector:
    """Return the variance of z of each row of an objective, which is in memory.

    `root` times its transpose is the covariance matrix. The variance is infinite if z
    depends on directions that the data leave undetermined.
    """
    found = squared_norms(objective, root).gather()
    if null_space is None or not null_space.size:
        return found
    outside = squared_norms(objective, null_space).gather()
    return np.where(outside > _OUTSIDE**2, np.inf, found)


def estimate_of(fitted: FittedModel) -> Estimate:
    """Return the estimate of a fitted model."""
    limit, divergence = fitted, None
    if is_separated(fitted):
        with fitted.objective() as objective:
            divergence = divergence_of(fitted, objective)
        limit = _limit_of(fitted, divergence.rows)
    covariance = covariance_of(limit)
    if divergence is not None:
        lost = covariance.null_space.shape[1] - divergence.null_space.shape[1]
        covariance = replace(covariance, edf=covariance.edf + lost)
    return Estimate(fitted, limit, covariance, divergence)


def _limit_of(fitted: FittedModel, rows: Rows) -> FittedModel:
    """Return the model at the maximum likelihood of rows with other weights."""
    limit = replace(fitted, problem=replace(fitted.problem, rows=rows))
    nothing = Constraints.none(fitted.problem.n_dof)
    with likelihood_of(limit) as likelihood:
        start = likelihood.evaluate(fitted.point.coef)
        point, _ = constrained_minimum(likelihood, start, nothing, fitted.total)
    with limit.objective() as objective:
        per_class = fitted.observed.per_class
        point, scores = evaluated(objective, point.coef, fitted.covariance, per_class)
    return replace(limit, point=point, scores=scores)


@contextmanager
def likelihood_of(fitted: FittedModel) -> Iterator[Likelihood]:
    """Yield the likelihood that the model maximizes, as a function of coefficients."""
    kind = PenalizedLikelihood if fitted.has_jeffreys_prior else Likelihood
    with fitted.objective() as objective:
        yield kind(objective)
