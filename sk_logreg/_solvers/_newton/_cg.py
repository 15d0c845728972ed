"""The quadratic model by preconditioned conjugate gradients, for many features."""

from dataclasses import replace

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation, Objective, dual_after_step, dual_of_step
from sk_logreg._solvers._certificates import DualGap
from sk_logreg._solvers._factors import MANY
from sk_logreg._solvers._newton._cg_system import (
    CONJUGATE_GRADIENTS,
    Preconditioner,
    System,
    extremes,
)
from sk_logreg._solvers._newton._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton._model import (
    FIRST_SHIFT,
    Bound,
    Curvature,
    Step,
    converges_next,
)
from sk_logreg._tolerances import ACCURATE, EPS, FINE, NOISE
from sk_logreg.losses._dual import EntropyDual


class _State:
    """The state of the conjugate gradients: the solution so far, and what follows.

    `rho` is the squared norm of the residual, in the metric of the preconditioner.
    `gain` is by how much the last search direction increased the squared Newton
    decrement, and `slack` what the residual adds to the bound, see `System.slack`.
    """

    def __init__(self, system: System, point: Evaluation):
        self._system, self._point = system, point
        self.residual = -point.gradient
        self.direction = system.eliminate_bias(self.residual)
        self._scaled = system.precondition(self.residual)
        self.search = system.conjugate_to_bias(self._scaled)
        self.rho = self._before = float(self.residual @ self._scaled)
        self.gain = self.slack = 0.0

    @property
    def decrement2(self) -> float:
        """The squared Newton decrement of the solution so far."""
        return -float(self._point.gradient @ self.direction)

    def advance(self, bend: float, image: Vector) -> None:
        """Move to the minimum along the search direction, given H times it."""
        length = self.rho / bend
        self.direction += length * self.search
        self.residual -= length * image
        self._scaled = self._system.precondition(self.residual)
        self._before = self.rho
        self.gain = length * self._before
        self.rho = float(self.residual @ self._scaled)
        self.slack = self._system.slack(self.residual)

    def turn(self) -> None:
        """Choose the next search direction, conjugate to those so far."""
        beta = self.rho / self._before
        self.search = self._system.conjugate_to_bias(self._scaled) + beta * self.search

    def step(
        self, accuracy: float, shift: float, *, exact: bool, extendable: bool = False
    ) -> Step:
        """Return the solution so far as a step."""
        return Step(
            self._point,
            accuracy,
            self.direction,
            self.decrement2,
            shift,
            exact,
            self.slack if exact else 0.0,
            extendable,
        )


class _End:
    """Decides where conjugate gradients end.

    They end where the step serves the model: further products would gain little. If the
    step is likely to be the last one, they go on until the bound certifies it.
    """

    def __init__(
        self, objective: Objective, system: System, point: Evaluation, accuracy: float
    ):
        self._objective, self._point, self._accuracy = objective, point, accuracy
        most = CONJUGATE_GRADIENTS.products_per_coef * objective.n_dof
        self.max_products = min(most, CONJUGATE_GRADIENTS.max_products)
        # What the squared residual counts as zero relative to. Without a penalty there
        # may be directions that change nothing, which would follow the rounding error
        # of the gradient: f itself, in this norm.
        self.size = 0.0 if objective.problem.bounded else point.value
        # Otherwise the slack is an estimate, and the forcing term decides alone.
        charged = system.bounded and objective.loss.dual is not None
        self._charged = charged and accuracy >= FINE * point.value
        self._polishing = False

    def reached(self, state: _State, count: int, forcing: float) -> bool:
        """Return whether the solution is good enough after `count` products."""
        decrement2, value = state.decrement2, self._point.value
        forcing = min(forcing, np.sqrt(max(decrement2, 0.0) / value))
        settled = count * state.gain <= forcing * decrement2
        last = converges_next(decrement2, self._accuracy, value)
        enough = last and state.slack <= 0.25 * self._accuracy
        if enough and (settled or self._charged):
            return True
        if settled:
            self._polishing = last and (
                self._polishing or not self._charged or self._would_converge(state)
            )
        return settled and not self._polishing

    def _would_converge(self, state: _State) -> bool:
        """Return whether the point after the step, if solved, would be certified."""
        before = self._point.margins
        after = self._objective.margins(self._point.coef + state.direction)
        dual = dual_after_step(self._objective, before, after)
        return dual.bound() <= 0.75 * self._accuracy


class ConjugateGradientModel:
    """A quadratic model that only multiplies the Hessian with vectors.

    Evaluations and products are passes over X. No step is taken when `max_passes` of
    them are spent. By default the Hessian's diagonal is the preconditioner.

    References
    ----------
    .. [1] C.-J. Lin, R. C. Weng, S. S. Keerthi (2008). Trust region Newton method for
       large-scale logistic regression. Journal of Machine Learning Research 9,
       627-650.
    .. [2] C.-Y. Hsia, W.-L. Chiang, C.-J. Lin (2018). Preconditioned conjugate gradient
       methods in truncated Newton frameworks for large-scale linear classification.
       Asian Conference on Machine Learning, PMLR 95, 312-326.
    """

    def __init__(
        self,
        objective: Objective,
        max_passes: float = np.inf,
        preconditioner: Preconditioner | None = None,
    ):
        self._objective = objective
        self._preconditioner = preconditioner
        self._passes_left = max_passes
        self._shift = 0.0
        self._forcing = CONJUGATE_GRADIENTS.forcing
        self._decrement2 = np.inf
        self._system: System | None = None

    def evaluate(self, coef: Vector) -> Evaluation:
        self._passes_left -= 1
        return self._objective.evaluate(coef)

    def step(
        self, point: Evaluation, accuracy: float, *, exact: bool = False
    ) -> Step | None:
        """Return the Newton step, see `Model`.

        Unless it must be exact, it ends with a direction of negative curvature if it
        meets one.
        """
        if self._passes_left <= 0:
            return None
        shift = 0.0
        while (step := self._solve(point, shift, accuracy, exact)) is None:
            shift = max(8 * shift, FIRST_SHIFT, self._shift / 64)
        self._shift = shift
        # Steps that are too rough to make progress deserve more products.
        slow = step.decrement2 > 0.5 * self._decrement2
        change = 0.2 if slow else 2.0
        self._forcing = min(CONJUGATE_GRADIENTS.forcing, self._forcing * change)
        self._decrement2 = step.decrement2
        return step

    def _solve(
        self, point: Evaluation, shift: float, accuracy: float, exact: bool
    ) -> Step | None:
        """Return the step for a shift; None if it must be exact and H is indefinite.

        If it need not be exact, negative curvature ends the solution, and the step
        continues in its direction [1]_.

        References
        ----------
        .. [1] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
           algorithm 7.2. Springer.
        """
        objective, convex = self._objective, self._objective.loss.convex
        curvature = objective.curvature(point.margins, shift)
        system = System(objective, curvature, shift, self._preconditioner)
        self._system = system
        if not system.convex_in_bias:
            return None
        state = _State(system, point)
        end = _End(objective, system, point, accuracy)
        size = end.size + state.rho
        for count in range(1, end.max_products + 1):
            if state.rho <= (8 * EPS) ** 2 * (size + state.decrement2):
                break
            image = system.product(state.search)
            self._passes_left -= 1
            bend = float(state.search @ image)
            flat = NOISE * system.diagonal_norm2(state.search)  # rounding error
            if bend <= flat:
                if convex or bend >= -flat:
                    break  # only directions that change nothing are left
                if exact:
                    return None
                reach = objective.max_abs_change(state.search)
                state.direction += state.search / reach
                return state.step(accuracy, shift, exact=False)
            state.advance(bend, image)
            if end.reached(state, count, self._forcing) or self._passes_left <= 0:
                break
            state.turn()
        # At z = 0 each curvature is the largest possible: the step is too short.
        at_zero = not (objective.rows.has_offset or point.coef.any())
        return state.step(accuracy, shift, exact=True, extendable=convex and at_zero)

    def certify(self, step: Step) -> Bound:
        """Return the bound on f - f* at the start of a step.

        The residual of its system, computed afresh, is charged to the penalty. If there
        is none, or it is too weak, a factor of the Hessian shows more or, with many
        coefficients, its smallest eigenvalue.
        """
        objective, system, point = self._objective, self._system, step.point
        assert system is not None
        change, residual = objective.change_and_residual(
            system.curvature, step.direction, point.gradient
        )
        if objective.loss.dual is None:
            gap, seen = None, change.extremes()
            bound = Bound(np.inf, seen.least, seen.greatest)
        else:
            dual = dual_of_step(
                objective, point.margins, objective.weights, system.curvature, change
            )
            total = system.curvature.total() if objective.problem.free_bias else None
            gap = DualGap(dual, step.direction, residual, objective.penalty, total)
            excess = gap.by_penalty(system.diagonal)
            bound = Bound(excess, dual.min_change, dual.max_change)
        if bound.excess <= step.accuracy:
            return bound
        if objective.n_dof <= MANY:
            known = FactoredHessian.at(objective, point.margins)
            if known is None:
                return bound
            return known.certify(point.margins, objective.weights, point)
        return self._by_smallest_eigenvalue(step, system, bound, gap, residual)

    def _by_smallest_eigenvalue(
        self,
        step: Step,
        system: System,
        bound: Bound,
        gap: DualGap | None,
        residual: Vector,
    ) -> Bound:
        """Return a bound by the residual's norm over the smallest eigenvalue."""
        # If passes are limited a factor is to follow, which shows more.
        limited = np.isfinite(self._passes_left)
        if gap is not None and (
            system.bounded or limited or gap.by_norm(0.0) > step.accuracy
        ):
            return replace(bound, complete=system.bounded)
        values, _ = extremes(self._objective, system)
        definite = bool(values[0] > ACCURATE * values[-1])
        norm = np.inf
        if definite:
            least = values[0] / CONJUGATE_GRADIENTS.overestimate
            norm = float(np.linalg.norm(system.scale * residual)) / np.sqrt(least)
        if gap is not None:
            # Conjugate gradients may have missed directions.
            excess = min(bound.excess, gap.by_norm(norm))
            return replace(bound, excess=excess, complete=False)
        excess = 0.5 * (np.sqrt(max(0.0, step.decrement2)) + norm) ** 2
        return replace(bound, excess=excess, complete=definite, singular=not definite)

    def certify_after(self, step: Step, after: Evaluation) -> float:
        """Return the bound on f - f* after a whole step that was solved.

        The gradient there, charged to the penalty, may be small enough. Otherwise the
        residual of the system is computed, by one more product.
        """
        objective, system = self._objective, self._system
        assert system is not None
        dual = dual_after_step(objective, step.point.margins, after.margins)
        if not dual.reach <= 1.0:
            return np.inf
        # Curvatures at both ends differ by at most this factor.
        stretch = np.exp(dual.reach)
        none = np.zeros_like(step.direction)
        total = None
        if objective.problem.free_bias:
            total = system.curvature.total() / stretch

        def charged(dual: EntropyDual, residual: Vector) -> float:
            gap = DualGap(dual, none, residual, objective.penalty, total)
            return gap.by_penalty(stretch * system.diagonal)

        excess = charged(EntropyDual(), after.gradient)
        if excess <= step.accuracy:
            return excess
        residual = step.point.gradient + system.product(step.direction)
        return min(excess, charged(dual, residual))

    def last_step(self, point: Evaluation) -> Vector:
        """Return zero: an approximate Newton step takes passes over X."""
        return 0.0 * point.coef

    def least_curvature(self, point: Evaluation) -> Curvature:
        system = self._system
        if system is None or self._shift > 0.0:
            curvature = self._objective.curvature(point.margins)
            system = System(self._objective, curvature, shift=0.0)
        values, vectors = extremes(self._objective, system)
        if values[0] < -ACCURATE:
            return Curvature(negative_direction=system.scale * vectors[:, 0])
        ratio = values[0] / values[-1] if values[-1] > 0.0 else np.nan
        return Curvature(max(0.0, float(ratio)))
