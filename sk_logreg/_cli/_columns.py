"""Which columns of a table can be used, and how each becomes numbers."""

import difflib
import shlex
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from sk_logreg._cli._errors import CommandError, enumeration, listing
from sk_logreg._cli._numbers import Marks, find_marks, to_numbers

# Maximum number of one-hot columns per column: its rarest categories share one.
_MAX_CATEGORIES = 100
# A column of text is an identifier if it has more distinct values than this, and in
# more than this share of its rows.
_MIN_IDENTIFIERS = 20
_MIN_IDENTIFIER_SHARE = 0.9


def check_columns_exist(
    columns: Sequence[str], names: Sequence[str], where: str
) -> None:
    """Raise a CommandError that lists the columns if one of ``names`` is missing."""
    for name in names:
        if name not in columns:
            close = difflib.get_close_matches(name, columns, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise CommandError(
                f"{where} has no column {name!r}: {hint}it has {listing(columns)}"
            )


def set_types(
    frame: pd.DataFrame, decimal: str, categorical: Sequence[str]
) -> tuple[pd.DataFrame, Marks]:
    """Return the columns as `typed` does, and the marks that it was given."""
    marks = {
        str(name): found
        for name, column in frame.items()
        if name not in categorical and (found := find_marks(column, decimal))
    }
    return typed(frame, decimal, categorical, marks), marks


def typed(
    frame: pd.DataFrame, decimal: str, categorical: Sequence[str], marks: Marks
) -> pd.DataFrame:
    """Return the columns with the types by which `build_preparation` treats them.

    Numeric columns among ``categorical`` become categories, booleans objects: parts of
    the rows with missing booleans are objects already. Columns of numbers with
    ``marks`` become floats, nan where a cell is a mark. In columns of text and in
    these objects, nan replaces ``pd.NA``, which OneHotEncoder cannot sort.
    """
    numbers = {name: to_numbers(frame[name], decimal) for name in marks}
    features = frame.assign(**numbers)
    numeric = [name for name in numeric_columns(features) if name in categorical]
    booleans = [name for name in numeric if is_bool_dtype(features[name])]
    objects = features[[*features.select_dtypes("string"), *booleans]]
    objects = objects.astype(object).where(objects.notna(), np.nan)
    types = dict.fromkeys(set(numeric).difference(booleans), "category")
    return features.assign(**objects).astype(types)


def numeric_columns(features: pd.DataFrame) -> list[str]:
    """Return the names of the columns that are not one-hot encoded."""
    return [name for name in features.columns if is_numeric_dtype(features[name])]


def describe(
    features: pd.DataFrame, marks: Marks, decimal_commas: dict[str, int]
) -> tuple[str, ...]:
    """Say which columns were read as numbers or categories but could be the other."""
    sizes = features.drop(columns=numeric_columns(features)).nunique()
    notes = {
        "decimal comma: in {}; --decimal . reads them as text.": [
            f"{name!r} ({n_cells:,} cells)"
            for name, n_cells in decimal_commas.items()
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


def build_preparation(features: pd.DataFrame) -> ColumnTransformer:
    """Return the unfitted transformer that makes a design matrix of the columns.

    Missing values of numeric columns are replaced by the median; every other column is
    one-hot encoded. It contains classes of scikit-learn only, so that a saved pipeline
    loads without this command. Raises a CommandError if there is no column, or one
    cannot be used.
    """
    if features.shape[1] == 0:
        raise CommandError("no column is left to predict the target from: drop fewer")
    check_usable(features)
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    encode = OneHotEncoder(
        drop="if_binary",
        handle_unknown="infrequent_if_exist",
        max_categories=_MAX_CATEGORIES,
    )
    numeric = numeric_columns(features)
    others = features.columns.drop(numeric).tolist()
    return ColumnTransformer(
        [("numeric", impute, numeric), ("categorical", encode, others)],
        verbose_feature_names_out=False,
    )


def check_usable(features: pd.DataFrame) -> None:
    """Raise a CommandError that names every unusable column and how to drop it."""
    problems = {name: _problem(features[name]) for name in features.columns}
    unusable = {name: problem for name, problem in problems.items() if problem}
    if unusable:
        described = ", ".join(f"{name!r} ({why})" for name, why in unusable.items())
        noun, pronoun = ("column", "it") if len(unusable) == 1 else ("columns", "them")
        raise CommandError(
            f"cannot use {noun} {described}: make numbers or categories of {pronoun}, "
            f"or leave {pronoun} out with --drop {shlex.join(unusable)}"
        )


def _problem(column: "pd.Series[Any]") -> str | None:
    """Say why a column cannot be used; None if it can."""
    if column.isna().all():
        return "no values"
    if is_numeric_dtype(column):
        n_infinite = np.isinf(column.dropna().to_numpy(dtype=float)).sum()
        return f"{n_infinite} infinite values" if n_infinite else None
    is_category = isinstance(column.dtype, pd.CategoricalDtype)
    kind = infer_dtype(column.cat.categories if is_category else column, skipna=True)
    if kind not in ("string", "boolean", "integer", "floating"):
        return f"{kind} values"
    n_distinct, n_present = column.nunique(), column.count()
    if n_distinct > max(_MIN_IDENTIFIERS, _MIN_IDENTIFIER_SHARE * n_present):
        return f"{n_distinct} distinct texts in {n_present} rows, like an identifier"
    return None
