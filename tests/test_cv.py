"""BinaryLogisticRegressionCV: folds, scores, the choice, leave-one-out, the display."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegressionCV
from sklearn.metrics import brier_score_loss, log_loss, make_scorer
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler, scale
from sklearn.utils.estimator_checks import parametrize_with_checks
from sklearn.utils.fixes import parse_version

from sk_logreg import (
    BinaryLogisticRegression,
    BinaryLogisticRegressionCV,
    regularization_path,
)

# At larger values of C scikit-learn's scores of breast cancer hold rounding errors of
# 1 - p: 3e-6 at C = 100, 3e-4 at C = 1,000.
CS = np.geomspace(1e-3, 10.0, 4)
HAVE_NEW_ATTRIBUTES = parse_version(sklearn.__version__) >= parse_version("1.8")


def breast_cancer(n_samples=569):
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(0).permutation(len(y))[:n_samples]
    return scale(X)[rows], y[rows]


def synthetic(n_samples=200, n_features=6, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features))
    z = X @ np.linspace(2.0, -1.0, n_features) + 0.5
    return X, (z + rng.logistic(size=n_samples) > 0.0).astype(int)


@parametrize_with_checks(
    [
        BinaryLogisticRegressionCV(Cs=2, cv=3),
        BinaryLogisticRegressionCV(Cs=2, cv="alo", class_weight="balanced"),
    ]
)
def test_checks(estimator, check):
    check(estimator)


# ------------------------------------------------------------------- agreement


@pytest.mark.skipif(not HAVE_NEW_ATTRIBUTES, reason="scikit-learn < 1.8")
@pytest.mark.parametrize("data", [breast_cancer, synthetic])
@pytest.mark.parametrize("scoring", ["neg_log_loss", "neg_brier_score", "accuracy"])
def test_agrees_with_scikit_learn(data, scoring):
    X, y = data()
    weights = np.random.default_rng(1).uniform(0.5, 2.0, len(y))
    peer = LogisticRegressionCV(
        Cs=CS,
        l1_ratios=(0.0,),
        scoring=scoring,
        class_weight="balanced",
        solver="newton-cholesky",
        tol=1e-12,
        use_legacy_attributes=False,
    ).fit(X, y, sample_weight=weights)
    model = BinaryLogisticRegressionCV(
        Cs=CS, scoring=scoring, class_weight="balanced"
    ).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.scores_, peer.scores_, atol=1e-6)
    assert model.C_ == peer.C_
    assert (model.l1_ratio_, type(model.C_)) == (0.0, float)
    for name in ("scores_", "n_iter_", "coefs_paths_", "Cs_", "l1_ratios_"):
        assert getattr(model, name).shape == np.shape(getattr(peer, name))
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-3)


def test_default_grid_and_choice_are_those_of_scikit_learn():
    X, y = breast_cancer()
    model = BinaryLogisticRegressionCV().fit(X, y)
    np.testing.assert_allclose(model.Cs_, np.logspace(-4, 4, 10))
    assert pytest.approx(np.logspace(-4, 4, 10)[4]) == model.C_


@pytest.mark.parametrize("l1_ratio", [0.3, 1.0])
def test_each_fold_agrees_with_single_fits(l1_ratio):
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=6, l1_ratios=[l1_ratio], cv=3).fit(X, y)
    for k, (train, test) in enumerate(StratifiedKFold(3).split(X, y)):
        for c, C in enumerate(model.Cs_):
            single = BinaryLogisticRegression(C=C, l1_ratio=l1_ratio, tol=1e-12)
            single.fit(X[train], y[train])
            expected = -log_loss(y[test], single.predict_proba(X[test]))
            assert model.scores_[k, 0, c] == pytest.approx(expected, abs=1e-6)
            coef = model.coefs_paths_[k, 0, c, 0]
            assert ((coef[:-1] == 0.0) == (single.coef_[0] == 0.0)).all()


def test_refit_is_the_fit_at_the_choice():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=4, l1_ratios=(0.0, 1.0)).fit(X, y)
    single = BinaryLogisticRegression(C=model.C_, l1_ratio=model.l1_ratio_).fit(X, y)
    np.testing.assert_allclose(model.coef_, single.coef_, atol=1e-4)
    assert model.objective_ == pytest.approx(single.objective_)
    assert model.converged_
    assert model.optimality_gap_ <= model.tol
    mean = model.scores_.mean(axis=0)
    r = model.l1_ratios_.tolist().index(model.l1_ratio_)
    assert mean[r, model.Cs_.tolist().index(model.C_)] == mean.max()


def test_grid_of_the_lasso_is_that_of_the_path():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=5, l1_ratios=(1.0,)).fit(X, y)
    lasso = BinaryLogisticRegression(l1_ratio=1.0)
    np.testing.assert_allclose(
        model.Cs_, regularization_path(lasso, X, y, Cs=5).Cs, rtol=1e-6
    )


def test_grid_of_several_ratios_covers_all():
    X, y = synthetic()
    grids = [
        BinaryLogisticRegressionCV(Cs=3, l1_ratios=ratios, cv=2).fit(X, y).Cs_
        for ratios in [(0.5,), (1.0,), (0.0, 0.5, 1.0)]
    ]
    assert grids[2][0] == min(grids[0][0], grids[1][0])
    assert grids[2][-1] == pytest.approx(max(grids[0][-1], grids[1][-1]))


# ------------------------------------------------------------------- folds


def test_splitters():
    X, y = synthetic()
    splitter = KFold(3, shuffle=True, random_state=0)
    by_splitter = BinaryLogisticRegressionCV(Cs=CS, cv=splitter).fit(X, y)
    splits = list(splitter.split(X))
    by_iterable = BinaryLogisticRegressionCV(Cs=CS, cv=iter(splits)).fit(X, y)
    masks = [(np.isin(np.arange(len(y)), train), test) for train, test in splits]
    by_masks = BinaryLogisticRegressionCV(Cs=CS, cv=masks).fit(X, y)
    for other in (by_iterable, by_masks):
        np.testing.assert_array_equal(by_splitter.scores_, other.scores_)
    by_number = BinaryLogisticRegressionCV(Cs=CS, cv=3).fit(X, y)
    stratified = BinaryLogisticRegressionCV(Cs=CS, cv=StratifiedKFold(3)).fit(X, y)
    np.testing.assert_array_equal(by_number.scores_, stratified.scores_)


def test_groups_are_routed():
    X, y = synthetic()
    groups = np.arange(len(y)) % 4
    model = BinaryLogisticRegressionCV(Cs=CS, cv=GroupKFold(4))
    with pytest.raises(ValueError, match="metadata routing"):
        model.fit(X, y, groups=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        model.fit(X, y, groups=groups)
    splits = list(GroupKFold(4).split(X, y, groups))
    expected = BinaryLogisticRegressionCV(Cs=CS, cv=splits).fit(X, y)
    np.testing.assert_array_equal(model.scores_, expected.scores_)


def test_weights_are_routed_through_a_pipeline():
    X, y = synthetic()
    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        last = BinaryLogisticRegressionCV(Cs=CS)
        last.set_fit_request(sample_weight=True, offset=True)
        pipe = make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False), last
        )
        pipe.fit(X, y, sample_weight=weights, offset=0.1 * X[:, 0])
    alone = BinaryLogisticRegressionCV(Cs=CS)
    alone.fit(StandardScaler().fit_transform(X), y, weights, 0.1 * X[:, 0])
    np.testing.assert_array_equal(pipe[-1].scores_, alone.scores_)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_jobs_do_not_matter(backend):
    import joblib

    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=CS, l1_ratios=(0.0, 1.0), cv=3)
    alone = clone(model).fit(X, y)
    with joblib.parallel_backend(backend):
        together = clone(model).set_params(n_jobs=2).fit(X, y)
    for name in ("scores_", "coefs_paths_", "coef_"):
        np.testing.assert_allclose(
            getattr(alone, name), getattr(together, name), rtol=1e-12, atol=1e-14
        )


def test_sparse_and_dense_agree():
    X, y = synthetic()
    X = np.where(np.abs(X) > 1.0, X, 0.0)
    for cv in (3, "alo"):
        model = BinaryLogisticRegressionCV(Cs=CS, cv=cv)
        dense, csr = clone(model).fit(X, y), model.fit(sparse.csr_array(X), y)
        np.testing.assert_allclose(dense.scores_, csr.scores_, atol=1e-9)


# ------------------------------------------------------------------- scores


def test_scores_are_weighted_means_with_the_offset():
    X, y = synthetic()
    rng = np.random.default_rng(0)
    weights, offset = rng.uniform(0.5, 2.0, len(y)), rng.normal(size=len(y))
    splits = list(StratifiedKFold(3).split(X, y))
    for loss in ("cross_entropy", "squared_error"):
        model = BinaryLogisticRegressionCV(Cs=[1.0], cv=splits, loss=loss)
        model.fit(X, y, sample_weight=weights, offset=offset)
        metric = {"cross_entropy": log_loss, "squared_error": brier_score_loss}[loss]
        for (train, test), score in zip(splits, model.scores_.ravel(), strict=True):
            single = BinaryLogisticRegression(loss=loss, tol=1e-12)
            single.fit(X[train], y[train], weights[train], offset[train])
            p = single.predict_proba(X[test], offset[test])[:, 1]
            expected = -metric(y[test], p, sample_weight=weights[test])
            assert score == pytest.approx(expected, abs=1e-7)


def test_scorers_see_the_offset_and_any_labels():
    X, y = synthetic()
    offset = 3.0 * np.random.default_rng(0).normal(size=len(y))
    names = np.array(["sick", "well"])[y]
    for scoring in ("f1", "roc_auc", "accuracy", "average_precision"):
        model = BinaryLogisticRegressionCV(Cs=CS, scoring=scoring)
        numbers = clone(model).fit(X, y, offset=offset)
        text = clone(model).fit(X, names, offset=offset)
        np.testing.assert_array_equal(numbers.scores_, text.scores_)
        assert text.score(X, names, offset=offset) == numbers.score(X, y, offset=offset)
        assert not np.array_equal(numbers.scores_, clone(model).fit(X, y).scores_)


def test_callable_scorer_gets_the_labels():
    X, y = synthetic()
    names = np.array(["sick", "well"])[y]

    def share_of_well(estimator, X, y):
        assert set(y) == set(estimator.classes_) == {"sick", "well"}
        return np.mean(estimator.predict(X) == "well")

    model = BinaryLogisticRegressionCV(Cs=CS, scoring=share_of_well).fit(X, names)
    assert model.scores_.max() <= 1.0
    assert model.score(X, names) == np.mean(model.predict(X) == "well")


def test_arguments_of_a_scorer_are_routed():
    X, y = synthetic()
    weights = np.arange(len(y)) % 2 + 1.0
    scorer = make_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba"
    )
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = scorer.set_score_request(sample_weight=True)
        model = BinaryLogisticRegressionCV(Cs=CS, scoring=scorer)
        model.fit(X, y, sample_weight=weights)
        found = model.score(X, y, sample_weight=weights)
    default = BinaryLogisticRegressionCV(Cs=CS).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(model.scores_, default.scores_)
    assert found == pytest.approx(default.score(X, y, sample_weight=weights))


def test_score_is_minus_the_loss():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=CS).fit(X, y)
    assert model.score(X, y) == pytest.approx(-log_loss(y, model.predict_proba(X)))
    assert len(cross_val_score(model, X, y, cv=2)) == 2
    with pytest.raises(ValueError, match="labels not seen in fit"):
        model.score(X, y + 1)


def test_soft_labels():
    X, y = synthetic()
    soft = np.where(np.arange(len(y)) % 3 == 0, 0.2 + 0.6 * y, y.astype(float))
    folds = list(StratifiedKFold(2).split(X, y))
    model = BinaryLogisticRegressionCV(Cs=[1.0], cv=folds, soft_labels=True)
    model.fit(X, soft)
    train, test = folds[0]
    single = BinaryLogisticRegression(soft_labels=True).fit(X[train], soft[train])
    log_p = single.predict_log_proba(X[test])
    q = soft[test]
    expected = np.mean(q * log_p[:, 1] + (1.0 - q) * log_p[:, 0])
    assert model.scores_[0, 0, 0] == pytest.approx(expected, abs=1e-6)
    assert BinaryLogisticRegressionCV(Cs=CS, soft_labels=True).fit(X, soft).converged_
    model.set_params(scoring="accuracy")
    with pytest.raises(ValueError, match="soft_labels=True, scoring must be None"):
        model.fit(X, soft)


# ------------------------------------------------------------------- the choice


@pytest.mark.parametrize("cv", [5, "alo"])
def test_one_standard_error(cv):
    X, y = breast_cancer(200)
    best = BinaryLogisticRegressionCV(Cs=25, cv=cv).fit(X, y)
    chosen = BinaryLogisticRegressionCV(Cs=25, cv=cv, selection="1se").fit(X, y)
    mean, error = best.scores_.mean(axis=0)[0], best.standard_errors_[0]
    if cv == 5:
        folds = best.scores_[:, 0]
        np.testing.assert_allclose(error, folds.std(axis=0, ddof=1) / np.sqrt(5.0))
    else:
        c = mean.argmax()
        spread = best.loo_scores_.std(ddof=1) / np.sqrt(len(y))
        assert error[c] == pytest.approx(spread)
    within = best.Cs_[mean >= mean.max() - error[mean.argmax()]]
    assert chosen.C_ == within.min() < best.C_


def test_without_refit_the_folds_are_averaged():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=CS, refit=False).fit(X, y)
    best = model.scores_[:, 0].argmax(axis=1)
    assert model.Cs_[best].mean() == model.C_
    coefs = model.coefs_paths_[np.arange(5), 0, best, 0].mean(axis=0)
    np.testing.assert_allclose(model.coef_[0], coefs[:-1])
    np.testing.assert_allclose(model.intercept_, coefs[-1:])
    assert (model.status_.word, model.converged_) == ("averaged", True)
    assert model.optimality_gap_ == 1.0
    assert model.predict_proba(X).shape == (len(y), 2)
    single = BinaryLogisticRegression(C=model.C_).fit(X, y)
    assert single.objective_ <= model.objective_ <= 1.2 * single.objective_


def test_warm_start_and_order_of_cs_do_not_change_the_fit():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=CS[::-1], warm_start=True).fit(X, y)
    first = model.scores_
    np.testing.assert_allclose(model.fit(X, y).scores_, first, atol=1e-8)
    assert (model.Cs_ == CS).all()
    with pytest.raises(ValueError, match="coefficients of 6 features, but X has 3"):
        model.fit(X[:, :3], y)


# ------------------------------------------------------------------- leave-one-out


@pytest.mark.parametrize(
    ("parameters", "rtol"),
    [
        ({}, 5e-3),
        ({"absorb_bias": True}, 5e-3),
        ({"penalty_factor": np.arange(30) % 3 + 0.5}, 5e-3),
        # Without a row, weights may leave the kink, which the approximation ignores.
        ({"l1_ratios": (1.0,)}, 5e-2),
        ({"bounds": (-0.5, None)}, 5e-2),
    ],
)
def test_approximate_leave_one_out(parameters, rtol):
    X, y = breast_cancer(100)
    rng = np.random.default_rng(0)
    given = {"sample_weight": rng.uniform(0.5, 2.0, len(y))}
    given["offset"] = 0.1 * rng.normal(size=len(y))
    model = BinaryLogisticRegressionCV(Cs=[0.3, 3.0], cv="alo", **parameters)
    exact = clone(model).set_params(cv=LeaveOneOut()).fit(X, y, **given)
    model.fit(X, y, **given)
    weights = given["sample_weight"]
    expected = np.average(exact.scores_[:, 0], axis=0, weights=weights)
    np.testing.assert_allclose(model.scores_[0, 0], expected, rtol=rtol)
    assert model.Cs_[expected.argmax()] == model.C_
    assert model.loo_scores_.shape == (len(y),)
    found = np.average(model.loo_scores_, weights=weights)
    assert found == pytest.approx(model.scores_.max())
    assert model.coefs_paths_.shape[0] == 1


def test_leave_one_out_of_rows_with_a_large_loss_or_leverage():
    X, y = (values[::5] for values in load_breast_cancer(return_X_y=True))
    model = BinaryLogisticRegressionCV(Cs=[1.0, 30.0, 1e3], cv="alo")
    exact = clone(model).set_params(cv=LeaveOneOut()).fit(X, y)
    expected = exact.scores_.mean(axis=0)
    np.testing.assert_allclose(model.fit(X, y).scores_[0], expected, rtol=2e-3)


def test_leave_one_out_of_rows_that_others_do_not_bound():
    # Without the only other label of a rare category, its weight is large.
    rng = np.random.default_rng(0)
    X = (rng.uniform(size=(120, 15)) < 0.06).astype(float)
    z = 2.0 * X[:, :5].sum(axis=1) - 1.0
    y = (rng.uniform(size=120) < 1.0 / (1.0 + np.exp(-z))).astype(int)
    model = BinaryLogisticRegressionCV(Cs=[1.0, 100.0], cv="alo")
    exact = clone(model).set_params(cv=LeaveOneOut(), tol=1e-10).fit(X, y)
    expected = exact.scores_.mean(axis=0)
    np.testing.assert_allclose(model.fit(X, y).scores_[0], expected, rtol=3e-3)


def test_leave_one_out_of_a_view():
    X, y = synthetic(n_features=10)
    view = np.repeat(X, 2, axis=1)[:, ::2]
    assert not view.flags.forc
    search = BinaryLogisticRegressionCV(Cs=CS, cv="alo")
    found = search.fit(view, y).loo_scores_
    np.testing.assert_allclose(found, search.fit(X, y).loo_scores_, rtol=1e-10)


def test_leave_one_out_with_more_features_than_rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 150))
    y = (X[:, :3].sum(axis=1) > 0.0).astype(int)
    model = BinaryLogisticRegressionCV(Cs=[1e-3, 0.1], cv="alo").fit(X, y)
    exact = clone(model).set_params(cv=LeaveOneOut()).fit(X, y)
    np.testing.assert_allclose(model.scores_[0], exact.scores_.mean(axis=0), rtol=5e-3)


def test_leave_one_out_of_the_squared_error():
    X, y = synthetic(50, 2)
    model = BinaryLogisticRegressionCV(Cs=[1.0], cv="alo", loss="squared_error")
    exact = clone(model).set_params(cv=LeaveOneOut()).fit(X, y)
    model.fit(X, y)
    np.testing.assert_allclose(model.scores_[0], exact.scores_.mean(axis=0), rtol=5e-3)


def test_what_leave_one_out_refuses():
    X, y = synthetic()
    alo = BinaryLogisticRegressionCV(Cs=CS, cv="alo")
    with pytest.raises(ValueError, match="scoring must be None"):
        clone(alo).set_params(scoring="roc_auc").fit(X, y)
    one = np.zeros(len(y))
    one[0] = 1.0
    with pytest.raises(ValueError, match="two rows of each class"):
        alo.fit(X, one)
    assert clone(alo).set_params(absorb_bias=True).fit(X, one).converged_


# ------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Cs": 0}, "Cs"),
        ({"Cs": [1.0, -1.0]}, "Cs must hold finite numbers above 0"),
        ({"Cs": [np.inf]}, "Cs must hold finite numbers"),
        ({"Cs": []}, "Cs"),
        ({"l1_ratios": (0.0, 2.0)}, r"l1_ratios must hold numbers in \[0, 1\]"),
        ({"l1_ratios": ()}, "l1_ratios must be a list"),
        ({"l1_ratios": ("a",)}, "l1_ratios must hold numbers"),
        ({"l1_ratios": (1.0,), "solver": "newton-cg"}, "solver='newton-cg'"),
        ({"cv": "loo"}, "cv"),
        ({"cv": []}, "cv yields no folds"),
        ({"scoring": "nonsense"}, "scoring"),
        ({"selection": "worst"}, "selection"),
        ({"selection": "1se", "refit": False}, "selection='1se' needs refit=True"),
        ({"selection": "1se", "cv": ShuffleSplit(1)}, "at least two folds"),
        ({"refit": "yes"}, "refit"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"absorb_bias": True, "fit_intercept": False}, "absorb_bias=True"),
        ({"cv": KFold(2)}, "training rows of fold 0 hold only one class"),
    ],
)
def test_bad_arguments_are_named(parameters, message):
    X, y = synthetic()
    rows = np.argsort(y, kind="stable")  # for the fold of one class
    half = np.r_[rows[:50], rows[-50:]]
    model = BinaryLogisticRegressionCV(**parameters)
    with pytest.raises(ValueError, match=message):
        model.fit(X[half], y[half])
    assert not hasattr(model, "coef_")


def test_fits_that_do_not_converge_are_counted():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=CS, max_iter=1, cv=2)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.fit(X, y)
    texts = [str(w.message) for w in found if w.category is ConvergenceWarning]
    assert any("of 8 fits of the search did not converge" in text for text in texts)


def test_pickle_and_clone():
    X, y = synthetic()
    model = BinaryLogisticRegressionCV(Cs=CS, cv="alo").fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    np.testing.assert_array_equal(again.loo_scores_, model.loo_scores_)
    assert again.status_ == model.status_
    for name, value in clone(model).get_params().items():
        assert np.array_equal(value, getattr(model, name))
    assert not hasattr(model.set_params(cv=3).fit(X, y), "loo_scores_")


def test_parameters_by_feature_name():
    pd = pytest.importorskip("pandas")
    X, y = synthetic()
    frame = pd.DataFrame(X, columns=list("abcdef"))
    model = BinaryLogisticRegressionCV(Cs=CS, penalty_factor={"b": 3.0}).fit(frame, y)
    factor = np.where(np.arange(6) == 1, 3.0, 1.0)
    other = BinaryLogisticRegressionCV(Cs=CS, penalty_factor=factor).fit(X, y)
    np.testing.assert_allclose(model.scores_, other.scores_)
    assert model.feature_names_in_.tolist() == list("abcdef")


# ------------------------------------------------------------------- the display


def test_display():
    pytest.importorskip("matplotlib").use("Agg")
    plt = pytest.importorskip("matplotlib.pyplot")
    from sk_logreg.displays import CVDisplay

    X, y = breast_cancer(200)
    model = BinaryLogisticRegressionCV(Cs=6, l1_ratios=(0.0, 1.0)).fit(X, y)
    display = CVDisplay.from_estimator(model, linewidth=5.0)
    assert len(display.lines_) == len(display.bands_) == 2
    for line, mean in zip(display.lines_, model.scores_.mean(axis=0), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), model.Cs_)
        np.testing.assert_array_equal(line.get_ydata(), mean)
        assert line.get_linewidth() == 5.0
    assert display.best_.get_xdata()[0] == model.C_
    model.set_params(selection="1se").fit(X, y)
    assert display.one_se_.get_xdata()[0] == model.C_
    assert display.ax_.get_xscale() == "log"
    assert "minus cross entropy" in display.ax_.get_ylabel()
    top = display.bands_[0].get_paths()[0].get_extents().y1
    assert top == pytest.approx(
        (model.scores_.mean(0) + model.standard_errors_)[0].max()
    )
    _, ax = plt.subplots()
    assert display.plot(ax=ax).ax_ is ax
    single = BinaryLogisticRegressionCV(Cs=CS, cv=ShuffleSplit(1), scoring="f1")
    other = CVDisplay.from_estimator(single.fit(X, y))
    assert other.one_se_ is None
    assert other.ax_.get_ylabel().startswith("f1")
    with pytest.raises(TypeError, match="must be a BinaryLogisticRegressionCV"):
        CVDisplay.from_estimator(BinaryLogisticRegression().fit(X, y))
    plt.close("all")


def test_a_sparsified_search_is_scored_and_fitted_again():
    X, y = load_breast_cancer(return_X_y=True)
    search = BinaryLogisticRegressionCV(
        Cs=3, cv=3, l1_ratios=[1.0], scoring="roc_auc", warm_start=True
    ).fit(X, y)
    score, coef = search.score(X, y), search.coef_
    search.sparsify()
    assert search.score(X, y) == score
    np.testing.assert_allclose(search.fit(X, y).coef_, coef, rtol=1e-3, atol=1e-6)
