"""The objective function that every solver is judged by.

    F(w, b) = C Σᵢ L(zᵢ, yᵢ) + ρ‖w‖₁ + ½(1 − ρ)‖w‖²        z = X w + b

It is evaluated in float64 over blocks of rows, for every dtype of X and of the
coefficients. It shares no code with the package. With ``C = inf`` it is Σᵢ L(zᵢ, yᵢ).
In the "absorbed" convention b is penalized like a weight: ½(‖w‖² + b²) for ρ = 0.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from benchmarks.task import Fit, Task

FREE = "free"
ABSORBED = "absorbed"
_BLOCK_VALUES = 2_000_000


def pointwise(margin: np.ndarray, loss: str) -> np.ndarray:
    """Loss of each example as a function of its margin, (2y − 1) z."""
    if loss == "cross_entropy":
        return np.logaddexp(0.0, -margin)
    if loss == "squared_error":
        return 0.5 * expit(-margin) ** 2
    raise ValueError(f"unknown loss: {loss!r}")


def objective(task: Task, fit: Fit, convention: str = FREE) -> float:
    """F at the coefficients of a fit; infinite if a coefficient is not finite."""
    if not (np.isfinite(fit.coef).all() and math.isfinite(fit.intercept)):
        return math.inf
    rows = max(1, _BLOCK_VALUES // max(1, task.stored // task.n_samples))
    sums = []
    for start in range(0, task.n_samples, rows):
        block = slice(start, start + rows)
        x = task.X[block]
        if not task.is_sparse:
            x = np.asarray(x, dtype=np.float64)
        margin = task.signs[block] * (x @ fit.coef + fit.intercept)
        sums.append(float(np.sum(pointwise(margin, task.loss))))
    total = math.fsum(sums)
    if not task.penalized:
        return total
    squares = float(fit.coef @ fit.coef)
    absolutes = float(np.abs(fit.coef).sum())
    if convention == ABSORBED:
        squares += fit.intercept**2
        absolutes += abs(fit.intercept)
    rho = task.l1_ratio
    return task.C * total + rho * absolutes + 0.5 * (1.0 - rho) * squares


def relative_suboptimality(value: float, best: float) -> float:
    """(F − F*) / |F*|."""
    return (value - best) / abs(best)
