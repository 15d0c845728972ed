"""Fewer rows than features: the same problem over a basis of the row space."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, solve_triangular

from sk_logreg._design import DenseDesign, Matrix, Vector, cut
from sk_logreg._dual_gap import Divergence, DualGap
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Solution
from sk_logreg._solvers._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton import relative
from sk_logreg._status import ended_by_rounding
from sk_logreg._threads import blas_threads

_EPS = float(np.finfo(np.float64).eps)
# So many rows or columns of a square matrix are copied at a time.
_N_COPIED = 256
# Rows from which the sizes of the columns are estimated.
_N_SIZED = 8
# Columns whose sizes differ by more than this ratio share no Gram matrix: rounding
# would cost the small ones more than half of their digits.
_LARGEST_RATIO = 2.0**12


def reducible(objective: Objective) -> bool:
    """Return whether there are fewer rows than features, under the same penalty."""
    n_samples, n_features = objective.design.n_samples, objective.design.n_features
    strengths = objective.strengths[:n_features]
    return n_samples < n_features and bool((strengths == strengths[0]).all())


class RowSpace:
    """The row space of X, in which the weights of every minimum lie.

    With X Xᵀ = R Rᵀ and B a basis of the rows, w = X_Bᵀ R_B⁻ᵀ v has the predictions
    R v + b, and ‖w‖ = ‖v‖: the problem keeps its form, with R of shape (n_samples,
    rank) in place of X, which is read once for X Xᵀ, once for w, and once to evaluate
    the objective there. Without a penalty the weights are those of least norm.

    X Xᵀ squares the ratio of the sizes of the columns. So columns of very different
    size have row spaces of their own, side by side, and those of a size that few have
    stay as they are.

    Attributes
    ----------
    objective : Objective
        The objective over v and b.

    References
    ----------
    .. [1] G. Kimeldorf, G. Wahba (1971). Some results on Tchebycheffian spline
       functions. Journal of Mathematical Analysis and Applications 33, 82-95.
    """

    def __init__(self, objective: Objective):
        self._original = objective
        self._basis = _Basis(objective)
        values = self._basis.values
        #: The squared length of each row.
        self._squares: Vector = np.einsum("ij,ij->i", values, values)
        self.objective = objective.over(DenseDesign(values), self._basis.lift)

    def project(self, coef: Vector) -> Vector:
        """Return v and b for the weights and the bias of a start."""
        return self._basis.project(coef)

    def lift(self, solution: Solution, tol: float | None) -> Solution:
        """Return a solution over v and b as one over the weights and the bias.

        Its gradient is computed from X. What of it is not that of the problem over v,
        which is rounding, counts in the bound.

        Parameters
        ----------
        solution : Solution
        tol : float or None
            The bound on the relative suboptimality to reach. None skips the bound.

        Returns
        -------
        Solution
        """
        if tol is None or solution.gap == 1.0:
            coef, step_left = solution.point.coef, solution.step_left
            point = self._original.evaluate(self._basis.lift(coef))
            if np.any(step_left):
                step_left = self._basis.lift(coef + step_left) - point.coef
            return replace(solution, point=point, step_left=step_left)
        # With its last step the gradient is about rounding, and bounds f as well.
        coef = solution.point.coef + solution.step_left
        point = self._original.evaluate(self._basis.lift(coef))
        gap = self._gap_of_gradient(point)
        if gap > tol:
            point = self._original.evaluate(self._basis.lift(solution.point.coef))
            gap = min(1.0, self._gap_of_rounding(solution, point))
        status = solution.status
        if status.converged and gap > tol:
            status = ended_by_rounding(gap)
        return replace(solution, point=point, gap=gap, status=status, step_left=0.0)

    def _gap_of_gradient(self, point: Evaluation) -> float:
        """Return the bound from the whole gradient, charged to the penalty."""
        if not (self._original.loss.convex and self._original.penalized):
            return 1.0
        return relative(self._charged(point, point.gradient), point)

    def _gap_of_rounding(self, solution: Solution, point: Evaluation) -> float:
        """Return the bound over v, and what rounding added to the gradient."""
        residual = point.gradient - self._basis.lift_gradient(solution.point.gradient)
        added = np.inf
        if self._original.penalized:
            added = self._charged(point, residual)
        reached = solution.gap * solution.point.value
        if added > reached:
            added = min(added, self._left_over(solution, point, residual))
        return relative((np.sqrt(reached) + np.sqrt(added)) ** 2, point)

    def _charged(self, point: Evaluation, residual: Vector) -> float:
        """Return what is left of a Newton system, charged to the penalty."""
        objective = self._original
        curvature = np.abs(objective.curvature(point.margins))
        total = float(curvature @ self._squares)
        diagonal = np.full(objective.n_dof, total / objective.design.n_features)
        none = np.zeros(objective.n_dof)
        gap = DualGap(
            Divergence.none(), none, residual, objective.strengths, curvature.sum()
        )
        return gap.by_penalty(diagonal + objective.strengths)

    def _left_over(
        self, solution: Solution, point: Evaluation, residual: Vector
    ) -> float:
        """Return what is left of a Newton system, in the norm of its inverse.

        But for the part of it outside of the row space, where only the penalty is.
        """
        known = FactoredHessian.at(self.objective, solution.point.margins)
        if known is None or not (known.complete and known.accurate):
            return np.inf
        inside = self._basis.project_gradient(residual)
        norm = known.factor.norm(inside)
        outside = 0.0
        if self._original.penalized:
            remainder = residual - self._basis.lift_gradient(inside)
            outside = np.sqrt(2.0 * self._charged(point, remainder))
        return float(0.5 * (norm + outside) ** 2)


class _Group(NamedTuple):
    """Columns of about one size.

    Attributes
    ----------
    columns : ndarray of int, or slice
        Which columns.
    scale : ndarray of shape (n_columns,) or float
        What they are multiplied by.
    values : ndarray of shape (n_samples, rank)
        R.
    basis : ndarray of shape (rank,), or None
        The rows where R is triangular, None if R is X, that is these columns as they
        are.
    """

    columns: NDArray[np.intp] | slice
    scale: Vector | float
    values: Matrix
    basis: NDArray[np.intp] | None


class _Basis:
    """What turns v into weights, and back."""

    def __init__(self, objective: Objective):
        self._objective = objective
        self._groups = list(_groups_of(objective))
        #: R, of all groups side by side.
        self.values = self._groups[0].values
        if len(self._groups) > 1:
            self.values = np.hstack([group.values for group in self._groups])

    def _parts(self, coef: Vector) -> Iterator[tuple[_Group, Vector]]:
        """Yield each group, and its part of v."""
        start = 0
        for group in self._groups:
            stop = start + group.values.shape[1]
            yield group, coef[start:stop]
            start = stop

    def lift(self, coef: Vector) -> Vector:
        """Return v and b as the weights and the bias."""
        weights = np.zeros(self._objective.design.n_features)
        for group, v in self._parts(coef):
            if group.basis is not None:
                v = self._objective.combine_rows(_row_factors(group, v))[group.columns]
                v *= group.scale**2
            weights[group.columns] = v
        return np.append(weights, coef[self.values.shape[1] :])

    def lift_gradient(self, gradient: Vector) -> Vector:
        """Return the gradient over v and b as one over the weights and the bias."""
        lifted = self.lift(gradient)
        for group in self._groups:
            if group.basis is not None:
                lifted[group.columns] /= group.scale**2
        return lifted

    def project(self, coef: Vector) -> Vector:
        """Return v and b for the weights and the bias."""
        w, bias = np.split(coef, [self._objective.design.n_features])
        if not w.any():
            return np.append(np.zeros(self.values.shape[1]), bias)
        return self._projected(coef, 0)

    def project_gradient(self, gradient: Vector) -> Vector:
        """Return a gradient over the weights and the bias as one over v and b."""
        return self._projected(gradient, 2)

    def _projected(self, coef: Vector, power: int) -> Vector:
        """Return v and b for weights times a power of the scale."""
        w, bias = np.split(coef, [self._objective.design.n_features])
        parts = [self._project(group, w, power) for group in self._groups]
        return np.concatenate([*parts, bias])

    def _project(self, group: _Group, w: Vector, power: int) -> Vector:
        """Return the part of v that has the predictions of some weights."""
        if group.basis is None:
            return w[group.columns]
        objective = self._objective
        alone = np.zeros(objective.n_dof)
        alone[: len(w)][group.columns] = w[group.columns] * group.scale**power
        z = (objective.changes(alone) * objective.signs)[group.basis]
        return solve_triangular(group.values[group.basis], z, lower=True)


def _row_factors(group: _Group, v: Vector) -> Vector:
    """Return u with R_Bᵀ u = v, and 0 for the other rows.

    From below, some rows at a time: R_B is not to be copied whole.
    """
    assert group.basis is not None
    factors = np.zeros(len(group.values))
    for rows in reversed(cut(len(v), len(v) // _N_COPIED + 1)):
        part = group.values[group.basis[rows]]
        u = solve_triangular(part[:, rows], v[rows], trans="T", lower=True)
        v = v[: rows.start] - u @ part[:, : rows.start]
        factors[group.basis[rows]] = u
    return factors


def _groups_of(objective: Objective) -> Iterator[_Group]:
    """Yield the columns by their size, those of the largest first.

    Without a penalty columns may have any unit: one group is enough.
    """
    sizes = _sizes(objective)
    largest = float(sizes.max())
    if largest <= _LARGEST_RATIO * sizes.min():
        yield _reduced(objective, slice(None), 1.0)
    elif not objective.penalized:
        yield _reduced(objective, slice(None), np.exp2(-np.round(np.log2(sizes))))
    else:
        order = np.argsort(-sizes, kind="stable")
        while len(order):
            members = sizes[order] >= sizes[order[0]] / _LARGEST_RATIO
            yield _reduced(objective, np.sort(order[members]), 1.0)
            order = order[~members]


def _sizes(objective: Objective) -> Vector:
    """Return about the root mean square of each column, from a few rows.

    Where these rows do not tell, the smallest of the others is as good a guess as any.
    """
    design = objective.design
    rows = np.arange(0, design.n_samples, max(1, design.n_samples // _N_SIZED))
    sample = design.part(rows, np.arange(design.n_features))
    sizes: Vector = np.sqrt(np.einsum("ij,ij->j", sample, sample))
    known = np.isfinite(sizes) & (sizes > 0.0)
    sizes[~known] = sizes.min(where=known, initial=np.inf) if known.any() else 1.0
    return sizes


def _reduced(
    objective: Objective, columns: NDArray[np.intp] | slice, scale: Vector | float
) -> _Group:
    """Return the row space of some columns, or these themselves if they are fewer."""
    design = objective.design
    if not isinstance(columns, slice) and len(columns) <= design.n_samples:
        rows = np.arange(design.n_samples)
        return _Group(columns, scale, design.part(rows, columns), None)
    factors = None
    if not isinstance(columns, slice) or not isinstance(scale, float):
        factors = np.zeros(design.n_features)
        factors[columns] = scale
    products = objective.row_products(factors)
    with blas_threads():
        return _Group(columns, scale, *_root(products))


def _root(products: Matrix) -> tuple[Matrix, NDArray[np.intp]]:
    """Return R with R Rᵀ = X Xᵀ, and which rows are a basis; overwrites X Xᵀ.

    By Cholesky's method with pivoting, which finds the basis: there R is triangular.
    The rows are scaled to unit length meanwhile, so that none is too short to count.

    References
    ----------
    .. [1] N. J. Higham (1990). Analysis of the Cholesky decomposition of a
       semi-definite matrix. In Reliable Numerical Computation, Oxford.
    """
    lengths = np.sqrt(products.diagonal())
    lengths[lengths == 0.0] = 1.0
    products /= lengths
    products /= lengths[:, None]
    negligible = 8 * len(products) * _EPS
    upper, order, rank, _ = lapack.dpstrf(
        products, tol=negligible, lower=0, overwrite_a=1
    )
    order -= 1  # LAPACK counts from one
    root = upper.T  # in C order
    for columns in cut(rank, rank // _N_COPIED + 1):  # not to copy it whole
        root[order, columns] = np.tril(root[:, columns], -columns.start)
    root *= lengths[:, None]
    return root[:, :rank], order[:rank]
