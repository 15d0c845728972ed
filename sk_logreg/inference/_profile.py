"""The ends of profile likelihood intervals."""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation
from sk_logreg.inference._likelihood import (
    Constraints,
    Likelihood,
    Solve,
    constrained_minimum,
)

_MAX_STEPS = 12
# An end is reached where the next step is smaller, relative to the half-width of the
# interval; it is taken, but not evaluated.
_TOL = 1e-6
# At an end, the other directions may lower f by this share of its rise. The error of
# the end is of a higher order.
_NEARLY = 1e-4
# The largest step, relative to the half-width or the distance that is known to be
# inside.
_LONGEST = 2.0
_MAX_DOUBLINGS = 60


@dataclass(frozen=True, eq=False)
class _Slice:
    """The quadratic model of f at a point, along a linear functional of the point.

    Attributes
    ----------
    newton : ndarray of shape (n_dof,)
        The Newton step.
    image : ndarray of shape (n_dof,)
        H⁻¹ a, with a the functional.
    spread : float
        aᵀ H⁻¹ a.
    least : float
        The minimum of the model.
    """

    newton: Vector
    image: Vector
    spread: float
    least: float

    @classmethod
    def at(cls, point: Evaluation, a: Vector, solve: Solve) -> "_Slice":
        """Return the slice, given the inverse Hessian of the model."""
        newton, image = -solve(point.gradient), solve(a)
        least = point.value + 0.5 * float(point.gradient @ newton)
        return cls(newton, image, float(a @ image), least)

    def change_to(self, a: Vector, target: float, side: float) -> float:
        """Return the change of the functional to where the model's profile is `target`.

        NaN if the model exceeds it everywhere.
        """
        room = 2.0 * (target - self.least) * self.spread
        return float(a @ self.newton + side * np.sqrt(room))

    def to(self, a: Vector, change: float) -> Vector:
        """Return the step to the model's minimum, given the functional's change."""
        share = (change - float(a @ self.newton)) / self.spread
        return self.newton + share * self.image

    def profile(self, a: Vector) -> float:
        """Return the minimum of the model with the functional as it is at the point."""
        return self.least + 0.5 * float(np.square(a @ self.newton) / self.spread)


def profile_end(
    likelihood: Likelihood,
    point: Evaluation,
    a: Vector,
    inside: float,
    level: tuple[float, float],
    side: float,
    total: float,
) -> float:
    """Return where the minimum of f, given a linear functional, rises to a level.

    The functional and the other directions are solved for together, by Newton's
    method [1]_: the next point is where the profile of the quadratic model reaches the
    level. If this does not converge soon, the root of the profile is searched for in a
    bracket.

    Parameters
    ----------
    likelihood : Likelihood
        Evaluates f.
    point : Evaluation
        Where to start, such as the minimum of f.
    a : ndarray of shape (n_dof,)
        The functional, ``a @ coef``.
    inside : float
        A value of the functional that is inside, such as that at the minimum.
    level : tuple of float
        The minimum of f, and the level of f at the end.
    side : {-1.0, 1.0}
        Which end.
    total : float
        What f is multiplied by to give the negative log likelihood.

    Returns
    -------
    float
        The value of the functional at the end; NaN if it was not found.

    References
    ----------
    .. [1] D. J. Venzon, S. H. Moolgavkar (1988). A method for computing
       profile-likelihood-based confidence intervals. Applied Statistics 37(1), 87-94.
    """
    likelihood.restart()
    start, (least, target) = point, level
    # The largest distance from `inside`, in the direction of the end, that is known to
    # be inside, and the half-width of the interval at the start.
    near, width = 0.0, 0.0
    for _ in range(_MAX_STEPS):
        model = _Slice.at(point, a, likelihood.inverse_hessian(point))
        if not model.spread > 0.0:
            break
        place = side * (float(a @ point.coef) - inside)
        if point.value <= target:
            near = max(near, place)
        width = width or float(np.sqrt(2.0 * (target - least) * model.spread))
        change = side * model.change_to(a, target, side)
        optimal = point.value - model.profile(a) <= _NEARLY * (target - least)
        if optimal and abs(change) <= _TOL * width:
            return inside + side * (place + change)
        if not place + change > near:  # no end, or not there
            break
        longest = _LONGEST * max(near, width)
        change = float(np.clip(change, -longest, longest))
        point = likelihood.step(point, model.to(a, side * change))
    width = width or abs(inside) or 1.0
    return _searched_end(likelihood, start, a, inside, level, side * width, total)


def _searched_end(
    likelihood: Likelihood,
    point: Evaluation,
    a: Vector,
    inside: float,
    level: tuple[float, float],
    width: float,
    total: float,
) -> float:
    """Return the end in the direction of a width, by a search in a bracket."""
    _, target = level
    place = (float(a @ point.coef) - inside) / width
    points = {place: point}

    def excess(distance: float) -> float:
        """Return how much the profile exceeds the level, from the nearest point."""
        nearest = min(points, key=lambda known: abs(known - distance))
        value = np.array([inside + distance * width])
        found, least = constrained_minimum(
            likelihood, points[nearest], Constraints(a[None, :], value), total
        )
        if not np.isfinite(least):
            raise _NotFoundError
        points[distance] = found
        return total * (least - target)

    far = max(1.0, place)  # from the point, if it is outside
    near = far - 1.0
    with suppress(_NotFoundError, ValueError):
        for _ in range(_MAX_DOUBLINGS):
            if excess(near) <= 0.0:
                break
            near, far = near - 2.0 * (far - near), near
        for _ in range(_MAX_DOUBLINGS):
            if excess(far) > 0.0:
                return inside + width * brentq(excess, near, far, xtol=_TOL)
            near, far = far, far + 2.0 * (far - near)
    return np.nan


class _NotFoundError(ArithmeticError):
    """A minimum under constraints was not found."""
