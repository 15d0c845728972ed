"""Lazy predictions, and what else has a row per row of a dask collection."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Vector
from sk_logreg._compat import import_pandas
from sk_logreg._dask._collections import (
    checked,
    is_dask,
    is_frame,
    of_frames,
    partitions_of,
)
from sk_logreg._design._partition_data import Layout
from sk_logreg._design._partition_tasks import matrix_of
from sk_logreg._execution import ThreadExecutor


def _z(block: Any, *offset: Any, w: Vector, b: Any, kind: np.dtype[Any]) -> Vector:
    """Return wᵀx + b of the rows of a block, plus a block of an offset."""
    z = matrix_of(block, kind) @ w + b
    if not offset:
        return z
    added = to_float64(offset[0]).ravel()
    if added.shape != z.shape:
        raise ValueError(
            f"A partition of offset has {len(added)} rows, but that of X has {len(z)}."
        )
    return z + added


def _series(X: Any, *offset: Any, **options: Any) -> Any:
    """Return the same for blocks of data frames, as a series."""
    return import_pandas("dask.dataframe").Series(_z(X, *offset, **options), X.index)


def lazy_decision(estimator: Any, X: Any, w: NDArray[Any], b: Any, offset: Any) -> Any:
    """Return the linear predictions for a dask X as a dask array."""
    given = {"X": X} if offset is None else {"X": X, "offset": offset}
    given, dtype, _ = checked(estimator, given, reset=False)
    wide = offset is not None or w.dtype == np.float64
    meta = np.empty(0, dtype=np.float64 if wide else dtype)
    options: Any = {"w": w, "b": b, "kind": dtype}
    if all(map(is_frame, given.values())):
        series = import_pandas("dask.dataframe").Series(meta)
        frames = given.values()
        return of_frames(_series, *frames, meta=series, **options).to_dask_array()
    X, *others = (
        value.to_dask_array() if is_frame(value) else value for value in given.values()
    )
    options |= {"drop_axis": 1, "chunks": (X.chunks[0],), "meta": meta}
    return X.map_blocks(_z, *(other[:, None] for other in others), **options)


def per_row(
    function: Callable[..., NDArray[Any]],
    z: Any,
    *args: Any,
    dtype: np.dtype[Any] | None = None,
    n_columns: int | None = None,
) -> Any:
    """Return a function of z, lazily if z is a dask array.

    It has `n_columns` columns or, without, one dimension, and the type of z by default.
    """
    if not is_dask(z):
        return function(z, *args)
    shape: tuple[int, ...] = (0,) if n_columns is None else (0, n_columns)
    options: Any = {"meta": np.empty(shape, dtype=z.dtype if dtype is None else dtype)}
    if n_columns is not None:
        options |= {"new_axis": 1, "chunks": (z.chunks[0], (n_columns,))}
    return z.map_blocks(function, *args, **options)


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Calls a function with the blocks of a partition by their names."""

    function: Callable[..., Any]
    layout: Layout

    def __call__(self, i: int, blocks: Any) -> Any:
        del i
        return self.function(**self.layout.blocks(blocks))


def delayed_parts(
    estimator: Any, given: dict[str, Any], function: Callable[..., Any]
) -> list[Any]:
    """Return a function of the blocks of collections, delayed, one per partition.

    `given` are X and others by name, with which the function is called.
    """
    given = {name: value for name, value in given.items() if value is not None}
    given, _, _ = checked(estimator, given, reset=False)
    everything, _, layout = partitions_of(given, ThreadExecutor())
    return everything.delayed(_Blocks(function, layout))


def lazy_frame(parts: list[Any], columns: Sequence[str], index: Any) -> Any:
    """Return a lazy data frame of float64, given its delayed partitions.

    `index` is an empty index of its type, or None for row numbers.
    """
    pandas, nothing = import_pandas("Inference"), np.empty((0, len(columns)))
    empty = pandas.DataFrame(nothing, index, list(columns))
    frames = import_module("dask.dataframe")
    return frames.from_delayed(parts, meta=empty, verify_meta=False)
