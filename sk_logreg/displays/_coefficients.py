"""A display of coefficients: a sorted dot plot, or an image if features are pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from sk_logreg._compat import check_matplotlib_support
from sk_logreg._labels import encode_labels
from sk_logreg.displays._style import MAP, SERIES, legend_above, panel, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(kw_only=True, eq=False, repr=False)
class CoefficientDisplay:
    """The coefficients of a linear classifier.

    They are drawn as dots, sorted by value. If the features are the pixels of images,
    they are drawn as an image between the mean images of the two classes.

    Use :meth:`from_estimator` or :meth:`from_images` to create one.

    Parameters
    ----------
    coef : ndarray of shape (n_features,)
        The coefficients. A positive one increases the probability of ``classes[1]``.
    feature_names : sequence of str
        Names of the features.
    classes : sequence of length 2, default=(0, 1)
        The labels.
    max_features : int, default=30
        Maximum number of coefficients drawn as dots: those of largest absolute value.
    image_shape : tuple of int, default=None
        ``(height, width)`` or ``(height, width, channels)`` of the images.
    mean_images : ndarray of shape (2, n_features), default=None
        The mean image of each class.

    Attributes
    ----------
    ax_ : matplotlib Axes, or ndarray of shape (3,) of Axes for images
        The axes. For images: the mean of ``classes[0]``, the coefficients, and the
        mean of ``classes[1]``.
    figure_ : matplotlib Figure
        The figure.
    points_ : tuple of two matplotlib PathCollections
        The dots of the negative coefficients, and those of the others.
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

    coef: NDArray[np.floating]
    feature_names: Sequence[str]
    classes: Sequence[Any] = (0, 1)
    max_features: int = 30
    image_shape: tuple[int, ...] | None = None
    mean_images: NDArray[np.floating] | None = None

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
            The coefficients belong to the features that the last step receives.
        feature_names : sequence of str, default=None
            Names of the features. By default the names seen in `fit`, after the
            transformations of a pipeline, or ``x0``, ``x1`` and so on.
        max_features : int, default=30
            Maximum number of coefficients drawn: those of largest absolute value.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `scatter`.

        Returns
        -------
        CoefficientDisplay

        Raises
        ------
        ValueError
            If the estimator has more than two classes, or if the number of names is not
            that of the coefficients.
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
            and keeps the order of the pixels.
        X : array-like of shape (n_samples, n_features)
            The images, one flattened image per row.
        y : array-like of shape (n_samples,)
            Their labels.
        image_shape : tuple of int
            ``(height, width)``, or ``(height, width, channels)`` with 1 or 3 channels.
        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Axes to draw on. One axes is replaced by three. By default a new figure.
        **kwargs : dict
            Passed to matplotlib's `imshow` for the coefficients.

        Returns
        -------
        CoefficientDisplay

        Raises
        ------
        ValueError
            If the estimator has more than two classes, or if `image_shape` and X do not
            agree with the number of coefficients.
        """
        check_matplotlib_support(f"{cls.__name__}.from_images")
        coef, classes = _coefficients(estimator)
        pixels = np.asarray(X)
        if np.prod(image_shape) != len(coef) or pixels.shape[1:] != coef.shape:
            raise ValueError(
                f"image_shape={image_shape} and X of shape {pixels.shape} do not agree "
                f"with {len(coef)} coefficients."
            )
        signs = encode_labels(np.asarray(y))[1]
        display = cls(
            coef=coef,
            feature_names=[f"x{j}" for j in range(len(coef))],
            classes=classes,
            image_shape=tuple(image_shape),
            mean_images=np.stack([pixels[signs == s].mean(axis=0) for s in (-1, 1)]),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the coefficients: as an image if `image_shape` is given, else as dots.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            The axes to draw on, as in the class methods.
        **kwargs : dict
            Passed to matplotlib's `imshow` or `scatter`.

        Returns
        -------
        CoefficientDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if self.image_shape is None:
            self._plot_dots(ax, kwargs)
        else:
            self._plot_images(ax, self.image_shape, kwargs)
        return self

    def _plot_dots(self, ax: Any, kwargs: dict[str, Any]) -> None:
        largest = np.argsort(-np.abs(self.coef), kind="stable")[: self.max_features]
        self.order_ = largest[np.argsort(self.coef[largest], kind="stable")]
        values = self.coef[self.order_]
        self.figure_, self.ax_ = panel(ax, size=(6.4, 1.3 + 0.24 * len(values)))
        places = np.arange(len(values))
        self.ax_.hlines(places, 0.0, values, color="gray", linewidth=0.8, zorder=1)
        self.ax_.axvline(0.0, color="gray", linewidth=0.8, zorder=1)
        points = []
        for positive, series in enumerate((SERIES[1], SERIES[0])):
            chosen = (values >= 0.0) == bool(positive)
            style = {"color": series.color, "marker": series.marker, "s": 36}
            style |= {"zorder": 2, "label": f"speaks for {self.classes[positive]}"}
            dots = self.ax_.scatter(values[chosen], places[chosen], **style | kwargs)
            points.append(dots)
        self.points_ = tuple(points)
        self.ax_.set_yticks(places, [self.feature_names[j] for j in self.order_])
        self.ax_.set_ylim(-0.7, len(values) - 0.3)
        some = len(values) < len(self.coef)
        which = f" (the {len(values)} largest of {len(self.coef)})" if some else ""
        self.ax_.set_xlabel(f"coefficient{which}")
        legend_above(self.ax_)

    def _plot_images(
        self, ax: Any, image_shape: tuple[int, ...], kwargs: dict[str, Any]
    ) -> None:
        assert self.mean_images is not None
        height, width, *channels = image_shape
        in_color = channels == [3]
        around = 0.4 if in_color else 1.0  # inches for the titles and the color bar
        self.figure_, axes = panels(ax, 1, 3, size=(9.6, around + 3.1 * height / width))
        self.ax_ = axes[0]
        reach = float(np.abs(self.coef).max()) or 1.0
        spread = float(np.ptp(self.mean_images)) or 1.0
        means = (self.mean_images - self.mean_images.min()) / spread
        # Color channels cannot be negative: zero is drawn as half of each channel.
        weights = 0.5 + 0.5 * self.coef / reach if in_color else self.coef
        # Matplotlib ignores the color map and its limits for images of three channels.
        signed = {"cmap": MAP, "vmin": -reach, "vmax": reach}
        plain = {"cmap": "gray", "vmin": 0.0, "vmax": 1.0}
        pictures = (
            (means[0], f"mean of {self.classes[0]}", plain),
            (weights, "coefficients", signed | kwargs),
            (means[1], f"mean of {self.classes[1]}", plain),
        )
        shape = (height, width, 3) if in_color else (height, width)
        self.images_ = []
        for one, (picture, title, style) in zip(self.ax_, pictures, strict=True):
            self.images_.append(one.imshow(picture.reshape(shape), **style))
            one.set(title=title, xticks=[], yticks=[])
        if not in_color:
            # Below all three images, so that they stay aligned.
            self.figure_.colorbar(
                self.images_[1], ax=list(self.ax_), location="bottom", shrink=0.32
            )


def _coefficients(estimator: Any) -> tuple[NDArray[np.floating], Sequence[Any]]:
    """Return the coefficients and the labels of a classifier or pipeline."""
    last = estimator[-1] if hasattr(estimator, "steps") else estimator
    check_is_fitted(last)
    coef = last.coef_
    coef = np.atleast_2d(coef if isinstance(coef, np.ndarray) else coef.toarray())
    if len(coef) != 1:
        raise ValueError(f"The display is for two classes; coef_ has {len(coef)} rows.")
    return coef[0], last.classes_.tolist()


def _names(estimator: Any, n_features: int) -> Sequence[str]:
    """Return the names of the features that the last step receives."""
    if hasattr(estimator, "steps"):
        if len(estimator.steps) > 1:
            return list(estimator[:-1].get_feature_names_out())
        estimator = estimator[-1]
    default = [f"x{j}" for j in range(n_features)]
    return list(getattr(estimator, "feature_names_in_", default))
