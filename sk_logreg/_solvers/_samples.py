"""Nested samples of the rows: a cheap way to a good start."""

import numpy as np
from numpy.typing import NDArray

from sk_logreg._design import Vector
from sk_logreg._objective import Objective

# Rows a coefficient in the first sample, the factor from each to the next, and what
# share of all rows a sample may be before it is not worth its while.
_ROWS_PER_COEF = 16
_FIRST_ROWS = 2000
_GROWTH = 8
_LARGEST_SHARE = 1 / 6


def sample_sizes(objective: Objective) -> list[int]:
    """Return the sizes of the samples to start from, smallest first; maybe none."""
    largest = objective.design.n_samples * _LARGEST_SHARE
    size = max(_FIRST_ROWS, _ROWS_PER_COEF * objective.n_dof)
    sizes = []
    while size <= largest:
        sizes.append(size)
        size *= _GROWTH
    return sizes


def stratified_rows(
    objective: Objective, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], Vector]:
    """Draw rows, and weights that make each class weigh as much as in all rows.

    Either class gets half of the sample, or all of its rows if those are fewer: the
    rare class is where the information is. Within a class the rows are spread
    evenly, one drawn from each stretch, so the order of the rows does little harm.

    Parameters
    ----------
    objective : Objective
    size : int
        Number of rows to draw, at most.
    rng : Generator

    Returns
    -------
    rows : ndarray of shape (n_rows,)
        In ascending order within a class.
    weights : ndarray of shape (n_rows,)
        With a sum of one.
    """
    heavy = objective.weights > 0.0
    members = [np.flatnonzero(heavy & (objective.signs == sign)) for sign in (-1, 1)]
    drawn = []
    for member, other in (members, members[::-1]):
        n_drawn = min(len(member), size - min(len(other), size // 2))
        edges = np.arange(n_drawn + 1) * len(member) // n_drawn
        within = (rng.random(n_drawn) * np.diff(edges)).astype(np.intp)
        drawn.append(member[edges[:-1] + within])
    weights = []
    for member, rows in zip(members, drawn, strict=True):
        weight = objective.weights[rows]
        weights.append(weight * (objective.weights[member].sum() / weight.sum()))
    return np.concatenate(drawn), np.concatenate(weights)
