"""The data on which the models are compared."""

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._arguments import AUTO
from sk_logreg._cli._errors import CommandError, import_extra, listing
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
    reading: str = ""  #: The call of pandas that reads X from its file.

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Whether each label is the positive one; shape (n_samples,)."""
        return np.asarray(self.y == self.positive)


def load_dataset(options: argparse.Namespace) -> Dataset:
    """Load the data that the command line asks for, with enough rows of each class."""
    load = _load_breast_cancer if options.data is None else _load_file
    dataset = load(options)
    n_positive = int(dataset.is_positive.sum())
    rarest = min(n_positive, dataset.y.size - n_positive)
    # To choose C, the training rows of each fold are cut into as many folds again. They
    # hold at least that many rows of each class if the table holds two more.
    spare, purpose = (2, "to choose C in") if options.C == AUTO else (0, "for")
    if rarest < options.cv + spare:
        most = rarest - spare
        advice = f"use --cv {most}" if most > 1 else "add examples of it"
        raise CommandError(
            f"the rarer class has {rarest} of {dataset.y.size} rows, "
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
    table = _files.read_table(path, options.decimal)
    frame = table.frame
    if name is None:
        raise CommandError(
            "add --target COLUMN, the column to predict: "
            f"{path} has {listing(frame.columns.tolist())}"
        )
    named = [name, *options.drop, *options.categorical]
    _columns.check_columns_exist(frame, named, str(path))
    if name in options.drop:
        raise CommandError(
            f"{name!r} is both the target and dropped: take it out of --drop"
        )
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
