"""A Hessian and its factor: Newton steps, and the bounds that follow from them."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Vector
from sk_logreg._dual_gap import DualGap
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._linalg import Factor, factor
from sk_logreg._solvers._newton import Bound

# A direction that changes z by less than this share of what its parts do changes none.
_IDLE = 1e-10
# A sum that is this share of its terms' sizes is their rounding.
_ROUNDING = 256 * float(np.finfo(np.float64).eps)
# A system counts as solved where what is left of it has at most this share of the
# solution's norm; refinement is tried at most this often.
_SOLVED = 1e-3
_REFINEMENTS = 5
# The same where contributions of rows are limited. It is far smaller, since a
# correction would again ask for more than the limited rows have.
_SOLVED_TO_THE_END = 1e-6
# Norms in the metric of the inverse grow by this factor at most, if rows are left out
# whose leverages add up to a half; no more values are looked at for that.
_WITHOUT_ROWS = np.sqrt(2.0)
_MOST_VALUES = 1 << 22
# What a step may leave at most, as a share of itself, if that is only bounded.
_LEFT = 0.1
# A system whose curvatures exceed those at the point by more is an old one.
_CURRENT = 2.0
# The quadratic form of a factor may exceed the matrix's own by this ratio.
_OVERSTATED = 2.0


class _SolvedStep(NamedTuple):
    """A Newton step, and how well it solves its system.

    Attributes
    ----------
    direction, residual : ndarray of shape (n_dof,)
        d, and g + H d.
    changes : ndarray of shape (n_samples,)
        The changes of the margins along d.
    norm, size : float
        The norm of the residual in the metric of H⁻¹, and that of d in that of H.
    solved : bool
        Whether the residual is small enough to be charged by its norm.
    """

    direction: Vector
    changes: Vector
    residual: Vector
    norm: float
    size: float
    solved: bool


@dataclass(frozen=True)
class FactoredHessian:
    """A Hessian that was factored: over which rows, and with which curvature.

    Attributes
    ----------
    objective : Objective
        The objective over those rows.
    rows : slice or ndarray
        Which of all rows they are.
    diagonal : ndarray
        The weighted curvature of each.
    factor : Factor
        The factor of the Hessian plus `shift` times the majorizer.
    shift : float
    """

    objective: Objective
    rows: slice | NDArray[np.intp]
    diagonal: Vector
    factor: Factor
    shift: float = 0.0

    @classmethod
    def at(cls, objective: Objective, margins: Vector) -> "FactoredHessian | None":
        """Return the Hessian of an objective at a point, None where it is indefinite.

        Parameters
        ----------
        objective : Objective
        margins : ndarray of shape (n_samples,)
            The margins at the point.
        """
        diagonal, convex = objective.curvature(margins), objective.loss.convex
        factored = factor(objective.hessian(diagonal), semidefinite=convex)
        if factored is None:
            return None
        return cls(objective, slice(None), diagonal, factored)

    def renewed(self, margins: Vector) -> "FactoredHessian":
        """Return the same at a point, given these rows' margins, for a convex loss."""
        renewed = self.at(self.objective, margins)
        assert renewed is not None
        return replace(renewed, rows=self.rows)

    @cached_property
    def complete(self) -> bool:
        """Whether the factor left out only directions that change no z."""
        directions = self.factor.left_out
        if directions is None:
            return True
        # All of them at once, combined at random.
        draw = np.random.default_rng(0).standard_normal(directions.shape[1])
        left_out, objective = directions @ draw, self.objective
        squares = objective.product_diagonal(objective.weights) * left_out**2
        return objective.reach(left_out) <= _IDLE * float(np.sqrt(squares.max()))

    @cached_property
    def accurate(self) -> bool:
        """Whether its norms are those of the Hessian, but for directions left out.

        Where it is ill-conditioned, that is seen in the direction in which it is
        weakest, by a product with X.
        """
        if self.factor.well_conditioned():
            return True
        direction, value = self.factor.weakest()
        image = self.objective.product(self.diagonal, direction)
        image += self.objective.strengths * direction
        return value <= _OVERSTATED * float(direction @ image)

    def certify(self, margins: Vector, weights: Vector, point: Evaluation) -> Bound:
        """Return the bound on f - f* at a point.

        It charges all that the step leaves of its system: to the penalty or, where
        the factor is accurate, in the norm of the inverse, whichever is less. A
        direction left out that changes some z has no bound but the penalty's; one
        that changes none has the penalty's slope alone. For a loss that is not convex
        the bound is that of the quadratic model.

        Parameters
        ----------
        margins, weights : ndarray
            The margins of the Hessian's rows at the point, and the weights that they
            have there.
        point : Evaluation
        """
        objective = self.objective
        if objective.loss.convex and not (self.factor.singular or self.accurate):
            return self._without_the_weakest().certify(margins, weights, point)
        step = self._solved(point.gradient)
        complete = self.complete and self._is_level(point)
        known = complete and step.solved and self.accurate
        left_out = self._left_out(point.coef + step.direction) if known else np.inf
        if not objective.loss.convex:
            excess = 0.5 * (step.size + step.norm) ** 2 + left_out
            lowest, highest = float(step.changes.min()), float(step.changes.max())
            singular = self.factor.singular
            return Bound(excess, lowest, highest, complete, singular)
        divergence = objective.divergence_along(
            margins, weights, self.diagonal, step.changes
        )
        lowest, highest = divergence.lowest, divergence.highest
        if divergence.furthest > 1.0 and divergence.ratio <= _CURRENT:
            # Rows with large margins have tiny dual variables, and the step asks for
            # more. Limit their contributions and solve for the other rows.
            slack = objective.slack(margins, weights)
            known = known and self._is_free_of(
                np.flatnonzero(self.diagonal * np.abs(step.changes) > slack)
            )
            step = self._solved(point.gradient, step.direction, slack)
            known = known and step.solved
            divergence = objective.divergence_along(
                margins, weights, self.diagonal, step.changes, clip=True
            )
        gap = DualGap(
            divergence,
            step.direction,
            step.residual,
            objective.strengths,
            float(self.diagonal.sum()),
        )
        excess = gap.by_penalty(self.factor.diagonal)
        if known:
            excess = min(excess, gap.by_norm(_WITHOUT_ROWS * step.norm) + left_out)
        return Bound(excess, lowest, highest, complete)

    def _is_free_of(self, rows: NDArray[np.intp]) -> bool:
        """Return whether the Hessian without some rows is at least half of it.

        So it is where the sum of their leverages is at most a half.
        """
        if len(rows) * self.objective.n_dof > _MOST_VALUES:
            return False
        norms = self.factor.norms(self.objective.rows_of(rows))
        return float(self.diagonal[rows] @ norms**2) <= 0.5

    def _without_the_weakest(self) -> "FactoredHessian":
        """Return the same, leaving out directions whose eigenvalues are inaccurate."""
        matrix = self.objective.hessian(self.diagonal)
        factored = factor(matrix, semidefinite=True, inaccurate=True)
        assert factored is not None
        return replace(self, factor=factored)

    def _is_level(self, point: Evaluation) -> bool:
        """Return whether the loss has no slope in the directions left out.

        But for the rounding of the gradient. A direction that changes no z has none; a
        few huge values may make one seem to.
        """
        directions = self.factor.left_out
        if directions is None or not isinstance(self.rows, slice):
            return True
        slopes = (point.gradient - self.objective.strengths * point.coef) @ directions
        sizes = self.objective.slope_sizes(point) @ np.abs(directions)
        return bool((np.abs(slopes) <= _ROUNDING * sizes).all())

    def _solved(
        self,
        gradient: Vector,
        direction: Vector | None = None,
        most: Vector | None = None,
    ) -> "_SolvedStep":
        """Return a step that solves the system, refined by residuals from X.

        Parameters
        ----------
        gradient : ndarray of shape (n_dof,)
        direction : ndarray of shape (n_dof,), optional
            Where to start.
        most : ndarray of shape (n_samples,), optional
            The most that a row may contribute.
        """
        if direction is None:
            direction = -self.factor.solve(gradient)
        size = np.sqrt(max(0.0, -float(gradient @ direction)))
        share = _SOLVED if most is None else _SOLVED_TO_THE_END
        for count in range(1 + _REFINEMENTS):
            changes, residual = self.objective.changes_and_residual(
                self.diagonal, direction, gradient, most
            )
            norm = self.factor.norm(residual)
            solved = norm <= share * size
            if solved or not np.isfinite(norm) or count == _REFINEMENTS:
                break
            direction = direction - self.factor.solve(residual)
        return _SolvedStep(direction, changes, residual, norm, size, solved)

    def _left_out(self, coef: Vector) -> float:
        """Return how far the penalty may fall in the directions left out."""
        directions = self.factor.left_out
        if directions is None or not self.objective.strengths.any():
            return 0.0
        roots = np.sqrt(self.objective.strengths)
        directions = roots[:, None] * directions
        lengths = np.linalg.norm(directions, axis=0)
        basis, _ = np.linalg.qr(directions / np.where(lengths > 0.0, lengths, 1.0))
        return 0.5 * float(np.sum(((roots * coef) @ basis) ** 2))

    def certify_step(
        self, point: Evaluation, after: Evaluation, decrement2: float
    ) -> float:
        """Return the bound on f - f* after a whole Newton step from a point.

        Without a read of X: were the system solved, the gradient after the step would
        be that of the change of the dual variables; what it is more is left of the
        system. Infinite where this factor does not tell.

        Parameters
        ----------
        point, after : Evaluation
            Where the Hessian is this one, and where its step led.
        decrement2 : float
            The squared Newton decrement of the step.
        """
        if self.factor.singular or not self.accurate:
            return np.inf
        divergence = self.objective.divergence_after(point.margins, after.margins)
        change = max(-divergence.lowest, divergence.highest)
        if not change <= 1.0:
            return np.inf
        # Curvatures at both ends differ by this factor at most, squared.
        stretch = np.exp(0.5 * change)
        left = self.factor.norm(after.gradient)
        left += stretch * np.sqrt(divergence.quadratic)
        if left**2 > _LEFT**2 * decrement2:
            return np.inf
        return divergence.bound(residual_norm=stretch * left)
