"""Regularization paths: their fits, grid, degrees of freedom, warnings and display."""

from dataclasses import FrozenInstanceError, replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from _problems import sample
from _reference import BIASES, LOSSES
from scipy import sparse
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

import sk_logreg
from sk_logreg import (
    BinaryLogisticRegression,
    BinaryLogisticRegressionCV,
    regularization_path,
)
from sk_logreg._stacked import solve_stacked
from sk_logreg._wide import WideFollower

PENALTIES = {"lasso": 1.0, "elastic_net": 0.4, "ridge": 0.0}
every_penalty = pytest.mark.parametrize("l1_ratio", PENALTIES.values(), ids=PENALTIES)


def single_fits(path, X, y, sample_weight=None, offset=None, **params):
    """Yield the fit at each C of a path, to a finer tolerance."""
    params = {"tol": 1e-10} | params
    for C in path.Cs:
        model = BinaryLogisticRegression(C=C, **params)
        yield model.fit(X, y, sample_weight, offset)


def assert_agrees(path, X, y, sample_weight=None, offset=None, **params):
    """Assert that a path consists of the single fits, and that its bounds hold."""
    models = list(single_fits(path, X, y, sample_weight, offset, **params))
    objectives = np.array([model.objective_ for model in models])
    np.testing.assert_allclose(path.objectives, objectives, rtol=1e-7)
    if params.get("loss", "cross_entropy") == "cross_entropy":
        assert (objectives * (1 + 1e-10) >= path.objectives * (1 - path.gaps)).all()
    assert (path.gaps <= 1e-8).all()
    coefs = np.array([model.coef_[0] for model in models])
    biases = np.array([model.intercept_[0] for model in models])
    np.testing.assert_allclose(path.coefs, coefs, atol=1e-3 * np.abs(coefs).max())
    np.testing.assert_allclose(path.intercepts, biases, atol=1e-2)
    np.testing.assert_array_equal(path.n_nonzero, np.count_nonzero(path.coefs, axis=1))


@every_penalty
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_path_consists_of_the_single_fits(loss, bias, l1_ratio):
    X, y = sample(150, 6, seed=1)
    params = {"loss": loss, "l1_ratio": l1_ratio, **BIASES[bias]}
    Cs = 5 if l1_ratio else np.geomspace(1e-3, 1e2, 5)
    path = regularization_path(BinaryLogisticRegression(**params), X, y, Cs=Cs)
    assert_agrees(path, X, y, **params)


@every_penalty
def test_more_rows_than_a_sample_and_more_columns_than_rows(l1_ratio):
    for shape in ((9000, 5), (60, 500)):
        X, y = sample(*shape, seed=2)
        params = {"l1_ratio": l1_ratio}
        Cs = 5 if l1_ratio else [1e-3, 1e-1, 1.0]
        path = regularization_path(BinaryLogisticRegression(**params), X, y, Cs=Cs)
        assert_agrees(path, X, y, **params)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
def test_many_columns_whose_sets_are_kept(l1_ratio, bias):
    X, y = sample(80, 600, seed=12)
    X[:, 300:] = X[:, :300] + 0.3 * X[:, 300:]  # correlated
    params = {"l1_ratio": l1_ratio, **BIASES[bias]}
    model = BinaryLogisticRegression(**params)
    grid = regularization_path(model, X, y, Cs=60).Cs
    # A fine grid, with a value twice, and a gap.
    Cs = np.sort(np.append(grid[[*range(4, 24, 2), 40, 41]], grid[20]))
    for form in (X, sparse.csr_array(X)):
        path = regularization_path(model, form, y, Cs=Cs)
        assert_agrees(path, X, y, **params)


def test_a_loss_without_a_dual_and_many_columns():
    X, y = sample(50, 450, seed=14)
    params = {"l1_ratio": 1.0, "loss": "squared_error"}
    path = regularization_path(BinaryLogisticRegression(**params), X, y, Cs=60)
    assert_agrees(points(path, slice(5, 20, 7)), X, y, **params)


def points(path, some):
    """Return some points of a path."""
    names = ("Cs", "coefs", "intercepts", "objectives", "gaps", "n_nonzero")
    return replace(path, **{name: getattr(path, name)[some] for name in names})


def test_a_tighter_bound_along_a_path_of_many_columns():
    X, y = sample(120, 700, seed=13)
    params = {"l1_ratio": 1.0, "tol": 1e-11}
    path = regularization_path(BinaryLogisticRegression(**params), X, y, Cs=40)
    assert (path.gaps <= 1e-11).all()
    assert_agrees(points(path, slice(3, None, 9)), X, y, l1_ratio=1.0, tol=1e-13)


INGREDIENTS = {
    "penalty_factor": {"penalty_factor": np.array([0.0, 1.0, 2.0, 1.0, 0.5])},
    "penalty_center": {"penalty_center": np.array([0.5, 0.0, -1.0, 0.0, 2.0])},
    "bounds": {"bounds": (np.array([0.0, -1.0, -np.inf, 0.1, -2.0]), 0.6)},
    "class_weight": {"class_weight": {0: 1.0, 1: 3.0}},
    "absorbed": {"absorb_bias": True},
    "soft_labels": {"soft_labels": True},
    "none": {},
}


def ingredients(name):
    """Return the arguments of `fit`, and parameters."""
    rng = np.random.default_rng(3)
    X, y = sample(250, 5, seed=3)
    weights, offset = rng.exponential(size=250), rng.normal(size=250)
    weights[::9] = 0.0
    if name == "soft_labels":
        y = np.clip(0.3 * y + 0.7 * rng.random(250) - 0.1, 0.0, 1.0)
    return (X, y, weights, offset), dict(INGREDIENTS[name])


@every_penalty
@pytest.mark.parametrize("name", INGREDIENTS)
def test_all_that_fit_takes_passes_through(name, l1_ratio):
    (X, y, weights, offset), params = ingredients(name)
    params["l1_ratio"] = l1_ratio
    path = regularization_path(
        BinaryLogisticRegression(**params),
        X,
        y,
        Cs=5 if l1_ratio else [1e-2, 1.0, 10.0],
        sample_weight=weights,
        offset=offset,
    )
    assert_agrees(path, X, y, weights, offset, **params)


@pytest.fixture
def stacked(monkeypatch):
    """The numbers of solutions that were found together, a list."""
    numbers = []

    def solve_and_count(*args):
        found = solve_stacked(*args)
        numbers.append(len(found))
        return found

    monkeypatch.setattr("sk_logreg._path.solve_stacked", solve_and_count)
    return numbers


def assert_certified(path, X, y, weights, offset, **params):
    """Assert that the gaps are at most 1e-6, and are bounds given single fits."""
    models = list(single_fits(path, X, y, weights, offset, **params))
    objectives = np.array([model.objective_ for model in models])
    assert (path.gaps <= 1e-6).all()
    assert (path.objectives >= objectives * (1 - 1e-9)).all()
    assert (path.objectives * (1 - path.gaps) <= objectives * (1 + 1e-12)).all()
    coefs = np.array([model.coef_[0] for model in models])
    np.testing.assert_allclose(path.coefs, coefs, atol=1e-2 * np.abs(coefs).max())


@every_penalty
@pytest.mark.parametrize("name", INGREDIENTS)
def test_few_rows_whose_fits_are_solved_together(name, l1_ratio, stacked):
    (X, y, weights, offset), params = ingredients(name)
    params |= {"l1_ratio": l1_ratio, "tol": 1e-6}
    Cs = np.geomspace(1e-2, 3.0, 30)
    given = {"sample_weight": weights, "offset": offset}
    path = regularization_path(BinaryLogisticRegression(**params), X, y, Cs=Cs, **given)
    unpenalized = np.min(params.get("penalty_factor", 1.0)) == 0.0
    assert stacked == [0] if unpenalized else stacked[0] >= 20
    assert_certified(path, X, y, weights, offset, **params | {"tol": 1e-10})


@every_penalty
def test_separable_rows_whose_fits_are_solved_together(l1_ratio, stacked):
    X, y = sample(40, 6, seed=5)
    X[:, 0] = np.where(y == y[0], 1.0, -1.0) + 0.1 * X[:, 0]
    model = BinaryLogisticRegression(l1_ratio=l1_ratio, tol=1e-6)
    path = regularization_path(model, X, y, Cs=np.geomspace(1e-1, 1e9, 150))
    assert stacked[0] > 0
    assert (path.gaps <= 1e-6).all()
    models = list(single_fits(path, X, y, l1_ratio=l1_ratio))
    objectives = np.array([model.objective_ for model in models])
    assert (path.objectives * (1 - path.gaps) <= objectives * (1 + 1e-9)).all()
    degrees = path.degrees_of_freedom
    assert ((degrees >= 0.0) & (degrees <= 6.0)).all()


WIDE = {
    "lasso": {"l1_ratio": 1.0},
    "elastic_net": {"l1_ratio": 0.4},
    "absorbed": {"l1_ratio": 1.0, "absorb_bias": True},
    "no_bias": {"l1_ratio": 1.0, "fit_intercept": False},
    "soft_labels": {"l1_ratio": 1.0, "soft_labels": True},
    "bounds": {"l1_ratio": 1.0, "bounds": (np.r_[0.1, np.full(599, -np.inf)], 0.4)},
    "penalty_factor": {"l1_ratio": 0.8, "penalty_factor": np.tile([0.5, 2.0], 300)},
}


@pytest.mark.parametrize("of", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("name", WIDE)
def test_few_rows_and_many_features(name, of, monkeypatch):
    found, solve = [], WideFollower.solution

    def solve_and_count(*args):
        found.append(solve(*args))
        return found[-1]

    monkeypatch.setattr(WideFollower, "solution", solve_and_count)
    X, y = sample(80, 600, seed=9)
    X[:, 1::2] += 0.9 * X[:, ::2] + 3.0
    rng = np.random.default_rng(9)
    weights, offset = rng.exponential(size=80), rng.normal(size=80)
    weights[::9] = 0.0
    if WIDE[name].get("soft_labels"):
        y = np.clip(0.3 * y + 0.7 * rng.random(80) - 0.1, 0.0, 1.0)
    params = {"tol": 1e-6} | WIDE[name]
    path = regularization_path(
        BinaryLogisticRegression(**params),
        of(X),
        y,
        Cs=30,
        sample_weight=weights,
        offset=offset,
    )
    assert sum(solution is not None for solution in found) >= 20
    assert_certified(path, X, y, weights, offset, **params | {"tol": 1e-10})


@pytest.mark.parametrize("Cs", [[0.1, 1.0, 10.0], [1.0], [0.5, 0.5, 0.5]])
def test_values_that_are_far_apart_or_equal_are_solved_one_by_one(Cs, stacked):
    X, y = sample(60, 4, seed=6)
    path = regularization_path(BinaryLogisticRegression(), X, y, Cs=Cs)
    assert stacked == [0]
    assert_agrees(path, X, y)


@every_penalty
@pytest.mark.parametrize("bias", BIASES)
def test_many_rows_whose_path_is_followed(bias, l1_ratio):
    X, y = sample(12000, 6, seed=13, strength=3.0)
    X = X @ (np.eye(6) + 0.5) + [30.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    rng = np.random.default_rng(13)
    given = {"sample_weight": rng.exponential(size=12000), "offset": X[:, 1] / 9}
    params = {"l1_ratio": l1_ratio, **BIASES[bias]}
    params |= {"penalty_center": np.array([0.2, 0.0, 0.0, 0.0, 0.0, 1.0])}
    Cs = 15 if l1_ratio else np.geomspace(1e-5, 10, 15)
    path = regularization_path(BinaryLogisticRegression(**params), X, y, Cs=Cs, **given)
    assert_agrees(path, X, y, **given, **params)


# ----------------------------------------------------------------------------- the grid


@pytest.mark.parametrize("name", INGREDIENTS)
@pytest.mark.parametrize("l1_ratio", [1.0, 0.3])
def test_the_grid_starts_where_the_first_weight_leaves_its_center(name, l1_ratio):
    (X, y, weights, offset), params = ingredients(name)
    params |= {"l1_ratio": l1_ratio, "tol": 1e-10}
    given = {"sample_weight": weights, "offset": offset}
    model = BinaryLogisticRegression(**params)
    path = regularization_path(model, X, y, Cs=4, **given)
    np.testing.assert_allclose(path.Cs, path.Cs[0] * 10.0 ** np.arange(4))
    center = params.get("penalty_center", np.zeros(5))
    lower, upper = params.get("bounds", (-np.inf, np.inf))
    center = np.clip(center, lower, upper)
    penalized = np.asarray(params.get("penalty_factor", np.ones(5))) > 0.0
    around = path.Cs[0] * np.array([1e-3, 1 - 1e-5, 1 + 1e-5, 1.01])
    around = regularization_path(model, X, y, Cs=around, **given)
    moved = (around.coefs - center)[:, penalized] != 0.0
    biased = name == "absorbed" and around.intercepts[2] != 0.0
    assert moved.any(axis=1).tolist() == [False, False, not biased, moved[3].any()]
    assert moved[2].sum() <= 1


def test_the_start_of_the_grid_is_that_of_the_known_formula():
    X, y = sample(200, 6)
    path = regularization_path(BinaryLogisticRegression(l1_ratio=0.7), X, y, Cs=3)
    largest = 0.7 / np.abs(X.T @ (y - y.mean())).max()
    assert path.Cs[0] == pytest.approx(largest, rel=1e-5)
    assert path.Cs[-1] == pytest.approx(1e3 * largest, rel=1e-5)
    assert path.n_nonzero[0] == 0


def test_the_grid_without_an_l1_part():
    X, y = sample(100, 3)
    path = regularization_path(BinaryLogisticRegression(), X, y)
    np.testing.assert_allclose(path.Cs, np.geomspace(1e-4, 1e4, 100))
    free = BinaryLogisticRegression(l1_ratio=1.0, penalty_factor=np.zeros(3))
    path = regularization_path(free, X, y, Cs=2)
    assert path.Cs.tolist() == [1e-4, 1e4]


def test_the_values_are_sorted():
    X, y = sample(100, 3)
    model = BinaryLogisticRegression()
    path = regularization_path(model, X, y, Cs=[10, 0.1, 1])
    assert path.Cs.tolist() == [0.1, 1.0, 10.0]
    assert (np.diff(path.deviances) < 0.0).all()


@pytest.mark.parametrize(
    "Cs", [0, -3, True, [], [[1.0]], [1.0, -1.0], [np.nan], [np.inf], "ten", None, 2.5]
)
def test_wrong_values_are_refused(Cs):
    X, y = sample(50, 2)
    with pytest.raises(ValueError, match=r"^Cs must"):
        regularization_path(BinaryLogisticRegression(), X, y, Cs=Cs)


# ---------------------------------------------------------------------------- the data


@every_penalty
def test_formats_of_the_features_do_not_matter(l1_ratio):
    X, y = sample(200, 6, seed=4)
    X[np.abs(X) < 0.5] = 0.0
    model = BinaryLogisticRegression(l1_ratio=l1_ratio, tol=1e-10)
    dense = regularization_path(model, X, y, Cs=5)
    for other in (sparse.csr_matrix(X), sparse.csc_array(X), np.asfortranarray(X)):
        path = regularization_path(model, other, y, Cs=5)
        np.testing.assert_allclose(path.Cs, dense.Cs, rtol=1e-6)
        np.testing.assert_allclose(path.objectives, dense.objectives, rtol=1e-6)
        degrees = dense.degrees_of_freedom
        np.testing.assert_allclose(path.degrees_of_freedom, degrees, atol=1e-4)
        np.testing.assert_array_equal(path.n_nonzero, dense.n_nonzero)
    names = [f"name {j}" for j in range(6)]
    path = regularization_path(model, pd.DataFrame(X, columns=names), y, Cs=5)
    assert path.feature_names == tuple(names)
    assert dense.feature_names is None
    narrow = regularization_path(model, X.astype(np.float32), y, Cs=dense.Cs)
    np.testing.assert_allclose(narrow.objectives, dense.objectives, rtol=1e-5)
    assert narrow.coefs.dtype == np.float64


def test_columns_of_any_scale_and_mean():
    X, y = sample(200, 4, seed=5)
    units, means = np.array([1e-250, 1.0, 1e200, 1.0]), [0.0, 1e4, 0.0, 0.0]
    lasso = BinaryLogisticRegression(l1_ratio=1.0)
    plain = regularization_path(lasso, X, y, Cs=4)
    lasso.set_params(penalty_factor=units)
    path = regularization_path(lasso, X * units + means, y, Cs=4)
    np.testing.assert_allclose(path.Cs, plain.Cs, rtol=1e-6)
    np.testing.assert_allclose(path.objectives, plain.objectives, rtol=1e-6)
    np.testing.assert_allclose(path.coefs * units, plain.coefs, atol=1e-4)


@pytest.mark.parametrize("n_samples", [3000, 12000])
def test_a_few_rows_with_huge_values(n_samples):
    X, y = sample(n_samples, 3, seed=5)
    X[:, 0] = 0.0  # the rows that are examined first
    X[5:30, 0] = 1e200 * np.random.default_rng(5).normal(size=25)
    for l1_ratio in (0.0, 1.0):
        model = BinaryLogisticRegression(l1_ratio=l1_ratio)
        path = regularization_path(model, X, y, Cs=[1e-3, 1.0])
        assert_agrees(path, X, y, l1_ratio=l1_ratio)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    X, y = sample(100, 3)
    X[50, 1] = bad
    for l1_ratio in (0.0, 1.0):
        model = BinaryLogisticRegression(l1_ratio=l1_ratio)
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            regularization_path(model, X, y, Cs=3)


def test_wrong_arguments_are_refused():
    X, y = sample(50, 2)
    model = BinaryLogisticRegression()
    for other in (make_pipeline(model), BinaryLogisticRegressionCV()):
        with pytest.raises(TypeError, match="must be a BinaryLogisticRegression, got"):
            regularization_path(other, X, y)
    with pytest.raises(ValueError, match="l1_ratio"):
        regularization_path(BinaryLogisticRegression(l1_ratio=2.0), X, y)
    newton_cg = BinaryLogisticRegression(l1_ratio=1.0, solver="newton-cg")
    with pytest.raises(ValueError, match="newton-cg"):
        regularization_path(newton_cg, X, y)
    absorbed = BinaryLogisticRegression(absorb_bias=True, fit_intercept=False)
    with pytest.raises(ValueError, match="absorb_bias"):
        regularization_path(absorbed, X, y)
    with pytest.raises(ValueError, match="offset"):
        regularization_path(model, X, y, offset=[1.0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        regularization_path(model, X, y[:-1])


# -------------------------------------------------------------------------- the record


def test_the_estimator_is_left_as_it_is():
    X, y = sample(100, 3)
    factor = np.array([1.0, 2.0, 0.5])
    model = BinaryLogisticRegression(C=np.inf, l1_ratio=1.0, penalty_factor=factor)
    before = dict(vars(model))
    regularization_path(model, X, y, Cs=3)
    assert vars(model) == before
    model.fit(X, y)
    coef = model.coef_.copy()
    model.set_params(warm_start=True)
    path = regularization_path(model, X, y, Cs=3)
    np.testing.assert_array_equal(model.coef_, coef)
    with pytest.raises(FrozenInstanceError):
        path.Cs = None
    assert sk_logreg.RegularizationPath is type(path)


def test_fits_that_do_not_converge_are_named():
    X, y = sample(500, 10, seed=6)
    model = BinaryLogisticRegression(l1_ratio=1.0, max_iter=0)
    with pytest.warns(ConvergenceWarning, match=r"of 12 fits.* at C = .* more\.") as w:
        path = regularization_path(model, X, y, Cs=12)
    assert len(w) == 1
    assert "max_iter" in str(w[0].message)
    assert w[0].filename == __file__
    failed = [status.word == "max_iter" for status in path.statuses]
    assert sum(failed) > 5
    first = path.Cs[failed.index(True)]
    assert f"at C = {first:.4g}, " in str(w[0].message)
    assert (path.gaps[failed] > 1e-8).all()


@pytest.mark.parametrize("bias", BIASES)
def test_the_deviance_is_explained_from_the_null_model(bias):
    X, y = sample(300, 4, seed=7)
    rng = np.random.default_rng(8)
    weights, offset = rng.exponential(size=300), rng.normal(size=300)
    params = {"l1_ratio": 1.0} | BIASES[bias]
    path = regularization_path(
        BinaryLogisticRegression(**params),
        X,
        y,
        Cs=5,
        sample_weight=weights,
        offset=offset,
    )

    def deviance(z):
        return 2.0 * float(weights @ np.logaddexp(0.0, -(2 * y - 1) * (z + offset)))

    null = deviance(0.0) if bias == "none" else minimize_scalar(deviance).fun
    assert path.null_deviance == pytest.approx(null, rel=1e-7)
    if bias == "free":
        assert path.deviances[0] == pytest.approx(null, rel=1e-6)
    for k in range(5):
        z = X @ path.coefs[k] + path.intercepts[k]
        assert path.deviances[k] == pytest.approx(deviance(z), rel=1e-9)


def test_soft_labels_that_are_fitted_exactly_have_no_deviance():
    X, _ = sample(200, 3, seed=9)
    q = 1 / (1 + np.exp(-(X @ [1.0, -2.0, 0.5] + 0.3)))
    for loss in LOSSES:
        model = BinaryLogisticRegression(loss=loss, soft_labels=True)
        path = regularization_path(model, X, q, Cs=[1e-4, 1e8])
        assert path.deviances[1] == pytest.approx(0.0, abs=1e-6)
        assert path.deviances[0] > 0.5 * path.null_deviance > 0.5


# ----------------------------------------------------------------- degrees of freedom


@threadpool_limits.wrap(limits=1)  # for test processes that share the processors
def degrees(X, coef, bias, C, strengths, free_bias=True):
    """Return the trace of (H + Λ)⁻¹ H, less 1 for a free bias."""
    used = (coef != 0.0) | (strengths == 0.0)
    p = 1 / (1 + np.exp(-(X @ coef + bias)))
    columns, ridge = X[:, used], strengths[used]
    if free_bias:
        columns, ridge = (
            np.column_stack([columns, np.ones(len(X))]),
            np.append(ridge, 0.0),
        )
    H = C * (columns.T * (p * (1 - p))) @ columns
    inverse = np.linalg.pinv(H + np.diag(ridge), rcond=1e-12, hermitian=True)
    return np.trace(inverse @ H) - free_bias


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("shape", [(200, 6), (40, 90), (30, 410)])
@pytest.mark.parametrize("free_bias", [True, False])
def test_degrees_of_freedom_are_a_trace(free_bias, shape, l1_ratio):
    X, y = sample(*shape, seed=10)
    factor = np.linspace(0.5, 2.0, shape[1])
    factor[2] = 0.0
    model = BinaryLogisticRegression(
        l1_ratio=l1_ratio, penalty_factor=factor, fit_intercept=free_bias, tol=1e-10
    )
    Cs = 5 if l1_ratio else [1e-3, 1e-1, 10.0]
    path = regularization_path(model, X, y, Cs=Cs)
    strengths = (1.0 - l1_ratio) * factor
    for k, C in enumerate(path.Cs):
        coef, bias = path.coefs[k], path.intercepts[k]
        expected = degrees(X, coef, bias, C, strengths, free_bias)
        if l1_ratio == 1.0:
            used = (coef != 0.0) | (factor == 0.0)
            expected = np.count_nonzero(used)
        assert path.degrees_of_freedom[k] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.4])
def test_degrees_of_freedom_of_many_rows_are_interpolated(l1_ratio):
    X, y = sample(20_000, 6, seed=14)
    model = BinaryLogisticRegression(l1_ratio=l1_ratio)
    path = regularization_path(model, X, y, Cs=25)
    strengths = np.full(6, 1.0 - l1_ratio)
    for k in range(25):
        coef, bias = path.coefs[k], path.intercepts[k]
        expected = degrees(X, coef, bias, path.Cs[k], strengths, True)
        assert path.degrees_of_freedom[k] == pytest.approx(expected, abs=0.005)


def test_degrees_of_freedom_of_the_lasso_are_a_rank():
    X, y = sample(200, 3, seed=11)
    X = np.column_stack([X, X[:, 0] + X[:, 1], np.ones(200)])
    model = BinaryLogisticRegression(l1_ratio=1.0, penalty_factor=[0, 0, 1, 0, 1])
    path = regularization_path(model, X, y, Cs=[1e-6, 10.0])
    assert path.degrees_of_freedom.tolist() == [2.0, 3.0]


# -------------------------------------------------------------------------- the display


@pytest.fixture
def plt():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


@pytest.fixture(scope="module")
def drawn_path():
    X, y = sample(200, 12, seed=12, strength=4.0)
    model = BinaryLogisticRegression(l1_ratio=1.0)
    return regularization_path(model, X, y, Cs=30)


def path_display(*args, **kwargs):
    from sk_logreg.displays import PathDisplay

    return PathDisplay.from_path(*args, **kwargs)


def test_lines_are_the_coefficients(drawn_path, plt):
    for x in ("C", "deviance"):
        display = path_display(drawn_path, x=x, linewidth=3.0)
        shares = 1.0 - drawn_path.deviances / drawn_path.null_deviance
        for j, line in enumerate(display.lines_):
            assert line.get_linewidth() == 3.0
            at, values = line.get_data()
            np.testing.assert_array_equal(at, drawn_path.Cs if x == "C" else shares)
            shown = ~np.isnan(values)
            np.testing.assert_array_equal(values[shown], drawn_path.coefs[shown, j])
            assert (drawn_path.coefs[~shown, j] == 0.0).all()
        assert display.ax_.get_xscale() == ("log" if x == "C" else "linear")


def test_labels_name_the_largest_and_do_not_overlap(drawn_path, plt):
    names = [f"feature {j}" for j in range(12)]
    display = path_display(drawn_path, n_labels=9, feature_names=names)
    display.figure_.canvas.draw()
    largest = np.argsort(-np.abs(drawn_path.coefs[-1]))[:9]
    texts = [label.get_text() for label in display.labels_]
    assert set(texts) == {names[j] for j in largest}
    ends = [drawn_path.coefs[-1][names.index(text)] for text in texts]
    assert ends == sorted(ends)
    boxes = [label.get_window_extent() for label in display.labels_]
    for low, high in pairwise(boxes):
        assert low.y1 <= high.y0 + 0.5
    figure = display.figure_.bbox
    assert all(box.x1 <= figure.x1 and box.x0 >= display.ax_.bbox.x1 for box in boxes)
    colors = {label.get_color() for label in display.labels_}
    gray = [line for line in display.lines_ if line.get_color() == "gray"]
    assert "gray" not in colors
    assert len(gray) == 12 - 9


def test_the_axis_at_the_top_counts_coefficients(drawn_path, plt):
    display = path_display(drawn_path)
    counts = [int(label.get_text()) for label in display.top_ax_.get_xticklabels()]
    ticks = display.top_ax_.get_xticks()
    assert counts[0] == drawn_path.n_nonzero[0]
    assert counts[-1] == drawn_path.n_nonzero[-1]
    for tick, count in zip(ticks, counts, strict=True):
        before = drawn_path.Cs <= tick * (1 + 1e-6)
        assert count == drawn_path.n_nonzero[before][-1]


def test_names_of_a_path_and_no_labels(drawn_path, plt):
    default = path_display(drawn_path)
    assert all(label.get_text()[0] == "x" for label in default.labels_)
    assert len(default.labels_) == 10
    named = replace(drawn_path, feature_names=tuple("abcdefghijkl"))
    texts = {label.get_text() for label in path_display(named).labels_}
    assert texts <= set("abcdefghijkl")
    assert path_display(drawn_path, n_labels=0).labels_ == []
    at_center = replace(drawn_path, coefs=0.0 * drawn_path.coefs)
    assert path_display(at_center).labels_ == []
    one = {"Cs": drawn_path.Cs[:1], "coefs": drawn_path.coefs[:1]}
    one |= {"n_nonzero": drawn_path.n_nonzero[:1]}
    assert len(path_display(replace(drawn_path, **one)).lines_) == 12


def test_wrong_arguments_of_the_display(drawn_path, plt):
    with pytest.raises(ValueError, match="x must be one of"):
        path_display(drawn_path, x="lambda")
    with pytest.raises(ValueError, match="2 names for 12 features"):
        path_display(drawn_path, feature_names=["a", "b"])
