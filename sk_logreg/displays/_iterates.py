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
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._fit import check_classes, coefficients_of, data_of, problem_of, solve
from sk_logreg._objective import Objective
from sk_logreg._problem import Data
from sk_logreg._records import IterationRecord

# Coefficients that differ by less than this share of the largest are the same point.
_SAME_POINT = 1e-3


@dataclass(frozen=True)
class FittedProblem:
    """The data of a fitted estimator, and the objective that it minimized."""

    data: Data
    objective: Objective  # a function of the user's coefficients
    executor: ThreadExecutor  # its threads run until the context of the problem ends


@contextmanager
def fitted_problem(
    estimator: BinaryLogisticRegression,
    X: Any,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    offset: ArrayLike | None,
) -> Iterator[FittedProblem]:
    """Yield the problem that a fitted estimator solved, given what `fit` was given."""
    check_is_fitted(estimator)
    dtypes = [np.float64, np.float32]
    X, labels = validate_data(
        estimator, X, y, accept_sparse="csr", dtype=dtypes, reset=False
    )
    data, classes = data_of(estimator, X, labels, sample_weight, offset)
    check_classes(classes, estimator)
    with thread_executor() as executor, np.errstate(all="ignore"):
        problem = problem_of(estimator, data, executor, as_given=True)
        yield FittedProblem(data, Objective(problem, executor), executor)


@dataclass
class _Trail:
    """A listener that records the coefficients of each run of iterations.

    A new run begins if an iteration does not start at the coefficients that the last
    one reached: from another starting point, or in a fit on more rows.
    """

    runs: list[list[Vector]] = field(default_factory=list)

    def begin(self, coef: Callable[[], Vector], /) -> None:
        began = coef()
        if not self.runs or not np.array_equal(self.runs[-1][-1], began):
            self.runs.append([began])

    def end(self, _: IterationRecord, coef: Callable[[], Vector], /) -> bool:
        self.runs[-1].append(coef())
        return False


def iterates(estimator: BinaryLogisticRegression, problem: FittedProblem) -> Matrix:
    """Return the iterates of a fit, of shape (n_iterates, n_dof), by repeating the fit.

    These are the start and the point after each iteration. With several runs, they are
    those of the first run that leads to the estimator's coefficients.
    """
    trail = _Trail()
    solve(clone(estimator), problem.data, problem.executor, [trail])
    end = coefficients_of(estimator)
    near = _SAME_POINT * np.abs(end).max()

    def miss(run: list[Vector]) -> float:
        """Return how far from the coefficients a run ends, or `near` if it is less."""
        return float(max(near, np.abs(run[-1] - end).max()))

    return np.array(min(trail.runs, key=miss, default=[end]))
