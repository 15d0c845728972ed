"""Row blocks of X, dense or sparse: the one place that asks which it is."""

from typing import Any

from scipy import sparse

from sk_logreg._design._base import Block, Design, Matrix, Vector, cut
from sk_logreg._design._coordinates import Coordinates, coordinates_of
from sk_logreg._design._dense import DenseDesign
from sk_logreg._design._sparse import SparseDesign

__all__ = [
    "Block",
    "Coordinates",
    "DenseDesign",
    "Design",
    "Matrix",
    "Vector",
    "coordinates_of",
    "cut",
    "design_of",
]


def design_of(X: Any, coordinates: Coordinates | None = None) -> Design:
    """Return the design of a validated X: a dense array or a CSR matrix or array.

    With coordinates, that of X in those.
    """
    if sparse.issparse(X):
        return SparseDesign(X, coordinates)
    return DenseDesign(X, coordinates=coordinates)
