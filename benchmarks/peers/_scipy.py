"""The minimizers of scipy.optimize on the same objective, for the squared error.

The callbacks are efficient NumPy code, as a careful user would write it.
`benchmarks.reference` uses them too.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import least_squares, minimize
from scipy.special import expit

from benchmarks.peers._base import SQUARED_ERROR, Peer
from benchmarks.task import Fit, Task, as_fit


class Callbacks:
    """Value, gradient and second derivatives with respect to the vector (w, b).

    They are those of F without the ℓ₁ part of the penalty, whose weights are `lasso`.

    Parameters
    ----------
    task : Task
    absorbed : bool, default=False
        Whether the penalty includes b.
    """

    def __init__(self, task: Task, absorbed: bool = False) -> None:
        self.task = task
        self.size = task.n_features + task.fit_intercept
        self.C = task.C if task.penalized else 1.0
        factors = np.full(self.size, 1.0 if task.penalized else 0.0)
        if task.fit_intercept and not absorbed:
            factors[-1] = 0.0
        self.ridge = (1.0 - task.l1_ratio) * factors
        self.lasso = task.l1_ratio * factors
        self._at: bytes = b""
        self._curvature = np.empty(0)

    def scores(self, v: np.ndarray) -> np.ndarray:
        """X w + b."""
        if self.task.fit_intercept:
            return self.task.X @ v[:-1] + v[-1]
        return self.task.X @ v

    def adjoint(self, u: np.ndarray) -> np.ndarray:
        """Xᵀ u, followed by the sum of u for b."""
        if self.task.fit_intercept:
            return np.append(self.task.X.T @ u, u.sum())
        return self.task.X.T @ u

    def value_and_gradient(self, v: np.ndarray) -> tuple[float, np.ndarray]:
        """F and ∇F."""
        task, z = self.task, self.scores(v)
        s = expit(z)
        if task.loss == "squared_error":
            error = s - task.y
            value, slope = 0.5 * error @ error, error * s * (1.0 - s)
        else:
            value, slope = np.logaddexp(0.0, -task.signs * z).sum(), s - task.y
        penalty = self.ridge * v
        gradient = self.C * self.adjoint(slope) + penalty
        return float(self.C * value + 0.5 * penalty @ v), gradient

    def curvature(self, v: np.ndarray) -> np.ndarray:
        """C ∂²L/∂z² of each example. The result for the last v is cached."""
        key = v.tobytes()
        if key != self._at:
            s = expit(self.scores(v))
            slope = s * (1.0 - s)
            if self.task.loss == "squared_error":
                error = s - self.task.y
                slope = slope * (slope + error * (1.0 - 2.0 * s))
            self._at, self._curvature = key, self.C * slope
        return self._curvature

    def hessian_product(self, v: np.ndarray, d: np.ndarray) -> np.ndarray:
        """∇²F d."""
        return self.adjoint(self.curvature(v) * self.scores(d)) + self.ridge * d

    def hessian(self, v: np.ndarray) -> np.ndarray:
        """∇²F as a dense matrix, for dense X."""
        weights = self.curvature(v)
        X, p = self.task.X, self.task.n_features
        full = np.diag(self.ridge)
        weighted = weights[:, None] * X
        full[:p, :p] += X.T @ weighted
        if self.task.fit_intercept:
            full[p, :p] = full[:p, p] = weighted.sum(axis=0)
            full[p, p] += weights.sum()
        return full


_OPTIONS = {"L-BFGS-B": {"ftol": 0.0, "maxfun": 10**6}}
_NAMES = {"Newton-CG": "xtol"}


def _minimize(method: str, task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Run `scipy.optimize.minimize` from zero."""
    calls = Callbacks(task)
    more: dict[str, Any] = {}
    if method in ("Newton-CG", "trust-ncg"):
        more["hessp"] = calls.hessian_product
    if method == "trust-exact":
        more["hess"] = calls.hessian
    if tol is not None:
        options = {_NAMES.get(method, "gtol"): tol, "maxiter": max_iter}
        more["options"] = options | _OPTIONS.get(method, {})
    found = minimize(
        calls.value_and_gradient, np.zeros(calls.size), jac=True, method=method, **more
    )
    return _unpack(task, found.x, found.nit)


def _unpack(task: Task, v: np.ndarray, n_iter: int | None = None) -> Fit:
    """Split the vector (w, b)."""
    if task.fit_intercept:
        return as_fit(v[:-1], v[-1], n_iter)
    return as_fit(v, 0.0, n_iter)


def _least_squares(task: Task, tol: float | None, max_iter: int | None) -> Fit:
    """Run `scipy.optimize.least_squares` on √C(σ(z) − y) and one row per penalty."""
    calls = Callbacks(task)
    root = np.sqrt(calls.C)
    ridge = np.sqrt(calls.ridge)
    rows = np.ones((task.n_samples, calls.size))
    rows[:, : task.n_features] = task.X

    def residuals(v: np.ndarray) -> np.ndarray:
        return np.concatenate([root * (expit(calls.scores(v)) - task.y), ridge * v])

    def jacobian(v: np.ndarray) -> np.ndarray:
        s = expit(calls.scores(v))
        return np.vstack([(root * s * (1.0 - s))[:, None] * rows, np.diag(ridge)])

    more: dict[str, Any] = {}
    if tol is not None:
        more = {"ftol": tol, "xtol": tol, "gtol": tol, "max_nfev": max_iter}
    found = least_squares(
        residuals, np.zeros(calls.size), jac=jacobian, method="trf", **more
    )
    return _unpack(task, found.x, found.nfev)


def _peer(method: str, default_tol: float, **more: Any) -> Peer:
    return Peer(
        name=f"scipy {method}",
        package="scipy",
        module="scipy",
        states="C Σ L + ½‖w‖² in NumPy with exact derivatives; starts at zero",
        fit=partial(_minimize, method),
        default_tol=default_tol,
        default_max_iter=None,
        losses=SQUARED_ERROR,
        **more,
    )


_GRADIENT = tuple(10.0**-k for k in range(-4, 12))

PEERS = (
    _peer("trust-exact", 1e-4, tolerances=_GRADIENT, sparse=False, max_columns=2_000),
    _peer("L-BFGS-B", 1e-5, tolerances=_GRADIENT),
    _peer("Newton-CG", 1e-5),
    _peer("trust-ncg", 1e-4, tolerances=_GRADIENT),
    _peer("BFGS", 1e-5, tolerances=_GRADIENT, max_columns=2_000),
    Peer(
        name="scipy least_squares",
        package="scipy",
        module="scipy",
        states="C Σ L + ½‖w‖² as a sum of squares, exact Jacobian; starts at zero",
        fit=_least_squares,
        default_tol=1e-8,
        default_max_iter=None,
        losses=SQUARED_ERROR,
        sparse=False,
        max_columns=2_000,
    ),
)
