"""Find the loosest tolerance at which a peer reaches the required accuracy."""

from __future__ import annotations

import math
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

from benchmarks.limits import time_limit
from benchmarks.peers import Peer
from benchmarks.task import Fit, Task

# Relative suboptimality that a fit has to reach.
ACCURACY = 1e-8
# Maximum number of iterations of a peer whose fit a time limit can interrupt.
_MANY = 100_000
# Maximum number of iterations of a native peer whose first fit reported no count.
_NATIVE_START = 1_000
_DEFAULTS = "defaults"


@dataclass(frozen=True)
class Attempt:
    """One timed fit at one setting.

    Attributes
    ----------
    setting : str
    tol, max_iter
        Passed to the adapter. None: the default of the library.
    seconds : float
    objective : float
        F by `benchmarks.objective` in the peer's convention; infinite if the fit
        failed.
    status : str
        "ok", or the reason for the failure.
    """

    setting: str
    tol: float | None
    max_iter: int | None
    seconds: float
    objective: float
    n_iter: int | None = None
    reads: float | None = None
    status: str = "ok"
    fit: Fit | None = None


@dataclass(frozen=True)
class Bounds:
    """Limits on the time of a climb.

    Attributes
    ----------
    seconds : float
        Maximum time of one fit. A longer fit is interrupted, if possible, and ends the
        climb.
    patience : float
        Maximum time of one fit as a multiple of the fastest peer's time.
    floor : float
        Time in seconds that every fit is allowed, whatever `patience` is.
    factor : float
        The climb ends after a fit that took this many times the fastest peer's time:
        tighter tolerances take longer, and looser ones save little.
    budget : float
        The climb ends when the fits of one peer have taken this many seconds in total.
    """

    seconds: float
    patience: float = math.inf
    floor: float = 0.0
    factor: float = math.inf
    budget: float = math.inf

    def limit(self, quickest: float) -> float:
        """Maximum time of one fit, in seconds."""
        return min(self.seconds, max(self.floor, self.patience * quickest))


def attempt(
    peer: Peer,
    task: Task,
    judge: Callable[[Fit], float],
    seconds: float,
    tol: float | None = None,
    max_iter: int | None = None,
) -> Attempt:
    """Time one complete fit and evaluate the objective at its coefficients."""
    setting = _DEFAULTS if tol is None else f"tol={tol:.0e}"
    limit = nullcontext() if peer.native else time_limit(seconds)
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(), limit:
            warnings.simplefilter("ignore")
            start = time.perf_counter()
            fit = peer.fit(task, tol, max_iter)
            elapsed = time.perf_counter() - start
    except Exception as error:  # the failure of a peer is a result, and is reported
        elapsed = time.perf_counter() - start
        text = str(error).splitlines()[0][:120] if str(error) else ""
        late = isinstance(error, TimeoutError) or elapsed >= seconds
        status = "time" if late else type(error).__name__
        return Attempt(
            setting, tol, max_iter, elapsed, math.inf, status=f"{status}: {text}"
        )
    return Attempt(
        setting, tol, max_iter, elapsed, judge(fit), fit.n_iter, fit.reads, "ok", fit
    )


def recalled(
    peer: Peer,
    setting: str,
    seconds: float,
    objective: float | None,
    n_iter: int | None,
    status: str,
) -> Attempt:
    """Return the attempt whose figures were stored, so that it can be repeated."""
    tol = None if setting == _DEFAULTS else float(setting.removeprefix("tol="))
    most = max(2 * (n_iter or 0), _NATIVE_START) if peer.native else _MANY
    value = math.inf if objective is None else objective
    max_iter = None if tol is None else most
    return Attempt(setting, tol, max_iter, seconds, value, n_iter, None, status)


def climb(
    peer: Peer,
    task: Task,
    judge: Callable[[Fit], float],
    short: Callable[[float], float],
    bounds: Bounds,
    quickest: float,
) -> list[Attempt]:
    """Fit at the defaults, then at looser or tighter tolerances.

    The search ends at the loosest tolerance that reaches `ACCURACY`.

    Parameters
    ----------
    judge : callable
        Objective of a fit in the peer's convention.
    short : callable
        Relative suboptimality of an objective in that convention.
    quickest : float
        Time of the fastest peer so far that reached the accuracy.

    Returns
    -------
    list of Attempt
        The fit at the defaults comes first. `cheapest` selects the fit that counts.
    """
    limit = bounds.limit(quickest)
    predicted = _predicted_seconds(peer, task)
    if predicted > 1.5 * limit:
        text = (
            f"time: about {predicted:.2g} s, estimated from 1/16 of the rows; not run"
        )
        return [Attempt(_DEFAULTS, None, None, predicted, math.inf, status=text)]
    attempts = [attempt(peer, task, judge, limit)]
    first = attempts[0]
    if peer.default_tol is None or first.status != "ok":
        return attempts

    def reached(one: Attempt) -> bool:
        return short(one.objective) <= ACCURACY

    def rung(tol: float) -> Attempt:
        cap = _iterations(peer, attempts[-1], limit)
        one = attempt(peer, task, judge, limit, tol, cap)
        attempts.append(one)
        return one

    def worth_another() -> bool:
        last = attempts[-1]
        longest = min(limit, bounds.factor * quickest)
        if sum(one.seconds for one in attempts) > bounds.budget:
            return False
        return last.status == "ok" and last.seconds <= longest

    ladder = peer.tolerances
    place = min(range(len(ladder)), key=lambda k: _distance(ladder[k], peer))
    tried = set() if _cut_short(peer, first) else {place}
    found = place if reached(first) else None
    stuck = 0
    for k in range(place + len(tried), len(ladder), 2):
        if found is not None or stuck == 2 or not worth_another():
            break
        before = attempts[-1].objective
        one = rung(ladder[k])
        tried.add(k)
        found = k if reached(one) else None
        stuck = stuck + 1 if one.objective >= before * (1 - 1e-13) else 0
    while found is not None and found > 0 and worth_another():
        found -= 1
        if found in tried or not reached(rung(ladder[found])):
            break
    return attempts


def cheapest(
    attempts: list[Attempt], short: Callable[[float], float]
) -> Attempt | None:
    """The fastest attempt that reached the accuracy, or None."""
    good = [one for one in attempts if short(one.objective) <= ACCURACY]
    return min(good, key=lambda one: one.seconds, default=None)


def _predicted_seconds(peer: Peer, task: Task) -> float:
    """Estimated time of a fit at the defaults, if the solver cannot be interrupted."""
    # With few rows per column, a dense problem of fewer rows is another one.
    enough = 20_000 if task.is_sparse else max(20_000, 200 * task.n_features)
    if not peer.native or task.n_samples < enough:
        return 0.0
    rows = slice(None, None, 16)
    few = replace(task, X=task.X[rows], y=task.y[rows])
    return 16 * attempt(peer, few, lambda _: 0.0, 60.0).seconds


def _cut_short(peer: Peer, first: Attempt) -> bool:
    """Whether max_iter, rather than tol, may have ended the fit at the defaults."""
    if peer.default_max_iter is None:
        return False
    return first.n_iter is None or first.n_iter >= peer.default_max_iter


def _distance(tol: float, peer: Peer) -> float:
    return abs(math.log10(tol / (peer.default_tol or 1.0)))


def _iterations(peer: Peer, last: Attempt, seconds: float) -> int:
    """Maximum number of iterations; for a native peer, as many as the time allows."""
    if not peer.native:
        return _MANY
    if not last.n_iter or not last.seconds:
        return _NATIVE_START
    return int(min(max(last.n_iter * seconds / last.seconds, 100), _MANY))
