"""One problem of a grid, and the names of the grids."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np

from benchmarks.task import Task

QUICK = "quick"
FULL = "full"
L1 = "l1"
L1_QUICK = "l1_quick"
GRIDS = (QUICK, FULL, L1, L1_QUICK)
# The grids of small problems, whose measurements have short time limits.
SMALL_GRIDS = (QUICK, L1_QUICK)


@dataclass(frozen=True)
class Problem:
    """One problem of the grid.

    Attributes
    ----------
    name : str
        Unique; selects the problem on the command line and in the result files.
    label : str
        Description of the data in the tables and the figure, next to the size.
    regime : str
        Seeds the data: to rename a regime changes them.
    grid : {"quick", "full", "l1", "l1_quick"}
    target : float
        Ratio of the best peer's time to ours that the regime should reach.
    make : callable
        ``make(seed, **sizes)`` returns X and y.
    sizes : dict
    C, loss, fit_intercept, l1_ratio
        As in `Task`.
    """

    name: str
    label: str
    regime: str
    grid: str
    target: float
    make: Callable[..., tuple[Any, np.ndarray]]
    sizes: dict[str, Any]
    C: float = 1.0
    loss: str = "cross_entropy"
    fit_intercept: bool = True
    l1_ratio: float = 0.0

    def build(self, **smaller: Any) -> Task:
        """Make the data. Every call returns the same; `smaller` overrides sizes."""
        seed = crc32(self.regime.encode())
        X, y = self.make(seed=seed, **(self.sizes | smaller))
        return Task(X, y, self.C, self.loss, self.fit_intercept, self.l1_ratio)


def _dense(n_samples: int, n_features: int, **more: Any) -> dict[str, Any]:
    return {"n_samples": n_samples, "n_features": n_features} | more


def dense_sizes(n_samples: int, n_features: int, **more: Any) -> dict[str, Any]:
    """Return the sizes of a problem, and other arguments of its generator."""
    return {"n_samples": n_samples, "n_features": n_features} | more
