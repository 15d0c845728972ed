"""A table in parts as dask arrays, to which the models are fitted."""

import argparse
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sk_logreg._cli._columns import (
    build_preparation,
    check_usable,
    describe,
    numeric_columns,
    set_types,
    typed,
)
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, import_dask
from sk_logreg._cli._files import Table, reading
from sk_logreg._cli._parts import Parts
from sk_logreg._cli._target import HOLDS_LISTS, encode_target

# Maximum number of rows and of cells that types, medians and categories are found from.
_SAMPLE_ROWS = 100_000
_SAMPLE_CELLS = 2**23
# Maximum number of values of the target in a part: more are numbers or identifiers.
_MAX_LABELS = 1000


@dataclass(frozen=True)
class Source:
    """The parts of a table, and what makes matrices and labels of their rows."""

    parts: Parts
    prepare: Callable[[pd.DataFrame], Any]  #: Returns the design matrix of a part.
    names: list[str]  #: The columns that it needs.
    example: Any  #: A design matrix of few rows.
    labels: NDArray[Any]  #: The negative and the positive label.
    truth: NDArray[np.bool_]  #: Whether each label is the positive one; (n_samples,).

    def arrays(self, chosen: NDArray[np.bool_]) -> tuple[Any, Any]:
        """Return X and y of some rows as dask arrays, with one chunk per part."""
        dask_array = import_dask("dask.array")
        per_part = np.split(chosen, np.cumsum(self.parts.n_rows)[:-1])
        n_rows = tuple(np.count_nonzero(rows) for rows in per_part)

        def block(number: NDArray[np.intp]) -> Any:
            i = number.item()
            return self.prepare(self.parts.read(i, self.names))[per_part[i]]

        X = dask_array.arange(len(n_rows), chunks=1).map_blocks(
            block,
            chunks=(n_rows, (self.example.shape[1],)),
            new_axis=1,
            meta=np.empty((0, 0), dtype=self.example.dtype),
            name=f"rows-{uuid4().hex}",  # otherwise dask hashes all that `block` uses
        )
        codes = self.truth[chosen].astype(np.int8)
        y = dask_array.from_array(codes, chunks=(n_rows,), name=False)
        return X, y.map_blocks(self.labels.take, dtype=self.labels.dtype)


@dataclass(frozen=True, kw_only=True)
class Stream(Dataset):
    """A dataset whose rows are read whenever they are needed.

    `X` and `design` are one dask array, and `y` is one of the same chunks.
    """

    in_memory = False
    source: Source
    is_held_out: NDArray[np.bool_]  #: Which rows are scored, not fitted; (n_samples,).

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        return self.source.truth

    @property
    def scored(self) -> NDArray[np.bool_]:
        return self.source.truth[self.is_held_out]

    def workers(self) -> AbstractContextManager[Any]:
        return self.source.parts.workers()


def load_stream(parts: Parts, options: argparse.Namespace) -> Stream:
    """Return a table in parts, in one pass over them.

    How its columns become numbers is found from a sample of the rows.
    """
    target, categorical = options.target, options.categorical
    if parts.has_lists(target):
        raise CommandError(HOLDS_LISTS.format(f"the target {target!r}"))
    n_sample = min(_SAMPLE_ROWS, _SAMPLE_CELLS // len(parts.names))
    share = min(n_sample / sum(parts.n_rows), 1.0)
    look = partial(_look, parts, target, share, options.random_state)
    with parts.workers(), parts.progress() as begin:
        begin("first look")
        targets, samples = zip(*parts.map(look), strict=True)
    labels, truth, description = _labels(targets, target, options.positive)
    sample: pd.DataFrame = pd.concat(samples, ignore_index=True)
    features, marks = set_types(sample, ".", categorical)
    preparation = build_preparation(features)
    example = preparation.fit_transform(features)[:1]

    def prepare(frame: pd.DataFrame) -> Any:
        features = typed(frame, ".", categorical, marks)
        try:
            return preparation.transform(features)
        except ValueError:
            numbers = features[numeric_columns(features)]
            check_usable(numbers.dropna(axis="columns", how="all"))
            raise

    source = Source(parts, prepare, list(features), example, labels, truth)
    X, y = source.arrays(np.ones_like(truth))
    note = f"types, medians and categories: from a sample of {len(sample):,} rows."
    return Stream(
        options.data.name,
        X,
        y,
        labels[1].item(),
        description,
        preparation,
        X,
        (*describe(features, marks, {}), note),
        reading=reading(options.data, Table(sample), marks, is_large=True),
        source=source,
        is_held_out=_held_out(parts.n_rows, options.cv, options.random_state),
    )


def _look(
    parts: Parts, target: str, share: float, seed: int, i: int
) -> tuple[tuple[NDArray[np.int16], "pd.Series[Any]"], pd.DataFrame]:
    """Return the codes and values of a part's targets, and a sample of its rows.

    The code of a missing value is -1.
    """
    frame = parts.read(i, parts.names)
    codes, values = pd.factorize(frame.pop(target))
    if len(values) > _MAX_LABELS:
        raise CommandError(
            f"the target {target!r} has more than {_MAX_LABELS:,} values, not two: "
            "name another column"
        )
    size = int(np.ceil(share * len(frame)))
    rows = frame.sample(size, random_state=np.random.default_rng([seed, i]))
    return (codes.astype(np.int16), pd.Series(values).astype(object)), rows


def _labels(
    targets: Sequence[tuple[NDArray[np.int16], "pd.Series[Any]"]],
    name: str,
    wanted: str | None,
) -> tuple[NDArray[Any], NDArray[np.bool_], str]:
    """Return both labels, which rows have the positive one, and its meaning."""
    ids, values = pd.factorize(pd.concat([values for _, values in targets]))
    n_values = len(values)
    ends = np.cumsum([len(each) for _, each in targets])[:-1]
    # A missing value, of the code -1, is one more value.
    ids_of = [np.append(each, n_values) for each in np.split(ids, ends)]
    counts = np.zeros(n_values + 1, dtype=np.intp)
    for ids, (codes, _) in zip(ids_of, targets, strict=True):
        counts += np.bincount(ids[codes], minlength=n_values + 1)
    column = pd.Series([*values, None], dtype=object, name=name)[counts > 0]
    y, positive, description = encode_target(column, wanted, counts[counts > 0])
    is_positive = np.zeros(n_values + 1, dtype=bool)
    is_positive[counts > 0] = y == positive
    rows = zip(ids_of, targets, strict=True)
    truth = np.concatenate([is_positive[ids][codes] for ids, (codes, _) in rows])
    labels = np.array([y[y != positive][0], positive], dtype=y.dtype)
    return labels, truth, description


def _held_out(n_rows: Sequence[int], folds: int, seed: int) -> NDArray[np.bool_]:
    """Return which rows are held out: each with the probability 1 / folds."""
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.random(n) < 1 / folds for n in n_rows])
