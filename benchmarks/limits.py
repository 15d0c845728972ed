"""Time limits on a fit, and the time of one threaded read of X."""

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
    """Raise `TimeoutError` in the block once `seconds` have passed.

    The alarm is heard between Python's instructions: compiled loops run on.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(signum: int, frame: object) -> None:
        raise TimeoutError(f"over {seconds:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def read_seconds(task: Task, repeats: int = 7) -> float:
    """Median time of X @ v with every core: the least that a pass can cost.

    Dense X is read by the BLAS with its own threads, sparse X by as many Python
    threads as there are cores, a range of rows (CSC: of columns) each.
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
    """Median time of a call, after one that is not counted."""
    times = []
    for _ in range(repeats + 1):
        start = time.perf_counter()
        call()  # type: ignore[operator]
        times.append(time.perf_counter() - start)
    return median(times[1:])
