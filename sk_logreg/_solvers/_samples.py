"""Nested samples of the rows, which give a good start at a low cost."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._objective import Objective
from sk_logreg._tolerances import EPS


@dataclass(frozen=True)
class SamplingOptions:
    """The parameters of nested samples."""

    #: The first sample has at least this number of rows, and this number per
    #: coefficient.
    min_rows: int = 2000
    rows_per_coef: int = 16
    #: The approximate ratio of each sample to the one before it. Where one ends,
    #: Newton's method has few steps left on the next. Samples do not pay if the ratio
    #: of all rows to the first is smaller.
    growth: int = 4
    #: The largest cost of the last sample's Hessian, in passes over X.
    hessian_cost: float = 2 / 3
    #: Empirical factor, about 4²: a step has four times the excess of the theory, since
    #: the Hessian is taken at the minimum of the sample before.
    misfit: float = 20.0


SAMPLING = SamplingOptions()


def nested_samples(
    objective: Objective, tol: float
) -> Iterator[tuple[Indices, Vector]]:
    """Draw samples of the rows, with weights, smallest first, if there are enough.

    At the minimum of a sample of m rows, the sum of the losses of all n rows exceeds
    its minimum by about p n / (2 m), with p coefficients. A step by the sample's
    Hessian multiplies that by about p / m, and the bound by n / m. The last sample has
    as many rows as two such steps take to reach the tolerance, if its Hessian is not
    too costly.
    """
    n_rows, n_dof = objective.n_samples, objective.n_dof
    first = max(SAMPLING.min_rows, SAMPLING.rows_per_coef * n_dof)
    if SAMPLING.growth * first > n_rows:
        return
    two_steps = (SAMPLING.misfit * n_dof**3 * n_rows / max(tol, EPS)) ** 0.25
    affordable = SAMPLING.hessian_cost * n_rows / objective.costs.gram
    last = max(first, min(objective.largest_sample, two_steps, affordable))
    strata = Strata(objective)
    n_before = int(np.log(last / first) / np.log(SAMPLING.growth))
    for k in reversed(range(n_before + 1)):
        yield strata.draw(int(last / SAMPLING.growth**k))


class Strata:
    """The rows of positive weight in each class, to draw from.

    Each class gets about half of a sample, or all of its rows if they are fewer, since
    most of the information is in the rare class. To draw rows of a class, all rows are
    divided into equal stretches, one row is drawn from each, and those of the other
    class are dropped; so sorted rows do little harm. The draws are the same each time.
    """

    def __init__(self, objective: Objective):
        rows = objective.problem.rows
        self._weights = rows.weights
        self._n_rows = objective.n_samples
        positive = rows.signs > 0
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
