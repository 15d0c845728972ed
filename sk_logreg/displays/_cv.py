"""A display of a cross-validation: the mean scores against C."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from sk_logreg._compat import check_matplotlib_support
from sk_logreg._cv import BinaryLogisticRegressionCV
from sk_logreg.displays._style import panel, series_at

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_SCORE_NAMES = {
    "cross_entropy": "minus cross entropy",
    "squared_error": "minus the Brier score",
}


@dataclass(kw_only=True, eq=False, repr=False)
class CVDisplay:
    """The mean scores of a cross-validation against C.

    A line for each `l1_ratio` shows the mean score, and a band one standard error below
    and above it. Two vertical lines mark the C of the best mean score and the smallest
    C within one standard error of it.

    Use :meth:`from_estimator` to create one.

    Parameters
    ----------
    Cs : ndarray of shape (n_Cs,)
        The values of C.
    l1_ratios : ndarray of shape (n_l1_ratios,)
        The values of `l1_ratio`.
    scores : ndarray of shape (n_l1_ratios, n_Cs)
        The mean scores, higher for better.
    standard_errors : ndarray of shape (n_l1_ratios, n_Cs)
        Their standard errors. Where they are NaN there is no band.
    score_name : str, default="score"
        The label of the vertical axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The mean scores, one line per `l1_ratio`.
    bands_ : list of matplotlib FillBetweenPolyCollection
        The bands, one per `l1_ratio`.
    best_ : matplotlib Line2D
        The vertical line at the best mean score.
    one_se_ : matplotlib Line2D or None
        The vertical line at the smallest C within one standard error of the best, None
        if there is no standard error.

    See Also
    --------
    sk_logreg.BinaryLogisticRegressionCV : Chooses C by cross-validation.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sk_logreg import BinaryLogisticRegressionCV
    >>> from sk_logreg.displays import CVDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = BinaryLogisticRegressionCV(Cs=5).fit(scale(X), y)
    >>> display = CVDisplay.from_estimator(model)
    >>> float(display.best_.get_xdata()[0]) == model.C_
    True
    """

    Cs: NDArray[np.floating]
    l1_ratios: NDArray[np.floating]
    scores: NDArray[np.floating]
    standard_errors: NDArray[np.floating]
    score_name: str = "score"

    @classmethod
    def from_estimator(
        cls,
        estimator: BinaryLogisticRegressionCV,
        *,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the scores of a fitted estimator.

        Parameters
        ----------
        estimator : BinaryLogisticRegressionCV
            A fitted estimator.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        CVDisplay

        Raises
        ------
        TypeError
            If the estimator is not a `BinaryLogisticRegressionCV`.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if not isinstance(estimator, BinaryLogisticRegressionCV):
            raise TypeError(
                "estimator must be a BinaryLogisticRegressionCV, got "
                f"{type(estimator).__name__}."
            )
        check_is_fitted(estimator)
        scoring = estimator.scoring
        name = scoring if isinstance(scoring, str) else "score"
        if scoring is None:
            name = _SCORE_NAMES.get(estimator.loss, name)
        display = cls(
            Cs=estimator.Cs_,
            l1_ratios=estimator.l1_ratios_,
            scores=estimator.scores_.mean(axis=0),
            standard_errors=estimator.standard_errors_,
            score_name=name,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw the scores.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on, as in :meth:`from_estimator`.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        CVDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.figure_, self.ax_ = panel(ax, size=(6.4, 4.4))
        self.lines_: list[Line2D] = []
        self.bands_: list[Artist] = []
        for place, (mean, error) in enumerate(
            zip(self.scores, self.standard_errors, strict=True)
        ):
            self._draw(place, mean, error, kwargs)
        self._mark()
        self.ax_.set_xscale("log")
        self.ax_.set_xlabel("C (the penalty is weaker to the right)")
        self.ax_.set_ylabel(f"{self.score_name}: mean ± one standard error")
        # Above the axes, where it covers no line.
        self.ax_.legend(
            loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, frameon=False
        )
        return self

    def _draw(
        self,
        place: int,
        mean: NDArray[np.floating],
        error: NDArray[np.floating],
        kwargs: dict[str, Any],
    ) -> None:
        """Draw the line and the band of an l1_ratio."""
        style = {**vars(series_at(place)), "markersize": 4.0}
        style["label"] = f"l1_ratio = {self.l1_ratios[place]:g}"
        (line,) = self.ax_.plot(self.Cs, mean, **style | kwargs)
        self.lines_.append(line)
        band = self.ax_.fill_between(
            self.Cs, mean - error, mean + error, color=line.get_color(), alpha=0.18
        )
        self.bands_.append(band)

    def _mark(self) -> None:
        """Mark the two choices of C."""
        best, c = np.unravel_index(np.nanargmax(self.scores), self.scores.shape)
        self.best_ = self._vertical(float(self.Cs[c]), "-", "best mean")
        self.one_se_ = None
        least = self.scores[best, c] - self.standard_errors[best, c]
        if np.isfinite(least):
            first = float(self.Cs[np.flatnonzero(self.scores[best] >= least)[0]])
            self.one_se_ = self._vertical(first, "--", "within one standard error")

    def _vertical(self, C: float, linestyle: str, label: str) -> "Line2D":
        return self.ax_.axvline(
            C,
            color="gray",
            linestyle=linestyle,
            linewidth=1.0,
            zorder=0,
            label=f"{label}: C = {C:.3g}",
        )
