"""The data to compare the models on."""

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._columns import (
    build_preparation,
    check_columns_exist,
    replace_pandas_na,
)
from sk_logreg._cli._errors import CommandError, listing
from sk_logreg._cli._files import read_table
from sk_logreg._cli._target import Target, encode_target, find_label


@dataclass(frozen=True)
class Dataset:
    """Examples, their labels and how their columns become numbers.

    Attributes
    ----------
    name : str
        What to call it.
    X : pandas.DataFrame or ndarray, of shape (n_samples, n_columns)
        The columns as they came.
    target : Target
        The labels.
    preparation : sklearn.compose.ColumnTransformer or None
        Makes a design matrix of ``X``; None where ``X`` is one.
    """

    name: str
    X: Any
    target: Target
    preparation: Any

    @property
    def y(self) -> NDArray[Any]:
        """The labels; shape (n_samples,)."""
        return self.target.labels

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Where the label is the positive one; shape (n_samples,)."""
        return np.asarray(self.target.labels == self.target.positive)


def load_dataset(options: argparse.Namespace) -> Dataset:
    """Load the data that the command line asks for.

    Raises
    ------
    CommandError
        If the file, a column, the target or the number of folds does not fit.
    """
    dataset = (
        _from_scikit_learn(options) if options.data is None else _from_file(options)
    )
    n_positive = int(dataset.is_positive.sum())
    rarest = min(n_positive, dataset.y.size - n_positive)
    if rarest < options.cv:
        advice = f"use --cv {rarest}" if rarest > 1 else "add examples of it"
        raise CommandError(
            f"the rarer class has {rarest} of {dataset.y.size} rows, "
            f"too few for {options.cv} folds: {advice}"
        )
    return dataset


def _from_scikit_learn(options: argparse.Namespace) -> Dataset:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    wanted = "1" if options.positive is None else options.positive
    positive = find_label([0, 1], wanted, "target")
    description = f"{positive} ({bunch.target_names[positive]})"
    target = Target(bunch.target, positive, description)
    return Dataset("breast cancer", bunch.data, target, None)


def _from_file(options: argparse.Namespace) -> Dataset:
    path, name = options.data, options.target
    frame = read_table(path)
    if name is None:
        raise CommandError(
            "add --target COLUMN, the column to predict: "
            f"{path} has {listing(frame.columns.tolist())}"
        )
    check_columns_exist(frame, [name, *options.drop], str(path))
    if name in options.drop:
        raise CommandError(
            f"{name!r} is both the target and dropped: take it out of --drop"
        )
    target = encode_target(frame[name], options.positive)
    features = replace_pandas_na(frame.drop(columns=[name, *options.drop]))
    return Dataset(path.name, features, target, build_preparation(features))
