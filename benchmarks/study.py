"""The command line of a study: measure its problems, and write a file of results."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.problems import FULL, QUICK
from benchmarks.records import load, write
from benchmarks.report import duration, markdown
from benchmarks.run import machine, warn_if_busy

_RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Study:
    """A set of problems, each of which is measured with several solvers.

    Attributes
    ----------
    name : str
        That of its module and of the files of its results.
    title : str
        The heading of its report.
    about : str
        One sentence for the help.
    quick : str
        How small the quick problems are.
    problems : callable
        ``problems(grid)`` returns the problems of a grid, which have names.
    measure : callable
        ``measure(problem, say)`` returns the results of one problem, and reports its
        progress with ``say(text)``.
    record : type
        The dataclass of a result, which has the attribute `problem`.
    tables : tuple of callables
        The tables of the report, as functions of all results; the first is printed too.
    packages : tuple of str
        Whose versions the report states in addition to those of the usual peers.
    """

    name: str
    title: str
    about: str
    quick: str
    problems: Callable[[str], list[Any]]
    measure: Callable[[Any, Callable[[str], None]], list[Any]]
    record: type
    tables: tuple[Callable[[list[Any]], str], ...]
    packages: tuple[str, ...] = ()

    def main(self, arguments: list[str] | None = None) -> None:
        """Measure the problems that are named, and write the results after each."""
        options = self._options(arguments)
        grid, out = QUICK if options.quick else FULL, options.out
        warn_if_busy()
        keep = options.keep and out.exists()
        results: list[Any] = load(out, self.record) if keep else []
        every = self.problems(grid)
        places = {problem.name: place for place, problem in enumerate(every)}
        for problem in every:
            if not any(fnmatch(problem.name, name) for name in options.names):
                continue
            start = time.perf_counter()
            print(problem.name, flush=True)
            results = [one for one in results if one.problem != problem.name]
            results += self.measure(problem, partial(print, flush=True))
            print(f"  in {time.perf_counter() - start:.0f} s", flush=True)
            results.sort(key=lambda one: places[one.problem])
            write(out, results, self.record)
            head = f"# {self.title}, {grid} grid", machine(*self.packages)
            parts = *head, *(table(results) for table in self.tables)
            text = "\n\n".join(parts) + "\n"
            out.with_suffix(".md").write_text(text, encoding="utf-8")
        print(f"\n{self.tables[0](results)}")

    def _options(self, arguments: list[str] | None) -> argparse.Namespace:
        parser = argparse.ArgumentParser(
            prog=f"python -m benchmarks.{self.name}", description=self.about
        )
        out = _RESULTS / f"{self.name}.csv"
        add = parser.add_argument
        add("names", nargs="*", default=["*"], help="shell patterns")
        add("--quick", action="store_true", help=self.quick)
        add("--out", type=Path, default=out, help="the result file (.csv)")
        add("--keep", action="store_true", help="keep other problems")
        return parser.parse_args(arguments)


def details(results: list[Any], error: str, text: Callable[[Any], str]) -> str:
    """Return a Markdown table with a row for each solver on each problem.

    `error` is the heading of what `text` makes of a result.
    """
    body = [
        (
            one.problem,
            one.solver,
            one.setting,
            duration(one.seconds),
            "—" if one.ratio is None else f"{one.ratio:.2f}",
            str(one.rounds),
            text(one),
            one.status,
        )
        for one in results
    ]
    head = "problem", "solver", "setting", "time", "ratio", "rounds", error, "status"
    return markdown(head, body, right=(3, 4, 5))
