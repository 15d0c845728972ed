"""Dask collections as the data of a fit, and lazy predictions for them.

Dask is an optional dependency. It is imported only if an argument is one of its
collections.
"""

from sk_logreg._dask._collections import is_dask
from sk_logreg._dask._data import PartitionedData, look, partitioned_data
from sk_logreg._dask._lazy import delayed_parts, lazy_decision, lazy_frame, per_row

__all__ = [
    "PartitionedData",
    "delayed_parts",
    "is_dask",
    "lazy_decision",
    "lazy_frame",
    "look",
    "partitioned_data",
    "per_row",
]
