"""What every solver is given, what it writes down, and what it returns."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from scipy.linalg.blas import dnrm2  # whose squares do not overflow

from sk_logreg._design import Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._status import Status


@dataclass(frozen=True)
class IterationRecord:
    """The state after an iteration.

    Attributes
    ----------
    objective : float
        The objective F at the point reached, on the rows used.
    gradient_norm : float
        Euclidean norm of the gradient of F there, over the columns as they were
        centered and scaled.
    decrement : float
        Newton decrement ν of the step taken: F is about to fall by ν²/2.
    step : float
        Length of the step in units of the Newton step: above 1 where it was lengthened,
        0 where it was refused.
    rows_used : int
        Rows of X that the iteration was computed on.
    reads : float
        Reads of the whole of X so far.
    seconds : float
        Seconds since the solver started.
    start : int
        Which start the iteration belongs to, from 0; several only where the loss is
        not convex.
    """

    objective: float
    gradient_norm: float
    decrement: float
    step: float
    rows_used: int
    reads: float
    seconds: float
    start: int = 0


@dataclass(frozen=True)
class StartRecord:
    """A start of a loss that is not convex, and where it led.

    Attributes
    ----------
    origin : {"zero", "previous", "cross_entropy", "chosen", "drawn"}
        Where the start comes from: zero, the last fit under ``warm_start``, the
        minimum of cross entropy, the fixed choice, or ``random_state``.
    start_objective : float
        F at the start, or on the rows among which it was found.
    objective : float
        F where it ended.
    coef : ndarray
        The weights and the bias there.
    status : Status
        How it ended.
    minimum : int
        Which minimum that is, numbered from 0 in the order they were met.
    """

    origin: str
    start_objective: float
    objective: float
    coef: Vector
    status: Status
    minimum: int


@dataclass(frozen=True)
class Solution:
    """Where a solver ended.

    Attributes
    ----------
    point : Evaluation
        The objective at the coefficients returned.
    gap : float
        Bound on the relative suboptimality (f - f*) / f of the point.
    status : Status
        How the solver ended.
    curvature_ratio : float
        The smallest eigenvalue of the Hessian over the largest, with rows and columns
        scaled to a unit diagonal; nan where that was not asked for.
    scope : {"global", "region", "local"}
        How far the minimum is known to be the lowest.
    starts : tuple of StartRecord
        Where a loss that is not convex was minimized from.
    columns : tuple of int
        Columns that alone separate the classes, where that is why there is no minimum.
    step_left : ndarray of shape (n_dof,) or 0
        A last step that was not taken, where its end did not need to be looked at, or
        will be over more features.
    """

    point: Evaluation
    gap: float
    status: Status
    curvature_ratio: float = np.nan
    scope: str = "global"
    starts: tuple[StartRecord, ...] = ()
    columns: tuple[int, ...] = ()
    step_left: Vector | float = 0.0


class Solver(Protocol):
    """Minimizes an objective from a start."""

    def __call__(
        self,
        objective: Objective,
        start: Vector,
        journal: "Journal",
        *,
        tol: float,
        certify: bool = True,
    ) -> Solution:
        """Return where the solver ended, having recorded its iterations."""


class Listener(Protocol):
    """Who is told of the iterations."""

    def begin(self, coef: Callable[[], Vector]) -> None:
        """Hear that an iteration begins, and at which coefficients if you ask."""

    def end(self, record: IterationRecord, coef: Callable[[], Vector]) -> bool:
        """Hear how it ended, and where; return whether the fit is to stop."""


@dataclass
class Journal:
    """The log of a fit: a record an iteration, and who wants to be told of it.

    Attributes
    ----------
    max_iter : int
        Iterations allowed from each start.
    listeners : sequence of Listener
        Told when an iteration begins and how it ended; any of them may stop the fit.
    records : list of IterationRecord
    """

    max_iter: int
    listeners: Sequence[Listener] = ()
    records: list[IterationRecord] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)
    _n_before: int = 0
    _start: int = 0

    def restart(self) -> None:
        """Count the iterations from here on, for another start."""
        self._n_before = len(self.records)
        self._start += bool(self.records)

    @property
    def full(self) -> bool:
        """Whether the iterations have run out."""
        return len(self.records) - self._n_before >= self.max_iter

    def begin(self, objective: Objective, point: Evaluation) -> None:
        """Note that an iteration begins at a point."""
        for listener in self.listeners:
            listener.begin(partial(objective.lift, point.coef))

    def record(
        self, objective: Objective, point: Evaluation, decrement2: float, step: float
    ) -> bool:
        """Write an iteration down; return whether a listener wants to stop."""
        record = IterationRecord(
            objective=objective.in_user_units(point.value),
            gradient_norm=objective.in_user_units(dnrm2(point.gradient)),
            decrement=float(np.sqrt(objective.in_user_units(max(decrement2, 0.0)))),
            step=step,
            rows_used=objective.design.n_samples,
            reads=objective.meter.reads,
            seconds=time.perf_counter() - self._began,
            start=self._start,
        )
        self.records.append(record)
        coef = partial(objective.lift, point.coef)
        return any([listener.end(record, coef) for listener in self.listeners])
