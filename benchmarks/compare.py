"""Compare two result files and report problems that became slower or less accurate.

    python -m benchmarks.compare before.csv after.csv
        [--relative 1.1] [--absolute 0.01] [--solver sk_logreg]

A time has changed if the median over the interleaved rounds changed by more than both
the relative *and* the absolute threshold. The exit status is 1 if a problem became
slower, no longer reaches the accuracy, or is missing from the second file.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.climb import ACCURACY
from benchmarks.peers import OURS
from benchmarks.records import number, read
from benchmarks.report import duration, markdown

BAD = ("slower", "less accurate", "gone")


@dataclass(frozen=True)
class Change:
    """The times of one problem before and after, and the verdict."""

    problem: str
    before: float | None
    after: float | None
    verdict: str


def _timed(path: Path, solver: str) -> dict[str, tuple[float, float]]:
    """Median seconds and largest relative suboptimality per problem."""
    times: dict[str, list[float]] = {}
    short: dict[str, list[float]] = {}
    for row in read(path):
        if row["solver"] != solver or row["phase"] != "timed":
            continue
        seconds = number(row["seconds"])
        gap = number(row["relative_suboptimality"])
        if row["status"] != "ok" or seconds is None or gap is None:
            gap = float("inf")
        times.setdefault(row["problem"], []).append(seconds or float("inf"))
        short.setdefault(row["problem"], []).append(gap)
    return {name: (median(times[name]), max(short[name])) for name in times}


def compare(
    before: Path,
    after: Path,
    relative: float = 1.1,
    absolute: float = 0.01,
    solver: str = OURS.name,
) -> list[Change]:
    """Compare every problem that either file contains.

    Parameters
    ----------
    relative : float, default=1.1
        Smallest ratio of the times that is reported as a change.
    absolute : float, default=0.01
        Smallest difference of the times, in seconds, that is reported as a change.
    """
    if relative < 1.0 or absolute < 0.0:
        raise ValueError("relative must be at least 1, absolute at least 0")
    old, new = _timed(before, solver), _timed(after, solver)
    changes = []
    for name in dict.fromkeys((*old, *new)):
        if name not in new:
            changes.append(Change(name, old[name][0], None, "gone"))
        elif name not in old:
            changes.append(Change(name, None, new[name][0], "new"))
        else:
            verdict = _verdict(old[name], new[name], relative, absolute)
            changes.append(Change(name, old[name][0], new[name][0], verdict))
    return changes


def _verdict(
    old: tuple[float, float], new: tuple[float, float], relative: float, absolute: float
) -> str:
    """Compare one problem."""
    if new[1] > ACCURACY >= old[1]:
        return "less accurate"
    low, high = sorted((old[0], new[0]))
    if high <= relative * low or high - low <= absolute:
        return "same"
    return "slower" if new[0] > old[0] else "faster"


def _line(change: Change) -> tuple[str, ...]:
    ratio = ""
    if change.before is not None and change.after is not None:
        ratio = f"{change.after / change.before:.2f}"
    return (
        change.problem,
        duration(change.before),
        duration(change.after),
        ratio,
        change.verdict,
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the comparison. Return 1 if a problem got worse, else 0."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.compare", description=__doc__.splitlines()[0]
    )
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--relative", type=float, default=1.1)
    parser.add_argument("--absolute", type=float, default=0.01, help="seconds")
    parser.add_argument("--solver", default=OURS.name)
    options = parser.parse_args(arguments)
    changes = compare(
        options.before,
        options.after,
        options.relative,
        options.absolute,
        options.solver,
    )
    head = ("problem", "before", "after", "after / before", "verdict")
    print(markdown(head, [_line(change) for change in changes], right=(1, 2, 3)))
    return int(any(change.verdict in BAD for change in changes))


if __name__ == "__main__":
    raise SystemExit(main())
