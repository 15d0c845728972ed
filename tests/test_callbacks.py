"""scikit-learn's callbacks, for the versions of scikit-learn that support them."""

import warnings

import numpy as np
import pytest
from _helpers import HAVE_CALLBACKS, Recorder, needs_callbacks
from _problems import sample
from _reference import LOSSES, SOLVERS
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg._solvers._newton import (
    CholeskyModel,
    ConjugateGradientModel,
    _line_search,
    _loop,
)
from sk_logreg._solvers._newton._model import Curvature


@pytest.fixture(scope="module")
def data():
    return sample(200, 4, strength=4.0)


def fit(X, y, *callbacks, sample_weight=None, **params):
    model = BinaryLogisticRegression(**params).set_callbacks(*callbacks)
    return model.fit(X, y, sample_weight)


def test_callbacks_are_supported_if_scikit_learn_supports_them():
    assert hasattr(BinaryLogisticRegression, "set_callbacks") is HAVE_CALLBACKS


@needs_callbacks
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
def test_each_iteration_is_a_task(data, solver, loss):
    recorder = Recorder()
    model = fit(*data, recorder, loss=loss, solver=solver)
    iterations = ["begin iteration", "end iteration"] * model.n_iter_[0]
    assert recorder.calls == ["setup", "begin fit", *iterations, "end fit", "teardown"]


@needs_callbacks
@pytest.mark.parametrize("absorb_bias", [False, True])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_each_iteration_gives_a_model_that_predicts(data, fit_intercept, absorb_bias):
    X, y = data
    recorder = Recorder()
    params = {"fit_intercept": fit_intercept}
    params["absorb_bias"] = fit_intercept and absorb_bias
    model = fit(X, y, recorder, **params)
    for partial in recorder.models:
        assert partial is not model
        assert partial.get_params() == model.get_params()
        assert partial.predict_proba(X).shape == (200, 2)
        assert set(partial.predict(X)) <= {0, 1}
    np.testing.assert_allclose(
        recorder.models[-1].predict_proba(X), model.predict_proba(X), atol=1e-4
    )


@needs_callbacks
def test_callbacks_receive_the_data(data):
    X, y = data
    recorder = Recorder()
    weights = np.arange(200.0)
    fit(X, y, recorder, sample_weight=weights)
    np.testing.assert_array_equal(recorder.X, X)
    np.testing.assert_array_equal(recorder.y, y)
    np.testing.assert_array_equal(recorder.metadata["sample_weight"], weights)


@needs_callbacks
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("n_iter", [1, 2])
def test_a_callback_stops_the_fit(data, n_iter, solver, loss):
    recorder = Recorder(stop_at=n_iter)
    with pytest.warns(ConvergenceWarning, match="A callback stopped the fit"):
        model = fit(*data, recorder, loss=loss, solver=solver, tol=1e-14)
    assert model.status_.word == "stopped"
    assert not model.converged_
    assert model.n_iter_[0] == len(recorder.models) == n_iter
    assert recorder.calls[-1] == "teardown"
    np.testing.assert_array_equal(model.weights_, recorder.models[-1].weights_)


@needs_callbacks
def test_callbacks_do_not_change_the_result(data):
    plain = BinaryLogisticRegression().fit(*data)
    np.testing.assert_array_equal(fit(*data, Recorder()).weights_, plain.weights_)


@needs_callbacks
def test_teardown_runs_after_an_error(data):
    X, y = data[0].copy(), data[1]
    X[100, 1] = np.nan
    recorder = Recorder()
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fit(X, y, recorder)
    assert recorder.calls[-1] == "teardown"


@needs_callbacks
def test_an_error_in_a_callback_is_raised(data):
    class Broken(Recorder):
        def on_fit_task_end(self, estimator, context, **kwargs):
            raise RuntimeError("broken callback")

    with pytest.raises(RuntimeError, match="broken callback"):
        fit(*data, Broken())


@needs_callbacks
def test_callbacks_survive_clone_and_can_be_removed(data):
    recorder = Recorder()
    model = clone(BinaryLogisticRegression().set_callbacks(recorder))
    model.fit(*data)
    n_calls = len(recorder.calls)
    assert n_calls > 0 or model._skl_callbacks
    model.set_callbacks().fit(*data)
    assert len(recorder.calls) == n_calls


@needs_callbacks
def test_scoring_monitor(data):
    from sklearn.callback import ScoringMonitor

    monitor = ScoringMonitor(scoring="neg_log_loss")
    model = fit(*data, monitor)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "iteration"]
    assert len(rows) == model.n_iter_[0]
    scores = [row["neg_log_loss"] for row in rows]
    assert scores[-1] == pytest.approx(-model.cost_, rel=1e-3)


@needs_callbacks
@pytest.mark.parametrize("max_iter", [0, 100])
def test_progress_bar(data, max_iter, capsys):
    pytest.importorskip("rich")
    from sklearn.callback import ProgressBar

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = fit(*data, ProgressBar(), max_iter=max_iter)
    assert model.n_iter_[0] <= max_iter
    assert "BinaryLogisticRegression" in capsys.readouterr().out


@needs_callbacks
@pytest.mark.parametrize("solver", SOLVERS)
def test_an_iteration_that_does_not_lower_the_objective_ends(data, solver, monkeypatch):
    # Simulate a saddle point at each minimum. Because of rounding, no step along its
    # direction of negative curvature lowers F.
    for model in (CholeskyModel, ConjugateGradientModel):
        monkeypatch.setattr(
            model,
            "least_curvature",
            lambda self, at: Curvature(np.nan, at.coef + 1.0),
        )
    monkeypatch.setattr(
        _loop,
        "descend_negative_curvature",
        lambda objective, model, point, direction: _line_search.Move(point, 0.0),
    )
    recorder = Recorder()
    with pytest.warns(ConvergenceWarning):
        fitted = fit(*data, recorder, solver=solver, loss="squared_error")
    assert fitted.status_.word == "singular"
    begun = [call for call in recorder.calls if call == "begin iteration"]
    ended = [call for call in recorder.calls if call == "end iteration"]
    assert len(begun) == len(ended) == fitted.n_iter_[0]
