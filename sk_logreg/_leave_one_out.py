"""Approximate leave-one-out: what each row's prediction would be without the row."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Objective, RowVector, losses_at, squared_norms
from sk_logreg._solvers._base import Goal, Solver
from sk_logreg._solvers._factors import TOO_MANY, factor
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
from sk_logreg._solvers._row_space import RowSpace, reducible
from sk_logreg._tolerances import LARGEST_LOSS, TINY
from sk_logreg.penalties import ElasticNet

# The approximation takes the curvature of the other rows as given. Above this leverage
# that is too rough: the measured errors of the mean score come from these rows.
_LARGE_LEVERAGE = 0.3
# So it is for a row whose loss changes by more than this, by the approximation, as then
# those of the other rows change, too, or weights leave kinks and bounds.
_LARGE_CHANGE = 0.05
# The leverages at one C serve another if their relative change is at most their mean,
# to which the approximation itself is right, or changes a mean score by at most the
# first; and is at most the second.
_SAME_SCORE, _LARGEST_CHANGE = 1e-7, 1e-3
# Maximum number of rows that are left out by a fit: those for which the approximation
# is worst.
_MAX_REFITS = 50
# Without kinks or bounds, this many rows are left out all at once: by a few steps of
# conjugate gradients, and where these do not suffice by Newton's method.
_MAX_DESCENTS, _MAX_STEPS, _MAX_NEWTON_STEPS = 300, 4, 30
# Such a fit ends where the excess of f is predicted to be this share of f, before its
# last step; by Newton's method, whose last step squares it, the second.
_DESCENT_TOL, _NEWTON_TOL = 5e-6, 2e-4
# A step is corrected where it leaves more than a share of the slope, to multiples of
# its length in this range. It is halved up to this number of times until f is lower.
_LEVEL, _SHORTEST, _LONGEST, _MAX_HALVINGS = 0.3, 0.25, 8.0, 4
# Newton's method reads the rows whose curvature is more than this share of the largest.
_FLAT = 1e-4
# A fit starts after one Newton step, in whose length the leverage is at most this.
_LARGEST_LEVERAGE = 0.9
# The accuracy of another fit before its last step.
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


class _Minima(NamedTuple):
    """The minimum over all rows at one C, and those without each of some rows."""

    coef: Vector
    without: dict[int, Vector]


#: Returns f and its gradient at points, of the function with the number of each.
_Evaluate = Callable[[Indices, Matrix], tuple[Vector, Matrix]]


class LeaveOneOut:
    """Predicts z of each row without it, at one C after another.

    With a smooth penalty and a loss with a dual, what is known at one C gives a start
    at the next.
    """

    def __init__(self, solver: Solver, executor: ThreadExecutor):
        self._solver, self._executor = solver, executor
        self._last: tuple[Objective, Vector, Leverages] | None = None
        self._before: list[_Minima] = []

    def ahead(self, objective: Objective) -> tuple[Vector, FactoredHessian] | None:
        """Return a point near the minimum and the Hessian there, if they are known."""
        if self._last is None:
            return None
        before, coef, leverages = self._last
        return leverages.ahead(objective, before, coef)

    def predictions(self, objective: Objective, coef: Vector) -> Vector:
        """Return z of each row, see `left_out_predictions`."""
        nearby = self._last[2] if self._last else None
        z, leverages, minima = left_out_predictions(
            objective, coef, self._solver, self._executor, nearby, self._before
        )
        self._before = [*self._before[-1:], minima]
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
    before: Sequence[_Minima] = (),
) -> tuple[Vector, Leverages, _Minima]:
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
    before : sequence of _Minima
        Those at the values of C before, at most two.

    Returns
    -------
    z : ndarray of shape (n_samples,)
    leverages : Leverages
    minima : _Minima

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
    roughness = leverage / _LARGE_LEVERAGE
    roughness = np.maximum(roughness, np.abs(slope * change) / _LARGE_CHANGE)
    roughness[rows.weights == 0.0] = 0.0
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
    if descends:
        inverse = _InverseWithout(objective, rough, root, values, bounded)
        left = _left_out(inverse, ends, coef, before)
    fits = _refitted(objective, rough[left], ends[left], solver, executor)
    for k, end in zip(left, fits, strict=True):
        ends[k] = end
    z = np.einsum("ij,ij->i", objective.dense_rows(rough, intercept=True), ends)
    if rows.offset is not None:
        z += rows.offset[rough]
    found = rows.signs * (m + change)
    found[rough] = z
    return found, leverages, _Minima(coef, dict(zip(rough.tolist(), ends, strict=True)))


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
    """The inverses of Hessians, each without one row.

    Attributes
    ----------
    left_out : ndarray of shape (n_left_out,)
        The rows.
    root : ndarray of shape (n_dof, rank)
        R, with R Rᵀ the inverse of the Hessian of all rows at their minimum.
    values : ndarray of shape (n_left_out, rank)
        Rᵀ x̃ of each row that is left out.
    leverage : ndarray of shape (n_left_out,)
        Its leverage, below 1.
    """

    objective: Objective
    left_out: Indices
    root: Matrix
    values: Matrix
    leverage: Vector

    def lost(self, which: Indices, points: Matrix) -> NDArray[np.bool_]:
        """Return whether the loss of each row left out is the largest that counts."""
        left_out, rows = self.left_out[which], self.objective.problem.rows
        some = rows.part(left_out)
        values = self.objective.dense_rows(left_out, intercept=True)
        m = _dot(values, points) * some.signs
        if some.offset is not None:
            m += some.signs * some.offset
        losses = self.objective.loss.at_margin(m, some.p_other).value
        return np.asarray(losses >= LARGEST_LOSS)

    def products(self, which: Indices, _points: Matrix, gradients: Matrix) -> Matrix:
        """Return the product of some inverses with a vector each.

        Those at the minimum over all rows, by Sherman and Morrison.
        """
        inner, values = gradients @ self.root, self.values[which]
        squares = np.einsum("ij,ij->i", values, values)
        leverage = self.leverage[which]
        factors = leverage / ((1.0 - leverage) * np.maximum(squares, TINY))
        factors *= np.einsum("ij,ij->i", values, inner)
        return (inner + factors[:, None] * values) @ self.root.T

    def products_at(self, which: Indices, points: Matrix, gradients: Matrix) -> Matrix:
        """Return the same products at a point each, where the Hessian is definite."""
        objective, rows = self.objective, self.objective.problem.rows
        found = self.products(which, points, gradients)
        for k, row in enumerate(self.left_out[which]):
            m = objective.margins(points[k]).gather()
            curvature = objective.loss.derivatives(m, rows.p_other)[1] * rows.weights
            curvature[row] = 0.0
            sizes = np.abs(curvature)
            curved = np.flatnonzero(sizes >= _FLAT * sizes.max())
            some = objective.sample(curved, rows.weights[curved], copied=True)
            matrix = some.hessian(RowVector(curvature[curved]))
            factored = factor(matrix, semidefinite=objective.loss.convex)
            if factored is not None:
                found[k] = factored.solve(gradients[k])
        return found


def _left_out(
    inverse: _InverseWithout, coefs: Matrix, coef: Vector, before: Sequence[_Minima]
) -> Indices:
    """Move to the minima without each of some rows; return where that did not succeed.

    `coefs`, a row for each, is overwritten. Newton's method may also start where minima
    at other values of C predict that at this one, given the minimum over all rows.
    """
    left_out = inverse.left_out
    group = np.full(inverse.objective.n_samples, -1)
    group[left_out] = np.arange(len(left_out))
    evaluate = partial(_evaluated, inverse.objective, RowVector(group))
    left = np.arange(len(left_out))
    left = _descend(
        evaluate, left, coefs, inverse.products, inverse.lost, _DESCENT_TOL, _MAX_STEPS
    )
    starts = [
        (k, point)
        for k, row in zip(left.tolist(), left_out[left].tolist(), strict=True)
        for point in (coefs[k].copy(), *_predicted(row, coef, before))
    ]
    if len(starts) > len(left):
        which, points = (np.array(each) for each in zip(*starts, strict=True))
        lowest = np.full(len(left_out), np.inf)
        for (k, point), value in zip(starts, evaluate(which, points)[0], strict=True):
            if value < lowest[k]:
                lowest[k], coefs[k] = value, point
    return _descend(
        evaluate,
        left,
        coefs,
        inverse.products_at,
        inverse.lost,
        _NEWTON_TOL,
        _MAX_NEWTON_STEPS,
    )


def _predicted(row: int, coef: Vector, before: Sequence[_Minima]) -> Iterator[Vector]:
    """Yield predictions of the minimum without one row, from the last values of C.

    From one C to the next it moves as the minimum over all rows does, or as it moved
    last.
    """
    known = [minima for minima in before if row in minima.without]
    if known and known[-1] is before[-1]:
        last = known[-1].without[row]
        yield last + (coef - before[-1].coef)
        if len(known) == 2:
            yield last + (last - known[0].without[row])


def _descend(
    evaluate: _Evaluate,
    which: Indices,
    coefs: Matrix,
    products: Callable[[Indices, Matrix, Matrix], Matrix],
    known: Callable[[Indices, Matrix], NDArray[np.bool_]],
    tol: float,
    max_steps: int,
) -> Indices:
    """Move to the minima of some functions; return those for which that failed.

    By conjugate gradients for functions that are not quadratic [1]_, preconditioned by
    inverse Hessians, for all at once. `coefs`, a row for each function, is overwritten.
    No step raises f. Where `known` holds, a point serves as well as the minimum.

    References
    ----------
    .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
       section 5.2. Springer.
    """
    if not len(which):
        return which
    values, gradients = evaluate(which, coefs[which])
    directions, before, last = 0.0 * gradients, gradients, np.full(len(which), np.inf)
    for _ in range(max_steps):
        newton = products(which, coefs[which], gradients)
        decrement2 = _dot(gradients, newton)
        done = decrement2 <= 2.0 * tol * values
        coefs[which[done]] -= newton[done]
        kept = np.flatnonzero(~(done | known(which, coefs[which])))
        if not len(kept):
            return which[kept]
        which, values, newton = which[kept], values[kept], newton[kept]
        gradients, decrement2 = gradients[kept], decrement2[kept]
        share = _dot(gradients - before[kept], newton) / last[kept]
        directions = np.maximum(share, 0.0)[:, None] * directions[kept] - newton
        step = _Step.along(evaluate, which, coefs[which], directions, values, gradients)
        lower = step.values < values
        coefs[which[lower]] = step.ends[lower]
        before, last = gradients, np.where(lower, decrement2, np.inf)
        values = np.where(lower, step.values, values)
        gradients = np.where(lower[:, None], step.gradients, gradients)
    return which


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
        evaluate: _Evaluate,
        which: Indices,
        points: Matrix,
        steps: Matrix,
        before: Vector,
        gradients: Matrix,
    ) -> "_Step":
        """Return whole steps or, where much of the slope is left, corrected ones.

        Those end where the slope is 0, as the slopes at both ends predict it, or
        earlier where f is not lower there.
        """
        slopes, ends = _dot(gradients, steps), points + steps
        values, reached = evaluate(which, ends)
        left = _dot(reached, steps)
        with np.errstate(divide="ignore", invalid="ignore"):
            zeros = np.nan_to_num(slopes / (slopes - left), nan=1.0)
        corrected = (np.abs(left) > _LEVEL * np.abs(slopes)) | (values > before)
        lengths = np.where(corrected, np.clip(zeros, _SHORTEST, _LONGEST), 1.0)
        far = np.flatnonzero(corrected)
        for _ in range(1 + _MAX_HALVINGS):
            if not len(far):
                break
            ends[far] = points[far] + lengths[far, None] * steps[far]
            values[far], reached[far] = evaluate(which[far], ends[far])
            far = far[values[far] >= before[far]]
            lengths[far] *= 0.5
        return cls(ends, lengths, values, reached)
