"""The objective of few rows at many points, by products of whole matrices."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
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
    """The losses of few rows over some features, by default all, copied and dense.

    The values of features that another stack has are taken from there.
    """

    def __init__(
        self,
        objective: Objective,
        columns: Indices | None = None,
        before: "Stack | None" = None,
    ):
        rows = objective.rows
        signs = rows.signs.astype(np.float64)
        self.columns = np.arange(objective.n_features) if columns is None else columns
        n_columns, new = len(self.columns), np.ones(len(self.columns), dtype=bool)
        n_dof = n_columns + objective.problem.fit_intercept
        self._values = np.empty((n_dof, objective.n_samples))
        self._values[n_columns:] = signs
        if before is not None:
            _, here, there = np.intersect1d(
                self.columns, before.columns, assume_unique=True, return_indices=True
            )
            self._values[here], new[here] = before._values[there], False
        values = objective.dense_rows(columns=self.columns[new])
        self._values[:n_columns][new] = values.T * signs
        self._offset = 0.0 if rows.offset is None else signs * rows.offset
        self._p_other, self._loss = rows.p_other, objective.loss
        self.weights = rows.weights

    def at(self, coefs: Matrix) -> StackedPoints:
        """Return the losses at the rows of an array."""
        margins = coefs @ self._values + self._offset
        found = self._loss.at_margin(margins, self._p_other)
        gradients = (found.slope * self.weights) @ self._values.T
        losses = found.value @ self.weights
        return StackedPoints(
            coefs, margins, found.slope, found.curvature, losses, gradients
        )

    @cached_property
    def _pairs(self) -> tuple[Indices, Indices, NDArray[np.intp]]:
        """The pairs of columns, first and second, and the place of each in a matrix."""
        n_dof = len(self._values)
        first, second = np.tril_indices(n_dof)
        places = np.empty((n_dof, n_dof), dtype=np.intp)
        places[first, second] = places[second, first] = np.arange(len(first))
        return first, second, places

    def hessians(self, points: StackedPoints) -> NDArray[np.float64]:
        """Return the Hessians of the losses, of shape (n_points, n_dof, n_dof).

        That of many points is one product, with the products of all pairs of columns.
        """
        curvatures, values = points.curvatures * self.weights, self._values
        if len(curvatures) == 1:
            half = values * np.sqrt(curvatures)
            return (half @ half.T)[None]  # of an array with itself: half the work
        first, second, places = self._pairs
        sums: Any = 0.0
        step = max(1, BLOCK_SIZES.weighted_bytes // (8 * len(first)))
        for start in range(0, values.shape[1], step):
            some = slice(start, start + step)
            part = values[:, some]
            sums = sums + curvatures[:, some] @ (part[first] * part[second]).T
        matrices: NDArray[np.float64] = sums[:, places]
        return matrices
