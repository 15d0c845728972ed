"""Where the iterates go if there is no minimum: a hyperplane over all columns."""

import numpy as np

from sk_logreg._design import Vector
from sk_logreg._objective import Evaluation, Objective
from sk_logreg._solvers._base import Journal
from sk_logreg._solvers._newton import minimize
from sk_logreg._solvers._newton_cg import ConjugateGradientModel
from sk_logreg._solvers._recession import rounding
from sk_logreg._solvers._unit_rows import UnitRows
from sk_logreg._threads import blas_threads
from sk_logreg.losses import CrossEntropy

# Iterates that go on until they are sure to be so near the infimum take rows that run
# off to a margin of some 20, mostly to thousands.
_FAR = 1e-11
_RUNS_OFF = 10.0
_MAX_STEPS = 100
_MAX_READS = 2000
# More coefficients than that take too long to project.
_MAX_COEFS = 4000
# Rows span what they do but for this share of the largest eigenvalue.
_NEGLIGIBLE = 1e-12
_MAX_PROJECTIONS = 8
_EPS = float(np.finfo(np.float64).eps)


def escape(objective: Objective, point: Evaluation) -> Evaluation:
    """Return where the iterates of cross entropy get to when they are let run.

    Without a minimum they run off in a direction that separates all rows that any can,
    and leaves the others on the hyperplane [1]_.

    Parameters
    ----------
    objective : Objective
        Without a penalty.
    point : Evaluation
        Where they got so far.

    Returns
    -------
    Evaluation

    References
    ----------
    .. [1] Z. Ji, M. Telgarsky (2019). The implicit bias of gradient descent on
       nonseparable data. Conference on Learning Theory, PMLR 99, 1772-1798.
    """
    if objective.smallest_margin(point) > 0.0:
        return point
    convex = objective.with_loss(CrossEntropy()).known_inseparable()
    model, journal = ConjugateGradientModel(convex, _MAX_READS), Journal(_MAX_STEPS)
    return minimize(convex, point.coef, journal, model, tol=_FAR).point


def direction_of(far: Evaluation, rows: UnitRows) -> Vector | None:
    """Return the direction in which the iterates run off, over all columns.

    A late iterate is in that direction, once what moves the rows that do not run off
    is projected away. What rounding then leaves is looked at row by row: an answer is
    right.

    Parameters
    ----------
    far : Evaluation
        A late iterate.
    rows : UnitRows
        All of the rows.

    Returns
    -------
    ndarray or None
        Without a row on its wrong side, if there is such a direction among these.
    """
    direction = rows.direction(far.coef)
    if len(direction) > _MAX_COEFS:
        return None
    columns = np.arange(len(rows.scales))
    stay = np.flatnonzero(far.margins[rows.ids] < _RUNS_OFF)
    with blas_threads():
        gram = sum(part.T @ part for part in rows.chunks(stay, columns))
        values, vectors = np.linalg.eigh(gram)
    kept = values > _NEGLIGIBLE * values[-1]
    values, vectors = values[kept], vectors[:, kept]
    for _ in range(_MAX_PROJECTIONS):
        moved = [part.T @ (part @ direction) for part in rows.chunks(stay, columns)]
        change = vectors @ ((vectors.T @ np.sum(moved, axis=0)) / values)
        direction = direction - change
        if np.linalg.norm(change) <= _EPS * np.linalg.norm(direction):
            break
    margins = rows.margins(np.arange(len(rows.ids)), columns, direction)
    least = rounding(direction)
    return direction if margins.min() >= -least and margins.max() > least else None
