"""What operations cost, in passes over X, and how large a block of X is.

Decisions compare these costs. The ratios behind them are properties of today's
processors, measured on x86-64 with and without AVX-512; a factor of two either way
changes no decision on the benchmark's grid by more than its cost.
"""

from dataclasses import dataclass, replace

# Multiply-adds of a dense product with a matrix for each value read from memory, in
# double precision. Single precision does twice as many.
_GEMM_PER_READ = 40
# A Cholesky factor of n columns takes the time of reading n³ over this many values.
_CUBE_PER_READ = 100
# Cost per pair of stored values in a row, for the Gram matrix, in reads of one value.
_SPARSE_PAIR = 4.0
# The cost of one in single precision, relative to that: one thread forms it, and adds
# up dense matrices. Of one-hot columns, 1,000,000 × 4,000, it takes 6 times as long.
_SPARSE_FLOAT32 = 5.0


@dataclass(frozen=True)
class BlockSizes:
    """How much of X is processed at a time."""

    #: Minimum number of stored values per thread. Fewer are read in the time that it
    #: takes to wake a thread, about 50 microseconds.
    values_per_thread: int = 1 << 17
    #: Bytes of a dense block. It is read from memory once and from the cache after
    #: that: 3 MB fit into the last level of cache, and take long enough to process that
    #: the Python code per block does not matter.
    dense_bytes: int = 3 << 20
    #: Maximum number of rows of a dense block.
    max_rows: int = 1 << 15
    #: Scratch buffers are smaller, since touching memory for the first time takes
    #: longer than reading it again: rows are gathered, and values squared, in half a
    #: block, and rows are weighted in this number of bytes.
    weighted_bytes: int = 1 << 19
    #: Rows weighted at a time for a Gram matrix in single precision. More would take
    #: memory and gain 10 % at most.
    float32_rows: int = 160
    #: Number of values of a sparse block. Entries of the result are accessed at random,
    #: so a block gains nothing from the cache; it only has to be large enough that the
    #: Python code per block, and adding its part to the result, do not matter.
    sparse_values: int = 1 << 18
    #: Row vectors are processed this many rows at a time: 64 kB each stay in the cache.
    stretch: int = 1 << 13
    #: Number of values of the rows of some clusters that are copied at a time.
    copied_values: int = 1 << 20


#: The sizes of a fit.
BLOCK_SIZES = BlockSizes()
#: Those on the workers of a cluster. distributed sets MALLOC_TRIM_THRESHOLD_ for them:
#: glibc returns freed memory beyond about 128 kB to the system, and maps it again for
#: the next block of X. A loss takes about ten buffers with an entry per row. Measured
#: with 30 columns: a pass takes four fifths of the time with `BLOCK_SIZES`, with 5
#: columns a third.
SIZES_ON_WORKERS = replace(BLOCK_SIZES, max_rows=1 << 12)


@dataclass(frozen=True)
class PartitionSizes:
    """How much of the partitions of a dask collection is processed at a time."""

    #: Number of partitions, or of sums over partitions, that are added up at a time.
    fan_in: int = 32
    #: The same for matrices, whose memory counts.
    matrix_fan_in: int = 8
    #: A task is sent with each partition if that takes at most this number of bytes.
    #: Workers would have to ask for it.
    embedded_bytes: int = 1 << 20
    #: Maximum number of bytes of the partitions that one task processes. A worker that
    #: has moved them to disk must read all of them for the task. A task costs 2 ms in
    #: the scheduler, this process and the worker together. A sum over 256 MB takes
    #: 50 ms.
    group_bytes: int = 1 << 28
    #: Maximum number of bytes of the sums of all partitions, with a matrix each, that
    #: are added up in this process. The workers add up larger ones.
    added_bytes: int = 1 << 24
    #: Maximum number of bytes of a sample of the rows, which is copied to this process.
    sample_bytes: int = 1 << 26
    #: Number of rows that all partitions together offer for a look at a few, at least.
    look_rows: int = 128
    #: Number of these that are kept, spread over all.
    kept_rows: int = 64


#: The sizes of a fit.
PARTITION_SIZES = PartitionSizes()


@dataclass
class Meter:
    """Counts the passes over the whole of X so far."""

    passes: float = 0.0


@dataclass(frozen=True)
class Costs:
    """What operations on a design cost, in passes over X.

    Attributes
    ----------
    n_values : int
        Number of values stored in X.
    gram : float
        A Gram matrix Xᵀ D X.
    gram_float32 : float
        One in single precision.
    """

    n_values: int
    gram: float
    gram_float32: float

    @classmethod
    def of_dense(cls, n_values: int, n_features: int) -> "Costs":
        """Return the costs for a dense X."""
        products = n_features / _GEMM_PER_READ
        return cls(n_values, 1.0 + products, 1.0 + 0.5 * products)

    @classmethod
    def of_sparse(cls, n_values: int, pairs_per_value: float) -> "Costs":
        """Return the costs for a sparse X, given the mean length of a value's row."""
        gram = _SPARSE_PAIR * pairs_per_value
        return cls(n_values, gram, _SPARSE_FLOAT32 * gram)

    @property
    def gram_is_cheap(self) -> bool:
        """Whether a Gram matrix takes no longer than to wake a thread."""
        return self.n_values * self.gram <= BLOCK_SIZES.values_per_thread

    def factor(self, n_dof: int) -> float:
        """Return the cost of a Cholesky factor."""
        return n_dof**3 / (_CUBE_PER_READ * max(1, self.n_values))

    def preconditioner(self, n_dof: int) -> float:
        """Return the cost of a Hessian and its factor in single precision."""
        return 0.5 * self.factor(n_dof) + self.gram_float32

    def solve(self, n_dof: int) -> float:
        """Return the cost of solving a system, given the factor.

        It reads half of the matrix twice.
        """
        return n_dof**2 / max(1, self.n_values)
