"""Peak memory of one fit in addition to X, measured in a separate process.

    python -m benchmarks.memory NAME ... [--solver SOLVER] [--memmap]

Each problem is measured in a new process, which

1. builds the data, so that X is resident;
2. fits a few rows, so that libraries are loaded and thread pools are started;
3. resets the kernel's high-water mark of the resident set;
4. fits all rows and reads the high-water mark.

If the mark cannot be reset, a thread samples the size of the resident set instead.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.peers import OURS, Peer, installed
from benchmarks.problems import named
from benchmarks.task import Task


def _resident() -> int:
    """Current size of the resident set, in bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _high_water() -> int:
    """Largest size of the resident set since the mark was reset, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM")


def peak_of(call: Callable[[], Any]) -> int:
    """Largest growth of the resident set while `call` ran, in bytes."""
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    before = _resident()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return _sampled(call) - before
    call()
    return _high_water() - before


def _sampled(call: Callable[[], Any]) -> int:
    """Largest sampled size of the resident set while `call` ran, in bytes."""
    done = threading.Event()
    most = [_resident()]

    def watch() -> None:
        while not done.wait(0.001):
            most[0] = max(most[0], _resident())

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        call()
    finally:
        done.set()
        watcher.join()
    return max(most[0], _resident())


def _mapped(task: Task, folder: str) -> Task:
    """The task with X as a read-only memory map whose pages are resident."""
    path = Path(folder) / "X.npy"
    np.save(path, task.X)
    X = np.load(path, mmap_mode="r")
    X.sum(dtype=np.float64)
    return replace(task, X=X)


def measure_here(peer: Peer, task: Task) -> dict[str, int]:
    """Peak memory of one fit in this process in addition to X, in bytes."""
    rows = slice(0, min(task.n_samples, 400))
    few = replace(task, X=task.X[rows], y=np.arange(rows.stop) % 2)
    peer.fit(few, None, None)
    task.signs, task.floats  # noqa: B018  cache them: they are not part of the fit
    peak = peak_of(lambda: peer.fit(task, None, None))
    return {"x_bytes": task.nbytes, "peak_bytes": peak}


def measure_apart(
    names: list[str],
    solver: str = OURS.name,
    memmap: bool = False,
    seconds: float = 1_800.0,
) -> dict[str, dict[str, int]]:
    """Measure each problem in a new process. The result omits problems that failed."""
    command = [sys.executable, "-m", "benchmarks.memory", *names, "--solver", solver]
    command += ["--memmap"] if memmap else []
    root = Path(__file__).parents[1]
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        text=True,
        timeout=seconds,
        check=False,
        env=os.environ | {"PYTHONPATH": path},
    )
    found: dict[str, dict[str, int]] = {}
    for line in done.stdout.splitlines():
        found |= json.loads(line)
    return found


def _print_one(name: str, solver: str, memmap: bool) -> None:
    """Build and measure one problem, and print the result."""
    peer = next(p for p in installed(ours=True) if p.name == solver)
    with tempfile.TemporaryDirectory() as folder:
        task = named(name).build()
        if memmap:
            task = _mapped(task, folder)
        print(json.dumps({name: measure_here(peer, task)}), flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Print the sizes as JSON, one line per problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+")
    parser.add_argument("--solver", default=OURS.name)
    parser.add_argument("--memmap", action="store_true")
    options = parser.parse_args(arguments)
    import_module(
        next(p for p in installed(ours=True) if p.name == options.solver).module
    )
    context = multiprocessing.get_context("fork")
    for name in options.names:
        child = context.Process(
            target=_print_one, args=(name, options.solver, options.memmap)
        )
        child.start()
        child.join()


if __name__ == "__main__":
    main()
