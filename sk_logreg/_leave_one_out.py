"""Approximate leave-one-out: what each row's prediction would be without the row."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Objective, RowVector, losses_at, squared_norms
from sk_logreg._solvers._base import Goal, Solver
from sk_logreg._solvers._factors import TOO_MANY, factor
from sk_logreg._solvers._row_space import RowSpace, reducible
from sk_logreg._tolerances import TINY
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
# Without kinks or bounds, this many rows are first left out by conjugate gradients, all
# at once, with at most this number of steps. Few of them are left to be fitted.
_MAX_DESCENTS, _MAX_DESCENT_STEPS, _MAX_LEFT = 300, 40, 3
# A step of conjugate gradients is corrected where it leaves more than a share of the
# slope, to at most a multiple of its length. After one that fails, the next is shorter.
_LEVEL, _LONGEST, _SHRUNK = 0.3, 8.0, 0.1
# A fit starts after one Newton step, in whose length the leverage is at most this.
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
    sizes = squared_norms(smooth, root).gather() * rows.weights
    leverage = sizes * curvature
    with np.errstate(divide="ignore", invalid="ignore"):
        change = sizes * slope / (1.0 - leverage)
    roughness = np.where(rows.weights > 0.0, leverage / _LARGE_LEVERAGE, 0.0)
    if not objective.penalty.smooth:
        roughness = np.maximum(roughness, np.abs(slope * change) / _LARGE_CHANGE)
    rough = np.flatnonzero(~(roughness <= 1.0))
    rough = rough[np.argsort(-roughness[rough], kind="stable")]
    descends = objective.penalty.smooth
    n_refits = _MAX_DESCENTS if descends else _MAX_REFITS
    if np.any(leverage[rough[n_refits:]] >= 1.0):
        raise ValueError(
            "cv='alo' needs a model that stays determined without any one row, but "
            f"{np.count_nonzero(leverage >= 1.0)} rows have a leverage of 1 or more. "
            "Use smaller values of C, or another cv."
        )
    rough = rough[:n_refits]
    # The same Newton step, of the coefficients; of bounded length.
    bounded = np.minimum(leverage[rough], _LARGEST_LEVERAGE)
    factors = rows.signs[rough] * slope[rough] * rows.weights[rough] / (1.0 - bounded)
    values = smooth.dense_rows(rough, intercept=True) @ root
    ends = np.tile(coef, (len(rough), 1))
    ends[:, columns] += factors[:, None] * (values @ root.T)
    left = np.arange(len(rough))
    if descends and len(rough):
        inverse = _InverseWithout(root, values, bounded)
        left = _descend(objective, rough, ends, inverse)[:_MAX_LEFT]
    fits = _refitted(objective, rough[left], ends[left], solver, executor)
    for k, end in zip(left, fits, strict=True):
        ends[k] = end
    z = np.einsum("ij,ij->i", objective.dense_rows(rough, intercept=True), ends)
    if rows.offset is not None:
        z += rows.offset[rough]
    found = rows.signs * (m + change)
    found[rough] = z
    return found


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
) -> Iterator[Vector]:
    """Yield the coefficients of a fit to the other rows, for each of some rows."""
    problem, rows = objective.problem, objective.problem.rows
    for i, start in zip(left_out, starts, strict=True):
        weights = rows.weights.copy()
        weights[i] = 0.0
        others = replace(problem, rows=replace(rows, weights=weights))
        without = Objective(others, executor)
        start = objective.penalty.clip(start)
        goal = Goal(_REFIT_TOL, certify=False, near=True)
        solution = solver(without, start, Journal(_MAX_REFIT_STEPS), goal)
        yield solution.point.coef + solution.pending_step


@dataclass(frozen=True)
class _InverseWithout:
    """The inverses of Hessians, each without one row, by Sherman and Morrison.

    Attributes
    ----------
    root : ndarray of shape (n_dof, rank)
        R, with R Rᵀ the inverse of the Hessian of all rows.
    values : ndarray of shape (n_left_out, rank)
        Rᵀ x̃ of each row that is left out.
    leverage : ndarray of shape (n_left_out,)
        Its leverage, below 1.
    """

    root: Matrix
    values: Matrix
    leverage: Vector

    def products(self, which: Indices, gradients: Matrix) -> Matrix:
        """Return the product of some inverses with a vector each."""
        inner, values = gradients @ self.root, self.values[which]
        squares = np.einsum("ij,ij->i", values, values)
        leverage = self.leverage[which]
        factors = leverage / ((1.0 - leverage) * np.maximum(squares, TINY))
        factors *= np.einsum("ij,ij->i", values, inner)
        return (inner + factors[:, None] * values) @ self.root.T


def _descend(
    objective: Objective, left_out: Indices, coefs: Matrix, inverse: _InverseWithout
) -> Indices:
    """Move to the minima without each of some rows; return where that did not succeed.

    By conjugate gradients for functions that are not quadratic [1]_, preconditioned by
    the Hessians at the start, for all rows at once. `coefs`, a row for each, is
    overwritten. No step raises f. Those of the largest decrement are returned first.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
       section 5.2. Springer.
    """
    which, group = np.arange(len(left_out)), np.full(objective.n_samples, -1)
    group[left_out] = which
    evaluate = partial(_evaluated, objective, RowVector(group))
    decrements, scales = np.zeros(len(which)), np.ones(len(which))
    values, gradients = evaluate(which, coefs)
    directions, before, last = 0.0 * coefs, gradients, np.full(len(which), np.inf)
    for _ in range(_MAX_DESCENT_STEPS):
        newton = inverse.products(which, gradients)
        decrement2 = _dot(gradients, newton)
        done = decrement2 <= 2.0 * _REFIT_TOL * values
        decrements[which] = np.where(done, 0.0, decrement2 / values)
        coefs[which[done]] -= newton[done]
        kept = np.flatnonzero(~done)
        if not len(kept):
            break
        which, values, newton = which[kept], values[kept], newton[kept]
        gradients, decrement2 = gradients[kept], decrement2[kept]
        share = _dot(gradients - before[kept], newton) / last[kept]
        directions = np.maximum(share, 0.0)[:, None] * directions[kept] - newton
        step = _Step.along(
            partial(evaluate, which),
            coefs[which],
            scales[which, None] * directions,
            values,
            gradients,
        )
        lower = step.values < values
        growth = np.where(lower, np.sqrt(step.lengths), _SHRUNK)
        scales[which] = np.minimum(scales[which] * growth, 1.0)
        coefs[which[lower]] = step.ends[lower]
        before, last = gradients, np.where(lower, decrement2, np.inf)
        values = np.where(lower, step.values, values)
        gradients = np.where(lower[:, None], step.gradients, gradients)
    left = np.flatnonzero(decrements)
    return left[np.argsort(-decrements[left], kind="stable")]


def _evaluated(
    objective: Objective, group: RowVector, without: Indices, points: Matrix
) -> tuple[Vector, Matrix]:
    """Return f and its gradient at some points, each without a group of rows."""
    losses, slopes = losses_at(objective, points, group, without)
    penalty = objective.penalty
    return losses + penalty.value(points), slopes + penalty.gradient(points)


def _dot(a: Matrix, b: Matrix) -> Vector:
    """Return the products of the rows of two matrices."""
    return np.einsum("ij,ij->i", a, b)


class _Step(NamedTuple):
    """Steps of several functions: their lengths, and f and its gradient at the ends."""

    ends: Matrix
    lengths: Vector
    values: Vector
    gradients: Matrix

    @classmethod
    def along(
        cls,
        evaluate: Callable[..., tuple[Vector, Matrix]],
        points: Matrix,
        steps: Matrix,
        before: Vector,
        gradients: Matrix,
    ) -> "_Step":
        """Return whole steps or, where much of the slope is left, corrected ones.

        Those end where the slope is 0, as the slopes at both ends predict it.
        """
        slopes, ends = _dot(gradients, steps), points + steps
        values, reached = evaluate(ends)
        left = _dot(reached, steps)
        far = (np.abs(left) > _LEVEL * np.abs(slopes)) | (values > before)
        if far.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                zeros = np.nan_to_num(slopes / (slopes - left))
            lengths = np.where(far, np.clip(zeros, 0.0, _LONGEST), 1.0)
            ends = points + lengths[:, None] * steps
            again = evaluate(ends)
            return cls(ends, lengths, *again)
        return cls(ends, np.ones(len(points)), values, reached)
