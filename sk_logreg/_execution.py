"""Threads for the row blocks, with BLAS held at one thread meanwhile.

OpenBLAS's threads spin while they wait for work, which takes processor time from the
threads used here: blocks run in Python threads, and each calls BLAS on one thread.
BLAS's thread count belongs to the whole process. So the fits that hold it at one are
counted: the first saves the count that it finds, the last restores it.
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
    """Return a controller of the BLAS libraries (NumPy and SciPy have loaded them)."""
    return ThreadpoolController().select(user_api="blas")


@lru_cache(maxsize=1)
def _n_cpus() -> int:
    """Return the number of CPUs that this process may use, containers minded."""
    return joblib.cpu_count()


class _BlasHold:
    """Hold BLAS at one thread while any fit of this process runs.

    `acquire` and `release` are idempotent, so that they can be run again after an
    interrupt.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders: set[object] = set()
        self._found: dict[Any, int] = {}

    def acquire(self, holder: object) -> int:
        """Hold BLAS at one thread; return the number of threads it had."""
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
        """Let go; the last one to do so gives BLAS its threads back."""
        with self._lock:
            self._holders.discard(holder)
            if not self._holders:
                self._give_back()

    def only_holder(self) -> object | None:
        """Return who holds it, None if nobody or more than one does."""
        with self._lock:
            return next(iter(self._holders)) if len(self._holders) == 1 else None

    def _give_back(self) -> None:
        """Set each library's threads as they were found, whichever thread this is."""
        for library, n_threads in self._found.items():
            if library.num_threads != n_threads:
                # Newer versions of threadpoolctl hear one thread only, the
                # one that set a limit first, which may not be this one.
                free = getattr(library, "clear_controlling_thread", dict)
                free(force=True)
                library.set_num_threads(n_threads)
                free(force=True)
        self._found = {}

    def reset_after_fork(self) -> None:
        """Forget the fits of the parent process: their threads are not here."""
        self._lock = threading.Lock()
        self._holders = set()
        self._give_back()


_blas_hold = _BlasHold()
if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_blas_hold.reset_after_fork)


class ThreadExecutor:
    """Runs a function over chunks of work, in as many threads as BLAS would have had.

    The number of threads is BLAS's own as this fit found it, which is where
    ``OMP_NUM_THREADS``, ``OPENBLAS_NUM_THREADS`` and limits set with threadpoolctl
    all show, and at most the number of CPUs this process may use.
    """

    def __init__(self, n_threads: int = 1):
        self.n_threads = n_threads
        self._pool: ThreadPoolExecutor | None = None

    def map(self, function: Callable[[Any], Any], chunks: Sequence[Any]) -> list[Any]:
        """Return ``[function(chunk) for chunk in chunks]``; order is kept."""
        if len(chunks) < 2 or self.n_threads < 2:
            return [function(chunk) for chunk in chunks]
        others = self._submit(function, chunks[1:])
        done: SimpleQueue[Future[Any]] = SimpleQueue()
        for other in others:
            other.add_done_callback(done.put)
        # This thread works too, so that one thread fewer has to be started. It also
        # takes the chunks that no other thread takes.
        first, *rest = (function(c) for c in [chunks[0], *chunks[1 + len(others) :]])
        for _ in others:
            done.get()  # an interrupt does harm to a wait in `Future.result`
        return [first, *(other.result() for other in others), *rest]

    def _submit(
        self, function: Callable[[Any], Any], chunks: Sequence[Any]
    ) -> list[Future[Any]]:
        """Submit chunks to the pool until it refuses one.

        It refuses where a thread cannot be started: at the limit of the system, or
        after the main thread has ended. Then it is shut down and refuses all later
        chunks too.

        Returns
        -------
        list of Future
            Those of the chunks before the refused one.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.n_threads - 1, "sk_logreg")
        futures: list[Future[Any]] = []
        try:
            for chunk in chunks:
                # With this thread's context, which holds NumPy's error state.
                run = copy_context().run
                futures.append(self._pool.submit(run, function, chunk))
        except RuntimeError:
            # The refused chunk may be in the queue of the threads already started.
            # Wait for them, so that it does not run beside its second run.
            self._pool.shutdown()
        return futures

    def close(self) -> None:
        """Stop the threads, the ones at work once they have finished."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None


@contextmanager
def blas_threads() -> Iterator[None]:
    """Let BLAS have its threads back for a while, unless another fit needs it held."""
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
    """Hold BLAS at one thread and yield an executor that takes its threads' place."""
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
