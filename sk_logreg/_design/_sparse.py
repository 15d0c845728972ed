"""Row blocks of a sparse matrix in CSR format."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import iadd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_logreg._design._base import Block, Design, Matrix, Vector, cut
from sk_logreg._threads import Workers

Array = NDArray[Any]

# A column's entry of the result is touched at random, so a block gains nothing from
# the cache; it only has to be large enough that its Python code, and adding up its
# share of the result, cost nothing.
_BLOCK_STORED = 1 << 18
# Squares of a block's values are taken in so many parts, to take less memory.
_N_PARTS = 2


def _wrap(
    container: Any, data: Array, indices: Array, indptr: Array, shape: tuple[int, int]
) -> Any:
    """Return a compressed sparse array around arrays, not checking or copying them.

    SciPy's constructors look through the indices to narrow their type each time.
    """
    wrapped = container(shape, dtype=data.dtype)
    wrapped.data, wrapped.indices, wrapped.indptr = data, indices, indptr
    return wrapped


class SparseBlock(Block):
    """Rows of a CSR matrix; the same arrays, read as CSC, are its transpose."""

    def __init__(
        self,
        rows: slice,
        data: Array,
        indices: Array,
        indptr: Array,
        n_features: int,
    ):
        self.rows = rows
        self._data, self._indices, self._indptr = data, indices, indptr
        self._n_features = n_features

    def _as_csr(self, data: Array) -> Any:
        shape = (self.rows.stop - self.rows.start, self._n_features)
        return _wrap(sparse.csr_array, data, self._indices, self._indptr, shape)

    def _transposed(self, data: Array) -> Any:
        shape = (self._n_features, self.rows.stop - self.rows.start)
        return _wrap(sparse.csc_array, data, self._indices, self._indptr, shape)

    def matvec(self, v: Vector) -> Vector:
        """Return ``block @ v``, of shape (n_rows,)."""
        return self._as_csr(self._data) @ v

    def rmatvec(self, u: Vector) -> Vector:
        """Return ``block.T @ u``, of shape (n_features,)."""
        return self._transposed(self._data) @ u

    def gram(self, h: Vector) -> Matrix:
        """Return ``block.T @ diag(h) @ block``, dense."""
        weighted = np.repeat(h, np.diff(self._indptr)) * self._data
        return (self._transposed(weighted) @ self._as_csr(self._data)).toarray()

    def add_gram(
        self, total: NDArray[np.float32], roots: Vector, scale: Vector
    ) -> NDArray[np.float32]:
        """Return `total` plus ``half.T @ half``, of which the lower triangle counts."""
        h, n_features = np.square(roots), self._n_features
        weights, ones = np.split(scale, [n_features])
        total[:n_features, :n_features] += self.gram(h) * weights * weights[:, None]
        total[n_features:, :n_features] += ones[:, None] * (self.rmatvec(h) * weights)
        total[n_features:, n_features:] += h.sum() * np.outer(ones, ones)
        return total

    def gram_diagonal(self, h: Vector) -> Vector:
        """Return the diagonal of ``block.T @ diag(h) @ block`` (duplicates apart)."""

        def share(part: SparseBlock) -> Vector:
            squares = np.square(part._data, dtype=np.float64)
            return part._transposed(squares) @ h[part.rows]

        return reduce(iadd, map(share, self.cut(cut(len(h), _N_PARTS))))

    def cut(self, parts: Iterable[slice]) -> Iterator["SparseBlock"]:
        """Yield blocks of some of the rows, counted from the first."""
        for rows in parts:
            indptr = self._indptr[rows.start : rows.stop + 1]
            stored = slice(indptr[0], indptr[-1])
            yield SparseBlock(
                rows,
                self._data[stored],
                self._indices[stored],
                indptr - indptr[0],
                self._n_features,
            )


class SparseDesign(Design):
    """A CSR X, sorted or not; its arrays are used where they lie."""

    def __init__(self, X: Any):
        self._X = X
        self.n_samples, self.n_features = X.shape
        everything = slice(0, self.n_samples)
        self._whole = SparseBlock(
            everything, X.data, X.indices, X.indptr, self.n_features
        )
        self.sample_share = 1 / 8  # copied
        stored = np.diff(X.indptr)
        self.n_values = int(X.indptr[-1])
        per_row = max(1.0, stored.mean())
        # Each stored value meets all of its row, at four times the cost of a product.
        pairs = float(np.square(stored, dtype=np.float64).mean())
        self.reads_per_gram = 4.0 * pairs / per_row
        # One thread adds it up, block by block.
        self.reads_per_rough_gram = 5.0 * self.reads_per_gram
        fitting = max(_BLOCK_STORED, 6 * self.n_features) / per_row
        self.block_rows = int(np.clip(fitting, 1024, 1 << 17))
        # As many pairs as there are entries of the Gram matrix to add up.
        self.gram_rows = max(self.block_rows, int(self.n_features**2 / max(1.0, pairs)))

    def blocks(self, rows: slice, block_rows: int | None = None) -> Iterator[Block]:
        """Yield `rows` block by block, in order; a block is valid until the next."""
        return self._whole.cut(self._block_slices(rows, block_rows))

    def row_products(self) -> Matrix:
        """Return X Xᵀ, dense, of which the upper triangle counts."""
        X = self._X.astype(np.float64)
        return (X @ X.T).toarray(order="F")

    def part(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Matrix:
        """Return some columns of some rows, copied, dense."""
        return self._X[rows][:, columns].toarray().astype(np.float64, copy=False)

    def take(self, rows: NDArray[np.intp], workers: Workers) -> "SparseDesign":
        """Return the design of the given rows, copied."""
        return SparseDesign(self._X[rows])
