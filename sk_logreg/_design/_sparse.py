"""Row blocks of a sparse matrix in CSR format."""

from collections.abc import Iterable, Iterator
from functools import cached_property, reduce
from operator import iadd
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._base import Block, Design, Points, cut
from sk_logreg._design._coordinates import Coordinates
from sk_logreg._design._costs import BLOCK_SIZES, BlockSizes, Costs
from sk_logreg._design._dense import DenseDesign
from sk_logreg._execution import ONE_THREAD, ThreadExecutor

Array = NDArray[Any]

# Time to look up the product for two values that share a row, relative to the time to
# multiply one value by one point: 5.1 and 0.50 ns with 33,000 rows of 1,000 columns.
_PAIR_COST = 10
# Number of values whose pairs are looked up at a time.
_VALUES = 1 << 15


def _wrap(
    container: Any, data: Array, indices: Array, indptr: Array, shape: tuple[int, int]
) -> Any:
    """Return a compressed sparse array of given arrays, without checks or copies.

    SciPy's constructors would examine all indices, to choose the narrowest type.
    """
    wrapped = container(shape, dtype=data.dtype)
    wrapped.data, wrapped.indices, wrapped.indptr = data, indices, indptr
    return wrapped


class SparseBlock(Block):
    """Rows of a CSR matrix; the same arrays, read as CSC, are its transpose.

    Centered columns have no zeros. They are stored separately, as a dense array, and
    their values in the CSR arrays are ignored.
    """

    def __init__(
        self,
        rows: slice,
        data: Array,
        indices: Array,
        indptr: Array,
        n_features: int,
        dense_columns: Indices,
        dense: Matrix,
        sizes: BlockSizes,
    ):
        self.rows, self._sizes = rows, sizes
        self._data, self._indices, self._indptr = data, indices, indptr
        self._n_features = n_features
        self._dense_columns, self._dense = dense_columns, dense

    def _as_csr(self, data: Array) -> Any:
        shape = (self.rows.stop - self.rows.start, self._n_features)
        return _wrap(sparse.csr_array, data, self._indices, self._indptr, shape)

    def _transposed(self, data: Array) -> Any:
        shape = (self._n_features, self.rows.stop - self.rows.start)
        return _wrap(sparse.csc_array, data, self._indices, self._indptr, shape)

    @cached_property
    def _values(self) -> Any:
        return self._as_csr(self._data)

    @cached_property
    def _transpose(self) -> Any:
        return self._transposed(self._data)

    def matvec(self, v: Vector) -> Vector:
        if not len(self._dense_columns):
            return self._values @ v
        others = v.copy()
        others[self._dense_columns] = 0.0
        return self._values @ others + self._dense @ v[self._dense_columns]

    def rmatvec(self, u: Vector) -> Vector:
        product = self._transpose @ u
        if len(self._dense_columns):
            product[self._dense_columns] = self._dense.T @ u
        return product

    def gram(self, h: Vector) -> Matrix:
        weighted = np.repeat(h, np.diff(self._indptr)) * self._data
        total = (self._transposed(weighted) @ self._as_csr(self._data)).toarray()
        if len(self._dense_columns):
            border = self._transposed(weighted) @ self._dense
            border[self._dense_columns] = self._dense.T @ (h[:, None] * self._dense)
            total[:, self._dense_columns] = border
            total[self._dense_columns] = border.T
        return total

    def add_gram(
        self, total: NDArray[np.float32], roots: Vector, scale: Vector
    ) -> NDArray[np.float32]:
        h, n_features = np.square(roots), self._n_features
        weights, ones = np.split(scale, [n_features])
        total[:n_features, :n_features] += self.gram(h) * weights * weights[:, None]
        total[n_features:, :n_features] += ones[:, None] * (self.rmatvec(h) * weights)
        total[n_features:, n_features:] += h.sum() * np.outer(ones, ones)
        return total

    def gram_diagonal(self, h: Vector) -> Vector:
        """Return the diagonal of ``block.T @ diag(h) @ block``.

        Duplicate entries are squared separately, not summed first.
        """

        def share(part: SparseBlock) -> Vector:
            squares = np.square(part._data, dtype=np.float64)
            return part._transposed(squares) @ h[part.rows]

        n_parts = 1 + 16 * len(self._data) // self._sizes.dense_bytes
        diagonal = reduce(iadd, map(share, self.cut(cut(len(h), n_parts))))
        if len(self._dense_columns):
            diagonal[self._dense_columns] = np.square(self._dense).T @ h
        return diagonal

    def columns(self, columns: Indices) -> Matrix:
        part: Matrix = self._as_csr(self._data)[:, columns].toarray()
        _, asked, stored = np.intersect1d(
            columns, self._dense_columns, assume_unique=True, return_indices=True
        )
        part[:, asked] = self._dense[:, stored]
        return part

    def squared_norms(self, points: Points, out: Vector) -> None:
        stored = np.diff(self._indptr).astype(np.int64)
        n_pairs = np.square(stored)
        cost = len(self._data) * len(points.biases)
        if len(self._dense_columns) or _PAIR_COST * n_pairs.sum() > cost:
            super().squared_norms(points, out)
            return
        # The pairs of values in a row are fewer than its products with the points.
        products = points.products
        out[:] = self._as_csr(self._data) @ (2.0 * products[:-1, -1])
        out += products[-1, -1]
        # Rows with as many stored values have rectangular arrays of them.
        order = np.argsort(stored, kind="stable")
        sizes, begins = np.unique(stored[order], return_index=True)
        for size, rows in zip(sizes, np.split(order, begins[1:]), strict=True):
            n_parts = 1 + len(rows) * int(size) // _VALUES
            for some in np.array_split(rows, n_parts):
                out[some] += self._pairs(some, int(size), products)

    def _pairs(self, rows: Indices, size: int, products: Matrix) -> Vector:
        """Return the products of all pairs of values of rows with `size` values."""
        # The values of a row are a column here, so that each operation is on long rows.
        places = self._indptr[rows] + np.arange(size)[:, None]
        indices, data = self._indices.take(places), self._data.take(places)
        # The matrix is symmetric: its entries may lie in memory by row or by column.
        starts, entries = indices.astype(np.intp) * len(products), products.ravel("K")
        total = np.zeros(len(rows))
        for j in range(size):
            found = entries.take(starts[j] + indices[j:])
            found[0] *= 0.5  # each other pair is met once instead of twice
            total += data[j] * np.einsum("ij,ij->j", found, data[j:])
        return 2.0 * total

    def row_products(self, scale: Vector) -> Matrix:
        """Return ``block @ diag(scale)² @ block.T``, dense, in Fortran order."""
        others = scale.copy()
        others[self._dense_columns] = 0.0
        scaled = self._as_csr(self._data * others[self._indices])
        total = (scaled @ scaled.T).toarray(order="F")
        dense = self._dense * scale[self._dense_columns]
        total += dense @ dense.T
        return total

    def cut(
        self, parts: Iterable[slice], factors: Vector | None = None
    ) -> Iterator["SparseBlock"]:
        """Yield blocks of stretches of this block's rows.

        The stored values of each column are multiplied by its factor, if given.
        """
        for rows in parts:
            if factors is None and rows == self.rows:
                yield self  # with its arrays of SciPy, which take a while to build
                continue
            indptr = self._indptr[rows.start : rows.stop + 1]
            stored = slice(indptr[0], indptr[-1])
            data, indices = self._data[stored], self._indices[stored]
            if factors is not None:
                data = data * factors[indices]
            yield SparseBlock(
                rows,
                data,
                indices,
                indptr - indptr[0],
                self._n_features,
                self._dense_columns,
                self._dense[rows],
                self._sizes,
            )


class SparseDesign(Design):
    """A CSR X, with sorted or unsorted indices; its arrays are not copied."""

    def __init__(
        self,
        X: Any,
        coordinates: Coordinates | None = None,
        sizes: BlockSizes = BLOCK_SIZES,
    ):
        self.sizes = sizes
        self._X, self._coordinates = X, coordinates
        self.n_samples, self.n_features = X.shape
        everything = slice(0, self.n_samples)
        columns, dense = np.empty(0, dtype=np.intp), np.empty((self.n_samples, 0))
        self._factors: Vector | None = None
        self._blocks: dict[tuple[int, int], SparseBlock] = {}
        self._n_stored: list[Indices] = []  # by column, for the rows of each thread
        if coordinates is not None:
            columns = np.flatnonzero(coordinates.centers)
            dense = coordinates.apply(columns, X[:, columns].toarray())
            if (coordinates.units != 1.0).any():
                self._factors = 1.0 / coordinates.units
        n_stored = int(X.indptr[-1])  # the arrays may have room for more
        self._whole = SparseBlock(
            everything,
            X.data[:n_stored],
            X.indices[:n_stored],
            X.indptr,
            self.n_features,
            columns,
            dense,
            sizes,
        )
        self.sample_share = 1 / 8  # `take` copies the rows
        stored = np.diff(X.indptr)
        per_row = max(1.0, stored.mean())
        pairs = float(np.square(stored, dtype=np.float64).mean())
        self.costs = Costs.of_sparse(n_stored, pairs / per_row)
        fitting = max(sizes.sparse_values, 6 * self.n_features) / per_row
        self.block_rows = int(np.clip(fitting, 1024, 1 << 17))
        # At least as many pairs of values as the Gram matrix has entries to add.
        self.gram_rows = max(self.block_rows, int(self.n_features**2 / max(1.0, pairs)))

    def blocks(self, rows: slice, block_rows: int | None = None) -> Iterator[Block]:
        """Yield the blocks of some rows; without factors they are kept.

        The arrays of SciPy take longer to build than small blocks to read.
        """
        parts = self._block_slices(rows, block_rows)
        if self._factors is not None:
            yield from self._whole.cut(parts, self._factors)
            return
        for part in parts:
            place = part.start, part.stop
            if place not in self._blocks:
                (self._blocks[place],) = self._whole.cut([part])
            yield self._blocks[place]

    def row_products(self, scale: Vector | None = None) -> Matrix:
        scale = np.ones(self.n_features) if scale is None else scale
        (block,) = self._whole.cut([slice(0, self.n_samples)], self._factors)
        return block.row_products(scale)

    def part(self, rows: Indices, columns: Indices) -> Matrix:
        values = self._X[rows][:, columns].toarray()
        if self._coordinates is not None:
            return self._coordinates.apply(columns, values)
        return values.astype(np.float64, copy=False)

    def columns(
        self, columns: Indices, executor: ThreadExecutor = ONE_THREAD, /
    ) -> Design:
        """Return the design of some columns, dense if at least half are stored."""
        part = self._selected(columns, executor)
        coordinates = self._coordinates
        if coordinates is not None:
            coordinates = coordinates.take(columns)
        if part.shape[0] * part.shape[1] <= 2 * part.nnz:
            values = part.toarray()
            return DenseDesign(values, coordinates=coordinates, sizes=self.sizes)
        return SparseDesign(part, coordinates, self.sizes)

    def _selected(self, columns: Indices, executor: ThreadExecutor) -> Any:
        """Return the stored values of some columns, as a CSR array over these.

        In parallel, and in less time than SciPy takes.
        """
        X, parts = self._X, self.chunks(executor.n_threads)
        places = np.full(self.n_features, -1, dtype=X.indices.dtype)
        places[columns] = np.arange(len(columns))

        def placed(rows: slice) -> Array:
            stored = slice(X.indptr[rows.start], X.indptr[rows.stop])
            # No index is out of bounds; other modes would check each of them.
            return places.take(X.indices[stored], mode="clip")

        if len(self._n_stored) != len(parts):
            self._n_stored = executor.map(self._stored_by_column, parts)
        starts = np.cumsum([0, *(counts[columns].sum() for counts in self._n_stored)])
        data = np.empty(starts[-1], dtype=X.dtype)
        indices = np.empty(starts[-1], dtype=X.indices.dtype)
        indptr = np.zeros_like(X.indptr)

        def copy(k: int) -> None:
            start = starts[k]
            for rows in self._block_slices(parts[k], None):
                ends = X.indptr[rows.start : rows.stop + 1]
                found = placed(rows)
                kept = np.flatnonzero(found >= 0)
                where = slice(start, start + len(kept))
                # Other modes would also copy the output.
                found.take(kept, out=indices[where], mode="clip")
                X.data[ends[0] : ends[-1]].take(kept, out=data[where], mode="clip")
                kept_before = np.searchsorted(kept, ends[1:] - ends[0])
                indptr[rows.start + 1 : rows.stop + 1] = start + kept_before
                start = where.stop

        executor.map(copy, range(len(parts)))
        shape = (self.n_samples, len(columns))
        return _wrap(sparse.csr_array, data, indices, indptr, shape)

    def _stored_by_column(self, rows: slice) -> Indices:
        """Return how many values of each column some rows store."""
        X, n_stored = self._X, np.zeros(self.n_features, dtype=np.intp)
        for part in self._block_slices(rows, None):
            columns = X.indices[X.indptr[part.start] : X.indptr[part.stop]]
            n_stored += np.bincount(columns, minlength=self.n_features)
        return n_stored

    def take(
        self, rows: Indices, _executor: ThreadExecutor, /, *, copied: bool = True
    ) -> "SparseDesign":
        """Return the design of the given rows, which are always copied."""
        del copied
        return SparseDesign(self._X[rows], self._coordinates, self.sizes)
