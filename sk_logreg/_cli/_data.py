"""The data on which the models are compared."""

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._arguments import AUTO
from sk_logreg._cli._errors import CommandError, import_dask, import_extra, listing
from sk_logreg._cli._output import write
from sk_logreg._cli._target import encode_target, find_label


@dataclass(frozen=True)
class Dataset:
    """Examples, their labels and how their columns become numbers."""

    name: str
    X: Any  #: Columns as read, a data frame or ndarray; (n_samples, n_columns).
    y: NDArray[Any]  #: Two distinct labels; shape (n_samples,).
    positive: Any  #: The positive one of the two labels.
    description: str  #: The positive label and its meaning, in words.
    preparation: Any  #: Transformer, fitted on all rows.
    design: Any  #: The design matrix that it makes of X; (n_samples, n_features).
    notes: tuple[str, ...] = ()  #: Columns that could be read in another way.
    columns: tuple[str, ...] = ()  #: Names of the columns of an ndarray.
    reading: str = ""  #: The call that reads X from its file.
    in_memory: ClassVar[bool] = True  #: If not, X, y and design are dask arrays.

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Whether each label is the positive one; shape (n_samples,)."""
        return np.asarray(self.y == self.positive)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Whether each label of the rows that models are scored on is the positive."""
        return self.is_positive

    def workers(self) -> AbstractContextManager[Any]:
        """Return the context in which the data are used."""
        return nullcontext()


def load_dataset(options: argparse.Namespace) -> Dataset:
    """Load the data that the command line asks for, with enough rows of each class."""
    load = _load_breast_cancer if options.data is None else _load_file
    dataset = load(options)
    n_positive = int(dataset.is_positive.sum())
    n_samples = dataset.is_positive.size
    rarest = min(n_positive, n_samples - n_positive)
    # To choose C, the training rows of each fold are cut into as many folds again. They
    # hold at least that many rows of each class if the table holds two more.
    spare, purpose = (2, "to choose C in") if options.C == AUTO else (0, "for")
    if rarest < options.cv + spare:
        most = rarest - spare
        advice = f"use --cv {most}" if most > 1 else "add examples of it"
        raise CommandError(
            f"the rarer class has {rarest} of {n_samples} rows, "
            f"too few {purpose} {options.cv} folds: {advice}"
        )
    return dataset


def _load_breast_cancer(options: argparse.Namespace) -> Dataset:
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import FunctionTransformer

    data = load_breast_cancer()
    X, y, names = data.data, data.target, data.target_names
    wanted = "1" if options.positive is None else options.positive
    positive = find_label([0, 1], wanted, "the target 'target'")
    description = f"{positive} ({names[positive]})"
    identity = FunctionTransformer().fit(X)
    columns = tuple(map(str, data.feature_names))
    return Dataset(
        "breast cancer", X, y, positive, description, identity, X, columns=columns
    )


def _load_file(options: argparse.Namespace) -> Dataset:
    import_extra("pandas")
    from sk_logreg._cli import _columns, _files

    path, name = options.data, options.target
    if _files.usual_separator(path) is None and options.decimal is None:
        large = _load_if_large(options)
        if large is not None:
            return large
    table = _files.read_table(path, options.decimal)
    frame = table.frame
    _check_columns(frame.columns.tolist(), options)
    labels = encode_target(frame[name], options.positive)
    features, marks = _columns.set_types(
        frame.drop(columns=[name, *options.drop]), table.decimal, options.categorical
    )
    preparation = _columns.build_preparation(features)
    return Dataset(
        path.name,
        features,
        *labels,
        preparation,
        preparation.fit_transform(features),
        _columns.describe(features, marks, table.decimal_commas),
        reading=_files.reading(path, table, marks),
    )


def _check_columns(columns: list[str], options: argparse.Namespace) -> None:
    """Raise a CommandError if the columns that are named do not suit the table's."""
    from sk_logreg._cli._columns import check_columns_exist

    path, name = options.data, options.target
    if name is None:
        raise CommandError(
            f"add --target COLUMN, the column to predict: {path} has {listing(columns)}"
        )
    check_columns_exist(columns, [name, *options.drop, *options.categorical], str(path))
    if name in options.drop:
        raise CommandError(
            f"{name!r} is both the target and dropped: take it out of --drop"
        )


def _load_if_large(options: argparse.Namespace) -> Dataset | None:
    """Return a Parquet table in parts, None if the memory is large enough for it."""
    from sk_logreg._cli import _parts, _stream

    labels = [options.target, *options.categorical]
    parts = _parts.Parts(options.data, options.drop, labels)
    if not parts.is_large():
        return None
    _check_columns(parts.all_names, options)
    import_dask("dask")
    size, memory = map(_parts.gigabytes, (parts.size, _parts.machine_memory()))
    write(
        f"{options.data} takes {size} of a memory of {memory}: it is read with dask "
        f"in {len(parts.n_rows):,} parts whenever its rows are needed",
        sys.stderr,
    )
    return _stream.load_stream(parts, options)
