"""Clusters of rows: their numbers, and the Gram matrix of sums over them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Indices, Matrix, Vector
from sk_logreg._compat import import_pandas
from sk_logreg._design._costs import BLOCK_SIZES
from sk_logreg._design._vectors import RowVector

if TYPE_CHECKING:
    from sk_logreg._design._rows import Rows


@dataclass(frozen=True, eq=False)
class Clusters:
    """The cluster of each row.

    Attributes
    ----------
    codes : RowVector
        The number of the cluster of each row; any of a row without weight.
    spread : ndarray of shape (n_clusters,) of bool
        Whether a cluster has rows in several partitions.
    """

    codes: RowVector
    spread: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class ClusterSums:
    """Sums over some clusters, by their numbers in ascending order; can be added.

    Attributes
    ----------
    codes : ndarray of shape (n_some,)
    sums : ndarray of shape (n_some, n_columns)
    """

    codes: Indices
    sums: Matrix

    def __add__(self, other: "ClusterSums") -> "ClusterSums":
        codes = np.union1d(self.codes, other.codes)
        sums = np.zeros((len(codes), self.sums.shape[1]))
        for part in (self, other):
            sums[np.searchsorted(codes, part.codes)] += part.sums
        return ClusterSums(codes, sums)


def numbered(groups: Any, used: NDArray[np.bool_]) -> tuple[NDArray[Any], Indices]:
    """Return the different labels of the rows that are used, and which each row has.

    The number of a row that is not used is 0. A ValueError if a label is missing.
    """
    codes, labels = import_pandas("Inference").factorize(np.asarray(groups))
    if (codes < 0).any():
        raise ValueError("groups must not hold missing values.")
    found, of_used = np.unique(codes[used], return_inverse=True)
    numbers = np.zeros(len(codes), dtype=np.intp)
    numbers[used] = of_used
    return labels[found], numbers


def cluster_gram(
    rows: "Rows", u: Vector, codes: Vector, spread: NDArray[np.bool_]
) -> tuple[Matrix, ClusterSums]:
    """Return the Gram matrix of Xᵀ u over each cluster, and u for the bias.

    Of the clusters that are not spread over partitions; the sums over the others are
    returned. The rows are read in the order of the clusters, some at a time.
    """
    n_columns = rows.design.n_features + 1
    gram = np.zeros((n_columns, n_columns))
    apart = [ClusterSums(np.zeros(0, dtype=np.intp), np.zeros((0, n_columns)))]
    for found, sums in _sums_of_clusters(rows, u, codes.astype(np.intp)):
        away = spread[found]
        if away.any():
            apart.append(ClusterSums(found[away], sums[away]))
            sums = sums[~away]
        gram += sums.T @ sums
    of_spread = ClusterSums(
        np.concatenate([part.codes for part in apart]),
        np.concatenate([part.sums for part in apart]),
    )
    return gram, of_spread


def _sums_of_clusters(
    rows: "Rows", u: Vector, codes: Indices
) -> Iterator[tuple[Indices, Matrix]]:
    """Yield the numbers of some clusters and their sums, the clusters in order."""
    every = np.arange(rows.design.n_features)
    order = np.argsort(codes, kind="stable")
    codes, u = codes[order], u[order]
    step = max(1, BLOCK_SIZES.copied_values // (1 + len(every)))
    last, carried = codes[:0], np.zeros((0, 1 + len(every)))
    for start in range(0, len(codes), step):
        some = slice(start, start + step)
        values = rows.dense(order[some], every)
        scores = np.column_stack([values, np.ones(len(values))]) * u[some, None]
        # Where a cluster begins; the first may be that of the rows before.
        begins = np.flatnonzero(np.diff(codes[some], prepend=-1))
        found, sums = codes[some][begins], np.add.reduceat(scores, begins)
        if np.array_equal(last, found[:1]):
            sums[:1] += carried
        else:
            found, sums = np.append(last, found), np.vstack([carried, sums])
        yield found[:-1], sums[:-1]
        last, carried = found[-1:], sums[-1:]
    yield last, carried
