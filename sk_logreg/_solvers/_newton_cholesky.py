"""Newton's method with a Cholesky factor of the exact Hessian."""

from functools import cached_property

from sk_logreg._design import Matrix, Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._linalg import factor, most_negative_curvature
from sk_logreg._solvers._newton import FIRST_SHIFT, Step, minimize


def solve(
    objective: Objective, start: Vector, journal: Journal, *, tol: float
) -> Solution:
    """Minimize by Newton's method, solving each system with a Cholesky factor.

    See `minimize` for the parameters and the method. An iteration costs one read of X
    and n_samples × n_features² operations.
    """
    return minimize(objective, start, journal, _CholeskyModel(objective), tol=tol)


class _CholeskyModel:
    needs_hessian = True

    def __init__(self, objective: Objective):
        self._objective = objective

    @cached_property
    def _majorizer(self) -> Matrix:
        return self._objective.majorizer()

    def step(self, point: Evaluation, shift: float, accuracy: float) -> Step:
        """Return the step for the smallest shift ≥ `shift` that makes it convex."""
        while True:
            shifted = _hessian(point)
            if shift > 0.0:
                shifted = shifted + shift * self._majorizer
            factored = factor(shifted)
            if factored is not None:
                break
            shift = max(4 * shift, FIRST_SHIFT)
        direction = -factored.solve(point.gradient)
        decrement2 = -float(point.gradient @ direction)
        damping = 0.0
        if shift > 0.0:
            damping = shift * float(direction @ self._majorizer @ direction)
        return Step(
            direction,
            decrement2,
            promised=0.5 * (decrement2 + damping),
            shift=shift,
            singular=factored.singular,
        )

    def escape(self, point: Evaluation) -> Vector | None:
        """Return a direction of negative curvature, or None where there is none."""
        hessian = _hessian(point)
        if factor(hessian) is not None:
            return None
        return most_negative_curvature(hessian, self._majorizer)


def _hessian(point: Evaluation) -> Matrix:
    assert point.hessian is not None  # the points are evaluated with it, see `Model`
    return point.hessian
