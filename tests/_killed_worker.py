"""Fit on a cluster, of which a worker is killed meanwhile; to be run as a script.

Some versions of distributed do not end after that, so this process ends by itself.
"""

import os
import signal
import threading

import dask
import distributed
import numpy as np

from sk_logreg import BinaryLogisticRegression
from tests.test_dask import FINE, _slowly, chunked, same, sample


def fit_without_a_worker(client):
    X, y = sample()
    there = chunked(X).map_blocks(_slowly, meta=np.empty((0, 0)))
    there, labels = client.persist([there, chunked(y)])
    killed = []

    def kill():
        [pid, *_] = client.run(os.getpid).values()
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    timer = threading.Timer(0.2, kill)
    timer.start()
    model = BinaryLogisticRegression(**FINE).fit(there, labels)
    timer.join()
    assert killed
    same(model, BinaryLogisticRegression(**FINE).fit(X, y))


def main():
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    )
    client = distributed.Client(cluster)
    with dask.config.set(scheduler=client):
        fit_without_a_worker(client)
    print("The fit is right.", flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
