"""The interface of an adapter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from benchmarks.objective import FREE
from benchmarks.task import Fit, Task

CROSS_ENTROPY = ("cross_entropy",)
SQUARED_ERROR = ("squared_error",)
RIDGE = ("ridge",)
LASSO = ("lasso",)
L1 = ("lasso", "elastic net")
# Solvers that form a dense Hessian are not run on more columns.
MAX_HESSIAN_COLUMNS = 5_000
TOLERANCES = tuple(10.0**-k for k in range(1, 15))


@dataclass(frozen=True)
class Peer:
    """One solver of one library, and the convention of its objective.

    Attributes
    ----------
    name : str
    package, module : str
        Name of the distribution, and a module that is importable if it is installed.
    convention : {"free", "absorbed"}
        "absorbed" if its penalty includes the intercept, "free" if not.
    states : str
        Its objective in its own notation, and how C is converted.
    fit : callable
        ``fit(task, tol, max_iter)`` returns a `Fit`. If both are None, all settings but
        the objective are the defaults of the library.
    default_tol : float or None
        Default tolerance, at which the climb starts. None: the solver has no tolerance.
    default_max_iter : int or None
    native : bool
        Whether the iterations run outside Python, so that a time limit cannot interrupt
        them.
    losses : tuple of str
        The losses that it can fit.
    penalties : tuple of str
        The kinds of penalty, see `Task.penalty`, that it can fit.
    sparse, float32, unpenalized, penalized : bool
        Whether it can fit sparse X, float32 X, and objectives without or with a
        penalty.
    max_columns, max_samples : int or None
        The solver is not run on more columns (a dense Hessian would be too large) or
        more rows.
    tolerances : tuple of float
        The tolerances that the climb may try.
    """

    name: str
    package: str
    module: str
    states: str
    fit: Callable[[Task, float | None, int | None], Fit]
    convention: str = FREE
    default_tol: float | None = 1e-4
    default_max_iter: int | None = 100
    native: bool = False
    losses: tuple[str, ...] = CROSS_ENTROPY
    penalties: tuple[str, ...] = RIDGE
    sparse: bool = True
    float32: bool = True
    unpenalized: bool = True
    penalized: bool = True
    max_columns: int | None = None
    max_samples: int | None = None
    tolerances: tuple[float, ...] = field(default=TOLERANCES)

    def installed(self) -> bool:
        """Whether the module can be imported."""
        return find_spec(self.module) is not None

    def version(self) -> str:
        """Version of the distribution, or an empty string."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return ""

    def refuses(self, task: Task) -> str:
        """The reason why it cannot fit a task; empty if it can."""
        if task.loss not in self.losses:
            return f"does not fit {task.loss}"
        if task.penalized and task.penalty not in self.penalties:
            return f"does not fit the {task.penalty}"
        if task.is_sparse and not self.sparse:
            return "does not accept sparse X"
        if task.X.dtype == "float32" and not self.float32:
            return "does not accept float32 X"
        if not task.penalized and not self.unpenalized:
            return "always penalizes"
        if task.penalized and not self.penalized:
            return "does not penalize"
        if self.max_columns is not None and task.n_features > self.max_columns:
            return f"forms a dense Hessian: not run above {self.max_columns} columns"
        if self.max_samples is not None and task.n_samples > self.max_samples:
            return f"too slow: not run above {self.max_samples} rows"
        return ""
