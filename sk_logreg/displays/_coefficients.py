"""The coefficients: as a sorted dot plot, or as a picture where the data are images."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sk_logreg._labels import encode_labels
from sk_logreg.displays._style import MAP, SERIES, check_matplotlib_support, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


class CoefficientDisplay:
    """The coefficients of a linear classifier.

    Drawn as a dot plot, sorted by value, or where the features are the pixels of an
    image as a picture between the mean images of the two classes.

    Use :meth:`from_estimator` or :meth:`from_images` to make one.

    Parameters
    ----------
    coef : ndarray of shape (n_features,)
        The coefficients. Positive ones speak for ``classes[1]``.
    feature_names : sequence of str
        Names of the features.
    classes : sequence of length 2, default=(0, 1)
        The labels.
    max_features : int, default=30
        At most so many coefficients are drawn as dots, the largest in size.
    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, channels)`` of the images.
    mean_images : ndarray of shape (2, n_features), default=None
        The mean image of each class.

    Attributes
    ----------
    ax_ : matplotlib Axes, or ndarray of shape (3,) of Axes for images
        The axes; for images, mean of ``classes[0]``, coefficients, mean of
        ``classes[1]``.
    figure_ : matplotlib Figure
        The figure.
    points_ : tuple of two matplotlib PathCollections
        The dots of the negative and of the other coefficients.
    images_ : list of matplotlib AxesImage
        The images.
    order_ : ndarray of shape (n_drawn,)
        Indices of the features drawn as dots, from bottom to top.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.displays import CoefficientDisplay
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> model = make_pipeline(StandardScaler(), BinaryLogisticRegression()).fit(X, y)
    >>> display = CoefficientDisplay.from_estimator(model, max_features=10)
    >>> len(display.order_)
    10
    """

    ax_: Any
    figure_: "Figure"
    points_: tuple[Any, Any]
    images_: list[Any]
    order_: NDArray[np.intp]

    def __init__(
        self,
        *,
        coef: NDArray[np.floating],
        feature_names: Sequence[str],
        classes: Sequence[Any] = (0, 1),
        max_features: int = 30,
        image_shape: tuple[int, ...] | None = None,
        mean_images: NDArray[np.floating] | None = None,
    ):
        self.coef = coef
        self.feature_names = feature_names
        self.classes = classes
        self.max_features = max_features
        self.image_shape = image_shape
        self.mean_images = mean_images

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        feature_names: Sequence[str] | None = None,
        max_features: int = 30,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the coefficients of a fitted estimator as a sorted dot plot.

        Parameters
        ----------
        estimator : BinaryLogisticRegression or Pipeline
            A fitted binary classifier with `coef_`, or a pipeline that ends in one.
            The coefficients are those of the features as the last step sees them.
        feature_names : sequence of str, default=None
            Names of the features. By default those seen in `fit`, after the
            transformations of a pipeline, or ``x0``, ``x1`` and so on.
        max_features : int, default=30
            At most so many coefficients are drawn, the largest in size.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Passed on to matplotlib's `scatter`.

        Returns
        -------
        CoefficientDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        coef, classes = _coefficients(estimator)
        names = _names(estimator, len(coef)) if feature_names is None else feature_names
        if len(names) != len(coef):
            raise ValueError(
                f"feature_names has {len(names)} names for {len(coef)} features."
            )
        display = cls(
            coef=coef,
            feature_names=list(names),
            classes=classes,
            max_features=max_features,
        )
        return display.plot(ax=ax, **kwargs)

    @classmethod
    def from_images(
        cls,
        estimator: Any,
        X: ArrayLike,
        y: ArrayLike,
        *,
        image_shape: tuple[int, ...],
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the coefficients as an image, beside the mean images of the classes.

        Parameters
        ----------
        estimator : BinaryLogisticRegression or Pipeline
            A fitted binary classifier with `coef_`, or a pipeline that ends in one
            and leaves the pixels in their places.
        X : array-like of shape (n_samples, n_features)
            The images, one unrolled image a row.
        y : array-like of shape (n_samples,)
            Their labels.
        image_shape : tuple of int
            ``(height, width)``, or ``(height, width, channels)`` with 1 or 3 channels.
        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Where to draw. One axes gives up its place to three. None makes a figure.
        **kwargs : dict
            Passed on to matplotlib's `imshow` for the coefficients.

        Returns
        -------
        CoefficientDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_images")
        coef, classes = _coefficients(estimator)
        pixels = np.asarray(X)
        if np.prod(image_shape) != len(coef) or pixels.shape[1:] != coef.shape:
            raise ValueError(
                f"image_shape={image_shape} and X of shape {pixels.shape} do not agree "
                f"with {len(coef)} coefficients."
            )
        positive = encode_labels(np.asarray(y))[1] > 0
        display = cls(
            coef=coef,
            feature_names=[f"x{j}" for j in range(len(coef))],
            classes=classes,
            image_shape=tuple(image_shape),
            mean_images=np.stack(
                [pixels[~positive].mean(axis=0), pixels[positive].mean(axis=0)]
            ),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the coefficients: as images if they have a shape, else as dots.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw, as in the class methods.
        **kwargs : dict
            Passed on to matplotlib's `imshow` or `scatter`.

        Returns
        -------
        CoefficientDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if self.image_shape is None:
            return self._plot_dots(ax, kwargs)
        return self._plot_images(ax, kwargs)

    def _plot_dots(self, ax: Any, kwargs: dict[str, Any]) -> Self:
        largest = np.argsort(-np.abs(self.coef), kind="stable")[: self.max_features]
        self.order_ = largest[np.argsort(self.coef[largest], kind="stable")]
        values = self.coef[self.order_]
        size = (6.4, 1.3 + 0.24 * len(values))
        self.figure_, axes = panels(ax, 1, 1, size=size)
        self.ax_ = axes[0, 0]
        places = np.arange(len(values))
        self.ax_.hlines(places, 0.0, values, color="gray", linewidth=0.8, zorder=1)
        self.ax_.axvline(0.0, color="gray", linewidth=0.8, zorder=1)
        points = []
        for negative, series in ((True, SERIES[1]), (False, SERIES[0])):
            chosen = (values < 0.0) == negative
            style = {
                "color": series.color,
                "marker": series.marker,
                "s": 36,
                "zorder": 2,
                "label": f"speaks for {self.classes[int(not negative)]}",
            }
            points.append(
                self.ax_.scatter(values[chosen], places[chosen], **style | kwargs)
            )
        self.points_ = (points[0], points[1])
        self.ax_.set_yticks(places, [self.feature_names[j] for j in self.order_])
        self.ax_.set_ylim(-0.7, len(values) - 0.3)
        some = len(values) < len(self.coef)
        which = f" (the {len(values)} largest of {len(self.coef)})" if some else ""
        self.ax_.set_xlabel(f"coefficient{which}")
        # Above the axes it hides no dot.
        self.ax_.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False
        )
        return self

    def _plot_images(self, ax: Any, kwargs: dict[str, Any]) -> Self:
        assert self.image_shape is not None
        assert self.mean_images is not None
        height, width = self.image_shape[:2]
        colours = self.image_shape[2:] == (3,)
        shape = self.image_shape if colours else (height, width)
        around = 0.4 if colours else 1.0  # titles, and the bar of colours
        self.figure_, axes = panels(ax, 1, 3, size=(9.6, around + 3.1 * height / width))
        self.ax_ = axes[0]
        reach = float(np.abs(self.coef).max()) or 1.0
        low, high = float(self.mean_images.min()), float(self.mean_images.max())
        spread = (high - low) or 1.0
        means = ((self.mean_images - low) / spread).reshape(2, *shape)
        # Red, green and blue have no negative light: zero is put at half of each.
        weights = (0.5 + 0.5 * self.coef / reach if colours else self.coef).reshape(
            shape
        )
        signed = {} if colours else {"cmap": MAP, "vmin": -reach, "vmax": reach}
        plain = {} if colours else {"cmap": "gray", "vmin": 0.0, "vmax": 1.0}
        pictures = (
            (means[0], f"mean of {self.classes[0]}", plain),
            (weights, "coefficients", signed | kwargs),
            (means[1], f"mean of {self.classes[1]}", plain),
        )
        self.images_ = []
        for one, (picture, title, style) in zip(self.ax_, pictures, strict=True):
            self.images_.append(one.imshow(picture, **style))
            one.set_title(title)
            one.set_xticks([])
            one.set_yticks([])
        if not colours:
            # Under all three, or they would not stand in a line.
            self.figure_.colorbar(
                self.images_[1], ax=list(self.ax_), location="bottom", shrink=0.32
            )
        return self


def _coefficients(estimator: Any) -> tuple[NDArray[np.floating], Sequence[Any]]:
    """Return the coefficients and the labels of a classifier or pipeline."""
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    check_is_fitted(last)
    coef = np.atleast_2d(last.coef_)
    if len(coef) != 1:
        raise ValueError(f"The display is for two classes; coef_ has {len(coef)} rows.")
    return coef[0], last.classes_.tolist()


def _names(estimator: Any, n_features: int) -> Sequence[str]:
    """Return the names of the features as the last step sees them."""
    if hasattr(estimator, "steps"):
        if len(estimator.steps) > 1:
            return list(estimator[:-1].get_feature_names_out())
        estimator = estimator[-1]
    default = [f"x{j}" for j in range(n_features)]
    return list(getattr(estimator, "feature_names_in_", default))
