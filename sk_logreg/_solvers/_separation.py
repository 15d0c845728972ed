"""Whether a hyperplane separates the classes: decided by linear programs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Matrix, Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._recession import rounding, separating_direction
from sk_logreg._status import CONVERGED, MAX_ITER, QUASI_SEPARABLE, SEPARABLE, STOPPED

Indices = NDArray[np.intp]

# A linear program of more columns takes longer than a fit.
_MAX_COLUMNS = 300
# Rows for each column in the first linear program of a search.
_ROWS_PER_COLUMN = 4
_FIRST_ROWS = 100
# Each of so many columns at most is tried to be done without.
_MAX_TRIED = 32
# Values prepared at a time, where all rows are looked at.
_CHUNK_VALUES = 1 << 20
# A smaller ratio of the Hessian's eigenvalues may be that of flat ground.
_DEFINITE = 1e-10
_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Separation:
    """A hyperplane with no row on its wrong side, and not all of them on it.

    Attributes
    ----------
    complete : bool
        Whether all rows are on their right sides, or some are on the hyperplane.
    columns : ndarray of int
        Columns that alone separate the same rows, those that matter most first. None
        can be done without unless there are more than a few dozen.
    coef : ndarray of shape (n_dof,)
        Coefficients of a hyperplane, of any length; where there is complete
        separation all margins are positive.
    """

    complete: bool
    columns: Indices
    coef: Vector


def settle(objective: Objective, solution: Solution, journal: Journal) -> Solution:
    """Return a solution whose status says so if there is no minimum for separation.

    Whether it says so or not, the status of a solution is right then, except that
    `SUSPECTED` is left as it is where there is nothing to suspect.

    Parameters
    ----------
    objective : Objective
        What was minimized.
    solution : Solution
        Where its solver ended.
    journal : Journal
        The log of the fit.

    Returns
    -------
    Solution
    """
    # A definite Hessian where the gradient vanishes proves that there is a minimum.
    definite = objective.loss.convex or solution.curvature_ratio > _DEFINITE
    proven = solution.status is CONVERGED and definite
    if objective.penalized or proven or solution.status is STOPPED:
        return solution
    if solution.status is MAX_ITER and not journal.records:
        return solution  # the start, as it was asked for
    found = find_separation(objective, solution.point)
    if found is None:
        return solution
    point = solution.point
    if found.complete and objective.smallest_margin(point) <= 0.0:
        point = objective.evaluate(found.coef)
        if (least := objective.smallest_margin(point)) > 0.0:
            # Far enough for all losses together to be less than one of a wrong row.
            length = (1.0 + np.log(len(point.margins))) / least
            point = objective.evaluate(length * found.coef)
    return replace(
        solution,
        point=point,
        gap=1.0,
        status=SEPARABLE if found.complete else QUASI_SEPARABLE,
        columns=tuple(found.columns.tolist()),
    )


def find_separation(objective: Objective, point: Evaluation) -> Separation | None:
    """Return how a hyperplane separates the classes, None if none does.

    With rows rᵢ = ±(xᵢ, 1), their signs those of the labels, the loss has no minimum
    if and only if there is a direction d with rᵢᵀd ≥ 0 for all rows that have a weight
    and > 0 for some [1]_. A linear program finds it, or that there is none [2]_. It
    is solved on few rows, to which those that it puts on the wrong side are added
    until there are none: that is exact. Rows that are on their right side may then be
    left out, and the next direction needs only separate some of the others, until
    there are none or no such direction. Rows within rounding of a hyperplane count as
    on it.

    With more than a few hundred columns only those of the largest weights at `point`,
    in units of their standard deviations, are looked at: what is found is certain,
    what is not found may still be there.

    Parameters
    ----------
    objective : Objective
        Without a penalty.
    point : Evaluation
        Where the iterates suspect that there is no minimum.

    Returns
    -------
    Separation or None

    References
    ----------
    .. [1] A. Albert, J. A. Anderson (1984). On the existence of maximum likelihood
       estimates in logistic regression models. Biometrika 71(1), 1-10.
    .. [2] K. Konis (2007). Linear programming algorithms for detecting separated data
       in binary logistic regression models. DPhil thesis, University of Oxford.
    """
    search = _Search(objective, point)
    columns = search.order[:_MAX_COLUMNS]
    separated, coef = search.separate(columns)
    if not separated.any():
        return None
    complete = bool(separated.all())
    return Separation(complete, search.enough(columns, separated), coef)


class _Search:
    """Looks for hyperplanes over some of the columns.

    Attributes
    ----------
    order : ndarray of shape (n_features,)
        The columns, those of the largest weights first.
    """

    def __init__(self, objective: Objective, point: Evaluation):
        self._objective = objective
        weights = objective.weights
        self._rows = np.flatnonzero(weights > 0.0)
        self._nearest_first = self._rows[np.argsort(np.abs(point.margins[self._rows]))]
        self._working = self._nearest_first[:0]
        self._centers, self._scales = _units(objective)
        w, _ = objective.split(point.coef)
        self.order: Indices = np.argsort(-np.abs(w) * self._scales, kind="stable")

    def separate(self, columns: Indices) -> tuple[NDArray[np.bool_], Vector]:
        """Return which rows a hyperplane over some columns can separate, and one.

        Parameters
        ----------
        columns : ndarray of int

        Returns
        -------
        separated : ndarray of shape (n_rows_with_weight,), of bool
        coef : ndarray of shape (n_dof,)
        """
        remaining = np.ones(len(self._rows), dtype=bool)
        total = np.zeros(len(columns) + self._objective.fit_intercept)
        margins = np.zeros(len(self._rows))
        while remaining.any():
            rows = self._rows[remaining]
            direction = self._direction(rows, columns)
            if direction is None:
                break
            change = self._margins(self._rows, columns, direction)
            gained = remaining.copy()
            gained[remaining] = change[remaining] > rounding(direction)
            if not gained.any():
                break
            # Long enough before to stay on the right side of this direction as well.
            against = ~remaining & (change < 0.0)
            ratio = np.max(-change[against] / margins[against], initial=0.0)
            total = max(1.0, 2.0 * ratio) * total + direction
            margins = max(1.0, 2.0 * ratio) * margins + change
            remaining &= ~gained
        return ~remaining, self._coef(columns, total)

    def enough(self, columns: Indices, separated: NDArray[np.bool_]) -> Indices:
        """Return columns that alone separate these rows, as few as is easily found."""

        def do(some: Indices) -> bool:
            return bool(self.separate(some)[0][separated].all())

        n_first = 1
        while n_first < len(columns) and not do(columns[:n_first]):
            n_first *= 2
        columns = columns[:n_first]
        if len(columns) <= _MAX_TRIED:
            for column in columns[::-1]:
                fewer = columns[columns != column]
                if len(fewer) and do(fewer):
                    columns = fewer
        return columns

    def _direction(self, rows: Indices, columns: Indices) -> Vector | None:
        """Return a direction that separates some rows, with none on its wrong side."""
        mean = self._mean(rows, columns)
        if np.abs(mean).max() <= 64 * _EPS:
            return None  # any that gains on one row loses on another
        n_first = _FIRST_ROWS + _ROWS_PER_COLUMN * len(mean)
        known = np.isin(self._working, rows)
        nearest = self._nearest_first[np.isin(self._nearest_first, rows)]
        working = np.union1d(self._working[known][-n_first:], nearest[:n_first])
        while True:
            part = self._unit_rows(working, columns)
            direction = separating_direction(part, mean)
            if direction is None:
                return None
            margins = self._margins(rows, columns, direction)
            wrong = np.flatnonzero(margins < -rounding(direction))
            wrong = wrong[~np.isin(rows[wrong], working)]
            if not len(wrong):
                return direction
            worst = wrong[np.argsort(margins[wrong])[: max(n_first, len(working) // 2)]]
            self._working = np.append(self._working, rows[worst])
            working = np.append(working, rows[worst])

    # ---------------------------------------------------------------- rows

    def _unit_rows(self, rows: Indices, columns: Indices) -> Matrix:
        """Return ±(xᵢ, 1), columns centred and scaled, rows of unit length."""
        objective = self._objective
        part = objective.design.part(rows, columns)
        part -= self._centers[columns]
        part /= self._scales[columns]
        if objective.fit_intercept:
            part = np.column_stack([part, np.ones(len(part))])
        lengths = np.linalg.norm(part, axis=1)
        part *= (objective.signs[rows] / np.where(lengths > 0.0, lengths, 1.0))[:, None]
        return part

    def _chunks(self, rows: Indices, columns: Indices) -> Iterator[Matrix]:
        size = max(1, _CHUNK_VALUES // len(columns))
        for start in range(0, len(rows), size):
            yield self._unit_rows(rows[start : start + size], columns)

    def _margins(self, rows: Indices, columns: Indices, direction: Vector) -> Vector:
        chunks = self._chunks(rows, columns)
        return np.concatenate([part @ direction for part in chunks])

    def _mean(self, rows: Indices, columns: Indices) -> Vector:
        total = sum(part.sum(axis=0) for part in self._chunks(rows, columns))
        return np.asarray(total) / len(rows)

    def _coef(self, columns: Indices, direction: Vector) -> Vector:
        """Return a direction as coefficients of the columns as they are."""
        coef = np.zeros(self._objective.n_dof)
        n_columns = len(columns)
        coef[columns] = direction[:n_columns] / self._scales[columns]
        if self._objective.fit_intercept:
            coef[-1] = direction[-1] - coef[columns] @ self._centers[columns]
        return coef


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
