"""The quadratic model by a Cholesky factor of a Hessian that serves many steps."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Evaluation, Objective, RowVector
from sk_logreg._solvers._factors import factor, most_negative_curvature
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton._lbfgs import Correction
from sk_logreg._solvers._newton._model import FIRST_SHIFT, Bound, Curvature, Step
from sk_logreg._tolerances import EPS, FINE


@dataclass(frozen=True)
class CholeskyOptions:
    """The parameters of the Cholesky model."""

    #: With fewer values per row than this, recomputing the margins of a sample is
    #: cheaper than storing those of all rows.
    narrow: int = 16


_OPTIONS = CholeskyOptions()


class CholeskyModel:
    """A quadratic model whose matrix is kept for as long as it serves.

    The first may be a factored Hessian of a sample of the rows.
    """

    def __init__(
        self, objective: Objective, sample_hessian: FactoredHessian | None = None
    ):
        self._objective = objective
        self._current = self._of_sample = sample_hessian
        self._shift = 0.0
        costs = objective.costs
        self._hessian_with_gradient = costs.gram_is_cheap
        # The sample's Hessian usually lasts to the end of the fit, and its certificate
        # needs the margins of the sample alone.
        provable = objective.loss.dual is not None and objective.problem.bounded
        narrow = costs.n_values < _OPTIONS.narrow * objective.n_samples
        self._discards_margins = sample_hessian is not None and provable and narrow
        self._factored_at: Evaluation | None = None
        self._last: tuple[Vector, Vector] | None = None  # coefficients and gradient
        self._correction = Correction()
        self._first_decrement2, self._n_uses = np.inf, 0

    def evaluate(self, coef: Vector) -> Evaluation:
        """Return the objective at a point, with its Hessian if that is cheap."""
        hessian = self._hessian_with_gradient or self._current is None
        discard = self._discards_margins and self._current is self._of_sample
        return self._objective.evaluate(coef, hessian=hessian, margins=not discard)

    def step(self, point: Evaluation, accuracy: float, *, exact: bool = False) -> Step:
        self._add_pair(point)
        step = None
        if not exact and point.hessian is None:
            step = self._reuse(point, accuracy)
        if step is None:
            self._refactor(point)
            step = self._step(point, accuracy)
        self._last = point.coef, point.gradient
        return step

    def factored_hessian(self, rows: Indices, point: Evaluation) -> FactoredHessian:
        """Return the current matrix, or that at a point, for a model of more rows.

        Of those rows, `rows` are this model's.
        """
        if self._current is None:
            self._refactor(point)
        assert self._current is not None
        return replace(self._current, rows=rows)

    def _add_pair(self, point: Evaluation) -> None:
        """Note how the gradient changed from the last point to this one."""
        last = self._last
        if self._hessian_with_gradient or last is None or last[0] is point.coef:
            return
        known = None if self._current is None else self._current.factor
        self._correction.add(point.coef - last[0], point.gradient - last[1], known)

    def _reuse(self, point: Evaluation, accuracy: float) -> Step | None:
        """Return the step by the current matrix, None if a new one is due."""
        if self._current is None or self._current.factor.singular:
            return None
        step = self._step(point, accuracy)
        excess = 0.5 * step.decrement2
        # Near the minimum each exact step gains many digits.
        if accuracy < FINE * point.value and excess < np.sqrt(FINE) * point.value:
            return None
        self._n_uses += 1
        if self._n_uses == 1:
            self._first_decrement2 = step.decrement2
        if self._n_uses == 1 or excess <= accuracy:
            return step
        # At the rate of the steps so far, how many more? A new matrix takes about one,
        # at the cost of `affordable` steps by the current one.
        shrunk = np.log(self._first_decrement2 / step.decrement2) / (self._n_uses - 1)
        costs = self._objective.costs
        affordable = (1.0 + costs.gram) / (1.0 + costs.solve(len(step.direction)))
        left = np.log(excess / max(accuracy, EPS * point.value))
        return step if left < affordable * shrunk else None

    def _refactor(self, point: Evaluation) -> None:
        """Factor the Hessian at a point over all rows, shifted until it is convex."""
        if self._factored_at is point:
            return
        curvature, hessian = self._hessian(point)
        convex = self._objective.loss.convex
        shift, factored = 0.0, factor(hessian, semidefinite=convex)
        while factored is None:
            shift = max(8 * shift, FIRST_SHIFT, self._shift / 64)
            shifted = hessian + shift * self._majorizer
            factored = factor(shifted, semidefinite=shift >= 1.0)
        self._shift = shift
        self._current = FactoredHessian(
            self._objective, slice(None), curvature, factored, shift
        )
        self._factored_at = point
        self._first_decrement2, self._n_uses = np.inf, 0
        self._correction = Correction()

    def _hessian(self, point: Evaluation) -> tuple[RowVector, Matrix]:
        """Return the curvature of each row at a point, and the Hessian."""
        if point.curvature is not None and point.hessian is not None:
            return point.curvature, point.hessian
        curvature = self._objective.curvature(point.margins)
        return curvature, self._objective.hessian(curvature)

    def _step(self, point: Evaluation, accuracy: float) -> Step:
        """Return the step by the current matrix and the changes seen since."""
        assert self._current is not None
        direction = self.last_step(point)
        return Step(
            point,
            accuracy,
            direction,
            decrement2=-float(point.gradient @ direction),
            shift=self._current.shift,
            exact=self._factored_at is point,
            extendable=self._objective.loss.convex,
        )

    def last_step(self, point: Evaluation) -> Vector:
        assert self._current is not None
        return -self._correction.solve(self._current.factor, point.gradient)

    def certify(self, step: Step) -> Bound:
        point = step.point
        for known in self._certifying(point):
            weights = self._objective.weights.take(known.rows)
            bound = known.certify(self._margins(point, known), weights, point)
            if np.isfinite(bound.excess):
                break
        return bound

    def certify_after(self, step: Step, after: Evaluation) -> float:
        assert self._current is not None
        return self._current.certify_after(step.point, after, step.decrement2)

    def _certifying(self, point: Evaluation) -> Iterator[FactoredHessian]:
        """Yield matrices that may give a bound at a point, the less costly first.

        The current one may be too old to give a feasible dual point. The sample's,
        factored again at the point, usually does, unless it is singular: rows outside
        the sample may need the directions that it leaves out.
        """
        assert self._current is not None
        of_sample = self._of_sample
        if of_sample is None:
            yield self._current
            return
        sample = of_sample.objective
        cost = (1.0 + sample.costs.gram) * sample.n_samples
        cheaper = cost < self._objective.n_samples
        old = self._current is not of_sample and self._factored_at is not point
        if not (old and cheaper):
            yield self._current
        margins = self._margins(point, of_sample)
        refactored = FactoredHessian.at(sample, margins, of_sample.rows)
        if refactored is not None and not refactored.factor.singular:
            yield refactored
        if old and cheaper:
            yield self._current

    def _margins(self, point: Evaluation, known: FactoredHessian) -> RowVector:
        """Return the margins of a matrix's rows."""
        if self._discards_margins and known.objective is not self._objective:
            return known.objective.margins(point.coef)
        return point.margins.take(known.rows)

    def least_curvature(self, point: Evaluation) -> Curvature:
        self._refactor(point)
        assert self._current is not None
        if self._current.shift == 0.0:
            return Curvature(self._current.factor.eigenvalue_ratio())
        _, hessian = self._hessian(point)
        direction = most_negative_curvature(hessian, self._majorizer)
        return Curvature(negative_direction=direction)

    @cached_property
    def _majorizer(self) -> Matrix:
        return self._objective.hessian(self._objective.curvature_bound)
