"""Invalid and extreme arguments: which raise an error, and with which message."""

import warnings

import numpy as np
import pandas as pd
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS, Reference
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg._objective import Objective

PREDICTIONS = (
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
)


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
    for method in PREDICTIONS:
        with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
            getattr(model, method)(convert(X))


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("max_iter", [0, 100])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_features_must_be_finite_even_in_rows_of_weight_zero(data, bad, max_iter, loss):
    X, y = data[0].copy(), data[1]
    weights = np.ones(150)
    X[5, 1], weights[5] = bad, 0.0
    with pytest.raises(ValueError, match=r"Input X contains (NaN|infinity)"):
        fit(X, y, weights, loss=loss, max_iter=max_iter)


def test_features_must_be_finite_where_the_loss_saturates(data):
    X, y = data[0].copy(), data[1]
    model = BinaryLogisticRegression(warm_start=True).fit(X, y)
    X[3, 0] = np.inf  # the loss of this row is 0 or infinite, and its slope 0 or 1
    with pytest.raises(ValueError, match="Input X contains infinity"):
        model.fit(X, y)


@pytest.mark.parametrize("max_iter", [0, 100])
@pytest.mark.parametrize("solver", SOLVERS)
def test_values_whose_squares_overflow(solver, max_iter):
    X = np.array([[1e200, 1.0], [-1e200, 2.0], [2e200, -1.0], [0.0, 1.0]])
    y = np.array([1, 0, 1, 0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = fit(X, y, solver=solver, max_iter=max_iter)
    assert np.isfinite(model.weights_).all()
    if max_iter == 0:
        assert model.objective_ == pytest.approx(4 * np.log(2))
    else:  # the first column separates the classes, and its penalty is negligible
        assert model.objective_ < 1e-6
        np.testing.assert_array_equal(model.predict(X), y)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_last_of_a_million_rows_must_be_finite(solver):
    X = np.ones((1_000_000, 1), dtype=np.float32)
    y = np.arange(len(X)) % 2
    X[-1] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN"):
        fit(X, y, solver=solver)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        (np.r_[np.ones(149), np.nan], "Input sample_weight contains NaN"),
        (np.r_[np.inf, np.ones(149)], "Input sample_weight contains infinity"),
        (
            np.r_[-1.0, np.ones(149)],
            "Negative values in data passed to `sample_weight`",
        ),
        (np.nan, "Input sample_weight contains NaN"),
        (np.inf, "Input sample_weight contains infinity"),
        (-1.0, "Negative values in data passed to `sample_weight`"),
        (0.0, "sample_weight"),
        (np.zeros(150), "sample_weight"),
        (np.ones(149), "sample_weight"),
        (np.ones((150, 2)), "sample_weight"),
        (np.ones(150, dtype=complex), "sample_weight"),
        ("balanced", "sample_weight"),
        (["heavy"] * 150, "sample_weight"),
    ],
)
def test_weights_must_be_finite_and_nonnegative(data, weights, words):
    with pytest.raises(ValueError, match=words):
        fit(*data, weights)


def test_weights_must_leave_two_classes(data):
    X, y = data
    with pytest.raises(ValueError, match="sample_weight leaves rows of only one class"):
        fit(X, y, (y == 1).astype(float))


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.r_[np.nan, np.ones(149)], "Input y contains NaN"),
        (np.r_[np.inf, np.ones(149)], "Input y contains infinity"),
        (np.ones(149), "X and y: .*inconsistent numbers of samples"),
        ([], "y"),
        (1, "y should be a 1d array"),
        (np.zeros((150, 2)), "y should be a 1d array"),
        (None, "requires y to be passed, but the target y is None"),
        (np.array([None, "a", "b"] * 50, dtype=object), "y"),
        (np.array([0, "a"] * 75, dtype=object), "y: Unknown label type"),
        (np.arange(150) % 2 * 1j, "y: Complex data not supported"),
        (np.linspace(0, 1, 150), "y: Unknown label type: continuous"),
        (np.arange(150) % 3, "y: Only binary classification is supported"),
        (sparse.csr_matrix(np.arange(150) % 2), "Sparse data was passed for y"),
    ],
)
def test_y_must_be_labels(data, y, words):
    with pytest.raises((ValueError, TypeError), match=words):
        fit(data[0], y)


def _with_a_word(X):
    X = X.astype(object)
    X[3, 2] = "red"
    return X


NO_TABLES = {
    "no rows": (np.zeros((0, 4)), r"X: Found array with 0 sample\(s\)"),
    "no columns": (np.zeros((150, 0)), r"X: Found array with 0 feature\(s\)"),
    "one dimension": (np.zeros(150), "X: Expected 2D array, got 1D"),
    "three dimensions": (np.zeros((150, 2, 2)), "X.*dim"),
    "a number": (3.0, "X: Expected 2D array, got scalar"),
    "nothing": (None, "X: Expected 2D array, got scalar"),
    "words": (np.full((150, 4), "a"), "X: could not convert string to float"),
    "a word": (_with_a_word(np.ones((150, 4))), "X: could not convert.*red"),
    "a column of words": (pd.DataFrame({"a": ["u"] * 150}), "X: could not convert"),
    "complex": (np.full((150, 4), 1j), "X: Complex data not supported"),
    "missing": (
        pd.DataFrame(np.ones((150, 4))).astype("Float64").mask(lambda d: d > 0),
        "Input X contains NaN",
    ),
}


@pytest.mark.parametrize("name", NO_TABLES)
def test_features_must_be_a_table_of_numbers(data, name):
    X, words = NO_TABLES[name]
    y = data[1][:0] if name == "no rows" else data[1]
    with pytest.raises((ValueError, TypeError), match=words):
        fit(X, y)


@pytest.mark.parametrize("method", PREDICTIONS)
@pytest.mark.parametrize(
    "name", ["no rows", "one dimension", "words", "complex", "missing"]
)
def test_features_to_predict_from_must_be_a_table_of_numbers(data, name, method):
    X, words = NO_TABLES[name]
    with pytest.raises(ValueError, match=words):
        getattr(fit(*data), method)(X)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"C": 0.0}, "'C'"),
        ({"fit_intercept": False, "absorb_bias": True}, "absorb_bias.*fit_intercept"),
        ({"class_weight": {0: -1.0}}, "class_weight"),
        ({"sample_weight": -np.ones(150)}, "sample_weight"),
        ({"y": np.ones(150)}, "y"),
    ],
)
def test_arguments_are_checked_before_the_objective_is_evaluated(
    data, monkeypatch, arguments, words
):
    def work(*args, **kwargs):
        raise AssertionError("the objective was evaluated")

    monkeypatch.setattr(Objective, "evaluate", work)
    X, y = data
    with pytest.raises(ValueError, match=words):
        fit(**{"X": X, "y": y} | arguments)


def test_constant_and_huge_columns_are_accepted():
    X, y = sample(100, 2)
    X = np.column_stack([X, np.full(100, 1e12), np.zeros(100), X[:, 0] * 1e100])
    model = fit(X, y)
    assert np.isfinite(model.weights_).all()
    objective = Reference(X, y)
    assert objective.residual(objective.theta(model)) < 1e-6
