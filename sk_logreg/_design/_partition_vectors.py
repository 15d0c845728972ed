"""What a task does on the row vectors of one partition, without reading X."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design._partition_sums import Returned
from sk_logreg._design._vectors import Extremes, RowPart, lowest_of


def total_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Sum a row vector."""
    return [float(vectors[0].sum())], None


def dot_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Sum the product of two row vectors."""
    return [float(vectors[0] @ vectors[1])], None


def extremes_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Find the extremes of a row vector."""
    return [Extremes.of(vectors[0])], None


def squared_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Keep the squares of a row vector."""
    return [], [np.square(vectors[0])]


def weights_part(
    i: int, part: RowPart, vectors: list[Vector], factor: float | None
) -> Returned:
    """Keep the weights, times a factor if one is given."""
    return [], [part.weights if factor is None else factor * part.weights]


def offset_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Keep the entries of the rows with the z of some margins as the offset."""
    offset = part.signs * vectors[0]
    return [Extremes.of(offset)], part._replace(offset=offset)


def weighted_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Keep the entries of the rows with other weights; sum what is known of these."""
    part = part._replace(weights=vectors[0])
    return facts_of_weights(part.signs, part.weights), part


def facts_part(i: int, part: RowPart, vectors: list[Vector]) -> Returned:
    """Sum what is known of the weights."""
    return facts_of_weights(part.signs, part.weights), None


def facts_of_weights(signs: NDArray[np.int8], weights: Vector) -> list[Any]:
    """Return number and sum of the positive weights by sign, and the least of them."""
    positive = weights > 0.0
    kinds = [positive & (signs == sign) for sign in (-1, 1)]
    counts = np.array([np.count_nonzero(kind) for kind in kinds])
    totals = np.array([weights.sum(where=kind) for kind in kinds])
    least = Extremes(float(weights.min(where=positive, initial=np.inf)))
    return [counts, totals, least]


def above_part(
    i: int, part: RowPart, vectors: list[Vector], starts: Indices, most: int
) -> Returned:
    """Find the rows with |curvature · change| above a limit, at most some more."""
    limit, curvature, change = vectors
    rows = np.flatnonzero(curvature * np.abs(change) > limit)[: most + 1]
    return [[starts[i] + rows]], None


def lowest_part(
    i: int, part: RowPart, vectors: list[Vector], starts: Indices, most: int
) -> Returned:
    """Find the rows with the lowest numbers, and these."""
    rows, values = lowest_of(vectors[0], most)
    return [[(starts[i] + rows, values)]], None


def taken_part(
    i: int, part: RowPart, vectors: list[Vector], starts: Indices, rows: Indices
) -> Returned:
    """Gather the numbers of some rows, which are sorted."""
    return [[vectors[0][within(i, starts, rows)]]], None


def placed_part(
    i: int,
    part: RowPart,
    vectors: list[Vector],
    starts: Indices,
    rows: Indices,
    values: Vector,
) -> Returned:
    """Keep the numbers of some rows, which are sorted, and 0 at the others."""
    mine = slice(*np.searchsorted(rows, starts[i : i + 2]))
    placed = np.zeros(len(part.signs))
    placed[rows[mine] - starts[i]] = values[mine]
    return [], [placed]


def within(i: int, starts: Indices, rows: Indices) -> Indices:
    """Return those of sorted rows that are in a partition, counted from its first."""
    first, last = np.searchsorted(rows, starts[i : i + 2])
    return rows[first:last] - starts[i]
