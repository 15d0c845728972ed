"""Time fits together with their tables of standard errors, and compare with peers.

    python -m benchmarks.inference [NAME ...] [--quick] [--out FILE] [--keep]

There are four kinds of problem, all without a penalty:

model    a fit and its table, with the standard errors of the model
robust   the same, with standard errors HC1
one_hot  the same as "model" for sparse X; with leverages too, which does not count
firth    fits with Firth's prior: their table, or likelihood-ratio tests and profile
         likelihood intervals of each coefficient
"""

from __future__ import annotations

import gc
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import median

import numpy as np
import scipy.sparse as sp
from scipy.special import expit

from benchmarks import data
from benchmarks.choosing import can, chosen, climb, rounds
from benchmarks.climb import ACCURACY, Attempt, Bounds, attempt
from benchmarks.measure import FULL_EFFORT, QUICK_EFFORT
from benchmarks.memory import peak_of
from benchmarks.objective import FREE, objective, relative_suboptimality
from benchmarks.peers import Peer
from benchmarks.peers._choosing import Found
from benchmarks.peers._inference import (
    MODEL,
    ROBUST,
    Table,
    firth_rivals,
    glum_on_categories,
    native_threads,
    on_one_thread,
    our_firth,
    our_table,
    rivals,
    with_threads,
)
from benchmarks.problems import FULL, QUICK, Problem
from benchmarks.problems._base import dense_sizes
from benchmarks.reference import lowest
from benchmarks.report import duration, markdown, verdict
from benchmarks.study import Study, details
from benchmarks.task import Fit, Task

AUGMENTED = "augmented"
# The largest errors that are allowed. Coefficients of Firth's fits are measured in
# standard errors, and ends of intervals relative to the larger one of both.
ALLOWED = {"F": ACCURACY, "std_err": 1e-4, "coef": 1e-4, "chi2": 1e-6, "ends": 1e-5}
_EXACT_TOL, _EXACT_FIRTH_TOL = 1e-12, 1e-14
# Rivals are timed in turn with this package if their times are within this factor of
# the quickest one's, and if a fit takes no longer than this.
_WITHIN, _CONTENDERS = 3.0, 4
_LONGEST = 20.0
_BOUNDS = {
    FULL: Bounds(seconds=45.0, patience=10.0, floor=1.0, factor=10.0),
    QUICK: Bounds(seconds=10.0, patience=10.0, floor=1.0, factor=10.0),
}
_MOST_ROUNDS = 25
_WARM_ROWS, _WARM_COLUMNS = 300, 3
_BLOCK_VALUES = 2_000_000
# Those whose versions the report states in addition to the peers of the fits.
_PACKAGES = ("firthmodels", "numba", "pandas")
_OK, _EXTRA = "ok", "not counted"


def problems(grid: str) -> list[Problem]:
    """Return the problems; the quick ones have about a tenth of the values of X."""
    tenth = 10 if grid == QUICK else 1
    small, tall = dense_sizes(1_000, 50), dense_sizes(200_000 // tenth, 50)
    long = dense_sizes(1_000_000 // tenth, 20)
    levels = {"n_samples": 300_000 // tenth, "n_columns": 300 if tenth > 1 else 1_000}
    firth = dense_sizes(1_000, 10 if tenth > 1 else 50)
    hot = partial(data.one_hot, drop_first=True)
    tests = "Firth: LR tests, profile intervals"
    rows = [
        ("model", "small", "model", 1.0, data.dense, small),
        ("model", "tall", "model", 5.0, data.dense, tall),
        ("model", "long", "model", 5.0, data.dense, long),
        ("robust", "tall", "HC1", 5.0, data.dense, tall),
        ("one_hot", "", "model, one-hot", 3.0, hot, levels),
        ("firth", "table", "Firth: table", 1.0, data.dense, firth),
        ("firth", "tests", tests, 1.0, data.dense, firth),
    ]
    return [
        Problem(
            f"{kind}_{name}".strip("_"), label, kind, grid, target, make, sizes, np.inf
        )
        for kind, name, label, target, make, sizes in rows
    ]


class TableErrors:
    """The errors of a table: of its F, and of its standard errors.

    The optimum is that of Newton's method of `benchmarks.reference`, and the standard
    errors are those of the formulas at it.
    """

    def __init__(self, task: Task, covariance: str) -> None:
        start = our_table().fit(task, _EXACT_TOL, None).value.fit
        self.task = task
        self.best, fit = lowest(task, [start], FREE)
        self.std_err = standard_errors(task, fit, covariance)

    def __call__(self, found: Table) -> dict[str, float]:
        """Return the errors by name."""
        expected = found.factor * self.std_err
        value = objective(self.task, found.fit)
        return {
            "F": max(0.0, relative_suboptimality(value, self.best)),
            "std_err": _largest(found.std_err / expected - 1.0),
        }


class FirthErrors:
    """The errors of fits with Firth's prior, against ours at a tight tolerance.

    The standard errors are compared with those of the formulas.
    """

    def __init__(self, task: Task, tests: bool) -> None:
        self.exact = our_firth(tests).fit(task, _EXACT_FIRTH_TOL, None).value
        self.std_err = {
            augmented: standard_errors(
                task, self.exact.fit, AUGMENTED if augmented else MODEL
            )
            for augmented in (False, True)
        }

    def __call__(self, found: Table) -> dict[str, float]:
        """Return the errors by name."""
        exact = self.exact
        change = _vector(found.fit) - _vector(exact.fit)
        errors = {"coef": _largest(change / self.std_err[False])}
        if found.std_err is not None:
            expected = self.std_err[found.augmented]
            errors["std_err"] = _largest(found.std_err / expected - 1.0)
        if found.chi2 is not None:
            errors["chi2"] = _largest(found.chi2 - exact.chi2)
        if found.ends is not None:
            size = np.abs(exact.ends).max(axis=1, keepdims=True)
            errors["ends"] = _largest((found.ends - exact.ends) / size)
        return errors


def _vector(fit: Fit) -> np.ndarray:
    return np.append(fit.coef, fit.intercept)


def _largest(errors: np.ndarray) -> float:
    """Return the largest error, infinite if one is NaN."""
    return float(np.nan_to_num(np.abs(errors), nan=np.inf).max())


def standard_errors(task: Task, fit: Fit, covariance: str) -> np.ndarray:
    """Return standard errors by their formulas, that of the intercept last.

    With "augmented", rows have the weights 1 + h in the information, h their leverages.
    """
    n_samples, size = task.n_samples, task.n_features + 1
    chance = expit(task.X @ fit.coef + fit.intercept)
    variance = chance * (1.0 - chance)
    inverse = np.linalg.inv(_gram(task, variance))
    if covariance == AUGMENTED:
        X = np.c_[task.X, np.ones(n_samples)]
        leverage = variance * np.einsum("ij,jk,ik->i", X, inverse, X, optimize=True)
        inverse = np.linalg.inv(_gram(task, variance * (1.0 + leverage)))
    if covariance == ROBUST:
        scores = _gram(task, np.square(chance - task.y))
        inverse = inverse @ scores @ inverse * n_samples / (n_samples - size)
    return np.sqrt(inverse.diagonal())


def _gram(task: Task, weights: np.ndarray) -> np.ndarray:
    """Return Xᵀ diag(weights) X, X followed by a column of ones."""
    size = task.n_features + 1
    total = np.zeros((size, size))
    step = max(1, _BLOCK_VALUES // max(1, task.stored // task.n_samples))
    for start in range(0, task.n_samples, step):
        rows = slice(start, start + step)
        X, some = task.X[rows], weights[rows, None]
        ones = np.ones_like(some)
        if task.is_sparse:
            X = sp.hstack([X, ones], format="csr")
            total += (X.T @ X.multiply(some)).toarray()
        else:
            X = np.c_[X, ones]
            total += X.T @ (some * X)
    return total


@dataclass(frozen=True)
class Contest:
    """What is timed on one problem.

    Attributes
    ----------
    ours : Peer
    rivals : list of list of Peer
        The same library with other numbers of threads, which reach the accuracy at the
        same tolerance.
    errors : callable
        Returns the errors of a `Table` by name, see `ALLOWED`.
    extras : list of Peer
        What is timed too, and does not count.
    remark : str
    """

    ours: Peer
    rivals: list[list[Peer]]
    errors: Callable[[Table], dict[str, float]]
    extras: list[Peer] = field(default_factory=list)
    remark: str = ""

    def error(self, _: str, found: Found) -> float:
        """Return the largest error, as a share of what is allowed."""
        errors = self.errors(found.value)
        return max(error / ALLOWED[name] for name, error in errors.items())


def _model(task: Task) -> Contest:
    """Standard errors of the model."""
    ours = our_table()
    remark = "glum: √(n / (n − k)) times the usual ones, at dispersion=1"
    return Contest(
        ours,
        with_threads(rivals()),
        TableErrors(task, MODEL),
        [on_one_thread(ours)],
        remark,
    )


def _robust(task: Task) -> Contest:
    """HC1."""
    remark = "the HC1 of statsmodels is HC0, without n / (n − k)"
    return Contest(
        our_table(ROBUST),
        with_threads(rivals(ROBUST)),
        TableErrors(task, ROBUST),
        remark=remark,
    )


def _one_hot(task: Task) -> Contest:
    """Standard errors of the model, for sparse X, and leverages, which peers lack."""
    on_categories = on_one_thread(glum_on_categories(data.categories(task.X)))
    return Contest(
        our_table(),
        with_threads(rivals()),
        TableErrors(task, MODEL),
        [our_table(leverages=True), on_categories],
        "memory with leverages",
    )


def _firth(tests: bool, task: Task) -> Contest:
    """Firth's prior."""
    ours = our_firth(tests)
    remark = "firthmodels: standard errors of the augmented information"
    return Contest(
        ours,
        with_threads(firth_rivals(tests)),
        FirthErrors(task, tests),
        [on_one_thread(ours)],
        "" if tests else remark,
    )


_CONTESTS: dict[str, Callable[[Task], Contest]] = {
    "model": _model,
    "robust": _robust,
    "one_hot": _one_hot,
    "firth_table": partial(_firth, False),
    "firth_tests": partial(_firth, True),
}


def contest_of(problem: Problem, task: Task) -> Contest:
    """Return what is timed on a problem, with those peers that are installed."""
    make = _CONTESTS.get(problem.name) or _CONTESTS[problem.regime]
    contest = make(task)
    groups = [[p for p in group if can(p, task)] for group in contest.rivals]
    extras = [peer for peer in contest.extras if can(peer, task)]
    return replace(contest, rivals=[g for g in groups if g], extras=extras)


@dataclass(frozen=True)
class Result:
    """One solver on one problem.

    Attributes
    ----------
    seconds : float
        Median time of the rounds; without rounds, the time at `setting` in the search
        for it.
    errors : str
        Each error, and its name.
    accurate : int
        Whether all errors are at most those of `ALLOWED`.
    rounds : int
        Number of times that `seconds` is the median of.
    ratio : float or None
        Its time divided by ours. None for ours, and if its accuracy does not suffice.
    peak_bytes, x_bytes : int or None
        Of ours: the peak memory in addition to X, and the size of X.
    status : str
        "ok", "not counted", or why it does not count.
    """

    grid: str
    problem: str
    label: str
    n_samples: int
    n_features: int
    target: float
    solver: str
    version: str
    setting: str
    seconds: float
    errors: str
    accurate: int
    rounds: int
    ratio: float | None
    peak_bytes: int | None
    x_bytes: int | None
    status: str
    remark: str


def few_rows(task: Task) -> Task:
    """Return a task of few rows and columns, whose classes are not separated."""
    rows = np.linspace(0, task.n_samples - 1, _WARM_ROWS).astype(int)
    X = task.X[rows]
    if task.is_sparse:
        counts = np.bincount(X.indices, minlength=task.n_features)
        X = X[:, np.sort(np.argsort(-counts)[:_WARM_COLUMNS])]
    else:
        X = np.ascontiguousarray(X[:, :_WARM_COLUMNS])
    return replace(task, X=X, y=np.arange(_WARM_ROWS) % 2)


def _warm_up(task: Task, solvers: list[Peer]) -> None:
    """Let each solver import and compile its code, on few rows and columns."""
    small = few_rows(task)
    for peer in solvers:
        attempt(peer, small, lambda _: 0.0, 60.0, peer.tolerances[0], 100)
    native_threads.cache_clear()  # it knows only libraries that were loaded before


def measure(problem: Problem, say: Callable[[str], None]) -> list[Result]:
    """Measure one problem. The result of this package comes first."""
    effort = QUICK_EFFORT if problem.grid == QUICK else FULL_EFFORT
    effort = replace(effort, bounds=_BOUNDS[problem.grid], most=_MOST_ROUNDS)
    peak_bytes, x_bytes = peak_apart(problem)
    task = problem.build()
    contest = contest_of(problem, task)
    every = [peer for group in contest.rivals for peer in group]
    _warm_up(task, [contest.ours, *contest.extras, *every])
    gc.collect()
    gc.freeze()
    entries: list[tuple[Peer, Attempt, str]] = []

    def enter(peer: Peer, quickest: float) -> tuple[Peer, Attempt, str]:
        judge = partial(contest.error, peer.convention)
        attempts = climb(peer, task, judge, effort.bounds, quickest, accuracy=1.0)
        entry = peer, *chosen(peer, attempts, accuracy=1.0)
        say(f"  {_line(contest, *entry)}")
        entries.append(entry)
        return entry

    for peer in (contest.ours, *contest.extras):
        enter(peer, np.inf)
    n_own = len(entries)
    quickest = np.inf
    for group in contest.rivals:
        tolerances = group[0].tolerances
        for peer in group:
            _, one, status = enter(replace(peer, tolerances=tolerances), quickest)
            if status == _OK:
                quickest = min(quickest, one.seconds)
                tolerances = (one.tol,)
    near = [entry for entry in entries[n_own:] if entry[2] == _OK]
    near = [entry for entry in near if entry[1].seconds <= _WITHIN * quickest]
    near.sort(key=lambda entry: entry[1].seconds)
    again = entries[:n_own] + near[:_CONTENDERS]
    again = [e for e in again if e[2] == _OK and e[1].seconds <= _LONGEST]
    timed = rounds(contest.error, task, again, effort)
    results = [_result(problem, task, contest, *entry, timed) for entry in entries]
    results[1:n_own] = [replace(one, status=_EXTRA) for one in results[1:n_own]]
    own = results[0].seconds
    results[0] = replace(results[0], peak_bytes=peak_bytes, x_bytes=x_bytes)
    return results[:1] + [
        replace(one, ratio=one.seconds / own) if one.accurate else one
        for one in results[1:]
    ]


def _errors(contest: Contest, one: Attempt) -> str:
    """Return the errors as text."""
    if one.fit is None:
        return ""
    errors = contest.errors(one.fit.value)
    return ", ".join(f"{name} {error:.0e}" for name, error in errors.items())


def _line(contest: Contest, peer: Peer, one: Attempt, status: str) -> str:
    """Return a line of the progress report."""
    figures = f"{one.setting:10s} {one.seconds:8.4f} s  {_errors(contest, one)}"
    return f"{peer.name:32s} {figures}  {status}"


def _result(
    problem: Problem,
    task: Task,
    contest: Contest,
    peer: Peer,
    one: Attempt,
    status: str,
    timed: dict[str, list[Attempt]],
) -> Result:
    """Return the result of one solver, without the ratio and the memory."""
    again = timed.get(peer.name, [])
    failed = [attempt.status for attempt in again if attempt.status != _OK]
    worst = max([one, *again], key=lambda attempt: attempt.objective)
    return Result(
        grid=problem.grid,
        problem=problem.name,
        label=problem.label,
        n_samples=task.n_samples,
        n_features=task.n_features,
        target=problem.target,
        solver=peer.name,
        version=peer.version(),
        setting=one.setting,
        seconds=median(attempt.seconds for attempt in again or [one]),
        errors=_errors(contest, worst),
        accurate=int(worst.objective <= 1.0),
        rounds=len(again),
        ratio=None,
        peak_bytes=None,
        x_bytes=None,
        status=failed[0] if failed else status,
        remark=contest.remark,
    )


def peak(name: str, grid: str) -> tuple[int, int]:
    """Return the peak memory of ours in addition to X, and the size of X, in bytes."""
    problem = next(problem for problem in problems(grid) if problem.name == name)
    task = problem.build()
    ours = {"robust": our_table(ROBUST), "one_hot": our_table(leverages=True)}
    peer = ours.get(problem.regime, our_table())
    peer.fit(few_rows(task), peer.tolerances[0], None)
    peak = peak_of(lambda: peer.fit(task, peer.tolerances[0], None))
    return peak, task.nbytes


def peak_apart(problem: Problem) -> tuple[int | None, int | None]:
    """Return the same of a new process; not for Firth's fits, which are small."""
    if problem.regime == "firth":
        return None, None
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(peak, problem.name, problem.grid).result()


def summary(results: list[Result]) -> str:
    """Return a Markdown table with a row for each problem."""
    body = []
    for name in dict.fromkeys(one.problem for one in results):
        ours, *others = [one for one in results if one.problem == name]
        counted = [one for one in others if one.ratio and one.status == _OK]
        best = min(counted, key=lambda one: one.ratio, default=None)
        extras = [
            f"{one.solver}: {duration(one.seconds)}"
            for one in others
            if one.status == _EXTRA
        ]
        body.append(
            (
                ours.label,
                f"{ours.n_samples:,} × {ours.n_features:,}",
                duration(ours.seconds),
                f"{best.solver}, {best.setting}" if best else "none",
                duration(best.seconds) if best else "—",
                f"{best.ratio:.2f}" if best else "—",
                f"{ours.target:g}",
                verdict(_failure(ours), best.ratio if best else None, ours.target),
                _megabytes(ours.peak_bytes),
                _megabytes(ours.x_bytes),
                "; ".join(extras + [ours.remark] * bool(ours.remark)),
            )
        )
    head = (
        "table",
        "rows × columns",
        "this package",
        "best peer",
        "its time",
        "ratio",
        "target",
        "met",
        "extra memory",
        "X",
        "remarks",
    )
    return markdown(head, body, right=(2, 4, 5, 6, 8, 9))


def _megabytes(size: int | None) -> str:
    return "—" if size is None else f"{size / 1e6:.3g} MB"


def _failure(ours: Result) -> str:
    """Return why the result of ours does not count, empty if it counts."""
    if ours.status != _OK:
        return f"no: {ours.status}"
    return "" if ours.accurate else "no: accuracy"


def _error_of(one: Result) -> str:
    return one.errors


def main(arguments: list[str] | None = None) -> None:
    """Measure the problems, and write the results after each."""
    Study(
        name="inference",
        title="Inference",
        about=__doc__.splitlines()[0],
        quick="a tenth of the size",
        problems=problems,
        measure=measure,
        record=Result,
        tables=(summary, partial(details, error="errors", text=_error_of)),
        packages=_PACKAGES,
    ).main(arguments)


if __name__ == "__main__":
    main()
