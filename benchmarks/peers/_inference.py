"""Adapters that fit a model without a penalty, and compute what its table shows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from benchmarks.peers._base import MAX_HESSIAN_COLUMNS, Peer
from benchmarks.peers._choosing import DEFAULT_TOL, Found, our_peer
from benchmarks.peers._others import _with_ones
from benchmarks.task import Fit, Task, as_fit

MODEL, ROBUST = "model", "HC1"
ONE_THREAD, ALL_THREADS = "1 thread", "all threads"
_TOLERANCES = {
    "statsmodels Logit": tuple(10.0**-k for k in range(11)),
    "statsmodels GLM": tuple(10.0**-k for k in range(0, 9, 2)),
    "glum": tuple(10.0**-k for k in range(2, 11)),
    "firthmodels": (1e-4, 1e-6, 1e-8),
}
_LEVEL = 0.95


@dataclass(frozen=True)
class Table:
    """Coefficients with standard errors, and what else was computed.

    Attributes
    ----------
    fit : Fit
    std_err : ndarray of shape (n_features + 1,) or None
        In the order of the coefficients, then that of the intercept.
    factor : float
        The standard errors are this multiple of the usual ones by convention.
    augmented : bool
        Whether they are from the information of Firth's augmented data.
    chi2 : ndarray of shape (n_features,) or None
        The statistic of the likelihood-ratio test of each coefficient.
    ends : ndarray of shape (n_features, 2) or None
        Of the profile likelihood intervals.
    """

    fit: Fit
    std_err: np.ndarray | None = None
    factor: float = 1.0
    augmented: bool = False
    chi2: np.ndarray | None = None
    ends: np.ndarray | None = None


def _correction(task: Task) -> float:
    """Return √(n / (n − k)), with k the number of coefficients and the intercept."""
    return math.sqrt(task.n_samples / (task.n_samples - task.n_features - 1))


def _ours(covariance: str, leverages: bool, task: Task, tol: Any, _: Any) -> Found:
    """Fit this package; return its table, after the leverages if they are wanted."""
    from sk_logreg import BinaryLogisticRegression
    from sk_logreg.inference import Inference

    model = BinaryLogisticRegression(C=np.inf, tol=tol).fit(task.X, task.y)
    inference = Inference.from_estimator(model, task.X, task.y, covariance=covariance)
    std_err = inference.table["std_err"].to_numpy()
    if leverages:
        inference.diagnostics()
    return Found(Table(as_fit(model.coef_, model.intercept_), np.roll(std_err, -1)))


def _our_firth(tests: bool, task: Task, tol: Any, _: Any) -> Found:
    """Fit this package with bias reduction; return its table, or tests of each term."""
    from sk_logreg import BinaryLogisticRegression
    from sk_logreg.inference import Inference

    model = BinaryLogisticRegression(C=np.inf, bias_reduction="firth", tol=tol)
    inference = Inference.from_estimator(model.fit(task.X, task.y), task.X, task.y)
    found = Table(as_fit(model.coef_, model.intercept_))
    if tests:
        terms = inference.terms[1:]
        chi2 = inference.likelihood_ratio_tests(terms)["chi2"].to_numpy()
        ends = inference.profile_intervals(terms).to_numpy()
        return Found(replace(found, chi2=chi2, ends=ends))
    std_err = inference.table["std_err"].to_numpy()
    return Found(replace(found, std_err=np.roll(std_err, -1)))


def _statsmodels(kind: str, covariance: str, task: Task, tol: Any, most: Any) -> Found:
    """Fit statsmodels' Logit or GLM, and compute the columns of its table."""
    import statsmodels.api as sm

    more: dict[str, Any] = {"tol": tol, "maxiter": most}
    more["cov_type"] = "nonrobust" if covariance == MODEL else covariance
    if kind == "Logit":
        found = sm.Logit(task.floats, _with_ones(task)).fit(disp=0, **more)
    else:
        family = sm.families.Binomial()
        found = sm.GLM(task.floats, _with_ones(task), family=family).fit(**more)
    _ = found.tvalues, found.pvalues, found.conf_int()
    # Its HC1 is HC0.
    factor = 1.0 if covariance == MODEL else 1.0 / _correction(task)
    coef, intercept = found.params[:-1], found.params[-1]
    return Found(Table(as_fit(coef, intercept), found.bse, factor))


def _glum(covariance: str, frame: Any, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit glum, and compute its table.

    The dispersion is set to 1. It is estimated by default, which gives other standard
    errors and takes longer. With `frame`, X is given as a table of categories.
    """
    from glum import GeneralizedLinearRegressor

    X = task.X if frame is None else frame
    model = GeneralizedLinearRegressor(
        family="binomial",
        link="logit",
        alpha=0.0,
        gradient_tol=tol,
        max_iter=max_iter,
        drop_first=frame is not None,
    ).fit(X, task.floats)
    robust = covariance != MODEL
    table = model.coef_table(X, task.floats, robust=robust, dispersion=1.0)
    std_err = np.roll(table["se"].to_numpy(), -1)
    factor = 1.0 if robust else _correction(task)
    return Found(Table(as_fit(model.coef_, model.intercept_), std_err, factor))


def _firthmodels(tests: bool, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit firthmodels by its compiled code; return its table, or tests of each term.

    All of its tolerances get the same value.
    """
    from firthmodels import FirthLogisticRegression

    model = FirthLogisticRegression(
        backend="numba", max_iter=max_iter, gtol=tol, xtol=tol
    ).fit(task.X, task.y)
    fit = as_fit(model.coef_, model.intercept_)
    if not tests:
        model.conf_int(1.0 - _LEVEL)
        return Found(Table(fit, model.bse_, augmented=True))
    features = list(range(task.n_features))
    model.lrt(features)
    ends = model.conf_int(
        1.0 - _LEVEL, method="pl", features=features, max_iter=max_iter, tol=tol
    )
    # Its standard error is defined by this.
    chi2 = np.square(fit.coef / model.lrt_bse_[:-1])
    return Found(Table(fit, chi2=chi2, ends=ends[:-1]))


@lru_cache(maxsize=1)
def native_threads() -> ThreadpoolController:
    """Return a controller of the libraries that are loaded at the first call."""
    return ThreadpoolController()


def _on_one(fit: Callable[..., Found], task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit with a single thread in BLAS and OpenMP."""
    with native_threads().limit(limits=1):
        return fit(task, tol, max_iter)


def on_one_thread(peer: Peer) -> Peer:
    """Return a peer that uses a single thread."""
    name = f"{peer.name}, {ONE_THREAD}"
    return replace(peer, name=name, fit=partial(_on_one, peer.fit))


def our_table(covariance: str = MODEL, leverages: bool = False) -> Peer:
    """Return fit and table of this package."""
    name = "sk_logreg, with leverages" if leverages else "sk_logreg"
    return our_peer(name, partial(_ours, covariance, leverages), DEFAULT_TOL)


def our_firth(tests: bool) -> Peer:
    """Return fit and table, or fit and tests, of this package with Firth's prior."""
    return our_peer("sk_logreg", partial(_our_firth, tests), DEFAULT_TOL)


def _peer(name: str, fit: Callable[..., Found], **more: Any) -> Peer:
    package = name.split()[0]
    tolerances = _TOLERANCES[name]
    return Peer(name, package, package, "", fit, tolerances=tolerances, **more)


def rivals(covariance: str = MODEL) -> list[Peer]:
    """Return peers that compute the table of a fit without a penalty."""
    few = {"max_columns": MAX_HESSIAN_COLUMNS}
    dense = few | {"sparse": False}
    fits = {kind: partial(_statsmodels, kind, covariance) for kind in ("Logit", "GLM")}
    return [
        _peer("glum", partial(_glum, covariance, None), **few),
        *(_peer(f"statsmodels {kind}", fit, **dense) for kind, fit in fits.items()),
    ]


def glum_on_categories(frame: Any) -> Peer:
    """Return glum on a table of categories instead of X."""
    peer = _peer("glum", partial(_glum, MODEL, frame))
    return replace(peer, name="glum, on categories")


def firth_rivals(tests: bool) -> list[Peer]:
    """Return peers with Firth's prior."""
    return [_peer("firthmodels", partial(_firthmodels, tests), sparse=False)]


def with_threads(peers: list[Peer]) -> list[list[Peer]]:
    """Return each peer with a single thread, and with all."""
    return [
        [on_one_thread(peer), replace(peer, name=f"{peer.name}, {ALL_THREADS}")]
        for peer in peers
    ]
