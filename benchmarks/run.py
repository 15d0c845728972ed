"""Run the benchmarks: print a table, write the results and a figure.

python -m benchmarks.run --quick | --l1-quick
python -m benchmarks.run --full | --l1 [--problems PATTERN] [--keep] [--again]
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from benchmarks.figure import draw
from benchmarks.measure import FULL_EFFORT, QUICK_EFFORT, measure
from benchmarks.memory import measure_apart
from benchmarks.peers import OURS, installed
from benchmarks.problems import FULL, GRIDS, PROBLEMS, SMALL_GRIDS, Problem, select
from benchmarks.records import Row, Summary, load, write
from benchmarks.report import defaults_table, markdown, summarize, table
from benchmarks.scaling import describe, measure_scaling

_RESULTS = Path(__file__).parent / "results"
_MAPPED = "tall_1000k_50_C64"
_PLACES = {problem.name: place for place, problem in enumerate(PROBLEMS)}


def _say(text: str) -> None:
    print(text, flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__.splitlines()[0]
    )
    grid = parser.add_mutually_exclusive_group(required=True)
    for name in GRIDS:
        flag = "--" + name.replace("_", "-")
        grid.add_argument(flag, action="store_const", dest="grid", const=name)
    parser.add_argument(
        "--problems", default="*", help="shell pattern of the names to run"
    )
    parser.add_argument("--out", type=Path, help="result file (.csv)")
    parser.add_argument(
        "--keep",
        action="store_true",
        help="keep the results of the other problems in the file",
    )
    parser.add_argument(
        "--again",
        action="store_true",
        help="take the settings of peers from the file, if their version is the same",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        help="maximum time of one fit, and of all fits of one peer, per problem",
    )
    parser.add_argument(
        "--no-memory", action="store_true", help="do not measure peak memory"
    )
    parser.add_argument(
        "--no-scaling", action="store_true", help="do not measure scaling"
    )
    return parser.parse_args(arguments)


def machine(*more: str) -> str:
    """Return the machine and the versions, of some more packages too, on one line."""
    # The vector instructions explain most of the differences between processors.
    found = np.show_config(mode="dicts")["SIMD Extensions"].get("found", ())
    parts = [
        f"{os.cpu_count()} cores",
        f"{platform.machine()} with {' '.join(found) or 'no extension'}",
        f"Python {platform.python_version()}",
    ]
    packages = dict.fromkeys(peer.package for peer in installed())
    for name in ("numpy", "scipy", *packages, *more):
        try:
            entry = f"{name} {version(name)}"
        except PackageNotFoundError:
            continue
        if entry not in parts:
            parts.append(entry)
    return ", ".join(parts)


def warn_if_busy() -> None:
    """Print a warning if other processes use the processor."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # Windows
    if load > 0.5:
        _say(f"Other processes are running (load {load:.1f}): times will be too long.")


def run_problem(
    problem: Problem, seconds: float | None = None, stored: Sequence[Row] = ()
) -> tuple[list[Row], float]:
    """Measure one problem. Return its rows and the time of one read of X."""
    effort = QUICK_EFFORT if problem.grid in SMALL_GRIDS else FULL_EFFORT
    if seconds is not None:
        bounds = replace(effort.bounds, seconds=seconds, budget=seconds)
        effort = replace(effort, bounds=bounds)
    start = time.perf_counter()
    _say(f"{problem.name} ({problem.regime})")
    found = measure(problem, effort, _say, stored)
    _say(f"  in {time.perf_counter() - start:.0f} s")
    return found.rows, found.read_seconds


def _conventions() -> str:
    """Return a table of the objective of each peer in its own notation."""
    body = [(p.name, p.version(), p.states) for p in installed(ours=True)]
    return markdown(("solver", "version", "objective"), body)


def _mapped_memory() -> str:
    """Return the peak memory for a memory-mapped X on one line."""
    peak = measure_apart([_MAPPED], memmap=True).get(_MAPPED)
    if peak is None:
        return "Memory-mapped X: not measured."
    share = peak["peak_bytes"] / peak["x_bytes"]
    return f"Memory-mapped X ({_MAPPED}): the extra memory is {share:.2f} X."


def run_grid(
    problems: list[Problem],
    out: Path,
    memory: bool,
    keep: bool,
    seconds: float | None = None,
    again: bool = False,
) -> tuple[list[Row], list[Summary]]:
    """Measure the problems, and write all results after each problem."""
    summary_out = out.with_name(out.stem + "_summary.csv")
    stored = again or (keep and out.exists())
    rows: list[Row] = load(out, Row) if stored else []
    summaries: list[Summary] = load(summary_out, Summary) if stored else []
    peaks: dict[str, dict[str, int]] = {}
    if memory and OURS.installed():
        peaks = measure_apart([problem.name for problem in problems])
    for problem in problems:
        name = problem.name
        old = [row for row in rows if again and row.problem == name]
        found, read = run_problem(problem, seconds, old)
        rows = [row for row in rows if row.problem != name] + found
        summaries = [one for one in summaries if one.problem != name]
        summaries.append(summarize(problem, found, read, peaks.get(problem.name)))
        rows.sort(key=lambda row: _PLACES[row.problem])
        summaries.sort(key=lambda summary: _PLACES[summary.problem])
        write(out, rows, Row)
        write(summary_out, summaries, Summary)
    return rows, summaries


def main(arguments: list[str] | None = None) -> None:
    """Run a grid, and write the results, the tables and the figure."""
    options = _options(arguments)
    out = options.out or _RESULTS / f"{options.grid}.csv"
    warn_if_busy()
    start = time.perf_counter()
    problems = select(options.grid, options.problems)
    rows, summaries = run_grid(
        problems,
        out,
        not options.no_memory,
        options.keep,
        options.seconds,
        options.again,
    )
    parts = [f"# {options.grid} grid", machine(), table(summaries)]
    whole = options.grid == FULL and len(summaries) == len(select(FULL))
    whole = whole and OURS.installed()
    if whole and not options.no_scaling:
        parts.append(describe(measure_scaling()))
    if whole and not options.no_memory:
        parts.append(_mapped_memory())
    _say("\n" + "\n\n".join(parts[1:]))
    parts += [defaults_table(rows), _conventions()]
    out.with_suffix(".md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    draw(out.with_suffix(".png"), rows, summaries)
    _say(f"\n{len(problems)} problems in {time.perf_counter() - start:.0f} s: {out}")


if __name__ == "__main__":
    main()
