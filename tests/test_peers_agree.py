"""Agreement with statsmodels and glum on offsets, proportions and penalty factors.

statsmodels maximizes the likelihood of counts, which is C = inf. glum minimizes

    Σ sᵢ Lᵢ / Σ s + alpha/2 Σ P2ⱼ wⱼ²,

our F divided by C Σ s: alpha = 1 / (C Σ s), and P2 holds the penalty factors. Its
bias has no penalty.
"""

import numpy as np
import pytest
import statsmodels.api as sm
from _problems import sample
from _reference import SOLVERS
from glum import GeneralizedLinearRegressor
from scipy.special import entr
from sklearn.datasets import load_breast_cancer
from sklearn.preprocessing import StandardScaler

from sk_logreg import BinaryLogisticRegression

every_solver = pytest.mark.parametrize("solver", SOLVERS)


def binomial_table(seed, n_samples=200, n_features=4):
    """Return rows, proportions, numbers of trials and an offset."""
    X, _ = sample(n_samples, n_features, seed)
    X *= 10.0 ** np.arange(n_features) / 10.0
    rng = np.random.default_rng(seed)
    offset = rng.standard_normal(n_samples)
    n = rng.integers(1, 20, n_samples)
    z = X @ (rng.standard_normal(n_features) / X.std(axis=0)) + offset - 0.5
    return X, rng.binomial(n, 1 / (1 + np.exp(-z))) / n, n, offset


def hard_table(seed):
    X, y = sample(300, 5, seed)
    rng = np.random.default_rng(seed)
    return X, y, rng.exponential(size=300), rng.standard_normal(300)


def assert_close(ours, theirs):
    """Assert that coefficients agree to 1e-8."""
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8 * abs(theirs).max())


# ------------------------------------------------------------ statsmodels


def by_statsmodels(X, y, weights, offset, kind):
    """Return the coefficients, the bias first, and the sum of the losses."""
    model = sm.GLM(
        y,
        sm.add_constant(X),
        family=sm.families.Binomial(),
        offset=offset,
        **{kind: weights},
    )
    found = model.fit(tol=1e-15, tol_criterion="params", maxiter=100)
    # The deviance is relative to predictions that are the proportions themselves.
    saturated = weights @ (entr(y) + entr(1.0 - y))
    return found.params, found.deviance / 2.0 + saturated


@every_solver
@pytest.mark.parametrize("kind", ["var_weights", "freq_weights"])
@pytest.mark.parametrize("seed", range(3))
def test_proportions_as_statsmodels(seed, kind, solver):
    X, q, n, offset = binomial_table(seed)
    model = BinaryLogisticRegression(
        C=np.inf, soft_labels=True, solver=solver, tol=1e-14
    ).fit(X, q, sample_weight=n, offset=offset)
    params, losses = by_statsmodels(X, q, n, offset, kind)
    assert_close(model.weights_, params)
    assert model.objective_ == pytest.approx(losses, rel=1e-10)


@every_solver
@pytest.mark.parametrize("seed", range(3))
def test_labels_with_an_offset_as_statsmodels(seed, solver):
    X, y, weights, offset = hard_table(seed)
    model = BinaryLogisticRegression(C=np.inf, solver=solver, tol=1e-14)
    model.fit(X, y, weights, offset)
    params, losses = by_statsmodels(X, y, weights, offset, "freq_weights")
    assert_close(model.weights_, params)
    assert model.objective_ == pytest.approx(losses, rel=1e-10)


def test_predictions_with_an_offset_as_statsmodels():
    X, y, weights, offset = hard_table(7)
    model = BinaryLogisticRegression(C=np.inf, tol=1e-14).fit(X, y, weights, offset)
    design, family = sm.add_constant(X), sm.families.Binomial()
    peer = sm.GLM(y, design, family=family, offset=offset, freq_weights=weights)
    found = peer.fit(tol=1e-15, tol_criterion="params")
    expected = found.predict(design, offset=offset)
    ours = model.predict_proba(X, offset)[:, 1]
    np.testing.assert_allclose(ours, expected, atol=1e-9)


# ------------------------------------------------------------ glum


def by_glum(X, y, weights, offset, *, C=1.0, factors=None, fit_intercept=True):
    """Return glum's fit of our objective."""
    model = GeneralizedLinearRegressor(
        family="binomial",
        alpha=1.0 / (C * weights.sum()),
        l1_ratio=0.0,
        P2="identity" if factors is None else factors,
        fit_intercept=fit_intercept,
        solver="irls-ls",
        gradient_tol=1e-15,
        max_iter=50,
    )
    return model.fit(X, y, sample_weight=weights, offset=offset)


def objective_of(peer, X, y, weights, offset, *, C=1.0, factors=1.0):
    """Return F at the coefficients of glum."""
    z = X @ peer.coef_ + peer.intercept_ + offset
    losses = y * np.logaddexp(0.0, -z) + (1.0 - y) * np.logaddexp(0.0, z)
    return C * weights @ losses + np.sum(factors * peer.coef_**2) / 2.0


@every_solver
@pytest.mark.parametrize("C", [1e-2, 1.0, 1e3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_penalties_and_offsets_as_glum(fit_intercept, C, solver):
    X, y, weights, offset = hard_table(1)
    model = BinaryLogisticRegression(
        C=C, solver=solver, tol=1e-14, fit_intercept=fit_intercept
    ).fit(X, y, weights, offset)
    peer = by_glum(X, y, weights, offset, C=C, fit_intercept=fit_intercept)
    assert_close(model.coef_[0], peer.coef_)
    assert_close(model.intercept_, np.atleast_1d(peer.intercept_))
    lowest = objective_of(peer, X, y, weights, offset, C=C)
    assert model.objective_ == pytest.approx(lowest, rel=1e-10)


@every_solver
@pytest.mark.parametrize("free", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_factors_and_proportions_as_glum(seed, free, solver):
    X, q, n, offset = binomial_table(seed)
    n = n.astype(float)
    factors = 10.0 ** np.random.default_rng(seed).uniform(-2, 2, 4)
    if free:
        factors[[0, 2]] = 0.0
    model = BinaryLogisticRegression(
        C=0.3, penalty_factor=factors, soft_labels=True, solver=solver, tol=1e-14
    ).fit(X, q, n, offset)
    peer = by_glum(X, q, n, offset, C=0.3, factors=factors)
    assert_close(model.coef_[0], peer.coef_)
    assert_close(model.intercept_, np.atleast_1d(peer.intercept_))
    lowest = objective_of(peer, X, q, n, offset, C=0.3, factors=factors)
    assert model.objective_ == pytest.approx(lowest, rel=1e-10)


# glum's own warning, of probabilities that it clips.
@pytest.mark.filterwarnings("ignore:Sigmoid function too close:UserWarning")
@every_solver
def test_factors_on_measured_data_as_glum(solver):
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    factors = np.where(np.arange(30) % 3 == 0, 5.0, 0.5)
    offset, weights = 0.3 * X[:, 1] ** 2, np.ones(569)
    model = BinaryLogisticRegression(penalty_factor=factors, solver=solver, tol=1e-14)
    model.fit(X, y, offset=offset)
    peer = by_glum(X, y, weights, offset, factors=factors)
    assert_close(model.coef_[0], peer.coef_)
    lowest = objective_of(peer, X, y, weights, offset, factors=factors)
    assert model.objective_ == pytest.approx(lowest, rel=1e-10)
    expected = peer.predict(X, offset=offset)
    ours = model.predict_proba(X, offset)[:, 1]
    np.testing.assert_allclose(ours, expected, atol=1e-9)
