"""Row blocks of X, dense or sparse: the one place that asks which it is."""

from typing import Any

from scipy import sparse

from sk_logreg._design._base import Block, Design, Matrix, Vector, cut
from sk_logreg._design._dense import DenseDesign
from sk_logreg._design._sparse import SparseDesign

__all__ = [
    "Block",
    "DenseDesign",
    "Design",
    "Matrix",
    "Vector",
    "cut",
    "design_of",
]


def design_of(X: Any) -> Design:
    """Return the design of a validated X: a dense array or a CSR matrix or array."""
    return SparseDesign(X) if sparse.issparse(X) else DenseDesign(X)
