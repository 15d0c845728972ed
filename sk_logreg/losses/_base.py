"""What a loss is: a function of the margin, with two derivatives."""

from abc import ABC, abstractmethod
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sk_logreg.losses._dual import EntropyDual


class Pointwise(NamedTuple):
    """A pointwise loss and its first two derivatives in the margin.

    Parameters
    ----------
    value : ndarray of shape (n_samples,)
        The loss at each margin.
    slope : ndarray of shape (n_samples,)
        The first derivative in the margin m. The derivative in z is (2y - 1) times
        this.
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

    It depends on z and y only through the margin m = (2y - 1) z. A loss states its
    value and its derivatives in terms of σ(m), the probability given to the label that
    was observed, and of 1 - σ(m), which is computed without that subtraction.

    Some members are optional, and limit the use of a loss if they are missing. Without
    a `dual`, the bound on the suboptimality is an estimate from the Newton decrement.
    Without `convex_from`, a local minimum is not shown to be the lowest of a region. A
    loss that is not convex must state `curvature_bound`.
    """

    #: The value of the ``loss`` parameter that selects it.
    name: ClassVar[str]
    #: Whether the loss is convex in z.
    convex: ClassVar[bool]
    #: The largest curvature anywhere, if it is bounded.
    curvature_bound: ClassVar[float | None] = None
    #: The least curvature anywhere, if it is bounded.
    least_curvature: ClassVar[float | None] = None
    #: The dual of a convex loss, which gives bounds on the suboptimality. They assume
    #: that the third derivative of the loss is at most the second in absolute value.
    dual: ClassVar[type[EntropyDual] | None] = None
    #: The margin from which on the loss is convex, if it is decreasing.
    convex_from: ClassVar[float | None] = None

    def at_margin(
        self,
        margin: NDArray[np.floating],
        p_other: NDArray[np.floating] | None = None,
    ) -> Pointwise:
        """Return the loss and its first two derivatives in the margin.

        Parameters
        ----------
        margin : ndarray of shape (n_samples,)
            Margins m = (2y - 1) z, in float32 or float64.
        p_other : ndarray of shape (n_samples,), default=None
            With soft labels, the probability of the label that is not y. The loss is
            then its expectation over both labels, up to a constant. By default 0.

        Returns
        -------
        Pointwise
            Value, slope and curvature, each of the margin's shape and precision.
        """
        neg_margin = -margin
        p, q = _sigmoids(neg_margin)
        if p_other is None:
            value = self._value(p, q, neg_margin)
        else:
            value = self._expected_value(p, q, neg_margin, p_other)
        return Pointwise(value, *self._mixed_derivatives(p, q, p_other))

    def derivatives(
        self,
        margin: NDArray[np.floating],
        p_other: NDArray[np.floating] | None = None,
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the slope and the curvature only, which takes less time.

        Parameters
        ----------
        margin, p_other : ndarray of shape (n_samples,)
            As for `at_margin`; `p_other` is None by default.

        Returns
        -------
        slope, curvature : ndarray of shape (n_samples,)
            As those of `Pointwise`.
        """
        return self._mixed_derivatives(*_sigmoids(-margin), p_other)

    def _mixed_derivatives(
        self, p: Any, q: Any, p_other: NDArray[np.floating] | None
    ) -> tuple[Any, Any]:
        """Return both derivatives in m, expected over the labels."""
        slope, curvature = self._derivatives(_flush_subnormal(p), q)
        if p_other is not None:
            # With the labels exchanged, m and its derivative change their signs.
            slope_other, curvature_other = self._derivatives(_flush_subnormal(q), p)
            slope = slope - p_other * (slope + slope_other)
            curvature = curvature + p_other * (curvature_other - curvature)
        return slope, curvature

    @abstractmethod
    def _value(self, p: Any, q: Any, neg_margin: Any) -> Any:
        """Return the loss from p = σ(m), q = 1 - σ(m) and -m, which stay unchanged."""

    def _expected_value(self, p: Any, q: Any, neg_margin: Any, p_other: Any) -> Any:
        """Return the expected loss, up to a constant, if labels are soft."""
        value = self._value(p, q, neg_margin)
        mixed = value + p_other * (self._value(q, p, -neg_margin) - value)
        return np.where(p_other > 0.0, mixed, value)

    @abstractmethod
    def _derivatives(self, p: Any, q: Any) -> tuple[Any, Any]:
        """Return the two derivatives in m from p = σ(m) and q = 1 - σ(m).

        As two new arrays, which the caller may overwrite.
        """

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

        Raises
        ------
        ValueError
            If y has values other than 0 and 1.
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

        Raises
        ------
        ValueError
            If y has values other than 0 and 1.
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

        Raises
        ------
        ValueError
            If y has values other than 0 and 1.
        """
        margin, _ = _margin(z, y)
        return self.derivatives(margin)[1]

    def check(self) -> None:
        """Raise a ValueError if the loss lacks a member that a fit needs."""
        if not self.convex and self.curvature_bound is None:
            raise ValueError(
                f"The loss {self.name!r} is not convex and does not state "
                "curvature_bound, which Newton's method needs."
            )
        if self.dual is not None and not self.convex:
            raise ValueError(f"The loss {self.name!r} is not convex but has a dual.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def _sigmoids(neg_margin: Any) -> tuple[Any, Any]:
    """Return σ(m) and 1 - σ(m), given -m, each to its last digits.

    One exponential serves both: they are 1 / (1 + d) and d / (1 + d), d = exp(-m). m is
    clipped so that d and its reciprocal are finite.
    """
    largest, _ = _limits(neg_margin.dtype)
    if neg_margin.max(initial=-np.inf) > largest:
        neg_margin = np.minimum(neg_margin, largest)
    decay = np.exp(neg_margin)
    both = 1.0 + decay
    decay /= both
    return 1.0 / both, decay


def _flush_subnormal(p: Any) -> Any:
    """Return σ(m), with 0 in place of the value at which m is clipped.

    The curvature there is 0, and dividing by so small a number would overflow.
    """
    _, least = _limits(p.dtype)
    return p if p.min(initial=1.0) > least else p * (p > least)


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
