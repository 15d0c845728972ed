"""Adapters of this package."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.objective import ABSORBED, FREE
from benchmarks.peers._base import L1, RIDGE, Peer
from benchmarks.task import Fit, Task, as_fit


def _fit(absorb_bias: bool, task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Fit `BinaryLogisticRegression`."""
    from sk_logreg import BinaryLogisticRegression

    more: dict[str, Any] = {} if tol is None else {"tol": tol}
    if max_iter is not None:
        more["max_iter"] = max_iter
    if task.l1_ratio:
        more["l1_ratio"] = task.l1_ratio
    model = BinaryLogisticRegression(
        loss=task.loss,
        C=task.C,
        fit_intercept=task.fit_intercept,
        absorb_bias=absorb_bias and task.fit_intercept,
        **more,
    ).fit(task.X, task.y)
    reads = model.history_[-1].reads if model.history_ else None
    return as_fit(model.coef_, model.intercept_, model.n_iter_, reads)


def _peer(name: str, absorb_bias: bool, states: str) -> Peer:
    return Peer(
        name=name,
        package="sk-logreg",
        module="sk_logreg",
        states=states,
        fit=partial(_fit, absorb_bias),
        convention=ABSORBED if absorb_bias else FREE,
        default_tol=1e-8,
        losses=("cross_entropy", "squared_error"),
        penalties=RIDGE + L1,
    )


OURS = _peer(
    "sk_logreg", False, "C Σ L + ρ‖w‖₁ + ½(1 − ρ)‖w‖², intercept not penalized"
)
OURS_ABSORBED = _peer(
    "sk_logreg absorbed", True, "the same, with the intercept penalized like a weight"
)
