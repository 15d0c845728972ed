"""The rows of X with their signs, in units that make a hyperplane easy to look for."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Matrix, Vector
from sk_logreg._objective import Objective

Indices = NDArray[np.intp]

# Values prepared at a time.
_CHUNK_VALUES = 1 << 20
_EPS = float(np.finfo(np.float64).eps)


class UnitRows:
    """The rows ±(xᵢ, 1), columns centred and scaled, each row then of unit length.

    Rows without weight do not count, and have no number here.

    Attributes
    ----------
    ids : ndarray of shape (n_rows,)
        Which rows of X these are.
    scales : ndarray of shape (n_features,)
        What the columns are divided by.
    n_biases : int
        1 where there is a bias, 0 elsewhere.
    """

    def __init__(self, objective: Objective):
        self._objective = objective
        self.ids = np.flatnonzero(objective.weights > 0.0)
        self.n_biases = int(objective.fit_intercept)
        self._centers, self.scales = _units(objective)

    def some(self, rows: Indices, columns: Indices) -> Matrix:
        """Return some of the rows, over some of the columns."""
        objective, ids = self._objective, self.ids[rows]
        part = objective.design.part(ids, columns)
        part -= self._centers[columns]
        part /= self.scales[columns]
        if self.n_biases:
            part = np.column_stack([part, np.ones(len(part))])
        lengths = np.linalg.norm(part, axis=1)
        part *= (objective.signs[ids] / np.where(lengths > 0.0, lengths, 1.0))[:, None]
        return part

    def chunks(self, rows: Indices, columns: Indices) -> Iterator[Matrix]:
        """Yield some of the rows, so many at a time that they take little memory."""
        size = 1 + _CHUNK_VALUES // (1 + len(columns))
        for start in range(0, len(rows), size):
            yield self.some(rows[start : start + size], columns)

    def margins(self, rows: Indices, columns: Indices, direction: Vector) -> Vector:
        """Return the products of some of the rows with a direction."""
        chunks = self.chunks(rows, columns)
        return np.concatenate([part @ direction for part in chunks])

    def mean(self, rows: Indices, columns: Indices) -> Vector:
        """Return the mean of some of the rows."""
        sums = [part.sum(axis=0) for part in self.chunks(rows, columns)]
        return np.asarray(np.sum(sums, axis=0) / len(rows))

    def coef(self, columns: Indices, direction: Vector) -> Vector:
        """Return a direction as coefficients of the columns as they are."""
        coef = np.zeros(self._objective.n_dof)
        n_columns = len(columns)
        coef[columns] = direction[:n_columns] / self.scales[columns]
        if self.n_biases:
            coef[-1] = direction[-1] - coef[columns] @ self._centers[columns]
        return coef

    def direction(self, coef: Vector) -> Vector:
        """Return coefficients of the columns as they are as a direction, over all."""
        w, b = self._objective.split(coef)
        bias = [b + w @ self._centers] * self.n_biases
        return np.append(w * self.scales, bias)


def _units(objective: Objective) -> tuple[Vector, Vector]:
    """Return the mean of each column, 0 without a bias, and its spread about that.

    The spread is rounded to a power of two: dividing by it loses no digits.
    """
    n_features = objective.design.n_features
    squares = objective.product_diagonal(objective.weights)[:n_features]
    centers = np.zeros(n_features)
    if objective.fit_intercept:
        centers = objective.combine_rows(objective.weights)
    variances = np.maximum(squares - centers**2, _EPS * squares)
    scales = np.sqrt(np.where(variances > 0.0, variances, 1.0))
    return centers, np.exp2(np.round(np.log2(scales)))
