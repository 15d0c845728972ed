"""The solvers do what their names say, and steps are what they say of themselves."""

import numpy as np
import pytest
from _helpers import objective_of
from _problems import sample
from _reference import LOSSES, Reference
from scipy import sparse
from scipy.special import expit

from sk_logreg import BinaryLogisticRegression
from sk_logreg._objective import Objective
from sk_logreg._solvers import _plan
from sk_logreg._solvers._newton import CholeskyModel, ConjugateGradientModel

MODELS = (CholeskyModel, ConjugateGradientModel)


class Forbidden:
    """A model that must not be used."""

    def __init__(self, *args, **kwargs):
        raise AssertionError("this model must not be used")


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


def with_twelve_per_row(n_samples, n_columns=600, seed=0):
    """Return a sparse X, of whose Hessian a factor is costly, and y."""
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, n_columns, size=(n_samples, 12)).ravel()
    values = rng.standard_normal(columns.size)
    X = sparse.csr_array(
        (values, columns, np.arange(0, columns.size + 1, 12)), (n_samples, n_columns)
    )
    z = X @ rng.standard_normal(n_columns)
    return X, (rng.uniform(size=n_samples) < expit(0.5 * z)).astype(int)


def noted(monkeypatch, *models):
    """Return names of models and their numbers of rows, as the plan will use them."""
    used = []

    def noting(model):
        class Noting(model):
            def __init__(self, objective, *args, **kwargs):
                used.append((model.__name__, objective.n_samples))
                super().__init__(objective, *args, **kwargs)

        return Noting

    for model in models:
        monkeypatch.setattr(_plan, model.__name__, noting(model))
    return used


@pytest.mark.parametrize(
    ("n_samples", "loss", "name"),
    [
        (3000, "cross_entropy", "ConjugateGradientModel"),
        (3000, "squared_error", "ConjugateGradientModel"),
        (45_000, "squared_error", "CholeskyModel"),
    ],
)
def test_auto_uses_one_model_where_it_suffices(n_samples, loss, name, monkeypatch):
    X, y = with_twelve_per_row(n_samples)
    used = noted(monkeypatch, *MODELS)
    model = BinaryLogisticRegression(loss=loss, n_init=1).fit(X, y)
    assert model.status_.word == "converged"
    assert model.optimality_gap_ <= model.tol
    assert {found for found, n_rows in used if n_rows == n_samples} == {name}


@pytest.mark.parametrize(("C", "tol"), [(1.0, 1e-8), (np.inf, 1e-8), (1.0, 1e-12)])
def test_auto_begins_with_the_hessian_of_a_sample(C, tol, monkeypatch):
    X, y = with_twelve_per_row(60_000)
    hessian = Objective.hessian

    def of_few(objective, curvature):
        assert objective.n_samples < len(y)
        return hessian(objective, curvature)

    monkeypatch.setattr(Objective, "hessian", of_few)
    used = noted(monkeypatch, *MODELS)
    model = BinaryLogisticRegression(C=C, tol=tol).fit(X, y)
    of_all = [name for name, n_samples in used if n_samples == len(y)]
    assert of_all[0] == "CholeskyModel"
    assert ("ConjugateGradientModel" in of_all) == (tol == 1e-12)
    monkeypatch.undo()
    exact = BinaryLogisticRegression(C=C, tol=1e-12, solver="newton-cholesky").fit(X, y)
    excess = (model.objective_ - exact.objective_) / model.objective_
    assert excess - 1e-13 <= model.optimality_gap_ <= tol


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
