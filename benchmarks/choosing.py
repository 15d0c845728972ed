"""Time whole paths of the lasso and whole searches for C, and compare them with peers.

    python -m benchmarks.choosing [NAME ...] [--quick] [--out FILE] [--keep]

There are four kinds of problem:

path    100 values of C of the lasso, each within 1e-6 of the optimum
fits    a path of 100 values of C against a single fit, both by this package
search  10 values of C and 5 folds, with scores that are right to 1e-6
alo     `cv="alo"` against 5 folds, both by this package
"""

from __future__ import annotations

import gc
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import numpy as np

from benchmarks import data
from benchmarks.climb import Attempt, Bounds, attempt
from benchmarks.measure import FULL_EFFORT, QUICK_EFFORT, Effort
from benchmarks.objective import ABSORBED, FREE, objective, relative_suboptimality
from benchmarks.peers import Peer
from benchmarks.peers._choosing import (
    N_FOLDS,
    PATH_TOL,
    Found,
    our_fits,
    our_path,
    our_paths,
    our_search,
    path_rivals,
    search_rivals,
)
from benchmarks.problems import FULL, QUICK, Problem
from benchmarks.problems._base import dense_sizes
from benchmarks.report import duration, markdown, verdict
from benchmarks.study import Study, details
from benchmarks.task import Task

_ACCURACY = 1e-6
# Tolerances of the paths and of the searches whose results count as exact.
_EXACT_PATH_TOL, _EXACT_SEARCH_TOL = 1e-8, 1e-12
# That of a rival's path where ours takes too long.
_RIVAL_TOL = 1e-12
# Two scores are the same if they differ by less: a thousandth of the accuracy.
_SAME_SCORE = 1e-9
# Number of values of C of a path, and the places of those that are fitted singly.
_N_POINTS = 100
_SINGLE = (24, 49, 74)
_CS = np.geomspace(1e-4, 1e4, 10)
_MANY_ITERATIONS = 100_000
# As in `measure`: a pause in which the threads of the last fit stop spinning, and how
# many peers are timed in turn with this package, if they are nearly as quick as the
# quickest.
_PAUSE = 0.12
_CONTENDERS, _WITHIN = 3, 1.5
# The first rounds may take this many times `Effort.seconds`.
_SLOW = 10
_SECONDS = {FULL: 60.0, QUICK: 10.0}
_OK, _ROUNDING = "ok", "rounding"
# The results with one of these counts as those of a peer.
_COUNTED = (_OK, _ROUNDING)


def problems(grid: str) -> list[Problem]:
    """Return the problems; the quick ones have about a tenth of the values of X."""
    tenth = 10 if grid == QUICK else 1
    tall = dense_sizes(200_000 // tenth, 50)
    genes = dense_sizes(300, 5_000 // tenth)
    text = dense_sizes(25_000 // tenth, 60_000 // tenth, words=60.0)
    middle = dense_sizes(20_000 // tenth, 50)
    narrow = dense_sizes(200_000 // tenth, 30)
    few = dense_sizes(300, 100)
    scaled = {"standardized": True}
    dense, cancer = data.dense, data.breast_cancer
    rows = [
        ("path", "tall", "tall", 1.5, dense, tall, 1.0),
        ("path", "genes", "wide, correlated blocks", 1.0, data.blocks, genes, 1.0),
        ("path", "text", "sparse text", 1.0, data.text, text, 1.0),
        ("path", "cancer", "breast cancer, standardized", 1.0, cancer, scaled, 1.0),
        ("fits", "ridge", "ridge, tall", 0.1, dense, tall, 0.0),
        ("fits", "net", "elastic net 0.5, tall", 0.1, dense, tall, 0.5),
        ("fits", "lasso", "lasso, tall", 0.1, dense, tall, 1.0),
        ("search", "middle", "tall", 2.0, dense, middle, 0.0),
        ("search", "tall", "tall", 2.0, dense, narrow, 0.0),
        ("search", "cancer", "breast cancer, standardized", 1.5, cancer, scaled, 0.0),
        ("alo", "middle", "tall", 1.0, dense, middle, 0.0),
        ("alo", "tall", "tall", 1.0, dense, narrow, 0.0),
        ("alo", "cancer", "breast cancer, standardized", 1.0, cancer, scaled, 0.0),
        ("alo", "cancer_raw", "breast cancer", 0.5, cancer, {}, 0.0),
        ("alo", "few", "few rows per column", 0.5, dense, few, 0.0),
    ]
    return [
        Problem(f"{kind}_{name}", label, kind, grid, target, make, sizes, l1_ratio=rho)
        for kind, name, label, target, make, sizes, rho in rows
    ]


@dataclass(frozen=True)
class Contest:
    """What is timed on one problem.

    Attributes
    ----------
    ours, rivals : list of Peer
        Their first tolerance is the loosest that is tried. A rival is compared with the
        one of ours that has its convention.
    error : callable
        ``error(convention, found)`` is what has to be at most 1e-6.
    rounding : bool
        Whether a rival counts whose error no tolerance brings down.
    contenders : int
        Number of rivals that are timed in turn with ours.
    within : float
        Their largest time, as a multiple of the quickest rival's.
    remark : str
    """

    ours: list[Peer]
    rivals: list[Peer]
    error: Callable[[str, Found], float] = lambda *_: 0.0
    rounding: bool = False
    contenders: int = _CONTENDERS
    within: float = _WITHIN
    remark: str = ""


@dataclass(frozen=True)
class Result:
    """One solver on one problem.

    Attributes
    ----------
    seconds : float
        Median time of the rounds; without rounds, the time at `setting` in the search
        for it.
    error : float
        Largest error of all its timed results.
    rounds : int
        Number of times that `seconds` is the median of.
    ratio : float or None
        Its time divided by ours. None for ours, and if its accuracy does not suffice.
    status : str
        "ok", "rounding" if its error is the smallest that its tolerance gives, or why
        it does not count.
    """

    grid: str
    problem: str
    label: str
    n_samples: int
    n_features: int
    target: float
    solver: str
    version: str
    convention: str
    setting: str
    seconds: float
    error: float
    rounds: int
    ratio: float | None
    status: str
    remark: str


class Excess:
    """The error of a path: the largest relative excess over the best known F.

    `best` holds the lowest F at each C, by convention.
    """

    def __init__(self, task: Task, Cs: np.ndarray) -> None:
        self.tasks = [replace(task, C=float(C)) for C in Cs]
        self.best: dict[str, np.ndarray] = {}

    def __call__(self, convention: str, found: Found) -> float:
        """Return the error; infinite if nothing was learned of the convention."""
        return self.learn(convention, found) if convention in self.best else np.inf

    def learn(self, convention: str, found: Found) -> float:
        """Return the error, if the path itself may be the best known."""
        values = np.array(
            [
                objective(task, fit, convention)
                for task, fit in zip(self.tasks, found.value, strict=True)
            ]
        )
        best = np.minimum(values, self.best.get(convention, np.inf))
        self.best[convention] = best
        return max(map(relative_suboptimality, values.tolist(), best.tolist()))


def _grid(task: Task) -> np.ndarray:
    """Return the values of C of a path by default, from a path of one."""
    (least,), _ = our_path(task, PATH_TOL, 1)
    return np.geomspace(least, 1e3 * least, _N_POINTS)


def _path(task: Task, seconds: float) -> Contest:
    """Paths of the lasso.

    The optimum is that of our path at a tight tolerance. If that takes too long, it is
    that of the first peer that is quick enough at 1e-12.
    """
    Cs = _grid(task)
    ours, rivals = our_paths(Cs), path_rivals(Cs)
    excess = Excess(task, Cs)
    tight = [(peer, _EXACT_PATH_TOL) for peer in ours]
    tight += [(peer, _RIVAL_TOL) for peer in rivals if can(peer, task)]
    for peer, tol in tight:
        if peer.convention not in excess.best:
            judge = partial(excess.learn, peer.convention)
            attempt(peer, task, judge, seconds, tol, _MANY_ITERATIONS)
    return Contest(ours, rivals, excess)


def _fits(task: Task, _: float) -> Contest:
    """A path against single fits."""
    Cs = _grid(task)
    single = our_fits(Cs[list(_SINGLE)])
    return Contest(our_paths(Cs)[:1], single, contenders=len(single), within=np.inf)


def _search(task: Task, _: float) -> Contest:
    """Searches by folds, against those of scikit-learn."""
    ours, rivals = our_search(N_FOLDS, _CS), search_rivals(_CS)
    exact = ours.fit(task, _EXACT_SEARCH_TOL, None).value

    def error(_convention: str, found: Found) -> float:
        return float(np.abs(found.value - exact).max())

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a singular Hessian
        other = rivals[0].fit(task, _EXACT_SEARCH_TOL, _MANY_ITERATIONS)
    remark = f"{rivals[0].name} at 1e-12 differs by {error(FREE, other):.0e}"
    return Contest([ours], rivals, error, rounding=True, remark=remark)


def _alo(_task: Task, _seconds: float) -> Contest:
    """Approximate leave-one-out against folds."""
    return Contest([our_search("alo", _CS)], [our_search(N_FOLDS, _CS)])


_KINDS = {"path": _path, "fits": _fits, "search": _search, "alo": _alo}


def can(peer: Peer, task: Task) -> bool:
    """Whether a peer is installed and fits the task."""
    return peer.installed() and not peer.refuses(task)


def _warm_up(task: Task, solvers: list[Peer]) -> None:
    """Let each solver import and compile its code, on few rows and columns."""
    few = np.linspace(0, task.n_samples - 1, 100).astype(int)
    X = task.X[few]
    if task.is_sparse:
        X = X[:, np.unique(X.nonzero()[1])[:40]]
    else:
        X = np.ascontiguousarray(X[:, :40])
    small = replace(task, X=X, y=np.arange(len(few)) % 2)
    for peer in solvers:
        tol = peer.tolerances[0]
        attempt(peer, small, lambda _: 0.0, 60.0, tol, _MANY_ITERATIONS)


def climb(
    peer: Peer,
    task: Task,
    error: Callable[[Found], float],
    bounds: Bounds,
    quickest: float,
    accuracy: float = _ACCURACY,
) -> list[Attempt]:
    """Try its tolerances, from the loosest on, until one is accurate or takes too long.

    Its `objective` is the error. The climb ends at `bounds.factor` times the quickest
    rival's time.
    """
    attempts: list[Attempt] = []
    for tol in peer.tolerances:
        limit = bounds.limit(quickest)
        last = attempt(peer, task, error, limit, tol, _MANY_ITERATIONS)
        attempts.append(last)
        late = last.seconds > bounds.factor * quickest
        if last.objective <= accuracy or last.status != _OK or late:
            break
    return attempts


def chosen(
    peer: Peer,
    attempts: list[Attempt],
    rounding: bool = False,
    accuracy: float = _ACCURACY,
) -> tuple[Attempt, str]:
    """Return the attempt that counts, or else the best one, and why it does not count.

    With `rounding`, if no tolerance is accurate, the tightest one counts that still
    changes the error.
    """
    last = attempts[-1]
    if last.objective <= accuracy:
        return last, _OK
    if last.status.startswith("time"):
        return last, f"stopped at {last.setting} after {last.seconds:.2g} s"
    if last.status != _OK:
        return last, f"{last.setting}: {last.status}"
    if len(attempts) < len(peer.tolerances):
        return last, "slow at a tolerance that is not accurate"
    if rounding:
        same = (a for a in attempts if a.objective <= last.objective + _SAME_SCORE)
        return next(same), _ROUNDING
    return last, "no tolerance is accurate"


def rounds(
    error: Callable[[str, Found], float],
    task: Task,
    entries: list[tuple[Peer, Attempt, str]],
    effort: Effort,
) -> dict[str, list[Attempt]]:
    """Time the entries in turn; return their attempts by the name of the solver.

    Slow ones have fewer than `effort.least` rounds, but one.
    """
    timed: dict[str, list[Attempt]] = {peer.name: [] for peer, *_ in entries}
    spent, done = 0.0, 0
    slow = _SLOW * effort.seconds if entries else 0.0
    while spent < (slow if done < effort.least else effort.seconds):
        if done == effort.most:
            break
        turn = done % len(entries)
        for peer, setting, _ in entries[turn:] + entries[:turn]:
            time.sleep(_PAUSE)
            judge = partial(error, peer.convention)
            limit = 3 * effort.bounds.seconds
            tol, max_iter = setting.tol, setting.max_iter
            timed[peer.name].append(attempt(peer, task, judge, limit, tol, max_iter))
            spent += timed[peer.name][-1].seconds
        done += 1
    return timed


def measure(problem: Problem, say: Callable[[str], None]) -> list[Result]:
    """Measure one problem. The results of this package come first."""
    effort = QUICK_EFFORT if problem.grid == QUICK else FULL_EFFORT
    bounds = replace(effort.bounds, seconds=_SECONDS[problem.grid])
    effort = replace(effort, bounds=bounds)
    task = problem.build()
    contest = _KINDS[problem.regime](task, effort.bounds.seconds)
    rivals = [p for p in contest.rivals if can(p, task)]
    if all(peer.convention == FREE for peer in rivals):
        contest = replace(contest, ours=contest.ours[:1])
    _warm_up(task, contest.ours + rivals)
    gc.collect()
    gc.freeze()
    entries = []
    quickest = np.inf
    for peer in contest.ours + rivals:
        error = partial(contest.error, peer.convention)
        attempts = climb(peer, task, error, effort.bounds, quickest)
        entry = peer, *chosen(peer, attempts, contest.rounding)
        if peer in rivals and entry[2] in _COUNTED:
            quickest = min(quickest, entry[1].seconds)
        say(f"  {_line(*entry)}")
        entries.append(entry)
    own, others = entries[: len(contest.ours)], entries[len(contest.ours) :]
    near = [e for e in others if e[2] in _COUNTED]
    near = [e for e in near if e[1].seconds <= contest.within * quickest]
    near.sort(key=lambda entry: entry[1].seconds)
    own = [entry for entry in own if entry[2] == _OK]
    timed = rounds(contest.error, task, own + near[: contest.contenders], effort)
    results = [_result(problem, task, contest, *entry, timed) for entry in entries]
    return _with_ratios(results, len(contest.ours))


def _line(peer: Peer, one: Attempt, status: str) -> str:
    """Return a line of the progress report."""
    figures = f"{one.setting:10s} {one.seconds:8.4f} s {one.objective:8.1e}"
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
    """Return the result of one solver, without the ratio."""
    rounds = timed.get(peer.name, [])
    errors = [attempt.objective for attempt in (one, *rounds)]
    failed = [attempt.status for attempt in rounds if attempt.status != _OK]
    return Result(
        grid=problem.grid,
        problem=problem.name,
        label=problem.label,
        n_samples=task.n_samples,
        n_features=task.n_features,
        target=problem.target,
        solver=peer.name,
        version=peer.version(),
        convention=peer.convention,
        setting=one.setting,
        seconds=median(attempt.seconds for attempt in rounds or [one]),
        error=max(errors),
        rounds=len(rounds),
        ratio=None,
        status=failed[0] if failed else status,
        remark=contest.remark,
    )


def _with_ratios(results: list[Result], n_ours: int) -> list[Result]:
    """Return the results with the ratios of the rivals' times to ours."""
    own = {one.convention: one.seconds for one in results[:n_ours]}
    named = {one.solver: one for one in results}  # the single fits share a name
    rivals = [one for one in named.values() if one not in results[:n_ours]]
    return results[:n_ours] + [
        replace(one, ratio=one.seconds / own[one.convention])
        if one.status in _COUNTED
        else one
        for one in rivals
    ]


def summary(results: list[Result]) -> str:
    """Return a Markdown table with a row for each problem."""
    body = []
    for name in dict.fromkeys(one.problem for one in results):
        ours, *rivals = [one for one in results if one.problem == name]
        counted = [one for one in rivals if one.ratio is not None]
        best = min(counted, key=lambda one: one.ratio, default=None)
        absorbed = best is not None and best.convention == ABSORBED
        own = rivals[0] if absorbed else ours
        remarks = (
            ["its scores are not exact at any tolerance"]
            if best and best.status == _ROUNDING
            else []
        )
        body.append(
            (
                f"{name.partition('_')[0]}: {ours.label}",
                f"{ours.n_samples:,} × {ours.n_features:,}",
                duration(own.seconds),
                _short(own.error),
                f"{best.solver} {best.setting}" if best else "none",
                duration(best.seconds) if best else "—",
                _short(best.error) if best else "—",
                f"{best.ratio:.2f}" if best else "—",
                f"{ours.target:g}",
                verdict(_failure(own), best.ratio if best else None, own.target),
                "; ".join(remarks + [ours.remark] * bool(ours.remark)),
            )
        )
    head = (
        "data",
        "rows × columns",
        "this package",
        "error",
        "best peer",
        "its time",
        "its error",
        "ratio",
        "target",
        "met",
        "remarks",
    )
    return markdown(head, body, right=(2, 3, 5, 6, 7, 8))


def _short(error: float) -> str:
    return f"{error:.0e}" if np.isfinite(error) else "—"


def _failure(own: Result) -> str:
    """Return why a result of ours does not count, empty if it counts."""
    if own.status != _OK:
        return f"no: {own.status}"
    return "no: accuracy" if own.error > _ACCURACY else ""


def _error_of(one: Result) -> str:
    return _short(one.error)


def main(arguments: list[str] | None = None) -> None:
    """Measure the problems, and write the results after each."""
    Study(
        name="choosing",
        title="Paths and searches",
        about=__doc__.splitlines()[0],
        quick="a tenth of the size",
        problems=problems,
        measure=measure,
        record=Result,
        tables=(summary, partial(details, error="error", text=_error_of)),
    ).main(arguments)


if __name__ == "__main__":
    main()
