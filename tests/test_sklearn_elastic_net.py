"""Claims of scikit-learn's tests of L1 and the elastic net, for two classes.

Each claim of scikit-learn 1.9 about `LogisticRegression` with an L1 part that two
classes can test, and the test here that makes it. Where scikit-learn compares two of
its solvers, this estimator is compared with each of them.

| test of scikit-learn | claim | test here, by a part of its name |
|---|---|---|
| check_solver_option | a solver without L1 refuses it | solvers_without_l1 |
| elasticnet_l1_ratio_err_helpful, l1_ratio_None_deprecated | None is refused | none |
| sparsify | a sparse `coef_` predicts the same | sparsify |
| logistic_cv, n_iter, logistic_cv_refit_false_non_elasticnet, \
LogisticRegressionCV_no_refit, LogisticRegressionCV_elasticnet_attribute_shapes \
| shapes and types | attributes |
| logistic_cv_mock_scorer | the best score is chosen, each fit is scored once | scorer |
| sample_and_class_weight_equivalence_liblinear | class and row weights | class |
| logreg_l1, saga_vs_liblinear | solvers and formats agree | peers, sparse_and_dense |
| logistic_regression_cv_refit | the refit is the fit at the choice | refit |
| elastic_net_coeffs | the elastic net is neither L1 nor L2 | neither |
| elastic_net_l1_l2_equivalence | the ratios 1 and 0 are L1 and L2 | ends |
| elastic_net_vs_l1_l2 | a searched ratio predicts no worse | searched |
| LogisticRegression_elastic_net_objective | the fit lowers its own objective | own |
| LogisticRegressionCV_GridSearchCV_elastic_net | both choose the same | grid_search |
| elastic_net_versus_sgd | stochastic gradients lead there | stochastic |
| penalty_none, c_inf_no_warning | C=inf is no penalty, silently | no_penalty |
| logisticregression_liblinear_sample_weight | zero weights drop rows | zero_weight |
| liblinear_decision_function_zero | z = 0 is the negative class | tie |
| scores_attribute_layout_elasticnet | the axes of `scores_` | layout |
| large_sparse_matrix | 64-bit indices are taken (there refused) | 64_bit |
| liblinear_with_large_values | 1e100 freezes nothing (there refused) | large_values |
| liblinear_not_stuck | a strong penalty converges | stuck |
| l1_min_c (of sklearn.svm) | the model is empty up to l1_min_c | empty |

liblinear counts the bias as a weight of a column whose value is `intercept_scaling`:
with 1 that is `absorb_bias=True`. The tests of `penalty` have no counterpart, for this
estimator has no such parameter.
"""

import warnings

import numpy as np
import pytest
import sklearn
from _reference import BIASES
from scipy import sparse
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.preprocessing import scale
from sklearn.svm import l1_min_c

from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV

every_bias = pytest.mark.parametrize("bias", BIASES)
every_ratio = pytest.mark.parametrize("l1_ratio", [0.0, 0.1, 0.5, 0.9, 1.0])
some_seeds = pytest.mark.parametrize("seed", range(3))
FORMATS = {"array": np.asarray, "csr": sparse.csr_matrix, "csc": sparse.csc_matrix}
every_format = pytest.mark.parametrize("form", FORMATS)


def fit(X, y, sample_weight=None, **params):
    """Fit; a warning is an error."""
    return BinaryLogisticRegression(**params).fit(X, y, sample_weight)


def peer(X, y, *, C, l1_ratio, solver, **params):
    """Fit scikit-learn's estimator; before version 1.8 it names its penalty."""
    if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8):
        params["l1_ratio"] = l1_ratio
    elif l1_ratio in (0.0, 1.0):
        params["penalty"] = "l1" if l1_ratio else "l2"
    else:
        params |= {"penalty": "elasticnet", "l1_ratio": l1_ratio}
    model = LogisticRegression(
        C=C, solver=solver, tol=1e-10, max_iter=10_000, random_state=0, **params
    )
    return model.fit(X, y)


def objective(model, X, y, *, C, l1_ratio):
    """Return F by the labels -1 and 1, without a penalty on the bias."""
    w = model.coef_[0]
    margins = np.where(y == model.classes_[1], 1, -1) * model.decision_function(X)
    penalty = l1_ratio * np.abs(w).sum() + (1 - l1_ratio) / 2 * w @ w
    return C * np.logaddexp(0.0, -margins).sum() + penalty


def iris():
    """Return its first two classes, which a hyperplane separates."""
    X, y = load_iris(return_X_y=True)
    return X[y < 2], y[y < 2]


def noisy(seed=0):
    """Return a problem with columns of noise and two constant columns."""
    X, y = make_classification(n_samples=100, n_features=20, random_state=seed)
    noise = np.random.default_rng(seed).standard_normal((100, 3))
    return np.column_stack([X, noise, np.ones((100, 2))]), y


# ------------------------------------------------------------ agreement of solvers


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("name", ["iris", "noisy"])
@pytest.mark.parametrize("solver", ["saga", "liblinear"])
def test_peers(solver, name, strength):
    X, y = {"iris": iris, "noisy": noisy}[name]()
    params = {"C": 1 / (len(y) * strength), "l1_ratio": 1.0, "fit_intercept": False}
    model = fit(X, y, **params)
    other = peer(X, y, solver=solver, **params)
    names = {"C": params["C"], "l1_ratio": 1.0}
    assert model.objective_ <= objective(other, X, y, **names) * (1 + 1e-8)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=1e-3)


@some_seeds
def test_liblinear_with_a_weak_penalty_and_repeated_columns(seed):
    X, y = noisy(seed)
    params = {"C": 1.0, "l1_ratio": 1.0, "fit_intercept": False}
    model, other = fit(X, y, **params), peer(X, y, solver="liblinear", **params)
    assert model.objective_ <= objective(other, X, y, C=1, l1_ratio=1) * (1 + 1e-8)
    # Only the sum of the weights of the constant columns is determined.
    ours, theirs = (
        np.r_[w[:-2], w[-2:].sum()] for w in (model.coef_[0], other.coef_[0])
    )
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


@every_bias
@every_ratio
def test_sparse_and_dense(l1_ratio, bias):
    X, y = noisy()
    # With two constant columns, the bias counted, the lasso has several minima.
    X = X[:, : -2 if bias == "absorbed" else -1]
    params = {"C": 1.0, "l1_ratio": l1_ratio, "tol": 1e-12, **BIASES[bias]}
    dense = fit(X, y, **params)
    for form in FORMATS.values():
        model = fit(form(X), y, **params)
        np.testing.assert_allclose(model.coef_, dense.coef_, rtol=1e-7, atol=1e-7)
        np.testing.assert_array_equal(model.coef_ == 0, dense.coef_ == 0)


@pytest.mark.parametrize("C", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 0.9])
def test_stochastic_gradients(l1_ratio, C):
    X, y = make_classification(
        n_samples=500, n_features=5, n_informative=5, n_redundant=0, random_state=0
    )
    X = scale(X)
    params = {"l1_ratio": l1_ratio, "fit_intercept": False}
    model = fit(X, y, C=C, **params)
    stochastic = SGDClassifier(
        loss="log_loss",
        penalty="elasticnet",
        alpha=1 / (C * len(y)),
        max_iter=1000,
        tol=None,
        random_state=0,
        **params,
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, stochastic.coef_, atol=0.05)
    other = objective(stochastic, X, y, C=C, l1_ratio=l1_ratio)
    assert other * (1 - 1e-2) <= model.objective_ <= other * (1 + 1e-8)


# ------------------------------------------------------------ the ratio


@some_seeds
def test_neither_l1_nor_l2(seed):
    X, y = make_classification(random_state=seed)
    both, l1, l2 = (fit(X, y, C=2.0, l1_ratio=r).coef_ for r in (0.5, 1.0, 0.0))
    for one, other in ((both, l1), (both, l2), (l1, l2)):
        assert np.abs(one - other).max() > 0.1


@pytest.mark.parametrize("C", [1e-3, 0.1, 1.0, 10.0, 100.0])
def test_the_ends_are_l1_and_l2(C):
    X, y = make_classification(flip_y=0.3, random_state=0)
    l2 = peer(X, y, C=C, l1_ratio=0.0, solver="newton-cholesky")
    model = fit(X, y, C=C, l1_ratio=0.0, tol=1e-12)
    np.testing.assert_allclose(model.weights_, np.r_[l2.intercept_, l2.coef_[0]], 1e-5)
    l1 = peer(X, y, C=C, l1_ratio=1.0, solver="liblinear")
    model = fit(X, y, C=C, l1_ratio=1.0, absorb_bias=True)
    np.testing.assert_allclose(
        model.weights_, np.r_[l1.intercept_, l1.coef_[0]], atol=1e-3
    )


@pytest.mark.parametrize("l1_ratio", [1e-12, 1 - 1e-12])
@pytest.mark.parametrize("C", [1e-3, 1.0, 1e6])
def test_the_ends_are_approached(C, l1_ratio):
    X, y = make_classification(flip_y=0.3, random_state=0)
    near = fit(X, y, C=C, l1_ratio=l1_ratio, tol=1e-10)
    end = fit(X, y, C=C, l1_ratio=round(l1_ratio), tol=1e-10)
    assert near.objective_ == pytest.approx(end.objective_, rel=1e-8)


@pytest.mark.parametrize("C", [1e-3, 1.0, 100.0, 1e6])
def test_a_searched_ratio_predicts_no_worse(C):
    X, y = make_classification(500, random_state=0)
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    search = GridSearchCV(
        BinaryLogisticRegression(C=C), {"l1_ratio": np.linspace(0, 1, 5)}
    ).fit(X, y)
    for l1_ratio in (0.0, 1.0):
        single = fit(X, y, C=C, l1_ratio=l1_ratio)
        assert search.score(X_test, y_test) >= single.score(X_test, y_test)


@pytest.mark.parametrize("C", np.logspace(-3, 2, 4))
@pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 0.9])
def test_a_fit_lowers_its_own_objective(l1_ratio, C):
    X, y = make_classification(
        1000, n_features=20, n_informative=10, n_redundant=0, random_state=0
    )
    X = scale(X)
    elastic_net, ridge = (
        objective(
            fit(X, y, C=C, l1_ratio=ratio, fit_intercept=False),
            X,
            y,
            C=C,
            l1_ratio=l1_ratio,
        )
        for ratio in (l1_ratio, 0.0)
    )
    assert elastic_net < ridge


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_with_no_penalty_the_ratio_does_not_matter(l1_ratio):
    X, y = make_classification(1000, n_redundant=0, random_state=0)
    plain = peer(X, y, C=np.inf, l1_ratio=0.0, solver="newton-cholesky")
    model = fit(X, y, C=np.inf, l1_ratio=l1_ratio)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-3)


@pytest.mark.parametrize(
    ("parameter", "model"),
    [
        ({"l1_ratio": None}, BinaryLogisticRegression),
        ({"l1_ratios": None}, BinaryLogisticRegressionCV),
    ],
)
def test_none_is_no_ratio(model, parameter):
    X, y = noisy()
    with pytest.raises(ValueError, match=next(iter(parameter))):
        model(**parameter).fit(X, y)


@pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
def test_solvers_without_l1_refuse_it(l1_ratio):
    X, y = noisy()
    message = "newton-cg.* takes no l1_ratio"
    with pytest.raises(ValueError, match=message):
        fit(X, y, l1_ratio=l1_ratio, solver="newton-cg")
    search = BinaryLogisticRegressionCV(l1_ratios=(0.0, l1_ratio), solver="newton-cg")
    with pytest.raises(ValueError, match=message):
        search.fit(X, y)


# ------------------------------------------------------------ weights


@some_seeds
def test_class_weights_are_row_weights(seed):
    X, y = make_classification(300, 5, n_informative=3, random_state=seed)
    params = {"l1_ratio": 1.0, "fit_intercept": False, "tol": 1e-13}
    by_class = fit(X, y, class_weight={0: 1, 1: 2}, **params)
    by_row = fit(X, y, y + 1, **params)
    np.testing.assert_allclose(by_class.coef_, by_row.coef_, atol=1e-10)


@every_bias
@every_ratio
def test_rows_of_zero_weight_are_dropped(l1_ratio, bias):
    X = np.repeat([[1.0, 3.0], [2.0, 1.0], [3.0, 3.0], [4.0, 1.0]], 4, axis=0)
    y = np.repeat([1, 2, 1, 2], 4)
    order = np.random.default_rng(0).permutation(32)
    weights = np.repeat([1.0, 0.0], 16)[order]
    both, labels = np.vstack([X, X])[order], np.append(y, 3 - y)[order]
    params = {"l1_ratio": l1_ratio, "tol": 1e-12, **BIASES[bias]}
    without, dropped = fit(X, y, **params), fit(both, labels, weights, **params)
    np.testing.assert_array_equal(dropped.predict(X), without.predict(X))
    for method in ("predict_proba", "decision_function"):
        found, expected = (getattr(m, method)(X) for m in (dropped, without))
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


# ------------------------------------------------------------ zeros


@every_format
def test_sparsify(form):
    X, y = noisy()
    X = FORMATS[form](X)
    model = fit(X, np.array(["no", "yes"])[y], C=0.05, l1_ratio=1.0)
    dense, coef = model.decision_function(X), model.coef_.copy()
    assert 0 < np.count_nonzero(coef) < coef.size / 2
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    assert model.coef_.nnz == np.count_nonzero(coef)
    np.testing.assert_allclose(model.decision_function(X), dense, rtol=1e-12)
    np.testing.assert_array_equal(model.densify().coef_, coef)
    np.testing.assert_array_equal(model.decision_function(X), dense)


@pytest.mark.parametrize("scaling", [None, 1.0, 10.0])
@every_format
def test_the_model_is_empty_up_to_l1_min_c(form, scaling):
    X = np.array([[-1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    y = np.array([0, 1, 1, 1])
    given = {"fit_intercept": False, "intercept_scaling": 1.0}
    if scaling is not None:  # the bias is the weight of one more column
        given = {"fit_intercept": True, "intercept_scaling": scaling}
    least = l1_min_c(FORMATS[form](X), y, loss="log", **given)
    params = {"l1_ratio": 1.0, "fit_intercept": False}
    if scaling == 1.0:
        params = {"l1_ratio": 1.0, "absorb_bias": True}
    elif scaling is not None:
        X = np.column_stack([X, np.full(4, scaling)])
    X = FORMATS[form](X)
    assert not fit(X, y, C=least, **params).weights_.any()
    assert fit(X, y, C=least * 1.01, **params).weights_.any()


def test_a_tie_is_the_negative_class():
    X, y = noisy()
    model = fit(X, np.array(["no", "yes"])[y], C=1e-6, l1_ratio=1.0, absorb_bias=True)
    assert not model.weights_.any()
    assert set(model.predict(X)) == {"no"}
    assert (model.predict_proba(X) == 0.5).all()


# ------------------------------------------------------------ where solvers fail


def test_a_strong_penalty_is_not_stuck():
    X, y = iris()
    C = l1_min_c(X, y, loss="log") * 10 ** (10 / 29)
    bias = np.full((len(y), 1), 1e4)
    for columns, params in (
        (np.hstack([scale(X), bias]), {"fit_intercept": False}),
        (scale(X), {}),
    ):
        assert fit(columns, y, C=C, l1_ratio=1.0, **params).converged_


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_large_values_freeze_nothing(l1_ratio):
    X, y = make_classification(100, 8, n_redundant=0, flip_y=0.3, random_state=0)
    small = fit(X, y, C=1e6, l1_ratio=l1_ratio, tol=1e-12)
    large = fit(1e100 * X, y, C=1e6, l1_ratio=l1_ratio)
    np.testing.assert_allclose(1e100 * large.coef_, small.coef_, rtol=0.1, atol=0.1)
    # The classes of two rows are separated, and the penalty of 1e-98 hardly matters.
    X, y = np.array([[0.0], [1e100]]), np.array([0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = fit(X, y, l1_ratio=l1_ratio)
    np.testing.assert_array_equal(model.predict(X), y)


@every_ratio
def test_64_bit_indices_are_taken(l1_ratio):
    rng = np.random.default_rng(0)
    X = sparse.random(40, 10, density=0.3, format="csr", random_state=rng)
    y = rng.integers(0, 2, 40)
    narrow = fit(X, y, C=5.0, l1_ratio=l1_ratio)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    wide = fit(X, y, C=5.0, l1_ratio=l1_ratio)
    np.testing.assert_array_equal(wide.coef_, narrow.coef_)


# ------------------------------------------------------------ cross-validation


def test_attributes_of_the_search():
    X, y = make_classification(200, random_state=0)
    Cs, l1_ratios = np.logspace(-4, 4, 3), np.linspace(0, 1, 2)
    for refit in (True, False):
        for ratios in (l1_ratios, (0.0,)):
            model = BinaryLogisticRegressionCV(
                Cs=Cs, l1_ratios=ratios, cv=2, refit=refit
            ).fit(X, y)
            n_ratios = len(ratios)
            assert model.scores_.shape == (2, n_ratios, 3)
            assert model.n_iter_.shape == (2, n_ratios, 3)
            assert model.coefs_paths_.shape == (2, n_ratios, 3, 1, 21)
            assert (model.coef_.shape, model.intercept_.shape) == ((1, 20), (1,))
            assert type(model.C_) is type(model.l1_ratio_) is float
            np.testing.assert_array_equal(model.Cs_, Cs)
            np.testing.assert_array_equal(model.l1_ratios_, ratios)
            assert min(ratios) <= model.l1_ratio_ <= max(ratios)
    assert model.l1_ratio_ == 0.0
    search = BinaryLogisticRegressionCV(Cs=Cs, cv=2, fit_intercept=False).fit(X, y)
    assert search.coefs_paths_.shape == (2, 1, 3, 1, 20)


def test_a_scorer_is_called_once_a_fit_and_the_best_is_chosen():
    calls = []

    def best_at_three(model, X, y):
        calls.append(model)
        return [0.1, 0.4, 0.8, 0.5][(len(calls) - 1) % 4]

    X, y = make_classification(random_state=0)
    search = BinaryLogisticRegressionCV(
        Cs=[1, 2, 3, 4], l1_ratios=(0.0, 1.0), cv=2, scoring=best_at_three
    ).fit(X, y)
    assert search.C_ == 3.0
    assert len(calls) == 2 * 2 * 4
    calls.clear()
    assert [search.score(X, y) for _ in range(3)] == [0.1, 0.4, 0.8]


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
@some_seeds
def test_the_refit_is_the_fit_at_the_choice(seed, l1_ratio):
    X, y = make_classification(100, 20, random_state=seed)
    search = BinaryLogisticRegressionCV(Cs=[1.0], l1_ratios=(l1_ratio,), tol=1e-12)
    single = fit(X, y, C=1.0, l1_ratio=l1_ratio, tol=1e-12)
    np.testing.assert_allclose(search.fit(X, y).coef_, single.coef_, atol=1e-7)


def test_grid_search_chooses_the_same():
    X, y = make_classification(100, n_informative=3, random_state=0)
    Cs, l1_ratios = np.logspace(-4, 4, 3), np.linspace(0, 1, 3)
    folds = StratifiedKFold(5)
    search = BinaryLogisticRegressionCV(Cs=Cs, l1_ratios=l1_ratios, cv=folds)
    search.fit(X, y)
    grid = GridSearchCV(
        BinaryLogisticRegression(),
        {"C": Cs, "l1_ratio": l1_ratios},
        cv=folds,
        scoring="neg_log_loss",
    ).fit(X, y)
    assert grid.best_params_ == {"C": search.C_, "l1_ratio": search.l1_ratio_}
    np.testing.assert_allclose(grid.best_estimator_.coef_, search.coef_, atol=1e-3)


def test_the_layout_of_the_scores():
    X, y = make_classification(1000, random_state=0)
    Cs, l1_ratios, folds = [0.1, 1.0, 10.0], [0.1, 0.9], StratifiedKFold(5)
    search = BinaryLogisticRegressionCV(Cs=Cs, l1_ratios=l1_ratios, cv=folds).fit(X, y)
    for r, l1_ratio in enumerate(l1_ratios):
        for c, C in enumerate(Cs):
            model = BinaryLogisticRegression(C=C, l1_ratio=l1_ratio, tol=1e-12)
            scores = cross_val_score(model, X, y, cv=folds, scoring="neg_log_loss")
            np.testing.assert_allclose(search.scores_[:, r, c], scores, atol=1e-6)
