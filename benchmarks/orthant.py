"""Newton's method for objectives with an ℓ₁ penalty, for the reference optimum.

Within an orthant the objective is smooth. A step minimizes its quadratic model over the
coefficients that are not zero and the zeros with the largest violations, and the line
search stops every coefficient at zero that would change its sign (Andrew and Gao 2007,
with the exact Hessian). Where that does not descend, a step of the diagonal of the
Hessian does, followed by a soft threshold. It shares no code with the package.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.sparse import issparse
from scipy.sparse.linalg import LinearOperator, cg

from benchmarks.peers._scipy import Callbacks

_STEPS = 300
_HALVINGS = 30
_ENOUGH = 1e-14
# Zeros that one step may free: this share of the coefficients that are not zero, and at
# least _FREED.
_FREED = 50
_DENSE_COLUMNS = 2_500
# Relative increase of the Hessian's diagonal, against collinear columns.
_DAMPING = 1e-11


def descend(calls: Callbacks, v: np.ndarray, seconds: float) -> np.ndarray:
    """Lower F from v until no step does, or the time is up."""
    deadline = time.perf_counter() + seconds
    columns = calls.task.X.tocsc() if calls.task.is_sparse else calls.task.X
    value, gradient = _value(calls, v)
    for _ in range(_STEPS):
        if time.perf_counter() > deadline:
            break
        slope = pseudo_gradient(v, gradient, calls.lasso)
        free = _free(v, slope, calls.lasso)
        step = _newton_step(calls, columns, v, slope, free)
        found = _within_orthant(calls, v, value, slope, step)
        if found is None or value - found[1] <= _ENOUGH * abs(value):
            plain = _thresholded(calls, v, value, gradient)
            found = plain if found is None else found
            if plain is None or value - plain[1] <= _ENOUGH * abs(value):
                return v if found is None else found[0]
            found = min(found, plain, key=lambda one: one[1])
        v, value, gradient = found
    return v


def pseudo_gradient(v: np.ndarray, g: np.ndarray, lasso: np.ndarray) -> np.ndarray:
    """Subgradient of F of least norm, from the gradient g of its smooth part."""
    at_zero = np.sign(g) * np.maximum(np.abs(g) - lasso, 0.0)
    return np.where(v != 0.0, g + lasso * np.sign(v), at_zero)


def _value(calls: Callbacks, v: np.ndarray) -> tuple[float, np.ndarray]:
    """F and the gradient of its smooth part."""
    value, gradient = calls.value_and_gradient(v)
    return value + float(calls.lasso @ np.abs(v)), gradient


def _free(v: np.ndarray, slope: np.ndarray, lasso: np.ndarray) -> np.ndarray:
    """Indices of the coefficients that a step may change."""
    moving = (v != 0.0) | (lasso == 0.0)
    zeros = np.flatnonzero(~moving & (slope != 0.0))
    most = max(_FREED, np.count_nonzero(moving) // 2)
    if len(zeros) > most:
        zeros = zeros[np.argpartition(-np.abs(slope[zeros]), most)[:most]]
    return np.sort(np.concatenate([np.flatnonzero(moving), zeros]))


def _newton_step(
    calls: Callbacks, columns: Any, v: np.ndarray, slope: np.ndarray, free: np.ndarray
) -> np.ndarray:
    """−H⁻¹ times the slope over the free coefficients.

    A zero that would leave its orthant is no longer free, and the system is solved
    again without it.
    """
    solve = _Reduced(calls, columns, v, free)
    keep = np.ones(len(free), bool)
    while True:
        part = np.zeros(len(free))
        part[keep] = -solve(slope[free], keep)
        wrong = keep & (v[free] == 0.0) & (part * slope[free] > 0.0)
        wrong &= calls.lasso[free] > 0.0
        if not wrong.any():
            step = np.zeros(calls.size)
            step[free] = part
            return step
        keep &= ~wrong


class _Reduced:
    """Systems in the Hessian of the free coefficients."""

    def __init__(
        self, calls: Callbacks, columns: Any, v: np.ndarray, free: np.ndarray
    ) -> None:
        n_features = calls.task.n_features
        weights, ridge = calls.curvature(v), calls.ridge[free]
        self.X = columns[:, free[free < n_features]]
        self.weights, self.ridge = weights, ridge
        self.bias = bool(len(free) and free[-1] == n_features)
        self.hessian = None
        if len(free) <= _DENSE_COLUMNS:
            self.hessian = self._gram() + np.diag(ridge)
            self.hessian[np.diag_indices(len(free))] *= 1.0 + _DAMPING

    def _gram(self) -> np.ndarray:
        p = self.X.shape[1]
        full = np.empty((p + self.bias, p + self.bias))
        if issparse(self.X):
            weighted = self.X.multiply(self.weights[:, None]).tocsc()
            full[:p, :p] = (self.X.T @ weighted).toarray()
        else:
            weighted = self.weights[:, None] * self.X
            full[:p, :p] = self.X.T @ weighted
        if self.bias:
            full[p, :p] = full[:p, p] = np.asarray(weighted.sum(axis=0)).ravel()
            full[p, p] = self.weights.sum()
        return full

    def __call__(self, right: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """Solve the system of the coefficients to keep."""
        if self.hessian is None:
            return self._iterate(right, keep)
        hessian = self.hessian[np.ix_(keep, keep)]
        try:
            return cho_solve(cho_factor(hessian), right[keep])
        except LinAlgError:
            return np.linalg.lstsq(hessian, right[keep], rcond=1e-15)[0]

    def _iterate(self, right: np.ndarray, keep: np.ndarray) -> np.ndarray:
        """Solve by preconditioned conjugate gradients."""
        p, weights, ridge = self.X.shape[1], self.weights, self.ridge[keep]
        X = self.X[:, keep[:p]]
        bias = self.bias and bool(keep[-1])
        squares = X.multiply(X) if issparse(X) else X * X
        diagonal = np.asarray(squares.T @ weights).ravel()
        if bias:
            diagonal = np.append(diagonal, weights.sum())
        diagonal = np.maximum(diagonal + ridge, 1e-300)

        def product(d: np.ndarray) -> np.ndarray:
            z = weights * (X @ d[:-1] + d[-1] if bias else X @ d)
            back = X.T @ z
            return (np.append(back, z.sum()) if bias else back) + ridge * d

        shape = (len(ridge), len(ridge))
        step, _ = cg(
            LinearOperator(shape, matvec=product),
            right[keep],
            rtol=1e-4,
            maxiter=500,
            M=LinearOperator(shape, matvec=lambda d: d / diagonal),
        )
        return step


def _within_orthant(
    calls: Callbacks, v: np.ndarray, value: float, slope: np.ndarray, step: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Halve the step until F decreases; coefficients do not cross zero."""
    signs = np.where(v != 0.0, np.sign(v), -np.sign(slope))
    for halving in range(_HALVINGS):
        trial = v + 0.5**halving * step
        trial[(trial * signs < 0.0) & (calls.lasso > 0.0)] = 0.0
        found = _value(calls, trial)
        if found[0] < value:
            return trial, *found
    return None


def _thresholded(
    calls: Callbacks, v: np.ndarray, value: float, gradient: np.ndarray
) -> tuple[np.ndarray, float, np.ndarray] | None:
    """Take a proximal step with a multiple of the Hessian's diagonal."""
    X, weights = calls.task.X, calls.curvature(v)
    if calls.task.is_sparse:
        diagonal = np.asarray(X.multiply(X).T @ weights).ravel()
    else:
        diagonal = np.einsum("ij,ij,i->j", X, X, weights)
    if calls.task.fit_intercept:
        diagonal = np.append(diagonal, weights.sum())
    diagonal = np.maximum(diagonal + calls.ridge, 1e-300)
    for doubling in range(_HALVINGS):
        scale = 2.0**doubling * diagonal
        moved = v - gradient / scale
        trial = np.sign(moved) * np.maximum(np.abs(moved) - calls.lasso / scale, 0.0)
        found = _value(calls, trial)
        if found[0] < value:
            return trial, *found
    return None
