"""Which coefficients are infinite, where hyperplanes separate the classes."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._design import Rows
from sk_logreg._design._observations import without_separated
from sk_logreg._objective import Evaluation, Objective, unit_margins
from sk_logreg._records import QUASI_SEPARABLE, SEPARABLE
from sk_logreg._solvers._factors import factor
from sk_logreg._solvers._separation import (
    SEARCH,
    Search,
    Separation,
    UnitRows,
    find_in_partitions,
    row_tolerance,
)
from sk_logreg.inference._covariance import null_space_of_terms
from sk_logreg.inference._fitted import FittedModel

#: A term changes along a direction if it does so by more than this share of the most.
_RESOLUTION = 1e-7


@dataclass(frozen=True, eq=False)
class Divergence:
    """How the coefficients diverge along directions that separate the classes.

    Attributes
    ----------
    upward, downward : ndarray of shape (n_terms,) of bool
        Whether a term grows, or falls, along such a direction.
    rows : Rows
        The rows, with weight 0 for those that such a direction separates. Their losses
        approach 0.
    null_space : ndarray of shape (n_terms, n_directions)
        Directions of the terms that change no prediction of any row.
    """

    upward: NDArray[np.bool_]
    downward: NDArray[np.bool_]
    rows: Rows
    null_space: Matrix

    @property
    def either_way(self) -> NDArray[np.bool_]:
        """Whether each term may diverge to either side."""
        undetermined = self.null_space.any(axis=1)
        return self.upward & self.downward & ~undetermined


def is_separated(fitted: FittedModel) -> bool:
    """Return whether the fit has found that a hyperplane separates the classes."""
    words = SEPARABLE.word, QUASI_SEPARABLE.word
    return fitted.estimator.status_.word in words


@dataclass(frozen=True)
class _Cone(Separation):
    """The signs of the terms in the cone of the directions that separate rows.

    Its hyperplane separates all rows that any direction can. `others` are directions in
    which terms rise that do not along it.

    Attributes
    ----------
    upward, downward : ndarray of shape (n_terms,) of bool
        Whether a term grows, or falls, along some of these directions.
    units : tuple
        The hyperplane as the arguments of `unit_margins`.
    """

    upward: Any = None
    downward: Any = None
    units: tuple[Any, ...] = ()


def divergence_of(fitted: FittedModel, objective: Objective) -> Divergence:
    """Return how the coefficients of a separated fit diverge.

    The directions that separate rows, with none on its wrong side, form a cone. Linear
    programs find the signs that each term has in it [1]_.

    Raises a ValueError if there are too many columns for linear programs.

    References
    ----------
    .. [1] K. Konis (2007). Linear programming algorithms for detecting separated data
       in binary logistic regression models. DPhil thesis, University of Oxford.
    """
    find = partial(_cone, fitted)
    if objective.rows.partitioned:
        cone = find_in_partitions(objective, fitted.point, find)
    else:
        cone = find(objective, fitted.point)
    if cone is None:
        raise ValueError(
            "The classes are separated, and to find which coefficients are infinite "
            "takes more rows than are gathered from partitions. Pass the rows in "
            "memory, or use a penalty or bias_reduction."
        )
    margins, rows = unit_margins(objective, *cone.units), fitted.problem.rows
    nearest = row_tolerance(cone.units[-1])
    [weights] = fitted.over_rows(without_separated, (margins,), (nearest,), n_kept=1)[1]
    flat = factor(objective.hessian(objective.weights), semidefinite=True)
    assert flat is not None
    null_space = null_space_of_terms(fitted, flat)
    upward, downward = cone.upward, cone.downward
    return Divergence(upward, downward, rows.with_weights(weights), null_space)


def _cone(fitted: FittedModel, objective: Objective, point: Evaluation) -> _Cone:
    """Return the cone of the rows of an objective, which are in memory."""
    rows = UnitRows(objective)
    search, columns = Search(objective, point, rows), rows.columns
    if len(columns) > SEARCH.max_all_columns:
        raise ValueError(
            f"The classes are separated, and with {len(columns)} columns it cannot be "
            "computed which coefficients are infinite. Use a penalty or bias_reduction."
        )
    _, coef = search.separate(columns)
    known = [rows.direction(coef)]
    functionals = _functionals(fitted, rows, columns)
    upward = [_rises(search, columns, known, one) for one in functionals]
    downward = [_rises(search, columns, known, -one) for one in functionals]
    return _Cone(
        complete=False,
        columns=columns,
        coef=coef,
        others=tuple(rows.coef(columns, direction) for direction in known[1:]),
        upward=np.array(upward),
        downward=np.array(downward),
        units=(columns, rows.centers, rows.scales, known[0]),
    )


def _functionals(fitted: FittedModel, rows: UnitRows, columns: Indices) -> Matrix:
    """Return each term as a linear functional of a direction of the search."""
    units = np.eye(len(columns) + rows.n_biases)
    images = [fitted.jacobian @ rows.coef(columns, unit) for unit in units]
    return np.array(images).T


def _rises(
    search: Search, columns: Indices, known: list[Vector], functional: Vector
) -> bool:
    """Return whether a functional grows along some separating direction.

    Such a direction is added to those known, unless one of these serves.
    """
    size = np.linalg.norm(functional)
    if size == 0.0:
        return False

    def grows(direction: Vector) -> bool:
        least = _RESOLUTION * size * np.abs(direction).max()
        return bool(functional @ direction > least)

    if any(grows(direction) for direction in known):
        return True
    found = search.steepest(columns, functional / size)
    if found is None or not grows(found):
        return False
    known.append(found)
    return True
