"""What the search for a separating hyperplane asks of the rows."""

from functools import lru_cache

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design import RowVector, _separation
from sk_logreg._objective._core import Evaluation, Objective
from sk_logreg._tolerances import SUM_ROUNDING
from sk_logreg.losses import Loss


def separates(objective: Objective, point: Evaluation, least: float) -> bool:
    """Return whether the unpenalized weights at a point separate the classes.

    All rows of positive weight are then on their right sides of the hyperplane,
    and have margins above `least`. Along these weights the loss falls for ever.
    """
    penalty, rows = objective.penalty, objective.rows
    if rows.has_soft_labels or point.loss > _most_above(objective.loss, least):
        return False
    if objective.weighted_extremes(point.margins).least <= least:
        return False
    if (penalty.one_sided(slice(None)) * point.coef < 0.0).any():
        return False  # a bound ends this direction
    if penalty.absent and not rows.has_offset:
        return True
    free = np.where(penalty.penalized, 0.0, point.coef)
    return objective.weighted_extremes(objective.margin_change(free)).least > 0.0


@lru_cache
def _most_above(loss: Loss, least: float) -> float:
    """Return a limit of the mean loss where all margins are above a number."""
    [value] = loss.at_margin(np.array([least])).value
    return float(value) * (1.0 + SUM_ROUNDING)


def unit_margins(
    objective: Objective,
    columns: Indices,
    centers: Vector,
    scales: Vector,
    direction: Vector,
) -> RowVector:
    """Return the products of a direction with rows of unit length and their signs.

    In one pass over X; see `sk_logreg._design._separation.unit_margins`.
    """
    args = columns, centers, scales, direction
    return objective.read(_separation.unit_margins, (), args, n_kept=1)[1][0]


def on_hyperplane(
    objective: Objective, margins: RowVector, other: RowVector, nearest: float
) -> RowVector:
    """Return minus the size of a vector, and 0 where margins exceed a limit."""
    vectors, args = (margins, other), (nearest,)
    return objective.scan(_separation.on_hyperplane, vectors, args, n_kept=1)[1][0]


def excess(
    objective: Objective,
    margins: RowVector,
    other: RowVector,
    nearest: float,
    least: float,
    slack: float,
) -> RowVector:
    """Return by how much a vector exceeds what it has to.

    That is `least` where margins are above a limit, and minus the slack elsewhere.
    """
    vectors, args = (margins, other), (nearest, least, slack)
    return objective.scan(_separation.excess, vectors, args, n_kept=1)[1][0]
