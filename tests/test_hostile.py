"""What is not taken, and what is said about it."""

import warnings

import numpy as np
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS, Reference
from scipy import sparse

from sk_logreg import BinaryLogisticRegression


@pytest.fixture(scope="module")
def data():
    return sample(150, 4)


def fit(X, y, sample_weight=None, **params):
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("convert", [np.array, np.asfortranarray, sparse.csr_matrix])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("row", [0, 77, 149])
@pytest.mark.parametrize("solver", SOLVERS)
def test_features_must_be_finite(data, bad, convert, dtype, row, solver):
    X, y = data[0].astype(dtype), data[1]
    model = fit(convert(X), y)
    X[row, 2] = bad
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        fit(convert(X), y, solver=solver)
    for method in ("predict", "predict_proba", "decision_function"):
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            getattr(model, method)(convert(X))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("max_iter", [0, 100])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_must_be_finite_even_where_it_has_no_weight(data, bad, max_iter, loss):
    X, y = data[0].copy(), data[1]
    weights = np.ones(150)
    X[5, 1], weights[5] = bad, 0.0
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        fit(X, y, weights, loss=loss, max_iter=max_iter)


def test_features_must_be_finite_where_warm_start_saturates(data):
    X, y = data[0].copy(), data[1]
    model = BinaryLogisticRegression(warm_start=True).fit(X, y)
    X[3, 0] = np.inf  # the loss there is 0 or infinite, its slope 0 or 1
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.fit(X, y)


@pytest.mark.parametrize("max_iter", [0, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_values_too_large_to_square(solver, max_iter):
    X = np.array([[1e200, 1.0], [-1e200, 2.0], [2e200, -1.0], [0.0, 1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            model = fit(X, [1, 0, 1, 0], solver=solver, max_iter=max_iter)
        except ValueError as error:
            assert "large" in str(error)  # noqa: PT017
        else:
            assert np.isfinite(model.weights_).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -1.0])
def test_weights_must_be_finite_and_not_negative(data, bad):
    weights = np.ones(150)
    weights[3] = bad
    with pytest.raises(ValueError, match=r"sample_weight|weight"):
        fit(*data, weights)


@pytest.mark.parametrize("weights", [np.ones(149), np.ones((150, 2)), np.zeros(150)])
def test_weights_must_fit(data, weights):
    with pytest.raises(ValueError, match=r"sample_weight|Sample weights"):
        fit(*data, weights)


def test_weights_must_leave_two_classes(data):
    X, y = data
    with pytest.raises(ValueError, match="sample_weight"):
        fit(X, y, (y == 1).astype(float))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.r_[np.nan, np.ones(149)], "y contains NaN"),
        (np.r_[np.inf, np.ones(149)], "y contains infinity"),
        (np.ones(149), "inconsistent numbers of samples"),
        (np.zeros((150, 2)), "y"),
        (None, "y"),
        (np.array([None, "a", "b"] * 50, dtype=object), "y|label"),
    ],
)
def test_y_must_be_labels(data, y, words):
    with pytest.raises((ValueError, TypeError), match=words):
        fit(data[0], y)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros((0, 3)), "sample"),
        (np.zeros((150, 0)), "feature"),
        (np.zeros(150), "2D array"),
        (np.zeros((150, 2, 2)), r"dim"),
        (np.full((150, 2), "a"), "convert"),
        (np.full((150, 2), 1j), "omplex"),
    ],
)
def test_features_must_be_a_table_of_numbers(data, X, words):
    y = data[1][: len(X)]
    with pytest.raises(ValueError, match=words):
        fit(X, y)


def test_constant_and_huge_columns_are_taken():
    X, y = sample(100, 2)
    X = np.column_stack([X, np.full(100, 1e12), np.zeros(100), X[:, 0] * 1e100])
    model = fit(X, y)
    assert np.isfinite(model.weights_).all()
    objective = Reference(X, y)
    assert objective.residual(objective.theta(model)) < 1e-6
