"""Adapters of liblinear-official, glum, snapml, statsmodels and skglm."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.objective import ABSORBED
from benchmarks.peers._base import L1, LASSO, MAX_HESSIAN_COLUMNS, RIDGE, Peer
from benchmarks.task import Fit, Task, as_fit


def _liblinear(task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit by LIBLINEAR's trust-region Newton method, or by newGLMNET for ℓ₁.

    Its Python interface loops over the rows of a dense array in Python. The adapter
    passes CSR instead, which compiled code reads. The time includes the conversion.
    """
    del max_iter
    from liblinear.liblinearutil import train

    options = f"-s {6 if task.l1_ratio else 0} -c {task.C!r} -q"
    if task.fit_intercept:
        options += " -B 1 -R"
    if tol is not None:
        options += f" -e {tol!r}"
    model = train(task.floats, sp.csr_matrix(task.X), options)
    raw, bias = model.get_decfun()
    sign = 1.0 if model.get_labels()[0] == 1 else -1.0
    return as_fit(sign * np.asarray(raw), sign * bias if task.fit_intercept else 0.0)


def _glum(solver: str, task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit glum's binomial regressor."""
    from glum import GeneralizedLinearRegressor

    more = {} if tol is None else {"gradient_tol": tol, "max_iter": max_iter}
    model = GeneralizedLinearRegressor(
        family="binomial",
        link="logit",
        alpha=1.0 / (task.C * task.n_samples),
        l1_ratio=task.l1_ratio,
        solver=solver,
        fit_intercept=task.fit_intercept,
        **more,
    ).fit(task.X, task.floats.astype(task.X.dtype, copy=False))
    return as_fit(model.coef_, model.intercept_, getattr(model, "n_iter_", None))


def _snapml(task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit snapml's dual coordinate descent."""
    from snapml import LogisticRegression

    more: dict[str, Any] = {}
    if tol is not None:
        more = {"tol": tol, "max_iter": max_iter, "n_jobs": os.cpu_count()}
    model = LogisticRegression(
        regularizer=1.0 / task.C, fit_intercept=task.fit_intercept, **more
    ).fit(task.X, task.y)
    return as_fit(model.coef_, model.intercept_)


def _with_ones(task: Task) -> np.ndarray:
    """X, followed by a column of ones if there is an intercept."""
    if not task.fit_intercept:
        return task.X
    return np.column_stack([task.X, np.ones(task.n_samples, task.X.dtype)])


def _split(task: Task, params: np.ndarray, n_iter: int | None = None) -> Fit:
    """Split a vector of parameters into coefficients and intercept."""
    if task.fit_intercept:
        return as_fit(params[:-1], params[-1], n_iter)
    return as_fit(params, 0.0, n_iter)


def _statsmodels_ridge(
    method: str, task: Task, tol: float | None, max_iter: int | None
) -> Fit:
    """Fit statsmodels' penalized GLM, whose tolerance cannot be set."""
    del tol, max_iter
    import statsmodels.api as sm

    exog = _with_ones(task)
    alpha = np.full(exog.shape[1], 1.0 / (task.C * task.n_samples))
    if task.fit_intercept:
        alpha[-1] = 0.0
    model = sm.GLM(task.floats, exog, family=sm.families.Binomial())
    found = model.fit_regularized(alpha=alpha, L1_wt=0.0, opt_method=method)
    return _split(task, np.asarray(found.params))


def _statsmodels_logit(task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit statsmodels' Logit by Newton's method."""
    import statsmodels.api as sm

    more = {} if tol is None else {"tol": tol, "maxiter": max_iter}
    found = sm.Logit(task.floats, _with_ones(task)).fit(method="newton", disp=0, **more)
    return _split(task, np.asarray(found.params), found.mle_retvals["iterations"])


def _skglm(solver: str, task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit skglm's elastic net; for the ridge, without an ℓ₁ part."""
    import skglm.solvers
    from skglm import GeneralizedLinearEstimator
    from skglm.datafits import Logistic
    from skglm.penalties import L1_plus_L2

    more = {} if tol is None else {"tol": tol, "max_iter": max_iter}
    method = getattr(skglm.solvers, solver)(fit_intercept=task.fit_intercept, **more)
    penalty = L1_plus_L2(1.0 / (task.C * task.n_samples), task.l1_ratio)
    model = GeneralizedLinearEstimator(Logistic(), penalty, method)
    model.fit(task.X, task.signs.astype(task.X.dtype, copy=False))
    return as_fit(model.coef_, model.intercept_)


_MEAN = "mean L + ½α‖w‖², intercept not penalized; α = 1/(C n)"
_MEAN_L1 = (
    "mean L + α(ρ‖w‖₁ + ½(1 − ρ)‖w‖²), intercept not penalized; α = 1/(C n), same ρ"
)


def _glum_peer(solver: str, max_columns: int | None, **more: Any) -> Peer:
    return Peer(
        name=f"glum {solver}",
        package="glum",
        module="glum",
        states=_MEAN_L1 if solver == "irls-cd" else _MEAN,
        fit=partial(_glum, solver),
        max_columns=max_columns,
        **more,
    )


def _statsmodels_peer(method: str) -> Peer:
    return Peer(
        name=f"statsmodels ridge {method}",
        package="statsmodels",
        module="statsmodels",
        states=_MEAN + ", as a vector; no tolerance can be set",
        fit=partial(_statsmodels_ridge, method),
        default_tol=None,
        default_max_iter=None,
        sparse=False,
        unpenalized=False,
        max_columns=2_000 if method == "bfgs" else None,
    )


PEERS = (
    _glum_peer("irls-ls", MAX_HESSIAN_COLUMNS),
    _glum_peer("irls-cd", MAX_HESSIAN_COLUMNS, penalties=L1, unpenalized=False),
    _statsmodels_peer("newton-cg"),
    _statsmodels_peer("bfgs"),
    Peer(
        name="statsmodels logit",
        package="statsmodels",
        module="statsmodels",
        states="Σ L, no penalty",
        fit=_statsmodels_logit,
        default_tol=1e-8,
        default_max_iter=35,
        sparse=False,
        penalized=False,
        max_columns=2_000,
    ),
    Peer(
        name="liblinear-official",
        package="liblinear-official",
        module="liblinear",
        states="C Σ L + ½‖w‖² (-s 0) or + ‖w‖₁ (-s 6), intercept not penalized "
        "(-B 1 -R); same C",
        fit=_liblinear,
        default_tol=1e-2,
        default_max_iter=None,
        native=True,
        unpenalized=False,
        penalties=RIDGE + LASSO,
    ),
    Peer(
        name="skglm",
        package="skglm",
        module="skglm",
        states=_MEAN_L1 + "; prox-Newton",
        fit=partial(_skglm, "ProxNewton"),
        default_max_iter=20,
        unpenalized=False,
        penalties=RIDGE + L1,
    ),
    Peer(
        name="skglm anderson-cd",
        package="skglm",
        module="skglm",
        states=_MEAN_L1,
        fit=partial(_skglm, "AndersonCD"),
        default_max_iter=50,
        unpenalized=False,
        penalties=L1,
    ),
    _glum_peer("lbfgs", None),
    Peer(
        name="snapml",
        package="snapml",
        module="snapml",
        states="Σ L + ½λ(‖w‖² + b²), intercept penalized; λ = 1/C",
        fit=_snapml,
        convention=ABSORBED,
        default_tol=1e-3,
        default_max_iter=1000,
        native=True,
        unpenalized=False,
    ),
)
