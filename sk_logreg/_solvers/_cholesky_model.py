"""The quadratic model by a Cholesky factor of a Hessian that serves many steps."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Matrix, Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._factored_hessian import FactoredHessian
from sk_logreg._solvers._linalg import factor, most_negative_curvature
from sk_logreg._solvers._newton import FINE, FIRST_SHIFT, Bend, Bound, Step

# A Hessian that takes no longer than to read so many values costs little beside the
# rest of an evaluation.
_SMALL = 160_000
# X with fewer values a row is sooner read again than its margins are kept.
_NARROW = 16
# Where f is this close to its minimum, Newton's own steps bring many digits each.
_NEAR = 1e-4
_EPS = float(np.finfo(np.float64).eps)


class CholeskyModel:
    """A quadratic model whose matrix is kept for as long as it serves."""

    def __init__(self, objective: Objective, borrowed: FactoredHessian | None = None):
        self._objective = objective
        self.curvature = self._borrowed = borrowed
        self._shift = 0.0
        design = objective.design
        self._fused = design.n_values * design.reads_per_gram <= _SMALL
        # A matrix borrowed serves to the end as a rule, and nothing asks for margins.
        provable = objective.loss.convex and objective.penalized
        narrow = design.n_values < _NARROW * design.n_samples
        self._forgetful = borrowed is not None and provable and narrow
        self._fresh_at: Evaluation | None = None
        self._last: tuple[Vector, Vector] | None = None  # where, and the gradient
        self._pairs: list[tuple[Vector, Vector]] = []
        self._unit = 1.0  # what the matrix at hand is best multiplied with
        self._first_decrement2, self._n_uses = np.inf, 0

    def evaluate(self, coef: Vector, *, last: bool = False) -> Evaluation:
        """Return the objective at a point, with its Hessian where that is cheap."""
        fused = (self._fused and not last) or self.curvature is None
        kept = not (self._forgetful and self.curvature is self._borrowed)
        return self._objective.evaluate(coef, hessian=fused, margins=kept)

    def step(self, point: Evaluation, accuracy: float, exact: bool) -> Step:
        """Return the Newton step, with a shift if the Hessian is indefinite."""
        self._pair(point)
        step = None
        if not exact and point.hessian is None:
            step = self._reuse(point, accuracy)
        if step is None:
            self._refresh(point)
            step = self._step(point)
        self._last = point.coef, point.gradient
        return step

    def lend(self, rows: NDArray[np.intp], point: Evaluation) -> FactoredHessian:
        """Return the matrix at a point, or near it, for a model of more rows."""
        if self.curvature is None:
            self._refresh(point)
        assert self.curvature is not None
        return replace(self.curvature, rows=rows)

    def _pair(self, point: Evaluation) -> None:
        """Note how the gradient changed from the last point to this one."""
        if self._fused or self._last is None or self._last[0] is point.coef:
            return
        moved = point.coef - self._last[0]
        turned = point.gradient - self._last[1]
        if moved @ turned > _EPS * np.linalg.norm(moved) * np.linalg.norm(turned):
            self._pairs.append((moved, turned))
            if self.curvature is not None:
                turned_back = self.curvature.factor.solve(turned)
                self._unit = float((moved @ turned) / (turned @ turned_back))

    def _reuse(self, point: Evaluation, accuracy: float) -> Step | None:
        """Return the step by the matrix at hand, None where a new one is due."""
        if self.curvature is None or self.curvature.factor.singular:
            return None
        step = self._step(point)
        excess = 0.5 * step.decrement2
        if accuracy < FINE * point.value and excess < _NEAR * point.value:
            return None
        self._n_uses += 1
        if self._n_uses == 1:
            self._first_decrement2 = step.decrement2
        if self._n_uses == 1 or excess <= accuracy:
            return step
        # At the rate of the steps so far, how many more? A new matrix takes about one,
        # and costs as many reads of X as so many steps of the old one.
        shrunk = np.log(self._first_decrement2 / step.decrement2) / (self._n_uses - 1)
        design = self._objective.design
        triangles = 4.0 * len(step.direction) ** 2 / design.n_values
        affordable = (1.0 + design.reads_per_gram) / (1.0 + triangles)
        left = np.log(excess / max(accuracy, _EPS * point.value))
        return step if left < affordable * shrunk else None

    def _refresh(self, point: Evaluation) -> None:
        """Factor the Hessian at a point over all rows, shifted until it is convex."""
        if self._fresh_at is point:
            return
        diagonal, hessian = self._hessian(point)
        convex = self._objective.loss.convex
        shift, factored = 0.0, factor(hessian, semidefinite=convex)
        while factored is None:
            shift = max(8 * shift, FIRST_SHIFT, self._shift / 64)
            shifted = hessian + shift * self._majorizer
            factored = factor(shifted, semidefinite=shift >= 1.0)
        self._shift = shift
        rows = slice(None)
        self.curvature = FactoredHessian(
            self._objective, rows, diagonal, factored, shift
        )
        self._fresh_at = point
        self._first_decrement2, self._n_uses = np.inf, 0
        self._pairs.clear()
        self._unit = 1.0

    def _hessian(self, point: Evaluation) -> tuple[Vector, Matrix]:
        """Return the curvature of each row at a point, and the Hessian."""
        if point.curvature is not None and point.hessian is not None:
            return point.curvature, point.hessian
        diagonal = self._objective.curvature(point.margins)
        return diagonal, self._objective.hessian(diagonal)

    def _step(self, point: Evaluation) -> Step:
        """Return the step by the matrix at hand and the changes seen since."""
        assert self.curvature is not None
        direction = -self._solve(point.gradient)
        return Step(
            direction,
            decrement2=-float(point.gradient @ direction),
            shift=self.curvature.shift,
            exact=self._fresh_at is point,
            short=self._objective.loss.convex,
        )

    def _solve(self, gradient: Vector) -> Vector:
        """Return the L-BFGS matrix, built on the factor at hand, times a gradient."""
        assert self.curvature is not None
        v, shares = gradient, []
        for moved, turned in reversed(self._pairs):
            share = (moved @ v) / (moved @ turned)
            v = v - share * turned
            shares.append(share)
        v = self._unit * self.curvature.factor.solve(v)
        for (moved, turned), share in zip(self._pairs, reversed(shares), strict=True):
            v = v + (share - (turned @ v) / (moved @ turned)) * moved
        return v

    def certify(self, point: Evaluation, step: Step, accuracy: float) -> Bound:
        """Return the bound on f - f* at a point."""
        for known in self._certifying(point):
            margins, weights = self._margins(point, known), self._objective.weights
            bound = known.certify(margins, weights[known.rows], point)
            if np.isfinite(bound.excess):
                break
        return bound

    def certify_step(
        self, point: Evaluation, after: Evaluation, step: Step, accuracy: float
    ) -> float:
        """Return the bound on f - f* after a whole, exact step, without reading X."""
        assert self.curvature is not None
        return self.curvature.certify_step(point, after, step.decrement2)

    def _certifying(self, point: Evaluation) -> Iterator[FactoredHessian]:
        """Yield matrices that may give a bound at a point, the less costly first.

        The one at hand may be too old for that. That of the rows borrowed, renewed,
        seldom is, but tells nothing if it leaves out directions: other rows may need
        them.
        """
        assert self.curvature is not None
        borrowed, everything = self._borrowed, self._objective.design.n_samples
        if borrowed is None:
            yield self.curvature
            return
        design = borrowed.objective.design
        sooner = (1.0 + design.reads_per_gram) * design.n_samples < everything
        old = self.curvature is not borrowed and self._fresh_at is not point
        if not (old and sooner):
            yield self.curvature
        renewed = borrowed.renewed(self._margins(point, borrowed))
        if not renewed.factor.singular:
            yield renewed
        if old and sooner:
            yield self.curvature

    def _margins(self, point: Evaluation, known: FactoredHessian) -> Vector:
        """Return the margins of a matrix's rows."""
        if self._forgetful and known.objective is not self._objective:
            return known.objective.changes(point.coef)
        return point.margins[known.rows]

    def last_step(self, point: Evaluation) -> Vector:
        """Return about the Newton step: by the matrix at hand."""
        return -self._solve(point.gradient)

    def bend(self, point: Evaluation) -> Bend:
        """Return how the Hessian bends, after an exact step at the same point."""
        assert self.curvature is not None
        if self.curvature.shift == 0.0:
            return Bend(self.curvature.factor.eigenvalue_ratio())
        _, hessian = self._hessian(point)
        return Bend(np.nan, most_negative_curvature(hessian, self._majorizer))

    @cached_property
    def _majorizer(self) -> Matrix:
        return self._objective.hessian(self._objective.curvature_bound)
