"""What a task does on one partition for the folds of a cross-validation."""

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design._partition_sums import Returned
from sk_logreg._design._partition_vectors import facts_of_weights
from sk_logreg._design._vectors import RowPart


def _stratum(part: RowPart, stratified: bool) -> Indices:
    """Return the stratum of each row: 1 for positive labels, 0 for others, or 0."""
    return ((part.signs > 0) & stratified).astype(np.intp)


def strata_part(
    i: int, part: RowPart, vectors: list[Vector], stratified: bool
) -> Returned:
    """Count the rows of each stratum, and find the stratum of the first row, if any."""
    strata = _stratum(part, stratified)
    return [[(np.bincount(strata, minlength=2), strata[:1])]], None


def group_part(
    i: int,
    part: RowPart,
    vectors: list[Vector],
    stratified: bool,
    before: NDArray[np.int64],
    stops: NDArray[np.int64],
) -> Returned:
    """Keep the fold of each row, and sum the weights of each fold.

    `before` counts the rows of each stratum before each partition, and `stops` those
    before the end of each fold, of shape (2, n_folds).
    """
    strata, group = _stratum(part, stratified), np.zeros(len(part.signs), np.intp)
    for k in range(2):
        rows = np.flatnonzero(strata == k)
        ranks = before[i, k] + np.arange(len(rows))
        group[rows] = np.searchsorted(stops[k], ranks, side="right")
    totals = np.bincount(group, part.weights, minlength=stops.shape[1])
    return [totals], [group]


def without(part: RowPart, group: Vector, k: int, factor: float = 1.0) -> RowPart:
    """Return the entries of rows with weights of 0 in a group, and others scaled."""
    return part._replace(weights=np.where(group == k, 0.0, factor * part.weights))


def without_part(
    i: int, part: RowPart, vectors: list[Vector], k: int, factor: float
) -> Returned:
    """Keep the entries of the rows with weights of 0 in a fold, and others scaled."""
    return [], without(part, vectors[0], k, factor)


def without_each_part(
    i: int, part: RowPart, vectors: list[Vector], n_folds: int
) -> Returned:
    """Find what is known of the rows without each fold: four sums per fold.

    See `facts_of_weights`. The last is the number of rows of positive weight in each
    class; a soft label is in both.
    """
    sums = []
    soft = False if part.p_other is None else part.p_other > 0.0
    for k in range(n_folds):
        others = without(part, vectors[0], k)
        members = [soft | (part.signs == sign) for sign in (-1, 1)]
        some = others.weights > 0.0
        per_class = np.array([np.count_nonzero(some & kind) for kind in members])
        sums += [*facts_of_weights(others.signs, others.weights), per_class]
    return sums, None
