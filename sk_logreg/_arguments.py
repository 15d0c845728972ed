"""Checks of arguments that have an entry per row or per feature."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from sk_logreg._arrays import Vector
from sk_logreg._compat import naming


def check_offset(offset: Any, n_samples: int) -> Vector | None:
    """Return an offset as float64; a ValueError if its shape or a value is wrong."""
    if offset is None:
        return None
    with naming("offset"):
        if np.ndim(offset) != 1:
            raise ValueError(_wrong_shape("offset", np.shape(offset), n_samples, "row"))
        values: Vector = check_array(
            to_float64(offset), ensure_2d=False, input_name="offset"
        )
    if len(values) != n_samples:
        raise ValueError(_wrong_shape("offset", values.shape, n_samples, "row"))
    return values


def to_float64(values: Any) -> NDArray[np.float64]:
    """Return real numbers as float64; a ValueError for text and complex numbers."""
    array = np.asarray(values)
    text = array.dtype.kind == "O" and any(isinstance(v, str | bytes) for v in array)
    if text or array.dtype.kind in "cmMSU":
        raise ValueError(f"Numbers are needed, got {array.dtype} values.")
    return array.astype(np.float64)


def per_feature(
    estimator: Any, name: str, n_features: int, *, default: float, least: float
) -> Vector | None:
    """Return an estimator's parameter that has a number per feature as an array.

    Features that are not in a dict get `default`. Raises a ValueError if a key is not
    the name of a feature, or the numbers have another shape, are not finite, or below
    `least`.
    """
    given = getattr(estimator, name)
    if given is None:
        return None
    values = _numbers(estimator, name, given, n_features, default)
    if not (np.isfinite(values).all() and (values >= least).all()):
        wanted = "finite" if least == -np.inf else f"finite and at least {least:g}"
        wrong = values[~(np.isfinite(values) & (values >= least))][0]
        raise ValueError(f"{name} must hold numbers that are {wanted}, got {wrong!r}.")
    return values


def column_parameters(estimator: Any, n_features: int) -> dict[str, Any]:
    """Return an estimator's penalty factors, penalty center and bounds by name."""
    return {
        "penalty_factor": per_feature(
            estimator, "penalty_factor", n_features, default=1.0, least=0.0
        ),
        "penalty_center": per_feature(
            estimator, "penalty_center", n_features, default=0.0, least=-np.inf
        ),
        "bounds": check_bounds(estimator, n_features),
    }


def check_bounds(estimator: Any, n_features: int) -> tuple[Vector, Vector] | None:
    """Return the least and the greatest weights, None if there are no bounds.

    Raises a ValueError if `bounds` is no pair, if an entry is wrong, or if a lower
    bound exceeds an upper one.
    """
    given = estimator.bounds
    if given is None:
        return None
    if len(given) != 2:
        raise ValueError(
            f"bounds must be a pair (lower, upper), but has {len(given)} entries."
        )
    lower, upper = (
        _bound(estimator, side, n_features, absent)
        for side, absent in zip(given, (-np.inf, np.inf), strict=True)
    )
    wrong = np.flatnonzero(lower > upper)
    if len(wrong):
        j = int(wrong[0])
        raise ValueError(
            f"bounds: the lower bound of feature {j}, {lower[j]:g}, exceeds the upper "
            f"one, {upper[j]:g}."
        )
    return lower, upper


def _bound(estimator: Any, given: Any, n_features: int, absent: float) -> Vector:
    """Return one side of the bounds as an array; `absent` where there is none."""
    if given is None:
        return np.full(n_features, absent)
    values = _numbers(estimator, "bounds", given, n_features, absent, scalar=True)
    if np.isnan(values).any() or (values == -absent).any():
        raise ValueError("bounds must hold numbers that some weight can satisfy.")
    return values


def _numbers(
    estimator: Any,
    name: str,
    given: Any,
    n_features: int,
    default: float,
    *,
    scalar: bool = False,
) -> Vector:
    """Return a number per feature, given as an array, by name or as a `scalar`."""
    if isinstance(given, dict):
        feature_names = getattr(estimator, "feature_names_in_", None)
        given = _by_name(name, given, feature_names, n_features, default)
    try:
        values = to_float64(given)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must hold numbers, got {given!r}.") from None
    if scalar and values.ndim == 0:
        values = np.full(n_features, float(values))
    if values.shape != (n_features,):
        raise ValueError(_wrong_shape(name, values.shape, n_features, "feature"))
    return values


def _by_name(
    name: str,
    given: dict[Any, Any],
    feature_names: NDArray[Any] | None,
    n_features: int,
    default: float,
) -> list[Any]:
    """Return the numbers of a dict in the order of the features."""
    if feature_names is None:
        raise ValueError(
            f"{name} is a dict by feature name, but X has no feature names. Pass an "
            f"array of shape ({n_features},), or X with names, such as a DataFrame."
        )
    known = dict.fromkeys(feature_names.tolist(), default)
    unknown = [key for key in given if key not in known]
    if unknown:
        raise ValueError(f"{name} has the keys {unknown}, which are not features of X.")
    return [given.get(feature, default) for feature in known]


def _wrong_shape(name: str, shape: tuple[int, ...], length: int, unit: str) -> str:
    """Return what is wrong with the shape of an argument."""
    return (
        f"{name} must have shape ({length},), one number per {unit} of X, but has "
        f"shape {shape}."
    )
