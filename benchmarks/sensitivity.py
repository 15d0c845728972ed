"""How much each tunable constant of the package matters.

    python -m benchmarks.sensitivity [--only PATTERN] [--problems PATTERN] [--repeats N]
    python -m benchmarks.sensitivity --list

The study multiplies one constant at a time by ½ and by 2, and times whole fits at
default settings on the quick grid. `benchmarks/tunables.py` says which constants count
as tunable. Each constant is studied in a process of its own, which imports the package
once for each value. Fits with the values alternate, in random order; each time is a
median.

The table gives the largest and the smallest ratio of times over the problems. A ratio
above 1 means that the changed value is slower. The factor 1 changes nothing, so its
ratios show the noise. The last column names the fits that stopped converging, failed,
or whose objective changed by more than `_SAME`, relative to its value. A constant can
go if neither factor moves a time by 3 % more than the noise.
"""

from __future__ import annotations

import argparse
import time
import warnings
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatch
from multiprocessing import get_context
from pathlib import Path
from random import Random
from statistics import median

from sklearn.exceptions import ConvergenceWarning

from benchmarks.limits import time_limit
from benchmarks.objective import objective
from benchmarks.peers import OURS
from benchmarks.problems import QUICK, Problem, select
from benchmarks.records import load, write
from benchmarks.report import markdown
from benchmarks.run import machine
from benchmarks.task import Fit, Task
from benchmarks.tunables import Tunable, Variant, find_tunables, scaled

FACTORS = (0.5, 1.0, 2.0)
_SAME = 1e-8
#: A fit that takes fewer seconds is repeated up to `_MOST_TIMES` times as often.
_TURN_SECONDS, _MOST_TIMES = 0.05, 5
_FIT_SECONDS = 60.0
_OUT = Path(__file__).parent / "results" / "sensitivity.csv"


@dataclass(frozen=True)
class Effect:
    """Median times of a fit: with a factor, and with the constant unchanged."""

    constant: str
    value: str
    factor: float
    problem: str
    unchanged_seconds: float
    seconds: float
    status: str = "ok"

    @property
    def ratio(self) -> float:
        """Above 1 where the changed value is slower."""
        return self.seconds / self.unchanged_seconds


def _fit(task: Task) -> tuple[float, Fit | None, str]:
    """Time a whole fit; return its seconds, the fit, and what went wrong."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as caught, time_limit(_FIT_SECONDS):
            warnings.simplefilter("always")
            fit = OURS.fit(task, None, None)
            seconds = time.perf_counter() - start
    except Exception as error:  # a value that breaks the fit is a result to report
        return time.perf_counter() - start, None, type(error).__name__
    failed = any(issubclass(one.category, ConvergenceWarning) for one in caught)
    return seconds, fit, "not converged" if failed else ""


def difference(
    task: Task, changed: tuple[Fit | None, str], unchanged: tuple[Fit | None, str]
) -> str:
    """What differs between two fits, each given with what went wrong."""
    fit, error = changed
    usual, usual_error = unchanged
    if fit is None or usual is None or error != usual_error:
        return error or f"no longer {usual_error}"
    change = objective(task, fit) / objective(task, usual) - 1
    return f"objective {change:+.0e}" if abs(change) > _SAME else "ok"


def study(tunable: Tunable, problems: list[Problem], repeats: int) -> list[Effect]:
    """Time fits with the constant unchanged and times each factor, in random order."""
    values = [tunable.value, *(scaled(tunable.value, factor) for factor in FACTORS)]
    variants = [Variant(tunable, value) for value in values]
    order = Random(0)
    effects = []
    for problem in problems:
        task = problem.build()
        firsts, times = [], [[] for _ in variants]
        for variant in variants:  # not counted: it imports and allocates
            with variant:
                firsts.append(_fit(task))
        with variants[0]:
            often = round(_TURN_SECONDS / _fit(task)[0])
        for _ in range(repeats * min(max(often, 1), _MOST_TIMES)):
            for place in order.sample(range(len(variants)), len(variants)):
                with variants[place]:
                    times[place].append(_fit(task)[0])
        usual, *medians = map(median, times)
        for factor, value, first, seconds in zip(
            FACTORS, values[1:], firsts[1:], medians, strict=True
        ):
            if factor == 1 or value != tunable.value:
                status = difference(task, first[1:], firsts[0][1:])
                shown = tunable.name, str(tunable.value), factor, problem.name
                effects.append(Effect(*shown, usual, seconds, status))
    return effects


def _extremes(effects: list[Effect]) -> tuple[str, str]:
    """The worst and the best ratio, each with its problem."""
    ranked = sorted(effects, key=lambda effect: effect.ratio)
    shown = [f"{effect.ratio:.2f} {effect.problem}" for effect in ranked]
    return (shown[-1], shown[0]) if shown else ("—", "—")


def table(effects: list[Effect]) -> str:
    """A Markdown table with a row for each constant."""
    ends = [f"×{factor:g} {end}" for factor in FACTORS for end in ("worst", "best")]
    body = []
    for name in dict.fromkeys(effect.constant for effect in effects):
        own = [effect for effect in effects if effect.constant == name]
        cells = [
            cell
            for factor in FACTORS
            for cell in _extremes([effect for effect in own if effect.factor == factor])
        ]
        odd = [
            f"×{e.factor:g} {e.problem}: {e.status}" for e in own if e.status != "ok"
        ]
        body.append((name, own[0].value, *cells, "; ".join(odd)))
    return markdown(("constant", "value", *ends, "what else differs"), body)


def main(arguments: list[str] | None = None) -> None:
    """List the constants, or study them and write the results after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="list the constants only")
    parser.add_argument("--only", default="*", help="a shell pattern of constants")
    parser.add_argument("--problems", default="*", help="a shell pattern of names")
    parser.add_argument("--repeats", type=int, default=5, help="rounds of fits")
    parser.add_argument("--out", type=Path, default=_OUT, help="the result file (.csv)")
    parser.add_argument("--keep", action="store_true", help="keep the rest of the file")
    options = parser.parse_args(arguments)
    tunables = [t for t in find_tunables() if fnmatch(t.name, options.only)]
    if options.list:
        rows = [(tunable.name, str(tunable.value)) for tunable in tunables]
        print(
            markdown(("constant", "value"), rows), f"{len(rows)} constants", sep="\n\n"
        )
        return
    problems = select(QUICK, options.problems)
    effects = load(options.out, Effect) if options.keep else []
    effects = [e for e in effects if e.constant not in {t.name for t in tunables}]
    for tunable in tunables:
        print(tunable.name, flush=True)
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            effects += pool.submit(study, tunable, problems, options.repeats).result()
        write(options.out, effects, Effect)
        parts = "# Sensitivity to each constant", machine(), table(effects)
        text = "\n\n".join(parts) + "\n"
        options.out.with_suffix(".md").write_text(text, encoding="utf-8")
    print(f"\n{table(effects)}")


if __name__ == "__main__":
    main()
