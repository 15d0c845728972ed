"""Tasks on the partitions of dask collections, and sums over them.

A partition is a unit of work. Per round there is one task per partition, or one for
some that a worker holds, see `groups_of`. Sums are added in a tree that depends on the
number of partitions alone, so that results are identical from run to run. What has an
entry per row stays where its partition was processed: in this process with dask's local
schedulers, on a worker with `distributed`.
"""

import pickle
from collections.abc import Callable, Sequence
from importlib import import_module
from itertools import chain, count
from typing import Any
from uuid import uuid4

from sk_logreg._design._costs import (
    BLOCK_SIZES,
    PARTITION_SIZES,
    SIZES_ON_WORKERS,
    Meter,
)
from sk_logreg._design._partition_sources import Source, client_of, sources_of
from sk_logreg._design._partition_sums import (
    Result,
    add_tree,
    forget,
    sums_of,
    tree_sum,
)
from sk_logreg._execution import ThreadExecutor

#: What a task has left on the partitions of a group: a dict of the `Result` of each by
#: its number, or a future of one.
Handle = Any

#: A task. It is called with the number of a partition, the blocks of the collections or
#: None, and the results of earlier tasks on the same partition.
Task = Callable[..., Result]


class Partitions:
    """The partitions of some dask collections, and the scheduler for tasks on them.

    Parameters
    ----------
    graph : dict
        A low-level graph, optimized once, that has all blocks of the collections.
    keys : list of list
        The keys of the blocks of each partition.
    get : callable
        The scheduler's function that computes keys of a graph.
    executor : ThreadExecutor
        Runs tasks that do not read the collections, if they run in this process.
    groups : list of list of int, default=None
        The partitions that are processed by one task, see `groups_of`. Handles are
        of these. By default, each partition alone.
    """

    def __init__(
        self,
        graph: dict[Any, Any],
        keys: list[list[Any]],
        get: Callable[..., Any],
        executor: ThreadExecutor,
        groups: list[list[int]] | None = None,
    ):
        self._sources, self._graph = sources_of(graph, keys)
        self._get, self.executor, self._client = get, executor, client_of(get)
        self._name, self._rounds = f"sk_logreg-{uuid4().hex}", count()
        self._adds_here = groups is not None
        self._groups = groups or [[i] for i in range(len(keys))]
        #: The position of the group of each partition.
        self._places = {i: g for g, group in enumerate(self._groups) for i in group}
        if self._client is not None and isinstance(self._sources[0], Source):
            # They may hold data, which are sent once.
            named = {(self._name, i): some for i, some in enumerate(self._sources)}
            self._sources = self._client.get(named, list(named), sync=False)
        # The sums of the last round on a cluster. To release them before the next round
        # is submitted would delay it by the interval between messages, 10 ms.
        self._last: list[Handle] = []
        #: The sizes of blocks of X.
        self.sizes = BLOCK_SIZES if self._client is None else SIZES_ON_WORKERS
        #: Counts the passes over the partitions.
        self.meter = Meter()

    def __len__(self) -> int:
        return len(self._sources)

    def run(
        self,
        task: Task,
        *held: Sequence[Handle],
        read: bool = False,
        keep: bool = False,
        only: Sequence[int] | None = None,
        apart: bool = False,
        matrices: bool = False,
    ) -> tuple[list[Any], list[Handle]]:
        """Run a task on each partition; return the sums, and handles to the results.

        Parameters
        ----------
        task : callable
            See `Task`.
        *held : sequence of handles
            Results of earlier tasks that are passed to the task.
        read : bool, default=False
            Whether the task gets the blocks of the collections.
        keep : bool, default=False
            Whether its results are kept.
        only : sequence of int, default=None
            The partitions that matter; by default all.
        apart : bool, default=False
            Whether results are added here: if their sum is as large as all of them.
        matrices : bool, default=False
            Whether sums are larger than vectors.
        """
        wanted = range(len(self)) if only is None else set(only)
        parts_of = ([i for i in group if i in wanted] for group in self._groups)
        groups = list(filter(None, parts_of))
        numbers = [i for group in groups for i in group]
        if not numbers:
            return [], []
        if read:
            self.meter.passes += len(numbers) / len(self)
        limits = PARTITION_SIZES
        fan_in = limits.matrix_fan_in if matrices else limits.fan_in
        if self._client is None and not read:
            return self._run_here(task, held, numbers, fan_in)
        name, graph, keys = self._tasks(task, held, groups, read, keep)
        kept, parts = keys if keep else [], keys
        if keep and self._client is not None:
            # Otherwise the row vectors would travel with the sums.
            parts = [(f"{name}-sums", *key[1:]) for key in keys]
            graph |= {p: (sums_of, k) for p, k in zip(parts, keys, strict=True)}
        if not (apart or self._adds_here):
            parts = add_tree(graph, name, parts, fan_in, 1 if matrices else fan_in)
        if self._client is None:
            found, results = self._get(graph, [parts, kept])
        else:
            found, results = self._run_on_cluster(graph, parts, kept)
        if self._adds_here:
            sums = dict(zip(numbers, chain.from_iterable(found), strict=True))
            found = [[sums[i]] for i in sorted(sums)]
        total = tree_sum(found, fan_in)
        if self._client is None:
            forget(results)
        return total, results

    def delayed(self, task: Callable[..., Any], *held: Sequence[Handle]) -> list[Any]:
        """Return what a task that reads the collections returns, as delayed values."""
        alone = [[i] for i in range(len(self))]
        name, graph, keys = self._tasks(task, held, alone, True, True)
        parts = [(f"{name}-part", i) for i in range(len(self))]
        graph |= {p: (_only_of, k) for p, k in zip(parts, keys, strict=True)}
        of_dask = import_module("dask.delayed").Delayed
        return [of_dask(part, graph) for part in parts]

    def _tasks(
        self,
        task: Callable[..., Any],
        held: Sequence[Sequence[Handle]],
        groups: list[list[int]],
        read: bool,
        keep: bool,
    ) -> tuple[str, dict[Any, Any], list[Any]]:
        """Return the name, the graph and the keys of a task on parts of groups."""
        name = f"{self._name}-{next(self._rounds)}"
        graph: dict[Any, Any] = dict(self._graph) if read else {}
        shared: Any = task
        if self._client is not None:  # the scheduler does not look into bytes
            shared = import_module("cloudpickle").dumps(task)
        if (
            self._client is None
            or len(shared) * len(groups) > PARTITION_SIZES.embedded_bytes
        ):
            graph[name], shared = shared, name
        keys: list[Any] = []
        for group in groups:
            sources = [self._sources[i] for i in group] if read else None
            results = [some[self._places[group[0]]] for some in held]
            key = (name, group[0])
            graph[key] = (_called, shared, keep, group, sources, *results)
            keys.append(key)
        return name, graph, keys

    def _run_here(
        self,
        task: Task,
        held: Sequence[Sequence[Handle]],
        numbers: Sequence[int],
        fan_in: int,
    ) -> tuple[list[Any], list[Handle]]:
        """Run a task that does not read the collections in threads of this process."""

        def call(i: int) -> Handle:
            return _called(task, True, [i], None, *(handles[i] for handles in held))

        results = self.executor.map(call, list(numbers))
        total = tree_sum(results, fan_in)
        forget(results)
        return total, results

    def _run_on_cluster(
        self, graph: dict[Any, Any], parts: list[Any], kept: list[Any]
    ) -> tuple[list[Any], list[Handle]]:
        """Run a graph on the workers; an interrupt cancels what was submitted."""
        assert self._client is not None
        found, futures = self._client.get(graph, [parts, kept], sync=False)
        self._last = found
        try:
            return self._client.gather(found), futures
        except BaseException:
            pending = [f for f in (*found, *futures) if f.status == "pending"]
            self._client.cancel(pending)
            raise


def _called(
    task: Any, keep: bool, numbers: list[int], sources: Any, *held: dict[int, Result]
) -> dict[int, Result] | list[Any]:
    """Run a task on some partitions, given their blocks or what computes them.

    Returns the sums of each alone unless what stays with them is kept.
    """
    if isinstance(task, bytes):
        task = pickle.loads(task)
    found: dict[int, Any] = {}
    for k, i in enumerate(numbers):
        source = None if sources is None else sources[k]
        blocks = source.blocks() if isinstance(source, Source) else source
        result = task(i, blocks, *(results[i] for results in held))
        found[i] = result if keep else result.sums
    return found if keep else list(found.values())


def _only_of(results: dict[int, Any]) -> Any:
    """Return the result of the only partition."""
    [result] = results.values()
    return result
