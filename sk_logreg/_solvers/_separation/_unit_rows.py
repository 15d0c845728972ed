"""The rows of X with their signs, in units that suit linear programs."""

from collections.abc import Iterator

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._tolerances import EPS

# Number of values per chunk of rows.
_CHUNK_VALUES = 1 << 20


class UnitRows:
    """The rows ±(xᵢ, 1), columns centered and scaled, each row of unit length.

    Only the columns without a penalty count, and the `n_rows` rows of positive weight,
    to which indices of rows refer. A row with a soft label counts twice, with both
    signs; `ids` are the positions of the rows in X. `centers` and `scales`, of shape
    (n_features,), are what columns are centered by and divided by. `n_biases` is 1 if
    there is a bias without a penalty, else 0.
    """

    def __init__(self, objective: Objective):
        self._objective = objective
        rows = objective.problem.rows
        ids = np.flatnonzero(rows.weights > 0.0)
        signs = rows.signs[ids]
        if rows.p_other is not None:
            soft = rows.p_other[ids] > 0.0
            ids = np.concatenate([ids, ids[soft]])
            signs = np.concatenate([signs, -signs[soft]])
        self.ids, self._signs = ids, signs
        self.n_rows = len(ids)
        free = ~objective.penalty.penalized
        self.columns: Indices = np.flatnonzero(free[: objective.n_features])
        self.n_biases = int(objective.problem.free_bias)
        self.centers, self.scales = _units(objective, bool(self.n_biases))

    def margins_at(self, point: Evaluation) -> Vector:
        """Return the margins of these rows at a point."""
        signs = self._objective.problem.rows.signs[self.ids]
        return point.margins.take(self.ids).gather() * (signs * self._signs)

    def some(self, rows: Indices, columns: Indices) -> Matrix:
        """Return some of the rows, over some of the columns."""
        part = self._objective.dense_rows(self.ids[rows], columns)
        part -= self.centers[columns]
        part /= self.scales[columns]
        if self.n_biases:
            part = np.column_stack([part, np.ones(len(part))])
        lengths = np.linalg.norm(part, axis=1)
        part *= (self._signs[rows] / np.where(lengths > 0.0, lengths, 1.0))[:, None]
        return part

    def constraints(self, columns: Indices) -> Matrix:
        """Return rows whose products with a direction bounds do not let be negative."""
        signs = self._objective.penalty.one_sided(columns)
        return np.diag(np.append(signs, np.zeros(self.n_biases)))[signs.nonzero()]

    def constrained(self, rows: Indices, columns: Indices) -> Matrix:
        """Return some of the rows, and the constraints below."""
        return np.vstack([self.some(rows, columns), self.constraints(columns)])

    def chunks(self, rows: Indices, columns: Indices) -> Iterator[Matrix]:
        """Yield some of the rows in parts that take little memory."""
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
        """Return a direction as coefficients of the objective."""
        coef = np.zeros(self._objective.n_dof)
        n_columns = len(columns)
        coef[columns] = direction[:n_columns] / self.scales[columns]
        if self.n_biases:
            coef[-1] = direction[-1] - coef[columns] @ self.centers[columns]
        return coef

    def direction(self, coef: Vector) -> Vector:
        """Return coefficients of the objective as a direction, over `columns`."""
        w, b = self._objective.problem.split(coef)
        bias = [b + w @ self.centers] * self.n_biases
        return np.append((w * self.scales)[self.columns], bias)


def _units(objective: Objective, centered: bool) -> tuple[Vector, Vector]:
    """Return the mean of each column, 0 without a bias, and its spread about that.

    The spread is rounded to a power of two: dividing by it loses no digits.
    """
    n_features = objective.n_features
    squares = objective.product_diagonal(objective.weights)[:n_features]
    centers = np.zeros(n_features)
    if centered:
        centers = objective.rmatvec(objective.weights)
    variances = np.maximum(squares - centers**2, EPS * squares)
    scales = np.sqrt(np.where(variances > 0.0, variances, 1.0))
    return centers, np.exp2(np.round(np.log2(scales)))
