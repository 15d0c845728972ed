"""What every solver is given, what it writes down, and what it returns."""

import time
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

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
        Euclidean norm of the gradient of F there.
    decrement : float
        Newton decrement ν of the step taken: F is about to fall by ν²/2.
    step : float
        Length of the step as a share of the Newton step, 0 where it was refused.
    rows_used : int
        Rows of X that the iteration was computed on.
    reads : float
        Reads of the whole of X so far.
    seconds : float
        Seconds since the solver started.
    """

    objective: float
    gradient_norm: float
    decrement: float
    step: float
    rows_used: int
    reads: float
    seconds: float


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
    """

    point: Evaluation
    gap: float
    status: Status


class Solver(Protocol):
    """Minimizes an objective from a start."""

    def __call__(
        self, objective: Objective, start: Vector, journal: "Journal", *, tol: float
    ) -> Solution:
        """Return where the solver ended, having recorded its iterations."""


class Listener(Protocol):
    """Who is told of the iterations."""

    def begin(self, coef: Vector) -> None:
        """Hear that an iteration begins at these coefficients."""

    def end(self, record: IterationRecord, coef: Vector) -> bool:
        """Hear how it ended and where; return whether the fit is to stop."""


@dataclass
class Journal:
    """The log of a fit: a record an iteration, and who wants to be told of it.

    Attributes
    ----------
    max_iter : int
        Iterations allowed from each start.
    listener : Listener
        Told when an iteration begins and how it ended.
    records : list of IterationRecord
    """

    max_iter: int
    listener: Listener
    records: list[IterationRecord] = field(default_factory=list)
    _began: float = field(default_factory=time.perf_counter)
    _n_before: int = 0

    def restart(self) -> None:
        """Count the iterations from here on, for another start."""
        self._n_before = len(self.records)

    @property
    def full(self) -> bool:
        """Whether the iterations have run out."""
        return len(self.records) - self._n_before >= self.max_iter

    def begin(self, point: Evaluation) -> None:
        """Note that an iteration begins at a point."""
        self.listener.begin(point.coef)

    def record(
        self, objective: Objective, point: Evaluation, decrement2: float, step: float
    ) -> bool:
        """Write an iteration down; return whether a listener wants to stop."""
        record = IterationRecord(
            objective=objective.in_user_units(point.value),
            gradient_norm=objective.in_user_units(
                float(np.linalg.norm(point.gradient))
            ),
            decrement=float(np.sqrt(objective.in_user_units(max(decrement2, 0.0)))),
            step=step,
            rows_used=objective.design.n_samples,
            reads=objective.meter.reads,
            seconds=time.perf_counter() - self._began,
        )
        self.records.append(record)
        return self.listener.end(record, point.coef)
