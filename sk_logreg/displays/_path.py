"""A display of a regularization path: the coefficients against C or the deviance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from sk_logreg._compat import check_matplotlib_support
from sk_logreg._path import RegularizationPath
from sk_logreg.displays._style import panel, series_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

_X_LABELS = {
    "C": "C (the penalty is weaker to the right)",
    "deviance": "share of the deviance explained",
}
# Number of ticks at the top, and where labels are, in widths of the axes.
_N_COUNTS, _LABEL_AT = 7, 1.035
# Distance between two labels, in heights of their font.
_LINE_HEIGHT = 1.3


@dataclass(kw_only=True, eq=False, repr=False)
class PathDisplay:
    """The coefficients along a regularization path.

    Each line is a feature. The features with the largest absolute coefficients at the
    largest C have a color and a label on the right; the others are gray. The axis at
    the top shows how many coefficients are not 0.

    Use :meth:`from_path` to create one.

    Parameters
    ----------
    path : RegularizationPath
        The path.
    feature_names : sequence of str
        Names of the features.
    x : {"C", "deviance"}, default="C"
        What the horizontal axis shows: C, on a logarithmic scale, or the share of
        `null_deviance` that the model explains.
    n_labels : int, default=10
        Maximum number of features with a label.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The lines, one per feature.
    labels_ : list of matplotlib Annotation
        The labels, from bottom to top.
    top_ax_ : matplotlib SecondaryAxis
        The axis with the numbers of coefficients that are not 0.

    See Also
    --------
    sk_logreg.regularization_path : Computes a path.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sk_logreg import BinaryLogisticRegression, regularization_path
    >>> from sk_logreg.displays import PathDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> lasso = BinaryLogisticRegression(l1_ratio=1.0)
    >>> path = regularization_path(lasso, scale(X), y, Cs=20)
    >>> display = PathDisplay.from_path(path, n_labels=5)
    >>> len(display.lines_), len(display.labels_)
    (30, 5)
    """

    path: RegularizationPath
    feature_names: Sequence[str]
    x: str = "C"
    n_labels: int = 10

    @classmethod
    def from_path(
        cls,
        path: RegularizationPath,
        *,
        x: str = "C",
        n_labels: int = 10,
        feature_names: Sequence[str] | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw a regularization path.

        Parameters
        ----------
        path : RegularizationPath
            The path.
        x : {"C", "deviance"}, default="C"
            What the horizontal axis shows: C, on a logarithmic scale, or the share of
            `null_deviance` that the model explains.
        n_labels : int, default=10
            Maximum number of features with a label.
        feature_names : sequence of str, default=None
            Names of the features. By default those of the path, or ``x0``, ``x1`` and
            so on.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        PathDisplay

        Raises
        ------
        ValueError
            If `x` is unknown, or if the number of names is not that of the features.
        """
        check_matplotlib_support(f"{cls.__name__}.from_path")
        if x not in _X_LABELS:
            raise ValueError(f"x must be one of {sorted(_X_LABELS)}, got {x!r}.")
        n_features = path.coefs.shape[1]
        default = path.feature_names or [f"x{j}" for j in range(n_features)]
        names = list(default if feature_names is None else feature_names)
        if len(names) != n_features:
            raise ValueError(
                f"feature_names has {len(names)} names for {n_features} features."
            )
        display = cls(path=path, feature_names=names, x=x, n_labels=n_labels)
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw the path.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        PathDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.figure_, self.ax_ = panel(ax, size=(7.2, 4.8))
        ends = np.abs(self.path.coefs[-1])
        order = np.argsort(-ends, kind="stable")
        labeled = order[: self.n_labels][ends[order[: self.n_labels]] > 0.0]
        self._draw_lines(labeled.tolist(), kwargs)
        self._draw_counts()
        self._draw_labels(labeled)
        return self

    @property
    def _places(self) -> NDArray[np.floating]:
        """Where the fits are on the horizontal axis."""
        if self.x == "C":
            return self.path.Cs
        return 1.0 - self.path.deviances / self.path.null_deviance

    def _draw_lines(self, labeled: list[int], kwargs: dict[str, Any]) -> None:
        """Draw a line per feature; those without a label are gray and behind."""
        self.lines_ = []
        for j, coef in enumerate(self.path.coefs.T):
            style: dict[str, Any] = {"color": "gray", "alpha": 0.5, "linewidth": 0.8}
            if j in labeled:
                series = series_at(labeled.index(j))
                style = {"color": series.color, "linestyle": series.linestyle}
                style |= {"linewidth": 1.6, "zorder": 3}
            drawn = np.where(_at_zero(coef), np.nan, coef)
            self.lines_ += self.ax_.plot(self._places, drawn, **style | kwargs)
        self.ax_.axhline(0.0, color="gray", linewidth=0.8, zorder=1)
        self.ax_.set(xlabel=_X_LABELS[self.x], ylabel="coefficient")
        if self.x == "C":
            self.ax_.set_xscale("log")
        low, high = self._places.min(), self._places.max()
        if low == high:  # a single fit
            low, high = (
                (low / 2, high * 2) if self.x == "C" else (low - 0.1, high + 0.1)
            )
        self.ax_.set_xlim(low, high)

    def _draw_counts(self) -> None:
        """Draw the axis at the top: how many coefficients are not 0 at some places."""
        low, high = self.ax_.get_xlim()
        spaced = np.geomspace if self.x == "C" else np.linspace
        ticks = spaced(low, high, _N_COUNTS)
        # The last fit at or before each place, as in R's glmnet.
        at = np.searchsorted(self._places, ticks * (1.0 + 1e-9), side="right") - 1
        counts = self.path.n_nonzero[np.maximum(at, 0)]
        self.top_ax_ = self.ax_.secondary_xaxis("top")
        self.top_ax_.set_xticks(ticks, [str(count) for count in counts])
        self.top_ax_.minorticks_off()
        self.top_ax_.set_xlabel("coefficients that are not 0")

    def _draw_labels(self, labeled: NDArray[np.intp]) -> None:
        """Draw the labels at the right, each as near to its line's end as may be."""
        from matplotlib import rcParams

        ends = self.path.coefs[-1]
        order = labeled[np.argsort(ends[labeled], kind="stable")]
        self.figure_.draw_without_rendering()  # the layout decides on the height
        height = _LINE_HEIGHT * rcParams["font.size"] * self.figure_.dpi / 72.0
        to_axes = self.ax_.transData + self.ax_.transAxes.inverted()
        x_end = self._places[-1]
        wanted = np.array([to_axes.transform((x_end, ends[j]))[1] for j in order])
        self.labels_: list[Annotation] = []
        places = _spread(wanted, height / self.ax_.bbox.height)
        for j, end, place in zip(order, wanted, places, strict=True):
            color = self.lines_[j].get_color()
            label = self.ax_.annotate(
                self.feature_names[j],
                xy=(1.0, end),
                xytext=(_LABEL_AT, place),
                xycoords="axes fraction",
                verticalalignment="center",
                color=color,
                arrowprops={
                    "arrowstyle": "-",
                    "color": color,
                    "linewidth": 0.8,
                    "shrinkA": 1.0,
                    "shrinkB": 0.0,
                    "relpos": (0.0, 0.5),
                },
            )
            self.labels_.append(label)


def _at_zero(coef: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Return where a coefficient and its neighbors along the path are 0."""
    zero = np.pad(coef == 0.0, 1, constant_values=True)
    return zero[:-2] & zero[1:-1] & zero[2:]


def _spread(wanted: NDArray[np.floating], distance: float) -> NDArray[np.floating]:
    """Return the nearest places, ascending, with a distance between each two.

    They stay between 0 and 1 if there is room.
    """
    if not len(wanted):
        return wanted
    shifts = distance * np.arange(len(wanted))
    # Without the distances, the places need only not descend.
    top = max(0.0, 1.0 - shifts[-1])
    places: NDArray[np.floating] = isotonic_regression(
        wanted - shifts, y_min=0.0, y_max=top
    )
    return places + shifts
