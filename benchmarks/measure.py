"""Measure one problem: reference optimum, climbs, interleaved rounds."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import numpy as np

from benchmarks.climb import (
    ACCURACY,
    Attempt,
    Bounds,
    attempt,
    cheapest,
    climb,
    recalled,
)
from benchmarks.limits import read_seconds
from benchmarks.objective import ABSORBED, objective, relative_suboptimality
from benchmarks.peers import OURS, OURS_ABSORBED, Peer, installed
from benchmarks.problems import Problem
from benchmarks.records import Row
from benchmarks.reference import lowest
from benchmarks.task import Fit, Task, as_fit

# Pause in seconds between two fits: the threads of OpenBLAS spin for about 0.1 s after
# a product, and would slow down the next fit.
_PAUSE = 0.12
# A solver repeats its fit for about _TURN seconds per round, at most _REPEATS times.
_TURN = 0.05
_REPEATS = 4
# The interleaved rounds include the _CONTENDERS fastest peers, if their times are
# within this factor of the fastest peer's time.
_CONTENDERS = 3
_WITHIN = 1.5
# Setting of the fits from which the reference optimum for an ℓ₁ penalty starts.
_FINE = 1e-12
_MANY_ITERATIONS = 10_000
# The combinations of solver and kind of data that have been warmed up.
_WARM: set[tuple[str, str, str, str, str, bool]] = set()


@dataclass(frozen=True)
class Effort:
    """Limits on the time of a measurement.

    Attributes
    ----------
    bounds : Bounds
        Limits on the climb of each peer.
    seconds : float
        Time of the interleaved rounds, summed over all solvers.
    least, most : int
        Minimum and maximum number of rounds.
    """

    bounds: Bounds
    seconds: float
    least: int
    most: int


QUICK_EFFORT = Effort(
    Bounds(seconds=2.0, patience=6.0, floor=0.3, factor=3.0, budget=2.0), 1.2, 3, 5
)
FULL_EFFORT = Effort(
    Bounds(seconds=20.0, patience=6.0, floor=1.0, factor=3.0, budget=20.0),
    6.0,
    3,
    15,
)


class Yardstick:
    """The lowest known objective in each convention, and the distance from it."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.best: dict[str, float] = {}

    def judge(self, convention: str, fit: Fit) -> float:
        """Return the objective of a fit, and store it if it is the lowest so far."""
        value = objective(self.task, fit, convention)
        self.best[convention] = min(value, self.best.get(convention, np.inf))
        return value

    def short(self, convention: str, value: float | None) -> float:
        """Return the relative suboptimality of an objective."""
        if value is None or not np.isfinite(value):
            return np.inf
        return relative_suboptimality(value, self.best[convention])


@dataclass
class Measured:
    """The results for one problem."""

    task: Task
    rows: list[Row]
    read_seconds: float


def measure(
    problem: Problem,
    effort: Effort,
    say: Callable[[str], None],
    stored: Sequence[Row] = (),
) -> Measured:
    """Measure one problem with every installed peer that can fit it.

    A peer of the version of the stored rows keeps its settings and times in the search
    for a setting; the interleaved rounds are timed anew.
    """
    task = problem.build()
    rod = Yardstick(task)
    solvers = [p for p in installed(ours=True) if not p.refuses(task)]
    excluded = [(p, p.refuses(task)) for p in installed(ours=True) if p.refuses(task)]
    _warm_up(task, solvers)
    gc.collect()
    gc.freeze()
    _set_reference(rod, solvers, effort)
    climbs = _climb_all(task, rod, solvers, effort, say, stored)
    rounds = _rounds(task, rod, climbs, effort)
    row = partial(_row, problem, task, rod)
    rows = [row(p, "excluded", -1, None, reason) for p, reason in excluded]
    for peer, attempts in climbs:
        rows += [row(peer, "climb", k, one, "") for k, one in enumerate(attempts)]
    for peer, attempts in rounds:
        rows += [row(peer, "timed", k, one, "") for k, one in enumerate(attempts)]
    return Measured(task, rows, read_seconds(task))


def _warm_up(task: Task, solvers: list[Peer]) -> None:
    """Fit a few rows with each library, so that it is imported and compiled.

    This is done once per dtype, layout, loss and penalty.
    """
    few = np.linspace(0, task.n_samples - 1, 60).astype(int)
    X = task.X[few]
    if task.is_sparse:
        X = X[:, np.unique(X.nonzero()[1])[:40]]  # snapml aborts on an empty matrix
    else:
        X = np.asarray(X[:, :40], order=task.layout)
    y = np.arange(len(few)) % 2
    C = 1.0 if task.penalized else np.inf
    small = Task(X, y, C, task.loss, task.fit_intercept, task.l1_ratio)
    shared = (str(X.dtype), task.layout, task.loss, task.penalty, task.penalized)
    for peer in solvers:
        kind = (peer.name, *shared)
        if kind not in _WARM:
            attempt(peer, small, lambda _: 0.0, 60.0)
            _WARM.add(kind)


def _set_reference(rod: Yardstick, solvers: list[Peer], effort: Effort) -> None:
    """Compute the optimum in each convention that a solver uses."""
    task = rod.task
    fits = [as_fit(np.zeros(task.n_features))]
    conventions = sorted({peer.convention for peer in solvers}, reverse=True)
    for convention in conventions:
        if task.l1_ratio:
            alike = [peer for peer in solvers if peer.convention == convention]
            fits += _fine_fits(task, alike, 2 * effort.bounds.seconds)
        value, fit = lowest(task, fits, convention, 4 * effort.bounds.seconds)
        rod.judge(convention, fit)
        fits.append(fit)
        rod.best[convention] = min(value, rod.best[convention])


def _fine_fits(task: Task, solvers: list[Peer], seconds: float) -> list[Fit]:
    """Fits at a fine tolerance: ours, or if it fails, those of the peers.

    Native solvers are left out, because a time limit cannot interrupt them.
    """
    fits: list[Fit] = []
    for peer in solvers:
        if peer.native:
            continue
        one = attempt(peer, task, lambda _: 0.0, seconds, _FINE, _MANY_ITERATIONS)
        if one.fit is not None:
            fits.append(one.fit)
            if peer in (OURS, OURS_ABSORBED):
                break
    return fits


def _climb_all(
    task: Task,
    rod: Yardstick,
    solvers: list[Peer],
    effort: Effort,
    say: Callable[[str], None],
    stored: Sequence[Row],
) -> list[tuple[Peer, list[Attempt]]]:
    """Search the tolerances of every peer. Our fits use the defaults."""
    climbs = []
    quickest = np.inf
    for peer in solvers:
        judge = partial(rod.judge, peer.convention)
        short = partial(rod.short, peer.convention)
        start = time.perf_counter()
        if peer in (OURS, OURS_ABSORBED):
            attempts = [attempt(peer, task, judge, 3 * effort.bounds.seconds)]
        else:
            attempts = _known(peer, stored) or climb(
                peer, task, judge, short, effort.bounds, quickest
            )
        best = cheapest(attempts, short)
        if best is not None and peer not in (OURS, OURS_ABSORBED):
            quickest = min(quickest, best.seconds)
        shown = best or min(attempts, key=lambda one: one.objective)
        say(
            f"  {peer.name:28s} {shown.setting:10s} {shown.seconds:8.4f} s "
            f"{short(shown.objective):8.1e}  {shown.status if not best else ''}"
            f"  ({len(attempts)} settings, {time.perf_counter() - start:.1f} s)"
        )
        climbs.append((peer, [replace(one, fit=None) for one in attempts]))
    return climbs


def _known(peer: Peer, stored: Sequence[Row]) -> list[Attempt]:
    """Return the stored search of a peer, empty if its version is another one."""
    return [
        recalled(
            peer, row.setting, row.seconds or 0.0, row.objective, row.n_iter, row.status
        )
        for row in stored
        if (row.solver, row.version) == (peer.name, peer.version())
        and row.phase == "climb"
    ]


def _rounds(
    task: Task,
    rod: Yardstick,
    climbs: list[tuple[Peer, list[Attempt]]],
    effort: Effort,
) -> list[tuple[Peer, list[Attempt]]]:
    """Time our fit at its defaults and the fastest peers, in turn."""
    chosen: list[tuple[Peer, Attempt]] = []
    rivals: list[tuple[Peer, Attempt]] = []
    for peer, attempts in climbs:
        best = cheapest(attempts, partial(rod.short, peer.convention))
        if peer in (OURS, OURS_ABSORBED):
            if attempts[0].status == "ok":
                chosen.append((peer, attempts[0]))
        elif best is not None:
            rivals.append((peer, best))
    rivals.sort(key=lambda pair: pair[1].seconds)
    near = [r for r in rivals if r[1].seconds <= _WITHIN * rivals[0][1].seconds]
    chosen += near[:_CONTENDERS]
    if not any(peer.convention == ABSORBED for peer, _ in near[:_CONTENDERS]):
        chosen = [pair for pair in chosen if pair[0] is not OURS_ABSORBED]
    timed: dict[str, list[Attempt]] = {peer.name: [] for peer, _ in chosen}
    spent, done = 0.0, 0
    while done < effort.least or (spent < effort.seconds and done < effort.most):
        if not chosen:
            break
        turn = done % len(chosen)
        for peer, setting in chosen[turn:] + chosen[:turn]:
            time.sleep(_PAUSE)
            judge = partial(rod.judge, peer.convention)
            repeats = round(min(max(_TURN / setting.seconds, 1), _REPEATS))
            for _ in range(repeats):
                one = attempt(
                    peer,
                    task,
                    judge,
                    10 * effort.bounds.seconds,
                    setting.tol,
                    setting.max_iter,
                )
                timed[peer.name].append(replace(one, fit=None))
                spent += one.seconds
        done += 1
    return [(peer, timed[peer.name]) for peer, _ in chosen]


def _row(
    problem: Problem,
    task: Task,
    rod: Yardstick,
    peer: Peer,
    phase: str,
    number: int,
    one: Attempt | None,
    reason: str,
) -> Row:
    """Return the row of the results that describes one fit."""
    value = None if one is None or not np.isfinite(one.objective) else one.objective
    return Row(
        grid=problem.grid,
        problem=problem.name,
        regime=problem.regime,
        n_samples=task.n_samples,
        n_features=task.n_features,
        stored=task.stored,
        dtype=str(task.X.dtype),
        layout=task.layout,
        loss=task.loss,
        C=task.C,
        solver=peer.name,
        version=peer.version(),
        convention=peer.convention,
        phase=phase,
        setting="" if one is None else one.setting,
        round=number,
        seconds=None if one is None else one.seconds,
        objective=value,
        relative_suboptimality=(
            None if value is None else rod.short(peer.convention, value)
        ),
        n_iter=None if one is None else one.n_iter,
        reads=None if one is None else one.reads,
        status=reason if one is None else one.status,
    )


def median_seconds(rows: list[Row], solver: str, phase: str = "timed") -> float | None:
    """Median time of a solver in one phase; None if it has no rows there."""
    times = [
        row.seconds
        for row in rows
        if row.solver == solver and row.phase == phase and row.seconds is not None
    ]
    return median(times) if times else None


__all__ = [
    "ACCURACY",
    "FULL_EFFORT",
    "QUICK_EFFORT",
    "Effort",
    "Measured",
    "measure",
    "median_seconds",
]
