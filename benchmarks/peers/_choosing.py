"""Adapters that fit a whole path of the lasso, or a whole search for C."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from benchmarks.objective import ABSORBED, FREE
from benchmarks.peers._base import L1, LASSO, MAX_HESSIAN_COLUMNS, RIDGE, Peer
from benchmarks.peers._l1 import _imported
from benchmarks.task import Task, as_fit

# The last ones are for adelie, which needs smaller ones than the others.
_PATH_TOLERANCES = tuple(10.0**-k for k in range(2, 15))
_SEARCH_TOLERANCES = tuple(10.0**-k for k in range(2, 13))
N_FOLDS = 5
_JOBS = (1, 2)
PATH_TOL, DEFAULT_TOL = 1e-6, 1e-8


@dataclass(frozen=True)
class Found:
    """The result of a path, one `Fit` per C, or of a search: the scores.

    The other attributes are those of a `Fit`.
    """

    value: Any
    n_iter: int | None = None
    reads: float | None = None


def _found(coefs: Any, intercepts: Any) -> Found:
    """Return a path, from the coefficients by ascending C."""
    pairs = zip(coefs, intercepts, strict=True)
    return Found([as_fit(coef, intercept) for coef, intercept in pairs])


def our_path(
    task: Task, tol: float, Cs: Any = 100, convention: str = FREE
) -> tuple[np.ndarray, Found]:
    """Return the values of C of a path of this package, and the path."""
    from sk_logreg import BinaryLogisticRegression, regularization_path

    model = BinaryLogisticRegression(
        l1_ratio=task.l1_ratio,
        tol=tol,
        fit_intercept=task.fit_intercept,
        absorb_bias=convention == ABSORBED,
    )
    path = regularization_path(model, task.X, task.y, Cs=Cs)
    return path.Cs, _found(path.coefs, path.intercepts)


def _ours(Cs: Any, convention: str, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit a path by this package."""
    del max_iter
    return our_path(task, tol, Cs, convention)[1]


def _one_fit(C: float, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit this package at a single C."""
    del max_iter
    from sk_logreg import BinaryLogisticRegression

    model = BinaryLogisticRegression(C=C, l1_ratio=task.l1_ratio, tol=tol)
    model.fit(task.X, task.y)
    return Found([as_fit(model.coef_, model.intercept_)])


def _adelie(
    n_threads: int, Cs: np.ndarray, task: Task, tol: Any, max_iter: Any
) -> Found:
    """Fit adelie's path, in the layouts that it recommends.

    Both of its tolerances get the same value. Its call of `exit_cond` after each C lets
    a time limit interrupt it; it then returns the part of the path up to there.
    """
    del max_iter
    adelie = _imported()
    if task.is_sparse:
        X = adelie.matrix.sparse(sp.csc_matrix(task.X), n_threads=n_threads)
    else:
        X = adelie.matrix.dense(np.asfortranarray(task.X), n_threads=n_threads)
    state = adelie.grpnet(
        X,
        adelie.glm.binomial(task.floats),
        alpha=1.0,
        lmda_path=1.0 / (Cs * task.n_samples),
        n_threads=n_threads,
        early_exit=False,
        progress_bar=False,
        exit_cond=lambda _: False,
        tol=tol,
        irls_tol=tol,
    )
    if len(state.intercepts) < len(Cs):
        raise RuntimeError(f"ended after {len(state.intercepts)} of {len(Cs)} fits")
    return _found(state.betas.toarray(), state.intercepts)


def _celer(Cs: np.ndarray, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit celer's path; a column of ones, which is penalized, is the intercept."""
    from celer import celer_path

    both = [task.X, np.ones((task.n_samples, 1))]
    X = sp.hstack(both, format="csc") if task.is_sparse else np.hstack(both)
    _, coefs, _ = celer_path(
        X,
        task.signs,
        "logreg",
        alphas=1.0 / Cs,
        tol=tol,
        max_iter=max_iter,
        use_PN=True,
    )
    return _found(coefs[:-1].T, coefs[-1])


def _skglm(solver: str, Cs: np.ndarray, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit skglm at each C, from the fit before."""
    import skglm.solvers
    from skglm.datafits import Logistic
    from skglm.penalties import L1_plus_L2

    X = sp.csc_matrix(task.X) if task.is_sparse else np.asfortranarray(task.X)
    method = getattr(skglm.solvers, solver)(tol=tol, max_iter=max_iter)
    v = np.zeros(task.n_features + 1)
    found = []
    for C in Cs:
        penalty = L1_plus_L2(1.0 / (C * task.n_samples), 1.0)
        z = X @ v[:-1] + v[-1]
        v = method.solve(X, task.signs, Logistic(), penalty, v.copy(), z)[0]
        found.append(v)
    whole = np.array(found)
    return _found(whole[:, :-1], whole[:, -1])


def _glum(Cs: np.ndarray, task: Task, tol: Any, max_iter: Any) -> Found:
    """Fit glum's path."""
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        family="binomial",
        link="logit",
        alpha_search=True,
        alphas=1.0 / (Cs * task.n_samples),
        l1_ratio=1.0,
        solver="irls-cd",
        gradient_tol=tol,
        max_iter=max_iter,
    ).fit(task.X, task.floats)
    return _found(model.coef_path_, model.intercept_path_)


def _our_search(cv: Any, Cs: np.ndarray, task: Task, tol: Any, max_iter: Any) -> Found:
    """Search for C by this package."""
    del max_iter
    from sk_logreg import BinaryLogisticRegressionCV

    model = BinaryLogisticRegressionCV(Cs=Cs, cv=cv, tol=tol).fit(task.X, task.y)
    return Found(model.scores_[:, 0])


def _sklearn_search(
    solver: str, n_jobs: int, Cs: np.ndarray, task: Task, tol: Any, max_iter: Any
) -> Found:
    """Search for C by `LogisticRegressionCV`."""
    from sklearn.linear_model import LogisticRegressionCV

    model = LogisticRegressionCV(
        Cs=Cs,
        cv=N_FOLDS,
        scoring="neg_log_loss",
        solver=solver,
        n_jobs=n_jobs,
        tol=tol,
        max_iter=max_iter,
    )
    if "use_legacy_attributes" in model.get_params():  # since scikit-learn 1.8
        model.set_params(l1_ratios=(0.0,), use_legacy_attributes=False)
    scores = model.fit(task.X, task.y).scores_
    if isinstance(scores, dict):
        scores = scores[1]
    return Found(np.reshape(scores, (N_FOLDS, len(Cs))))


def _peer(
    name: str,
    package: str,
    fit: Callable[..., Any],
    tolerances: tuple[float, ...],
    **more: Any,
) -> Peer:
    module = {"scikit-learn": "sklearn", "sk-logreg": "sk_logreg"}.get(package, package)
    return Peer(name, package, module, "", fit, tolerances=tolerances, **more)


def our_peer(name: str, fit: Callable[..., Any], tol: float, **more: Any) -> Peer:
    """Return an entrant of this package, whose tolerance is given."""
    return _peer(name, "sk-logreg", fit, (tol,), penalties=RIDGE + L1, **more)


def our_paths(Cs: np.ndarray) -> list[Peer]:
    """Paths of this package: with its default grid, and with an absorbed bias."""
    return [
        our_peer("sk_logreg", partial(_ours, len(Cs), FREE), PATH_TOL),
        our_peer(
            "sk_logreg absorbed",
            partial(_ours, Cs, ABSORBED),
            PATH_TOL,
            convention=ABSORBED,
        ),
    ]


def our_fits(Cs: np.ndarray) -> list[Peer]:
    """Single fits of this package."""
    fits = [partial(_one_fit, C) for C in Cs]
    return [our_peer("sk_logreg, one fit", fit, PATH_TOL) for fit in fits]


def our_search(cv: Any, Cs: np.ndarray) -> Peer:
    """Return a search for C by this package, at its default tolerance."""
    return our_peer(f"sk_logreg, cv={cv}", partial(_our_search, cv, Cs), DEFAULT_TOL)


def path_rivals(Cs: np.ndarray) -> list[Peer]:
    """Peers that fit the path of the lasso at given values of C, the quickest first."""
    kinds: list[tuple[str, Callable[..., Any], dict[str, Any]]] = [
        *((f"adelie, n_threads={n}", partial(_adelie, n), {}) for n in _JOBS),
        ("celer", _celer, {"convention": ABSORBED}),
        ("skglm", partial(_skglm, "ProxNewton"), {}),
        ("skglm anderson-cd", partial(_skglm, "AndersonCD"), {}),
        ("glum irls-cd", _glum, {"max_columns": MAX_HESSIAN_COLUMNS}),
    ]
    more = {"penalties": LASSO}
    return [
        _peer(
            name,
            name.split()[0].strip(","),
            partial(fit, Cs),
            _PATH_TOLERANCES,
            **more,
            **own,
        )
        for name, fit, own in kinds
    ]


def search_rivals(Cs: np.ndarray) -> list[Peer]:
    """Searches for C by scikit-learn's solvers, the quickest first."""
    return [
        _peer(
            f"sklearn {solver}, n_jobs={n_jobs}",
            "scikit-learn",
            partial(_sklearn_search, solver, n_jobs, Cs),
            _SEARCH_TOLERANCES,
        )
        for solver in ("newton-cholesky", "newton-cg", "lbfgs")
        for n_jobs in _JOBS
    ]
