"""The squared error, a loss that is not convex: minima, saddle points and starts."""

import warnings

import numpy as np
import pytest
from _problems import NAMES, problem, sample
from _reference import LOSSES, SOLVERS, Reference
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression

every_solver = pytest.mark.parametrize("solver", SOLVERS)
every_loss = pytest.mark.parametrize("loss", LOSSES)


def fit(X, y, sample_weight=None, **params):
    """Fit. pytest turns a warning into an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


def assert_minimum(model, objective):
    """Assert that a model is at a minimum of F, by the derivatives of the reference."""
    theta = objective.theta(model)
    assert objective.residual(theta) < 1e-8
    assert objective.scaled_eigenvalues(theta)[0] > 1e-12


@every_solver
@pytest.mark.parametrize(
    "name", [n for n in NAMES if n not in ("float32", "collinear")]
)
def test_squared_error_ends_at_a_minimum(name, solver):
    for C in (0.1, 100.0):
        params = {"loss": "squared_error", "C": C}
        model = fit(**problem(name).data, solver=solver, **params)
        assert model.converged_
        objective = Reference(**problem(name).data, **params)
        theta = objective.theta(model)
        assert objective.residual(theta) < 1e-8
        assert objective.scaled_eigenvalues(theta)[0] > -1e-9


#: F is symmetric in the second coefficient. If that is 0, the minimum over the first
#: coefficient is near log 5, because the first row has a weight of 10. The losses of
#: the other two rows are concave there, so that this point is a saddle point.
SADDLE_X = np.array([[1.0, 0.0], [1.0, 4.0], [1.0, -4.0]])
SADDLE_Y = np.array([1, 0, 0])
SADDLE_WEIGHTS = np.array([10.0, 1.0, 1.0])
SADDLE_PARAMS = {"loss": "squared_error", "C": 1e4, "fit_intercept": False}


def saddle():
    """Return the data, the objective and its saddle point."""
    data = {"X": SADDLE_X, "y": SADDLE_Y, "sample_weight": SADDLE_WEIGHTS}
    objective = Reference(**data, **SADDLE_PARAMS)
    theta = np.array([np.log(5.0), 0.0])
    for _ in range(50):
        slope, bend = objective.gradient(theta)[0], objective.hessian(theta)[0, 0]
        theta = theta - [float(slope / bend), 0.0]
    assert abs(objective.gradient(theta)).max() < 1e-10
    assert objective.scaled_eigenvalues(theta)[0] < -0.1
    return data, objective, theta


@every_solver
def test_a_fit_does_not_end_at_a_saddle_point(solver):
    data, objective, theta = saddle()
    model = fit(**data, **SADDLE_PARAMS, solver=solver)
    assert_minimum(model, objective)
    assert model.objective_ < objective.value(theta) * 0.99


@every_solver
def test_a_fit_that_starts_at_a_saddle_point_leaves_it(solver):
    data, objective, theta = saddle()
    model = BinaryLogisticRegression(**SADDLE_PARAMS, solver=solver, warm_start=True)
    model.fit(**data)
    model.coef_ = theta[None, :]
    model.fit(**data)
    assert_minimum(model, objective)
    assert model.objective_ < objective.value(theta) * 0.99


def mislabelled(seed):
    """Return one column and random labels: F often has several minima."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((8, 1)) * 10.0 ** rng.uniform(-1, 1, (8, 1))
    return X, np.r_[0, 1, rng.integers(0, 2, 6)]


def lowest_on_a_grid(X, y, C):
    """Return the lowest value of F on a fine grid of the only coefficient."""
    w = np.concatenate([-np.geomspace(1e-4, 1e3, 6000), np.geomspace(1e-4, 1e3, 6000)])
    z = X * w  # (rows, grid)
    miss = 1 / (1 + np.exp(np.where(np.array(y)[:, None] == 1, z, -z).clip(-700, 700)))
    return (C * (miss**2 / 2).sum(axis=0) + w**2 / 2).min()


@every_solver
def test_the_lowest_minimum_is_found_from_enough_starts(solver):
    for seed in range(25):
        X, y = mislabelled(seed)
        params = {"loss": "squared_error", "C": 100.0, "fit_intercept": False}
        model = fit(X, y, solver=solver, n_init=10, random_state=0, **params)
        assert_minimum(model, Reference(X, y, **params))
        assert model.objective_ <= lowest_on_a_grid(X, y, 100.0) * (1 + 1e-6)


def test_more_starts_are_never_worse():
    for seed in range(10):
        X, y = sample(30, 3, seed=seed, strength=0.1)
        params = {"loss": "squared_error", "C": 1e3}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            once = fit(X, y, **params)
            often = fit(X, y, **params, n_init=5, random_state=seed)
        assert often.objective_ <= once.objective_ * (1 + 1e-8)


# ------------------------------------------------------------- the global minimum


def noisy(seed):
    """Return a small problem with label noise and random scales, and a value of C."""
    rng = np.random.default_rng(seed)
    n_samples, n_features = rng.integers(30, 401), rng.integers(1, 9)
    X = rng.standard_normal((n_samples, n_features))
    if seed % 4 == 1:
        X = rng.standard_t(3, (n_samples, n_features))
    if seed % 4 == 2:
        X = X @ rng.standard_normal((n_features, n_features))
    z = X / X.std(axis=0) @ rng.standard_normal(n_features) + rng.standard_normal()
    z *= 10 ** rng.uniform(-0.5, 1.0) / np.sqrt(n_features)
    y = rng.random(n_samples) < 1 / (1 + np.exp(-z))
    y ^= rng.random(n_samples) < rng.uniform(0.0, 0.35)
    y[:2] = 0, 1
    X *= 10 ** rng.uniform(-3, 3, n_features if seed % 2 else 1)
    return X, y.astype(int), 10 ** rng.uniform(-1, 2)


def brute_force(X, y, C, n_starts=30):
    """Return the lowest F that L-BFGS finds from random starts of many norms."""
    rng = np.random.default_rng(0)
    rows = np.column_stack([X, np.ones(len(y))]) * (2.0 * y - 1)[:, None]
    left, scales, right = np.linalg.svd(rows / X.std(), full_matrices=False)
    rows = left * np.sqrt(len(y))  # in coordinates of unit covariance
    weights = (right.T / scales * np.sqrt(len(y)))[:-1] / X.std()

    def cost(v):
        m, w = rows @ v, weights @ v
        hit, miss = np.exp(-np.logaddexp(0.0, [-m, m]))
        value = C * (miss @ miss) / 2 + w @ w / 2
        return value, weights.T @ w - C * (hit * miss**2) @ rows

    lowest = np.inf
    for length in 10 ** rng.uniform(-0.5, 1.5, n_starts):
        start = length * rng.standard_normal(len(scales)) / np.sqrt(len(scales))
        found = minimize(cost, start, jac=True, method="L-BFGS-B")
        lowest = min(lowest, found.fun)
    return lowest


def share_as_low_as_brute_force(seeds, n_init):
    """Return the fraction of problems for which a fit is as low as brute force."""
    as_low = []
    for seed in seeds:
        X, y, C = noisy(seed)
        model = fit(X, y, loss="squared_error", C=C, n_init=n_init, random_state=0)
        as_low.append(model.objective_ <= brute_force(X, y, C) * (1 + 1e-6))
        assert model.curvature_ratio_ > 0.0
    return np.mean(as_low)


def test_as_low_as_brute_force_on_a_few_problems():
    assert share_as_low_as_brute_force(range(2), n_init=1) == 1.0


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("n_init", "least"), [(1, 0.95), (10, 0.99)])
def test_as_low_as_brute_force(n_init, least):
    assert share_as_low_as_brute_force(range(100, 300), n_init) >= least


def test_the_start_does_not_depend_on_the_units():
    for seed in range(6):
        X, y = sample(60, 3, seed=seed, strength=2.0)
        y[10:25] = 1 - y[10:25]
        params = {"loss": "squared_error", "C": np.inf}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model, other = fit(X, y, **params), fit(X * [1e-3, 1.0, 1e4], y, **params)
        assert model.objective_ == pytest.approx(other.objective_, rel=1e-6)


def test_start_records_describe_the_minima_reached():
    X, y = sample(30, 3, seed=4, strength=0.1)
    params = {"loss": "squared_error", "C": 1e3}
    model = fit(X, y, **params, n_init=4, random_state=0)
    objective = Reference(X, y, **params)
    origins = [start.origin for start in model.starts_]
    assert origins[:2] == ["zero", "cross_entropy"]
    assert {"chosen", "drawn"} <= set(origins)
    lowest = min(start.objective for start in model.starts_)
    assert model.objective_ == pytest.approx(lowest, rel=1e-9)
    for start in model.starts_:
        assert start.objective <= start.start_objective * (1 + 1e-12)
        assert start.objective == pytest.approx(objective.value(start.coef), rel=1e-9)
    assert model.n_minima_ == len({start.minimum for start in model.starts_}) > 1
    # All starts that lead to the same minimum have the same objective.
    for number in range(model.n_minima_):
        values = [s.objective for s in model.starts_ if s.minimum == number]
        np.testing.assert_allclose(values, values[0], rtol=1e-4)


def test_cross_entropy_has_no_start_records():
    model = fit(*sample(50, 2))
    assert model.starts_ == []
    assert model.n_minima_ == 1
    assert model.optimality_scope_ == "global"


def test_only_the_extra_starts_are_random():
    X, y, C = noisy(7)
    params = {"loss": "squared_error", "C": C}
    once, again = (fit(X, y, **params, random_state=seed) for seed in (0, 1))
    np.testing.assert_array_equal(once.coef_, again.coef_)
    often = [fit(X, y, **params, n_init=3, random_state=5) for _ in range(2)]
    np.testing.assert_array_equal(often[0].coef_, often[1].coef_)


@pytest.mark.parametrize(
    ("n_features", "origins"),
    [(3, ["zero"]), (60, ["zero"]), (100, ["zero", "cross_entropy"])],
)
def test_n_init_adds_starts_with_many_rows_or_columns(n_features, origins):
    X, y = sample(1500, n_features)
    model = fit(X, y, loss="squared_error")
    assert [start.origin for start in model.starts_] == origins
    often = fit(X, y, loss="squared_error", n_init=3, random_state=0)
    assert len(often.starts_) > 2
    assert often.objective_ <= model.objective_ * (1 + 1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_outliers_do_not_hide_a_lower_minimum_among_many_rows(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((3000, 3))
    y = X @ [1.0, -2.0, 0.5] + rng.logistic(size=3000) > 0.0
    X[:150] *= 20.0
    y[:150] = ~y[:150]
    model = fit(X, y, loss="squared_error")
    assert {start.origin for start in model.starts_} > {"zero"}
    # Compare with the minimum of a fit to the rows that are not outliers.
    inliers = fit(X[150:], y[150:], loss="squared_error")
    true = Reference(X, y, loss="squared_error")
    start = np.append(inliers.coef_, inliers.intercept_)
    assert model.objective_ <= true.value(start)
    assert model.objective_ < 0.9 * model.starts_[0].objective


# ------------------------------------------------------------------ the certificate


@every_solver
def test_the_curvature_ratio_matches_the_hessian(solver):
    for n_features in (2, 60):
        data = sample(400, n_features)
        model = fit(*data, loss="squared_error", solver=solver)
        objective = Reference(*data, loss="squared_error")
        values = objective.scaled_eigenvalues(objective.theta(model))
        assert model.curvature_ratio_ == pytest.approx(values[0] / values[-1], rel=0.3)


@pytest.mark.parametrize("bias", [{"absorb_bias": True}, {"fit_intercept": False}])
def test_scope_is_global_if_the_penalty_makes_the_objective_convex(bias):
    X, y = sample(80, 3)
    rows = np.column_stack([X, np.ones(80)]) if "absorb_bias" in bias else X
    largest = np.linalg.eigvalsh(rows.T @ rows)[-1]
    for factor, scope in ((0.9, {"global"}), (10.0, {"region", "local"})):
        C = factor / (0.0602 * largest)
        model = fit(X, y, loss="squared_error", C=C, **bias)
        assert model.optimality_scope_ in scope
        convex = np.eye(rows.shape[1]) / C - 0.0602 * rows.T @ rows
        assert (np.linalg.eigvalsh(convex)[0] >= 0) == (scope == {"global"})


def test_scope_is_region_if_no_margin_is_below_minus_log_2():
    X = np.linspace(-2.0, 2.0, 40)[:, None]
    y = (X[:, 0] > 0).astype(int)
    model = fit(X, y, loss="squared_error")
    assert model.optimality_scope_ == "region"
    assert fit(X, y, loss="squared_error", C=1e6).optimality_scope_ == "global"
    y[0] = 1
    assert fit(X, y, loss="squared_error").optimality_scope_ == "local"


# ----------------------------------------------- minima at infinity and flat regions


@every_solver
def test_misclassified_outliers_can_put_the_infimum_at_infinity(solver):
    X = np.r_[np.linspace(-1.0, 1.0, 40), 5.0, -5.0][:, None]
    y = np.r_[np.repeat([0, 1], 20), 0, 1]
    with pytest.warns(ConvergenceWarning, match="finite C"):
        model = fit(X, y, loss="squared_error", C=np.inf, solver=solver)
    assert model.status_.word == "at_infinity"
    assert np.isfinite(model.weights_).all()
    assert model.objective_ == pytest.approx(1.0, rel=1e-6)  # two errors of loss ½
    assert model.score(X, y) == 40 / 42
    assert fit(X, y, loss="squared_error", C=1e8, solver=solver).converged_


@every_solver
def test_separable_rows_put_the_infimum_at_infinity(solver):
    X = np.linspace(-1.0, 1.0, 40)[:, None]
    with pytest.warns(ConvergenceWarning, match="finite C"):
        model = fit(X, X[:, 0] > 0, loss="squared_error", C=np.inf, solver=solver)
    assert model.status_.word == "separable"
    assert np.isfinite(model.weights_).all()


@every_solver
@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("n_samples", [200, 3000])
def test_a_start_in_a_flat_region_is_not_a_solution(solver, C, n_samples):
    X, y = sample(n_samples, 3)
    params = {"loss": "squared_error", "C": C, "solver": solver}
    best = fit(X, y, **params)
    assert best.converged_
    for far in (-30.0, 1e3, 1e8):
        model = BinaryLogisticRegression(**params, warm_start=True)
        model.fit(X, y)
        model.coef_ = np.full_like(model.coef_, far)
        model.fit(X, y)
        assert model.converged_
        assert model.objective_ == pytest.approx(best.objective_, rel=1e-7)


@pytest.mark.parametrize("solver", SOLVERS)
def test_subnormal_curvature_without_a_penalty(solver):
    # A start from which the iterates leave all rows but two where the loss is flat.
    X = np.zeros((13, 3))
    X[2, 1:], X[4, 2], X[5] = [-4.109375, -3.91015625], 2.00390625, [1.00976562, 0, 2]
    X[5, 2], X[7, 2], X[9, 2] = 2.00390625, 3.3984375, -3.91015625
    X[10, 0], X[11] = -8.703125, [-1.90039062, 0.0, 1.40917969]
    y = np.array([1, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1])
    model = BinaryLogisticRegression(
        loss="squared_error", C=np.inf, solver=solver, max_iter=75
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    assert np.isfinite(model.weights_).all()
    assert model.status_.word in {"at_infinity", "quasi_separable", "singular"}


def test_columns_of_zeros_without_a_bias():
    params = {"loss": "squared_error", "fit_intercept": False}
    model = fit(np.zeros((4, 2)), [0, 1, 1, 0], **params)
    np.testing.assert_array_equal(model.coef_, 0.0)
    assert model.objective_ == pytest.approx(4 * 0.125)
