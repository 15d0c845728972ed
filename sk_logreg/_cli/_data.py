"""The data to compare the models on."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._columns import (
    build_preparation,
    categorical_columns,
    check_columns_exist,
    make_categorical,
    replace_pandas_na,
)
from sk_logreg._cli._errors import CommandError, enumeration, listing
from sk_logreg._cli._files import Table, read_table
from sk_logreg._cli._numbers import Marks, clear_marks, find_all_marks
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
    notes : tuple of str
        How the columns were read, where another reading is possible.
    reading : str or None
        The call of pandas that reads ``X`` so; None where it needs no options.
    """

    name: str
    X: Any
    target: Target
    preparation: Any
    notes: tuple[str, ...] = ()
    reading: str | None = None

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
    table = read_table(path, options.decimal)
    frame = table.frame
    if name is None:
        raise CommandError(
            "add --target COLUMN, the column to predict: "
            f"{path} has {listing(frame.columns.tolist())}"
        )
    named = [name, *options.drop, *options.categorical]
    check_columns_exist(frame, named, str(path))
    if name in options.drop:
        raise CommandError(
            f"{name!r} is both the target and dropped: take it out of --drop"
        )
    target = encode_target(frame[name], options.positive)
    features = frame.drop(columns=[name, *options.drop])
    marks = find_all_marks(features, table.decimal, options.categorical)
    features = clear_marks(features, marks, table.decimal)
    features = make_categorical(replace_pandas_na(features), options.categorical)
    return Dataset(
        path.name,
        features,
        target,
        build_preparation(features),
        tuple(_notes(table, marks, features)),
        _reading(path, table, marks),
    )


def _notes(table: Table, marks: Marks, features: Any) -> Iterator[str]:
    """Say which columns are numbers or categories where they could be the other."""
    n_rows = len(features)
    commas = [
        f"{name!r} ({cells:,} cells)"
        for name, cells in table.decimal_commas.items()
        if name in features
    ]
    if commas:
        yield (
            f"decimal comma: in {enumeration(commas)}; --decimal . reads them as text."
        )
    missing = [
        f"{mark!r} in {cells:,} of {n_rows:,} cells of {name!r}"
        for name, found in marks.items()
        for mark, cells in found.items()
    ]
    if missing:
        yield (
            f"missing values of numeric columns: {enumeration(missing)}; "
            "--categorical COLUMN keeps them as categories."
        )
    sizes = features[categorical_columns(features)].nunique()
    encoded = [
        f"{name!r} ({size:,} values)"
        for name, size in sizes.sort_values(ascending=False, kind="stable").items()
    ]
    if encoded:
        yield f"one-hot encoded: {enumeration(encoded)}."


def _reading(path: Path, table: Table, marks: Marks) -> str | None:
    """Return the call of pandas that reads the file so; None if it has no options."""
    na_values = {name: [*found] for name, found in marks.items()}
    if table.separator is None:
        if not marks:
            return None
        types = dict.fromkeys(marks, "float")
        return (
            f"pandas.read_parquet({str(path)!r})"
            f".replace({na_values!r}, float('nan')).astype({types!r})"
        )
    options = {
        "sep": table.separator if table.separator != "," else None,
        "decimal": table.decimal if table.decimal != "." else None,
        "na_values": na_values or None,
    }
    given = [f"{key}={value!r}" for key, value in options.items() if value]
    return f"pandas.read_csv({', '.join([repr(str(path)), *given])})" if given else None
