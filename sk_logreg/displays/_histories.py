"""The histories of fits, as columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._records import IterationRecord
from sk_logreg._tolerances import EPS

_COLUMNS = {"gradient": "gradient_norm", "rows": "rows_used"}


@dataclass(frozen=True)
class ConvergenceCurve:
    """The history of one fit, as columns of equal length.

    Parameters
    ----------
    objective : ndarray of shape (n_iter,)
        The objective F after each iteration, on the rows used.
    gradient_norm, rows_used, reads, seconds : ndarray of shape (n_iter,), default=None
        As in `history_`; a column that is None cannot be drawn.
    new_start : ndarray of shape (n_iter,) of bool, default=None
        Which iterations are the first from another starting point.
    bound : float, default=None
        The bound on the relative suboptimality that the fit reports at its end.
    """

    objective: NDArray[np.floating]
    gradient_norm: NDArray[np.floating] | None = None
    rows_used: NDArray[np.floating] | None = None
    reads: NDArray[np.floating] | None = None
    seconds: NDArray[np.floating] | None = None
    new_start: NDArray[np.bool_] | None = None
    bound: float | None = None


def curve_of_estimator(estimator: BinaryLogisticRegression) -> ConvergenceCurve:
    """Return the history of a fitted estimator as a curve."""
    check_is_fitted(estimator)
    curve = curve_of_history(estimator.history_)
    starts = np.array([record.start for record in estimator.history_], dtype=int)
    new_start = np.diff(starts, prepend=0) > 0
    return replace(curve, new_start=new_start, bound=estimator.optimality_gap_)


def curve_of_history(
    history: Mapping[str, ArrayLike] | Sequence[IterationRecord],
) -> ConvergenceCurve:
    """Return a history as a curve, given as records or as columns."""
    names = ("objective", "gradient_norm", "rows_used", "reads", "seconds")
    if not isinstance(history, Mapping):
        history = {name: [getattr(one, name) for one in history] for name in names}
    if "objective" not in history:
        raise ValueError('A history needs the column "objective".')
    columns: dict[str, Any] = {
        name: np.asarray(history[name], dtype=float)
        for name in names
        if name in history
    }
    if len({len(column) for column in columns.values()}) > 1:
        raise ValueError("The columns of a history must have the same length.")
    return ConvergenceCurve(**columns)


def column_of(
    curve: ConvergenceCurve, name: str, which: str, optimum: float | None
) -> NDArray[np.floating]:
    """Return the values along an axis; raise a ValueError if they are missing."""
    if which == "iteration":
        return np.arange(1.0, len(curve.objective) + 1.0)
    if which == "gap":
        return _gaps(curve, optimum)
    column: NDArray[np.floating] | None = getattr(curve, _COLUMNS.get(which, which))
    if column is None:
        raise ValueError(f"The history of {name!r} has no column for {which!r}.")
    return column


def _gaps(curve: ConvergenceCurve, optimum: float | None) -> NDArray[np.floating]:
    """Return the relative gap after each iteration, NaN where it is not known."""
    objective = np.asarray(curve.objective, dtype=np.float64)
    if curve.rows_used is not None:
        on_all = curve.rows_used == np.max(curve.rows_used, initial=0.0)
        objective = np.where(on_all, objective, np.nan)
    if optimum is None:
        optimum = np.nanmin(objective, initial=np.inf)
    with np.errstate(invalid="ignore", divide="ignore"):
        gaps = (objective - optimum) / optimum
    # A smaller difference is rounding error.
    return np.where(gaps > 2.0 * EPS, gaps, np.nan)
