"""All reads of X: its blocks, dense or sparse, and the map over them."""

from typing import Any

from scipy import sparse

from sk_logreg._design._base import Block, Design, Points, cut
from sk_logreg._design._clusters import Clusters
from sk_logreg._design._coordinates import Coordinates, coordinates_of
from sk_logreg._design._costs import BLOCK_SIZES, BlockSizes, Costs, Meter
from sk_logreg._design._dense import DenseDesign
from sk_logreg._design._rows import Rows
from sk_logreg._design._sparse import SparseDesign
from sk_logreg._design._vectors import Extremes, RowPart, RowVector

__all__ = [
    "Block",
    "BlockSizes",
    "Clusters",
    "Coordinates",
    "Costs",
    "DenseDesign",
    "Design",
    "Extremes",
    "Meter",
    "Points",
    "RowPart",
    "RowVector",
    "Rows",
    "coordinates_of",
    "cut",
    "design_of",
]


def design_of(
    X: Any, coordinates: Coordinates | None = None, sizes: BlockSizes = BLOCK_SIZES
) -> Design:
    """Return the design of a validated X: a dense array or a CSR matrix or array.

    With coordinates, that of X in those.
    """
    if sparse.issparse(X):
        return SparseDesign(X, coordinates, sizes)
    return DenseDesign(X, coordinates=coordinates, sizes=sizes)
