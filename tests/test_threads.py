"""Threads: BLAS settings are restored, no thread remains, limits and forks work."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from _problems import sample
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from threadpoolctl import ThreadpoolController, threadpool_info, threadpool_limits

from sk_logreg import BinaryLogisticRegression
from sk_logreg import _execution as threads
from sk_logreg._execution import ThreadExecutor, thread_executor


def blas_threads():
    """Return the number of threads of each BLAS library."""
    info = [library for library in threadpool_info() if library["user_api"] == "blas"]
    assert info
    return {library["filepath"]: library["num_threads"] for library in info}


def set_blas_threads(numbers):
    """Set the numbers of BLAS threads, so that one failure does not cause others."""
    for library in ThreadpoolController().select(user_api="blas").lib_controllers:
        library.set_num_threads(numbers[library.filepath])
        if hasattr(library, "clear_controlling_thread"):  # newer threadpoolctl
            library.clear_controlling_thread(force=True)


@pytest.fixture(autouse=True)
def left_as_found():
    """Assert that a test leaves BLAS's and Python's threads as it found them."""
    before, running = blas_threads(), set(threading.enumerate())
    yield
    after = blas_threads()
    set_blas_threads(before)
    assert after == before
    ours = [t for t in set(threading.enumerate()) - running if "sk_logreg" in t.name]
    assert not ours


@pytest.fixture(scope="module")
def data():
    # More rows than one block has, so that there is work for several threads.
    return sample(60_000, 10)


@pytest.fixture
def two_blas_threads():
    with threadpool_limits(2, user_api="blas"):
        yield


def fit(X, y, **params):
    return BinaryLogisticRegression(**params).fit(X, y)


# --------------------------------------------------------- BLAS threads are restored


@pytest.mark.usefixtures("two_blas_threads")
@pytest.mark.parametrize("solver", ["newton-cholesky", "newton-cg"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_blas_threads_are_restored_after_a_fit(data, loss, solver):
    before = blas_threads()
    fit(*data, loss=loss, solver=solver)
    assert blas_threads() == before


@pytest.mark.usefixtures("two_blas_threads")
def test_blas_threads_are_restored_after_failed_fits(data):
    before = blas_threads()
    X, y = data[0].copy(), data[1]
    X[50_000, 3] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        fit(X, y)
    assert blas_threads() == before
    with pytest.warns(ConvergenceWarning):
        fit(*data, max_iter=0)
    assert blas_threads() == before
    with pytest.raises(ValueError, match="features"):
        BinaryLogisticRegression(warm_start=True).fit(*data).fit(X[:, :2], y)
    assert blas_threads() == before


@pytest.mark.usefixtures("two_blas_threads")
def test_blas_threads_are_restored_after_an_interrupt(data, monkeypatch):
    before = blas_threads()

    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("sk_logreg._fit.solve_from_starts", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit(*data)
    assert blas_threads() == before


@pytest.mark.parametrize("solver", ["newton-cholesky", "newton-cg"])
def test_blas_threads_are_restored_after_concurrent_fits(data, solver):
    before = blas_threads()
    alone = fit(*data, solver=solver)
    barrier = threading.Barrier(8)

    def one(k):
        barrier.wait()
        if k % 3 == 2:
            with pytest.raises(ValueError, match="NaN"):
                fit(np.full((100, 2), np.nan), np.arange(100) % 2)
            return None
        return fit(*data, solver=solver)

    with ThreadPoolExecutor(8) as pool:
        models = list(pool.map(one, range(8)))
    assert blas_threads() == before
    for model in filter(None, models):
        assert model.objective_ == pytest.approx(alone.objective_, rel=1e-8)


@pytest.mark.usefixtures("two_blas_threads")
def test_overlapping_executors_may_close_in_any_order():
    before = blas_threads()
    first, second = thread_executor(), thread_executor()
    first.__enter__()
    assert set(blas_threads().values()) == {1}
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(blas_threads().values()) == {1}
    second.__exit__(None, None, None)
    assert blas_threads() == before


@pytest.mark.parametrize("first_to_leave", ["first", "second"])
def test_overlapping_executors_in_two_threads(first_to_leave):
    before = blas_threads()
    entered, leave, left, stop = (threading.Event() for _ in range(4))

    def other():
        with thread_executor():
            entered.set()
            leave.wait(10)
        left.set()
        stop.wait(10)  # the thread keeps running

    def let_go():
        leave.set()
        left.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    entered.wait(10)
    try:
        with thread_executor():
            assert set(blas_threads().values()) == {1}
            if first_to_leave == "first":
                let_go()
                assert set(blas_threads().values()) == {1}
        let_go()
        assert blas_threads() == before
    finally:
        stop.set()
        thread.join()


# -------------------------------------------------------------------- ThreadExecutor


@pytest.mark.parametrize("n_threads", [1, 2, 7])
def test_map_keeps_the_order(n_threads):
    team = ThreadExecutor(n_threads)
    assert team.map(lambda k: k * k, range(20)) == [k * k for k in range(20)]
    assert team.map(str, []) == []
    team.close()


def test_map_raises_the_exception_of_a_thread():
    def fail(k):
        if k == 3:
            raise ZeroDivisionError(k)
        return k

    team = ThreadExecutor(3)
    with pytest.raises(ZeroDivisionError):
        team.map(fail, range(5))
    team.close()


@pytest.mark.parametrize("limit", [1, 2])
def test_executor_has_as_many_threads_as_blas(limit):
    with threadpool_limits(limit, user_api="blas"), thread_executor() as team:
        assert team.n_threads == min(limit, joblib.cpu_count())


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"])
def test_limits_of_the_environment_are_respected(variable):
    code = (
        "from sk_logreg._execution import thread_executor\n"
        "with thread_executor() as team: print(team.n_threads)"
    )
    others = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=others | {variable: "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == "1"


def test_a_limit_of_one_starts_no_threads(data, monkeypatch):
    def forbidden(*args, **kwargs):
        raise AssertionError("a thread was started")

    monkeypatch.setattr(threads, "ThreadPoolExecutor", forbidden)
    with threadpool_limits(1, user_api="blas"):
        assert fit(*data).converged_


def test_results_are_identical_for_the_same_number_of_threads(data):
    models = {}
    for limit in (1, 2, 1, 2):
        with threadpool_limits(limit, user_api="blas"):
            model = fit(*data, tol=1e-10)
        known = models.setdefault(limit, model)
        np.testing.assert_array_equal(known.weights_, model.weights_)
    np.testing.assert_allclose(models[1].weights_, models[2].weights_, rtol=1e-5)


# ------------------------------------------------------ threads that cannot be started


@pytest.mark.parametrize("n_started", range(4))
def test_map_where_threads_cannot_be_started(monkeypatch, n_started):
    start, started, running = threading.Thread.start, [], set()

    def limited(thread):
        if len(started) == n_started:
            raise RuntimeError("can't start new thread")
        started.append(thread)
        start(thread)

    def square(k):
        running.add(threading.get_ident())
        time.sleep(0.01)
        running.discard(threading.get_ident())
        return k * k

    monkeypatch.setattr(threading.Thread, "start", limited)
    team = ThreadExecutor(4)
    for n in (7, 3, 2, 7):
        assert team.map(square, range(n)) == [k * k for k in range(n)]
        assert not running  # no chunk runs after its map has returned
    team.close()
    assert not any(thread.is_alive() for thread in started)


def test_threads_have_the_numpy_error_state_of_their_caller():
    team = ThreadExecutor(3)
    with np.errstate(all="raise"):
        states = team.map(lambda _: np.geterr(), range(3))
    assert all(set(state.values()) == {"raise"} for state in states)
    team.close()


FITS_AT_THE_END = {
    "atexit": "atexit.register(fit)",
    "thread that starts after the main thread": """
def wait_and_fit():
    threading.main_thread().join()
    fit()

threading.Thread(target=wait_and_fit).start()
""",
    "thread at work as the main thread ends": """
started = threading.Event()

def keep_fitting():
    started.set()
    while threading.main_thread().is_alive():
        once()
    fit()

threading.Thread(target=keep_fitting).start()
started.wait()
""",
}


@pytest.mark.parametrize("name", FITS_AT_THE_END)
def test_fits_after_the_main_thread_has_ended(name):
    code = """
import atexit, threading
import numpy as np
from sk_logreg import BinaryLogisticRegression

rng = np.random.default_rng(0)
X = rng.standard_normal((200_000, 20))
y = (X[:, 0] + rng.logistic(size=200_000) > 0).astype(int)

def once():
    return BinaryLogisticRegression().fit(X, y).weights_

def fit():
    print(once().tobytes().hex(), flush=True)

fit()
"""
    found = subprocess.run(
        [sys.executable, "-c", code + FITS_AT_THE_END[name]],
        env=os.environ | {"OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (found.returncode, found.stderr) == (0, "")
    before, after = found.stdout.split()
    assert after == before


# ------------------------------------------------------------ other processes


def fork_and_fit(X, y):
    """Fit in a forked process. Return its exit status, negative if it hangs."""
    with warnings.catch_warnings():
        # Ignore Python's warning about forks of processes with several threads.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        status = 1
        try:
            signal.alarm(30)
            expected = blas_threads()
            status = 0 if fit(X, y).converged_ and blas_threads() == expected else 2
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_fork_after_a_fit(data):
    fit(*data)
    assert fork_and_fit(*data) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_fork_while_fits_run(data):
    stop = threading.Event()

    def keep_fitting():
        while not stop.is_set():
            fit(*data)

    runners = [threading.Thread(target=keep_fitting) for _ in range(2)]
    for runner in runners:
        runner.start()
    try:
        assert [fork_and_fit(*sample(200, 3)) for _ in range(3)] == [0, 0, 0]
    finally:
        stop.set()
        for runner in runners:
            runner.join()


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="no fork here"
)
def test_fork_while_blas_threads_are_limited(two_blas_threads):
    found = set(blas_threads().values())
    with thread_executor(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            os._exit(0 if set(blas_threads().values()) == found else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("backend", ["loky", "threading", "sequential"])
def test_joblib(backend):
    problems = [sample(300, 4, seed=seed) for seed in range(4)]
    parallel = joblib.Parallel(n_jobs=2, backend=backend)
    models = parallel(joblib.delayed(fit)(*p) for p in problems)
    for model, problem in zip(models, problems, strict=True):
        np.testing.assert_allclose(model.weights_, fit(*problem).weights_, rtol=1e-9)


def test_grid_search_in_two_processes():
    X, y = sample(300, 4)
    grid = {"C": [0.1, 1.0], "loss": ["cross_entropy", "squared_error"]}
    one, two = (
        GridSearchCV(BinaryLogisticRegression(), grid, cv=3, n_jobs=n_jobs).fit(X, y)
        for n_jobs in (1, 2)
    )
    scores = [search.cv_results_["mean_test_score"] for search in (one, two)]
    np.testing.assert_allclose(*scores)
