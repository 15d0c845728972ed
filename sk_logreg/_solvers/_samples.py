"""Nested samples of the rows: a cheap way to a good start."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Vector
from sk_logreg._objective import Objective

# Rows a coefficient in the first sample, the factor from each to the next, and what
# share of all rows a sample may be before it is not worth its while.
_ROWS_PER_COEF = 16
_FIRST_ROWS = 2000
_GROWTH = 8
_LARGEST_SHARE = 1 / 4


def nested_samples(
    objective: Objective,
) -> Iterator[tuple[NDArray[np.intp], Objective]]:
    """Yield samples of the rows, smallest first, if there are rows enough for any.

    Parameters
    ----------
    objective : Objective
        The objective over all rows.

    Yields
    ------
    rows : ndarray of shape (n_rows,)
        Which rows are in the sample.
    sample : Objective
        The objective over them.
    """
    size = max(_FIRST_ROWS, _ROWS_PER_COEF * objective.n_dof)
    largest = _LARGEST_SHARE * objective.design.n_samples
    if size > largest:
        return
    strata = Strata(objective)
    while size <= largest:
        rows, weights = strata.draw(size)
        yield rows, objective.sample(rows, weights)
        size *= _GROWTH


class Strata:
    """The rows of each class that have a weight, to draw from.

    Either class gets half of a sample, or all of its rows if those are fewer: the
    rare class is where the information is. Within a class the rows are spread
    evenly, one drawn from each stretch, so the order of the rows does little harm.
    The draws are the same each time.
    """

    def __init__(self, objective: Objective):
        positive = objective.signs > 0.0
        members = [np.flatnonzero(~positive), np.flatnonzero(positive)]
        if not objective.weights.all():
            members = [rows[objective.weights[rows] > 0.0] for rows in members]
        self._weights = objective.weights
        self._members = members
        self._totals = [float(self._weights[rows].sum()) for rows in members]
        self._rng = np.random.default_rng(0)

    def draw(self, size: int) -> tuple[NDArray[np.intp], Vector]:
        """Draw rows, with weights that make a class weigh as much as in all rows.

        Parameters
        ----------
        size : int
            Number of rows to draw, at most.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            In ascending order within a class.
        weights : ndarray of shape (n_rows,)
            With a sum of one.
        """
        drawn, weights = [], []
        for k, (member, total) in enumerate(
            zip(self._members, self._totals, strict=True)
        ):
            n_drawn = min(len(member), size - min(len(self._members[1 - k]), size // 2))
            edges = np.arange(n_drawn + 1) * len(member) // n_drawn
            within = (self._rng.random(n_drawn) * np.diff(edges)).astype(np.intp)
            rows = member[edges[:-1] + within]
            weight = self._weights[rows]
            drawn.append(rows)
            weights.append(weight * (total / weight.sum()))
        return np.concatenate(drawn), np.concatenate(weights)
