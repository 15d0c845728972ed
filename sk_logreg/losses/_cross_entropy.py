"""Cross entropy, the negative log likelihood of a Bernoulli label."""

from typing import Any

import numpy as np

from sk_logreg.losses._base import Loss
from sk_logreg.losses._dual import EntropyDual


class CrossEntropy(Loss):
    r"""Cross entropy of the label and the sigmoid of z, convex in z.

    With :math:`\hat y = \sigma(z) = 1 / (1 + e^{-z})` and the margin
    :math:`m = (2y - 1) z`,

    .. math::
        L(\hat y, y) &= -\bigl(y \log \hat y + (1 - y) \log(1 - \hat y)\bigr)
                      = \log(1 + e^{-m}) \\
        \frac{\partial L}{\partial z} &= \hat y - y \\
        \frac{\partial^2 L}{\partial z^2} &= \hat y (1 - \hat y) \in (0, 1/4]

    References
    ----------
    .. [1] D. R. Cox (1958). The regression analysis of binary sequences. Journal of
       the Royal Statistical Society B 20(2), 215-242.

    Examples
    --------
    >>> from sk_logreg.losses import CrossEntropy
    >>> CrossEntropy().value([0.0, 800.0], [1, 0]).tolist()
    [0.6931471805599453, 800.0]
    """

    name = "cross_entropy"
    convex = True
    curvature_bound = 0.25
    least_curvature = 0.0
    dual = EntropyDual

    def _value(self, p: Any, q: Any, neg_margin: Any) -> Any:
        # -log p. Where p was rounded to a number near one, p + q is not 1; the
        # difference corrects the logarithm.
        value = p - 1.0
        value += q
        value -= np.log(p)
        return np.maximum(value, neg_margin)  # beyond the clipped margins

    def _expected_value(self, p: Any, q: Any, neg_margin: Any, p_other: Any) -> Any:
        # The loss with the other label is larger by m, without a limit to m.
        return self._value(p, q, neg_margin) - p_other * neg_margin

    def _derivatives(self, p: Any, q: Any) -> tuple[Any, Any]:
        return -q, q * p
