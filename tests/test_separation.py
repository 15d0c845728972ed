"""Separation without a penalty: always detected, and never reported falsely."""

import warnings

import numpy as np
import pandas as pd
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg._solvers._factors import factor

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
KINDS = ("separable", "quasi_separable", "inseparable")


def fit(X, y, sample_weight=None, **params):
    """Fit without a penalty. Return the model and its warning messages."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = BinaryLogisticRegression(C=np.inf, **params).fit(X, y, sample_weight)
    messages = [str(w.message) for w in caught]
    assert all(w.category is ConvergenceWarning for w in caught)
    assert len(messages) == (not model.converged_)  # one warning at most
    return model, messages


def near_separable(kind, rng, *, finest=36):
    """Return nearly separable rows of the given kind, by construction.

    The rows have barycentric coordinates relative to a simplex. The first coordinate is
    at least 0 for each positive row, and exactly 0 for the corners of one facet. It is
    at most -hair for each negative row except one. The remaining negative row has these
    first coordinates:

    - -hair if the kind is "separable": the hyperplane through the facet separates the
      classes;
    - 0 if the kind is "quasi_separable": it separates the rows outside the hyperplane;
    - +hair if the kind is "inseparable": the row is a convex combination of the corners
      with positive weights, so no hyperplane separates it from them.

    All values are sums of a few powers of two, so that they have no rounding errors.
    """
    n_features, n_rows = int(rng.integers(1, 9)), int(rng.integers(20, 200))
    hair = 2.0 ** -rng.integers(5, finest)
    flat = True
    while flat:
        corners = rng.integers(-8, 9, (n_features + 1, n_features)).astype(float)
        edges = np.column_stack([corners, np.ones(n_features + 1)])
        flat = abs(np.linalg.det(edges)) < 0.5
    y = rng.random(n_rows) < 0.5
    place = rng.integers(-64, 65, (n_rows, n_features + 1)) / 32.0
    distance = np.where(rng.random(n_rows) < 0.2, 0.0, np.abs(place[:, 0]))
    place[:, 0] = np.where(y, distance, -distance - hair)
    last = np.full(n_features + 1, 1 / 16)
    last[0] = {"separable": -hair, "quasi_separable": 0.0, "inseparable": hair}[kind]
    place = np.vstack([place, last])
    place[:, -1] = 1.0 - place[:, :-1].sum(axis=1)
    X = np.vstack([corners, place @ corners])
    y = np.r_[np.ones(n_features + 1, dtype=bool), y, False]
    if rng.random() < 0.3:
        X, y = np.vstack([X, X]), np.r_[y, y]
    order = rng.permutation(len(y))
    return (X * 2.0 ** rng.integers(-10, 11, n_features))[order], y[order]


def assert_recognised(kind, model):
    if kind == "inseparable":
        assert "separable" not in model.status_.word
    else:
        assert model.status_.word == kind


def test_near_separable_problems():
    rng = np.random.default_rng(0)
    for k in range(60):
        kind = KINDS[k % 3]
        X, y = near_separable(kind, rng)
        model, _ = fit(X, y)
        assert_recognised(kind, model)
        if kind == "separable":
            assert model.score(X, y) == 1.0


@every_loss
@every_solver
@pytest.mark.parametrize("kind", KINDS)
def test_near_separable_problems_by_every_solver(kind, solver, loss):
    rng = np.random.default_rng(1)
    for _ in range(4):
        X, y = near_separable(kind, rng, finest=20)
        assert_recognised(kind, fit(X, y, solver=solver, loss=loss)[0])


@pytest.mark.parametrize(
    ("n_features", "kind", "solver"),
    [
        *((320, kind, solver) for kind in KINDS for solver in ("auto", "newton-cg")),
        (1010, "quasi_separable", "auto"),
    ],
)
def test_more_columns_than_a_linear_program_may_have(n_features, kind, solver):
    rng = np.random.default_rng(0)
    n_rows = 5 * n_features // 2
    X = rng.integers(-8, 9, (n_rows, n_features)).astype(float)
    normal = rng.choice([-1.0, 1.0], n_features)
    y = rng.random(n_rows) < 0.5
    # Change the first column so that X @ normal equals `place` exactly.
    place = np.where(y, 1.0, -1.0) * rng.integers(1, 9, n_rows)
    if kind == "quasi_separable":
        place[n_rows // 10 :] = 0.0
    elif kind == "inseparable":
        place = rng.integers(-8, 9, n_rows)
    X[:, 0] += normal[0] * (place - X @ normal)
    model, _ = fit(X, y, solver=solver)
    assert_recognised(kind, model)


@every_solver
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "params", [{"tol": 0.1}, {"tol": 1e-4}, {"tol": 0.0}, {"max_iter": 1}]
)
def test_separation_is_detected_for_every_tol_and_max_iter(params, kind, solver):
    X, y = near_separable(kind, np.random.default_rng(2), finest=8)
    assert_recognised(kind, fit(X, y, solver=solver, **params)[0])


@every_solver
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("far", [1e2, 1e8])
def test_separation_is_detected_from_a_distant_start(far, kind, solver):
    X, y = near_separable(kind, np.random.default_rng(3), finest=8)
    model, _ = fit(X, y, solver=solver)
    model.set_params(warm_start=True)
    model.coef_, model.intercept_ = far * model.coef_, far * model.intercept_
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    assert_recognised(kind, model)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_equivalent_data_have_the_same_separation(seed, kind):
    rng = np.random.default_rng(seed)
    X, y = near_separable(kind, rng, finest=12)
    mixed = X / np.abs(X).max(axis=0) @ rng.standard_normal((X.shape[1], 2))
    more = np.column_stack([X, mixed, X[:, 0], np.full(len(X), 0.1), 0.0 * y])
    assert_recognised(kind, fit(more, y)[0])
    assert_recognised(kind, fit(sparse.csr_matrix(X), y)[0])
    assert_recognised(kind, fit(X + 1e6 * np.abs(X).max(axis=0).round(), y)[0])
    ones = np.column_stack([X, np.ones(len(X))])
    assert_recognised(kind, fit(ones, y, fit_intercept=False)[0])
    assert_recognised(kind, fit(X, y, absorb_bias=True)[0])
    weights = np.r_[10.0 ** rng.uniform(-6, 0, len(y)), np.zeros(len(y))]
    assert_recognised(kind, fit(np.vstack([X, X]), np.r_[y, ~y], weights)[0])


def test_separation_of_many_rows():
    X, y = sample(20_000, 5, seed=1)
    assert fit(X, y)[0].converged_
    rare = y * (np.arange(20_000) % 4000 == np.flatnonzero(y)[0] % 4000)
    model, [message] = fit(np.column_stack([X, rare]), y)
    assert model.status_.word == "quasi_separable"
    assert "This column alone does it: 5." in message
    z = X @ [1.0, -1.0, 2.0, 0.0, 0.5]
    model, _ = fit(X, z > 0.0)
    assert model.status_.word == "separable"
    assert model.score(X, z > 0.0) == 1.0


@pytest.mark.parametrize("seed", range(6))
def test_separation_by_rare_rows_that_a_sample_may_miss(seed):
    X, y = sample(20_000, 5, seed=1)
    rare = np.zeros(20_000)
    rare[np.random.default_rng(seed).choice(np.flatnonzero(y), 4, replace=False)] = 1.0
    model, [message] = fit(np.column_stack([X, rare]), y)
    assert model.status_.word == "quasi_separable"
    assert "This column alone does it: 5." in message


# ----------------------------------------------------------------- the warning


@pytest.fixture(scope="module")
def table():
    X, y = sample(300, 4, seed=2)
    return pd.DataFrame(X, columns=["age", "income", "tenure", "visits"]), y


@every_loss
@every_solver
def test_the_warning_names_the_column_that_separates(table, solver, loss):
    X, y = table
    X = X.assign(refund=2.0 * y + X["age"] / 9)
    model, [message] = fit(X, y, loss=loss, solver=solver)
    assert model.status_.word == "separable"
    assert message.count("'") == 2
    assert "This column alone does it: 'refund'." in message
    assert "finite C" in message
    assert "drop columns" in message


@every_solver
def test_the_warning_names_the_columns_of_rare_categories(table, solver):
    X, y = table
    first, second = np.flatnonzero(y)[:3], np.flatnonzero(y == 0)[:2]
    rows = np.arange(300)
    X = X.assign(swiss=np.isin(rows, first), welsh=np.isin(rows, second))
    model, [message] = fit(X, y, solver=solver)
    assert model.status_.word == "quasi_separable"
    assert "'swiss'" in message
    assert "'welsh'" in message
    assert message.count("'") == 4
    assert "finite C" in message
    assert model.status_.sentence in message


def test_the_warning_names_two_columns_that_separate_together(table):
    X, _ = table
    _, [message] = fit(X, X["age"] > 2.0 * X["visits"])
    assert "'age'" in message
    assert "'visits'" in message
    assert message.count("'") == 4


def test_the_warning_gives_the_indices_of_columns_without_names(table):
    X, y = table
    _, [message] = fit(np.column_stack([X, y]), y)
    assert "This column alone does it: 4." in message


def test_the_warning_names_only_some_of_many_columns():
    rng = np.random.default_rng(0)
    _, [message] = fit(rng.standard_normal((100, 400)), np.arange(100) % 2)
    assert " more." in message
    assert len(message) < 1000


# ----------------------------------------- constant, zero, repeated and collinear


DEGENERATE = {
    "constant": lambda X: np.full(len(X), 2.5),
    "zero": lambda X: np.zeros(len(X)),
    "repeated": lambda X: X[:, 0],
    "repeated in other units": lambda X: 1000.0 * X[:, 0],
    "a sum": lambda X: X @ [1.0, -2.0, 0.5],
    "all": lambda X: np.column_stack([X[:, 0], X[:, 1] - X[:, 2], X[:, 0] * 0 + 1]),
}


@every_loss
@every_solver
@pytest.mark.parametrize("name", DEGENERATE)
def test_redundant_columns_do_not_change_the_probabilities(name, solver, loss):
    X, y = sample(200, 3, seed=4)
    plain, _ = fit(X, y, loss=loss, tol=1e-12)
    more = np.column_stack([X, DEGENERATE[name](X)])
    model, messages = fit(more, y, loss=loss, solver=solver, tol=1e-12)
    if loss == "cross_entropy":
        assert model.converged_
    np.testing.assert_allclose(
        model.predict_proba(more), plain.predict_proba(X), atol=1e-6
    )
    assert np.abs(model.weights_).max() < 10.0 * np.abs(plain.weights_).max()
    for message in messages:
        assert "drop columns that are constant or repeat others" in message
    if name == "zero":
        assert model.coef_[0, 3] == 0.0
    if name.startswith("repeated"):  # equal contributions to z
        parts = model.coef_[0, [0, 3]] * more[0, [0, 3]]
        assert parts[0] == pytest.approx(parts[1], rel=1e-5)


@every_loss
@pytest.mark.parametrize("seed", [0, 2])
def test_many_rows_of_collinear_columns(seed, loss):
    """With this many rows, rounding makes the Hessian and its majorizer indefinite."""
    X, y = sample(100_000, 20, seed=seed)
    plain, _ = fit(X, y, loss=loss)
    more = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(100_000)])
    model, _ = fit(more, y, loss=loss)
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-7)


def test_a_semidefinite_matrix_that_rounding_makes_indefinite():
    matrix = np.diag([1.0, 0.5, 0.0])
    matrix[0, 2] = matrix[2, 0] = 1e-6
    matrix[2, 2] = 1e-12 * (1.0 - 1e-9)  # the least scaled eigenvalue is -5e-10
    assert factor(matrix) is None
    factored = factor(matrix, semidefinite=True)
    assert factored.singular
    direction = factored.solve(matrix @ [1.0, 1.0, 0.0])
    np.testing.assert_allclose(matrix @ direction, matrix @ [1.0, 1.0, 0.0], atol=1e-8)


def test_an_inaccurate_factor_may_have_no_small_pivot():
    # A matrix similar to Kahan's: no pivot is small, but one eigenvalue is.
    size = 30
    root = np.eye(size) - np.tril(np.ones((size, size)), -1)
    matrix = root @ root.T
    found = factor(matrix, semidefinite=True)
    assert not found.singular
    assert not found.well_conditioned()
    cautious = factor(matrix, semidefinite=True, inaccurate=True)
    assert cautious.singular
    assert cautious.well_conditioned()
    assert cautious.null_space.shape[1] >= 1


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("bias", [{}, {"absorb_bias": True}, {"fit_intercept": False}])
def test_wide_columns_of_very_different_size_without_a_penalty(loss, bias):
    # Each row twice with both labels: the minimum is where all probabilities are ½.
    X = np.random.default_rng(0).standard_normal((4, 30)) * np.logspace(0, 5, 30)
    model = BinaryLogisticRegression(C=np.inf, loss=loss, **bias)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # singular, if not convex
        model.fit(np.vstack([X, X]), np.repeat([0, 1], 4))
    assert np.abs(model.coef_ * np.logspace(0, 5, 30)).max() <= 1e-8


def test_coefficients_separate_the_classes_beside_a_penalized_weight():
    X = np.random.default_rng(41).normal(size=(12, 2))
    y = X[:, 0] > 0
    penalty = {"penalty_factor": [0.0, 1.0], "penalty_center": [0.0, 50.0]}
    model = BinaryLogisticRegression(C=1.0, **penalty)
    with pytest.warns(ConvergenceWarning, match="perfectly separated"):
        model.fit(X, y)
    assert model.score(X, y) == 1.0
    assert abs(model.coef_[0, 1] - 50.0) < 2.0
