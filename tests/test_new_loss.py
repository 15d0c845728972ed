"""A loss is one class and one registration: what it does not state is not assumed."""

import warnings

import numpy as np
import pytest
from _problems import sample
from _reference import BIASES, SOLVERS
from scipy import sparse
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg.losses import LOSSES, Loss


class Exponential(Loss):
    """The loss of boosting, exp(-m): convex, with a curvature that has no bound."""

    name = "exponential"
    convex = True

    def _value(self, p, q, neg_margin):
        return q / p

    def _derivatives(self, p, q):
        with np.errstate(all="ignore"):
            ratio = q / p
        return -ratio, ratio


class AbsoluteDifference(Loss):
    """The absolute error |σ(z) - y|, which is not convex."""

    name = "absolute_error"
    convex = False
    # The extremes of p (1 - p) (2 p - 1), rounded away from zero.
    curvature_bound = 0.09623
    least_curvature = -0.09623

    def _value(self, p, q, neg_margin):
        return q

    def _derivatives(self, p, q):
        return -p * q, p * q * (p - q)


class UnstatedCurvature(AbsoluteDifference):
    """A loss that is not convex and does not say how curved it is."""

    name = "unbounded"
    curvature_bound = None


NEW = {loss.name: loss for loss in (Exponential(), AbsoluteDifference())}
every_new_loss = pytest.mark.parametrize("loss", NEW)
every_solver = pytest.mark.parametrize("solver", ["auto", *SOLVERS])


@pytest.fixture(autouse=True)
def registered(monkeypatch):
    for name, loss in (NEW | {"unbounded": UnstatedCurvature()}).items():
        monkeypatch.setitem(LOSSES, name, loss)


def fit(X, y, **params):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return BinaryLogisticRegression(**params).fit(X, y)


def objective(loss, X, y, bias, C=1.0):
    """Return F and its gradient as a function of the weights and the bias."""
    rows = X.toarray() if sparse.issparse(X) else X
    if bias != "none":
        rows = np.column_stack([rows, np.ones(len(rows))])
    ridge = np.ones(rows.shape[1])
    ridge[-1] = float(bias != "free")
    sign = 2 * y - 1

    def value_and_gradient(theta):
        value, slope, _ = NEW[loss].at_margin(sign * (rows @ theta))
        gradient = C * rows.T @ (sign * slope) + ridge * theta
        return C * value.sum() + 0.5 * ridge @ theta**2, gradient

    return value_and_gradient, rows.shape[1]


@every_new_loss
@every_solver
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_a_new_loss_is_minimized(loss, solver, bias, convert):
    X, y = sample(150, 4, strength=2.0)
    X = convert(X)
    model = fit(X, y, loss=loss, solver=solver, C=0.5, **BIASES[bias])
    f, n_dof = objective(loss, X, y, bias, C=0.5)
    theta = model.coef_[0]
    if bias != "none":
        theta = np.append(theta, model.intercept_)
    value, gradient = f(theta)
    best = minimize(f, np.zeros(n_dof), jac=True, tol=1e-14)
    assert model.converged_
    assert model.objective_ == pytest.approx(value, rel=1e-12)
    assert value <= best.fun * (1 + 1e-8)
    assert np.abs(gradient).max() <= 1e-3 * max(1.0, value)


@every_new_loss
@pytest.mark.parametrize("shape", [(40, 90), (9000, 3)])
def test_wide_and_many_rows(loss, shape):
    X, y = sample(*shape)
    model = fit(X, y, loss=loss)
    f, n_dof = objective(loss, X, y, "free")
    best = minimize(f, np.zeros(n_dof), jac=True, tol=1e-14)
    assert model.converged_
    assert model.objective_ <= best.fun * (1 + 1e-7)


@every_solver
@pytest.mark.parametrize("max_iter", range(6))
def test_a_convex_loss_without_a_dual_is_not_certified_by_another(solver, max_iter):
    X, y = sample(200, 5, strength=2.0)
    model = fit(X, y, loss="exponential", solver=solver, max_iter=max_iter)
    exact = fit(X, y, loss="exponential", tol=1e-14)
    excess = (model.objective_ - exact.objective_) / model.objective_
    if model.converged_:
        assert excess <= 1.1 * model.tol
    elif excess > 0.01:
        # The decrement is an estimate: of the size of the excess, never about zero.
        assert model.optimality_gap_ >= 0.1 * excess


@every_solver
def test_separation_is_found_for_a_loss_without_a_dual(solver):
    X, _ = sample(60, 3)
    y = (X[:, 0] > 0.1).astype(int)
    model = fit(X, y, loss="exponential", C=np.inf, solver=solver)
    assert model.status_.word == "separable"


def test_what_a_loss_does_not_state_is_refused_by_name():
    X, y = sample(50, 2)
    with pytest.raises(ValueError, match=r"'unbounded'.*curvature_bound"):
        BinaryLogisticRegression(loss="unbounded").fit(X, y)


def test_an_unregistered_loss_is_refused():
    X, y = sample(50, 2)
    with pytest.raises(ValueError, match="'loss'"):
        BinaryLogisticRegression(loss="hinge").fit(X, y)


@every_new_loss
def test_soft_labels_of_a_new_loss(loss):
    X, y = sample(120, 3)
    q = np.where(y == 1, 0.8, 0.3)
    soft = fit(X, q, loss=loss, soft_labels=True, fit_intercept=False, tol=1e-12)
    both, labels = np.vstack([X, X]), np.repeat([1, 0], len(X))
    weights = np.concatenate([q, 1 - q])
    z = both @ soft.coef_[0]
    sign = 2 * labels - 1
    value, slope, _ = NEW[loss].at_margin(sign * z)
    gradient = both.T @ (weights * sign * slope) + soft.coef_[0]
    assert soft.objective_ == pytest.approx(
        weights @ value + 0.5 * (soft.coef_**2).sum(), rel=1e-12
    )
    assert np.abs(gradient).max() <= 1e-8
