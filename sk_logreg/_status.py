"""How a fit ended: a word, the sentence that explains it, and the remedy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """How a fit ended.

    Parameters
    ----------
    word : str
        The outcome in a word, for code to test.
    sentence : str
        The outcome in a sentence, for people to read.
    converged : bool
        Whether the coefficients are those of a minimum, to the accuracy asked for or
        to the accuracy that rounding allows.
    remedy : str, default=""
        What to do about it, empty where nothing needs to be done.
    """

    word: str
    sentence: str
    converged: bool = False
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.word}: {self.sentence}"


# Where rounding ends a fit, a bound above this says that the fit is not good enough.
_LARGEST_BOUND = 1e-4

_LESS_FREE = (
    "Use a finite C, which makes the solution unique and finite, or drop columns that "
    "give the label away."
)

CONVERGED = Status(
    "converged",
    "The bound on the relative suboptimality is at or below tol.",
    converged=True,
)
ROUNDING = Status(
    "rounding",
    "Rounding errors are all that is left: no step improves the objective further. The "
    "bound on the relative suboptimality may be above tol, but it holds.",
    converged=True,
)
MAX_ITER = Status(
    "max_iter",
    "The iterations ran out before the bound on the relative suboptimality came "
    "down to tol.",
    remedy="Increase max_iter, or set warm_start=True and call fit again to go on.",
)
SUSPECTED = Status(
    "suspected",
    "There is no penalty, and the iterates do not tell whether there is a minimum.",
)
SEPARABLE = Status(
    "separable",
    "The classes are perfectly separated by a hyperplane and there is no penalty: the "
    "cost falls towards its infimum only as the coefficients run off to infinity. The "
    "coefficients returned are finite and separate the classes.",
    remedy=_LESS_FREE,
)
QUASI_SEPARABLE = Status(
    "quasi_separable",
    "A hyperplane separates the classes but for rows that lie on it, and there is no "
    "penalty: the cost falls towards its infimum only as some coefficients run off to "
    "infinity. The coefficients returned are finite.",
    remedy=_LESS_FREE,
)
AT_INFINITY = Status(
    "at_infinity",
    "There is no penalty and the cost falls towards its infimum only as the "
    "coefficients run off to infinity. The coefficients returned are finite.",
    remedy="Use a finite C, which makes the solution finite.",
)
SINGULAR = Status(
    "singular",
    "The solution is a minimum, but not the only one: the Hessian there is singular.",
    remedy="Use a finite C, or drop columns that are constant or repeat others.",
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
