"""Arguments of an inference: terms, levels and groups."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Indices, Vector
from sk_logreg._compat import import_pandas, naming


def check_level(level: Any) -> float:
    """Return a confidence level as a float.

    Raises a ValueError unless it is between 0 and 1.
    """
    if not (isinstance(level, Real) and 0.0 < float(level) < 1.0):
        raise ValueError(f"level must be between 0 and 1, such as 0.95, got {level!r}.")
    return float(level)


def places_of(names: Any, terms: Sequence[str]) -> Indices:
    """Return the positions of terms, given a name or several."""
    alone = isinstance(names, str) or not isinstance(names, Iterable)
    names = [names] if alone else list(names)
    unknown = [name for name in names if name not in terms]
    if unknown or not names:
        raise ValueError(
            f"terms has {unknown}, which are not terms of the model. It has "
            f"{list(terms)}."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"terms names a term twice: {names}.")
    return np.array([terms.index(name) for name in names], dtype=np.intp)


def check_values(values: Any) -> Vector:
    """Return values of a coefficient as float64.

    Raises a ValueError unless they are a list of finite numbers.
    """
    try:
        found = to_float64(values)
    except (TypeError, ValueError):
        raise ValueError(f"values must hold numbers, got {values!r}.") from None
    if found.ndim != 1 or not len(found) or not np.isfinite(found).all():
        raise ValueError(f"values must be a list of finite numbers, got {values!r}.")
    return found


def index_of(X: Any) -> Any:
    """Return the index of the rows of a DataFrame, None for other arrays."""
    return getattr(X, "index", None) if hasattr(X, "iloc") else None


def group_codes(groups: Any, covariance: str, X: Any) -> Indices | None:
    """Return the number of the group of each row, None without groups."""
    if (groups is None) != (covariance != "cluster"):
        raise ValueError(
            "covariance='cluster' needs groups, the group of each row."
            if groups is None
            else f"groups are for covariance='cluster', but it is {covariance!r}."
        )
    if groups is None:
        return None
    if np.ndim(groups) != 1:
        raise ValueError(
            f"groups must have shape (n_samples,), but has shape {np.shape(groups)}."
        )
    with naming("X and groups"):
        check_consistent_length(X, groups)
    codes, _ = import_pandas("Inference").factorize(np.asarray(groups))
    if (codes < 0).any():
        raise ValueError("groups must not hold missing values.")
    return np.asarray(codes, dtype=np.intp)


def used_groups(codes: Indices, used: NDArray[np.bool_]) -> Indices:
    """Return the numbers of the groups, counted over the rows that are used.

    A ValueError if these are in fewer than 2 groups.
    """
    found, numbers = np.unique(codes[used], return_inverse=True)
    if len(found) < 2:
        raise ValueError(
            "groups must hold at least 2 groups of rows with positive weight, got "
            f"{len(found)}."
        )
    again = np.zeros_like(codes)
    again[used] = numbers
    return again
