"""Whether a hyperplane separates the classes, and the status that follows."""

from dataclasses import dataclass, replace

import numpy as np

from sk_logreg._arrays import Indices, Vector
from sk_logreg._log import Journal
from sk_logreg._objective import Evaluation, Objective, separates
from sk_logreg._records import CONVERGED, MAX_ITER, QUASI_SEPARABLE, SEPARABLE, STOPPED
from sk_logreg._solvers._base import UNKNOWN_GAP, Solution
from sk_logreg._solvers._separation._in_partitions import find_in_partitions
from sk_logreg._solvers._separation._linear_programs import LP_RESOLUTION
from sk_logreg._solvers._separation._recession import (
    recession_direction,
    run_to_recession,
)
from sk_logreg._solvers._separation._search import SEARCH, Search
from sk_logreg._solvers._separation._unit_rows import UnitRows
from sk_logreg._tolerances import ACCURATE


@dataclass(frozen=True)
class Separation:
    """A hyperplane with no row on its wrong side, and not all of them on it.

    It is `complete` if all rows are on their right sides. The columns, those of the
    largest weights first, alone separate the same rows; of up to `max_dropped` columns,
    none can be dropped. The coefficients may have any length; those of the columns
    alone are None if they are not known. `others` are other directions with no row on
    the wrong side.
    """

    complete: bool
    columns: Indices
    coef: Vector
    of_columns: Vector | None = None
    others: tuple[Vector, ...] = ()


def resolve_separation(
    objective: Objective, solution: Solution, journal: Journal
) -> Solution:
    """Return a solution whose status says whether separation excludes a minimum.

    Afterwards the status of a solution is right, except that `SUSPECTED` stays where
    the suspicion was unfounded.
    """
    # A feasible dual point proves that there is a minimum, and so does a definite
    # Hessian where the gradient vanishes.
    has_dual = objective.loss.dual is not None
    definite = has_dual or solution.curvature_ratio > ACCURATE
    proven = solution.status is CONVERGED and definite
    if objective.problem.bounded or proven or solution.status is STOPPED:
        return solution
    if solution.status is MAX_ITER and not journal.records:
        return solution  # the start, with max_iter=0
    found = find_separation(objective, solution.point)
    if found is None:
        return solution
    point = solution.point
    if found.complete:
        point = _separating_point(objective, point, found.coef)
    return replace(
        solution,
        point=point,
        gap=UNKNOWN_GAP,
        status=SEPARABLE if found.complete else QUASI_SEPARABLE,
        columns=tuple(found.columns.tolist()),
    )


def _separating_point(
    objective: Objective, point: Evaluation, coef: Vector
) -> Evaluation:
    """Return a point that separates the classes, given a hyperplane that does."""
    least = objective.weighted_extremes(point.margins).least
    if least > 0.0:
        return point
    change = objective.weighted_extremes(objective.margin_change(coef))
    if not change.least > 0.0:
        return point
    # Far enough for all losses together to be less than one of a wrong row.
    length = (1.0 + np.log(objective.n_samples) - least) / change.least
    return objective.evaluate(objective.penalty.clip(point.coef + length * coef))


def find_separation(objective: Objective, point: Evaluation) -> Separation | None:
    """Return how a hyperplane separates the classes, None if none does.

    With rows rᵢ = ±(xᵢ, 1), their signs those of the labels, the loss has no minimum
    if and only if there is a direction d of coefficients without a penalty such that
    rᵢᵀd ≥ 0 for all rows of positive weight and > 0 for some [1]_. A linear program
    finds one, or shows that there is none [2]_. It is solved by cutting planes: on few
    rows, to which those on the wrong side of its solution are added until there are
    none. Rows that are on their right side are then left out, and the next direction
    needs to separate only some of the others, until none are left or no direction is
    found. Rows within rounding error of a hyperplane count as on it.

    With more than `max_columns` columns the programs get those of the largest weights
    at `point`, in units of their standard deviations. The iterates, which diverge if
    they can, then show whether all rows can be separated. If the programs found
    nothing, the direction of the iterates is tried, and with up to `max_all_columns`
    columns a program over all of them.

    References
    ----------
    .. [1] A. Albert, J. A. Anderson (1984). On the existence of maximum likelihood
       estimates in logistic regression models. Biometrika 71(1), 1-10.
    .. [2] K. Konis (2007). Linear programming algorithms for detecting separated data
       in binary logistic regression models. DPhil thesis, University of Oxford.
    """
    if objective.rows.partitioned:
        return find_in_partitions(objective, point, find_separation)
    rows = UnitRows(objective)
    search = Search(objective, point, rows)
    n_columns = len(search.order)
    columns = search.order[: SEARCH.max_columns]
    separated, coef = search.separate(columns)
    many = n_columns > SEARCH.max_columns
    if many and not separated.all():
        far = run_to_recession(objective, point)
        if separates(objective, far, 0.0):
            return Separation(True, search.order, far.coef)
    if separated.any():
        columns, of_columns = search.minimal_columns(columns, separated)
        return Separation(bool(separated.all()), columns, coef, of_columns)
    if not many:
        return None
    direction = recession_direction(far, rows)
    if direction is not None:
        sizes = np.abs(direction[:n_columns])
        n_used = np.count_nonzero(sizes > LP_RESOLUTION * sizes.max())
        columns = rows.columns[np.argsort(-sizes)[:n_used]]
        return Separation(False, columns, rows.coef(rows.columns, direction))
    if n_columns <= SEARCH.max_all_columns:
        separated, coef = search.separate(search.order)
        if separated.any():
            return Separation(bool(separated.all()), search.order, coef)
    return None
