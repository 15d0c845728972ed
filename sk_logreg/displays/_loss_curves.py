"""A display of losses as functions of the margin, with slopes and curvatures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sk_logreg._compat import check_matplotlib_support
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._fit import check_classes
from sk_logreg._labels import encode_labels
from sk_logreg.displays._style import NAMES, panels, series_of
from sk_logreg.losses import LOSSES, Loss, Pointwise

if TYPE_CHECKING:
    from matplotlib.artist import Artist

_LABELS = ("loss L", "slope dL/dm", "curvature d²L/dm²", "rows")


@dataclass(kw_only=True, eq=False, repr=False)
class LossCurveDisplay:
    r"""The pointwise losses as functions of the margin, with slope and curvature.

    The margin is :math:`m = (2y - 1) z`. It is positive if the sign of the linear
    prediction z agrees with the label y, and negative if it does not. Margins at which
    a loss has negative curvature, and so is not convex, are shaded.

    Use :meth:`from_losses` or :meth:`from_estimator` to create one.

    Parameters
    ----------
    margin : ndarray of shape (n_points,)
        Margins, ascending.
    curves : dict of str to Pointwise
        The value, slope and curvature of each loss at these margins. The keys are the
        names of the losses.
    rows : ndarray of shape (n_samples,), default=None
        Margins of the rows of a data set, drawn as a histogram below the curves.

    Attributes
    ----------
    ax_ : ndarray of shape (3,) or (4,) of matplotlib Axes
        The panels from top to bottom: loss, slope, curvature, and `rows` if given.
    figure_ : matplotlib Figure
        The figure.
    lines_ : ndarray of shape (3, n_losses) of matplotlib Line2D
        The curves, one row per panel.
    shades_ : list of matplotlib artists
        The shaded regions of negative curvature, one per panel and loss; empty if no
        loss has any.

    See Also
    --------
    CostSurfaceDisplay : The cost, the mean of the losses, over two coefficients.

    Examples
    --------
    >>> from sk_logreg.displays import LossCurveDisplay
    >>> display = LossCurveDisplay.from_losses()
    >>> display.lines_.shape
    (3, 2)
    """

    margin: NDArray[np.floating]
    curves: Mapping[str, Pointwise]
    rows: NDArray[np.floating] | None = None

    @classmethod
    def from_losses(
        cls,
        losses: Sequence[str | Loss] = tuple(LOSSES),
        *,
        margin_range: tuple[float, float] = (-8.0, 8.0),
        n_points: int = 513,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw losses, without data.

        Parameters
        ----------
        losses : sequence of str or Loss, default=("cross_entropy", "squared_error")
            The losses, by name or as objects.
        margin_range : tuple of float, default=(-8, 8)
            Smallest and largest margin.
        n_points : int, default=513
            Number of margins.
        ax : matplotlib Axes or array-like of 3 Axes, default=None
            Axes to draw on. One axes is replaced by three. By default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ValueError
            If a name is not that of a loss.
        """
        check_matplotlib_support(f"{cls.__name__}.from_losses")
        margin = np.linspace(*margin_range, n_points)
        return cls(margin=margin, curves=_curves(losses, margin)).plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: BinaryLogisticRegression,
        X: Any,
        y: ArrayLike,
        *,
        offset: ArrayLike | None = None,
        n_points: int = 513,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the loss of a fitted estimator, with a histogram of margins.

        Parameters
        ----------
        estimator : BinaryLogisticRegression
            A fitted estimator.
        X : {array-like, sparse matrix, dask} of shape (n_samples, n_features)
            The examples. Of dask collections, labels and margins are brought to memory.
        y : array-like of shape (n_samples,)
            Their labels. A soft label counts as the more probable one.
        offset : array-like of shape (n_samples,), default=None
            Their offset.
        n_points : int, default=513
            Number of margins at which the loss is drawn.
        ax : matplotlib Axes or array-like of 4 Axes, default=None
            Axes to draw on. One axes is replaced by four. By default a new figure.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        LossCurveDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        z = np.asarray(estimator.decision_function(X, offset))
        labels = np.asarray(y)
        if estimator.soft_labels:
            signs = np.where(labels > 0.5, 1, -1)
        else:
            classes, signs = encode_labels(labels)
            check_classes(classes, estimator)
        rows = (signs * z).astype(np.float64)
        margin = np.linspace(min(rows.min(), -3.0), max(rows.max(), 3.0), n_points)
        curves = _curves([estimator.loss], margin)
        return cls(margin=margin, curves=curves, rows=rows).plot(ax=ax, **kwargs)

    def plot(self, *, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes or array-like of Axes, default=None
            The axes to draw on, as in :meth:`from_losses`.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        LossCurveDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        n_panels = 3 if self.rows is None else 4
        self.figure_, axes = panels(
            ax, n_panels, 1, size=(6.4, 1.0 + 1.75 * n_panels), sharex=True
        )
        self.ax_ = axes[:, 0]
        self.lines_ = np.empty((3, len(self.curves)), dtype=object)
        for j, (name, curve) in enumerate(self.curves.items()):
            style = {**vars(series_of(name, j)), "marker": "", "linewidth": 2.0}
            style["label"] = NAMES.get(name, name)
            for k, one in enumerate(self.ax_[:3]):
                (self.lines_[k, j],) = one.plot(self.margin, curve[k], **style | kwargs)
        self.shades_ = self._shade()
        if self.rows is not None:
            bins = np.linspace(self.margin[0], self.margin[-1], 41)
            bars = {"color": "gray", "edgecolor": "white", "linewidth": 0.4}
            self.ax_[3].hist(self.rows, bins=bins, **bars)
        for one, label in zip(self.ax_, _LABELS, strict=False):
            one.set_ylabel(label)
            one.axvline(0.0, color="gray", linewidth=0.8, zorder=0)
            one.margins(x=0.0)
        self.ax_[0].legend()
        self.ax_[-1].set_xlabel("margin m = (2y − 1) z      wrong < 0 < right")
        self.figure_.align_ylabels(self.ax_)
        return self

    def _shade(self) -> list["Artist"]:
        """Shade the margins of negative curvature, on the three panels of curves."""
        shades: list[Artist] = []
        for j, (name, curve) in enumerate(self.curves.items()):
            negative = curve.curvature < 0.0
            for ax in self.ax_[:3] if negative.any() else ():
                shade = ax.fill_between(
                    self.margin,
                    0.0,
                    1.0,
                    where=negative,
                    transform=ax.get_xaxis_transform(),
                    facecolor=series_of(name, j).color,
                    edgecolor="gray",
                    hatch="//",
                    linewidth=0.0,
                    alpha=0.22,
                    zorder=0,
                    label=f"{NAMES.get(name, name)}: curvature < 0",
                )
                shades.append(shade)
        return shades


def _curves(
    losses: Sequence[str | Loss], margin: NDArray[np.floating]
) -> dict[str, Pointwise]:
    curves = {}
    for loss in losses:
        if isinstance(loss, str):
            if loss not in LOSSES:
                raise ValueError(f"loss must be one of {sorted(LOSSES)}, got {loss!r}.")
            loss = LOSSES[loss]
        curves[loss.name] = loss.at_margin(margin)
    return curves
