"""A display of the convergence of one or several fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from sk_logreg._compat import check_matplotlib_support
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._records import IterationRecord
from sk_logreg.displays._histories import (
    ConvergenceCurve,
    column_of,
    curve_of_estimator,
    curve_of_history,
)
from sk_logreg.displays._style import NAMES, panel, series_at

if TYPE_CHECKING:
    from matplotlib.axes import Axes
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


@dataclass(kw_only=True, eq=False, repr=False)
class ConvergenceDisplay:
    """Optimality gap, gradient norm or rows used, over the iterations of fits.

    Use :meth:`from_estimator`, :meth:`from_estimators` or :meth:`from_histories` to
    create one. Several displays can be drawn on the same axes.

    Parameters
    ----------
    curves : dict of str to ConvergenceCurve
        The histories. The keys are the names in the legend.
    optimum : float, default=None
        F*, the minimum of the objective. By default the least value of each curve.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.
    lines_ : list of matplotlib Line2D
        The curves.
    bounds_ : list of matplotlib Line2D
        The markers of the reported bounds, if the gap is drawn.

    Notes
    -----
    The gap after iteration k is :math:`(F_k - F^*) / F^*`, computed from the history.
    It is not drawn if it is 0 to working accuracy, nor for iterations on a sample of
    the rows, where F is another function. The bound that the fit reports at its end,
    `optimality_gap_`, is drawn as an open marker, which a thin line connects with the
    curve. If there are several starts, as for the squared error, their iterations are
    drawn one after the other.

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

    curves: Mapping[str, ConvergenceCurve]
    optimum: float | None = None

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
            Its name in the legend. By default the name of its loss.
        optimum : float, default=None
            F*. By default the least value in the history.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to :meth:`plot`: `x`, `y`, and parameters of matplotlib's `plot`.

        Returns
        -------
        ConvergenceDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        label = NAMES.get(estimator.loss, estimator.loss) if name is None else name
        curves = {label: curve_of_estimator(estimator)}
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
            Fitted estimators. The keys are the names in the legend.
        optimum : float, default=None
            F*, if it is the same for all. By default the least value in each history.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to :meth:`plot`: `x`, `y`, and parameters of matplotlib's `plot`.

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
        """Draw histories, which may come from other solvers.

        Parameters
        ----------
        histories : dict of str to list of IterationRecord, or to dict of columns
            Histories: `history_` of a fitted estimator, or its columns as arrays, of
            which ``"objective"`` is required. The keys are the names in the legend.
        optimum : float, default=None
            F*, if it is the same for all. By default the least value in each history.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to :meth:`plot`: `x`, `y`, and parameters of matplotlib's `plot`.

        Returns
        -------
        ConvergenceDisplay

        Raises
        ------
        ValueError
            If a history lacks a column that is drawn, or if its columns differ in
            length.
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
            The horizontal axis: iterations, reads of the whole of X, or seconds.
        y : {"gap", "gradient", "rows"}, default="gap"
            The vertical axis: the optimality gap, the norm of the gradient, or the
            number of rows that an iteration used.
        ax : matplotlib Axes, default=None
            The axes to draw on. By default a new figure is created.
        **kwargs : dict
            Passed to matplotlib's `plot`.

        Returns
        -------
        ConvergenceDisplay

        Raises
        ------
        ValueError
            If `x` or `y` is unknown, or if a history lacks the column for it.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from matplotlib.lines import Line2D

        for name, value, known in (("x", x, _X_LABELS), ("y", y, _Y_LABELS)):
            if value not in known:
                raise ValueError(f"{name} must be one of {list(known)}, got {value!r}.")
        self.figure_, self.ax_ = panel(ax, size=(6.4, 4.4))
        self.lines_: list[Line2D] = []
        self.bounds_: list[Line2D] = []
        # Displays drawn on the same axes continue with the next style.
        drawn = len(self.ax_.get_legend_handles_labels()[0])
        for place, (name, curve) in enumerate(self.curves.items(), start=drawn):
            columns = [column_of(curve, name, one, self.optimum) for one in (x, y)]
            if curve.new_start is not None:
                # NaN interrupts the line between two starts.
                new = np.flatnonzero(curve.new_start)
                columns = [np.insert(one, new, np.nan) for one in columns]
            style = {**vars(series_at(place)), "markersize": 5.0, "label": name}
            (line,) = self.ax_.plot(*columns, **style | kwargs)
            self.lines_.append(line)
            if y == "gap" and curve.bound is not None:
                self._mark(line, curve.bound)
        self.ax_.set(xlabel=_X_LABELS[x], ylabel=_Y_LABELS[y], yscale="log")
        if x == "iteration":
            self.ax_.locator_params(axis="x", integer=True)
        handles, names = self.ax_.get_legend_handles_labels()
        if any(line.get_gid() == _BOUND for line in self.ax_.lines):
            handles.append(Line2D([], [], color="gray", marker="o", **_OPEN_MARK))
            names.append(_BOUND)
        self.ax_.legend(handles, names)
        return self

    def _mark(self, line: "Line2D", bound: float) -> None:
        """Mark the reported bound at the end of a curve, and connect the two."""
        across, up = (np.asarray(one, dtype=np.float64) for one in line.get_data())
        if not len(across) or not bound > 0.0:
            return
        end, color, marker = across[-1], line.get_color(), line.get_marker()
        known = np.flatnonzero(np.isfinite(up))[-1:]
        link = [*across[known], end], [*up[known], bound]
        self.ax_.plot(*link, color=color, linewidth=0.8, linestyle=":", marker="")
        (mark,) = self.ax_.plot(
            [end], [bound], color=color, marker=marker, **_OPEN_MARK
        )
        mark.set_gid(_BOUND)
        self.bounds_.append(mark)
