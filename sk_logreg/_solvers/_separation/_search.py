"""The search for hyperplanes that separate the classes, by cutting planes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._separation._linear_programs import (
    LP_RESOLUTION,
    row_tolerance,
    separating_direction,
    sparse_direction,
)
from sk_logreg._solvers._separation._unit_rows import UnitRows
from sk_logreg._tolerances import NOISE


@dataclass(frozen=True)
class SearchOptions:
    """The parameters of the search for a separating hyperplane."""

    #: A linear program over more columns takes longer than the fit.
    max_columns: int = 300
    #: A linear program over more columns takes minutes and is not attempted.
    max_all_columns: int = 1000
    #: The first linear program has `first_rows` rows, and this number per column.
    rows_per_column: int = 4
    first_rows: int = 100
    #: Of at most this number of columns, each is tried to be dropped.
    max_dropped: int = 32


SEARCH = SearchOptions()
#: The linear program for few columns gives each separated row a margin of at least 1.
#: The check on all rows accepts margins of at least this value.
LEAST_MARGIN = 0.5


class Search:
    """Searches for hyperplanes over some of the columns, by cutting planes.

    The margins at a point, the last iterate, order the rows, and its weights the
    columns. In `order`, the columns without a penalty, those of the largest weights
    come first.
    """

    def __init__(self, objective: Objective, point: Evaluation, rows: UnitRows):
        self._rows = rows
        nearest = np.argsort(np.abs(rows.margins_at(point)), kind="stable")
        # Alternately the nearest row, which may be on the wrong side of a hyperplane,
        # and the farthest, which may be separated by one.
        self._informative = np.empty_like(nearest)
        self._informative[::2] = nearest[: -(-len(nearest) // 2)]
        self._informative[1::2] = nearest[::-1][: len(nearest) // 2]
        self._wrong = nearest[:0]
        w, _ = objective.problem.split(point.coef)
        sizes = (np.abs(w) * rows.scales)[rows.columns]
        self.order: Indices = rows.columns[np.argsort(-sizes, kind="stable")]

    def separate(self, columns: Indices) -> tuple[NDArray[np.bool_], Vector]:
        """Return which rows a hyperplane over some columns can separate, and one."""
        n_rows = self._rows.n_rows
        separated = np.zeros(n_rows, dtype=bool)
        total = np.zeros(len(columns) + self._rows.n_biases)
        margins = np.zeros(n_rows)
        while not separated.all():
            direction = self._direction(np.flatnonzero(~separated), columns)
            if direction is None:
                break
            change = self._rows.margins(np.arange(n_rows), columns, direction)
            gained = ~separated & (change > row_tolerance(direction))
            if not gained.any():
                break
            # Scale the total, so that rows whose margins fall stay separated.
            back = separated & (change < 0.0)
            far = max(1.0, 2.0 * np.max(-change[back] / margins[back], initial=0.0))
            total = far * total + direction
            margins = far * margins + change
            separated |= gained
        return separated, self._rows.coef(columns, total)

    def steepest(self, columns: Indices, functional: Vector) -> Vector | None:
        """Return a direction with no row on its wrong side that raises a functional.

        None if no such direction raises it.
        """
        return self._direction(np.arange(self._rows.n_rows), columns, functional)

    def _direction(
        self, rows: Indices, columns: Indices, functional: Vector | None = None
    ) -> Vector | None:
        """Return a direction that separates some rows, with none on its wrong side.

        Or that raises a functional of the direction.
        """
        mean = self._rows.mean(rows, columns) if functional is None else functional
        if np.linalg.norm(mean) <= NOISE:
            return None  # no direction raises the mean margin

        def program(working: Indices) -> tuple[Indices, Vector | None]:
            part = self._rows.constrained(working, columns)
            return columns, separating_direction(part, mean)

        return self._by_cutting_planes(rows, columns, program)[1]

    def minimal_columns(
        self, columns: Indices, separated: NDArray[np.bool_]
    ) -> tuple[Indices, Vector | None]:
        """Return few columns that alone separate these rows, and how, if fewer do."""

        def program(working: Indices) -> tuple[Indices, Vector | None]:
            return self._drop_columns(columns, working, separated[working])

        rows = np.arange(len(separated))
        least = np.where(separated, LEAST_MARGIN, -LP_RESOLUTION)
        fewer, direction = self._by_cutting_planes(rows, columns, program, least)
        if direction is None:
            return columns, None
        return fewer, self._rows.coef(fewer, direction)

    def _by_cutting_planes(
        self,
        rows: Indices,
        columns: Indices,
        program: Callable[[Indices], tuple[Indices, Vector | None]],
        least: Vector | None = None,
    ) -> tuple[Indices, Vector | None]:
        """Return the solution of a linear program for all of some rows.

        It is solved for a working set of these, to which rows whose margins are too
        small are added until there are none. It returns columns, and a direction over
        them if there is a solution. `least` are the least margins; by default that is
        0, up to rounding.
        """
        working = self._initial_working_set(rows, columns)
        while True:
            used, direction = program(working)
            if direction is None:
                return used, None
            limit = -row_tolerance(direction) if least is None else least
            excess = self._rows.margins(rows, used, direction) - limit
            wrong = _most_wrong(rows, excess, working)
            if not len(wrong):
                return used, direction
            working = np.append(working, wrong)
            self._wrong = np.union1d(self._wrong, wrong)

    def _drop_columns(
        self, columns: Indices, working: Indices, separated: NDArray[np.bool_]
    ) -> tuple[Indices, Vector | None]:
        """Return few columns that separate the working rows, and how, if any do."""

        def attempt(some: Indices) -> Vector | None:
            part = self._rows.constrained(working, some)
            strict = np.pad(separated, (0, len(part) - len(separated)))
            return sparse_direction(part, strict, len(some))

        direction = attempt(columns)
        if direction is None:
            return columns, None
        sizes = np.abs(direction[: len(columns)])
        used = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
        bias = np.arange(len(columns), len(direction))
        columns, direction = columns[used], direction[np.append(used, bias)]
        for column in columns[::-1] if len(columns) <= SEARCH.max_dropped else ():
            others = columns[columns != column]
            found = attempt(others)
            if found is not None:
                columns, direction = others, found
        return columns, direction

    def _initial_working_set(self, rows: Indices, columns: Indices) -> Indices:
        """Return the rows of the first linear program, out of some."""
        asked = np.zeros(self._rows.n_rows, dtype=bool)
        asked[rows] = True
        informative = self._informative[asked[self._informative]]
        size = SEARCH.first_rows + SEARCH.rows_per_column * len(columns)
        return np.union1d(informative[:size], self._wrong[asked[self._wrong]])


def _most_wrong(rows: Indices, excess: Vector, working: Indices) -> Indices:
    """Return rows of the most negative excess that are not in the working set."""
    wrong = np.flatnonzero(excess < 0.0)
    wrong = wrong[~np.isin(rows[wrong], working)]
    size = max(SEARCH.first_rows, len(working) // 2)
    return rows[wrong[np.argsort(excess[wrong], kind="stable")[:size]]]
