"""Recognize numbers in columns that pandas read as text."""

from typing import Any, TypeAlias

import pandas as pd
from pandas.api.types import infer_dtype, is_numeric_dtype

#: For each column, the number of cells with each text that marks a missing value.
Marks: TypeAlias = dict[str, dict[str, int]]

# A column of text holds numbers with missing values if its cells that are not numbers
# - hold at most three distinct texts: more are categories;
# - hold no digit: "3+", "<0.5" and "12a" are not missing values;
# - are at most a tenth of all cells: sizes such as 36, 38, S, M and L are categories;
#   or at most half of them if all hold the same text, such as "?".
_MAX_MARKS = 3
_MAX_SHARE = 0.1
_MAX_SHARE_OF_ONE_MARK = 0.5
# A comma before exactly three digits may group the thousands: 12,345.
_COMMA = r"\s*[+-]?\d*,\d+\s*"
_THOUSANDS = r"\s*[+-]?[1-9]\d{0,2},\d{3}\s*"


def find_marks(column: "pd.Series[Any]", decimal: str) -> dict[str, int] | None:
    """Return the number of cells with each text that marks a missing value.

    The result is None if the column was not read as text, or if its texts are not
    numbers with this decimal mark.
    """
    if infer_dtype(column, skipna=True) != "string":
        return None
    counts = column.value_counts()
    others = counts[to_numbers(counts.index.to_series(), decimal).isna()]
    texts = others.index.str.strip().str.casefold()
    max_share = _MAX_SHARE_OF_ONE_MARK if texts.nunique() == 1 else _MAX_SHARE
    if (
        texts.nunique() > _MAX_MARKS
        or texts.str.contains(r"\d").any()
        or others.sum() > max_share * counts.sum()
    ):
        return None
    return {str(mark): int(count) for mark, count in others.items()}


def find_decimal_commas(frame: pd.DataFrame) -> dict[str, int]:
    """Return the number of cells with a decimal comma in each column that has any.

    The result is empty if every comma may be one that groups the thousands.
    """
    cells = {
        name: column[column.str.fullmatch(_COMMA, na=False)]
        for name, column in frame.items()
        if find_marks(column, ",") is not None and find_marks(column, ".") is None
    }
    if all(texts.str.fullmatch(_THOUSANDS).all() for texts in cells.values()):
        return {}
    return {str(name): texts.size for name, texts in cells.items()}


def count_numeric(frame: pd.DataFrame, decimal: str) -> int:
    """Return how many columns hold numbers with this decimal mark."""
    return sum(
        is_numeric_dtype(column) or find_marks(column, decimal) is not None
        for _, column in frame.items()
    )


def to_numbers(texts: "pd.Series[Any]", decimal: str) -> "pd.Series[Any]":
    """Return the numbers that texts spell, nan for a text that is not a number."""
    if decimal == ",":
        # A text with a decimal point gets a comma, and is then not a number.
        texts = texts.str.translate(str.maketrans(",.", ".,"))
    numbers: pd.Series[Any] = pd.to_numeric(texts, errors="coerce")
    return numbers
