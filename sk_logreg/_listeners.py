"""Who is told of the iterations of a fit: the log and scikit-learn's callbacks."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sk_logreg._compat import callback_context
from sk_logreg._design import Vector
from sk_logreg._solvers import IterationRecord, Listener

Coef = Callable[[], Vector]
_logger = logging.getLogger("sk_logreg")


class _Log:
    """Writes a line an iteration."""

    def begin(self, coef: Coef) -> None:
        pass

    def end(self, record: IterationRecord, coef: Coef) -> bool:
        _logger.info(
            "objective %.12g, |gradient| %.2e, decrement %.2e, step %g, %d rows, "
            "%.2f reads of X, %.3f s",
            record.objective,
            record.gradient_norm,
            record.decrement,
            record.step,
            record.rows_used,
            record.reads,
            record.seconds,
        )
        return False


@contextmanager
def _logging() -> Iterator[_Log]:
    """Yield a log whose lines are seen even where logging has not been set up."""
    handler = None if _logger.hasHandlers() else logging.StreamHandler()
    level = _logger.level
    if handler is not None:
        _logger.addHandler(handler)
    if not _logger.isEnabledFor(logging.INFO):
        _logger.setLevel(logging.INFO)
    try:
        yield _Log()
    finally:
        _logger.setLevel(level)
        if handler is not None:
            _logger.removeHandler(handler)


class _Callbacks:
    """Makes a task of scikit-learn's callbacks of each iteration."""

    def __init__(self, context: Any, about: dict[str, Any], known: dict[str, Any]):
        self._context = context
        self._about = about
        self._known = known
        self._task: Any = None

    def _fitted(self, coef: Vector) -> dict[str, Any]:
        """Return the attributes of an estimator fitted to these coefficients."""
        n_features = self._known["n_features_in_"]
        bias = coef[n_features:].sum(keepdims=True)
        return self._known | {"coef_": coef[None, :n_features], "intercept_": bias}

    def begin(self, coef: Coef) -> None:
        self._task = self._context.subcontext(task_name="iteration")
        self._task.call_on_fit_task_begin(
            **self._about, reconstruction_attributes=lambda: self._fitted(coef())
        )

    def end(self, record: IterationRecord, coef: Coef) -> bool:
        return self._task.call_on_fit_task_end(
            **self._about, reconstruction_attributes=lambda: self._fitted(coef())
        )


@contextmanager
def listening(
    estimator: BaseEstimator,
    X: Any,
    y: NDArray[Any],
    sample_weight: NDArray[np.floating] | None,
    *,
    classes: NDArray[Any],
    max_iterations: int,
    verbose: int,
) -> Iterator[list[Listener]]:
    """Yield who is to be told of a fit's iterations, and tell of its begin and end.

    Parameters
    ----------
    estimator : BaseEstimator
        The estimator being fitted, which carries the callbacks.
    X, y, sample_weight
        The data, for the callbacks.
    classes : ndarray of shape (2,)
        The labels.
    max_iterations : int
        How many iterations there are at most.
    verbose : int
        Whether to log the iterations.

    Yields
    ------
    list of Listener
    """
    with ExitStack() as stack:
        listeners: list[Listener] = []
        if verbose:
            listeners.append(stack.enter_context(_logging()))
        context = callback_context(estimator, max_iterations)
        if context is None:
            yield listeners
            return
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        about = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        known = {"classes_": classes, "n_features_in_": X.shape[1]}
        context.call_on_fit_task_begin(**about)
        yield [*listeners, _Callbacks(context, about, known)]
        context.call_on_fit_task_end(**about, reconstruction_attributes={})
