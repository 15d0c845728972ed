"""Warm starts: a fit reaches its minimum from any starting point."""

import gc
import warnings
import weakref

import numpy as np
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_strength = pytest.mark.parametrize("C", [1.0, np.inf])


def continued(X, y, coef, intercept, **params):
    """Return a fit that starts from given coefficients."""
    model = BinaryLogisticRegression(warm_start=True, max_iter=0, **params)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    model.coef_, model.intercept_ = np.array([coef]), np.array([intercept])
    return model.set_params(max_iter=100).fit(X, y)


def assert_as_good(model, cold):
    assert model.converged_
    assert model.optimality_gap_ <= model.tol
    assert model.objective_ == pytest.approx(cold.objective_, rel=3e-8)


CHANGES = {
    "a column moved": lambda X, y: (X + np.array([2000.0, 0.0, 0.0]), y),
    "labels swapped": lambda X, y: (X, 1 - y),
    "larger units": lambda X, y: (X * 1e6, y),
    "smaller units": lambda X, y: (X * 1e-6, y),
}


@pytest.mark.parametrize("change", CHANGES)
@every_loss
@every_solver
@every_strength
def test_warm_start_after_the_data_changed(C, solver, loss, change):
    X, y = sample(400, 3, seed=2)
    params = {"C": C, "solver": solver, "loss": loss}
    model = BinaryLogisticRegression(warm_start=True, **params).fit(X, y)
    X, y = CHANGES[change](X, y)
    cold = BinaryLogisticRegression(**params).fit(X, y)
    assert_as_good(model.fit(X, y), cold)


@pytest.mark.parametrize("shape", [(400, 3), (40, 60)])
@pytest.mark.parametrize("coef", [1e300, -1e150, 1e5, 30.0, 1e-300])
@every_loss
@every_solver
def test_warm_start_from_coefficients_of_any_magnitude(solver, loss, coef, shape):
    X, y = sample(*shape, seed=2)
    params = {"solver": solver, "loss": loss}
    cold = BinaryLogisticRegression(**params).fit(X, y)
    model = continued(X, y, np.full(shape[1], coef), coef, **params)
    assert_as_good(model, cold)


@every_solver
@every_strength
@pytest.mark.parametrize("coef", [20.0, 200.0, 450.0])
def test_warm_start_where_the_curvature_vanishes(coef, C, solver):
    # One of the 1,000 rows has the wrong label. At these coefficients, the loss is
    # lower than at 0 and has almost no curvature.
    x = np.linspace(1.0, 2.0, 1000) * np.tile([1.0, -1.0], 500)
    y = (x > 0).astype(int)
    y[500] = 1 - y[500]
    params = {"C": C, "solver": solver}
    cold = BinaryLogisticRegression(**params).fit(x[:, None], y)
    model = continued(x[:, None], y, [coef], 0.0, **params)
    assert_as_good(model, cold)


@every_loss
@every_solver
@every_strength
@pytest.mark.parametrize("shape", [(200, 5), (30, 50)])
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_a_fit_keeps_no_reference_to_the_features(convert, shape, C, solver, loss):
    X, y = sample(*shape, seed=1)
    X = convert(X)
    alive = weakref.ref(X)
    gc.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            BinaryLogisticRegression(C=C, solver=solver, loss=loss).fit(X, y)
        del X
        assert alive() is None
    finally:
        gc.enable()
