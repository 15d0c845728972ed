"""Adapters of celer and adelie, which are measured with an ℓ₁ penalty only."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.objective import ABSORBED
from benchmarks.peers._base import L1, LASSO, Peer
from benchmarks.task import Fit, Task, as_fit


def _celer(task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit celer's prox-Newton method with working sets.

    It has no intercept: the adapter appends a column of ones, whose coefficient is
    penalized like the others. The time includes this copy of X.
    """
    from celer import LogisticRegression

    more = {} if tol is None else {"tol": tol, "max_iter": max_iter}
    X: Any = task.X
    if task.fit_intercept:
        ones = np.ones((task.n_samples, 1), X.dtype)
        both = [X, ones]
        X = sp.hstack(both, format="csc") if task.is_sparse else np.hstack(both)
    coef = LogisticRegression(C=task.C, **more).fit(X, task.y).coef_.ravel()
    if task.fit_intercept:
        return as_fit(coef[:-1], coef[-1])
    return as_fit(coef)


def _imported() -> Any:
    """Return adelie; its import would bind this process to one processor."""
    affinity = getattr(os, "sched_getaffinity", None)
    before = None if affinity is None else affinity(0)
    import adelie

    if before is not None:
        os.sched_setaffinity(0, before)
    return adelie


def _adelie(task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit adelie's coordinate descent at one value of λ.

    The adapter passes the layouts that adelie recommends, column-major and CSC. The
    time includes the conversion. Both of its tolerances get the same value.
    """
    del max_iter
    adelie = _imported()
    more: dict[str, Any] = {}
    threads = 1
    if tol is not None:
        more = {"tol": tol, "irls_tol": tol}
        threads = os.cpu_count() or 1
    if task.is_sparse:
        X = adelie.matrix.sparse(sp.csc_matrix(task.X), n_threads=threads)
    else:
        X = adelie.matrix.dense(np.asfortranarray(task.X), n_threads=threads)
    state = adelie.grpnet(
        X,
        adelie.glm.binomial(task.floats.astype(task.X.dtype, copy=False)),
        alpha=task.l1_ratio,
        lmda_path=np.array([1.0 / (task.C * task.n_samples)], task.X.dtype),
        intercept=task.fit_intercept,
        n_threads=threads,
        early_exit=False,
        progress_bar=False,
        **more,
    )
    return as_fit(state.betas.toarray(), state.intercepts[0])


PEERS = (
    Peer(
        name="adelie",
        package="adelie",
        module="adelie",
        states="mean L + λ(α‖w‖₁ + ½(1 − α)‖w‖²), intercept not penalized; "
        "λ = 1/(C n), α = ρ",
        fit=_adelie,
        default_tol=1e-7,
        default_max_iter=None,
        unpenalized=False,
        penalties=L1,
    ),
    Peer(
        name="celer",
        package="celer",
        module="celer",
        states="Σ L + ‖w‖₁/C; a column of ones for the intercept, which is penalized",
        fit=_celer,
        convention=ABSORBED,
        default_max_iter=None,
        native=True,
        float32=False,
        unpenalized=False,
        penalties=LASSO,
    ),
)
