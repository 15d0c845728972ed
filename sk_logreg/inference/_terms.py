"""Arguments of an inference: terms, levels and groups."""

from collections.abc import Iterable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Indices, Vector
from sk_logreg._compat import naming
from sk_logreg._dask import is_dask
from sk_logreg._design import Clusters, Rows, RowVector
from sk_logreg._design._clusters import numbered


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
    """Return the index of the rows of a DataFrame, None for arrays.

    That of a dask data frame is an empty one of the same type.
    """
    frame = getattr(X, "_meta", None) if is_dask(X) else X
    return getattr(frame, "index", None) if hasattr(frame, "iloc") else None


def check_groups(groups: Any, covariance: str) -> None:
    """Raise a ValueError unless there are groups if and only if they are needed."""
    if (groups is None) != (covariance != "cluster"):
        raise ValueError(
            "covariance='cluster' needs groups, the group of each row."
            if groups is None
            else f"groups are for covariance='cluster', but it is {covariance!r}."
        )


def clusters_in_memory(groups: Any, X: Any, rows: Rows) -> Clusters | None:
    """Return the clusters of the rows of X, None without groups."""
    if groups is None:
        return None
    if np.ndim(groups) != 1:
        raise ValueError(
            f"groups must have shape (n_samples,), but has shape {np.shape(groups)}."
        )
    with naming("X and groups"):
        check_consistent_length(X, groups)
    labels, codes = numbered(groups, rows.weights > 0.0)
    return Clusters(
        RowVector(codes.astype(np.float64)), np.zeros(len(labels), dtype=bool)
    )
