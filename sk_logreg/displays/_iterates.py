"""A fit once more, with its iterates written down."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sk_logreg._compat import check_sample_weight
from sk_logreg._design import Matrix, Vector
from sk_logreg._estimator import BinaryLogisticRegression, objective_of
from sk_logreg._labels import encode_labels, total_weights
from sk_logreg._objective import Objective
from sk_logreg._solvers import (
    SOLVERS,
    IterationRecord,
    Journal,
    choose_solver,
    solve_from_starts,
)
from sk_logreg._threads import Workers, workers

# Coefficients that differ by less than this share of the largest are the same here.
_SAME_POINT = 1e-3


@dataclass(frozen=True)
class Problem:
    """What an estimator was fitted to.

    Attributes
    ----------
    objective : Objective
        Over coefficients of the features as they are.
    solved : Objective
        The same as the estimator's solver saw it.
    workers : Workers
        The threads, alive as long as the problem.
    """

    objective: Objective
    solved: Objective
    workers: Workers


@contextmanager
def problem_of(
    estimator: BinaryLogisticRegression,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
) -> Iterator[Problem]:
    """Yield the problem that a fitted estimator solved on the data given.

    Parameters
    ----------
    estimator : BinaryLogisticRegression
        A fitted estimator.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The examples.
    y : array-like of shape (n_samples,)
        Their labels.
    sample_weight : array-like of shape (n_samples,) or None
        Their weights.

    Yields
    ------
    Problem
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
    classes, signs = encode_labels(labels)
    if not np.array_equal(classes, estimator.classes_):
        raise ValueError(
            f"y holds the labels {classes.tolist()}, but the estimator was fitted to "
            f"{estimator.classes_.tolist()}."
        )
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, X)
    weights = total_weights(estimator.class_weight, sample_weight, classes, signs)
    with workers() as team, np.errstate(all="ignore"):
        given = estimator, X, signs, weights, team
        yield Problem(objective_of(*given, as_given=True), objective_of(*given), team)


def coefficients(estimator: BinaryLogisticRegression) -> Vector:
    """Return the weights, then the bias if there is one, in float64."""
    parts = [estimator.coef_[0]]
    if estimator.fit_intercept:
        parts.append(estimator.intercept_)
    return np.concatenate(parts).astype(np.float64)


@dataclass
class _Trail:
    """Writes down where the iterations went, a run for each start."""

    runs: list[list[Vector]] = field(default_factory=list)

    def begin(self, coef: Callable[[], Vector]) -> None:
        start = coef()
        if not self.runs or not np.array_equal(self.runs[-1][-1], start):
            self.runs.append([start])

    def end(self, record: IterationRecord, coef: Callable[[], Vector]) -> bool:
        self.runs[-1].append(coef())
        return False


def iterates(estimator: BinaryLogisticRegression, problem: Problem) -> Matrix:
    """Return the iterates of a fit, by running it once more.

    Of several starts, the iterates of the first that leads to the estimator's
    coefficients are returned.

    Parameters
    ----------
    estimator : BinaryLogisticRegression
        A fitted estimator.
    problem : Problem
        What it was fitted to.

    Returns
    -------
    ndarray of shape (n_iterates, n_dof)
        The start, then the point after each iteration.
    """
    objective = problem.solved
    trail = _Trail()
    name = estimator.solver
    if name == "auto":
        name = choose_solver(objective)
    solve_from_starts(
        objective,
        SOLVERS[name],
        Journal(estimator.max_iter, [trail]),
        tol=estimator.tol,
        previous=None,
        n_init=estimator.n_init,
        random_state=check_random_state(estimator.random_state),
    )
    end = coefficients(estimator)
    runs = trail.runs
    if not runs:
        return end[None, :]
    misses = [float(np.abs(run[-1] - end).max()) for run in runs]
    near = max(_SAME_POINT * float(np.abs(end).max()), min(misses))
    return np.array(
        next(run for run, miss in zip(runs, misses, strict=True) if miss <= near)
    )
