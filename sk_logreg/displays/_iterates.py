"""The problem of a fitted estimator, and the iterates of its fit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._estimator import (
    BinaryLogisticRegression,
    coefficients_of,
    data_of,
    problem_of,
    solve,
)
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._objective import Objective
from sk_logreg._problem import Data
from sk_logreg._records import IterationRecord

# Coefficients that differ by less than this share of the largest are the same point.
_SAME_POINT = 1e-3


@dataclass(frozen=True)
class FittedProblem:
    """What an estimator was fitted to.

    Attributes
    ----------
    data : Data
    objective : Objective
        The objective over coefficients of the features as they are.
    executor : ThreadExecutor
        Its threads are alive as long as the problem.
    """

    data: Data
    objective: Objective
    executor: ThreadExecutor


@contextmanager
def fitted_problem(
    estimator: BinaryLogisticRegression,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    offset: ArrayLike | None,
) -> Iterator[FittedProblem]:
    """Yield the problem that a fitted estimator solved on the data given.

    Parameters
    ----------
    estimator : BinaryLogisticRegression
        A fitted estimator.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The examples.
    y : array-like of shape (n_samples,)
        Their labels.
    sample_weight, offset : array-like of shape (n_samples,) or None
        As passed to `fit`.

    Yields
    ------
    FittedProblem
    """
    check_is_fitted(estimator)
    X, labels = validate_data(
        estimator,
        X,
        y,
        accept_sparse="csr",
        dtype=[np.float64, np.float32],
        reset=False,
    )
    data, classes = data_of(estimator, X, labels, sample_weight, offset)
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            f"y holds the labels {classes.tolist()}, but the estimator was fitted to "
            f"{estimator.classes_.tolist()}."
        )
    with thread_executor() as executor, np.errstate(all="ignore"):
        problem = problem_of(estimator, data, executor, as_given=True)
        yield FittedProblem(data, Objective(problem, executor), executor)


@dataclass
class _Trail:
    """Records the coefficients of each iteration, a run for each start."""

    runs: list[list[Vector]] = field(default_factory=list)
    _start: int | None = None
    _began: Vector | None = None

    def begin(self, coef: Callable[[], Vector], /) -> None:
        self._began = coef()

    def end(self, record: IterationRecord, coef: Callable[[], Vector], /) -> bool:
        assert self._began is not None
        if record.start != self._start or not np.array_equal(
            self.runs[-1][-1], self._began
        ):
            # Another start, or the same on more rows.
            self.runs.append([self._began])
        self._start = record.start
        self.runs[-1].append(coef())
        return False


def iterates(estimator: BinaryLogisticRegression, problem: FittedProblem) -> Matrix:
    """Return the iterates of a fit, by running it once more.

    With several starts, the iterates of the first that leads to the estimator's
    coefficients are returned.

    Parameters
    ----------
    estimator : BinaryLogisticRegression
        A fitted estimator.
    problem : FittedProblem
        What it was fitted to.

    Returns
    -------
    ndarray of shape (n_iterates, n_dof)
        The start, then the point after each iteration.
    """
    trail = _Trail()
    solve(clone(estimator), problem.data, problem.executor, [trail])
    end = coefficients_of(estimator)
    runs = trail.runs
    if not runs:
        return end[None, :]
    misses = [float(np.abs(run[-1] - end).max()) for run in runs]
    near = max(_SAME_POINT * float(np.abs(end).max()), min(misses))
    return np.array(
        next(run for run, miss in zip(runs, misses, strict=True) if miss <= near)
    )
