"""Threads for the row blocks, while BLAS is limited to one thread.

Blocks are processed in Python threads, and each thread calls BLAS with one thread.
OpenBLAS's own threads would spin while they wait for work, and take processor time from
these. BLAS has one number of threads for the whole process. So the fits that limit it
are counted: the first saves the number that it finds, and the last restores it.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from functools import lru_cache
from queue import SimpleQueue
from typing import Any

import joblib
from threadpoolctl import ThreadpoolController


@lru_cache(maxsize=1)
def _blas() -> Any:
    """Return a controller of the BLAS libraries, which NumPy and SciPy have loaded."""
    return ThreadpoolController().select(user_api="blas")


@lru_cache(maxsize=1)
def _n_cpus() -> int:
    """Return the number of CPUs that this process may use; respects containers."""
    return joblib.cpu_count()


class _BlasHold:
    """Limits BLAS to one thread while any fit of this process runs.

    `acquire` and `release` are idempotent, so that they can be called again after an
    interrupt.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: set[object] = set()
        self._found: dict[Any, int] = {}

    def acquire(self, holder: object) -> int:
        """Limit BLAS to one thread; return the number of threads that it had."""
        with self._lock:
            libraries = _blas().lib_controllers
            if not self._found:
                self._found = {
                    library: library.num_threads or 1 for library in libraries
                }
            self._holders.add(holder)
            for library in libraries:
                library.set_num_threads(1)
            return max(self._found.values(), default=_n_cpus())

    def release(self, holder: object) -> None:
        """End the limit of a holder; after the last one, BLAS gets its threads back."""
        with self._lock:
            self._holders.discard(holder)
            if not self._holders:
                self._give_back()

    def only_holder(self) -> object | None:
        """Return the only holder, or None if there is none or more than one."""
        with self._lock:
            return next(iter(self._holders)) if len(self._holders) == 1 else None

    def _give_back(self) -> None:
        """Restore the number of threads of each library, from any Python thread."""
        for library, n_threads in self._found.items():
            if library.num_threads != n_threads:
                # Newer versions of threadpoolctl accept changes only from the Python
                # thread that set a limit first, which may be another one.
                free = getattr(library, "clear_controlling_thread", dict)
                free(force=True)
                library.set_num_threads(n_threads)
                free(force=True)
        self._found = {}

    def reset_after_fork(self) -> None:
        """Forget the fits of the parent process, whose threads do not exist here."""
        self._lock = threading.Lock()
        self._holders = set()
        self._give_back()


_blas_hold = _BlasHold()
if hasattr(os, "register_at_fork"):  # absent on Windows
    os.register_at_fork(after_in_child=_blas_hold.reset_after_fork)


class ThreadExecutor:
    """Runs a function on chunks of work, in as many threads as BLAS would use.

    The number of threads is the one that BLAS had when the fit began. It reflects
    ``OMP_NUM_THREADS``, ``OPENBLAS_NUM_THREADS`` and limits set with threadpoolctl. It
    is at most the number of CPUs that this process may use.
    """

    def __init__(self, n_threads: int = 1):
        self.n_threads = n_threads
        self._pool: ThreadPoolExecutor | None = None

    def map(self, function: Callable[[Any], Any], chunks: Sequence[Any]) -> list[Any]:
        """Return ``[function(chunk) for chunk in chunks]``, in this order."""
        if len(chunks) < 2 or self.n_threads < 2:
            return [function(chunk) for chunk in chunks]
        others = self._submit(function, chunks[1:])
        done: SimpleQueue[Future[Any]] = SimpleQueue()
        for other in others:
            other.add_done_callback(done.put)
        # This thread works too, so one thread fewer is started. It also processes the
        # chunks that the pool has refused.
        first, *rest = (function(c) for c in [chunks[0], *chunks[1 + len(others) :]])
        for _ in others:
            done.get()  # unlike `Future.result`, safe under an interrupt
        return [first, *(other.result() for other in others), *rest]

    def _submit(
        self, function: Callable[[Any], Any], chunks: Sequence[Any]
    ) -> list[Future[Any]]:
        """Submit chunks to the pool until it refuses one.

        It refuses a chunk if a thread cannot be started: at the limit of the system, or
        after the main thread has ended. It is then shut down and refuses all later
        chunks too.

        Returns
        -------
        list of Future
            The futures of the chunks before the refused one.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.n_threads - 1, "sk_logreg")
        futures: list[Future[Any]] = []
        try:
            for chunk in chunks:
                # In this thread's context, which contains NumPy's error state.
                run = copy_context().run
                futures.append(self._pool.submit(run, function, chunk))
        except RuntimeError:
            # The refused chunk may be in the queue of the threads already started. Wait
            # for them, so that it does not run twice at the same time.
            self._pool.shutdown()
        return futures

    def close(self) -> None:
        """Stop the threads; those at work finish their chunk first.

        Afterwards, functions run in the thread that calls `map`.
        """
        self.n_threads = 1
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


#: Runs everything in the thread that calls it.
ONE_THREAD = ThreadExecutor()


@contextmanager
def blas_threads() -> Iterator[None]:
    """Give BLAS its threads back for a while, unless another fit limits it too."""
    holder = _blas_hold.only_holder()
    if holder is not None:
        _blas_hold.release(holder)
    try:
        yield
    finally:
        if holder is not None:
            _blas_hold.acquire(holder)


@contextmanager
def thread_executor() -> Iterator[ThreadExecutor]:
    """Limit BLAS to one thread, and yield an executor with as many threads instead."""
    holder, executor = object(), ThreadExecutor()

    def leave() -> None:
        executor.close()
        _blas_hold.release(holder)

    try:
        executor.n_threads = min(_blas_hold.acquire(holder), _n_cpus())
        yield executor
    finally:
        try:
            leave()
        except BaseException:  # an interrupt
            leave()
            raise
