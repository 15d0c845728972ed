"""Use with scikit-learn: pipelines, searches, meta-estimators, metadata routing."""

import numpy as np
import pandas as pd
import pytest
from _problems import sample
from _reference import LOSSES
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from sk_logreg import BinaryLogisticRegression


@pytest.fixture(scope="module")
def cancer():
    return load_breast_cancer(return_X_y=True)


@pytest.fixture(scope="module")
def data():
    return sample(150, 4)


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.mark.parametrize("loss", LOSSES)
def test_pipeline(cancer, loss):
    X, y = cancer
    model = make_pipeline(StandardScaler(), BinaryLogisticRegression(loss=loss))
    assert model.fit(X, y).score(X, y) > 0.97
    assert model.predict_proba(X).shape == (len(X), 2)


def test_pipeline_with_sparse_columns():
    frame = pd.DataFrame({"city": ["Bern", "Basel", "Genf"] * 20, "age": range(60)})
    y = np.r_[np.zeros(25), np.ones(35)]
    columns = make_column_transformer(
        (OneHotEncoder(), ["city"]), (StandardScaler(), ["age"]), sparse_threshold=1.0
    )
    model = make_pipeline(columns, BinaryLogisticRegression()).fit(frame, y)
    assert model.score(frame, y) > 0.9


def test_same_scores_as_logistic_regression_in_cross_validation(cancer):
    X, y = cancer
    X = StandardScaler().fit_transform(X)
    ours, theirs = (
        cross_val_score(model, X, y, cv=3, scoring="neg_log_loss")
        for model in (
            BinaryLogisticRegression(tol=1e-12),
            LogisticRegression(solver="newton-cholesky", tol=1e-10),
        )
    )
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_grid_search_over_loss_bias_and_penalty_strength(data):
    grid = {
        "loss": ["cross_entropy", "squared_error"],
        "C": [0.1, 1.0, 10.0],
        "absorb_bias": [False, True],
    }
    search = GridSearchCV(BinaryLogisticRegression(), grid, cv=3, error_score="raise")
    search.fit(*data)
    assert len(search.cv_results_["params"]) == 12
    scores = search.cv_results_["mean_test_score"]
    assert search.best_score_ == scores.max() > 0.6
    assert search.best_estimator_.get_params().items() >= search.best_params_.items()


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_classifier(data, method):
    X, y = data
    calibrated = CalibratedClassifierCV(BinaryLogisticRegression(), method=method, cv=3)
    probabilities = calibrated.fit(X, y).predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    assert calibrated.score(X, y) > 0.6


@pytest.mark.parametrize("place", ["first", "final"])
def test_stacking(data, place):
    X, y = data
    model, tree = BinaryLogisticRegression(), DecisionTreeClassifier(max_depth=2)
    first, final = (model, tree) if place == "first" else (tree, model)
    stack = StackingClassifier([("first", first)], final, cv=3).fit(X, y)
    assert stack.score(X, y) > 0.6


def test_other_meta_estimators(data):
    X, y = data
    plain = BinaryLogisticRegression().fit(X, y)
    vote = VotingClassifier([("a", clone(plain)), ("b", clone(plain))], voting="soft")
    np.testing.assert_allclose(
        vote.fit(X, y).predict_proba(X), plain.predict_proba(X), rtol=1e-12
    )
    bag = BaggingClassifier(clone(plain), n_estimators=3, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.6
    out_of_fold = cross_val_predict(clone(plain), X, y, cv=3, method="predict_proba")
    assert out_of_fold.shape == (150, 2)


def test_feature_selection_by_coefficients(data):
    X, y = data
    strongest = np.abs(BinaryLogisticRegression().fit(X, y).coef_[0]).argmax()
    chosen = RFE(BinaryLogisticRegression(), n_features_to_select=1).fit(X, y)
    assert chosen.support_[strongest]
    chosen = SelectFromModel(BinaryLogisticRegression(), max_features=1).fit(X, y)
    assert np.flatnonzero(chosen.get_support()).tolist() == [strongest]


def test_three_classes_need_one_vs_rest():
    X, y = load_iris(return_X_y=True)
    words = r"Only binary classification is supported\. The type of the target is multi"
    with pytest.raises(ValueError, match=words):
        BinaryLogisticRegression().fit(X, y)
    ours = OneVsRestClassifier(BinaryLogisticRegression(tol=1e-12)).fit(X, y)
    peer = LogisticRegression(solver="newton-cholesky", tol=1e-10)
    theirs = OneVsRestClassifier(peer).fit(X, y)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6
    )


# -------------------------------------------------------------------- routing


@pytest.mark.usefixtures("routing")
def test_sample_weight_through_a_pipeline(data):
    X, y = data
    weights = np.random.default_rng(0).exponential(size=len(y))
    model = BinaryLogisticRegression().set_fit_request(sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(scaler, model).fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    direct = BinaryLogisticRegression().fit(scaled, y, weights)
    np.testing.assert_array_equal(pipeline[-1].coef_, direct.coef_)


@pytest.mark.usefixtures("routing")
def test_sample_weight_through_grid_search(data):
    X, y = data
    weights = np.random.default_rng(0).exponential(size=len(y))
    model = BinaryLogisticRegression()
    model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(model, {"C": [0.1, 10.0]}, cv=3)
    search.fit(X, y, sample_weight=weights)
    direct = BinaryLogisticRegression(**search.best_params_).fit(X, y, weights)
    np.testing.assert_array_equal(search.best_estimator_.coef_, direct.coef_)


@pytest.mark.usefixtures("routing")
def test_unrequested_sample_weight_raises(data):
    X, y = data
    with pytest.raises(ValueError, match="sample_weight"):
        cross_validate(
            BinaryLogisticRegression(), X, y, params={"sample_weight": np.ones(len(y))}
        )


def test_sample_weight_with_the_prefix_of_the_step(data):
    X, y = data
    weights = np.random.default_rng(0).exponential(size=len(y))
    pipeline = make_pipeline(BinaryLogisticRegression())
    pipeline.fit(X, y, binarylogisticregression__sample_weight=weights)
    direct = BinaryLogisticRegression().fit(X, y, weights)
    np.testing.assert_array_equal(pipeline[-1].coef_, direct.coef_)
