"""The functions of the map that the search for a separating hyperplane runs.

See `sk_logreg._design._map` for their form.
"""

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design._base import Block
from sk_logreg._design._products import Out, column_tiles
from sk_logreg._design._vectors import RowPart


def unit_margins(
    block: Block,
    rows: RowPart,
    columns: Indices,
    centers: Vector,
    scales: Vector,
    direction: Vector,
    *,
    out: Out,
) -> None:
    """Keep the products of a direction with rows of unit length and their signs.

    The rows are ±(x, 1) over some columns, centered and scaled; the direction ends with
    an entry for the bias, if there is one. A soft label has both signs, of which the
    lesser product counts. A row of weight zero has the product infinity.
    """
    [m] = out
    m[:] = direction[len(columns) :].sum()
    squares = np.full(len(m), float(len(direction) - len(columns)))
    for place in column_tiles(np.arange(len(columns))):
        tile = columns[place]
        part = (block.columns(tile) - centers[tile]) / scales[tile]
        m += part @ direction[place]
        squares += np.einsum("ij,ij->i", part, part)
    m /= np.sqrt(np.where(squares > 0.0, squares, 1.0))
    m *= rows.signs
    if rows.p_other is not None:
        np.copyto(m, -np.abs(m), where=rows.p_other > 0.0)
    m[rows.weights <= 0.0] = np.inf


def on_hyperplane(
    rows: RowPart, m: Vector, other: Vector, nearest: float, *, out: Out
) -> None:
    """Keep minus the size of a row vector where another is nearly 0, and 0 elsewhere.

    The other, `m`, is infinite for rows that do not count.
    """
    out[0][:] = np.where(np.abs(m) <= nearest, -np.abs(other), 0.0)


def excess(
    rows: RowPart,
    m: Vector,
    other: Vector,
    nearest: float,
    least: float,
    slack: float,
    *,
    out: Out,
) -> None:
    """Keep by how much a row vector exceeds what it has to.

    That is `least` where the first is above a limit, and minus the slack elsewhere.
    """
    np.subtract(other, np.where(m > nearest, least, -slack), out=out[0])
