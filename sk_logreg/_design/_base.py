"""The interface of a design matrix: blocks of its rows, and their products."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._costs import BlockSizes, Costs
from sk_logreg._execution import ONE_THREAD, ThreadExecutor

# Number of products whose squares are added at a time, and minimum number of columns of
# them: with fewer, a product of a tall block takes up to twice the time per column.
_NORM_VALUES, _NORM_COLUMNS = 1 << 15, 32


def slices(start: int, stop: int, step: int) -> Iterator[slice]:
    """Yield consecutive slices of a length, of which the last may be shorter."""
    for first in range(start, stop, step):
        yield slice(first, min(first + step, stop))


@lru_cache  # called for each pass over the rows
def cut(length: int, n_chunks: int) -> tuple[slice, ...]:
    """Return slices of about equal length."""
    cuts = [length * k // n_chunks for k in range(n_chunks + 1)]
    return tuple(slice(a, b) for a, b in pairwise(cuts))


@dataclass(frozen=True, eq=False)
class Points:
    """Some points in the space of the coefficients.

    Attributes
    ----------
    weights : ndarray of shape (n_features, n_points)
    biases : ndarray of shape (n_points,)
    """

    weights: Matrix
    biases: Vector

    @classmethod
    def of(cls, columns: Matrix, n_features: int) -> "Points":
        """Return the columns of an array, whose last row may be that of the bias."""
        return cls(columns[:n_features], columns[n_features:].sum(axis=0))

    @cached_property
    def products(self) -> Matrix:
        """The sum of the outer products of the points, the bias last."""
        columns = np.vstack([self.weights, self.biases])
        return np.asarray(columns @ columns.T)


class Block(ABC):
    """Some consecutive rows of X, and the products that a fit needs of them."""

    #: Which rows these are.
    rows: slice

    @abstractmethod
    def matvec(self, v: Vector) -> Vector:
        """Return ``block @ v``, of shape (n_rows,)."""

    @abstractmethod
    def rmatvec(self, u: Vector) -> Vector:
        """Return ``block.T @ u``, of shape (n_features,)."""

    @abstractmethod
    def gram(self, h: Vector) -> Matrix:
        """Return ``block.T @ diag(h) @ block``, dense; `h` may have any sign."""

    @abstractmethod
    def add_gram(
        self, total: NDArray[np.float32], roots: Vector, scale: Vector
    ) -> NDArray[np.float32]:
        """Return `total` plus ``half.T @ half``, of which the lower triangle counts.

        In single precision; `half` is the block with its rows times `roots` and its
        columns times `scale`, and a column of ones before that if X lacks one that
        `scale` has. `total` is overwritten.
        """

    @abstractmethod
    def gram_diagonal(self, h: Vector) -> Vector:
        """Return the diagonal of ``block.T @ diag(h) @ block``."""

    @abstractmethod
    def columns(self, columns: Indices) -> Matrix:
        """Return some columns, copied, dense."""

    def parts(self, n_points: int) -> "Iterator[tuple[slice, Block]]":
        """Yield parts of the block, with their rows in it.

        The products of a part with some points stay in the cache, if that matters.
        """
        del n_points
        yield slice(None), self

    def squared_norms(self, points: Points, out: Vector) -> None:
        """Fill `out` with the sum of squares of each row's products with some points.

        A few points at a time, so that the products take little memory.
        """
        weights, biases = points.weights, points.biases
        step = max(_NORM_COLUMNS, _NORM_VALUES // max(1, len(out)))
        out[:] = 0.0
        for some in slices(0, len(biases), step):
            products = self.matvec(weights[:, some])
            products += biases[some]
            out += np.einsum("ij,ij->i", products, products)


class Dimensions:
    """What is known of a matrix X without reading it."""

    n_samples: int
    n_features: int
    #: What operations on it cost.
    costs: Costs
    #: How much of it is processed at a time.
    sizes: BlockSizes
    #: The largest sample that may be copied, as a share of the rows.
    sample_share: float


class Design(Dimensions, ABC):
    """A matrix X of shape (n_samples, n_features), read in blocks of rows."""

    #: Rows in a block, from the size of the cache.
    block_rows: int
    #: Rows in a block where each block's Gram matrix is added up.
    gram_rows: int

    @abstractmethod
    def blocks(self, rows: slice, block_rows: int | None = None) -> Iterator[Block]:
        """Yield `rows` block by block, in order; a block is valid until the next."""

    @abstractmethod
    def row_products(self, scale: Vector | None = None) -> Matrix:
        """Return X diag(scale)² Xᵀ, dense, of which the upper triangle counts."""

    @abstractmethod
    def part(self, rows: Indices, columns: Indices) -> Matrix:
        """Return some columns of some rows, copied, dense."""

    @abstractmethod
    def take(
        self, rows: Indices, executor: ThreadExecutor, /, *, copied: bool = False
    ) -> "Design":
        """Return the design of the given rows, copied if asked."""

    @abstractmethod
    def columns(
        self, columns: Indices, executor: ThreadExecutor = ONE_THREAD, /
    ) -> "Design":
        """Return the design of some columns, which differ, copied."""

    def chunks(self, n_workers: int) -> Sequence[slice]:
        """Split the rows into at most one stretch per worker."""
        most = self.costs.n_values // self.sizes.values_per_thread
        n_chunks = max(1, min(n_workers, most))
        return cut(self.n_samples, n_chunks)

    def _block_slices(self, rows: slice, block_rows: int | None) -> Iterator[slice]:
        return slices(rows.start, rows.stop, block_rows or self.block_rows)
