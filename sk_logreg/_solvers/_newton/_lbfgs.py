"""Updates of a Hessian by the changes of the gradient: L-BFGS, and BFGS."""

from dataclasses import dataclass, field

import numpy as np

from sk_logreg._arrays import Matrix, Vector
from sk_logreg._solvers._factors import Inverse
from sk_logreg._tolerances import EPS, NOISE


@dataclass
class Correction:
    """The pairs (s, y) of L-BFGS, with a factor in place of the usual initial matrix.

    They are the changes of the coefficients and of the gradient. The inverse of the
    factored matrix is multiplied by `gamma`.

    References
    ----------
    .. [1] J. Nocedal (1980). Updating quasi-Newton matrices with limited storage.
       Mathematics of Computation 35, 773-782.
    """

    pairs: list[tuple[Vector, Vector]] = field(default_factory=list)
    gamma: float = 1.0

    def add(self, s: Vector, y: Vector, factor: Inverse | None) -> None:
        """Add a pair, if the curvature along s is positive."""
        if s @ y > EPS * np.linalg.norm(s) * np.linalg.norm(y):
            self.pairs.append((s, y))
            if factor is not None:
                self.gamma = float((s @ y) / (y @ factor.solve(y)))

    def solve(self, factor: Inverse, gradient: Vector) -> Vector:
        """Return the corrected inverse times a gradient, by the two-loop recursion."""
        v, alphas = gradient, []
        for s, y in reversed(self.pairs):
            alpha = (s @ v) / (s @ y)
            v = v - alpha * y
            alphas.append(alpha)
        v = self.gamma * factor.solve(v)
        for (s, y), alpha in zip(self.pairs, reversed(alphas), strict=True):
            v = v + (alpha - (y @ v) / (s @ y)) * s
        return v


def bfgs_update(matrix: Matrix, change: Vector, bend: Vector) -> Matrix:
    """Return a matrix that maps the change of a point to that of the gradient.

    The matrix is returned as it is where the curvature along the change is not
    positive.
    """
    image, along = matrix @ change, float(change @ bend)
    size = float(change @ image)
    if not along > NOISE * size > 0.0:
        return matrix
    vectors = np.array([image, bend])
    return matrix + vectors.T @ np.array([-image / size, bend / along])
