"""Cross entropy penalized by Jeffreys' prior: Firth's bias-reduced estimates.

The objective is F = Σ s L - ½ log det I, with I = X̃ᵀ diag(s p (1 - p)) X̃ the Fisher
information of the weights and the bias. Its minimum is finite even where the classes
are separated. The Hessian of the first term is I itself. That of the second is small
where there are many rows per coefficient, and is estimated by secants.

Where columns are collinear, I is the information of the coefficients in a basis of
those that change some z. F is then known up to a constant, and the solution is the one
of least norm, in units in which each column has the same mean square.

References
----------
.. [1] D. Firth (1993). Bias reduction of maximum likelihood estimates. Biometrika
   80(1), 27-38.
.. [2] G. Heinze, M. Schemper (2002). A solution to the problem of separation in
   logistic regression. Statistics in Medicine 21(16), 2409-2419.
"""

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._log import Journal
from sk_logreg._objective import (
    Evaluation,
    NotFiniteError,
    Objective,
    RowVector,
    leverages_and_gradient,
)
from sk_logreg._records import CONVERGED, MAX_ITER, STOPPED, Status, ended_by_rounding
from sk_logreg._solvers._base import UNKNOWN_GAP, Solution
from sk_logreg._solvers._factors import TOO_MANY, factor
from sk_logreg._solvers._newton._lbfgs import Correction
from sk_logreg._solvers._newton._line_search import NoiseFloor, line_search
from sk_logreg._solvers._newton._model import Step
from sk_logreg._tolerances import EPS, SUM_ROUNDING


@dataclass(frozen=True)
class JeffreysOptions:
    """The parameters of the solver."""

    #: Number of secants that are kept: as many as iterations in all but hard cases.
    n_secants: int = 10
    #: The excess of F at which a fit ends, relative to the square of `tol`. Newton's
    #: method, whose errors are squared by a step, ends that near to the minimum too.
    end: float = 0.01
    #: A fit ends after this number of steps without progress, where rounding hides the
    #: decrease of F. The decrement must fall to `progress` times the least before.
    patience: int = 3
    progress: float = 0.5
    #: Maximum number of steps to a start at which I is not singular to working
    #: accuracy, which only large offsets make necessary.
    max_start_steps: int = 100


_OPTIONS = JeffreysOptions()


class SaturatedError(NotFiniteError):
    """The Fisher information at a point is singular, since its curvature vanishes."""


@dataclass(frozen=True, eq=False)
class Information:
    """The inverse, or pseudo-inverse, of the Fisher information H in units of f.

    Attributes
    ----------
    root : ndarray of shape (n_dof, rank)
        A matrix R with R Rᵀ the inverse. With the information in units of F, it is
        R Rᵀ divided by the problem's unit.
    log_determinant : float
        The logarithm of the determinant, of the matrix in a basis where it is singular.
    inflation : float
        Σⱼ Hⱼⱼ (H⁻¹)ⱼⱼ, the sum of the variance inflation factors. The rounding error
        of the logarithm is this multiple of that of an entry of H.
    """

    root: Matrix
    log_determinant: float
    inflation: float

    def solve(self, rhs: Vector) -> Vector:
        """Return the inverse times a vector."""
        return self.root @ (rhs @ self.root)


@dataclass(frozen=True, eq=False, kw_only=True)
class JeffreysEvaluation(Evaluation):
    """F at a point, divided by the problem's unit, with its derivatives.

    `value` and `gradient` are those of F, and `loss` is its first term. `hessian` is
    the Fisher information, which is the Hessian of the first term.

    Attributes
    ----------
    information : Information
        Its inverse.
    prior_gradient : ndarray of shape (n_dof,)
        The gradient of the second term, -½ log det I.
    leverages : RowVector
        h = s p (1 - p) x̃ᵀ I⁻¹ x̃ of each row: that of all its copies, where the weight
        is a number of copies.
    """

    hessian: Matrix
    information: Information
    prior_gradient: Vector
    leverages: RowVector
    unit: float

    @property
    def scale(self) -> float:
        """The loss: F may be negative."""
        return self.loss

    @property
    def terms(self) -> float:
        """The loss, and as much as makes the rounding error of log det I."""
        return self.loss + self.information.inflation / self.unit


class JeffreysLikelihood:
    """F for the problem of an objective of cross entropy without a penalty.

    Takes a pass over X to find whether columns are collinear, and two per evaluation.
    Raises a ValueError if there are too many coefficients for a factor.
    """

    def __init__(self, objective: Objective):
        if objective.n_dof > TOO_MANY:
            raise ValueError(
                "bias_reduction='firth' and 'flic' factor a matrix of "
                f"{objective.n_dof} coefficients, and are for at most {TOO_MANY}. Use "
                "bias_reduction='mdypl'."
            )
        self.objective = objective
        zero = np.zeros(objective.n_dof)
        self._at_zero = objective.evaluate(zero, hessian=True)
        flat = self._at_zero.hessian
        if objective.rows.has_offset:
            flat = objective.hessian(objective.curvature_bound)
        assert flat is not None
        found = factor(flat, semidefinite=True)
        assert found is not None
        self._flat, self._flat_root = flat, found.inverse_root
        #: A basis of the coefficients that change some z; None if all do.
        self.basis = self._flat_root if found.singular else None
        problem = objective.problem
        rank = self._flat_root.shape[1]
        self._constant = rank * float(np.log(problem.unit))
        if problem.coordinates is not None and self.basis is None:
            self._constant += 2.0 * float(np.log(problem.coordinates.units).sum())

    def evaluate(self, coef: Vector) -> JeffreysEvaluation:
        """Return F and its derivatives at a point, in two passes over X.

        Raises a SaturatedError where I is singular to working accuracy although it is
        not at other points: F is infinite there, or too large to be computed.
        """
        objective = self.objective
        point = self._at_zero
        if coef.any():
            point = objective.evaluate(coef, hessian=True)
        assert point.hessian is not None
        information = self._inverse(point.hessian)
        leverages, slope = leverages_and_gradient(objective, point, information.root)
        unit = objective.problem.unit
        log_determinant = information.log_determinant + self._constant
        prior_gradient = slope / unit
        if not np.isfinite(prior_gradient).all():
            raise SaturatedError
        return JeffreysEvaluation(
            coef,
            point.value - 0.5 * log_determinant / unit,
            point.loss,
            point.gradient + prior_gradient,
            point.find_margins,
            point.curvature,
            hessian=point.hessian,
            information=information,
            prior_gradient=prior_gradient,
            leverages=leverages,
            unit=unit,
        )

    def _inverse(self, matrix: Matrix) -> Information:
        """Return the inverse of the Fisher information."""
        basis = self.basis
        found = factor(matrix if basis is None else basis.T @ matrix @ basis)
        if found is None or found.singular:
            raise SaturatedError
        root = found.inverse_root
        if basis is not None:
            root = basis @ root
        inflation = float(matrix.diagonal() @ np.einsum("ij,ij->i", root, root))
        return Information(root, found.log_determinant, inflation)

    def project(self, coef: Vector) -> Vector:
        """Return the coefficients of least norm with the same predictions."""
        if self.basis is None:
            return coef
        return self.basis @ (self.basis.T @ (self._flat @ coef))

    def start(self, previous: Vector | None) -> JeffreysEvaluation:
        """Return the point where F is lower: earlier coefficients, or zero.

        If F cannot be computed at zero, the loss is lowered first, by steps that its
        greatest curvature limits.
        """
        coef, objective = np.zeros(self.objective.n_dof), self.objective
        found = []
        if previous is not None:
            with suppress(NotFiniteError):
                found.append(self.evaluate(self.project(previous)))
        for _ in range(_OPTIONS.max_start_steps):
            with suppress(SaturatedError):
                found.append(self.evaluate(coef))
                break
            gradient = objective.evaluate(coef).gradient
            coef = coef - self._flat_root @ (gradient @ self._flat_root)
        if not found:
            raise ValueError(
                "The offset is so large that predictions are 0 or 1 in float64, and "
                "bias_reduction='firth' and 'flic' are not defined."
            )
        return min(found, key=lambda point: point.value)


class SecantModel:
    """A quadratic model of F: the Fisher information, and secants for the prior.

    The change of the prior's gradient along each of the last steps gives its curvature
    there, which updates the information by BFGS. So the information is always that at
    the present point, and the model is positive definite.

    Near zero coefficients the curvature of the prior is that of a likelihood whose
    weights are the leverages. Their sum is the rank of the information, so that where
    the sum of the weights is less, the information is multiplied by the ratio.
    """

    def __init__(self) -> None:
        self._secants: deque[tuple[Vector, Vector]] = deque(maxlen=_OPTIONS.n_secants)

    def add(self, before: JeffreysEvaluation, after: JeffreysEvaluation) -> None:
        """Add the secant of a step."""
        change = after.prior_gradient - before.prior_gradient
        self._secants.append((after.coef - before.coef, change))

    def reset(self) -> None:
        """Discard the secants."""
        self._secants.clear()

    def inverse_hessian(self, point: JeffreysEvaluation) -> Callable[[Vector], Vector]:
        """Return the product with the inverse of the model's Hessian at a point."""
        ratio = max(1.0, point.information.root.shape[1] / point.unit)
        correction = Correction(gamma=1.0 / ratio)
        for step, change in self._secants:
            correction.add(step, point.hessian @ step + change, None)
        return partial(correction.solve, point.information)

    def step(self, point: JeffreysEvaluation, accuracy: float) -> Step:
        """Return the step to the minimum of the model."""
        direction = -self.inverse_hessian(point)(point.gradient)
        decrement2 = -float(point.gradient @ direction)
        return Step(point, accuracy, direction, decrement2, shift=0.0, exact=True)


def solve_jeffreys(
    objective: Objective,
    journal: Journal,
    *,
    tol: float,
    previous: Vector | None = None,
    refit_bias: bool = False,
) -> Solution:
    """Minimize cross entropy penalized by Jeffreys' prior.

    The gap is half the squared Newton decrement of F, by the model of the last step,
    relative to the loss.

    Parameters
    ----------
    objective : Objective
        Of cross entropy, without a penalty.
    tol : float
        The gap to reach.
    previous : ndarray of shape (n_dof,), default=None
        Earlier coefficients to start from if F is lower there than at zero.
    refit_bias : bool, default=False
        Whether the bias is refitted by maximum likelihood, given the weights, so that
        the mean prediction is the mean label [1]_.

    References
    ----------
    .. [1] R. Puhr, G. Heinze, M. Nold, L. Lusa, A. Geroldinger (2017). Firth's logistic
       regression with rare events: accurate effect estimates and predictions?
       Statistics in Medicine 36(14), 2302-2317.
    """
    likelihood = JeffreysLikelihood(objective)
    start = likelihood.start(previous)
    solution = minimize_jeffreys(likelihood.evaluate, objective, start, journal, tol)
    if refit_bias:
        coef = _with_bias_refitted(objective, solution.point)
        return replace(solution, point=likelihood.evaluate(coef))
    return solution


def minimize_jeffreys(
    evaluate: Callable[[Vector], JeffreysEvaluation],
    objective: Objective,
    point: JeffreysEvaluation,
    journal: Journal,
    tol: float,
) -> Solution:
    """Minimize F from a point, by steps of a secant model and a line search."""
    model, noise = SecantModel(), NoiseFloor(objective)
    end = min(tol, _OPTIONS.end * tol**2)
    least, n_idle = np.inf, 0
    while True:
        step = model.step(point, tol * point.scale)
        gap = _gap(step, point)
        floor = noise.floor(step)
        hidden = 0.5 * step.decrement2 <= floor
        n_idle = n_idle + 1 if hidden and gap > _OPTIONS.progress * least else 0
        least = min(least, gap)
        idle = noise.exhausted or n_idle >= _OPTIONS.patience
        if gap <= end or (gap <= tol and (idle or journal.closed)):
            return _solution(_after_last(objective, step, point), gap, CONVERGED)
        if idle:
            return _solution(point, gap, ended_by_rounding(gap))
        if journal.closed:
            return _solution(point, gap, STOPPED if journal.stopped else MAX_ITER)
        journal.begin(objective, point)
        move = line_search(objective, evaluate, step, floor)
        journal.end(objective, move.point, step.decrement2, move.length)
        reached = move.point
        assert isinstance(reached, JeffreysEvaluation)
        if move.length > 0.0:
            model.add(point, reached)
        else:
            noise.search_failed(step)
            model.reset()
        point = reached


def _gap(step: Step, point: JeffreysEvaluation) -> float:
    """Return half the squared decrement, relative to the loss."""
    excess = max(0.5 * step.decrement2, 0.0)
    return float(min(excess / point.scale, UNKNOWN_GAP)) if excess else 0.0


def _solution(point: JeffreysEvaluation, gap: float, status: Status) -> Solution:
    return Solution(point, gap, status, scope="local")


def _after_last(
    objective: Objective, step: Step, point: JeffreysEvaluation
) -> JeffreysEvaluation:
    """Return the point after a last step, if the step is too short to change F."""
    if 0.5 * step.decrement2 > SUM_ROUNDING * point.scale:
        return point
    coef = step.at(1.0)
    return replace(point, coef=coef, find_margins=partial(objective.margins, coef))


def _with_bias_refitted(objective: Objective, point: Evaluation) -> Vector:
    """Return coefficients whose bias is fitted by maximum likelihood.

    By Newton's method for the zero of the slope, which grows with the bias, in a
    bracket. The loss on the line costs one pass over X.
    """
    along_bias = np.zeros(objective.n_dof)
    along_bias[-1] = 1.0
    derivatives = objective.line_derivatives(point, along_bias)
    low, high, shift = -np.inf, np.inf, 0.0
    while True:
        slope, curvature = derivatives(shift)
        low, high = (shift, high) if slope < 0.0 else (low, shift)
        # A longer step is too long: the curvature changes by a factor of e over one.
        change = -slope / curvature if curvature > abs(slope) else -np.sign(slope)
        if abs(change) <= EPS * max(1.0, abs(point.coef[-1] + shift)):
            return point.coef + shift * along_bias
        end = shift + change
        shift = end if low < end < high else 0.5 * (low + high)
