"""The data of a cost surface: the cost on a grid, the minimum and the iterates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._fit import coefficients_of
from sk_logreg._objective import Objective, mean_losses_of, penalty_at
from sk_logreg._tolerances import TINY
from sk_logreg.displays._iterates import FittedProblem, iterates

#: Two coefficients by index or name, or "principal".
Directions = str | tuple[int | str, int | str]
# Maximum number of coefficients for which the Hessian is formed.
_MAX_DENSE = 500


@dataclass(frozen=True)
class CostSurface:
    """The cost of one loss on a grid.

    Parameters
    ----------
    loss : str
        Name of the loss.
    first : ndarray of shape (n_first,)
        Horizontal coordinates.
    second : ndarray of shape (n_second,)
        Vertical coordinates.
    cost : ndarray of shape (n_second, n_first)
        The cost at each point of the grid.
    minimum : ndarray of shape (3,)
        The two coordinates of the fitted minimum, and its cost.
    path : ndarray of shape (n_iterates, 3)
        The same for the iterates, each projected onto the plane.
    """

    loss: str
    first: NDArray[np.floating]
    second: NDArray[np.floating]
    cost: NDArray[np.floating]
    minimum: NDArray[np.floating]
    path: NDArray[np.floating]


@dataclass(frozen=True)
class Plane:
    """The coefficients ``origin + a * directions[0] + b * directions[1]``."""

    origin: Vector  # shape (n_dof,): the weights, then the bias if there is one
    directions: Matrix  # shape (2, n_dof)

    def coordinates(self, coef: Matrix) -> Matrix:
        """Return (a, b) of the points of the plane nearest to the rows of `coef`."""
        shift = (coef - self.origin).T
        solution = np.linalg.lstsq(self.directions.T, shift, rcond=None)[0]
        return np.asarray(solution.T, dtype=np.float64)

    def costs(self, objective: Objective, points: Matrix, *, penalty: bool) -> Vector:
        """Return J at points (a, b), or the sum of J and the penalty in units of J.

        X is read once, for the predictions of the three vectors of the plane. The
        margins at all points are linear combinations of these, in single precision,
        whose six digits are more than a picture shows.
        """
        basis = np.column_stack([self.origin, *self.directions])
        factors = np.vstack([np.ones(len(points)), points.T])
        costs = mean_losses_of(objective, basis, factors)
        return costs + penalty_at(objective, (basis @ factors).T) if penalty else costs

    def unit_lengths(self, objective: Objective) -> Vector:
        """Return the lengths in both directions that change z by 1, as an RMS."""
        squares = [d @ objective.product(objective.weights, d) for d in self.directions]
        return 1.0 / np.sqrt(np.maximum(squares, TINY))


def _coefficient(
    estimator: BinaryLogisticRegression, which: int | str
) -> tuple[int, str]:
    """Return the index of a coefficient and its axis label."""
    n_features = estimator.n_features_in_
    names = list(getattr(estimator, "feature_names_in_", []))
    if which == "bias":
        if not estimator.fit_intercept:
            raise ValueError("directions names the bias, but fit_intercept=False.")
        return n_features, "bias b"
    if isinstance(which, str):
        if which not in names:
            raise ValueError(f"{which!r} is not the name of a feature.")
        return names.index(which), f"weight of {which}"
    if not 0 <= which < n_features:
        raise ValueError(f"There is no feature {which}: X has {n_features}.")
    return which, str(names[which]) if names else f"weight $w_{{{which + 1}}}$"


def _principal_directions(objective: Objective, coef: Vector) -> Matrix:
    """Return the two directions of largest curvature of the objective at a point.

    They are the rows of an array: eigenvectors of the Hessian, of unit length, that of
    the largest eigenvalue first. The entry of largest absolute value is positive.
    """
    n_dof = objective.n_dof
    if n_dof <= _MAX_DENSE:
        hessian = objective.evaluate(coef, hessian=True).hessian
        assert hessian is not None  # it was asked for
        vectors = np.linalg.eigh(hessian)[1][:, -2:]
    else:
        curvature = objective.curvature(objective.evaluate(coef).margins)

        def product(v: NDArray[np.float64]) -> Vector:
            v = np.ravel(v)
            return objective.product(curvature, v) + objective.penalty.curvature * v

        operator = LinearOperator((n_dof, n_dof), matvec=product, dtype=np.float64)
        values, vectors = eigsh(operator, k=2, which="LA", v0=np.ones(n_dof), tol=1e-6)
        vectors = vectors[:, np.argsort(values)]
    directions = vectors[:, ::-1].T
    largest = np.abs(directions).argmax(axis=1)
    return directions * np.sign(directions[[0, 1], largest])[:, None]


def directions_of(
    estimator: BinaryLogisticRegression, objective: Objective, directions: Directions
) -> tuple[Matrix, tuple[str, str]]:
    """Return the plane's two directions, of shape (2, n_dof), and their labels."""
    if objective.n_dof < 2:
        raise ValueError("There is only one coefficient; a surface needs two.")
    if isinstance(directions, str):
        if directions != "principal":
            raise ValueError(
                'directions must be "principal" or two coefficients, got '
                f"{directions!r}."
            )
        vectors = _principal_directions(objective, coefficients_of(estimator))
        return vectors, ("1st principal direction", "2nd principal direction")
    chosen = [_coefficient(estimator, which) for which in directions]
    names = dict(chosen)
    if len(chosen) != 2 or len(names) != 2:
        raise ValueError(
            f"directions must name two different coefficients, got {directions!r}."
        )
    right, up = names.values()
    return np.eye(objective.n_dof)[list(names)], (right, up)


def surface_of(
    estimator: BinaryLogisticRegression,
    problem: FittedProblem,
    plane: Plane,
    *,
    limits: tuple[tuple[float, float], tuple[float, float]] | None,
    span: float,
    grid_resolution: int,
    penalty: bool,
) -> CostSurface:
    """Compute the cost of an estimator's loss on a grid in a plane."""
    objective = problem.objective
    minimum = plane.coordinates(coefficients_of(estimator)[None, :])
    path = plane.coordinates(iterates(estimator, problem))
    if limits is None:
        reach = span * plane.unit_lengths(objective)
        shown = np.vstack([minimum - reach, minimum + reach, path])
        margin = 0.03 * np.ptp(shown, axis=0)  # keeps markers inside the axes
        low, high = shown.min(axis=0) - margin, shown.max(axis=0) + margin
    else:
        low, high = np.transpose(limits)
    first, second = np.linspace(low, high, grid_resolution).T
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    points = np.vstack([grid, minimum, path])
    cost = plane.costs(objective, points, penalty=penalty)
    walked = np.column_stack([points, cost])[len(grid) :]
    return CostSurface(
        loss=estimator.loss,
        first=first,
        second=second,
        cost=cost[: len(grid)].reshape(grid_resolution, grid_resolution),
        minimum=walked[0],
        path=walked[1:],
    )
