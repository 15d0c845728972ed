"""A quadratic model whose Hessian is kept for as long as it serves."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Generic, Self, TypeVar

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Evaluation, Objective, RowVector
from sk_logreg._solvers._newton._model import FIRST_SHIFT, Bound, Curvature, Step
from sk_logreg._tolerances import EPS, FINE

# With fewer values per row than this, recomputing the margins of a sample is cheaper
# than storing those of all rows.
_NARROW = 16


@dataclass(frozen=True, eq=False)
class KnownHessian(ABC):
    """A Hessian, in some form: over which rows, and with which curvature.

    `objective` is that over those rows, and `rows` are their positions in all rows. A
    multiple of the majorizer, `shift`, has been added to it.
    """

    objective: Objective
    rows: slice | Indices
    curvature: RowVector
    shift: float = field(default=0.0, kw_only=True)

    @classmethod
    @abstractmethod
    def at(
        cls,
        objective: Objective,
        margins: RowVector,
        rows: slice | Indices = slice(None),
    ) -> Self | None:
        """Return the Hessian at a point, by its margins; None where it has no use."""

    @property
    def reusable(self) -> bool:
        """Whether it serves points other than its own."""
        return True

    @abstractmethod
    def certify(
        self, margins: RowVector, weights: RowVector, point: Evaluation
    ) -> Bound:
        """Return the bound on f - f* at a point, by the rows' margins and weights."""


Known = TypeVar("Known", bound=KnownHessian)


class ReusedHessianModel(ABC, Generic[Known]):
    """A quadratic model whose matrix is kept for as long as it serves.

    The first may be the Hessian of a sample of the rows. With a `fine` goal, the last
    is that of all rows. If the matrix is not to be `renewed`, the first one is the only
    one, and there is no step where it serves no longer.
    """

    def __init__(
        self,
        objective: Objective,
        sample_hessian: Known | None = None,
        *,
        fine: bool = False,
        renewed: bool = True,
    ):
        self._objective = objective
        self._is_renewed = renewed
        self._current = self._of_sample = sample_hessian
        self._shift = 0.0
        costs = objective.costs
        self._hessian_with_gradient = costs.gram_is_cheap
        # The sample's Hessian usually lasts to the end of the fit, and its certificate
        # needs the margins of the sample alone.
        provable = objective.loss.dual is not None and objective.problem.bounded
        # The sample of rows in partitions is in memory, unlike their margins.
        cheaper = costs.n_values < _NARROW * objective.n_samples
        cheaper = cheaper or (objective.rows.partitioned and not fine)
        self._discards_margins = sample_hessian is not None and provable and cheaper
        self._known_at: Evaluation | None = None
        self._last: tuple[Vector, Vector] | None = None  # coefficients and gradient
        self._first_decrement2, self._n_uses = np.inf, 0

    def evaluate(self, coef: Vector) -> Evaluation:
        """Return the objective at a point, with its Hessian if that is cheap."""
        hessian = self._hessian_with_gradient or self._current is None
        discard = self._discards_margins and self._current is self._of_sample
        return self._objective.evaluate(coef, hessian=hessian, margins=not discard)

    def step(
        self, point: Evaluation, accuracy: float, *, exact: bool = False
    ) -> Step | None:
        self._add_pair(point)
        step = None
        if not exact and point.hessian is None:
            step = self._reuse(point, accuracy)
        if step is None and not self._is_renewed:
            return None
        if step is None:
            self._renew(point)
            step = self._step(point, accuracy)
        self._last = point.coef, point.gradient
        return step

    def known_hessian(self, rows: Indices, point: Evaluation) -> Known:
        """Return the current matrix, or that at a point, for a model of more rows.

        Of those rows, `rows` are this model's.
        """
        if self._current is None:
            self._renew(point)
        return replace(self._held, rows=rows)

    @property
    def _held(self) -> Known:
        """The current matrix; there is one as soon as there is a step."""
        assert self._current is not None
        return self._current

    @abstractmethod
    def _add_pair(self, point: Evaluation) -> None:
        """Note how the gradient changed from the last point to this one."""

    @abstractmethod
    def _known(
        self, point: Evaluation, curvature: RowVector, hessian: Matrix, shift: float
    ) -> Known | None:
        """Return the Hessian at a point with a shift; None if it is not convex yet."""

    @abstractmethod
    def _step(self, point: Evaluation, accuracy: float) -> Step:
        """Return the step by the current matrix and the changes seen since."""

    @abstractmethod
    def last_step(self, point: Evaluation) -> Vector:
        """Return an approximate Newton step, without a pass over X."""

    @abstractmethod
    def certify_after(self, step: Step, after: Evaluation) -> float:
        """Return the bound on f - f* after a whole step that was solved."""

    @abstractmethod
    def least_curvature(self, point: Evaluation) -> Curvature:
        """Return the least curvature of the Hessian at a point."""

    def _reuse(self, point: Evaluation, accuracy: float) -> Step | None:
        """Return the step by the current matrix, None if a new one is due."""
        if self._current is None or not self._current.reusable:
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

    def _renew(self, point: Evaluation) -> None:
        """Compute the Hessian at a point over all rows, shifted until it is convex."""
        if self._known_at is point:
            return
        curvature, hessian = self._hessian(point)
        shift = 0.0
        while (known := self._known(point, curvature, hessian, shift)) is None:
            shift = max(8 * shift, FIRST_SHIFT, self._shift / 64)
        self._shift, self._current, self._known_at = shift, known, point
        self._first_decrement2, self._n_uses = np.inf, 0

    def _hessian(self, point: Evaluation) -> tuple[RowVector, Matrix]:
        """Return the curvature of each row at a point, and the Hessian."""
        if point.curvature is not None and point.hessian is not None:
            return point.curvature, point.hessian
        curvature = self._objective.curvature(point.margins)
        return curvature, self._objective.hessian(curvature)

    def certify(self, step: Step) -> Bound:
        point = step.point
        for known in self._certifying(point):
            weights = self._objective.weights.take(known.rows)
            bound = known.certify(self._margins(point, known), weights, point)
            if np.isfinite(bound.excess):
                break
        return bound

    def _certifying(self, point: Evaluation) -> Iterator[Known]:
        """Yield matrices that may give a bound at a point, the less costly first.

        The current one may be too old to give a feasible dual point. The sample's,
        factored again at the point, usually does, unless it is singular: rows outside
        the sample may need the directions that it leaves out.
        """
        current, of_sample = self._held, self._of_sample
        if of_sample is None:
            yield current
            return
        sample = of_sample.objective
        cost = (1.0 + sample.costs.gram) * sample.n_samples
        old = current is not of_sample and self._known_at is not point
        renewed_first = old and cost < self._objective.n_samples
        if not renewed_first:
            yield current
        margins = self._margins(point, of_sample)
        renewed = type(of_sample).at(sample, margins, of_sample.rows)
        if renewed is not None and renewed.reusable:
            yield renewed
        if renewed_first:
            yield current

    def _margins(self, point: Evaluation, known: Known) -> RowVector:
        """Return the margins of a matrix's rows."""
        if self._discards_margins and known.objective is not self._objective:
            return known.objective.margins(point.coef)
        return point.margins.take(known.rows)

    @cached_property
    def _majorizer(self) -> Matrix:
        return self._objective.hessian(self._objective.curvature_bound)
