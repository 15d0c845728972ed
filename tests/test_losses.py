"""The losses: accuracy of values and derivatives, also at extreme margins."""

import mpmath
import numpy as np
import pytest
from _reference import LOSSES as NAMES

from sk_logreg.losses import LOSSES, CrossEntropy, SquaredError

EPS = np.finfo(np.float64).eps
FAR = np.array([-800.0, -750.0, -700.0, -40.0, -37.0, -36.0])
Z = np.concatenate([FAR, np.linspace(-20, 20, 161), -FAR, [1e-300, -1e-9, 1e-9]])

every_loss = pytest.mark.parametrize("name", NAMES)
textbook = pytest.mark.parametrize("name", ["cross_entropy", "squared_error"])
bounded = pytest.mark.parametrize(
    "name", [name for name in NAMES if LOSSES[name].curvature_bound is not None]
)
every_label = pytest.mark.parametrize("y", [0, 1])


def exact(name, z, y):
    """Return the loss and its first two derivatives, to 50 digits."""
    with mpmath.workdps(50 + 350):  # 350 digits for cancellation in 1 - σ(z)
        p = 1 / (1 + mpmath.exp(-mpmath.mpf(float(z))))
        if name == "cross_entropy":
            value = -mpmath.log(p if y == 1 else 1 - p)
            return value, p - y, p * (1 - p)
        slope_of_p = p * (1 - p)
        curvature = slope_of_p**2 + (p - y) * slope_of_p * (1 - 2 * p)
        return (p - y) ** 2 / 2, (p - y) * slope_of_p, curvature


def relative_error(approximate, exact):
    return float(abs(mpmath.mpf(float(approximate)) - exact) / abs(exact))


@textbook
@every_label
def test_against_mpmath(name, y):
    loss, tiny = LOSSES[name], np.finfo(np.float64).tiny
    labels = np.full(len(Z), y)
    found = zip(
        loss.value(Z, labels),
        loss.gradient(Z, labels),
        loss.curvature(Z, labels),
        strict=True,
    )
    for z, parts in zip(Z, found, strict=True):
        for k, (part, true) in enumerate(zip(parts, exact(name, z, y), strict=True)):
            if abs(true) < 4 * tiny:
                assert abs(part) <= 4 * tiny
            elif name == "squared_error" and k == 2:
                # The curvature is zero at the inflection point, where its terms cancel.
                scale = max(abs(true), abs(exact(name, z, y)[1]))
                assert abs(part - true) <= 16 * EPS * scale
            else:
                assert relative_error(part, true) <= 8 * EPS


@every_loss
@every_label
def test_derivatives_match_finite_differences(name, y):
    loss, z, step = LOSSES[name], np.linspace(-8, 8, 65), 1e-5
    labels = np.full(len(z), y)
    slope = (loss.value(z + step, labels) - loss.value(z - step, labels)) / (2 * step)
    np.testing.assert_allclose(loss.gradient(z, labels), slope, rtol=1e-6, atol=1e-9)
    bend = (loss.gradient(z + step, labels) - loss.gradient(z - step, labels)) / (
        2 * step
    )
    np.testing.assert_allclose(loss.curvature(z, labels), bend, rtol=1e-6, atol=1e-9)


@every_loss
def test_symmetry_of_the_labels(name):
    loss, ones, zeros = LOSSES[name], np.ones(len(Z)), np.zeros(len(Z))
    np.testing.assert_array_equal(loss.value(Z, ones), loss.value(-Z, zeros))
    np.testing.assert_array_equal(loss.gradient(Z, ones), -loss.gradient(-Z, zeros))
    np.testing.assert_array_equal(loss.curvature(Z, ones), loss.curvature(-Z, zeros))


@every_loss
def test_at_margin_is_the_loss_of_a_positive_label(name):
    loss, ones = LOSSES[name], np.ones(len(Z))
    value, slope, curvature = loss.at_margin(Z.copy())
    np.testing.assert_array_equal(value, loss.value(Z, ones))
    np.testing.assert_array_equal(slope, loss.gradient(Z, ones))
    np.testing.assert_array_equal(curvature, loss.curvature(Z, ones))
    for part, alone in zip((slope, curvature), loss.derivatives(Z), strict=True):
        np.testing.assert_array_equal(part, alone)


@textbook
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.longdouble])
def test_extreme_margins_in_every_precision(name, dtype):
    far = np.geomspace(2, 1e30, 15, dtype=dtype) * np.log(np.finfo(dtype).max)
    value, slope, curvature = LOSSES[name].at_margin(np.append(-far, far))
    lost, won = np.split(value, 2)
    np.testing.assert_array_equal(lost, far if name == "cross_entropy" else 0.5)
    np.testing.assert_array_equal(won, 0.0)
    np.testing.assert_array_equal(curvature, 0.0)
    for part in (value, slope, curvature):
        assert np.isfinite(part).all()
        assert part.dtype == dtype


@every_loss
@every_label
def test_declared_properties_of_the_curvature_hold(name, y):
    loss, z = LOSSES[name], np.linspace(-30, 30, 1001)
    margin = (2 * y - 1) * z
    curvature = loss.curvature(z, np.full(len(z), y))
    if loss.convex:
        assert (curvature >= 0).all()
    if loss.least_curvature is not None:
        assert curvature.min() >= loss.least_curvature
    if loss.convex_from is not None:
        assert (curvature[margin >= loss.convex_from] >= -EPS).all()
    assert loss.convex or loss.dual is None


@every_loss
def test_losses_decrease_with_the_margin(name):
    value, slope, _ = LOSSES[name].at_margin(np.linspace(-30, 30, 1001))
    assert (np.diff(value) < 0).all()
    assert (slope < 0).all()


@bounded
def test_the_bound_of_the_curvature_is_tight(name):
    loss = LOSSES[name]
    curvature = loss.at_margin(np.linspace(-10, 10, 200_001)).curvature
    assert curvature.max() <= loss.curvature_bound
    assert curvature.max() >= loss.curvature_bound * (1 - 1e-3)


def test_cross_entropy_at_extreme_margins():
    loss = CrossEntropy()
    z = [800.0, -800.0, 1e308, -1e308]
    np.testing.assert_array_equal(loss.value(z, [0, 1, 0, 1]), np.abs(z))
    np.testing.assert_array_equal(loss.value(z, [1, 0, 1, 0]), 0.0)
    np.testing.assert_array_equal(loss.gradient(z, [0, 1, 0, 1]), [1, -1, 1, -1])
    np.testing.assert_array_equal(loss.gradient(z, [1, 0, 1, 0]), 0.0)
    np.testing.assert_array_equal(loss.curvature(z, [1, 1, 0, 0]), 0.0)
    assert loss.value(0.0, 1) == np.log(2)
    assert loss.curvature(0.0, 0) == 0.25


def test_cross_entropy_is_convex():
    assert CrossEntropy.convex
    curvature = CrossEntropy().at_margin(Z.copy()).curvature
    assert (curvature >= 0).all()
    assert curvature.max() <= 0.25


def test_squared_error_at_known_values():
    loss = SquaredError()
    assert loss.value(0.0, 1) == 1 / 8
    assert loss.gradient(0.0, 1) == -1 / 8
    assert loss.curvature(0.0, 0) == 1 / 16
    np.testing.assert_array_equal(loss.value([800.0, -800.0], [0, 1]), 0.5)
    np.testing.assert_array_equal(loss.value([800.0, -800.0], [1, 0]), 0.0)
    assert (loss.value(Z, np.ones(len(Z))) <= 0.5).all()


def test_curvature_of_the_squared_error():
    assert not SquaredError.convex
    margins = np.linspace(-40, 40, 400_001)
    curvature = SquaredError().at_margin(margins).curvature
    assert curvature.min() == pytest.approx(-0.06010, abs=1e-5)
    assert curvature.max() == pytest.approx(0.07703, abs=1e-5)
    assert curvature.min() >= -0.0602
    assert curvature.max() <= 0.07703
    near = np.abs(margins + np.log(2)) < 1e-12
    concave = margins < -np.log(2)
    assert (curvature[concave & ~near] < 0).all()
    assert (curvature[~concave & ~near] > 0).all()
    slope = SquaredError().at_margin(margins).slope
    assert np.abs(slope).max() == pytest.approx(4 / 27, rel=1e-6)


@every_loss
@pytest.mark.parametrize("y", [[0, 2], [-1, 1], [0, 0.5], [0, np.nan]])
def test_labels_other_than_0_and_1_raise(name, y):
    for method in ("value", "gradient", "curvature"):
        with pytest.raises(ValueError, match="0 and 1"):
            getattr(LOSSES[name], method)([0.3, 0.7], y)


@every_loss
def test_shapes_and_types(name):
    loss = LOSSES[name]
    for method in (loss.value, loss.gradient, loss.curvature):
        assert method(np.zeros(3, np.float32), np.array([0, 1, 1])).dtype == np.float32
        assert method([0, 1, 2], [True, False, True]).dtype == np.float64
        assert method(np.zeros((2, 3)), np.ones((2, 3))).shape == (2, 3)
        assert np.shape(method(0.5, 1)) == ()


@every_loss
def test_losses_do_not_change_their_arguments(name):
    z, y = Z.copy(), np.ones(len(Z))
    for method in ("value", "gradient", "curvature"):
        getattr(LOSSES[name], method)(z, y)
    LOSSES[name].at_margin(z)
    np.testing.assert_array_equal(z, Z)


@every_loss
def test_name_and_representation(name):
    assert LOSSES[name].name == name
    assert repr(LOSSES[name]) == f"{type(LOSSES[name]).__name__}()"
