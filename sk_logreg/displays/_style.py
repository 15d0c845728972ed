"""Functions and styles that the displays share: axes, colors, line styles, markers."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

#: Names of the losses for titles and legends.
NAMES = {"cross_entropy": "cross entropy", "squared_error": "squared error"}
#: A color map of increasing lightness, readable in gray and with color blindness.
MAP = "cividis"


@dataclass(frozen=True)
class Series:
    """The style of a line. Lines differ in more than color."""

    color: str
    linestyle: Any
    marker: str


# Colors by M. Okabe and K. Ito (2008), "Color universal design". Neighbors in this
# order differ in lightness too. All have contrast with white and with black.
SERIES = (
    Series("#0072B2", "-", "o"),
    Series("#E69F00", "--", "s"),
    Series("#009E73", "-.", "^"),
    Series("#CC79A7", ":", "D"),
    Series("#56B4E9", (0, (5, 1, 1, 1, 1, 1)), "v"),
    Series("#D55E00", (0, (1, 1)), "P"),
)


def series_at(place: int) -> Series:
    """Return the style of the line at a place; each cycle shifts the markers by one."""
    color = SERIES[place % len(SERIES)].color
    return replace(SERIES[(place + place // len(SERIES)) % len(SERIES)], color=color)


def series_of(loss: str, place: int) -> Series:
    """Return the style of the line of a loss, the same in every display."""
    known = list(NAMES)
    return series_at(known.index(loss) if loss in known else place + len(known))


def legend_above(ax: "Axes", **kwargs: Any) -> None:
    """Draw the legend above the axes, where it covers no data."""
    style = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "frameon": False}
    ax.legend(**style | {"ncols": 2} | kwargs)


def panel(ax: Any, *, size: tuple[float, float]) -> tuple["Figure", Any]:
    """Return a figure and its only axes, see `panels`."""
    figure, axes = panels(ax, size=size)
    return figure, axes[0, 0]


def panels(
    ax: Any,
    n_rows: int = 1,
    n_columns: int = 1,
    *,
    size: tuple[float, float],
    projections: Sequence[str | None] = (),
    sharex: bool = False,
) -> tuple["Figure", NDArray[Any]]:
    """Return a figure and its axes, in rows and columns.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes, or None
        None creates a figure. Axes of the right number are returned as they are. A
        single axes for several panels, or a 2-D axes for a panel in 3-D, is replaced by
        new ones.
    n_rows, n_columns : int
        Numbers of rows and columns of panels.
    size : tuple of float
        Width and height in inches of a new figure.
    projections : sequence of str or None, default=()
        Projection of each row of panels. By default all are flat.
    sharex : bool, default=False
        Whether the panels of a column share the x axis.

    Returns
    -------
    figure : matplotlib Figure
    axes : ndarray of shape (n_rows, n_columns) of Axes
    """
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    axes: Any = np.empty((n_rows, n_columns), dtype=object)
    kinds = np.array(projections or [None] * n_rows, dtype=object)
    given = np.array([] if ax is None else ax, dtype=object).ravel()
    if given.size == axes.size and all(
        projection is None or one.name == projection
        for one, projection in zip(given, np.repeat(kinds, n_columns), strict=True)
    ):
        return given[0].figure, given.reshape(axes.shape)
    if given.size > 1:
        raise ValueError(
            f"ax must be one axes or {axes.size} for this picture, got {given.size}."
        )
    if given.size == 1:
        figure = given[0].figure
        given[0].set_axis_off()
        # The new axes take the place of the old one.
        spec = given[0].get_subplotspec()
        grid: Any = GridSpecFromSubplotSpec(n_rows, n_columns, spec)
    else:
        figure = plt.figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns)
    for row, column in np.ndindex(axes.shape):
        axes[row, column] = figure.add_subplot(
            grid[row, column],
            projection=kinds[row],
            sharex=axes[0, column] if sharex else None,  # None for the first
        )
        if sharex:
            axes[row, column].label_outer()
    return figure, axes
