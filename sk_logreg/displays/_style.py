"""What the displays share: axes to draw on, and marks that everyone can tell apart."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._compat import check_matplotlib_support

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

__all__ = [
    "MAP",
    "NAMES",
    "SERIES",
    "Series",
    "check_matplotlib_support",
    "draw_minimum",
    "draw_path",
    "panels",
    "series_at",
    "series_of",
]

#: The losses, in words.
NAMES = {"cross_entropy": "cross entropy", "squared_error": "squared error"}
#: A colour map whose lightness only rises: it survives a black-and-white printer, and
#: looks the same to the colour-blind.
MAP = "cividis"


@dataclass(frozen=True)
class Series:
    """How one of several lines is drawn: no two by colour alone."""

    color: str
    linestyle: Any
    marker: str


# Colours by M. Okabe and K. Ito (2008), "Color universal design", in an order in which
# neighbours differ in lightness too. Each stands out from white and from black.
SERIES = (
    Series("#0072B2", "-", "o"),
    Series("#E69F00", "--", "s"),
    Series("#009E73", "-.", "^"),
    Series("#CC79A7", ":", "D"),
    Series("#56B4E9", (0, (5, 1, 1, 1, 1, 1)), "v"),
    Series("#D55E00", (0, (1, 1)), "P"),
)


def series_at(place: int) -> Series:
    """Return how the line at a place is drawn; once round, the marks move on by one."""
    color = SERIES[place % len(SERIES)].color
    return replace(SERIES[(place + place // len(SERIES)) % len(SERIES)], color=color)


def series_of(loss: str, place: int) -> Series:
    """Return how the line of a loss is drawn: the same in every picture."""
    known = list(NAMES)
    return series_at(known.index(loss) if loss in known else place + len(known))


def draw_path(ax: Any, path: NDArray[np.floating]) -> "Line2D":
    """Draw the points of a path, in white with a dark rim: seen on any colour.

    Parameters
    ----------
    ax : matplotlib Axes
        Where to draw, flat or in 3-D.
    path : ndarray of shape (n_points, n_coordinates)
        The points, of 2 or 3 coordinates.
    """
    from matplotlib.patheffects import Normal, Stroke

    (line,) = ax.plot(
        *path.T,
        color="white",
        linewidth=1.6,
        marker="o",
        markersize=4.5,
        markeredgecolor="black",
        path_effects=[Stroke(linewidth=3.4, foreground="black"), Normal()],
        label="iterates",
        zorder=10,
    )
    return line


def draw_minimum(ax: Any, minimum: NDArray[np.floating]) -> "Line2D":
    """Draw a star at a point of 2 or 3 coordinates, white with a dark rim."""
    (star,) = ax.plot(
        *minimum[:, None],
        color="white",
        linestyle="none",
        marker="*",
        markersize=14,
        markeredgecolor="black",
        label="minimum",
        zorder=11,
    )
    return star


def panels(
    ax: Any,
    n_rows: int,
    n_columns: int,
    *,
    size: tuple[float, float],
    projections: NDArray[Any] | None = None,
    sharex: bool = False,
) -> tuple["Figure", NDArray[Any]]:
    """Return a figure and axes in rows and columns to draw on.

    Parameters
    ----------
    ax : matplotlib Axes, array-like of Axes, or None
        None makes a figure. Axes of the right number are drawn on. A single axes for
        several panels, or one that is flat for a panel in 3-D, gives up its place to
        them.
    n_rows, n_columns : int
        How the panels lie.
    size : tuple of float
        Width and height in inches of a new figure.
    projections : ndarray of shape (n_rows, n_columns) of str or None, default=None
        Projection of each panel.
    sharex : bool, default=False
        Whether the panels share the x axis.

    Returns
    -------
    figure : matplotlib Figure
    axes : ndarray of shape (n_rows, n_columns) of Axes
    """
    import matplotlib.pyplot as plt
    from matplotlib.gridspec import GridSpecFromSubplotSpec

    shape = (n_rows, n_columns)
    if projections is None:
        projections = np.full(shape, None)
    given = np.array([] if ax is None else ax, dtype=object).ravel()
    if given.size == len(projections.flat) and all(
        projection is None or one.name == projection
        for one, projection in zip(given, projections.flat, strict=True)
    ):
        return given[0].figure, given.reshape(shape)
    if given.size > 1:
        raise ValueError(
            f"ax must be one axes or {n_rows * n_columns} for this picture, got "
            f"{given.size}."
        )
    if given.size == 1:
        figure = given[0].figure
        given[0].set_axis_off()
        # The new axes stand where the old one stood.
        grid: Any = GridSpecFromSubplotSpec(
            n_rows,
            n_columns,
            subplot_spec=given[0].get_subplotspec(),
        )
    else:
        figure = plt.figure(figsize=size, layout="constrained")
        grid = figure.add_gridspec(n_rows, n_columns)
    axes: Any = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        first = axes[0, place[1]] if sharex and place[0] else None
        axes[place] = figure.add_subplot(
            grid[place], projection=projections[place], sharex=first
        )
        if sharex and place[0] < n_rows - 1:
            axes[place].tick_params(labelbottom=False)
    return figure, axes
