"""Soft labels: probabilities in place of labels."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _problems import SHAPES, general, sample
from _reference import BIASES, LOSSES, SOLVERS, Reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg.losses import LOSSES as REGISTERED

every_bias = pytest.mark.parametrize("bias", BIASES)
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_class_weight = pytest.mark.parametrize(
    "class_weight", [None, "balanced", {0: 0.3, 1: 2.0}]
)


def soft(X, q, sample_weight=None, offset=None, **params):
    """Fit to soft labels; a warning is an error."""
    model = BinaryLogisticRegression(soft_labels=True, **params)
    return model.fit(X, q, sample_weight, offset)


def hard(X, y, sample_weight=None, offset=None, **params):
    """Fit to labels 0 and 1; a warning is an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight, offset)


def assert_same(model, q, weights, other):
    """Assert that a fit to soft labels has the minimum of one to labels 0 and 1."""
    params = {"loss": model.loss, "class_weight": model.class_weight}
    reference = Reference(np.ones((len(q), 1)), q, weights, soft_labels=True, **params)
    # What the expected squared error has beyond the ½ (σ - q)² of the objective.
    spread = float(reference.weights @ reference.spread)
    assert model.objective_ + spread == pytest.approx(other.objective_, rel=1e-10)
    spread /= float(reference.weights.sum())
    assert model.cost_ + spread == pytest.approx(other.cost_, rel=1e-8)
    scale = np.abs(other.weights_).max()
    np.testing.assert_allclose(model.weights_, other.weights_, atol=1e-6 * scale)


def counts(n_samples=60, seed=0):
    """Return rows, and how many of how many trials at each were a success."""
    X, _ = sample(n_samples, 3, seed)
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 6, n_samples)
    k = rng.binomial(n, 1 / (1 + np.exp(-X @ [1.0, -1.0, 0.5])))
    return X, k, n


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("bias", ["free", "absorbed"])
@every_loss
def test_the_known_optimum_is_reached(loss, bias, shape):
    data, params = general(shape, "soft_labels", seed=5)
    # With more columns than rows and a weak penalty, there are several minima.
    weak = {"C": 0.01 if "wide" in shape and loss == "squared_error" else 1.0}
    params |= {"loss": loss, **weak, **BIASES[bias]}
    reference = Reference(**data, **params)
    best, lowest = reference.minimum()
    for solver in SOLVERS:
        model = BinaryLogisticRegression(**params, solver=solver, tol=1e-10)
        model.fit(**data)
        theta = reference.theta(model)
        reference.assert_optimal(model, lowest)
        np.testing.assert_allclose(theta, best, atol=1e-6 * np.abs(best).max())


@every_solver
@every_class_weight
def test_the_gap_is_a_bound(class_weight, solver):
    data, params = general("usual", "soft_labels", "offset", seed=6)
    params |= {"class_weight": class_weight, "C": np.inf}
    reference = Reference(**data, **params)
    _, lowest = reference.minimum()
    for tol in (1e-1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        model = BinaryLogisticRegression(**params, tol=tol, solver=solver).fit(**data)
        assert model.optimality_gap_ <= tol
        # Without a penalty the residual of conjugate gradients is not in the bound.
        rtol = 0.1 if solver == "newton-cg" else 1e-6
        reference.assert_bounds(model, lowest, rtol)


# ------------------------------------------------------------ properties


@every_solver
@every_loss
@every_class_weight
def test_counts_are_repeated_rows(class_weight, loss, solver):
    X, k, n = counts()
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    params["class_weight"] = class_weight
    model = soft(X, k / n, n, **params)
    labels = [np.arange(of) < hits for hits, of in zip(k, n, strict=True)]
    repeated = hard(np.repeat(X, n, axis=0), np.concatenate(labels), **params)
    assert_same(model, k / n, n, repeated)


@every_solver
@every_loss
@every_bias
@every_class_weight
def test_a_soft_label_is_two_weighted_rows(class_weight, bias, loss, solver):
    form = sparse.csr_array if solver == "newton-cg" else np.asarray
    X, _ = sample(120, 4)
    rng = np.random.default_rng(0)
    q = rng.uniform(-0.2, 1.2, 120).clip(0.0, 1.0)
    q[:6] = [0.5, 0.5, 1e-12, 1 - 1e-12, 1e-300, 0.0]
    s, o = rng.exponential(size=120), rng.standard_normal(120)
    s[10:20] = 0.0
    params = {"loss": loss, "solver": solver, "tol": 1e-12, **BIASES[bias]}
    params["class_weight"] = class_weight
    model = soft(form(X), q, s, o, **params)
    y = np.repeat([0, 1], 120)
    twice = hard(
        form(np.vstack([X, X])), y, np.r_[s * (1 - q), s * q], np.r_[o, o], **params
    )
    assert_same(model, q, s, twice)


@given(st.integers(3, 30), st.integers(0, 10**6), st.sampled_from([0.01, 1.0, 100.0]))
@every_loss
def test_a_soft_label_is_two_weighted_rows_of_any_table(loss, n_samples, seed, C):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, rng.integers(1, 20)))
    q = rng.beta(0.3, 0.3, n_samples)
    model = soft(X, q, loss=loss, C=C, tol=1e-10)
    y, s = np.repeat([0, 1], n_samples), np.r_[1 - q, q]
    twice = Reference(np.vstack([X, X]), y, s, loss=loss, C=C)
    theta = twice.theta(model)
    _, lowest = twice.minimum(theta.astype(np.longdouble), n_steps=6)
    spread = C * (q @ (1.0 - q)) / 2.0 if loss == "squared_error" else 0.0
    assert model.objective_ + spread == pytest.approx(float(twice.value(theta)))
    assert float(twice.value(theta) - lowest) <= 1e-9 * model.objective_


@every_solver
@every_loss
@every_bias
@every_class_weight
def test_soft_labels_that_are_hard(class_weight, bias, loss, solver):
    X, y = sample(150, 4)
    params = {"loss": loss, "solver": solver, "class_weight": class_weight}
    params |= BIASES[bias]
    weights = np.random.default_rng(0).integers(0, 4, 150) / 2.0
    model = soft(X, y, weights, **params)
    expected = hard(X, y, weights, **params)
    # The weights of "balanced" are sums, taken in another way.
    rounding = 1e-12 if class_weight == "balanced" else 0.0
    np.testing.assert_allclose(model.weights_, expected.weights_, rtol=rounding)
    assert model.objective_ == pytest.approx(expected.objective_, rel=rounding, abs=0)
    assert model.optimality_gap_ <= model.tol
    assert model.optimality_scope_ == expected.optimality_scope_


@every_solver
@every_loss
def test_the_opposite_probabilities_negate_the_coefficients(loss, solver):
    X, _ = sample(150, 4)
    q = np.random.default_rng(0).integers(0, 9, 150) / 8.0
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    model, opposite = soft(X, q, **params), soft(X, 1.0 - q, **params)
    np.testing.assert_allclose(model.weights_, -opposite.weights_, rtol=1e-7)
    assert model.objective_ == pytest.approx(opposite.objective_, rel=1e-12)


@every_loss
def test_labels_of_a_model_give_that_model_back(loss):
    X, _ = sample(200, 3)
    q = 1 / (1 + np.exp(-(X @ [1.0, -2.0, 0.5] + 0.7)))
    model = soft(X, q, loss=loss, C=np.inf, tol=1e-13)
    np.testing.assert_allclose(model.weights_, [0.7, 1.0, -2.0, 0.5], rtol=1e-6)


def test_the_mean_of_soft_labels_is_that_of_the_predictions():
    X, _ = sample(200, 3)
    q = np.random.default_rng(0).random(200)
    model = soft(X, q, tol=1e-12)
    assert model.predict_proba(X)[:, 1].mean() == pytest.approx(q.mean(), rel=1e-7)


def test_the_classes_are_zero_and_one():
    X, y = sample(100, 3)
    model = soft(X, 0.25 + 0.5 * y)
    np.testing.assert_array_equal(model.classes_, [0, 1])
    assert set(model.predict(X)) <= {0, 1}
    assert model.score(X, y) > 0.5


@every_loss
def test_a_warm_start_from_soft_labels(loss):
    X, k, n = counts()
    model = soft(X, k / n, n, loss=loss, warm_start=True, tol=1e-12)
    weights = model.weights_
    model.fit(X, k / n, n)
    if loss == "cross_entropy":
        assert model.n_iter_[0] <= 1
    np.testing.assert_allclose(model.weights_, weights, rtol=1e-6)


@every_loss
@pytest.mark.parametrize("seed", range(4))
def test_the_scope_is_never_too_wide(seed, loss):
    X, _ = sample(12, 2, seed)
    rng = np.random.default_rng(seed)
    q, C = rng.beta(0.5, 0.5, 12), 10.0 ** rng.uniform(-2, 2)
    model = soft(X, q, loss=loss, C=C)
    reference = Reference(X, q, soft_labels=True, loss=loss, C=C)
    # F at its lowest on a grid, which no local minimum hides.
    axis = np.linspace(-9.0, 9.0, 10)
    points = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    lowest = min(reference.value(point) for point in points)
    if loss == "cross_entropy":
        assert model.optimality_scope_ == "global"
    if model.optimality_scope_ == "global":
        assert model.objective_ <= float(lowest) * (1 + 1e-7)


# ------------------------------------------------------------ separation


@every_solver
@every_loss
def test_soft_labels_are_not_separated(loss, solver):
    X, _ = sample(200, 3)
    y = (X[:, 0] > 0.0).astype(int)
    q = 0.1 + 0.8 * y
    model = soft(X, q, loss=loss, solver=solver, C=np.inf, tol=1e-10)
    reference = Reference(X, q, loss=loss, C=np.inf, soft_labels=True)
    start = reference.theta(model).astype(np.longdouble)
    reference.assert_optimal(model, reference.minimum(start)[1])


@every_solver
def test_one_soft_label_is_on_both_sides(solver):
    # Its row keeps the column that separates all others.
    X, _ = sample(100, 2)
    q = (X[:, 0] > 0.0).astype(float)
    inside = np.argsort(X[:, 0])[[20, 80]]
    q[inside] = 1e-3, 0.999
    model = soft(X, q, solver=solver, C=np.inf)
    reference = Reference(X, q, C=np.inf, soft_labels=True)
    reference.assert_optimal(model, reference.minimum()[1])


@every_solver
@every_loss
def test_a_column_that_soft_rows_do_not_move_along_separates_the_others(loss, solver):
    X, y = sample(200, 2)
    q = np.where(np.arange(200) < 150, 0.2 + 0.6 * y, y)
    column = np.where(np.arange(200) < 150, 0.0, 2.0 * y - 1.0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = soft(
            np.column_stack([X, column]), q, loss=loss, solver=solver, C=np.inf
        )
    [message] = [str(w.message) for w in caught]
    assert all(w.category is ConvergenceWarning for w in caught)
    assert model.status_.word == "quasi_separable"
    assert "This column alone does it: 2." in message


# ------------------------------------------------------------ inputs


FORMS = {
    "list": list,
    "float32": lambda q: q.astype(np.float32),
    "strided": lambda q: np.repeat(q, 2)[::2],
    "column": lambda q: pd.DataFrame({"q": q})["q"],
    "polars": pl.Series,
    "nullable": lambda q: pd.Series(q, dtype="Float64"),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_soft_labels(form):
    X, y = sample(100, 3)
    q = (1 + 2 * y) / 4.0
    plain = soft(X, q)
    np.testing.assert_array_equal(soft(X, FORMS[form](q)).weights_, plain.weights_)
    booleans = soft(X, y.astype(bool))
    np.testing.assert_array_equal(booleans.weights_, hard(X, y).weights_)


WRONG = {
    "negative": (-1e-9, r"probabilities in \[0, 1\], got -1e-09"),
    "above one": (1 + 1e-9, r"probabilities in \[0, 1\], got 1.000000001"),
    "counts": (3.0, "Counts k of n are y = k / n with sample_weight = n"),
    "nan": (np.nan, "y contains NaN"),
    "infinite": (np.inf, "y contains infinity"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_soft_label_is_refused(case):
    X, y = sample(100, 3)
    value, words = WRONG[case]
    q = 0.25 + y / 2.0
    q[7] = value
    before = q.copy()
    model = BinaryLogisticRegression(soft_labels=True)
    with pytest.raises(ValueError, match=words):
        model.fit(X, q)
    np.testing.assert_array_equal(q, before)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_class_are_refused(label):
    X, _ = sample(100, 3)
    with pytest.raises(ValueError, match=f"both classes in y, .* are {label:g}"):
        soft(X, np.full(100, label))
    q = np.where(np.arange(100) < 3, 0.5, label)
    assert soft(X, q).converged_  # three halves are of both classes
    with pytest.raises(ValueError, match="sample_weight leaves rows of only one class"):
        soft(X, q, np.arange(100) >= 3)


def test_words_are_no_soft_labels():
    X, y = sample(100, 3)
    with pytest.raises(ValueError, match="y must hold numbers"):
        soft(X, np.array(["no", "yes"])[y])
    with pytest.raises(ValueError, match="continuous"):  # nor are numbers labels
        hard(X, 0.25 + y / 2.0)


# ------------------------------------------------------------------- extreme values


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("loss", LOSSES)
def test_losses_of_soft_labels_are_finite_for_extreme_margins(loss, dtype):
    margins = np.array([-1e5, -800.0, -100.0, 100.0, 800.0, 1e5, 1e5], dtype=dtype)
    p_other = np.array([0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.0], dtype=dtype)
    value, slope, curvature = REGISTERED[loss].at_margin(margins, p_other)
    hard = REGISTERED[loss].at_margin(margins[-1:]).value
    for part in (value, slope, curvature):
        assert np.isfinite(part).all()
    np.testing.assert_array_equal(value[-1:], hard)
    if loss == "cross_entropy":
        expected = 0.7 * np.maximum(-margins, 0) + 0.3 * np.maximum(margins, 0)
        np.testing.assert_allclose(value[:-1], expected[:-1], rtol=1e-5)


def test_one_large_value_does_not_spoil_soft_labels():
    X = np.array([[0.0], [1.0], [2.0], [3.0], [5000.0]])
    q = np.array([0.0, 0.5, 0.0, 1.0, 1.0])
    model = soft(X, q, C=1e3)
    both = np.vstack([X, X])
    weights = np.concatenate([q, 1 - q])
    other = hard(both, np.repeat([1, 0], 5), weights, C=1e3)
    assert model.converged_
    assert model.objective_ == pytest.approx(other.objective_, rel=1e-8)


@pytest.mark.parametrize("ratio", [1e-10, 1e-12, 1e-20])
def test_extreme_class_weights_lose_no_digits(ratio):
    rng = np.random.default_rng(0)
    X, q = rng.standard_normal((100, 2)), rng.uniform(0.2, 0.8, 100)
    params = {"class_weight": {0: ratio, 1: 1.0}, "tol": 1e-13}
    model = soft(X, q, **params)
    weights = np.concatenate([q, 1 - q])
    other = hard(np.vstack([X, X]), np.repeat([1, 0], 100), weights, **params)
    np.testing.assert_allclose(model.intercept_, other.intercept_, rtol=1e-9)


def test_a_bound_of_zero_is_not_claimed_for_a_small_objective():
    model = soft([[-1.0], [1.0]], [1e-40, 1.0], fit_intercept=False, C=np.inf)
    assert model.cost_ <= 1e-38 * (1 + model.optimality_gap_)
    assert model.optimality_gap_ > 0.0


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_an_objective_of_zero_is_a_minimum(solver, C):
    X, y = sample(60, 2)
    model = BinaryLogisticRegression(loss="squared_error", solver=solver, C=C)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, offset=np.where(y == 1, 400.0, -400.0))
    assert model.objective_ == 0.0
    assert model.status_.word in {"converged", "separable"}


def test_the_objective_at_zero_counts_soft_labels():
    X, _ = sample(40, 3)
    q = 0.5 + 0.001 * np.random.default_rng(0).standard_normal(40)
    model = soft(X, q, loss="squared_error")
    expected = 0.5 * ((0.5 - q) ** 2).sum()
    assert model.starts_[0].start_objective == pytest.approx(expected)
