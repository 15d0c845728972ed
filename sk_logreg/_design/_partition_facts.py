"""What is known of all rows in partitions, without reading them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Vector
from sk_logreg._design._base import Dimensions
from sk_logreg._design._costs import BLOCK_SIZES, PARTITION_SIZES, Costs
from sk_logreg._design._partition_tasks import View


@dataclass(frozen=True, eq=False)
class Facts:
    """What is known of all rows of a partitioned problem.

    Attributes
    ----------
    starts : ndarray of shape (n_partitions + 1,)
        The number of rows before each partition, and that of all rows.
    counts, totals : ndarray of shape (2,)
        Number and sum of the weights of the rows of positive weight with sign -1 and 1.
    lightest : float
        The smallest weight that is not zero.
    look : {ndarray, CSR matrix}
        A few rows, spread over all of positive weight, all columns as they are.
    stored : tuple of float, or None
        If X is sparse: how many values are stored, and how many pairs of them are in
        the same row.
    """

    starts: Indices
    counts: NDArray[np.int64]
    totals: Vector
    lightest: float
    has_offset: bool
    has_soft_labels: bool
    look: Any
    stored: tuple[float, float] | None = None

    def without_features(self) -> "Facts":
        """Return what is known of the rows with one feature, which is zero."""
        return replace(self, look=np.zeros((self.look.shape[0], 1)), stored=None)


class PartitionedDimensions(Dimensions):
    """The dimensions of X in partitions."""

    def __init__(self, facts: Facts, view: View):
        self.n_samples = int(facts.starts[-1])
        chosen = view.chosen
        self.n_features = view.n_features if chosen is None else len(chosen)
        self.sizes = BLOCK_SIZES
        share, stored = self.n_features / max(1, view.n_features), facts.stored
        if stored is not None:
            stored = stored[0] * share, stored[1] * share**2
        self.costs, n_bytes = _dimensions(self.n_samples, self.n_features, stored)
        # All columns are gathered, also where some or none are chosen.
        _, gathered = _dimensions(self.n_samples, view.n_features, facts.stored)
        most = PARTITION_SIZES.sample_bytes
        self.sample_share = min(1.0, most / max(1.0, gathered))
        #: Whether all rows have room in a sample.
        self.is_small = n_bytes <= most


def _dimensions(
    n_samples: int, n_features: int, stored: tuple[float, float] | None
) -> tuple[Costs, float]:
    """Return the costs of X, and its bytes.

    If X is sparse, `stored` says how many values are stored, and how many pairs of them
    are in the same row.
    """
    if stored is None:
        n_values = n_samples * n_features
        return Costs.of_dense(n_values, n_features), 8.0 * n_values
    values, pairs = stored
    per_value = pairs / max(1.0, values)
    return Costs.of_sparse(int(values), per_value), 16.0 * values
