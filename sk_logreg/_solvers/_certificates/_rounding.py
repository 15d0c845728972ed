"""What rounding the coefficients to a floating-point format adds to the bound."""

from typing import Any

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._objective import Coordinates, Evaluation, Objective
from sk_logreg._tolerances import EPS

# The effect of rounding is first estimated from this number of rows, times a safety
# factor. Below this share of the accuracy asked for it is negligible.
_N_ROWS, _SAFETY, _NEGLIGIBLE = 16, 10.0, 0.01


def stated(
    objective: Objective, point: Evaluation, dtype: Any, accuracy: float
) -> tuple[Vector, float, float]:
    """Return the user's coefficients at a minimum, in a floating-point format.

    The weights, the bias, and by how much f may be higher there, since the coefficients
    are rounded; `accuracy` is an excess of f that counts.
    """
    problem, narrow = objective.problem, dtype != np.float64
    if problem.coordinates is None and not narrow:
        return *problem.split(point.coef), 0.0
    coordinates = problem.coordinates or Coordinates.none(objective.n_features)
    coef = coordinates.outside(point.coef, dtype, problem.bounds)
    w, b = problem.split(coef)
    terms = float(np.abs(coordinates.centers) @ np.abs(w))
    change = abs(float(dtype.type(b)) - b) + EPS * terms
    if not problem.within_bounds(w):  # no number of this format is
        return w, b, np.inf
    changes, first_order = None, 0.0
    if narrow or coordinates.origin is not None:
        end = coordinates.inside(coef)
        moved = end - point.coef
        changes = np.abs(moved[: objective.n_features])
        if not objective.penalty.smooth:  # there may be a slope at a kink or a bound
            kinks = objective.penalty.kinks
            first_order = float(point.gradient @ moved) + kinks(end)
            first_order = max(0.0, first_order - kinks(point.coef))
    excess = _excess(objective, point, accuracy, change, changes)
    return w.astype(dtype), b, excess + first_order


def _excess(
    objective: Objective,
    point: Evaluation,
    accuracy: float,
    change: float,
    changes: Vector | None,
) -> float:
    """Return by how much f may rise if the coefficients change at its minimum.

    A bound by the inequality of Cauchy and Schwarz on the quadratic form of the
    Hessian, since the slope is about zero. If a multiple of the effect on a few rows is
    negligible, that is returned. `change` is that of the bias in size, and `changes`
    are those of the weights.
    """
    z_change = change
    if changes is not None:
        columns = np.flatnonzero(changes)
        part = objective.rows.spread(_N_ROWS, columns)
        sizes = np.sqrt(np.einsum("ij,ij->j", part, part) / len(part))
        z_change += _SAFETY * float(sizes @ changes[columns])
    if objective.loss.curvature_bound is not None:
        excess = 0.5 * objective.loss.curvature_bound * z_change**2
        if excess <= _NEGLIGIBLE * accuracy:
            return excess
    # No curvature changes by more than this factor along the change of the bias.
    factor = np.exp(change)
    curvature = objective.curvature(point.margins, absolute=True)
    root = np.sqrt(factor * curvature.total()) * change
    if changes is not None:
        diagonal = factor * objective.product_diagonal(curvature)
        diagonal += objective.penalty.curvature
        root += np.sqrt(diagonal[: objective.n_features]) @ changes
    return 0.5 * float(root) ** 2
