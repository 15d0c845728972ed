"""What a loss is: a function of the margin, with two derivatives."""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Pointwise(NamedTuple):
    """A pointwise loss and its first two derivatives in the margin.

    Parameters
    ----------
    value : ndarray of shape (n_samples,)
        The loss at each margin; without a unit.
    slope : ndarray of shape (n_samples,)
        The first derivative in the margin m. In z it is (2y - 1) times as much.
    curvature : ndarray of shape (n_samples,)
        The second derivative, the same in m and in z.

    See Also
    --------
    Loss.at_margin : Returns one.

    Examples
    --------
    >>> import numpy as np
    >>> from sk_logreg.losses import CrossEntropy
    >>> at_zero = CrossEntropy().at_margin(np.zeros(1))
    >>> float(at_zero.slope[0]), float(at_zero.curvature[0])
    (-0.5, 0.25)
    """

    value: NDArray[Any]
    slope: NDArray[Any]
    curvature: NDArray[Any]


class Loss(ABC):
    """A pointwise loss of the linear prediction z and the label y in {0, 1}.

    Both losses here depend on z and y only through the margin m = (2y - 1) z, so
    one function of m serves both labels. What a loss has to state is its value and its
    derivatives in terms of σ(m), the probability given to the label that was observed,
    and of 1 - σ(m), which is computed without that subtraction.
    """

    #: The value of the ``loss`` parameter that selects it.
    name: ClassVar[str]
    #: Whether the loss is convex in z.
    convex: ClassVar[bool]
    #: The largest curvature anywhere: the one of a quadratic majorizer.
    curvature_bound: ClassVar[float]
    #: The least curvature anywhere, 0 for a convex loss.
    least_curvature: ClassVar[float]

    def at_margin(self, margin: NDArray[np.floating]) -> Pointwise:
        """Return the loss and its first two derivatives in the margin.

        Parameters
        ----------
        margin : ndarray of shape (n_samples,)
            Margins m = (2y - 1) z, in float32 or float64.

        Returns
        -------
        Pointwise
            Value, slope and curvature, each of the margin's shape and precision.
        """
        opposite = -margin
        hit, miss = _hit_and_miss(opposite)
        value = self._value(hit, miss, opposite)
        return Pointwise(value, *self._derivatives(_or_zero(hit), miss))

    def derivatives(
        self, margin: NDArray[np.floating]
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return slope and curvature alone, which takes less time.

        Parameters
        ----------
        margin : ndarray of shape (n_samples,)
            Margins m = (2y - 1) z, in float32 or float64.

        Returns
        -------
        slope, curvature : ndarray of shape (n_samples,)
            As those of `Pointwise`.
        """
        hit, miss = _hit_and_miss(-margin)
        return self._derivatives(_or_zero(hit), miss)

    @abstractmethod
    def _value(self, hit: Any, miss: Any, opposite: Any) -> Any:
        """Return the loss from σ(m), 1 - σ(m) and -m."""

    @abstractmethod
    def _derivatives(self, hit: Any, miss: Any) -> tuple[Any, Any]:
        """Return the two derivatives in m from σ(m) and 1 - σ(m)."""

    def value(self, z: ArrayLike, y: ArrayLike) -> NDArray[np.floating]:
        """Return the loss L(σ(z), y).

        Parameters
        ----------
        z : array-like of shape (n_samples,)
            Linear prediction, z = wᵀx + b.
        y : array-like of shape (n_samples,)
            Labels, 0 or 1.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        margin, _ = _margin(z, y)
        return self.at_margin(margin).value

    def gradient(self, z: ArrayLike, y: ArrayLike) -> NDArray[np.floating]:
        """Return the first derivative of the loss in z.

        Parameters
        ----------
        z : array-like of shape (n_samples,)
            Linear prediction, z = wᵀx + b.
        y : array-like of shape (n_samples,)
            Labels, 0 or 1.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        margin, sign = _margin(z, y)
        return sign * self.derivatives(margin)[0]

    def curvature(self, z: ArrayLike, y: ArrayLike) -> NDArray[np.floating]:
        """Return the second derivative of the loss in z.

        Parameters
        ----------
        z : array-like of shape (n_samples,)
            Linear prediction, z = wᵀx + b.
        y : array-like of shape (n_samples,)
            Labels, 0 or 1.

        Returns
        -------
        ndarray of shape (n_samples,)
        """
        margin, _ = _margin(z, y)
        return self.derivatives(margin)[1]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _hit_and_miss(opposite: Any) -> tuple[Any, Any]:
    """Return σ(m) and 1 - σ(m), given -m, each to its last digits.

    One exponential serves both: they are 1 / (1 + d) and d / (1 + d), d = exp(-m).
    Beyond the largest d of which there is an inverse, they stay what they are there.
    """
    decay = np.exp(np.minimum(opposite, _limits(opposite.dtype)[0]))
    both = 1.0 + decay
    decay /= both
    return 1.0 / both, decay


def _or_zero(hit: Any) -> Any:
    """Return σ(m), with zero beyond the largest exponent.

    What is left of it there is no curvature: to divide by it would overflow.
    """
    _, least = _limits(hit.dtype)
    return hit if hit.min(initial=1.0) > least else hit * (hit > least)


@lru_cache
def _limits(dtype: np.dtype[Any]) -> tuple[float, float]:
    """Return the largest exponent, and what exceeds σ(m) beyond it."""
    limits = np.finfo(dtype)
    return np.floor(np.log(limits.max)) - 1, 2 * limits.tiny


def _margin(
    z: ArrayLike, y: ArrayLike
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    z = np.asarray(z)
    if not np.issubdtype(z.dtype, np.floating):
        z = z.astype(np.float64)
    y = np.asarray(y)
    if not np.isin(y, (0, 1)).all():
        raise ValueError("y must hold the labels 0 and 1 only.")
    sign = (2 * y.astype(z.dtype)) - 1
    return sign * z, sign
