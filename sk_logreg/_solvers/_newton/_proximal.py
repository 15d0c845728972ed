"""The quadratic model for a penalty with kinks or bounds: proximal Newton steps."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Evaluation, Objective, RowVector
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._solvers._factors import factor, most_negative_curvature
from sk_logreg._solvers._newton._model import Bound, Curvature, Step
from sk_logreg._solvers._newton._reused_hessian import (
    KnownHessian,
    ReusedHessianModel,
)
from sk_logreg._tolerances import NOISE
from sk_logreg.penalties import ElasticNet

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class HessianMatrix(KnownHessian):
    """A Hessian as a matrix; see `KnownHessian`."""

    matrix: Matrix

    @classmethod
    def at(
        cls,
        objective: Objective,
        margins: RowVector,
        rows: slice | Indices = slice(None),
    ) -> "HessianMatrix":
        """Return the Hessian at a point, by its margins."""
        curvature = objective.curvature(margins)
        return cls(objective, rows, curvature, objective.hessian(curvature))

    def certify(
        self, margins: RowVector, weights: RowVector, point: Evaluation
    ) -> Bound:
        """Return the bound on f - f* at a point, given the rows' margins and weights.

        The dual variables follow the proximal Newton step. Then the slopes of all
        coefficients are what the penalty allows, up to rounding errors. Those of
        coefficients without a penalty are corrected, by a norm.
        """
        objective, penalty = self.objective, _penalty(self.objective)
        end = proximal_point(self.matrix, point, penalty)
        direction = end - point.coef
        change, residual = objective.change_and_residual(
            self.curvature, direction, point.gradient
        )
        if objective.loss.dual is None:
            seen = change.extremes()
            fall = -objective.slope(point, direction)
            return Bound(max(0.0, fall), seen.least, seen.greatest)
        dual = objective.dual_of_step(margins, weights, self.curvature, change)
        bound = Bound(np.inf, dual.min_change, dual.max_change)
        slopes = penalty.curvature * end - residual
        norm = self.norm_of_free(slopes, ~penalty.penalized & penalty.free(end))
        if not np.isfinite(norm):
            return replace(bound, complete=False)
        error = norm * np.sqrt(self.matrix.diagonal())
        gap = penalty.fenchel_gap(point.coef, end, slopes, error)
        excess = dual.bound(gap.value, norm) + gap.share * point.value
        return replace(bound, excess=excess)

    def norm_of_free(self, slopes: Vector, free: Mask) -> float:
        """Return the norm of the slopes of unpenalized coefficients, which should be 0.

        In the metric of the inverse of their Hessian; infinite if it has none.
        """
        which = np.flatnonzero(free)
        if not len(which):
            return 0.0
        block = factor(self.matrix[np.ix_(which, which)], semidefinite=True)
        if block is None:
            return np.inf
        return block.norm(slopes[which])


def _penalty(objective: Objective) -> ElasticNet:
    assert isinstance(objective.penalty, ElasticNet)
    return objective.penalty


def proximal_point(matrix: Matrix, point: Evaluation, penalty: ElasticNet) -> Vector:
    """Return where the quadratic model plus the penalty is least.

    The matrix includes the curvature of the penalty.
    """
    slope = point.gradient - matrix @ point.coef
    found = minimize_quadratic(
        matrix, slope, penalty.l1, penalty.lower, penalty.upper, point.coef
    )
    return found.u


class ProximalModel(ReusedHessianModel[HessianMatrix]):
    """A quadratic model for a penalty with kinks or bounds.

    The step ends where the quadratic model plus the penalty is least [1]_. The matrix
    is kept for as long as it serves; meanwhile it is updated by the changes of the
    gradient (BFGS).

    References
    ----------
    .. [1] J. D. Lee, Y. Sun, M. A. Saunders (2014). Proximal Newton-type methods for
       minimizing composite functions. SIAM Journal on Optimization 24(3), 1420-1443.
    """

    def __init__(
        self, objective: Objective, sample_hessian: HessianMatrix | None = None
    ):
        super().__init__(objective, sample_hessian)
        self._penalty = _penalty(objective)
        self._matrix = None if sample_hessian is None else sample_hessian.matrix

    def _add_pair(self, point: Evaluation) -> None:
        last = self._last
        if last is None or last[0] is point.coef or self._matrix is None:
            return
        change, bend = point.coef - last[0], point.gradient - last[1]
        image, along = self._matrix @ change, float(change @ bend)
        size = float(change @ image)
        if along > NOISE * size > 0.0:
            updated = self._matrix - np.outer(image, image / size)
            self._matrix = updated + np.outer(bend, bend / along)

    def _known(
        self, point: Evaluation, curvature: RowVector, hessian: Matrix, shift: float
    ) -> HessianMatrix | None:
        if shift > 0.0:
            hessian = hessian + shift * self._majorizer
        if not (self._objective.loss.convex or self._is_convex(point, hessian)):
            return None
        self._matrix = hessian
        rows = slice(None)
        return HessianMatrix(self._objective, rows, curvature, hessian, shift=shift)

    def _is_convex(self, point: Evaluation, matrix: Matrix) -> bool:
        """Return whether a matrix is positive definite where a step may lead."""
        which = np.flatnonzero(self._may_move(point))
        return factor(matrix[np.ix_(which, which)]) is not None

    def _may_move(self, point: Evaluation) -> Mask:
        """Return which coefficients are free, or leave a kink or a bound."""
        penalty, coef = self._penalty, point.coef
        slope = point.gradient
        up = (coef < penalty.upper) & (slope + penalty.l1 < 0.0)
        down = (coef > penalty.lower) & (slope - penalty.l1 > 0.0)
        return penalty.free(coef) | up | down

    def _step(self, point: Evaluation, accuracy: float) -> Step:
        assert self._current is not None
        assert self._matrix is not None
        end = point.coef.copy()
        if self._objective.loss.convex:
            end = proximal_point(self._matrix, point, self._penalty)
        else:
            which = np.flatnonzero(self._may_move(point))
            part = replace(point, coef=end[which], gradient=point.gradient[which])
            block = self._matrix[np.ix_(which, which)]
            end[which] = proximal_point(block, part, self._penalty.take(which))
        direction = end - point.coef
        fall = -float(point.gradient @ direction)
        fall -= float(self._penalty.l1 @ (np.abs(end) - np.abs(point.coef)))
        return Step(
            point,
            accuracy,
            direction,
            decrement2=max(0.0, fall),
            shift=self._current.shift,
            exact=self._known_at is point,
            end=end,
        )

    def last_step(self, point: Evaluation) -> Vector:
        """Return a Newton step over the coefficients at neither a kink nor a bound."""
        assert self._matrix is not None
        which = np.flatnonzero(self._penalty.free(point.coef))
        slope = point.gradient + self._penalty.l1 * np.sign(point.coef)
        block = factor(self._matrix[np.ix_(which, which)], semidefinite=True)
        direction = np.zeros_like(point.coef)
        if block is not None:
            direction[which] = -block.solve(slope[which])
        return direction

    def certify_after(self, _step: Step, _after: Evaluation) -> float:
        return np.inf

    def least_curvature(self, point: Evaluation) -> Curvature:
        """Return the least curvature over the coefficients at no kink or bound."""
        _, hessian = self._hessian(point)
        which = np.flatnonzero(self._penalty.free(point.coef))
        block = hessian[np.ix_(which, which)]
        factored = factor(block)
        if factored is not None:
            return Curvature(factored.eigenvalue_ratio())
        direction = np.zeros_like(point.coef)
        metric = self._majorizer[np.ix_(which, which)]
        direction[which] = most_negative_curvature(block, metric)
        return Curvature(negative_direction=direction)
