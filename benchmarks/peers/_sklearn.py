"""Adapters of LogisticRegression in scikit-learn and scikit-learn-intelex."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.objective import ABSORBED, FREE
from benchmarks.peers._base import MAX_HESSIAN_COLUMNS, Peer
from benchmarks.task import Fit, Task, as_fit

_STATES = "C Σ L + ½‖w‖², intercept not penalized; same C"
_LIBLINEAR_STATES = "C Σ L + ½‖w‖² + ½b², intercept penalized; same C"


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
    ).fit(task.X, task.y)
    return as_fit(model.coef_, model.intercept_, model.n_iter_)


def _scikit_learn() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression


def _intelex() -> Any:
    from sklearnex.linear_model import LogisticRegression

    return LogisticRegression


def _peer(solver: str, **more: Any) -> Peer:
    states = _LIBLINEAR_STATES if solver == "liblinear" else _STATES
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
    _peer("liblinear", native=True, unpenalized=False),
    _peer("sag", native=True),
    _peer("saga", native=True),
)
