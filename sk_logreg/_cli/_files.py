"""Read a table from a file; check that a file can be written."""

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from sk_logreg._cli._errors import CommandError, import_extra, reason

if TYPE_CHECKING:
    import pandas as pd

_TEXT_ENDINGS = (".csv", ".tsv")
_PARQUET_ENDINGS = (".parquet", ".pq")
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zip")


def read_table(path: Path) -> "pd.DataFrame":
    """Read a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : pathlib.Path
        The file. The ending says what it is; a CSV or TSV may be compressed.

    Returns
    -------
    pandas.DataFrame
        With columns named by distinct strings and at least one row.

    Raises
    ------
    CommandError
        If the file is missing, of another kind, unreadable, or has no rows.
    """
    kind = _kind(path)
    pandas = import_extra("pandas")
    try:
        frame = _read_parquet(path) if kind == "Parquet" else _read_text(path)
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
    if frame.empty:
        raise CommandError(f"{path} has no rows: name a file with a header and rows")
    frame.columns = frame.columns.map(str)
    return frame.reset_index(drop=True)


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


def _read_parquet(path: Path) -> "pd.DataFrame":
    import_extra("pyarrow")
    frame: pd.DataFrame = import_extra("pandas").read_parquet(path, engine="pyarrow")
    return frame


def _read_text(path: Path) -> "pd.DataFrame":
    """Read a CSV; where its header has no comma, the separator is looked for."""
    pandas = import_extra("pandas")
    separator = "\t" if ".tsv" in path.name.lower() else ","
    header = pandas.read_csv(path, sep=separator, nrows=0, index_col=False).columns
    if len(header) == 1:
        separator = next((mark for mark in ";\t|" if mark in header[0]), separator)
    with warnings.catch_warnings():
        # A row longer than the header would otherwise shift or lose its cells.
        warnings.simplefilter("error", pandas.errors.ParserWarning)
        frame: pd.DataFrame = pandas.read_csv(
            path, sep=separator, index_col=False, low_memory=False
        )
    return frame
