"""A cost over a grid: what a cost surface shows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Matrix
from sk_logreg._estimator import BinaryLogisticRegression, coefficients_of
from sk_logreg.displays._iterates import FittedProblem, iterates
from sk_logreg.displays._plane import (
    Plane,
    costs_on_plane,
    penalty_on_plane,
    principal_directions,
    unit_lengths,
)

#: Two coefficients by index or name, or "principal".
Directions = str | tuple[int | str, int | str]


@dataclass(frozen=True)
class CostSurface:
    """The cost of one loss over a grid.

    Parameters
    ----------
    loss : str
        Name of the loss.
    first : ndarray of shape (n_first,)
        Coordinates to the right.
    second : ndarray of shape (n_second,)
        Coordinates upwards.
    cost : ndarray of shape (n_second, n_first)
        The cost at each point of the grid.
    minimum : ndarray of shape (3,)
        The two coordinates of the fitted minimum, and its cost.
    path : ndarray of shape (n_iterates, 3)
        The same of the iterates, each moved to the nearest point of the plane.
    """

    loss: str
    first: NDArray[np.floating]
    second: NDArray[np.floating]
    cost: NDArray[np.floating]
    minimum: NDArray[np.floating]
    path: NDArray[np.floating]


def _place(estimator: BinaryLogisticRegression, which: int | str) -> int:
    """Return the index of a coefficient, given by index or by name."""
    n_features = estimator.n_features_in_
    if which == "bias":
        if not estimator.fit_intercept:
            raise ValueError("directions names the bias, but fit_intercept=False.")
        return n_features
    if isinstance(which, str):
        names = list(getattr(estimator, "feature_names_in_", []))
        if which not in names:
            raise ValueError(f"{which!r} is not the name of a feature.")
        return names.index(which)
    if not 0 <= which < n_features:
        raise ValueError(f"There is no feature {which}: X has {n_features}.")
    return which


def directions_of(
    estimator: BinaryLogisticRegression,
    problem: FittedProblem,
    directions: Directions,
) -> Matrix:
    """Return the plane's two directions, of shape (2, n_dof)."""
    n_dof = problem.objective.n_dof
    if n_dof < 2:
        raise ValueError("There is only one coefficient; a surface needs two.")
    if isinstance(directions, str):
        if directions != "principal":
            raise ValueError(
                'directions must be "principal" or two coefficients, got '
                f"{directions!r}."
            )
        return principal_directions(problem.objective, coefficients_of(estimator))
    places = [_place(estimator, which) for which in directions]
    if len(places) != 2 or places[0] == places[1]:
        raise ValueError(
            f"directions must name two different coefficients, got {directions!r}."
        )
    return np.eye(n_dof)[places]


def axis_names_of(
    estimator: BinaryLogisticRegression,
    directions: Directions,
) -> tuple[str, str]:
    if isinstance(directions, str):
        return "1st principal direction", "2nd principal direction"
    names = getattr(estimator, "feature_names_in_", None)

    def name(which: int | str) -> str:
        if which == "bias":
            return "bias b"
        if isinstance(which, str):
            return f"weight of {which}"
        return f"weight $w_{{{which + 1}}}$" if names is None else f"{names[which]}"

    return name(directions[0]), name(directions[1])


def azimuth_of(surfaces: Sequence[CostSurface]) -> float:
    """Return the azimuth from which the lowest corner is in front."""
    corners = [0, -1, -1, 0], [-1, -1, 0, 0]
    heights = [surface.cost[corners] / surface.cost.max() for surface in surfaces]
    return -60.0 + 90.0 * int(np.sum(heights, axis=0).argmin())


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
    """Compute the cost of an estimator's loss over a grid on a plane."""
    objective = problem.objective
    minimum = plane.coordinates(coefficients_of(estimator)[None, :])
    path = plane.coordinates(iterates(estimator, problem))
    if limits is None:
        reach = span * unit_lengths(objective, plane.basis[:, 1:].T)
        shown = np.vstack([minimum - reach, minimum + reach, path])
        margin = 0.03 * np.ptp(shown, axis=0)  # no mark is cut in half at the edge
        low, high = shown.min(axis=0) - margin, shown.max(axis=0) + margin
    else:
        low, high = np.transpose(limits)
    first, second = np.linspace(low, high, grid_resolution).T
    grid = np.stack(np.meshgrid(first, second), axis=-1).reshape(-1, 2)
    points = np.vstack([grid, minimum, path])
    cost = costs_on_plane(plane, points, objective)
    if penalty:
        cost = cost + penalty_on_plane(plane, points, objective)
    walked = np.column_stack([points, cost])[len(grid) :]
    return CostSurface(
        loss=estimator.loss,
        first=first,
        second=second,
        cost=cost[: len(grid)].reshape(grid_resolution, grid_resolution),
        minimum=walked[0],
        path=walked[1:],
    )
