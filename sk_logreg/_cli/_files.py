"""Read a table from a CSV or TSV file, or from one or more Parquet files."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from sk_logreg._cli._errors import CommandError, reason
from sk_logreg._cli._numbers import Marks, count_numeric, find_decimal_commas

# The usual separator of the files with each ending; None for a Parquet file.
_SEPARATORS = {".csv": ",", ".tsv": "\t", ".parquet": None, ".pq": None}
_COMPRESSED_ENDINGS = (".gz", ".bz2", ".xz", ".zip")
# Arrow has no conversion between some types of a column in two files.
_READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    pd.errors.ParserWarning,
)
_ADVICE: dict[type[BaseException], str] = {
    PermissionError: "change its permissions",
    UnicodeDecodeError: "save it as UTF-8",
    pd.errors.EmptyDataError: "it is empty",
}


@dataclass(frozen=True)
class Table:
    """A table of distinct column names and at least one row, and how it was read."""

    frame: pd.DataFrame
    decimal: str = "."  #: The decimal mark of its numbers.
    separator: str | None = None  #: None for a Parquet file.
    #: If the decimal mark was found rather than given: the number of cells with a
    #: decimal comma in each column that has any.
    decimal_commas: dict[str, int] = field(default_factory=dict)


def read_table(path: Path, decimal: str | None) -> Table:
    """Read a CSV, TSV or Parquet file or a folder; its ending tells the format.

    A CSV or TSV file may be compressed. Its decimal mark is found if ``decimal`` is
    None. Raises a CommandError if the file is missing, of another kind, unreadable, or
    has no rows.
    """
    separator = usual_separator(path)
    if decimal and separator is None:
        raise CommandError(f"--decimal is about a CSV or TSV file, and {path} is none")
    with explaining(path, "Parquet" if separator is None else "CSV"):
        if separator is None:
            table = Table(pd.read_parquet(path, engine="pyarrow"))
        else:
            table = _read_text(path, separator, decimal)
    if table.frame.empty:
        raise CommandError(f"{path} has no rows: name a file with a header and rows")
    frame = table.frame.set_axis(table.frame.columns.map(str), axis="columns")
    return replace(table, frame=frame.reset_index(drop=True))


@contextmanager
def explaining(path: Path, kind: str) -> Iterator[None]:
    """Turn the errors of reading a file into a CommandError that says what to do."""
    try:
        yield
    except _READ_ERRORS as error:
        usual = "repair it or export it again"
        if path.is_dir():
            usual = "take out files of other kinds, or export it again"
        advice = _ADVICE.get(type(error), usual)
        raise CommandError(
            f"{path} cannot be read as {kind}: {advice} ({reason(error)})"
        ) from error


def usual_separator(path: Path) -> str | None:
    """Return the separator that the name of a file tells; None if it is Parquet."""
    if not path.exists():
        raise CommandError(f"there is no file {path}: check the name and the folder")
    if path.is_dir():
        if any(path.rglob("*.parquet")):
            return None
        raise CommandError(
            f"{path} is a folder without Parquet files: name a CSV file in it"
        )
    is_compressed = path.suffix.lower() in _COMPRESSED_ENDINGS
    ending = Path(path.stem if is_compressed else path.name).suffix.lower()
    if ending not in _SEPARATORS:
        raise CommandError(
            f"{path} is of an unknown kind: the name of a file to read must end in "
            f"{', '.join(_SEPARATORS)}"
        )
    return _SEPARATORS[ending]


def _read_text(path: Path, separator: str, decimal: str | None) -> Table:
    """Read a CSV or TSV file, and find its separator and its decimal mark.

    The usual separator is kept if the header contains it. The decimal mark is a comma
    if this makes more columns numeric than a point. ``sep=None`` of pandas is not used:
    it splits a header such as "churned" at a letter, and takes 20 times as long.
    """
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


def reading(path: Path, table: Table, marks: Marks, *, is_large: bool = False) -> str:
    """Return the call that reads the file in the same way, if it is large some rows."""
    na_values = {name: [*found] for name, found in marks.items()}
    if table.separator is None:
        types = dict.fromkeys(marks, "float")
        convert = f".replace({na_values!r}, float('nan')).astype({types!r})"
        read = f"pandas.read_parquet({str(path)!r})"
        if is_large:
            read = (
                f"pyarrow.dataset.dataset({str(path)!r}, partitioning='hive')"
                ".head(1000).to_pandas()"
            )
        return f"{read}{convert if marks else ''}"
    options = [
        ("sep", table.separator, ","),
        ("decimal", table.decimal, "."),
        ("na_values", na_values, {}),
    ]
    given = [f"{name}={value!r}" for name, value, usual in options if value != usual]
    return f"pandas.read_csv({', '.join([repr(str(path)), *given])})"
