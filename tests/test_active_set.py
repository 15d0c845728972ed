"""Quadratics with an L1 term and bounds: the active-set method finds their minima."""

from itertools import product
from typing import NamedTuple

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import Lasso

from sk_logreg._solvers._active_block import BlockPart, LastBlock, WholeBlock
from sk_logreg._solvers._active_set import minimize_quadratic
from sk_logreg._solvers._active_sets import minimize_quadratics


class Quadratic(NamedTuple):
    """The arguments of `minimize_quadratic`, except for the start."""

    hessian: np.ndarray
    slope: np.ndarray
    l1: np.ndarray
    lower: np.ndarray
    upper: np.ndarray

    def value(self, u):
        quadratic = 0.5 * u @ self.hessian @ u
        return quadratic + self.slope @ u + self.l1 @ np.abs(u)

    def solve(self, start=None, **params):
        start = np.zeros(len(self.slope)) if start is None else start
        return minimize_quadratic(*self, start, **params)

    def clip(self, u):
        return np.clip(u, self.lower, self.upper)


def quadratic_of(X, y, l1, lower=-np.inf, upper=np.inf):
    """Return ½‖Xu − y‖² with an L1 term and bounds."""
    n_features = X.shape[1]
    parts = [np.full(n_features, value, dtype=float) for value in (l1, lower, upper)]
    return Quadratic(X.T @ X, -X.T @ y, *parts)


def lasso(seed, n_samples=80, n_features=25, correlation=0.0, share=0.1):
    """Return X, y and an L1 strength: `share` of the least with all coefficients 0."""
    rng = np.random.default_rng(seed)
    X = np.sqrt(1 - correlation) * rng.standard_normal((n_samples, n_features))
    X += np.sqrt(correlation) * rng.standard_normal((n_samples, 1))
    coef = rng.standard_normal(n_features) * (rng.random(n_features) < 0.4)
    y = X @ coef + rng.standard_normal(n_samples)
    return X, y, share * np.abs(X.T @ y).max()


def violation(problem, u):
    """Return by how much one-sided derivatives are negative, relative to their terms.

    Each is divided by the square root of the coordinate's curvature.
    """
    slope = problem.hessian @ u + problem.slope
    diagonal = problem.hessian.diagonal()
    roots = np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0))
    upward = slope + np.where(u >= 0.0, problem.l1, -problem.l1)
    downward = -slope + np.where(u <= 0.0, problem.l1, -problem.l1)
    upward[u >= problem.upper] = downward[u <= problem.lower] = 0.0
    terms = np.abs(problem.hessian) @ np.abs(u) + np.abs(problem.slope) + problem.l1
    worst = np.maximum(-upward, -downward) / roots
    return worst.max() / (terms / roots).max()


def assert_minimum(problem, solution, bound=1e-13):
    u = solution.u
    assert solution.solved
    assert np.all((problem.lower <= u) & (u <= problem.upper))
    assert violation(problem, u) <= bound
    at_bound = (u == problem.lower) | (u == problem.upper)
    fixed = at_bound | ((u == 0.0) & (problem.l1 > 0.0))
    curved = problem.hessian.diagonal() > 0.0
    np.testing.assert_array_equal(solution.free, ~fixed & curved)


def correlated(seed):
    return quadratic_of(*lasso(seed, correlation=0.99, share=0.01))


def tall(seed):
    return quadratic_of(*lasso(seed, n_samples=1000, n_features=40, share=0.02))


def wide(seed):
    return quadratic_of(*lasso(seed, n_samples=30, n_features=90, correlation=0.5))


def wide_without_penalty(seed):
    X, y, _ = lasso(seed, n_samples=15, n_features=30)
    return quadratic_of(X, y, 0.0)


def duplicates(seed):
    X, y, l1 = lasso(seed, n_features=10, share=0.05)
    return quadratic_of(np.hstack([X, -X, X]), y, l1)


def zero_columns(seed):
    X, y, l1 = lasso(seed)
    X[:, ::3] = 0.0
    l1 = np.where(np.arange(25) % 2, 0.0, l1)
    return quadratic_of(X, y, l1)


def partly_penalized(seed):
    X, y, l1 = lasso(seed, n_samples=20, n_features=60, correlation=0.5)
    return quadratic_of(X, y, np.where(np.arange(60) % 10, l1, 0.0))


def badly_scaled(seed):
    X, y, l1 = lasso(seed)
    units = 10.0 ** np.random.default_rng(seed).uniform(-12, 12, 25)
    return quadratic_of(X * units, y, l1 * units)


def bounded(seed):
    """Bounds on one side or both, that are equal, at zero, or exclude it."""
    rng = np.random.default_rng(seed)
    X, y, l1 = lasso(seed, n_features=42, correlation=0.5, share=0.02)
    low, width = rng.standard_normal(42), rng.random(42)
    kind = np.arange(42) % 6
    choices = [np.full(42, -np.inf), low, low, low, 0 * low, -np.abs(low)]
    lower = np.choose(kind, choices)
    choices = [low, np.full(42, np.inf), low + width, low, np.abs(low), 0 * low]
    return quadratic_of(X, y, l1, lower, np.choose(kind, choices))


KINDS = [
    correlated,
    tall,
    wide,
    wide_without_penalty,
    duplicates,
    zero_columns,
    partly_penalized,
    badly_scaled,
    bounded,
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


@every_kind
@pytest.mark.parametrize("seed", range(8))
def test_ends_at_a_minimum_from_any_start(kind, seed):
    problem = kind(seed)
    rng = np.random.default_rng(100 + seed)
    roots = np.sqrt(problem.hessian.diagonal())
    size = 1.0 / np.where(roots > 0.0, roots, 1.0)
    cold = problem.solve()
    values = [problem.value(cold.u)]
    assert_minimum(problem, cold)
    wrong_signs = -3.0 * cold.u
    for start in (wrong_signs, size * rng.standard_normal(len(size)), 10 * size):
        given = start.copy()
        solution = problem.solve(start)
        np.testing.assert_array_equal(start, given)
        assert_minimum(problem, solution)
        value = problem.value(problem.clip(start))
        assert problem.value(solution.u) <= value + 1e-12 * abs(value)
        values.append(problem.value(solution.u))
    np.testing.assert_allclose(values, values[0], rtol=1e-10)


@every_kind
def test_no_step_increases_the_function(kind):
    for seed in range(4):
        problem = kind(seed)
        start = np.random.default_rng(seed).standard_normal(len(problem.slope))
        start *= 1.0 / np.sqrt(np.maximum(problem.hessian.diagonal(), 1e-300))
        start[problem.hessian.diagonal() == 0.0] = 0.0
        values = [problem.value(problem.clip(start))]
        for tol in (0.9, 0.3, 1e-1, 1e-2, 1e-4, 1e-8, 0.0):
            values.append(problem.value(problem.solve(start, tol=tol).u))
        size = np.abs(values).max()
        assert np.diff(values).max() <= 1e-13 * size
        assert values[-1] < values[0]


def minimum_of_all_faces(problem):
    """Return the least value over the minima of all faces, each by a linear system."""
    best, n = np.inf, len(problem.slope)
    for states in product(("lower", "upper", "zero", -1.0, 1.0), repeat=n):
        u = np.zeros(n)
        free = np.array([isinstance(state, float) for state in states])
        for j, state in enumerate(states):
            if state in ("lower", "upper"):
                u[j] = getattr(problem, state)[j]
        if not np.all(np.isfinite(u)):
            continue
        signs = np.array([s if isinstance(s, float) else 0.0 for s in states])
        rhs = -(problem.hessian @ u + problem.slope + signs * problem.l1)
        if free.any():
            u[free] = np.linalg.solve(problem.hessian[free][:, free], rhs[free])
        if np.all((problem.lower <= u) & (u <= problem.upper)):
            best = min(best, problem.value(u))
    return best


@pytest.mark.parametrize("seed", range(6))
def test_is_the_least_of_all_faces(seed):
    X, y, l1 = lasso(seed, n_samples=12, n_features=4, correlation=0.7, share=0.2)
    rng = np.random.default_rng(seed)
    lower = np.where(rng.random(4) < 0.6, rng.normal(-0.5, 0.5, 4), -np.inf)
    upper = np.where(rng.random(4) < 0.6, np.maximum(lower, 0.0) + 0.3, np.inf)
    for problem in (quadratic_of(X, y, l1), quadratic_of(X, y, l1, lower, upper)):
        solution = problem.solve()
        assert_minimum(problem, solution)
        least = minimum_of_all_faces(problem)
        assert problem.value(solution.u) == pytest.approx(least, rel=1e-12)


@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize("share", [0.5, 0.1, 0.01])
def test_agrees_with_coordinate_descent(share, correlation):
    X, y, l1 = lasso(0, correlation=correlation, share=share)
    peer = Lasso(l1 / len(y), fit_intercept=False, tol=1e-14, max_iter=100_000)
    solution = quadratic_of(X, y, l1).solve()
    np.testing.assert_allclose(solution.u, peer.fit(X, y).coef_, atol=1e-6)
    np.testing.assert_array_equal(solution.u == 0.0, peer.coef_ == 0.0)


@pytest.mark.parametrize("kind", [wide, bounded, duplicates, partly_penalized])
def test_agrees_with_lbfgsb_over_positive_and_negative_parts(kind):
    problem = kind(0)
    n = len(problem.slope)

    def value_and_gradient(parts):
        u = parts[:n] - parts[n:]
        gradient = problem.hessian @ u + problem.slope
        value = 0.5 * u @ (gradient + problem.slope) + problem.l1 @ (
            parts[:n] + parts[n:]
        )
        return value, np.concatenate([gradient + problem.l1, -gradient + problem.l1])

    low, high = problem.lower, problem.upper
    bounds = [*zip(low.clip(0), high.clip(0), strict=True)]
    bounds += [*zip((-high).clip(0), (-low).clip(0), strict=True)]
    peer = minimize(
        value_and_gradient,
        np.zeros(2 * n),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 20_000, "maxfun": 40_000, "ftol": 1e-15, "gtol": 1e-9},
    )
    value = problem.value(problem.solve().u)
    assert value == pytest.approx(peer.fun, rel=1e-7)
    assert value <= peer.fun + 1e-12 * abs(peer.fun)


def test_identity_is_a_soft_threshold_and_a_clip():
    slope = np.array([-3.0, 3.0, -0.5, 0.5, 0.0, -3.0, 3.0, -1.0, 3.0])
    lower = np.array([-9.0, -9.0, -9.0, -9.0, -9.0, -9.0, -1.5, 0.5, 0.0])
    upper = np.array([9.0, 9.0, 9.0, 9.0, 9.0, 1.5, 9.0, 9.0, 9.0])
    problem = Quadratic(np.eye(9), slope, np.ones(9), lower, upper)
    solution = problem.solve()
    expected = [2.0, -2.0, 0.0, 0.0, 0.0, 1.5, -1.5, 0.5, 0.0]
    np.testing.assert_allclose(solution.u, expected, rtol=1e-14)
    np.testing.assert_array_equal(solution.u[2:], expected[2:])
    np.testing.assert_array_equal(solution.free, [True] * 2 + [False] * 7)


@every_kind
def test_a_large_penalty_makes_all_zero(kind):
    problem = kind(0)
    curved = problem.hessian.diagonal() > 0.0
    without_bounds = problem._replace(
        l1=1.001 * np.abs(problem.slope) + ~curved,
        lower=np.full(len(curved), -np.inf),
        upper=np.full(len(curved), np.inf),
    )
    start = np.random.default_rng(0).standard_normal(len(curved))
    solution = without_bounds.solve(start)
    np.testing.assert_array_equal(solution.u, 0.0)
    assert not solution.free.any()
    assert solution.residual == 0.0


def test_one_factorization_from_a_near_start_with_the_right_signs():
    for seed in range(5):
        problem = quadratic_of(*lasso(seed, n_features=60, correlation=0.8))
        cold = problem.solve()
        assert cold.free.any()
        warm = problem.solve(1.001 * cold.u)
        assert warm.n_factorizations == 1
        np.testing.assert_allclose(warm.u, cold.u, rtol=1e-9)
        np.testing.assert_array_equal(warm.free, cold.free)
        again = problem.solve(cold.u)
        assert again.n_factorizations == 0
        np.testing.assert_array_equal(again.u, cold.u)


def test_few_factorizations_from_a_near_start():
    for seed in range(5):
        X, y, l1 = lasso(seed, n_samples=2000, n_features=100, correlation=0.3)
        near = quadratic_of(X, y, 1.2 * l1).solve()
        assert quadratic_of(X, y, l1).solve(near.u).n_factorizations <= 4


@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_a_factor_of_many_coordinates_is_changed(correlation):
    sizes = {"n_samples": 900, "n_features": 500, "correlation": correlation}
    X, y, l1 = lasso(3, **sizes, share=1e-3)
    blocks, end, kinds = LastBlock(), None, set()
    for share in (1.0, 0.9, 1.1):
        problem = quadratic_of(X, y, share * l1)
        end = problem.solve(end, blocks=blocks).u
        kinds.add(type(blocks.block))
        assert_minimum(problem, problem.solve(end, blocks=blocks))
        np.testing.assert_allclose(end, problem.solve().u, rtol=0.0, atol=1e-10)
    assert np.count_nonzero(end) > 256
    assert BlockPart in kinds


def test_an_inaccurate_factor_is_not_changed():
    X, y, l1 = lasso(3, n_samples=900, n_features=300, share=1e-3)
    matrix = quadratic_of(np.hstack([X, X[:, :1]]), y, l1).hessian
    blocks = LastBlock()
    blocks.over(matrix, np.arange(301))
    assert isinstance(blocks.over(matrix, np.arange(300)), WholeBlock)
    assert isinstance(blocks.over(matrix, np.arange(299)), BlockPart)
    assert isinstance(blocks.over(matrix, np.arange(1, 301)), BlockPart)
    assert isinstance(blocks.over(matrix, np.arange(301)), WholeBlock)


@pytest.mark.parametrize("kept", [slice(0, 300), slice(20, 280), slice(20, 330)])
def test_a_changed_factor_is_that_of_its_coordinates(kept):
    X, y, l1 = lasso(5, n_samples=900, n_features=330)
    matrix, active = quadratic_of(X, y, l1).hessian, np.arange(330)[kept]
    blocks = LastBlock()
    blocks.over(matrix, np.arange(300))
    block, rng = blocks.over(matrix, active), np.random.default_rng(0)
    rhs, steps = rng.standard_normal(len(active)), rng.standard_normal((3, len(active)))
    np.testing.assert_array_equal(block.active, active)
    part = matrix[kept, kept]
    np.testing.assert_allclose(part @ block.solve(rhs), rhs, rtol=0.0, atol=1e-9)
    np.testing.assert_allclose(
        block.curvatures(steps), np.diag(steps @ part @ steps.T), rtol=1e-10
    )


def test_solves_the_free_coordinates_to_rounding():
    for seed in range(5):
        problem = correlated(seed)
        solution = problem.solve()
        free, u = solution.free, solution.u
        slope = problem.hessian @ u + problem.slope + problem.l1 * np.sign(u)
        terms = np.abs(problem.hessian) @ np.abs(u) + np.abs(problem.slope)
        assert free.any()
        assert np.abs(slope[free]).max() <= 1e-14 * terms.max()


def test_does_not_depend_on_the_units():
    """Units that are powers of two change no digit."""
    rng = np.random.default_rng(0)
    for kind in KINDS:
        problem = kind(1)
        units = 2.0 ** rng.integers(-40, 41, len(problem.slope))
        units[problem.hessian.diagonal() == 0.0] = 1.0
        scaled = Quadratic(
            problem.hessian * units * units[:, None],
            problem.slope * units,
            problem.l1 * units,
            problem.lower / units,
            problem.upper / units,
        )
        expected, actual = problem.solve(), scaled.solve()
        assert actual.n_factorizations == expected.n_factorizations
        np.testing.assert_allclose(actual.u * units, expected.u, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(actual.free, expected.free)


def test_stops_at_the_tolerance():
    problem = correlated(0)
    start = np.ones(len(problem.slope))
    exact = problem.solve(start)
    first = problem.solve(start, tol=1.0)
    assert first.n_factorizations == 0
    np.testing.assert_array_equal(first.u, start)
    rough = problem.solve(start, tol=0.1)
    assert rough.solved
    assert 0.0 < rough.residual <= 0.1 * first.residual
    assert 0 < rough.n_factorizations < exact.n_factorizations
    assert exact.residual <= 1e-12 * first.residual


def test_opposite_duplicates_cancel():
    """Of two equal columns of opposite signs, a penalty leaves one sign only."""
    X, y, l1 = lasso(0, n_features=1)
    problem = quadratic_of(np.hstack([X, X]), y, l1)
    alone = quadratic_of(X, y, l1).solve()
    for start in ([5.0, -4.0], [-4.0, 5.0], [-1.0, -1.0]):
        solution = problem.solve(np.array(start))
        assert_minimum(problem, solution)
        assert solution.u[0] * solution.u[1] >= 0.0
        assert solution.u.sum() == pytest.approx(alone.u[0], rel=1e-12)


def test_coordinates_without_curvature():
    """They go to the bound that the slope points to; they stay if there is none."""
    slope = np.array([2.0, -2.0, 2.0, 0.0, 0.5, 2.0, 0.0])
    l1 = np.array([1.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    lower = np.array([-3.0, -3.0, -np.inf, -3.0, -3.0, -3.0, 1.0])
    upper = np.array([3.0, 3.0, 3.0, 3.0, 3.0, np.inf, 3.0])
    problem = Quadratic(np.zeros((7, 7)), slope, l1, lower, upper)
    solution = problem.solve(np.full(7, 2.0))
    np.testing.assert_array_equal(solution.u, [-3.0, 3.0, 2.0, 2.0, 0.0, -3.0, 1.0])
    assert not solution.free.any()
    assert solution.n_factorizations == 0


def test_equal_bounds_fix_a_coordinate():
    X, y, l1 = lasso(0)
    lower, upper = np.full(25, -np.inf), np.full(25, np.inf)
    lower[:3] = upper[:3] = [0.0, 1.25, -0.5]
    problem = quadratic_of(X, y, l1, lower, upper)
    solution = problem.solve()
    assert_minimum(problem, solution)
    np.testing.assert_array_equal(solution.u[:3], [0.0, 1.25, -0.5])
    rest = quadratic_of(X[:, 3:], y - X[:, :3] @ lower[:3], l1).solve()
    np.testing.assert_allclose(solution.u[3:], rest.u, rtol=1e-10, atol=1e-13)


def test_bounds_of_a_singular_quadratic_are_reached():
    """Along u₀ − u₁ the function is linear, without a minimum but at the bounds."""
    hessian, slope = np.ones((2, 2)), np.array([1.0, -1.0])
    lower, upper = np.array([-1.0, -7.0]), np.array([1.0, 7.0])
    problem = Quadratic(hessian, slope, np.zeros(2), lower, upper)
    solution = problem.solve()
    assert_minimum(problem, solution)
    assert solution.u[0] == -1.0
    assert solution.u[1] == pytest.approx(2.0, rel=1e-12)


def test_rounding_errors_of_a_flat_slope_do_not_move_it():
    """A slope outside the range of H is taken for rounding errors."""
    X, y, _ = lasso(0, n_features=10)
    problem = quadratic_of(np.hstack([X, X]), y, 0.0)
    exact = problem.solve()
    noise = 1e-12 * np.random.default_rng(0).standard_normal(20)
    noisy = problem._replace(slope=problem.slope * (1.0 + noise)).solve()
    assert np.abs(noisy.u - exact.u).max() < 0.1
    sums = exact.u[:10] + exact.u[10:]
    np.testing.assert_allclose(noisy.u[:10] + noisy.u[10:], sums, rtol=1e-9)


@pytest.mark.parametrize("error", [1e-12, 1e-8, 1e-5])
def test_a_hessian_that_is_indefinite_by_rounding(error):
    problem = duplicates(0)
    noise = np.random.default_rng(0).standard_normal(problem.hessian.shape)
    noise = error * problem.hessian.diagonal().mean() * (noise + noise.T)
    noisy = problem._replace(hessian=problem.hessian + noise)
    assert np.linalg.eigvalsh(noisy.hessian)[0] < 0.0
    solution = noisy.solve()
    least = problem.value(problem.solve().u)
    assert least <= problem.value(solution.u) + 1e-12 * abs(least)
    assert problem.value(solution.u) == pytest.approx(least, rel=1e3 * error)


def test_not_a_number_is_not_solved():
    problem = quadratic_of(*lasso(0))
    for entry in ("hessian", "slope"):
        broken = problem._replace(**{entry: getattr(problem, entry) * np.nan})
        assert not broken.solve(np.ones(25)).solved


def test_no_coordinates():
    none = np.zeros(0)
    solution = minimize_quadratic(np.zeros((0, 0)), none, none, none, none, none)
    assert solution.solved
    assert solution.residual == 0.0
    assert solution.u.shape == solution.free.shape == (0,)


@every_kind
@pytest.mark.parametrize("error", [0.0, 0.1, 10.0])
def test_several_at_once_end_at_their_minima(kind, error):
    problem, rng = kind(3), np.random.default_rng(3)
    shares = np.geomspace(1.0, 1.5, 7)
    several = [problem._replace(l1=share * problem.l1) for share in shares]
    exact = np.array([each.solve().u for each in several])
    starts = exact * (1.0 + error * rng.standard_normal(exact.shape))
    hessians, slopes, l1 = (
        np.array(parts) for parts in list(zip(*several, strict=True))[:3]
    )
    limits = problem.lower, problem.upper
    ends = minimize_quadratics(hessians, slopes, l1, *limits, starts)
    for each, u, end in zip(several, exact, ends, strict=True):
        assert (each.clip(end) == end).all()
        value = each.value(u)
        assert each.value(end) == pytest.approx(value, rel=1e-9, abs=1e-9)
