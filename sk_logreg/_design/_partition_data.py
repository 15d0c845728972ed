"""What a fit has to know of the partitions of its data, found in one pass over them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import assert_all_finite, check_array

from sk_logreg._arguments import to_float64
from sk_logreg._arrays import Indices, Vector
from sk_logreg._compat import naming
from sk_logreg._design._clusters import numbered
from sk_logreg._design._coordinates import spread_rows
from sk_logreg._design._partition_sums import Result
from sk_logreg._design._partition_tasks import matrix_of
from sk_logreg._design._vectors import RowPart
from sk_logreg._labels import checked_probabilities, divided_labels, shrunk_by

# Maximum number of different labels that a partition reports: two are allowed.
_MAX_LABELS = 1000


@dataclass(frozen=True)
class Layout:
    """Which arguments the blocks of a partition are of.

    Attributes
    ----------
    names : tuple of str
        The arguments of the first blocks.
    packed : tuple of str
        Those of the entries of the last block, which is then a tuple.
    """

    names: tuple[str, ...]
    packed: tuple[str, ...] = ()

    def blocks(self, blocks: list[Any]) -> dict[str, Any]:
        """Return the blocks by the names of the arguments."""
        found = dict(zip(self.names, blocks, strict=False))
        if self.packed:
            *_, last = blocks
            found |= dict(zip(self.packed, last, strict=True))
        return found


class Raw(NamedTuple):
    """The entries of the rows of a partition, before the classes are known."""

    codes: NDArray[np.int8] | None
    q: Vector | None
    s: Vector | None
    offset: Vector | None
    groups: Indices | None
    n_rows: int


@dataclass(frozen=True, eq=False)
class Summary:
    """What a partition reports.

    Attributes
    ----------
    error : str or None
        What is wrong with it.
    labels : ndarray
        Its different labels; empty with soft labels.
    counts, least, largest, totals : ndarray
        For each label, the number of rows of positive weight, the least sample weight
        of these, the largest, and the sum of the sample weights in units of `unit`.
        With soft labels, for the labels 0 and 1.
    unit : float
        The largest sample weight, 1 if that is 0.
    soft : tuple of bool
        Whether some soft label is not 0, not 1, and neither.
    weighted : bool
        Whether some sample weight is not one.
    groups : ndarray
        The different groups of the rows of positive weight.
    stored : tuple of float, or None
        If X is sparse: how many values are stored, and how many pairs of them are in
        the same row.
    """

    n_rows: int
    error: str | None = None
    labels: NDArray[Any] = field(default_factory=lambda: np.zeros(0))
    counts: Vector = field(default_factory=lambda: np.zeros(0))
    least: Vector = field(default_factory=lambda: np.zeros(0))
    largest: Vector = field(default_factory=lambda: np.zeros(0))
    totals: Vector = field(default_factory=lambda: np.zeros(0))
    unit: float = 1.0
    soft: tuple[bool, bool, bool] = (False, False, False)
    weighted: bool = False
    groups: NDArray[Any] = field(default_factory=lambda: np.zeros(0))
    has_offset: bool = False
    look: Any = None
    stored: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Summarize:
    """Checks a partition, reports on it and keeps what has an entry per row."""

    layout: Layout
    dtype: np.dtype[Any]
    n_features: int
    soft_labels: bool
    n_look: int
    weight: float | None

    def __call__(self, i: int, blocks: Any) -> Result:
        given = self.layout.blocks(blocks)
        n_rows = _length(given["X"])
        try:
            with np.errstate(all="ignore"):
                summary, raw = self._summary(given, n_rows)
        except (TypeError, ValueError) as error:
            raw, summary = None, Summary(n_rows, f"Partition {i}: {error}")
        return Result([[summary]], raw)

    def _summary(self, given: Any, n_rows: int) -> tuple[Summary, Raw]:
        for name, block in given.items():
            if _length(block) != n_rows:
                raise ValueError(
                    f"{name} has {_length(block)} rows, but X has {n_rows}. Give X, y "
                    "and what else has an entry per row the same partitions."
                )
        with naming("X"):
            X: Any = matrix_of(given["X"], self.dtype)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(
                f"X has blocks of shape {X.shape}, but {self.n_features} columns."
            )
        s, offset = _numbers(given, "sample_weight"), _numbers(given, "offset")
        if s is None and self.weight is not None:
            s = np.full(n_rows, self.weight)
        q, codes, soft = None, None, (False, False, False)
        with naming("y"):
            y = _labels(given["y"])
            if self.soft_labels:
                q = checked_probabilities(y)
                labels, soft = np.array([0, 1]), _kinds(q)
            else:
                labels, codes = _encoded(y)
        of_labels = _weights_of(codes, q, s, n_rows, len(labels))
        stored = None
        if sparse.issparse(X):
            stored = _stored(X)
        look = X[spread_rows(X, np.ones(1) if s is None else s, self.n_look)]
        weighted = s is not None and bool((s != 1.0).any())
        known, groups = np.zeros(0), None
        if "groups" in given:
            used = np.ones(n_rows, dtype=bool) if s is None else s > 0.0
            known, groups = numbered(given["groups"], used)
        has_offset = offset is not None
        parts = labels, *of_labels, soft, weighted, known, has_offset, look, stored
        return Summary(n_rows, None, *parts), Raw(codes, q, s, offset, groups, n_rows)


def _stored(X: Any) -> tuple[float, float]:
    """Return how many values are stored, and how many pairs of them share a row."""
    per_row = np.diff(X.indptr).astype(np.float64)
    return float(per_row.sum()), float(np.square(per_row).sum())


def _length(block: Any) -> int:
    return int(block.shape[0])


def _numbers(given: dict[str, Any], name: str) -> Vector | None:
    """Return a block of sample weights or offsets, checked."""
    if name not in given:
        return None
    with naming(name):
        values = to_float64(given[name])
    if values.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got {values.ndim}.")
    options: Any = {"ensure_2d": False, "ensure_min_samples": 0, "input_name": name}
    negative = name == "sample_weight" and len(values) > 0
    checked: Vector = check_array(values, ensure_non_negative=negative, **options)
    return checked


def _labels(block: Any) -> NDArray[Any]:
    """Return a block of labels as an array, checked."""
    if hasattr(block, "isna") and block.isna().any():
        raise ValueError("y contains missing values.")
    labels = np.asarray(block)
    if labels.ndim != 1:
        raise ValueError(f"y must have one dimension, got {labels.ndim}.")
    if labels.dtype.kind == "c":
        raise ValueError("y has complex numbers.")
    assert_all_finite(labels, input_name="y")
    return labels


def _encoded(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int8] | None]:
    """Return the different labels of a partition, sorted, and which each row has.

    None if there are more than two.
    """
    if not len(y):
        return y, np.zeros(0, dtype=np.int8)
    if y.dtype.kind in "biufO":
        low, high = y.min(), y.max()
        is_high = np.asarray(y == high, dtype=bool)
        if low == high:
            return y[:1], np.zeros(len(y), dtype=np.int8)
        if (is_high | np.asarray(y == low, dtype=bool)).all():
            return np.array([low, high], dtype=y.dtype), is_high.view(np.int8)
    labels, codes = np.unique(y, return_inverse=True)
    if len(labels) > 2:
        return labels[:_MAX_LABELS], None
    return labels, codes.astype(np.int8)


@dataclass(frozen=True, eq=False)
class Number:
    """Keeps the number of the group of each row among those of all partitions.

    Attributes
    ----------
    numbers : list of ndarray
        The number of each group of each partition.
    """

    numbers: list[Indices]

    def __call__(self, i: int, blocks: Any, result: Result) -> Result:
        del blocks
        groups, numbers = result.held.groups, self.numbers[i]
        # Without rows of positive weight, no group has a number.
        codes = numbers[groups] if len(numbers) else np.zeros_like(groups)
        return Result([], [codes.astype(np.float64)])


def _kinds(q: Vector) -> tuple[bool, bool, bool]:
    """Return whether some soft labels are not 0, not 1, and neither."""
    some, not_one = q != 0.0, q != 1.0
    return bool(some.any()), bool(not_one.any()), bool((some & not_one).any())


def _weights_of(
    codes: NDArray[np.int8] | None,
    q: Vector | None,
    s: Vector | None,
    n_rows: int,
    n_labels: int,
) -> tuple[Vector, Vector, Vector, Vector, float]:
    """Return the counts of rows, the least and largest weights, the sums, per label.

    The sums are in a unit, the largest weight of the partition, which is returned too:
    a sum of huge weights would overflow.
    """
    counts, largest, totals = (np.zeros(n_labels) for _ in range(3))
    least = np.full(n_labels, np.inf)
    if codes is None and q is None:
        return counts, least, largest, totals, 1.0
    if codes is not None and s is None:
        n_high = np.count_nonzero(codes)
        counts[:] = [n_rows - n_high, n_high][:n_labels]
        some = (counts > 0.0).astype(np.float64)
        return counts, np.where(some, 1.0, np.inf), some, counts, 1.0
    weights = np.ones(n_rows) if s is None else s
    unit = float(weights.max(initial=0.0)) or 1.0
    for k in range(n_labels):
        share = None if q is None else q if k else 1.0 - q
        part = weights[codes == k] if share is None else weights * share
        counts[k] = np.count_nonzero(part)
        least[k] = part.min(initial=np.inf, where=part > 0.0)
        largest[k] = part.max(initial=0.0)
        totals[k] = (part / unit).sum()
    return counts, least, largest, totals, unit


@dataclass(frozen=True, eq=False)
class Finish:
    """Turns what is kept of a partition into the entries of its rows.

    Attributes
    ----------
    signs : ndarray of shape (n_partitions, 2), of int8
        The sign of each label of each partition.
    per_class : ndarray of shape (2,) or None
        The weights of the classes.
    scale : tuple of float
        The largest weight, and the sum of all relative to it.
    is_soft : bool
        Whether some label is a probability between 0 and 1.
    shrunk : float or None
        The share by which the labels are shrunk toward one half.
    """

    signs: NDArray[np.int8]
    per_class: Vector | None
    scale: tuple[float, float]
    is_soft: bool
    shrunk: float | None

    def __call__(self, i: int, raw: Raw) -> RowPart:
        weights, signs, p_other = self._weights(i, raw)
        weights = np.broadcast_to(self.scaled(weights), (raw.n_rows,))
        if self.shrunk is not None:
            p_other = shrunk_by(self.shrunk, p_other, raw.n_rows)
        return RowPart(signs, weights, raw.offset, p_other)

    def scaled(self, weights: Vector) -> Vector:
        """Return weights of sum one."""
        largest, total = self.scale
        return weights / largest / total

    def _weights(
        self, i: int, raw: Raw
    ) -> tuple[Vector, NDArray[np.int8], Vector | None]:
        """Return the weights, signs and soft labels of the rows of a partition."""
        if raw.q is not None:
            both, signs, p_other = divided_labels(raw.q, self.per_class)
            parts = [part for part in (both, raw.s) if part is not None]
            weights = np.ones(1) if not parts else np.prod(parts, axis=0)
            return weights, signs, p_other if self.is_soft else None
        assert raw.codes is not None
        negative, positive = self.signs[i]
        signs = negative + (positive - negative) * raw.codes
        if self.per_class is None:
            return np.ones(1) if raw.s is None else raw.s, signs, None
        weights = self.per_class[(signs > 0).astype(np.intp)]
        return weights if raw.s is None else weights * raw.s, signs, None
