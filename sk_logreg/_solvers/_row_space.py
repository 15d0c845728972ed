"""Fewer rows than features: the same problem over a basis of the row space."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import lapack, solve_triangular
from sklearn.utils import gen_even_slices

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._execution import blas_threads
from sk_logreg._objective import Evaluation, Objective, RowVector
from sk_logreg._records import ended_by_rounding
from sk_logreg._solvers._base import UNKNOWN_GAP, Solution, relative
from sk_logreg._solvers._certificates import DualGap
from sk_logreg._solvers._newton import FactoredHessian
from sk_logreg._tolerances import negligible
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import L2

# Rows or columns of a square matrix that are copied at a time.
_N_COPIED = 256
# Rows from which the sizes of the columns are estimated.
_N_SIZED = 8
# Columns whose sizes differ by more than this ratio share no Gram matrix: rounding
# errors would cost the small ones more than half of their digits.
_LARGEST_RATIO = 2.0**12


def reducible(objective: Objective) -> bool:
    """Return whether there are fewer rows than features to be reduced.

    Features without a penalty are not, beside penalized ones.
    """
    if objective.rows.partitioned:  # and large: the reduction combines any two rows
        return False
    n_reduced = objective.n_features - n_kept(objective)
    return isinstance(objective.penalty, L2) and objective.n_samples < n_reduced


def n_kept(objective: Objective) -> int:
    """Return the number of features that a reduction keeps as they are."""
    if objective.penalty.absent:
        return 0
    penalized = objective.penalty.penalized[: objective.n_features]
    return int(np.count_nonzero(~penalized))


class RowSpace:
    """The row space of X, which contains the weights of every minimum.

    With X Xᵀ = R Rᵀ and B a basis of the rows, w = X_Bᵀ R_B⁻ᵀ v has the predictions
    R v + b, and ‖w‖ = ‖v‖: the problem keeps its form, with R of shape (n_samples,
    rank) in place of X, which is read once for X Xᵀ, once for w, and once to evaluate
    the objective there. A column with another penalty is scaled to the same one.
    Without a penalty the weights are those of least norm, in units in which each column
    has the same mean square.

    X Xᵀ squares the ratio of the sizes of the columns. So columns of very different
    size have row spaces of their own, side by side. Columns without a penalty beside
    penalized ones, and those of a size that few have, stay as they are.

    References
    ----------
    .. [1] G. Kimeldorf, G. Wahba (1971). Some results on Tchebycheffian spline
       functions. Journal of Mathematical Analysis and Applications 33, 82-95.
    """

    def __init__(self, objective: Objective):
        self._original = objective
        self._basis = _Basis(objective)
        #: Returns v and b for the weights and the bias of a start.
        self.project = self._basis.project
        values = self._basis.values
        penalty = L2(self._basis.strengths)
        self.objective = objective.reparametrized(values, penalty, self._basis.lift)
        # Σ x² / λ of each row, over the penalized columns.
        penalized = penalty.penalized[: values.shape[1]]
        inverse = 1.0 / penalty.curvature[: values.shape[1]][penalized]
        values = values if penalized.all() else values[:, penalized]
        squares = np.einsum("ij,ij,j->i", values, values, inverse)
        self._squares = RowVector(squares)

    def lift(self, solution: Solution, tol: float | None) -> Solution:
        """Return a solution over v and b as one over the weights and the bias.

        Its gradient is computed from X. Its difference from the gradient of the problem
        over v, which is rounding error, is charged in the bound, unless `tol` is None.
        """
        coef, pending = solution.point.coef, solution.pending_step
        if tol is None or solution.gap == UNKNOWN_GAP:
            point = self._original.evaluate(self._basis.lift(coef))
            if np.any(pending):
                pending = self._basis.lift(coef + pending) - point.coef
            return replace(solution, point=point, pending_step=pending)
        # With its last step the gradient is about rounding error, and bounds f as well.
        point = self._original.evaluate(self._basis.lift(coef + pending))
        gap = UNKNOWN_GAP
        if self._original.loss.dual and not self._original.penalty.absent:
            gap = relative(self._charged(point, point.gradient), point)
        if gap > tol:
            point = self._original.evaluate(self._basis.lift(coef))
            gap = min(UNKNOWN_GAP, self._gap_of_rounding(solution, point))
        status = solution.status
        if status.converged and gap > tol:
            status = ended_by_rounding(gap)
        return replace(solution, point=point, gap=gap, status=status, pending_step=0.0)

    def _gap_of_rounding(self, solution: Solution, point: Evaluation) -> float:
        """Return the bound over v, and what rounding errors of the gradient add."""
        residual = point.gradient - self._basis.lift_gradient(solution.point.gradient)
        added = np.inf
        if not self._original.penalty.absent:
            added = self._charged(point, residual)
        reached = solution.gap * solution.point.value
        if added > reached:
            added = min(added, self._left_over(solution, point, residual))
        return relative((np.sqrt(reached) + np.sqrt(added)) ** 2, point)

    def _charged(self, point: Evaluation, residual: Vector) -> float:
        """Return the residual of a Newton system, charged to the penalty."""
        objective, penalty = self._original, self._original.penalty
        curvature = objective.curvature(point.margins, absolute=True)
        # `by_penalty` needs the diagonal of H only for its sum over the penalized
        # columns, each divided by its penalty. The diagonal below has that sum.
        total = curvature.dot(self._squares)
        n_penalized = np.count_nonzero(penalty.penalized[: objective.n_features])
        diagonal = (1.0 + total / max(1, int(n_penalized))) * penalty.curvature
        none = np.zeros(objective.n_dof)
        sum_ = curvature.total() if objective.problem.free_bias else None
        gap = DualGap(EntropyDual(), none, residual, penalty, sum_)
        return gap.by_penalty(diagonal)

    def _left_over(
        self, solution: Solution, point: Evaluation, residual: Vector
    ) -> float:
        """Return the residual of a Newton system, in the norm of its inverse.

        Except for its part outside of the row space, where there is only the penalty.
        """
        known = FactoredHessian.at(self.objective, solution.point.margins)
        if known is None or not (known.complete and known.accurate):
            return np.inf
        inside = self._basis.project(residual, power=2)
        norm = known.factor.norm(inside)
        outside = 0.0
        if not self._original.penalty.absent:
            remainder = residual - self._basis.lift_gradient(inside)
            outside = np.sqrt(2.0 * self._charged(point, remainder))
        return float(0.5 * (norm + outside) ** 2)


class _Group(NamedTuple):
    """Columns of about one size, multiplied by `scale`.

    Attributes
    ----------
    values : ndarray of shape (n_samples, rank)
        R.
    basis : ndarray of shape (rank,), or None
        The rows where R is triangular, None if R is X: these columns as they are.
    strengths : ndarray of shape (rank,), of longdouble
        The penalty on v.
    """

    columns: Indices | slice
    scale: Vector
    values: Matrix
    basis: Indices | None
    strengths: Any


class _Basis:
    """The linear map of v to weights, and back."""

    def __init__(self, objective: Objective):
        self._objective = objective
        self._groups = list(_groups_of(objective))
        #: R, of all groups side by side.
        self.values = self._groups[0].values
        if len(self._groups) > 1:
            self.values = np.hstack([group.values for group in self._groups])
        #: The penalty on v and b.
        bias = _strengths(objective)[objective.n_features :]
        parts = [group.strengths for group in self._groups]
        self.strengths = np.concatenate([*parts, bias])

    def lift(self, coef: Vector) -> Vector:
        """Return v and b as the weights and the bias."""
        weights = np.zeros(self._objective.n_features)
        stops = np.cumsum([group.values.shape[1] for group in self._groups])
        *parts, bias = np.split(coef, stops)
        for group, v in zip(self._groups, parts, strict=True):
            if group.basis is not None:
                factors = RowVector(_row_factors(group, v))
                v = self._objective.rmatvec(factors)[group.columns]
                v *= group.scale**2
            weights[group.columns] = v
        return np.append(weights, bias)

    def lift_gradient(self, gradient: Vector) -> Vector:
        """Return the gradient over v and b as one over the weights and the bias."""
        lifted = self.lift(gradient)
        for group in self._groups:
            if group.basis is not None:
                lifted[: self._objective.n_features][group.columns] /= group.scale**2
        return lifted

    def project(self, coef: Vector, power: int = 0) -> Vector:
        """Return v and b for weights times a power of the scale: 2 for a gradient."""
        w, bias = np.split(coef, [self._objective.n_features])
        if not w.any():
            return np.append(np.zeros(self.values.shape[1]), bias)
        parts = [self._project(group, w, power) for group in self._groups]
        return np.concatenate([*parts, bias])

    def _project(self, group: _Group, w: Vector, power: int) -> Vector:
        """Return the part of v that has the predictions of some weights."""
        if group.basis is None:
            return w[group.columns]
        objective = self._objective
        alone = np.zeros(objective.n_dof)
        alone[: len(w)][group.columns] = w[group.columns] * group.scale**power
        z = objective.predictions(alone, group.basis)
        return solve_triangular(group.values[group.basis], z, lower=True)


def _row_factors(group: _Group, v: Vector) -> Vector:
    """Return u with R_Bᵀ u = v, and 0 for the other rows.

    From below, some rows at a time, which saves a copy of R_B.
    """
    assert group.basis is not None
    factors = np.zeros(len(group.values))
    for rows in reversed(list(gen_even_slices(len(v), len(v) // _N_COPIED + 1))):
        part = group.values[group.basis[rows]]
        u = solve_triangular(part[:, rows], v[rows], trans="T", lower=True)
        v = v[: rows.start] - u @ part[:, : rows.start]
        factors[group.basis[rows]] = u
    return factors


def _strengths(objective: Objective) -> Any:
    """Return the strengths of the penalty, which is L2."""
    assert isinstance(objective.penalty, L2)
    return objective.penalty.strengths


def _groups_of(objective: Objective) -> Iterator[_Group]:
    """Yield the columns by their size, those of the largest first.

    Without a penalty columns may have any unit: one group is enough.
    """
    n_features, penalty = objective.n_features, objective.penalty
    strengths = _strengths(objective)[:n_features]
    if penalty.absent:
        squares = objective.product_diagonal(objective.weights)[:n_features]
        scale = 1.0 / np.sqrt(np.where(squares > 0.0, squares, 1.0))
        yield _reduced(objective, slice(None), scale, 0.0 * strengths[0])
        return
    sizes, free = _sizes(objective), ~penalty.penalized[:n_features]
    if free.any():
        yield _as_they_are(objective, np.flatnonzero(free))
    first = int(free.argmin())
    common, curvature = strengths[first], penalty.curvature[:n_features]
    scale = np.sqrt(curvature[first] / np.where(free, curvature[first], curvature))
    sizes *= scale
    if not free.any() and sizes.max() <= _LARGEST_RATIO * sizes.min():
        yield _reduced(objective, slice(None), scale, common)
        return
    order = np.argsort(-sizes, kind="stable")
    order = order[~free[order]]
    while len(order):
        members = sizes[order] >= sizes[order[0]] / _LARGEST_RATIO
        columns = np.sort(order[members])
        yield _reduced(objective, columns, scale[columns], common)
        order = order[~members]


def _sizes(objective: Objective) -> Vector:
    """Return the approximate root mean square of each column, from a few rows.

    A column without a value in these rows gets the smallest size of the others.
    """
    n_samples = objective.n_samples
    rows = np.arange(0, n_samples, max(1, n_samples // _N_SIZED))
    sample = objective.dense_rows(rows)
    sizes: Vector = np.sqrt(np.einsum("ij,ij->j", sample, sample))
    known = np.isfinite(sizes) & (sizes > 0.0)
    sizes[~known] = sizes.min(where=known, initial=np.inf) if known.any() else 1.0
    return sizes


def _as_they_are(objective: Objective, columns: Indices) -> _Group:
    """Return some columns, not reduced."""
    values = objective.dense_rows(columns=columns)
    ones, strengths = np.ones(len(columns)), _strengths(objective)[columns]
    return _Group(columns, ones, values, None, strengths)


def _reduced(
    objective: Objective, columns: Indices | slice, scale: Vector, strength: Any
) -> _Group:
    """Return the row space of some columns, or these themselves if they are fewer.

    They are multiplied by `scale`, and have a penalty of `strength` after that.
    """
    if not isinstance(columns, slice) and len(columns) <= objective.n_samples:
        return _as_they_are(objective, columns)
    factors = np.zeros(objective.n_features)
    factors[columns] = scale
    products = objective.row_gram(None if (factors == 1.0).all() else factors)
    # Rows without weight determine nothing: their products count as 0.
    unweighted = np.flatnonzero(objective.weights.values == 0.0)
    products[unweighted] = 0.0
    products[:, unweighted] = 0.0
    with blas_threads():
        values, basis = _root(products)
    strengths = np.full(values.shape[1], strength)
    return _Group(columns, scale, values, basis, strengths)


def _root(products: Matrix) -> tuple[Matrix, Indices]:
    """Return R with R Rᵀ = X Xᵀ, and a basis of the rows; overwrites X Xᵀ.

    By Cholesky's method with pivoting, which finds the basis: there R is triangular.
    The rows are scaled to unit length meanwhile, so that no row is negligible.

    References
    ----------
    .. [1] N. J. Higham (1990). Analysis of the Cholesky decomposition of a
       semi-definite matrix. In Reliable Numerical Computation, Oxford.
    """
    lengths = np.sqrt(products.diagonal())
    lengths[lengths == 0.0] = 1.0
    products /= lengths
    products /= lengths[:, None]
    upper, order, rank, _ = lapack.dpstrf(
        products, tol=negligible(len(products)), lower=0, overwrite_a=1
    )
    order -= 1  # LAPACK counts from one
    root = upper.T  # in C order
    for columns in gen_even_slices(rank, rank // _N_COPIED + 1):  # saves memory
        root[order, columns] = np.tril(root[:, columns], -columns.start)
    root *= lengths[:, None]
    return root[:, :rank], order[:rank]
