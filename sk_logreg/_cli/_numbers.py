"""Find the numbers in columns that were read as text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from sk_logreg._cli._errors import import_extra

if TYPE_CHECKING:
    import pandas as pd

# The number of cells by mark, by column.
Marks: TypeAlias = dict[str, dict[str, int]]

# A column of text holds numbers with missing values if its cells that are no numbers
# - hold at most three distinct texts: more are categories;
# - hold no digit: "3+", "<0.5" and "12a" are no missing values;
# - are at most a tenth of all cells: sizes such as 36, 38, S, M and L are categories;
#   or at most half if all hold the same text, as "?" where many values are missing.
_MOST_MARKS = 3
_MOST_MARKED = 0.1
_MOST_MARKED_BY_ONE = 0.5
# A comma before exactly three digits may group the thousands: 12,345.
_COMMA = r"\s*[+-]?\d*,\d+\s*"
_THOUSANDS = r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*"


def is_numeric(column: "pd.Series[Any]") -> bool:
    """Whether a column holds real numbers or booleans."""
    types = import_extra("pandas").api.types
    return bool(
        types.is_numeric_dtype(column.dtype)
        and not types.is_complex_dtype(column.dtype)
    )


def find_marks(column: "pd.Series[Any]", decimal: str) -> dict[str, int] | None:
    """Return the texts that mark missing values in a column of numbers read as text.

    Parameters
    ----------
    column : pandas.Series of shape (n_samples,)
        Any column.
    decimal : {".", ","}
        The decimal mark of its numbers.

    Returns
    -------
    dict of str to int, or None
        The number of cells with each mark; None if the column is not one of numbers,
        or was not read as text.
    """
    if not _is_text(column):
        return None
    counts = column.value_counts()
    others = counts[_to_numbers(counts.index.to_series(), decimal).isna()]
    texts = others.index.str.strip().str.casefold()
    most = _MOST_MARKED_BY_ONE if texts.nunique() == 1 else _MOST_MARKED
    if (
        texts.nunique() > _MOST_MARKS
        or texts.str.contains(r"\d").any()
        or others.sum() > most * counts.sum()
    ):
        return None
    return {str(mark): int(count) for mark, count in others.items()}


def find_all_marks(
    frame: "pd.DataFrame", decimal: str, besides: Sequence[str]
) -> Marks:
    """Return the marks of each column that has any, ``besides`` aside."""
    marks = {
        name: find_marks(frame[name], decimal)
        for name in frame.columns
        if name not in besides
    }
    return {name: found for name, found in marks.items() if found}


def clear_marks(frame: "pd.DataFrame", marks: Marks, decimal: str) -> "pd.DataFrame":
    """Make numbers of the columns that ``marks`` names, nan where a cell is a mark."""
    return frame.assign(**{name: _to_numbers(frame[name], decimal) for name in marks})


def find_decimal_commas(frame: "pd.DataFrame") -> dict[str, int]:
    """Return which columns have numbers with a decimal comma, and in how many cells.

    None has where every comma may be one that groups the thousands.
    """
    names = [
        name
        for name in frame.columns
        if find_marks(frame[name], ",") is not None
        and find_marks(frame[name], ".") is None
    ]
    cells = {
        name: frame[name][frame[name].str.fullmatch(_COMMA, na=False)] for name in names
    }
    if all(texts.str.fullmatch(_THOUSANDS).all() for texts in cells.values()):
        return {}
    return {name: texts.size for name, texts in cells.items()}


def count_numeric(frame: "pd.DataFrame", decimal: str) -> int:
    """Return how many columns hold numbers with this decimal mark."""
    return sum(
        is_numeric(frame[name]) or find_marks(frame[name], decimal) is not None
        for name in frame.columns
    )


def _is_text(column: "pd.Series[Any]") -> bool:
    pandas = import_extra("pandas")
    return (
        not isinstance(column.dtype, pandas.CategoricalDtype)
        and pandas.api.types.infer_dtype(column, skipna=True) == "string"
    )


def _to_numbers(texts: "pd.Series[Any]", decimal: str) -> "pd.Series[Any]":
    """Return the numbers that texts spell, nan for one that spells none."""
    if decimal == ",":
        has_point = texts.str.contains(".", regex=False, na=False)
        texts = texts.mask(has_point).str.replace(",", ".", regex=False)
    numbers: pd.Series[Any] = import_extra("pandas").to_numeric(texts, errors="coerce")
    return numbers
