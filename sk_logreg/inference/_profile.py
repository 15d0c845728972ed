"""The ends of profile likelihood intervals."""

from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation
from sk_logreg.inference._likelihood import Likelihood, Solve

_MAX_STEPS = 60
# An end is reached where the next step is smaller, relative to the half-width of the
# interval; it is taken, but not evaluated.
_TOL = 1e-6
# The largest step, relative to the half-width.
_LONGEST = 2.0


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
        return self.least + 0.5 * float(a @ self.newton) ** 2 / self.spread


def profile_end(
    likelihood: Likelihood,
    point: Evaluation,
    a: Vector,
    inside: float,
    level: tuple[float, float],
    side: float,
) -> float:
    """Return where the minimum of f, given a linear functional, rises to a level.

    The functional and the other directions are solved for together, by Newton's
    method [1]_: the next point is where the profile of the quadratic model reaches the
    level. It is kept between values that are known to be inside and outside.

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
    least, target = level
    # Distances from `inside`, in the direction of the end.
    near, far = 0.0, np.inf
    for _ in range(_MAX_STEPS):
        model = _Slice.at(point, a, likelihood.inverse_hessian(point))
        if not model.spread > 0.0:
            return np.nan
        place = side * (float(a @ point.coef) - inside)
        if point.value <= target:
            near = max(near, place)
        elif model.profile(a) > target:
            far = min(far, place)
        change = side * model.change_to(a, target, side)
        width = float(np.sqrt(2.0 * (target - least) * model.spread))
        if abs(change) <= _TOL * width:
            return inside + side * (place + change)
        if not near < place + change < far:  # no end, or not there
            change = 0.5 * (near + far) - place
        change = np.clip(change, -_LONGEST * width, _LONGEST * width)
        point = likelihood.step(point, model.to(a, side * change))
    return np.nan
