"""The data of a cost surface: the cost on a grid, the minimum and the iterates."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Matrix
from sk_logreg._estimator import BinaryLogisticRegression, coefficients_of
from sk_logreg._objective import Objective
from sk_logreg.displays._iterates import FittedProblem, iterates
from sk_logreg.displays._plane import Plane, principal_directions

#: Two coefficients by index or name, or "principal".
Directions = str | tuple[int | str, int | str]


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


def _coefficient(
    estimator: BinaryLogisticRegression, which: int | str
) -> tuple[int, str]:
    """Return the index of a coefficient, and the label of its axis."""
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
        vectors = principal_directions(objective, coefficients_of(estimator))
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
