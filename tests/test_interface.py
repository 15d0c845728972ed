"""The interface: parameters, labels, predictions, data frames, files, logging."""

import copy
import inspect
import io
import logging
import pickle
import re

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
import skops.io
from _problems import sample
from _reference import LOSSES, SOLVERS
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning, NotFittedError
from sklearn.linear_model import LogisticRegression

from sk_logreg import BinaryLogisticRegression, __version__


@pytest.fixture(scope="module")
def data():
    return sample(120, 3)


@pytest.fixture(scope="module")
def model(data):
    return BinaryLogisticRegression().fit(*data)


# ----------------------------------------------------------------- parameters


def documented_defaults():
    """Return the defaults that the docstring of the estimator states."""
    text = inspect.getdoc(BinaryLogisticRegression)
    section = text.partition("Parameters\n-----")[2].partition("Attributes\n-----")[0]
    found = re.findall(r"^(\w+) : .*\bdefault=(.+)$", section, re.MULTILINE)
    return {name: eval(value, {"np": np}) for name, value in found}


def test_the_defaults_match_the_docstring():
    parameters = inspect.signature(BinaryLogisticRegression).parameters
    defaults = {name: p.default for name, p in parameters.items()}
    assert documented_defaults() == defaults
    assert BinaryLogisticRegression().get_params() == defaults
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())


@pytest.mark.parametrize(
    "name", ["C", "fit_intercept", "class_weight", "max_iter", "warm_start", "verbose"]
)
def test_defaults_match_logistic_regression(name):
    own, other = BinaryLogisticRegression(), LogisticRegression()
    assert own.get_params()[name] == other.get_params()[name]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("loss", "log_loss"),
        ("loss", None),
        ("C", 0.0),
        ("C", -1.0),
        ("C", np.nan),
        ("C", "1"),
        ("fit_intercept", "yes"),
        ("absorb_bias", 2),
        ("class_weight", "balance"),
        ("class_weight", [1, 2]),
        ("solver", "lbfgs"),
        ("tol", -1e-3),
        ("tol", np.nan),
        ("tol", "fine"),
        ("max_iter", -1),
        ("max_iter", 1.5),
        ("n_init", 0),
        ("n_init", 2.0),
        ("warm_start", "no"),
        ("random_state", "seed"),
        ("random_state", -1),
        ("verbose", -1),
        ("verbose", "loud"),
    ],
)
def test_the_error_names_the_invalid_parameter(data, name, value):
    with pytest.raises((ValueError, TypeError), match=rf"'{name}'"):
        BinaryLogisticRegression(**{name: value}).fit(*data)


def test_absorb_bias_requires_fit_intercept(data):
    model = BinaryLogisticRegression(fit_intercept=False, absorb_bias=True)
    with pytest.raises(ValueError, match=r"absorb_bias=True.*fit_intercept=False"):
        model.fit(*data)


@pytest.mark.parametrize(
    "class_weight",
    [{0: 1.0, 1: -1.0}, {0: 0.0, 1: 1.0}, {0: np.inf}, {0: np.nan}, {0: "heavy"}],
)
def test_class_weights_must_be_positive(data, class_weight):
    with pytest.raises(ValueError, match="class_weight"):
        BinaryLogisticRegression(class_weight=class_weight).fit(*data)


def test_class_weight_of_an_unknown_label_raises(data):
    with pytest.raises(ValueError, match=r"'spam'|class_weight|classes"):
        BinaryLogisticRegression(class_weight={"spam": 2.0}).fit(*data)


def test_clone_and_set_params(data):
    model = BinaryLogisticRegression(C=3.0, loss="squared_error", random_state=1)
    other = clone(model.fit(*data))
    assert other.get_params() == model.get_params()
    assert not hasattr(other, "coef_")
    assert other.set_params(C=np.inf, absorb_bias=True) is other
    assert (other.C, other.absorb_bias) == (np.inf, True)
    with pytest.raises(ValueError, match="penalty"):
        other.set_params(penalty="l1")


def test_fit_does_not_change_parameters(data):
    params = {"class_weight": {0: 1.0, 1: 2.0}, "random_state": 3}
    model = BinaryLogisticRegression(**params)
    before = copy.deepcopy(model.get_params())
    assert model.fit(*data) is model
    assert model.get_params() == before


# --------------------------------------------------------------------- labels


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ("no", "yes"),
        ("10", "9"),
        (False, True),
        (-1, 1),
        (3, 7),
        (0.0, 1.0),
        (-2.0, 5.0),
        (np.uint8(0), np.uint8(255)),
        (np.iinfo(np.int64).min, np.iinfo(np.int64).max),
    ],
)
def test_labels_of_any_kind(data, model, negative, positive):
    X, y = data
    labels = np.where(y == 1, positive, negative)
    if negative == "no":
        labels = labels.astype(
            object
        )  # scikit-learn accepts labels of type object only if they are strings
    other = BinaryLogisticRegression().fit(X, labels)
    assert other.classes_.tolist() == [negative, positive]
    assert other.classes_.dtype == labels.dtype
    np.testing.assert_array_equal(other.coef_, model.coef_)
    predicted = other.predict(X)
    assert predicted.dtype == labels.dtype
    np.testing.assert_array_equal(predicted == positive, model.predict(X) == 1)


def test_labels_in_a_list_a_column_and_a_series(data, model):
    X, y = data
    for labels in (y.tolist(), pd.Series(y), pd.Series(y).astype("category")):
        other = BinaryLogisticRegression().fit(X, labels)
        np.testing.assert_array_equal(other.coef_, model.coef_)


def test_classes_are_sorted(data):
    X, y = data
    assert BinaryLogisticRegression().fit(X, 1 - y).classes_.tolist() == [0, 1]
    names = np.array(["b", "a"])[y]
    other = BinaryLogisticRegression().fit(X, names)
    assert other.classes_.tolist() == ["a", "b"]
    swapped = BinaryLogisticRegression().fit(X, 1 - y)
    np.testing.assert_array_equal(other.coef_, swapped.coef_)


@pytest.mark.parametrize("label", ["only", 0, True, 1.0])
def test_labels_of_one_class_raise(data, label):
    words = f"2 classes.*only one class: {label!r}$"
    with pytest.raises(ValueError, match=words):
        BinaryLogisticRegression().fit(data[0], np.full(120, label))


@pytest.mark.parametrize("y", [np.linspace(0, 1, 120), np.r_[0.0, 1.0, [0.5] * 118]])
def test_continuous_labels_raise(data, y):
    with pytest.raises(ValueError, match=r"label|continuous"):
        BinaryLogisticRegression().fit(data[0], y)


# ---------------------------------------------------------------- predictions


def test_shapes_and_types_of_the_fitted_attributes(model):
    assert model.coef_.shape == (1, 3)
    assert model.intercept_.shape == (1,)
    assert model.n_features_in_ == 3
    assert model.converged_ is True
    assert isinstance(model.objective_, float)
    assert isinstance(model.cost_, float)
    assert isinstance(model.optimality_gap_, float)
    assert model.status_.word == "converged"
    assert str(model.status_).startswith("converged: ")
    weights = np.concatenate([model.intercept_, model.coef_[0]])
    np.testing.assert_array_equal(model.weights_, weights)


def test_objective_and_cost_are_the_documented_formulas(data):
    X, y = data
    s = np.random.default_rng(0).exponential(size=120)
    model = BinaryLogisticRegression(C=0.7).fit(X, y, s)
    losses = np.logaddexp(0, np.where(y == 1, -1, 1) * model.decision_function(X))
    penalty = 0.5 * (model.coef_**2).sum()
    assert model.objective_ == pytest.approx(0.7 * (s @ losses) + penalty, rel=1e-12)
    assert model.cost_ == pytest.approx((s @ losses) / s.sum(), rel=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_predictions_agree_with_one_another(data, loss):
    X, y = data
    model = BinaryLogisticRegression(loss=loss).fit(X, y)
    z = model.decision_function(X)
    np.testing.assert_allclose(z, X @ model.coef_[0] + model.intercept_[0], rtol=1e-12)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-14)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0, rtol=4e-16)
    logs = model.predict_log_proba(X)
    np.testing.assert_allclose(logs, np.log(probabilities), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X), (z > 0).astype(int))
    assert model.score(X, y) == (model.predict(X) == y).mean()


@pytest.mark.parametrize("z", [-700.0, -40.0, -36.8, 0.0, 36.8, 40.0, 700.0])
def test_small_probabilities_have_a_small_relative_error(z):
    model = BinaryLogisticRegression().fit([[0.0], [1.0]], [0, 1])
    model.coef_, model.intercept_ = np.ones((1, 1)), np.zeros(1)
    [[low, high]] = model.predict_proba([[z]])
    assert low == pytest.approx(np.exp(-np.logaddexp(0, z)), rel=1e-13)
    assert high == pytest.approx(np.exp(-np.logaddexp(0, -z)), rel=1e-13)
    assert min(low, high) > 0
    [[log_low, log_high]] = model.predict_log_proba([[z]])
    assert log_low == pytest.approx(-np.logaddexp(0, z), rel=1e-14)
    assert log_high == pytest.approx(-np.logaddexp(0, -z), rel=1e-14)


def test_log_probabilities_are_finite_for_extreme_z():
    model = BinaryLogisticRegression().fit([[0.0], [1.0]], [0, 1])
    model.coef_, model.intercept_ = np.ones((1, 1)), np.zeros(1)
    logs = model.predict_log_proba([[-1e300], [1e300]])
    np.testing.assert_array_equal(logs, [[0.0, -1e300], [-1e300, 0.0]])


@pytest.mark.parametrize(
    "method", ["predict", "predict_proba", "predict_log_proba", "decision_function"]
)
def test_prediction_needs_a_fit_and_the_same_features(data, model, method):
    with pytest.raises(NotFittedError):
        getattr(BinaryLogisticRegression(), method)(data[0])
    with pytest.raises(ValueError, match=r"X has 2 features.* 3 features"):
        getattr(model, method)(data[0][:, :2])


def test_weights_need_a_fit():
    with pytest.raises(NotFittedError):
        _ = BinaryLogisticRegression().weights_


# --------------------------------------------------------------------- frames


def test_pandas_frame(data, model):
    X, y = data
    names = ["height", "width", "depth"]
    frame = pd.DataFrame(X, columns=names)
    other = BinaryLogisticRegression().fit(frame, pd.Series(y))
    assert other.feature_names_in_.tolist() == names
    np.testing.assert_allclose(other.coef_, model.coef_, rtol=1e-9)
    np.testing.assert_allclose(other.predict_proba(frame), model.predict_proba(X))
    with pytest.raises(ValueError, match="feature names"):
        other.predict(frame[names[::-1]])
    with pytest.warns(UserWarning, match="feature names"):
        other.predict(X)


def test_polars_frame(data, model):
    X, y = data
    frame = pl.DataFrame(X, schema=["height", "width", "depth"])
    other = BinaryLogisticRegression().fit(frame, pl.Series("target", y))
    assert other.feature_names_in_.tolist() == ["height", "width", "depth"]
    np.testing.assert_allclose(other.coef_, model.coef_, rtol=1e-9)
    np.testing.assert_allclose(other.predict_proba(frame), model.predict_proba(X))


def test_frame_of_mixed_numbers(data):
    X, y = data
    frame = pd.DataFrame(
        {"a": X[:, 0], "b": (X[:, 1] > 0), "c": (9 * X[:, 2]).astype(int)}
    )
    model = BinaryLogisticRegression().fit(frame, y)
    plain = BinaryLogisticRegression().fit(frame.to_numpy(dtype=float), y)
    np.testing.assert_allclose(model.coef_, plain.coef_, rtol=1e-9)


def test_a_fit_without_feature_names_removes_them(data):
    X, y = data
    model = BinaryLogisticRegression().fit(pd.DataFrame(X, columns=list("abc")), y)
    model.fit(X, y)
    assert not hasattr(model, "feature_names_in_")


# ---------------------------------------------------------- files, log, display


def _through_joblib(model):
    file = io.BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return joblib.load(file)


def _through_skops(model):
    dumped = skops.io.dumps(model)
    types = skops.io.get_untrusted_types(data=dumped)
    assert types == ["sk_logreg._estimator.BinaryLogisticRegression"]
    return skops.io.loads(dumped, trusted=types)


every_way = pytest.mark.parametrize(
    "travel",
    [lambda m: pickle.loads(pickle.dumps(m)), _through_joblib, _through_skops],
    ids=["pickle", "joblib", "skops"],
)


@every_way
@pytest.mark.parametrize("loss", LOSSES)
def test_round_trip(data, travel, loss):
    X, y = data
    model = BinaryLogisticRegression(loss=loss, C=2.0).fit(X, y)
    other = travel(model)
    assert other.get_params() == model.get_params()
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert other.status_ == model.status_
    assert other.history_ == model.history_
    assert other.objective_ == model.objective_


@every_way
def test_a_file_of_another_version_warns(model, data, monkeypatch, travel):
    kept = model.__getstate__() | {"_sk_logreg_version": "0.0.1"}
    monkeypatch.setattr(BinaryLogisticRegression, "__getstate__", lambda self: kept)
    words = "estimator BinaryLogisticRegression from version 0.0.1 when using version"
    with pytest.warns(InconsistentVersionWarning, match=f"{words} {__version__}"):
        other = travel(model)
    assert vars(other).keys() == vars(model).keys()
    np.testing.assert_array_equal(
        other.predict_proba(data[0]), model.predict_proba(data[0])
    )


def test_html_and_text_representation(model):
    assert repr(BinaryLogisticRegression(C=2.0)) == "BinaryLogisticRegression(C=2.0)"
    html = model._repr_html_()
    assert "BinaryLogisticRegression" in html
    assert BinaryLogisticRegression()._repr_html_()


@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_goes_through_logging(data, caplog, capfd, solver):
    with caplog.at_level(logging.INFO, logger="sk_logreg"):
        BinaryLogisticRegression(solver=solver).fit(*data)
        assert not caplog.records
        model = BinaryLogisticRegression(solver=solver, verbose=1).fit(*data)
    assert len(caplog.records) == model.n_iter_[0]
    assert {record.name for record in caplog.records} == {"sk_logreg"}
    assert all("objective" in record.getMessage() for record in caplog.records)
    assert capfd.readouterr().out == ""


def test_verbose_does_not_change_the_logger(data):
    logger = logging.getLogger("sk_logreg")
    before = logger.level, list(logger.handlers)
    BinaryLogisticRegression(verbose=1).fit(*data)
    assert (logger.level, logger.handlers) == before
