"""The reference optimum that every solver is compared with.

Newton's method starts from the best coefficients that any solver found and runs until
the objective no longer decreases. It shares no code with the package. With an ℓ₁
penalty the method is that of `benchmarks.orthant`.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
from scipy.optimize import minimize
from scipy.sparse.linalg import LinearOperator, cg

from benchmarks.objective import ABSORBED, objective
from benchmarks.orthant import descend
from benchmarks.peers._scipy import Callbacks
from benchmarks.task import Fit, Task, as_fit

_HALVINGS = 30
_STEPS = 60
_ENOUGH = 1e-14
_DENSE_COLUMNS = 600


def polish(task: Task, fit: Fit, convention: str, seconds: float = 60.0) -> Fit:
    """Take Newton steps from `fit` until F stops decreasing or the time is up."""
    wide = task
    if task.X.dtype != np.float64:
        wide = replace(task, X=task.X.astype(np.float64))
    calls = Callbacks(wide, convention == ABSORBED)
    v = np.append(fit.coef, fit.intercept) if task.fit_intercept else fit.coef
    if task.loss != "cross_entropy":
        return _polish_any(task, calls, v)
    if task.l1_ratio:
        return _fit(task, descend(calls, v, seconds))
    deadline = time.perf_counter() + seconds
    value, gradient = calls.value_and_gradient(v)
    for _ in range(_STEPS):
        step = _newton_step(calls, v, gradient)
        decrement = -float(gradient @ step)
        moved = _line_search(calls, v, value, step)
        if moved is None:
            break
        v, (value, gradient) = moved
        if decrement <= _ENOUGH * abs(value) or time.perf_counter() > deadline:
            break
    return _fit(task, v)


def _newton_step(calls: Callbacks, v: np.ndarray, gradient: np.ndarray) -> np.ndarray:
    """−H⁻¹g, from a dense least-squares solve or preconditioned conjugate gradients."""
    X, weights = calls.task.X, calls.curvature(v)
    dense = not calls.task.is_sparse
    if dense and calls.size <= _DENSE_COLUMNS:
        hessian = calls.hessian(v)
        return -np.linalg.lstsq(hessian, gradient, rcond=1e-15)[0]
    if dense:
        diagonal = np.einsum("ij,ij,i->j", X, X, weights)
    else:
        diagonal = np.asarray(X.multiply(X).T @ weights).ravel()
    if calls.task.fit_intercept:
        diagonal = np.append(diagonal, weights.sum())
    diagonal = np.maximum(diagonal + calls.ridge, 1e-300)
    shape = (calls.size, calls.size)
    product = LinearOperator(shape, matvec=lambda d: calls.hessian_product(v, d))
    inverse = LinearOperator(shape, matvec=lambda d: d / diagonal)
    most = min(2 * min(calls.task.X.shape) + 50, 1_000)
    step, _ = cg(product, -gradient, rtol=1e-3, maxiter=most, M=inverse)
    return step


def _line_search(
    calls: Callbacks, v: np.ndarray, value: float, step: np.ndarray
) -> tuple[np.ndarray, tuple[float, np.ndarray]] | None:
    """Halve the step until the objective decreases; None if it never does."""
    for halving in range(_HALVINGS):
        trial = v + 0.5**halving * step
        found = calls.value_and_gradient(trial)
        if found[0] < value:
            return trial, found
    return None


def _polish_any(task: Task, calls: Callbacks, v: np.ndarray) -> Fit:
    """Minimize a non-convex loss with a trust-region method."""
    found = minimize(
        calls.value_and_gradient,
        v,
        jac=True,
        hess=calls.hessian,
        method="trust-exact",
        options={"gtol": 1e-9, "maxiter": 50},
    )
    return _fit(task, found.x)


def _fit(task: Task, v: np.ndarray) -> Fit:
    return as_fit(v[:-1], v[-1]) if task.fit_intercept else as_fit(v)


def lowest(
    task: Task, fits: list[Fit], convention: str, seconds: float = 60.0
) -> tuple[float, Fit]:
    """The lowest known objective: the best of `fits`, improved by `polish`."""
    values = [objective(task, fit, convention) for fit in fits]
    best = fits[int(np.argmin(values))]
    better = polish(task, best, convention, seconds)
    value = objective(task, better, convention)
    return (value, better) if value < min(values) else (min(values), best)
