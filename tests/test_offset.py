"""The offset, alone and with all else that an objective may have."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from _problems import INGREDIENTS, SHAPES, general, sample
from _reference import BIASES, LOSSES, SOLVERS, Reference
from hypothesis import given
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_logreg import BinaryLogisticRegression

every_bias = pytest.mark.parametrize("bias", BIASES)
every_shape = pytest.mark.parametrize("shape", SHAPES)
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
TOLERANCES = (1e-1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10)
PREDICTIONS = ("decision_function", "predict", "predict_proba", "predict_log_proba")


def fit(data, params, **more):
    """Fit, whether or not the iterations suffice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return BinaryLogisticRegression(**params, **more).fit(**data)


def assert_optimal(data, params, solvers=SOLVERS, *, one_minimum=True):
    """Assert that solvers reach the minimum that the reference finds."""
    reference = Reference(**data, **params)
    if one_minimum:
        best, lowest = reference.minimum()
    for solver in solvers:
        model = BinaryLogisticRegression(**params, solver=solver, tol=1e-10)
        model.fit(**data)  # a warning would be an error
        theta = reference.theta(model)
        if not one_minimum:
            best, lowest = reference.minimum(theta.astype(np.longdouble), n_steps=6)
            assert reference.scaled_eigenvalues(best)[0] > -1e-8
        reference.assert_optimal(model, lowest)
        np.testing.assert_allclose(theta, best, atol=1e-6 * np.abs(best).max())


@every_shape
@pytest.mark.parametrize("bias", ["free", "absorbed"])
@every_loss
def test_the_known_optimum_is_reached(loss, bias, shape):
    data, params = general(shape, "offset")
    one_minimum = loss == "cross_entropy" or "wide" not in shape
    params = {"loss": loss, **BIASES[bias]}
    assert_optimal(data, params, one_minimum=one_minimum)


@pytest.mark.parametrize("shape", ["usual", "tall", "sparse", "float32"])
@every_loss
def test_the_known_optimum_is_reached_without_a_penalty(loss, shape):
    data, params = general(shape, "offset", "soft_labels")
    assert_optimal(data, params | {"loss": loss, "C": np.inf})


CLASS_WEIGHTS = {"free": None, "absorbed": "balanced", "none": {0: 2.0, 1: 0.5}}


@every_shape
@every_bias
@every_loss
def test_the_known_optimum_is_reached_with_all_ingredients(loss, bias, shape):
    data, params = general(shape, seed=3)
    # With more columns than rows and a weak penalty, there are several minima.
    weak = {"C": 0.01 if "wide" in shape and loss == "squared_error" else 1.0}
    params |= {"class_weight": CLASS_WEIGHTS[bias], "loss": loss}
    params |= weak | BIASES[bias]
    solvers = ("auto", *SOLVERS)
    assert_optimal(data, params, solvers, one_minimum=loss == "cross_entropy")


# ------------------------------------------------------------ the certificate


@every_solver
@every_bias
@pytest.mark.parametrize("shape", ["usual", "tall", "wide", "sparse"])
def test_the_gap_is_a_bound(shape, bias, solver):
    data, params = general(shape, seed=len(bias))
    params |= {"C": 100.0, **BIASES[bias]}
    reference = Reference(**data, **params)
    _, lowest = reference.minimum()
    for tol in TOLERANCES:
        model = fit(data, params, tol=tol, solver=solver)
        assert model.converged_
        assert model.optimality_gap_ <= tol
        reference.assert_bounds(model, lowest)
    for max_iter in range(4):
        model = fit(data, params, tol=1e-12, max_iter=max_iter, solver=solver)
        reference.assert_bounds(model, lowest)


@given(
    st.sampled_from(["usual", "wide", "sparse", "wide_sparse", "float32"]),
    st.sets(st.sampled_from(INGREDIENTS)).map(sorted),
    st.integers(0, 10**6),
    st.floats(-3.0, 3.0).map(lambda power: 10.0**power),
    st.floats(-10.0, -1.0).map(lambda power: 10.0**power),
    st.sampled_from(sorted(BIASES)),
)
@every_solver
def test_the_gap_is_a_bound_of_any_problem(
    solver, shape, ingredients, seed, C, tol, bias
):
    data, params = general(shape, *ingredients, seed=seed)
    params |= {"C": C, **BIASES[bias]}
    model = fit(data, params, tol=tol, solver=solver)
    reference = Reference(**data, **params)
    _, lowest = reference.minimum()
    assert model.converged_ or "separable" in model.status_.word
    reference.assert_bounds(model, lowest)


# ------------------------------------------------------------ properties


@every_solver
@every_loss
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_a_constant_offset_shifts_the_free_bias(C, loss, solver):
    X, y = sample(200, 4)
    params = {"C": C, "loss": loss, "solver": solver, "tol": 1e-12}
    plain = BinaryLogisticRegression(**params).fit(X, y)
    model = BinaryLogisticRegression(**params).fit(X, y, offset=np.full(200, 3.0))
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-6)
    np.testing.assert_allclose(model.intercept_, plain.intercept_ - 3.0, rtol=1e-6)
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-10)


@every_solver
@every_loss
def test_a_part_of_the_prediction_may_be_given_as_offset(loss, solver):
    # Without a penalty, the other coefficients and the objective stay the same.
    X, y = sample(300, 4)
    params = {"C": np.inf, "loss": loss, "solver": solver, "tol": 1e-13}
    full = BinaryLogisticRegression(**params).fit(X, y)
    part = BinaryLogisticRegression(**params)
    part.fit(X[:, :3], y, offset=X[:, 3] * full.coef_[0, 3])
    np.testing.assert_allclose(part.coef_[0], full.coef_[0, :3], rtol=1e-6)
    assert part.objective_ == pytest.approx(full.objective_, rel=1e-10)


@every_solver
@pytest.mark.parametrize("size", [10.0, 100.0, 1000.0])
def test_an_offset_of_any_size(size, solver):
    X, y = sample(15, 4, seed=2)
    offset = size * np.random.default_rng(2).standard_normal(15)
    model = BinaryLogisticRegression(solver=solver).fit(X, y, offset=offset)
    reference = Reference(X, y, offset=offset)
    start = reference.theta(model).astype(np.longdouble)
    reference.assert_optimal(model, reference.minimum(start)[1])


@every_bias
@every_loss
def test_an_offset_of_zeros_is_no_offset(loss, bias):
    X, y = sample(200, 4)
    plain = BinaryLogisticRegression(loss=loss, **BIASES[bias]).fit(X, y)
    model = BinaryLogisticRegression(loss=loss, **BIASES[bias])
    model.fit(X, y, offset=np.zeros(200))
    np.testing.assert_array_equal(model.weights_, plain.weights_)
    assert model.objective_ == plain.objective_


@every_loss
def test_a_warm_start_counts_the_offset(loss):
    data, params = general("usual")
    model = BinaryLogisticRegression(**params, loss=loss, warm_start=True, tol=1e-12)
    coefs = model.fit(**data).weights_
    model.fit(**data)
    if loss == "cross_entropy":
        assert model.n_iter_[0] <= 1
    else:  # it tries its other starts too
        start = model.starts_[0]
        assert start.origin == "previous"
        assert start.start_objective == pytest.approx(model.objective_, rel=1e-10)
    np.testing.assert_allclose(model.weights_, coefs, rtol=1e-5)


# ------------------------------------------------------------ predictions


def test_predictions_add_the_offset():
    X, y = sample(200, 4)
    offset = np.random.default_rng(0).standard_normal(200)
    model = BinaryLogisticRegression().fit(X, np.array(["no", "yes"])[y], offset=offset)
    z = X @ model.coef_[0] + model.intercept_[0] + offset
    np.testing.assert_array_equal(model.decision_function(X, offset), z)
    np.testing.assert_array_equal(model.decision_function(X, offset=list(offset)), z)
    proba = model.predict_proba(X, offset)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-12)
    np.testing.assert_allclose(
        model.predict_log_proba(X, offset), np.log(proba), rtol=1e-10
    )
    expected = np.where(z > 0.0, "yes", "no")
    np.testing.assert_array_equal(model.predict(X, offset), expected)
    assert (model.predict(X) != expected).any()


# ------------------------------------------------------------ forms of the input


def on_disk(values, folder):
    """Return values as a memory map that cannot be written to."""
    path = folder / "offset.npy"
    np.save(path, values)
    return np.load(path, mmap_mode="r")


FORMS = {
    "list": lambda o, _: o.tolist(),
    "tuple": lambda o, _: tuple(o),
    "float32": lambda o, _: o.astype(np.float32),
    "strided": lambda o, _: np.repeat(o, 3)[::3],
    "reversed": lambda o, _: o[::-1].copy()[::-1],
    "big endian": lambda o, _: o.astype(">f8"),
    "integers": lambda o, _: o.astype(np.int8),
    "memory map": on_disk,
    "pandas": lambda o, _: pd.Series(o, index=np.arange(len(o))[::-1]),
    "pandas nullable": lambda o, _: pd.Series(o, dtype="Float64"),
    "polars": lambda o, _: pl.Series(o),
}


@pytest.mark.parametrize("form", FORMS)
@every_solver
def test_every_form_of_the_offset(solver, form, tmp_path):
    X, y = sample(200, 4)
    offset = np.random.default_rng(0).integers(-2, 3, 200).astype(float)
    plain = BinaryLogisticRegression(solver=solver).fit(X, y, offset=offset)
    given = FORMS[form](offset, tmp_path)
    model = BinaryLogisticRegression(solver=solver).fit(X, y, offset=given)
    np.testing.assert_array_equal(model.weights_, plain.weights_)
    for name in PREDICTIONS:
        expected = getattr(plain, name)(X, offset)
        np.testing.assert_array_equal(getattr(model, name)(X, given), expected)
    np.testing.assert_array_equal(np.asarray(given, dtype=float), offset)


@every_shape
def test_nothing_that_is_passed_is_changed(shape):
    data, params = general(shape)
    X = data["X"]
    parts = [X.data, X.indices, X.indptr] if "sparse" in shape else [X]
    arrays = [*parts, data["y"], data["sample_weight"], data["offset"]]
    arrays += [params["penalty_factor"], params["penalty_center"]]
    before = [array.copy() for array in arrays]
    for array in arrays:
        array.flags.writeable = False
    model = fit(data, params)
    model.predict_proba(data["X"], data["offset"])
    for array, copy in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, copy)


WRONG = {
    "short": (np.zeros(99), r"offset must have shape \(100,\)"),
    "two columns": (np.zeros((100, 2)), r"offset must have shape \(100,\)"),
    "one column": (np.zeros((100, 1)), r"offset must have shape \(100,\)"),
    "number": (1.0, r"offset must have shape \(100,\)"),
    "word": ("age", "offset"),
    "nan": (np.r_[np.zeros(99), np.nan], "offset contains NaN"),
    "infinite": (np.r_[np.zeros(99), np.inf], "offset contains infinity"),
    "words": (np.array(["a"] * 100), "offset"),
    "objects": ([None] * 100, "offset"),
    "complex": (np.full(100, 1j), "offset"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_offsets_are_refused_by_name(case):
    X, y = sample(100, 2)
    offset, words = WRONG[case]
    model = BinaryLogisticRegression().fit(X, y)
    weights = model.weights_
    with pytest.raises(ValueError, match=words):
        model.fit(X, y, offset=offset)
    np.testing.assert_array_equal(model.weights_, weights)
    for name in PREDICTIONS:
        with pytest.raises(ValueError, match=words):
            getattr(model, name)(X, offset)


# ------------------------------------------------------------ metadata routing


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.usefixtures("routing")
def test_the_offset_is_routed_through_a_pipeline():
    X, y = sample(200, 3)
    offset = np.random.default_rng(0).standard_normal(200)
    model = BinaryLogisticRegression().set_fit_request(offset=True)
    for name in PREDICTIONS:
        getattr(model, f"set_{name}_request")(offset=True)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y, offset=offset)
    scaled = StandardScaler().fit_transform(X)
    direct = BinaryLogisticRegression().fit(scaled, y, offset=offset)
    np.testing.assert_array_equal(pipeline[-1].coef_, direct.coef_)
    for name in PREDICTIONS:
        routed = getattr(pipeline, name)(X, offset=offset)
        np.testing.assert_array_equal(routed, getattr(direct, name)(scaled, offset))


@pytest.mark.usefixtures("routing")
def test_the_offset_is_split_with_the_rows():
    X, y = sample(200, 3)
    offset = np.random.default_rng(0).standard_normal(200)
    model = BinaryLogisticRegression().set_fit_request(offset=True)
    kept = {"return_estimator": True, "return_indices": True}
    found = cross_validate(model, X, y, params={"offset": offset}, **kept)
    for fold, rows in zip(found["estimator"], found["indices"]["train"], strict=True):
        direct = BinaryLogisticRegression().fit(X[rows], y[rows], offset=offset[rows])
        np.testing.assert_array_equal(fold.coef_, direct.coef_)
    search = GridSearchCV(model, {"C": [0.1, 10.0]}, cv=3).fit(X, y, offset=offset)
    direct = BinaryLogisticRegression(**search.best_params_).fit(X, y, offset=offset)
    np.testing.assert_array_equal(search.best_estimator_.coef_, direct.coef_)


@pytest.mark.usefixtures("routing")
def test_requests_exist_for_what_a_method_takes():
    X, y = sample(60, 2)
    model = BinaryLogisticRegression()
    with pytest.raises(ValueError, match="offset"):  # passed, but not asked for
        cross_validate(model, X, y, params={"offset": np.zeros(60)})
    model.set_score_request(sample_weight=True)
    with pytest.raises(TypeError, match="offset"):  # score has none
        model.set_score_request(offset=True)
    with pytest.raises(TypeError, match="sample_weight"):
        model.set_predict_request(sample_weight=True)
