"""A display of the profile likelihood of a term beside its Wald parabola."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from sk_logreg._arrays import Vector
from sk_logreg._compat import check_matplotlib_support
from sk_logreg.displays._inferences import check_count, check_inference, percent, short
from sk_logreg.displays._style import Series, legend_above, panel, series_at
from sk_logreg.inference import Inference
from sk_logreg.inference._fitted import INTERCEPT
from sk_logreg.inference._terms import places_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

_LIKELIHOODS = {
    "firth": "penalized log likelihood",
    "flic": "penalized log likelihood",
    "mdypl": "log likelihood of shrunk labels",
}
# The picture ends where the profile is this many times the cut-off below its maximum.
_DEPTH = 1.6
# Towards an infinite estimate it ends where the profile is this part of the cut-off
# below its supremum.
_NEAR = 0.04
# Margin of the horizontal axis, in widths of what is drawn.
_MARGIN = 0.03


@dataclass(kw_only=True, eq=False, repr=False)
class ProfileDisplay:
    r"""The profile likelihood of a term, beside the parabola of its Wald interval.

    The profile at a value of the coefficient is the maximum of the log likelihood over
    the other coefficients. The parabola is :math:`-(b - \hat b)^2 / (2\,\text{se}^2)`.
    The horizontal line is at :math:`-\chi^2_1 / 2`, with the quantile of
    :math:`\chi^2_1` at the confidence level. The values at which a curve is above this
    line are its confidence interval. The Wald interval is accurate if
    the two curves are close to each other.

    If the estimate is infinite, the profile has an arrow at the end where it rises to
    its supremum, and there is no parabola.

    Use :meth:`from_inference` to create one.

    Parameters
    ----------
    term : str
        The name of the term.
    values : ndarray of shape (n_points,)
        Values of its coefficient, in ascending order.
    log_likelihood : ndarray of shape (n_points,)
        The profile at these values, minus its maximum.
    estimate : float
        The coefficient.
    std_err : float
        Its standard error.
    wald_interval : tuple of float
        Both ends of the Wald interval.
    profile_interval : tuple of float
        Both ends of the interval of the profile likelihood, NaN for none.
    level : float, default=0.95
        The confidence level.
    likelihood_name : str, default="log likelihood"
        What is profiled, for the label of the vertical axis.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    profile_ : matplotlib Line2D
        The profile.
    wald_ : matplotlib Line2D or None
        The parabola, None if there is no finite standard error.
    cutoff_ : matplotlib Line2D
        The horizontal line.
    marks_ : list of matplotlib Line2D
        The finite ends of the interval of the profile, then those of Wald.
    estimate_ : matplotlib Line2D or None
        The vertical line at the coefficient, None if it is not finite.
    arrow_ : matplotlib Line2D or None
        The arrow, None if the interval of the profile has no infinite end.

    See Also
    --------
    sk_logreg.inference.Inference.profile : Computes the profile.
    sk_logreg.inference.Inference.profile_intervals : Computes its intervals.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.displays import ProfileDisplay
    >>> from sk_logreg.inference import Inference
    >>> X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    >>> X = X[["mean radius", "mean texture"]]
    >>> model = BinaryLogisticRegression(C=float("inf")).fit(X, y)
    >>> inference = Inference.from_estimator(model, X, y)
    >>> display = ProfileDisplay.from_inference(inference, "mean radius")
    >>> [round(end, 3) for end in display.profile_interval]
    [-1.271, -0.872]
    """

    term: str
    values: NDArray[np.floating]
    log_likelihood: NDArray[np.floating]
    estimate: float
    std_err: float
    wald_interval: tuple[float, float]
    profile_interval: tuple[float, float]
    level: float = 0.95
    likelihood_name: str = "log likelihood"

    @classmethod
    def from_inference(
        cls,
        inference: Inference,
        term: str,
        *,
        n_points: int = 41,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the profile likelihood of a term.

        Parameters
        ----------
        inference : Inference
            The inference, of a fit without a penalty.
        term : str
            The name of a term that the data determine.
        n_points : int, default=41
            Number of values at which the profile is computed, each by a fit.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot` for the profile.

        Returns
        -------
        ProfileDisplay

        Raises
        ------
        ValueError
            If the term is unknown, if the data leave it undetermined, or if the fit has
            no profile likelihood: with a penalty, class weights or the squared error.
        """
        check_matplotlib_support(f"{cls.__name__}.from_inference")
        check_inference(inference)
        if not isinstance(term, str):
            raise TypeError(f"term must be the name of a term, got {term!r}.")
        check_count("n_points", n_points, 2)
        place = int(places_of(term, inference.terms)[0])
        interval = _interval(inference, term, _cutoff(inference.level))
        columns = ["coef", "std_err", "ci_low", "ci_high"]
        coef, std_err, *ends = inference.table[columns].to_numpy()[place].tolist()
        wald = ends[0], ends[1]
        values = _values(*_span(inference, term, wald), coef, n_points)
        profile = inference.profile(term, values)
        kind = inference._fitted.bias_reduction
        display = cls(
            term=term,
            values=profile.index.to_numpy(),
            log_likelihood=profile.to_numpy(),
            estimate=coef,
            std_err=std_err,
            wald_interval=wald,
            profile_interval=interval,
            level=inference.level,
            likelihood_name=_LIKELIHOODS.get(str(kind), "log likelihood"),
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, *, ax: "Axes | None" = None, **kwargs: Any) -> Self:
        """Draw the profile.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot` for the profile.

        Returns
        -------
        ProfileDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        self.figure_, self.ax_ = panel(ax, size=(6.4, 4.4))
        cutoff = _cutoff(self.level)
        self._draw_curves(kwargs)
        self.cutoff_ = self.ax_.axhline(
            -cutoff,
            color="gray",
            linewidth=1.0,
            zorder=1,
            label=f"{percent(self.level)} cut-off: {short(-cutoff)}",
        )
        self.estimate_ = None
        if np.isfinite(self.estimate):
            self.estimate_ = self.ax_.axvline(
                self.estimate,
                color="gray",
                linestyle=":",
                linewidth=1.0,
                zorder=1,
                label=f"estimate: {short(self.estimate)}",
            )
        self.ax_.set_xlim(self.values[0], self.values[-1])
        self.ax_.set_ylim(-(_DEPTH + 0.1) * cutoff, 0.12 * cutoff)
        intercept = self.term == INTERCEPT
        self.ax_.set_xlabel(self.term if intercept else f"coefficient of {self.term}")
        self.ax_.set_ylabel(f"{self.likelihood_name}\nbelow its maximum")
        legend_above(self.ax_)
        return self

    def _draw_curves(self, kwargs: dict[str, Any]) -> None:
        """Draw the profile, the parabola, and the ends of their intervals."""
        self.marks_: list[Line2D] = []
        first, second = series_at(0), series_at(1)
        style: dict[str, Any] = {"color": first.color, "linestyle": first.linestyle}
        style |= {"linewidth": 1.8, "zorder": 3}
        style["label"] = _named("profile", self.profile_interval)
        (self.profile_,) = self.ax_.plot(
            self.values, self.log_likelihood, **style | kwargs
        )
        self._draw_arrow()
        self._mark(self.profile_interval, first, self.profile_.get_color())
        self.wald_ = None
        if np.isfinite(self.estimate) and np.isfinite(self.std_err):
            at = np.linspace(self.values[0], self.values[-1], 201)
            (self.wald_,) = self.ax_.plot(
                at,
                -0.5 * ((at - self.estimate) / self.std_err) ** 2,
                color=second.color,
                linestyle=second.linestyle,
                linewidth=1.8,
                zorder=2,
                label=_named("Wald", self.wald_interval),
            )
            self._mark(self.wald_interval, second, second.color)

    def _draw_arrow(self) -> None:
        """Draw an arrow at the end of the profile that goes on to infinity."""
        self.arrow_ = None
        low, high = self.profile_interval
        if np.isfinite(low) == np.isfinite(high) or np.isnan([low, high]).any():
            return
        end, marker = (-1, ">") if np.isinf(high) else (0, "<")
        (self.arrow_,) = self.ax_.plot(
            self.values[end],
            self.log_likelihood[end],
            color=self.profile_.get_color(),
            marker=marker,
            markersize=9.0,
            clip_on=False,
            zorder=4,
        )

    def _mark(self, interval: tuple[float, float], series: Series, color: Any) -> None:
        """Mark the finite ends of an interval on the cut-off."""
        ends = [end for end in interval if np.isfinite(end)]
        cutoff = np.full(len(ends), -_cutoff(self.level))
        (marks,) = self.ax_.plot(
            ends,
            cutoff,
            color=color,
            marker=series.marker,
            markersize=6.0,
            linestyle="none",
            zorder=4,
        )
        self.ax_.vlines(
            ends,
            2.0 * _DEPTH * cutoff,
            cutoff,
            color=color,
            linestyle=series.linestyle,
            linewidth=0.8,
            zorder=1,
        )
        self.marks_.append(marks)


def _cutoff(level: float) -> float:
    """Return how far the log likelihood falls at the ends of an interval."""
    return 0.5 * float(chi2.ppf(level, 1))


def _interval(inference: Inference, term: str, fall: float) -> tuple[float, float]:
    """Return where the profile falls by a given number."""
    level = min(float(chi2.cdf(2.0 * fall, 1)), float(np.nextafter(1.0, 0.0)))
    low, high = inference.profile_intervals([term], level).to_numpy()[0].tolist()
    return low, high


def _span(
    inference: Inference, term: str, wald: tuple[float, float]
) -> tuple[float, float]:
    """Return the finite ends of the picture: both intervals are inside, if finite."""
    cutoff = _cutoff(inference.level)
    low, high = _interval(inference, term, _DEPTH * cutoff)
    if np.isinf(low) and np.isinf(high):
        raise ValueError(
            f"term is {term!r}, which the data leave undetermined: its profile "
            "likelihood is constant. See the notes of the inference."
        )
    if np.isinf(low):  # the profile rises to its supremum at minus infinity
        low = _interval(inference, term, _NEAR * cutoff)[1]
    elif np.isinf(high):
        high = _interval(inference, term, _NEAR * cutoff)[0]
    elif np.isnan(low) or np.isnan(high):  # as deep as the others, if Wald is right
        middle, half = np.mean(wald), 0.5 * np.sqrt(_DEPTH) * np.ptp(wald)
        low, high = middle - half, middle + half
    ends = np.array([low, high, *wald])
    ends = ends[np.isfinite(ends)]
    margin = _MARGIN * np.ptp(ends)
    return float(ends.min() - margin), float(ends.max() + margin)


def _values(low: float, high: float, coef: float, n_points: int) -> Vector:
    """Return values for the profile, closer together on the steeper side.

    With a finite coefficient between them, it is the middle one.
    """
    steps = np.linspace(0.0, 1.0, n_points)
    if coef == -np.inf:
        return high - (high - low) * (1.0 - steps) ** 2
    if coef == np.inf:
        return low + (high - low) * steps**2
    return np.interp(steps, [0.0, 0.5, 1.0], [low, coef, high])


def _named(name: str, interval: tuple[float, float]) -> str:
    """Return the name of a curve with its interval, if there is one."""
    low, high = interval
    if np.isnan([low, high]).any():
        return name
    return f"{name}: {short(low)} to {short(high)}"
