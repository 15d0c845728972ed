"""The likelihood as a function of the coefficients, and its constrained maxima."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._solvers import JeffreysEvaluation, JeffreysLikelihood, SecantModel
from sk_logreg._solvers._factors import factor

# A maximum is reached where the log likelihood rises by less than this along a Newton
# step, which is not taken. The error is of the order of its square.
_TOL = 1e-6
_MAX_STEPS = 100
_MAX_HALVINGS = 30

Solve = Callable[[Vector], Vector]


class Likelihood:
    """f, the negative log likelihood over its total weight, and its curvature."""

    def __init__(self, objective: Objective):
        self._objective = objective

    def evaluate(self, coef: Vector) -> Evaluation:
        """Return f with its gradient and Hessian, in one pass over X."""
        return self._objective.evaluate(coef, hessian=True, margins=False)

    def inverse_hessian(self, point: Evaluation) -> Solve:
        """Return the product with the pseudo-inverse of the Hessian at a point."""
        assert point.hessian is not None
        found = factor(point.hessian, semidefinite=True)
        assert found is not None
        return found.solve

    def restart(self) -> None:
        """Forget what earlier steps have shown of the curvature."""

    def step(self, point: Evaluation, direction: Vector) -> Evaluation:
        """Return the point after a step, which is shortened until f is finite there."""
        for halvings in range(_MAX_HALVINGS):
            with suppress(NotFiniteError):
                return self.evaluate(point.coef + 0.5**halvings * direction)
        return point


class PenalizedLikelihood(Likelihood):
    """The same with Jeffreys' prior, whose curvature is estimated by secants."""

    def __init__(self, objective: Objective):
        super().__init__(objective)
        self._jeffreys, self._secants = JeffreysLikelihood(objective), SecantModel()

    def evaluate(self, coef: Vector) -> Evaluation:
        """Return f with its gradient and the Fisher information, in two passes."""
        return self._jeffreys.evaluate(coef)

    def inverse_hessian(self, point: Evaluation) -> Solve:
        assert isinstance(point, JeffreysEvaluation)
        return self._secants.inverse_hessian(point)

    def restart(self) -> None:
        self._secants.reset()

    def step(self, point: Evaluation, direction: Vector) -> Evaluation:
        after = super().step(point, direction)
        if isinstance(point, JeffreysEvaluation):
            assert isinstance(after, JeffreysEvaluation)
            self._secants.add(point, after)
        return after


@dataclass(frozen=True, eq=False)
class Constraints:
    """Linear constraints ``matrix @ coef = values``."""

    matrix: Matrix
    values: Vector

    @classmethod
    def none(cls, n_dof: int) -> "Constraints":
        """Return no constraint."""
        return cls(np.empty((0, n_dof)), np.empty(0))

    def step(self, point: Evaluation, solve: Solve) -> Vector:
        """Return the step to the minimum of a quadratic model on the constraints.

        The point need not satisfy them. `solve` is the inverse Hessian of the model.
        """
        direction = -solve(point.gradient)
        if not len(self.matrix):
            return direction
        images = np.array([solve(row) for row in self.matrix]).T
        missing = self.values - self.matrix @ (point.coef + direction)
        return direction + images @ np.linalg.lstsq(self.matrix @ images, missing)[0]


def constrained_minimum(
    likelihood: Likelihood, point: Evaluation, constraints: Constraints, total: float
) -> tuple[Evaluation, float]:
    """Minimize f on linear constraints by Newton's method, from a point.

    Returns the last point, and the minimum of f. `total` times f is the negative log
    likelihood. There may be no minimum, where classes are separated; the values
    converge then too.
    """
    likelihood.restart()
    feasible = not len(constraints.matrix)
    for _ in range(_MAX_STEPS):
        direction = constraints.step(point, likelihood.inverse_hessian(point))
        # On the constraints, the model falls by half of what the slope promises.
        change = 0.5 * float(point.gradient @ direction)
        if feasible and -change * total <= _TOL:
            return point, point.value + change
        after = likelihood.step(point, direction)
        for _ in range(_MAX_HALVINGS if feasible else 0):
            if after.value <= point.value:
                break
            direction = 0.5 * direction
            after = likelihood.step(point, direction)
        point, feasible = after, True
    return point, point.value
