"""What the partitions report, put together."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._arrays import Vector
from sk_logreg._compat import naming
from sk_logreg._design._costs import PARTITION_SIZES
from sk_logreg._design._partition_data import Finish, Summary
from sk_logreg._design._partition_facts import Facts
from sk_logreg._design._partitioned_rows import stacked
from sk_logreg._labels import encode_labels


@dataclass(frozen=True, eq=False)
class LabelWeights:
    """The sample weights of the two classes.

    Attributes
    ----------
    counts, least, largest, totals : ndarray of shape (2,)
        For each class, the number of rows of positive weight, the least sample weight
        of these, the largest, and the sum in units of `unit`.
    unit : float
        The largest sample weight.
    """

    counts: Vector
    least: Vector
    largest: Vector
    totals: Vector
    unit: float

    def scale(self, per_class: Vector | None, soft: bool) -> tuple[float, float]:
        """Return the largest weight, and the sum of all weights relative to it."""
        factors = np.ones(2) if per_class is None else per_class
        largest = float((factors * self.largest).max())
        if soft:  # a bound: a row has a part in both classes
            largest = float(factors.max() * self.unit)
        total = float(factors @ self.totals) * (self.unit / largest)
        return largest, total

    def scaled(self, finish: Finish) -> tuple[NDArray[np.int64], Vector, float]:
        """Return how many rows the classes have, their weights' sum, and the least.

        The weights are those of the fit. Some may be 0 if the least is.
        """
        factors = np.ones(2) if finish.per_class is None else finish.per_class
        largest, total = finish.scale
        totals = factors * self.totals * (self.unit / largest) / total
        some = self.counts > 0.0
        lightest = finish.scaled(factors[some] * self.least[some]).min()
        return self.counts.astype(np.int64), totals, float(lightest)


def classes_of(
    summaries: list[Summary], soft: bool
) -> tuple[NDArray[Any], NDArray[np.int8]]:
    """Return the classes, and the signs of the two labels of each partition."""
    some = [summary for summary in summaries if summary.n_rows]
    if not some:
        raise ValueError("X and y have no rows, but at least 1 is required.")
    both = np.tile(np.array([-1, 1], dtype=np.int8), (len(summaries), 1))
    if soft:
        for kind, which in ((0, 0), (1, 1)):
            if not any(summary.soft[kind] for summary in some):
                raise ValueError(
                    "BinaryLogisticRegression needs both classes in y, but all soft "
                    f"labels are {which}."
                )
        return np.array([0, 1]), both
    with warnings.catch_warnings():
        # About many classes for the number of rows: these are the labels, each once.
        warnings.simplefilter("ignore", UserWarning)
        with naming("y"):
            classes, signs = encode_labels(np.concatenate([s.labels for s in some]))
    lengths = [len(s.labels) if s.n_rows else 0 for s in summaries]
    both[np.arange(2) < np.array(lengths)[:, None]] = signs
    return classes, both


def label_weights(summaries: list[Summary], signs: NDArray[np.int8]) -> LabelWeights:
    """Return the sample weights of the two classes, over all partitions."""
    unit = max(summary.unit for summary in summaries if summary.n_rows)
    counts, largest, totals = np.zeros(2), np.zeros(2), np.zeros(2)
    least = np.full(2, np.inf)
    for summary, both in zip(summaries, signs, strict=True):
        if not summary.n_rows:
            continue
        kinds = (both[: len(summary.labels)] > 0).astype(np.intp)
        np.add.at(counts, kinds, summary.counts)
        np.minimum.at(least, kinds, summary.least)
        np.maximum.at(largest, kinds, summary.largest)
        np.add.at(totals, kinds, summary.totals * (summary.unit / unit))
    if not largest.any():
        raise ValueError("Sample weights must not all be 0.")
    return LabelWeights(counts, least, largest, totals, unit)


def facts_of(
    summaries: list[Summary],
    counts: NDArray[np.int64],
    totals: Vector,
    lightest: float,
    has_soft_labels: bool,
) -> Facts:
    """Return what is known of all rows."""
    look = stacked([s.look for s in summaries if s.n_rows])
    rows = np.linspace(
        0, look.shape[0] - 1, min(PARTITION_SIZES.kept_rows, look.shape[0])
    )
    stored = [s.stored for s in summaries if s.stored is not None]
    values, pairs = (
        (sum(k) for k in zip(*stored, strict=True)) if stored else (0.0, 0.0)
    )
    return Facts(
        np.cumsum([0, *(summary.n_rows for summary in summaries)]),
        counts,
        totals,
        lightest,
        any(summary.has_offset for summary in summaries),
        has_soft_labels,
        look[rows.astype(np.intp)],
        (values, pairs) if stored else None,
    )
