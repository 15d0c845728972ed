"""Approximate leave-one-out: what each row's prediction would be without the row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._log import Journal
from sk_logreg._objective import Objective, RowVector, squared_norms
from sk_logreg._solvers._base import Goal, Solver
from sk_logreg._solvers._factors import TOO_MANY, factor
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
from sk_logreg._solvers._row_space import RowSpace, reducible
from sk_logreg._without_rows import WithoutRows
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
# The same without kinks or bounds, where the fits go on together.
_MAX_DESCENTS = 300
# A fit starts after one Newton step, in whose length the leverage is at most this.
_LARGEST_LEVERAGE = 0.9
# That of the inverse Hessian without a row is below 1 by at least this.
_DEFINITE = 1e-6
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
        below = np.minimum(leverage[rough], 1.0 - _DEFINITE)
        without = WithoutRows(objective, rough, root, values, below)
        ends, left = without.minima(_starts(rough, ends, coef, before))
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


def _starts(
    rows: Indices, ends: Matrix, coef: Vector, before: Sequence[_Minima]
) -> NDArray[np.float64]:
    """Return points near the minima without some rows, or such that they are between.

    These are where the approximation ends, the minimum over all rows, the minima at the
    last two values of C, and the last one moved as the minimum over all rows has.
    """
    found = [ends, np.broadcast_to(coef, ends.shape)]
    for minima in reversed(before):
        known = zip(rows.tolist(), ends, strict=True)
        last = np.array([minima.without.get(row, end) for row, end in known])
        found.append(last.reshape(ends.shape))
    if before:
        found.append(found[2] + (coef - before[-1].coef))
    return np.stack(found, axis=1)


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
