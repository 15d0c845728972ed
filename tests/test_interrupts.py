"""An interrupted fit changes neither the estimator nor its arguments."""

import itertools
import signal
import warnings

import numpy as np
import pandas as pd
import pytest
from _helpers import Recorder, duplicates, needs_callbacks, shuffled_indices
from _problems import sample
from _reference import LOSSES, SOLVERS
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from threadpoolctl import threadpool_info

from sk_logreg import BinaryLogisticRegression
from sk_logreg.losses import LOSSES as LOSS_OBJECTS

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_moment = pytest.mark.parametrize("n_calls", [0, 1, 3])

CONTAINERS = {
    "C order": np.array,
    "Fortran order": np.asfortranarray,
    "frame": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "CSR": sparse.csr_array,
    "CSC": sparse.csc_matrix,
    "unsorted": lambda X: shuffled_indices(sparse.csr_matrix(X)),
    "duplicates": lambda X: duplicates(sparse.csr_matrix(X)),
}


@pytest.fixture
def interrupt_after(monkeypatch):
    """Return a function that makes the losses raise an error after `n_calls` calls."""

    def after(n_calls, error):
        calls = itertools.count()

        def counted(original):
            def method(*args, **kwargs):
                if next(calls) >= n_calls:
                    raise error
                return original(*args, **kwargs)

            return method

        for loss in LOSS_OBJECTS.values():
            for name in ("at_margin", "derivatives"):
                monkeypatch.setattr(loss, name, counted(getattr(loss, name)))

    return after


@pytest.fixture
def data():
    X, y = sample(150, 4)
    return X, y, np.random.default_rng(0).uniform(0.5, 2.0, 150)


def arrays_of(X):
    """Return the arrays that hold the values of X."""
    if sparse.issparse(X):
        return [X.data, X.indices, X.indptr]
    return [X.to_numpy()] if isinstance(X, pd.DataFrame) else [X]


@every_moment
@every_solver
@every_loss
def test_an_unfitted_estimator_stays_unfitted(
    data, interrupt_after, loss, solver, n_calls
):
    model = BinaryLogisticRegression(loss=loss, solver=solver)
    before = dict(vars(model))
    interrupt_after(n_calls, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data)
    assert vars(model) == before
    with pytest.raises(NotFittedError):
        model.predict(data[0])


@every_moment
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_fitted_estimator_does_not_change(data, interrupt_after, error, n_calls):
    X, y, weights = data
    frame = CONTAINERS["frame"](X)
    model = BinaryLogisticRegression().fit(frame, y)
    before, expected = dict(vars(model)), model.predict_proba(frame)
    interrupt_after(n_calls, error)
    with pytest.raises(error):  # fewer features, no feature names, other labels
        model.fit(X[:, :2], np.where(y == 1, "yes", "no"), weights)
    after = vars(model)
    assert after.keys() == before.keys()
    assert all(after[name] is value for name, value in before.items())
    np.testing.assert_array_equal(model.predict_proba(frame), expected)


def test_an_invalid_argument_does_not_change_the_estimator(data):
    X, y, weights = data
    model = BinaryLogisticRegression().fit(CONTAINERS["frame"](X), y)
    before = dict(vars(model))
    X[7, 1] = np.nan
    for bad in ((X, y), (X[:, :2], np.ones(150)), (X[:, :2], y, -weights)):
        with pytest.raises(ValueError, match=r"NaN|one class|[Nn]egative"):
            model.fit(*bad)
        assert vars(model) == before


@every_moment
@every_loss
@pytest.mark.parametrize("container", CONTAINERS)
def test_an_interrupted_fit_does_not_change_its_arguments(
    data, interrupt_after, container, loss, n_calls
):
    X, y, weights = data
    X = CONTAINERS[container](X)
    given = [*arrays_of(X), y, weights]
    kept = [array.copy() for array in given]
    model = BinaryLogisticRegression(loss=loss, class_weight="balanced")
    interrupt_after(n_calls, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, y, weights)
    for array, copy in zip([*arrays_of(X), y, weights], kept, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.fixture
def alarm():
    """Return a function that raises KeyboardInterrupt after a number of seconds."""
    previous = signal.signal(signal.SIGALRM, signal.default_int_handler)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, previous)


# Python reports an exception in a destructor as unraisable and continues.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_signals_at_any_time(alarm):
    X, y = sample(3000, 8)
    model = BinaryLogisticRegression().fit(X, y)
    duration = model.history_[-1].seconds + 1e-3
    blas = [library["num_threads"] for library in threadpool_info()]
    delays = np.random.default_rng(0).uniform(1e-5, duration, 200)
    n_interrupted = 0
    for delay in delays:
        before = dict(vars(model))
        try:
            alarm(delay)
            model.fit(X[:, :5], ~y)
            alarm(0.0)
        except KeyboardInterrupt:
            n_interrupted += 1
        assert [library["num_threads"] for library in threadpool_info()] == blas
        if model.n_features_in_ == 5:  # the fit ended before the signal
            assert model.coef_.shape == (1, 5)
            model.fit(X, y)
        else:
            after = vars(model)
            assert after.keys() == before.keys()
            assert all(after[name] is value for name, value in before.items())
    assert n_interrupted > 20


@needs_callbacks
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "moment", ["begin fit", "begin iteration", "end iteration", "end fit"]
)
def test_an_interrupt_in_a_callback(data, moment, fitted):
    class Interrupter(Recorder):
        def on_fit_task_begin(self, estimator, context, **kwargs):
            if moment == f"begin {context.task_name}":
                raise KeyboardInterrupt

        def on_fit_task_end(self, estimator, context, **kwargs):
            if moment == f"end {context.task_name}":
                raise KeyboardInterrupt

    model = BinaryLogisticRegression()
    if fitted:
        model.fit(*data)
    interrupter = Interrupter()
    model.set_callbacks(interrupter)
    before = dict(vars(model))
    with pytest.raises(KeyboardInterrupt):
        model.fit(data[0][:, :3], data[1])
    assert vars(model) == before
    assert interrupter.calls == ["setup", "teardown"]
    model.set_callbacks().fit(*data)


@every_loss
@every_solver
def test_the_next_fit_does_not_depend_on_an_interrupted_one(
    data, interrupt_after, monkeypatch, solver, loss
):
    params = {"loss": loss, "solver": solver, "warm_start": True}
    plain = BinaryLogisticRegression(**params).fit(*data)
    model = BinaryLogisticRegression(**params)
    interrupt_after(3, KeyboardInterrupt)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*data)
    monkeypatch.undo()
    np.testing.assert_array_equal(model.fit(*data).weights_, plain.weights_)


@every_loss
@every_solver
def test_one_iteration_at_a_time_leads_to_the_same_solution(data, solver, loss):
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    whole = BinaryLogisticRegression(**params).fit(*data)
    model = BinaryLogisticRegression(**params, max_iter=1, warm_start=True)
    with pytest.warns(ConvergenceWarning, match="Increase max_iter"):
        model.fit(*data)
    values = [model.objective_]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        while not model.converged_:
            values.append(model.fit(*data).objective_)
            assert len(values) < 20
    assert (np.diff(values) <= 1e-12 * values[-1]).all()
    np.testing.assert_allclose(model.weights_, whole.weights_, rtol=1e-9)
