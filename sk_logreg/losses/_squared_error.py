"""Half the squared error of the predicted probability: the Brier score, halved."""

import math
from typing import Any

import numpy as np

from sk_logreg.losses._base import Loss


class SquaredError(Loss):
    r"""Half the squared difference of the sigmoid of z and the label; not convex.

    With :math:`\hat y = \sigma(z)`, the margin :math:`m = (2y - 1) z` and
    :math:`t = \sigma(m)`, the probability given to the label that was observed,

    .. math::
        L(\hat y, y) &= \tfrac12 (\hat y - y)^2 = \tfrac12 (1 - t)^2 \\
        \frac{\partial L}{\partial z} &= (\hat y - y)\, \hat y (1 - \hat y) \\
        \frac{\partial^2 L}{\partial z^2} &= t (1 - t)^2 (3t - 1)

    The curvature is in [-0.0602, 0.0771]. It is negative exactly if
    :math:`m < -\log 2`, that is, if the observed label is given a probability below
    one third. The loss of a row is at most ½.

    References
    ----------
    .. [1] G. W. Brier (1950). Verification of forecasts expressed in terms of
       probability. Monthly Weather Review 78(1), 1-3.
    .. [2] P. Auer, M. Herbster, M. K. Warmuth (1995). Exponentially many local
       minima for single neurons. NIPS 8, 316-322.

    Examples
    --------
    >>> from sk_logreg.losses import SquaredError
    >>> SquaredError().value([0.0, 800.0], [1, 0]).tolist()
    [0.125, 0.5]
    """

    name = "squared_error"
    convex = False
    # The extremes of t (1 - t)² (3t - 1), at the roots of 12 t² - 9 t + 1, rounded
    # away from zero.
    curvature_bound = 0.07703
    least_curvature = -0.06011

    convex_from = -math.log(2.0)

    def _value(self, _p: Any, q: Any, _neg_margin: Any) -> Any:
        return 0.5 * q * q

    def _expected_value(self, _p: Any, q: Any, _neg_margin: Any, p_other: Any) -> Any:
        # ½ (ŷ - y)² for a soft label y. The expected loss exceeds it by ½ y (1 - y).
        return 0.5 * np.square(q - p_other)

    def _derivatives(self, p: Any, q: Any) -> tuple[Any, Any]:
        slope = -p * q * q
        return slope, slope * (1.0 - 3.0 * p)
