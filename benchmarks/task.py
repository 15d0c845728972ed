"""What is passed between the problems, the peers and the runner."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Task:
    """One fit to make: the data, and the objective on it.

    Attributes
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    y : ndarray of int64 of shape (n_samples,)
        Labels in {0, 1}.
    C : float
        Weight of the summed loss against ½‖w‖²; ``inf`` drops the penalty.
    loss : {"cross_entropy", "squared_error"}
    fit_intercept : bool
    """

    X: Any
    y: np.ndarray
    C: float = 1.0
    loss: str = "cross_entropy"
    fit_intercept: bool = True

    @property
    def n_samples(self) -> int:
        """Rows of X."""
        return self.X.shape[0]

    @property
    def n_features(self) -> int:
        """Columns of X."""
        return self.X.shape[1]

    @property
    def is_sparse(self) -> bool:
        """Whether X is a sparse matrix."""
        return sp.issparse(self.X)

    @property
    def stored(self) -> int:
        """Values that X stores."""
        return self.X.nnz if self.is_sparse else self.X.size

    @property
    def nbytes(self) -> int:
        """Bytes that X occupies."""
        if not self.is_sparse:
            return self.X.nbytes
        return sum(a.nbytes for a in (self.X.data, self.X.indices, self.X.indptr))

    @property
    def layout(self) -> str:
        """Storage of X in a word: C, F, or the sparse format."""
        if self.is_sparse:
            return self.X.format
        return "C" if self.X.flags.c_contiguous else "F"

    @property
    def penalised(self) -> bool:
        """Whether the objective has its penalty."""
        return bool(np.isfinite(self.C))

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
    """What a library returned.

    Attributes
    ----------
    coef : ndarray of float64 of shape (n_features,)
    intercept : float
    n_iter : int or None
        Iterations by the library's own count.
    reads : float or None
        Passes over X by the library's own count.
    """

    coef: np.ndarray
    intercept: float
    n_iter: int | None = None
    reads: float | None = None


def as_fit(
    coef: Any, intercept: Any = 0.0, n_iter: Any = None, reads: float | None = None
) -> Fit:
    """Flatten a library's arrays into a `Fit`."""
    return Fit(
        np.asarray(coef, dtype=np.float64).ravel(),
        float(np.ravel(intercept)[0]),
        None if n_iter is None else int(np.max(n_iter)),
        reads,
    )
