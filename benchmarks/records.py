"""The two result files: one row per fit, and one row per problem."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Row:
    """One fit, or the reason why there is no fit.

    `phase` is "climb" for a fit of the search for a setting, "timed" for a fit of the
    interleaved rounds, whose median counts, "excluded" for a peer that cannot fit the
    problem, and "scaling" for a fit of the scaling study.
    """

    grid: str
    problem: str
    regime: str
    n_samples: int
    n_features: int
    stored: int
    dtype: str
    layout: str
    loss: str
    C: float
    solver: str
    version: str
    convention: str
    phase: str
    setting: str
    round: int
    seconds: float | None = None
    objective: float | None = None
    relative_suboptimality: float | None = None
    n_iter: int | None = None
    reads: float | None = None
    status: str = "ok"


@dataclass(frozen=True)
class Summary:
    """One problem: our figures, the best peer's, and the time of one read of X."""

    grid: str
    problem: str
    regime: str
    n_samples: int
    n_features: int
    stored: int
    target: float
    ours_seconds: float | None
    ours_suboptimality: float | None
    best_peer: str
    best_setting: str
    best_seconds: float | None
    ratio: float | None
    met: str
    reads: float | None
    read_seconds: float
    ours_over_read: float | None
    peak_bytes: float | None
    peak_over_x: float | None


def write(path: Path, rows: Iterable[Row | Summary], kind: type) -> None:
    """Write rows as CSV, with floats to six significant digits."""
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(kind)]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({k: _text(k, v) for k, v in asdict(row).items()})


def read(path: Path) -> list[dict[str, str]]:
    """Read a CSV file as dictionaries of strings."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def load(path: Path, kind: type) -> list[Any]:
    """Read a CSV file as records of a given class."""
    types = {field.name: str(field.type) for field in fields(kind)}
    return [
        kind(**{name: _value(row[name], of) for name, of in types.items()})
        for row in read(path)
    ]


def number(text: str) -> float | None:
    """A cell as a float; None if it is empty."""
    return float(text) if text else None


def _value(text: str, of: str) -> Any:
    """A cell as a value of the type of its field."""
    if not text and "None" in of:
        return None
    return int(text) if "int" in of else float(text) if "float" in of else text


def _text(name: str, value: Any) -> str:
    """One cell: all digits of an objective, six digits of other floats."""
    if value is None:
        return ""
    if isinstance(value, float):
        return repr(value) if name == "objective" else f"{value:.6g}"
    return str(value)
