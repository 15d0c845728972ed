"""Which columns of a table can be used, and how each becomes numbers."""

import difflib
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sk_logreg._cli._errors import CommandError, import_extra, listing
from sk_logreg._cli._numbers import is_numeric

if TYPE_CHECKING:
    import pandas as pd

# The rarest categories of a column beyond this many are pooled into one.
MAX_CATEGORIES = 100
# A column of text with more values than this, nearly one a row, is an identifier.
_FEW_VALUES = 20
_NEARLY_ALL = 0.9


def check_columns_exist(
    frame: "pd.DataFrame", names: Sequence[str], where: str
) -> None:
    """Raise a CommandError naming the columns there are if one of ``names`` is not."""
    columns = frame.columns.tolist()
    for name in names:
        if name not in columns:
            close = difflib.get_close_matches(name, columns, n=1)
            hint = f"did you mean {close[0]!r}? " if close else ""
            raise CommandError(
                f"{where} has no column {name!r}: {hint}it has {listing(columns)}"
            )


def categorical_columns(features: "pd.DataFrame") -> list[str]:
    """Return the names of the columns that are one-hot encoded."""
    return [name for name in features.columns if not is_numeric(features[name])]


def make_categorical(features: "pd.DataFrame", names: Sequence[str]) -> "pd.DataFrame":
    """Make categories of the numeric columns among ``names``."""
    numeric = [
        name
        for name in features.columns
        if name in names and is_numeric(features[name])
    ]
    return features.astype(dict.fromkeys(numeric, "category"))


def build_preparation(features: "pd.DataFrame") -> Any:
    """Return the transformer that makes a design matrix of the columns.

    Parameters
    ----------
    features : pandas.DataFrame of shape (n_samples, n_columns)
        The columns to use; the target is not among them.

    Returns
    -------
    sklearn.compose.ColumnTransformer
        Unfitted: the median for what is missing in a numeric column, a one-hot
        encoding of every other. It holds scikit-learn's own classes alone, so
        that a saved pipeline loads without this command.

    Raises
    ------
    CommandError
        If there is no column, or one cannot be used.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    if features.shape[1] == 0:
        raise CommandError("no column is left to predict the target from: drop fewer")
    _check_usable(features)
    numeric = [name for name in features.columns if is_numeric(features[name])]
    categorical = categorical_columns(features)
    impute = SimpleImputer(strategy="median", keep_empty_features=True)
    encode = OneHotEncoder(
        drop="if_binary",
        handle_unknown="infrequent_if_exist",
        max_categories=MAX_CATEGORIES,
    )
    return ColumnTransformer(
        [("numeric", impute, numeric), ("categorical", encode, categorical)],
        verbose_feature_names_out=False,
    )


def replace_pandas_na(features: "pd.DataFrame") -> "pd.DataFrame":
    """Put nan for ``pd.NA`` into columns of text: OneHotEncoder cannot sort the latter.

    Only ``string`` columns have it, which a Parquet file written by pandas may hold.
    """
    pandas = import_extra("pandas")
    texts = [
        name
        for name in features.columns
        if isinstance(features[name].dtype, pandas.StringDtype)
        and features[name].hasnans
    ]
    return features.assign(
        **{
            name: features[name].astype(object).where(features[name].notna(), np.nan)
            for name in texts
        }
    )


def _check_usable(features: "pd.DataFrame") -> None:
    """Name, in one message, every column that cannot be used and how to drop it."""
    problems = {name: _problem(features[name]) for name in features.columns}
    unusable = {name: problem for name, problem in problems.items() if problem}
    if not unusable:
        return
    said = ", ".join(f"{name!r} ({problem})" for name, problem in unusable.items())
    dropped = " ".join(shlex.quote(name) for name in unusable)
    noun, pronoun = ("column", "it") if len(unusable) == 1 else ("columns", "them")
    raise CommandError(
        f"cannot use {noun} {said}: make numbers or categories of {pronoun}, "
        f"or leave {pronoun} out with --drop {dropped}"
    )


def _problem(column: "pd.Series[Any]") -> str | None:
    """Say why a column cannot be used; None if it can."""
    pandas = import_extra("pandas")
    if column.isna().all():
        return "no values"
    if is_numeric(column):
        infinite = np.isinf(column.dropna().to_numpy(dtype=float)).sum()
        return f"{infinite} infinite values" if infinite else None
    is_category = isinstance(column.dtype, pandas.CategoricalDtype)
    values = column.cat.categories if is_category else column
    kind = pandas.api.types.infer_dtype(values, skipna=True)
    usable = {"string", "boolean", *(["integer", "floating"] if is_category else [])}
    if kind not in usable:
        return f"{kind} values"
    distinct, present = column.nunique(), int(column.notna().sum())
    if distinct > max(_FEW_VALUES, _NEARLY_ALL * present):
        return f"{distinct} distinct texts in {present} rows, like an identifier"
    return None
