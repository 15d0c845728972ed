"""Time fits of dask collections, and compare with dask-ml.

    python -m benchmarks.partitions [NAME ...] [--quick] [--out FILE] [--keep]

There are four kinds of problem, all dense with 30 columns:

solvers   data that are persisted, with threads and on two processes
rows      more and more rows, generated anew in each pass by threads
workers   the data of "solvers" on more and more processes
parquet   files, read anew in each pass by threads
"""

from __future__ import annotations

import math
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from functools import partial
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks import data
from benchmarks.climb import Attempt, Bounds, attempt
from benchmarks.memory import peak_of
from benchmarks.objective import ABSORBED, FREE
from benchmarks.peers import Peer
from benchmarks.peers._partitions import ours, rivals
from benchmarks.problems import FULL, QUICK
from benchmarks.report import duration, markdown
from benchmarks.study import Study, details
from benchmarks.task import Fit, Task

N_FEATURES, ILL = 30, 1e4
# The relative excess of F that a fit may have; a peer's tolerances.
ACCURACY, _TOLERANCES = 1e-6, tuple(10.0**-k for k in range(1, 9))
_EXACT_TOL = 1e-12
_PARTITION_ROWS = {FULL: 100_000, QUICK: 10_000}
# The maximum time of a fit: in seconds, and relative to the quickest peer before it.
_BOUNDS = {
    FULL: Bounds(seconds=300.0, patience=5.0, floor=10.0),
    QUICK: Bounds(seconds=20.0, patience=5.0, floor=1.0),
}
# The maximum time of a fit that is repeated, and the number of rounds.
_REPEATED, _ROUNDS = 15.0, {FULL: 3, QUICK: 3}
_PERSISTED, _LAZY, _PARQUET = "persisted", "generated", "Parquet"
_IN_MEMORY = "this package, in memory"


@dataclass(frozen=True)
class Case:
    """A data set in partitions, and where it is fitted.

    Attributes
    ----------
    workers : int
        Number of processes; 0 for threads of this one.
    form : {"persisted", "generated", "Parquet"}
    solvers : str
        A pattern of the names of the peers.
    target : float
        The ratio that is aimed at.
    """

    name: str
    grid: str
    n_samples: int
    form: str
    workers: int = 0
    condition: float = 1.0
    solvers: str = ""
    target: float | None = None

    @property
    def place(self) -> str:
        """Where it is fitted, in words."""
        if not self.workers:
            return "threads"
        return f"{self.workers} process" + "es" * (self.workers > 1)


def cases(grid: str) -> list[Case]:
    """Return the problems; the quick ones have a fiftieth of the rows."""
    unit = 1_000_000 // (50 if grid == QUICK else 1)
    tall = partial(Case, grid=grid, n_samples=2 * unit, form=_PERSISTED)
    every = {"solvers": "dask-ml *", "target": 10.0}
    some = "dask-ml newton"
    return [
        tall("solvers_threads", **every),
        tall("solvers_threads_ill", condition=ILL, **every),
        # Without admm: what it has submitted goes on after the time limit.
        tall("solvers_processes", workers=2, **every | {"solvers": "dask-ml [!a]*"}),
        *(
            Case(f"rows_{n}m", grid, n * unit, _LAZY, solvers=some)
            for n in (1, 2, 5, 10, 20)
        ),
        *(tall(f"workers_{n}", workers=n, solvers=some) for n in (1, 2, 4)),
        Case("parquet", grid, 12 * unit, _PARQUET),
    ]


def _dask(module: str = "") -> Any:
    return import_module(f"dask.{module}" if module else "dask")


# ---------------------------------------------------------------------- the data


def _sizes(case: Case) -> list[int]:
    """Return the numbers of rows of the partitions."""
    step = _PARTITION_ROWS[case.grid]
    starts = range(0, case.n_samples, step)
    return [min(step, case.n_samples - start) for start in starts]


def _part(case: Case, which: int, ids: np.ndarray) -> np.ndarray:
    """Return X or y of a partition, whose number is the only entry of `ids`."""
    i = int(ids[0])
    return data.partition(i, _sizes(case)[i], N_FEATURES, case.condition)[which]


def arrays(case: Case) -> tuple[Any, Any]:
    """Return X, which is generated when it is computed, and y, which is persisted."""
    da, sizes = _dask("array"), tuple(_sizes(case))
    ids = da.arange(len(sizes), chunks=1)
    both = {"chunks": (sizes, (N_FEATURES,)), "new_axis": 1, "dtype": np.float64}
    X = ids.map_blocks(partial(_part, case, 0), meta=np.empty((0, 0)), **both)
    of_y = {"chunks": (sizes,), "dtype": np.int64}
    y = ids.map_blocks(partial(_part, case, 1), meta=np.empty(0, int), **of_y)
    return X, y.persist()


def write_files(case: Case, folder: Path) -> None:
    """Write a Parquet file for each partition, with the labels as the last column."""
    pandas = import_module("pandas")
    for i, n_rows in enumerate(_sizes(case)):
        X, y = data.partition(i, n_rows, N_FEATURES, case.condition)
        frame = pandas.DataFrame(X, columns=[f"x{k}" for k in range(N_FEATURES)])
        path = folder / f"{i:05d}.parquet"
        frame.assign(y=y).to_parquet(path, compression=None)


@contextmanager
def prepared(case: Case) -> Iterator[Task]:
    """Give the collections as a task, with the scheduler set for them."""
    with _scheduler(case), tempfile.TemporaryDirectory() as folder:
        if case.form == _PARQUET:
            write_files(case, Path(folder))
            frame = _dask("dataframe").read_parquet(folder)
            yield Task(frame.drop(columns="y"), frame["y"])
            return
        X, y = arrays(case)
        if case.form == _PERSISTED:
            X = X.persist()
            if case.workers:
                import_module("distributed").wait([X, y])
        yield Task(X, y)


@contextmanager
def _scheduler(case: Case) -> Iterator[None]:
    """Start the processes of a case, if any, and make dask use them."""
    if not case.workers:
        with _dask().config.set(scheduler="threads"):
            yield
        return
    distributed = import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=case.workers, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
    ):
        yield


# ---------------------------------------------------------------------- the objective


def _losses(X: Any, y: Any, coef: np.ndarray, intercept: float) -> float:
    """Return the sum of the losses of a partition."""
    z = np.asarray(X) @ coef + intercept
    return float(np.logaddexp(0.0, (1.0 - 2.0 * np.asarray(y)) * z).sum())


def value(task: Task, fit: Fit, convention: str) -> float:
    """Return F at the coefficients of a fit, in float64."""
    X, y, args = task.X, task.y, (fit.coef, fit.intercept)
    if hasattr(X, "map_partitions"):  # their partitions match in one expression alone
        found = X.map_partitions(_losses, y, *args, meta=(None, "f8"))
        total = math.fsum(found.compute())
    else:
        losses = _dask().delayed(_losses)
        blocks = zip(X.to_delayed().ravel(), y.to_delayed(), strict=True)
        found = _dask().compute(*(losses(*block, *args) for block in blocks))
        total = math.fsum(found)
    if convention == ABSORBED:
        total += 0.5 * (fit.coef @ fit.coef + fit.intercept**2)
    return total


def pass_seconds(task: Task) -> float:
    """Return the time of one sum over X, after another one."""
    for _ in range(2):
        start = time.perf_counter()
        task.X.sum().compute()
        seconds = time.perf_counter() - start
    return seconds


# ---------------------------------------------------------------------- measurements


@dataclass(frozen=True)
class Result:
    """One solver on one problem.

    Attributes
    ----------
    seconds : float
        Median time of the rounds.
    pass_seconds : float
        The time of one sum over X.
    excess : float
        (F - F*) / F* of the worst fit, in the solver's own objective.
    ratio : float or None
        Its time divided by ours for the same objective, if it is accurate.
    peak_bytes : int or None
        The largest growth of the resident set during the fit, in another process.
    """

    grid: str
    problem: str
    n_samples: int
    x_bytes: int
    form: str
    place: str
    condition: float
    target: float | None
    solver: str
    version: str
    setting: str
    seconds: float
    pass_seconds: float
    reads: float | None
    excess: float
    rounds: int
    ratio: float | None
    peak_bytes: int | None
    status: str


def _search(
    peer: Peer, task: Task, excess: Callable[[Fit], float], seconds: float
) -> Attempt:
    """Return the fit at the loosest tolerance that is accurate, or the last one."""
    for tol in _TOLERANCES:
        one = attempt(peer, task, excess, seconds, tol)
        if one.status != "ok" or one.objective <= ACCURACY:
            break
    return one


@dataclass(frozen=True)
class Entry:
    """A solver of a problem, its data, and the fit that its setting was chosen by."""

    peer: Peer
    task: Task
    excess: Callable[[Fit], float]
    one: Attempt

    def again(self) -> Attempt:
        """Fit again at the same setting."""
        return attempt(self.peer, self.task, self.excess, 2.0 * _REPEATED, self.one.tol)

    @property
    def counts(self) -> bool:
        """Whether it is accurate, and quick enough to be repeated."""
        return self.one.objective <= ACCURACY and self.one.seconds < _REPEATED


def _entries(case: Case, task: Task) -> Iterator[Entry]:
    """Yield this package for each objective, in memory, and the peers."""
    peers = [peer for peer in rivals() if fnmatch(peer.name, case.solvers)]
    judges, bounds, quickest = {}, _BOUNDS[case.grid], math.inf
    for convention in dict.fromkeys([FREE, *(peer.convention for peer in peers)]):
        own = ours(convention)
        best = value(task, own.fit(task, _EXACT_TOL, None), convention)
        judges[convention] = partial(_excess, task, convention, best)
        one = attempt(own, task, judges[convention], bounds.seconds)
        yield Entry(own, task, judges[convention], one)
    if case.form == _PERSISTED and not case.workers:
        held = Task(task.X.compute(), task.y.compute())
        peer = replace(ours(FREE), name=_IN_MEMORY)
        one = attempt(peer, held, judges[FREE], bounds.seconds)
        yield Entry(peer, held, judges[FREE], one)
    for peer in peers:
        judge = judges[peer.convention]
        one = _search(peer, task, judge, bounds.limit(quickest))
        if one.objective <= ACCURACY:
            quickest = min(quickest, one.seconds)
        yield Entry(peer, task, judge, one)


def _excess(task: Task, convention: str, best: float, fit: Fit) -> float:
    """Return the relative excess of F."""
    return value(task, fit, convention) / best - 1.0


def measure(case: Case, say: Callable[[str], None]) -> list[Result]:
    """Measure one problem. The results of this package come first."""
    peak_bytes = peak_apart(case)
    with prepared(case) as task:
        entries = []
        for entry in _entries(case, task):
            say(_line(entry.peer, entry.one))
            entries.append(entry)
        again: list[list[Attempt]] = [[] for _ in entries]
        for _ in range(_ROUNDS[case.grid]):
            for entry, found in zip(entries, again, strict=True):
                if entry.counts:
                    found.append(entry.again())
        seconds = pass_seconds(task)
    timed = [found or [entry.one] for entry, found in zip(entries, again, strict=True)]
    first, *others = _results(case, entries, timed, seconds)
    return [replace(first, peak_bytes=peak_bytes), *others]


def _line(peer: Peer, one: Attempt) -> str:
    """Return a line of the progress report."""
    figures = f"{one.setting:10s} {one.seconds:8.3f} s  {one.objective:.0e}"
    return f"  {peer.name:28s} {figures}  {one.status}"


def _results(
    case: Case, entries: list[Entry], timed: list[list[Attempt]], one_pass: float
) -> list[Result]:
    """Return the results of the fits that count."""
    times = {
        entry.peer.name: median(one.seconds for one in found)
        for entry, found in zip(entries, timed, strict=True)
    }
    results = []
    for entry, found in zip(entries, timed, strict=True):
        peer, worst = entry.peer, max(found, key=lambda one: one.objective)
        ratio = times[peer.name] / times[ours(peer.convention).name]
        results.append(
            Result(
                grid=case.grid,
                problem=case.name,
                n_samples=case.n_samples,
                x_bytes=8 * N_FEATURES * case.n_samples,
                form=case.form,
                place=case.place,
                condition=case.condition,
                target=case.target,
                solver=peer.name,
                version=peer.version(),
                setting=entry.one.setting,
                seconds=times[peer.name],
                pass_seconds=one_pass,
                reads=entry.one.reads,
                excess=worst.objective,
                rounds=len(found),
                ratio=ratio if worst.objective <= ACCURACY else None,
                peak_bytes=None,
                status=worst.status,
            )
        )
    return results


def peak(case: Case) -> int:
    """Return the growth of the resident set during a fit of this package, in bytes."""
    few = replace(case, n_samples=2 * _PARTITION_ROWS[case.grid] // 10)
    for some in (few, case):  # the first one starts pools and loads libraries
        with prepared(some) as task:
            found = peak_of(lambda: ours(FREE).fit(task, None, None))
    return found


def peak_apart(case: Case) -> int | None:
    """Return the same of a new process, if the data are not held in this one."""
    if case.form == _PERSISTED:
        return None
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(peak, case).result()


# ---------------------------------------------------------------------- the report


def summary(results: list[Result]) -> str:
    """Return a Markdown table with a row for each problem."""
    body = []
    for name in dict.fromkeys(one.problem for one in results):
        of_case = [one for one in results if one.problem == name]
        held = next((one for one in of_case if one.solver == _IN_MEMORY), None)
        peers = [one for one in of_case if "this package" not in one.solver]
        best = min((p for p in peers if p.ratio), key=lambda p: p.ratio, default=None)
        first = of_case[0]
        body.append(
            (
                name,
                f"{first.n_samples:,}",
                f"{first.x_bytes / 1e9:.2g} GB",
                f"{first.form}, {first.place}",
                duration(first.seconds),
                "—" if first.reads is None else f"{first.reads:.1f}",
                f"{first.seconds / first.pass_seconds:.1f}",
                "—" if first.peak_bytes is None else f"{first.peak_bytes / 1e6:.0f} MB",
                "—" if not (held and held.ratio) else f"{1.0 / held.ratio:.1f}",
                "—" if best is None else f"{best.solver}, {duration(best.seconds)}",
                "—" if best is None else f"{best.ratio:.1f}",
                "—" if first.target is None else f"{first.target:g}",
            )
        )
    head = (
        "problem",
        "rows",
        "X",
        "data, where",
        "this package",
        "reads",
        "time / one sum",
        "extra memory",
        "time / in memory",
        "best solver of dask-ml",
        "ratio",
        "target",
    )
    return markdown(head, body, right=(1, 2, 4, 5, 6, 7, 8, 10, 11))


def _error_of(one: Result) -> str:
    return f"{max(one.excess, 0.0):.0e}"


def main(arguments: list[str] | None = None) -> None:
    """Measure the problems, and write the results after each."""
    Study(
        name="partitions",
        title="Partitions",
        about=__doc__.splitlines()[0],
        quick="a fiftieth of the rows",
        problems=cases,
        measure=measure,
        record=Result,
        tables=(summary, partial(details, error="excess of F", text=_error_of)),
        packages=("dask", "distributed", "dask-ml"),
    ).main(arguments)


if __name__ == "__main__":
    main()
