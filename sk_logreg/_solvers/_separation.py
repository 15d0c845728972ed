"""Whether a hyperplane separates the classes: decided by linear programs."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Journal, Solution
from sk_logreg._solvers._escape import direction_of, escape
from sk_logreg._solvers._recession import (
    DOUBT,
    rounding,
    separating_direction,
    sparse_direction,
)
from sk_logreg._solvers._unit_rows import Indices, UnitRows
from sk_logreg._status import CONVERGED, MAX_ITER, QUASI_SEPARABLE, SEPARABLE, STOPPED

# A linear program of more columns takes longer than a fit, of still more longer than
# anyone waits.
_MAX_COLUMNS = 300
_MOST_COLUMNS = 1000
# Rows for each column in the first linear program of a search.
_ROWS_PER_COLUMN = 4
_FIRST_ROWS = 100
# Each of so many columns at most is tried to be done without.
_MAX_TRIED = 32
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

    With more than a few hundred columns the programs get those of the largest weights
    at `point`, in units of their standard deviations. The iterates, which go to
    infinity where they can, then tell whether all rows can be separated; where the
    programs found nothing, so does their direction, and with up to a thousand columns
    a program over all of them.

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
    rows = UnitRows(objective)
    search = _Search(objective, point, rows)
    n_features = len(search.order)
    columns = search.order[:_MAX_COLUMNS]
    separated, coef = search.separate(columns)
    if n_features > _MAX_COLUMNS and not separated.all():
        far = escape(objective, point)
        if objective.smallest_margin(far) > 0.0:
            return Separation(True, search.order, far.coef)
    if separated.any():
        columns = search.enough(columns, separated)
        return Separation(bool(separated.all()), columns, coef)
    if n_features <= _MAX_COLUMNS:
        return None
    direction = direction_of(far, rows)
    if direction is not None:
        sizes = np.abs(direction[:n_features])
        columns = np.argsort(-sizes)[: np.count_nonzero(sizes > DOUBT * sizes.max())]
        return Separation(False, columns, rows.coef(np.arange(n_features), direction))
    if n_features <= _MOST_COLUMNS:
        separated, coef = search.separate(search.order)
        if separated.any():
            return Separation(bool(separated.all()), search.order, coef)
    return None


class _Search:
    """Looks for hyperplanes over some of the columns.

    Attributes
    ----------
    order : ndarray of shape (n_features,)
        The columns, those of the largest weights first.
    """

    def __init__(self, objective: Objective, point: Evaluation, rows: UnitRows):
        self._rows = rows
        nearest = np.argsort(np.abs(point.margins[rows.ids]), kind="stable")
        # By turns the nearest row, which may stand in the way of a hyperplane, and the
        # farthest, which may be what a hyperplane separates.
        self._telling = np.empty_like(nearest)
        self._telling[::2] = nearest[: -(-len(nearest) // 2)]
        self._telling[1::2] = nearest[::-1][: len(nearest) // 2]
        self._wrong = nearest[:0]
        w, _ = objective.split(point.coef)
        self.order: Indices = np.argsort(-np.abs(w) * rows.scales, kind="stable")

    def separate(self, columns: Indices) -> tuple[NDArray[np.bool_], Vector]:
        """Return which rows a hyperplane over some columns can separate, and one.

        Parameters
        ----------
        columns : ndarray of int

        Returns
        -------
        separated : ndarray of shape (n_rows,), of bool
        coef : ndarray of shape (n_dof,)
        """
        n_rows = len(self._rows.ids)
        separated = np.zeros(n_rows, dtype=bool)
        total = np.zeros(len(columns) + self._rows.n_biases)
        margins = np.zeros(n_rows)
        while not separated.all():
            direction = self._direction(np.flatnonzero(~separated), columns)
            if direction is None:
                break
            change = self._rows.margins(np.arange(n_rows), columns, direction)
            gained = ~separated & (change > rounding(direction))
            if not gained.any():
                break
            # Go far enough before for rows that this direction sets back to stay ahead.
            back = separated & (change < 0.0)
            far = max(1.0, 2.0 * np.max(-change[back] / margins[back], initial=0.0))
            total = far * total + direction
            margins = far * margins + change
            separated |= gained
        return separated, self._rows.coef(columns, total)

    def _direction(self, rows: Indices, columns: Indices) -> Vector | None:
        """Return a direction that separates some rows, with none on its wrong side."""
        mean = self._rows.mean(rows, columns)
        if np.linalg.norm(mean) <= 64 * _EPS:
            return None  # what any direction gains on some rows it loses on others
        working = self._first(rows, columns)
        while True:
            direction = separating_direction(self._rows.some(working, columns), mean)
            if direction is None:
                return None
            excess = self._rows.margins(rows, columns, direction) + rounding(direction)
            wrong = _most_wrong(rows, excess, working)
            if not len(wrong):
                return direction
            working = np.append(working, wrong)
            self._wrong = np.union1d(self._wrong, wrong)

    def enough(self, columns: Indices, separated: NDArray[np.bool_]) -> Indices:
        """Return columns that alone separate these rows, as few as is easily found."""
        rows = np.arange(len(separated))
        working = self._first(rows, columns)
        while True:
            fewer, direction = self._fewest(columns, working, separated[working])
            if direction is None:
                return columns
            margins = self._rows.margins(rows, fewer, direction)
            excess = margins - np.where(separated, 0.5, -DOUBT)
            wrong = _most_wrong(rows, excess, working)
            if not len(wrong):
                return fewer
            working = np.append(working, wrong)

    def _fewest(
        self, columns: Indices, working: Indices, separated: NDArray[np.bool_]
    ) -> tuple[Indices, Vector | None]:
        """Return few columns that separate the working rows, and how, if any do."""

        def attempt(some: Indices) -> Vector | None:
            part = self._rows.some(working, some)
            return sparse_direction(part, separated, len(some))

        direction = attempt(columns)
        if direction is None:
            return columns, None
        sizes = np.abs(direction[: len(columns)])
        used = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
        bias = np.arange(len(columns), len(direction))
        columns, direction = columns[used], direction[np.append(used, bias)]
        for column in columns[::-1] if len(columns) <= _MAX_TRIED else ():
            others = columns[columns != column]
            found = attempt(others)
            if found is not None:
                columns, direction = others, found
        return columns, direction

    def _first(self, rows: Indices, columns: Indices) -> Indices:
        """Return which of some rows to put into the first linear program."""
        asked = np.zeros(len(self._rows.ids), dtype=bool)
        asked[rows] = True
        telling = self._telling[asked[self._telling]]
        size = _FIRST_ROWS + _ROWS_PER_COLUMN * len(columns)
        return np.union1d(telling[:size], self._wrong[asked[self._wrong]])


def _most_wrong(rows: Indices, excess: Vector, working: Indices) -> Indices:
    """Return the rows of most negative excess that are not among the working ones."""
    wrong = np.flatnonzero(excess < 0.0)
    wrong = wrong[~np.isin(rows[wrong], working)]
    size = max(_FIRST_ROWS, len(working) // 2)
    return rows[wrong[np.argsort(excess[wrong], kind="stable")[:size]]]
