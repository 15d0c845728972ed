"""Ill-conditioned columns: far from zero, badly scaled, repeated or collinear."""

import warnings
from typing import ClassVar

import numpy as np
import pytest
from _reference import BIASES, LOSSES, SOLVERS, CenteredReference
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg._design._coordinates import coordinates_of
from sk_logreg._solvers._factors import eigenpairs

every_loss = pytest.mark.parametrize("loss", LOSSES)
every_solver = pytest.mark.parametrize("solver", SOLVERS)
FORMS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "csr": sparse.csr_array,
}
every_form = pytest.mark.parametrize("form", FORMS)
# Rounding error of F, relative to the sum of the magnitudes of its terms.
ROUNDING = 1e-13


def fit(X, y, **params):
    """Fit, and ignore convergence warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return BinaryLogisticRegression(**params).fit(X, y)


def table(n_rows, shifts, powers, seed, strength=1.0):
    """Return columns of the given shifts and units, and labels.

    `shifts` are in standard deviations, and the units are 10**`powers`.
    """
    rng = np.random.default_rng(seed)
    base = rng.standard_normal((n_rows, len(shifts)))
    z = strength * base @ rng.standard_normal(len(shifts)) / np.sqrt(len(shifts))
    y = (z + rng.logistic(size=n_rows) > 0.0).astype(int)
    units = 10.0 ** np.asarray(powers, dtype=float)
    return (base + np.asarray(shifts, dtype=float)) * units, y


def assert_honest(model, X, y, **params):
    """Assert that the gap is a bound, and that it is at most `tol` after convergence.

    Return the true relative suboptimality.
    """
    reference = CenteredReference(X, y, **params)
    theta = reference.theta(model)
    found = reference.value(theta)
    _, lowest = reference.minimum(theta, n_steps=60)
    excess = float((found - lowest) / found)
    # Account for cancellation: each z is a sum of terms that may be far larger than z.
    slopes = np.abs(reference.losses(theta)[1]) * reference.weights
    terms = found + reference.factor * (slopes @ np.abs(reference.design * theta)).sum()
    rounding = ROUNDING * float(terms / found)
    assert excess <= model.optimality_gap_ * (1.0 + 1e-6) + rounding
    if model.converged_ and model.status_.word != "rounding":
        assert model.optimality_gap_ <= model.tol
    return excess


shifts = st.floats(0.0, 10.0).map(lambda power: 10.0**power) | st.just(0.0)
powers = st.integers(-12, 12)
columns = st.tuples(shifts, powers)


@given(
    st.lists(columns, min_size=1, max_size=6),
    st.integers(10, 80),
    st.integers(0, 10**6),
    st.sampled_from([1e-3, 1.0, 1e3, np.inf]),
    st.sampled_from([1e-4, 1e-8, 1e-12]),
    st.sampled_from(sorted(BIASES)),
    st.sampled_from(sorted(FORMS)),
)
@every_solver
def test_the_bound_holds_for_tall_tables(
    solver, columns, n_rows, seed, C, tol, bias, form
):
    X, y = table(n_rows, *zip(*columns, strict=True), seed)
    assume(0 < y.sum() < n_rows)
    params = {"C": C, **BIASES[bias]}
    model = fit(FORMS[form](X), y, tol=tol, solver=solver, **params)
    if np.isinf(C) and "separable" in model.status_.word:
        return
    assert_honest(model, X, y, **params)


@given(
    st.lists(columns, min_size=12, max_size=40),
    st.integers(6, 11),
    st.integers(0, 10**6),
    st.sampled_from([1e-3, 1.0, 1e3]),
    st.sampled_from([1e-4, 1e-8, 1e-12]),
    st.sampled_from(sorted(BIASES)),
    st.sampled_from(sorted(FORMS)),
)
@every_solver
def test_the_bound_holds_for_wide_tables(
    solver, columns, n_rows, seed, C, tol, bias, form
):
    X, y = table(n_rows, *zip(*columns, strict=True), seed)
    assume(0 < y.sum() < n_rows)
    params = {"C": C, **BIASES[bias]}
    model = fit(FORMS[form](X), y, tol=tol, solver=solver, **params)
    assert_honest(model, X, y, **params)


# ------------------------------------------------------------ examples from practice


def time_stamps():
    """Return three random columns, and start and end times of sessions, in seconds."""
    rng = np.random.default_rng(0)
    n_rows = 2000
    start = 1.7e9 + np.floor(rng.random(n_rows) * 86400)
    length = rng.exponential(600, n_rows)
    y = (length / 600 - 1 + rng.logistic(size=n_rows) > 0).astype(int)
    others = rng.standard_normal((n_rows, 3))
    return np.column_stack([others, start, start + length]), y


def nanoseconds():
    """Return times within one hour, in nanoseconds since 1970, and a random column."""
    rng = np.random.default_rng(1)
    t = np.floor(rng.random(1000) * 3600) * 1e9
    y = (4 * t / 3.6e12 - 2 + rng.logistic(size=1000) > 0).astype(int)
    return np.column_stack([1.7e18 + t, rng.standard_normal(1000)]), y


def shifted():
    """Return a column shifted by 1e8 standard deviations, and one without a shift."""
    X, y = table(400, [1e8, 0.0], [0, 0], seed=2, strength=2.0)
    return X, y


def one_column_of_1e9():
    """Return more columns than rows, one of them with values of about 1e9."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((60, 200))
    y = (X[:, :5].sum(axis=1) + rng.logistic(size=60) > 0).astype(int)
    return np.column_stack([X, 1e9 * rng.random(60)]), y


def one_column_of_1e7():
    X, y = one_column_of_1e9()
    return X * np.append(np.ones(200), 0.01), y


def one_hot_and_time():
    """Return one-hot encoded categories, and times in seconds since 1970."""
    rng = np.random.default_rng(3)
    n_rows, n_labels = 1000, 60
    codes = rng.integers(0, n_labels, (2, n_rows))
    t = np.floor(rng.random(n_rows) * 86400)
    effects = rng.standard_normal(n_labels)[codes[0]]
    y = (t / 86400 * 4 - 2 + effects + rng.logistic(size=n_rows) > 0).astype(int)
    hot = [np.eye(n_labels)[k] for k in codes]
    return np.column_stack([*hot, 1.7e9 + t]), y


SITUATIONS = {
    make.__name__: make
    for make in (
        time_stamps,
        nanoseconds,
        shifted,
        one_column_of_1e9,
        one_column_of_1e7,
        one_hot_and_time,
    )
}
#: The examples that have a minimum without a penalty too.
FINITE = ("time_stamps", "nanoseconds", "shifted")
FITS = [(name, C) for name in SITUATIONS for C in (0.01, 1.0)]
FITS += [(name, np.inf) for name in FINITE]


@pytest.mark.parametrize(("name", "C"), FITS)
@every_form
@every_solver
def test_the_bound_holds_for_examples_from_practice(solver, form, C, name):
    X, y = SITUATIONS[name]()
    model = fit(FORMS[form](X), y, C=C, solver=solver)
    assert model.status_.word == "converged"
    assert assert_honest(model, X, y, C=C) <= model.tol


@pytest.mark.parametrize("name", SITUATIONS)
@every_form
@every_solver
def test_the_squared_error_reaches_a_stationary_point(solver, form, name):
    X, y = SITUATIONS[name]()
    model = fit(FORMS[form](X), y, solver=solver, loss="squared_error")
    assert model.status_.word == "converged"
    reference = CenteredReference(X, y, loss="squared_error")
    assert reference.residual(reference.theta(model)) <= model.tol


@every_loss
@every_form
@every_solver
@pytest.mark.parametrize("shift", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("power", [-12, 0, 12])
def test_shift_and_unit_of_a_column_change_only_its_coefficient_and_the_bias(
    power, shift, solver, form, loss
):
    X, y = table(200, [0.0] * 3, [0] * 3, seed=4)
    X = np.round(X * 1024) / 1024  # few digits, so that adding the shift is exact
    params = {"C": np.inf, "solver": solver, "loss": loss, "tol": 1e-10}
    plain = fit(X, y, **params)
    unit = 2.0 ** round(power * 3.3)
    moved_X = (X + np.array([shift, 0, 0])) * [unit, 1.0, 1.0]
    moved = fit(FORMS[form](moved_X), y, **params)
    assert moved.converged_
    np.testing.assert_allclose(moved.coef_ * [unit, 1, 1], plain.coef_, rtol=1e-5)
    assert moved.objective_ == pytest.approx(plain.objective_, rel=1e-9)
    bias = moved.intercept_[0] + moved.coef_[0, 0] * shift * unit
    assert bias == pytest.approx(plain.intercept_[0], abs=1e-6)


@every_solver
def test_centering_does_not_change_the_penalty(solver):
    X, y = table(300, [0.0] * 3, [0] * 3, seed=5)
    plain = fit(X, y, C=0.1, solver=solver, tol=1e-12)
    moved = fit(X + np.array([1e6, 0.0, -1e4]), y, C=0.1, solver=solver, tol=1e-12)
    np.testing.assert_allclose(moved.coef_, plain.coef_, rtol=1e-6)


@every_solver
@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_columns_of_float32_far_from_zero(shift, solver):
    rng = np.random.default_rng(6)
    X = np.round(rng.standard_normal((500, 2)) * 64) + np.array([shift, 0.0])
    y = (X[:, 0] - shift > 64 * rng.logistic(size=500)).astype(int)
    narrow = X.astype(np.float32)
    assert np.array_equal(narrow, X)
    model = fit(narrow, y, solver=solver)
    assert model.converged_
    assert assert_honest(model, X, y) <= model.tol


@every_solver
def test_many_rows_of_shifted_columns(solver):
    rng = np.random.default_rng(7)
    X = rng.standard_normal((60_000, 4))
    y = (X @ [1.0, -1.0, 0.5, 0.0] + rng.logistic(size=60_000) > 0).astype(int)
    shift, units = [1e8, 0.0, -1e5, 3e2], [1.0, 1e9, 1e-9, 1.0]
    plain, moved = fit(X, y, C=np.inf), fit((X + shift) * units, y, C=np.inf)
    for model in (plain, moved):
        assert model.status_.word == "converged"
    assert moved.objective_ == pytest.approx(plain.objective_, rel=2e-8)


def test_rows_of_zero_weight_do_not_affect_centering():
    X, y = shifted()
    weights = np.ones(len(X))
    weights[::2] = 0.0
    other = X.copy()
    other[::2] = 1e15 * np.random.default_rng(0).standard_normal(other[::2].shape)
    model = BinaryLogisticRegression().fit(other, y, weights)
    plain = BinaryLogisticRegression().fit(X[1::2], y[1::2])
    assert model.status_.word == "converged"
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-8)


@every_solver
@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("period", [100, 128, 7])
def test_periodic_rows_do_not_hide_the_variation_of_a_column(period, C, solver):
    rng = np.random.default_rng(14)
    place = np.arange(6400) % period
    y = (place - period / 2 > period / 4 * rng.logistic(size=6400)).astype(int)
    model = fit((1.7e9 + place)[:, None], y, C=C, solver=solver)
    centered = fit((place - place.mean())[:, None], y, C=C, solver=solver)
    assert model.converged_
    assert model.objective_ == pytest.approx(centered.objective_, rel=2e-8)


@every_solver
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_a_value_shared_by_most_rows_does_not_hide_the_variation_of_a_column(C, solver):
    rng = np.random.default_rng(15)
    days = np.zeros(6400)
    days[rng.integers(0, 6400, 60)] = rng.integers(1, 1000, 60)
    x = rng.standard_normal(6400)
    y = (x + days / 200 + rng.logistic(size=6400) > 0).astype(int)
    model = fit(np.column_stack([1.7e9 + days, x]), y, C=C, solver=solver)
    centered = fit(np.column_stack([days, x]), y, C=C, solver=solver)
    assert model.converged_
    assert model.objective_ == pytest.approx(centered.objective_, rel=2e-8)


@every_solver
@pytest.mark.parametrize("tol", [1e-1, 1e-2, 1e-4])
@pytest.mark.parametrize("seed", range(12))
def test_the_bound_holds_with_a_placeholder_for_a_missing_value(seed, tol, solver):
    # One time stamp is 0, a placeholder. It has almost all of the leverage.
    rng = np.random.default_rng(seed)
    t = 1.7e9 + np.floor(rng.random(300) * 86400)
    t[rng.integers(300)] = 0.0
    others = np.column_stack([rng.standard_normal(300), 1e4 + rng.poisson(5, 300)])
    y = (2 * others[:, 0] + rng.logistic(size=300) > 1).astype(int)
    X = np.column_stack([others, t])
    assert_honest(fit(X, y, tol=tol, solver=solver), X, y)


@every_solver
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("C", [1.0, 1e4])
def test_the_bound_holds_where_coefficients_are_rounded_to_float32(C, bias, solver):
    rng = np.random.default_rng(16)
    start = 1.7e5 + np.round(rng.random(400) * 200)
    end = start + np.round(1 + 20 * rng.random(400))
    y = (end - start - 10 > 3 * rng.logistic(size=400)).astype(int)
    X = np.column_stack([start, end, rng.standard_normal(400)]).astype(np.float32)
    params = {"C": C, **BIASES[bias]}
    model = fit(X, y, solver=solver, **params)
    assert_honest(model, X.astype(np.float64), y, **params)


def test_a_direction_below_rounding_error_has_no_bound():
    # The last column equals the first minus 1e7, up to rounding errors of about 1e-9.
    # The data do not determine the coefficient of that difference.
    X, y = table(300, [0.0] * 3, [0] * 3, seed=8)
    X = np.column_stack([X + 1e7, X[:, 0]])
    for solver in SOLVERS:
        model = fit(X, y, C=np.inf, solver=solver)
        assert not model.converged_
        assert model.optimality_gap_ == 1.0
        assert model.status_.word == "stalled"


# ------------------------------------------------------------ redundant columns

COLLINEAR = {
    "constant": lambda X: np.column_stack([X, np.full(len(X), 3.7)]),
    "large constant": lambda X: np.column_stack([X, np.full(len(X), 1e9)]),
    "zeros": lambda X: np.column_stack([X, np.zeros(len(X))]),
    "repeated": lambda X: np.column_stack([X, X[:, 0], 7.0 * X[:, 1]]),
    "all categories": lambda X: np.column_stack([X, np.eye(5)[np.arange(len(X)) % 5]]),
}


@every_loss
@every_form
@pytest.mark.parametrize("name", COLLINEAR)
def test_both_solvers_agree_on_redundant_columns(name, form, loss):
    X, y = table(300, [0.0] * 3, [0] * 3, seed=9)
    X = FORMS[form](COLLINEAR[name](X))
    params = {"C": np.inf, "loss": loss, "tol": 1e-12}
    models = [fit(X, y, solver=solver, **params) for solver in SOLVERS]
    word = "converged" if loss == "cross_entropy" else "singular"
    assert [model.status_.word for model in models] == [word, word]
    np.testing.assert_allclose(
        models[0].predict_proba(X), models[1].predict_proba(X), atol=1e-5
    )
    weights = [model.weights_ for model in models]
    np.testing.assert_allclose(weights[0], weights[1], rtol=2e-2, atol=1e-4)


# ------------------------------------------------------------ extreme values


@every_loss
@every_solver
@every_form
@pytest.mark.parametrize("power", [-300, -160, 160, 300])
def test_features_of_any_magnitude(power, form, solver, loss):
    X, y = table(200, [0.0] * 3, [0] * 3, seed=10)
    plain = fit(X, y, C=np.inf, solver=solver, loss=loss)
    scaled = FORMS[form](X * 10.0**power)
    free = fit(scaled, y, C=np.inf, solver=solver, loss=loss)
    assert free.converged_
    assert free.objective_ == pytest.approx(plain.objective_, rel=1e-7)
    model = fit(scaled, y, solver=solver, loss=loss)
    assert model.converged_
    # Large features need only small coefficients, whose penalty is negligible. Small
    # features need large coefficients, which the penalty keeps near zero.
    kept = power > 0
    expected = plain if kept else fit(np.zeros_like(X), y, solver=solver, loss=loss)
    assert model.objective_ == pytest.approx(expected.objective_, rel=1e-7)


@every_loss
@every_solver
@every_form
@pytest.mark.parametrize("C", [1.0, np.inf])
def test_one_value_at_the_float64_maximum(C, form, solver, loss):
    X, y = table(200, [0.0] * 3, [0] * 3, seed=11)
    X[7, 1] = np.finfo(np.float64).max
    model = fit(FORMS[form](X), y, C=C, solver=solver, loss=loss)
    assert np.isfinite(model.weights_).all()
    # Relative to that value, all other values of the second column are negligible.
    without = fit(np.delete(X, 1, axis=1), y, C=C, solver=solver, loss=loss)
    assert model.objective_ <= without.objective_ * (1 + 1e-7)


@every_loss
@every_solver
def test_one_value_at_the_float64_maximum_among_many_rows(solver, loss):
    X, y = table(20_000, [0.0] * 2, [0] * 2, seed=12)
    X[7_777, 0] = np.finfo(np.float64).max
    model = fit(X, y, solver=solver, loss=loss)
    assert np.isfinite(model.weights_).all()
    without = fit(X[:, 1:], y, solver=solver, loss=loss)
    assert model.objective_ <= without.objective_ * (1 + 1e-7)


@every_loss
@every_solver
@every_form
def test_small_units_do_not_leave_the_coefficients_at_zero(form, solver, loss):
    X, y = table(400, [0.0] * 2, [0] * 2, seed=13)
    y = (X[:, 0] > np.median(X[:, 0])).astype(int)
    small = FORMS[form](X * 1e-6)
    model = fit(small, y, solver=solver, loss=loss)
    assert model.converged_
    assert model.coef_.any()
    assert model.score(small, y) > 0.9


@pytest.mark.parametrize("form", ["csr", "C"])
def test_words_of_a_few_rows_are_not_taken_for_constant_columns(form):
    # A single row has more values than are examined otherwise.
    n_rows, n_words, n_features = 40, 5, 1 << 18
    rng = np.random.default_rng(0)
    words = np.sort(rng.integers(0, n_features, (n_rows, n_words)), axis=1)
    ends = np.arange(0, words.size + 1, n_words)
    values = np.full(words.size, 0.3, dtype=np.float32)
    X = sparse.csr_array((values, words.ravel(), ends), shape=(n_rows, n_features))
    X = X if form == "csr" else X.toarray()
    assert coordinates_of(X, np.ones(1), centered=True, penalized=True) is None


def test_eigenvalues_are_found_where_divide_and_conquer_fails(monkeypatch):
    def fails(_matrix):
        raise np.linalg.LinAlgError

    matrix = np.random.default_rng(0).normal(size=(5, 5))
    matrix += matrix.T
    expected, _ = np.linalg.eigh(matrix)
    monkeypatch.setattr(np.linalg, "eigh", fails)
    values, vectors = eigenpairs(matrix)
    np.testing.assert_allclose(values, expected, rtol=1e-12)
    np.testing.assert_allclose(vectors * values @ vectors.T, matrix, atol=1e-12)


class TestOfManyMinimaOneOfLeastNormIsFound:
    """Without a penalty, directions that change no z leave coefficients undetermined.

    The norm is that in units in which each column has the same mean square.
    """

    PARAMS: ClassVar = {"C": np.inf, "tol": 1e-12}

    @pytest.mark.parametrize("n_rows", [60, 600])
    def test_whatever_the_start(self, n_rows):
        rng = np.random.default_rng(n_rows)
        X = rng.normal(size=(n_rows, 3)) * [1.0, 10.0, 0.1]
        others = np.zeros(n_rows), np.full(n_rows, 3.7)
        X = np.column_stack([X, X[:, 0] - X[:, 1], *others])
        y = rng.random(n_rows) < 1.0 / (1.0 + np.exp(-X[:, 0]))
        model = BinaryLogisticRegression(warm_start=True, **self.PARAMS).fit(X, y)
        first, direction = model.coef_[0], np.array([1.0, -1.0, 0.0, -1.0, 0.0, 0.0])
        terms = first * (X**2).mean(axis=0) * direction
        assert abs(terms.sum()) < 1e-9 * np.abs(terms).max()
        np.testing.assert_array_equal(first[4:], 0.0)
        model.coef_ = (first + 0.5 * direction + [0, 0, 0, 0, 2.0, 3.0])[None, :]
        second = model.fit(X, y).coef_[0]
        np.testing.assert_allclose(second, first, rtol=1e-6, atol=1e-12)
        assert model.optimality_gap_ <= 1e-12

    @pytest.mark.parametrize("fit_intercept", [True, False])
    def test_with_fewer_rows_than_columns(self, fit_intercept):
        rng = np.random.default_rng(0)
        X, q = rng.normal(size=(10, 20)), rng.uniform(0.1, 0.9, size=10)
        X *= rng.uniform(0.1, 10.0, size=20)
        params = self.PARAMS | {"soft_labels": True, "fit_intercept": fit_intercept}
        weights = rng.integers(1, 5, size=10)
        model = BinaryLogisticRegression(**params).fit(X, q, weights)
        # The predictions are exact, so the coefficients solve a linear system.
        ones = np.ones((10, int(fit_intercept)))
        sizes = np.sqrt(np.average(X**2, axis=0, weights=weights))
        logits = np.log(q / (1.0 - q))
        expected = np.linalg.lstsq(np.hstack([X / sizes, ones]), logits)[0][:20] / sizes
        close = {"rtol": 1e-5, "atol": 1e-7}
        np.testing.assert_allclose(model.coef_[0], expected, **close)
        rows = np.repeat(np.arange(10), weights)
        repeated = BinaryLogisticRegression(**params).fit(X[rows], q[rows])
        np.testing.assert_allclose(repeated.coef_[0], expected, **close)
