"""Dask collections: their checks, their partitions and their graph."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.utils.validation import validate_data

from sk_logreg._design._partition_data import Layout
from sk_logreg._design._partition_sources import client_of, groups_of, is_future
from sk_logreg._design._partitions import Partitions
from sk_logreg._execution import ThreadExecutor


def is_dask(value: Any) -> bool:
    """Return whether a value is a collection of dask, without importing dask."""
    package = type(value).__module__.partition(".")[0]
    return package in ("dask", "dask_expr") and hasattr(value, "__dask_graph__")


def is_frame(value: Any) -> bool:
    """Return whether a dask collection is a data frame or a series."""
    return not hasattr(value, "chunks")


def checked(
    estimator: Any, given: dict[str, Any], *, reset: bool
) -> tuple[dict[str, Any], np.dtype[Any], int]:
    """Return the collections, one block of columns each, the dtype and n_features."""
    for name, value in given.items():
        if not is_dask(value):
            raise ValueError(
                f"{name} must be a dask collection, since others are, of the same "
                f"partitions; got {type(value).__name__}."
            )
        wanted = 2 if name == "X" else 1
        if value.ndim != wanted:
            raise ValueError(
                f"{name} must have {wanted} dimension{'s' * (wanted > 1)}, but has "
                f"{value.ndim}."
            )
    X = given["X"]
    dtype, n_features = check_features(estimator, X, reset=reset)
    if not is_frame(X) and X.numblocks[1] > 1:
        given = given | {"X": X.rechunk({1: -1})}
    _check_partitions(given)
    return given, dtype, n_features


def check_features(estimator: Any, X: Any, *, reset: bool) -> tuple[np.dtype[Any], int]:
    """Check the columns of a dask X; return the type of its values and their number."""
    n_features = X.shape[1]
    if np.isnan(n_features):
        raise ValueError("X must have a known number of columns.")
    if n_features == 0:
        raise ValueError("X has 0 features, but at least 1 is required.")
    seen = X._meta if is_frame(X) else np.empty((0, n_features))
    validate_data(estimator, seen, reset=reset, skip_check_array=True)
    dtypes = list(X.dtypes) if is_frame(X) else [X.dtype]
    if any(getattr(dtype, "kind", "O") in "cmM" for dtype in dtypes):
        raise ValueError(f"X must hold real numbers, got {dtypes}.")
    known = all(isinstance(dtype, np.dtype) for dtype in dtypes)
    narrow = known and np.result_type(*dtypes) == np.float32
    return np.dtype(np.float32 if narrow else np.float64), int(n_features)


def _check_partitions(given: dict[str, Any]) -> None:
    """Raise a ValueError if the partitions of collections do not match."""
    X = given["X"]
    for name, value in given.items():
        if value.npartitions != X.npartitions:
            raise ValueError(
                f"{name} has {value.npartitions} partitions, but X has "
                f"{X.npartitions}. Give them the same: take them out of one data "
                "frame, or use rechunk or repartition."
            )
        if is_frame(X) or is_frame(value):
            continue
        wrong = [
            (i, a, b)
            for i, (a, b) in enumerate(zip(value.chunks[0], X.chunks[0], strict=True))
            if a != b and not (np.isnan(a) or np.isnan(b))
        ]
        if wrong:
            i, a, b = wrong[0]
            raise ValueError(
                f"Partition {i} of {name} has {a} rows, but that of X has {b}. Give "
                f"them the same chunks: {name}.rechunk((X.chunks[0],))."
            )


def of_frames(function: Callable[..., Any], *frames: Any, **options: Any) -> Any:
    """Return a function of the partitions of data frames, in one expression.

    dask may divide frames of different columns, read from the same files, differently.
    """
    options |= {"align_dataframes": False, "enforce_metadata": False}
    return import_module("dask.dataframe").map_partitions(function, *frames, **options)


def _packed(*blocks: Any) -> tuple[Any, ...]:
    """Return the partitions of data frames as one."""
    return blocks


def partitions_of(
    given: dict[str, Any], executor: ThreadExecutor
) -> tuple[Partitions, Partitions, Layout]:
    """Return the partitions of all collections, and those of X alone.

    Partitions of data frames are taken out of one expression, see `of_frames`.
    """
    get = import_module("dask.base").get_scheduler(collections=list(given.values()))
    client = client_of(get)
    on_cluster = client is not None
    arrays = {name: value for name, value in given.items() if not is_frame(value)}
    frames = {name: value for name, value in given.items() if is_frame(value)}
    collections = dict(arrays)  # before the frames, see `_graph`
    if len(frames) > 1:
        values = list(frames.values())
        collections[""] = of_frames(_packed, *values, meta=values[0]._meta)
    else:
        collections |= frames
    names = tuple(name for name in collections if name)
    layout = Layout(names, tuple(frames) if "" in collections else ())
    graph, keys = _graph(list(collections.values()), on_cluster)
    if len({len(k) for k in keys}) > 1:
        found = {n: len(k) for n, k in zip(collections, keys, strict=True)}
        raise ValueError(f"The partitions do not match: {found}.")
    of_each = [list(k) for k in zip(*keys, strict=True)]
    alone, [of_x] = _graph([given["X"]], on_cluster)
    if len(of_x) != len(of_each):  # alone, X would be divided differently
        alone = graph
        of_x = keys[list(collections).index("X" if "X" in collections else "")]
    groups = None
    if on_cluster:
        groups = groups_of(client, alone, of_x, 8.0 * (given["X"].shape[1] + 1) ** 2)
    return (
        Partitions(graph, of_each, get, executor, groups),
        Partitions(alone, [[k] for k in of_x], get, executor, groups),
        layout,
    )


def _graph(
    collections: list[Any], on_cluster: bool
) -> tuple[dict[Any, Any], list[list[Any]]]:
    """Return the optimized low-level graph of collections, and their blocks' keys."""
    graph: dict[Any, Any] = {}
    for collection in collections:  # optimized, persisted blocks may have no entry
        entries = dict(collection.__dask_graph__())
        graph |= {key: value for key, value in entries.items() if is_future(value)}
    closed = any(future.client.status != "running" for future in graph.values())
    if closed or (graph and not on_cluster):
        raise ValueError(
            "The data are persisted on a cluster whose client is closed, or is not the "
            "scheduler that dask is set to."
        )
    keys = _keys(collections)
    if not all(key in graph for some in keys for key in some):
        arrays = [c for c in collections if not is_frame(c)]
        arrays = import_module("dask").optimize(*arrays)
        frames = [c.optimize() for c in collections if is_frame(c)]
        optimized = [*arrays, *frames]  # the frames, if any, were last
        keys = _keys(optimized)
        for collection in optimized:
            graph |= dict(collection.__dask_graph__())
    return graph, keys


def _keys(collections: list[Any]) -> list[list[Any]]:
    """Return the keys of the blocks of collections."""
    flatten = import_module("dask.core").flatten
    return [list(flatten(c.__dask_keys__())) for c in collections]
