"""A test of convexity by definition: the chord between two points lies above."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sk_logreg.losses._base import Loss


@dataclass(frozen=True)
class ConvexityViolation:
    """The largest difference between a cost and its chord.

    Parameters
    ----------
    amount : float
        The largest J(t W₁ + (1 - t) W₂) - (t J(W₁) + (1 - t) J(W₂)) found. If it is
        larger than the rounding error, it proves that J is not convex.
    t : float
        The position on the segment where it was found: 1 at W₁, 0 at W₂. It is 0 if
        `amount` is 0.

    See Also
    --------
    convexity_violation : Returns one.
    """

    amount: float
    t: float


def convexity_violation(
    loss: Loss,
    X: Any,
    y: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    n_points: int = 1001,
) -> ConvexityViolation:
    r"""Test the convexity of a cost along the segment between two weight vectors.

    A function f is convex if for all :math:`x_1, x_2` and :math:`0 \le t \le 1`

    .. math::
        f(t x_1 + (1 - t) x_2) \le t f(x_1) + (1 - t) f(x_2).

    Here f is the cost :math:`J(W) = \frac1m \sum_i L(\sigma(z_i), y_i)` without a
    penalty, and t takes `n_points` values from 0 to 1.

    Parameters
    ----------
    loss : Loss
        The loss L.
    X : {array-like, sparse matrix} of shape (n_samples, n_features)
        The examples, one per row.
    y : array-like of shape (n_samples,)
        Labels, 0 or 1.
    first, second : array-like of shape (n_features,) or (n_features + 1,)
        The ends of the segment. If they have one number more than X has columns, the
        first number is the bias, as in `BinaryLogisticRegression.weights_`.
    n_points : int, default=1001
        Number of points, including the ends; at least 3.

    Returns
    -------
    ConvexityViolation
        Its `amount` is 0 if the cost is not above the chord at any inner point.

    Raises
    ------
    ValueError
        If the shapes of the weight vectors do not match X or each other, if y has
        values other than 0 and 1, or if `n_points` is below 3.

    References
    ----------
    .. [1] S. Boyd, L. Vandenberghe (2004). Convex Optimization, equation (3.1).
       Cambridge University Press.

    Examples
    --------
    Two examples of one feature with the same label, and no bias:

    >>> from sk_logreg.losses import CrossEntropy, SquaredError, convexity_violation
    >>> X, y, ends = [[1.0], [3.0]], [1, 1], ([-4.0], [0.0])
    >>> convexity_violation(CrossEntropy(), X, y, *ends).amount
    0.0
    >>> found = convexity_violation(SquaredError(), X, y, *ends)
    >>> round(found.amount, 3), round(found.t, 3)
    (0.151, 0.333)
    """
    if n_points < 3:
        raise ValueError(f"n_points must be at least 3, got {n_points}.")
    X = X if hasattr(X, "dot") else np.asarray(X)
    z_first, z_second = (_predict(X, ends) for ends in (first, second))
    if np.shape(first) != np.shape(second):
        raise ValueError("Both ends must have a bias, or neither.")

    def cost(z: ArrayLike) -> float:
        return float(loss.value(z, y).mean())

    grid = np.linspace(0.0, 1.0, n_points)[1:-1]
    ends = cost(z_first), cost(z_second)
    # z is linear in the weights: a segment of weights is a segment of z.
    curve = [cost(t * z_first + (1.0 - t) * z_second) for t in grid]
    excess = np.array(curve) - (grid * ends[0] + (1.0 - grid) * ends[1])
    worst = int(excess.argmax())
    if excess[worst] <= 0.0:
        return ConvexityViolation(0.0, 0.0)
    return ConvexityViolation(float(excess[worst]), float(grid[worst]))


def _predict(X: Any, weights: ArrayLike) -> Any:
    """Return z = wᵀx + b of each row."""
    weights = np.asarray(weights, dtype=np.float64)
    n_features = X.shape[1]
    if weights.shape == (n_features + 1,):
        return X @ weights[1:] + weights[0]
    if weights.shape == (n_features,):
        return X @ weights
    raise ValueError(
        f"Weights must have shape ({n_features},), or ({n_features + 1},) with the "
        f"bias first, got {weights.shape}."
    )
