"""Samples of the rows, drawn from the two classes."""

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector


class Strata:
    """The rows of positive weight in each class, to draw from.

    Each class gets about half of a sample, or all of its rows if they are fewer, since
    most of the information is in the rare class. To draw rows of a class, all rows are
    divided into equal stretches, one row is drawn from each, and those of the other
    class are dropped; so sorted rows do little harm. The draws are the same each time.
    """

    def __init__(self, signs: NDArray[np.int8], weights: Vector):
        self._weights = weights
        self._n_rows = len(signs)
        positive = signs > 0
        self._members = [~positive, positive]
        if not self._weights.all():
            self._members = [kind & (self._weights > 0.0) for kind in self._members]
        self._sizes = [int(np.count_nonzero(kind)) for kind in self._members]
        # einsum neither copies the weights nor converts the booleans all at once.
        self._totals = [np.einsum("i,i", self._weights, kind) for kind in self._members]
        self._rng = np.random.default_rng(0)

    def draw(self, size: int) -> tuple[Indices, Vector]:
        """Draw about `size` rows, in ascending order, and weights with a sum of one.

        A class keeps the total weight that it has in all rows.
        """
        drawn, weights = [], []
        for k, member in enumerate(self._members):
            if not self._sizes[k]:
                continue  # no row of this class has a positive weight
            n_others = min(size // 2, self._sizes[1 - k])
            drawn_rows = self._spread((size - n_others) / self._sizes[k])
            rows = drawn_rows.compress(member[drawn_rows])
            weight = self._weights[rows]
            drawn.append(rows)
            weights.append(weight * (self._totals[k] / weight.sum()))
        rows = np.concatenate(drawn)
        order = np.argsort(rows, kind="stable")  # merges the two sorted parts
        return rows[order], np.concatenate(weights)[order]

    def _spread(self, share: float) -> Indices:
        """Return a row from each of equal stretches of rows, a share of all rows."""
        n_stretches = min(int(share * self._n_rows), self._n_rows)
        # No row belongs to two stretches: the bound requires distinct rows.
        edges = np.arange(n_stretches + 1) * self._n_rows // n_stretches
        within = self._rng.random(n_stretches) * np.diff(edges)
        return edges[:-1] + within.astype(np.intp)
