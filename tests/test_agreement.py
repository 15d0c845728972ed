"""Agreement with scikit-learn, with liblinear and between the solvers."""

import warnings
from functools import cache

import numpy as np
import pytest
from _problems import FINITE_NAMES, NAMES, problem
from _reference import BIASES, LOSSES, SOLVERS, Reference
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression

# Coefficients can be compared only if the minimum is unique to working accuracy.
PEER_NAMES = [name for name in NAMES if name not in ("float32", "huge_weights")]


def fit(name, **params):
    return BinaryLogisticRegression(**params).fit(**problem(name).data)


def reference(name, **params):
    known = {"loss", "C", "fit_intercept", "absorb_bias", "class_weight"}
    kept = {key: params[key] for key in known & params.keys()}
    data = problem(name)
    return Reference(data.X, data.y, data.sample_weight, **kept)


@cache
def _minimum(name, bias, loss, C):
    return reference(name, loss=loss, C=C, **BIASES[bias]).minimum()


def peer(name, **params):
    """Fit scikit-learn's estimator until rounding stops it, and ignore its warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(tol=1e-12, max_iter=10_000, **params).fit(
            **problem(name).data
        )


def assert_same_minimum(ours, theirs, objective, *, atol=1e-6):
    """Compare objective and stationarity first, then the coefficients."""
    theta, other = objective.theta(ours), objective.theta(theirs)
    assert objective.residual(other) < max(1e-12, 0.1 * atol**2), "the peer is off"
    assert objective.value(theta) <= objective.value(other) * (1 + 1e-12)
    assert objective.residual(theta) < 1e-12
    largest = np.abs(other).max()
    np.testing.assert_allclose(theta, other, rtol=0, atol=atol * largest)


@pytest.mark.parametrize("bias", ["free", "none"])
@pytest.mark.parametrize("name", PEER_NAMES)
def test_same_minimum_as_scikit_learn(name, bias):
    params = BIASES[bias]
    ours = fit(name, tol=1e-12, **params)
    theirs = peer(name, solver="newton-cholesky", **params)
    assert ours.converged_
    assert_same_minimum(ours, theirs, reference(name, **params))


@pytest.mark.parametrize("C", [1e-3, 1e-1, 10.0, 1e3])
@pytest.mark.parametrize("name", ["gaussian", "weighted", "breast_cancer", "sparse"])
def test_same_minimum_as_scikit_learn_for_each_penalty_strength(name, C):
    ours = fit(name, tol=1e-12, C=C)
    theirs = peer(name, solver="newton-cholesky", C=C)
    assert_same_minimum(ours, theirs, reference(name, C=C))


@pytest.mark.parametrize("class_weight", ["balanced", {0: 0.2, 1: 3.0}])
@pytest.mark.parametrize("name", ["imbalanced", "gaussian"])
def test_same_minimum_as_scikit_learn_with_class_weight(name, class_weight):
    ours = fit(name, tol=1e-12, class_weight=class_weight)
    theirs = peer(name, solver="newton-cholesky", class_weight=class_weight)
    objective = reference(name, class_weight=class_weight)
    assert_same_minimum(ours, theirs, objective)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("name", ["gaussian", "weighted", "imbalanced", "sparse"])
def test_absorbed_bias_agrees_with_liblinear(name, C):
    ours = fit(name, tol=1e-12, C=C, absorb_bias=True)
    theirs = peer(name, solver="liblinear", intercept_scaling=1, C=C, random_state=0)
    objective = reference(name, C=C, absorb_bias=True)
    # liblinear stops at a relative gradient norm of about 1e-8.
    assert_same_minimum(ours, theirs, objective, atol=1e-5)


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_absorbed_bias_equals_a_column_of_ones(C):
    data = problem("gaussian")
    absorbed = fit("gaussian", tol=1e-13, C=C, absorb_bias=True)
    ones = np.column_stack([np.ones(len(data.X)), data.X])
    plain = BinaryLogisticRegression(tol=1e-13, C=C, fit_intercept=False)
    plain.fit(ones, data.y)
    np.testing.assert_allclose(absorbed.weights_, plain.coef_[0], rtol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("name", NAMES)
def test_every_solver_on_every_problem_cross_entropy(name, bias, solver):
    params = BIASES[bias]
    model = fit(name, solver=solver, **params)
    objective = reference(name, **params)
    _, lowest = _minimum(name, bias, "cross_entropy", 1.0)
    theta = objective.theta(model)
    # The rounding error of float32 coefficients limits their accuracy.
    tol = 1e-8 if model.coef_.dtype == np.float64 else 1e-7
    assert model.converged_
    assert model.status_.word == "converged"
    assert model.optimality_gap_ <= 1e-8
    assert objective.value(theta) <= lowest * (1 + tol)
    assert objective.residual(theta) <= tol
    assert model.objective_ == pytest.approx(float(objective.value(theta)), rel=tol)
    mean = (objective.value(theta) - (objective.ridge @ theta**2) / 2) / (
        objective.weights.sum()
    )
    assert model.cost_ == pytest.approx(float(mean), rel=tol)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("name", NAMES)
def test_every_solver_on_every_problem_squared_error(name, bias):
    params = {"loss": "squared_error", "tol": 1e-10, **BIASES[bias]}
    objective = reference(name, **params)
    values = []
    for solver in SOLVERS:
        model = fit(name, solver=solver, **params)
        theta = objective.theta(model)
        single = model.coef_.dtype == np.float32
        assert model.converged_
        assert objective.residual(theta) <= (1e-6 if single else 1e-10)
        assert objective.scaled_eigenvalues(theta)[0] > -1e-10
        value = float(objective.value(theta))
        assert model.objective_ == pytest.approx(value, rel=1e-6 if single else 1e-9)
        values.append(model.objective_)
    assert values[0] == pytest.approx(values[1], rel=1e-9)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("bias", ["free", "none"])
@pytest.mark.parametrize("name", FINITE_NAMES)
def test_without_a_penalty(name, bias, solver):
    params = {"C": np.inf, **BIASES[bias]}
    model = fit(name, tol=1e-12, solver=solver, **params)
    objective = reference(name, **params)
    best, lowest = _minimum(name, bias, "cross_entropy", np.inf)
    theta = objective.theta(model)
    assert model.converged_
    assert objective.value(theta) <= lowest * (1 + 1e-12)
    assert objective.residual(theta) <= 1e-12
    assert model.objective_ == pytest.approx(float(lowest), rel=1e-12)
    # Compare each coefficient times the root mean square of its column.
    scale = np.sqrt((objective.design**2).mean(axis=0))
    np.testing.assert_allclose(
        theta * scale, best * scale, rtol=0, atol=1e-5 * np.abs(best * scale).max()
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", FINITE_NAMES)
def test_without_a_penalty_free_and_absorbed_bias_agree(name, loss):
    free = fit(name, loss=loss, C=np.inf, tol=1e-13)
    absorbed = fit(name, loss=loss, C=np.inf, tol=1e-13, absorb_bias=True)
    np.testing.assert_array_equal(free.coef_, absorbed.coef_)
    np.testing.assert_array_equal(free.intercept_, absorbed.intercept_)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ["gaussian", "weighted", "units", "imbalanced"])
def test_solvers_find_the_same_coefficients(name, loss, bias):
    models = [
        fit(name, loss=loss, solver=solver, tol=1e-14, **BIASES[bias])
        for solver in SOLVERS
    ]
    first, second = (model.coef_[0] for model in models)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-6 * abs(first).max())


@pytest.mark.parametrize("name", NAMES)
def test_auto_gives_the_result_of_one_of_the_solvers(name):
    model = fit(name)
    candidates = [fit(name, solver=solver) for solver in SOLVERS]
    assert any(np.array_equal(model.coef_, other.coef_) for other in candidates)
