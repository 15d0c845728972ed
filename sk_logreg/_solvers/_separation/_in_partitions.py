"""Separation where the rows are in partitions: cutting planes on a sample of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import (
    Evaluation,
    Objective,
    RowVector,
    excess,
    on_hyperplane,
    unit_margins,
)
from sk_logreg._solvers._separation._linear_programs import LP_RESOLUTION, row_tolerance
from sk_logreg._solvers._separation._search import LEAST_MARGIN, SEARCH
from sk_logreg._solvers._separation._unit_rows import UnitRows

Found = TypeVar("Found", bound=Any)


@dataclass(frozen=True)
class PartitionOptions:
    """The parameters of the search on samples of rows in partitions."""

    #: The first sample has this number of rows, and this number per coefficient.
    first_rows: int = 2000
    rows_per_coef: int = 8
    #: Maximum number of samples; each takes up to four passes over X.
    max_samples: int = 50
    #: Singular values up to this share of the largest count as zero.
    dependent: float = 1e-9


_OPTIONS = PartitionOptions()


def find_in_partitions(
    objective: Objective,
    point: Evaluation,
    find: Callable[[Objective, Evaluation], Found | None],
) -> Found | None:
    """Return how a hyperplane separates the classes, None if none does.

    Cutting planes: `find` decides it for a sample of the rows. Then passes over all
    rows show which of them the sample lacks: those on the wrong side of its
    hyperplane; those on it that a direction moves which moves no such row of the
    sample; and those that the columns found to separate the rest alone do not. Without
    any, what holds for the sample holds for all rows. As in memory, a separation that
    is returned is proven, and so is None with up to `SEARCH.max_columns` columns,
    unless the number of samples or their size reached its limit.
    """
    size = _OPTIONS.first_rows + _OPTIONS.rows_per_coef * objective.n_dof
    [(rows, _)] = objective.rows.draw([size])
    for _ in range(_OPTIONS.max_samples):
        if len(rows) > objective.largest_sample:
            break
        sample = objective.sample(rows, np.full(len(rows), 1.0 / len(rows)))
        found = find(sample, sample.evaluate(point.coef))
        check = _Check(objective, UnitRows(sample), len(rows))
        missing, complete = check.missing(found)
        missing = np.setdiff1d(missing, rows)
        if not len(missing):
            return None if found is None else replace(found, complete=complete)
        rows = np.union1d(rows, missing)
    return None


class _Check:
    """Which rows a sample lacks, to show how all rows can be separated.

    `units` are the rows of the sample, whose centers and scales serve for all.
    """

    def __init__(self, objective: Objective, units: UnitRows, n_rows: int):
        self._objective, self._units = objective, units
        self._most = max(SEARCH.first_rows, n_rows // 2)

    def missing(self, found: Any) -> tuple[Indices, bool]:
        """Return rows that the sample lacks, and whether none is on the hyperplane."""
        units, nowhere = self._units, np.zeros(0, dtype=np.intp)
        part = units.some(np.arange(units.n_rows), units.columns)
        if found is None:
            return self._outside(part, None, 0.0), False
        direction = units.direction(found.coef)
        margins, nearest = self._margins(direction), row_tolerance(direction)
        rows, values = margins.lowest(self._most)
        if values[0] < -nearest:
            return rows[values < -nearest], False
        complete = bool(values[0] > nearest)
        if not complete:
            on_it = np.abs(part @ direction) <= nearest
            rows = self._outside(part[on_it], margins, nearest)
            if len(rows):
                return rows, False
        if found.of_columns is not None:
            other = self._margins(units.direction(found.of_columns))
            limits = nearest, LEAST_MARGIN, LP_RESOLUTION
            missing = excess(self._objective, margins, other, *limits)
            rows, values = missing.lowest(self._most)
            return rows[values < 0.0], complete
        wrong = [self._wrong(units.direction(other)) for other in found.others]
        return np.concatenate([nowhere, *wrong]), complete

    def _wrong(self, direction: Vector) -> Indices:
        """Return rows on the wrong side of a hyperplane."""
        rows, values = self._margins(direction).lowest(self._most)
        return rows[values < -row_tolerance(direction)]

    def _margins(self, direction: Vector) -> RowVector:
        """Return the products of all rows, of unit length, with a direction."""
        units = self._units
        return unit_margins(
            self._objective, units.columns, units.centers, units.scales, direction
        )

    def _outside(
        self, part: Matrix, margins: RowVector | None, nearest: float
    ) -> Indices:
        """Return rows on a hyperplane that are no combinations of some rows on it.

        Without margins, all rows are on it.
        """
        direction = _orthogonal(part)
        if direction is None:
            return np.zeros(0, dtype=np.intp)
        other = self._margins(direction)
        on_it = on_hyperplane(
            self._objective,
            other if margins is None else margins,
            other,
            np.finfo(np.float64).max if margins is None else nearest,
        )
        rows, values = on_it.lowest(self._most)
        return rows[values < -LP_RESOLUTION]


def _orthogonal(rows: Matrix) -> Vector | None:
    """Return a random unit vector orthogonal to some rows, None if there is none."""
    n_columns = rows.shape[1]
    draw = np.asarray(np.random.default_rng(0).standard_normal(n_columns))
    if len(rows):
        triangle = np.linalg.qr(rows, mode="r")
        _, sizes, right = np.linalg.svd(triangle)
        rank = np.count_nonzero(sizes > _OPTIONS.dependent * sizes[0])
        draw = right[rank:].T @ (right[rank:] @ draw)
        if rank == n_columns:
            return None
    return np.asarray(draw / np.linalg.norm(draw))
