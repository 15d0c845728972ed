"""The public records: how a fit ended, its iterations and its starts."""

from dataclasses import dataclass
from typing import Literal

from sk_logreg._arrays import Vector


@dataclass(frozen=True)
class Status:
    """How a fit ended.

    Parameters
    ----------
    word : str
        The outcome in a word, for code to test: see :doc:`/guide/warnings`.
    sentence : str
        The outcome in a sentence, for people to read.
    converged : bool, default=False
        Whether the coefficients are those of a minimum, to the accuracy asked for or
        to the accuracy that rounding allows.
    remedy : str, default=""
        What to do about it. Empty if nothing needs to be done.

    See Also
    --------
    BinaryLogisticRegression : Has one in its attribute ``status_``.
    """

    word: str
    sentence: str
    converged: bool = False
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.sentence}"


@dataclass(frozen=True)
class IterationRecord:
    """The state of a fit after an iteration.

    Parameters
    ----------
    objective : float
        The objective F at the point reached, on the rows used.
    gradient_norm : float
        Euclidean norm of the gradient of F there, over the columns as they were
        centered and scaled.
    decrement : float
        Newton decrement ν of the step taken: the quadratic model of F decreases by
        ν²/2.
    step : float
        Length of the step in units of the Newton step: above 1 if it was extended, 0
        if no step lowered F. A step of another kind, along negative curvature or along
        the gradient, has a unit of its own.
    rows_used : int
        Number of rows of X in the iteration's objective.
    reads : float
        Passes over the whole of X so far.
    seconds : float
        Seconds since the solver started.
    start : int, default=0
        Which start the iteration belongs to, from 0; there are several only if the
        loss is not convex.

    See Also
    --------
    BinaryLogisticRegression : Has them in its attribute ``history_``.
    """

    objective: float
    gradient_norm: float
    decrement: float
    step: float
    rows_used: int
    reads: float
    seconds: float
    start: int = 0


@dataclass(frozen=True, eq=False)
class StartRecord:
    """A starting point for a loss that is not convex, and where it led.

    Parameters
    ----------
    origin : {"zero", "previous", "cross_entropy", "chosen", "drawn"}
        Where the start comes from: zero coefficients (the ``penalty_center``, if it
        is given), the last fit with ``warm_start``, the minimum of cross entropy, fits
        to small subsets of the rows, or random starts by ``random_state``.
    start_objective : float
        F at the start. If the start was found on a sample, F on that sample.
    objective : float
        F where it ended.
    coef : ndarray of shape (n_features + 1,) or (n_features,)
        The weights and the bias, if there is one, where it ended.
    status : Status
        How it ended.
    minimum : int
        Which minimum that is, numbered from 0 in the order in which they were found.

    See Also
    --------
    BinaryLogisticRegression : Has them in its attribute ``starts_``.
    """

    origin: str
    start_objective: float
    objective: float
    coef: Vector
    status: Status
    minimum: int


#: How far a minimum is known to be the lowest.
Scope = Literal["global", "region", "local"]

# If rounding ends a fit with a larger bound than this, the fit has not converged.
_LARGEST_BOUND = 1e-4

_PENALIZE = (
    "Use a finite C (and a positive penalty_factor), which makes the solution unique "
    "and finite, or drop columns that give the label away."
)

CONVERGED = Status(
    "converged",
    "The bound on the relative suboptimality is at or below tol.",
    converged=True,
)
ROUNDING = Status(
    "rounding",
    "No step improves the objective beyond its rounding error. The bound on the "
    "relative suboptimality may be above tol, but it holds.",
    converged=True,
)
MAX_ITER = Status(
    "max_iter",
    "The bound on the relative suboptimality was still above tol after max_iter "
    "iterations.",
    remedy="Increase max_iter, or set warm_start=True and call fit again to go on.",
)
SUSPECTED = Status(
    "suspected",
    "There are coefficients without a penalty, and the iterates do not tell whether "
    "there is a minimum.",
)
SEPARABLE = Status(
    "separable",
    "The classes are perfectly separated by a hyperplane without a penalty on its "
    "coefficients: the minimum is approached only as the coefficients diverge. The "
    "coefficients returned are finite and separate the classes.",
    remedy=_PENALIZE,
)
QUASI_SEPARABLE = Status(
    "quasi_separable",
    "A hyperplane without a penalty on its coefficients separates the classes, except "
    "for rows that lie on it: the minimum is approached only as some coefficients "
    "diverge. The coefficients returned are finite.",
    remedy=_PENALIZE,
)
AT_INFINITY = Status(
    "at_infinity",
    "Some coefficients have no penalty, and the minimum is approached only as they "
    "diverge. The coefficients returned are finite.",
    remedy="Use a finite C (and a positive penalty_factor), which makes the solution "
    "finite.",
)
SINGULAR = Status(
    "singular",
    "The solution is a minimum, but not the only one: the Hessian there is singular.",
    remedy="Use a finite C (and a positive penalty_factor), or drop columns that are "
    "constant or repeat others.",
)
STALLED = Status(
    "stalled",
    "No step along the search direction lowers the objective although the bound on "
    "the relative suboptimality is above tol.",
    remedy="Check X for values so large or so small that sums over it lose all digits.",
)
STOPPED = Status(
    "stopped",
    "A callback stopped the fit.",
    remedy="Set warm_start=True and call fit again to go on.",
)


def ended_by_rounding(gap: float) -> Status:
    """Return the status of a fit that rounding keeps from `tol`.

    Parameters
    ----------
    gap : float
        The bound on the relative suboptimality that does hold.
    """
    return ROUNDING if gap <= _LARGEST_BOUND else STALLED
