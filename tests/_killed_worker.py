"""Fit on a cluster, of which a worker is killed meanwhile; to be run as a script.

Some versions of distributed do not end after that, so this process ends by itself.
"""

import os
import signal
import sys
import threading
from itertools import count

import dask
import distributed
import numpy as np

from sk_logreg import BinaryLogisticRegression
from sk_logreg._design._partitions import Partitions
from tests.test_dask import FINE, _slowly, chunked, same, sample


def fit_without_a_worker(client, when):
    X, y = sample()
    there = chunked(X).map_blocks(_slowly, meta=np.empty((0, 0)))
    there, labels = client.persist([there, chunked(y)])
    killed, rounds, run = [], count(), Partitions.run

    def kill():
        [pid, *_] = client.run(os.getpid).values()
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    def interrupted(self, *args, **options):
        if next(rounds) == 2:
            kill()
        return run(self, *args, **options)

    timer = threading.Timer(0.2, kill)
    if when == "with results":
        distributed.wait([there, labels])
        Partitions.run = interrupted
    else:
        timer.start()
    model = BinaryLogisticRegression(**FINE).fit(there, labels)
    timer.cancel()
    assert killed
    same(model, BinaryLogisticRegression(**FINE).fit(X, y))


def main():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    )
    client = distributed.Client(cluster)
    with dask.config.set(scheduler=client):
        fit_without_a_worker(client, sys.argv[1])
    print("The fit is right.", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
