"""Print the table of README.md: each kind of problem, from the stored results.

python -m benchmarks.overview
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from statistics import median

from benchmarks.records import number, read
from benchmarks.report import duration, markdown

RESULTS = Path(__file__).parent / "results"
# The results of a peer with one of these count; see the studies.
_COUNTED = ("ok", "rounding")


@dataclass(frozen=True)
class Kind:
    """Problems of one kind: those of a file whose names begin with a prefix.

    Attributes
    ----------
    label : str
    file : str
    prefixes : tuple of str
        The first problem whose name begins with the first prefix is the example.
    columns : int or None
        The number of columns, if the file does not state it.
    """

    label: str
    file: str
    prefixes: tuple[str, ...]
    columns: int | None = None


_SQUARED, _SPARSE = ("squared",), ("text_700k", "text", "one_hot")
_DENSE = ("tall", "ill", "narrow", "mid", "square_", "separable", "no_penalty")
_DENSE += ("patches", "digits", "breast", "small", "benchopt")
KINDS = (
    Kind("ridge or no penalty, dense X", "full_summary.csv", _DENSE),
    Kind("ridge, sparse X", "full_summary.csv", _SPARSE),
    Kind("squared error", "full_summary.csv", _SQUARED),
    Kind("lasso or elastic net", "l1_summary.csv", ("l1_tall", "")),
    Kind("lasso path, 100 values of `C`", "choosing.csv", ("path",)),
    Kind("choice of `C` by 5 folds", "choosing.csv", ("search",)),
    Kind("fit and standard errors", "inference.csv", ("model_tall", "")),
    Kind("dask arrays", "partitions.csv", ("solvers",), columns=30),
)


@dataclass(frozen=True)
class Outcome:
    """Our time on a problem, and the peer with the lowest ratio of its time to ours.

    Without such a peer, because none is accurate enough, the ratio is None.
    """

    problem: str
    n_samples: int
    n_features: int | None
    seconds: float | None
    peer: str
    peer_seconds: float | None
    ratio: float | None


def outcomes(path: Path) -> Iterator[Outcome]:
    """Yield the outcome of each problem of a file of results.

    A file has a row for each problem, or one for each solver, ours first.
    """
    for problem, group in groupby(read(path), key=lambda row: row["problem"]):
        first, *others = group
        if "best_peer" in first:
            names = "ours_seconds", "best_peer", "best_seconds"
            best = first
        else:
            names = "seconds", "solver", "seconds"
            rivals = [row for row in others if _is_rival(row)]
            best = min(rivals, key=lambda row: float(row["ratio"]), default={})
        yield Outcome(
            problem,
            int(first["n_samples"]),
            int(first["n_features"]) if "n_features" in first else None,
            number(first[names[0]]),
            best.get(names[1], ""),
            number(best.get(names[2], "")),
            number(best.get("ratio", "")),
        )


def _is_rival(row: dict[str, str]) -> bool:
    """Whether a row has the time of an accurate peer."""
    ours = row["solver"].startswith(("sk_logreg", "this package"))
    return not ours and row["ratio"] != "" and row["status"] in _COUNTED


def overview(kinds: Sequence[Kind] = KINDS, folder: Path = RESULTS) -> str:
    """Return a Markdown table with a row for each kind."""
    head = (
        "what is fitted",
        "faster on",
        "ratio: median",
        "lowest … highest",
        "for example",
        "this package",
        "best peer",
        "its time",
    )
    return markdown(head, [_line(kind, folder) for kind in kinds], right=(2, 3, 5, 7))


def _line(kind: Kind, folder: Path) -> tuple[str, ...]:
    found = [
        one
        for one in outcomes(folder / kind.file)
        if one.problem.startswith(kind.prefixes)
    ]
    example = next(one for one in found if one.problem.startswith(kind.prefixes[0]))
    ratios = [one.ratio for one in found if one.ratio is not None]
    n_faster = sum(ratio > 1.0 for ratio in ratios)
    return (
        kind.label,
        f"{n_faster} of {len(ratios)}",
        f"{median(ratios):.2g}",
        f"{min(ratios):.2g} … {max(ratios):.2g}",
        f"{example.n_samples:,} × {example.n_features or kind.columns:,}",
        duration(example.seconds),
        example.peer,
        duration(example.peer_seconds),
    )


if __name__ == "__main__":
    print(overview())
