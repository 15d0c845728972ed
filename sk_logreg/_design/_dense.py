"""Row blocks of a dense array of any memory layout."""

import threading
from collections.abc import Iterator
from functools import reduce
from itertools import starmap
from math import gcd
from operator import iadd
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._base import Block, Design, Points, cut, slices
from sk_logreg._design._coordinates import Coordinates
from sk_logreg._design._costs import BLOCK_SIZES, BlockSizes, Costs
from sk_logreg._execution import ONE_THREAD, ThreadExecutor


class _Workspace(threading.local):
    """The scratch memory of each thread, kept as long as the design."""

    def __init__(self) -> None:
        self._held: dict[str, NDArray[np.uint8]] = {}

    def __reduce__(self) -> tuple[type["_Workspace"], tuple[()]]:
        """Pickle an empty one."""
        return _Workspace, ()

    def array(
        self, name: str, shape: tuple[int, int], dtype: Any, order: Literal["F", "C"]
    ) -> Any:
        """Return the scratch array of that name and shape; its content is arbitrary."""
        n_bytes = shape[0] * shape[1] * np.dtype(dtype).itemsize
        if name not in self._held or self._held[name].size < n_bytes:
            self._held[name] = np.empty(n_bytes, dtype=np.uint8)
        return self._held[name][:n_bytes].view(dtype).reshape(shape, order=order)


def _product(matrix: Matrix, v: Vector) -> Vector:
    """Return ``matrix @ v``, computed without the global interpreter lock.

    `np.dot` releases the lock, but copies a matrix that is not contiguous. ``@`` copies
    nothing, but releases the lock only if the result has more than 500 entries
    (NPY_BEGIN_THREADS_THRESHOLDED in NumPy's loops). So a shorter product is computed
    as a stack of partial products with more than 500 entries in total, which are added.
    """
    if matrix.flags.forc:
        return np.dot(matrix, v)
    length, width = matrix.shape
    n_shares = gcd(width, 1 << (512 // length).bit_length())
    shares = matrix.reshape(length, n_shares, -1).swapaxes(0, 1)
    parts = shares @ v.reshape(n_shares, width // n_shares, -1)
    return parts.sum(axis=0).reshape(length, *v.shape[1:])


class DenseBlock(Block):
    """Rows of a dense array, with scratch memory for their products."""

    def __init__(
        self, rows: slice, values: Matrix, space: _Workspace, sizes: BlockSizes
    ):
        self.rows = rows
        self._values = values
        self._space, self._sizes = space, sizes

    def matvec(self, v: Vector) -> Vector:
        return _product(self._values, v)

    def rmatvec(self, u: Vector) -> Vector:
        return _product(self._values.T, u)

    def gram(self, h: Vector) -> Matrix:
        roots = np.sqrt(np.abs(h))[:, None]

        def share(part: slice, half: Matrix) -> Matrix:
            # A product of an array with itself calls syrk: half the work of gemm.
            np.multiply(roots[part], self._values[part], out=half)
            negative = h[part] < 0.0
            if not negative.any():
                return np.dot(half.T, half)
            below = half[negative]
            half[negative] = 0.0
            return np.dot(half.T, half) - np.dot(below.T, below)

        parts = self._parts(_gram_rows(self._values.shape[1]))
        return reduce(iadd, starmap(share, parts))

    def add_gram(
        self, total: NDArray[np.float32], roots: Vector, scale: Vector
    ) -> NDArray[np.float32]:
        n_rows, n_features = self._values.shape
        step = min(n_rows, self._sizes.float32_rows)
        space = np.empty((step, len(scale)), dtype=np.float32)
        for part in slices(0, n_rows, step):
            values = self._values[part]
            half = space[: len(values)]
            weights, ones = half[:, :n_features], half[:, n_features:]
            np.multiply(values, scale[:n_features], out=weights, casting="same_kind")
            ones[:] = scale[n_features:]
            half *= roots[part, None].astype(np.float32)
            total = blas.ssyrk(1.0, half.T, beta=1.0, c=total, lower=1, overwrite_c=1)
        return total

    def gram_diagonal(self, h: Vector) -> Vector:

        def share(part: slice, squares: Matrix) -> Vector:
            return _product(np.square(self._values[part], out=squares).T, h[part])

        return reduce(iadd, starmap(share, self._parts()))

    def columns(self, columns: Indices) -> Matrix:
        return self._values[:, columns]

    def parts(self, n_points: int) -> Iterator[tuple[slice, Block]]:
        n_rows, n_features = self._values.shape
        step = max(self._sizes.weighted_bytes // (8 * (n_features + n_points)), 64)
        for part in slices(0, n_rows, step):
            yield part, DenseBlock(part, self._values[part], self._space, self._sizes)

    def squared_norms(self, points: Points, out: Vector) -> None:
        weights, biases = points.weights, points.biases
        (n_rows, n_features), n_points = self._values.shape, len(biases)
        root = weights if n_points == n_features else np.vstack([weights, biases])
        square = len(root) == n_points and (len(root) > n_features or not biases.any())
        if not square or np.tril(root, -1).any():
            super().squared_norms(points, out)
            return
        # A triangular product takes half of the operations, and overwrites a copy.
        step = max(self._sizes.weighted_bytes // (8 * max(1, n_points)), 64)
        for part in slices(0, n_rows, step):
            shape = (part.stop - part.start, n_points)
            copy = self._space.array("weighted", shape, np.float64, "C")
            copy[:, :n_features] = self._values[part]
            copy[:, n_features:] = 1.0
            product = blas.dtrmm(1.0, root, copy.T, trans_a=1, overwrite_b=1)
            np.vecdot(product.T, product.T, out=out[part])

    def _parts(self, least: int = 64) -> Iterator[tuple[slice, Matrix]]:
        """Yield stretches of rows, with scratch arrays of their shape and order.

        They have at least that number of rows, if there are as many.
        """
        n_rows, n_features = self._values.shape
        by_rows = self._values.strides[0] >= self._values.strides[1]
        order: Literal["F", "C"] = "C" if by_rows else "F"
        step = max(self._sizes.weighted_bytes // (8 * max(1, n_features)), least)
        for part in cut(n_rows, max(1, n_rows // step)):
            shape = (part.stop - part.start, n_features)
            yield part, self._space.array("weighted", shape, np.float64, order)


def _gram_rows(n_features: int) -> int:
    """Return the number of rows whose Gram matrix is computed at a time, at least.

    With fewer, copying one triangle of it to the other, and adding it to those of other
    rows, would take a large share of the time.
    """
    return min(max(400, 2 * n_features), 2048)


class DenseDesign(Design):
    """A dense X of float64 or float32, C- or F-ordered, in memory or mapped.

    X is not copied. Blocks of float32 are converted to float64 one at a time, so that
    sums are computed in float64. Blocks in other coordinates are computed one at a time
    too. The design of a sample gathers the rows of each block when it is read, since
    allocating a copy would take longer than using it.
    """

    def __init__(
        self,
        X: NDArray[np.floating],
        rows: Indices | None = None,
        space: _Workspace | None = None,
        coordinates: Coordinates | None = None,
        sizes: BlockSizes = BLOCK_SIZES,
    ):
        self.sizes = sizes
        self._X, self._rows, self._coordinates = X, rows, coordinates
        self._space = space or _Workspace()
        self.n_samples = len(X) if rows is None else len(rows)
        self.n_features = X.shape[1]
        n_values = self.n_samples * self.n_features
        self.costs = Costs.of_dense(n_values, self.n_features)
        # `take` copies rows unless X is C-contiguous.
        self.sample_share = 1 / 4 if X.flags.c_contiguous else 1 / 8
        # A computed block shares the cache with the values that it is computed from,
        # unless these are gathered.
        self._computed = X.dtype != np.float64 or coordinates is not None
        width = 8 + (X.itemsize if self._computed and rows is None else 0)
        n_bytes = sizes.dense_bytes if rows is None else sizes.dense_bytes // 2
        fitting = n_bytes // (width * max(1, self.n_features))
        most = min(sizes.max_rows, max(1, self.n_samples))
        self.block_rows = min(max(fitting, 64), most)
        self.gram_rows = min(max(self.block_rows, _gram_rows(self.n_features)), most)

    def blocks(self, rows: slice, block_rows: int | None = None) -> Iterator[Block]:
        for part in self._block_slices(rows, block_rows):
            values: Any = self._X[part] if self._rows is None else self._gather(part)
            if self._computed:
                order: Literal["F", "C"] = "F" if self._X.flags.f_contiguous else "C"
                wide = self._space.array("wide", values.shape, np.float64, order)
                values = self._in_coordinates(values, out=wide)
            yield DenseBlock(part, values, self._space, self.sizes)

    def _in_coordinates(
        self, values: Any, columns: Any = slice(None), out: Any = None
    ) -> Any:
        """Return the values of some columns, in float64."""
        if self._coordinates is not None:
            return self._coordinates.apply(columns, values, out)
        if out is None:
            return values.astype(np.float64, copy=False)
        np.copyto(out, values)
        return out

    def _gather(self, part: slice) -> Any:
        """Return some rows of the sample, copied."""
        assert self._rows is not None
        rows = self._rows[part]
        shape = (len(rows), self.n_features)
        gathered = self._space.array("gathered", shape, self._X.dtype, "C")
        # With mode "raise", NumPy would write to a temporary buffer first.
        return self._X.take(rows, axis=0, out=gathered, mode="clip")

    def row_products(self, scale: Vector | None = None) -> Matrix:
        total = np.zeros((self.n_samples, self.n_samples), order="F")
        fitting = self.sizes.dense_bytes // (8 * self.n_samples)
        step = max(fitting, self.n_samples // 2, 1)
        for columns in slices(0, self.n_features, step):
            part = self._in_coordinates(self._X[:, columns], columns)
            if scale is not None:
                part = part * scale[columns]
            elif not part.flags.forc:
                part = part.copy()
            by_rows = part.flags.c_contiguous
            total = blas.dsyrk(
                1.0,
                part.T if by_rows else part,
                trans=by_rows,
                beta=1.0,
                c=total,
                overwrite_c=1,
            )
        return total

    def part(self, rows: Indices, columns: Indices) -> Matrix:
        if self._rows is not None:
            rows = self._rows[rows]
        return self._in_coordinates(self._X[np.ix_(rows, columns)], columns)

    def columns(
        self, columns: Indices, executor: ThreadExecutor = ONE_THREAD, /
    ) -> "DenseDesign":
        if self._rows is None:
            values = _rows_of(self._X.T, columns, executor).T
        else:
            values = self._X[np.ix_(self._rows, columns)]
        coordinates = self._coordinates
        if coordinates is not None:
            coordinates = coordinates.take(columns)
        return DenseDesign(values, None, self._space, coordinates, self.sizes)

    def take(
        self, rows: Indices, executor: ThreadExecutor, /, *, copied: bool = False
    ) -> "DenseDesign":
        """Return the design of the given rows, copied now or gathered when read."""
        if self._rows is not None:
            rows = self._rows[rows]
        X, gathered = self._X, len(rows) > self.block_rows and not copied
        if gathered and X.flags.c_contiguous:
            taken, places = X, rows
        else:
            taken, places = _rows_of(X, rows, executor), None
        return DenseDesign(taken, places, self._space, self._coordinates, self.sizes)


def _rows_of(X: Any, rows: Indices, executor: ThreadExecutor) -> Any:
    """Return some rows of an array, copied in its memory layout."""
    if not X.flags.f_contiguous:
        return X[rows]
    columns, values = X.T, np.empty((X.shape[1], len(rows)), dtype=X.dtype)

    def copy(chunk: slice) -> None:
        columns[chunk].take(rows, axis=1, out=values[chunk], mode="clip")

    most = max(1, values.size // BLOCK_SIZES.values_per_thread)
    executor.map(copy, cut(len(columns), min(executor.n_threads, most)))
    return values.T
