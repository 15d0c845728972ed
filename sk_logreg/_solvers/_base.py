"""What a solver is given and what it returns."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._records import Scope, StartRecord, Status
from sk_logreg._tolerances import FINE

#: The bound on the relative suboptimality where none is known.
UNKNOWN_GAP = 1.0


@dataclass(frozen=True, eq=False)
class Solution:
    """Where a solver ended, and how.

    Attributes
    ----------
    gap : float
        Bound on the relative suboptimality (f - f*) / f of the point.
    curvature_ratio : float
        The smallest eigenvalue of the Hessian over the largest, with rows and columns
        scaled to a unit diagonal; NaN if it was not computed.
    columns : tuple of int
        Columns that alone separate the classes, if there is no minimum for that reason.
    pending_step : ndarray of shape (n_dof,) or 0
        A last step that was not taken, since the objective after it need not be
        evaluated, or will be over more features.
    model : object
        The model of the objective, if the penalty has kinks or bounds.
    working_set : object
        What is known of the features that may have a weight, if they are many.
    """

    point: Evaluation
    gap: float
    status: Status
    curvature_ratio: float = np.nan
    scope: Scope = "global"
    starts: tuple[StartRecord, ...] = ()
    columns: tuple[int, ...] = ()
    pending_step: Vector | float = 0.0
    model: Any = None
    working_set: Any = None


@dataclass(frozen=True)
class Goal:
    """What a solver has to reach: `tol`, a bound on the relative suboptimality.

    Unless it is to `certify` that, the last step is neither taken nor evaluated, but
    returned as the solution's `pending_step`. With `separation_excluded` it is known
    that no hyperplane separates the classes. A start that is `near` the minimum is
    nearer to it than that of a sample of the rows; there may be a `known` Hessian of
    the objective near it, `squares` that are an upper bound of the diagonal of the
    Hessian of the losses, and the `working_set` of a solution with another C.
    """

    tol: float
    certify: bool = True
    separation_excluded: bool = False
    near: bool = False
    known: Any = None
    squares: Vector | None = None
    working_set: Any = None

    @property
    def fine(self) -> bool:
        """Whether the digits of the coefficients count too, and are refined."""
        return self.tol < FINE


class Solver(Protocol):
    """Minimizes an objective from a start, recording iterations in the journal."""

    def __call__(
        self, objective: Objective, start: Vector, journal: Journal, goal: Goal
    ) -> Solution:
        """Return where the solver ended."""


def relative(excess: float, point: Evaluation) -> float:
    """Return an excess of f relative to f, at most 1, since f is not negative."""
    if point.value == 0.0:
        return 0.0
    if np.isnan(excess):
        return UNKNOWN_GAP
    return float(min(max(excess, 0.0), point.value) / point.value) if excess else 0.0
