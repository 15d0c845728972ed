"""Properties that hold for any data, tested on data that Hypothesis generates."""

import warnings

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from _reference import BIASES, LOSSES, SOLVERS, Reference
from hypothesis import assume, example, given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression

every_solver = pytest.mark.parametrize("solver", SOLVERS)
values = st.one_of(
    st.floats(-10, 10, allow_subnormal=False),
    st.integers(-3, 3).map(float),
    st.sampled_from([1e-6, -1e3, 1e4]),
)


@st.composite
def tables(draw, max_rows=25, max_columns=4, values=values):
    """Generate features of any values, and labels of both classes."""
    n_rows = draw(st.integers(3, max_rows))
    n_columns = draw(st.integers(1, max_columns))
    X = draw(hnp.arrays(np.float64, (n_rows, n_columns), elements=values))
    y = draw(hnp.arrays(np.int64, n_rows, elements=st.integers(0, 1)))
    assume(0 < y.sum() < n_rows)
    return X, y


def weights_of(y):
    """Generate sample weights, some of them zero, that keep rows of both classes."""
    weight = st.sampled_from([0.0, 1.0]) | st.floats(0.01, 100.0)
    weights = hnp.arrays(np.float64, len(y), elements=weight)
    return weights.filter(lambda s: s[y == 0].any() and s[y == 1].any())


#: A column for which, with the labels in the example below and without a penalty, the
#: squared error decreases towards a plateau at infinity.
FLAT_FAR_OUT = np.array([[6, 0, -1, -4, -6, 7, 6, -8, 8, 9, 0, -2, 0]]).T / 4

moderate_tables = tables(max_rows=15, values=st.floats(-10, 10, width=16))
strengths = st.floats(-3, 3).map(lambda power: 10.0**power)


def fit(X, y, sample_weight=None, **params):
    """Fit. pytest turns a warning into an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


def value(model, X, y, **params):
    reference = Reference(X, y, **params)
    return float(reference.value(reference.theta(model)))


@given(
    tables(),
    strengths,
    st.sampled_from([1e-1, 1e-4, 1e-8, 1e-12]),
    st.sampled_from(sorted(BIASES)),
    st.data(),
)
@every_solver
def test_the_gap_is_a_bound(solver, data, C, tol, bias, draw):
    X, y = data
    weights = draw.draw(st.none() | weights_of(y))
    form = draw.draw(st.sampled_from([np.array, np.asfortranarray, sparse.csr_array]))
    params = {"C": C, **BIASES[bias]}
    model = fit(form(X), y, weights, tol=tol, solver=solver, **params)
    reference = Reference(X, y, weights, **params)
    finest = fit(X, y, weights, tol=1e-14, **params)
    _, lowest = reference.minimum(reference.theta(finest), n_steps=20)
    found = reference.value(reference.theta(model))
    assert model.converged_
    assert (found - lowest) / found <= model.optimality_gap_ + 1e-13
    assert model.optimality_gap_ <= tol or model.status_.word == "rounding"


@given(moderate_tables, strengths)
@every_solver
def test_squared_error_ends_at_a_stationary_point_that_is_no_saddle(solver, data, C):
    X, y = data
    params = {"loss": "squared_error", "C": C}
    model = fit(X, y, solver=solver, **params)
    reference = Reference(X, y, **params)
    theta = reference.theta(model)
    assert model.converged_
    assert reference.scaled_eigenvalues(theta)[0] > -1e-8
    assert reference.residual(theta) < 1e-7
    at_zero = float(reference.value(np.zeros(len(theta))))
    assert model.objective_ <= at_zero * (1 + 1e-12)


@given(tables(), strengths, st.randoms(use_true_random=False))
@every_solver
def test_the_order_of_rows_and_columns_does_not_matter(solver, data, C, random):
    X, y = data
    rows, columns = list(range(len(X))), list(range(X.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    model = fit(X, y, C=C, tol=1e-12, solver=solver)
    other = fit(X[rows][:, columns], y[rows], C=C, tol=1e-12, solver=solver)
    assert other.objective_ == pytest.approx(model.objective_, rel=1e-11)
    moved = other.predict_proba(X[rows][:, columns])
    np.testing.assert_allclose(moved, model.predict_proba(X)[rows], atol=1e-4)


@given(moderate_tables, strengths)
@example((np.zeros((14, 1)), np.arange(14) % 7 // 6), 1.0)
@pytest.mark.parametrize("loss", LOSSES)
@every_solver
def test_swapping_the_labels_negates_the_coefficients(solver, loss, data, C):
    X, y = data
    params = {"C": C, "loss": loss, "solver": solver}
    model, swapped = fit(X, y, **params), fit(X, 1 - y, **params)
    np.testing.assert_array_equal(swapped.weights_, -model.weights_)
    assert swapped.objective_ == model.objective_


@given(tables(), strengths)
@every_solver
def test_the_sign_of_a_column_does_not_matter(solver, data, C):
    X, y = data
    signs = np.where(np.arange(X.shape[1]) % 2, 1.0, -1.0)
    model = fit(X, y, C=C, tol=1e-12, solver=solver)
    other = fit(X * signs, y, C=C, tol=1e-12, solver=solver)
    assert other.objective_ == pytest.approx(model.objective_, rel=1e-12)
    np.testing.assert_allclose(
        other.decision_function(X * signs), model.decision_function(X), atol=1e-6
    )


@given(tables(), st.integers(-30, 30))
@every_solver
def test_without_a_penalty_the_unit_of_a_column_does_not_matter(solver, data, power):
    X, y = data
    units = np.ones(X.shape[1])
    units[0] = 2.0**power
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # separable, singular
        model = fit(X, y, C=np.inf, solver=solver)
        other = fit(X * units, y, C=np.inf, solver=solver)
    assert other.status_.word == model.status_.word
    if model.converged_:
        assert other.objective_ == pytest.approx(model.objective_, rel=1e-7)
        np.testing.assert_allclose(
            other.predict_proba(X * units), model.predict_proba(X), atol=1e-3
        )


@given(tables(), strengths, st.data())
@every_solver
def test_integer_weights_equal_repetitions(solver, data, C, draw):
    X, y = data
    times = draw.draw(hnp.arrays(np.int64, len(y), elements=st.integers(0, 3)))
    assume(times[y == 1].sum() > 0)
    assume(times[y == 0].sum() > 0)
    weighted = fit(X, y, times, C=C, tol=1e-12, solver=solver)
    X, y = np.repeat(X, times, axis=0), np.repeat(y, times)
    repeated = fit(X, y, C=C, tol=1e-12, solver=solver)
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-11)


@given(moderate_tables, strengths, st.data())
@pytest.mark.parametrize("loss", LOSSES)
@every_solver
def test_rows_of_zero_weight_are_ignored(solver, loss, data, C, draw):
    X, y = data
    weights = draw.draw(weights_of(y))
    params = {"C": C, "loss": loss, "solver": solver, "tol": 1e-12}
    model = fit(X, y, weights, **params)
    kept = weights > 0.0
    without = fit(X[kept], y[kept], weights[kept], **params)
    if loss == "cross_entropy":
        assert model.objective_ == pytest.approx(without.objective_, rel=1e-11)
    expected = value(
        model, X[kept], y[kept], sample_weight=weights[kept], C=C, loss=loss
    )
    assert model.objective_ == pytest.approx(expected, rel=1e-11)


@given(moderate_tables, strengths, st.sampled_from(["f2", "f4", ">f8", "i1", "?"]))
@every_solver
def test_the_dtype_of_the_features_does_not_matter(solver, data, C, dtype):
    X, y = data
    X = X.astype(dtype)
    model = fit(X, y, C=C, tol=1e-12, solver=solver)
    plain = fit(X.astype(np.float64), y, C=C, tol=1e-12, solver=solver)
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-11)
    np.testing.assert_allclose(
        model.predict_proba(X), plain.predict_proba(X), atol=1e-5
    )


@given(
    tables(),
    strengths,
    st.sampled_from("CF"),
    *[st.integers(1, 3)] * 2,
    *[st.integers(0, 2)] * 2,
    *[st.sampled_from([1, -1])] * 2,
)
@every_solver
def test_the_memory_layout_of_the_features_does_not_matter(
    solver, data, C, order, step, stride, above, before, up, left
):
    X, y = data
    n_rows, n_columns = X.shape
    shape = above + step * n_rows, before + stride * n_columns
    view = np.full(shape, np.nan, order=order)[above::step, before::stride]
    view = view[::up, ::left]
    view[:] = X
    model = fit(view, y, C=C, tol=1e-12, solver=solver)
    plain = fit(X, y, C=C, tol=1e-12, solver=solver)
    assert model.objective_ == pytest.approx(plain.objective_, rel=1e-11)


@given(tables(), strengths)
@every_solver
def test_a_repeated_column_shares_its_coefficient(solver, data, C):
    X, y = data
    twice = np.column_stack([X, X[:, 0]])
    model = fit(twice, y, C=C, tol=1e-13, solver=solver)
    w = model.coef_[0]
    # Equal coefficients would lower F by (w₀ - w₋₁)²/4, which the gap bounds.
    assert 0.25 * (w[0] - w[-1]) ** 2 <= 1e-13 * model.objective_
    # Two columns of coefficient w have the penalty w². One column of coefficient 2w has
    # the penalty 2w². Scaling that column by √2 halves its penalty to w².
    once = X.copy()
    once[:, 0] *= np.sqrt(2)
    single = fit(once, y, C=C, tol=1e-13, solver=solver)
    assert model.objective_ == pytest.approx(single.objective_, rel=1e-11)


def test_the_last_steps_with_a_small_tol_do_not_raise_the_objective():
    # Conjugate gradients cannot solve the last linear systems of this problem. The
    # resulting step once raised F.
    X = np.array(
        [3, 3, 1e4, -1e3, 0, 1, 1e4, -4.71626185, 1e-6, 9, -1, -2, -5.52503614]
    )
    X = np.append(X, [1e4, -1, -1e3, -1e3, 1e-6, -4.68579949, 8.33947537, 1e-6])
    X, y, C = X[:, None], np.arange(21) == 13, 343.0375198941728
    for scaled in (X, np.sqrt(2) * X, np.column_stack([X, X])):
        found = fit(scaled, y, C=C, tol=1e-13, solver="newton-cg")
        plain = fit(scaled, y, C=C, tol=1e-13, solver="newton-cholesky")
        assert found.objective_ == pytest.approx(plain.objective_, rel=1e-12)


@given(moderate_tables, strengths, st.integers(0, 4))
@pytest.mark.parametrize("loss", LOSSES)
@every_solver
def test_a_column_of_zeros_has_a_coefficient_of_zero(solver, loss, data, C, place):
    X, y = data
    place = min(place, X.shape[1])
    params = {"C": C, "loss": loss, "solver": solver, "tol": 1e-12}
    model = fit(np.insert(X, place, 0.0, axis=1), y, **params)
    plain = fit(X, y, **params)
    assert model.coef_[0, place] == 0.0
    if loss == "cross_entropy":
        assert model.objective_ == pytest.approx(plain.objective_, rel=1e-11)


@given(moderate_tables, strengths)
@pytest.mark.parametrize("loss", LOSSES)
@every_solver
def test_sparse_and_dense_features_give_the_same_objective(solver, loss, data, C):
    X, y = data
    params = {"C": C, "loss": loss, "solver": solver, "tol": 1e-12}
    stored = fit(sparse.csr_matrix(X), y, **params)
    if loss == "cross_entropy":
        dense = fit(X, y, **params)
        assert stored.objective_ == pytest.approx(dense.objective_, rel=1e-11)
    assert stored.objective_ == pytest.approx(
        value(stored, X, y, C=C, loss=loss), rel=1e-11
    )


@given(moderate_tables, st.sampled_from([0.0, 1e-8]), st.integers(0, 4))
@example((FLAT_FAR_OUT, np.array([1, 0, 1, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0])), 0.0, 2)
@pytest.mark.parametrize("loss", LOSSES)
@every_solver
def test_without_a_penalty_the_fit_ends_with_a_status(
    solver, loss, data, tol, max_iter
):
    X, y = data
    params = {"C": np.inf, "loss": loss, "solver": solver, "tol": tol}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = fit(X, y, **params, max_iter=25 * max_iter)
    assert np.isfinite(model.weights_).all()
    assert all(issubclass(w.category, ConvergenceWarning) for w in caught)
    assert bool(caught) is not model.converged_
    assert 0.0 <= model.optimality_gap_ <= 1.0
    if model.status_.word == "separable":
        assert model.score(X, y) == 1.0
