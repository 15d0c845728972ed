"""Read a table from a CSV, TSV or Parquet file."""

import os
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sk_logreg._cli._errors import CommandError, import_extra, reason
from sk_logreg._cli._numbers import count_numeric, find_decimal_commas

_TEXT_ENDINGS = (".csv", ".tsv")
_PARQUET_ENDINGS = (".parquet", ".pq")
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zip")


@dataclass(frozen=True)
class Table:
    """A table and how it was read.

    Attributes
    ----------
    frame : pandas.DataFrame
        The columns have distinct names, and there is at least one row.
    decimal : {".", ","}
        The decimal mark of its numbers.
    separator : str or None
        The separator of a CSV file; None for a Parquet file.
    decimal_commas : dict of str to int
        If the decimal mark was found rather than given: the number of cells with a
        decimal comma in each column that has any.
    """

    frame: pd.DataFrame
    decimal: str = "."
    separator: str | None = None
    decimal_commas: dict[str, int] = field(default_factory=dict)


def read_table(path: Path, decimal: str | None) -> Table:
    """Read a CSV, TSV or Parquet file; its ending tells the format.

    A CSV or TSV file may be compressed. Its decimal mark is found if ``decimal`` is
    None.

    Raises
    ------
    CommandError
        If the file is missing, of another kind, unreadable, or has no rows.
    """
    kind = _kind(path)
    try:
        if kind == "CSV":
            table = _read_text(path, decimal)
        elif decimal:
            raise CommandError(
                f"--decimal is about a CSV or TSV file, and {path} is none"
            )
        else:
            import_extra("pyarrow")
            table = Table(pd.read_parquet(path, engine="pyarrow"))
    except pd.errors.EmptyDataError as error:
        raise CommandError(
            f"{path} is empty: name a file with a header and rows"
        ) from error
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path} is not UTF-8 text: save it as UTF-8 ({error})"
        ) from error
    except (OSError, EOFError, ValueError, pd.errors.ParserWarning) as error:
        raise CommandError(
            f"{path} cannot be read as {kind}: repair it or export it again "
            f"({reason(error)})"
        ) from error
    if table.frame.empty:
        raise CommandError(f"{path} has no rows: name a file with a header and rows")
    frame = table.frame.set_axis(table.frame.columns.map(str), axis="columns")
    return replace(table, frame=frame.reset_index(drop=True))


def _kind(path: Path) -> str:
    """Return the format that the name of a file tells; check that it can be read."""
    if not path.exists():
        raise CommandError(f"there is no file {path}: check the name and the folder")
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a CSV or Parquet file in it")
    if not os.access(path, os.R_OK):
        raise CommandError(f"{path} may not be read: change its permissions")
    name = path.name.lower()
    if name.endswith(_PARQUET_ENDINGS):
        return "Parquet"
    for ending in _COMPRESSED_ENDINGS:
        name = name.removesuffix(ending)
    if name.endswith(_TEXT_ENDINGS):
        return "CSV"
    raise CommandError(
        f"{path} is of an unknown kind: the name of a file to read must end in "
        f"{', '.join(_TEXT_ENDINGS + _PARQUET_ENDINGS)}"
    )


def _read_text(path: Path, decimal: str | None) -> Table:
    """Read a CSV or TSV file, and find its separator and its decimal mark.

    The usual separator is kept if the header contains it. The decimal mark is a comma
    if this makes more columns numeric than a point. ``sep=None`` of pandas is not used:
    it splits a header such as "churned" at a letter, and takes 20 times as long.
    """
    separator = "\t" if ".tsv" in path.name.lower() else ","
    header = pd.read_csv(path, sep=separator, nrows=0, index_col=False).columns
    if len(header) == 1:
        separator = next((mark for mark in ";\t|" if mark in header[0]), separator)

    def read(decimal: str) -> pd.DataFrame:
        return pd.read_csv(
            path, sep=separator, decimal=decimal, index_col=False, low_memory=False
        )

    with warnings.catch_warnings():
        # pandas only warns of a row that is longer than the header.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        table = Table(read(decimal or "."), decimal or ".", separator)
        commas = {} if decimal else find_decimal_commas(table.frame)
        if commas:
            other = Table(read(","), ",", separator, commas)
            if count_numeric(other.frame, ",") > count_numeric(table.frame, "."):
                return other
    return table
