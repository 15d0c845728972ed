"""A display of the influence of rows: leverage, residual and Cook's distance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sk_logreg._compat import check_matplotlib_support
from sk_logreg.displays._inferences import check_count, check_inference, short
from sk_logreg.displays._style import SERIES, legend_above, panel
from sk_logreg.inference import Inference

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.lines import Line2D
    from matplotlib.text import Annotation

_Y_LABELS = {"pearson": "Pearson residual", "deviance": "deviance residual"}
# Areas in square points: of the marker of the largest Cook's distance, and the least.
_LARGEST, _LEAST = 400.0, 3.0
# Area of a marker of matplotlib's size 1: that of a circle and of a square.
_AREAS = {"o": np.pi / 4.0, "s": 1.0}
# Area of a marker in the legend, and the opacity of markers.
_IN_LEGEND, _ALPHA = 28.0, 0.3
# Rows beyond this multiple of the mean leverage have a high one (D. C. Hoaglin, R. E.
# Welsch, 1978, The hat matrix in regression and ANOVA, The American Statistician 32).
_HIGH_LEVERAGE = 2.0
# Margins of the axes, in their widths and heights, for the largest markers.
_MARGIN = 0.08
# Distance between a marker and its label, in points.
_GAP = 2.0
# Where a label may be, as the direction from its marker.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))


@dataclass(kw_only=True, eq=False, repr=False)
class InfluenceDisplay:
    """The influence of each row: leverage, residual and Cook's distance.

    The horizontal axis is the leverage, the vertical axis the residual. The area of a
    marker is proportional to Cook's distance, but not less than that of a dot. Circles
    and squares are the two classes. The rows of the largest Cook's distances have
    labels.

    Use :meth:`from_inference` to create one.

    Parameters
    ----------
    leverage : ndarray of shape (n_samples,)
        The leverages.
    residual : ndarray of shape (n_samples,)
        The residuals.
    cooks_distance : ndarray of shape (n_samples,)
        Cook's distances.
    index : sequence of length n_samples
        The labels of the rows.
    positive : ndarray of shape (n_samples,)
        Whether each row is of the second class.
    class_names : sequence of str, default=("y = 0", "y = 1")
        The names of the classes in the legend.
    residuals : {"pearson", "deviance"}, default="pearson"
        What the residuals are.
    mean_leverage : float, default=None
        The mean leverage. A vertical line is drawn at twice this. By default none is.
    n_labels : int, default=5
        The number of rows with labels.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    points_ : tuple of two matplotlib PathCollections
        The markers of each class.
    labels_ : list of matplotlib Annotation
        The labels, that of the largest Cook's distance first.

    See Also
    --------
    sk_logreg.inference.Inference.diagnostics : Computes what is drawn.
    sk_logreg.inference.Inference.dfbetas : Computes the influence on each coefficient.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.displays import InfluenceDisplay
    >>> from sk_logreg.inference import Inference
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> X = X[["mean radius", "mean texture"]]
    >>> model = BinaryLogisticRegression(C=float("inf")).fit(X, y)
    >>> inference = Inference.from_estimator(model, X, y)
    >>> display = InfluenceDisplay.from_inference(inference, n_labels=3)
    >>> [label.get_text() for label in display.labels_]
    ['491', '379', '41']
    """

    leverage: NDArray[np.floating]
    residual: NDArray[np.floating]
    cooks_distance: NDArray[np.floating]
    index: Sequence[Any]
    positive: NDArray[np.bool_]
    class_names: Sequence[str] = ("y = 0", "y = 1")
    residuals: str = "pearson"
    mean_leverage: float | None = None
    n_labels: int = 5

    @classmethod
    def from_inference(
        cls,
        inference: Inference,
        *,
        residuals: str = "pearson",
        n_labels: int = 5,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the diagnostics of an inference.

        Parameters
        ----------
        inference : Inference
            The inference.
        residuals : {"pearson", "deviance"}, default="pearson"
            The residuals to draw.
        n_labels : int, default=5
            The number of rows with labels: those of the largest Cook's distances. A
            label is that of the index of X, or the number of the row.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `scatter`.

        Returns
        -------
        InfluenceDisplay

        Raises
        ------
        ValueError
            If an argument is invalid, or if the inference is from dask collections.
        """
        check_matplotlib_support(f"{cls.__name__}.from_inference")
        check_inference(inference)
        if residuals not in _Y_LABELS:
            raise ValueError(
                f"residuals must be one of {sorted(_Y_LABELS)}, got {residuals!r}."
            )
        check_count("n_labels", n_labels, 0)
        fitted = inference._fitted
        if fitted.partitioned:
            raise ValueError(
                f"{cls.__name__} draws each row, so it needs an inference from rows in "
                "memory. Inference.diagnostics takes rows in partitions."
            )
        table = inference._diagnostics
        first, second = fitted.estimator.classes_.tolist()
        names = f"y = {first}", f"y = {second}"
        if fitted.estimator.soft_labels:
            names = "y < 0.5", "y ≥ 0.5"
        display = cls(
            leverage=table["leverage"].to_numpy(),
            residual=table[residuals].to_numpy(),
            cooks_distance=table["cooks_distance"].to_numpy(),
            index=table.index.tolist(),
            positive=table["label"].to_numpy() >= 0.5,
            class_names=names,
            residuals=residuals,
            mean_leverage=inference.edf / inference.n_obs,
            n_labels=n_labels,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw the diagnostics.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `scatter`.

        Returns
        -------
        InfluenceDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.figure_, self.ax_ = panel(ax, size=(6.4, 4.8))
        finite = self.cooks_distance[np.isfinite(self.cooks_distance)]
        largest = float(finite.max(initial=0.0))
        unit = _LARGEST / largest if largest > 0.0 else 0.0
        distance = np.nan_to_num(self.cooks_distance, nan=0.0, posinf=largest)
        areas = np.maximum(unit * distance, _LEAST)
        order = np.argsort(-np.nan_to_num(self.cooks_distance, nan=-1.0), kind="stable")
        handles = self._draw_points(order, areas, kwargs)
        self.ax_.margins(_MARGIN)
        self.ax_.axhline(0.0, color="gray", linewidth=0.8, zorder=1)
        if largest > 0.0:
            shown = _rounded_down(largest)
            name = f"Cook's distance {short(shown)}"
            handles.append(_handle("o", unit * shown, name, ("none", "gray")))
        if self.mean_leverage is not None:
            handles.append(self._draw_mean(self.mean_leverage))
        self.ax_.set_xlabel("leverage")
        self.ax_.set_ylabel(_Y_LABELS[self.residuals])
        legend_above(self.ax_, handles=handles)
        self._draw_labels(order[: self.n_labels], areas)
        return self

    def _draw_points(
        self, order: NDArray[np.intp], areas: NDArray[np.floating], kwargs: Any
    ) -> "list[Artist]":
        """Draw the rows in an order, and return the handles of their legend."""
        handles: list[Artist] = []
        points: list[PathCollection] = []
        for positive, marker in enumerate(_AREAS):
            # Small markers last, on top of large ones.
            rows = order[self.positive[order] == bool(positive)]
            color = SERIES[1 - positive].color
            style: dict[str, Any] = {"facecolor": (color, _ALPHA), "edgecolor": color}
            style |= {"marker": marker, "linewidth": 0.8, "zorder": 3}
            style["s"] = areas[rows] / _AREAS[marker]
            x, y = self.leverage[rows], self.residual[rows]
            points.append(self.ax_.scatter(x, y, **style | kwargs))
            colors = (color, _ALPHA), color
            name = self.class_names[positive]
            handles.append(_handle(marker, _IN_LEGEND, name, colors))
        self.points_ = tuple(points)
        return handles

    def _draw_mean(self, mean_leverage: float) -> "Line2D":
        return self.ax_.axvline(
            _HIGH_LEVERAGE * mean_leverage,
            color="gray",
            linestyle="--",
            linewidth=0.8,
            zorder=1,
            label="twice the mean leverage",
        )

    def _draw_labels(self, rows: NDArray[np.intp], areas: NDArray[np.floating]) -> None:
        """Draw labels beside their markers, each where it covers nothing if it may."""
        self.labels_: list[Annotation] = []
        places = np.column_stack([self.leverage, self.residual])
        rows = rows[np.isfinite(places[rows]).all(axis=1)]
        rows = rows[self.cooks_distance[rows] > 0.0]
        self.figure_.draw_without_rendering()  # the layout decides on the places
        everywhere = self.ax_.transData.transform(places)
        centers = everywhere[rows]
        radii = np.sqrt(areas[rows] / np.pi)
        reach = radii[:, None] * self.figure_.dpi / 72.0
        taken = [*np.stack([centers - reach, centers + reach], axis=1)]
        frame = self.ax_.get_window_extent().get_points()
        for row, radius in zip(rows, radii, strict=True):
            label = self.ax_.annotate(
                str(self.index[row]),
                xy=tuple(places[row]),
                xytext=(0.0, 0.0),
                textcoords="offset points",
                fontsize="small",
                zorder=4,
            )
            costs = []
            for side in _SIDES:
                _move(label, side, radius + _GAP)
                box = label.get_window_extent().get_points()
                outside = (box[0] < frame[0]).any() or (box[1] > frame[1]).any()
                overlaps = sum(_overlap(box, one) for one in taken)
                inside = (box[0] < everywhere) & (everywhere < box[1])
                covered = int(inside.all(axis=1).sum())
                costs.append((bool(outside), overlaps, covered))
            _move(label, _SIDES[costs.index(min(costs))], radius + _GAP)
            taken.append(label.get_window_extent().get_points())
            self.labels_.append(label)


def _handle(marker: str, area: float, label: str, colors: tuple[Any, Any]) -> "Line2D":
    """Return a marker of some area in square points, for the legend."""
    from matplotlib.lines import Line2D

    face, edge = colors
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=marker,
        markersize=float(np.sqrt(area / _AREAS[marker])),
        markerfacecolor=face,
        markeredgecolor=edge,
        markeredgewidth=0.8,
        label=label,
    )


def _rounded_down(value: float) -> float:
    """Return a positive number, rounded down to one significant digit."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(np.floor(value / power * (1.0 + 1e-9)) * power)


def _move(label: "Annotation", side: tuple[int, int], distance: float) -> None:
    """Move a label to a side of its point, at a distance in points."""
    across, up = side
    shift = distance / np.hypot(across, up)
    label.set_position((across * shift, up * shift))
    label.set_horizontalalignment(("center", "left", "right")[across])
    label.set_verticalalignment(("center", "bottom", "top")[up])


def _overlap(one: NDArray[np.floating], other: NDArray[np.floating]) -> bool:
    """Return whether two boxes, each of its lower and upper corner, overlap."""
    return bool((one[0] < other[1]).all() and (other[0] < one[1]).all())
