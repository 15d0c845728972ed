"""The problems of all grids, with the target of each.

A target is a ratio: the best peer's time over ours, both at relative suboptimality
1e-8. The full grids have every regime at the size that its target is stated for; the
quick grids have every regime at a size that takes seconds. The grids "l1" and
"l1_quick" have an l1 penalty or an elastic net.
"""

from __future__ import annotations

from fnmatch import fnmatch

from benchmarks.problems._base import (
    FULL,
    GRIDS,
    L1,
    L1_QUICK,
    QUICK,
    SMALL_GRIDS,
    Problem,
)
from benchmarks.problems._l1 import L1_PROBLEMS
from benchmarks.problems._ridge import RIDGE_PROBLEMS

PROBLEMS: tuple[Problem, ...] = RIDGE_PROBLEMS + L1_PROBLEMS


def select(grid: str, pattern: str = "*") -> list[Problem]:
    """Return the problems of a grid whose name or regime matches a shell pattern."""
    return [
        problem
        for problem in PROBLEMS
        if problem.grid == grid
        and (fnmatch(problem.name, pattern) or fnmatch(problem.regime, pattern))
    ]


def named(name: str) -> Problem:
    """Return the problem of that name."""
    return next(problem for problem in PROBLEMS if problem.name == name)


def label_of(name: str) -> str:
    """Return the label of a problem, or the name itself if there is no such problem."""
    labels = {problem.name: problem.label for problem in PROBLEMS}
    return labels.get(name, name)


__all__ = [
    "FULL",
    "GRIDS",
    "L1",
    "L1_QUICK",
    "PROBLEMS",
    "QUICK",
    "SMALL_GRIDS",
    "Problem",
    "label_of",
    "named",
    "select",
]
