"""What an adapter is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from benchmarks.objective import FREE
from benchmarks.task import Fit, Task

CROSS_ENTROPY = ("cross_entropy",)
SQUARED_ERROR = ("squared_error",)
MAX_HESSIAN_COLUMNS = 5_000
TOLERANCES = tuple(10.0**-k for k in range(1, 15))


@dataclass(frozen=True)
class Peer:
    """One solver of one library, and the convention it fits by.

    Attributes
    ----------
    name : str
    package, module : str
        Distribution's name, and the module that shows it is installed.
    convention : {"free", "absorbed"}
        Whether its penalty leaves the intercept alone or is on it too.
    states : str
        Its objective in its own terms, and how C is translated.
    fit : callable
        ``fit(task, tol, max_iter)`` returns a `Fit`; with None and None the
        library's defaults hold, for everything but the objective.
    default_tol : float or None
        Its default tolerance, where the climb starts. None: it has no tolerance.
    default_max_iter : int or None
    native : bool
        Whether its iterations run outside Python, where a time limit cannot
        interrupt them.
    losses : tuple of str
    sparse, dense, float32, unpenalised, penalised : bool
        What it takes.
    max_columns : int or None
        Above which it is not run (a dense Hessian would not fit).
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
    sparse: bool = True
    float32: bool = True
    unpenalised: bool = True
    penalised: bool = True
    max_columns: int | None = None
    max_samples: int | None = None
    tolerances: tuple[float, ...] = field(default=TOLERANCES)

    def installed(self) -> bool:
        """Whether its module can be imported."""
        return find_spec(self.module) is not None

    def version(self) -> str:
        """Version of its distribution, or an empty string."""
        try:
            return version(self.package)
        except PackageNotFoundError:
            return ""

    def refuses(self, task: Task) -> str:
        """Why it does not apply to a task; empty if it does."""
        if task.loss not in self.losses:
            return f"does not fit {task.loss}"
        if task.is_sparse and not self.sparse:
            return "does not take sparse X"
        if task.X.dtype == "float32" and not self.float32:
            return "does not take float32 X"
        if not task.penalised and not self.unpenalised:
            return "always penalises"
        if task.penalised and not self.penalised:
            return "does not penalise"
        if self.max_columns is not None and task.n_features > self.max_columns:
            return f"forms a dense Hessian: not run above {self.max_columns} columns"
        if self.max_samples is not None and task.n_samples > self.max_samples:
            return f"too slow: not run above {self.max_samples} rows"
        return ""
