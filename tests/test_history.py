"""Warm starts, the history of a fit, and repeatability."""

import numpy as np
import pytest
from _problems import NAMES, problem, sample
from _reference import BIASES, LOSSES, SOLVERS
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def fit(X, y, sample_weight=None, **params):
    """Fit. pytest turns a warning into an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


@every_loss
@every_solver
def test_warm_start_continues_the_previous_fit(solver, loss):
    X, y = sample(300, 5, strength=5.0)
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    cold = fit(X, y, **params)
    with pytest.warns(ConvergenceWarning):
        model = fit(X, y, **params, max_iter=2, warm_start=True)
    halfway = model.objective_
    model.set_params(max_iter=100).fit(X, y)
    assert model.converged_
    assert model.objective_ <= halfway
    assert model.objective_ == pytest.approx(cold.objective_, rel=1e-11)
    np.testing.assert_allclose(model.weights_, cold.weights_, rtol=1e-5)
    again = model.fit(X, y)
    if loss == "cross_entropy":
        assert again.n_iter_[0] <= 1
    np.testing.assert_allclose(again.weights_, cold.weights_, rtol=1e-5)


@pytest.mark.parametrize("bias", BIASES)
def test_warm_start_includes_the_bias(bias):
    X, y = sample(100, 3)
    model = BinaryLogisticRegression(warm_start=True, **BIASES[bias]).fit(X, y)
    before = model.weights_
    with pytest.warns(ConvergenceWarning):
        model.set_params(max_iter=0, tol=0.0).fit(X, y)
    np.testing.assert_array_equal(model.weights_, before)


def test_without_warm_start_the_previous_fit_has_no_effect():
    X, y = sample(100, 3)
    fresh = fit(X, y)
    model = fit(-3 * X, 1 - y).fit(X, y)
    np.testing.assert_array_equal(model.weights_, fresh.weights_)
    assert model.n_iter_ == fresh.n_iter_


def test_warm_start_with_another_number_of_features():
    X, y = sample(100, 3)
    model = fit(X, y, warm_start=True)
    with pytest.raises(ValueError, match=r"warm_start.* 3 .*features, but X has 2"):
        model.fit(X[:, :2], y)


@every_solver
@pytest.mark.parametrize("name", NAMES)
def test_history_of_cross_entropy(name, solver):
    X = problem(name).X
    model = fit(**problem(name).data, solver=solver)
    records = model.history_
    assert len(records) > 0
    assert model.n_iter_.tolist() == [len(records)]
    reads = np.array([record.reads for record in records])
    assert (reads > 0).all()
    assert (np.diff(reads) >= 0).all()  # a wide X is read only once, to form X Xᵀ
    seconds = np.array([record.seconds for record in records])
    assert (seconds > 0).all()
    assert (np.diff(seconds) >= 0).all()
    for record in records:  # only steps with a large decrement may be longer than 1
        far = record.decrement**2 > 0.05 * record.objective
        assert 0.0 <= record.step <= (np.inf if far else 1.0)
        assert np.isfinite(record.step)
    assert all(record.decrement >= 0.0 for record in records)
    assert all(0 < record.rows_used <= X.shape[0] for record in records)
    assert all(np.isfinite(record.gradient_norm) for record in records)
    full = [record.objective for record in records if record.rows_used == X.shape[0]]
    assert (np.diff(full) <= 1e-13 * np.abs(full[1:])).all()
    assert records[-1].rows_used == X.shape[0]
    assert model.objective_ <= full[-1] * (1 + 1e-13)


@every_loss
def test_history_includes_every_start(loss):
    X, y = sample(100, 3)
    model = fit(X, y, loss=loss, n_init=3, random_state=0)
    assert model.n_iter_.shape == (1,)
    assert np.issubdtype(model.n_iter_.dtype, np.integer)
    assert model.n_iter_[0] == len(model.history_)
    once = fit(X, y, loss=loss)
    assert (model.n_iter_[0] > once.n_iter_[0]) == (loss == "squared_error")


def test_n_iter_has_the_same_shape_as_in_logistic_regression():
    X, y = sample(100, 3)
    other = LogisticRegression(solver="newton-cholesky").fit(X, y)
    assert fit(X, y).n_iter_.shape == other.n_iter_.shape
    assert fit(X, y).n_iter_.dtype == other.n_iter_.dtype


@every_solver
@every_loss
@pytest.mark.parametrize("name", ["gaussian", "many_rows", "sparse"])
def test_results_are_identical_from_run_to_run(name, loss, solver):
    params = {"loss": loss, "solver": solver}
    models = [
        fit(**problem(name).data, **params, random_state=state)
        for state in (None, 0, np.random.RandomState(1))
    ]
    for model in models[1:]:
        np.testing.assert_array_equal(model.weights_, models[0].weights_)
        assert model.objective_ == models[0].objective_
        assert model.n_iter_ == models[0].n_iter_


def test_random_state_determines_the_extra_starts():
    X, y = sample(40, 3, strength=0.1)
    params = {"loss": "squared_error", "C": 1e3, "n_init": 4}
    first, second = (fit(X, y, **params, random_state=7) for _ in range(2))
    np.testing.assert_array_equal(first.weights_, second.weights_)
    assert [r.objective for r in first.history_] == [
        r.objective for r in second.history_
    ]
    other = fit(X, y, **params, random_state=8)
    assert [r.objective for r in first.history_] != [
        r.objective for r in other.history_
    ]


def test_numpy_global_random_state_does_not_change():
    X, y = sample(40, 3)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    fit(X, y, loss="squared_error", n_init=3, random_state=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_the_warning_names_the_file_that_calls_fit():
    X, y = sample(100, 3)
    with pytest.warns(ConvergenceWarning) as caught:
        BinaryLogisticRegression(max_iter=1, tol=1e-14).fit(X, y)
    assert [warning.filename for warning in caught] == [__file__]
