"""The likelihood as a function of the coefficients, and its constrained maxima."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Evaluation, NotFiniteError, Objective
from sk_logreg._solvers import JeffreysEvaluation, JeffreysLikelihood, SecantModel
from sk_logreg._solvers._factors import factor

# Stop when the predicted increase of the log likelihood is below this value. The step
# is not taken; the error of the predicted maximum is of the order of its square.
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
        """Discard what earlier steps have shown of the curvature."""

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

    def step(self, point: Evaluation, solve: Solve) -> tuple[Vector, float]:
        """Return the step to the minimum of a quadratic model on the constraints.

        The point need not satisfy them; also returns how much f changes with what is
        missing. `solve` is the inverse Hessian of the model.
        """
        newton = -solve(point.gradient)
        if not len(self.matrix):
            return newton, 0.0
        images = np.array([solve(row) for row in self.matrix]).T
        missing, along = self.values - self.matrix @ point.coef, self.matrix @ newton
        spread = self.matrix @ images
        shares = np.linalg.lstsq(spread, np.column_stack([missing, along]))[0]
        charge = float(np.abs(missing @ shares) @ [0.5, 1.0])
        direction = newton + images @ (shares[:, 0] - shares[:, 1])
        # Once more, for the rounding errors of a long step.
        left = self.values - self.matrix @ (point.coef + direction)
        return direction + images @ np.linalg.lstsq(spread, left)[0], charge


def constrained_minimum(
    likelihood: Likelihood, point: Evaluation, constraints: Constraints, total: float
) -> tuple[Evaluation, float]:
    """Minimize f on linear constraints by Newton's method, from a point.

    Returns the last point, and the minimum of f, NaN if it was not found. `total` times
    f is the negative log likelihood. There may be no minimum, where classes are
    separated; the values converge then too.
    """
    likelihood.restart()
    for _ in range(_MAX_STEPS):
        solve = likelihood.inverse_hessian(point)
        direction, charge = constraints.step(point, solve)
        met = charge * total <= _TOL
        # On the constraints, the model falls by half of what the slope promises.
        change = 0.5 * float(point.gradient @ direction)
        if met and -change * total <= _TOL:
            return point, point.value + change
        after = _shortened(likelihood, point, direction, 0.0 if met else 1.0 / total)
        if after is None:
            break
        point = after
    return point, np.nan


def _shortened(
    likelihood: Likelihood, point: Evaluation, direction: Vector, slack: float
) -> Evaluation | None:
    """Return the point after a step that is shortened until f is not too large there.

    f may not rise or, if there is slack, by no more than that and twice the rise of the
    quadratic model. None if there is no such point.
    """
    slope = float(point.gradient @ direction)
    assert point.hessian is not None
    bend = float(direction @ (point.hessian @ direction))
    length = 1.0
    for _ in range(_MAX_HALVINGS):
        after = likelihood.step(point, length * direction)
        if after is point:
            return None
        rise = max(0.0, length * slope + 0.5 * length**2 * bend) if slack else 0.0
        if after.value <= point.value + slack + 2.0 * rise:
            return after
        length *= 0.5
    return None
