"""The data on which the models are compared."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._errors import CommandError, enumeration, import_extra, listing
from sk_logreg._cli._target import Target, encode_target, find_label

if TYPE_CHECKING:
    from sk_logreg._cli._files import Table
    from sk_logreg._cli._numbers import Marks


@dataclass(frozen=True)
class Dataset:
    """Examples, their labels and how their columns become numbers.

    Attributes
    ----------
    name : str
        The name to show.
    X : pandas.DataFrame or ndarray, of shape (n_samples, n_columns)
        The columns as they were read.
    target : Target
        The labels.
    preparation : sklearn.compose.ColumnTransformer or None
        Unfitted; it makes a design matrix of ``X``. None if ``X`` is one already.
    notes : tuple of str
        How columns were read that could be read in another way.
    reading : str or None
        The call of pandas that reads ``X`` so; None if it needs no options.
    """

    name: str
    X: Any
    target: Target
    preparation: Any = None
    notes: tuple[str, ...] = ()
    reading: str | None = None

    @property
    def y(self) -> NDArray[Any]:
        """The labels; shape (n_samples,)."""
        return self.target.labels

    @property
    def is_positive(self) -> NDArray[np.bool_]:
        """Whether each label is the positive one; shape (n_samples,)."""
        return np.asarray(self.y == self.target.positive)


def load_dataset(options: argparse.Namespace) -> Dataset:
    """Load the data that the command line asks for.

    Raises
    ------
    CommandError
        If the file, a column, the target or the number of folds does not fit.
    """
    load = _load_breast_cancer if options.data is None else _load_file
    dataset = load(options)
    n_positive = int(dataset.is_positive.sum())
    rarest = min(n_positive, dataset.y.size - n_positive)
    if rarest < options.cv:
        advice = f"use --cv {rarest}" if rarest > 1 else "add examples of it"
        raise CommandError(
            f"the rarer class has {rarest} of {dataset.y.size} rows, "
            f"too few for {options.cv} folds: {advice}"
        )
    return dataset


def _load_breast_cancer(options: argparse.Namespace) -> Dataset:
    from sklearn.datasets import load_breast_cancer

    bunch = load_breast_cancer()
    wanted = "1" if options.positive is None else options.positive
    positive = find_label([0, 1], wanted, "target")
    description = f"{positive} ({bunch.target_names[positive]})"
    return Dataset(
        "breast cancer", bunch.data, Target(bunch.target, positive, description)
    )


def _load_file(options: argparse.Namespace) -> Dataset:
    import_extra("pandas")
    from sk_logreg._cli import _columns, _files, _numbers

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
    target = encode_target(frame[name], options.positive)
    features, marks = _numbers.convert_marked(
        frame.drop(columns=[name, *options.drop]), table.decimal, options.categorical
    )
    features = _columns.set_types(features, options.categorical)
    preparation = _columns.build_preparation(features)
    sizes = features[_columns.categorical_columns(features)].nunique()
    return Dataset(
        path.name,
        features,
        target,
        preparation,
        _notes(table, marks, features, sizes),
        _reading(path, table, marks),
    )


def _notes(
    table: "Table", marks: "Marks", features: Any, sizes: Any
) -> tuple[str, ...]:
    """Say which columns were read as numbers or categories but could be the other.

    ``sizes`` is a Series: the number of values of each categorical column.
    """
    notes = {
        "decimal comma: in {}; --decimal . reads them as text.": [
            f"{name!r} ({n_cells:,} cells)"
            for name, n_cells in table.decimal_commas.items()
            if name in features
        ],
        "missing values of numeric columns: {}; "
        "--categorical COLUMN keeps them as categories.": [
            f"{mark!r} in {n_cells:,} of {len(features):,} cells of {name!r}"
            for name, found in marks.items()
            for mark, n_cells in found.items()
        ],
        "one-hot encoded: {}.": [
            f"{name!r} ({size:,} values)"
            for name, size in sizes.sort_values(ascending=False, kind="stable").items()
        ],
    }
    return tuple(
        note.format(enumeration(items)) for note, items in notes.items() if items
    )


def _reading(path: Path, table: "Table", marks: "Marks") -> str | None:
    """Return the call of pandas that reads the file so; None if it has no options."""
    na_values = {name: [*found] for name, found in marks.items()}
    if table.separator is None:
        types = dict.fromkeys(marks, "float")
        call = (
            f"pandas.read_parquet({str(path)!r})"
            f".replace({na_values!r}, float('nan')).astype({types!r})"
        )
        return call if marks else None
    given = [f"sep={table.separator!r}"] if table.separator != "," else []
    given += [f"decimal={table.decimal!r}"] if table.decimal != "." else []
    given += [f"na_values={na_values!r}"] if marks else []
    return f"pandas.read_csv({', '.join([repr(str(path)), *given])})" if given else None
