"""The cost over two coefficients, with the minimum and the way there."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from sk_logreg._estimator import BinaryLogisticRegression, coefficients_of
from sk_logreg.displays._iterates import fitted_problem
from sk_logreg.displays._plane import Plane
from sk_logreg.displays._style import (
    MAP,
    NAMES,
    check_matplotlib_support,
    draw_minimum,
    draw_path,
    panels,
)
from sk_logreg.displays._surfaces import (
    CostSurface,
    Directions,
    axis_names_of,
    azimuth_of,
    directions_of,
    surface_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Projections of the rows of panels.
_KINDS: dict[str, list[str | None]] = {
    "contour": [None],
    "surface": ["3d"],
    "both": [None, "3d"],
}


class CostSurfaceDisplay:
    """The cost J over two coefficients, or two directions, around a fitted minimum.

    Drawn as filled contours, as a surface in 3-D, or as both; for the estimator's loss
    or for several side by side, each around its own minimum, with the path of the
    iterates.

    Use :meth:`from_estimator` to make one.

    Parameters
    ----------
    surfaces : sequence of CostSurface
        The costs, one a loss.
    axis_names : tuple of two str
        Names of the two coordinates.

    Attributes
    ----------
    ax_ : ndarray of shape (n_kinds, n_losses) of matplotlib Axes
        The axes, a column a loss.
    figure_ : matplotlib Figure
        The figure.
    contours_ : list of matplotlib QuadContourSet
        The filled contours, one a loss.
    surfaces_ : list of matplotlib Poly3DCollection
        The surfaces, one a loss.
    paths_ : list of matplotlib Line2D
        The paths of the iterates.
    minima_ : list of matplotlib Line2D
        The marks of the minima.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sk_logreg import BinaryLogisticRegression
    >>> from sk_logreg.displays import CostSurfaceDisplay
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = BinaryLogisticRegression().fit(X[:, :1], y)
    >>> display = CostSurfaceDisplay.from_estimator(
    ...     model, X[:, :1], y, directions=(0, "bias"), grid_resolution=20
    ... )
    >>> display.surfaces[0].cost.shape
    (20, 20)
    """

    ax_: NDArray[Any]
    figure_: "Figure"
    contours_: list[Any]
    surfaces_: list[Any]
    paths_: list[Any]
    minima_: list[Any]

    def __init__(self, *, surfaces: Sequence[CostSurface], axis_names: tuple[str, str]):
        self.surfaces = list(surfaces)
        self.axis_names = axis_names

    @classmethod
    def from_estimator(
        cls,
        estimator: BinaryLogisticRegression,
        X: Any,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        offset: ArrayLike | None = None,
        directions: Directions = "principal",
        losses: Sequence[str] | None = None,
        limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
        span: float = 6.0,
        grid_resolution: int = 100,
        penalty: bool = False,
        kind: str = "contour",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw the cost around the minimum of a fitted estimator.

        Parameters
        ----------
        estimator : BinaryLogisticRegression
            A fitted estimator.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The examples that it was fitted to.
        y : array-like of shape (n_samples,)
            Their labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Their weights.
        offset : array-like of shape (n_samples,), default=None
            Their offset.
        directions : "principal" or tuple of two int or str, default="principal"
            Two coefficients, by index or name of the feature, or ``"bias"``; the
            others stay as fitted. ``"principal"``: the two directions of largest
            curvature, eigenvectors of the Hessian at the estimator's minimum, with
            coordinates from the minimum of each loss.
        losses : sequence of str, default=None
            The losses to draw side by side. A clone of the estimator is fitted to each
            that is not its own. None for the estimator's own.
        limits : tuple of two tuples of float, default=None
            Smallest and largest coordinate, to the right and upwards. None shows the
            minimum, the path, and `span` around the minimum.
        span : float, default=6.0
            How far around the minimum to go, in steps that change z by 1, in root mean
            square over the rows.
        grid_resolution : int, default=100
            Number of grid points along each coordinate.
        penalty : bool, default=False
            Whether to add the penalty, so that what is drawn is the objective F
            divided by C and the sum of the weights.
        kind : {"contour", "surface", "both"}, default="contour"
            What to draw.
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw. One axes gives up its place to several. None makes a figure.
        **kwargs : dict
            Passed on to :meth:`plot`.

        Returns
        -------
        CostSurfaceDisplay
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if not isinstance(estimator, BinaryLogisticRegression):
            raise TypeError(
                "The estimator must be a BinaryLogisticRegression. Of a pipeline, pass "
                "the last step, and X as transformed by the steps before."
            )
        losses = [estimator.loss] if losses is None else list(losses)
        surfaces = []
        with fitted_problem(estimator, X, y, sample_weight, offset) as problem:
            axes = directions_of(estimator, problem, directions)
        for loss in losses:
            own = estimator
            if loss != estimator.loss:
                own = clone(estimator).set_params(loss=loss)
                own.fit(X, y, sample_weight=sample_weight, offset=offset)
            with fitted_problem(own, X, y, sample_weight, offset) as problem:
                origin = coefficients_of(own)
                if directions != "principal":
                    # The coordinates are the coefficients themselves.
                    origin = np.where(axes.any(axis=0), 0.0, origin)
                surfaces.append(
                    surface_of(
                        own,
                        problem,
                        Plane(origin, *axes),
                        limits=limits,
                        span=span,
                        grid_resolution=grid_resolution,
                        penalty=penalty,
                    )
                )
        display = cls(
            surfaces=surfaces, axis_names=axis_names_of(estimator, directions)
        )
        return display.plot(kind=kind, ax=ax, **kwargs)

    def plot(
        self,
        *,
        kind: str = "contour",
        path: bool = True,
        ax: Any = None,
        cmap: Any = MAP,
        levels: int = 16,
        **kwargs: Any,
    ) -> Self:
        """Draw the costs.

        Parameters
        ----------
        kind : {"contour", "surface", "both"}, default="contour"
            Filled contours, a surface in 3-D, or the first above the second.
        path : bool, default=True
            Whether to draw the path of the iterates.
        ax : matplotlib Axes or array-like of Axes, default=None
            Where to draw. One axes gives up its place to several. None makes a figure.
        cmap : str or matplotlib Colormap, default="cividis"
            Colours of the cost.
        levels : int, default=16
            Number of contours; they lie closer near the minimum.
        **kwargs : dict
            Passed on to matplotlib's `contourf` and `plot_surface`.

        Returns
        -------
        CostSurfaceDisplay
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {list(_KINDS)}, got {kind!r}.")
        projections = _KINDS[kind]
        shape = (len(projections), len(self.surfaces))
        self.figure_, self.ax_ = panels(
            ax,
            *shape,
            size=(5.6 * shape[1], 4.6 * shape[0]),
            projections=np.repeat(np.array([projections], dtype=object).T, shape[1], 1),
        )
        self.contours_, self.surfaces_, self.paths_, self.minima_ = [], [], [], []
        for place in np.ndindex(shape):
            one: Any = self.ax_[place]
            surface, solid = self.surfaces[place[1]], projections[place[0]] is not None
            if solid:
                self._solid(one, surface, cmap=cmap, **kwargs)
            else:
                self._contour(one, surface, cmap=cmap, n_levels=levels, **kwargs)
            coordinates = slice(0, 3 if solid else 2)
            if path:
                self.paths_.append(draw_path(one, surface.path[:, coordinates]))
            self.minima_.append(draw_minimum(one, surface.minimum[coordinates]))
            one.set_title(NAMES.get(surface.loss, surface.loss))
            one.set_xlabel(self.axis_names[0])
            one.set_ylabel(self.axis_names[1])
        return self

    def _contour(
        self, ax: "Axes", surface: CostSurface, *, n_levels: int, **kwargs: Any
    ) -> None:
        from matplotlib.colors import PowerNorm

        low, high = _range(surface)
        levels = low + (high - low) * np.linspace(0.0, 1.0, n_levels) ** 2
        style: dict[str, Any] = {"levels": levels, "norm": PowerNorm(0.5, low, high)}
        grid = surface.first, surface.second, surface.cost
        contours = ax.contourf(*grid, **style | kwargs)
        lines: dict[str, Any] = {
            "levels": levels,
            "colors": "white",
            "linewidths": 0.4,
            "alpha": 0.5,
        }
        ax.contour(*grid, **lines)
        self.contours_.append(contours)
        bar = ax.figure.colorbar(contours, ax=ax, format="%.2g")
        bar.ax.set_title("J")

    def _solid(self, ax: Any, surface: CostSurface, **kwargs: Any) -> None:
        from matplotlib.colors import PowerNorm

        style = {
            "norm": PowerNorm(0.5, *_range(surface)),
            "rcount": 60,
            "ccount": 60,
            "linewidth": 0.0,
            "antialiased": False,
            "alpha": 0.9,
        }
        grid = np.meshgrid(surface.first, surface.second)
        self.surfaces_.append(ax.plot_surface(*grid, surface.cost, **style | kwargs))
        ax.set_zlabel("J")
        ax.view_init(azim=azimuth_of(self.surfaces))
        ax.locator_params(nbins=5)
        ax.set_box_aspect(None, zoom=0.86)  # room for the labels
        ax.xaxis.labelpad = ax.yaxis.labelpad = 13.0


def _range(surface: CostSurface) -> tuple[float, float]:
    """Return the smallest and largest cost to tell apart by colour."""
    low = min(float(surface.cost.min()), float(surface.minimum[2]))
    high = float(surface.cost.max())
    return low, high if high > low else low + 1.0
