"""The records that the problems, the peers and the runner exchange."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Task:
    """The data and the objective of one fit.

    Attributes
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    y : ndarray of int64 of shape (n_samples,)
        Labels in {0, 1}.
    C : float
        Weight of the sum of the losses relative to the penalty. ``inf`` drops the
        penalty.
    loss : {"cross_entropy", "squared_error"}
    fit_intercept : bool
    l1_ratio : float
        ρ in the penalty ρ‖w‖₁ + ½(1 − ρ)‖w‖².
    """

    X: Any
    y: np.ndarray
    C: float = 1.0
    loss: str = "cross_entropy"
    fit_intercept: bool = True
    l1_ratio: float = 0.0

    @property
    def n_samples(self) -> int:
        """Number of rows of X."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return self.X.shape[1]

    @property
    def is_sparse(self) -> bool:
        """Whether X is a sparse matrix."""
        return sp.issparse(self.X)

    @property
    def stored(self) -> int:
        """Number of values that X stores."""
        return self.X.nnz if self.is_sparse else self.X.size

    @property
    def nbytes(self) -> int:
        """Size of X in bytes."""
        if not self.is_sparse:
            return self.X.nbytes
        return sum(a.nbytes for a in (self.X.data, self.X.indices, self.X.indptr))

    @property
    def layout(self) -> str:
        """Storage order of X: "C", "F", or the name of the sparse format."""
        if self.is_sparse:
            return self.X.format
        return "C" if self.X.flags.c_contiguous else "F"

    @property
    def penalized(self) -> bool:
        """Whether the objective includes the penalty."""
        return bool(np.isfinite(self.C))

    @property
    def penalty(self) -> str:
        """Kind of the penalty: "ridge", "lasso" or "elastic net"."""
        return {0.0: "ridge", 1.0: "lasso"}.get(self.l1_ratio, "elastic net")

    @cached_property
    def signs(self) -> np.ndarray:
        """Labels in {-1.0, 1.0}."""
        return 2.0 * self.y - 1.0

    @cached_property
    def floats(self) -> np.ndarray:
        """Labels in {0.0, 1.0}."""
        return self.y.astype(np.float64)


@dataclass(frozen=True)
class Fit:
    """The result of one fit by a library.

    Attributes
    ----------
    coef : ndarray of float64 of shape (n_features,)
    intercept : float
    n_iter : int or None
        Number of iterations, as counted by the library.
    reads : float or None
        Number of passes over X, as counted by the library.
    """

    coef: np.ndarray
    intercept: float
    n_iter: int | None = None
    reads: float | None = None


def as_fit(
    coef: Any, intercept: Any = 0.0, n_iter: Any = None, reads: float | None = None
) -> Fit:
    """Convert a library's arrays into a `Fit`."""
    return Fit(
        np.asarray(coef, dtype=np.float64).ravel(),
        float(np.ravel(intercept)[0]),
        None if n_iter is None else int(np.max(n_iter)),
        reads,
    )
