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
    n_before = int(np.log(last / first) / np.log(SAMPLING.growth))
    growing = reversed(range(n_before + 1))
    yield from objective.rows.draw([int(last / SAMPLING.growth**k) for k in growing])
