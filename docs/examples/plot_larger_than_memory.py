"""
Data larger than memory
=======================

A folder of Parquet files is fitted through dask, which holds two of the files in memory at a time.
On the left, each bar shows when the fit reads a file. The fit reads all files five times: once to find the
labels, once to draw a sample of the rows, and three times to take steps and to prove the optimum.
On the right, the peak memory of the fit hardly depends on the number of rows. The memory that all
files would take together grows with it.

The files are small here, so that the page is built in seconds. :doc:`/guide/larger_than_memory` has
measurements of larger ones.
"""

import tempfile
import threading
import time
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import dask
import dask.dataframe as dd
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pyarrow
from sk_logreg import BinaryLogisticRegression

ROWS_PER_FILE, N_FEATURES = 40_000, 20
weights = np.random.default_rng(0).normal(scale=0.3, size=N_FEATURES)


def write_file(path, seed):
    """Write one of the files."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS_PER_FILE, N_FEATURES))
    failed = X @ weights + rng.logistic(size=ROWS_PER_FILE) > 0
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(N_FEATURES)])
    frame.assign(failed=failed).to_parquet(path)


@contextmanager
def memory():
    """Yield a list of the megabytes of NumPy and Arrow, every few milliseconds."""
    found, done = [], threading.Event()

    def watch():
        while not done.wait(0.003):
            used = tracemalloc.get_traced_memory()[0] + pyarrow.total_allocated_bytes()
            found.append(used / 1e6)

    watcher = threading.Thread(target=watch)
    tracemalloc.start()
    watcher.start()
    yield found
    done.set()
    watcher.join()
    tracemalloc.stop()


def fit(data):
    return BinaryLogisticRegression().fit(data.drop(columns="failed"), data["failed"])


def read_file(path):
    """Read a file, and record the start and the end of the reading."""
    start = time.perf_counter()
    frame = pd.read_parquet(path)
    reads.append((int(path.stem), start, time.perf_counter()))
    return frame


n_files = [4, 8, 16]
at_once, in_parts = [], []
with tempfile.TemporaryDirectory() as folder:
    paths = [Path(folder) / f"{i}.parquet" for i in range(n_files[-1])]
    for seed, path in enumerate(paths):
        write_file(path, seed)
    example = pd.read_parquet(paths[0]).iloc[:0]
    for n in n_files:
        with memory() as used:
            expected = fit(pd.read_parquet(paths[:n]))
        at_once.append(max(used))
        reads = []
        with memory() as used, dask.config.set(scheduler="threads", num_workers=2):
            model = fit(dd.from_map(read_file, paths[:n], meta=example))
        in_parts.append(max(used))

print(f"{model.history_[-1].reads:.0f} passes over {n} files of {ROWS_PER_FILE:,} rows")
print(f"within {model.optimality_gap_:.0e} of the optimum, relative to it")
print(
    f"coefficients {np.abs(model.coef_ - expected.coef_).max():.0e} from those in memory"
)

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
begin, seen = min(start for _, start, _ in reads), dict.fromkeys(range(n), 0)
for file, start, stop in sorted(reads, key=lambda read: read[1]):
    left.barh(file, stop - start, left=start - begin, color=f"C{seen[file]}")
    seen[file] += 1
left.set(title="When each file is read", xlabel="seconds", ylabel="file")
rows = ROWS_PER_FILE * np.array(n_files)
right.plot(rows, at_once, marker="o", label="all files at once")
right.plot(rows, in_parts, marker="s", label="through dask")
right.set(title="Largest memory in use", xlabel="rows", ylabel="MB", ylim=(0, None))
right.xaxis.set_major_formatter("{x:,.0f}")
right.legend()
