"""What is minimized: rows, a loss, a penalty and a scale; and how it is built.

For the user the objective is

    F(w, b) = C Σ sᵢ L(zᵢ, yᵢ) + ½ Σ vⱼ (wⱼ - cⱼ)²,    zᵢ = wᵀxᵢ + b + oᵢ,

with sᵢ the sample weight times the class weight, v the penalty factors, c the center of
the penalty and o the offset. The bias b is free of the penalty, or under it like a
weight where it is absorbed. There is no penalty where C is infinite. The solvers
minimize the same divided by C Σ sᵢ,

    f(w, b) = Σ ŝᵢ L(zᵢ, yᵢ) + ½ Σ λⱼ wⱼ²,    ŝ = s / Σ s,    λ = v / (C Σ s),

whose size does not depend on C, on the number of rows or on the unit of the weights.
The center is not a part of it: the builder translates the coefficients, and adds what
they predict at the center to the offset.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite

from sk_logreg._arrays import Vector
from sk_logreg._design import Coordinates, Rows, coordinates_of, design_of
from sk_logreg._design import _products as products
from sk_logreg._execution import ThreadExecutor
from sk_logreg.losses import Loss
from sk_logreg.penalties import L2, PENALTIES, ElasticNet, Penalty


@dataclass(frozen=True, eq=False)
class Data:
    """Validated data: X, dense or CSR, and what belongs to its rows and columns.

    Attributes
    ----------
    signs : ndarray of shape (n_samples,), of int8
        1 for the rows of the positive class, -1 for the others.
    weights : ndarray of shape (n_samples,) or (1,)
        Sample weight times class weight, not negative.
    p_other : ndarray of shape (n_samples,) or None
        With soft labels, the probability of the label that `signs` does not name.
    penalty_factor, penalty_center : ndarray of shape (n_features,) or None
        v and c; None for ones and zeros.
    bounds : tuple of ndarray of shape (n_features,), or None
        The least and the greatest weights; None for none.
    shrunk : float
        The share by which the labels are shrunk toward one half.
    """

    X: Any
    signs: NDArray[np.int8]
    weights: Vector
    offset: Vector | None = None
    p_other: Vector | None = None
    penalty_factor: Vector | None = None
    penalty_center: Vector | None = None
    bounds: tuple[Vector, Vector] | None = None
    shrunk: float = 0.0

    def coordinates(
        self, *, centered: bool, penalized: bool, every_row: bool
    ) -> Coordinates | None:
        """Return the coordinates that X needs, see `coordinates_of`."""
        return coordinates_of(
            self.X,
            self.weights,
            centered=centered,
            penalized=penalized,
            every_row=every_row,
        )

    def weight_scale(self) -> tuple[float, float]:
        """Return the largest weight, and the sum of all weights relative to it."""
        # Dividing by the largest first keeps the sum of tiny or huge weights exact.
        largest = self.weights.max()
        relative = self.weights / largest
        return largest, relative.sum() * (self.X.shape[0] / relative.size)

    def strengths(
        self, strength: np.longdouble, coordinates: Coordinates | None
    ) -> NDArray[np.longdouble]:
        """Return the strength of the penalty of each weight, in some coordinates."""
        strengths = np.full(self.X.shape[1], strength)
        if self.penalty_factor is not None:
            strengths *= self.penalty_factor
        if coordinates is not None:
            strengths /= coordinates.units.astype(np.longdouble) ** 2
        return strengths

    def rows(self, coordinates: Coordinates | None, scale: tuple[float, float]) -> Rows:
        """Return the rows in some coordinates, with weights of sum one.

        The scale is that of `weight_scale`.
        """
        largest, total = scale
        return Rows(
            design_of(self.X, coordinates),
            self.signs,
            np.broadcast_to(self.weights / largest / total, (self.X.shape[0],)),
            self.offset,
            self.p_other,
        )

    def without_features(self) -> "Data":
        """Return the same with one feature, which is zero, in place of X."""
        nothing = np.zeros((self.X.shape[0], 1))
        return Data(nothing, self.signs, self.weights, self.offset, self.p_other)

    def assert_finite(self, name: str) -> None:
        """Raise a ValueError that names an estimator if X has NaN or infinity."""
        assert_all_finite(self.X, estimator_name=name, input_name="X")


@dataclass(frozen=True, eq=False)
class Problem:
    """An objective as a value: another loss, penalty or sample by `replace`.

    Attributes
    ----------
    fit_intercept : bool
        Whether the coefficients end with a bias.
    unit : float
        What f is multiplied by to give F.
    coordinates : Coordinates or None
        Those of the features and the coefficients, if they are not the user's.
    lift : callable
        Takes coefficients and returns the user's.
    bounds : tuple of ndarray of shape (n_features,), or None
        The bounds of the user's weights.
    center : ndarray of shape (n_dof,) or None
        Where the penalty is least, if the coefficients are not relative to it.
    reduced : bool
        Whether this is a problem over more features, reduced to their row space.
    """

    rows: Rows
    loss: Loss
    penalty: Penalty
    fit_intercept: bool
    unit: float
    coordinates: Coordinates | None = None
    lift: Callable[[Vector], Vector] = np.copy
    center: Vector | None = None
    reduced: bool = False
    bounds: tuple[Vector, Vector] | None = None

    @property
    def n_features(self) -> int:
        """Number of weights."""
        return self.rows.design.n_features

    @property
    def n_dof(self) -> int:
        """Number of coefficients, the bias included."""
        return self.n_features + self.fit_intercept

    @property
    def free_bias(self) -> bool:
        """Whether there is a bias without a penalty."""
        return self.fit_intercept and not self.penalty.penalized[-1]

    @property
    def bounded(self) -> bool:
        """Whether all weights are penalized, so that there is a minimum."""
        return bool(self.penalty.penalized[: self.n_features].all())

    def split(self, coef: Vector) -> tuple[Vector, float]:
        """Return the weights and the bias, 0 where there is none."""
        return coef[: self.n_features], float(coef[-1]) if self.fit_intercept else 0.0

    def lower(self, coef: Vector) -> Vector:
        """Return the user's coefficients in the coordinates of this problem."""
        return coef if self.coordinates is None else self.coordinates.inside(coef)

    def within_bounds(self, w: Vector) -> bool:
        """Return whether the user's weights are between their bounds."""
        return self.bounds is None or np.array_equal(np.clip(w, *self.bounds), w)

    def rescale(self, value: float) -> float:
        """Return F, the objective as the user knows it, from a value of f."""
        return float(value * self.unit)


def build_problem(
    data: Data,
    executor: ThreadExecutor,
    *,
    loss: Loss,
    C: float,
    fit_intercept: bool,
    absorb_bias: bool,
    penalty: str = "l2",
    l1_ratio: float = 0.0,
    as_given: bool = False,
    every_row: bool = False,
) -> Problem:
    """Build the problem of minimizing F on validated data.

    With `as_given`, the coefficients are those of the user's features; by default they
    are those in coordinates that lose no digits. With `every_row`, too large values are
    looked for in all rows instead of a sample. A center of the penalty takes a pass
    over X. Raises a ValueError if the loss or the penalty does not
    state what a fit needs.
    """
    loss.check()
    kind = PENALTIES[penalty]
    if not kind.quadratic:
        raise ValueError(
            f"The penalty {penalty!r} is not quadratic, which Newton's method requires."
        )
    penalized = bool(np.isfinite(C))
    n_features = data.X.shape[1]
    found = None
    if not as_given:
        found = data.coordinates(
            centered=fit_intercept and not (absorb_bias and penalized),
            penalized=penalized,
            every_row=every_row,
        )
    largest, total = scale = data.weight_scale()
    # Computed in this order, it is rounded exactly as the heaviest row's weight is.
    strength = np.longdouble(1.0 / total) / C / largest
    of_bias = np.full(int(fit_intercept), strength if absorb_bias else 0.0)
    strengths = np.append(data.strengths(strength, found), of_bias)
    problem = Problem(
        data.rows(found, scale),
        loss,
        kind.of(strengths),
        fit_intercept,
        # In this order the product overflows only if F itself does.
        unit=largest * (C if penalized else 1.0) * total,
        coordinates=found,
        lift=np.copy if found is None else found.outside,
    )
    center = data.penalty_center
    if center is not None:
        center = np.where(strengths[:n_features] > 0.0, center, 0.0)
    coordinates = found or Coordinates.none(n_features)
    if (l1_ratio > 0.0 and penalized) or data.bounds is not None:
        elastic_net = _elastic_net(
            strengths, l1_ratio, data.bounds, coordinates.units, center
        )
        problem = replace(problem, penalty=elastic_net, bounds=data.bounds)
    if center is None or not penalized:
        return problem
    if as_given:
        return replace(problem, center=np.append(center, np.zeros(fit_intercept)))
    return _about(problem, replace(coordinates, origin=center), executor)


def with_C(problem: Problem, C: float) -> Problem:
    """Return a problem that was built with C = 1 for another finite C.

    No entry of a row depends on C.
    """
    penalty = scaled_penalty(problem.penalty, C)
    return replace(problem, penalty=penalty, unit=problem.unit * C)


def scaled_penalty(penalty: Penalty, C: Any) -> L2:
    """Return the penalty of a problem that was built with C = 1 for another finite C.

    For a column of several values, the arrays of the penalty have a row for each.
    """
    assert isinstance(penalty, L2)
    strengths = L2.of(penalty.strengths / C).strengths
    if isinstance(penalty, ElasticNet):
        return replace(penalty, strengths=strengths, l1=penalty.l1 / C)
    return replace(penalty, strengths=strengths)


def _elastic_net(
    strengths: NDArray[Any],
    l1_ratio: float,
    bounds: tuple[Vector, Vector] | None,
    units: Vector,
    center: Vector | None,
) -> ElasticNet:
    """Return the penalty with an L1 part, over bounds, about the center.

    The strengths are those of an L2 penalty, in units of the features.
    """
    n_features, n_dof = len(units), len(strengths)
    lower, upper = np.full(n_dof, -np.inf), np.full(n_dof, np.inf)
    if bounds is not None:
        origin = 0.0 if center is None else center
        lower[:n_features] = (bounds[0] - origin) * units
        upper[:n_features] = (bounds[1] - origin) * units
    l1 = l1_ratio * strengths
    l1[:n_features] *= units
    ridge = L2.of((1.0 - l1_ratio) * strengths).strengths
    return ElasticNet(ridge, l1.astype(np.float64), lower, upper)


def _about(
    problem: Problem, coordinates: Coordinates, executor: ThreadExecutor
) -> Problem:
    """Return a problem in translated coefficients, zero at the origin."""
    assert coordinates.origin is not None
    rows, w = problem.rows, coordinates.units * coordinates.origin
    _, [margins] = rows.read(executor, products.margins, (), (w, 0.0), n_kept=1)
    return replace(
        problem,
        rows=rows.with_offset_at(margins),
        coordinates=coordinates,
        lift=coordinates.outside,
    )
