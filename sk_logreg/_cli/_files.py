"""Read a table from a file; check that a file can be written."""

import os
import warnings
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sk_logreg._cli._errors import CommandError, import_extra, reason
from sk_logreg._cli._numbers import count_numeric, find_decimal_commas

if TYPE_CHECKING:
    import pandas as pd

_TEXT_ENDINGS = (".csv", ".tsv")
_PARQUET_ENDINGS = (".parquet", ".pq")
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zip")


@dataclass(frozen=True)
class Table:
    """A table and how it was read.

    Attributes
    ----------
    frame : pandas.DataFrame
        With columns named by distinct strings and at least one row.
    decimal : {".", ","}
        The decimal mark of its numbers.
    separator : str or None
        Of a CSV; None for a Parquet file.
    decimal_commas : dict of str to int
        The number of cells with a decimal comma in each column that has any, if it
        was found rather than asked for.
    """

    frame: "pd.DataFrame"
    decimal: str = "."
    separator: str | None = None
    decimal_commas: dict[str, int] = field(default_factory=dict)


def read_table(path: Path, decimal: str | None) -> Table:
    """Read a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : pathlib.Path
        The file. The ending says what it is; a CSV or TSV may be compressed.
    decimal : {".", ","} or None
        The decimal mark of a CSV; None to find it.

    Raises
    ------
    CommandError
        If the file is missing, of another kind, unreadable, or has no rows.
    """
    kind = _kind(path)
    if kind == "Parquet" and decimal:
        raise CommandError(f"--decimal is about a CSV or TSV file, and {path} is none")
    pandas = import_extra("pandas")
    try:
        table = _read_parquet(path) if kind == "Parquet" else _read_text(path, decimal)
    except pandas.errors.EmptyDataError as error:
        raise CommandError(
            f"{path} is empty: name a file with a header and rows"
        ) from error
    except UnicodeDecodeError as error:
        raise CommandError(
            f"{path} is not UTF-8 text: save it as UTF-8 ({error})"
        ) from error
    except (OSError, EOFError, ValueError, pandas.errors.ParserWarning) as error:
        raise CommandError(
            f"{path} cannot be read as {kind}: repair it or export it again "
            f"({reason(error)})"
        ) from error
    frame = table.frame
    if frame.empty:
        raise CommandError(f"{path} has no rows: name a file with a header and rows")
    frame.columns = frame.columns.map(str)
    return replace(table, frame=frame.reset_index(drop=True))


def check_writable(path: Path) -> None:
    """Raise a CommandError if nothing can be written to ``path``."""
    folder = path.parent
    if not folder.is_dir():
        raise CommandError(
            f"there is no folder {folder} to write {path.name} in: make it first"
        )
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a file to write")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise CommandError(
            f"{path} cannot be written: name a file in a folder you may write in"
        )


def _kind(path: Path) -> str:
    """Return what a file holds by its name, once it is there to be read."""
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


def _read_parquet(path: Path) -> Table:
    import_extra("pyarrow")
    return Table(import_extra("pandas").read_parquet(path, engine="pyarrow"))


def _read_text(path: Path, decimal: str | None) -> Table:
    """Read a CSV; where its header has no comma, the separator is looked for.

    The decimal mark is a comma if more columns are numbers by it than by a point.
    """
    pandas = import_extra("pandas")
    separator = "\t" if ".tsv" in path.name.lower() else ","
    header = pandas.read_csv(path, sep=separator, nrows=0, index_col=False).columns
    if len(header) == 1:
        separator = next((mark for mark in ";\t|" if mark in header[0]), separator)
    with warnings.catch_warnings():
        # A row longer than the header would otherwise shift or lose its cells.
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        read = partial(
            pandas.read_csv, path, sep=separator, index_col=False, low_memory=False
        )
        table = Table(read(decimal=decimal or "."), decimal or ".", separator)
        commas = {} if decimal else find_decimal_commas(table.frame)
        if commas:
            other = Table(read(decimal=","), ",", separator, commas)
            if count_numeric(other.frame, ",") > count_numeric(table.frame, "."):
                return other
    return table
