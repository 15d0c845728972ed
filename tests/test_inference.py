"""Inference: standard errors, tests, intervals, effects, diagnostics and notes.

Each figure is compared with published values, with formulas on dense arrays, with
statsmodels, or with the same fit of repeated rows.
"""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import sparse
from scipy.optimize import brentq, minimize
from scipy.special import expit, log_expit
from scipy.stats import chi2, norm
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV
from sk_logreg.inference import Inference
from tests._problems import general, sample

ROBUST = ("HC0", "HC1", "HC2", "HC3")
TABLE = ["coef", "std_err", "z", "p_value", "ci_low", "ci_high"]


def unpenalized(**params):
    return BinaryLogisticRegression(C=np.inf, tol=1e-13, **params)


def inference_of(model, X, y, sample_weight=None, offset=None, **options):
    """Return the inference from a model that is fitted here."""
    data = {"sample_weight": sample_weight, "offset": offset}
    model.fit(X, y, **data)
    return Inference.from_estimator(model, X, y, **data, **options)


@pytest.fixture(scope="module")
def spector():
    """Return Spector's data, as W. H. Greene prints the model of them."""
    data = sm.datasets.spector.load_pandas()
    return data.exog[["GPA", "TUCE", "PSI"]], data.endog


@pytest.fixture(scope="module")
def budworm():
    """Return D. Collett's counts of dead budworms (1991), male first, of 20 each."""
    dead = np.array([1, 4, 9, 13, 18, 20, 0, 2, 6, 10, 12, 16])
    male = np.repeat([1.0, 0.0], 6)
    X = pd.DataFrame(
        {"ldose": np.tile(np.arange(6.0), 2), "sexF": 1.0 - male, "sexM": male}
    )
    return X, dead / 20, np.full(12, 20.0)


class TestPublished:
    """Values that other programs and books print."""

    def test_spector(self, spector):
        table = inference_of(unpenalized(), *spector).table
        expected = {
            "intercept": (-13.0213483, 4.931324),
            "GPA": (2.8261130, 1.262941),
            "TUCE": (0.0951577, 0.141554),
            "PSI": (2.3786877, 1.064564),
        }
        assert list(table.columns) == TABLE
        assert list(table.index) == list(expected)
        for term, values in expected.items():
            # The printed intercept is that of a fit with a coarser tolerance.
            found = table.loc[term, ["coef", "std_err"]].to_list()
            assert found == pytest.approx(values, abs=2e-6)

    @pytest.mark.parametrize(
        ("kind", "expected"),
        [
            ("HC0", [5.197585, 1.267546, 0.117922, 0.964419]),
            ("HC1", [5.556453, 1.355064, 0.126064, 1.031008]),
            ("HC2", [5.614584, 1.398443, 0.134290, 1.035940]),
            ("HC3", [6.082553, 1.551758, 0.153885, 1.116391]),
        ],
    )
    def test_robust(self, kind, expected, spector):
        # By R's package sandwich.
        table = inference_of(unpenalized(), *spector, covariance=kind).table
        np.testing.assert_allclose(table["std_err"], expected, atol=6e-7)

    def test_effects(self, spector):
        effects = inference_of(unpenalized(), *spector).marginal_effects()
        expected = [(0.362581, 0.109441), (0.012208, 0.017794), (0.357515, 0.142003)]
        np.testing.assert_allclose(effects[["effect", "std_err"]], expected, atol=6e-7)

    def test_profile_intervals_of_counts(self, budworm):
        # R's MASS interpolates by a spline, to about five digits; the lower end for
        # sexF was computed exactly as well.
        X, y, weights = budworm
        model = unpenalized(soft_labels=True, fit_intercept=False)
        intervals = inference_of(model, X, y, weights).profile_intervals()
        expected = {
            "ldose": (0.8228708, 1.339058),
            "sexF": (-4.4581438, -2.613610),
            "sexM": (-3.1728745, -1.655117),
        }
        for term, ends in expected.items():
            assert intervals.loc[term].to_list() == pytest.approx(ends, abs=1e-4)
        assert intervals.loc["sexF", "ci_low"] == pytest.approx(-4.4580680, abs=5e-8)

    def test_deviance_of_counts(self, budworm):
        # As R's glm(cbind(dead, 20 - dead) ~ sex + ldose - 1, binomial) prints it.
        X, y, weights = budworm
        model = unpenalized(soft_labels=True, fit_intercept=False)
        assert inference_of(model, X, y, weights).deviance == pytest.approx(
            6.757064, abs=1e-6
        )


def design(X, fit_intercept=True):
    """Return X dense, with a first column of ones if there is an intercept."""
    X = X.toarray() if sparse.issparse(X) else np.asarray(X, dtype=np.float64)
    return np.column_stack([np.ones(len(X)), X]) if fit_intercept else X


class Reference:
    """The formulas on dense arrays, with a row for each copy that has one label."""

    def __init__(self, model, X, y, sample_weight=None, offset=None):
        full = design(X, model.fit_intercept)
        n = len(full)
        s = np.ones(n) if sample_weight is None else np.asarray(sample_weight)
        o = np.zeros(n) if offset is None else offset
        if model.soft_labels:
            full, o = np.vstack([full, full]), np.tile(o, 2)
            s = np.concatenate([s * y, s * (1.0 - y)])
            y = np.repeat([1.0, 0.0], n)
        c = np.ones(len(s))
        if model.class_weight is not None:
            c = np.where(y == 1, model.class_weight[1], model.class_weight[0])
        coef = np.append(model.intercept_, model.coef_[0])
        coef = coef if model.fit_intercept else coef[1:]
        self.X, self.y, self.s, self.c, self.coef = full, y, s, c, coef
        self.p = expit(full @ coef + o)
        self.n, self.k = s.sum(), full.shape[1]
        self.w = self.p * (1.0 - self.p)
        if model.loss == "squared_error":
            self.slope = (self.p - y) * self.w
            bend = self.w * (self.w + (self.p - y) * (1.0 - 2.0 * self.p))
        else:
            self.slope, bend = self.p - y, self.w
        self.penalty = np.zeros(self.k)
        if np.isfinite(model.C):
            self.penalty[:] = 1.0 / model.C
            if model.fit_intercept and not model.absorb_bias:
                self.penalty[0] = 0.0
        self.information = full.T @ ((s * c * bend)[:, None] * full)
        self.inverse = np.linalg.inv(self.information + np.diag(self.penalty))
        norms = np.einsum("ij,jk,ik->i", full, self.inverse, full)
        self.leverage = c * bend * norms

    def covariance(self, kind, groups=None):
        inverse = self.inverse
        if kind in ("model", "bayesian"):
            return inverse
        if kind == "frequentist":
            return inverse @ self.information @ inverse
        if kind == "cluster":
            psi = (self.s * self.c * self.slope)[:, None] * self.X
            sums = np.array([psi[groups == g].sum(axis=0) for g in np.unique(groups)])
            size = len(sums)
            factor = size / (size - 1) * (self.n - 1) / (self.n - self.k)
            return factor * inverse @ sums.T @ sums @ inverse
        left = 1.0 - self.leverage
        over = {"HC0": 1.0, "HC1": (self.n - self.k) / self.n, "HC2": left}
        over["HC3"] = left**2
        squares = self.s * self.c**2 * self.slope**2 / over[kind]
        return inverse @ (self.X.T @ (squares[:, None] * self.X)) @ inverse


CASES = {
    "plain": ({}, "usual", ()),
    "sparse": ({}, "sparse", ()),
    "float32": ({}, "float32", ()),
    "tall": ({}, "tall", ()),
    "offset": ({}, "usual", ("offset",)),
    "soft": ({}, "usual", ("soft_labels",)),
    "soft with offset": ({}, "sparse", ("soft_labels", "offset")),
    "no intercept": ({"fit_intercept": False}, "usual", ()),
    "class weights": ({"class_weight": {0: 1.0, 1: 1.6}}, "usual", ()),
}


def case(name):
    """Return the arguments of `fit` and a model; the weights are not all one."""
    params, shape, ingredients = CASES[name]
    data, more = general(shape, *ingredients) if ingredients else (None, {})
    if data is None:
        data, _ = general(shape, "offset")
        del data["offset"]
    return data, params | more


@pytest.mark.parametrize("name", CASES)
class TestCovarianceIsTheFormula:
    @pytest.mark.parametrize("kind", ["model", *ROBUST])
    def test_without_penalty(self, kind, name):
        data, params = case(name)
        model = unpenalized(**params)
        found = inference_of(model, **data, covariance=kind)
        expected = Reference(model, **data).covariance(kind)
        scale = np.sqrt(expected.diagonal())
        np.testing.assert_allclose(
            found.covariance_matrix / np.outer(scale, scale),
            expected / np.outer(scale, scale),
            atol=1e-7,
        )
        assert found.covariance == kind

    @pytest.mark.parametrize("kind", ["bayesian", "frequentist", "HC0"])
    @pytest.mark.parametrize("absorb_bias", [False, True])
    def test_with_penalty(self, absorb_bias, kind, name):
        data, params = case(name)
        if not params.get("fit_intercept", True):
            absorb_bias = False
        model = BinaryLogisticRegression(
            C=0.1, absorb_bias=absorb_bias, tol=1e-13, **params
        )
        found = inference_of(model, **data, covariance=kind)
        reference = Reference(model, **data)
        expected = reference.covariance(kind)
        np.testing.assert_allclose(
            found.covariance_matrix, expected, rtol=1e-6, atol=1e-7 * expected.max()
        )
        edf = np.trace(reference.inverse @ reference.information)
        assert found.edf == pytest.approx(edf, rel=1e-8)
        bias = -reference.inverse @ (reference.penalty * reference.coef)
        np.testing.assert_allclose(found.penalty_bias, bias, rtol=1e-5, atol=1e-8)

    @pytest.mark.parametrize("kind", ["auto", "HC0"])
    def test_squared_error(self, kind, name):
        data, params = case(name)
        model = unpenalized(loss="squared_error", **params)
        found = inference_of(model, **data, covariance=kind)
        expected = Reference(model, **data).covariance("HC0")
        scale = np.sqrt(expected.diagonal())
        np.testing.assert_allclose(
            found.covariance_matrix / np.outer(scale, scale),
            expected / np.outer(scale, scale),
            atol=1e-5,
        )


class TestClusters:
    @pytest.mark.parametrize("shape", ["usual", "sparse"])
    def test_formula(self, shape):
        data, _ = general(shape, "offset")
        groups = np.random.default_rng(0).integers(0, 20, len(data["y"]))
        model = unpenalized()
        found = inference_of(model, **data, covariance="cluster", groups=groups)
        expected = Reference(model, **data).covariance("cluster", groups)
        np.testing.assert_allclose(found.covariance_matrix, expected, rtol=1e-6)
        assert any("20 groups" in note for note in found.notes)

    def test_statsmodels(self, spector):
        X, y = spector
        groups = np.repeat(["a", "b", "c", "d", "e", "f", "g", "h"], 4)
        found = inference_of(unpenalized(), X, y, covariance="cluster", groups=groups)
        other = sm.Logit(y, sm.add_constant(X)).fit(
            disp=0,
            method="newton",
            cov_type="cluster",
            cov_kwds={"groups": np.repeat(np.arange(8), 4)},
        )
        np.testing.assert_allclose(found.table["std_err"], other.bse, rtol=1e-6)

    def test_groups_without_weight(self):
        X, y = sample(200, 3)
        groups, kept = np.arange(200) % 10, np.arange(200) % 10 > 0
        weights = kept.astype(float)
        found = inference_of(
            unpenalized(), X, y, weights, covariance="cluster", groups=groups
        )
        other = inference_of(
            unpenalized(), X[kept], y[kept], covariance="cluster", groups=groups[kept]
        )
        np.testing.assert_allclose(found.table, other.table, rtol=1e-7)
        with pytest.raises(ValueError, match="at least 2 groups"):
            inference_of(
                unpenalized(),
                X,
                y,
                weights,
                covariance="cluster",
                groups=np.where(kept, "a", "b"),
            )

    def test_more_hypotheses_than_groups(self):
        X, y = sample(200, 3)
        groups = np.arange(200) % 3
        found = inference_of(unpenalized(), X, y, covariance="cluster", groups=groups)
        assert found.wald_test(["x0", "x1"])["df"] == 2
        with pytest.raises(ValueError, match=r"3 groups|contradict"):
            found.wald_test(["x0", "x1", "x2"])

    def test_rows_in_any_order(self):
        X, y = sample(300, 3)
        groups = np.arange(300) // 7
        order = np.random.default_rng(0).permutation(300)
        model = unpenalized()
        tables = [
            inference_of(
                model, X[rows], y[rows], covariance="cluster", groups=groups[rows]
            ).table
            for rows in (np.arange(300), order)
        ]
        np.testing.assert_allclose(*tables, rtol=1e-9, atol=1e-12)

    def test_each_row_its_own_cluster(self):
        """Then the sums are the scores, and only the factor differs from HC0."""
        X, y = sample(300_000, 3)  # more rows than are copied at a time
        model = unpenalized().fit(X, y)
        groups = np.random.default_rng(0).permutation(len(y))
        found = Inference.from_estimator(
            model, X, y, covariance="cluster", groups=groups
        )
        other = Inference.from_estimator(model, X, y, covariance="HC0")
        factor = len(y) / (len(y) - 4)
        np.testing.assert_allclose(
            found.covariance_matrix, factor * other.covariance_matrix, rtol=1e-8
        )

    def test_large_clusters_over_several_parts(self):
        X, y = sample(300_000, 3)
        model = unpenalized().fit(X, y)
        groups = np.arange(len(y)) % 5
        found = Inference.from_estimator(
            model, X, y, covariance="cluster", groups=groups
        )
        expected = Reference(model, X, y).covariance("cluster", groups)
        np.testing.assert_allclose(found.covariance_matrix, expected, rtol=1e-6)


def members(inference, X):
    """Return every member that does not have an entry per row."""
    has_likelihood = inference.covariance not in ("bayesian", "frequentist")
    numbers = {
        name: getattr(inference, name)
        for name in (
            "log_likelihood",
            "null_log_likelihood",
            "aic",
            "bic",
            "edf",
            "n_obs",
        )
    }
    frames = {
        "table": inference.table,
        "odds_ratios": inference.odds_ratios,
        "covariance_matrix": inference.covariance_matrix,
        "pseudo_r2": inference.pseudo_r2,
        "penalty_bias": inference.penalty_bias,
        "average effects": inference.marginal_effects(),
        "effects at means": inference.marginal_effects("mean"),
        "predict": inference.predict(X),
    }
    if has_likelihood:
        frames |= {
            "likelihood_ratio_tests": inference.likelihood_ratio_tests(),
            "profile_intervals": inference.profile_intervals(),
            "wald_test": inference.wald_test(inference.terms[1:3]),
            "profile": inference.profile("x1", [-0.5, 0.0, 0.5]),
        }
    return numbers, frames


def assert_same(one, other, rtol=1e-6):
    for name, value in one[0].items():
        assert other[0][name] == pytest.approx(value, rel=rtol), name
    for name, frame in one[1].items():
        np.testing.assert_allclose(
            other[1][name], frame, rtol=rtol, atol=1e-8, err_msg=name
        )


OPTIONS = [
    ("auto", {"C": np.inf}),
    ("HC1", {"C": np.inf}),
    ("HC3", {"C": np.inf}),
    ("auto", {"C": np.inf, "bias_reduction": "firth"}),
    ("auto", {"C": np.inf, "bias_reduction": "mdypl"}),
    ("bayesian", {"C": 1.0}),
    ("frequentist", {"C": 1.0, "absorb_bias": True}),
]


class TestWeightsAreFrequencies:
    @pytest.mark.parametrize(("kind", "params"), OPTIONS)
    def test_repetition(self, kind, params):
        X, y = sample(80, 4, seed=3)
        X[:, 2] = X[:, 2] > 0.0
        copies = np.random.default_rng(0).integers(0, 4, 80)
        rows = np.repeat(np.arange(80), copies)
        model = BinaryLogisticRegression(tol=1e-13, **params)
        weighted = inference_of(model, X, y, copies.astype(float), covariance=kind)
        found = members(weighted, X)
        repeated = inference_of(model, X[rows], y[rows], covariance=kind)
        assert_same(found, members(repeated, X))
        # The diagnostics are those of one copy.
        for name in ("diagnostics", "dfbetas"):
            of_rows = getattr(weighted, name)().iloc[rows]
            np.testing.assert_allclose(
                getattr(repeated, name)(), of_rows, rtol=1e-6, atol=1e-9
            )

    @pytest.mark.parametrize(("kind", "params"), OPTIONS)
    def test_soft_labels_are_split_rows(self, kind, params):
        X, _ = sample(60, 4, seed=3)
        X[:, 2] = X[:, 2] > 0.0
        q = np.random.default_rng(0).integers(0, 6, 60) / 5
        weights = np.full(60, 5.0)
        offset = np.linspace(-0.5, 0.5, 60)
        soft = BinaryLogisticRegression(tol=1e-13, soft_labels=True, **params)
        one = inference_of(soft, X, q, weights, offset, covariance=kind)
        hard = BinaryLogisticRegression(tol=1e-13, **params)
        other = inference_of(
            hard,
            np.vstack([X, X]),
            np.repeat([1, 0], 60),
            np.concatenate([5.0 * q, 5.0 * (1.0 - q)]),
            np.tile(offset, 2),
            covariance=kind,
        )
        assert_same(members(one, X), members(other, X))

    def test_class_weights_are_not_frequencies(self):
        """The sandwich of a weighted likelihood squares the class weights."""
        X, y = sample(4000, 2, bias=-2.0)
        model = unpenalized(class_weight="balanced")
        found = inference_of(model, X, y)
        assert found.n_obs == 4000
        assert any("class_weight" in note and "HC0" in note for note in found.notes)
        robust = inference_of(model, X, y, covariance="HC0")
        assert not any("do not hold" in note for note in robust.notes)
        model.class_weight = dict(enumerate(0.5 * 4000 / np.bincount(y)))
        expected = Reference(model, X, y).covariance("HC0")
        np.testing.assert_allclose(robust.covariance_matrix, expected, rtol=1e-6)


class TestStatsmodels:
    @pytest.fixture(scope="class")
    @staticmethod
    def both(spector):
        X, y = spector
        full = sm.add_constant(X)
        model = sm.GLM(y, full, family=sm.families.Binomial())
        other = model.fit(tol=1e-14, tol_criterion="params")
        return inference_of(unpenalized(), X, y), other, full

    def test_table(self, both):
        ours, other, _ = both
        np.testing.assert_allclose(ours.table["z"], other.tvalues, rtol=1e-7)
        np.testing.assert_allclose(ours.table["p_value"], other.pvalues, rtol=1e-7)
        np.testing.assert_allclose(
            ours.table[["ci_low", "ci_high"]], other.conf_int(), rtol=1e-7
        )

    def test_likelihood(self, both, spector):
        ours, other, full = both
        logit = sm.Logit(spector[1], full).fit(disp=0)
        assert ours.log_likelihood == pytest.approx(other.llf)
        assert ours.null_log_likelihood == pytest.approx(logit.llnull)
        assert ours.deviance == pytest.approx(other.deviance)
        assert ours.aic == pytest.approx(logit.aic)
        assert ours.bic == pytest.approx(logit.bic)
        assert ours.pseudo_r2["mcfadden"] == pytest.approx(logit.prsquared)
        assert ours.pseudo_r2["cox_snell"] == pytest.approx(other.pseudo_rsquared("cs"))
        p, y = np.asarray(logit.predict()), np.asarray(spector[1])
        assert ours.pseudo_r2["tjur"] == pytest.approx(
            p[y == 1].mean() - p[y == 0].mean()
        )

    def test_likelihood_ratio(self, both, spector):
        X, y = spector
        tests = both[0].likelihood_ratio_tests([["GPA", "PSI"], "TUCE"])
        without = sm.Logit(y, sm.add_constant(X[["TUCE"]])).fit(disp=0)
        statistic = 2.0 * (both[1].llf - without.llf)
        assert tests.index.to_list() == ["GPA, PSI", "TUCE"]
        assert tests.loc["GPA, PSI", "chi2"] == pytest.approx(statistic, rel=1e-7)
        assert tests["df"].to_list() == [2, 1]
        assert tests["p_value"].iloc[0] == pytest.approx(chi2.sf(statistic, 2))

    def test_wald(self, both):
        ours, other, _ = both
        expected = other.wald_test("GPA = 1, PSI = TUCE", scalar=True)
        found = ours.wald_test([[0, 1, 0, 0], [0, 0, -1, 1]], [1, 0])
        assert found["chi2"] == pytest.approx(float(expected.statistic), rel=1e-6)
        assert found["p_value"] == pytest.approx(float(expected.pvalue), rel=1e-6)
        assert found["df"] == 2
        joint = ours.wald_test(["GPA", "PSI"])
        expected = other.wald_test("GPA = 0, PSI = 0", scalar=True)
        assert joint["chi2"] == pytest.approx(float(expected.statistic), rel=1e-6)

    @pytest.mark.parametrize(("kind", "at"), [("average", "overall"), ("mean", "mean")])
    def test_effects(self, kind, at, both, spector):
        X, y = spector
        logit = sm.Logit(y, sm.add_constant(X)).fit(disp=0, method="newton", tol=1e-14)
        expected = logit.get_margeff(at=at, dummy=True).summary_frame()
        found = both[0].marginal_effects(kind)
        np.testing.assert_allclose(found, expected, rtol=1e-6)

    def test_predictions(self, both):
        ours, other, full = both
        expected = other.get_prediction(full).summary_frame()
        found = ours.predict(full.drop(columns="const"))
        columns = ["mean", "mean_ci_lower", "mean_ci_upper"]
        np.testing.assert_allclose(found, expected[columns], rtol=1e-6)

    def test_diagnostics(self, both):
        ours, other, _ = both
        influence = other.get_influence()
        found = ours.diagnostics()
        np.testing.assert_allclose(found["leverage"], influence.hat_matrix_diag)
        np.testing.assert_allclose(found["pearson"], other.resid_pearson, rtol=1e-6)
        np.testing.assert_allclose(found["deviance"], other.resid_deviance, rtol=1e-6)
        np.testing.assert_allclose(
            found["cooks_distance"], influence.cooks_distance[0], rtol=1e-6
        )
        np.testing.assert_allclose(
            ours.dfbetas(), influence.dfbetas, rtol=1e-5, atol=1e-9
        )


class TestProfile:
    """The ends, by fits in which the term is a part of the offset."""

    @staticmethod
    def fall(X, y, j, value, least):
        """Return twice the fall of the log likelihood with a weight held."""
        others = np.delete(X, j, axis=1)
        fit = unpenalized().fit(others, y, offset=value * X[:, j])
        return 2.0 * (fit.objective_ - least)

    @pytest.mark.parametrize("level", [0.5, 0.95, 0.999])
    def test_ends(self, level):
        X, y = sample(120, 4, seed=2, strength=3.0)
        X[:, 1] = 1e4 + 30.0 * X[:, 1]  # a column that is centered
        model = unpenalized()
        found = inference_of(model, X, y).profile_intervals(level=level)
        for j in (0, 1, 3):
            for end in found.iloc[1 + j]:
                fall = self.fall(X, y, j, end, model.objective_)
                assert fall == pytest.approx(chi2.ppf(level, 1), rel=1e-6)

    def test_intercept(self):
        X, y = sample(120, 2, seed=2)
        model = unpenalized()
        found = inference_of(model, X, y).profile_intervals(["intercept"])
        for end in found.loc["intercept"]:
            fit = unpenalized(fit_intercept=False).fit(X, y, offset=np.full(120, end))
            fall = 2.0 * (fit.objective_ - model.objective_)
            assert fall == pytest.approx(chi2.ppf(0.95, 1), rel=1e-6)

    def test_profile(self):
        X, y = sample(120, 3, seed=2)
        model = unpenalized()
        values = np.linspace(-1.0, 3.0, 9)
        found = inference_of(model, X, y).profile("x1", values[::-1])
        assert found.index.to_list() == values.tolist()
        for value, log_likelihood in found.items():
            fall = self.fall(X, y, 1, value, model.objective_)
            assert -2.0 * log_likelihood == pytest.approx(fall, rel=1e-6, abs=1e-8)

    @pytest.mark.parametrize("bias_reduction", ["firth", "flic"])
    def test_penalized_likelihood(self, bias_reduction, spector):
        X, y = spector
        model = unpenalized(bias_reduction=bias_reduction)
        found = inference_of(model, X, y)
        full, y = design(X), y.to_numpy()

        def penalized(coef):
            p = expit(full @ coef)
            information = full.T @ ((p * (1.0 - p))[:, None] * full)
            losses = -log_expit(np.where(y == 1, 1.0, -1.0) * (full @ coef)).sum()
            return losses - 0.5 * np.linalg.slogdet(information)[1]

        start = np.append(model.intercept_, model.coef_[0])
        options = {"xatol": 1e-9, "fatol": 1e-12, "maxiter": 20_000, "maxfev": 20_000}

        def least(held=None, value=0.0):
            free = [j for j in range(4) if j != held]

            def f(part):
                coef = np.full(4, value)
                coef[free] = part
                return penalized(coef)

            best = minimize(f, start[free], method="Nelder-Mead", options=options)
            best = minimize(f, best.x, method="Nelder-Mead", options=options)
            return best.fun

        lowest = least()
        tests = found.likelihood_ratio_tests(["GPA", "PSI"])
        for j, term in ((1, "GPA"), (3, "PSI")):
            statistic = 2.0 * (least(j) - lowest)
            assert tests.loc[term, "chi2"] == pytest.approx(statistic, abs=1e-5)
            [end] = found.profile_intervals([term])["ci_high"]
            fall = 2.0 * (least(j, end) - lowest)
            assert fall == pytest.approx(chi2.ppf(0.95, 1), abs=1e-5)
        intercept = found.profile_intervals(["intercept"])
        assert intercept.isna().all(axis=None) == (bias_reduction == "flic")

    def test_far_from_the_quadratic(self):
        """One positive row: the profile falls slowly to one side."""
        X = np.column_stack([np.r_[np.ones(4), np.zeros(40)]])
        y = np.r_[1, 1, 1, 0, np.zeros(36, int), np.ones(4, int)]
        model = unpenalized()
        found = inference_of(model, X, y).profile_intervals(["x0"], level=0.999)

        def excess(value):
            fit = unpenalized().fit(np.zeros((44, 1)), y, offset=value * X[:, 0])
            return 2.0 * (fit.objective_ - model.objective_) - chi2.ppf(0.999, 1)

        w = model.coef_[0, 0]
        assert found["ci_high"].item() == pytest.approx(brentq(excess, w, w + 30))
        assert found["ci_low"].item() == pytest.approx(brentq(excess, w - 30, w))

    @pytest.mark.parametrize("bias_reduction", [None, "firth", "mdypl"])
    def test_small_data(self, bias_reduction):
        """The likelihood has fallen by the same at each end, far from a quadratic."""
        n_ends = 0
        for seed in range(25):
            rng = np.random.default_rng(seed)
            n, k = int(rng.integers(6, 25)), int(rng.integers(1, 4))
            X = rng.standard_normal((n, k))
            X[:, 0] = X[:, 0] > 0.0
            y = (rng.random(n) < expit(2.0 * X[:, 0] + rng.normal())).astype(int)
            y[:2] = 0, 1
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "BinaryLogisticRegression did not")
                model = unpenalized(bias_reduction=bias_reduction)
                found = inference_of(model, X, y)
                if bias_reduction is None and not model.converged_:
                    continue
            for term, ends in found.profile_intervals().iterrows():
                falls = -2.0 * found.profile(term, ends)
                assert falls.to_list() == pytest.approx(
                    [chi2.ppf(0.95, 1)] * 2, rel=1e-5
                )
                n_ends += 2
        assert n_ends > 40

    def test_extreme_level(self):
        """The end is where the information is almost singular."""
        X, y = np.array([[1.0], [0], [0], [0], [1], [0]]), np.array([1, 1, 0, 0, 1, 1])
        found = inference_of(unpenalized(bias_reduction="firth"), X, y, level=0.9999)
        end = found.profile_intervals(["x0"])["ci_high"].item()
        assert end == pytest.approx(18.0414, abs=1e-3)
        assert found.profile("x0", [43.02]).item() == pytest.approx(-20.058, abs=1e-2)

    def test_lists(self):
        X, y = sample(60, 2)
        found = inference_of(unpenalized(), X.tolist(), y.tolist())
        assert found.diagnostics().index.equals(pd.RangeIndex(60))
        assert len(found.predict(X[:3].tolist())) == 3


class TestSeparation:
    @pytest.fixture(scope="class")
    @staticmethod
    def quasi():
        """Return data in which all rows with x0 = 1 are positive."""
        X, y = sample(150, 3, seed=4)
        X[:, 0] = np.arange(150) < 12
        y[:12] = 1
        names = ["exposed", "b", "c"]
        return pd.DataFrame(X, columns=names), y

    @pytest.fixture(scope="class")
    @staticmethod
    def inference(quasi):
        with pytest.warns(match="separates"):
            return inference_of(unpenalized(), *quasi)

    def test_estimates(self, inference, quasi):
        """The others are those of the rows that are not separated."""
        X, y = quasi
        table = inference.table
        rest = inference_of(unpenalized(), X.iloc[12:, 1:], y[12:])
        assert table.loc["exposed", "coef"] == np.inf
        assert table.loc["exposed", "std_err"] == np.inf
        assert table.loc["exposed", ["z", "p_value"]].isna().all()
        assert table.loc["exposed", ["ci_low", "ci_high"]].to_list() == [
            -np.inf,
            np.inf,
        ]
        kept = ["intercept", "b", "c"]
        np.testing.assert_allclose(table.loc[kept], rest.table, rtol=1e-5)
        assert inference.log_likelihood == pytest.approx(rest.log_likelihood)
        assert inference.edf == pytest.approx(4.0)
        effects, others = inference.marginal_effects(), rest.marginal_effects()
        assert np.isnan(effects.loc["exposed", "effect"])
        # The separated rows, 12 of 150, have a probability of 1.
        expected = others[["effect", "std_err"]] * 138 / 150
        np.testing.assert_allclose(
            effects.loc[["b", "c"], ["effect", "std_err"]], expected, rtol=1e-4
        )
        assert any("'exposed'" in note for note in inference.notes)
        assert any("exposed are plus infinity" in note for note in inference.notes)
        assert inference.odds_ratios.loc["exposed", "odds_ratio"] == np.inf

    def test_profile_intervals(self, inference, quasi):
        X, y = quasi
        intervals = inference.profile_intervals()
        low, high = intervals.loc["exposed"]
        assert high == np.inf
        fit = unpenalized().fit(X[["b", "c"]], y, offset=low * X["exposed"])
        fall = 2.0 * (fit.objective_ + inference.log_likelihood)
        assert fall == pytest.approx(chi2.ppf(0.95, 1), rel=1e-6)
        rest = inference_of(unpenalized(), X.iloc[12:, 1:], y[12:])
        np.testing.assert_allclose(
            intervals.loc[["b", "c"]],
            rest.profile_intervals().loc[["b", "c"]],
            rtol=1e-5,
        )

    def test_likelihood_ratio(self, inference, quasi):
        X, y = quasi
        test = inference.likelihood_ratio_tests(["exposed"]).loc["exposed"]
        without = unpenalized().fit(X[["b", "c"]], y)
        statistic = 2.0 * (without.objective_ + inference.log_likelihood)
        assert test["chi2"] == pytest.approx(statistic, rel=1e-6)
        assert test["df"] == 1

    def test_predictions(self, inference, quasi):
        found = inference.predict(quasi[0].iloc[[0, 20]])
        assert found["ci_low"].iloc[0] == 0.0
        assert found["ci_high"].iloc[0] == 1.0
        assert 0.0 < found["ci_low"].iloc[1] < found["ci_high"].iloc[1] < 1.0

    def test_complete(self):
        X, _ = sample(80, 3)
        y = (X[:, 0] > 0.1).astype(int)
        with pytest.warns(match="perfectly separated"):
            found = inference_of(unpenalized(), X, y)
        assert found.table.loc["x0", "coef"] == np.inf
        assert found.table.loc[["x1", "x2"], "coef"].isna().all()
        assert found.log_likelihood == pytest.approx(0.0, abs=1e-6)
        intervals = found.profile_intervals()
        assert np.isfinite(intervals.loc["x0", "ci_low"])
        assert intervals.loc["x0", "ci_high"] == np.inf
        assert intervals.loc["x1"].to_list() == [-np.inf, np.inf]
        assert any("not determine the sign" in note for note in found.notes)
        assert "∞" in found.summary()

    def test_downward(self):
        X, y = sample(150, 2, seed=4)
        X[:, 0] = np.arange(150) < 12
        y[:12] = 0
        with pytest.warns(match="separates"):
            found = inference_of(unpenalized(), X, y)
        assert found.table.loc["x0", "coef"] == -np.inf
        low, high = found.profile_intervals(["x0"]).loc["x0"]
        assert low == -np.inf
        assert np.isfinite(high)

    @pytest.mark.parametrize("bias_reduction", ["firth", "flic", "mdypl"])
    def test_bias_reduction(self, bias_reduction, quasi):
        found = inference_of(unpenalized(bias_reduction=bias_reduction), *quasi)
        assert np.isfinite(found.table).all(axis=None)
        assert not any("separates" in note for note in found.notes)
        assert found.likelihood_ratio_tests(["exposed"])["p_value"].item() < 0.05

    def test_collinear_columns_too(self):
        """All indicators of a factor, with the intercept, and a level of one class."""
        rng = np.random.default_rng(0)
        level, x = np.arange(200) % 4, rng.standard_normal(200)
        y = np.where(level == 3, 1, rng.random(200) < expit(x)).astype(int)
        full = pd.DataFrame(np.column_stack([x, np.eye(4)[level]]), columns=[*"xabcd"])
        with pytest.warns(match="separates"):
            found = inference_of(unpenalized(), full, y)
        with pytest.warns(match="separates"):
            other = inference_of(unpenalized(), full.drop(columns="a"), y)
        tests = found.likelihood_ratio_tests(["d", ["a", "b", "c", "d"], "x"])
        expected = other.likelihood_ratio_tests([["b", "c", "d"], "x"])
        assert tests["df"].to_list() == [0, 3, 1]
        np.testing.assert_allclose(tests["chi2"].iloc[1:], expected["chi2"], rtol=1e-6)
        assert tests["chi2"].iloc[0] == pytest.approx(0.0, abs=1e-5)
        assert any("determine the coefficients of" in note for note in found.notes)

    @pytest.mark.parametrize("tol", [1e-2, 1e-8, 1e-13])
    def test_effects_at_means(self, tol, quasi):
        with pytest.warns(match="separates"):
            found = inference_of(unpenalized().set_params(tol=tol), *quasi)
        assert found.marginal_effects("mean")["effect"].isna().all()

    @pytest.mark.parametrize("kind", ROBUST)
    def test_robust(self, kind, quasi):
        """Finite coefficients have the errors of the rows that are not separated."""
        X, y = quasi
        with pytest.warns(match="separates"):
            found = inference_of(unpenalized(), X, y, covariance=kind)
        rest = inference_of(unpenalized(), X.iloc[12:, 1:], y[12:], covariance=kind)
        kept = ["intercept", "b", "c"]
        factor = 1.0
        if kind == "HC1":  # which counts all rows
            factor = np.sqrt(150 / 147 / (138 / 135))
        np.testing.assert_allclose(
            found.table.loc[kept, "std_err"], factor * rest.table["std_err"], rtol=1e-5
        )

    def test_penalized_in_part(self):
        X, y = sample(150, 2, seed=4)
        X[:, 0] = np.arange(150) < 12
        y[:12] = 1
        model = BinaryLogisticRegression(penalty_factor=[0.0, 1.0])
        with pytest.warns(match="separates"):
            found = inference_of(model, X, y)
        assert found.table.loc["x0", "coef"] == np.inf
        assert not any("profile_intervals" in note for note in found.notes)


class TestCollinear:
    @pytest.fixture(scope="class")
    @staticmethod
    def data():
        X, y = sample(150, 3, seed=1)
        return np.column_stack([X, X[:, 0] - 2.0 * X[:, 1], np.ones(150)]), y

    def test_undetermined(self, data):
        X, y = data
        found = inference_of(unpenalized(), X, y)
        table = found.table
        undetermined = ["intercept", "x0", "x1", "x3", "x4"]
        assert table.loc[undetermined, "coef"].isna().all()
        assert (table.loc[undetermined, "std_err"] == np.inf).all()
        assert table.loc[undetermined, "p_value"].isna().all()
        assert any(", ".join(undetermined) in note for note in found.notes)
        assert found.covariance_matrix.loc["x0"].isna().all()
        assert found.edf == pytest.approx(4.0)
        effects = found.marginal_effects()
        assert effects.loc["x0"].isna()[["effect", "z", "p_value"]].all()
        assert np.isfinite(effects.loc["x2"]).all()
        intervals = found.profile_intervals()
        assert intervals.loc["x3"].to_list() == [-np.inf, np.inf]

    def test_what_is_determined(self, data):
        X, y = data
        found = inference_of(unpenalized(), X, y)
        reduced = inference_of(unpenalized(), X[:, :3], y)
        np.testing.assert_allclose(
            found.table.loc["x2"], reduced.table.loc["x2"], rtol=1e-6
        )
        np.testing.assert_allclose(
            found.profile_intervals(["x2"]), reduced.profile_intervals(["x2"])
        )
        np.testing.assert_allclose(
            found.predict(X), reduced.predict(X[:, :3]), rtol=1e-6
        )
        for name in ("log_likelihood", "aic", "bic"):
            assert getattr(found, name) == pytest.approx(getattr(reduced, name))
        tests = found.likelihood_ratio_tests(["x0", ["x0", "x3"], ["x0", "x1", "x3"]])
        other = reduced.likelihood_ratio_tests([["x0", "x1"]])
        assert tests["df"].to_list() == [0, 1, 2]
        assert tests["chi2"].iloc[0] == pytest.approx(0.0, abs=1e-8)
        assert tests["chi2"].iloc[2] == pytest.approx(other["chi2"].item(), rel=1e-6)

    def test_predictions_outside_the_row_space(self, data):
        X, y = data
        found = inference_of(unpenalized(), X, y)
        row = X[:1].copy()
        row[0, 3] += 1.0
        assert found.predict(row)[["ci_low", "ci_high"]].iloc[0].to_list() == [0, 1]

    def test_hypotheses(self, data):
        X, y = data
        found = inference_of(unpenalized(), X, y)
        reduced = inference_of(unpenalized(), X[:, :3], y)
        # x0 + x3 is the coefficient of x0 if x3 is left out.
        test = found.wald_test([0, 1, 0, 0, 1, 0])
        assert test["chi2"] == pytest.approx(reduced.wald_test("x0")["chi2"], rel=1e-6)
        with pytest.raises(ValueError, match="undetermined"):
            found.wald_test("x0")


class TestPenalty:
    @pytest.fixture(scope="class")
    @staticmethod
    def inference():
        X, y = sample(100, 3)
        return inference_of(BinaryLogisticRegression(tol=1e-12), X, y)

    def test_no_p_values(self, inference):
        assert inference.covariance == "bayesian"
        assert inference.table["p_value"].isna().all()
        assert inference.marginal_effects()["p_value"].isna().all()
        assert np.isnan(inference.wald_test("x0")["p_value"])
        assert any("no p-values" in note for note in inference.notes)
        assert any("is the prior" in note for note in inference.notes)

    @pytest.mark.parametrize(
        "call",
        [
            lambda found: found.likelihood_ratio_tests(),
            lambda found: found.profile_intervals(),
            lambda found: found.profile("x0", [0.0]),
        ],
    )
    def test_no_likelihood_ratios(self, call, inference):
        with pytest.raises(ValueError, match="penalty"):
            call(inference)

    def test_information_criteria(self, inference):
        expected = -2.0 * inference.log_likelihood + 2.0 * inference.edf
        assert inference.aic == pytest.approx(expected)
        assert 3.0 < inference.edf < 4.0

    def test_center_and_factor(self):
        """A penalty about a center is that about zero, of moved coefficients."""
        X, y = sample(100, 3)
        center = np.array([1.0, -1.0, 0.5])
        moved = BinaryLogisticRegression(penalty_center=center, tol=1e-13)
        found = inference_of(moved, X, y)
        plain = BinaryLogisticRegression(tol=1e-13)
        other = inference_of(plain, X, y, offset=X @ center)
        np.testing.assert_allclose(
            found.table["std_err"], other.table["std_err"], rtol=1e-7
        )
        np.testing.assert_allclose(
            found.table["coef"].iloc[1:] - center, other.table["coef"].iloc[1:]
        )
        np.testing.assert_allclose(found.penalty_bias, other.penalty_bias, rtol=1e-6)
        free = BinaryLogisticRegression(penalty_factor=[0, 0, 0])
        assert inference_of(free, X, y).covariance == "model"

    def test_bounds_that_are_not_reached(self):
        X, y = sample(100, 3)
        wide = unpenalized(bounds=(-50.0, 50.0))
        np.testing.assert_allclose(
            inference_of(wide, X, y).table,
            inference_of(unpenalized(), X, y).table,
            rtol=1e-5,
        )


class TestSquaredError:
    @pytest.fixture(scope="class")
    @staticmethod
    def inference():
        X, y = sample(400, 3)
        return inference_of(unpenalized(loss="squared_error"), X, y)

    def test_no_likelihood(self, inference):
        assert inference.covariance == "HC0"
        assert np.isnan(inference.aic)
        assert np.isnan(inference.bic)
        assert inference.pseudo_r2.isna().to_list() == [True, True, True, False]
        assert np.isfinite(inference.table).all(axis=None)
        assert any("no likelihood" in note for note in inference.notes)
        with pytest.raises(ValueError, match="squared error"):
            inference.likelihood_ratio_tests()

    def test_influence_is_that_of_a_newton_step(self, inference):
        X, y = sample(400, 3)
        dfbetas = inference.dfbetas() * inference.table["std_err"]
        row = int(np.argmax(np.abs(dfbetas["x1"])))
        kept = np.delete(np.arange(400), row)
        without = unpenalized(loss="squared_error").fit(X[kept], y[kept])
        change = inference.table.loc["x1", "coef"] - without.coef_[0, 1]
        assert dfbetas["x1"].iloc[row] == pytest.approx(change, rel=0.1)


class TestNotes:
    def test_none_but_the_covariance(self):
        X, y = sample(500, 3)
        assert len(inference_of(unpenalized(), X, y).notes) == 1

    def test_many_coefficients(self):
        X, y = sample(150, 20)
        notes = inference_of(unpenalized(), X, y).notes
        assert any("0.14 coefficients per observation" in note for note in notes)
        reduced = inference_of(unpenalized(bias_reduction="mdypl"), X, y).notes
        assert not any("coefficients per observation" in note for note in reduced)

    @pytest.mark.parametrize("bias_reduction", [None, "firth", "mdypl"])
    def test_other_data(self, bias_reduction):
        X, y = sample(500, 3)
        model = unpenalized(bias_reduction=bias_reduction).fit(X, y)
        other = np.where(np.arange(500) < 5, 1 - y, y)
        notes = Inference.from_estimator(model, X, other).notes
        assert any("not those of the fit" in note for note in notes)
        weights = np.linspace(0.5, 1.5, 500)
        notes = Inference.from_estimator(model, X, y, sample_weight=weights).notes
        assert any("not those of the fit" in note for note in notes)
        assert any("frequencies" in note for note in notes)
        notes = Inference.from_estimator(model, X, y).notes
        assert not any("not those of the fit" in note for note in notes)

    def test_coarse_tolerance(self):
        X, y = sample(500, 3, strength=5.0)
        notes = inference_of(BinaryLogisticRegression(C=np.inf, tol=0.01), X, y).notes
        assert not any("not those of the fit" in note for note in notes)
        assert any("smaller tol" in note for note in notes)

    def test_not_converged(self):
        X, y = sample(500, 3, strength=5.0)
        with pytest.warns(match="did not converge"):
            found = inference_of(unpenalized(max_iter=1), X, y)
        assert any("did not converge" in note for note in found.notes)
        assert any("Increase max_iter" in note for note in found.notes)
        assert any("away from the minimum" in note for note in found.notes)
        assert not any("smaller tol" in note for note in found.notes)

    def test_search(self):
        X, y = sample(200, 3)
        model = BinaryLogisticRegressionCV(Cs=3).fit(X, y)
        found = Inference.from_estimator(model, X, y)
        assert any("C was chosen" in note for note in found.notes)
        plain = BinaryLogisticRegression(C=model.C_, tol=1e-12)
        np.testing.assert_allclose(
            found.table["std_err"],
            inference_of(plain, X, y).table["std_err"],
            rtol=1e-4,
        )


class TestInputs:
    def test_formats_agree(self):
        X, y = sample(200, 4)
        X *= np.random.default_rng(0).random(X.shape) < 0.5
        tables = [
            inference_of(unpenalized(), form, y, covariance="HC3").table
            for form in (
                X,
                np.asfortranarray(X),
                sparse.csr_array(X),
                sparse.csc_array(X),
            )
        ]
        for table in tables[1:]:
            np.testing.assert_allclose(table, tables[0], rtol=1e-9, atol=1e-12)

    def test_labels_and_names(self):
        X, y = sample(100, 2)
        frame = pd.DataFrame(X, columns=["a", "b"], index=np.arange(100) * 2)
        labels = np.where(y == 1, "yes", "no")
        found = inference_of(unpenalized(), frame, labels)
        assert found.terms == ["intercept", "a", "b"]
        assert found.diagnostics().index.equals(frame.index)
        assert found.dfbetas().index.equals(frame.index)
        assert found.dfbetas().columns.to_list() == found.terms
        assert found.predict(frame.iloc[:3]).index.equals(frame.index[:3])
        assert "'yes'" in found.summary()

    def test_pipeline(self):
        X, y = load_breast_cancer(return_X_y=True, as_frame=True)
        X = X.iloc[:, :3]
        pipeline = make_pipeline(StandardScaler(), unpenalized()).fit(X, y)
        found = Inference.from_estimator(pipeline, X, y)
        assert found.terms == ["intercept", *X.columns]
        scaled = StandardScaler().fit_transform(X)
        other = inference_of(unpenalized(), scaled, y)
        np.testing.assert_allclose(found.table, other.table, rtol=1e-6)
        np.testing.assert_allclose(found.predict(X), other.predict(scaled), rtol=1e-6)

    def test_caller_is_untouched(self):
        X, y = sample(100, 3)
        X.flags.writeable = y.flags.writeable = False
        weights = np.ones(100)
        weights.flags.writeable = False
        model = unpenalized().fit(X, y, sample_weight=weights)
        before = dict(vars(model))
        found = Inference.from_estimator(model, X, y, sample_weight=weights)
        found.summary(), found.diagnostics(), found.marginal_effects()
        assert vars(model) == before

    def test_pickle(self):
        X, y = sample(100, 2)
        X[:, 0] += 1e4
        found = inference_of(unpenalized(), X, y)
        again = pickle.loads(pickle.dumps(found))
        pd.testing.assert_frame_equal(again.table, found.table)
        pd.testing.assert_frame_equal(
            again.profile_intervals(), found.profile_intervals()
        )
        pd.testing.assert_frame_equal(again.diagnostics(), found.diagnostics())

    def test_offset_in_predictions(self):
        X, y = sample(100, 2)
        offset = np.linspace(-1, 1, 100)
        found = inference_of(unpenalized(), X, y, offset=offset)
        z = found.predict(X, offset=offset)
        np.testing.assert_allclose(
            z["probability"], expit(offset + design(X) @ found.table["coef"])
        )
        half = norm.ppf(0.975) * np.sqrt(
            np.einsum("ij,jk,ik->i", design(X), found.covariance_matrix, design(X))
        )
        np.testing.assert_allclose(
            z["ci_high"], expit(offset + design(X) @ found.table["coef"] + half)
        )

    def test_level(self):
        X, y = sample(100, 2)
        narrow, wide = (
            inference_of(unpenalized(), X, y, level=level) for level in (0.5, 0.99)
        )
        assert (narrow.table["ci_low"] > wide.table["ci_low"]).all()
        half = narrow.table["ci_high"] - narrow.table["coef"]
        np.testing.assert_allclose(half, norm.ppf(0.75) * narrow.table["std_err"])
        assert (
            narrow.profile_intervals().iloc[1, 0] > wide.profile_intervals().iloc[1, 0]
        )

    def test_huge_values(self):
        X, y = sample(100, 2)
        found = inference_of(unpenalized(), X * 1e250, y).table
        expected = inference_of(unpenalized(), X, y).table
        np.testing.assert_allclose(found["z"], expected["z"], rtol=1e-7)

    @pytest.mark.parametrize("scales", [[1e8, 1.0, 1e-8], [1e-100, 1e100, 1.0]])
    def test_hypotheses_of_any_scale(self, scales):
        X, y = sample(200, 3)
        tests = [
            inference_of(unpenalized(), part, y).wald_test(["x0", "x1", "x2"])
            for part in (X, X * scales)
        ]
        np.testing.assert_allclose(*tests, rtol=1e-6)

    def test_one_class_without_weight(self):
        X, y = sample(60, 2)
        model = BinaryLogisticRegression(absorb_bias=True)
        found = inference_of(model, X, y, sample_weight=(y == 1).astype(float))
        assert found.null_log_likelihood == 0.0
        assert np.isnan(found.pseudo_r2["tjur"])
        assert np.isfinite(found.table["std_err"]).all()

    def test_offset_that_is_constant_up_to_rounding(self):
        X, y = sample(60, 2)
        offset = np.where(np.arange(60) % 2, 1.0, np.nextafter(1.0, 2.0))
        found = inference_of(unpenalized(), X, y, offset=offset)
        other = inference_of(unpenalized(), X, y)
        assert found.null_log_likelihood == pytest.approx(other.null_log_likelihood)

    def test_one_class_of_binary_columns(self):
        """Columns of zeros, of ones, and stored zeros count as zeros and ones."""
        X, y = sample(200, 3)
        X[:, 1] = X[:, 1] > 0.0
        stored = sparse.csr_array(X)
        stored.data[stored.indices == 1] = stored.data[stored.indices == 1]
        dense = inference_of(unpenalized(), X, y).marginal_effects()
        np.testing.assert_allclose(
            inference_of(unpenalized(), stored, y).marginal_effects(), dense, rtol=1e-8
        )
        table = inference_of(unpenalized(), X, y).table["coef"].to_numpy()
        one, zero = design(X), design(X)
        one[:, 2], zero[:, 2] = 1.0, 0.0
        difference = expit(one @ table) - expit(zero @ table)
        assert dense.loc["x1", "effect"] == pytest.approx(difference.mean())


class TestRefused:
    @pytest.mark.parametrize(
        ("params", "options", "said"),
        [
            ({}, {"covariance": "HC4"}, "covariance must be one of"),
            ({}, {"covariance": "bayesian"}, "covariance='bayesian'"),
            ({"C": 1.0}, {"covariance": "model"}, "covariance='model'"),
            ({"loss": "squared_error"}, {"covariance": "HC1"}, "covariance='HC1'"),
            ({"loss": "squared_error"}, {"covariance": "bayesian"}, "use 'HC0'"),
            ({"loss": "squared_error"}, {"covariance": "model"}, "covariance='model'"),
            ({}, {"covariance": "cluster"}, "needs groups"),
            ({}, {"groups": np.arange(60)}, "groups are for"),
            ({}, {"covariance": "cluster", "groups": np.ones(60)}, "groups"),
            ({}, {"covariance": "cluster", "groups": np.arange(59)}, "groups"),
            (
                {},
                {"covariance": "cluster", "groups": np.r_[np.nan, np.arange(59)]},
                "groups must not hold missing",
            ),
            (
                {},
                {"covariance": "cluster", "groups": pd.array([pd.NA] + [1] * 59)},
                "groups must not hold missing",
            ),
            ({}, {"covariance": "cluster", "groups": np.ones((60, 2))}, "groups must"),
            ({}, {"level": 95}, "level must be between 0 and 1"),
            ({}, {"level": "0.95"}, "level must be between 0 and 1"),
            ({}, {"offset": np.zeros(3)}, "offset"),
            ({}, {"sample_weight": -np.ones(60)}, "sample_weight|Negative"),
            ({"C": 1.0, "l1_ratio": 0.5}, {}, "L1 penalty.*l1_ratio=0"),
            ({"bounds": (0.0, 0.01)}, {}, "bounds"),
            (
                {"bias_reduction": "mdypl"},
                {"covariance": "HC0"},
                "covariance='HC0'.*mdypl",
            ),
        ],
    )
    def test_from_estimator(self, params, options, said):
        X, y = sample(60, 2)
        params = {"C": np.inf, "tol": 1e-12} | params
        model = BinaryLogisticRegression(**params).fit(X, y)
        with pytest.raises(ValueError, match=said):
            Inference.from_estimator(model, X, y, **options)

    def test_data_of_another_shape(self):
        X, y = sample(60, 2)
        model = unpenalized().fit(X, y)
        with pytest.raises(ValueError, match="1 features"):
            Inference.from_estimator(model, X[:, :1], y)
        with pytest.raises(ValueError, match="inconsistent"):
            Inference.from_estimator(model, X, y[:-1])
        with pytest.raises(ValueError, match="classes"):
            Inference.from_estimator(model, X, y + 1)
        with pytest.raises(ValueError, match="NaN"):
            Inference.from_estimator(model, np.where(X > 1, np.nan, X), y)

    def test_feature_called_intercept(self):
        X, y = sample(60, 2)
        frame = pd.DataFrame(X, columns=["a", "intercept"])
        with pytest.raises(ValueError, match="'intercept'"):
            inference_of(unpenalized(), frame, y)
        found = inference_of(unpenalized(fit_intercept=False), frame, y)
        assert found.terms == ["a", "intercept"]

    @pytest.mark.parametrize("kind", ["HC2", "HC3"])
    def test_leverage_of_one(self, kind):
        rng = np.random.default_rng(1)
        X = rng.standard_normal((40, 3))
        X[:, 2] = np.arange(40) == 1
        q = expit(X[:, 0] + rng.standard_normal(40))
        model = unpenalized(soft_labels=True).fit(X, q)
        with pytest.raises(ValueError, match=kind):
            Inference.from_estimator(model, X, q, covariance=kind)
        found = Inference.from_estimator(model, X, q).diagnostics()
        assert found["leverage"].iloc[1] == 1.0
        assert np.isnan(found["cooks_distance"].iloc[1])

    def test_other_estimators(self):
        X, y = sample(60, 2)
        with pytest.raises(TypeError, match="BinaryLogisticRegression"):
            Inference.from_estimator(StandardScaler().fit(X), X, y)
        with pytest.raises(ValueError, match="not fitted"):
            Inference.from_estimator(unpenalized(), X, y)

    @pytest.mark.parametrize("n_rows", [5, 6])
    def test_no_degrees_of_freedom(self, n_rows):
        X, y = sample(n_rows, 5)
        y[:] = np.arange(n_rows) % 2
        model = BinaryLogisticRegression(C=np.inf, bias_reduction="firth").fit(X, y)
        with pytest.raises(ValueError, match="more observations than coefficients"):
            Inference.from_estimator(model, X, y, covariance="HC1")

    @pytest.mark.parametrize(
        ("call", "said"),
        [
            (lambda found: found.likelihood_ratio_tests(["x9"]), "x9"),
            (lambda found: found.profile_intervals(["x9"]), "x9"),
            (lambda found: found.profile_intervals(level=2), "level"),
            (lambda found: found.wald_test(["x9"]), "x9"),
            (lambda found: found.wald_test([1.0, 2.0]), "R must have 3 columns"),
            (lambda found: found.wald_test([0.0, 0.0, 0.0]), "R must hold"),
            (lambda found: found.wald_test(["x0", "x1"], [1, 2, 3]), "q must"),
            (lambda found: found.marginal_effects("median"), "kind must be"),
            (lambda found: found.predict(np.zeros((2, 3))), "3 features"),
            (lambda found: found.predict(np.zeros((2, 2)), offset=[1.0]), "offset"),
            (lambda found: found.profile("x0", ["a"]), "values"),
            (lambda found: found.profile("x0", [np.nan]), "values"),
            (lambda found: found.profile("x0", 0.5), "values"),
            (lambda found: found.profile_intervals(0), "terms"),
            (lambda found: found.likelihood_ratio_tests([["x0", "x0"]]), "twice"),
            (lambda found: found.wald_test({"x0": 1}), "R must|terms has"),
            (lambda found: found.wald_test(["x0"], np.nan), "q must"),
            (
                lambda found: found.wald_test([[0, 1, 0], [0, 2, 0]], [0, 1]),
                "contradict",
            ),
        ],
    )
    def test_members(self, call, said):
        X, y = sample(60, 2)
        found = inference_of(unpenalized(), X, y)
        with pytest.raises(ValueError, match=said):
            call(found)

    def test_class_weight(self):
        X, y = sample(60, 2)
        found = inference_of(unpenalized(class_weight="balanced"), X, y)
        with pytest.raises(ValueError, match="class_weight"):
            found.likelihood_ratio_tests()


class TestSummary:
    @pytest.fixture(scope="class")
    @staticmethod
    def inference(spector):
        return inference_of(unpenalized(), *spector)

    def test_text(self, inference):
        text = inference.summary()
        assert max(map(len, text.splitlines())) <= 80
        for said in ("GPA", "2.826", "1.263", "-12.88963", "0.025", "Notes"):
            assert said in text
        assert text.count("\n") > 12

    def test_html(self, inference):
        html = inference._repr_html_()
        assert html.count("<tr>") == 1 + 4 + 8
        assert "<table" in html
        assert "2.826" in html

    def test_html_is_escaped(self):
        X, y = sample(60, 1)
        frame = pd.DataFrame(X, columns=["a < b & c"])
        html = inference_of(unpenalized(), frame, y)._repr_html_()
        assert "a &lt; b &amp; c" in html
        assert "a < b" not in html

    def test_repr(self, inference):
        assert repr(inference) == (
            "<Inference: 4 terms, 32 observations, covariance='model', level=0.95>"
        )

    def test_without_pandas(self, monkeypatch, spector):
        X, y = spector
        model = unpenalized().fit(X, y)
        monkeypatch.setitem(__import__("sys").modules, "pandas", None)
        with pytest.raises(ImportError, match=r"sk_logreg\[inference\]"):
            Inference.from_estimator(model, X.to_numpy(), y.to_numpy())


class TestScale:
    @pytest.mark.parametrize("kind", ["model", "HC3"])
    def test_few_values_per_row(self, kind):
        """The leverages of sparse rows are computed from pairs of their values."""
        rng = np.random.default_rng(0)
        n, k = 3000, 300
        columns = np.sort(rng.integers(0, k, (n, 3)), axis=1)
        values = rng.uniform(0.5, 1.5, 3 * n)
        X = sparse.csr_array(
            (values, columns.ravel(), np.arange(0, 3 * n + 1, 3)), (n, k)
        )
        X.sum_duplicates()
        y = (rng.random(n) < 0.4).astype(int)
        model = BinaryLogisticRegression(C=10.0, tol=1e-12).fit(X, y)
        options = {} if kind == "model" else {"covariance": kind}
        found, expected = (
            Inference.from_estimator(model, form, y, **options)
            for form in (X, X.toarray())
        )
        np.testing.assert_allclose(found.table, expected.table, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(
            found.diagnostics(), expected.diagnostics(), rtol=1e-8, atol=1e-12
        )

    def test_no_dense_copy(self):
        """A table, leverages included, takes far less memory than a dense X."""
        import tracemalloc

        rng = np.random.default_rng(0)
        n, k = 60_000, 400
        columns = np.sort(rng.integers(0, k, (n, 3)), axis=1)
        X = sparse.csr_array(
            (np.ones(3 * n), columns.ravel(), np.arange(0, 3 * n + 1, 3)), (n, k)
        )
        X.sum_duplicates()
        y = (rng.random(n) < 0.4).astype(int)
        model = BinaryLogisticRegression(C=10.0).fit(X, y)
        tracemalloc.start()
        Inference.from_estimator(model, X, y, covariance="HC3").diagnostics()
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 0.3 * 8 * n * k

    def test_threads(self):
        from threadpoolctl import threadpool_limits

        X, y = sample(40_000, 8)
        model = unpenalized().fit(X, y)
        tables = []
        for n_threads in (1, 2):
            with threadpool_limits(n_threads):
                found = Inference.from_estimator(model, X, y, covariance="HC3")
                tables.append(found.table)
        np.testing.assert_allclose(*tables, rtol=1e-9)


@pytest.mark.long
@pytest.mark.timeout(600)
class TestCoverage:
    """95 % intervals hold the true coefficients in 93.5 to 96.5 % of samples."""

    N = 4000

    def coverage(self, draw, model, coef, *, intervals="table", **options):
        held = np.zeros(len(coef))
        for seed in range(self.N):
            X, y, more = draw(np.random.default_rng(seed))
            found = inference_of(model, X, y, **more, **options)
            table = getattr(found, intervals)
            table = table() if callable(table) else table
            held += (table["ci_low"] <= coef) & (coef <= table["ci_high"])
        return held / self.N

    @staticmethod
    def logistic(n, coef):
        def draw(rng):
            X = rng.standard_normal((n, len(coef) - 1))
            y = (rng.random(n) < expit(design(X) @ coef)).astype(int)
            return X, y, {}

        return draw

    @pytest.mark.parametrize(
        ("kind", "params"),
        [("model", {}), ("HC3", {}), ("HC0", {"loss": "squared_error"})],
    )
    def test_wald(self, kind, params):
        coef = np.array([-0.5, 1.0, 0.0])
        model = BinaryLogisticRegression(C=np.inf, **params)
        found = self.coverage(self.logistic(400, coef), model, coef, covariance=kind)
        assert ((found > 0.935) & (found < 0.965)).all()

    @pytest.mark.parametrize("bias_reduction", [None, "firth"])
    def test_profile(self, bias_reduction):
        coef = np.array([-0.5, 1.0, 0.0])
        model = BinaryLogisticRegression(C=np.inf, bias_reduction=bias_reduction)
        found = self.coverage(
            self.logistic(150, coef), model, coef, intervals="profile_intervals"
        )
        assert ((found > 0.935) & (found < 0.965)).all()

    def test_clusters(self):
        """Rows of a cluster are copies of one another."""
        coef = np.array([-0.5, 1.0])

        def draw(rng):
            X, y, _ = self.logistic(300, coef)(rng)
            rows = np.repeat(np.arange(300), 1 + np.arange(300) % 3)
            return X[rows], y[rows], {"groups": rows}

        model = BinaryLogisticRegression(C=np.inf)
        found = self.coverage(draw, model, coef, covariance="cluster")
        assert ((found > 0.935) & (found < 0.965)).all()

    def test_probabilities(self):
        coef = np.array([-0.5, 1.0, 0.0])
        draw, held = self.logistic(400, coef), 0
        row = np.array([[0.7, -1.0]])
        p = expit(design(row) @ coef).item()
        for seed in range(self.N):
            X, y, _ = draw(np.random.default_rng(seed))
            found = inference_of(BinaryLogisticRegression(C=np.inf), X, y).predict(row)
            held += found["ci_low"].item() <= p <= found["ci_high"].item()
        assert 0.935 < held / self.N < 0.965
