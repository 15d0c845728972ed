"""The folds of a cross-validation, over rows in memory or in partitions of dask."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold, check_cv

from sk_logreg._arrays import Indices, Matrix
from sk_logreg._dask import PartitionedData
from sk_logreg._design import Points, RowVector
from sk_logreg._design import _partition_folds as tasks
from sk_logreg._design import _products as products
from sk_logreg._design._partitioned_rows import PartitionedRows
from sk_logreg._design._partitioned_vectors import PartitionedVector
from sk_logreg._execution import ThreadExecutor
from sk_logreg._problem import Data
from sk_logreg._scores import NO_WEIGHT, Fold, Score, row_scores


class Folds(Protocol):
    """The folds of some data: what is fitted without each, and how it is scored.

    Attributes
    ----------
    concurrent : bool
        Whether folds may be fitted at the same time.
    """

    concurrent: ClassVar[bool]

    @property
    def data(self) -> Data:
        """All rows."""

    def __len__(self) -> int:
        """Return the number of folds."""

    def training(self, k: int) -> Data:
        """Return the rows that are fitted in a fold."""

    def class_counts(self) -> NDArray[np.intp]:
        """Return the numbers of training rows of positive weight in each class.

        Of shape (n_folds, 2); a soft label is in both classes.
        """

    def group(self) -> RowVector | None:
        """Return the fold that leaves each row out, the number of folds for none.

        None if a row is left out more than once, or a fold leaves out most rows.
        """

    def scores(self, coefs: NDArray[np.float64]) -> Matrix:
        """Return the scores of some coefficients for each fold.

        Of shape (n_folds, n_points), for coefficients of shape (n_folds, n_points,
        n_dof).
        """


# ------------------------------------------------------------------------- in memory


def take(data: Data, rows: Indices) -> Data:
    """Return the data of some rows."""

    def some(values: Any) -> Any:
        return None if values is None else values[rows]

    return replace(
        data,
        X=data.X[rows],
        signs=data.signs[rows],
        weights=data.weights if data.weights.size == 1 else data.weights[rows],
        offset=some(data.offset),
        p_other=some(data.p_other),
    )


@dataclass(frozen=True, eq=False)
class FoldsInMemory:
    """Folds of rows in memory; see `Folds`."""

    data: Data
    folds: Sequence[Fold]
    score: Score
    concurrent: ClassVar[bool] = True

    def __len__(self) -> int:
        return len(self.folds)

    def training(self, k: int) -> Data:
        return take(self.data, self.folds[k].train)

    def class_counts(self) -> NDArray[np.intp]:
        return np.array([rows_per_class(self.data, f.train) for f in self.folds])

    def group(self) -> RowVector | None:
        n_rows, n_folds = self.data.X.shape[0], len(self.folds)
        group, n_left_out = np.full(n_rows, n_folds), 0
        for k, fold in enumerate(self.folds):
            left_out = np.ones(n_rows, dtype=bool)
            left_out[fold.train] = False
            size = int(np.count_nonzero(left_out))
            if len(fold.train) + size != n_rows or not 0 < 2 * size <= n_rows:
                return None
            group[left_out] = k
            n_left_out += size
        divided = np.count_nonzero(group < n_folds) == n_left_out
        return RowVector(group) if divided else None

    def scores(self, coefs: NDArray[np.float64]) -> Matrix:
        pairs = zip(self.folds, coefs, strict=True)
        return np.array([self.score(fold, some) for fold, some in pairs])


def rows_per_class(data: Data, rows: Indices) -> NDArray[np.intp]:
    """Return the number of rows of positive weight in each class."""
    weighted = np.broadcast_to(data.weights, data.signs.shape)[rows] > 0.0
    signs = data.signs[rows]
    both = np.zeros(len(rows), bool) if data.p_other is None else data.p_other[rows] > 0
    members = [weighted & (both | (signs < 0)), weighted & (both | (signs > 0))]
    return np.array([np.count_nonzero(some) for some in members])


# --------------------------------------------------------------------- in partitions


def check_splitter(cv: Any) -> Any:
    """Return the splitter of rows in partitions; a ValueError if it cannot be one."""
    splitter = cv
    if not isinstance(cv, str):
        splitter = check_cv(cv, np.array([0, 1]), classifier=True)
    if type(splitter) not in (KFold, StratifiedKFold) or splitter.shuffle:
        raise ValueError(
            f"cv={cv!r} needs all rows in memory. For dask collections, cv must be an "
            "int, None, KFold or StratifiedKFold without shuffling: shuffle the rows "
            "before, if their order matters. Or pass X and y as arrays in memory, such "
            "as X.compute()."
        )
    return splitter


def _sizes(splitter: Any, counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the number of rows of each stratum in each fold, the strata first.

    The strata are in the order of their first rows. Those of more rows than folds get
    as many rows from the splitter as leave the same remainder: each full round of the
    rows adds one to each fold. So scikit-learn says what the folds are, and what is
    wrong with their number.
    """
    n_folds = splitter.get_n_splits()
    few = np.where(counts < n_folds, counts, n_folds + counts % n_folds)
    strata = np.repeat(np.arange(len(counts)), few)
    tests = [strata[test] for _, test in splitter.split(strata, strata)]
    sizes = np.array([np.bincount(test, minlength=len(counts)) for test in tests]).T
    added: NDArray[np.int64] = (counts - few) // n_folds
    return sizes + added[:, None]


@dataclass(frozen=True, eq=False)
class PartitionedFolds:
    """Folds of rows in partitions of dask; see `Folds`.

    Attributes
    ----------
    plain : PartitionedData
        The data without class weights.
    known : list
        For each fold, what is known of the rows without it, see `without_each_part`.
    totals : ndarray of shape (n_folds,)
        The sum of the weights of the test rows, without class weights.
    """

    data: PartitionedData
    plain: PartitionedData
    loss: str
    groups: PartitionedVector
    known: list[Any]
    totals: NDArray[np.float64]
    concurrent: ClassVar[bool] = False

    @classmethod
    def of(
        cls, data: PartitionedData, plain: PartitionedData, splitter: Any, loss: str
    ) -> "PartitionedFolds":
        """Return the folds of scikit-learn's KFold or StratifiedKFold, not shuffled."""
        rows, stratified = _rows(plain), isinstance(splitter, StratifiedKFold)
        [found], _ = rows.on_vectors(tasks.strata_part, (), (stratified,))
        counts = np.array([some for some, _ in found])
        first = int(np.concatenate([stratum for _, stratum in found])[0])
        order = [first, 1 - first] if counts[:, 1 - first].any() else [first]
        stops = np.zeros((2, splitter.get_n_splits()), dtype=np.int64)
        stops[order] = np.cumsum(_sizes(splitter, counts.sum(axis=0)[order]), axis=1)
        args = stratified, np.cumsum(counts, axis=0) - counts, stops
        [totals], handles = rows.on_vectors(tasks.group_part, (), args, keep=True)
        if not totals.all():
            raise ValueError(NO_WEIGHT)
        group = PartitionedVector(rows, handles)
        n_folds = len(totals)
        sums, _ = _rows(data).on_vectors(tasks.without_each_part, (group,), (n_folds,))
        known = [sums[k : k + 4] for k in range(0, len(sums), 4)]
        return cls(data, plain, loss, group, known, totals)

    def __len__(self) -> int:
        return len(self.totals)

    def training(self, k: int) -> Data:
        data, (counts, totals, least, _) = self.data, self.known[k]
        total = float(totals.sum())
        args = k, 1.0 / total
        _, states = _rows(data).on_vectors(
            tasks.without_part, (self.groups,), args, keep=True
        )
        facts = replace(
            data.facts,
            counts=counts,
            totals=totals / total,
            lightest=least.least / total,
        )
        scale = data.scale[0], data.scale[1] * total
        return replace(
            data, states=tuple(states), finish=None, facts=facts, scale=scale
        )

    def class_counts(self) -> NDArray[np.intp]:
        return np.array([members for *_, members in self.known])

    def group(self) -> RowVector | None:
        return self.groups

    def scores(self, coefs: NDArray[np.float64]) -> Matrix:
        function = partial(row_scores, self.loss)
        points = [Points.of(some.T, self.data.X.shape[1]) for some in coefs]
        calls = [[(point, function)] for point in points]
        sums = _rows(self.plain).read_groups(
            ThreadExecutor(), products.sums_of, self.groups, calls
        )
        found = np.array([sums[k, 0][0] for k in range(len(self))])
        return np.asarray(found / self.totals[:, None])


def _rows(data: PartitionedData) -> PartitionedRows:
    rows = data.rows(None, data.scale)
    assert isinstance(rows, PartitionedRows)
    return rows
