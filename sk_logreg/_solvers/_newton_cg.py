"""Newton's method with preconditioned conjugate gradients, for many features."""

from typing import Protocol

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from sk_logreg._design import Vector
from sk_logreg._dual_gap import DualGap
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._newton import FINE, FIRST_SHIFT, Bend, Step, arrives, minimize

# Conjugate gradients stop when a product gains less than this share of the average
# gain of those before it (S. G. Nash, A. Sofer, 1990, Assessing a search direction
# within a truncated-Newton method, Operations Research Letters 9, 219-221).
_FORCING = 0.5
# In exact arithmetic they end after as many products as there are coefficients.
_PRODUCTS_PER_COEF = 20
_MAX_PRODUCTS = 10_000
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
        # Otherwise the slack is an estimate, and no bound is asked after a step.
        self._bounded = objective.loss.convex and objective.penalized
        self._shift = 0.0
        self._forcing = _FORCING
        self._decrement2 = np.inf
        self._point: Evaluation | None = None

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
        bounded = self._bounded and accuracy >= FINE * point.value
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
        return self._objective.gap_after(point.margins, after) <= 0.75 * accuracy

    def dual_gap(self, point: Evaluation, step: Step) -> DualGap:
        """Return the bound on f - f* at a point, but for the step's slack."""
        objective = self._objective
        curvature = objective.curvature(point.margins)
        return objective.dual_gap(
            point.margins, objective.weights, curvature, step.direction
        )

    def solves_all(self) -> bool:
        """Return whether the last step left out only directions that change no z.

        That is not known: conjugate gradients end before they have seen all.
        """
        return False

    def bend(self, point: Evaluation) -> Bend:
        """Return how the Hessian bends: both ends of its spectrum, by Lanczos."""
        system = _System(self._objective, self._objective.curvature(point.margins), 0.0)
        root = np.sqrt(system.inverse_diagonal)

        def scaled(v: Vector) -> Vector:
            return root * system.product(root * v.ravel())

        n_dof = len(root)
        if n_dof <= 32:  # too few for Lanczos to be worth it, or to work at all
            columns = [scaled(column) for column in np.eye(n_dof)]
            values, vectors = np.linalg.eigh(np.column_stack(columns))
        else:
            operator = LinearOperator((n_dof, n_dof), matvec=scaled, dtype=np.float64)
            start = np.random.default_rng(0).standard_normal(n_dof)
            try:
                values, vectors = eigsh(
                    operator, k=2, which="BE", v0=start, tol=_TOL_OF_EIGENVALUES
                )
            except ArpackNoConvergence as failure:
                values, vectors = failure.eigenvalues, failure.eigenvectors
        if not len(values) or values[0] > -1e-10:
            known = len(values) > 1 and values[-1] > 0.0
            ratio = values[0] / values[-1] if known else np.nan
            return Bend(max(0.0, float(ratio)))
        return Bend(np.nan, root * vectors[:, 0])


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
        self._curvature = curvature
        self._shift = shift
        self._strengths = (1.0 + shift) * objective.strengths
        diagonal, edge = objective.diagonal_and_edge(curvature)
        diagonal += self._strengths
        self.inverse_diagonal = 1.0 / np.where(diagonal > 0.0, diagonal, 1.0)
        noticed = self._strengths > _UNNOTICED * diagonal
        strengths = np.where(noticed, self._strengths, 1.0)
        self._inverse_strengths = np.where(
            noticed, 1.0 / strengths, self.inverse_diagonal
        )
        free_bias = objective.fit_intercept and self._strengths[-1] == 0.0
        self._edge = edge if free_bias else None

    def product(self, v: Vector) -> Vector:
        """Return (H + μM) v."""
        return self._objective.product(self._curvature, v) + self._strengths * v

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
        """Return what the residual adds to the bound on f - f*.

        The squared norm of the residual over the penalty, halved: that is what it
        takes to make the dual point feasible. Where there is no penalty, or none that
        working accuracy would notice, the norm of the preconditioner, an estimate.
        """
        return 0.5 * float(residual @ (residual * self._inverse_strengths))
