"""The displays of an inference: what they draw, also where estimates are infinite."""

import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning

from sk_logreg import BinaryLogisticRegression
from sk_logreg.displays import ForestDisplay, InfluenceDisplay, ProfileDisplay
from sk_logreg.inference import Inference
from tests.test_displays import assert_legible

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

ENDS = ["ci_low", "ci_high"]
CUTOFF = 0.5 * chi2.ppf(0.95, 1)


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def inference_of(X, y, sample_weight=None, level=0.95, covariance="auto", **params):
    model = BinaryLogisticRegression(**{"C": np.inf, "tol": 1e-12} | params)
    with warnings.catch_warnings():  # where the classes are separated
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y, sample_weight=sample_weight)
    return Inference.from_estimator(
        model, X, y, sample_weight=sample_weight, level=level, covariance=covariance
    )


@pytest.fixture(scope="module")
def cancer():
    """Return six standardized measurements of tumors, and their kind."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    measured = ["radius", "texture", "smoothness", "symmetry", "fractal dimension"]
    X = X[[f"mean {name}" for name in measured] + ["texture error"]]
    return (X - X.mean()) / X.std(), y.map({0: "malignant", 1: "benign"})


@pytest.fixture(scope="module")
def inference(cancer):
    return inference_of(*cancer)


@pytest.fixture(scope="module")
def separated_data():
    """Return data whose feature "rare" is 1 for rows of the class 1 only."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    X["rare"] = (rng.random(60) < 0.2).astype(float)
    y = (X["a"] + rng.logistic(size=60) > 0.0).astype(int)
    return X, y.where(X["rare"] == 0.0, 1)


@pytest.fixture(scope="module")
def separated(separated_data):
    return inference_of(*separated_data)


@pytest.fixture(scope="module")
def firth(separated_data):
    return inference_of(*separated_data, bias_reduction="firth")


def draw_forest(inference, **kwargs):
    return ForestDisplay.from_inference(inference, **kwargs)


def draw_profile(inference, **kwargs):
    return ProfileDisplay.from_inference(inference, inference.terms[1], **kwargs)


def draw_influence(inference, **kwargs):
    return InfluenceDisplay.from_inference(inference, **kwargs)


all_displays = pytest.mark.parametrize(
    "draw",
    [draw_forest, draw_profile, draw_influence],
    ids=lambda draw: draw.__name__[5:],
)


def texts(labels):
    return [label.get_text() for label in labels]


# ---------------------------------------------------------- behavior of all displays


@all_displays
@pytest.mark.parametrize("fit", ["inference", "separated", "firth"])
def test_figure_is_legible(draw, fit, request, tmp_path):
    display = draw(request.getfixturevalue(fit))
    display.figure_.savefig(tmp_path / "picture.png")
    assert (tmp_path / "picture.png").stat().st_size > 5000
    assert_legible(display)
    inside = display.figure_.bbox
    outside = [*getattr(display, "labels_", []), display.ax_.get_legend()]
    for artist in outside:
        if artist is not None:
            box = artist.get_window_extent()
            assert inside.x0 <= box.x0
            assert box.x1 <= inside.x1 + 0.5
            assert box.y1 <= inside.y1 + 0.5


@all_displays
def test_draws_into_the_given_axes(draw, inference):
    figure, (other, ax) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    display = draw(inference, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is figure
    assert not other.has_data()
    figure.draw_without_rendering()
    assert ax.get_position().width > 0.2
    assert other.get_position().width > 0.2


@all_displays
def test_second_plot_draws_a_new_figure(draw, inference):
    display = draw(inference)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first


@all_displays
def test_missing_matplotlib_raises_import_error(draw, inference, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"Display\.from_inference requires matplot"):
        draw(inference)


@pytest.mark.parametrize(
    ("display", "arguments"),
    [(ForestDisplay, ()), (ProfileDisplay, ("x0",)), (InfluenceDisplay, ())],
)
def test_other_objects_are_refused(display, arguments, cancer):
    model = BinaryLogisticRegression().fit(*cancer)
    with pytest.raises(TypeError, match=r"inference must be an Inference.* got Bin"):
        display.from_inference(model, *arguments)


def test_keywords_are_passed_to_matplotlib(inference):
    forest = draw_forest(inference, color="black", markersize=9.0)
    assert forest.points_[0].get_markersize() == 9.0
    assert forest.bars_[0].get_color().tolist() == [[0.0, 0.0, 0.0, 1.0]]
    assert draw_profile(inference, linewidth=5.0).profile_.get_linewidth() == 5.0
    for points in draw_influence(inference, alpha=0.5).points_:
        assert points.get_alpha() == 0.5


# ------------------------------------------------------------------- forest plots


def bars_of(display, place=0):
    """Return the ends of the bars of a model, by the row of its term."""
    segments = np.array(display.bars_[place].get_segments())
    return segments[:, :, 0], segments[:, 0, 1]


@pytest.mark.parametrize("odds_ratios", [False, True])
@pytest.mark.parametrize("intervals", ["wald", "profile"])
def test_estimates_and_intervals_are_drawn(inference, odds_ratios, intervals):
    display = draw_forest(inference, odds_ratios=odds_ratios, intervals=intervals)
    terms = inference.terms[1:]
    coef, ends = inference.table["coef"][terms], inference.table.loc[terms, ENDS]
    if intervals == "profile":
        ends = inference.profile_intervals(terms)
    change = np.exp if odds_ratios else np.asarray
    x, y = display.points_[0].get_data()
    np.testing.assert_allclose(x, change(coef))
    np.testing.assert_array_equal(y, np.arange(len(terms)))
    np.testing.assert_allclose(bars_of(display)[0], change(ends))
    assert texts(display.ax_.get_yticklabels()) == terms
    assert display.ax_.yaxis.get_inverted()  # the first term is at the top
    assert display.ax_.get_xscale() == ("log" if odds_ratios else "linear")
    assert display.reference_.get_xdata()[0] == (1.0 if odds_ratios else 0.0)
    label = display.ax_.get_xlabel()
    assert label.startswith("odds ratio" if odds_ratios else "coefficient")
    assert ("95 % profile" in label) == (intervals == "profile")
    assert all(len(arrows.get_xdata()) == 0 for arrows in display.arrows_)
    assert display.ax_.get_legend() is None


def test_numbers_of_one_model_are_on_the_right(inference):
    display = draw_forest(inference)
    row = inference.odds_ratios.loc["mean texture"]
    place = inference.terms.index("mean texture") - 1
    expected = "{:.3g} ({:.3g}, {:.3g})".format(*row)
    assert texts(display.labels_)[place] == expected
    frame = display.ax_.get_window_extent()
    for label in display.labels_:
        assert label.get_window_extent().x0 > frame.x1
    coefs = draw_forest(inference, odds_ratios=False, terms=["texture error"])
    assert coefs.labels_[0].get_text().startswith("−")


def test_terms_are_chosen_and_sorted(inference):
    chosen = ["texture error", "intercept", "mean radius"]
    display = draw_forest(inference, terms=chosen)
    assert texts(display.ax_.get_yticklabels()) == chosen
    one = draw_forest(inference, terms="mean radius")
    assert texts(one.ax_.get_yticklabels()) == ["mean radius"]
    every = draw_forest(inference, include_intercept=True, sort=True)
    order = inference.table["coef"].sort_values(ascending=False).index
    assert texts(every.ax_.get_yticklabels()) == order.tolist()


@pytest.mark.parametrize("odds_ratios", [False, True])
def test_infinite_ends_are_arrows_at_the_limits(separated, odds_ratios):
    row = separated.terms.index("rare") - 1
    display = draw_forest(separated, odds_ratios=odds_ratios)
    limits = display.ax_.get_xlim()
    for arrows, limit in zip(display.arrows_, limits, strict=True):
        assert arrows.get_xydata().tolist() == [[limit, row]]
    np.testing.assert_array_equal(bars_of(display)[0][row], limits)
    assert np.isnan(display.points_[0].get_xdata()[row])
    low = "0" if odds_ratios else "−∞"
    assert texts(display.labels_)[row] == f"∞ ({low}, ∞)"
    profile = draw_forest(separated, odds_ratios=odds_ratios, intervals="profile")
    left, right = profile.arrows_
    assert len(left.get_xdata()) == 0
    assert right.get_xdata().tolist() == [profile.ax_.get_xlim()[1]]


def test_an_odds_ratio_of_zero_is_an_arrow_to_the_left(separated_data):
    X, y = separated_data
    found = inference_of(X[["rare"]], 1 - y)
    display = draw_forest(found, intervals="profile")
    left, right = display.arrows_
    assert left.get_xdata().tolist() == [display.ax_.get_xlim()[0]]
    assert len(right.get_xdata()) == 0
    assert texts(display.labels_)[0].startswith("0 (0, ")


def test_undetermined_terms_are_named(separated_data):
    X, y = separated_data
    found = inference_of(X[["a", "b"]].assign(twice=2.0 * X["a"]), y)
    display = draw_forest(found)
    labels = texts(display.labels_)
    assert labels[0] == labels[2] == "undetermined"
    assert labels[1] != "undetermined"
    assert np.isnan(display.points_[0].get_xdata()).tolist() == [True, False, True]
    only = draw_forest(found, terms=["a"])  # nothing is finite
    assert np.isfinite(only.ax_.get_xlim()).all()


def test_several_models_side_by_side(separated, firth, separated_data):
    X, y = separated_data
    fewer = inference_of(X[["b", "a"]], y)
    models = {"likelihood": separated, "Firth": firth, "two features": fewer}
    display = draw_forest(models, sort=True)
    assert texts(display.ax_.get_yticklabels()) == ["rare", "a", "b"]
    assert texts(display.ax_.get_legend().get_texts()) == list(models)
    looks = {(line.get_color(), line.get_marker()) for line in display.points_}
    assert len({color for color, _ in looks}) == 3
    assert len({marker for _, marker in looks}) == 3
    rows = np.concatenate([bars_of(display, place)[1] for place in range(3)])
    assert len(rows) == 3 + 3 + 2  # a model without a term leaves its place empty
    assert np.diff(np.sort(rows)).min() > 0.1
    np.testing.assert_allclose(
        display.points_[2].get_xdata(), fewer.odds_ratios["odds_ratio"][["a", "b"]]
    )
    assert texts(display.labels_) == ["estimate: ∞"]


def test_a_model_with_none_of_the_terms(separated, separated_data):
    X, y = separated_data
    without = inference_of(X[["a"]], y)
    models = {"all": separated, "a": without}
    display = draw_forest(models, terms=["b"], intervals="profile")
    assert [len(line.get_xdata()) for line in display.points_] == [1, 0]


def test_long_logarithmic_axes(cancer):
    X, y = cancer
    found = inference_of(X * 1e-4, y)
    display = draw_forest(found)
    display.figure_.draw_without_rendering()
    assert_legible(display)
    huge = draw_forest(inference_of(X * 1e-7, y))  # odds ratios overflow
    assert np.isfinite(huge.ax_.get_xlim()).all()


def test_a_refitted_intercept_has_no_profile_interval(separated_data):
    found = inference_of(*separated_data, bias_reduction="flic")
    display = draw_forest(found, intervals="profile", include_intercept=True)
    ratio = found.odds_ratios["odds_ratio"]["intercept"]
    assert texts(display.labels_)[0] == f"{ratio:.3g}"


def test_a_penalty(cancer):
    found = inference_of(*cancer, C=0.1)
    np.testing.assert_allclose(
        bars_of(draw_forest(found, odds_ratios=False))[0], found.table[ENDS][1:]
    )
    with pytest.raises(ValueError, match="profile_intervals is not available"):
        draw_forest(found, intervals="profile")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"terms": ["radius"]}, r"terms has \['radius'\], which are not terms"),
        ({"terms": []}, "terms has"),
        (
            {"intervals": "likelihood"},
            r"intervals must be one of \['profile', 'wald'\]",
        ),
    ],
)
def test_wrong_arguments_of_a_forest_plot(inference, arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_forest(inference, **arguments)


def test_wrong_inferences_of_a_forest_plot(cancer, inference):
    other = inference_of(*cancer, level=0.9)
    with pytest.raises(ValueError, match=r"one level, got the levels \[0\.9, 0\.95\]"):
        draw_forest({"a": inference, "b": other})
    with pytest.raises(ValueError, match="one level"):
        draw_forest({})
    with pytest.raises(TypeError, match="or a dict of them, got str"):
        draw_forest({"a": inference, "b": "inference"})


# ------------------------------------------------------------------- profiles


@pytest.mark.parametrize("fit", ["inference", "firth"])
def test_profile_and_parabola(fit, request):
    found = request.getfixturevalue(fit)
    term = found.terms[-1]
    display = ProfileDisplay.from_inference(found, term, n_points=21)
    at, values = display.profile_.get_data()
    assert len(at) == 21
    assert (np.diff(at) > 0.0).all()
    np.testing.assert_allclose(values, found.profile(term, at), atol=1e-9)
    row = found.table.loc[term]
    at, parabola = display.wald_.get_data()
    expected = -((at - row["coef"]) ** 2) / (2.0 * row["std_err"] ** 2)
    np.testing.assert_allclose(parabola, expected)
    assert display.estimate_.get_xdata()[0] == row["coef"]
    assert values.max() == pytest.approx(0.0, abs=1e-9)
    assert display.arrow_ is None
    kind = "penalized log likelihood" if fit == "firth" else "log likelihood"
    assert display.ax_.get_ylabel().split("\n") == [kind, "below its maximum"]
    assert display.ax_.get_xlabel() == f"coefficient of {term}"


@pytest.mark.parametrize("level", [0.5, 0.95, 0.9999999])
@pytest.mark.parametrize("covariance", ["model", "HC1"])
def test_ends_of_intervals_are_where_curves_cross_the_cutoff(
    separated_data, level, covariance
):
    X, y = separated_data
    found = inference_of(X[["a", "b"]], y, level=level, covariance=covariance)
    display = ProfileDisplay.from_inference(found, "a")
    cutoff = 0.5 * chi2.ppf(level, 1)
    assert display.cutoff_.get_ydata()[0] == pytest.approx(-cutoff)
    profile, wald = (marks.get_xydata() for marks in display.marks_)
    np.testing.assert_allclose(profile[:, 0], found.profile_intervals(["a"]).iloc[0])
    np.testing.assert_allclose(wald[:, 0], found.table.loc["a", ENDS])
    np.testing.assert_allclose(profile[:, 1], -cutoff)
    np.testing.assert_allclose(found.profile("a", profile[:, 0]), -cutoff, rtol=1e-5)
    low, high = display.ax_.get_xlim()
    for x in (*profile[:, 0], *wald[:, 0]):
        assert low < x < high
    bottom, top = display.ax_.get_ylim()
    assert bottom < -cutoff
    assert top > 0.0


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_the_profile_of_an_infinite_estimate_has_an_arrow(separated_data, sign):
    X, y = separated_data
    found = inference_of(X.assign(rare=sign * X["rare"]), y)
    display = ProfileDisplay.from_inference(found, "rare")
    at, values = display.profile_.get_data()
    np.testing.assert_allclose(values, found.profile("rare", at), atol=1e-6)
    assert (sign * np.diff(values) > 0.0).all()
    end = -1 if sign > 0.0 else 0
    assert -0.1 * CUTOFF < values[end] < 0.0
    assert values[-1 - end] < -CUTOFF
    assert display.arrow_.get_xydata().tolist() == [[at[end], values[end]]]
    assert display.arrow_.get_marker() == (">" if sign > 0.0 else "<")
    assert display.wald_ is None
    assert display.estimate_ is None
    (marks,) = display.marks_
    finite = found.profile_intervals(["rare"]).to_numpy()
    np.testing.assert_allclose(marks.get_xdata(), finite[np.isfinite(finite)])
    legend = texts(display.ax_.get_legend().get_texts())
    assert len(legend) == 2
    assert "∞" in legend[0]


def test_the_profile_of_a_finite_estimate_beside_an_infinite_one(separated):
    display = ProfileDisplay.from_inference(separated, "a")
    at, values = display.profile_.get_data()
    np.testing.assert_allclose(values, separated.profile("a", at), atol=1e-6)
    assert display.arrow_ is None
    assert len(display.marks_) == 2


def test_the_profile_of_a_refitted_intercept_has_no_interval(separated_data):
    found = inference_of(*separated_data, bias_reduction="flic")
    display = ProfileDisplay.from_inference(found, "intercept")
    assert display.ax_.get_xlabel() == "intercept"
    assert np.isnan(display.profile_interval).all()
    assert len(display.marks_[0].get_xdata()) == 0
    assert texts(display.ax_.get_legend().get_texts())[0] == "profile"
    values = display.profile_.get_ydata()
    assert min(values[0], values[-1]) < -CUTOFF


def test_the_likelihood_of_shrunk_labels_is_named(separated_data):
    found = inference_of(*separated_data, bias_reduction="mdypl")
    display = ProfileDisplay.from_inference(found, "rare")
    assert "shrunk labels" in display.ax_.get_ylabel()


def test_wrong_arguments_of_a_profile(inference, separated_data, cancer):
    with pytest.raises(ValueError, match=r"terms has \['radius'\]"):
        ProfileDisplay.from_inference(inference, "radius")
    with pytest.raises(TypeError, match="term must be the name of a term"):
        ProfileDisplay.from_inference(inference, ["mean radius"])
    for n_points in (1, 2.5, True):
        with pytest.raises(ValueError, match="n_points must be an integer of at least"):
            draw_profile(inference, n_points=n_points)
    X, y = separated_data
    found = inference_of(X.assign(twice=2.0 * X["a"]), y)
    with pytest.raises(ValueError, match="term is 'a', which the data leave undeter"):
        ProfileDisplay.from_inference(found, "a")
    with pytest.raises(ValueError, match="is not available: with a penalty"):
        draw_profile(inference_of(*cancer, C=1.0))


# ------------------------------------------------------------------- influence


@pytest.mark.parametrize("residuals", ["pearson", "deviance"])
def test_influence_of_the_rows(cancer, inference, residuals):
    y = cancer[1].to_numpy()
    table = inference.diagnostics()
    display = draw_influence(inference, residuals=residuals)
    for label, points in zip(["benign", "malignant"], display.points_, strict=True):
        rows = table[y == label].sort_values("cooks_distance", ascending=False)
        np.testing.assert_allclose(
            points.get_offsets(), rows[["leverage", residuals]].to_numpy()
        )
    assert display.ax_.get_xlabel() == "leverage"
    assert residuals in display.ax_.get_ylabel().lower()
    legend = texts(display.ax_.get_legend().get_texts())
    assert legend[:2] == ["y = benign", "y = malignant"]
    assert legend[2].startswith("Cook's distance")


def test_areas_are_proportional_to_cooks_distance(inference):
    table = inference.diagnostics().set_index("leverage")
    found = []
    for points in draw_influence(inference).points_:
        (path,) = points.get_paths()  # of size 1
        corners = path.to_polygons(closed_only=True)[0]
        x, y = corners.T
        unit = 0.5 * abs(x[:-1] @ y[1:] - x[1:] @ y[:-1])
        distance = table.loc[points.get_offsets()[:, 0], "cooks_distance"]
        ratio = unit * points.get_sizes() / distance
        found.append(ratio[distance > 0.1 * table["cooks_distance"].max()])
    ratios = np.concatenate(found)
    np.testing.assert_allclose(ratios, ratios.mean(), rtol=0.01)


def test_classes_differ_in_color_and_marker(inference):
    first, second = draw_influence(inference).points_
    assert not np.array_equal(first.get_edgecolor(), second.get_edgecolor())
    shapes = [len(points.get_paths()[0].vertices) for points in (first, second)]
    assert shapes[0] != shapes[1]


def test_the_most_influential_rows_have_labels(cancer):
    X, y = cancer
    names = [f"patient {place}" for place in range(len(X))]
    found = inference_of(X.set_axis(names), y.set_axis(names))
    display = draw_influence(found, n_labels=8)
    largest = found.diagnostics()["cooks_distance"].nlargest(8).index
    assert texts(display.labels_) == largest.tolist()
    boxes = [label.get_window_extent() for label in display.labels_]
    frame = display.ax_.get_window_extent()
    for place, box in enumerate(boxes):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        assert not any(box.overlaps(other) for other in boxes[:place])
    assert draw_influence(found, n_labels=0).labels_ == []


def test_high_leverage_is_twice_the_mean(inference):
    display = draw_influence(inference)
    handles = display.ax_.get_legend().get_lines()
    mean = inference.diagnostics()["leverage"].mean()
    lines = [line for line in display.ax_.lines if line.get_linestyle() == "--"]
    assert lines[0].get_xdata()[0] == pytest.approx(2.0 * mean)
    assert len(handles) == 4


def test_rows_of_infinite_or_no_influence():
    display = InfluenceDisplay(
        leverage=np.array([0.1, 1.0, 0.2, np.nan]),
        residual=np.array([1.0, -1.0, 0.5, 0.5]),
        cooks_distance=np.array([0.5, np.inf, np.nan, np.inf]),
        index=list("abcd"),
        positive=np.array([True, False, True, True]),
    ).plot()
    assert texts(display.labels_) == ["b", "a"]
    assert display.points_[0].get_sizes()[0] > 100.0
    X = np.arange(-5.0, 6.0)[:, None] * 100.0
    nothing = draw_influence(inference_of(X, X[:, 0] > 0.0))
    assert nothing.labels_ == []


def test_soft_labels_and_weights():
    X = np.repeat(np.arange(6.0), 2)[:, None]
    y = np.tile([0.25, 0.75], 6) + 0.04 * X[:, 0]
    found = inference_of(X, y, sample_weight=np.full(12, 20.0), soft_labels=True)
    display = draw_influence(found)
    assert [len(points.get_offsets()) for points in display.points_] == [6, 6]
    assert texts(display.ax_.get_legend().get_texts())[:2] == ["y < 0.5", "y ≥ 0.5"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"residuals": "raw"}, r"residuals must be one of \['deviance', 'pearson'\]"),
        ({"n_labels": -1}, "n_labels must be an integer of at least 0, got -1"),
        ({"n_labels": "5"}, "n_labels must be an integer"),
    ],
)
def test_wrong_arguments_of_an_influence_plot(inference, arguments, message):
    with pytest.raises(ValueError, match=message):
        draw_influence(inference, **arguments)
