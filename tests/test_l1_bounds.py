"""The elastic net and bounds against an independent solver, and exact conditions.

The solver is L-BFGS-B of SciPy. It minimizes over u, v ≥ 0 with w = c + u - v, which
makes the L1 part linear and the bounds those of u and v.
"""

import warnings
from functools import cache

import numpy as np
import pandas as pd
import pytest
from _problems import sample
from _reference import BIASES, LOSSES, Reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV

every_bias = pytest.mark.parametrize("bias", BIASES)
every_loss = pytest.mark.parametrize("loss", LOSSES)
NAMES = ["age", "income", "tenure"]


def fit(X, y, sample_weight=None, offset=None, **params):
    """Fit; a warning is an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight, offset)


class Split(Reference):
    """Reference with an L1 part and bounds, minimized in the parts u and v of w."""

    def __init__(self, X, y, *args, l1_ratio=0.0, bounds=(None, None), **params):
        super().__init__(X, y, *args, **params)
        self.l1 = self.ridge * np.longdouble(l1_ratio)
        self.ridge = self.ridge - self.l1
        n_coefs, n_features = self.design.shape[1], X.shape[1]
        self.lower, self.upper = np.full(n_coefs, -np.inf), np.full(n_coefs, np.inf)
        for side, bound in zip((self.lower, self.upper), bounds, strict=True):
            if bound is not None:
                side[:n_features] = bound
        diagonal = self.factor * ((self.weights / 4) @ self.design**2) + self.ridge
        self.units = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1)).astype(np.float64)

    def theta(self, model):
        return super().theta(model).astype(np.float64)

    def value(self, theta):
        theta = np.asarray(theta, dtype=np.longdouble)
        return super().value(theta) + self.l1 @ np.abs(theta - self.center)

    def slopes(self, theta):
        """Return the slope of F by coefficient, 0 where no direction lowers F."""
        gradient = self.gradient(theta)
        moved = theta - self.center
        at_kink = np.sign(gradient) * np.maximum(np.abs(gradient) - self.l1, 0)
        slope = np.where(moved == 0, at_kink, gradient + self.l1 * np.sign(moved))
        blocked = (theta == self.lower) & (slope > 0)
        blocked |= (theta == self.upper) & (slope < 0)
        return np.where(blocked, 0, slope)

    def relative_slopes(self, theta):
        """Return the slopes without units: the squares are shares of F, about."""
        scaled = self.slopes(theta) * self.units / np.sqrt(self.value(theta))
        return np.abs(scaled).astype(np.float64)

    def minimum(self, start=None):
        """Return the coefficients that L-BFGS-B ends at, and F there."""
        lower, upper = (
            ((side - self.center) / self.units).astype(np.float64)
            for side in (self.lower, self.upper)
        )
        inside = np.clip(self.center, self.lower, self.upper)
        start = inside if start is None else start
        moved = ((start - self.center) / self.units).astype(np.float64)
        l1, unit = (self.l1 * self.units).astype(np.float64), float(self.value(inside))

        def split(parts):
            u, v = np.split(parts, 2)
            theta = self.center + self.units * (u - v)
            smooth = super(Split, self).value(theta)
            slope = (self.gradient(theta) * self.units).astype(np.float64)
            value = float(smooth) + l1 @ (u + v)
            return value / unit, np.concatenate([slope + l1, l1 - slope]) / unit

        above = [*np.maximum([lower, upper], 0).T, *np.maximum([-upper, -lower], 0).T]
        found = minimize(
            split,
            np.maximum(np.concatenate([moved, -moved]), 0),
            jac=True,
            bounds=above,
            options={"maxiter": 2000, "ftol": 0.0, "gtol": 1e-13, "maxcor": 30},
        )
        u, v = np.split(found.x, 2)
        theta = np.clip(self.center + self.units * (u - v), self.lower, self.upper)
        return theta.astype(np.float64), self.value(theta)

    def lowest(self, theta):
        """Return the least F that L-BFGS-B finds, from here and from c.

        The squared error has several minima, so that for it the start is here alone.
        """
        starts = (theta, None) if self.loss == "cross_entropy" else (theta,)
        return min(self.minimum(start)[1] for start in starts)

    def assert_minimal(self, model, tol, lowest=None):
        """Assert that a fit is within the bounds, within `tol`, and within its gap."""
        theta = self.theta(model)
        lowest = self.lowest(theta) if lowest is None else lowest
        value = self.value(theta)
        assert (self.lower <= theta).all()
        assert (theta <= self.upper).all()
        assert value - lowest <= tol * value
        assert model.objective_ == pytest.approx(float(value), rel=tol)
        if self.loss == "cross_entropy":
            self.assert_bounds(model, lowest)


def problem(n_features=6):
    """Return the arguments of `fit`: weighted rows, some values zero, an offset."""
    X, y = sample(60, n_features, seed=21, strength=2.0)
    rng = np.random.default_rng(21)
    X = X @ (np.eye(n_features) + 0.4) * 10.0 ** rng.uniform(-1, 1, n_features)
    X = np.where(np.abs(X) > 0.3, X, 0.0)
    weights = rng.exponential(size=60) * (rng.random(60) < 0.9)
    return {"X": X, "y": y, "sample_weight": weights, "offset": rng.normal(size=60)}


CENTER = np.array([0.3, 0.0, -0.2, 1.5, 0.0, -0.7])
FACTOR = np.array([1.0, 0.0, 0.2, 5.0, 1.0, 0.5])
LOWER = np.array([0.05, -np.inf, -0.1, 0.0, -0.3, 0.25])
UPPER = np.array([0.4, 0.0, 0.1, np.inf, np.inf, 0.25])
PENALTIES = {
    "lasso": {"l1_ratio": 1.0},
    "elastic net": {"l1_ratio": 0.4},
    "lasso, factors": {"l1_ratio": 1.0, "penalty_factor": FACTOR},
    "lasso, center": {"l1_ratio": 1.0, "penalty_center": CENTER},
    "lasso, bounds": {"l1_ratio": 1.0, "bounds": (LOWER, UPPER)},
    "ridge, bounds": {"bounds": (LOWER, UPPER)},
    "bounds alone": {"C": np.inf, "bounds": (LOWER, UPPER)},
    "all": {
        "l1_ratio": 0.7,
        "penalty_factor": FACTOR,
        "penalty_center": CENTER,
        "bounds": (LOWER, UPPER),
    },
}
FORMATS = {
    "C-order": np.ascontiguousarray,
    "Fortran order": np.asfortranarray,
    "CSR": sparse.csr_array,
    "float32": lambda X: X.astype(np.float32),
    "CSR, float32": lambda X: sparse.csr_array(X.astype(np.float32)),
}
#: Loss, solver that takes an L1 part, and format. A fit of the squared error takes the
#: time of ten of cross entropy.
CASES = [("cross_entropy", "auto", form) for form in FORMATS]
CASES += [("cross_entropy", "newton-cholesky", form) for form in FORMATS]
CASES += [("squared_error", "auto", "CSR, float32")]
CASES += [("squared_error", "newton-cholesky", "C-order")]
every_penalty = pytest.mark.parametrize("penalty", PENALTIES)


# ------------------------------------------------------------ the table


@cache
def lowest(penalty, loss, single):
    """Return the least F that L-BFGS-B finds for a problem of the table."""
    data, params = problem(), {"C": 0.2, "loss": loss, **PENALTIES[penalty]}
    data["X"] = data["X"].astype(np.float32 if single else np.float64)
    reference = Split(**data, **params)
    return reference.lowest(reference.theta(fit(**data, **params)))


@pytest.mark.parametrize(("loss", "solver", "form"), CASES)
@every_penalty
def test_every_solver_and_penalty_and_loss_and_format(penalty, loss, solver, form):
    data, params = problem(), {"C": 0.2, "loss": loss, **PENALTIES[penalty]}
    data["X"] = FORMATS[form](data["X"])
    model = fit(**data, **params, solver=solver)
    reference = Split(**data, **params)
    single = data["X"].dtype == np.float32
    reference.assert_minimal(model, 1e-8, lowest(penalty, loss, single))
    mean = float(reference.cost(reference.theta(model)))
    assert model.cost_ == pytest.approx(mean, rel=1e-6)


@pytest.mark.parametrize(
    ("loss", "bias"),
    [*(("cross_entropy", bias) for bias in BIASES), ("squared_error", "free")],
)
@every_penalty
def test_the_slopes_are_zero_or_held(penalty, loss, bias):
    # Held: by a kink whose slope is at most v ρ, or by a bound.
    data = problem()
    params = {"C": 0.2, "loss": loss, "tol": 1e-13}
    params |= {**PENALTIES[penalty], **BIASES[bias]}
    model = fit(**data, **params)
    params.pop("tol")
    reference = Split(**data, **params)
    theta = reference.theta(model)
    assert reference.relative_slopes(theta).max() <= 1e-9
    moved = np.abs(theta - reference.center)[:6]
    at_bound = (theta == reference.lower)[:6] | (theta == reference.upper)[:6]
    # A weight is at its center, at a bound, or clearly neither.
    assert (moved[moved > 0.0] > 1e-6).all()
    near = np.minimum(np.abs(theta - reference.lower), np.abs(theta - reference.upper))
    assert (near[:6][~at_bound] > 1e-6).all()


@pytest.mark.parametrize("C", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("l1_ratio", [0.0, 1e-6, 0.5, 1 - 1e-6, 1.0])
def test_penalties_of_any_strength(l1_ratio, C):
    data = problem()
    params = {"C": C, "l1_ratio": l1_ratio, "bounds": (LOWER - 0.2, None)}
    Split(**data, **params).assert_minimal(fit(**data, **params), 1e-8)


@pytest.mark.parametrize("shape", [(15, 40), (40, 450)])
@pytest.mark.parametrize("bounds", [(None, None), (0.0, 0.2)])
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_more_columns_than_rows(l1_ratio, bounds, shape):
    X, y = sample(*shape, seed=4)
    params = {"C": 0.5, "l1_ratio": l1_ratio, "bounds": bounds}
    Split(X, y, **params).assert_minimal(fit(X, y, **params), 1e-8)


# ------------------------------------------------------------ the certificate


@st.composite
def problems(draw):
    """Draw the arguments of `fit` and the parameters of a problem."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    n_samples, n_features = draw(st.integers(5, 60)), draw(st.integers(1, 8))
    X, y = sample(n_samples, n_features, rng, strength=10.0 ** rng.uniform(-1, 1))
    X *= 10.0 ** rng.uniform(-2, 2, n_features)
    if draw(st.booleans()):  # a column twice, and a constant one
        X[:, -1], X[:, n_features // 2] = X[:, 0], 3.0
    data = {"X": sparse.csr_array(X) if draw(st.booleans()) else X, "y": y}
    if draw(st.booleans()):
        data["sample_weight"] = rng.exponential(size=n_samples)
        data["sample_weight"][2::3] = 0.0
    if draw(st.booleans()):
        data["offset"] = rng.normal(size=n_samples)
    params = {"C": 10.0 ** draw(st.floats(-4, 4))}
    params["l1_ratio"] = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0, 1.0]))
    params |= BIASES[draw(st.sampled_from(sorted(BIASES)))]
    if draw(st.booleans()):
        data["y"] = np.clip(y + rng.uniform(-0.6, 0.6, n_samples), 0.0, 1.0)
        params["soft_labels"] = True
    units = 1 / np.sqrt((X**2).mean(axis=0))
    if draw(st.booleans()):
        params["penalty_factor"] = 10.0 ** rng.uniform(-1, 1, n_features)
    if draw(st.booleans()):
        params["penalty_center"] = units * rng.normal(size=n_features)
    # Without a kink the bounds are needed: this is about the proximal method.
    if params["l1_ratio"] == 0.0 or draw(st.booleans()):
        low = units * rng.normal(size=n_features)
        width = rng.choice([0.0, 1.0, np.inf], n_features)
        params["bounds"] = (low, low + width * units)
    return data, params


@given(problems(), st.floats(1, 12), st.sampled_from([0, 1, 2, 100]))
def test_the_gap_is_a_bound_at_every_tolerance(drawn, digits, max_iter):
    data, params = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        tol = 10.0**-digits
        model = fit(**data, **params, tol=tol, max_iter=max_iter)
    assert model.converged_ or max_iter < 100
    assert model.optimality_gap_ <= tol or model.status_.word != "converged"
    Split(**data, **params).assert_minimal(model, 1.0)


@every_bias
@pytest.mark.parametrize("penalty", ["lasso", "elastic net", "lasso, bounds", "all"])
def test_the_gap_is_nearly_the_suboptimality(penalty, bias):
    data, params = problem(), {"C": 0.2, **PENALTIES[penalty], **BIASES[bias]}
    reference = Split(**data, **params)
    lowest = reference.lowest(reference.theta(fit(**data, **params, tol=1e-13)))
    ratios = []
    for digits in range(1, 9):
        model = fit(**data, **params, tol=10.0**-digits)
        reference.assert_bounds(model, lowest)
        value = reference.value(reference.theta(model))
        ratios.append(float((value - lowest) / value) / model.optimality_gap_)
    assert max(ratios) > 0.6


@pytest.mark.parametrize("n_free", [0, 2])
@pytest.mark.parametrize("l1_ratio", [0.9, 1.0])
def test_the_gap_is_a_bound_over_columns_left_out(l1_ratio, n_free):
    X, y = sample(60, 500, seed=5)
    X = 0.5 * X + X[:, :1]  # correlated columns
    factor = np.where(np.arange(500) < n_free, 0.0, 1.0)
    params = {"C": 0.3, "l1_ratio": l1_ratio, "penalty_factor": factor}
    reference = Split(X, y, **params)
    finest = fit(X, y, **params, tol=1e-12)
    lowest = reference.lowest(reference.theta(finest))
    reference.assert_minimal(finest, 1e-12, lowest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        for max_iter in (0, 1, 2, 4, 8, 100):
            for tol in (0.5, 1e-2, 1e-4):
                model = fit(X, y, **params, tol=tol, max_iter=max_iter)
                reference.assert_minimal(model, 1.0, lowest)
                assert model.converged_ or max_iter < 100


@every_loss
@pytest.mark.parametrize("n_features", [4, 600])
@pytest.mark.parametrize("beyond", [-1e-3, 1e-3, 1e-2])
def test_the_largest_c_without_a_weight(beyond, n_features, loss):
    X, y = sample(150, n_features, seed=9)
    mean = y.mean()
    slope = 1.0 if loss == "cross_entropy" else mean * (1 - mean)
    largest = 1.0 / np.abs(slope * (X.T @ (y - mean))).max()
    params = {"C": largest * (1 + beyond), "l1_ratio": 1.0, "loss": loss}
    model = fit(X, y, **params, tol=1e-13)
    assert np.count_nonzero(model.coef_) == (beyond > 0.0)
    assert (
        Split(X, y, **params)
        .relative_slopes(model.weights_[[*range(1, n_features + 1), 0]])
        .max()
        <= 1e-6
    )


# ------------------------------------------------------------ exact bounds


@every_loss
@every_bias
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_a_weight_held_by_a_bound_equals_it(l1_ratio, dtype, bias, loss):
    X, y = sample(80, 4, seed=3, strength=5.0)
    free = fit(X, y, loss=loss, C=10.0, **BIASES[bias]).coef_[0]
    # Numbers that single precision rounds.
    bound = 0.3 * np.abs(free)
    params = {"loss": loss, "C": 10.0, "l1_ratio": l1_ratio, **BIASES[bias]}
    model = fit(X.astype(dtype), y, bounds=(-bound, bound), **params)
    w = model.coef_[0].astype(np.float64)
    assert (np.abs(w) <= bound).all()
    held = np.abs(np.abs(w) - bound) <= 1e-6 * bound
    assert held.sum() >= 2
    if w.dtype == model.coef_.dtype:
        np.testing.assert_array_equal(np.abs(w)[held], bound[held])
    else:  # the nearest number within the bounds
        beyond = np.nextafter(
            model.coef_[0], np.float32(np.inf) * np.sign(w, dtype="f")
        )
        assert (np.abs(beyond.astype(np.float64))[held] > bound[held]).all()


def test_bounds_of_one_value_leave_only_the_bias():
    X, y = sample(200, 4, seed=3)
    w = np.array([0.1, -0.7, 1 / 3, 0.0])
    model = fit(X, y, bounds=(w, w), l1_ratio=0.5, tol=1e-12)
    np.testing.assert_array_equal(model.coef_[0], w)
    offset = fit(np.zeros((200, 1)), y, None, X @ w, tol=1e-12)
    np.testing.assert_allclose(model.intercept_, offset.intercept_, rtol=1e-6)


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_weights_without_a_slope_are_exactly_zero(l1_ratio):
    X, y = sample(200, 3, seed=3)
    X = np.column_stack([X, np.zeros(200), np.full(200, 2.0), 1e-9 * X[:, 0]])
    for form in (np.asarray, sparse.csr_array):
        model = fit(form(X), y, C=1.0, l1_ratio=l1_ratio, tol=1e-12)
        # Zeros, a constant beside the bias, and a column too small to be worth it.
        assert model.coef_[0, 3:].tolist() == [0.0, 0.0, 0.0]


# ------------------------------------------------------------ wrong values

UP = np.nextafter(1.0, 2.0)
WRONG = {
    "text ratio": ({"l1_ratio": "1"}, "l1_ratio"),
    "ratio just above 1": ({"l1_ratio": UP}, "l1_ratio"),
    "ratio just below 0": ({"l1_ratio": -5e-324}, "l1_ratio"),
    "infinite ratio": ({"l1_ratio": np.inf}, "l1_ratio"),
    "an array": ({"bounds": np.zeros((2, 3))}, "bounds"),
    "empty": ({"bounds": ()}, "bounds must be a pair"),
    "short upper": ({"bounds": (None, [1.0, 2.0])}, r"bounds must have shape \(3,\)"),
    "crossed by one ulp": ({"bounds": (UP, 1.0)}, "lower bound of feature 0"),
    "crossed in one": ({"bounds": (0.0, [1, 1, -1])}, "lower bound of feature 2"),
    "crossed by name": (
        {"bounds": ({"income": 2.0}, {"income": 1.0})},
        "lower bound of feature 1",
    ),
    "unknown name above": ({"bounds": (None, {"wage": 0.0})}, "bounds .*wage"),
    "infinite upper": ({"bounds": (None, -np.inf)}, "bounds"),
    "complex": ({"bounds": (1j, None)}, "bounds must hold numbers"),
    "None in it": ({"bounds": ([None, 0.0, 0.0], None)}, "bounds must hold numbers"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused_by_name(case):
    X, y = sample(100, 3)
    params, words = WRONG[case]
    for C in (1.0, np.inf):
        model = BinaryLogisticRegression(C=C, **params)
        with pytest.raises(ValueError, match=words):
            model.fit(pd.DataFrame(X, columns=NAMES), y)
        assert not hasattr(model, "coef_")


@pytest.mark.parametrize("ratios", [(0.5, 1.1), (-0.1,), (np.nan,), (), "l1", 0.5])
def test_wrong_ratios_of_a_search_are_refused_by_name(ratios):
    X, y = sample(100, 3)
    with pytest.raises(ValueError, match="l1_ratios"):
        BinaryLogisticRegressionCV(l1_ratios=ratios, Cs=2, cv=2).fit(X, y)


def test_wrong_bounds_of_a_search_are_refused_by_name():
    X, y = sample(100, 3)
    with pytest.raises(ValueError, match="bounds: the lower bound of feature 0"):
        BinaryLogisticRegressionCV(bounds=(1.0, 0.0), Cs=2, cv=2).fit(X, y)


# ------------------------------------------------------- starts without any curvature

# X, y, parameters and the minimum of F, to at least seven digits.
SATURATED = {
    "a weight fixed by its bounds": (
        [[20, -30], [30, 30], [-40, 200], [-40, 100]],
        [1, 1, 0, 0],
        {"bounds": ([-30, -3], [-30, 3])},
        3033.0,
    ),
    "a minimum at a bound": (
        [[0.6, -9], [10, -3]],
        [0, 1],
        {"bounds": ([-200, -200], [100, -200])},
        560.0,
    ),
    "an absorbed bias": (
        [[0.9, 200], [0.5, 200]],
        [0, 1],
        {
            "absorb_bias": True,
            "C": 0.001,
            "penalty_factor": [10, 0.06],
            "penalty_center": [0.4, 0.4],
            "bounds": ([-30, -70], [70, 50]),
        },
        0.02546034878,
    ),
    "a far center beside an unpenalized weight": (
        [[2e4, -2.0], [0, 1], [1e4, -2.0]],
        [1, 0, 0],
        {"fit_intercept": False, "penalty_factor": [1, 0], "penalty_center": [1, 0]},
        2.9647473,
    ),
}


@pytest.mark.parametrize("case", SATURATED)
def test_a_start_where_all_rows_are_saturated(case):
    X, y, params, minimum = SATURATED[case]
    model = fit(X, y, l1_ratio=1.0, **params)
    assert model.objective_ == pytest.approx(minimum, rel=1e-7)
    assert model.optimality_gap_ <= model.tol


@pytest.mark.parametrize("unit", [1.1, 1.7, 2.3, 5.0])
def test_a_saturated_start_does_not_depend_on_the_units(unit):
    X, y, params, minimum = SATURATED["a far center beside an unpenalized weight"]
    model = fit(np.array(X) * [1.0, unit], y, l1_ratio=1.0, **params)
    assert model.objective_ == pytest.approx(minimum, rel=1e-7)
    assert model.n_iter_[0] < 40


def test_no_bound_without_curvature_along_an_unpenalized_weight():
    X, y = [[2e6, -2.0], [0, 1], [1e6, -2.0]], [1, 0, 0]
    params = {"penalty_factor": [1, 0], "penalty_center": [1, 0], "max_iter": 20}
    model = BinaryLogisticRegression(fit_intercept=False, l1_ratio=1.0, **params)
    with pytest.warns(ConvergenceWarning):
        model.fit(X, y)
    assert model.optimality_gap_ >= 1.0 - 3.1 / model.objective_


@pytest.mark.parametrize("l1_ratio", [0.1, 0.9])
def test_an_l2_part_that_is_tiny_beside_the_curvature(l1_ratio):
    X, y = sample(100, 4)
    plain = fit(X, y, l1_ratio=1.0, C=1e8)
    model = fit(1e10 * X, y, l1_ratio=l1_ratio, C=1.0)
    assert model.objective_ == pytest.approx(1e-8 * plain.objective_, rel=1e-6)
    assert model.optimality_gap_ <= model.tol
