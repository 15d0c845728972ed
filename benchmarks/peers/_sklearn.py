"""Adapters of LogisticRegression in scikit-learn and scikit-learn-intelex."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.objective import ABSORBED, FREE
from benchmarks.peers._base import L1, LASSO, MAX_HESSIAN_COLUMNS, RIDGE, Peer
from benchmarks.task import Fit, Task, as_fit

_STATES = "C Σ L + ½‖w‖², intercept not penalized; same C"
_L1_STATES = "C Σ L + ρ‖w‖₁ + ½(1 − ρ)‖w‖², intercept not penalized; same C and ρ"
_LIBLINEAR_STATES = (
    "C Σ L + ½‖w‖² + ½b², or C Σ L + ‖w‖₁ + |b|; intercept penalized; same C"
)


def _given(tol: float | None, max_iter: int | None) -> dict[str, Any]:
    """Keyword arguments of a setting, without those that are None."""
    both = {"tol": tol, "max_iter": max_iter}
    return {name: value for name, value in both.items() if value is not None}


def _fit(
    load: Callable[[], Any],
    solver: str,
    task: Task,
    tol: float | None,
    max_iter: int | None,
) -> Fit:
    """Fit `LogisticRegression` with one solver."""
    model = load()(
        C=task.C,
        solver=solver,
        fit_intercept=task.fit_intercept,
        random_state=0 if solver in ("sag", "saga", "liblinear") else None,
        **_given(tol, max_iter),
    )
    if task.l1_ratio:
        if model.l1_ratio is None:  # before scikit-learn 1.8
            model.set_params(penalty="l1" if task.l1_ratio == 1.0 else "elasticnet")
        model.set_params(l1_ratio=task.l1_ratio)
    model.fit(task.X, task.y)
    return as_fit(model.coef_, model.intercept_, model.n_iter_)


def _scikit_learn() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression


def _intelex() -> Any:
    from sklearnex.linear_model import LogisticRegression

    return LogisticRegression


def _peer(solver: str, **more: Any) -> Peer:
    states = {"liblinear": _LIBLINEAR_STATES, "saga": _L1_STATES}.get(solver, _STATES)
    return Peer(
        name=f"sklearn {solver}",
        package="scikit-learn",
        module="sklearn",
        states=states,
        fit=partial(_fit, _scikit_learn, solver),
        convention=ABSORBED if solver == "liblinear" else FREE,
        **more,
    )


def _intelex_peer(solver: str) -> Peer:
    return Peer(
        name=f"sklearnex {solver}",
        package="scikit-learn-intelex",
        module="sklearnex",
        states=_STATES + "; dense X only (it passes sparse X to scikit-learn)",
        fit=partial(_fit, _intelex, solver),
        sparse=False,
    )


PEERS = (
    _peer("newton-cholesky", max_columns=MAX_HESSIAN_COLUMNS),
    _peer("lbfgs"),
    _intelex_peer("lbfgs"),
    _peer("newton-cg"),
    _intelex_peer("newton-cg"),
    _peer("liblinear", native=True, unpenalized=False, penalties=RIDGE + LASSO),
    _peer("sag", native=True),
    _peer("saga", native=True, penalties=RIDGE + L1),
)
