"""Extreme units of the features and of the penalty: no overflow and no warning."""

import warnings

import numpy as np
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS
from scipy import sparse

from sk_logreg import BinaryLogisticRegression

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
FREE = np.inf  # no penalty


def fit(X, y, **params):
    """Fit without warnings, check the results and return the probabilities."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = BinaryLogisticRegression(tol=1e-10, **params).fit(X, y)
        probabilities = model.predict_proba(X)[:, 1]
    assert model.converged_
    assert np.isfinite(model.weights_).all()
    return probabilities


@pytest.fixture
def data():
    return sample(300, 4)


@every_loss
@every_solver
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("power", [-150, -30, 30, 150])
def test_extreme_units_of_all_features(data, power, container, solver, loss):
    X, y = data
    params = {"loss": loss, "solver": solver}
    scaled = container(X * 10.0**power)
    free = fit(X, y, C=FREE, **params)
    np.testing.assert_allclose(fit(scaled, y, C=FREE, **params), free, rtol=1e-5)
    # Large features need only small coefficients, whose penalty is negligible. Small
    # features need large coefficients, which the penalty keeps near zero.
    expected = free if power > 0 else np.full(len(y), y.mean())
    np.testing.assert_allclose(fit(scaled, y, C=1.0, **params), expected, rtol=1e-5)


@every_loss
@every_solver
@pytest.mark.parametrize("power", [-300, 300])
def test_extreme_penalties(data, power, solver, loss):
    X, y = data
    params = {"loss": loss, "solver": solver}
    huge = power > 0
    expected = fit(X, y, C=FREE, **params) if huge else np.full(len(y), y.mean())
    found = fit(X, y, C=10.0**power, **params)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@every_loss
@every_solver
def test_units_of_columns_sixteen_orders_of_magnitude_apart(data, solver, loss):
    X, y = data
    params = {"C": FREE, "loss": loss, "solver": solver}
    units = np.array([1e-8, 1e8, 1.0, 1e4])
    np.testing.assert_allclose(
        fit(X * units, y, **params), fit(X, y, **params), rtol=1e-5
    )
