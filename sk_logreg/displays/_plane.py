"""The cost on a plane in the space of the coefficients."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._objective import Objective

# Maximum number of coefficients for which the Hessian is formed.
_MAX_DENSE = 500


@dataclass(frozen=True)
class Plane:
    """The points ``origin + a * directions[0] + b * directions[1]``.

    Attributes
    ----------
    origin : ndarray of shape (n_dof,)
        Coefficients: the weights, then the bias where there is one.
    directions : ndarray of shape (2, n_dof)
    """

    origin: Vector
    directions: Matrix

    def coordinates(self, coef: Matrix) -> Matrix:
        """Return (a, b) of the points of the plane nearest to the rows of `coef`."""
        shift = (coef - self.origin).T
        solution = np.linalg.lstsq(self.directions.T, shift, rcond=None)[0]
        return np.asarray(solution.T, dtype=np.float64)

    def costs(self, objective: Objective, points: Matrix, *, penalty: bool) -> Vector:
        """Return the cost at points of the plane.

        X is read once, for the predictions of the three vectors of the plane. The
        margins at all points are linear combinations of these, in single precision,
        whose six digits are more than a picture shows.

        Parameters
        ----------
        objective : Objective
        points : ndarray of shape (n_points, 2)
            Coordinates (a, b).
        penalty : bool
            Whether the cost is J plus the penalty in units of J, rather than J.

        Returns
        -------
        ndarray of shape (n_points,)
        """
        basis = np.column_stack([self.origin, *self.directions])
        factors = np.vstack([np.ones(len(points)), points.T])
        costs = objective.mean_losses_of(basis, factors)
        return costs + objective.penalty_at((basis @ factors).T) if penalty else costs

    def unit_lengths(self, objective: Objective) -> Vector:
        """Return the lengths in both directions that change the rows' z by 1.

        In root mean square over the rows.
        """
        squares = [d @ objective.product(objective.weights, d) for d in self.directions]
        return 1.0 / np.sqrt(np.maximum(squares, np.finfo(np.float64).tiny))


def principal_directions(objective: Objective, coef: Vector) -> Matrix:
    """Return the two directions of largest curvature of the objective at a point.

    Parameters
    ----------
    objective : Objective
    coef : ndarray of shape (n_dof,)

    Returns
    -------
    ndarray of shape (2, n_dof)
        Eigenvectors of the Hessian, of unit length, that of the largest eigenvalue
        first. The entry of largest absolute value is positive.
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
