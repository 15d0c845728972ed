"""A solver for benchopt's benchmark_logreg_l2: Σ log(1 + exp(−yᵢ xᵢᵀβ)) + ½λ‖β‖².

Copy this file into the folder `solvers` of that benchmark. It then runs offline on the
simulated data of the benchmark, for instance

    benchopt run . -s sk_logreg -s "sklearn[newton-cholesky]" -d simulated

With benchopt 1.9 and later, the ``__init__`` of that dataset must call
``super().__init__()``. The objective of the benchmark is ours times λ, with C = 1/λ and
no intercept. benchopt draws a curve: it calls the solver repeatedly with increasing
``max_iter``, and each call starts from zero.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

try:
    from benchopt import BaseSolver
except ImportError:  # our tests use the solver without benchopt
    BaseSolver = object

_TOL = 1e-14


class Solver(BaseSolver):  # type: ignore[misc]
    """`BinaryLogisticRegression` for benchopt."""

    name = "sk_logreg"
    requirements = ("sk_logreg",)
    sampling_strategy = "iteration"

    def set_objective(self, X: Any, y: np.ndarray, lmbd: float) -> None:
        """Store the data that benchopt passes, with labels in {−1, 1}."""
        self.X, self.y, self.lmbd = X, y, lmbd

    def run(self, n_iter: int) -> None:
        """Fit with at most `n_iter` iterations."""
        from sk_logreg import BinaryLogisticRegression

        model = BinaryLogisticRegression(
            C=1.0 / self.lmbd, fit_intercept=False, tol=_TOL, max_iter=n_iter
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.beta = model.fit(self.X, self.y).coef_.ravel()

    def get_result(self) -> dict[str, np.ndarray]:
        """Return β of shape (n_features,)."""
        return {"beta": self.beta}
