"""Our time as a function of the number of rows: 10⁴ to 4·10⁶ rows, 50 features."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks import data
from benchmarks.limits import read_seconds
from benchmarks.peers import OURS
from benchmarks.task import Task

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000, 4_000_000)
N_FEATURES = 50


@dataclass(frozen=True)
class Scaling:
    """Times by number of rows, and the slope of log time on log rows."""

    n_samples: tuple[int, ...]
    seconds: tuple[float, ...]
    reads: tuple[float | None, ...]
    read_seconds: tuple[float, ...]

    @property
    def slope(self) -> float:
        """Least-squares slope of log time on log rows."""
        return float(np.polyfit(np.log(self.n_samples), np.log(self.seconds), 1)[0])


def measure_scaling(sizes: tuple[int, ...] = SIZES, repeats: int = 5) -> Scaling:
    """Fit the first n rows of one array, for each n in turn."""
    X, y = data.dense(max(sizes), N_FEATURES, seed=7)
    tasks = [Task(X[:n], y[:n]) for n in sizes]
    times: list[list[float]] = [[] for _ in tasks]
    reads: list[float | None] = [None] * len(tasks)
    for repeat in range(repeats + 1):
        for k, task in enumerate(tasks):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                start = time.perf_counter()
                fit = OURS.fit(task, None, None)
                elapsed = time.perf_counter() - start
            reads[k] = fit.reads
            if repeat:
                times[k].append(elapsed)
    return Scaling(
        tuple(sizes),
        tuple(median(found) for found in times),
        tuple(reads),
        tuple(read_seconds(task) for task in tasks),
    )


def describe(scaling: Scaling) -> str:
    """Return the times as a Markdown table, followed by the slope."""
    lines = [
        "| rows | time of this package | reads of X | time / one read |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for n, seconds, reads, read in zip(
        scaling.n_samples,
        scaling.seconds,
        scaling.reads,
        scaling.read_seconds,
        strict=True,
    ):
        shown = "" if reads is None else f"{reads:.1f}"
        lines.append(
            f"| {n:,} | {seconds * 1e3:.1f} ms | {shown} | {seconds / read:.1f} |"
        )
    lines.append("")
    lines.append(
        f"Slope of log time on log rows: {scaling.slope:.2f} (target: at most 1.05)."
    )
    return "\n".join(lines)
