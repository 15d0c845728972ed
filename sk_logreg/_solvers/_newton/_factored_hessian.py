"""A Hessian and its factor: Newton steps, and the bounds that follow from them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._objective import (
    Evaluation,
    Objective,
    RowVector,
    dual_after_step,
    dual_of_step,
    weighted_variance,
)
from sk_logreg._solvers._certificates import DualGap
from sk_logreg._solvers._factors import Factor, factor
from sk_logreg._solvers._newton._model import Bound
from sk_logreg._solvers._newton._reused_hessian import KnownHessian
from sk_logreg._tolerances import ACCURATE, NOISE

# Norms in the metric of the inverse grow by at most this factor if rows are left out
# whose leverages add up to a half.
_WITHOUT_ROWS = np.sqrt(2.0)


@dataclass(frozen=True)
class CertificateOptions:
    """The parameters of the certificates of a factored Hessian."""

    #: A system counts as solved if the norm of its residual is at most this share of
    #: the norm of the solution. Where the parts of rows are limited it is the square of
    #: this share, since a correction would again exceed the limits.
    solved: float = 1e-3
    #: Maximum number of corrections of a solution by residuals.
    max_corrections: int = 5
    #: Leverages are computed for at most this many values.
    max_values: int = 1 << 22
    #: The largest residual after a step, relative to the step, for which it is bounded.
    largest_residual: float = 0.1
    #: A system is an old one if its curvatures exceed those at the point by this ratio,
    #: and a factor inaccurate if its quadratic form exceeds that of the matrix so.
    largest_ratio: float = 2.0


_OPTIONS = CertificateOptions()


class _SolvedStep(NamedTuple):
    """A Newton step d, and how well it solves its system.

    `residual` is g + H d, `norm` its norm in the metric of H⁻¹, and `size` that of d in
    that of H. If it is `solved`, the residual is small enough to be charged by its
    norm.
    """

    direction: Vector
    change: RowVector
    residual: Vector
    norm: float
    size: float
    solved: bool


@dataclass(frozen=True, eq=False)
class FactoredHessian(KnownHessian):
    """A Hessian that was factored; see `KnownHessian`."""

    factor: Factor

    @classmethod
    def at(
        cls,
        objective: Objective,
        margins: RowVector,
        rows: slice | Indices = slice(None),
    ) -> "FactoredHessian | None":
        """Return the Hessian at a point, by its margins; None where indefinite."""
        curvature, convex = objective.curvature(margins), objective.loss.convex
        factored = factor(objective.hessian(curvature), semidefinite=convex)
        if factored is None:
            return None
        return cls(objective, rows, curvature, factored)

    @property
    def reusable(self) -> bool:
        return not self.factor.singular

    @cached_property
    def complete(self) -> bool:
        """Whether the factor left out only directions that change no z with weight."""
        directions = self.factor.null_space
        if directions is None:
            return True
        # All of them at once, combined at random.
        draw = np.random.default_rng(0).standard_normal(directions.shape[1])
        direction, objective = directions @ draw, self.objective
        squares = objective.product_diagonal(objective.weights) * direction**2
        # Relative to what each column's part of z changes by.
        limit = ACCURATE * float(np.sqrt(squares.max()))
        change = objective.margin_change(direction)
        return objective.weighted_extremes(change).size <= limit

    @cached_property
    def accurate(self) -> bool:
        """Whether its norms are those of the Hessian, but for directions left out.

        Where it is ill-conditioned, a product with X shows it, in the direction of its
        smallest eigenvalue.
        """
        if self.factor.well_conditioned():
            return True
        direction, value = self.factor.smallest_eigenpair()
        image = self.objective.product(self.curvature, direction)
        image += self.objective.penalty.curvature * direction
        return value <= _OPTIONS.largest_ratio * float(direction @ image)

    def certify(
        self, margins: RowVector, weights: RowVector, point: Evaluation
    ) -> Bound:
        """Return the bound on f - f* at a point, given the rows' margins and weights.

        It charges the residual of its Newton system: to the penalty or, where the
        factor is accurate, in the norm of the inverse, whichever is less. A direction
        left out that changes some z has no bound but the penalty's; one that changes
        none has the penalty's slope alone. For a loss without a dual the bound is that
        of the quadratic model.
        """
        objective = self.objective
        if objective.loss.convex and not (self.factor.singular or self.accurate):
            return self._without_inaccurate().certify(margins, weights, point)
        step = self._solved(point.gradient)
        complete = self.complete and self._is_level(point)
        known = complete and step.solved and self.accurate
        left_out = self._left_out(point.coef + step.direction) if known else np.inf
        if objective.loss.dual is None:
            excess = 0.5 * (step.size + step.norm) ** 2 + left_out
            change = step.change.extremes()
            singular = self.factor.singular
            return Bound(excess, change.least, change.greatest, complete, singular)
        dual = dual_of_step(objective, margins, weights, self.curvature, step.change)
        bound = Bound(np.inf, dual.min_change, dual.max_change, complete)
        if dual.max_ratio > 1.0 and dual.curvature_ratio <= _OPTIONS.largest_ratio:
            # Rows with large margins have tiny dual variables, and the step asks for
            # more. Limit their parts and solve for the other rows.
            limit = weighted_variance(objective, margins, weights)
            most = _OPTIONS.max_values // objective.n_dof
            above = objective.rows.above(limit, self.curvature, step.change, most)
            known = known and above is not None and self._is_definite_without(above)
            step = self._solved(point.gradient, step.direction, limit)
            known = known and step.solved
            dual = dual_of_step(
                objective, margins, weights, self.curvature, step.change, clip=True
            )
        gap = DualGap(
            dual,
            step.direction,
            step.residual,
            objective.penalty,
            self.curvature.total() if objective.problem.free_bias else None,
        )
        excess = gap.by_penalty(self.factor.diagonal)
        if known:
            excess = min(excess, gap.by_norm(_WITHOUT_ROWS * step.norm) + left_out)
        return replace(bound, excess=excess)

    def _is_definite_without(self, rows: Indices) -> bool:
        """Return whether the Hessian without some rows is at least half of it.

        So it is if the sum of their leverages is at most a half.
        """
        norms = self.factor.norms(self.objective.dense_rows(rows, intercept=True))
        return self.curvature.take(rows).dot(RowVector(norms**2)) <= 0.5

    def _without_inaccurate(self) -> "FactoredHessian":
        """Return the same, leaving out directions whose eigenvalues are inaccurate."""
        matrix = self.objective.hessian(self.curvature)
        factored = factor(matrix, semidefinite=True, inaccurate=True)
        assert factored is not None
        return replace(self, factor=factored)

    def _is_level(self, point: Evaluation) -> bool:
        """Return whether the loss has no slope in the directions left out.

        Up to the rounding error of the gradient. A direction that changes no z has
        none, but a few huge values may give it an apparent slope.
        """
        directions = self.factor.null_space
        if directions is None or not isinstance(self.rows, slice):
            return True
        penalty_slope = self.objective.penalty.gradient(point.coef)
        slopes = (point.gradient - penalty_slope) @ directions
        sizes = self.objective.slope_sizes(point)[0] @ np.abs(directions)
        return bool((np.abs(slopes) <= 4 * NOISE * sizes).all())

    def _solved(
        self,
        gradient: Vector,
        direction: Vector | None = None,
        limit: RowVector | None = None,
    ) -> "_SolvedStep":
        """Return a step that solves the system, corrected by residuals from X.

        Starts at a direction, if one is given. `limit` is the greatest part of each row
        in H d.
        """
        if direction is None:
            direction = -self.factor.solve(gradient)
        size = np.sqrt(max(0.0, -float(gradient @ direction)))
        share = _OPTIONS.solved if limit is None else _OPTIONS.solved**2
        for count in range(1 + _OPTIONS.max_corrections):
            change, residual = self.objective.change_and_residual(
                self.curvature, direction, gradient, limit
            )
            norm = self.factor.norm(residual)
            solved = norm <= share * size
            if solved or not np.isfinite(norm) or count == _OPTIONS.max_corrections:
                break
            direction = direction - self.factor.solve(residual)
        return _SolvedStep(direction, change, residual, norm, size, solved)

    def _left_out(self, coef: Vector) -> float:
        """Return how far the penalty may fall in the directions left out."""
        directions = self.factor.null_space
        if directions is None:
            return 0.0
        return self.objective.penalty.reduction_over(directions, coef)

    def certify_after(
        self, point: Evaluation, after: Evaluation, decrement2: float
    ) -> float:
        """Return the bound on f - f* after a whole Newton step from a point.

        Without a pass over X. If the system was solved exactly, the gradient after the
        step is that of the change of the dual variables; what exceeds it is the
        residual. Infinite where this factor, of the Hessian at the point, gives no
        bound.
        """
        if self.factor.singular or not self.accurate:
            return np.inf
        dual = dual_after_step(self.objective, point.margins, after.margins)
        if not dual.reach <= 1.0:
            return np.inf
        # Curvatures at both ends differ by at most this factor, squared.
        stretch = np.exp(0.5 * dual.reach)
        left = self.factor.norm(after.gradient)
        left += stretch * np.sqrt(dual.quadratic)
        if left**2 > _OPTIONS.largest_residual**2 * decrement2:
            return np.inf
        return dual.bound(residual_norm=left)
