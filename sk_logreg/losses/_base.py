"""What a loss is: a function of the margin, with two derivatives."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Pointwise(NamedTuple):
    """A loss and its derivatives in the margin, each of the margin's shape."""

    value: NDArray[Any]
    slope: NDArray[Any]
    curvature: NDArray[Any]


class Loss(ABC):
    """A pointwise loss of the linear prediction z and the label y in {0, 1}.

    Both losses here depend on z and y only through the margin m = (2y - 1) z, so
    one function of m serves both labels and nothing of the form 1 - σ(z), which
    cancels, is ever computed.
    """

    #: The value of the ``loss`` parameter that selects it.
    name: ClassVar[str]
    #: Whether the loss is convex in z.
    convex: ClassVar[bool]
    #: The largest curvature anywhere: the one of a quadratic majorizer.
    curvature_bound: ClassVar[float]
    #: The least curvature anywhere, 0 for a convex loss.
    least_curvature: ClassVar[float]

    @abstractmethod
    def at_margin(self, margin: NDArray[np.floating]) -> Pointwise:
        """Return the loss and its first two derivatives in the margin."""

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
        return sign * self.at_margin(margin).slope

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
        return self.at_margin(margin).curvature

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


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
