"""The parameter `bias_reduction`: Firth's estimates, FLIC, and shrunk labels."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from _helpers import Recorder, needs_callbacks, objective_of
from mpmath import mp
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from sk_logreg import (
    BinaryLogisticRegression,
    BinaryLogisticRegressionCV,
    regularization_path,
)
from sk_logreg._solvers._jeffreys import JeffreysLikelihood

KINDS = ("firth", "flic", "mdypl")
every_kind = pytest.mark.parametrize("kind", KINDS)
by_prior = pytest.mark.parametrize("kind", ["firth", "flic"])


def reduced(kind="firth", **params):
    return BinaryLogisticRegression(C=np.inf, bias_reduction=kind, **params)


def sample(n_samples=80, n_features=4, seed=0, size=1.0):
    """Return features and labels of a logistic model."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features)) * np.logspace(-1, 1, n_features)
    beta = size * rng.standard_normal(n_features) / np.logspace(-1, 1, n_features)
    return X, (rng.random(n_samples) < expit(X @ beta - 0.4)).astype(int)


def separated(n_samples=30, seed=0):
    """Return data that the first feature separates."""
    X, _ = sample(n_samples, 3, seed)
    return X, (X[:, 0] > 0.0).astype(int)


def quasi_separated():
    """Return counts of a 2 × 2 table with an empty cell, one row per unit."""
    X = np.repeat([[0.0], [1.0]], [12, 8], axis=0)
    return X, np.repeat([0, 1, 1], [7, 5, 8])


def extended(X, fit_intercept=True):
    X = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=float)
    return np.column_stack([X, np.ones(len(X))]) if fit_intercept else X


def score(X, q, theta, weights=1.0, offset=0.0):
    """Return Firth's modified score, Σ s (q - p) x̃ + Σ h (½ - p) x̃, and I."""
    p = expit(X @ theta + offset)
    w = weights * p * (1.0 - p)
    information = (X * w[:, None]).T @ X
    leverages = w * np.einsum("ij,ji->i", X, np.linalg.solve(information, X.T))
    return X.T @ (weights * (q - p) + leverages * (0.5 - p)), information


def assert_stationary(X, q, model, weights=1.0, offset=0.0, atol=1e-8):
    """Assert that the modified score is zero, in units of standard errors."""
    X = extended(X, model.fit_intercept)
    theta = np.append(model.coef_[0], model.intercept_[: X.shape[1] - model.coef_.size])
    gradient, information = score(X, q, theta, weights, offset)
    size = np.sqrt(gradient @ np.linalg.solve(information, gradient))
    assert size < atol, size


def objective(X, q, theta):
    """Return F by a formula that shares nothing with the package."""
    z = X @ theta
    p = expit(z)
    information = (X * (p * (1 - p))[:, None]).T @ X
    return np.sum(np.logaddexp(0, z) - q * z) - 0.5 * np.linalg.slogdet(information)[1]


# ------------------------------------------------------------------ known answers


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_firth_minimizes_the_penalized_likelihood(fit_intercept, seed):
    X, y = sample(seed=seed)
    model = reduced(fit_intercept=fit_intercept).fit(X, y)
    assert_stationary(X, y, model)
    full = extended(X, fit_intercept)
    found = minimize(lambda theta: objective(full, y, theta), np.zeros(full.shape[1]))
    assert model.objective_ == pytest.approx(found.fun, rel=1e-10)
    theta = np.append(model.coef_[0], model.intercept_)[: full.shape[1]]
    np.testing.assert_allclose(theta, found.x, rtol=2e-4, atol=1e-4)
    z = full @ theta
    assert model.cost_ == pytest.approx(np.mean(np.logaddexp(0, z) - y * z))


def test_a_saturated_table_gets_half_a_case_per_cell():
    # Jeffreys' prior of a 2 × 2 table adds ½ to each cell, here to an empty one too.
    X, y = quasi_separated()
    model = reduced().fit(X, y)
    lower = np.log(5.5 / 7.5)
    assert model.intercept_[0] == pytest.approx(lower, rel=1e-12)
    assert model.coef_[0, 0] == pytest.approx(np.log(8.5 / 0.5) - lower, rel=1e-12)


def test_the_coefficients_are_those_of_extended_precision():
    X, y = sample(40, 2, seed=3)
    full = extended(X)

    def equations(*theta):
        """Return the modified score in extended precision."""
        p = [1 / (1 + mp.exp(-mp.fdot(row, theta))) for row in full.tolist()]
        information = mp.zeros(3)
        for row, prob in zip(full.tolist(), p, strict=True):
            x = mp.matrix(row)
            information += prob * (1 - prob) * x * x.T
        inverse, total = information**-1, mp.zeros(3, 1)
        for row, label, prob in zip(full.tolist(), y.tolist(), p, strict=True):
            x = mp.matrix(row)
            h = prob * (1 - prob) * (x.T * inverse * x)[0]
            total += (label - prob + h * (0.5 - prob)) * x
        return list(total)

    model = reduced().fit(X, y)
    start = np.append(model.coef_[0], model.intercept_).tolist()
    with mp.workdps(30):
        exact = np.array(mp.findroot(equations, start)).astype(float).ravel()
    fine = reduced(tol=0.0).fit(X, y)
    for fitted, rtol in ((model, 1e-9), (fine, 1e-13)):
        theta = np.append(fitted.coef_[0], fitted.intercept_)
        np.testing.assert_allclose(theta, exact, rtol=rtol)


def test_spector_data():
    spector = pytest.importorskip("statsmodels.datasets.spector").load_pandas()
    X, y = spector.exog[["GPA", "TUCE", "PSI"]], spector.endog.astype(int)
    model = reduced().fit(X, y)
    assert_stationary(X, y, model)
    plain = BinaryLogisticRegression(C=np.inf).fit(X, y)
    # The maximum likelihood estimates are too large in size.
    assert (np.abs(model.coef_) < np.abs(plain.coef_)).all()


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("form", ["C", "F", "csr", "blocks", "collinear"])
def test_the_derivatives_at_a_point(form, fit_intercept):
    X, y = sample(300, 4, seed=4)
    if form == "collinear":
        X = np.column_stack([X, X[:, 0]])
    weights = np.random.default_rng(0).random(300)
    given = {"F": np.asfortranarray, "csr": sparse.csr_matrix}.get(form, np.asarray)(X)
    sizes = {"max_rows": 70, "weighted_bytes": 1000} if form == "blocks" else None
    flags = {"C": np.inf, "fit_intercept": fit_intercept}
    likelihood = JeffreysLikelihood(
        objective_of(given, y, weights, sizes=sizes, **flags)
    )
    full = extended(X, fit_intercept)
    theta = 0.3 * np.random.default_rng(1).standard_normal(full.shape[1])
    point, unit = likelihood.evaluate(theta), weights.sum()

    p = expit(full @ theta)
    w = weights * p * (1 - p)
    inverse = np.linalg.pinv((full * w[:, None]).T @ full)
    leverages = w * np.einsum("ij,jk,ik->i", full, inverse, full)
    np.testing.assert_allclose(point.leverages.gather(), leverages, rtol=1e-9)
    assert leverages.sum() == pytest.approx(4 + fit_intercept)
    gradient = -full.T @ (weights * (y - p) + leverages * (0.5 - p))
    np.testing.assert_allclose(unit * point.gradient, gradient, rtol=1e-9, atol=1e-12)
    # The value, whose constant is unknown with collinear columns, by its slope.
    direction = np.random.default_rng(2).standard_normal(full.shape[1])
    ends = [likelihood.evaluate(theta + h * direction).value for h in (-1e-5, 1e-5)]
    slope = (ends[1] - ends[0]) / 2e-5
    assert slope == pytest.approx(point.gradient @ direction, rel=1e-6)


# --------------------------------------------------------------------------- flic


@pytest.mark.parametrize("data", [sample(), separated(), quasi_separated()])
def test_flic_keeps_the_weights_and_predicts_the_mean(data):
    X, y = data
    firth, flic = reduced("firth").fit(X, y), reduced("flic").fit(X, y)
    np.testing.assert_array_equal(flic.coef_, firth.coef_)
    assert flic.predict_proba(X)[:, 1].mean() == pytest.approx(y.mean(), rel=1e-13)
    assert flic.intercept_ != firth.intercept_
    assert flic.converged_


def test_flic_with_weights_offset_and_rare_events():
    X, y = sample(400, 3, seed=2)
    rng = np.random.default_rng(0)
    y[rng.random(400) < 0.95] = 0
    weights, offset = rng.integers(0, 4, 400).astype(float), rng.standard_normal(400)
    flic = reduced("flic").fit(X, y, weights, offset)
    mean = np.average(flic.predict_proba(X, offset)[:, 1], weights=weights)
    assert mean == pytest.approx(np.average(y, weights=weights), rel=1e-12)
    direct = BinaryLogisticRegression(C=np.inf, tol=1e-12).fit(
        np.ones((400, 1)), y, weights, offset + X @ flic.coef_[0]
    )
    total = direct.coef_[0, 0] + direct.intercept_[0]
    assert flic.intercept_[0] == pytest.approx(total, rel=1e-9)


# -------------------------------------------------------------------------- mdypl


@pytest.mark.parametrize("soft_labels", [False, True])
def test_mdypl_is_a_fit_to_shrunk_labels(soft_labels):
    X, y = sample()
    rng = np.random.default_rng(1)
    q = rng.random(80) if soft_labels else y
    weights = rng.integers(1, 4, 80).astype(float)
    alpha = weights.sum() / (weights.sum() + 4)
    model = reduced("mdypl", soft_labels=soft_labels, tol=1e-12).fit(X, q, weights)
    direct = BinaryLogisticRegression(C=np.inf, soft_labels=True, tol=1e-12)
    direct.fit(X, alpha * q + (1 - alpha) / 2, weights)
    np.testing.assert_allclose(model.weights_, direct.weights_, rtol=1e-9)
    assert model.objective_ == pytest.approx(direct.objective_, rel=1e-12)
    assert model.optimality_scope_ == "global"


def test_mdypl_keeps_the_classes_and_takes_bounds():
    X, y = separated()
    names = np.array(["no", "yes"])
    model = reduced("mdypl", bounds=(0.0, 1.0)).fit(X, names[y])
    assert model.classes_.tolist() == ["no", "yes"]
    assert ((model.coef_ >= 0.0) & (model.coef_ <= 1.0)).all()
    assert model.score(X, names[y]) > 0.5


# --------------------------------------------------- weights, labels, offset, formats


@every_kind
def test_a_weight_is_a_number_of_copies(kind):
    X, y = sample(60, 3, seed=5)
    weights = np.random.default_rng(0).integers(0, 4, 60)
    model = reduced(kind, tol=1e-10).fit(X, y, weights)
    repeated = reduced(kind, tol=1e-10).fit(
        np.repeat(X, weights, axis=0), np.repeat(y, weights)
    )
    np.testing.assert_allclose(model.weights_, repeated.weights_, rtol=1e-8)
    assert model.objective_ == pytest.approx(repeated.objective_, rel=1e-10)


@by_prior
def test_soft_labels_are_split_rows(kind):
    X, _ = sample(60, 3, seed=6)
    q = np.random.default_rng(0).integers(0, 5, 60) / 4
    soft = reduced(kind, soft_labels=True).fit(X, q, np.full(60, 4.0))
    k = (4 * q).astype(int)
    rows = np.repeat(np.arange(60), 4)
    hard = np.concatenate([np.repeat([1, 0], [a, 4 - a]) for a in k])
    repeated = reduced(kind).fit(X[rows], hard)
    np.testing.assert_allclose(soft.weights_, repeated.weights_, rtol=1e-8)
    assert soft.objective_ == pytest.approx(repeated.objective_, rel=1e-10)


@pytest.mark.parametrize("soft_labels", [False, True])
def test_stationary_with_weights_and_offset(soft_labels):
    X, y = sample(70, 3, seed=7)
    rng = np.random.default_rng(0)
    q = rng.random(70) if soft_labels else y
    weights, offset = rng.random(70) * 3, rng.standard_normal(70) * 2
    model = reduced(soft_labels=soft_labels).fit(X, q, weights, offset)
    assert_stationary(X, q, model, weights, offset)


@every_kind
@pytest.mark.parametrize("form", ["csr", "csc", "frame", "F", "float32", "absorbed"])
def test_the_form_of_the_data_does_not_matter(kind, form):
    X, y = sample(100, 5, seed=8)
    X[np.abs(X) < 0.3] = 0.0
    X = X.astype(np.float32).astype(float)
    model = reduced(kind, tol=1e-10).fit(X, y)
    params = {"absorb_bias": form == "absorbed"}
    other = {
        "csr": sparse.csr_matrix,
        "csc": sparse.csc_array,
        "frame": lambda X: pd.DataFrame(X, columns=list("abcde")),
        "F": np.asfortranarray,
        "float32": lambda X: X.astype(np.float32),
        "absorbed": np.copy,
    }[form](X)
    found = reduced(kind, tol=1e-10, **params).fit(other, y)
    rtol = 1e-6 if form == "float32" else 1e-8
    np.testing.assert_allclose(found.weights_, model.weights_, rtol=rtol, atol=rtol)
    assert found.coef_.dtype == (np.float32 if form == "float32" else np.float64)


@by_prior
def test_units_and_shifts_of_features_do_not_matter(kind):
    X, y = sample(80, 3, seed=9)
    model = reduced(kind).fit(X, y)
    units, shifts = np.array([1e-250, 1e6, 1e250]), np.array([0.0, 1e9, 0.0])
    moved = reduced(kind).fit(X * units + shifts, y)
    expected = model.decision_function(X)
    z = moved.decision_function(X * units + shifts)
    np.testing.assert_allclose(z, expected, rtol=1e-5, atol=1e-5)
    moved = reduced(kind).fit(X * units, y)
    np.testing.assert_allclose(moved.coef_ * units, model.coef_, rtol=1e-8)
    # Of the information in units of the features.
    log_units = np.log(units).sum()
    assert moved.objective_ == pytest.approx(model.objective_ - log_units, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_linear_maps_of_features_do_not_matter(seed):
    X, y = sample(60, 4, seed=seed)
    change = np.random.default_rng(seed).standard_normal((4, 4))
    model, mapped = reduced().fit(X, y), reduced().fit(X @ change, y)
    np.testing.assert_allclose(change @ mapped.coef_[0], model.coef_[0], rtol=1e-6)
    np.testing.assert_allclose(mapped.intercept_, model.intercept_, rtol=1e-6)


# ------------------------------------------------------------- where others diverge


@every_kind
@pytest.mark.parametrize("data", [separated(), quasi_separated()])
def test_separated_data_have_finite_coefficients(kind, data):
    X, y = data
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = reduced(kind).fit(X, y)
    assert model.converged_
    assert model.status_.word == "converged"
    assert np.isfinite(model.weights_).all()
    assert np.isfinite(model.objective_)
    assert np.abs(model.decision_function(X)).max() < 20.0
    if kind == "firth":
        assert_stationary(X, y, model)


@by_prior
def test_repeated_and_constant_columns(kind):
    X, y = sample(60, 3, seed=10)
    model = reduced(kind).fit(X, y)
    collinear = np.column_stack(
        [X, X[:, 0], np.ones(60), np.zeros(60), X[:, 1:] @ [1, 2]]
    )
    found = reduced(kind).fit(collinear, y)
    assert found.converged_
    np.testing.assert_allclose(
        found.predict_proba(collinear), model.predict_proba(X), rtol=1e-7
    )
    assert found.coef_[0, 5] == 0.0
    alike = found.coef_[0, [0, 3]]
    assert alike[0] == pytest.approx(alike[1], rel=1e-7)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_with_more_columns_than_rows_each_row_is_fitted_alone(form, fit_intercept):
    # Every leverage is 1 then, so that p = (y + ½) / 2.
    X, y = sample(12, 30, seed=11)
    model = reduced(fit_intercept=fit_intercept).fit(form(X), y)
    assert model.converged_
    expected = np.where(y == 1, 0.75, 0.25)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expected, rtol=1e-8)


@pytest.mark.parametrize("unit", [1e-6, 1e-2, 1e6])
def test_weights_of_any_sum(unit):
    # Where the sum is small, the prior outweighs the likelihood.
    X, y = sample(60, 3, seed=14)
    weights = unit * np.random.default_rng(0).random(60)
    model = reduced().fit(X, y, weights)
    assert model.converged_
    assert model.n_iter_[0] <= 30
    assert_stationary(X, y, model, weights, atol=1e-6)


def test_nearly_collinear_columns():
    X, y = sample(60, 3, seed=15)
    X = np.column_stack([X, X[:, 0] + 1e-5 * X[:, 2] ** 2])
    model = reduced().fit(X, y)
    assert model.converged_
    other = reduced().fit(np.column_stack([X[:, :3], X[:, 2] ** 2]), y)
    expected = other.coef_[0, :3] - [other.coef_[0, 3] / 1e-5, 0.0, 0.0]
    np.testing.assert_allclose(model.coef_[0, :3], expected, rtol=1e-4)


@pytest.mark.parametrize("size", [30.0, 300.0])
def test_large_offsets(size):
    X, y = sample(60, 2, seed=12)
    offset = size * np.sin(np.arange(60.0))
    model = reduced().fit(X, y, offset=offset)
    assert np.isfinite(model.weights_).all()
    even = reduced().fit(X, y, offset=np.full(60, size))
    plain = reduced().fit(X, y)
    np.testing.assert_allclose(even.coef_, plain.coef_, rtol=1e-7)
    assert even.intercept_[0] + size == pytest.approx(plain.intercept_[0], abs=1e-7)


# ------------------------------------------------------------------ how the fit ends


@by_prior
def test_attributes(kind):
    X, y = sample()
    model = reduced(kind).fit(X, y)
    assert 0.0 <= model.optimality_gap_ <= 1e-8
    assert model.optimality_scope_ == "local"
    assert model.n_iter_[0] == len(model.history_) > 0
    assert model.starts_ == []
    records = model.history_
    assert (np.diff([record.objective for record in records]) <= 1e-9).all()
    assert records[-1].gradient_norm < 1e-4 * records[0].gradient_norm


@by_prior
@pytest.mark.parametrize("max_iter", [0, 1])
def test_too_few_iterations(kind, max_iter):
    X, y = sample()
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        model = reduced(kind, max_iter=max_iter).fit(X, y)
    assert model.n_iter_[0] == max_iter
    assert model.optimality_gap_ > 1e-8
    assert np.isfinite(model.weights_).all()


@by_prior
def test_a_warm_start_takes_no_iteration(kind):
    X, y = sample()
    model = reduced(kind, warm_start=True).fit(X, y)
    before = model.weights_
    model.fit(X, y)
    assert model.n_iter_[0] <= (0 if kind == "firth" else 8)
    np.testing.assert_allclose(model.weights_, before, rtol=1e-9)
    # A start at which the probabilities are 0 and 1 is no worse than zero.
    model.coef_ = 1e4 * model.coef_
    np.testing.assert_allclose(model.fit(X, y).weights_, before, rtol=1e-8)


def test_a_warm_start_with_repeated_columns():
    X, y = sample()
    X = np.column_stack([X, X])
    model = reduced(warm_start=True).fit(X, y)
    before = model.weights_
    model.coef_ = model.coef_ + np.repeat([[1.0, -1.0]], 4, axis=1)
    np.testing.assert_allclose(model.fit(X, y).weights_, before, rtol=1e-7)


@pytest.mark.parametrize("tol", [1e-2, 1e-4, 1e-12, 0.0])
def test_every_tolerance(tol):
    X, y = sample(size=3.0)
    model, fine = reduced(tol=tol).fit(X, y), reduced(tol=0.0).fit(X, y)
    assert model.converged_
    excess = model.objective_ - fine.objective_
    assert -1e-12 <= excess <= max(tol, 1e-13) * fine.cost_ * len(y)


@needs_callbacks
def test_a_callback_stops_the_fit():
    X, y = sample()
    recorder = Recorder(stop_at=2)
    model = reduced()
    model.set_callbacks(recorder)
    with pytest.warns(ConvergenceWarning, match="stopped"):
        model.fit(X, y)
    assert model.status_.word == "stopped"
    assert len(recorder.models) == 2


@every_kind
def test_cloning_and_pickling(kind):
    X, y = sample()
    model = reduced(kind).fit(X, y)
    assert clone(model).get_params() == model.get_params()
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert other.status_ == model.status_


def expected_failures(_model):
    return {"check_class_weight_classifiers": "class_weight is refused."}


@parametrize_with_checks(
    [reduced(kind) for kind in KINDS], expected_failed_checks=expected_failures
)
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


# ------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("kinds", "params", "words"),
    [
        (KINDS, {"C": 1.0}, ["C=1", "C=np.inf"]),
        (KINDS, {"class_weight": "balanced"}, ["class_weight"]),
        (KINDS, {"class_weight": {0: 1.0, 1: 2.0}}, ["class_weight"]),
        (KINDS, {"loss": "squared_error"}, ["loss", "cross_entropy"]),
        (KINDS[:2], {"bounds": (0.0, None)}, ["bounds", "mdypl"]),
        (KINDS[:2], {"solver": "newton-cg"}, ["solver", "newton-cholesky"]),
        (["flic"], {"fit_intercept": False}, ["fit_intercept=True", "firth"]),
    ],
)
def test_contradictions_are_refused_by_name(kinds, params, words):
    for kind in kinds:
        model = reduced(kind).set_params(**params)
        with pytest.raises(ValueError, match=f"bias_reduction='{kind}'") as refused:
            model.fit("no data", "no labels")
        for word in words:
            assert word in str(refused.value)


@by_prior
def test_too_many_coefficients_are_refused(kind):
    X = sparse.csr_array(
        np.random.default_rng(0).random((50, 4001)) < 0.01, dtype=float
    )
    y = np.arange(50) % 2
    with pytest.raises(ValueError, match=r"bias_reduction.* 4002 .* 4000.*mdypl"):
        reduced(kind).fit(X, y)
    assert reduced("mdypl").fit(X, y).converged_


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="bias_reduction"):
        reduced("jeffreys").fit(*sample())


def test_paths_and_searches_do_not_have_it():
    with pytest.raises(ValueError, match=r"bias_reduction='firth'.*path"):
        regularization_path(reduced(), *sample())
    assert "bias_reduction" not in BinaryLogisticRegressionCV().get_params()
