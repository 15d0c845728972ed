"""Where the iterates diverge if there is no minimum: a hyperplane over all columns."""

from dataclasses import dataclass

import numpy as np

from sk_logreg._arrays import Vector
from sk_logreg._execution import blas_threads
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, Objective, separates
from sk_logreg._solvers._base import Goal
from sk_logreg._solvers._factors import TOO_MANY, eigenpairs
from sk_logreg._solvers._newton import ConjugateGradientModel, minimize
from sk_logreg._solvers._separation._linear_programs import row_tolerance
from sk_logreg._solvers._separation._unit_rows import UnitRows
from sk_logreg._tolerances import DEPENDENT, EPS
from sk_logreg.losses import CrossEntropy


@dataclass(frozen=True)
class RecessionOptions:
    """The parameters of the search for a direction of recession."""

    #: The iterates run until f is within this of its infimum, relative to f. Separated
    #: rows then have margins of at least 20, mostly of thousands.
    gap: float = 1e-11
    #: Rows with a smaller margin are not separated.
    diverged: float = 10.0
    #: Maximum number of passes over X.
    max_passes: int = 2000
    #: Maximum number of projections of a direction.
    max_projections: int = 8


_OPTIONS = RecessionOptions()


def run_to_recession(objective: Objective, point: Evaluation) -> Evaluation:
    """Return a late iterate of the minimization of cross entropy.

    Without a minimum the iterates diverge in a direction that separates all rows that
    any direction can, and leaves the others on the hyperplane [1]_.

    References
    ----------
    .. [1] Z. Ji, M. Telgarsky (2019). The implicit bias of gradient descent on
       nonseparable data. Conference on Learning Theory, PMLR 99, 1772-1798.
    """
    if separates(objective, point, 0.0):
        return point
    convex = objective.with_loss(CrossEntropy())
    model = ConjugateGradientModel(convex, _OPTIONS.max_passes)
    journal = Journal(_OPTIONS.max_passes)
    goal = Goal(_OPTIONS.gap, separation_excluded=True)
    return minimize(convex, point.coef, journal, model, goal).point


def recession_direction(far: Evaluation, rows: UnitRows) -> Vector | None:
    """Return the direction in which the iterates diverge, over all free columns.

    A late iterate is in that direction, except for the part that moves rows that are
    not separated, which is projected away. Each row is checked afterwards, so a
    direction that is returned is right.
    """
    direction = rows.direction(far.coef)
    if len(direction) > TOO_MANY:
        return None
    columns = rows.columns
    stay = np.flatnonzero(rows.margins_at(far) < _OPTIONS.diverged)
    with blas_threads():
        parts = rows.chunks(stay, columns)
        zero = np.zeros((len(direction), len(direction)))
        values, vectors = eigenpairs(sum((part.T @ part for part in parts), zero))
    kept = values > DEPENDENT * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    for _ in range(_OPTIONS.max_projections):
        moved = [part.T @ (part @ direction) for part in rows.chunks(stay, columns)]
        change = vectors @ ((vectors.T @ np.sum(moved, axis=0)) / values)
        direction = direction - change
        if np.linalg.norm(change) <= EPS * np.linalg.norm(direction):
            break
    margins = rows.margins(np.arange(rows.n_rows), columns, direction)
    least = row_tolerance(direction)
    limits = rows.constraints(columns) @ direction
    margins = np.append(margins, limits)
    return direction if margins.min() >= -least and margins.max() > least else None
