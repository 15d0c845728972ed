"""Inference from dask collections: the figures in memory, few passes, lazy frames."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV
from sk_logreg.displays import InfluenceDisplay
from sk_logreg.inference import Inference
from tests._partitions import chunked, csr, frame, sample, unknown
from tests.test_dask import FINE, write_parquet

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

FREE = {"C": np.inf}
FIGURES = ("log_likelihood", "null_log_likelihood", "deviance", "edf", "aic", "bic")


@pytest.fixture(autouse=True)
def scheduler():
    with dask.config.set(scheduler="threads"):
        yield


def close(found, expected, tol=1e-9):
    """The same numbers, and the same that are infinite or NaN."""
    found, expected = np.asarray(found, float), np.asarray(expected, float)
    finite = expected[np.isfinite(expected)]
    size = np.abs(finite).max(initial=1e-300)
    np.testing.assert_allclose(found, expected, rtol=tol, atol=1e-3 * tol * size)


def same(lazy, local, tol=1e-9):
    """All that takes few passes is the same."""
    for name in ("table", "odds_ratios", "covariance_matrix", "pseudo_r2"):
        close(getattr(lazy, name), getattr(local, name), tol)
    close(lazy.penalty_bias, local.penalty_bias, tol)
    close(
        [getattr(lazy, n) for n in FIGURES], [getattr(local, n) for n in FIGURES], tol
    )
    assert lazy.n_obs == local.n_obs
    assert lazy.covariance == local.covariance
    assert list(lazy.table.index) == list(local.table.index)
    assert lazy.notes == local.notes
    for kind in ("average", "mean"):
        close(lazy.marginal_effects(kind), local.marginal_effects(kind), tol)


def both(model, X, y, *, chunks=None, chunk=chunked, **given):
    """The inferences from the partitions of arrays, and from the arrays."""
    options = {k: given.pop(k) for k in ("covariance", "level") if k in given}
    lazy = {name: chunked(values) for name, values in given.items()}
    return (
        Inference.from_estimator(model, chunk(X), chunked(y), **lazy, **options),
        Inference.from_estimator(model, X, y, **given, **options),
    )


def passes(inference):
    return inference._fitted.problem.rows.partitions.meter.passes


def extras(y, seed=1):
    """Frequencies, of which some are 0, an offset and groups."""
    rng = np.random.default_rng(seed)
    return {
        "sample_weight": rng.integers(0, 4, len(y)).astype(float),
        "offset": 0.3 * rng.standard_normal(len(y)),
    }, rng.integers(0, 60, len(y))


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize(
    ("kind", "n_passes"),
    [("model", 2), ("HC0", 2), ("HC1", 2), ("HC2", 3), ("HC3", 3), ("cluster", 3)],
)
def test_covariances(kind, n_passes, scheduler):
    X, y = sample()
    given, groups = extras(y)
    model = BinaryLogisticRegression(**FREE, **FINE).fit(X, y, **given)
    of_groups = {"groups": groups} if kind == "cluster" else {}
    with dask.config.set(scheduler=scheduler):
        lazy, local = both(model, X, y, covariance=kind, **given, **of_groups)
        # The first checks the partitions, the last is for leverages or clusters.
        assert passes(lazy) == n_passes
        same(lazy, local)
    assert lazy.summary() == local.summary()
    assert lazy._repr_html_() == local._repr_html_()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"absorb_bias": True, "C": 0.1},
        {"penalty_factor": [0, 1, 2, 1, 0], "penalty_center": [0, 1, 0, -1, 0]},
        FREE | {"fit_intercept": False},
        FREE | {"class_weight": "balanced"},
        FREE | {"loss": "squared_error"},
        FREE | {"bias_reduction": "mdypl"},
        FREE | {"bias_reduction": "firth"},
        FREE | {"bias_reduction": "flic"},
        FREE | {"soft_labels": True},
        {"soft_labels": True, "class_weight": {1: 3.0}},
        FREE | {"soft_labels": True, "bias_reduction": "mdypl"},
    ],
    ids=str,
)
def test_models(params):
    X, y = sample()
    given, _ = extras(y)
    if params.get("soft_labels"):
        y = np.clip(0.8 * y + np.linspace(-0.2, 0.4, len(y)), 0.0, 1.0)
    there = {name: chunked(values) for name, values in given.items()}
    fitted = BinaryLogisticRegression(**FINE, **params)
    fitted.fit(chunked(X), chunked(y), **there)  # the other way round
    lazy, local = both(fitted, X, y, **given)
    same(lazy, local)
    close(lazy.diagnostics().compute(), local.diagnostics())
    close(lazy.dfbetas().compute(), local.dfbetas(), 1e-8)
    names = lazy.terms[-2:]
    close(lazy.wald_test(names), local.wald_test(names))


@pytest.mark.parametrize("form", ["float32", "unknown", "csr", "csr32", "columns"])
def test_arrays(form):
    X, y = sample()
    X = csr(X) if form.startswith("csr") else X
    X = X.astype(np.float32) if form.endswith("32") else X
    model = BinaryLogisticRegression(**FREE, **FINE).fit(X, y)
    makers = {"unknown": unknown, "columns": lambda there: there.rechunk({1: 2})}
    make = makers.get(form, lambda there: there)
    lazy, local = both(model, X, y, covariance="HC3", chunk=lambda X: make(chunked(X)))
    same(lazy, local)
    close(lazy.diagnostics().compute(), local.diagnostics(), 1e-8)
    close(lazy.predict(make(chunked(X))).compute(), local.predict(X))


@pytest.mark.parametrize("chunks", [(4000,), (250,) * 16, (3990, 0, 10)])
def test_partitions_do_not_matter(chunks):
    X, y = sample()
    _, groups = extras(y)
    model = BinaryLogisticRegression(**FREE, **FINE).fit(X, y)
    there = [chunked(values, chunks) for values in (X, y, groups)]
    options = {"groups": groups, "covariance": "cluster"}
    local = Inference.from_estimator(model, X, y, **options)
    options |= {"groups": there[2]}
    lazy = Inference.from_estimator(model, *there[:2], **options)
    same(lazy, local)
    again = Inference.from_estimator(model, *there[:2], **options)
    pd.testing.assert_frame_equal(again.table, lazy.table, check_exact=True)


@pytest.mark.parametrize("kind", ["HC3", "cluster", "model"])
def test_frequencies_are_repetition(kind):
    X, y = sample()
    given, groups = extras(y)
    counts = given["sample_weight"].astype(int)
    rows = np.repeat(np.arange(len(y)), counts)
    model = BinaryLogisticRegression(**FREE, **FINE).fit(X, y, counts)
    there = chunked(X), chunked(y)
    options = {"sample_weight": chunked(counts), "covariance": kind}
    # Partitions at other places: a row and its copies may be in two.
    parts = (1000, 0, len(rows) - 1000)
    copies = chunked(X[rows], parts), chunked(y[rows], parts)
    again = {"covariance": kind}
    if kind == "cluster":
        options["groups"] = chunked(groups)
        again["groups"] = chunked(groups[rows], parts)
    one = Inference.from_estimator(model, *there, **options)
    other = Inference.from_estimator(model, *copies, **again)
    close(one.table, other.table)
    close(one.marginal_effects(), other.marginal_effects())
    assert one.n_obs == other.n_obs == len(rows)
    of_copies = other.diagnostics().compute().to_numpy()
    close(one.diagnostics().compute().to_numpy()[rows], of_copies, 1e-8)


@pytest.mark.parametrize("soft", [False, True])
def test_likelihood_ratios_and_profiles(soft):
    X, y = sample(3)
    y = np.where(np.arange(len(y)) % 9, y, 0.5) if soft else y
    params = FREE | {"soft_labels": soft}
    model = BinaryLogisticRegression(**params, **FINE).fit(X, y)
    lazy, local = both(model, X, y)
    close(lazy.likelihood_ratio_tests(), local.likelihood_ratio_tests())
    close(lazy.profile_intervals(["x1"]), local.profile_intervals(["x1"]))
    values = np.linspace(-1.0, 1.0, 3)
    close(lazy.profile("x2", values), local.profile("x2", values))


def quasi_separated():
    X, y = sample()
    X[:, 2] = np.where(y == 1, np.abs(X[:, 2]) * (X[:, 3] > 5.0), 0.0)
    return np.column_stack([X, X[:, 0] + X[:, 1]]), y


@pytest.mark.filterwarnings("ignore:BinaryLogisticRegression did not converge")
@pytest.mark.parametrize("params", [{}, {"class_weight": "balanced"}], ids=str)
def test_quasi_separation(params):
    X, y = quasi_separated()
    model = BinaryLogisticRegression(**FREE, **FINE, **params).fit(X, y)
    lazy, local = both(model, X, y, covariance="HC2" if params else "auto")
    assert np.isposinf(lazy.table.loc["x2", "coef"])
    assert np.isnan(lazy.table.loc["x0", "coef"])
    same(lazy, local)
    assert passes(lazy) < 20
    if not params:
        before = passes(lazy)
        lazy.profile_intervals("x2")
        assert passes(lazy) < before + 60
        close(lazy.profile_intervals("x2"), local.profile_intervals("x2"), 1e-6)
        tests = lazy.likelihood_ratio_tests("x2")
        close(tests, local.likelihood_ratio_tests("x2"), 1e-6)
    close(lazy.predict(X[::50]), local.predict(X[::50]))


@pytest.mark.filterwarnings("ignore:BinaryLogisticRegression did not converge")
def test_separation_by_few_rows_of_the_last_partition():
    """Rows that no sample holds decide on the sign of two terms."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40_000, 3))
    X[:, 1:] = 0.0
    y = (rng.random(len(X)) < 0.5).astype(int)
    y[-3:] = 1, 1, 0
    X[-3:, 1:] = [[1.0, 0.0], [-1.0, 2.0], [0.0, -1.0]]
    model = BinaryLogisticRegression(**FREE, **FINE).fit(X, y)
    chunks = {"chunks": (10_000,) * 4}
    there = chunked(X, **chunks), chunked(y, **chunks)
    lazy = Inference.from_estimator(model, *there)
    local = Inference.from_estimator(model, X, y)
    assert np.isposinf(lazy.table["coef"]).sum() == 2
    close(lazy.table, local.table)
    assert lazy.notes == local.notes


@pytest.mark.filterwarnings("ignore:BinaryLogisticRegression did not converge")
def test_two_rows_of_the_last_partition_exclude_a_direction():
    """Without them the second weight may diverge to either side."""
    rng = np.random.default_rng(0)
    signs = np.where(rng.random(40_000) < 0.5, 1, -1)
    X = signs[:, None] * (1.0 + rng.random((40_000, 2)))
    X[:, 1] = 0.3 * signs + rng.uniform(-0.5, 0.5, len(X))
    X[-2:], signs[-2:] = [[0.0, 1.0], [0.0, -1.0]], [1, -1]
    y, chunks = (signs > 0).astype(int), (10_000,) * 4
    model = BinaryLogisticRegression(**FREE).fit(X, y)
    lazy = Inference.from_estimator(model, chunked(X, chunks), chunked(y, chunks))
    assert np.isposinf(lazy.table.loc[["x0", "x1"], "coef"]).all()
    local = Inference.from_estimator(model, X, y)
    close(lazy.table, local.table)
    assert lazy.notes == local.notes
    fewer = Inference.from_estimator(model, X[:-2], y[:-2])
    assert not np.isposinf(fewer.table.loc["x1", "coef"])


@pytest.mark.filterwarnings("ignore:BinaryLogisticRegression did not converge")
def test_complete_separation():
    X, _ = sample()
    y = (X @ np.array([0.1, 1.0, -1.0, 0.3, 0.1]) > 3.0).astype(int)
    lazy, local = both(BinaryLogisticRegression(**FREE).fit(X, y), X, y)
    close(lazy.table, local.table)
    assert lazy.notes == local.notes
    assert lazy.log_likelihood == local.log_likelihood == 0.0


class TestClusters:
    @pytest.fixture
    def fitted(self):
        X, y = sample()
        return X, y, BinaryLogisticRegression(**FREE, **FINE).fit(X, y)

    @pytest.mark.parametrize("spread", [False, True])
    @pytest.mark.parametrize(
        "labels",
        [
            np.arange(80)[::-1],
            np.array([f"g{k}" for k in range(80)]),
            np.array([f"g{k}" for k in range(80)], dtype=object),
            np.arange("2020-01-01", "2020-03-21", dtype="datetime64[D]"),
            np.arange(80) / 7.0,
        ],
        ids=lambda labels: labels.dtype.str,
    )
    def test_labels(self, labels, spread, fitted):
        X, y, model = fitted
        rng = np.random.default_rng(0)
        codes = rng.integers(0, 80, len(y))
        options = {"covariance": "cluster", "groups": labels[np.sort(codes)]}
        if spread:
            options["groups"] = labels[codes]
        lazy, local = both(model, X, y, **options)
        close(lazy.table, local.table)
        assert lazy.notes == local.notes

    def test_data_frames(self, fitted):
        X, y, model = fitted
        groups = pd.Categorical.from_codes(np.arange(len(y)) % 7, list("gfedcba"))
        data = frame(X, y, groups=groups)
        columns = [f"x{j}" for j in range(X.shape[1])]
        local = pd.DataFrame(X, columns=columns)
        model = BinaryLogisticRegression(**FREE, **FINE).fit(local, y)
        args = data[columns], data["y"]
        options = {"covariance": "cluster", "groups": data["groups"]}
        lazy = Inference.from_estimator(model, *args, **options)
        options["groups"] = groups
        close(lazy.table, Inference.from_estimator(model, local, y, **options).table)

    def test_each_row_is_its_own_cluster(self, fitted):
        X, y, model = fitted
        groups = np.arange(len(y))
        lazy, _ = both(model, X, y, covariance="cluster", groups=groups)
        robust = Inference.from_estimator(model, X, y, covariance="HC1")
        close(lazy.table, robust.table)

    def test_rows_without_weight_have_no_group(self, fitted):
        X, y, model = fitted
        used = (np.arange(len(y)) % 3 > 0).astype(float)
        used[:1300] = 0.0  # a partition without weight
        groups = np.where(used > 0.0, np.arange(len(y)) % 50, 99)
        given = {"sample_weight": used, "groups": groups, "covariance": "cluster"}
        lazy, local = both(model, X, y, **given)
        close(lazy.table, local.table)
        assert any("50 groups" in note for note in lazy.notes)

    def test_refused(self, fitted):
        X, y, model = fitted
        missing = np.ones(len(y))
        missing[1500] = np.nan
        for groups, message in (
            (chunked(missing), "Partition 3: groups must not hold missing"),
            (chunked(np.ones(len(y))), "at least 2 groups"),
            (np.ones(len(y)), "groups must be a dask collection"),
            (chunked(X), "groups must have 1 dimension"),
        ):
            args = model, chunked(X), chunked(y)
            with pytest.raises(ValueError, match=message):
                Inference.from_estimator(*args, covariance="cluster", groups=groups)


class TestRows:
    """Members with a row per row of X are lazy data frames."""

    def test_data_frames(self):
        X, y = sample()
        offset = np.linspace(-1.0, 1.0, len(y))
        data = frame(X, y, offset=offset)
        columns = [f"x{j}" for j in range(X.shape[1])]
        local = data.compute()
        local.index = 1.5 * np.arange(len(y))
        data = data.map_partitions(_renumbered, meta=_renumbered(data._meta))
        model = BinaryLogisticRegression(**FREE, **FINE)
        model.fit(local[columns], y, offset=offset)
        there = data[columns], data["y"]
        lazy = Inference.from_estimator(model, *there, offset=data["offset"])
        expected = Inference.from_estimator(model, local[columns], y, offset=offset)
        before = passes(lazy)
        for found, known in (
            (lazy.diagnostics(), expected.diagnostics()),
            (lazy.dfbetas(), expected.dfbetas()),
            (
                lazy.predict(data[columns], data["offset"]),
                expected.predict(local[columns], offset),
            ),
            # An inference from rows in memory, too.
            (expected.predict(data[columns]), expected.predict(local[columns])),
        ):
            assert isinstance(found, dd.DataFrame)
            assert passes(lazy) == before
            assert found.index.dtype == known.index.dtype
            pd.testing.assert_frame_equal(found.compute(), known, rtol=1e-8)

    def test_arrays_have_the_numbers_of_rows(self):
        X, y = sample()
        model = BinaryLogisticRegression(**FREE).fit(X, y)
        lazy, local = both(model, X, y)
        assert list(lazy.diagnostics().compute().index) == list(range(len(y)))
        assert (
            lazy.diagnostics().columns.tolist() == local.diagnostics().columns.tolist()
        )
        largest = lazy.diagnostics()["cooks_distance"].nlargest(3).compute()
        expected = local.diagnostics()["cooks_distance"].nlargest(3)
        assert largest.index.tolist() == expected.index.tolist()

    def test_parquet(self, tmp_path):
        """Alone, columns are read in fewer partitions than together."""
        local = write_parquet(tmp_path)
        data, columns = dd.read_parquet(tmp_path), ["x0", "x1"]
        assert len(data["label"].to_delayed()) < data.npartitions
        model = BinaryLogisticRegression(**FREE, **FINE)
        model.fit(local[columns], local["label"], offset=local["weight"])
        args = data[columns], data["label"]
        lazy = Inference.from_estimator(model, *args, offset=data["weight"])
        args, offset = (local[columns], local["label"]), local["weight"]
        expected = Inference.from_estimator(model, *args, offset=offset)
        close(lazy.table, expected.table)
        for found, known in (
            (lazy.diagnostics(), expected.diagnostics()),
            (
                lazy.predict(data[columns], data["weight"]),
                expected.predict(local[columns], offset),
            ),
        ):
            found = found.compute()
            assert list(found.index) == list(known.index)
            close(found, known, 1e-8)

    def test_a_display_of_rows_is_refused(self):
        pytest.importorskip("matplotlib")
        X, y = sample()
        lazy, _ = both(BinaryLogisticRegression().fit(X, y), X, y)
        with pytest.raises(ValueError, match="rows in memory"):
            InfluenceDisplay.from_inference(lazy)


def _renumbered(part):
    return part.set_axis(1.5 * part.index.to_numpy())


def test_notes():
    X, y = sample()
    there = chunked(X), chunked(y)
    model = BinaryLogisticRegression(**FREE).fit(X, y)
    lazy = Inference.from_estimator(model, there[0], chunked(1 - y))
    assert any("not those of the fit" in note for note in lazy.notes)
    with pytest.warns(UserWarning, match="did not converge"):
        stopped = BinaryLogisticRegression(**FREE, max_iter=1).fit(X, y)
    lazy = Inference.from_estimator(stopped, *there)
    assert any("did not converge" in note for note in lazy.notes)


def test_pipelines_and_searches():
    X, y = sample()
    scale = FunctionTransformer(_tenfold, feature_names_out="one-to-one")
    model = make_pipeline(scale, BinaryLogisticRegression(**FREE, **FINE)).fit(X, y)
    lazy, local = both(model, X, y)
    same(lazy, local)
    close(lazy.predict(chunked(X)).compute(), local.predict(X))
    search = BinaryLogisticRegressionCV(Cs=3, cv=3, tol=1e-12).fit(X, y)
    same(*both(search, X, y))


def _tenfold(X):
    return 10.0 * X


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": lambda y: y.compute()}, "y must be a dask collection"),
        ({"y": lambda y: y + 1}, "y has the classes"),
        ({"X": lambda X: X[:, :3]}, "3 features"),
        ({"y": lambda y: y.rechunk((2000, 2000))}, "y has 2 partitions"),
        ({"X": lambda X: da.where(X > 30.0, np.nan, X)}, "Partition 0 of X"),
    ],
)
def test_refused_data(change, message):
    X, y = sample()
    model = BinaryLogisticRegression().fit(X, y)
    given = {"X": chunked(X), "y": chunked(y)}
    given |= {name: function(given[name]) for name, function in change.items()}
    with pytest.raises(ValueError, match=message):
        Inference.from_estimator(model, **given)


def test_refused_models():
    X, y = sample()
    there = chunked(X), chunked(y)
    lasso = BinaryLogisticRegression(l1_ratio=1.0, C=0.01).fit(X, y)
    with pytest.raises(ValueError, match="L1 penalty"):
        Inference.from_estimator(lasso, *there)
    model = BinaryLogisticRegression(**FREE).fit(X, y)
    with pytest.raises(ValueError, match="needs groups"):
        Inference.from_estimator(model, *there, covariance="cluster")
