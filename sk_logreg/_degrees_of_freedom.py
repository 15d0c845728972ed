"""The effective number of parameters of penalized fits."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import make_interp_spline

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._objective import Objective, RowVector
from sk_logreg._solvers._factors import TOO_MANY, factor
from sk_logreg._solvers._row_space import RowSpace, reducible
from sk_logreg.penalties import ElasticNet

# With at most this number of columns, the Hessian of all takes less time than to copy
# some of them.
_FEW = 400
# The length of the path between points where the Hessian is computed: half the root
# mean square of the change of z, if it begins at 0.
_SPACING = 0.1
# The share of it that the last point is away from the one before, or does not count.
_CLOSER = 0.01


def degrees_of_freedom(objective: Objective, coef: Vector, margins: RowVector) -> float:
    """Return the trace of (H + Λ)⁻¹ H at a minimum, less 1 for a free bias.

    H is the Hessian of the losses over the coefficients that are at no kink and no
    bound, and Λ that of the penalty. NaN if there are too many of them, or if H + Λ is
    indefinite. For the lasso `ranks` is faster.
    """
    free_bias = objective.problem.free_bias
    which = np.flatnonzero(free_coefficients(objective, coef))
    if objective.penalty.smooth and reducible(objective):
        # Over the row space there are fewer features, and the trace is the same.
        objective = RowSpace(objective).objective
        which = np.arange(objective.n_dof)
    if len(which) > TOO_MANY:
        return np.nan
    matrix = _hessian(objective, objective.curvature(margins), which)
    return trace(matrix, objective.penalty.curvature[which]) - free_bias


def trace(matrix: Matrix, curvature: Vector) -> float:
    """Return the trace of (H + Λ)⁻¹ H, given H + Λ and the diagonal of Λ."""
    inverse = factor(matrix, semidefinite=True)
    if inverse is None:
        return np.nan
    roots = np.sqrt(curvature)
    left_out = np.sum(inverse.norms(np.diag(roots)[roots > 0.0]) ** 2)
    return float(inverse.root.shape[1] - left_out)


def ranks(objective: Objective, free: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the ranks of sets of columns, bias included, less 1 for a free bias.

    `free` has a row per set. They are the degrees of freedom of lasso fits [1]_. Takes
    one Gram matrix, of all columns that are in a set.

    References
    ----------
    .. [1] R. J. Tibshirani, J. Taylor (2012). Degrees of freedom in lasso problems.
       Annals of Statistics 40(2), 1198-1232.
    """
    union = np.flatnonzero(free.any(axis=0))
    if len(union) > TOO_MANY:
        return np.full(len(free), np.nan)
    matrix = _hessian(objective, objective.weights, union)
    found = np.count_nonzero(free, axis=1)
    whole = factor(matrix, semidefinite=True)
    if whole is None or whole.singular:
        for k, members in enumerate(free[:, union]):
            block = factor(matrix[np.ix_(members, members)], semidefinite=True)
            found[k] = found[k] if block is None else block.root.shape[1]
    return found - float(objective.problem.free_bias)


class HessianAlongPath:
    """The Hessian of the losses at the points of a path, most of them interpolated.

    By a cubic spline in the length of the path, measured by the Hessian at its start.
    """

    def __init__(self) -> None:
        self._positions: list[float] = []
        self._known: list[tuple[float, Matrix]] = []  # positions and Hessians
        self._last: Vector | None = None

    def add(
        self,
        objective: Objective,
        coef: Vector,
        *,
        last: bool,
        hessian: Matrix | None = None,
    ) -> None:
        """Add a point, where the Hessian is computed if it is the last, or far off.

        If the Hessian there is given, it need not be computed.
        """
        position = 0.0
        if self._last is not None:
            moved, (_, first) = coef - self._last, self._known[0]
            position = self._positions[-1] + float(np.sqrt(moved @ (first @ moved)))
        self._positions.append(position)
        self._last = coef
        distance = position - self._known[-1][0] if self._known else np.inf
        if distance >= _SPACING * (_CLOSER if last else 1.0):
            if hessian is None:
                found = objective.evaluate(coef, hessian=True, margins=False).hessian
                assert found is not None
                hessian = found - np.diag(objective.penalty.curvature)
            self._known.append((position, hessian))

    def __iter__(self) -> Iterator[Matrix]:
        """Yield the Hessian at each point."""
        if not self._known:
            return
        positions, hessians = zip(*self._known, strict=True)
        degree = min(3, len(positions) - 1)
        spline = make_interp_spline(positions, np.array(hessians), k=degree)
        for position in self._positions:
            yield np.asarray(spline(position))


def free_coefficients(objective: Objective, coef: Vector) -> NDArray[np.bool_]:
    """Return which coefficients are at no kink and no bound."""
    penalty = objective.penalty
    if isinstance(penalty, ElasticNet):
        return penalty.free(coef)
    return np.ones(objective.n_dof, dtype=bool)


def _hessian(objective: Objective, curvature: RowVector, which: Indices) -> Matrix:
    """Return some rows and columns of the Hessian with a curvature of each row."""
    n_features = objective.n_features
    if n_features <= _FEW or len(which) == objective.n_dof:
        return objective.hessian(curvature)[np.ix_(which, which)]
    matrix = objective.restricted(which[which < n_features]).hessian(curvature)
    n_which: Any = slice(len(which))  # without the bias, if it is not among them
    return matrix[n_which, n_which]
