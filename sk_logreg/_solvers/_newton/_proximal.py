"""The quadratic model for a penalty with kinks or bounds: proximal Newton steps."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import (
    Evaluation,
    Objective,
    RowVector,
    dual_after_step,
    dual_of_step,
)
from sk_logreg._solvers._active_block import LastBlock
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._solvers._factors import MANY, factor, most_negative_curvature
from sk_logreg._solvers._newton._lbfgs import bfgs_update
from sk_logreg._solvers._newton._model import (
    FIRST_SHIFT,
    Bound,
    Curvature,
    DualStep,
    Step,
)
from sk_logreg._solvers._newton._reused_hessian import (
    KnownHessian,
    ReusedHessianModel,
)
from sk_logreg._tolerances import ACCURATE, NOISE
from sk_logreg.losses._dual import EntropyDual
from sk_logreg.penalties import ElasticNet

Mask = NDArray[np.bool_]

# The residual of the quadratic problem, relative to that at the start: at first, and
# from which on it is solved to rounding, as it is if the start is near the minimum. In
# between it falls with the decrement.
_ROUGH, _EXACT = 0.1, 1e-3
# A sample of the rows misses a column if it has less than this share of the squares.
_SEEN = 0.5


@dataclass(frozen=True, eq=False)
class HessianMatrix(KnownHessian):
    """A Hessian as a matrix; see `KnownHessian`."""

    matrix: Matrix
    _ends: dict[Evaluation, Vector] = field(default_factory=dict, repr=False)
    _blocks: LastBlock = field(default_factory=LastBlock, init=False, repr=False)

    def end(self, point: Evaluation) -> Vector:
        """Return where the quadratic model at a point plus the penalty is least."""
        if point not in self._ends:
            self._ends.clear()
            self._ends[point] = model_end(
                self.objective, self.matrix, point, blocks=self._blocks
            )[0]
        return self._ends[point]

    def dual_step(self, point: Evaluation) -> DualStep:
        """Return the step at a point that the dual variables may follow."""
        end = self.end(point)
        return DualStep(point, self.objective, self.rows, self.curvature, end)

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

    def over(self, objective: Objective, added: Indices) -> "HessianMatrix":
        """Return the Hessian over more features, in one pass over X.

        `objective` is that over all of these features, and `added` are the places of
        those that this Hessian lacks.
        """
        matrix = np.empty((objective.n_dof, objective.n_dof))
        held = np.delete(np.arange(objective.n_dof), added)
        matrix[np.ix_(held, held)] = self.matrix
        matrix[:, added] = objective.hessian_columns(self.curvature, added)
        matrix[added] = matrix[:, added].T
        return HessianMatrix(objective, self.rows, self.curvature, matrix)

    def completed(self, squares: Vector) -> "HessianMatrix":
        """Return the Hessian with a corrected diagonal, for columns that rows miss.

        A sample of the rows may contain few of the nonzero values of a column. With the
        sample's Hessian, a step in that coefficient would be far too long. `squares` is
        an upper bound of the diagonal for all rows, without the penalty.
        """
        objective = self.objective
        seen = objective.product_diagonal(objective.curvature_bound)
        missed = np.flatnonzero(seen < _SEEN * squares)
        matrix = self.matrix.copy()
        matrix[missed, missed] = (squares + objective.penalty.curvature)[missed]
        return replace(self, matrix=matrix)

    def certify(
        self, margins: RowVector, weights: RowVector, point: Evaluation
    ) -> Bound:
        """Return the bound on f - f* at a point, given the rows' margins and weights.

        The dual variables follow the proximal Newton step. Then the slopes of all
        coefficients are what the penalty allows, up to rounding errors. Those of
        coefficients without a penalty are corrected, by a norm.
        """
        objective, end = self.objective, self.end(point)
        direction = end - point.coef
        change, residual = objective.change_and_residual(
            self.curvature, direction, point.gradient
        )
        return composite_bound(
            objective,
            self.curvature,
            point,
            end,
            change,
            residual,
            self.matrix.diagonal(),
            margins,
            weights,
        )


def composite_bound(
    objective: Objective,
    curvature: RowVector,
    point: Evaluation,
    end: Vector,
    change: RowVector,
    residual: Vector,
    diagonal: Vector,
    margins: RowVector | None = None,
    weights: RowVector | None = None,
) -> Bound:
    """Return the bound on f - f* of the dual point that a proximal Newton step gives.

    The step ends at `end`, changes the margins by `change` and leaves the residual
    g + H d, with H of this diagonal. For a loss without a dual the bound is that of the
    quadratic model. The margins and weights are those of the rows of the objective.
    """
    penalty = _penalty(objective)
    margins = point.margins if margins is None else margins
    weights = objective.weights if weights is None else weights
    if objective.loss.dual is None:
        seen = change.extremes()
        fall = -objective.slope(point, end - point.coef)
        return Bound(max(0.0, fall), seen.least, seen.greatest)
    dual = dual_of_step(objective, margins, weights, curvature, change)
    bound = Bound(np.inf, dual.min_change, dual.max_change)
    slopes = penalty.curvature * end - residual
    excess = excess_of_slopes(
        objective,
        penalty,
        dual,
        curvature,
        point.value,
        point.coef,
        end,
        slopes,
        diagonal,
    )
    return replace(bound, excess=excess, complete=bool(np.isfinite(excess)))


def excess_of_slopes(
    objective: Objective,
    penalty: ElasticNet,
    dual: EntropyDual,
    curvature: RowVector,
    value: float,
    coef: Vector,
    end: Vector,
    slopes: Vector,
    diagonal: Vector,
    kept: Indices | slice = slice(None),
    rounding: float = 0.0,
) -> float:
    """Return the bound on f - f* of a dual point.

    The dual point asks the penalty for these slopes, up to `rounding`, in units of the
    roots of the diagonal of the Hessian, which may be an upper bound. The coefficients
    `kept` are those of the objective, and all that are free are among them. Where the
    penalty is hardly curved, it allows a free coefficient one slope only. The dual
    point is changed to have this slope if the coefficient has no L1 part, or if
    charging the error to the L1 part would raise the bound by more than rounding
    errors.
    """
    linear = penalty.free(end) & (penalty.curvature <= ACCURATE * diagonal)
    roots = np.sqrt(diagonal)
    best = np.inf
    for moved in (linear & ~penalty.penalized, linear):
        target = penalty.l1 * np.sign(end) + penalty.curvature * end
        wrong = (slopes - np.where(moved, target, 0.0))[kept]
        norm = norm_of_free(objective, curvature, wrong, moved[kept], value) + rounding
        gap = penalty.fenchel_gap(
            coef,
            np.where(moved, target, slopes),
            np.where(moved, 0.0, norm * roots),
        )
        best = min(best, dual.bound(gap.value, norm) + gap.share * value)
        small = gap.share <= ACCURATE and best < value
        if small or np.count_nonzero(linear) > MANY:
            break
    return best


def norm_of_free(
    objective: Objective,
    curvature: RowVector,
    slopes: Vector,
    free: Mask,
    value: float,
) -> float:
    """Return the norm of the slopes of unpenalized coefficients, which should be 0.

    In the metric of the inverse of their Hessian; infinite if a slope, more than
    rounding, is along a direction without curvature. `value` is that of f. A bias alone
    takes no pass over X.
    """
    which = np.flatnonzero(free)
    if not len(which):
        return 0.0
    if len(which) == 1 and objective.problem.free_bias:
        total = curvature.total()
        return abs(float(slopes[-1])) / np.sqrt(total) if total > 0.0 else np.inf
    restricted = objective.restricted(which[which < objective.n_features])
    n_which = len(which)  # without the bias, if that is penalized
    matrix = restricted.hessian(curvature)[:n_which, :n_which]
    block, slopes = factor(matrix, semidefinite=True), slopes[which]
    if block is None:
        return np.inf
    if block.null_space is not None:
        # The slopes of cross entropy are no larger than its values. So these are upper
        # bounds of the sums of |slope · x|, by the inequality of Cauchy and Schwarz.
        squares = restricted.product_diagonal(objective.weights)[:n_which]
        rounding = 4 * NOISE * np.sqrt(value * squares) @ np.abs(block.null_space)
        if np.any(np.abs(slopes @ block.null_space) > rounding):
            return np.inf
    return block.norm(slopes)


def _penalty(objective: Objective) -> ElasticNet:
    assert isinstance(objective.penalty, ElasticNet)
    return objective.penalty


def may_move(objective: Objective, point: Evaluation) -> Mask:
    """Return which coefficients are free, or leave a kink or a bound to lower f."""
    penalty = _penalty(objective)
    slope = penalty.descent_slope(point.coef, point.gradient)
    return penalty.free(point.coef) | (slope != 0.0)


def proximal_point(
    objective: Objective, matrix: Matrix, point: Evaluation, tol: float = 0.0
) -> Vector:
    """Return where the quadratic model plus the penalty is least; see `model_end`."""
    return model_end(objective, matrix, point, tol)[0]


def model_end(
    objective: Objective,
    matrix: Matrix,
    point: Evaluation,
    tol: float = 0.0,
    blocks: LastBlock | None = None,
) -> tuple[Vector, bool]:
    """Return where the quadratic model plus the penalty is least, and whether it is.

    The matrix includes the curvature of the penalty. If the loss is not convex, it is
    so in the coefficients that may move; the others stay. `tol` is the residual
    allowed, relative to that at the point. `blocks` are those of the matrix.
    """
    penalty, end, gradient = _penalty(objective), point.coef, point.gradient
    which: Any = slice(None)
    if not objective.loss.convex:
        which = np.flatnonzero(may_move(objective, point))
        matrix, penalty = matrix[np.ix_(which, which)], penalty.take(which)
        blocks = None
    limits = penalty.l1, penalty.lower, penalty.upper
    slope = gradient[which] - matrix @ end[which]
    found = minimize_quadratic(
        matrix, slope, *limits, end[which], tol=tol, blocks=blocks
    )
    end = end.copy()
    end[which] = found.u
    return end, found.solved


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
        self,
        objective: Objective,
        sample_hessian: HessianMatrix | None = None,
        *,
        near: bool = False,
        fine: bool = False,
    ):
        super().__init__(objective, sample_hessian, fine=fine)
        self._penalty = _penalty(objective)
        self._matrix = None if sample_hessian is None else sample_hessian.matrix
        self._forcing = _EXACT if near else _ROUGH
        self._dual_step: DualStep | None = None  # the last one

    def _add_pair(self, point: Evaluation) -> None:
        last = self._last
        if last is None or last[0] is point.coef or self._matrix is None:
            return
        change, bend = point.coef - last[0], point.gradient - last[1]
        self._matrix = bfgs_update(self._matrix, change, bend)

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
        which = np.flatnonzero(may_move(self._objective, point))
        return factor(matrix[np.ix_(which, which)]) is not None

    def _step(self, point: Evaluation, accuracy: float) -> Step:
        assert self._current is not None
        assert self._matrix is not None
        shift = self._current.shift
        if self._forcing <= _EXACT and self._matrix is self._current.matrix:
            self._dual_step = self._current.dual_step(point)
            end = self._dual_step.end
        else:
            objective, matrix, tol = self._objective, self._matrix, self._forcing
            end, solved = model_end(objective, matrix, point, tol)
            if not solved and tol > _EXACT:
                # Where the loss is saturated, the model may have no minimum.
                shift += FIRST_SHIFT
                matrix = matrix + FIRST_SHIFT * self._majorizer
                end = proximal_point(objective, matrix, point, tol)
        direction = end - point.coef
        fall = -float(point.gradient @ direction)
        fall -= float(self._penalty.l1 @ (np.abs(end) - np.abs(point.coef)))
        self._forcing = min(_ROUGH, np.sqrt(max(0.0, fall) / point.value))
        return Step(
            point,
            accuracy,
            direction,
            decrement2=max(0.0, fall),
            shift=shift,
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

    @property
    def known(self) -> HessianMatrix | None:
        """The current Hessian, if it is that of all rows."""
        known = self._current
        return known if known and known.objective is self._objective else None

    def dual_steps(self, point: Evaluation, _accuracy: float) -> Iterator[DualStep]:
        """Yield steps that the dual variables may follow, the less costly first.

        The first may be the step that ends at the point.
        """
        last = self._dual_step
        if last is not None and last.end is point.coef and self.known is not None:
            yield last
        if self._current is not None and self.known is None:
            yield self._current.dual_step(point)
        if self.known is None:
            self._renew(point)
        assert self._current is not None
        yield self._current.dual_step(point)

    def certify_after(self, step: Step, after: Evaluation) -> float:
        """Return the bound of the dual point that the step has led to.

        Without a pass over X: the slopes are those of the quadratic model, whose
        rounding errors are charged.
        """
        known, objective, point = self._current, self._objective, step.point
        if known is None or self._matrix is not known.matrix:
            return np.inf
        direction = after.coef - point.coef
        dual = dual_after_step(objective, point.margins, after.margins)
        diagonal = known.matrix.diagonal()
        residual = point.gradient + known.matrix @ direction
        return excess_of_slopes(
            objective,
            self._penalty,
            dual,
            known.curvature,
            after.value,
            after.coef,
            after.coef,
            self._penalty.curvature * after.coef - residual,
            diagonal,
            rounding=NOISE * float(np.sqrt(diagonal) @ np.abs(direction)),
        )

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
