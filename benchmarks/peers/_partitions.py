"""Adapters for data in partitions: this package, and the solvers of dask-ml."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from benchmarks.objective import ABSORBED, FREE
from benchmarks.peers._base import Peer
from benchmarks.task import Fit, Task, as_fit

_STATES = {
    FREE: "Σ L; the penalty is ignored",
    ABSORBED: "Σ L + ½(‖w‖² + b²) / C",
}
# Two objectives: without a penalty, and with one for the weights and the bias.
_SOLVERS = (
    ("dask-ml newton", FREE),
    ("dask-ml lbfgs", ABSORBED),
    ("dask-ml proximal_grad", ABSORBED),
    ("dask-ml gradient_descent", ABSORBED),
    ("dask-ml admm", ABSORBED),
)


def _ours(convention: str, task: Task, tol: Any, max_iter: Any) -> Fit:
    """Fit this package to collections, or to arrays in memory."""
    del max_iter
    from sk_logreg import BinaryLogisticRegression

    absorbed = convention == ABSORBED
    model = BinaryLogisticRegression(
        C=1.0 if absorbed else np.inf,
        absorb_bias=absorbed,
        **({} if tol is None else {"tol": tol}),
    )
    model.fit(task.X, task.y)
    reads = model.history_[-1].reads
    return as_fit(model.coef_, model.intercept_, model.n_iter_, reads)


def ours(convention: str) -> Peer:
    """Return this package under one of the two objectives, at its defaults."""
    suffix = "" if convention == FREE else ", absorbed"
    return Peer(
        f"this package{suffix}",
        "sk_logreg",
        "sk_logreg",
        _STATES[convention],
        partial(_ours, convention),
        convention,
    )


def _dask_ml(solver: str, task: Task, tol: Any, max_iter: Any) -> Fit:
    """Fit a solver of dask-ml."""
    from dask_ml.linear_model import LogisticRegression

    model = LogisticRegression(
        solver=solver,
        tol=1e-4 if tol is None else tol,
        max_iter=1_000 if max_iter is None else max_iter,
    )
    model.fit(task.X, task.y)
    return as_fit(model.coef_, model.intercept_)


def rivals() -> list[Peer]:
    """Return the solvers of dask-ml, none if it is not installed."""
    found = [
        Peer(
            name,
            "dask-ml",
            "dask_ml",
            _STATES[convention],
            partial(_dask_ml, name.split()[1]),
            convention,
        )
        for name, convention in _SOLVERS
    ]
    return [peer for peer in found if peer.installed()]
