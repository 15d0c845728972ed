"""Approximate leave-one-out: what each row's prediction would be without the row."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Objective, RowVector
from sk_logreg._solvers._base import Goal, Solver
from sk_logreg._solvers._factors import TOO_MANY, factor
from sk_logreg._solvers._row_space import RowSpace, reducible
from sk_logreg.penalties import ElasticNet

# The approximation takes the curvature of the other rows as given. Above this leverage
# that is too rough: the measured errors of the mean score come from these rows.
_LARGE_LEVERAGE = 0.3
# It also assumes that the same weights stay at kinks and bounds. With these, a row is
# therefore left out by a fit, too, if that changes its loss by more than this, by the
# approximation.
_LARGE_CHANGE = 0.05
# Maximum number of rows that are left out by a fit: those for which the approximation
# is worst.
_MAX_REFITS = 50
# Such a fit starts after one Newton step, in whose length the leverage is at most this.
_LARGEST_LEVERAGE = 0.9
# The accuracy of such a fit before its last step.
_REFIT_TOL = 1e-6
_MAX_REFIT_STEPS = 50


def left_out_predictions(
    objective: Objective, coef: Vector, solver: Solver, executor: ThreadExecutor
) -> Vector:
    """Return z of each row, of the model fitted to the other rows.

    With q = x̃ᵀ H⁻¹ x̃ and ŝ the weight per row, one Newton step from the minimum over
    all rows to that over the others leads to z + q ŝ L' / (1 - q ŝ L'') [1]_. With
    kinks or bounds, H is over the weights that are at none [2]_; with more features
    than rows, over their row space. Rows of large leverage q ŝ L'' are left out by a
    fit.

    Parameters
    ----------
    coef : ndarray of shape (n_dof,)
        The minimum over all rows.
    solver : Solver
        Fits the other rows, where it takes a fit.

    Returns
    -------
    ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If there are too many coefficients, or no Hessian without some row is positive
        definite.

    References
    ----------
    .. [1] K. Rahnama Rad, A. Maleki (2020). A scalable estimate of the out-of-sample
       prediction error via approximate leave-one-out cross-validation. Journal of the
       Royal Statistical Society B 82(4), 965-996.
    .. [2] S. Wang, W. Zhou, H. Lu, A. Maleki, V. Mirrokni (2018). Approximate
       leave-one-out for fast parameter tuning in high dimensions. ICML.
    """
    margins = objective.margins(coef)
    objective, coef, smooth, columns = _reduced(objective, coef)
    rows = objective.problem.rows
    m = margins.gather()
    slope, curvature = objective.loss.derivatives(m, rows.p_other)
    root = _inverse_root(smooth, objective.curvature(margins))
    sizes = smooth.squared_norms(root).gather() * rows.weights
    leverage = sizes * curvature
    with np.errstate(divide="ignore", invalid="ignore"):
        change = sizes * slope / (1.0 - leverage)
    roughness = np.where(rows.weights > 0.0, leverage / _LARGE_LEVERAGE, 0.0)
    if not objective.penalty.smooth:
        roughness = np.maximum(roughness, np.abs(slope * change) / _LARGE_CHANGE)
    rough = np.flatnonzero(~(roughness <= 1.0))
    rough = rough[np.argsort(-roughness[rough], kind="stable")]
    if np.any(leverage[rough[_MAX_REFITS:]] >= 1.0):
        raise ValueError(
            "cv='alo' needs a model that stays determined without any one row, but "
            f"{np.count_nonzero(leverage >= 1.0)} rows have a leverage of 1 or more. "
            "Use smaller values of C, or another cv."
        )
    rough = rough[:_MAX_REFITS]
    # The same Newton step, of the coefficients; of bounded length.
    left = 1.0 - np.minimum(leverage[rough], _LARGEST_LEVERAGE)
    factors = rows.signs[rough] * slope[rough] * rows.weights[rough] / left
    steps = smooth.dense_rows(rough, intercept=True) @ root @ root.T
    starts = np.tile(coef, (len(rough), 1))
    starts[:, columns] += factors[:, None] * steps
    found = m + change
    found[rough] = list(_refitted(objective, rough, starts, solver, executor))
    return rows.signs * found


def _reduced(
    objective: Objective, coef: Vector
) -> tuple[Objective, Vector, Objective, Indices]:
    """Return an objective that is quick to fit again, and its smooth part.

    With fewer rows than features that is the objective over their row space. Returns
    the objective, its coefficients, the objective over those that are at no kink and no
    bound, and their positions.
    """
    if isinstance(objective.penalty, ElasticNet):
        free = objective.penalty.free(coef)
        free[objective.n_features :] = True  # the bias, at least nearly
        columns = np.flatnonzero(free)
        smooth = objective.restricted(columns[columns < objective.n_features])
        return objective, coef, smooth, columns
    if reducible(objective):
        space = RowSpace(objective)
        objective, coef = space.objective, space.project(coef)
    return objective, coef, objective, np.arange(objective.n_dof)


def _inverse_root(objective: Objective, curvature: RowVector) -> Matrix:
    """Return a matrix R with R Rᵀ the inverse, or pseudo-inverse, of the Hessian."""
    if objective.n_dof > TOO_MANY:
        raise ValueError(
            f"cv='alo' factors a Hessian of {objective.n_dof} coefficients (or rows, "
            f"if these are fewer). It is for at most {TOO_MANY}; use another cv."
        )
    matrix = objective.hessian(curvature)
    inverse = factor(matrix, semidefinite=objective.loss.convex)
    if inverse is None:
        raise ValueError(
            "cv='alo' needs a strict minimum, but the Hessian is indefinite where the "
            "fit ended. Use smaller values of C, or another cv."
        )
    return inverse.inverse_root


def _refitted(
    objective: Objective,
    left_out: Indices,
    starts: Matrix,
    solver: Solver,
    executor: ThreadExecutor,
) -> Iterator[float]:
    """Yield the margin of each of some rows, of a fit to the other rows."""
    problem, rows = objective.problem, objective.problem.rows
    for i, start in zip(left_out, starts, strict=True):
        weights = rows.weights.copy()
        weights[i] = 0.0
        others = replace(problem, rows=replace(rows, weights=weights))
        without = Objective(others, executor)
        start = objective.penalty.clip(start)
        goal = Goal(_REFIT_TOL, certify=False, near=True)
        solution = solver(without, start, Journal(_MAX_REFIT_STEPS), goal)
        end = solution.point.coef + solution.pending_step
        z = float(objective.dense_rows(np.array([i]), intercept=True)[0] @ end)
        offset = 0.0 if rows.offset is None else float(rows.offset[i])
        yield float(rows.signs[i]) * (z + offset)
