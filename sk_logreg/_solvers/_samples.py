"""Nested samples of the rows: a cheap way to a good start."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Vector
from sk_logreg._objective import Objective

_EPS = float(np.finfo(np.float64).eps)
# Rows in the first sample, at least: so many, and so many a coefficient.
_FIRST_ROWS = 2000
_ROWS_PER_COEF = 16
# The factor from each sample to the next, about: where one ends, Newton's method has
# little left to do on the next.
_GROWTH = 4
# What share of all rows the first may be before it is not worth its while, and what
# the last one's Hessian may cost, in reads of X.
_LARGEST_SHARE = 1 / 4
_HESSIAN_READS = 2 / 3
# A step leaves some four times as much as the theory below has it, for the Hessian is
# that of where the sample before has led: about that, squared.
_MISFIT = 20.0


def nested_samples(
    objective: Objective, tol: float
) -> Iterator[tuple[NDArray[np.intp], Vector]]:
    """Draw samples of the rows, smallest first, if there are rows enough for any.

    At the minimum of a sample of m rows, the sum of the losses of all n rows is about
    p n / (2 m) too large, with p coefficients; a step by the sample's Hessian leaves
    about p / m of that, and a bound that is n / m times as large. The last sample has
    the rows that it takes for two such steps to bring the bound below `tol`, if its
    Hessian does not cost too much.

    Parameters
    ----------
    objective : Objective
        The objective over all rows.
    tol : float
        The bound on the relative suboptimality to reach over them.

    Yields
    ------
    rows : ndarray of shape (n_rows,)
        Which rows are in the sample.
    weights : ndarray of shape (n_rows,)
        Their weights in it.
    """
    n_rows, n_dof = objective.design.n_samples, objective.n_dof
    first = max(_FIRST_ROWS, _ROWS_PER_COEF * n_dof)
    if first > _LARGEST_SHARE * n_rows:
        return
    two_steps = (_MISFIT * n_dof**3 * n_rows / max(tol, _EPS)) ** 0.25
    affordable = _HESSIAN_READS * n_rows / objective.design.reads_per_gram
    holdable = objective.design.sample_share * n_rows
    last = max(first, min(holdable, two_steps, affordable))
    strata = Strata(objective)
    n_before = int(np.log(last / first) / np.log(_GROWTH))
    for k in reversed(range(n_before + 1)):
        yield strata.draw(int(last / _GROWTH**k))


class Strata:
    """The rows of each class that have a weight, to draw from.

    Either class gets about half of a sample, or all of its rows if those are fewer:
    the rare class is where the information is. One row is looked at from each of so
    many equal stretches of all rows that this many are of the class, so the order of
    the rows does little harm. The draws are the same each time.
    """

    def __init__(self, objective: Objective):
        self._weights = objective.weights
        self._n_rows = objective.design.n_samples
        positive = objective.signs > 0
        self._members = [~positive, positive]
        if not self._weights.all():
            self._members = [rows & (self._weights > 0.0) for rows in self._members]
        self._sizes = [int(np.count_nonzero(rows)) for rows in self._members]
        # Neither copies the weights, nor widens the booleans all at once.
        self._totals = [np.einsum("i,i", self._weights, rows) for rows in self._members]
        self._rng = np.random.default_rng(0)

    def draw(self, size: int) -> tuple[NDArray[np.intp], Vector]:
        """Draw rows, with weights that make a class weigh as much as in all rows.

        Parameters
        ----------
        size : int
            Number of rows to draw, about.

        Returns
        -------
        rows : ndarray of shape (n_rows,)
            In ascending order.
        weights : ndarray of shape (n_rows,)
            With a sum of one.
        """
        drawn, weights = [], []
        for k, member in enumerate(self._members):
            if not self._sizes[k]:
                continue  # a class without weight has no rows to draw
            n_others = min(size // 2, self._sizes[1 - k])
            looked_at = self._spread((size - n_others) / self._sizes[k])
            rows = looked_at.compress(member[looked_at])
            weight = self._weights[rows]
            drawn.append(rows)
            weights.append(weight * (self._totals[k] / weight.sum()))
        rows = np.concatenate(drawn)
        order = np.argsort(rows, kind="stable")  # which merges what is in order
        return rows[order], np.concatenate(weights)[order]

    def _spread(self, share: float) -> NDArray[np.intp]:
        """Return a row of each of some equal stretches, that share of all rows."""
        n_stretches = min(int(share * self._n_rows), self._n_rows)
        # No row belongs to two: the bound on f - f* needs each to be drawn once.
        edges = np.arange(n_stretches + 1) * self._n_rows // n_stretches
        within = self._rng.random(n_stretches) * np.diff(edges)
        return edges[:-1] + within.astype(np.intp)
