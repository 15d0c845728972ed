"""The objective of few rows at many points, by products of whole matrices."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._design._costs import BLOCK_SIZES
from sk_logreg._objective._core import Objective


@dataclass(frozen=True, eq=False)
class StackedPoints:
    """The losses at several points; each array has a row per point.

    Attributes
    ----------
    coefs : ndarray of shape (n_points, n_dof)
    margins, slopes, curvatures : ndarray of shape (n_points, n_samples)
        The margins of the rows, and the derivatives of their losses in them.
    losses : ndarray of shape (n_points,)
    gradients : ndarray of shape (n_points, n_dof)
        The weighted mean of the losses, and its gradient.
    """

    coefs: Matrix
    margins: Matrix
    slopes: Matrix
    curvatures: Matrix
    losses: Vector
    gradients: Matrix

    def take(self, which: Any) -> "StackedPoints":
        """Return some of the points."""
        return StackedPoints(*(part[which] for part in vars(self).values()))


class Stack:
    """The losses of few rows over few features, copied and dense."""

    def __init__(self, objective: Objective):
        rows = objective.rows
        signs = rows.signs.astype(np.float64)
        values = objective.dense_rows(intercept=True)
        self._values = np.ascontiguousarray((values * signs[:, None]).T)
        self._offset = 0.0 if rows.offset is None else signs * rows.offset
        self._p_other, self._loss = rows.p_other, objective.loss
        self.weights = rows.weights
        n_dof = len(self._values)
        self._pairs = np.tril_indices(n_dof)
        self._places = np.empty((n_dof, n_dof), dtype=np.intp)
        every = np.arange(len(self._pairs[0]))
        self._places[self._pairs] = self._places[self._pairs[::-1]] = every

    def at(self, coefs: Matrix) -> StackedPoints:
        """Return the losses at the rows of an array."""
        margins = coefs @ self._values + self._offset
        found = self._loss.at_margin(margins, self._p_other)
        gradients = (found.slope * self.weights) @ self._values.T
        losses = found.value @ self.weights
        return StackedPoints(
            coefs, margins, found.slope, found.curvature, losses, gradients
        )

    def hessians(self, points: StackedPoints) -> NDArray[np.float64]:
        """Return the Hessians of the losses, of shape (n_points, n_dof, n_dof).

        That of many points is one product, with the products of all pairs of columns.
        """
        curvatures, values = points.curvatures * self.weights, self._values
        if len(curvatures) == 1:
            return ((values * curvatures) @ values.T)[None]
        first, second = self._pairs
        sums: Any = 0.0
        step = max(1, BLOCK_SIZES.weighted_bytes // (8 * len(first)))
        for start in range(0, values.shape[1], step):
            some = slice(start, start + step)
            part = values[:, some]
            sums = sums + curvatures[:, some] @ (part[first] * part[second]).T
        matrices: NDArray[np.float64] = sums[:, self._places]
        return matrices
