"""`convexity_violation`: how far the cost lies above its chord on a segment."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import expit

from sk_logreg.losses import LOSSES, CrossEntropy, SquaredError, convexity_violation

EPS = np.finfo(float).eps


def cost(loss, X, y, weights):
    """Return J by its textbook formula."""
    p = expit(X @ weights[1:] + weights[0])
    if loss.convex:
        return -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean()
    return np.square(p - y).mean() / 2


def draw(seed, scale=1.0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((20, 3))
    return X, rng.integers(0, 2, 20), *(scale * rng.standard_normal((2, 4)))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e3))
def test_cross_entropy_is_never_above_its_chord(seed, scale):
    X, y, first, second = draw(seed, scale)
    found = convexity_violation(CrossEntropy(), X, y, first, second, n_points=65)
    z = np.abs([X @ ends[1:] + ends[0] for ends in (first, second)]).max()
    assert 0.0 <= found.amount <= 8 * EPS * (1.0 + z)


def test_squared_error_is_above_its_chord_somewhere():
    amounts = [
        convexity_violation(SquaredError(), *draw(k, 3.0), n_points=65)
        for k in range(20)
    ]
    assert max(found.amount for found in amounts) > 1e-3


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
def test_the_violation_matches_its_definition(loss):
    worst = 0.0
    for seed in range(20):
        X, y, first, second = draw(seed, 2.0)
        found = convexity_violation(loss, X, y, first, second, n_points=101)
        t = np.linspace(0.0, 1.0, 101)
        middle = [cost(loss, X, y, s * first + (1 - s) * second) for s in t]
        ends = cost(loss, X, y, first), cost(loss, X, y, second)
        above = middle - (t * ends[0] + (1 - t) * ends[1])
        assert found.amount == pytest.approx(above.max(), abs=1e-13)
        if found.amount > 1e-9:
            assert found.t == pytest.approx(t[above.argmax()])
        worst = max(worst, found.amount)
    assert (worst < 1e-13) == loss.convex


def test_convex_where_all_margins_are_at_least_minus_log_2():
    X = np.array([[1.0], [2.0]])
    ends = [-np.log(2.0) / 2], [5.0]  # margins at the first end: -log 2 / 2, -log 2
    assert convexity_violation(SquaredError(), X, [1, 1], *ends).amount <= 4 * EPS
    assert convexity_violation(SquaredError(), X, [1, 1], [-2.0], [0.0]).amount > 0.01


def test_swapping_the_ends_mirrors_t():
    X, y, first, second = draw(3, 3.0)
    one = convexity_violation(SquaredError(), X, y, first, second)
    other = convexity_violation(SquaredError(), X, y, second, first)
    assert one.amount == pytest.approx(other.amount)
    assert one.t == pytest.approx(1.0 - other.t)


def test_sparse_features_and_coefficients_without_a_bias():
    X, y, first, second = draw(5, 3.0)
    dense = convexity_violation(SquaredError(), X, y, first[1:], second[1:])
    thin = convexity_violation(
        SquaredError(), sparse.csr_array(X), y, first[1:], second[1:]
    )
    assert dense.amount == pytest.approx(thin.amount)


def test_inconsistent_arguments_raise():
    X, y, first, second = draw(0)
    with pytest.raises(ValueError, match="Both ends"):
        convexity_violation(SquaredError(), X, y, first, second[1:])
    with pytest.raises(ValueError, match="must have shape"):
        convexity_violation(SquaredError(), X, y, first[2:], second[2:])
    with pytest.raises(ValueError, match="n_points"):
        convexity_violation(SquaredError(), X, y, first, second, n_points=2)
