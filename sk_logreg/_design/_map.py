"""The map over the rows and its reduction: all sums over X go through `read`.

A function of a map is a function of a module, not a closure. It gets a block of X, the
entries of its rows, its part of each row vector and arrays of the size of the
coefficients, and changes none of them. It returns a tuple of sums, if any, to be added
over the blocks, and fills the arrays `out`, one per row vector that is kept. So an
executor may run it in a thread, in another process or on another machine.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Vector
from sk_logreg._design._base import slices
from sk_logreg._design._vectors import RowVector
from sk_logreg._execution import ThreadExecutor, blas_threads

if TYPE_CHECKING:
    from sk_logreg._design._rows import Rows

Function = Callable[..., tuple[Any, ...] | None]
#: Some rows, and their block if X is read.
Stretches = Iterator[tuple[slice, tuple[Any, ...]]]
#: Sums over the rows, and row vectors.
Result = tuple[list[Any], list[RowVector]]


class GroupSums(dict[tuple[int, int], list[Any]]):
    """Sums over the rows of some groups, by group and call; those of several are added.

    A group without rows has no entry.
    """

    def __add__(self, other: "GroupSums") -> "GroupSums":
        both = GroupSums({**self, **other})
        for key in self.keys() & other.keys():
            both[key] = [a + b for a, b in zip(self[key], other[key], strict=True)]
        return both


def read(
    rows: "Rows",
    executor: ThreadExecutor,
    function: Function,
    vectors: Sequence[RowVector] = (),
    args: tuple[Any, ...] = (),
    *,
    n_kept: int = 0,
    shape: tuple[int, ...] = (),
    for_gram: bool = False,
    of_point: bool = False,
) -> Result:
    """Apply a function to each block of X, in one pass over X.

    It is called as ``function(block, part, *row_vector_parts, *args)``, see above, with
    an `out` if row vectors are kept, `n_kept` of them, which have an array of some
    `shape` per row in place of a number. With `for_gram`, blocks have the size that
    suits Gram matrices. Each worker adds up its own stretch of blocks, in order, and
    the stretches are added in order too: the result depends on nothing but their
    number. With `of_point`, what is kept are the margins at the point that `args`
    begin with; over partitions, they may be found only when they are asked for.
    """
    del of_point
    design = rows.design
    block_rows = design.gram_rows if for_gram else design.block_rows

    def stretches(chunk: slice) -> Stretches:
        for block in design.blocks(chunk, block_rows):
            yield block.rows, (block,)

    return _reduce(rows, executor, stretches, function, vectors, args, n_kept, shape)


def scan(
    rows: "Rows",
    executor: ThreadExecutor,
    function: Function,
    vectors: Sequence[RowVector] = (),
    args: tuple[Any, ...] = (),
    *,
    n_kept: int = 0,
) -> Result:
    """Apply a function to row vectors alone, without reading X; see `read`."""

    def stretches(chunk: slice) -> Stretches:
        for part in slices(chunk.start, chunk.stop, rows.design.sizes.stretch):
            yield part, ()

    return _reduce(rows, executor, stretches, function, vectors, args, n_kept)


def gram_float32(
    rows: "Rows", curvature: RowVector, scale: Vector
) -> NDArray[np.float32]:
    """Return a Gram matrix in single precision, in one pass over X.

    Its rows and columns are multiplied by `scale`. Only the lower triangle counts. No
    curvature may be negative. By one Python thread and BLAS's own threads, since a sum
    per Python thread would take twice the memory.
    """
    design, n_dof = rows.design, len(scale)
    total = np.zeros((n_dof, n_dof), dtype=np.float32, order="F")
    with blas_threads():
        for block in design.blocks(slice(0, design.n_samples), design.gram_rows):
            roots = np.sqrt(curvature.values[block.rows])
            total = block.add_gram(total, roots, scale)
    return total


def _reduce(
    rows: "Rows",
    executor: ThreadExecutor,
    stretches: Callable[[slice], Stretches],
    function: Function,
    vectors: Sequence[RowVector],
    args: tuple[Any, ...],
    n_kept: int,
    shape: tuple[int, ...] = (),
) -> Result:
    """Apply a function to each stretch of rows; add its sums, keep its row vectors."""
    # The numbers of a column are next to one another.
    kept = [np.empty((*shape, rows.design.n_samples)).T for _ in range(n_kept)]

    def over(chunk: slice) -> list[Any]:
        total: list[Any] = []
        for where, block in stretches(chunk):
            parts = [vector.values[where] for vector in vectors]
            out = {"out": [whole[where] for whole in kept]} if kept else {}
            sums = function(*block, rows.part(where), *parts, *args, **out)
            _add(total, sums or ())
        return total

    total, *others = executor.map(over, rows.design.chunks(executor.n_threads))
    for other in others:
        _add(total, other)
    return total, [RowVector(whole) for whole in kept]


def _add(total: list[Any], sums: Sequence[Any]) -> None:
    """Add numbers and arrays to a total, the arrays in place, or begin a total."""
    if not total:
        total += sums
        return
    for k, part in enumerate(sums):
        total[k] += part
