"""Sample weights and class weights."""

import numpy as np
import pytest
from _problems import sample
from _reference import LOSSES, SOLVERS
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression

EVERY = pytest.mark.parametrize(
    ("loss", "solver"), [(loss, solver) for loss in LOSSES for solver in SOLVERS]
)


@pytest.fixture(scope="module")
def data():
    return sample(150, 4)


def fit(X, y, sample_weight=None, **params):
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


@EVERY
def test_integer_weights_equal_repetitions(data, loss, solver):
    X, y = data
    times = np.random.default_rng(0).integers(0, 4, 150)
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    weighted = fit(X, y, times, **params)
    repeated = fit(np.repeat(X, times, axis=0), np.repeat(y, times), **params)
    assert weighted.objective_ == pytest.approx(repeated.objective_, rel=1e-11)
    assert weighted.cost_ == pytest.approx(repeated.cost_, rel=1e-9)
    np.testing.assert_allclose(weighted.weights_, repeated.weights_, rtol=1e-6)


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_rows_of_weight_0_do_not_count_if_there_are_more_columns(C):
    X, y = sample(15, 30)
    weights = np.random.default_rng(0).integers(0, 3, 15)
    kept = weights > 0
    assert 0 < np.count_nonzero(kept) < 15
    params = {"C": C, "tol": 1e-12, "soft_labels": True}
    q = np.where(y == y.max(), 0.9, 0.1)
    every = fit(X, q, weights, **params)
    some = fit(X[kept], q[kept], weights[kept], **params)
    assert every.converged_
    assert every.optimality_gap_ <= 1e-12
    # Without a penalty, these are the weights of least norm.
    np.testing.assert_allclose(every.coef_, some.coef_, rtol=1e-9, atol=1e-12)


@EVERY
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_rows_of_zero_weight_are_ignored(data, class_weight, loss, solver):
    X, y = data
    weights = np.random.default_rng(1).exponential(size=150)
    gone = np.arange(150) % 3 == 0
    weights[gone] = 0.0
    X = X.copy()
    X[gone] *= 1e4  # outliers, if they were not ignored
    params = {"loss": loss, "solver": solver, "tol": 1e-12}
    params["class_weight"] = class_weight
    weighted = fit(X, y, weights, **params)
    without = fit(X[~gone], y[~gone], weights[~gone], **params)
    assert weighted.objective_ == pytest.approx(without.objective_, rel=1e-11)
    np.testing.assert_allclose(weighted.weights_, without.weights_, rtol=1e-6)


@pytest.mark.parametrize("weights", [None, np.arange(150.0)])
def test_class_weights_equal_sample_weights(data, weights):
    X, y = data
    base = np.ones(150) if weights is None else weights
    by_dict = fit(X, y, weights, class_weight={0: 0.5, 1: 3.0}, tol=1e-12)
    by_hand = fit(X, y, base * np.where(y == 1, 3.0, 0.5), tol=1e-12)
    np.testing.assert_allclose(by_dict.weights_, by_hand.weights_, rtol=1e-8)
    balanced = fit(X, y, weights, class_weight="balanced", tol=1e-12)
    total = base.sum() / 2
    shares = np.where(y == 1, total / base[y == 1].sum(), total / base[y == 0].sum())
    by_hand = fit(X, y, base * shares, tol=1e-12)
    np.testing.assert_allclose(balanced.weights_, by_hand.weights_, rtol=1e-8)


def test_weights_as_numbers_and_lists(data):
    X, y = data
    plain = fit(X, y)
    for weights in (1, 1.0, [1] * 150, np.ones(150, dtype=np.float32)):
        np.testing.assert_allclose(fit(X, y, weights).weights_, plain.weights_)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("unit", [1e-300, 1e-30, 1e30, 1e300])
def test_weights_of_any_magnitude(data, unit, loss):
    X, y = data
    plain = fit(X, y, loss=loss, C=np.inf)
    model = fit(X, y, np.full(150, unit), loss=loss, C=np.inf)
    np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-10)
    assert model.cost_ == pytest.approx(plain.cost_)


# ------------------------------------------------------------- class weights by label


@pytest.mark.parametrize(
    ("labels", "class_weight"),
    [
        (["0", "1"], {"0": 1.0, "1": 5.0}),
        (["01", "1"], {"1": 5.0}),
        (["no", "yes"], {np.str_("yes"): np.float32(5.0)}),
        (np.array(["no", "yes"], dtype=object), {"yes": 5}),
        ([0, 1], {1: 5.0}),
        ([0, 1], {1.0: 5.0}),
        ([0, 1], {np.int8(1): 5.0}),
        ([0, 1], {0: 1.0, 1: 5.0, 2: 7.0}),
        ([0.0, 1.0], {1: 5.0}),
        ([False, True], {1: 5.0}),
        ([False, True], {True: 5.0}),
    ],
)
def test_class_weights_are_matched_by_label(data, labels, class_weight):
    X, y = data
    model = fit(X, np.array(labels)[y], class_weight=class_weight)
    by_hand = fit(X, y, np.where(y == 1, 5.0, 1.0))
    np.testing.assert_allclose(model.weights_, by_hand.weights_, rtol=1e-9)


def test_empty_class_weight_has_no_effect(data):
    model = fit(*data, class_weight={})
    np.testing.assert_allclose(model.weights_, fit(*data).weights_, rtol=1e-9)


@pytest.mark.parametrize(
    ("labels", "class_weight", "words"),
    [
        (["01", "1"], {1: 5.0}, r"keys \[1\].* labels \['01', '1'\]"),
        (["0", "1"], {0: 1.0, 1: 5.0}, r"keys \[0, 1\].* labels \['0', '1'\]"),
        ([0, 1], {"1": 5.0}, r"keys \['1'\].* labels \[0, 1\]"),
        ([0, 1], {1: 5.0, 2: 7.0}, r"keys \[2\].* labels \[0\]"),
    ],
)
def test_class_weights_of_unknown_labels_raise(data, labels, class_weight, words):
    X, y = data
    with pytest.raises(ValueError, match=words):
        fit(X, np.array(labels)[y], class_weight=class_weight)


# ------------------------------------------------------------ a class of zero weight

BOUNDED = pytest.mark.parametrize(
    "params",
    [
        {"absorb_bias": True},
        {"fit_intercept": False},
        {"fit_intercept": False, "C": np.inf},
    ],
    ids=["absorbed bias", "no bias", "no bias, no penalty"],
)


def fit_of_one_class(X, label, *, absorb_bias=False, **params):
    """Fit rows of one class, with half of the rows negated and given the other label.

    Without a bias, negating a row negates its z, so that its loss does not change.
    """
    y = np.full(len(X), label)
    y[::2] = 1 - label
    if absorb_bias:
        X = np.column_stack([X, np.ones(len(X))])
    return fit(
        np.where(y[:, None] == label, X, -X), y, **{"fit_intercept": False} | params
    )


@EVERY
@BOUNDED
@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("n_samples", [150, 200_000])
def test_a_class_of_zero_weight(n_samples, label, params, loss, solver):
    X, y = sample(n_samples, 4)
    params = params | {"loss": loss, "solver": solver}
    model = fit(X, y, (y == label).astype(float), **params)
    expected = fit_of_one_class(X[y == label], label, **params)
    assert model.converged_
    assert model.objective_ == pytest.approx(expected.objective_, rel=2e-8)


@pytest.mark.parametrize("class_weight", [None, {0: 2.0, 1: 3.0}])
def test_a_class_of_zero_weight_agrees_with_scikit_learn(data, class_weight):
    X, y = data
    params = {"fit_intercept": False, "class_weight": class_weight, "tol": 1e-10}
    model = fit(X, y, y, **params)
    expected = LogisticRegression(**params, solver="newton-cholesky").fit(X, y, y)
    np.testing.assert_allclose(model.coef_, expected.coef_, rtol=1e-6)


def test_one_class_on_one_side_of_the_origin_has_no_minimum():
    X, y = sample(150, 3)
    with pytest.warns(ConvergenceWarning, match="separated"):
        model = fit(np.abs(X), y, y, fit_intercept=False, C=np.inf)
    assert model.status_.word == "separable"


@pytest.mark.parametrize(
    ("labels", "shown"),
    [
        ([0, 1], "1"),
        (["no", "yes"], "'yes'"),
        ([0.0, 1.0], "1.0"),
        ([0 > 1, True], "True"),
    ],
)
@pytest.mark.parametrize(
    ("params", "remedy"),
    [
        ({}, "set absorb_bias=True with a finite C"),
        ({"C": np.inf}, "set absorb_bias=True with a finite C"),
        ({"C": np.inf, "absorb_bias": True}, "set absorb_bias=True with a finite C"),
        ({"class_weight": "balanced", "absorb_bias": True}, "class_weight='balanced'"),
    ],
)
def test_a_class_of_zero_weight_raises_if_both_classes_are_needed(
    data, params, remedy, labels, shown
):
    X, y = data
    words = f"every row of class {shown} has weight 0.*{remedy}"
    with pytest.raises(ValueError, match=words):
        fit(X, np.array(labels)[y], 1 - y, **params)


def test_bagging_of_rare_events(data):
    X = data[0]
    y = (np.arange(150) < 2).astype(int)
    model = BinaryLogisticRegression(absorb_bias=True)
    bagged = BaggingClassifier(model, n_estimators=20, random_state=0).fit(X, y)
    drawn = [y[rows].any() for rows in bagged.estimators_samples_]
    assert not all(drawn)
    assert all(member.converged_ for member in bagged.estimators_)
    assert np.isfinite(bagged.predict_proba(X)).all()


# -------------------------------------------------------------------- large weights


@EVERY
@pytest.mark.parametrize("C", [1.0, np.inf])
@pytest.mark.parametrize("class_weight", [None, {0: 1, 1: 2}, "balanced"])
def test_weights_whose_sum_overflows(data, class_weight, C, loss, solver):
    X, y = data
    params = {"class_weight": class_weight, "loss": loss, "solver": solver}
    plain = fit(X, y, C=C, **params)
    model = fit(X, y, np.full(150, 1e307), C=C / 1e307, **params)
    assert model.converged_
    assert model.cost_ == pytest.approx(plain.cost_, rel=1e-12)
    np.testing.assert_allclose(model.weights_, plain.weights_, rtol=1e-9)


@pytest.mark.parametrize(
    ("weight", "class_weight"),
    [(1e307, {0: 1, 1: 100}), (1e-200, {0: 1e-200, 1: 1}), (1e-300, {0: 1e-300})],
)
def test_products_of_weights_that_overflow_or_underflow_raise(
    data, weight, class_weight
):
    with pytest.raises(ValueError, match="sample_weight and class_weight"):
        fit(*data, weight, class_weight=class_weight)
