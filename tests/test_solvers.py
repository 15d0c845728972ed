"""The solvers do what their names say, and steps are what they say of themselves."""

import numpy as np
import pytest
from _helpers import objective_of
from _problems import sample
from _reference import LOSSES, Reference

from sk_logreg import BinaryLogisticRegression
from sk_logreg._solvers import _plan
from sk_logreg._solvers._newton import CholeskyModel, ConjugateGradientModel

MODELS = (CholeskyModel, ConjugateGradientModel)


class Forbidden:
    """A model that must not be used."""

    def __init__(self, *args, **kwargs):
        raise AssertionError("this model must not be used")


def wide(n_samples=700, n_features=520):
    return sample(n_samples, n_features, strength=2.0)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(560, 510), (60, 510), (12_000, 6)])
def test_newton_cholesky_factors_at_any_width(loss, shape, monkeypatch):
    monkeypatch.setattr(_plan, "ConjugateGradientModel", Forbidden)
    monkeypatch.setattr(_plan, "preconditioner", Forbidden)
    X, y = sample(*shape, strength=2.0)
    model = BinaryLogisticRegression(solver="newton-cholesky", loss=loss).fit(X, y)
    assert model.converged_
    assert (
        Reference(X, y, loss=loss).residual(np.append(model.coef_[0], model.intercept_))
        <= 1e-7
    )


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("shape", [(700, 520), (60, 900), (12_000, 6)])
def test_newton_cg_takes_no_cholesky_step(loss, shape, monkeypatch):
    monkeypatch.setattr(_plan, "CholeskyModel", Forbidden)
    X, y = sample(*shape, strength=2.0)
    assert BinaryLogisticRegression(solver="newton-cg", loss=loss).fit(X, y).converged_


def test_auto_mixes_both_with_hundreds_of_columns(monkeypatch):
    X, y = wide()
    used = []

    def noted(*args, **kwargs):
        used.append(args[0])
        return ConjugateGradientModel(*args, **kwargs)

    monkeypatch.setattr(_plan, "ConjugateGradientModel", noted)
    assert BinaryLogisticRegression().fit(X, y).converged_
    assert used


@pytest.mark.parametrize("model", MODELS)
def test_an_exact_step_solves_a_definite_system_at_its_point(model):
    X, y = sample(200, 4, strength=2.0)
    objective = objective_of(X, y, np.ones(1), loss="squared_error", C=100.0)
    point = objective.evaluate(np.array([3.0, -4.0, 5.0, 2.0, -6.0]))
    hessian = objective.hessian(objective.curvature(point.margins))
    assert np.linalg.eigvalsh(hessian)[0] < 0.0  # indefinite, so the step needs a shift
    step = model(objective).step(point, 1e-12, exact=True)
    assert step.exact
    assert step.shift > 0.0
    assert step.decrement2 > 0.0
    majorizer = objective.hessian(objective.curvature_bound)
    system = hessian + step.shift * majorizer
    assert np.linalg.eigvalsh(system)[0] > -1e-12
    residual = system @ step.direction + point.gradient
    assert np.linalg.norm(residual) <= 1e-2 * np.linalg.norm(point.gradient)


def test_a_step_along_negative_curvature_is_not_exact():
    X, y = sample(200, 4, strength=2.0)
    params = {"loss": "squared_error", "C": 100.0, "fit_intercept": False}
    objective = objective_of(X, y, np.ones(1), **params)
    point = objective.evaluate(np.array([3.0, -4.0, 5.0, 2.0]))
    step = ConjugateGradientModel(objective).step(point, 1e-12)
    assert not step.exact
    assert step.shift == 0.0


def test_an_old_matrix_gives_no_exact_step():
    X, y = sample(5000, 80)
    objective = objective_of(X, y, np.ones(1))
    model = CholeskyModel(objective)
    first = model.evaluate(np.zeros(objective.n_dof))
    model.step(first, 1e-8, exact=True)
    second = objective.evaluate(0.01 * np.ones(objective.n_dof))
    assert not model.step(second, 1e-8).exact
    assert model.step(second, 1e-8, exact=True).exact
