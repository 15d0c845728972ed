"""The ends of profile likelihood intervals."""

from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation
from sk_logreg.inference._likelihood import Evaluate, inverse_hessian

_MAX_STEPS = 60
# An end is reached where the next step, relative to the distance from the maximum, is
# smaller; it is taken, but not evaluated.
_TOL = 1e-6
# The largest step, relative to the distance from the maximum, while no point beyond the
# end is known.
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
    def at(cls, point: Evaluation, a: Vector) -> "_Slice":
        inverse = inverse_hessian(point)
        newton, image = -inverse.solve(point.gradient), inverse.solve(a)
        least = point.value + 0.5 * float(point.gradient @ newton)
        return cls(newton, image, float(a @ image), least)

    def level(self, a: Vector, target: float, side: float) -> float | None:
        """Return the step of the functional to where the model's profile is `target`.

        None if the model exceeds it everywhere.
        """
        room = 2.0 * (target - self.least) * self.spread
        if room < 0.0:
            return None
        return float(a @ self.newton + side * np.sqrt(room))

    def to(self, a: Vector, change: float) -> Vector:
        """Return the step to the model's minimum, given the functional's change."""
        share = (change - float(a @ self.newton)) / self.spread
        return self.newton + share * self.image

    def profile(self, a: Vector) -> float:
        """Return the minimum of the model with the functional as it is at the point."""
        return self.least + 0.5 * float(a @ self.newton) ** 2 / self.spread


def profile_end(
    evaluate: Evaluate, peak: Evaluation, a: Vector, target: float, side: float
) -> float:
    """Return where the minimum of f, given a linear functional, rises to a target.

    The functional and the other directions are solved for together, by Newton's
    method [1]_: the next point is where the profile of the quadratic model reaches the
    target. It is kept between points that are known to be inside and outside.

    Parameters
    ----------
    evaluate : callable
        Returns f at some coefficients, with its gradient and its Hessian.
    peak : Evaluation
        The minimum of f.
    a : ndarray of shape (n_dof,)
        The functional, ``a @ coef``.
    target : float
        The value of f at the end.
    side : {-1.0, 1.0}
        Which end.

    Returns
    -------
    float
        The change of the functional from the minimum to the end; NaN if it was not
        found.

    References
    ----------
    .. [1] D. J. Venzon, S. H. Moolgavkar (1988). A method for computing
       profile-likelihood-based confidence intervals. Applied Statistics 37(1), 87-94.
    """
    inside, outside, first, point = 0.0, np.inf, np.nan, peak
    for _ in range(_MAX_STEPS):
        model = _Slice.at(point, a)
        place = side * float(a @ (point.coef - peak.coef))
        if point.value <= target:
            inside = max(inside, place)
        elif model.profile(a) > target:
            outside = min(outside, place)
        change = model.level(a, target, side)
        end = np.nan if change is None else place + side * change
        if abs(end - place) <= _TOL * abs(place):
            return side * end
        if np.isnan(first):
            first = end
        longest = inside + _LONGEST * max(inside, first)
        if not inside < end < min(outside, longest):
            end = min(longest, 0.5 * (inside + outside))
        point = evaluate(point.coef + model.to(a, side * (end - place)))
    return np.nan
