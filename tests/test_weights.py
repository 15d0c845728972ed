"""Weights of rows and of classes."""

import numpy as np
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS

from sk_logreg import BinaryLogisticRegression

EVERY = pytest.mark.parametrize(
    ("loss", "solver"), [(loss, solver) for loss in LOSSES for solver in SOLVERS]
)


@pytest.fixture(scope="module")
def data():
    return sample(150, 4)


def fit(X, y, sample_weight=None, **params):
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


@EVERY
def test_weights_are_repetitions(data, loss, solver):
    X, y = data
    times = np.random.default_rng(0).integers(0, 4, 150)
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    weighted = fit(X, y, times, **params)
    repeated = fit(np.repeat(X, times, axis=0), np.repeat(y, times), **params)
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-11)
    assert weighted.cost_ == pytest.approx(repeated.cost_, rel=1e-9)
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-6)


@EVERY
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_rows_of_weight_zero_are_not_there(data, class_weight, loss, solver):
    X, y = data
    weights = np.random.default_rng(1).exponential(size=150)
    gone = np.arange(150) % 3 == 0
    weights[gone] = 0.0
    X = X.copy()
    X[gone] *= 1e4  # outliers, were they there
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    params["class_weight"] = class_weight
    weighted = fit(X, y, weights, **params)
    without = fit(X[~gone], y[~gone], weights[~gone], **params)
    assert weighted.objective_ == pytest.approx(without.objective_, rel=1e-11)
    np.testing.assert_allclose(weighted.weights_, without.weights_, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, np.arange(150.0)])
def test_class_weights_are_sample_weights(data, weights):
    X, y = data
    base = np.ones(150) if weights is None else weights
    by_dict = fit(X, y, weights, class_weight={0: 0.5, 1: 3.0}, tol=1e-12)
    by_hand = fit(X, y, base * np.where(y == 1, 3.0, 0.5), tol=1e-12)
    np.testing.assert_allclose(by_dict.weights_, by_hand.weights_, rtol=1e-8)
    balanced = fit(X, y, weights, class_weight="balanced", tol=1e-12)
    total = base.sum() / 2
    shares = np.where(y == 1, total / base[y == 1].sum(), total / base[y == 0].sum())
    by_hand = fit(X, y, base * shares, tol=1e-12)
    np.testing.assert_allclose(balanced.weights_, by_hand.weights_, rtol=1e-8)


def test_weights_as_numbers_and_lists(data):
    X, y = data
    plain = fit(X, y)
    for weights in (1, 1.0, [1] * 150, np.ones(150, dtype=np.float32)):
        np.testing.assert_allclose(fit(X, y, weights).weights_, plain.weights_)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 1e300])
def test_weights_of_any_size(data, unit, loss):
    X, y = data
    plain = fit(X, y, loss=loss, C=np.inf)
    model = fit(X, y, np.full(150, unit), loss=loss, C=np.inf)
    np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-10)
    assert model.cost_ == pytest.approx(plain.cost_)
