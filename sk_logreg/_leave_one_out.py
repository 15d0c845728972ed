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
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
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
# The leverages at one C serve another if their relative change is at most their mean,
# to which the approximation itself is right, or changes a mean score by at most the
# first; and is at most the second.
_SAME_SCORE, _LARGEST_CHANGE = 1e-7, 1e-3
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


@dataclass(frozen=True, eq=False)
class Leverages:
    """The Hessian at a minimum, and the leverages of the rows.

    Attributes
    ----------
    matrix : ndarray of shape (n_dof, n_dof)
    root : ndarray of shape (n_dof, rank)
        R, with R Rᵀ its inverse or pseudo-inverse.
    sizes : ndarray of shape (n_samples,)
        The leverage of each row, divided by the curvature of its loss.
    """

    objective: Objective
    margins: Vector
    curvature: RowVector
    matrix: Matrix
    root: Matrix
    sizes: Vector

    @classmethod
    def at(
        cls, objective: Objective, margins: Vector, curvature: Vector
    ) -> "Leverages":
        """Return those at a point, by its margins and the curvature of the losses."""
        weighted = RowVector(curvature * objective.problem.rows.weights)
        matrix = _hessian(objective, weighted)
        root = _inverse_root(objective, matrix)
        sizes = squared_norms(objective, root).gather() * objective.problem.rows.weights
        return cls(objective, margins, weighted, matrix, root, sizes)

    def serve(self, objective: Objective, margins: Vector) -> bool:
        """Return whether they serve another penalty and point, with the same rows.

        Between two points the curvature of a row changes, relatively, by about the
        change of its margin at most, as the losses with a dual promise. A relative
        change of the leverages, times their mean, is about that of a mean score.
        """
        changed = np.abs(margins - self.margins).max()
        added = objective.penalty.curvature - self.objective.penalty.curvature
        changed += np.linalg.norm(self.root.T @ (added[:, None] * self.root))
        mean = objective.n_dof / objective.n_samples
        return bool(changed <= min(max(mean, _SAME_SCORE / mean), _LARGEST_CHANGE))

    def ahead(
        self, objective: Objective, before: Objective, coef: Vector
    ) -> tuple[Vector, FactoredHessian]:
        """Return a point near the minimum with another penalty, and the Hessian there.

        Given the minimum with the penalty before, where the slope of the losses is
        minus that of this penalty.
        """
        penalty, of_hessian = objective.penalty, self.objective.penalty
        added = np.diag(penalty.curvature - of_hessian.curvature)
        factored = factor(self.matrix + added, semidefinite=True)
        assert factored is not None
        slope = penalty.gradient(coef) - before.penalty.gradient(coef)
        known = FactoredHessian(objective, slice(None), self.curvature, factored)
        return coef - factored.solve(slope), known


class LeaveOneOut:
    """Predicts z of each row without it, at one C after another.

    With a smooth penalty and a loss with a dual, what is known at one C gives a start
    at the next.
    """

    def __init__(self, solver: Solver, executor: ThreadExecutor):
        self._solver, self._executor = solver, executor
        self._last: tuple[Objective, Vector, Leverages] | None = None

    def ahead(self, objective: Objective) -> tuple[Vector, FactoredHessian] | None:
        """Return a point near the minimum and the Hessian there, if they are known."""
        if self._last is None:
            return None
        before, coef, leverages = self._last
        return leverages.ahead(objective, before, coef)

    def predictions(self, objective: Objective, coef: Vector) -> Vector:
        """Return z of each row, see `left_out_predictions`."""
        nearby = self._last[2] if self._last else None
        z, leverages = left_out_predictions(
            objective, coef, self._solver, self._executor, nearby
        )
        same = leverages.objective.problem.rows is objective.problem.rows
        if same and objective.loss.dual is not None:
            self._last = objective, coef, leverages
        return z


def left_out_predictions(
    objective: Objective,
    coef: Vector,
    solver: Solver,
    executor: ThreadExecutor,
    nearby: Leverages | None = None,
) -> tuple[Vector, Leverages]:
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
    nearby : Leverages, default=None
        Those of the same rows and coefficients with another penalty.

    Returns
    -------
    z : ndarray of shape (n_samples,)
    leverages : Leverages

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
    m = objective.margins(coef).gather()
    objective, coef, smooth, columns = _reduced(objective, coef)
    rows = objective.problem.rows
    slope, curvature = objective.loss.derivatives(m, rows.p_other)
    leverages = nearby
    if leverages is None or not leverages.serve(objective, m):
        leverages = Leverages.at(smooth, m, curvature)
    root, sizes = leverages.root, leverages.sizes
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
    return found, leverages


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


def _hessian(objective: Objective, curvature: RowVector) -> Matrix:
    """Return the Hessian; a ValueError if it is too large to be factored."""
    if objective.n_dof > TOO_MANY:
        raise ValueError(
            f"cv='alo' factors a Hessian of {objective.n_dof} coefficients (or rows, "
            f"if these are fewer). It is for at most {TOO_MANY}; use another cv."
        )
    return objective.hessian(curvature)


def _inverse_root(objective: Objective, matrix: Matrix) -> Matrix:
    """Return a matrix R with R Rᵀ the inverse, or pseudo-inverse, of the Hessian."""
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
        if len(kept) <= _MAX_LEFT:
            break
        which, values, newton = which[kept], values[kept], newton[kept]
        gradients, decrement2 = gradients[kept], decrement2[kept]
        share = _dot(gradients - before[kept], newton) / last[kept]
        directions = np.maximum(share, 0.0)[:, None] * directions[kept] - newton
        steps = scales[which, None] * directions
        step = _Step.along(evaluate, which, coefs[which], steps, values, gradients)
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
        evaluate: Callable[[Indices, Matrix], tuple[Vector, Matrix]],
        which: Indices,
        points: Matrix,
        steps: Matrix,
        before: Vector,
        gradients: Matrix,
    ) -> "_Step":
        """Return whole steps or, where much of the slope is left, corrected ones.

        Those end where the slope is 0, as the slopes at both ends predict it.
        """
        slopes, ends = _dot(gradients, steps), points + steps
        values, reached = evaluate(which, ends)
        left = _dot(reached, steps)
        lengths = np.ones(len(points))
        far = (np.abs(left) > _LEVEL * np.abs(slopes)) | (values > before)
        if far.any():
            with np.errstate(divide="ignore", invalid="ignore"):
                zeros = np.nan_to_num(slopes / (slopes - left))
            lengths[far] = np.clip(zeros[far], 0.0, _LONGEST)
            ends[far] = points[far] + lengths[far, None] * steps[far]
            values[far], reached[far] = evaluate(which[far], ends[far])
        return cls(ends, lengths, values, reached)
