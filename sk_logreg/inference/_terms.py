"""Arguments of an inference: terms, levels and groups."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length, column_or_1d

from sk_logreg._arrays import Indices
from sk_logreg._compat import naming


def check_level(level: Any) -> float:
    """Return a confidence level; a ValueError unless it is between 0 and 1."""
    if not (isinstance(level, Real) and 0.0 < float(level) < 1.0):
        raise ValueError(f"level must be between 0 and 1, such as 0.95, got {level!r}.")
    return float(level)


def places_of(names: Any, terms: Sequence[str]) -> Indices:
    """Return the positions of terms, given a name or several."""
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in terms]
    if unknown or not names:
        raise ValueError(
            f"terms has {unknown}, which are not terms of the model. It has "
            f"{list(terms)}."
        )
    return np.array([terms.index(name) for name in names], dtype=np.intp)


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
    with naming("groups"):
        values = column_or_1d(groups)
    with naming("X and groups"):
        check_consistent_length(X, values)
    missing = values != values  # NaN
    if np.any(missing) or (values.dtype == object and None in values.tolist()):
        raise ValueError("groups must not hold missing values.")
    found, codes = np.unique(values, return_inverse=True)
    if len(found) < 2:
        raise ValueError("groups must hold at least 2 groups, got 1.")
    return codes.astype(np.intp)
