"""The cost over a plane in the space of the coefficients, through the row blocks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Objective

# Up to this many coefficients the Hessian is formed.
_MAX_DENSE = 500


@dataclass(frozen=True)
class Plane:
    """The coefficients ``origin + a * first + b * second``.

    Attributes
    ----------
    origin, first, second : ndarray of shape (n_dof,)
        Coefficients: the weights, then the bias where there is one.
    """

    origin: Vector
    first: Vector
    second: Vector

    @property
    def basis(self) -> Matrix:
        """Ndarray of shape (n_dof, 3): origin, first and second as columns."""
        return np.column_stack([self.origin, self.first, self.second])

    def coordinates(self, coef: Matrix) -> Matrix:
        """Return (a, b) of the points of the plane nearest to coefficients.

        Parameters
        ----------
        coef : ndarray of shape (n_points, n_dof)

        Returns
        -------
        ndarray of shape (n_points, 2)
        """
        directions = self.basis[:, 1:]
        solution = np.linalg.lstsq(directions, (coef - self.origin).T, rcond=None)[0]
        return np.asarray(solution.T, dtype=np.float64)


def costs_on_plane(plane: Plane, points: Matrix, objective: Objective) -> Vector:
    """Return J, the weighted mean of the losses, at points of a plane.

    X is read once, for the predictions of the plane's three vectors; the margins at
    all points are combinations of those, in single precision: six digits are more than
    a picture shows.

    Parameters
    ----------
    plane : Plane
        The plane.
    points : ndarray of shape (n_points, 2)
        Coordinates on the plane.
    objective : Objective

    Returns
    -------
    ndarray of shape (n_points,)
    """
    return objective.mean_losses_of(plane.basis, _combine(points))


def _combine(points: Matrix) -> Matrix:
    """Return the factors of origin, first and second, of shape (3, n_points)."""
    return np.vstack([np.ones(len(points)), points.T])


def penalty_on_plane(plane: Plane, points: Matrix, objective: Objective) -> Vector:
    """Return the penalty, in the units of J, at points of a plane.

    Parameters
    ----------
    plane : Plane
        The plane.
    points : ndarray of shape (n_points, 2)
        Coordinates on the plane.
    objective : Objective

    Returns
    -------
    ndarray of shape (n_points,)
    """
    coefs = (plane.basis @ _combine(points)).T
    return objective.penalty_at(coefs)


def principal_directions(objective: Objective, coef: Vector) -> Matrix:
    """Return the two directions of largest curvature of the objective at a point.

    Parameters
    ----------
    objective : Objective
        The objective.
    coef : ndarray of shape (n_dof,)
        The point.

    Returns
    -------
    ndarray of shape (2, n_dof)
        Eigenvectors of the Hessian, of unit length, the larger eigenvalue first. The
        entry of largest size is positive.
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
            image = objective.product(curvature, v)
            return image + objective.penalty.curvature * v

        operator = LinearOperator((n_dof, n_dof), matvec=product, dtype=np.float64)
        values, vectors = eigsh(operator, k=2, which="LA", v0=np.ones(n_dof), tol=1e-6)
        vectors = vectors[:, np.argsort(values)]
    directions = vectors[:, ::-1].T
    largest = np.abs(directions).argmax(axis=1)
    return directions * np.sign(directions[[0, 1], largest])[:, None]


def unit_lengths(objective: Objective, directions: Matrix) -> Vector:
    """Return how far to go along directions to change z by 1, in root mean square.

    Parameters
    ----------
    objective : Objective
        The objective.
    directions : ndarray of shape (n_directions, n_dof)
        Directions.

    Returns
    -------
    ndarray of shape (n_directions,)
    """
    squares = [d @ objective.product(objective.weights, d) for d in directions]
    return 1.0 / np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny))
