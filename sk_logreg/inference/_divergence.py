"""Which coefficients are infinite, where hyperplanes separate the classes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Objective
from sk_logreg._records import QUASI_SEPARABLE, SEPARABLE
from sk_logreg._solvers._factors import factor
from sk_logreg._solvers._separation import SEARCH, Search, UnitRows
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
    weights : ndarray of shape (n_samples,)
        The weights of the rows, 0 for those that such a direction separates. Their
        losses approach 0.
    null_space : ndarray of shape (n_terms, n_directions)
        Directions of the terms that change no prediction of any row.
    """

    upward: NDArray[np.bool_]
    downward: NDArray[np.bool_]
    weights: Vector
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
    rows = UnitRows(objective)
    search = Search(objective, fitted.point, rows)
    columns = search.order
    if len(columns) > SEARCH.max_all_columns:
        raise ValueError(
            f"The classes are separated, and with {len(columns)} columns it cannot be "
            "computed which coefficients are infinite. Use a penalty or bias_reduction."
        )
    separated, _ = search.separate(columns)
    functionals = _functionals(fitted, rows, columns)
    ups = [_rises(search, columns, functional) for functional in functionals]
    downs = [_rises(search, columns, -functional) for functional in functionals]
    kept = np.ones(fitted.problem.rows.design.n_samples, dtype=bool)
    kept[rows.ids[separated]] = False
    weights = np.where(kept, fitted.problem.rows.weights, 0.0)
    flat = factor(objective.hessian(objective.weights), semidefinite=True)
    assert flat is not None
    null_space = null_space_of_terms(fitted, flat)
    return Divergence(np.array(ups), np.array(downs), weights, null_space)


def _functionals(fitted: FittedModel, rows: UnitRows, columns: Indices) -> Matrix:
    """Return each term as a linear functional of a direction of the search."""
    units = np.eye(len(columns) + rows.n_biases)
    images = [fitted.jacobian @ rows.coef(columns, unit) for unit in units]
    return np.array(images).T


def _rises(search: Search, columns: Indices, functional: Vector) -> bool:
    """Return whether a functional grows along some separating direction."""
    size = np.linalg.norm(functional)
    if size == 0.0:
        return False
    direction = search.steepest(columns, functional / size)
    if direction is None:
        return False
    return bool(functional @ direction > _RESOLUTION * size * np.abs(direction).max())
