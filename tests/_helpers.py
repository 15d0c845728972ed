"""Helpers shared by several test modules: callbacks, sparse matrices, objectives."""

from dataclasses import replace

import numpy as np
import pytest
import sklearn
from scipy import sparse
from sklearn.utils.fixes import parse_version

from sk_logreg._design import BlockSizes, design_of
from sk_logreg._execution import ThreadExecutor
from sk_logreg._objective import Objective
from sk_logreg._problem import Data, build_problem
from sk_logreg.losses import LOSSES

HAVE_CALLBACKS = parse_version(sklearn.__version__) >= parse_version("1.9")
needs_callbacks = pytest.mark.skipif(not HAVE_CALLBACKS, reason="scikit-learn < 1.9")


class Recorder:
    """Callback that records its calls and the partially fitted models it receives.

    If `stop_at` is given, it stops the fit after that number of iterations.
    """

    def __init__(self, stop_at=None):
        self.calls = []
        self.models = []
        self.stop_at = stop_at

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(
        self,
        estimator,
        context,
        *,
        X=None,
        y=None,
        metadata=None,
        fitted_estimator=None,
    ):
        self.calls.append(f"begin {context.task_name}")

    def on_fit_task_end(
        self,
        estimator,
        context,
        *,
        X=None,
        y=None,
        metadata=None,
        fitted_estimator=None,
    ):
        self.calls.append(f"end {context.task_name}")
        if context.task_name == "fit":
            return False
        self.X, self.y, self.metadata = X, y, metadata
        self.models.append(fitted_estimator)
        return self.stop_at is not None and context.task_id + 1 >= self.stop_at


def shuffled_indices(X):
    """Return a copy of a CSR matrix with the stored entries of each row reversed."""
    X = X.copy()
    for start, stop in zip(X.indptr[:-1], X.indptr[1:], strict=True):
        X.indices[start:stop] = X.indices[start:stop][::-1].copy()
        X.data[start:stop] = X.data[start:stop][::-1].copy()
    X.has_sorted_indices = False
    return X


def duplicates(X):
    """Return an equal CSR matrix that stores each value as two duplicate entries."""
    indptr = 2 * X.indptr
    indices, values = np.repeat(X.indices, 2), np.repeat(X.data / 2, 2)
    return sparse.csr_matrix((values, indices, indptr), shape=X.shape)


def objective_of(
    X, y, weights, *, loss="cross_entropy", C=1.0, n_threads=1, sizes=None, **flags
):
    """Return the objective for labels 0 and 1, with blocks of the given sizes."""
    signs = np.where(y == 1, 1, -1).astype(np.int8)
    executor = ThreadExecutor(n_threads)
    flags = {"fit_intercept": True, "absorb_bias": False} | flags
    problem = build_problem(
        Data(X, signs, weights),
        executor,
        loss=LOSSES[loss],
        C=C,
        as_given=True,
        **flags,
    )
    if sizes is not None:
        rows = replace(problem.rows, design=design_of(X, sizes=BlockSizes(**sizes)))
        problem = replace(problem, rows=rows)
    return Objective(problem, executor)
