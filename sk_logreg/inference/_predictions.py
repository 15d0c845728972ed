"""Predicted probabilities and their intervals."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.special import expit

from sk_logreg._arrays import Matrix
from sk_logreg._compat import check_features, import_pandas
from sk_logreg._dask import delayed_parts, is_dask, lazy_frame
from sk_logreg._design import Rows, design_of
from sk_logreg._execution import ThreadExecutor, thread_executor
from sk_logreg._objective import Objective
from sk_logreg._problem import Problem
from sk_logreg.inference._estimate import Estimate, variances
from sk_logreg.inference._terms import index_of

_COLUMNS = ["probability", "ci_low", "ci_high"]


@dataclass(frozen=True, eq=False)
class Predictor:
    """Predicts the probabilities of rows, without the rows of the fit.

    Attributes
    ----------
    estimator : BinaryLogisticRegression
    quantile : float
        The half-width of an interval for z, in standard errors.
    problem : Problem
        That of the fit, over one row.
    root : ndarray of shape (n_dof, rank)
        A matrix S with S Sᵀ the covariance matrix.
    null_space : ndarray of shape (n_dof, n_directions) or None
        The directions that the data leave undetermined.
    """

    estimator: Any
    quantile: float
    problem: Problem
    root: Matrix
    null_space: Matrix | None

    @classmethod
    def of(cls, estimate: Estimate, quantile: float) -> "Predictor":
        """Return the predictor of an estimate."""
        fitted, covariance = estimate.fitted, estimate.covariance
        return cls(
            fitted.estimator,
            quantile,
            _at_rows(fitted.problem, np.zeros((1, fitted.problem.n_features))),
            covariance.root_of_matrix,
            covariance.hessian.null_space,
        )

    def frame(self, X: Any, offset: Any, index: Any) -> Any:
        """Return the table of `Inference.predict`, lazy for a dask X."""
        if is_dask(X):
            given = {"X": X, "offset": offset}
            parts = delayed_parts(self.estimator, given, self._of_part)
            return lazy_frame(parts, _COLUMNS, index)
        with thread_executor() as executor:
            return self._table(X, offset, index, executor)

    def _of_part(self, X: Any, offset: Any = None) -> Any:
        """Return the table of a partition."""
        index = index_of(X)
        if X.shape[0]:
            return self._table(X, offset, index, ThreadExecutor())
        return import_pandas("Inference").DataFrame(np.empty((0, 3)), index, _COLUMNS)

    def _table(self, X: Any, offset: Any, index: Any, executor: ThreadExecutor) -> Any:
        """Return the table of rows in memory."""
        z = self.estimator.decision_function(X, offset).astype(np.float64)
        X = check_features(X, self.estimator, reset=False, finite=True)
        objective = Objective(_at_rows(self.problem, X), executor)
        with np.errstate(all="ignore"):
            found = variances(objective, self.root, self.null_space)
        half = self.quantile * np.sqrt(found)
        ends = expit(z), expit(z - half), expit(z + half)
        pandas = import_pandas("Inference")
        return pandas.DataFrame(np.column_stack(ends), index, _COLUMNS)


def _at_rows(problem: Problem, X: Any) -> Problem:
    """Return a problem over other rows, without labels."""
    n_rows = X.shape[0]
    rows = Rows(
        design_of(X, problem.coordinates),
        np.ones(n_rows, dtype=np.int8),
        np.full(n_rows, 1.0 / n_rows),
    )
    return replace(problem, rows=rows)
