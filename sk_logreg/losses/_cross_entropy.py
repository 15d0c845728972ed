"""Cross entropy, the negative log likelihood of a Bernoulli label."""

import numpy as np
from numpy.typing import NDArray

from sk_logreg.losses._base import Loss, Pointwise


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

    def at_margin(self, margin: NDArray[np.floating]) -> Pointwise:
        """Return log(1 + exp(-m)) and its two derivatives in the margin m.

        Parameters
        ----------
        margin : ndarray of shape (n_samples,)
            Margins m = (2y - 1) z.

        Returns
        -------
        Pointwise
            Value, slope and curvature, each of shape (n_samples,).
        """
        # One exponential, of a number that is never positive, serves all three.
        decay = np.exp(-np.abs(margin))
        value = np.log1p(decay)
        value -= np.minimum(margin, 0.0)
        scale = 1.0 / (1.0 + decay)
        slope = np.maximum(decay, margin <= 0.0)  # what `where` does, sooner
        slope *= -scale
        decay *= scale
        decay *= scale
        return Pointwise(value, slope, decay)
