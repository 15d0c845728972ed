"""The L1 part of the penalty, the elastic net and bounds."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn
from _problems import general, sample, shaped
from _reference import BIASES, LOSSES, Reference
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression
from sk_logreg._solvers._newton._orthant import OrthantModel
from sk_logreg.penalties import ElasticNet

every_bias = pytest.mark.parametrize("bias", BIASES)
every_loss = pytest.mark.parametrize("loss", LOSSES)
SHAPES = ("usual", "tall", "wide", "sparse", "float32")
SQUARED_ERROR = "squared_error"


def fit(X, y, sample_weight=None, offset=None, **params):
    """Fit; a warning is an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight, offset)


class L1Reference(Reference):
    """Reference with an L1 part and bounds."""

    def __init__(self, X, y, *args, l1_ratio=0.0, bounds=None, tol=None, **params):
        super().__init__(X, y, *args, **params)
        self.l1 = self.ridge * np.longdouble(l1_ratio)
        self.ridge = self.ridge - self.l1
        self.lower = np.full(len(self.l1), -np.inf)
        self.upper = np.full(len(self.l1), np.inf)
        n_features = self.design.shape[1] - self.fit_intercept
        for side, given in zip((self.lower, self.upper), bounds or (), strict=False):
            if given is not None:
                side[:n_features] = given

    def value(self, theta):
        theta = np.asarray(theta, dtype=np.longdouble)
        return super().value(theta) + self.l1 @ np.abs(theta - self.center)

    def step(self, theta, size):
        """Return a proximal gradient step, of a size per coefficient."""
        moved = theta - size * self.gradient(theta) - self.center
        shrunk = np.sign(moved) * np.maximum(np.abs(moved) - size * self.l1, 0)
        return np.clip(shrunk + self.center, self.lower, self.upper)

    def assert_stationary(self, theta, rtol):
        """Assert that no coefficient alone can lower F by more than this share of it.

        The decrease is that of a quadratic, an upper bound for cross entropy.
        """
        theta = np.asarray(theta, dtype=np.longdouble)
        diagonal = self.factor * ((self.weights / 4) @ self.design**2) + self.ridge
        size = 1 / np.where(diagonal > 0, diagonal, np.inf)
        change = self.step(theta, size) - theta
        after = np.abs(theta + change - self.center)
        fall = self.gradient(theta) * change + diagonal * change**2 / 2
        fall += self.l1 * (after - np.abs(theta - self.center))
        assert -fall.min() <= rtol * self.value(theta)

    def minimum(self, theta, n_steps=3000):
        """Return the least F that accelerated proximal gradient steps reach."""
        root = 1 / self._scale(theta)
        scaled = (self.design / root).astype(np.float64)
        curvature = (self.factor * self.weights / 4).astype(np.float64)
        gram = scaled.T @ (curvature[:, None] * scaled)
        gram += np.diag((self.ridge / root**2).astype(np.float64))
        size = 1 / (root**2 * np.linalg.eigvalsh(gram)[-1])
        size, here = size.astype(np.float64), np.asarray(theta, dtype=np.float64)
        best, momentum, ahead = self.value(here), 1.0, here
        for _ in range(n_steps):
            there = self.step(ahead, size).astype(np.float64)
            if (ahead - there) @ (there - here) > 0:
                momentum = 1.0
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            ahead = there + (momentum - 1) / following * (there - here)
            here, momentum = there, following
        return min(best, self.value(here))

    def assert_optimal(self, model, rtol=1e-8, n_steps=0):
        theta = self.theta(model).astype(np.float64)
        assert model.converged_
        assert np.all((self.lower <= theta) & (theta <= self.upper))
        value = self.value(theta)
        assert model.objective_ == pytest.approx(float(value), rel=rtol)
        self.assert_stationary(theta, rtol)
        if n_steps:
            self.assert_bounds(model, self.minimum(theta, n_steps))


# ------------------------------------------------------------ the optimum


@pytest.mark.parametrize("shape", SHAPES)
@every_bias
@every_loss
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_the_optimum_satisfies_its_conditions(l1_ratio, loss, bias, shape):
    data, params = general(shape, seed=7)
    params |= {"loss": loss, "C": 0.3, "l1_ratio": l1_ratio, **BIASES[bias]}
    model = fit(**data, **params)
    L1Reference(**data, **params).assert_optimal(model, rtol=1e-7)


@pytest.mark.parametrize("tol", [1e-2, 1e-5, 1e-8])
@every_bias
@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
@pytest.mark.parametrize("bounds", [None, (-0.1, 0.2)])
def test_the_gap_is_a_bound(bounds, l1_ratio, bias, tol):
    data, params = general("usual", "penalty_factor", "soft_labels", seed=2)
    params |= {"l1_ratio": l1_ratio, "bounds": bounds, **BIASES[bias]}
    model = fit(**data, **params, tol=tol)
    L1Reference(**data, **params).assert_optimal(model, rtol=tol, n_steps=500)


def scikit_learn(C, l1_ratio, **params):
    """Return a LogisticRegression; before version 1.8 it names its penalty."""
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8):
        return LogisticRegression(C=C, l1_ratio=l1_ratio, tol=1e-10, **params)
    if l1_ratio in (0.0, 1.0):
        penalty = "l2" if l1_ratio == 0.0 else "l1"
        return LogisticRegression(penalty=penalty, C=C, tol=1e-10, **params)
    return LogisticRegression(
        penalty="elasticnet", C=C, l1_ratio=l1_ratio, tol=1e-10, **params
    )


@pytest.mark.parametrize("C", [1e-3, 0.1, 1.0, 30.0])
@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_saga_and_liblinear_find_no_lower_objective(l1_ratio, C):
    X, y = sample(150, 6, seed=3)
    model = fit(X, y, C=C, l1_ratio=l1_ratio)
    reference = L1Reference(X, y, C=C, l1_ratio=l1_ratio)
    saga = scikit_learn(C, l1_ratio, solver="saga", max_iter=20_000).fit(X, y)
    other = float(reference.value(reference.theta(saga)))
    assert model.objective_ <= other * (1 + 1e-8)
    # Saga ends early where the penalty is strong.
    assert model.objective_ == pytest.approx(other, rel=0.05 if C < 0.01 else 1e-7)
    if l1_ratio == 1.0:  # its bias is under the penalty
        absorbed = fit(X, y, absorb_bias=True, C=C, l1_ratio=1.0)
        liblinear = scikit_learn(C, 1.0, solver="liblinear", max_iter=10_000).fit(X, y)
        np.testing.assert_allclose(absorbed.weights_[1:], liblinear.coef_[0], atol=1e-3)


def test_glum_agrees_with_factors():
    glum = pytest.importorskip("glum")
    X, y = sample(200, 5, seed=4)
    factors = np.array([0.0, 1.0, 2.0, 0.5, 9.0])
    other = glum.GeneralizedLinearRegressor(
        family="binomial",
        alpha=0.02,
        l1_ratio=0.6,
        P1=factors,
        P2=factors,
        gradient_tol=1e-10,
        max_iter=1000,
        solver="irls-cd",
    ).fit(X, y)
    model = fit(
        X, y, C=1 / (200 * 0.02), l1_ratio=0.6, penalty_factor=factors, tol=1e-12
    )
    np.testing.assert_allclose(model.coef_[0], other.coef_, atol=1e-6)
    np.testing.assert_allclose(model.intercept_, other.intercept_, atol=1e-6)


def test_spector_known_values():
    # statsmodels, Logit.fit_regularized(alpha=3), the constant without a penalty.
    data = pytest.importorskip("statsmodels.datasets").spector.load_pandas()
    model = fit(data.exog, data.endog, C=1 / 3, l1_ratio=1.0, tol=1e-10)
    known = [-4.10271595, 0.0, 0.15493781, 0.0]
    np.testing.assert_allclose(model.weights_, known, rtol=1e-5)
    assert model.coef_[0, 0] == model.coef_[0, 2] == 0.0


@pytest.mark.parametrize("case", range(9))
def test_glmnet_known_values(case):
    # R glmnet scales each column to a standard deviation of 1 and has no intercept.
    module = pytest.importorskip("statsmodels.genmod.tests.results.glmnet_r_results")
    path = Path(module.__file__).with_name("enet_binomial.csv")
    if not path.exists():
        pytest.skip("statsmodels has no enet_binomial.csv here")
    table = np.loadtxt(path, delimiter=",")
    y, X = table[:, 0], table[:, 1:]
    X = (X - X.mean(axis=0)) / X.std(axis=0, ddof=1)
    l1_ratio, alpha, *known = getattr(module, f"rslt_binomial_{case}")
    model = fit(
        X, y, C=1 / (len(y) * alpha), l1_ratio=l1_ratio, fit_intercept=False, tol=1e-12
    )
    np.testing.assert_allclose(model.coef_[0], known, atol=0.02)  # R's are rough


# ------------------------------------------------------------ the data


@every_loss
@every_bias
def test_weights_are_repetitions(bias, loss):
    X, y = sample(80, 4, seed=1)
    weights = np.random.default_rng(0).integers(0, 4, 80)
    weights[:2] = 1
    params = {"l1_ratio": 0.8, "C": 0.2, "loss": loss, "tol": 1e-12, **BIASES[bias]}
    weighted = fit(X, y, weights, **params)
    repeated = fit(np.repeat(X, weights, axis=0), np.repeat(y, weights), **params)
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-9)
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, atol=1e-6)
    np.testing.assert_array_equal(weighted.coef_ == 0, repeated.coef_ == 0)


@every_bias
def test_soft_labels_are_weighted_rows(bias):
    X, _ = sample(80, 4, seed=1)
    q = np.random.default_rng(0).random(80)
    params = {"l1_ratio": 1.0, "C": 0.2, "tol": 1e-12, **BIASES[bias]}
    soft = fit(X, q, soft_labels=True, **params)
    hard = fit(np.vstack([X, X]), np.repeat([1, 0], 80), np.append(q, 1 - q), **params)
    np.testing.assert_allclose(soft.weights_, hard.weights_, atol=1e-7)


@pytest.mark.parametrize("l1_ratio", [0.4, 1.0])
def test_an_absorbed_bias_is_a_column_of_ones(l1_ratio):
    X, y = sample(100, 4, seed=6)
    params = {"l1_ratio": l1_ratio, "C": 0.5, "tol": 1e-12}
    absorbed = fit(X, y, absorb_bias=True, **params)
    ones = np.column_stack([np.ones(100), X])
    column = fit(ones, y, fit_intercept=False, **params)
    np.testing.assert_allclose(absorbed.weights_, column.coef_[0], atol=1e-7)


@every_loss
@pytest.mark.parametrize("n_features", [6, 450])
def test_formats_agree(n_features, loss):
    X, y = sample(120, n_features, seed=8)
    X = (X * (np.random.default_rng(0).random(X.shape) < 0.4)).astype(np.float32)
    params = {"l1_ratio": 1.0, "C": 0.5, "loss": loss, "tol": 1e-6}
    dense = fit(X.astype(np.float64), y, **params)
    for form in (X, sparse.csr_array(X), np.asfortranarray(X)):
        model = fit(form, y, **params)
        assert model.coef_.dtype == np.float32
        assert model.objective_ == pytest.approx(dense.objective_, rel=1e-5)
        if loss == "cross_entropy":
            np.testing.assert_allclose(model.coef_, dense.coef_, atol=0.01)


# ------------------------------------------------------------ zeros and centers


@every_loss
@every_bias
@pytest.mark.parametrize("center", [None, [0.5, -1.0, 0.1, 0.3]])
def test_no_weight_enters_where_c_is_small(center, bias, loss):
    X, y = sample(200, 4)
    model = fit(
        X, y, C=1e-4, l1_ratio=1.0, penalty_center=center, loss=loss, **BIASES[bias]
    )
    expected = np.zeros(4) if center is None else center
    np.testing.assert_array_equal(model.coef_[0], expected)
    if bias == "absorbed":
        assert model.intercept_[0] == 0.0


def test_the_largest_c_without_a_weight():
    X, y = sample(200, 4)
    largest = 1.0 / np.abs(X.T @ (y - y.mean())).max()
    below = fit(X, y, C=largest * (1 - 1e-6), l1_ratio=1.0)
    above = fit(X, y, C=largest * (1 + 1e-3), l1_ratio=1.0, tol=1e-12)
    assert not below.coef_.any()
    assert np.count_nonzero(above.coef_) == 1


@every_loss
@every_bias
def test_without_kinks_it_is_the_ridge(bias, loss):
    data, params = general("usual", seed=3)
    params |= {"loss": loss, "tol": 1e-13, **BIASES[bias]}
    plain = fit(**data, **params)
    bounded = fit(**data, **params, bounds=(-np.inf, np.inf))
    assert bounded.objective_ == pytest.approx(plain.objective_, rel=1e-10)
    scale = np.abs(plain.weights_).max()
    np.testing.assert_allclose(bounded.weights_, plain.weights_, atol=1e-7 * scale)


@every_loss
@pytest.mark.parametrize("without", [{"C": np.inf}, {"penalty_factor": np.zeros(4)}])
def test_without_a_penalty_it_is_the_plain_fit(without, loss):
    X, y = sample(300, 4)
    params = {"loss": loss, "tol": 1e-13}
    plain = fit(X, y, C=np.inf, **params)
    for given in ({"l1_ratio": 1.0}, {"bounds": (-1e3, 1e3)}):
        model = fit(X, y, **params, **given, **without)
        assert model.cost_ == pytest.approx(plain.cost_, rel=1e-10)
        np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-6)


@every_loss
@every_bias
def test_a_translation_of_the_offset_moves_the_center(bias, loss):
    data, params = general("usual", "offset", seed=9)
    X, c = data["X"], np.array([0.5, -0.25, 0.125, 1.0, -2.0])
    params |= {"l1_ratio": 1.0, "C": 0.05, "loss": loss, "tol": 1e-12, **BIASES[bias]}
    plain = fit(**data, **params)
    data["offset"] = data["offset"] - X @ c
    moved = fit(**data, **params, penalty_center=c)
    assert moved.objective_ == pytest.approx(plain.objective_, rel=1e-9)
    np.testing.assert_allclose(moved.coef_ - c, plain.coef_, atol=1e-6)
    np.testing.assert_array_equal(moved.coef_[0] == c, plain.coef_[0] == 0)


# ------------------------------------------------------------ bounds


@every_loss
@every_bias
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_equal_bounds_fix_a_weight(C, bias, loss):
    X, y = sample(300, 4)
    params = {"C": C, "loss": loss, "tol": 1e-12, **BIASES[bias]}
    lower, upper = np.full(4, -np.inf), np.full(4, np.inf)
    lower[1] = upper[1] = 0.7
    model = fit(X, y, bounds=(lower, upper), **params)
    assert model.coef_[0, 1] == 0.7
    without = fit(np.delete(X, 1, axis=1), y, None, 0.7 * X[:, 1], **params)
    others = np.delete(model.weights_, 2)
    np.testing.assert_allclose(others, without.weights_, atol=1e-6)


BOUNDS = {
    "not negative": (0.0, None),
    "box": (-0.1, 0.1),
    "one-sided": (None, [0.1, np.inf, -0.2, 0.0]),
    "without zero": (0.3, [0.4, 0.5, 0.6, np.inf]),
    "equal": (0.25, 0.25),
}


@pytest.mark.parametrize("case", BOUNDS)
@every_loss
@every_bias
@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_bounds_hold_exactly(l1_ratio, bias, loss, case):
    X, y = sample(150, 4, seed=11, strength=3.0)
    params = {"bounds": BOUNDS[case], "l1_ratio": l1_ratio, **BIASES[bias]}
    model = fit(X, y, loss=loss, **params)
    L1Reference(X, y, loss=loss, **params).assert_optimal(model)


@pytest.mark.parametrize("center", [None, [0.3, -0.7, 0.123, 0.9]])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [0.1, 1 / 3, 0.7])
def test_bounds_hold_after_rounding(size, dtype, center):
    X, y = sample(150, 4, seed=11, strength=30.0)
    params = {"bounds": (-size, size), "penalty_center": center}
    model = fit(X.astype(dtype), y, **params)
    L1Reference(X.astype(dtype), y, **params).assert_optimal(model)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_the_gap_counts_the_rounding_to_single_precision(l1_ratio):
    X, y = sample(266, 8, seed=5)
    center = np.random.default_rng(0).standard_normal(8)
    params = {"C": 0.01, "l1_ratio": l1_ratio, "penalty_center": center}
    X = X.astype(np.float32)
    model = fit(X, y, **params)
    L1Reference(X, y, **params).assert_optimal(model, n_steps=200)


@every_loss
def test_bounds_that_prevent_separation(loss):
    X, _ = sample(100, 3)
    y = (X[:, 0] > 0).astype(int)
    for bounds in ((-1.0, 1.0), ([-np.inf] * 3, [1.0, 2.0, 2.0])):
        model = fit(X, y, loss=loss, C=np.inf, bounds=bounds)
        assert model.converged_
        assert model.coef_[0, 0] == 1.0


def test_a_dict_of_bounds():
    X, y = sample(200, 3, strength=4.0)
    table = pd.DataFrame(X, columns=["age", "income", "tenure"])
    by_name = fit(table, y, bounds=({"age": 0.0}, {"income": 0.1}))
    lower, upper = [0.0, -np.inf, -np.inf], [np.inf, 0.1, np.inf]
    by_array = fit(X, y, bounds=(lower, upper))
    np.testing.assert_allclose(by_name.coef_, by_array.coef_, atol=1e-6)


# ------------------------------------------------------------ where it is hard


@pytest.mark.parametrize("C", [1e2, 1e5, 1e8])
@every_bias
def test_a_weak_lasso_is_certified(bias, C):
    X, y = sample(200, 5)
    assert fit(X, y, C=C, l1_ratio=1.0, **BIASES[bias]).optimality_gap_ <= 1e-8


@pytest.mark.parametrize("tol", [1e-8, 1e-12])
def test_columns_of_any_scale(tol):
    X, y = sample(200, 5)
    X = X * 10.0 ** np.array([-8, -4, 0, 4, 8])
    assert fit(X, y, C=0.5, l1_ratio=1.0, tol=tol).converged_


@every_bias
@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_a_positive_lower_bound_is_certified(l1_ratio, bias):
    X, y = sample(60, 2)
    model = fit(X, y, l1_ratio=l1_ratio, bounds=(2.0, None), **BIASES[bias])
    assert model.optimality_gap_ <= 1e-8


@pytest.mark.timeout(20)
@pytest.mark.parametrize("seed", range(4))
def test_negative_curvature_at_bounds(seed):
    X, y = sample(85, 4, seed)
    model = fit(X, y, loss=SQUARED_ERROR, l1_ratio=1.0, bounds=(2.0, 3.0))
    assert model.converged_


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
@pytest.mark.parametrize("given", [{"penalty_center": [1.0] * 4}, {"bounds": (1, 9)}])
def test_a_start_where_the_loss_is_saturated(given, l1_ratio):
    X, y = sample(100, 4)
    params = {"l1_ratio": l1_ratio, **given}
    model = fit(1e4 * X, y, **params)
    L1Reference(1e4 * X, y, **params).assert_optimal(model)


# ------------------------------------------------------------ the interface


@pytest.mark.parametrize("loss", LOSSES)
def test_a_warm_start(loss):
    X, y = sample(200, 6)
    model = BinaryLogisticRegression(
        l1_ratio=1.0, C=0.1, loss=loss, warm_start=True, tol=1e-10
    ).fit(X, y)
    before = model.coef_
    model.fit(X, y)
    assert loss == SQUARED_ERROR or model.n_iter_[0] <= 1
    np.testing.assert_allclose(model.coef_, before, atol=1e-6)


def test_pickle_and_clone():
    X, y = sample(100, 4)
    model = BinaryLogisticRegression(l1_ratio=0.5, bounds=(0.0, [1, 2, 3, np.inf]))
    copy = clone(model).fit(X, y)
    loaded = pickle.loads(pickle.dumps(copy))
    np.testing.assert_array_equal(loaded.coef_, copy.coef_)
    assert loaded.get_params()["l1_ratio"] == 0.5


WRONG = {
    "ratio above 1": ({"l1_ratio": 1.1}, "l1_ratio"),
    "negative ratio": ({"l1_ratio": -0.1}, "l1_ratio"),
    "nan ratio": ({"l1_ratio": np.nan}, "l1_ratio"),
    "a number": ({"bounds": 1.0}, "bounds"),
    "one": ({"bounds": (0.0,)}, "bounds must be a pair"),
    "three": ({"bounds": (0.0, 1.0, 2.0)}, "bounds must be a pair"),
    "nan": ({"bounds": (np.nan, 1.0)}, "bounds"),
    "nan in it": ({"bounds": (None, [1.0, np.nan, 1.0])}, "bounds"),
    "reversed": ({"bounds": (1.0, 0.0)}, "bounds: the lower bound of feature 0"),
    "length": ({"bounds": ([0.0] * 4, None)}, r"bounds must have shape \(3,\)"),
    "two dimensions": ({"bounds": (np.zeros((1, 3)), None)}, r"shape \(3,\)"),
    "unknown": ({"bounds": ({"wage": 0.0}, None)}, "bounds has the keys .*wage"),
    "word": ({"bounds": ("low", None)}, "bounds must hold numbers"),
    "infinite lower": ({"bounds": (np.inf, None)}, "bounds"),
    "cg": ({"l1_ratio": 1.0, "solver": "newton-cg"}, "newton-cg.* takes no l1_ratio"),
    "cg, bounds": ({"bounds": (0, 1), "solver": "newton-cg"}, "no bounds"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_values_are_refused_by_name(case):
    X, y = sample(100, 3)
    params, words = WRONG[case]
    table = pd.DataFrame(X, columns=["age", "income", "tenure"])
    with pytest.raises(ValueError, match=words):
        fit(table, y, **params)


def test_names_need_a_table_with_names():
    with pytest.raises(ValueError, match=r"bounds is a dict .* no feature names"):
        fit(*sample(100, 3), bounds=({"age": 0.0}, None))


def test_data_of_every_kind_at_once():
    data = shaped("wide_sparse").data
    params = {"l1_ratio": 0.9, "bounds": (-1.0, None), "class_weight": {0: 1, 1: 5}}
    model = fit(**data, **params)
    L1Reference(**data, **params).assert_optimal(model)


@pytest.mark.parametrize("stalled", [False, True])
def test_an_orthant_step_without_a_direction_does_not_move(stalled, monkeypatch):
    solved = []

    def nothing(self, slope, active, until, cut):
        solved.append(until)
        return np.zeros_like(slope), np.zeros_like(slope)

    monkeypatch.setattr(OrthantModel, "_solve", nothing)
    penalty = ElasticNet(*(np.full(3, value) for value in (0.0, 0.1, -np.inf, np.inf)))
    objective = SimpleNamespace(
        penalty=penalty,
        n_dof=3,
        curvature=lambda margins, shift: margins,
        slope=lambda point, direction: point.gradient @ direction,
    )
    model = OrthantModel(objective, np.ones(3), certify=True)
    u = np.array([0.0, 1.0, -2.0])
    end, gradient, _ = model._move(u, np.ones(3), np.ones(3), None, stalled)
    np.testing.assert_array_equal(end, u)
    np.testing.assert_array_equal(gradient, np.ones(3))
    solved.clear()
    point = SimpleNamespace(coef=u, gradient=np.ones(3), margins=np.ones(3), value=1.0)
    assert not model.step(point, 1e-8).direction.any()
    assert len(solved) == 1


def text(n_samples, n_features, n_words=40):
    """Return documents whose words follow Zipf's law, and labels that depend on all."""
    rng = np.random.default_rng(0)
    words = (n_features ** rng.random((n_samples, n_words))).astype(int) - 1
    documents = np.repeat(np.arange(n_samples), n_words)
    counts = np.ones(words.size), (documents, words.ravel())
    X = sparse.csr_array(counts, shape=(n_samples, n_features))
    X.sum_duplicates()
    X.data = 1.0 + np.log(X.data)
    z = X @ rng.standard_normal(n_features)
    z = 4.0 * (z - z.mean()) / z.std()
    return X, (rng.random(n_samples) < 1.0 / (1.0 + np.exp(-z))).astype(int)


@pytest.mark.parametrize(
    ("params", "most"),
    [
        ({"C": 100.0}, 6_000),
        ({"C": 1e4}, 20_000),
        ({"C": 100.0, "bounds": (0.0, None)}, 6_000),
        ({"C": 1e4, "l1_ratio": 0.5, "fit_intercept": False}, 3_000),
    ],
    ids=str,
)
def test_hardly_any_penalty_on_many_features(params, most, monkeypatch):
    product, n_products = OrthantModel._product, 0

    def counted(model, v):
        nonlocal n_products
        n_products += 1
        assert n_products <= most
        return product(model, v)

    monkeypatch.setattr(OrthantModel, "_product", counted)
    X, y = text(1_000, 2_000)
    model = fit(X, y, **{"l1_ratio": 1.0, **params})
    assert model.status_.converged
    assert model.optimality_gap_ <= model.tol
    assert n_products > 0
