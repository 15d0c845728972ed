"""Parquet files that are too large for the memory, read in parts."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import joblib
import numpy as np
import pandas as pd

from sk_logreg._cli._errors import CommandError, import_dask, import_extra
from sk_logreg._cli._files import explaining
from sk_logreg._cli._progress import progress

_T = TypeVar("_T")

# A table is read in parts if its numbers would take more than this share of the memory.
# Then the design matrix and a copy, which the imputation makes, may not fit.
_MAX_SHARE = 0.5
# Row groups are joined up to this size, as numbers, or less if all threads together
# would use too much memory. The overhead of a task, about 0.4 ms, then does not matter.
_PART_BYTES = 2**26
_BYTES_PER_CELL = 8
# A part is held as Arrow's columns, a data frame, and a design matrix and its copy.
_COPIES = 4


def machine_memory() -> float:
    """Return the bytes of memory that this process may use; inf if nobody says."""
    try:
        # It also knows the limits of containers.
        from distributed.system import memory_limit
    except ImportError:
        try:
            return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, ValueError, OSError):
            return np.inf
    return float(memory_limit())


class Parts:
    """The parts of a table. A part is one or more row groups of one Parquet file.

    Parameters
    ----------
    path : Path
        A Parquet file, or a folder of them.
    dropped : sequence of str
        Columns that are not needed.
    labels : sequence of str
        Columns whose booleans are labels. Those of all others are read as 0 and 1:
        pandas would make objects of them in the parts with missing values only, unless
        their type allows these.

    Attributes
    ----------
    all_names, names : list of str
        The names of all columns, and of those that are not dropped.
    n_rows : tuple of int
        The number of rows of each part.
    size : int
        The number of bytes of the table as numbers.
    """

    def __init__(self, path: Path, dropped: Sequence[str], labels: Sequence[str]):
        import_extra("pyarrow")
        import pyarrow.dataset as arrow
        from pyarrow import int8, schema

        with explaining(path, "Parquet"):
            # As pandas does it: columns that the names of folders state are categories.
            folders = arrow.HivePartitioning.discover(infer_dictionary=True)
            data = arrow.dataset(path, format="parquet", partitioning=folders)
            empty: pd.DataFrame = data.schema.empty_table().to_pandas()
            self.all_names = empty.columns.tolist()
            self.names = [name for name in self.all_names if name not in dropped]
            row_bytes = _BYTES_PER_CELL * len(self.names)
            n_bytes = min(_PART_BYTES, _affordable() / joblib.cpu_count())
            parts = list(_parts_of(data, n_bytes / max(row_bytes, 1)))
        self.n_rows = tuple(n_rows for _, n_rows in parts)
        self.size = sum(self.n_rows) * row_bytes
        booleans = set(empty.columns[empty.dtypes == np.dtype(bool)]).difference(labels)
        fields = [
            field.with_type(int8()) if field.name in booleans else field
            for field in data.schema
        ]
        self._path, self._schema = path, schema(fields, data.schema.metadata)
        self._fragments = [fragment for fragment, _ in parts]
        self._part_bytes = max(self.n_rows, default=0) * row_bytes
        self._on_read: Callable[[], object] = lambda: None

    def is_large(self) -> bool:
        """Return whether the table would take more memory than it may."""
        return self.size > _MAX_SHARE * machine_memory()

    def has_lists(self, name: str) -> bool:
        """Return whether the values of a column are lists or the like."""
        from pyarrow import types

        return bool(types.is_nested(self._schema.field(name).type))

    def read(self, i: int, names: Sequence[str]) -> pd.DataFrame:
        """Read some columns of a part."""
        with explaining(self._path, "Parquet"):
            table = self._fragments[i].to_table(schema=self._schema, columns=names)
            frame: pd.DataFrame = table.to_pandas()
        self._on_read()
        return frame.reset_index(drop=True)

    def map(self, function: Callable[[int], _T]) -> list[_T]:
        """Return the values of a function for the numbers of the parts."""
        dask = import_dask("dask")
        calls = [dask.delayed(function, pure=False)(i) for i in range(len(self.n_rows))]
        return list(dask.compute(*calls))

    @contextmanager
    def progress(self) -> Iterator[Callable[[str], None]]:
        """Show how much of a pass has been read; yield what says that work begins."""
        before, total = self._on_read, len(self.n_rows)
        with progress(total, "part") as advance:

            def begin(work: str) -> None:
                reads = count()
                self._on_read = lambda: advance(
                    f"{work}, pass {next(reads) // total + 1}"
                )

            yield begin
        self._on_read = before

    def workers(self) -> AbstractContextManager[Any]:
        """Make dask use as many threads as there is memory for."""
        n_workers = min(int(_affordable() / self._part_bytes), joblib.cpu_count())
        if n_workers < 1:
            raise CommandError(
                f"{self._path} has row groups of {gigabytes(self._part_bytes)}, too "
                f"large for a memory of {gigabytes(machine_memory())}: write it with "
                "smaller row groups"
            )
        return import_dask("dask").config.set(
            scheduler="threads", num_workers=n_workers
        )


def _affordable() -> float:
    """Return how many bytes all parts in use may have, as numbers."""
    return _MAX_SHARE * machine_memory() / _COPIES


def _parts_of(data: Any, most: float) -> Iterator[tuple[Any, int]]:
    """Yield each part, and its number of rows.

    A part has one row group, or as many as have at most a number of rows together.
    """
    for file in data.get_fragments():
        groups: list[int] = []
        n_rows = 0
        for group in file.row_groups:
            if groups and n_rows + group.num_rows > most:
                yield file.subset(row_group_ids=groups), n_rows
                groups, n_rows = [], 0
            groups.append(group.id)
            n_rows += group.num_rows
        if n_rows:
            yield file.subset(row_group_ids=groups), n_rows


def gigabytes(size: float) -> str:
    """Return a number of bytes in words."""
    return f"{size / 1e9:.3g} GB"
