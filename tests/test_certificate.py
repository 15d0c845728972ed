"""The certificate: `optimality_gap_` is a bound, and `tol` has no units."""

import warnings

import numpy as np
import pytest
from _problems import FINITE_NAMES, NAMES, problem, sample
from _reference import BIASES, LOSSES, SOLVERS, Reference
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression

EPS = np.finfo(np.float64).eps


def fit(X, y, sample_weight=None, **params):
    """Fit, and ignore convergence warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


def random_problem(seed):
    """Return a problem of random shape, scale, penalty and treatment of the bias."""
    rng = np.random.default_rng(seed)
    n_samples, n_features = rng.integers(4, 200), rng.integers(1, 30)
    strength = 10.0 ** rng.uniform(-1, 1)
    X, y = sample(n_samples, n_features, seed, strength=strength)
    X *= 10.0 ** rng.uniform(-3, 3, n_features)
    X += (rng.random() < 0.3) * 10.0 ** rng.uniform(-2, 2)
    bias = list(BIASES.values())[rng.integers(3)]
    weights = rng.exponential(size=n_samples) if rng.random() < 0.5 else None
    return {"X": X, "y": y, "sample_weight": weights}, {
        "C": 10.0 ** rng.uniform(-3, 4),
        **bias,
    }


def assert_bounds(model, data, params, lowest, rtol=1e-6):
    """Assert that the gap bounds the relative suboptimality of F, up to rounding."""
    value = Reference(**data, **params).value(reference_theta(model, params))
    excess = float((value - lowest) / value)
    assert excess <= model.optimality_gap_ * (1 + rtol) + 64 * EPS


def reference_theta(model, params):
    bias = model.intercept_ if params.get("fit_intercept", True) else []
    return np.concatenate([model.coef_[0], bias])


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(40))
def test_gap_is_a_bound(seed, solver):
    data, params = random_problem(seed)
    finest = fit(**data, **params, solver=solver, tol=1e-14)
    objective = Reference(**data, **params)
    start = reference_theta(finest, params)
    _, lowest = objective.minimum(start, n_steps=5)
    assert_bounds(finest, data, params, lowest)
    for tol in (1e-1, 1e-2, 1e-4, 1e-6, 1e-8, 1e-10):
        model = fit(**data, **params, solver=solver, tol=tol)
        assert model.converged_
        assert model.optimality_gap_ <= tol
        assert_bounds(model, data, params, lowest)
    for max_iter in range(4):
        model = fit(**data, **params, solver=solver, tol=1e-12, max_iter=max_iter)
        assert 0.0 <= model.optimality_gap_ <= 1.0
        assert_bounds(model, data, params, lowest)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("name", FINITE_NAMES)
def test_gap_is_a_bound_without_a_penalty(name, solver):
    data = problem(name).data
    _, lowest = Reference(**data, C=np.inf).minimum()
    for tol in (1e-1, 1e-3, 1e-5, 1e-8, 1e-11):
        model = fit(**data, C=np.inf, tol=tol, solver=solver)
        assert model.converged_
        assert model.optimality_gap_ <= tol
        # Without a penalty, the bound ignores the residual of conjugate gradients.
        rtol = 0.1 if solver == "newton-cg" else 1e-6
        assert_bounds(model, data, {"C": np.inf}, lowest, rtol)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("tol", [0.0, 1e-16, 1e-14])
def test_a_tol_below_rounding_error_converges_without_a_warning(
    name, solver, loss, tol
):
    model = BinaryLogisticRegression(loss=loss, solver=solver, tol=tol)
    model.fit(**problem(name).data)  # pytest turns a warning into an error
    assert model.converged_
    assert model.status_.word in {"converged", "rounding"}
    objective = Reference(**problem(name).data, loss=loss)
    rounding = 1e-12 if model.coef_.dtype == np.float64 else 1e-6
    assert objective.residual(objective.theta(model)) < rounding


def trace(model):
    """Return the history of a fit in quantities that have no units."""
    first = model.history_[0].objective
    return np.array(
        [
            (record.objective / first, record.decrement / np.sqrt(first), record.step)
            for record in model.history_
        ]
    )


def assert_same_course(model, other):
    """Assert that two fits made the same iterations, up to rounding."""
    assert model.n_iter_ == other.n_iter_
    assert model.status_ == other.status_
    np.testing.assert_allclose(trace(model), trace(other), rtol=1e-6, atol=1e-7)
    gap = pytest.approx(other.optimality_gap_, rel=1e-2, abs=1e-10)
    assert model.optimality_gap_ == gap


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_tol_does_not_depend_on_the_units_of_columns(loss, solver):
    X, y = sample(300, 6)
    params = {"loss": loss, "solver": solver, "C": np.inf}
    model = fit(X, y, **params)
    units = 2.0 ** np.array([-20, 13, 0, 1, 20, -7])
    rescaled = fit(X * units, y, **params)
    assert_same_course(rescaled, model)
    np.testing.assert_allclose(rescaled.coef_ * units, model.coef_, rtol=1e-6)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("factor", [1e-6, 7.0, 1e9])
@pytest.mark.parametrize("solver", SOLVERS)
def test_tol_does_not_depend_on_the_units_of_weights(solver, factor, loss):
    X, y = sample(300, 6)
    weights = np.random.default_rng(0).exponential(size=300)
    model = fit(X, y, weights, loss=loss, solver=solver)
    rescaled = fit(X, y, weights * factor, loss=loss, C=1 / factor, solver=solver)
    assert_same_course(rescaled, model)
    np.testing.assert_allclose(rescaled.coef_, model.coef_, rtol=1e-7)
    assert rescaled.objective_ == pytest.approx(model.objective_, rel=1e-9)
    assert rescaled.cost_ == pytest.approx(model.cost_, rel=1e-9)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_tol_does_not_depend_on_the_number_of_rows(solver, loss):
    X, y = sample(200, 6)
    model = fit(X, y, loss=loss, solver=solver)
    repeated = fit(np.tile(X, (5, 1)), np.tile(y, 5), loss=loss, C=0.2, solver=solver)
    if loss == "squared_error":  # its starts depend on randomly drawn rows
        assert repeated.objective_ == pytest.approx(model.objective_, rel=1e-9)
        assert repeated.optimality_gap_ <= repeated.tol
    else:
        assert_same_course(repeated, model)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_tol_does_not_depend_on_the_unit_of_X(solver, loss):
    X, y = sample(200, 6)
    model = fit(X, y, loss=loss, solver=solver)
    # The scale of 64 divides ½‖w‖² by 64². C divides the losses by the same factor, so
    # F is the same function of X w up to that factor.
    rescaled = fit(X * 64, y, loss=loss, solver=solver, C=1 / 64**2)
    assert_same_course(rescaled, model)
    np.testing.assert_allclose(rescaled.coef_ * 64, model.coef_, rtol=1e-7)


@pytest.mark.parametrize("C", 10.0 ** np.arange(-8, 13, 4))
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_penalty_strength_converges(solver, loss, C):
    X, y = sample(300, 6)
    params = {"loss": loss, "C": C}
    model = BinaryLogisticRegression(**params, solver=solver).fit(X, y)
    objective = Reference(X, y, **params)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-8
    assert objective.residual(objective.theta(model)) <= 1e-8
    assert model.n_iter_[0] <= 40 * max(1, len(model.starts_))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("C", [1e-3, 1.0, 1e3, np.inf])
def test_columns_of_any_scale_converge(solver, loss, C):
    X, y = sample(400, 13)
    X *= 10.0 ** np.arange(-6, 7)
    params = {"loss": loss, "C": C}
    model = BinaryLogisticRegression(**params, solver=solver).fit(X, y)
    objective = Reference(X, y, **params)
    assert model.converged_
    assert model.optimality_gap_ <= 1e-8
    assert objective.residual(objective.theta(model)) <= 1e-8


def test_the_gap_is_a_bound_with_a_very_small_penalty():
    # The penalty is about 1e-12 times the curvature of one column. That suffices for a
    # finite bound.
    first = [1e4, 1e4, 3.0, -2.0, 2.0, -3.0, -1e3, -9.0, 0.0, 2.0]
    second = [1e4, 0.3, 1e4, 0.0, -3.0, -7.0, 7.0, 0.0, -3.0, 6.0]
    X = np.column_stack([first, second])
    y = np.array([1, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    weights = np.array([59.0, 11.0, 13.6, 95.0, 0.0, 41.4, 1.0, 1.1, 39.0, 1.0])
    finest = fit(X, y, weights, C=186.0, tol=1e-14)
    for tol in (1e-1, 1e-2, 1e-3):
        model = fit(X, y, weights, C=186.0, tol=tol, solver="newton-cg")
        excess = (model.objective_ - finest.objective_) / model.objective_
        assert model.converged_
        assert 0.0 < excess <= model.optimality_gap_ <= tol
