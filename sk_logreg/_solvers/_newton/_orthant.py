"""Proximal Newton steps by conjugate gradients, for many features with a weight."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Vector
from sk_logreg._objective import Evaluation, Objective, RowVector, dual_after_step
from sk_logreg._solvers._newton._model import (
    Bound,
    Curvature,
    DualStep,
    Step,
    converges_next,
)
from sk_logreg._solvers._newton._proximal import composite_bound, excess_of_slopes
from sk_logreg._tolerances import NOISE
from sk_logreg.penalties import ElasticNet

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class OrthantOptions:
    """The parameters of steps within an orthant."""

    #: The norm of the residual, relative to that at the start, at most.
    forcing: float = 0.1
    #: A system that leaves more than this share of the norm has not helped.
    progress: float = 0.5
    #: Maximum number of products per step.
    max_products: int = 1000
    #: The same far from the minimum, where a step is to lower f by more than this share
    #: of it: there the model is too rough to be minimized accurately.
    rough_products: int = 60
    far: float = 1e-3
    #: A step is solved accurately if it is predicted to be the last one. If the fit is
    #: to be certified, the prediction takes the fall of f to be larger by this factor:
    #: where coefficients stop at zero, or features are added, the accuracy is wasted,
    #: and costs more than one more step.
    caution: float = 100.0
    #: A system is not solved further where zeros and bounds cut off this share of the
    #: step: it is of other coefficients then.
    cut: float = 0.5
    #: The least shift that is not 0, and its growth after a poor step.
    least_shift: float = 2.0**-12
    shift_growth: float = 8.0
    #: A step is poor if f falls by less than this share of what its slope predicts,
    #: and good if by more than that share. It would be half of it for a quadratic.
    poor: float = 0.25
    good: float = 0.4
    #: A step that is stopped at zeros has to keep this share of its length.
    sufficient: float = 0.1
    #: Else it is shortened, until the coefficients that are stopped are these parts of
    #: those that were.
    divisors: tuple[int, ...] = (2, 8, 32)


_OPTIONS = OrthantOptions()


class _Until(NamedTuple):
    """When a system is solved.

    Its residual is at most this share of that at the start, or is `enough`.
    """

    share: float
    enough: Callable[[Vector], bool]


class OrthantModel:
    """A quadratic model within the orthant of the signs of the coefficients.

    There the penalty is smooth. Coefficients at zero get the sign that lowers f, or
    stay at zero if none does. Conjugate gradients solve for the step, which ends where
    coefficients would change their signs [1]_. Every product is a pass over X.

    Where the loss is saturated, its curvature vanishes, and the model with it. So there
    is a shift, a multiple of the majorizer that is added to the Hessian: it grows where
    the model predicts f badly and shrinks where it does so well [2]_. Next to the
    minimum it is 0.

    References
    ----------
    .. [1] N. Keskar, J. Nocedal, F. Öztoprak, A. Wächter (2016). A second-order method
       for convex ℓ1-regularized optimization with active-set prediction. Optimization
       Methods and Software 31(3), 605-621.
    .. [2] J. Nocedal, S. J. Wright (2006). Numerical Optimization, 2nd edition,
       section 10.3: the method of Levenberg and Marquardt.
    """

    def __init__(self, objective: Objective, squares: Vector, certify: bool):
        self._objective, self._certify = objective, certify
        assert isinstance(objective.penalty, ElasticNet)
        self._penalty = objective.penalty
        self._curvature: RowVector | None = None
        self._shift = 0.0
        self._last: DualStep | None = None
        self._last_step: Step | None = None
        self._n_products = 0  # of the step
        self._residual = np.zeros(objective.n_dof)  # of the system of the last step
        # An upper bound of the diagonal of the Hessian, and its inverse.
        self._diagonal = squares + self._penalty.curvature
        self._scale = np.zeros(objective.n_dof)
        np.divide(1.0, self._diagonal, out=self._scale, where=self._diagonal > 0.0)

    def evaluate(self, coef: Vector) -> Evaluation:
        return self._objective.evaluate(coef)

    def step(self, point: Evaluation, accuracy: float, *, exact: bool = False) -> Step:
        objective, penalty = self._objective, self._penalty
        self._adapt(point, exact)
        self._curvature = objective.curvature(point.margins, self._shift)
        end, gradient = point.coef, point.gradient
        first = self._norm(penalty.descent_slope(end, gradient))
        before, whole, self._n_products = np.inf, False, 0
        # The model does not hold where it falls by more than f, which is not negative.
        while (fall := self._fall(point, end)) <= 2.0 * point.value:
            slope = penalty.descent_slope(end, gradient)
            left = self._norm(slope)
            least = min(_OPTIONS.forcing, np.sqrt(fall / point.value)) * first
            if exact or self._is_last(point, accuracy, fall):
                least = 0.0
            enough = partial(self._enough, point, accuracy, fall, least)
            near = exact or fall <= _OPTIONS.far * point.value
            limit = _OPTIONS.max_products if near else _OPTIONS.rough_products
            if enough(slope) or self._n_products >= limit:
                break
            stalled = left > _OPTIONS.progress * before
            until = _Until(0.0 if whole else _OPTIONS.forcing, enough)
            before, last = left, end
            end, gradient, whole = self._move(end, gradient, slope, until, stalled)
            if np.array_equal(end, last):
                break
        self._last = DualStep(point, objective, slice(None), self._curvature, end)
        self._residual = gradient
        self._last_step = Step(
            point,
            accuracy,
            end - point.coef,
            self._fall(point, end),
            shift=self._shift,
            exact=True,
            end=end,
        )
        return self._last_step

    def _adapt(self, point: Evaluation, exact: bool) -> None:
        """Set the shift by how well the model has predicted the last step."""
        last = self._last_step
        far = last is None or last.decrement2 > _OPTIONS.far * point.value
        if exact or not far:
            self._shift = 0.0
            return
        if last is not None and last.point is not point:
            gain = (last.point.value - point.value) / last.decrement2
            spent = self._n_products >= _OPTIONS.rough_products
            if spent or gain < _OPTIONS.poor:
                grown = max(_OPTIONS.shift_growth * self._shift, _OPTIONS.least_shift)
                self._shift = min(1.0, grown)
            elif gain > _OPTIONS.good:
                less = self._shift / _OPTIONS.shift_growth
                self._shift = less if less >= _OPTIONS.least_shift else 0.0

    def _fall(self, point: Evaluation, end: Vector) -> float:
        """Return by how much f falls along a step, by its slope."""
        return max(0.0, -self._objective.slope(point, end - point.coef))

    def _is_last(self, point: Evaluation, accuracy: float, fall: float) -> bool:
        """Return whether a step is likely to be the last one."""
        excess = fall * (_OPTIONS.caution if self._certify else 1.0)
        return fall <= accuracy or converges_next(excess, accuracy, point.value)

    def _enough(
        self,
        point: Evaluation,
        accuracy: float,
        fall: float,
        least: float,
        slope: Vector,
    ) -> bool:
        """Return whether a slope of the model is small enough.

        If `least` is 0, the step is likely to be the last one.
        """
        left = self._norm(slope)
        if least > 0.0 or fall == 0.0:
            return left <= least
        excess = self._charge(slope, point) if self._certify else 0.5 * left**2
        return excess <= 0.25 * accuracy

    def _norm(self, slope: Vector) -> float:
        """Return the norm of a slope in the metric of the inverse of the diagonal."""
        return float(np.sqrt(slope @ (self._scale * slope)))

    def _product(self, v: Vector) -> Vector:
        assert self._curvature is not None
        self._n_products += 1
        product = self._objective.product(self._curvature, v)
        return product + self._penalty.curvature * v

    def _move(
        self, u: Vector, gradient: Vector, slope: Vector, until: _Until, stalled: bool
    ) -> tuple[Vector, Vector, bool]:
        """Return a point of the orthant with a lower model, and the gradient there.

        Also whether no coefficient was stopped at a zero or a bound.
        """
        penalty = self._penalty
        signs = np.where(u == 0.0, -np.sign(slope), np.sign(u))
        active = (slope != 0.0) | penalty.free(u)
        base, pull = u, np.zeros_like(u)
        while True:
            cut = partial(self._cut, base, signs)
            direction, image = self._solve(slope + pull, active, until, cut)
            whole = base + direction
            end = penalty.within_orthant(whole, signs)
            stopped = active & (end != whole)
            if not stopped.any():
                if base is u:
                    return end, gradient + image, True
                found = self._toward(end, u, gradient, slope, pull + image)
                if found is not None:
                    return *found, True
                return self._move(u, gradient, slope, until, stalled=False)
            if stalled:  # all that are stopped stay where they are
                base = np.where(stopped, end, base)
                pull = self._product(base - u)
                active &= ~stopped
                continue
            found = self._toward(end, u, gradient, slope, self._product(end - u))
            if found is not None:
                return *found, False
            # Coefficients at zero that a correlated one pushes back stay there.
            pushed = stopped & (end == u)
            if not pushed.any():
                break
            active &= ~pushed
        # On a shorter step fewer coefficients are stopped.
        shares = np.where(stopped, (end - u) / np.where(stopped, direction, 1.0), 1.0)
        lengths = np.sort(shares[stopped])
        for place in (len(lengths) // n for n in _OPTIONS.divisors):
            if place > 0:
                nearer = penalty.within_orthant(u + lengths[place] * direction, signs)
                bent = self._product(nearer - u)
                found = self._toward(nearer, u, gradient, slope, bent)
                if found is not None:
                    return *found, False
        # Up to where the first coefficient is stopped the model falls.
        length = float(lengths[0])
        reached = np.where(shares <= length, end, u + length * direction)
        return reached, gradient + length * image, False

    def _toward(
        self, end: Vector, u: Vector, gradient: Vector, slope: Vector, bent: Vector
    ) -> tuple[Vector, Vector] | None:
        """Return the lowest point on the way to another point, if it is far enough.

        Also the gradient there. `bent` is the change of the gradient on the whole way.
        """
        moved = end - u
        down, bend = -float(slope @ moved), float(moved @ bent)
        length = min(1.0, down / bend) if bend > 0.0 else 1.0
        if not (down > 0.0 and length >= _OPTIONS.sufficient):
            return None
        end = end if length == 1.0 else u + length * moved
        return end, gradient + length * bent

    def _cut(self, base: Vector, signs: Vector, direction: Vector) -> bool:
        """Return whether zeros and bounds cut off a large share of a step."""
        end = base + direction
        off = self._penalty.within_orthant(end, signs) - end
        sizes = [float(v @ (self._diagonal * v)) for v in (off, direction)]
        return sizes[0] > _OPTIONS.cut**2 * sizes[1]

    def _solve(
        self,
        slope: Vector,
        active: Mask,
        until: _Until,
        cut: Callable[[Vector], bool],
    ) -> tuple[Vector, Vector]:
        """Return a step over the active coefficients, and the Hessian times it."""
        scale = self._scale * active
        direction, image = np.zeros_like(slope), np.zeros_like(slope)
        residual = -slope * active
        scaled = scale * residual
        search, rho = scaled, float(residual @ scaled)
        least = until.share**2 * rho
        for _ in range(_OPTIONS.max_products):
            if rho <= least or until.enough(residual):
                break
            product = self._product(search)
            bend = float(search @ product)
            if bend <= NOISE * float(search @ (self._diagonal * search)):
                break
            length = rho / bend
            direction += length * search
            image += length * product
            residual -= length * product * active
            if cut(direction):
                break
            scaled = scale * residual
            rho, before = float(residual @ scaled), rho
            search = scaled + (rho / before) * search
        return direction, image

    def _charge(self, residual: Vector, point: Evaluation) -> float:
        """Return about what a residual adds to the bound."""
        l1, curvature = self._penalty.l1, self._penalty.curvature
        free, roots = ~self._penalty.penalized, np.sqrt(self._diagonal)
        norm = float(np.linalg.norm(residual[free] * np.sqrt(self._scale[free])))
        error = np.abs(residual) + norm * roots
        curved = curvature > 0.0
        by_ridge = 0.5 * float(error[curved] ** 2 @ (1.0 / curvature[curved]))
        kinked = ~curved & (l1 > 0.0)
        share = np.max(error[kinked] / l1[kinked], initial=0.0)
        return by_ridge + float(share) * point.value + 0.5 * norm**2

    def certify(self, step: Step) -> Bound:
        objective = self._objective
        assert self._curvature is not None
        change, residual = objective.change_and_residual(
            self._curvature, step.direction, step.point.gradient
        )
        return composite_bound(
            objective,
            self._curvature,
            step.point,
            step.at(1.0),
            change,
            residual,
            self._diagonal,
        )

    @property
    def known(self) -> None:
        """None: it keeps no Hessian."""

    def dual_steps(self, point: Evaluation, accuracy: float) -> Iterator[DualStep]:
        """Yield a step that the dual variables may follow, that to the point first."""
        if self._last is not None and self._last.end is point.coef:
            yield self._last
        if self._last is None or self._last.start is not point:
            self.step(point, accuracy, exact=True)
        assert self._last is not None
        yield self._last

    def certify_after(self, step: Step, after: Evaluation) -> float:
        """Return the bound of the dual point that the step has led to."""
        last = self._last
        if last is None or last.end is not after.coef:
            return np.inf
        return excess_of_slopes(
            self._objective,
            self._penalty,
            dual_after_step(self._objective, step.point.margins, after.margins),
            last.curvature,
            after.value,
            after.coef,
            after.coef,
            self._penalty.curvature * after.coef - self._residual,
            self._diagonal,
            rounding=NOISE * float(np.sqrt(self._diagonal) @ np.abs(step.direction)),
        )

    def last_step(self, point: Evaluation) -> Vector:
        """Return zero: an approximate Newton step takes passes over X."""
        return 0.0 * point.coef

    def least_curvature(self, _point: Evaluation) -> Curvature:
        raise NotImplementedError  # only for losses that are convex
