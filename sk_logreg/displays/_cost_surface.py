"""A display of the cost over two coefficients, with the minimum and the iterates."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sk_logreg._compat import check_matplotlib_support
from sk_logreg._cv import chosen_model
from sk_logreg._estimator import BinaryLogisticRegression
from sk_logreg._fit import coefficients_of
from sk_logreg.displays._iterates import fitted_problem
from sk_logreg.displays._style import MAP, NAMES, panels
from sk_logreg.displays._surfaces import (
    CostSurface,
    Directions,
    Plane,
    directions_of,
    surface_of,
)

if TYPE_CHECKING:
    from matplotlib.colors import PowerNorm
    from matplotlib.lines import Line2D

# Projections of the rows of panels.
_KINDS: dict[str, list[str | None]] = {
    "contour": [None],
    "surface": ["3d"],
    "both": [None, "3d"],
}
# The path and the minimum are white with a black edge, visible on any color.
_WHITE: dict[str, Any] = {"color": "white", "markeredgecolor": "black"}
_PATH = _WHITE | {"label": "iterates", "zorder": 10, "marker": "o", "markersize": 4.5}
_MINIMUM = _WHITE | {"label": "minimum", "zorder": 11, "marker": "*", "markersize": 14}


@dataclass(kw_only=True, eq=False, repr=False)
class CostSurfaceDisplay:
    """The cost J over two coefficients, or two directions, around a fitted minimum.

    It is drawn as filled contours, as a surface in 3-D, or as both, for the loss of the
    estimator or for several losses side by side. Each is drawn around its own minimum,
    with the path of the iterates.

    Use :meth:`from_estimator` to create one.

    Parameters
    ----------
    surfaces : sequence of CostSurface
        The costs, one per loss.
    axis_names : tuple of two str
        Names of the two coordinates.

    Attributes
    ----------
    ax_ : ndarray of shape (n_kinds, n_losses) of matplotlib Axes
        The axes, one column per loss.
    figure_ : matplotlib Figure
        The figure.
    contours_ : list of matplotlib QuadContourSet
        The filled contours, one per loss.
    surfaces_ : list of matplotlib Poly3DCollection
        The surfaces, one per loss.
    paths_ : list of matplotlib Line2D
        The paths of the iterates.
    minima_ : list of matplotlib Line2D
        The markers of the minima.

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

    surfaces: Sequence[CostSurface]
    axis_names: tuple[str, str]

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
            Their offsets.
        directions : "principal" or tuple of two int or str, default="principal"
            Two coefficients, by the index or name of the feature, or ``"bias"``; the
            others keep their fitted values. ``"principal"``: the two directions of
            largest curvature, which are eigenvectors of the Hessian at the estimator's
            minimum. The coordinates are then relative to the minimum of each loss.
        losses : sequence of str, default=None
            The losses to draw side by side. For each loss other than the estimator's
            own, a clone of the estimator is fitted. By default the estimator's own.
        limits : tuple of two tuples of float, default=None
            Smallest and largest coordinate, horizontal and vertical. By default the
            limits include the path, and `span` on each side of the minimum.
        span : float, default=6.0
            Distance drawn around the minimum, in steps that change z by 1 in root mean
            square over the rows.
        grid_resolution : int, default=100
            Number of grid points along each coordinate.
        penalty : bool, default=False
            Whether to add the penalty. The surface is then that of the objective F,
            divided by C and the sum of the weights.
        kind : {"contour", "surface", "both"}, default="contour"
            Filled contours, a surface in 3-D, or the first above the second.
        ax : matplotlib Axes or array-like of Axes, default=None
            Axes to draw on. One axes is replaced by several. By default a new figure.
        **kwargs : dict
            Passed to :meth:`plot`.

        Returns
        -------
        CostSurfaceDisplay

        Raises
        ------
        TypeError
            If the estimator is not a `BinaryLogisticRegression`.
        ValueError
            If an argument is invalid, if the model has fewer than two coefficients, or
            if y does not have the labels of the fit.
        """
        check_matplotlib_support(f"{cls.__name__}.from_estimator")
        if not isinstance(estimator, BinaryLogisticRegression):
            raise TypeError(
                "The estimator must be a BinaryLogisticRegression. Of a pipeline, pass "
                "the last step, and X as transformed by the steps before."
            )
        check_is_fitted(estimator)
        estimator = chosen_model(estimator)
        losses = [estimator.loss] if losses is None else list(losses)
        surfaces = []
        with fitted_problem(estimator, X, y, sample_weight, offset) as problem:
            axes, names = directions_of(estimator, problem.objective, directions)
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
                surface = surface_of(
                    own,
                    problem,
                    Plane(origin, axes),
                    limits=limits,
                    span=span,
                    grid_resolution=grid_resolution,
                    penalty=penalty,
                )
            surfaces.append(surface)
        return cls(surfaces=surfaces, axis_names=names).plot(kind=kind, ax=ax, **kwargs)

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
            Axes to draw on. One axes is replaced by several. By default a new figure.
        cmap : str or matplotlib Colormap, default="cividis"
            Colors of the cost.
        levels : int, default=16
            Number of contours; they are closer together near the minimum.
        **kwargs : dict
            Passed to matplotlib's `contourf` and `plot_surface`.

        Returns
        -------
        CostSurfaceDisplay

        Raises
        ------
        ValueError
            If `kind` is unknown.
        """
        check_matplotlib_support(f"{type(self).__name__}.plot")
        from matplotlib.patheffects import Normal, Stroke

        if kind not in _KINDS:
            raise ValueError(f"kind must be one of {list(_KINDS)}, got {kind!r}.")
        projections = _KINDS[kind]
        shape = (len(projections), len(self.surfaces))
        size = 5.6 * shape[1], 4.6 * shape[0]
        self.figure_, self.ax_ = panels(ax, *shape, size=size, projections=projections)
        edge = [Stroke(linewidth=3.4, foreground="black"), Normal()]
        self.contours_: list[Any] = []
        self.surfaces_: list[Any] = []
        self.paths_: list[Line2D] = []
        self.minima_: list[Line2D] = []
        for row, column in np.ndindex(shape):
            one: Any = self.ax_[row, column]
            surface = self.surfaces[column]
            if projections[row] is None:
                n_coordinates = 2
                self._contour(one, surface, cmap=cmap, n_levels=levels, **kwargs)
            else:
                n_coordinates = 3
                self._solid(one, surface, cmap=cmap, **kwargs)
            if path:
                points = surface.path[:, :n_coordinates].T
                self.paths_ += one.plot(*points, **_PATH, lw=1.6, path_effects=edge)
            point = surface.minimum[:n_coordinates, None]
            self.minima_ += one.plot(*point, **_MINIMUM, linestyle="none")
            one.set_title(NAMES.get(surface.loss, surface.loss))
            one.set(xlabel=self.axis_names[0], ylabel=self.axis_names[1])
        return self

    def _contour(
        self, ax: Any, surface: CostSurface, *, n_levels: int, **kwargs: Any
    ) -> None:
        grid, norm = (surface.first, surface.second, surface.cost), _norm(surface)
        levels = norm.inverse(np.linspace(0.0, 1.0, n_levels))
        contours = ax.contourf(*grid, **{"levels": levels, "norm": norm} | kwargs)
        ax.contour(*grid, levels=levels, colors="white", linewidths=0.4, alpha=0.5)
        self.contours_.append(contours)
        bar = ax.figure.colorbar(contours, ax=ax, format="%.2g")
        bar.ax.set_title("J")

    def _solid(self, ax: Any, surface: CostSurface, **kwargs: Any) -> None:
        style = {
            "norm": _norm(surface),
            "rcount": 60,
            "ccount": 60,
            "linewidth": 0.0,
            "antialiased": False,
            "alpha": 0.9,
        }
        grid = np.meshgrid(surface.first, surface.second)
        self.surfaces_.append(ax.plot_surface(*grid, surface.cost, **style | kwargs))
        ax.set_zlabel("J")
        ax.view_init(azim=self._azimuth())
        ax.locator_params(nbins=5)
        ax.set_box_aspect(None, zoom=0.86)  # room for the labels
        ax.xaxis.labelpad = ax.yaxis.labelpad = 13.0

    def _azimuth(self) -> float:
        """Return the azimuth at which the lowest corner of the surfaces is in front."""
        corners = [0, -1, -1, 0], [-1, -1, 0, 0]
        heights = [one.cost[corners] / one.cost.max() for one in self.surfaces]
        return -60.0 + 90.0 * int(np.sum(heights, axis=0).argmin())


def _norm(surface: CostSurface) -> "PowerNorm":
    """Return the color scale from the smallest to the largest cost."""
    from matplotlib.colors import PowerNorm

    low = min(float(surface.cost.min()), float(surface.minimum[2]))
    high = float(surface.cost.max())
    return PowerNorm(0.5, low, high if high > low else low + 1.0)
