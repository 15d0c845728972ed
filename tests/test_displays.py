"""The displays: their data, their artists and the layout of their figures."""

import subprocess
import sys
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sk_logreg import BinaryLogisticRegression, BinaryLogisticRegressionCV
from sk_logreg.displays import (
    CoefficientDisplay,
    ConvergenceDisplay,
    CostSurface,
    CostSurfaceDisplay,
    LossCurveDisplay,
)
from sk_logreg.displays._style import SERIES, series_at
from sk_logreg.losses import LOSSES, CrossEntropy

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

BOTH = ["cross_entropy", "squared_error"]


def make_rows(n_samples=150, n_features=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_samples, n_features)) * np.arange(1, n_features + 1)
    z = X @ np.linspace(1.0, -1.0, n_features) + 0.5
    return X, np.where(z + rng.logistic(size=n_samples) > 0.0, "yes", "no")


def draw_losses(ax=None):
    return LossCurveDisplay.from_losses(ax=ax)


def draw_loss_of_estimator(ax=None):
    X, y = make_rows()
    model = BinaryLogisticRegression(loss="squared_error").fit(X, y)
    return LossCurveDisplay.from_estimator(model, X, y, ax=ax)


def draw_contours(ax=None):
    X, y = make_rows()
    return CostSurfaceDisplay.from_estimator(
        BinaryLogisticRegression().fit(X, y),
        X,
        y,
        losses=BOTH,
        grid_resolution=30,
        ax=ax,
    )


def draw_surfaces(ax=None):
    X, y = make_rows()
    return CostSurfaceDisplay.from_estimator(
        BinaryLogisticRegression().fit(X, y),
        X,
        y,
        losses=BOTH,
        directions=(0, "bias"),
        grid_resolution=30,
        kind="both",
        ax=ax,
    )


def draw_convergence(ax=None):
    X, y = make_rows(n_features=5)
    return ConvergenceDisplay.from_estimators(
        {loss: BinaryLogisticRegression(loss=loss).fit(X, y) for loss in BOTH}, ax=ax
    )


def draw_dots(ax=None):
    X, y = make_rows(n_features=40)
    return CoefficientDisplay.from_estimator(
        BinaryLogisticRegression().fit(X, y), max_features=12, ax=ax
    )


def draw_images(ax=None):
    X, y = load_digits(return_X_y=True)
    model = BinaryLogisticRegression(C=0.01).fit(X, y % 2)
    return CoefficientDisplay.from_images(model, X, y % 2, image_shape=(8, 8), ax=ax)


DRAW = [
    draw_losses,
    draw_loss_of_estimator,
    draw_contours,
    draw_surfaces,
    draw_convergence,
    draw_dots,
    draw_images,
]
all_displays = pytest.mark.parametrize("draw", DRAW, ids=lambda draw: draw.__name__[5:])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def outline(text, renderer):
    """Return the bounding rectangle of a text, rotated with the text."""
    angle, center = text.get_rotation(), text.get_window_extent(renderer)
    text.set_rotation(0.0)
    corners = text.get_window_extent(renderer).corners()[[0, 1, 3, 2]]
    text.set_rotation(angle)
    turn = matplotlib.transforms.Affine2D().translate(*-corners.mean(axis=0))
    turn.rotate_deg(angle).translate(*center.corners().mean(axis=0))
    return matplotlib.path.Path(turn.transform(corners), closed=True)


def assert_legible(display):
    """Assert that the texts along an axis lie in the figure and do not overlap."""
    renderer = display.figure_.canvas.get_renderer()
    low_corner, high_corner = display.figure_.bbox.get_points()
    for ax in np.ravel(display.ax_):
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            # `get_ticklabels` would move the labels of 3-D axes.
            ticks = axis.get_major_ticks()
            labels = [tick.label1 for tick in ticks if low <= tick.get_loc() <= high]
            outlines = [
                outline(text, renderer)
                for text in [*labels, axis.label]
                if text.get_visible() and text.get_text()
            ]
            assert not any(a.intersects_path(b) for a, b in combinations(outlines, 2))
            for one in outlines:
                assert (one.vertices >= low_corner).all()
                assert (one.vertices <= high_corner).all()


# ---------------------------------------------------------- behavior of all displays


@all_displays
@pytest.mark.parametrize("style", ["default", "dark_background"])
def test_figure_has_no_overlapping_texts(draw, style, tmp_path):
    with plt.style.context(style):
        display = draw()
        display.figure_.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000
    assert_legible(display)
    renderer = display.figure_.canvas.get_renderer()
    for ax in np.ravel(display.ax_):
        inside = display.figure_.bbox
        title = ax.title.get_window_extent(renderer)
        if ax.get_title():
            assert inside.y0 <= title.y0
            assert title.y1 <= inside.y1


@all_displays
def test_draws_into_the_given_axes(draw):
    figure, (other, ax) = plt.subplots(1, 2)
    display = draw(ax=ax)
    assert display.figure_ is figure
    box = ax.get_position()
    for drawn in np.ravel(display.ax_):
        assert drawn is not other
        assert box.x0 - 1e-9 <= drawn.get_position().x0
    assert not other.has_data()


@all_displays
def test_second_plot_draws_a_new_figure(draw):
    display = draw()
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


def test_keywords_are_passed_to_matplotlib():
    X, y = make_rows()
    model = BinaryLogisticRegression().fit(X, y)
    losses = LossCurveDisplay.from_losses(linewidth=5.0)
    curve = ConvergenceDisplay.from_estimator(model, x="reads", linewidth=5.0)
    for line in (*losses.lines_.flat, *curve.lines_):
        assert line.get_linewidth() == 5.0
    surface = CostSurfaceDisplay.from_estimator(
        model, X, y, grid_resolution=5, kind="both", alpha=0.5
    )
    assert surface.contours_[0].get_alpha() == surface.surfaces_[0].get_alpha() == 0.5
    dots = CoefficientDisplay.from_estimator(model, s=99.0)
    assert all((points.get_sizes() == 99.0).all() for points in dots.points_)
    images = CoefficientDisplay.from_images(
        model, X, y, image_shape=(1, 2), interpolation="bilinear"
    )
    assert images.images_[1].get_interpolation() == "bilinear"


def test_importing_the_displays_does_not_import_matplotlib():
    code = "import sys, sk_logreg.displays; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@all_displays
def test_missing_matplotlib_raises_import_error(draw, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Display\.from_\w+ requires matplotlib"):
        draw()


def test_wrong_number_of_axes():
    _, axes = plt.subplots(1, 2)
    with pytest.raises(ValueError, match="must be one axes or 3"):
        LossCurveDisplay.from_losses(ax=axes)


def test_axes_of_the_right_number_are_used():
    _, axes = plt.subplots(3, 1)
    assert LossCurveDisplay.from_losses(ax=axes).ax_.tolist() == axes.tolist()


# ------------------------------------------------------------------- colors


def test_losses_differ_in_line_style():
    for lines in draw_losses().lines_:
        assert len({line.get_linestyle() for line in lines}) == len(lines)


def test_more_lines_than_colors_differ_in_appearance():
    looks = [series_at(place) for place in range(4 * len(SERIES))]
    assert len(set(looks)) == len(looks)
    first = looks[: len(SERIES)]  # one line per color
    assert len({look.linestyle for look in first}) == len(SERIES)
    assert len({look.marker for look in first}) == len(SERIES)
    for one, other in pairwise(looks):
        assert one.marker != other.marker


# ------------------------------------------------------------------- loss curves


def test_loss_curves_show_value_gradient_and_curvature():
    display = draw_losses()
    for column, name in enumerate(LOSSES):
        z = display.lines_[0, column].get_xdata()
        for row, values in enumerate(
            (LOSSES[name].value, LOSSES[name].gradient, LOSSES[name].curvature)
        ):
            np.testing.assert_allclose(
                display.lines_[row, column].get_ydata(), values(z, np.ones(len(z)))
            )


def test_only_the_concave_region_of_the_squared_error_is_shaded():
    display = draw_losses()
    assert len(display.shades_) == 3
    extent = display.shades_[0].get_paths()[0].get_extents()
    step = display.margin[1] - display.margin[0]
    assert extent.x0 == display.margin[0]
    assert -np.log(2.0) - step <= extent.x1 <= -np.log(2.0)
    assert LossCurveDisplay.from_losses([CrossEntropy()]).shades_ == []


def test_histogram_counts_every_row():
    display = draw_loss_of_estimator()
    counts = [patch.get_height() for patch in display.ax_[3].patches]
    assert sum(counts) == len(display.rows) == 150
    X, y = make_rows()
    model = BinaryLogisticRegression(loss="squared_error").fit(X, y)
    assert (display.rows > 0.0).mean() == model.score(X, y)


def test_unknown_loss():
    with pytest.raises(ValueError, match="loss must be one of"):
        LossCurveDisplay.from_losses(["hinge"])


# ------------------------------------------------------------------- cost surfaces


@pytest.mark.parametrize("loss", BOTH)
@pytest.mark.parametrize(
    ("directions", "arguments"),
    [
        ("principal", {}),
        ((0, 2), {"absorb_bias": True}),
        ((1, "bias"), {"class_weight": "balanced"}),
        ((0, 1), {"fit_intercept": False}),
    ],
)
def test_cost_is_the_mean_of_the_losses(loss, directions, arguments):
    X, y = make_rows(n_features=3)
    sample_weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    model = BinaryLogisticRegression(loss=loss, **arguments)
    model.fit(X, y, sample_weight=sample_weight)
    display = CostSurfaceDisplay.from_estimator(
        model,
        X,
        y,
        sample_weight=sample_weight,
        directions=directions,
        grid_resolution=5,
    )
    (surface,) = display.surfaces
    assert surface.minimum[2] == pytest.approx(model.cost_, rel=1e-5)
    assert surface.cost.shape == (5, 5)
    if directions == "principal":
        np.testing.assert_allclose(surface.minimum[:2], 0.0, atol=1e-12)
        return
    places = [3 if which == "bias" else which for which in directions]
    coef = np.append(model.coef_[0], model.intercept_)
    np.testing.assert_allclose(surface.minimum[:2], coef[places])
    coef[places] = surface.first[1], surface.second[4]
    weights = sample_weight.copy()
    if "class_weight" in arguments:
        for label in np.unique(y):
            weights[y == label] /= weights[y == label].sum()
    values = LOSSES[loss].value(X @ coef[:3] + coef[3], y == "yes")
    expected = np.average(values, weights=weights)
    assert surface.cost[4, 1] == pytest.approx(expected, rel=1e-5)


def test_with_the_penalty_the_minimum_is_the_lowest_point():
    X, y = make_rows()
    model = BinaryLogisticRegression(C=0.01, absorb_bias=True).fit(X, y)
    for penalty in (False, True):
        display = CostSurfaceDisplay.from_estimator(
            model, X, y, directions=(0, 1), grid_resolution=50, penalty=penalty
        )
        (surface,) = display.surfaces
        assert (surface.minimum[2] < surface.cost.min()) == penalty
    expected = model.objective_ / (model.C * len(y))
    assert surface.minimum[2] == pytest.approx(expected, rel=1e-5)


def test_path_leads_from_zero_to_the_minimum():
    X, y = make_rows()
    model = BinaryLogisticRegression(fit_intercept=False).fit(X, y)
    display = CostSurfaceDisplay.from_estimator(
        model, X, y, directions=(0, 1), losses=BOTH, grid_resolution=5
    )
    for surface, line in zip(display.surfaces, display.paths_, strict=True):
        np.testing.assert_array_equal(surface.path[0, :2], 0.0)
        start = LOSSES[surface.loss].value([0.0], [1])[0]
        assert surface.path[0, 2] == pytest.approx(start, rel=1e-6)
        np.testing.assert_allclose(surface.path[-1], surface.minimum, rtol=1e-3)
        np.testing.assert_array_equal(line.get_xydata(), surface.path[:, :2])
    assert len(display.surfaces[0].path) == model.n_iter_[0] + 1


def test_only_the_cross_entropy_surface_is_convex():
    """Cross entropy is convex along every line of the grid; squared error is not."""
    X, y = make_rows(n_samples=60)
    model = BinaryLogisticRegression().fit(X, y)
    display = CostSurfaceDisplay.from_estimator(
        model, X, y, losses=BOTH, span=10.0, grid_resolution=41
    )
    convex, other = (np.diff(s.cost, n=2, axis=0) for s in display.surfaces)
    assert (convex > -1e-5).all()
    assert (other < -1e-4).any()


def test_the_limits_include_path_and_minimum():
    display = draw_contours()
    for surface in display.surfaces:
        for place, coordinates in enumerate((surface.first, surface.second)):
            marks = np.append(surface.path[:, place], surface.minimum[place])
            assert coordinates[0] < marks.min()
            assert marks.max() < coordinates[-1]


@pytest.mark.parametrize("turn", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
def test_a_surface_is_viewed_from_its_lowest_corner(turn):
    first, second = np.linspace([-0.005, -0.05], [0.005, 0.05], 7).T
    cost = 3.0 - turn[0] * 200.0 * first - turn[1] * 20.0 * second[:, None]
    points = np.zeros(3), np.zeros((1, 3))
    surface = CostSurface("cross_entropy", first, second, cost, *points)
    display = CostSurfaceDisplay(
        surfaces=[surface], axis_names=("1st principal direction",) * 2
    )
    azimuth = np.deg2rad(display.plot(kind="surface").ax_[0, 0].azim)
    assert (np.sign([np.cos(azimuth), np.sin(azimuth)]) == turn).all()
    display.figure_.canvas.draw()
    assert_legible(display)


def test_surfaces_are_the_same_for_sparse_and_single_precision():
    X, y = make_rows(n_features=4)
    X[np.abs(X) < 0.5] = 0.0
    model = BinaryLogisticRegression().fit(X, y)
    costs = [
        CostSurfaceDisplay.from_estimator(
            model, given, y, grid_resolution=5, limits=((-1, 1), (-2, 2))
        )
        .surfaces[0]
        .cost
        for given in (X, sparse.csr_array(X), np.asfortranarray(X, dtype=np.float32))
    ]
    np.testing.assert_allclose(costs[1], costs[0], rtol=1e-5)
    np.testing.assert_allclose(costs[2], costs[0], rtol=1e-4)


def test_principal_directions_of_many_coefficients():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 600))
    X[:, 7] *= 30.0
    X[:, 400] *= 20.0
    y = rng.random(80) < 0.5
    model = BinaryLogisticRegression(C=0.01).fit(X, y)
    display = CostSurfaceDisplay.from_estimator(model, X, y, grid_resolution=11)
    (surface,) = display.surfaces
    across, up = np.ptp(surface.first), np.ptp(surface.second)
    assert across < up  # the first direction is the steeper one


def test_many_rows_in_blocks_and_threads():
    X, y = make_rows(n_samples=40_000)
    model = BinaryLogisticRegression().fit(X, y)
    display = CostSurfaceDisplay.from_estimator(model, X, y, grid_resolution=10)
    assert display.surfaces[0].minimum[2] == pytest.approx(model.cost_, rel=1e-5)
    np.testing.assert_allclose(display.surfaces[0].path[-1, :2], 0.0, atol=1e-6)


def test_names_of_the_coordinates():
    pd = pytest.importorskip("pandas")
    X, y = make_rows()
    X = pd.DataFrame(X, columns=["size", "age"])
    model = BinaryLogisticRegression().fit(X, y)
    display = CostSurfaceDisplay.from_estimator(
        model, X, y, directions=("age", "bias"), grid_resolution=5, kind="surface"
    )
    assert display.axis_names == ("weight of age", "bias b")
    assert display.ax_[0, 0].get_xlabel() == "weight of age"
    assert display.contours_ == []
    assert len(display.surfaces_) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"directions": (0, 5)}, "no feature 5"),
        ({"directions": (0, 0)}, "two different"),
        ({"directions": ("age", 0)}, "not the name of a feature"),
        ({"directions": (0, "bias")}, "fit_intercept=False"),
        ({"directions": "steepest"}, "must be"),
        ({"kind": "map"}, "kind must be"),
    ],
)
def test_wrong_arguments_of_a_surface(arguments, message):
    X, y = make_rows()
    model = BinaryLogisticRegression(fit_intercept=False).fit(X, y)
    with pytest.raises(ValueError, match=message):
        CostSurfaceDisplay.from_estimator(
            model, X, y, **{"grid_resolution": 5, **arguments}
        )


def test_surface_of_unsuitable_estimator_or_labels_raises():
    X, y = make_rows()
    with pytest.raises(TypeError, match="last step"):
        CostSurfaceDisplay.from_estimator(make_pipeline(StandardScaler()), X, y)
    model = BinaryLogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="those of the fit"):
        CostSurfaceDisplay.from_estimator(model, X, y == "yes")
    one = BinaryLogisticRegression(fit_intercept=False).fit(X[:, :1], y)
    with pytest.raises(ValueError, match="needs two"):
        CostSurfaceDisplay.from_estimator(one, X[:, :1], y)


# ------------------------------------------------------------------- convergence


def test_gap_is_computed_from_the_history():
    X, y = make_rows(n_features=6)
    model = BinaryLogisticRegression().fit(X, y)
    display = ConvergenceDisplay.from_estimator(model)
    objective = np.array([record.objective for record in model.history_])
    gaps = (objective - objective.min()) / objective.min()
    drawn = display.lines_[0].get_ydata()
    shown = np.isfinite(drawn)
    assert shown.sum() >= 2
    np.testing.assert_allclose(drawn[shown], gaps[shown])
    assert np.isnan(drawn[-1])  # a logarithmic axis cannot show zero
    (mark,) = display.bounds_
    assert mark.get_ydata() == [model.optimality_gap_]
    assert mark.get_xdata() == [len(model.history_)]


@pytest.mark.parametrize("x", ["iteration", "reads", "seconds"])
@pytest.mark.parametrize("y", ["gradient", "rows"])
def test_columns_of_the_history_are_drawn(x, y):
    X, labels = make_rows(n_features=6)
    model = BinaryLogisticRegression().fit(X, labels)
    line = ConvergenceDisplay.from_estimator(model, x=x, y=y).lines_[0]
    column = {"gradient": "gradient_norm", "rows": "rows_used"}[y]
    expected = [getattr(record, column) for record in model.history_]
    np.testing.assert_array_equal(line.get_ydata(), expected)
    if x == "iteration":
        np.testing.assert_array_equal(line.get_xdata(), 1 + np.arange(len(expected)))
    else:
        expected = [getattr(record, x) for record in model.history_]
        np.testing.assert_array_equal(line.get_xdata(), expected)


def test_the_gap_on_a_sample_of_the_rows_is_not_drawn():
    history = {"objective": [9.0, 3.0, 2.0, 1.0], "rows_used": [10, 10, 50, 50]}
    display = ConvergenceDisplay.from_histories({"a": history}, optimum=0.5)
    np.testing.assert_array_equal(
        display.lines_[0].get_ydata(), [np.nan, np.nan, 3.0, 1.0]
    )


def test_starts_are_separated_by_breaks_in_the_line():
    X, y = make_rows()
    model = BinaryLogisticRegression(loss="squared_error", n_init=3, random_state=0)
    display = ConvergenceDisplay.from_estimator(model.fit(X, y))
    breaks = np.isnan(display.lines_[0].get_xdata()).sum()
    assert 1 <= breaks < len(model.starts_)


def test_several_displays_share_one_axes():
    _, ax = plt.subplots()
    X, y = make_rows()
    models = [BinaryLogisticRegression(C=C).fit(X, y) for C in (0.1, 10.0)]
    lines = [
        ConvergenceDisplay.from_estimator(model, name=f"C = {model.C}", ax=ax).lines_[0]
        for model in models
    ]
    assert len({line.get_color() for line in lines}) == 2
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["C = 0.1", "C = 10.0", "reported bound"]


@pytest.mark.parametrize(
    ("history", "arguments", "message"),
    [
        ({"seconds": [1.0]}, {}, "needs the column"),
        ({"objective": [1.0]}, {"x": "seconds"}, "no column for 'seconds'"),
        ({"objective": [1.0]}, {"y": "loss"}, "y must be one of"),
        ({"objective": [1.0], "reads": [1.0, 2.0]}, {}, "same length"),
    ],
)
def test_wrong_histories(history, arguments, message):
    with pytest.raises(ValueError, match=message):
        ConvergenceDisplay.from_histories({"a": history}, **arguments)


# ------------------------------------------------------------------- coefficients


def test_dots_are_the_largest_coefficients_sorted():
    X, y = make_rows(n_features=40)
    model = BinaryLogisticRegression().fit(X, y)
    display = CoefficientDisplay.from_estimator(model, max_features=12)
    values = np.concatenate([dots.get_offsets()[:, 0] for dots in display.points_])
    assert (np.diff(values) >= 0.0).all()
    largest = np.sort(np.abs(model.coef_[0]))[-12:]
    np.testing.assert_allclose(np.sort(np.abs(values)), largest)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == [f"x{j}" for j in display.order_]


def test_feature_names_of_a_pipeline():
    pd = pytest.importorskip("pandas")
    X, y = make_rows()
    X = pd.DataFrame(X, columns=["size", "age"])
    pipeline = make_pipeline(StandardScaler(), BinaryLogisticRegression()).fit(X, y)
    display = CoefficientDisplay.from_estimator(pipeline)
    labels = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert labels == ["age", "size"]


def test_images_are_the_means_and_the_coefficients():
    X, y = load_digits(return_X_y=True)
    y = y % 2
    model = BinaryLogisticRegression(C=0.01).fit(X, y)
    display = CoefficientDisplay.from_images(model, X, y, image_shape=(8, 8))
    zero, coef, one = (np.asarray(image.get_array()) for image in display.images_)
    np.testing.assert_allclose(coef, model.coef_.reshape(8, 8))
    means = np.array([X[y == label].mean(axis=0).reshape(8, 8) for label in (0, 1)])
    expected = (means - means.min()) / np.ptp(means)
    np.testing.assert_allclose([zero, one], expected)
    low, high = display.images_[1].get_clim()
    assert -low == high == np.abs(model.coef_).max()


def test_color_images():
    rng = np.random.default_rng(0)
    X, y = rng.uniform(size=(30, 4 * 5 * 3)), np.arange(30) % 2
    model = BinaryLogisticRegression().fit(X, y)
    display = CoefficientDisplay.from_images(model, X, y, image_shape=(4, 5, 3))
    picture = np.asarray(display.images_[1].get_array())
    assert picture.shape == (4, 5, 3)
    expected = 0.5 + 0.5 * model.coef_[0] / np.abs(model.coef_).max()
    np.testing.assert_allclose(picture.ravel(), expected)


def test_wrong_shapes():
    X, y = make_rows()
    model = BinaryLogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="do not agree"):
        CoefficientDisplay.from_images(model, X, y, image_shape=(8, 8))
    with pytest.raises(ValueError, match="3 names for 2 features"):
        CoefficientDisplay.from_estimator(model, feature_names=["a", "b", "c"])


def test_coefficients_of_a_sparsified_estimator():
    X, y = load_breast_cancer(return_X_y=True)
    model = BinaryLogisticRegression(l1_ratio=1.0).fit(X, y)
    dense = CoefficientDisplay.from_estimator(model).coef
    found = CoefficientDisplay.from_estimator(model.sparsify()).coef
    np.testing.assert_array_equal(found, dense)


def test_loss_curves_refuse_labels_that_are_not_those_of_the_fit():
    X, y = load_breast_cancer(return_X_y=True)
    model = BinaryLogisticRegression().fit(X, y)
    with pytest.raises(ValueError, match="y has the classes"):
        LossCurveDisplay.from_estimator(model, X, y + 1)


def test_loss_curves_of_dask_arrays():
    dask = pytest.importorskip("dask.array")
    X, y = load_breast_cancer(return_X_y=True)
    model = BinaryLogisticRegression().fit(X, y)
    lazy = dask.from_array(X, chunks=(200, 30)), dask.from_array(y, chunks=200)
    found = LossCurveDisplay.from_estimator(model, *lazy).rows
    expected = LossCurveDisplay.from_estimator(model, X, y).rows
    np.testing.assert_array_equal(found, expected)


def test_surface_of_a_search_is_that_of_its_choice():
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X[:, :2])
    search = BinaryLogisticRegressionCV(Cs=3, cv=3).fit(X, y)
    chosen = BinaryLogisticRegression(C=search.C_).fit(X, y)
    one, other = (
        CostSurfaceDisplay.from_estimator(model, X, y).surfaces[0]
        for model in (search, chosen)
    )
    np.testing.assert_allclose(one.minimum, other.minimum, atol=1e-6)
