"""Cross-validation of dask collections: the folds, scores and choice in memory."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
)

from sk_logreg import BinaryLogisticRegressionCV
from sk_logreg._design._partitions import Partitions
from tests._partitions import CHUNKS, chunked, csr, frame, sample, unknown

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
pd = pytest.importorskip("pandas")

#: Few values, and a tolerance at which fits agree in many digits.
FEW = {"Cs": [1e-3, 0.1, 10.0], "cv": 3, "tol": 1e-12}


@pytest.fixture(autouse=True)
def scheduler():
    with dask.config.set(scheduler="synchronous"):
        yield


def same(one, other, tol=1e-8, paths=1e-5):
    """Check that two searches found the same, up to tolerances."""
    assert pytest.approx(other.C_, rel=1e-9) == one.C_
    assert one.l1_ratio_ == other.l1_ratio_
    np.testing.assert_allclose(one.Cs_, other.Cs_, rtol=1e-8)
    np.testing.assert_array_equal(one.l1_ratios_, other.l1_ratios_)
    np.testing.assert_allclose(one.scores_, other.scores_, rtol=0.0, atol=1e-6)
    errors = other.standard_errors_
    np.testing.assert_allclose(one.standard_errors_, errors, rtol=0.0, atol=1e-6)
    assert one.n_iter_.shape == other.n_iter_.shape
    size = np.abs(other.coefs_paths_).max()
    np.testing.assert_allclose(
        one.coefs_paths_, other.coefs_paths_, rtol=0.0, atol=paths * size
    )
    size = np.abs(other.coef_).max()
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=tol, atol=tol * size)
    np.testing.assert_allclose(one.intercept_, other.intercept_, rtol=tol, atol=tol)
    np.testing.assert_array_equal(one.classes_, other.classes_)
    assert one.status_.word == other.status_.word
    assert one.coef_.dtype == other.coef_.dtype


def both(X, y, chunks=CHUNKS, tol=1e-8, params=None, **given):
    """Fit in partitions and in memory, and check that these are the same."""
    params = FEW | (params or {})
    there = {name: chunked(values, chunks) for name, values in given.items()}
    model = BinaryLogisticRegressionCV(**params)
    model.fit(chunked(X, chunks), chunked(y, chunks), **there)
    expected = BinaryLogisticRegressionCV(**params).fit(X, y, **given)
    same(model, expected, tol)
    return model, expected


# ------------------------------------------------------------------- agreement


@pytest.mark.parametrize("scheduler_name", ["synchronous", "threads"])
@pytest.mark.parametrize("form", ["dense", "float32", "unknown", "csr", "frame"])
def test_forms(form, scheduler_name):
    X, y = sample()
    if form == "float32":
        X = X.astype(np.float32)
    X = csr(X) if form == "csr" else X
    there, labels = chunked(X), chunked(y)
    if form == "unknown":
        there, labels = unknown(there), unknown(labels)
    if form == "frame":
        y = np.array(["sick", "well"])[y]
        data = frame(X, y)
        there, labels = data.drop(columns="y"), data["y"]
    with dask.config.set(scheduler=scheduler_name):
        model = BinaryLogisticRegressionCV(**FEW).fit(there, labels)
    same(
        model,
        BinaryLogisticRegressionCV(**FEW).fit(X, y),
        1e-7 if form == "float32" else 1e-8,
    )
    if form == "frame":
        assert model.feature_names_in_.tolist() == list(there.columns)


@pytest.mark.parametrize(
    "params",
    [
        {"l1_ratios": [0.0, 0.5, 1.0]},
        {"l1_ratios": [1.0], "Cs": 4, "penalty_center": [0.1, 0.0, 0.0, -0.2, 0.0]},
        {"loss": "squared_error", "Cs": [0.01, 1.0]},
        {"loss": "squared_error", "Cs": [0.01, 1.0], "scoring": "neg_log_loss"},
        {"scoring": "neg_brier_score", "absorb_bias": True},
        {"selection": "1se", "Cs": 8, "cv": 5},
        {"penalty_factor": [1.0, 0.0, 2.0, 1.0, 0.5]},
        {"bounds": (0.0, None), "fit_intercept": False},
        {"solver": "newton-cg", "cv": KFold(2)},
    ],
    ids=str,
)
def test_parameters(params):
    both(*sample(), params=params, tol=1e-7 if "loss" in params else 1e-8)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0}])
def test_weights_offset_and_soft_labels(soft, class_weight):
    X, y = sample()
    rng = np.random.default_rng(1)
    if soft:
        y = np.clip(0.8 * y + rng.uniform(-0.3, 0.3, len(y)), 0.0, 1.0)
    weights = rng.exponential(size=len(y)) * (rng.random(len(y)) > 0.1)
    offset = rng.standard_normal(len(y))
    params = {"soft_labels": soft, "class_weight": class_weight}
    both(X, y, params=params, sample_weight=weights, offset=offset)


def test_score():
    X, y = sample()
    model = BinaryLogisticRegressionCV(**FEW | {"Cs": [0.1]}).fit(X, y)
    weights, offset = np.linspace(0.5, 1.5, len(y)), np.linspace(-1.0, 1.0, len(y))
    found = model.score(*map(chunked, (X, y, weights, offset)))
    assert found == pytest.approx(model.score(X, y, weights, offset), rel=1e-12)


def test_a_number_as_the_weight():
    X, y = sample()
    model = BinaryLogisticRegressionCV(**FEW).fit(chunked(X), chunked(y), 0.25)
    same(model, BinaryLogisticRegressionCV(**FEW).fit(X, y, 0.25))


def test_without_refit_the_folds_are_averaged():
    model, _ = both(*sample(), params={"refit": False}, tol=1e-5)
    assert model.status_.word == "averaged"


def test_fewer_rows_than_columns():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 150)), rng.integers(0, 2, 60)
    both(X, y, (20, 0, 30, 10), params={"l1_ratios": [0.0, 1.0]})
    both(X, y, (20, 0, 30, 10), params={"loss": "squared_error", "Cs": [0.1]})


def test_samples_of_many_rows():
    X, y = (np.tile(values.T, 3).T for values in sample())
    X[:, 4] += 0.1 * np.arange(len(y)) / len(y)
    chunks = 3 * CHUNKS
    both(X, y, chunks)
    # Folds that are fitted one by one.
    both(X, y, chunks, params={"penalty_factor": [1.0, 0.0, 1.0, 1.0, 1.0]})


# ------------------------------------------------------------------- folds


def labels(kind, n_rows, rng):
    """Labels in some order; scikit-learn's folds depend on which comes first."""
    y = (rng.random(n_rows) < 0.3).astype(int)
    y[rng.permutation(n_rows)[:12]] = np.repeat([0, 1], 6)
    if kind == "ones first":
        return -np.sort(-y)
    return np.sort(y) if kind == "zeros first" else y


@pytest.mark.parametrize("kind", ["mixed", "zeros first", "ones first"])
@pytest.mark.parametrize(
    "cv", [None, 2, 5, KFold(4), StratifiedKFold(3), KFold(6)], ids=str
)
def test_folds_are_those_of_scikit_learn(kind, cv):
    rng = np.random.default_rng(len(kind))
    for n_rows in (31, 47):
        X, y = rng.standard_normal((n_rows, 2)), labels(kind, n_rows, rng)
        cuts = np.sort(rng.integers(0, n_rows + 1, 5))
        chunks = tuple(np.diff([0, *cuts.tolist(), n_rows]).tolist())
        both(X, y, chunks, params={"cv": cv, "Cs": [0.5], "absorb_bias": True})


def test_many_chunks_of_many_sizes():
    X, y = sample()
    for chunks in [(4000,), (1,) * 5 + (3995,), (250,) * 16]:
        both(X, y, chunks, params={"Cs": [0.1]})


# ------------------------------------------------------------------- few reads


def counting(X, chunks, rounds):
    """A dask array that counts how often its blocks are read."""

    def counted(block):
        rounds.append(len(block))
        return block

    there = da.from_array(X, chunks=(chunks, -1))
    return there.map_blocks(counted, meta=np.empty((0, 0)))


@pytest.mark.parametrize("l1_ratio", [0.0, 1.0])
def test_few_passes(l1_ratio):
    rng = np.random.default_rng(0)
    n_samples, n_features = 40_000, 10
    X = rng.standard_normal((n_samples, n_features))
    z = X @ rng.standard_normal(n_features)
    y = (z + rng.logistic(size=n_samples) > 0.0).astype(int)
    rounds = []
    model = BinaryLogisticRegressionCV(l1_ratios=[l1_ratio])
    model.fit(counting(X, 5000, rounds), da.from_array(y, chunks=5000))
    assert model.scores_.shape == (5, 1, 10)
    assert sum(rounds) <= 14 * n_samples
    expected = clone(model).fit(X, y)
    np.testing.assert_allclose(model.scores_, expected.scores_, rtol=0.0, atol=1e-7)


def longest(value):
    """Return the greatest length of an array within what tasks return."""
    if isinstance(value, np.ndarray):
        return max(value.shape, default=0)
    if isinstance(value, dict):
        value = list(value.values())
    if is_dataclass(value):
        value = [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, list | tuple):
        return max([len(value), *map(longest, value)], default=0)
    return 0


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_nothing_of_the_length_of_the_data_leaves_the_partitions(loss, monkeypatch):
    X, y = sample()
    run, lengths = Partitions.run, []

    def recorded(self, *args, **options):
        sums, handles = run(self, *args, **options)
        lengths.append(longest(sums))
        return sums, handles

    monkeypatch.setattr(Partitions, "run", recorded)
    weights = np.linspace(0.5, 1.5, len(y))
    model = BinaryLogisticRegressionCV(**FEW | {"Cs": [0.1], "loss": loss})
    model.fit(chunked(X), chunked(y), chunked(weights))
    assert 0 < max(lengths) < 800  # less than most partitions have


# ------------------------------------------------------------------- errors


def unreadable():
    """Collections that must not be read."""

    def fails(block):
        raise AssertionError("a block was read")

    X, y = sample()
    return [
        chunked(some).map_blocks(fails, meta=np.empty((0,) * some.ndim))
        for some in (X, y)
    ]


def fails(match, X, y, params=None, **given):
    model = BinaryLogisticRegressionCV(**params or {})
    before = dict(vars(model))
    with pytest.raises(ValueError, match=match):
        model.fit(X, y, **given)
    assert vars(model) == before


@pytest.mark.parametrize(
    "cv",
    [
        "alo",
        KFold(3, shuffle=True, random_state=0),
        StratifiedKFold(3, shuffle=True, random_state=0),
        GroupKFold(3),
        ShuffleSplit(3),
        LeaveOneOut(),
        [([0, 1], [2, 3])],
    ],
    ids=str,
)
def test_folds_that_need_all_rows_are_refused(cv):
    fails("cv=.* needs all rows in memory.*KFold", *unreadable(), {"cv": cv})


@pytest.mark.parametrize("scoring", ["roc_auc", "accuracy", lambda *_: 0.0])
def test_scores_that_need_all_rows_are_refused(scoring):
    match = "scoring=.* needs all rows in memory.*neg_log_loss"
    fails(match, *unreadable(), {"scoring": scoring})


def test_errors_are_those_in_memory():
    X, y = sample()
    y = np.sort(y)
    weights = (np.arange(len(y)) >= 1500).astype(float)
    one_class = {"cv": KFold(2)}
    zero_tests = {"cv": KFold(4), "absorb_bias": True}
    cases = [
        ("training rows of fold 0 hold only one class", one_class, {}),
        ("greater than the number of members", {"cv": 4000}, {}),
        ("0 for all test rows", zero_tests, {"sample_weight": weights}),
        ("selection='1se' needs refit", {"selection": "1se", "refit": False}, {}),
        ("l1_ratios must hold", {"l1_ratios": [2.0]}, {}),
    ]
    for match, params, given in cases:
        with pytest.raises(ValueError, match=match):
            BinaryLogisticRegressionCV(**params).fit(X, y, **given)
        there = {name: chunked(values) for name, values in given.items()}
        fails(match, chunked(X), chunked(y), params, **there)


def test_values_that_are_not_finite():
    X, y = sample()
    X[1500, 2] = np.nan
    fails("Partition 3 of X: .*contains NaN", chunked(X), chunked(y))
    fails("Partition 3 of X", chunked(X), chunked(y), {"l1_ratios": [1.0]})


def test_few_rows_of_a_class_are_warned_of():
    X, y = sample()
    X, y = X[:200], np.where(np.arange(200) % 60 == 7, 1, 0)
    params = {"cv": 5, "Cs": [0.1]}
    with pytest.warns(UserWarning, match="least populated class in y has only 4"):
        both(X, y, (100, 60, 40), params=params)


def test_warm_start():
    X, y = sample()
    params = FEW | {"warm_start": True}
    model = BinaryLogisticRegressionCV(**params).fit(chunked(X), chunked(y))
    coef = model.coef_
    model.fit(chunked(X), chunked(y))
    np.testing.assert_allclose(model.coef_, coef, rtol=1e-8)
    with pytest.raises(ValueError, match="warm_start=True starts from"):
        model.fit(chunked(X[:, :3].copy()), chunked(y))
    assert model.coef_.shape == (1, 5)


def test_on_a_cluster(client):
    X, y = sample()
    params = FEW | {"Cs": [0.1]}
    with dask.config.set(scheduler=client):
        there, marks = client.persist([chunked(X), chunked(y)])
        model = BinaryLogisticRegressionCV(**params).fit(there, marks)
    same(model, BinaryLogisticRegressionCV(**params).fit(X, y))
