"""The journal of a fit's iterations, and its listeners: the log and callbacks."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import sqrt
from typing import Any, Protocol

from numpy.typing import NDArray
from scipy.linalg.blas import dnrm2  # whose squares do not overflow
from sklearn.base import BaseEstimator

from sk_logreg._arrays import Vector
from sk_logreg._compat import callback_context
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._records import IterationRecord

Coef = Callable[[], Vector]


class Listener(Protocol):
    """Is told of the iterations."""

    def begin(self, coef: Coef, /) -> None:
        """Take note that an iteration begins; `coef` returns at which coefficients."""

    def end(self, record: IterationRecord, coef: Coef, /) -> bool:
        """Take note of how and where it ended; return whether the fit is to stop."""


@dataclass
class Journal:
    """The journal of a fit: a record per iteration, and its listeners."""

    max_iter: int
    listeners: Sequence[Listener] = ()
    records: list[IterationRecord] = field(default_factory=list)
    stopped: bool = False
    _began: float = field(default_factory=time.perf_counter)
    _n_before: int = 0
    _start: int = 0

    def restart(self) -> None:
        """Count the iterations from here on, for another start."""
        self._n_before = len(self.records)
        if self.records:
            self._start += 1

    @property
    def closed(self) -> bool:
        """Whether no further iteration is allowed."""
        n_iter = len(self.records) - self._n_before
        return self.stopped or n_iter >= self.max_iter

    def begin(self, objective: Objective, point: Evaluation) -> None:
        """Begin an iteration at a point."""
        for listener in self.listeners:
            listener.begin(partial(objective.problem.lift, point.coef))

    def end(
        self,
        objective: Objective,
        reached: Evaluation,
        decrement2: float,
        length: float,
    ) -> None:
        """End an iteration, and write its record.

        `length` is the length of the step, as a multiple of Newton's.
        """
        rescale = objective.problem.rescale
        record = IterationRecord(
            objective=rescale(reached.value),
            gradient_norm=rescale(dnrm2(reached.gradient)),
            decrement=sqrt(rescale(max(decrement2, 0.0))),
            step=length,
            rows_used=objective.n_samples,
            reads=objective.meter.passes,
            seconds=time.perf_counter() - self._began,
            start=self._start,
        )
        self.records.append(record)
        for listener in self.listeners:
            # Each listener is told, whether or not one before it stops the fit.
            coef = partial(objective.problem.lift, reached.coef)
            self.stopped = listener.end(record, coef) or self.stopped


_logger = logging.getLogger("sk_logreg")


class _Log:
    """Writes a line per iteration."""

    def begin(self, _coef: Coef, /) -> None:
        """Write nothing."""

    def end(self, record: IterationRecord, _coef: Coef, /) -> bool:
        _logger.info(
            "objective %.12g, |gradient| %.2e, decrement %.2e, step %g, %d rows, "
            "%.2f passes over X, %.3f s",
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
    """Yield a log whose lines are shown even if logging has not been configured."""
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
    """Makes each iteration a task of scikit-learn's callbacks."""

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

    def begin(self, coef: Coef, /) -> None:
        self._task = self._context.subcontext(task_name="iteration")
        self._task.call_on_fit_task_begin(
            **self._about, reconstruction_attributes=lambda: self._fitted(coef())
        )

    def end(self, _record: IterationRecord, coef: Coef, /) -> bool:
        return self._task.call_on_fit_task_end(
            **self._about, reconstruction_attributes=lambda: self._fitted(coef())
        )


@contextmanager
def listening(
    estimator: BaseEstimator,
    X: Any,
    y: NDArray[Any],
    metadata: dict[str, Any],
    *,
    classes: NDArray[Any],
    max_iterations: int,
) -> Iterator[list[Listener]]:
    """Yield the listeners of a fit; tell callbacks of its begin and its end.

    `metadata` are the other arguments of `fit`, for the callbacks.
    """
    with ExitStack() as stack:
        log = [stack.enter_context(_logging())] if estimator.verbose else []
        context = callback_context(estimator, max_iterations)
        if context is None:
            yield [*log]
            return
        given = {name: value for name, value in metadata.items() if value is not None}
        about = {"estimator": estimator, "X": X, "y": y, "metadata": given or None}
        known = {"classes_": classes, "n_features_in_": X.shape[1]}
        context.call_on_fit_task_begin(**about)
        yield [*log, _Callbacks(context, about, known)]
        context.call_on_fit_task_end(**about, reconstruction_attributes={})
