"""Time limits for a fit, and the time of one multithreaded read of X."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from statistics import median

import numpy as np

from benchmarks.task import Task


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `TimeoutError` in the block after `seconds`.

    Python handles the signal between two bytecode instructions, so a compiled loop is
    not interrupted.
    """
    main = threading.current_thread() is threading.main_thread()
    if not main or not hasattr(signal, "setitimer"):  # Windows has no timers
        yield
        return

    def ring(_signum: int, _frame: object) -> None:
        raise TimeoutError(f"over {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def read_seconds(task: Task, repeats: int = 7) -> float:
    """Median time of X @ v on all cores: a lower bound for the time of one pass over X.

    For dense X, BLAS uses its own threads. Sparse X is split into one range of rows
    (CSC: of columns) per core, and each range is multiplied in a Python thread.
    """
    rng = np.random.default_rng(0)
    X = task.X
    if not task.is_sparse:
        v = rng.standard_normal(task.n_features).astype(X.dtype)
        return _median_seconds(lambda: X @ v, repeats)
    cores = os.cpu_count() or 1
    along = X.shape[1] if X.format == "csc" else X.shape[0]
    cuts = np.linspace(0, along, cores + 1).astype(int)
    pairs = list(pairwise(cuts))
    if X.format == "csc":
        parts = [X[:, low:high] for low, high in pairs]
    else:
        parts = [X.tocsr()[low:high] for low, high in pairs]
    vectors = [rng.standard_normal(part.shape[1]).astype(X.dtype) for part in parts]
    with ThreadPoolExecutor(cores) as pool:
        return _median_seconds(
            lambda: list(pool.map(lambda a, b: a @ b, parts, vectors)), repeats
        )


def _median_seconds(call: object, repeats: int) -> float:
    """Median time of a call; the first call is a warm-up and is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return median(times[1:])
