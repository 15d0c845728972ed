"""What a task does on one partition that reads X: the maps in memory, some rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design._base import Design, Dimensions
from sk_logreg._design._clusters import cluster_gram
from sk_logreg._design._coordinates import Coordinates
from sk_logreg._design._costs import BLOCK_SIZES, BlockSizes
from sk_logreg._design._dense import DenseDesign
from sk_logreg._design._map import Function, read, scan
from sk_logreg._design._partition_sums import Result, Returned
from sk_logreg._design._partition_vectors import within
from sk_logreg._design._rows import Rows
from sk_logreg._design._sparse import SparseDesign
from sk_logreg._design._vectors import Extremes, Largest, RowPart, RowVector
from sk_logreg._execution import ThreadExecutor

#: Returns the entries of the rows of a partition, given its number and what is kept.
Finisher = Callable[[int, Any], RowPart]


def matrix_of(block: Any, dtype: np.dtype[Any]) -> Any:
    """Return a block of X, also a data frame, as an array or CSR, of a dtype.

    Workers may hold arrays that they received at odd addresses. These are copied, since
    BLAS and SciPy would copy them for each product.
    """
    if sparse.issparse(block):
        matrix: Any = block
        matrix = matrix.tocsr()
        matrix = matrix.astype(dtype, copy=not matrix.data.flags.aligned)
        if not (matrix.indices.flags.aligned and matrix.indptr.flags.aligned):
            matrix = matrix.copy()
        return matrix
    if hasattr(block, "to_numpy"):
        try:
            block = block.to_numpy(dtype=dtype)
        except (TypeError, ValueError):  # missing values of a nullable type
            block = block.to_numpy(dtype=dtype, na_value=np.nan)
    return np.require(block, dtype, ["ALIGNED"])


@dataclass(frozen=True, eq=False)
class View:
    """How blocks of X are seen: their type, their coordinates, which of the columns."""

    dtype: np.dtype[Any]
    n_features: int
    coordinates: Coordinates | None = None
    chosen: Indices | None = None
    sizes: BlockSizes = BLOCK_SIZES
    #: Whether X is not read: all of its values are zero.
    is_zero: bool = False

    def matrix(self, i: int, blocks: Any, part: RowPart) -> Any:
        """Return the X of a partition; a ValueError if it has changed."""
        shape = len(part.signs), self.n_features
        if self.is_zero:
            return np.zeros(shape)
        X = matrix_of(_x_of(blocks), self.dtype)
        if X.shape != shape:
            raise ValueError(
                f"Partition {i} of X has the shape {X.shape}, but {shape} is expected: "
                "all reads of X must give the same rows."
            )
        return X

    def design(self, X: Any) -> Design:
        """Return the design of an array or CSR of all columns."""
        if not X.shape[0]:  # a sparse design has mean lengths of rows
            X = np.empty(X.shape)
        kind: Any = SparseDesign if sparse.issparse(X) else DenseDesign
        design: Design = kind(X, coordinates=self.coordinates, sizes=self.sizes)
        return design if self.chosen is None else design.columns(self.chosen)

    def rows(self, i: int, blocks: Any, part: RowPart) -> Rows:
        """Return the rows of a partition; a ValueError if X has changed."""
        return Rows(self.design(self.matrix(i, blocks, part)), *part)


def _x_of(blocks: list[Any]) -> Any:
    """Return the block of X: the first one, or the first entry of a tuple there."""
    first = blocks[0]
    return first[0] if isinstance(first, tuple) else first


@dataclass(frozen=True, eq=False)
class RowsTask:
    """Calls a function of a module with the rows of a partition.

    It is called as ``function(i, rows, row_vectors, *args)``, with `rows` a `RowPart`
    if there is no `view`. `places` says which of the row vectors that each earlier
    result holds is meant. `finish` returns the entries of the rows, if what is kept is
    not these.
    """

    function: Callable[..., Returned]
    args: tuple[Any, ...] = ()
    places: tuple[int, ...] = ()
    view: View | None = None
    finish: Finisher | None = None

    def __call__(self, i: int, blocks: Any, state: Result, *results: Result) -> Result:
        vectors = [r.held[k] for r, k in zip(results, self.places, strict=True)]
        # Sums that are not finite show an overflow, as in memory.
        with np.errstate(all="ignore"):
            rows: Any = _entries(self.finish, i, state)
            if self.view is not None:
                rows = self.view.rows(i, blocks, rows)
            return Result(*self.function(i, rows, vectors, *self.args))


def _entries(finish: Finisher | None, i: int, state: Result) -> RowPart:
    """Return the entries of the rows of a partition."""
    with np.errstate(all="ignore"):
        part: RowPart = state.held if finish is None else finish(i, state.held)
    return part


@dataclass(frozen=True, eq=False)
class FinishTask:
    """Calls a function with X, the rows before it and what a task has kept."""

    task: RowsTask
    starts: Indices
    finish: Callable[..., Any]

    def __call__(self, i: int, blocks: Any, state: Result) -> Any:
        held = self.task(i, blocks, state).held
        return self.finish(_x_of(blocks), int(self.starts[i]), held)


class _Entries(Dimensions):
    """The dimensions of a partition whose X is not read."""

    def __init__(self, n_samples: int):
        self.n_samples, self.sizes = n_samples, BLOCK_SIZES

    def chunks(self, n_workers: int) -> Sequence[slice]:
        del n_workers
        return [slice(0, self.n_samples)]


def read_part(
    i: int,
    rows: Rows,
    vectors: list[Vector],
    function: Function,
    args: tuple[Any, ...],
    n_kept: int,
    for_gram: bool,
) -> Returned:
    """Apply a function of a map to all blocks of a partition.

    The sums end with the extremes of each vector that is kept.
    """
    of_rows = [RowVector(v) for v in vectors]
    options: Any = {"n_kept": n_kept, "for_gram": for_gram}
    return _returned(*read(rows, ThreadExecutor(), function, of_rows, args, **options))


def scan_part(
    i: int,
    part: RowPart,
    vectors: list[Vector],
    function: Function,
    args: tuple[Any, ...],
    n_kept: int,
) -> Returned:
    """Apply a function of a map to the row vectors of a partition; see `read_part`."""
    entries: Any = _Entries(len(part.signs))
    of_rows = [RowVector(v) for v in vectors]
    rows = Rows(entries, *part)
    return _returned(
        *scan(rows, ThreadExecutor(), function, of_rows, args, n_kept=n_kept)
    )


def _returned(sums: Sequence[Any], kept: Sequence[RowVector]) -> Returned:
    """Return what a map finds, and the extremes of what is kept, if any."""
    values = [v.values for v in kept]
    extremes = [Extremes.of(v) for v in values if len(v)]
    return [*sums, *extremes], values


def groups_part(
    i: int,
    rows: Rows,
    vectors: list[Vector],
    function: Function,
    args: Sequence[Sequence[tuple[Any, ...]]],
    options: dict[str, Any],
) -> Returned:
    """Sum a function of a map over the rows of each group."""
    group = RowVector(vectors[0])
    return [rows.read_groups(ThreadExecutor(), function, group, args, **options)], None


def gram_float32_part(
    i: int, rows: Rows, vectors: list[Vector], scale: Vector
) -> Returned:
    """Sum a Gram matrix in single precision."""
    return [rows.gram_float32(RowVector(vectors[0]), scale)], None


def cluster_gram_part(
    i: int, rows: Rows, vectors: list[Vector], spread: NDArray[np.bool_]
) -> Returned:
    """Sum the Gram matrix over the clusters, and find the sums over those spread."""
    u, codes = vectors
    return cluster_gram(rows, u, codes, spread), None


# ------------------------------------------------------------------ some of the rows


@dataclass(frozen=True, eq=False)
class PieceTask:
    """Gathers some rows of a partition: `select` says which, see `chosen`, `drawn`.

    Returns their positions in X, values and other entries. These are in lists, since
    `distributed` does not copy arrays in lists to send them, but those in objects.
    """

    select: Callable[..., Indices]
    args: tuple[Any, ...]
    starts: Indices
    view: View
    finish: Finisher | None = None

    def __call__(self, i: int, blocks: Any, state: Result) -> Result:
        part = _entries(self.finish, i, state)
        X = self.view.matrix(i, blocks, part)
        rows = Rows(self.view.design(X), *part)
        where = self.select(i, part, self.starts, *self.args)
        return Result([[[self.starts[i] + where, X[where], *rows.part(where)]]])


def chosen(i: int, part: RowPart, starts: Indices, rows: Indices) -> Indices:
    """Return those of some sorted rows that are in the partition."""
    return within(i, starts, rows)


def drawn(
    i: int, part: RowPart, starts: Indices, shares: tuple[float, float]
) -> Indices:
    """Draw rows of positive weight: a share of each class, see `Strata`."""
    rng = np.random.default_rng((0, i))
    found = []
    for share, sign in zip(shares, (-1, 1), strict=True):
        rows = _spread(rng, int(starts[i]), int(starts[i + 1]), share) - starts[i]
        kept = (part.signs[rows] == sign) & (part.weights[rows] > 0.0)
        found.append(rows[kept])
    return np.sort(np.concatenate(found))


def _spread(
    rng: np.random.Generator, start: int, stop: int, share: float
) -> NDArray[np.intp]:
    """Return a row from each of equal stretches of all rows that begin in a range."""
    if share <= 0.0:
        return np.zeros(0, dtype=np.intp)
    numbers = np.arange(np.ceil(start * share), np.ceil(stop * share))
    low = np.clip(np.ceil(numbers / share), start, None)
    high = np.clip(np.ceil((numbers + 1.0) / share), None, stop)
    some = low < high
    low, high = low[some], high[some]
    # No row belongs to two stretches: the bound requires distinct rows.
    return (low + np.floor(rng.random(len(low)) * (high - low))).astype(np.intp)


# ---------------------------------------------------------------------- all of X


def sizes_part(i: int, rows: Rows, vectors: list[Vector]) -> Returned:
    """Find the largest absolute value of each column."""
    design, sizes = rows.design, np.zeros(rows.design.n_features)
    every = np.arange(design.n_features)
    for block in design.blocks(slice(0, design.n_samples)):
        values: Matrix = block.columns(every)
        np.maximum(sizes, np.abs(values).max(axis=0), out=sizes)
    return [Largest(sizes)], None


def not_finite_part(i: int, rows: Rows, vectors: list[Vector], name: str) -> Returned:
    """Find what is wrong with a partition that holds NaN or infinity."""
    design = rows.design
    every = np.arange(design.n_features)
    for block in design.blocks(slice(0, design.n_samples)):
        try:
            assert_all_finite(block.columns(every), estimator_name=name, input_name="X")
        except ValueError as error:
            return [[(i, str(error))]], None
    return [[]], None
