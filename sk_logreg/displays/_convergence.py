"""How fits approached their optimum, several in one axes."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._records import IterationRecord
from sk_logreg.displays._histories import (
    ConvergenceCurve,
    column_of,
    curve_of_estimator,
    curve_of_history,
    gaps_of,
)
from sk_logreg.displays._style import NAMES, check_matplotlib_support, panels, series_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

_X_LABELS = {"iteration": "iteration", "reads": "reads of X", "seconds": "seconds"}
_BOUND = "reported bound"
_OPEN_MARK: dict[str, Any] = {
    "linestyle": "none",
    "markersize": 11.0,
    "fillstyle": "none",
    "markeredgewidth": 1.6,
}
_Y_LABELS = {
    "gap": "optimality gap (F − F*) / F*",
    "gradient": "gradient norm ‖∇F‖",
    "rows": "rows used",
}


class ConvergenceDisplay:
    """Optimality gap, gradient norm or rows used, over the course of fits.

    Use :meth:`from_estimator`, :meth:`from_estimators` or :meth:`from_histories` to
    make one. Given the same axes, displays add to what is drawn there.

    Parameters
    ----------
    curves : dict of str to ConvergenceCurve
        The histories, by the name to show.
    optimum : float, default=None
        F*, the least value of the objective. By default, for each curve the least
        value of its own.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The curves.
    bounds_ : list of matplotlib Line2D
        The marks of the reported bounds, where the gap is drawn.

    Notes
    -----
    The gap after iteration k is :math:`(F_k - F^*) / F^*`, computed afterwards from
    the history. It is not drawn where it is 0 to working accuracy, nor for iterations
    that used some of the rows only, where F is another function. What the fit itself
    knew is `optimality_gap_`, the bound that it reports at the end: it is drawn as an
    open mark, joined to the curve by a thin line. Where the objective has several
    starts, as the squared error has, their iterations follow each other.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.displays import ConvergenceDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> models = {f"C = {C}": BinaryLogisticRegression(C=C).fit(X, y) for C in (1, 100)}
    >>> display = ConvergenceDisplay.from_estimators(models)
    >>> len(display.lines_)
    2
    """

    ax_: "Axes"
    figure_: "Figure"
    lines_: list["Line2D"]
    bounds_: list["Line2D"]

    def __init__(
        self,
        *,
        curves: Mapping[str, ConvergenceCurve],
        optimum: float | None = None,
    ):
        self.curves = dict(curves)
        self.optimum = optimum

    @classmethod
    def from_estimator(
        cls,
        estimator: BinaryLogisticRegression,
        *,
        name: str | None = None,
        optimum: float | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the history of a fitted estimator.

        Parameters
        ----------
        estimator : BinaryLogisticRegression
            A fitted estimator.
        name : str, default=None
            Its name in the legend. By default its loss.
        optimum : float, default=None
            F*. By default the least objective in the history.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Passed on to :meth:`plot`: `x`, `y`, and what matplotlib's `plot` takes.

        Returns
        -------
        ConvergenceDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        curve = curve_of_estimator(estimator)
        curves = {NAMES[estimator.loss] if name is None else name: curve}
        return cls(curves=curves, optimum=optimum).plot(ax=ax, **kwargs)

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, BinaryLogisticRegression],
        *,
        optimum: float | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the histories of several fitted estimators in one axes.

        Parameters
        ----------
        estimators : dict of str to BinaryLogisticRegression
            Fitted estimators, by the name to show.
        optimum : float, default=None
            F*, if all minimize the same objective. By default for each the least
            objective in its own history.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Passed on to :meth:`plot`: `x`, `y`, and what matplotlib's `plot` takes.

        Returns
        -------
        ConvergenceDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimators")
        curves = {name: curve_of_estimator(one) for name, one in estimators.items()}
        return cls(curves=curves, optimum=optimum).plot(ax=ax, **kwargs)

    @classmethod
    def from_histories(
        cls,
        histories: Mapping[str, Mapping[str, ArrayLike] | Sequence[IterationRecord]],
        *,
        optimum: float | None = None,
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw histories from anywhere, those of other solvers among them.

        Parameters
        ----------
        histories : dict of str to list of IterationRecord, or to dict of columns
            Histories, by the name to show: `history_` of a fitted estimator, or its
            columns as arrays, of which ``"objective"`` is needed.
        optimum : float, default=None
            F*, if all minimize the same objective. By default for each the least
            objective in its own history.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Passed on to :meth:`plot`: `x`, `y`, and what matplotlib's `plot` takes.

        Returns
        -------
        ConvergenceDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_histories")
        curves = {name: curve_of_history(one) for name, one in histories.items()}
        return cls(curves=curves, optimum=optimum).plot(ax=ax, **kwargs)

    def plot(
        self,
        *,
        x: str = "iteration",
        y: str = "gap",
        ax: "Axes | None" = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the histories.

        Parameters
        ----------
        x : {"iteration", "reads", "seconds"}, default="iteration"
            What goes to the right: iterations, reads of the whole of X, or seconds.
        y : {"gap", "gradient", "rows"}, default="gap"
            What goes up: the optimality gap, the norm of the gradient, or the rows
            that an iteration used.
        ax : matplotlib Axes, default=None
            Where to draw. None makes a figure.
        **kwargs : dict
            Passed on to matplotlib's `plot`.

        Returns
        -------
        ConvergenceDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        for name, value, known in (("x", x, _X_LABELS), ("y", y, _Y_LABELS)):
            if value not in known:
                raise ValueError(f"{name} must be one of {list(known)}, got {value!r}.")
        self.figure_, axes = panels(ax, 1, 1, size=(6.4, 4.4))
        self.ax_ = axes[0, 0]
        self.lines_, self.bounds_ = [], []
        # Displays drawn on the same axes go on with the next style.
        drawn = len(self.ax_.get_legend_handles_labels()[0])
        for place, (name, curve) in enumerate(self.curves.items(), start=drawn):
            series = series_at(place)
            across = column_of(curve, name, x)
            style = {
                "color": series.color,
                "linestyle": series.linestyle,
                "marker": series.marker,
                "markersize": 5.0,
                "label": name,
            }
            up = (
                gaps_of(curve, self.optimum)
                if y == "gap"
                else column_of(curve, name, y)
            )
            if curve.new_start is not None:
                # A gap in the line.
                new = np.flatnonzero(curve.new_start)
                across, up = (np.insert(one, new, np.nan) for one in (across, up))
            (line,) = self.ax_.plot(across, up, **style | kwargs)
            self.lines_.append(line)
            if y == "gap" and curve.bound is not None:
                self._mark(line, curve.bound)
        self.ax_.set_yscale("log")
        self.ax_.set_xlabel(_X_LABELS[x])
        self.ax_.set_ylabel(_Y_LABELS[y])
        if x == "iteration":
            self.ax_.locator_params(axis="x", integer=True)
        handles, names = self.ax_.get_legend_handles_labels()
        if any(line.get_gid() == _BOUND for line in self.ax_.lines):
            from matplotlib.lines import Line2D

            handles.append(Line2D([], [], color="gray", marker="o", **_OPEN_MARK))
            names.append(_BOUND)
        self.ax_.legend(handles, names)
        return self

    def _mark(self, line: "Line2D", bound: float) -> None:
        """Mark the reported bound where a curve ends, and join the two."""
        across = np.asarray(line.get_xdata(), dtype=np.float64)
        if not len(across) or not bound > 0.0:
            return
        up = np.asarray(line.get_ydata(), dtype=np.float64)
        known = np.flatnonzero(np.isfinite(up))
        color = line.get_color()
        if len(known):
            ends = [across[known[-1]], across[-1]], [up[known[-1]], bound]
            self.ax_.plot(*ends, color=color, linewidth=0.8, linestyle=":", marker="")
        (mark,) = self.ax_.plot(
            across[-1:], [bound], color=color, marker=line.get_marker(), **_OPEN_MARK
        )
        mark.set_gid(_BOUND)
        self.bounds_.append(mark)
