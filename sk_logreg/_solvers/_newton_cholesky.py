"""Newton's method with a Cholesky factor of the Hessian, which serves many steps."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Matrix, Vector
from sk_logreg._objective import DualGap, Evaluation, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._linalg import Factor, factor, most_negative_curvature
from sk_logreg._solvers._newton import FINE, FIRST_SHIFT, Step, minimize
from sk_logreg._solvers._samples import sample_sizes, stratified_rows

# Where f is this close to its minimum on a sample, relative to the error that the
# sample itself makes, there is no point in coming closer.
_SAMPLE_ACCURACY = 0.1
# Up to this many values X is in the cache: a Hessian costs little beside the rest.
_SMALL = 1 << 17
# Where f is this close to its minimum, Newton's own steps bring many digits each.
_NEAR = 1e-4
_EPS = float(np.finfo(np.float64).eps)


def solve(
    objective: Objective, start: Vector, journal: Journal, *, tol: float
) -> Solution:
    """Minimize by Newton's method on nested samples of the rows, then on all of them.

    Each sample starts where the one before it ended. The Hessian of the last serves
    all rows as the initial matrix of L-BFGS, so that an iteration on all rows only
    takes a gradient; it is replaced by the Hessian of all rows if progress is slow.
    The bound that ends the fit holds whatever matrix is in use.

    See `minimize` for the parameters.

    References
    ----------
    .. [1] R. H. Byrd, G. M. Chin, W. Neveitt, J. Nocedal (2011). On the use of
       stochastic Hessian information in optimization methods for machine learning.
       SIAM Journal on Optimization 21(3), 977-995.
    .. [2] J. Nocedal (1980). Updating quasi-Newton matrices with limited storage.
       Mathematics of Computation 35, 773-782.
    """
    borrowed = None
    rng = np.random.default_rng(0)  # fixed: results do not depend on random_state
    for size in sample_sizes(objective):
        rows, weights = stratified_rows(objective, size, rng)
        sample = objective.sample(rows, weights)
        model = _CholeskyModel(sample)
        accuracy = _SAMPLE_ACCURACY * objective.n_dof / len(rows)
        solution = minimize(sample, start, journal, model, tol=accuracy)
        if solution.status.converged:
            start = solution.point.coef
            borrowed = model.lend(rows)
    model = _CholeskyModel(objective, borrowed)
    return minimize(objective, start, journal, model, tol=tol)


@dataclass(frozen=True)
class Curvature:
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


class _CholeskyModel:
    """A quadratic model whose matrix is kept for as long as it serves."""

    def __init__(self, objective: Objective, borrowed: Curvature | None = None):
        self._objective = objective
        self.curvature = borrowed
        self._fused = objective.design.n_values <= _SMALL
        self._fresh_at: Evaluation | None = None
        self._last: tuple[Evaluation, float] | None = None
        self._pairs: list[tuple[Vector, Vector]] = []

    def evaluate(self, coef: Vector) -> Evaluation:
        """Return the objective at a point, with its Hessian where that is cheap."""
        return self._objective.evaluate(coef, hessian=self._fused)

    def step(
        self, point: Evaluation, shift: float, accuracy: float, exact: bool
    ) -> Step:
        """Return the step for the smallest shift ≥ `shift` that makes it convex."""
        self._pair(point)
        step = None
        if not exact and shift == 0.0 and point.hessian is None:
            step = self._reuse(point, accuracy)
        if step is None:
            self._refresh(point, shift)
            step = self._step(point)
        self._last = point, step.decrement2
        return step

    def lend(self, rows: NDArray[np.intp]) -> Curvature:
        """Return the matrix at hand, for a model of more rows than these."""
        assert self.curvature is not None
        return replace(self.curvature, rows=rows)

    def _pair(self, point: Evaluation) -> None:
        """Note how the gradient changed from the last point to this one."""
        if self._last is None or self._last[0] is point:
            return
        moved = point.coef - self._last[0].coef
        turned = point.gradient - self._last[0].gradient
        if moved @ turned > _EPS * np.linalg.norm(moved) * np.linalg.norm(turned):
            self._pairs.append((moved, turned))

    def _reuse(self, point: Evaluation, accuracy: float) -> Step | None:
        """Return the step by the matrix at hand, None where a new one is due."""
        if self.curvature is None or self.curvature.factor.singular:
            return None
        step = self._step(point)
        excess = 0.5 * step.decrement2
        if accuracy < FINE * point.value and excess < _NEAR * point.value:
            return None
        if self._last is None or excess <= accuracy:
            return step
        rate = step.decrement2 / self._last[1]
        if rate > 0.5:
            return None
        # A new matrix takes about one step, and costs as much as this many.
        affordable = 1.0 + self._objective.design.reads_per_gram
        return step if np.log(excess / accuracy) < -affordable * np.log(rate) else None

    def _refresh(self, point: Evaluation, shift: float) -> None:
        """Factor the Hessian at a point, over all rows."""
        known = self.curvature
        if known and self._fresh_at is point and known.shift == shift:
            return
        diagonal = self._objective.curvature(point.margins)
        hessian = point.hessian
        if hessian is None:
            hessian = self._objective.hessian(diagonal)
        while True:
            shifted = hessian + shift * self._majorizer if shift > 0.0 else hessian
            factored = factor(shifted)
            if factored is not None:
                break
            shift = max(4 * shift, FIRST_SHIFT)
        rows = slice(None)
        self.curvature = Curvature(self._objective, rows, diagonal, factored, shift)
        self._fresh_at = point
        self._pairs.clear()

    def _step(self, point: Evaluation) -> Step:
        """Return the step by the matrix at hand and the changes seen since."""
        assert self.curvature is not None
        shift = self.curvature.shift
        direction = -self._solve(point.gradient)
        decrement2 = -float(point.gradient @ direction)
        damping = 0.0
        if shift > 0.0:
            damping = shift * float(direction @ self._majorizer @ direction)
        return Step(
            direction,
            decrement2,
            promised=0.5 * (decrement2 + damping),
            shift=shift,
            exact=self._fresh_at is point,
            singular=self.curvature.factor.singular,
        )

    def _solve(self, gradient: Vector) -> Vector:
        """Return the L-BFGS matrix, built on the factor at hand, times a gradient."""
        assert self.curvature is not None
        v, shares = gradient, []
        for moved, turned in reversed(self._pairs):
            share = (moved @ v) / (moved @ turned)
            v = v - share * turned
            shares.append(share)
        v = self.curvature.factor.solve(v)
        for (moved, turned), share in zip(self._pairs, reversed(shares), strict=True):
            v = v + (share - (turned @ v) / (moved @ turned)) * moved
        return v

    def dual_gap(self, point: Evaluation, step: Step) -> DualGap:
        """Return the bound on f - f* at a point."""
        known = self.curvature
        assert known is not None
        direction = -known.factor.solve(point.gradient)
        return known.objective.dual_gap(
            point.margins[known.rows],
            self._objective.weights[known.rows],
            known.diagonal,
            direction,
        )

    def escape(self, point: Evaluation) -> Vector | None:
        """Return a direction of negative curvature, or None where there is none."""
        hessian = point.hessian
        if hessian is None:
            hessian = self._objective.hessian(self._objective.curvature(point.margins))
        if factor(hessian) is not None:
            return None
        return most_negative_curvature(hessian, self._majorizer)

    @cached_property
    def _majorizer(self) -> Matrix:
        return self._objective.hessian(self._objective.curvature_bound)
