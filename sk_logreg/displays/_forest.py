"""A display of coefficients or odds ratios with their intervals: a forest plot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from sk_logreg._compat import check_matplotlib_support
from sk_logreg.displays._inferences import check_inference, percent, short
from sk_logreg.displays._style import Series, legend_above, panel, series_at
from sk_logreg.inference import Inference
from sk_logreg.inference._fitted import INTERCEPT
from sk_logreg.inference._terms import places_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D
    from matplotlib.text import Text
    from pandas import DataFrame

_COLUMNS = ["estimate", "ci_low", "ci_high"]
_INTERVALS = {"wald": "interval", "profile": "profile likelihood interval"}
# Heights in inches of the first model's line of a term, and of each other model's.
_FIRST_LINE, _OTHER_LINE = 0.24, 0.14
# Distance between two models in the row of a term, and the part of a row for all.
_DISTANCE, _ALL = 0.26, 0.78
# Space between the names of terms and the axes, for arrows, in points.
_PAD = 8.0
# Margins of the horizontal axis, in widths of what is finite: where nothing is beyond,
# and where an arrow is.
_MARGIN, _FOR_ARROWS = 0.06, 0.15
# Greatest absolute logarithm of an odds ratio that the axis shows.
_LONGEST = 690.0
# Decades of a logarithmic axis up to which it has ticks at 1, 2 and 5 times, and at 1
# and 3 times the powers of 10; and up to which its ticks are plain numbers.
_DENSE, _MEDIUM, _PLAIN = 1.7, 3.0, 6.0


@dataclass(kw_only=True, eq=False, repr=False)
class ForestDisplay:
    """Coefficients or odds ratios of one or several models, with their intervals.

    Each term has a line: a marker at the estimate and a bar for the interval. Odds
    ratios are on a logarithmic axis. An end of an interval that is infinite, or an odds
    ratio of 0, is an arrow at the limit of the axis. If there is one model, its numbers
    are on the right. If there are several, only infinite and undetermined estimates
    are shown there.

    Use :meth:`from_inference` to create one.

    Parameters
    ----------
    tables : dict of str to DataFrame
        For each model a row per term, with columns `estimate`, `ci_low` and `ci_high`.
        The keys are the names in the legend.
    terms : sequence of str
        The terms, from top to bottom. A term may be absent from some tables.
    odds_ratios : bool, default=True
        Whether the tables hold odds ratios. Otherwise they hold coefficients.
    interval_name : str, default="interval"
        What the bars are, for the label of the horizontal axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    points_ : list of matplotlib Line2D
        The markers, one artist per model.
    bars_ : list of matplotlib LineCollection
        The intervals, one artist per model.
    arrows_ : list of matplotlib Line2D
        The arrows: per model those on the left, then those on the right.
    labels_ : list of matplotlib Text
        The texts on the right.
    reference_ : matplotlib Line2D
        The vertical line at the odds ratio 1, or the coefficient 0.

    See Also
    --------
    sk_logreg.inference.Inference : Computes coefficients and intervals.
    CoefficientDisplay : Draws the coefficients of any linear classifier.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.displays import ForestDisplay
    >>> from sk_logreg.inference import Inference
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> X = X[["mean radius", "mean texture", "mean symmetry"]]
    >>> X = (X - X.mean()) / X.std()
    >>> model = BinaryLogisticRegression(C=float("inf")).fit(X, y)
    >>> display = ForestDisplay.from_inference(Inference.from_estimator(model, X, y))
    >>> [label.get_text() for label in display.ax_.get_yticklabels()]
    ['mean radius', 'mean texture', 'mean symmetry']
    """

    tables: Mapping[str, "DataFrame"]
    terms: Sequence[str]
    odds_ratios: bool = True
    interval_name: str = "interval"

    @classmethod
    def from_inference(
        cls,
        inference: Inference | Mapping[str, Inference],
        *,
        terms: Sequence[str] | None = None,
        odds_ratios: bool = True,
        intervals: str = "wald",
        include_intercept: bool = False,
        sort: bool = False,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the coefficients or odds ratios of an inference, or of several.

        Parameters
        ----------
        inference : Inference or dict of str to Inference
            The inference, or several by the name of their model, which are drawn side
            by side.
        terms : list of str, default=None
            The terms to draw, from top to bottom. By default all but the intercept.
        odds_ratios : bool, default=True
            Whether to draw odds ratios, the exponentials of coefficients, rather than
            coefficients. An odds ratio is that of one unit of the feature: features of
            very different scales should be standardized before the fit.
        intervals : {"wald", "profile"}, default="wald"
            The intervals of `table`, or those of the profile likelihood. The latter
            have one finite end if an estimate is infinite.
        include_intercept : bool, default=False
            Whether to draw the intercept if `terms` is None.
        sort : bool, default=False
            Whether to sort the terms by the estimate of the first model, the largest at
            the top.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot` for the markers.

        Returns
        -------
        ForestDisplay

        Raises
        ------
        ValueError
            If a term is unknown, if `intervals` is invalid or not available for the
            fit, or if the inferences have different levels.
        """
        check_matplotlib_support(f"{cls.__name__}.from_inference")
        several = inference if isinstance(inference, Mapping) else {"": inference}
        for one in several.values():
            check_inference(one, "an Inference or a dict of them")
        if intervals not in _INTERVALS:
            raise ValueError(
                f"intervals must be one of {sorted(_INTERVALS)}, got {intervals!r}."
            )
        levels = {one.level for one in several.values()}
        if len(levels) != 1:
            raise ValueError(
                "inference must hold inferences of one level, got the levels "
                f"{sorted(levels)}."
            )
        chosen = _chosen(several, terms, include_intercept)
        tables = {
            name: _table(one, chosen, odds_ratios, intervals)
            for name, one in several.items()
        }
        if sort:
            first = next(iter(tables.values())).reindex(chosen)["estimate"]
            order = np.argsort(-first.to_numpy(), kind="stable")  # NaN comes last
            chosen = [chosen[place] for place in order]
        display = cls(
            tables=tables,
            terms=chosen,
            odds_ratios=odds_ratios,
            interval_name=f"{percent(levels.pop())} {_INTERVALS[intervals]}",
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw the estimates and their intervals.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot` for the markers.

        Returns
        -------
        ForestDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        line = _FIRST_LINE + _OTHER_LINE * (len(self.tables) - 1)
        height = 1.0 + line * max(2, len(self.terms))
        self.figure_, self.ax_ = panel(ax, size=(6.4, height))
        self._draw_axis()
        self.points_: list[Line2D] = []
        self.bars_: list[LineCollection] = []
        self.arrows_: list[Line2D] = []
        self.labels_: list[Text] = []
        distance = min(_DISTANCE, _ALL / len(self.tables))
        for place, (name, table) in enumerate(self.tables.items()):
            shift = distance * (place - 0.5 * (len(self.tables) - 1))
            self._draw_model(name, table, series_at(place), shift, kwargs)
        if any(self.tables):
            legend_above(self.ax_, ncols=min(3, len(self.tables)))
        return self

    def _draw_axis(self) -> None:
        """Draw the axes, their labels and the line of no effect."""
        low, high = self._limits()
        self.ax_.set_xlim(low, high)
        quantity = "odds ratio" if self.odds_ratios else "coefficient"
        if self.odds_ratios:
            self.ax_.set_xscale("log")
            _set_ticks(self.ax_, np.log10(high / low) if low > 0.0 else np.inf)
        self.ax_.set_xlabel(f"{quantity}, with {self.interval_name}")
        self.ax_.set_yticks(np.arange(len(self.terms)), list(self.terms))
        self.ax_.set_ylim(len(self.terms) - 0.4, -0.6)
        self.ax_.tick_params(axis="y", length=0.0, pad=_PAD)
        self.reference_ = self.ax_.axvline(
            float(self.odds_ratios), color="gray", linewidth=0.8, zorder=1
        )

    def _limits(self) -> tuple[float, float]:
        """Return the limits of the axis: around what is finite, and no effect."""
        values = np.concatenate([table.to_numpy() for table in self.tables.values()])
        if self.odds_ratios:
            with np.errstate(divide="ignore"):
                values = np.log(values)
        finite = values[np.isfinite(values)]
        low, high = finite.min(initial=0.0), finite.max(initial=0.0)
        width = high - low or 10.0
        low -= width * (_FOR_ARROWS if np.any(values == -np.inf) else _MARGIN)
        high += width * (_FOR_ARROWS if np.any(values == np.inf) else _MARGIN)
        if not self.odds_ratios:
            return float(low), float(high)
        low, high = np.exp(np.clip([low, high], -_LONGEST, _LONGEST))
        return float(low), float(high)

    def _draw_model(
        self,
        name: str,
        table: "DataFrame",
        series: Series,
        shift: float,
        kwargs: dict[str, Any],
    ) -> None:
        """Draw the estimates, intervals, arrows and numbers of a model."""
        rows = [row for row, term in enumerate(self.terms) if term in table.index]
        shown = table.loc[[self.terms[row] for row in rows]]
        estimate, low, high = shown.to_numpy(dtype=np.float64).T
        y, limits = np.array(rows) + shift, self.ax_.get_xlim()
        drawn = np.where(_beyond(estimate, limits), np.nan, estimate)
        style: dict[str, Any] = {"color": series.color, "marker": series.marker}
        style |= {"markersize": 5.5, "linestyle": "none", "zorder": 3, "label": name}
        (points,) = self.ax_.plot(drawn, y, **style | kwargs)
        self.points_.append(points)
        color = points.get_color()
        bars = self.ax_.hlines(
            y, *np.clip([low, high], *limits), color=color, linewidth=1.5, zorder=2
        )
        self.bars_.append(bars)
        sides = (low < limits[0], limits[0], "<"), (high > limits[1], limits[1], ">")
        for beyond, limit, marker in sides:
            at = np.full(int(beyond.sum()), limit)
            (arrows,) = self.ax_.plot(
                at,
                y[beyond],
                color=color,
                marker=marker,
                markersize=6.0,
                linestyle="none",
                clip_on=False,
                zorder=3,
            )
            # Without markers, the layout would place it in a corner of the figure.
            arrows.set_in_layout(bool(beyond.any()))
            self.arrows_.append(arrows)
        for place in range(len(y)):
            self._draw_label(float(y[place]), estimate[place], low[place], high[place])

    def _draw_label(self, y: float, estimate: float, low: float, high: float) -> None:
        """Draw the numbers of a term; of several models only what is not finite."""
        several = len(self.tables) > 1
        determined = not np.isnan(estimate)
        # An odds ratio of 0 is that of an infinite coefficient.
        finite = np.isfinite(estimate) and (estimate > 0.0 or not self.odds_ratios)
        if several and finite:
            return
        text = "undetermined"
        if determined and several:
            text = f"estimate: {short(estimate)}"
        elif determined:
            exists = not np.isnan([low, high]).any()
            interval = f" ({short(low)}, {short(high)})" if exists else ""
            text = short(estimate) + interval
        label = self.ax_.text(
            1.03,
            y,
            text,
            transform=self.ax_.get_yaxis_transform(),
            verticalalignment="center",
            fontsize="small",
        )
        self.labels_.append(label)


def _chosen(
    inferences: Mapping[str, Inference],
    terms: Sequence[str] | None,
    include_intercept: bool,
) -> list[str]:
    """Return the terms to draw."""
    known = list(dict.fromkeys(t for one in inferences.values() for t in one.terms))
    if terms is not None:
        return [known[place] for place in places_of(terms, known)]
    return [term for term in known if include_intercept or term != INTERCEPT]


def _table(
    inference: Inference, terms: Sequence[str], odds_ratios: bool, intervals: str
) -> "DataFrame":
    """Return the estimates and intervals of those terms that a model has."""
    own = [term for term in terms if term in inference.terms]
    table = inference.table.loc[own]
    table = table[["coef", "ci_low", "ci_high"]].set_axis(_COLUMNS, axis="columns")
    if intervals == "profile" and own:
        table[_COLUMNS[1:]] = inference.profile_intervals(own)
    if odds_ratios:
        with np.errstate(over="ignore"):
            table = table.apply(np.exp)
    return table


def _beyond(
    values: NDArray[np.floating], limits: tuple[float, float]
) -> NDArray[np.bool_]:
    return (values < limits[0]) | (values > limits[1])


def _set_ticks(ax: "Axes", decades: float) -> None:
    """Set the ticks of a logarithmic axis: plain numbers, if it is not too long."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if decades > _PLAIN:
        return
    subs = [1.0, 2.0, 5.0]
    if decades > _DENSE:
        subs = [1.0] if decades > _MEDIUM else [1.0, 3.0]
    ax.xaxis.set_major_locator(LogLocator(subs=subs))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    ax.xaxis.set_minor_formatter(NullFormatter())
