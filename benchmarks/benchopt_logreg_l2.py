"""A solver for benchopt's benchmark_logreg_l2: Σ log(1 + exp(−yᵢ xᵢᵀβ)) + ½λ‖β‖².

Copied into the folder `solvers` of that benchmark it runs offline on its
simulated data, for instance

    benchopt run . -s sk_logreg -s "sklearn[newton-cholesky]" -d simulated

(that dataset's ``__init__`` has to call ``super().__init__()`` for benchopt 1.9 and
later). Its objective is ours, times λ, with C = 1/λ and no intercept. benchopt
asks for a curve and calls the solver with ever more iterations allowed, from
nothing each time.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

try:
    from benchopt import BaseSolver
except ImportError:  # the solver works without it, in our tests
    BaseSolver = object

_TOL = 1e-14


class Solver(BaseSolver):  # type: ignore[misc]
    """`BinaryLogisticRegression` for benchopt."""

    name = "sk_logreg"
    requirements = ("sk_logreg",)
    sampling_strategy = "iteration"

    def set_objective(self, X: Any, y: np.ndarray, lmbd: float) -> None:
        """Keep the data that benchopt hands over; labels in {−1, 1}."""
        self.X, self.y, self.lmbd = X, y, lmbd

    def run(self, n_iter: int) -> None:
        """Fit with `n_iter` iterations allowed."""
        from sk_logreg import BinaryLogisticRegression

        model = BinaryLogisticRegression(
            C=1.0 / self.lmbd, fit_intercept=False, tol=_TOL, max_iter=n_iter
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.beta = model.fit(self.X, self.y).coef_.ravel()

    def get_result(self) -> dict[str, np.ndarray]:
        """Hand β of shape (n_features,) back."""
        return {"beta": self.beta}
