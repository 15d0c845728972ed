"""Convergence: the status and the warning of a fit, with and without a minimum."""

from dataclasses import replace

import numpy as np
import pytest
from _problems import problem, sample
from _reference import LOSSES, SOLVERS, Reference
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg._solvers import _plan
from sk_logreg._solvers._factors import factor_float32
from sk_logreg._solvers._newton._preconditioner import preconditioner

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def fit(X, y, sample_weight=None, **params):
    """Fit. pytest turns a warning into an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


def fit_with_warning(X, y, sample_weight=None, **params):
    """Fit and expect one ConvergenceWarning. Return the model and the message."""
    model = BinaryLogisticRegression(**params)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X, y, sample_weight)
    assert len(caught) == 1
    assert not model.converged_
    message = str(caught[0].message)
    assert model.status_.sentence in message
    assert model.status_.remedy
    assert model.status_.remedy in message
    assert np.isfinite(model.coef_).all()
    assert np.isfinite(model.intercept_).all()
    assert np.isfinite(model.objective_)
    assert 0.0 <= model.optimality_gap_ <= 1.0
    return model, message


@every_loss
@every_solver
@pytest.mark.parametrize("name", ["gaussian", "units", "wide", "sparse"])
def test_no_iterations(name, solver, loss):
    params = {"loss": loss, "solver": solver, "max_iter": 0}
    model, message = fit_with_warning(**problem(name).data, **params)
    assert model.status_.word == "max_iter"
    assert "max_iter" in message
    assert model.n_iter_.tolist() == [0]
    assert model.history_ == []
    objective = Reference(**problem(name).data, loss=loss)
    value = float(objective.value(objective.theta(model)))
    assert model.objective_ == pytest.approx(value)


@every_solver
def test_without_iterations_cross_entropy_starts_at_zero(solver):
    X, y = sample(100, 3)
    model, _ = fit_with_warning(X, y, solver=solver, max_iter=0)
    assert not model.coef_.any()
    assert not model.intercept_.any()
    assert model.cost_ == pytest.approx(np.log(2))
    assert model.objective_ == pytest.approx(100 * np.log(2))


@every_loss
@every_solver
def test_few_iterations(solver, loss):
    X, y = sample(300, 5, strength=5.0)
    params = {"loss": loss, "solver": solver}
    final = fit(X, y, **params, tol=1e-12).objective_
    model, _ = fit_with_warning(X, y, **params, max_iter=1)
    assert model.objective_ >= final * (1 - 1e-12)
    assert model.objective_ < 300 * (np.log(2) if loss == "cross_entropy" else 1 / 8)


SEPARABLE = {
    "by a column": (np.array([[-2.0], [-1.0], [1.0], [3.0]]), [0, 0, 1, 1]),
    "by a plane": (np.array([[0.0, 1], [1, 2], [2, 1], [3, 2]]), [1, 1, 0, 0]),
    "wide": (np.random.default_rng(0).standard_normal((10, 30)), [0, 1] * 5),
    "by rare rows": (np.arange(100.0)[:, None], [0] * 98 + [1, 1]),
    "in large units": (np.array([[-2e6], [-1e6], [1e6], [3e6]]), [0, 0, 1, 1]),
}


@every_loss
@every_solver
@pytest.mark.parametrize("name", SEPARABLE)
def test_separable_data_without_a_penalty(name, solver, loss):
    X, y = SEPARABLE[name]
    model, message = fit_with_warning(X, y, loss=loss, solver=solver, C=np.inf)
    assert model.status_.word == "separable"
    assert "separated by a hyperplane" in message
    assert "finite C" in message
    assert model.score(X, y) == 1.0
    objective = Reference(X, y)
    assert objective.separated(objective.theta(model))


@every_loss
@every_solver
def test_separable_data_with_a_penalty_converge(solver, loss):
    for X, y in SEPARABLE.values():
        for C in (1.0, 1e4):
            model = fit(X, y, loss=loss, solver=solver, C=C)
            assert model.converged_
            assert model.optimality_gap_ <= 1e-8


@every_solver
def test_rows_of_zero_weight_do_not_prevent_separation(solver):
    X, y = SEPARABLE["by a column"]
    X, y = np.vstack([X, [[5.0], [-5.0]]]), [*y, 0, 1]
    params = {"solver": solver, "C": np.inf}
    fit(X, y, **params)
    model, _ = fit_with_warning(X, y, [1, 1, 1, 1, 0, 0], **params)
    assert model.status_.word == "separable"


QUASI_SEPARABLE = {
    # The rows at 0 have both labels. The hyperplane x = 0 separates all others.
    "one column": (np.array([[0.0], [0], [1], [2], [-1]]), [0, 1, 1, 1, 0]),
    # The indicator is 1 for positive rows only. The other column does not separate.
    "an indicator": (
        np.array([[1.0, 0.3], [1, -0.2], [0, 0.1], [0, 0.4], [0, -0.3], [0, 0.2]]),
        [1, 1, 0, 1, 1, 0],
    ),
}


@every_solver
@pytest.mark.parametrize("name", QUASI_SEPARABLE)
def test_quasi_complete_separation(name, solver):
    X, y = QUASI_SEPARABLE[name]
    model, message = fit_with_warning(X, y, solver=solver, C=np.inf)
    assert model.status_.word == "quasi_separable"
    assert "hyperplane" in message
    assert "finite C" in message


@pytest.mark.parametrize("name", QUASI_SEPARABLE)
@every_solver
def test_nearly_separable_data_have_a_minimum(name, solver):
    X, y = QUASI_SEPARABLE[name]
    X, y = np.vstack([X, X]), np.array([*y, *y])
    y[len(X) // 2 + 2] = 1 - y[len(X) // 2 + 2]  # one row of the wrong label
    y[len(X) // 2] = 1 - y[len(X) // 2]
    model = fit(X, y, solver=solver, C=np.inf)
    assert model.converged_
    objective = Reference(X, y, C=np.inf)
    assert objective.residual(objective.theta(model)) < 1e-8


@every_solver
@pytest.mark.parametrize("n_samples", [20, 100, 1000])
def test_one_pair_of_overlapping_labels_is_not_separable(n_samples, solver):
    X = np.linspace(-3, 3, n_samples)[:, None]
    y = (X[:, 0] > 0.0).astype(int)
    y[n_samples // 2 - 2 : n_samples // 2 + 2] = 0, 1, 0, 1
    model = fit(X, y, solver=solver, C=np.inf)
    objective = Reference(X, y, C=np.inf)
    assert model.converged_
    assert objective.residual(objective.theta(model)) < 1e-8


@every_solver
def test_squared_error_may_have_its_infimum_at_infinity(solver):
    X = np.array([-3.0, -2, -1, 1, 2, 3, -30])[:, None]
    y = [0, 0, 0, 1, 1, 1, 1]
    params = {"solver": solver, "loss": "squared_error", "C": np.inf}
    model, message = fit_with_warning(X, y, **params)
    assert "diverge" in message
    assert "finite C" in message
    # The infimum is ½, the limit of the loss of the one misclassified row.
    assert model.objective_ == pytest.approx(0.5, abs=0.05)


@every_solver
@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("tol", [1e-8, 1e-12])
def test_redundant_columns_do_not_raise_the_minimum(tol, C, solver):
    X, y = sample(200, 3)
    plain = fit(X, y, solver="newton-cholesky", C=C, tol=tol)
    repeated = np.column_stack([X, X @ [1.0, 1.0, 0.0], np.zeros(200)])
    model = fit(repeated, y, solver=solver, C=C, tol=tol)
    objective = Reference(repeated, y, C=C)
    value = float(objective.value(objective.theta(model)))
    assert model.converged_
    assert model.objective_ == pytest.approx(value, rel=1e-12)
    assert value <= plain.objective_ * (1 + tol)
    assert np.abs(model.weights_).max() < 10.0
    if np.isinf(C):  # the same column span has the same minimum
        np.testing.assert_allclose(
            model.predict_proba(repeated), plain.predict_proba(X), atol=1e-4
        )


def _far_away(n_columns):
    """Return shifted rows, whose z is a small sum of large terms, and their labels."""
    X, y = sample(200, 3, strength=4.0)
    return X + 1e6 * (np.arange(3) < n_columns), y


@pytest.mark.parametrize("C", [1e3, np.inf])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize(
    ("solver", "n_columns"), [("newton-cholesky", 3), *((s, 1) for s in SOLVERS)]
)
def test_a_fit_reaches_a_minimum_despite_cancellation_in_z(solver, n_columns, loss, C):
    X, y = _far_away(n_columns)
    params = {"loss": loss, "C": C}
    objective = Reference(X, y, **params)
    for seed in range(3):
        rows = np.random.default_rng(seed).permutation(len(y))
        model = fit(X[rows], y[rows], solver=solver, tol=1e-12, **params)
        assert model.converged_
        assert objective.residual(objective.theta(model)) < 1e-8


# ------------------------------------------------------------------- the cost of a fit


#: One column, in which a few values exceed most others by a factor of about 1e6.
OUTLYING = {
    "X": np.array(
        [[0, 4, -1e6, 1e3, -1e6, -5, -2, -3, 1e-7, 9, 9, 0, 7, -1e6, 0, 1e3]]
    ).T,
    "y": np.array([1, 1, 1, 0, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1, 0, 1]),
}


@pytest.mark.parametrize("tol", [1e-8, 1e-12])
@pytest.mark.parametrize("C", [0.1, 1.0, 100.0])
@pytest.mark.parametrize(
    "data", [problem("far_from_origin").data, problem("units").data, OUTLYING]
)
def test_few_coefficients_need_few_hessian_products(data, C, tol):
    params = {"loss": "squared_error", "solver": "newton-cg", "C": C, "tol": tol}
    model = fit(**data, **params)
    assert model.converged_
    # In exact arithmetic, conjugate gradients need at most one product per coefficient,
    # which is fewer than ten here. Rounding may add some products.
    assert model.history_[-1].reads <= 100 * model.n_iter_[0]


def correlated(n_samples, n_features):
    """Return columns on which conjugate gradients converge slowly, and noisy labels."""
    rng = np.random.default_rng(11)
    mixing = rng.standard_normal((n_features, n_features)) / np.sqrt(n_features)
    X = (rng.standard_normal((n_samples, n_features)) + 1.0) @ mixing
    X *= np.geomspace(1e-3, 1e3, n_features)  # columns in different units
    z = X @ (rng.standard_normal(n_features) / np.abs(X).mean(axis=0))
    return X, z / z.std() + rng.logistic(size=n_samples) > 0.0


@every_loss
@pytest.mark.parametrize("storage", [np.asarray, np.asfortranarray])
def test_float32_factors_precondition_conjugate_gradients(storage, loss, monkeypatch):
    X, y = correlated(300, 80)
    factors = []
    # As if the columns were many, and factors in double precision costly.
    monkeypatch.setattr(_plan, "MANY", 50)
    costly = replace(_plan._OPTIONS, costly_factor=0.0)
    monkeypatch.setattr(_plan, "_OPTIONS", costly)

    def noted(objective, point):
        factors.append(preconditioner(objective, point))
        return factors[-1]

    monkeypatch.setattr(_plan, "preconditioner", noted)
    model = fit(storage(X), y, C=10.0, loss=loss)
    assert factors
    assert None not in factors
    assert model.converged_
    assert model.optimality_gap_ <= model.tol
    if loss == "cross_entropy":
        exact = fit(X, y, C=10.0, tol=1e-12, solver="newton-cholesky")
        assert model.objective_ <= exact.objective_ * (1 + model.tol)


def test_early_steps_are_extended_and_the_last_step_has_length_one():
    model = fit(**problem("breast_cancer").data)
    steps = [record.step for record in model.history_]
    assert steps[0] > 1.2
    assert steps[-1] == 1.0


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_float32_factors_have_single_precision_accuracy(size):
    rng = np.random.default_rng(12)
    half = rng.standard_normal((40, 20))
    matrix = half.T @ half
    scale = 1.0 / np.sqrt(matrix.diagonal())
    scaled = np.asfortranarray((matrix * scale * scale[:, None]).astype(np.float32))
    rhs = size * rng.standard_normal(20)
    found = factor_float32(scaled, scale).solve(rhs)
    expected = np.linalg.solve(matrix, rhs)
    assert np.abs(found - expected).max() <= 1e-3 * np.abs(expected).max()
    identity = np.asfortranarray(np.eye(20, dtype=np.float32))
    assert not factor_float32(identity, scale).solve(0 * rhs).any()
