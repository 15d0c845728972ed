"""Newton's method with preconditioned conjugate gradients, for many features."""

from typing import Any, Protocol

import numpy as np
from scipy.sparse.linalg import ArpackError, ArpackNoConvergence, LinearOperator, eigsh

from sk_logreg._design import Matrix, Vector
from sk_logreg._dual_gap import Divergence, DualGap
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._factored_hessian import FactoredHessian
from sk_logreg._solvers._newton import (
    FINE,
    FIRST_SHIFT,
    Bend,
    Bound,
    Step,
    arrives,
    minimize,
)

# Conjugate gradients stop when a product gains less than this share of the average
# gain of those before it (S. G. Nash, A. Sofer, 1990, Assessing a search direction
# within a truncated-Newton method, Operations Research Letters 9, 219-221).
_FORCING = 0.5
# In exact arithmetic they end after as many products as there are coefficients.
_PRODUCTS_PER_COEF = 20
_MAX_PRODUCTS = 10_000
# Up to this many coefficients a factor may show what conjugate gradients do not.
_MOST_FACTORED = 500
# An eigenvalue below this share of the largest may as well be zero.
_ACCURATE = 1e-10
# The smallest eigenvalue is at least this share of what Lanczos's method finds.
_SURE = 0.5
# Maximum number of restarts of Lanczos's method, of about 18 products each. More would
# take longer than the rest of the fit.
_MOST_RESTARTS = 20
# Enough to tell the sign and the size of the smallest eigenvalue.
_TOL_OF_EIGENVALUES = 0.1
_EPS = float(np.finfo(np.float64).eps)
# Curvature below this share of the diagonal's is rounding.
_FLAT = 64 * _EPS
# A penalty below this share of the curvature changes nothing but the last digits.
_UNNOTICED = 1e-14


def solve(
    objective: Objective,
    start: Vector,
    journal: Journal,
    *,
    tol: float,
    certify: bool = True,
) -> Solution:
    """Minimize by Newton's method, solving each system by conjugate gradients.

    See `minimize` for the parameters and the method. The Hessian is only ever
    multiplied with vectors, each product one read of X.

    References
    ----------
    .. [1] C.-J. Lin, R. C. Weng, S. S. Keerthi (2008). Trust region Newton method for
       large-scale logistic regression. Journal of Machine Learning Research 9,
       627-650.
    .. [2] C.-Y. Hsia, W.-L. Chiang, C.-J. Lin (2018). Preconditioned conjugate gradient
       methods in truncated Newton frameworks for large-scale linear classification.
       Asian Conference on Machine Learning, PMLR 95, 312-326.
    """
    model = ConjugateGradientModel(objective)
    return minimize(objective, start, journal, model, tol=tol, certify=certify)


class Preconditioner(Protocol):
    """The inverse of a positive definite matrix near the Hessian."""

    def solve(self, rhs: Vector) -> Vector:
        """Return the inverse times a vector."""


class ConjugateGradientModel:
    """A quadratic model that only multiplies the Hessian with vectors.

    The preconditioner is the Hessian's diagonal, or a factor of some matrix near the
    Hessian if there is one. It gives up after `max_reads` reads of X.
    """

    def __init__(
        self,
        objective: Objective,
        max_reads: float = np.inf,
        preconditioner: Preconditioner | None = None,
    ):
        self._objective = objective
        self._preconditioner = preconditioner
        self._reads_left = max_reads
        self._shift = 0.0
        self._forcing = _FORCING
        self._decrement2 = np.inf
        self._point: Evaluation | None = None
        self._system: _System | None = None

    def evaluate(self, coef: Vector, *, last: bool = False) -> Evaluation:
        """Return the objective at a point."""
        self._reads_left -= 1
        return self._objective.evaluate(coef)

    def step(self, point: Evaluation, accuracy: float, exact: bool) -> Step | None:
        """Return the Newton step, with a shift if the Hessian is indefinite."""
        if self._reads_left <= 0:
            return None
        shift, again = 0.0, point is self._point
        self._point = point
        while (step := self._solve(point, shift, accuracy, again)) is None:
            shift = max(8 * shift, FIRST_SHIFT, self._shift / 64)
        self._shift = shift
        # Steps that are too rough to make headway are worth more products.
        slow = step.decrement2 > 0.5 * self._decrement2
        self._forcing = min(_FORCING, self._forcing * (0.2 if slow else 2.0))
        self._decrement2 = step.decrement2
        return step

    def _solve(
        self, point: Evaluation, shift: float, accuracy: float, exact: bool
    ) -> Step | None:
        """Return the step for a shift, or None where that turns out not convex.

        Unless it is to be exact: then the step so far will do, and on from there in
        the direction in which f is not convex (Nocedal and Wright, algorithm 7.2).
        """
        objective = self._objective
        curvature = objective.curvature(point.margins, shift)
        system = _System(objective, curvature, shift, self._preconditioner)
        self._system = system
        residual = -point.gradient
        direction = system.eliminate_bias(residual)
        if direction is None:
            return None
        scaled = system.precondition(residual)
        search, rho = system.conjugate_to_bias(scaled), float(residual @ scaled)
        decrement2, slack = -float(point.gradient @ direction), 0.0
        # Without a penalty there may be directions that change nothing, which the
        # gradient's own rounding, of the size of f in this norm, would follow.
        size = rho + (0.0 if objective.penalized else point.value)
        polishing = False
        # Otherwise the slack is an estimate, and steps are as good as the model needs.
        bounded = system.bounded and objective.loss.convex
        bounded = bounded and accuracy >= FINE * point.value
        most = min(_PRODUCTS_PER_COEF * objective.n_dof, _MAX_PRODUCTS)
        for count in range(1, most + 1):
            if rho <= (8 * _EPS) ** 2 * (size + decrement2):
                break
            image = system.product(search)
            self._reads_left -= 1
            bend = float(search @ image)
            flat = _FLAT * float(search @ (search / system.inverse_diagonal))
            if bend <= flat:
                if objective.loss.convex or bend >= -flat:
                    break  # nothing is left but directions that change nothing
                if exact:
                    return None
                direction += search / objective.reach(search)
                decrement2 = -float(point.gradient @ direction)
                return Step(direction, decrement2, shift, exact=False)
            length = rho / bend
            direction += length * search
            residual -= length * image
            decrement2 = -float(point.gradient @ direction)
            scaled = system.precondition(residual)
            rho, previous = float(residual @ scaled), rho
            slack = system.slack(residual)
            forcing = min(self._forcing, np.sqrt(max(decrement2, 0.0) / point.value))
            settled = count * length * previous <= forcing * decrement2
            last = arrives(decrement2, point.value, accuracy)
            if last and slack <= 0.25 * accuracy and (settled or bounded):
                break
            if settled:
                polishing = last and (
                    polishing
                    or not bounded
                    or self._would_end(point, direction, accuracy)
                )
                if not polishing:
                    break
            if self._reads_left <= 0:
                break
            search = system.conjugate_to_bias(scaled) + (rho / previous) * search
        # At z = 0 each curvature is at its bound.
        short = objective.loss.convex and not point.margins.any()
        return Step(direction, decrement2, shift, exact=True, slack=slack, short=short)

    def _would_end(self, point: Evaluation, direction: Vector, accuracy: float) -> bool:
        """Return whether, solved to the end, a step would be the last one."""
        after = point.margins + self._objective.changes(direction)
        divergence = self._objective.divergence_after(point.margins, after)
        return divergence.bound() <= 0.75 * accuracy

    def certify(self, point: Evaluation, step: Step, accuracy: float) -> Bound:
        """Return the bound on f - f* at a point.

        What conjugate gradients left of the system, computed afresh, is charged to the
        penalty. Where there is none, or it is too faint, a factor of the Hessian
        shows more or, with many coefficients, its smallest eigenvalue.
        """
        objective, system = self._objective, self._system
        assert system is not None
        changes, residual = objective.changes_and_residual(
            system.curvature, step.direction, point.gradient
        )
        lowest, highest = float(changes.min()), float(changes.max())
        if objective.loss.convex:
            divergence = objective.divergence_along(
                point.margins, objective.weights, system.curvature, changes
            )
            lowest, highest = divergence.lowest, divergence.highest
            gap = DualGap(
                divergence,
                step.direction,
                residual,
                objective.strengths,
                float(system.curvature.sum()),
            )
            excess = gap.by_penalty(system.diagonal)
            if excess <= accuracy:
                return Bound(excess, lowest, highest)
        if objective.n_dof <= _MOST_FACTORED:
            known = FactoredHessian.at(objective, point.margins)
            if known is None:
                return Bound(np.inf, lowest, highest)
            return known.certify(point.margins, objective.weights, point)
        # Where reads are limited a factor is to follow, which shows more.
        limited = np.isfinite(self._reads_left)
        if objective.loss.convex and (
            system.bounded or limited or gap.by_norm(residual_norm=0.0) > accuracy
        ):
            return Bound(excess, lowest, highest, complete=system.bounded)
        least, most = self._extremes(system)[0][[0, -1]]
        definite = bool(least > _ACCURATE * most)
        least *= _SURE
        norm = system.scaled_norm(residual) / np.sqrt(least) if definite else np.inf
        if objective.loss.convex:
            # Which directions conjugate gradients have not seen is not known.
            excess = min(excess, gap.by_norm(norm))
            return Bound(excess, lowest, highest, complete=False)
        excess = 0.5 * (np.sqrt(max(0.0, step.decrement2)) + norm) ** 2
        return Bound(excess, lowest, highest, definite, not definite)

    def certify_step(
        self, point: Evaluation, after: Evaluation, step: Step, accuracy: float
    ) -> float:
        """Return the bound on f - f* after a whole, exact step.

        The gradient there, charged to the penalty, may be small enough. Otherwise
        what is left of the system is computed, by one more product.
        """
        objective, system = self._objective, self._system
        assert system is not None
        divergence = objective.divergence_after(point.margins, after.margins)
        change = max(-divergence.lowest, divergence.highest)
        if not change <= 1.0:
            return np.inf
        # Curvatures at both ends differ by this factor at most.
        stretch = np.exp(change)
        none = np.zeros_like(step.direction)
        total = float(system.curvature.sum()) / stretch

        def charged(divergence: Divergence, residual: Vector) -> float:
            gap = DualGap(divergence, none, residual, objective.strengths, total)
            return gap.by_penalty(stretch * system.diagonal)

        excess = charged(Divergence.none(), after.gradient)
        if excess <= accuracy:
            return excess
        residual = point.gradient + system.product(step.direction)
        return min(excess, charged(divergence, residual))

    def last_step(self, point: Evaluation) -> Vector:
        """Return about the Newton step: none, for products cost a read each."""
        return np.zeros_like(point.coef)

    def bend(self, point: Evaluation) -> Bend:
        """Return how the Hessian bends, after an exact step at the same point."""
        system = self._system
        if system is None or self._shift > 0.0:
            curvature = self._objective.curvature(point.margins)
            system = _System(self._objective, curvature, shift=0.0)
        values, vectors = self._extremes(system)
        if values[0] < -_ACCURATE:
            return Bend(np.nan, system.scale * vectors[:, 0])
        ratio = values[0] / values[-1] if values[-1] > 0.0 else np.nan
        return Bend(max(0.0, float(ratio)))

    def _extremes(self, system: "_System") -> tuple[Vector, Matrix]:
        """Return eigenvalues of the scaled system, the smallest first, and vectors.

        All of them where it is small, else both ends, by Lanczos's method; not a
        number where that fails.
        """
        scale, n_dof = system.scale, self._objective.n_dof
        if n_dof <= _MOST_FACTORED:
            matrix = self._objective.hessian(system.curvature)
            return np.linalg.eigh(matrix * scale[:, None] * scale)
        operator = LinearOperator(
            (n_dof, n_dof),
            matvec=lambda v: scale * system.product(scale * v.ravel()),
            dtype=np.float64,
        )
        start = np.random.default_rng(0).standard_normal(n_dof)
        found: tuple[Any, Any] = np.full(2, np.nan), np.zeros((n_dof, 2))
        try:
            found = eigsh(
                operator,
                k=2,
                which="BE",
                v0=start,
                maxiter=_MOST_RESTARTS,
                tol=_TOL_OF_EIGENVALUES,
            )
        except ArpackNoConvergence as failure:
            if len(failure.eigenvalues):
                found = failure.eigenvalues, failure.eigenvectors
        except ArpackError:
            pass
        return found


class _System:
    """The Newton system (H + μM) d = -g: products, preconditioner, free bias.

    A bias free of the penalty is eliminated by deflation: each search direction is
    made conjugate to it, so that its equation holds throughout, as the bound on the
    suboptimality needs.
    """

    def __init__(
        self,
        objective: Objective,
        curvature: Vector,
        shift: float,
        preconditioner: Preconditioner | None = None,
    ):
        self._objective = objective
        self._preconditioner = preconditioner
        self.curvature = curvature
        self._strengths = (1.0 + shift) * objective.strengths
        diagonal, edge = objective.diagonal_and_edge(curvature)
        diagonal += self._strengths
        self.diagonal = diagonal
        self.inverse_diagonal = 1.0 / np.where(diagonal > 0.0, diagonal, 1.0)
        self.scale = np.sqrt(self.inverse_diagonal)
        noticed = self._strengths > _UNNOTICED * diagonal
        strengths = np.where(noticed, self._strengths, 1.0)
        self._inverse_strengths = np.where(
            noticed, 1.0 / strengths, self.inverse_diagonal
        )
        self._edge = edge if objective.free_bias and objective.penalized else None
        #: Whether the penalty is strong enough to charge residuals to.
        self.bounded = bool(noticed[: objective.design.n_features].all())

    def product(self, v: Vector) -> Vector:
        """Return (H + μM) v."""
        return self._objective.product(self.curvature, v) + self._strengths * v

    def scaled_norm(self, residual: Vector) -> float:
        """Return the norm of a residual over the roots of the diagonal."""
        return float(np.linalg.norm(self.scale * residual))

    def precondition(self, residual: Vector) -> Vector:
        """Return about the solution of (H + μM) v = residual."""
        if self._preconditioner is not None:
            return self._preconditioner.solve(residual)
        return self.inverse_diagonal * residual

    def eliminate_bias(self, residual: Vector) -> Vector | None:
        """Return the step in the bias alone, None where that is not convex.

        `residual` becomes what the step leaves of it.
        """
        direction = np.zeros_like(residual)
        if self._edge is not None:
            if self._edge[-1] <= 0.0:
                return None
            direction[-1] = residual[-1] / self._edge[-1]
            residual -= direction[-1] * self._edge
        return direction

    def conjugate_to_bias(self, v: Vector) -> Vector:
        """Return `v` with the bias chosen so that its own equation is unaffected."""
        if self._edge is not None:
            v = v.copy()
            v[-1] = -float(self._edge[:-1] @ v[:-1]) / self._edge[-1]
        return v

    def slack(self, residual: Vector) -> float:
        """Return about what the residual adds to the bound on f - f*.

        The squared norm of the residual over the penalty, halved: that is what it
        takes to make the dual point feasible. Where there is no penalty, or none that
        working accuracy would notice, the norm of the preconditioner.
        """
        return 0.5 * float(residual @ (residual * self._inverse_strengths))
