"""Where the partitions of dask collections come from, and which workers hold them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from itertools import chain
from typing import Any

from sk_logreg._design._costs import PARTITION_SIZES


@dataclass(frozen=True, eq=False)
class Source:
    """Computes the blocks of one partition, from a graph of all that they depend on."""

    graph: dict[Any, Any]
    keys: list[Any]

    def blocks(self) -> list[Any]:
        """Return the blocks."""
        return list(import_module("dask.local").get_sync(self.graph, self.keys))


def client_of(get: Callable[..., Any]) -> Any:
    """Return the client that a scheduler's function is of, None without a cluster."""
    client = getattr(get, "__self__", None)
    return client if hasattr(client, "scheduler_info") else None


def is_future(value: Any) -> bool:
    """Return whether a value of a graph is a future of `distributed`."""
    return type(value).__module__.partition(".")[0] == "distributed"


def sources_of(
    graph: dict[Any, Any], keys: list[list[Any]]
) -> tuple[list[Any], dict[Any, Any]]:
    """Return what each partition is computed from, and a graph that they all need.

    That is a `Source` where partitions share no part of the graph, so that each round
    has one task per partition. Otherwise it is the keys of the blocks.
    """
    if any(is_future(value) for value in graph.values()):
        # A persisted block is passed as the future that the graph has for it.
        sources = [[_persisted(graph, key) for key in some] for some in keys]
        return sources, {} if all(map(is_future, chain(*sources))) else graph
    cull = import_module("dask.optimization").cull
    parts = [cull(graph, some)[0] for some in keys]
    if sum(map(len, parts)) > len(set().union(*parts)):
        return list(keys), graph
    return [Source(part, some) for part, some in zip(parts, keys, strict=True)], {}


def groups_of(
    client: Any, graph: dict[Any, Any], keys: list[Any], n_bytes: float
) -> list[list[int]] | None:
    """Return the partitions of X that are processed by one task.

    Those that a worker holds, as many groups of them as it has threads, or more if
    these would be large. None if some are not persisted, or if sums of `n_bytes` for
    each partition, matrices included, have no room in this process.
    """
    limits, blocks = PARTITION_SIZES, [_persisted(graph, key) for key in keys]
    have_room = n_bytes * len(blocks) <= limits.added_bytes
    if not (have_room and all(map(is_future, blocks))):
        return None
    import_module("distributed").wait(blocks)
    names = [block.key for block in blocks]
    workers, threads = client.who_has(blocks), client.nthreads()
    sizes = client.nbytes(names, summary=False)
    held: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if not workers.get(name):  # it failed, or a worker was lost
            return None
        held.setdefault(min(workers[name]), []).append(i)
    groups = []
    for worker, some in held.items():
        size = sum(sizes.get(names[i], 0) for i in some)
        n_groups = max(threads.get(worker, 1), math.ceil(size / limits.group_bytes))
        groups += [some[k::n_groups] for k in range(min(n_groups, len(some)))]
    return groups


def _persisted(graph: dict[Any, Any], key: Any) -> Any:
    """Return the future of a key if a graph has one, else the key."""
    value = graph.get(key)
    return value if getattr(value, "key", None) == key and is_future(value) else key
