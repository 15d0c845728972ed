"""Marginal effects: how the probability changes with each feature."""

from typing import NamedTuple

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._observations import shares
from sk_logreg._objective import (
    Objective,
    RowVector,
    at_mean_row,
    binary_columns,
    effect_sums,
)
from sk_logreg.inference._estimate import Estimate
from sk_logreg.inference._fitted import FittedModel

KINDS = ("average", "mean")


class Effects(NamedTuple):
    """The effect of each feature, and its derivatives by the problem's coefficients.

    Attributes
    ----------
    values : ndarray of shape (n_features,)
    derivatives : ndarray of shape (n_features, n_dof)
    """

    values: Vector
    derivatives: Matrix


def marginal_effects(estimate: Estimate, kind: str) -> Effects:
    """Return the effects: averages over the observations, or those at the mean row.

    The effect of a feature is the derivative of the probability or, if its values are 0
    and 1, the difference between them. The derivatives are those of the delta method
    [1]_.

    References
    ----------
    .. [1] W. H. Greene (2018). Econometric Analysis, 8th edition, section 17.3.2.
       Pearson.
    """
    fitted = estimate.fitted
    # Where classes are separated, these coefficients are large: the probabilities of
    # the rows that are separated are near 0 and 1, as in the limit.
    coef = fitted.point.coef
    [share] = fitted.over_rows(shares, (), (fitted.observed,), n_kept=1)[1]
    with fitted.objective() as objective:
        binary, margins = binary_columns(objective), fitted.point.margins
        if kind == "mean":
            objective, share = at_mean_row(objective, share), RowVector(np.ones(1))
            margins = objective.margins(coef)
        found = _effects(fitted, objective, coef, margins, share, binary)
        if kind == "mean" and np.isinf(estimate.variances(objective)).any():
            return Effects(np.full_like(found.values, np.nan), found.derivatives)
        return found


def _effects(
    fitted: FittedModel,
    objective: Objective,
    coef: Vector,
    margins: RowVector,
    share: RowVector,
    binary: Indices,
) -> Effects:
    """Return the effects, averaged over the rows of an objective."""
    first = int(fitted.problem.fit_intercept)
    w = fitted.terms_of(coef)[first:]
    own = fitted.jacobian[first:]
    slope, bend, change, moved, other = effect_sums(
        objective, margins, share, binary, w[binary]
    )
    values, derivatives = slope * w, slope * own + np.outer(w, bend)
    values[binary] = change
    derivatives[binary] = moved + other[:, None] * own[binary]
    return Effects(values, derivatives)
