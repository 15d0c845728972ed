"""The likelihood: its value, and its maxima under linear constraints."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Evaluation
from sk_logreg._solvers._factors import Factor, factor

#: Returns f at some coefficients, with its gradient and its Hessian.
Evaluate = Callable[[Vector], Evaluation]

# A maximum is reached where the log likelihood can rise by less than this, by a Newton
# step that is not taken. The error after it is of the order of the square.
_TOL = 1e-6
_MAX_STEPS = 100
_MAX_HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Constraints:
    """Linear constraints ``matrix @ coef = values``."""

    matrix: Matrix
    values: Vector


@dataclass(frozen=True, eq=False)
class ConstrainedStep:
    """A Newton step of f on linear constraints.

    Attributes
    ----------
    direction : ndarray of shape (n_dof,)
        Leads to the minimum of the quadratic model of f on the constraints.
    change : float
        How much f changes along it, by the model.
    """

    direction: Vector
    change: float


def newton_step(point: Evaluation, constraints: Constraints) -> ConstrainedStep:
    """Return the Newton step from a point, which need not satisfy the constraints."""
    inverse, rows = inverse_hessian(point), constraints.matrix
    assert point.hessian is not None
    direction = -inverse.solve(point.gradient)
    if len(rows):
        images = np.array([inverse.solve(row) for row in rows]).T
        missing = constraints.values - rows @ (point.coef + direction)
        direction = direction + images @ np.linalg.lstsq(rows @ images, missing)[0]
    bend = 0.5 * float(direction @ (point.hessian @ direction))
    return ConstrainedStep(direction, float(point.gradient @ direction) + bend)


def inverse_hessian(point: Evaluation) -> Factor:
    """Return the pseudo-inverse of the Hessian at a point."""
    assert point.hessian is not None
    inverse = factor(point.hessian, semidefinite=True)
    assert inverse is not None
    return inverse


def constrained_minimum(
    evaluate: Evaluate, point: Evaluation, constraints: Constraints, total: float
) -> tuple[Evaluation, float]:
    """Minimize f on linear constraints by Newton's method, from a point.

    Returns the last point, and the minimum of f. `total` times f is the negative log
    likelihood. There may be no minimum, where classes are separated; f converges then
    too.
    """
    feasible = False
    for _ in range(_MAX_STEPS):
        step = newton_step(point, constraints)
        if feasible and -step.change * total <= _TOL:
            return point, point.value + step.change
        length = 1.0
        after = evaluate(point.coef + step.direction)
        for _ in range(_MAX_HALVINGS if feasible else 0):
            if after.value <= point.value:
                break
            length *= 0.5
            after = evaluate(point.coef + length * step.direction)
        point, feasible = after, True
    return point, point.value
