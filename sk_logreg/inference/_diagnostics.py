"""Diagnostics of the rows: leverages, residuals and influence."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from sk_logreg._compat import import_pandas
from sk_logreg._dask import lazy_frame
from sk_logreg._design import Points
from sk_logreg._design._map import Function
from sk_logreg._design._observations import Diagnostics, dfbetas, diagnostics
from sk_logreg._design._partitioned_rows import PartitionedRows
from sk_logreg.inference._covariance import Covariance
from sk_logreg.inference._fitted import FittedModel


def diagnostics_frame(fitted: FittedModel, covariance: Covariance, index: Any) -> Any:
    """Return the diagnostics of the rows as a data frame, in one pass over X.

    It is lazy if the rows are in partitions.
    """
    args = _arguments(fitted, covariance)
    return _frame(fitted, diagnostics, args, Diagnostics._fields, index)


def dfbetas_frame(fitted: FittedModel, covariance: Covariance, index: Any) -> Any:
    """Return what leaving out one copy of each row changes, in standard errors.

    By one Newton step; a data frame as above, with a column per term.
    """
    root = covariance.root
    to_terms = root @ (fitted.jacobian @ root).T / fitted.total / covariance.std_err
    changes = Points.of(to_terms, fitted.problem.n_features)
    args = changes, *_arguments(fitted, covariance)
    return _frame(fitted, dfbetas, args, fitted.terms, index)


def _arguments(fitted: FittedModel, covariance: Covariance) -> tuple[Any, ...]:
    """Return the arguments of the map that finds the diagnostics."""
    problem = fitted.problem
    root = Points.of(covariance.root, problem.n_features)
    point = problem.split(fitted.point.coef)
    return *point, problem.loss, root, covariance.edf, fitted.observed


def _frame(
    fitted: FittedModel,
    function: Function,
    args: tuple[Any, ...],
    names: tuple[str, ...],
    index: Any,
) -> Any:
    """Return the row vectors that a map keeps as the columns of a data frame."""
    finish, rows = _Named(names), fitted.problem.rows
    if isinstance(rows, PartitionedRows):
        parts = rows.delayed(function, args, len(names), finish)
        return lazy_frame(parts, names, index)
    options: Any = {"n_kept": len(names), "read": True}
    _, kept = fitted.over_rows(function, (), args, **options)
    frame = finish(None, 0, [vector.gather() for vector in kept])
    return frame if index is None else frame.set_axis(index)


@dataclass(frozen=True)
class _Named:
    """Makes a data frame of row vectors, with the index of X or the numbers of rows."""

    names: tuple[str, ...]

    def __call__(self, X: Any, start: int, vectors: Any) -> Any:
        pandas = import_pandas("Inference")
        values = np.column_stack(vectors)
        index = getattr(X, "index", pandas.RangeIndex(start, start + len(values)))
        return pandas.DataFrame(values, index, self.names)
