"""The table that the command prints."""

import argparse
import re
import textwrap
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from sk_logreg._cli._compare import METRICS, Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._models import LEAST_SECONDS, REFERENCE, TIME_RATIO

_WIDTH = 80
_GAP = "  "
_NONE = "–"
_MARKS = "†‡§¶"


def format_report(
    results: Sequence[Result],
    dataset: Dataset,
    options: argparse.Namespace,
    n_features: int,
) -> str:
    """Return the title, the table, its legend and its footnotes, in 80 columns.

    Parameters
    ----------
    results : sequence of Result
        A column of the table each; the last is the reference's.
    dataset : Dataset
        What they are of.
    options : argparse.Namespace
        ``target``, ``C`` and ``cv``.
    n_features : int
        Number of columns of the design matrix.
    """
    title = "\n".join(
        _wrap(text) for text in (_title(dataset, options, n_features), *dataset.notes)
    )
    notes, marks = _footnotes(results)
    parts = [title, _table(results, marks), _legend(results, options.cv), notes]
    return "\n\n".join(part for part in parts if part)


def _title(dataset: Dataset, options: argparse.Namespace, n_features: int) -> str:
    n_samples, n_columns = dataset.X.shape
    encoded = "" if n_features == n_columns else f" ({n_features:,} once encoded)"
    target = f"{options.target} = " if options.target else ""
    return (
        f"{dataset.name}: {n_samples:,} rows, {n_columns:,} columns{encoded}; "
        f"positive: {target}{dataset.target.description}, "
        f"{dataset.is_positive.mean():.1%} of rows; C = {options.C:g}; "
        f"{options.cv} folds"
    )


def _table(results: Sequence[Result], marks: Sequence[str]) -> str:
    """Return the table, a column a model, numbers aligned on the right."""
    rows: list[tuple[str, list[str]]] = [
        ("", [result.model.heading[line] for result in results]) for line in range(3)
    ]
    rows.append(("cost J", [_decimal(result.cost) for result in results]))
    for metric in METRICS:
        scores = [result.scores[metric] for result in results]
        rows.append((metric, [_decimal(score.mean()) for score in scores]))
        rows.append(("", [_deviation(score) for score in scores]))
    for name, tell in _OF_THE_FIT.items():
        rows.append((name, [tell(result) for result in results]))
    first = max(len(label) for label, _ in rows)
    columns = zip(*(cells for _, cells in rows), strict=True)
    widths = [max(map(len, column)) for column in columns]
    lines = []
    for label, cells in rows:
        # A mark hangs to the right of its number, outside the alignment.
        hung = marks if label == "iterations" else [""] * len(cells)
        line = label.ljust(first) + "".join(
            f"{_GAP}{cell.rjust(width)}{mark or ' '}"
            for cell, width, mark in zip(cells, widths, hung, strict=True)
        )
        lines.append(line.rstrip())
    lines.insert(3, "─" * max(map(len, lines)))
    return "\n".join(lines)


def _legend(results: Sequence[Result], n_folds: int) -> str:
    reference = results[-1].model.estimator
    metrics = f"{', '.join(METRICS[:-1])}, {METRICS[-1]}"
    entries = [
        "bias free: not penalised, as in LogisticRegression; absorbed: penalised, as "
        "one more weight.",
        "cost J: mean loss over all rows; compare it within one loss only (the squared "
        "error is half the Brier score).",
        f"{metrics}: mean ± standard deviation over the held-out rows of "
        f"{n_folds} folds.",
        "iterations, optimality gap, fit time: of the fit on all rows, its columns "
        "prepared. The gap is a bound on how far the objective is above its minimum, "
        "relative to it.",
        "largest difference: between a fitted probability and that of "
        f"{REFERENCE}, over all rows.",
        f'{REFERENCE}: solver="{reference.solver}", tol={reference.tol:g}; '
        f"each fit may take {TIME_RATIO} times as long as the longest of the other "
        f"models' on all rows, or {LEAST_SECONDS:g} s if that is more.",
    ]
    return "\n".join(_wrap(entry) for entry in entries)


def _footnotes(results: Sequence[Result]) -> tuple[str, list[str]]:
    """Return what the fits warned of, and each result's mark ('' if of nothing)."""
    names: dict[str, list[str]] = {}
    for result in results:
        if result.warnings:
            names.setdefault(_told(result), []).append(result.model.name)
    mark_of = {told: _MARKS[i % len(_MARKS)] for i, told in enumerate(names)}
    notes = [
        _wrap(f"{mark} {'; '.join(names[told])}: {told}.")
        for told, mark in mark_of.items()
    ]
    return "\n".join(notes), [mark_of.get(_told(result), "") for result in results]


def _told(result: Result) -> str:
    """Return what the fits warned of, and how many of them did; '' if none."""
    alike: dict[str, list[str]] = {}
    for warning in result.warnings:
        alike.setdefault(re.sub(r"\d+", "#", warning), []).append(warning)
    return "; ".join(
        f"{warnings[0]} ({len(warnings)} of {result.n_fits} fits)"
        for warnings in alike.values()
    )


def _wrap(text: str) -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _decimal(value: float) -> str:
    """Four decimals, or three significant digits where these would vanish."""
    if np.isnan(value):
        return _NONE
    return f"{value:.4f}" if value == 0 or abs(value) >= 1e-3 else f"{value:.2e}"


def _deviation(scores: NDArray[np.float64]) -> str:
    value = float(scores.std())
    if np.isnan(value):
        return _NONE
    return f"± {value:.4f}" if value == 0 or value >= 1e-3 else f"± {value:.1e}"


def _duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def _gap(result: Result) -> str:
    """Return the bound on relative suboptimality; LogisticRegression has none."""
    if result.model.is_reference:
        return _NONE
    return f"{float(result.fitted.optimality_gap_):.1e}"


def _difference(result: Result) -> str:
    if result.model.is_reference or np.isnan(result.difference):
        return _NONE
    return f"{result.difference:.1e}"


_OF_THE_FIT: dict[str, Callable[[Result], str]] = {
    "iterations": lambda result: str(int(result.fitted.n_iter_[0])),
    "optimality gap": _gap,
    "fit time": lambda result: _duration(result.seconds),
    "largest difference": _difference,
}
