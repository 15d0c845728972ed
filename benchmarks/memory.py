"""Peak memory of one fit above X, measured in a process of its own.

    python -m benchmarks.memory NAME ... [--solver SOLVER] [--memmap]

A process per problem builds it, fits a few rows so that libraries and thread
pools are in place, lets X be resident, resets the kernel's high-water mark of
its resident set, and fits. Where the mark cannot be reset, a thread samples the
resident set instead.
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

_PAGE = os.sysconf("SC_PAGE_SIZE")


def _resident() -> int:
    """Bytes resident now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE


def _high_water() -> int:
    """Bytes resident at most since the mark was reset."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise OSError("no VmHWM")


def peak_of(call: Callable[[], Any]) -> int:
    """Bytes by which the resident set grew at most while `call` ran."""
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
    """Most bytes resident at any sample while `call` ran."""
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
    """The task with X as a read-only memory map, its pages resident."""
    path = Path(folder) / "X.npy"
    np.save(path, task.X)
    X = np.load(path, mmap_mode="r")
    X.sum(dtype=np.float64)
    return replace(task, X=X)


def measure_here(peer: Peer, task: Task) -> dict[str, int]:
    """Peak bytes above X of one fit in this process."""
    rows = slice(0, min(task.n_samples, 400))
    few = replace(task, X=task.X[rows], y=np.arange(rows.stop) % 2)
    peer.fit(few, None, None)
    task.signs, task.floats  # noqa: B018  made before, not part of the fit
    peak = peak_of(lambda: peer.fit(task, None, None))
    return {"x_bytes": task.nbytes, "peak_bytes": peak}


def measure_apart(
    names: list[str],
    solver: str = OURS.name,
    memmap: bool = False,
    seconds: float = 1_800.0,
) -> dict[str, dict[str, int]]:
    """The same for several problems in fresh processes; those that failed lack."""
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
    """Build, measure and print one problem."""
    peer = next(p for p in installed(ours=True) if p.name == solver)
    with tempfile.TemporaryDirectory() as folder:
        task = named(name).build()
        if memmap:
            task = _mapped(task, folder)
        print(json.dumps({name: measure_here(peer, task)}), flush=True)


def main(arguments: list[str] | None = None) -> None:
    """Print the sizes as JSON, a problem a line."""
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
