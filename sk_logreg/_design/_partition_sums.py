"""Sums over partitions, which are added in a tree."""

from collections.abc import Sequence
from importlib import import_module
from itertools import chain
from typing import Any

#: What a function of a task returns: sums to be added, and what stays.
Returned = tuple[Sequence[Any], Any]


class Result:
    """What a task returns: sums to be added, and what stays with the partition."""

    __slots__ = ("held", "sums")

    def __init__(self, sums: Sequence[Any], held: Any = None):
        self.sums: list[Any] = list(sums)
        self.held = held

    def __sizeof__(self) -> int:
        """Return the number of bytes, by which a cluster decides what not to move."""
        size: int = import_module("dask.sizeof").sizeof((self.sums, self.held))
        return size


def sums_of(results: dict[int, Result]) -> list[Any]:
    """Return the sums of each partition without what is kept."""
    return [result.sums for result in results.values()]


def forget(results: list[dict[int, Result]]) -> None:
    """Free the memory of the sums of results."""
    for result in chain.from_iterable(some.values() for some in results):
        result.sums = []


def _added(parts: Sequence[Any]) -> list[Any]:
    """Return a list of the sum of the sums in lists of them, or in those of results.

    An empty partition has none.
    """
    lists = [sums_of(part) if isinstance(part, dict) else part for part in parts]
    some = [part for part in chain.from_iterable(lists) if part]
    if not some:
        return [[]]
    total = list(some[0])
    for other in some[1:]:
        # Not in place: what is added may be needed again.
        total = [a + b for a, b in zip(total, other, strict=True)]
    return [total]


def tree_sum(parts: Sequence[Any], fan_in: int) -> list[Any]:
    """Return the sum of the sums in lists of them, added up in a tree."""
    parts = [_added(parts[k : k + fan_in]) for k in range(0, len(parts), fan_in)]
    return tree_sum(parts, fan_in) if len(parts) > 1 else parts[0][0]


def add_tree(
    graph: dict[Any, Any], name: str, keys: list[Any], fan_in: int, most: int
) -> list[Any]:
    """Add tasks to a graph that add up sums in a tree, until at most some are left.

    Returns the keys of these. The first level also takes sums out of results.
    """
    level = 0
    while len(keys) > most:
        above = []
        for k in range(0, len(keys), fan_in):
            key = (f"{name}-total-{level}", k // fan_in)
            graph[key] = (_added, keys[k : k + fan_in])
            above.append(key)
        keys, level = above, level + 1
    return keys
