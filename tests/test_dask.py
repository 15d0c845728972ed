"""Dask collections: the answer in memory, few passes, lazy predictions, errors."""

import functools
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import MethodType

import numpy as np
import pytest
from scipy import sparse
from scipy.special import expit

from sk_logreg import BinaryLogisticRegression, regularization_path
from sk_logreg._design import _partition_sources
from sk_logreg._design._costs import PARTITION_SIZES
from sk_logreg._design._partition_sums import Result
from sk_logreg._design._partition_tasks import matrix_of
from sk_logreg._design._partitions import Partitions
from sk_logreg._design._vectors import RowPart
from sk_logreg.inference import Inference
from tests._partitions import CHUNKS, chunked, csr, frame, sample, unknown

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

FINE = {"tol": 1e-12}


def same(one, other, tol=1e-8):
    scale = np.abs(other.coef_).max()
    np.testing.assert_allclose(one.coef_, other.coef_, rtol=tol, atol=tol * scale)
    np.testing.assert_allclose(one.intercept_, other.intercept_, rtol=tol, atol=tol)
    assert one.converged_ == other.converged_
    assert one.status_.word == other.status_.word
    assert one.optimality_gap_ <= max(1e-12, other.optimality_gap_)
    assert one.objective_ == pytest.approx(other.objective_, rel=1e-12)
    assert one.coef_.dtype == other.coef_.dtype
    np.testing.assert_array_equal(one.classes_, other.classes_)
    assert one.classes_.dtype == other.classes_.dtype


@pytest.fixture(params=["synchronous", "threads"], autouse=True)
def scheduler(request):
    with dask.config.set(scheduler=request.param):
        yield


@pytest.mark.parametrize(
    "form",
    ["dense", "float32", "fortran", "columns", "unknown", "csr", "csr32", "int"],
)
@pytest.mark.parametrize("params", [{}, {"absorb_bias": True, "C": 0.01}])
def test_arrays(form, params):
    X, y = sample()
    if form.endswith("32"):
        X = X.astype(np.float32)
    if form.startswith("csr"):
        X = csr(X)
    if form == "int":
        X = np.rint(X).astype(int)
    if form == "fortran":
        X = np.asfortranarray(X)
    there, labels = chunked(X), chunked(y)
    if form == "columns":
        there = there.rechunk({1: 2})
    if form == "unknown":
        there, labels = unknown(there), unknown(labels)
    model = BinaryLogisticRegression(**FINE, **params)
    expected = BinaryLogisticRegression(**FINE, **params).fit(X, y)
    same(model.fit(there, labels), expected, 1e-7 if form.endswith("32") else 1e-8)


@pytest.mark.parametrize("chunks", [(4000,), (1,) * 5 + (3995,), (250,) * 16])
def test_partitions_do_not_matter(chunks):
    X, y = sample()
    expected = BinaryLogisticRegression(**FINE).fit(X, y)
    model = BinaryLogisticRegression(**FINE)
    same(model.fit(chunked(X, chunks), chunked(y, chunks)), expected)
    coef = model.coef_
    model.fit(chunked(X, chunks), chunked(y, chunks))
    np.testing.assert_array_equal(model.coef_, coef)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_data_frames(dtype):
    X, y = sample()
    X = X.astype(dtype)
    names = np.array(["no", "yes"], dtype=object)[y]
    rng = np.random.default_rng(0)
    weights, offset = rng.exponential(size=len(y)), rng.standard_normal(len(y))
    data = frame(X, names, weights=weights, offset=offset)
    columns = [f"x{j}" for j in range(X.shape[1])]
    model = BinaryLogisticRegression(**FINE)
    model.fit(data[columns], data["y"], data["weights"], data["offset"])
    local = pd.DataFrame(X, columns=columns)
    expected = BinaryLogisticRegression(**FINE).fit(local, names, weights, offset)
    same(model, expected, 1e-8 if dtype == np.float64 else 1e-7)
    np.testing.assert_array_equal(model.feature_names_in_, columns)
    with pytest.raises(ValueError, match="feature names"):
        model.predict(data[columns[::-1]])


@pytest.mark.parametrize("other", ["bool", "int8", "int32", "Int8"])
def test_types_of_columns(other):
    """The type of X is the one in memory, float32 beside small integers."""
    X, y = sample()
    columns = dict.fromkeys(["x0", "x1", "x2", "x3", "x4"], np.float32)
    data = frame(X, y).astype(columns | {"x1": "int64"}).astype({"x1": other})
    local = data.compute()
    model = BinaryLogisticRegression(tol=1e-6).fit(data[list(columns)], data["y"])
    expected = BinaryLogisticRegression(tol=1e-6).fit(local[list(columns)], y)
    assert model.coef_.dtype == expected.coef_.dtype
    found = model.predict_proba(data[list(columns)])
    known = expected.predict_proba(local[list(columns)])
    assert found.dtype == found.compute().dtype == known.dtype


@pytest.mark.parametrize(
    "labels",
    [
        np.array([False, True]),
        np.array([-1.0, 1.0]),
        np.array(["a", "b"]),
        np.array(["a", "b"], dtype=object),
        np.array([7, 3], dtype=np.uint8),
    ],
    ids=str,
)
def test_labels(labels):
    X, y = sample()
    model = BinaryLogisticRegression(**FINE).fit(chunked(X), chunked(labels[y]))
    same(model, BinaryLogisticRegression(**FINE).fit(X, labels[y]))


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("class_weight", [None, "balanced", {0: 3.0}])
@pytest.mark.parametrize("weighted", [False, True])
def test_weights_and_offset(soft, class_weight, weighted):
    X, y = sample()
    rng = np.random.default_rng(1)
    if soft:
        y = np.clip(0.8 * y + rng.uniform(-0.3, 0.3, len(y)), 0.0, 1.0)
    weights = rng.exponential(size=len(y)) * (rng.random(len(y)) > 0.1)
    offset = rng.standard_normal(len(y))
    given = {"offset": offset} | ({"sample_weight": weights} if weighted else {})
    params = {"soft_labels": soft, "class_weight": class_weight, **FINE}
    lazy = {name: chunked(values) for name, values in given.items()}
    model = BinaryLogisticRegression(**params).fit(chunked(X), chunked(y), **lazy)
    same(model, BinaryLogisticRegression(**params).fit(X, y, **given))


def test_a_number_as_the_weight():
    X, y = sample()
    model = BinaryLogisticRegression(**FINE).fit(chunked(X), chunked(y), 0.25)
    same(model, BinaryLogisticRegression(**FINE).fit(X, y, 0.25))


@pytest.mark.parametrize(
    "params",
    [
        {"l1_ratio": 1.0, "C": 0.01},
        {"l1_ratio": 0.5, "C": 0.1, "solver": "newton-cholesky"},
        {"bounds": (0.0, None)},
        {"penalty_factor": [1.0, 0.0, 2.0, 1.0, 0.5]},
        {"penalty_center": [1.0, -1.0, 0.0, 2.0, 0.0]},
        {"fit_intercept": False},
        {"solver": "newton-cg"},
        {"C": np.inf},
        {"C": np.inf, "solver": "newton-cg"},
        {"C": 1e6},
        {"loss": "squared_error"},
        {"loss": "squared_error", "C": 0.01, "n_init": 2, "random_state": 0},
        {"loss": "squared_error", "C": 0.1, "l1_ratio": 0.5},
        {"C": np.inf, "bias_reduction": "mdypl"},
        {"C": np.inf, "bias_reduction": "firth"},
        {"C": np.inf, "bias_reduction": "flic"},
    ],
    ids=str,
)
def test_parameters(params):
    X, y = sample()
    model = BinaryLogisticRegression(**FINE, **params).fit(chunked(X), chunked(y))
    expected = BinaryLogisticRegression(**FINE, **params).fit(X, y)
    same(model, expected, 1e-7 if params.get("loss") else 1e-8)


@pytest.mark.parametrize("n_features", [40, 450])
def test_many_columns(n_features):
    X, y = sample(n_features)
    lasso = {"l1_ratio": 1.0}
    for params in ({}, {**lasso, "C": 0.05}, {**lasso, "C": 1e-6}):  # no weight is left
        model = BinaryLogisticRegression(**params).fit(chunked(X), chunked(y))
        expected = BinaryLogisticRegression(**params).fit(X, y)
        assert model.converged_
        assert model.objective_ == pytest.approx(expected.objective_, rel=2e-8)


def test_fewer_rows_than_columns():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 200)), rng.integers(0, 2, 60)
    chunks = (20, 30, 10)
    model = BinaryLogisticRegression(**FINE).fit(chunked(X, chunks), chunked(y, chunks))
    same(model, BinaryLogisticRegression(**FINE).fit(X, y))


def tall(n_samples=40_000, n_features=10):
    """Data from which samples are drawn, as arrays in memory and of dask."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_samples, n_features))
    y = (X[:, 0] + rng.logistic(size=n_samples) > 0.0).astype(int)
    return (X, y), (da.from_array(X, chunks=(5000, -1)), da.from_array(y, chunks=5000))


@pytest.fixture
def rounds(monkeypatch):
    """A list with an entry for each round of tasks: whether it reads X, and keeps."""
    found, run = [], Partitions.run

    def recorded(self, *args, read=False, keep=False, **options):
        found.append((read, keep))
        return run(self, *args, read=read, keep=keep, **options)

    monkeypatch.setattr(Partitions, "run", recorded)
    return found


@pytest.mark.parametrize("C", [1.0, np.inf])
def test_each_round_reads(C, rounds):
    _, there = tall()
    model = BinaryLogisticRegression(C=C).fit(*there)
    assert model.converged_
    assert len(rounds) == model.history_[-1].reads <= 6
    # The labels alone stay where they are.
    assert rounds == [(True, True)] + [(True, False)] * (len(rounds) - 1)


def test_margins_are_kept_once_they_are_needed(rounds):
    (X, _), (there, _) = tall()
    y = (X[:, 0] + X[:, 1] > 0.1).astype(int)
    y[:40] = 1 - y[:40]  # nearly separated
    labels = da.from_array(y, chunks=5000)
    for params in ({"C": np.inf}, {"C": np.inf} | FINE, {"C": 1e4}):
        rounds.clear()
        model = BinaryLogisticRegression(**params).fit(there, labels)
        expected = BinaryLogisticRegression(**params).fit(X, y)
        assert model.converged_
        assert model.objective_ == pytest.approx(expected.objective_, rel=2e-8)
        assert model.history_[-1].reads <= len([read for read, _ in rounds if read])
        # At most one pass finds margins that were not kept, and X is needed for more.
        assert model.history_[-1].reads <= expected.history_[-1].reads + 4


@pytest.mark.parametrize(
    "params", [{}, {"class_weight": {0: 1e-4, 1: 1.0}}, {"class_weight": "balanced"}]
)
@pytest.mark.parametrize("least", [1e-3, 1e-300, 0.0])
def test_weights_of_very_different_sizes(params, least):
    (X, y), (there, labels) = tall(10_000, 3)
    weights = np.geomspace(1.0, 1e20, len(y))
    weights[::3] = least
    spread = da.from_array(weights, chunks=5000)
    model = BinaryLogisticRegression(**FINE, **params)
    expected = BinaryLogisticRegression(**FINE, **params).fit(X, y, weights)
    same(model.fit(there, labels, spread), expected, 1e-6)


def test_a_result_has_its_size():
    held = [np.zeros(1000), np.zeros(1000)]
    assert sys.getsizeof(Result([1.0], held)) > 16_000
    part = RowPart(np.zeros(500, np.int8), np.zeros(500), None, None)
    assert sys.getsizeof(Result([], part)) > 4500


@pytest.mark.parametrize("exponents", [(0, 0), (-4, 4)])
def test_few_passes(exponents):
    rng = np.random.default_rng(0)
    n_samples, n_features = 100_000, 30
    X = rng.standard_normal((n_samples, n_features))
    z = X @ rng.standard_normal(n_features) / 2
    y = rng.random(n_samples) < expit(z)
    X = (X + 5.0) * np.logspace(*exponents, n_features)
    X[:, 1] = X[:, 0] + 1e-4 * X[:, 1]
    there, labels = da.from_array(X, chunks=(5000, -1)), da.from_array(y, chunks=5000)
    rounds = []

    def counted(block):
        rounds.append(1)
        return block

    counting = there.map_blocks(counted, meta=there._meta)
    model = BinaryLogisticRegression().fit(counting, labels)
    assert model.converged_
    assert model.history_[-1].reads <= 8
    # One more to predict; the journal ends before the last look at the digits.
    assert len(rounds) / 20 <= 8
    with dask.config.set(scheduler="synchronous"):
        assert len(rounds) / 20 == pytest.approx(model.history_[-1].reads, abs=1.0)


@pytest.mark.parametrize("form", ["array", "unknown", "frame", "csr"])
def test_predictions_are_lazy(form):
    X, y = sample()
    X = csr(X) if form == "csr" else X
    labels = np.array(["a", "b"])[y]
    local, offset = X, np.linspace(-1.0, 1.0, len(y))
    there = chunked(X)
    if form == "unknown":
        there = unknown(there)
    if form == "frame":
        there = frame(X, y).drop(columns="y")
        local = pd.DataFrame(X, columns=there.columns)
    model = BinaryLogisticRegression().fit(local, labels)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        for given in ({}, {"offset": offset}):
            expected = getattr(model, name)(local, **given)
            lazy = {k: chunked(v) for k, v in given.items()}
            found = getattr(model, name)(there, **lazy)
            assert isinstance(found, da.Array)
            assert found.dtype == expected.dtype
            assert found.ndim == expected.ndim
            if name == "predict":
                np.testing.assert_array_equal(found.compute(), expected)
            else:
                np.testing.assert_allclose(found.compute(), expected, 1e-12, 1e-12)


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda z: z, "offset must be a dask collection"),
        (lambda z: chunked(z, (4000,)), "offset has 1 partitions"),
        # Otherwise numpy would repeat the single rows.
        (lambda z: chunked(z, (3999, 1)), "Partition 0 of offset has 3999 rows"),
        (lambda z: unknown(chunked(z, (3999, 1))), "A partition of offset has"),
        (lambda z: chunked(z[:, None], (1, 3999)), "offset must have 1 dimension"),
    ],
)
def test_offsets_of_predictions_that_do_not_match(make, match):
    X, y = sample()
    model, there = BinaryLogisticRegression().fit(X, y), chunked(X, (1, 3999))
    with pytest.raises(ValueError, match=match):
        model.predict(there, make(np.zeros(len(y)))).compute()


def test_predictions_do_not_change_with_a_later_fit():
    X, y = sample()
    model = BinaryLogisticRegression().fit(X, y)
    expected, found = model.predict(X), model.predict(chunked(X))
    model.fit(X, 1 - y)
    np.testing.assert_array_equal(found.compute(), expected)


def test_separable():
    X, _ = sample()
    y = (X @ np.array([0.1, 1.0, -1.0, 0.3, 0.1]) > 3.0).astype(int)
    model = BinaryLogisticRegression(C=np.inf)
    with pytest.warns(UserWarning, match="separat"):
        model.fit(chunked(X), chunked(y))
    assert model.status_.word == "separable"


def test_quasi_separable():
    X, y = sample()
    X[:, 2] = np.where(y == 1, np.abs(X[:, 2]) * (X[:, 3] > 5.0), 0.0)
    model = BinaryLogisticRegression(C=np.inf)
    with pytest.warns(UserWarning, match="separat"):
        model.fit(chunked(X), chunked(y))
    assert model.status_.word == "quasi_separable"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = BinaryLogisticRegression(C=np.inf).fit(X, y)
    assert expected.status_.word == model.status_.word
    assert expected.status_.sentence == model.status_.sentence


def test_separated_by_a_single_row():
    X, y = sample()
    X[:, 2] = 0.0
    X[3210, 2] = 2 * y[3210] - 1
    model = BinaryLogisticRegression(C=np.inf)
    with pytest.warns(UserWarning, match="separat"):
        model.fit(chunked(X), chunked(y))
    assert model.status_.word == "quasi_separable"
    assert "alone does it: 2" in model.status_.sentence


def write_parquet(folder, n_columns=20):
    """Files that dask reads several at a time if few columns are needed."""
    X, y = sample(n_columns)
    data = pd.DataFrame(X, columns=[f"x{j}" for j in range(n_columns)])
    data["label"] = np.where(y == 1, "yes", "no")
    data["weight"] = np.linspace(0.5, 1.5, len(y))
    for k, part in enumerate(np.array_split(np.arange(len(y)), 7)):
        data.iloc[part].to_parquet(folder / f"part{k}.parquet")
    return data


@pytest.mark.parametrize("n_columns", [2, 20])
def test_parquet(tmp_path, n_columns):
    local = write_parquet(tmp_path)
    data, columns = dd.read_parquet(tmp_path), [f"x{j}" for j in range(n_columns)]
    # Alone, columns are read in fewer partitions.
    assert len(data["label"].to_delayed()) < data.npartitions
    model = BinaryLogisticRegression(**FINE)
    model.fit(data[columns], data["label"], data["weight"])
    expected = BinaryLogisticRegression(**FINE)
    expected.fit(local[columns], local["label"], local["weight"])
    same(model, expected)
    for offset in (None, "weight"):
        given = () if offset is None else (data[offset],)
        found = model.predict_proba(data[columns], *given).compute()
        given = () if offset is None else (local[offset],)
        known = expected.predict_proba(local[columns], *given)
        np.testing.assert_allclose(found, known, 1e-9)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"l1_ratio": 1.0},
        {"l1_ratio": 0.5, "penalty_center": [1.0, 0.0, 0.0, -1.0, 0.0]},
        {"soft_labels": True, "loss": "squared_error"},
        {"fit_intercept": False},
    ],
    ids=str,
)
def test_regularization_path(params):
    X, y = sample()
    y = 0.9 * y + 0.05 if params.get("soft_labels") else y
    offset, model = np.linspace(-1.0, 1.0, len(y)), BinaryLogisticRegression(**params)
    expected = regularization_path(model, X, y, Cs=7, offset=offset)
    given = {"Cs": 7, "offset": chunked(offset)}
    found = regularization_path(model, chunked(X), chunked(y), **given)
    np.testing.assert_allclose(found.Cs, expected.Cs, rtol=1e-8)
    np.testing.assert_allclose(found.objectives, expected.objectives, rtol=2e-8)
    np.testing.assert_allclose(found.coefs, expected.coefs, rtol=1e-2, atol=1e-4)
    np.testing.assert_allclose(found.deviances, expected.deviances, rtol=1e-6)
    np.testing.assert_array_less(found.gaps, 1.001e-8)
    assert found.null_deviance == pytest.approx(expected.null_deviance, rel=1e-7)
    degrees = expected.degrees_of_freedom
    np.testing.assert_allclose(found.degrees_of_freedom, degrees, rtol=0.02)


@pytest.mark.parametrize("form", ["dense", "csr"])
def test_arrays_at_odd_addresses(form):
    X, y = sample()
    X = csr(X) if form == "csr" else X
    moved = _at_an_odd_address(X)
    assert not _values(moved).flags.aligned
    assert _values(matrix_of(moved, np.dtype(float))).flags.aligned
    there = chunked(X).map_blocks(_at_an_odd_address, meta=X[:0])
    model = BinaryLogisticRegression(**FINE).fit(there, chunked(y))
    same(model, BinaryLogisticRegression(**FINE).fit(X, y))


def _values(block):
    return block.data if sparse.issparse(block) else block


def _at_an_odd_address(block):
    """Return a block whose values are where a worker may have received them."""
    values = _values(block)
    place = np.empty(values.nbytes + 1, np.uint8)
    moved = np.frombuffer(place, values.dtype, values.size, 1).reshape(values.shape)
    moved[...] = values
    if not sparse.issparse(block):
        return moved
    found = block.copy()
    found.data = moved
    return found


@pytest.mark.parametrize("form", ["array", "frame"])
def test_accuracy(form):
    X, y = sample()
    weights = np.random.default_rng(0).exponential(size=len(y))
    given = chunked(X), chunked(y), chunked(weights)
    if form == "frame":
        data = frame(X, y, weights=weights)
        given = data.drop(columns=["y", "weights"]), data["y"], data["weights"]
    model = BinaryLogisticRegression().fit(*given)
    expected = weights @ (model.predict(given[0]).compute() == y) / weights.sum()
    assert model.score(*given) == pytest.approx(expected)


def test_lazy_predictions_do_not_change_with_the_model():
    X, y = sample()
    model = BinaryLogisticRegression().fit(X, y)
    expected, lazy = model.decision_function(X), model.decision_function(chunked(X))
    model.coef_ *= 3.0
    np.testing.assert_allclose(lazy.compute(), expected)


def test_partitions_that_share_a_part_of_the_graph():
    X, y = sample()
    there = da.from_array(X, chunks=(700, 2)).rechunk({0: CHUNKS, 1: -1})
    model = BinaryLogisticRegression(**FINE).fit(there, chunked(y))
    same(model, BinaryLogisticRegression(**FINE).fit(X, y))


class TestErrors:
    """What is wrong is named, and the estimator stays as it was."""

    def fails(self, match, *args, params=None, **others):
        model = BinaryLogisticRegression(**(params or {}))
        before = dict(vars(model))
        with pytest.raises(ValueError, match=match):
            model.fit(*args, **others)
        assert vars(model) == before

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_values(self, value):
        X, y = sample()
        X[1500, 2] = value
        self.fails("Partition 3 of X: .*contains", chunked(X), chunked(y))

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_other_values(self, value):
        X, y = sample()
        wrong = np.ones(len(y))
        wrong[2500] = value
        X, y = chunked(X), chunked(y)
        self.fails("Partition 4: .*sample_weight", X, y, sample_weight=chunked(wrong))
        self.fails("Partition 4: .*offset", X, y, offset=chunked(wrong))
        self.fails("Partition 4: .*y contains", X, chunked(wrong))

    def test_negative_weights(self):
        X, y = sample()
        wrong = np.ones(len(y))
        wrong[2500] = -1.0
        self.fails("egative", chunked(X), chunked(y), chunked(wrong))
        self.fails("must not all be 0", chunked(X), chunked(y), chunked(0.0 * wrong))

    @pytest.mark.parametrize("weight", [-1.0, np.nan, np.inf, 0])
    def test_a_number_as_the_weight(self, weight):
        X, y = sample()
        self.fails("sample_weight", chunked(X), chunked(y), weight)

    def test_values_of_other_kinds(self):
        X, y = sample()
        data = frame(X, np.array(["a", "b"])[y]).astype({"y": "string"})
        data["w"] = 1.0
        gaps = data.astype({"w": "Float64"})
        gaps = gaps.mask(gaps["x2"] > 3.0)
        x, w = ["x1", "x2"], data["w"]
        self.fails("Partition 0: y contains missing values", data[x], gaps["y"], w)
        self.fails("Partition 0: .*sample_weight", data[x], data["y"], gaps["w"])
        self.fails("Partition 0: sample_weight", data[x], data["y"], data["y"])
        self.fails("Partition 0: X", data[["x1", "y"]], data["y"], w)

    def test_partitions_that_do_not_match(self):
        X, y = sample()
        self.fails("y has 2 partitions", chunked(X), chunked(y, (2000, 2000)))
        shifted = (1000, 200, 1, 799, 900, 1100)
        self.fails("Partition 0 of y has 1000 rows", chunked(X), chunked(y, shifted))
        there, labels = unknown(chunked(X)), unknown(chunked(y, shifted))
        self.fails("Partition 0: y has 1000 rows, but X has 1200", there, labels)
        self.fails("y must be a dask collection", chunked(X), y)

    def test_labels(self):
        X, y = sample()
        self.fails("only one class", chunked(X), chunked(0 * y))
        three = y + (np.arange(len(y)) % 2)
        self.fails("Only binary", chunked(X), chunked(three))
        self.fails("Unknown label type", chunked(X), chunked(X[:, 0]))
        mixed = np.where(np.arange(len(y)) == 1500, None, y)
        self.fails("Partition 3: y: ", chunked(X), chunked(mixed))
        self.fails("0, 1", chunked(X), chunked(y + 0.5), params={"soft_labels": True})

    def test_no_rows(self):
        X, y = sample()
        nothing = chunked(X[:0], (0, 0)), chunked(y[:0], (0, 0))
        self.fails("no rows", *nothing)


class TestCluster:
    """On two processes."""

    @pytest.fixture(autouse=True)
    def scheduler(self, client):
        with dask.config.set(scheduler=client):
            yield

    @pytest.mark.parametrize(
        ("form", "persisted"),
        [
            ("dense", False),
            ("dense", True),
            ("csr", True),
            ("frame", False),
            ("frame", True),
            ("frames", True),
        ],
    )
    def test_fit(self, client, form, persisted):
        X, y = sample()
        X = csr(X) if form == "csr" else X
        there, labels = chunked(X), chunked(y)
        if form.startswith("frame"):
            data = frame(X, y)
            data = client.persist(data) if form == "frame" and persisted else data
            there, labels = data.drop(columns="y"), data["y"]
        if persisted and form != "frame":
            there, labels = client.persist([there, labels])
        model = BinaryLogisticRegression(**FINE).fit(there, labels)
        same(model, BinaryLogisticRegression(**FINE).fit(X, y))
        assert model.predict(there).compute().shape == y.shape

    def test_fits_are_identical(self, client):
        X, y = (client.persist(chunked(values)) for values in sample())
        coefs = [BinaryLogisticRegression().fit(X, y).coef_ for _ in range(2)]
        np.testing.assert_array_equal(*coefs)

    @pytest.mark.parametrize("limit", ["group_bytes", "added_bytes"])
    def test_tasks_of_several_partitions(self, client, monkeypatch, limit):
        X, y = client.persist([chunked(values) for values in sample()])
        run, n_tasks = Partitions._run_on_cluster, []

        def counted(self, graph, parts, kept):
            n_tasks.append(len(graph) - len(kept))
            return run(self, graph, parts, kept)

        monkeypatch.setattr(Partitions, "_run_on_cluster", counted)
        model = BinaryLogisticRegression(C=np.inf).fit(X, y)
        assert max(n_tasks) <= 2  # one for each worker
        n_tasks.clear()
        sizes = replace(PARTITION_SIZES, **{limit: 1})
        monkeypatch.setattr(_partition_sources, "PARTITION_SIZES", sizes)
        other = BinaryLogisticRegression(C=np.inf).fit(X, y)
        assert min(n_tasks) >= len(CHUNKS)
        np.testing.assert_array_equal(other.coef_, model.coef_)
        assert other.history_[-1].reads == model.history_[-1].reads

    def test_data_are_sent_once(self, client, monkeypatch):
        X, y = sample()
        sizes, get = [], client.get

        def measured(self, graph, *args, **options):
            sizes.append(len(pickle.dumps(graph)))
            return get(graph, *args, **options)

        monkeypatch.setattr(client, "get", MethodType(measured, client))
        model = BinaryLogisticRegression().fit(chunked(X), chunked(y))
        assert model.history_[-1].reads >= 3
        # With y to find the classes, and then X alone, which each round reads.
        assert 2.0 * X.nbytes < sum(sizes) < 3.5 * X.nbytes

    def test_inference(self, client):
        X, y = sample()
        rng = np.random.default_rng(0)
        per_row = {
            "sample_weight": rng.integers(0, 4, len(y)).astype(float),
            "offset": rng.standard_normal(len(y)),
            "groups": rng.integers(0, 60, len(y)),
        }
        model = BinaryLogisticRegression(C=np.inf, **FINE).fit(X, y)
        of = functools.partial(Inference.from_estimator, model, covariance="cluster")
        there = client.persist(chunked(X))
        lazily = {name: chunked(values) for name, values in per_row.items()}
        found, expected = of(there, chunked(y), **lazily), of(X, y, **per_row)
        for lazy, local in (
            (found.table, expected.table),
            (found.pseudo_r2, expected.pseudo_r2),
            (found.dfbetas().compute(), expected.dfbetas()),
            (found.predict(there).compute(), expected.predict(X)),
        ):
            np.testing.assert_allclose(lazy, local, 1e-8, 1e-10)

    def test_an_interrupt_cancels(self, client):
        X, y = sample()
        there = chunked(X).map_blocks(_slowly, meta=np.empty((0, 0)))
        interrupt = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        model = BinaryLogisticRegression()
        before = dict(vars(model))
        # A process that was started in the background may ignore interrupts.
        handler = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            interrupt.start()
            with pytest.raises(KeyboardInterrupt):
                model.fit(there, chunked(y))
        finally:
            signal.signal(signal.SIGINT, handler)
        assert vars(model) == before
        deadline = time.monotonic() + 20.0
        while any(client.processing().values()):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def test_errors_of_partitions(self, client):
        X, y = sample()
        X[1500, 2] = np.nan
        with pytest.raises(ValueError, match=r"Partition 3 of X: .*NaN"):
            BinaryLogisticRegression().fit(chunked(X), chunked(y))


class TestKilledWorker:
    """In a process of its own, whatever the scheduler of this one."""

    @pytest.fixture(autouse=True)
    def scheduler(self):
        pytest.importorskip("distributed")

    @pytest.mark.parametrize("when", ["while data are generated", "with results"])
    def test_the_fit_is_right(self, when):
        run = subprocess.run(
            [sys.executable, "-m", "tests._killed_worker", when],
            cwd=Path(__file__).parents[1],
            stdout=subprocess.PIPE,
            text=True,
            timeout=100,
        )
        assert run.returncode == 0
        assert run.stdout == "The fit is right.\n"


def _slowly(block):
    time.sleep(0.2)
    return block


def test_a_closed_client():
    distributed = pytest.importorskip("distributed")
    X, y = sample()
    with (
        distributed.LocalCluster(
            n_workers=1, processes=False, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        there, labels = client.persist([chunked(X), chunked(y)])
    with pytest.raises(ValueError, match="closed"):
        BinaryLogisticRegression().fit(there, labels)
