"""Factors and centers of the penalty, and features without a penalty."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _problems import SHAPES, general, sample, shaped
from _reference import BIASES, LOSSES, SOLVERS, CenteredReference, Reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression

every_bias = pytest.mark.parametrize("bias", BIASES)
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_shape = pytest.mark.parametrize("shape", SHAPES)
NAMES = ["age", "income", "tenure", "visits"]


def fit(X, y, sample_weight=None, offset=None, **params):
    """Fit; a warning is an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight, offset)


def fit_with_warnings(X, y, sample_weight=None, offset=None, **params):
    """Fit; return the model and what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit(X, y, sample_weight, offset, **params)
    assert all(w.category is ConvergenceWarning for w in caught)
    return model, [str(w.message) for w in caught]


def assert_same(model, other, rtol=1e-6):
    """Assert that two fits have the same minimum."""
    assert model.converged_
    assert model.objective_ == pytest.approx(other.objective_, rel=1e-9)
    scale = np.abs(other.weights_).max()
    np.testing.assert_allclose(model.weights_, other.weights_, atol=rtol * scale)


@every_shape
@pytest.mark.parametrize("bias", ["free", "absorbed"])
@every_loss
@pytest.mark.parametrize("ingredient", ["penalty_factor", "penalty_center"])
def test_the_known_optimum_is_reached(ingredient, loss, bias, shape):
    data, params = general(shape, ingredient, seed=7)
    # With more columns than rows and a weak penalty, there are several minima.
    weak = {"C": 0.01 if "wide" in shape and loss == "squared_error" else 1.0}
    params |= {"loss": loss, **weak, **BIASES[bias]}
    reference = Reference(**data, **params)
    if loss == "cross_entropy":
        best, lowest = reference.minimum()
    for solver in SOLVERS:
        model = fit(**data, **params, solver=solver, tol=1e-10)
        theta = reference.theta(model)
        if loss == "squared_error":
            best, lowest = reference.minimum(theta.astype(np.longdouble), n_steps=6)
            assert reference.scaled_eigenvalues(best)[0] > -1e-8
        reference.assert_optimal(model, lowest)
        np.testing.assert_allclose(theta, best, atol=1e-6 * np.abs(best).max())


@given(
    st.lists(st.floats(-12.0, 12.0), min_size=3, max_size=40),
    st.floats(-6.0, 1.0),
    st.floats(0.0, 8.0),
    st.integers(0, 10**6),
    st.sampled_from(sorted(BIASES)),
)
@every_solver
@pytest.mark.parametrize("n_samples", [15, 200])
def test_the_gap_is_a_bound_for_factors_of_any_size(
    n_samples, solver, powers, center_power, shift_power, seed, bias
):
    X, y = sample(n_samples, len(powers), seed)
    X[:, ::3] += 10.0**shift_power  # the center predicts much there
    params = {"penalty_factor": 10.0 ** np.array(powers), **BIASES[bias]}
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], len(powers))
    params["penalty_center"] = signs * 10.0 ** (center_power - shift_power)
    model = fit_with_warnings(X, y, **params, solver=solver, tol=1e-6)[0]
    reference = CenteredReference(X, y, **params)
    theta = reference.theta(model)
    found = reference.value(theta)
    _, lowest = reference.minimum(theta, n_steps=60)
    excess = float((found - lowest) / found)
    # Each z is a sum of terms that may be far larger than z.
    slopes = np.abs(reference.losses(theta)[1])
    terms = found + (slopes @ np.abs(reference.design * theta)).sum()
    assert excess <= model.optimality_gap_ * (1 + 1e-6) + 1e-13 * float(terms / found)
    assert model.converged_ or shift_power > 3.0  # nearly constant columns repeat


@every_solver
@every_bias
@pytest.mark.parametrize("size", [10.0, 100.0, 1000.0])
def test_a_center_of_any_size(size, bias, solver):
    X, y = sample(15, 4, seed=2)
    center = size * np.random.default_rng(2).choice([-1.0, 1.0], 4)
    params = {"penalty_center": center, **BIASES[bias]}
    model = fit(X, y, **params, solver=solver)
    reference = Reference(X, y, **params)
    start = reference.theta(model).astype(np.longdouble)
    reference.assert_optimal(model, reference.minimum(start)[1])


# ------------------------------------------------------------ properties


@every_shape
@every_bias
def test_a_translation_of_the_offset_moves_the_center(bias, shape):
    # With u = w + c: X w + o + X c = X u + o, and w - (a - c) = u - a.
    data, params = general(shape, seed=9)
    X, c = data["X"], np.random.default_rng(0).standard_normal(data["X"].shape[1])
    params |= {"tol": 1e-12, **BIASES[bias]}
    plain = fit(**data, **params)
    moved = {**data, "offset": data["offset"] + X @ c}
    params["penalty_center"] = params["penalty_center"] - c
    model = fit(**moved, **params)
    model.coef_ = model.coef_ + c
    assert_same(model, plain)


@every_shape
@every_bias
def test_a_factor_is_a_unit_of_the_column(bias, shape):
    data = shaped(shape).data
    factors = 10.0 ** np.random.default_rng(0).uniform(-2, 2, data["X"].shape[1])
    params = {"tol": 1e-12, **BIASES[bias]}
    model = fit(**data, **params, penalty_factor=factors)
    data["X"] = data["X"].astype(np.float64) / np.sqrt(factors)
    scaled = fit(**data, **params)
    scaled.coef_ = scaled.coef_ / np.sqrt(factors)
    assert_same(model, scaled)


@every_bias
@every_loss
@every_solver
def test_factors_of_zero_are_no_penalty(solver, loss, bias):
    if bias == "absorbed":  # the bias would keep its penalty
        return
    X, y = sample(300, 4)
    params = {"loss": loss, "solver": solver, "tol": 1e-12, **BIASES[bias]}
    free = fit(X, y, **params, C=7.0, penalty_factor=np.zeros(4))
    plain = fit(X, y, **params, C=np.inf)
    assert free.cost_ == pytest.approx(plain.cost_, rel=1e-10)
    assert free.objective_ == pytest.approx(7.0 * plain.objective_, rel=1e-10)
    np.testing.assert_allclose(free.weights_, plain.weights_, rtol=1e-6)


@every_bias
@every_loss
@every_solver
def test_a_large_factor_pins_the_weight_at_its_center(solver, loss, bias):
    X, y = sample(300, 4)
    params = {"loss": loss, "solver": solver, "tol": 1e-12, **BIASES[bias]}
    given = {"penalty_factor": [1, 1e14, 1, 1], "penalty_center": [0, 2.5, 0, 0]}
    model = fit(X, y, **params, **given)
    assert model.coef_[0, 1] == pytest.approx(2.5, abs=1e-10)
    without = fit(np.delete(X, 1, axis=1), y, None, 2.5 * X[:, 1], **params)
    others = np.delete(model.weights_, 2)
    np.testing.assert_allclose(others, without.weights_, rtol=1e-6)
    assert model.objective_ == pytest.approx(without.objective_, rel=1e-9)


@every_loss
@every_solver
def test_without_a_penalty_there_are_no_factors_and_no_center(solver, loss):
    X, y = sample(300, 4)
    params = {"loss": loss, "solver": solver, "C": np.inf}
    model = fit(
        X, y, **params, penalty_factor=[0, 1e-9, 1, 1e9], penalty_center=[9, -9, 0, 1]
    )
    plain = fit(X, y, **params)
    np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-12)
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-14)


@every_bias
def test_ones_and_zeros_are_the_defaults(bias):
    X, y = sample(200, 4)
    plain = fit(X, y, **BIASES[bias])
    for name, values in [("penalty_factor", np.ones(4)), ("penalty_center", [0.0] * 4)]:
        model = fit(X, y, **BIASES[bias], **{name: values})
        np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-12)


def test_the_center_of_a_free_feature_does_not_matter():
    X, y = sample(200, 4)
    given = {"penalty_factor": [0, 1, 2, 3], "tol": 1e-12}
    plain = fit(X, y, **given, penalty_center=[0, 1, 2, 3])
    assert_same(fit(X, y, **given, penalty_center=[1e6, 1, 2, 3]), plain)


@every_loss
def test_a_center_at_the_solution_of_the_losses_is_kept(loss):
    X, y = sample(300, 4)
    losses_only = fit(X, y, loss=loss, C=np.inf, tol=1e-13)
    center = losses_only.coef_[0]
    model = fit(X, y, loss=loss, C=1e-3, penalty_center=center, tol=1e-13)
    np.testing.assert_allclose(model.weights_, losses_only.weights_, rtol=1e-6)


FRAMES = {"pandas": pd.DataFrame, "polars": lambda X, columns: pl.DataFrame(X, columns)}


@pytest.mark.parametrize("frame", FRAMES)
def test_dicts_and_arrays_agree(frame):
    X, y = sample(200, 4)
    table = FRAMES[frame](X, columns=NAMES)
    by_array = fit(X, y, penalty_factor=[1, 0, 1, 5], penalty_center=[0, 0, -2, 0])
    factors = {"visits": 5.0, "income": 0}
    for center in ({"tenure": -2}, pd.Series([0, 0, -2, 0]), (0, 0, -2, 0)):
        model = fit(table, y, penalty_factor=factors, penalty_center=center)
        np.testing.assert_allclose(model.weights_, by_array.weights_, rtol=1e-12)
    assert factors == {"visits": 5.0, "income": 0}


@every_loss
@every_bias
def test_a_warm_start_counts_the_center(bias, loss):
    X, y = sample(200, 4)
    given = {"penalty_factor": [0, 1, 2, 3], "penalty_center": [3.0, 2.0, 1.0, -4.0]}
    model = BinaryLogisticRegression(
        loss=loss, warm_start=True, tol=1e-12, **given, **BIASES[bias]
    ).fit(X, y)
    weights = model.weights_
    model.fit(X, y)
    if loss == "cross_entropy":
        assert model.n_iter_[0] <= 1
    else:  # it tries its other starts too
        start = model.starts_[0]
        assert start.origin == "previous"
        assert start.start_objective == pytest.approx(model.objective_, rel=1e-10)
    np.testing.assert_allclose(model.weights_, weights, rtol=1e-6)


# ------------------------------------------------------------ separation


def beside(label_giver, y, n_columns=3, seed=0):
    """Return a table whose second column is the given one."""
    X = np.random.default_rng(seed).standard_normal((len(y), n_columns))
    X[:, 1] = label_giver
    return X


@every_loss
@every_solver
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array, pd.DataFrame])
@pytest.mark.parametrize("kind", ["separable", "quasi_separable"])
def test_a_free_feature_that_separates_is_named(kind, form, solver, loss):
    y = np.arange(120) % 2
    column = 2.0 * y - 1.0
    if kind == "quasi_separable":
        column[6:] = 0.0
    X = form(beside(column, y))
    name = "1"
    if isinstance(X, pd.DataFrame):
        X.columns, name = NAMES[:3], "'income'"
    model, [message] = fit_with_warnings(
        X, y, loss=loss, solver=solver, penalty_factor=[1, 0, 1]
    )
    assert model.status_.word == kind
    assert f"This column alone does it: {name}." in message
    assert not model.converged_
    # With a penalty there is a minimum.
    assert fit(X, y, loss=loss, solver=solver, penalty_factor=[0, 1, 0]).converged_


@every_solver
@pytest.mark.parametrize("n_samples", [30, 150, 12_000])
def test_a_free_feature_that_does_not_separate_converges(n_samples, solver):
    # The penalized features do separate, alone and with the free one.
    X, y = sample(n_samples, 2)
    n_more = 60 if n_samples < 1000 else 3
    given_away = np.column_stack([X, 2.0 * y - 1.0, np.eye(n_samples, n_more)])
    factors = np.r_[0.0, np.ones(2 + n_more)]
    model = fit(given_away, y, solver=solver, penalty_factor=factors)
    reference = Reference(given_away, y, penalty_factor=factors)
    reference.assert_optimal(model, reference.minimum()[1])


@every_solver
@every_loss
def test_free_features_separate_only_together(loss, solver):
    X, _ = sample(200, 3)
    y = (X[:, 0] > 2.0 * X[:, 2]).astype(int)
    both, [message] = fit_with_warnings(
        X, y, loss=loss, solver=solver, penalty_factor=[0, 1, 0]
    )
    assert both.status_.word == "separable"
    assert "These columns alone do it: 0, 2." in message.replace("2, 0", "0, 2")
    for factors in ([0, 1, 1], [1, 1, 0], [1, 0, 1]):
        model = fit(X, y, loss=loss, solver=solver, penalty_factor=factors)
        assert model.converged_


# ------------------------------------------------------------ wrong values

WRONG = {
    "short": ([1.0] * 3, r"must have shape \(4,\)"),
    "long": ([1.0] * 5, r"must have shape \(4,\)"),
    "two dimensions": (np.ones((1, 4)), r"must have shape \(4,\)"),
    "nan": ([1.0, np.nan, 1.0, 1.0], "must hold numbers that are finite"),
    "infinite": ([1.0, np.inf, 1.0, 1.0], "must hold numbers that are finite"),
    "words": (["a", "b", "c", "d"], "must hold numbers"),
    "ragged": ([[1.0], 1.0, 1.0, 1.0], "must hold numbers"),
    "complex": (np.full(4, 1.0 + 1j), "must hold numbers"),
    "None in it": ([None, 1.0, 1.0, 1.0], "must hold"),
    "unknown name": ({"age": 1.0, "wage": 2.0}, r"\['wage'\], which are not features"),
    "word by name": ({"age": "much"}, "must hold numbers"),
    "nan by name": ({"age": np.nan}, "must hold numbers that are finite"),
    "a number": (1.0, "parameter of BinaryLogisticRegression must be"),
    "a word": ("age", "parameter of BinaryLogisticRegression must be"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize("parameter", ["penalty_factor", "penalty_center"])
def test_wrong_values_are_refused_by_name(parameter, case):
    X, y = sample(100, 4)
    value, words = WRONG[case]
    model = BinaryLogisticRegression(**{parameter: value})
    with pytest.raises(ValueError, match=f"{parameter}.*{words}"):
        model.fit(pd.DataFrame(X, columns=NAMES), y)
    assert not hasattr(model, "coef_")


@pytest.mark.parametrize("value", [[1, -1e-300, 1, 1], {"income": -2.0}])
def test_negative_factors_are_refused(value):
    X, y = sample(100, 4)
    with pytest.raises(ValueError, match=r"penalty_factor must hold .* at least 0"):
        fit(pd.DataFrame(X, columns=NAMES), y, penalty_factor=value)


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_names_need_a_table_with_names(C):
    X, y = sample(100, 4)
    for parameter in ("penalty_factor", "penalty_center"):
        with pytest.raises(ValueError, match=f"{parameter} is a dict .* no feature n"):
            fit(X, y, C=C, **{parameter: {"age": 1.0}})


@pytest.mark.parametrize("seed", range(3))
def test_a_center_where_the_curvature_vanishes(seed):
    rng = np.random.default_rng(seed)
    X, y = 1000.0 * rng.standard_normal((30, 40)), np.arange(30) % 2
    model = BinaryLogisticRegression(penalty_center=np.ones(40)).fit(X, y)
    assert model.converged_
    assert model.optimality_gap_ <= model.tol
