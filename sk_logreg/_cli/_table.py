"""The table that the command prints."""

import argparse
import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import cycle

import numpy as np

from sk_logreg._cli._arguments import AUTO
from sk_logreg._cli._compare import (
    METRICS,
    MIN_TIME_LIMIT,
    TIME_RATIO,
    Result,
    reference_of,
)
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._models import REFERENCE

_WIDTH = 80
_MARKS = "†‡§¶"


def format_report(
    results: Sequence[Result], dataset: Dataset, options: argparse.Namespace
) -> str:
    """Return the title, the table, its legend and its footnotes, in 80 columns."""
    footnotes, marks = _footnotes(results)
    parts = [
        _wrap([_title(dataset, options), *dataset.notes]),
        _table(results, marks, options),
        _wrap(_legend(results, options)),
        _wrap(footnotes),
    ]
    return "\n\n".join(part for part in parts if part)


def _title(dataset: Dataset, options: argparse.Namespace) -> str:
    n_samples, n_columns = len(dataset.is_positive), dataset.preparation.n_features_in_
    n_features = dataset.design.shape[1]
    encoded = "" if n_features == n_columns else f" ({n_features:,} once encoded)"
    target = f"{options.target} = " if options.target else ""
    C = "chosen by cross-validation" if options.C == AUTO else f"= {options.C:g}"
    l1_ratio = f", l1_ratio = {options.l1_ratio:g}" if options.l1_ratio else ""
    share = len(dataset.scored) / n_samples
    scored = f"{options.cv} folds" if share == 1 else f"{share:.1%} of rows held out"
    return (
        f"{dataset.name}: {n_samples:,} rows, {n_columns:,} columns{encoded}; "
        f"positive: {target}{dataset.description}, {dataset.is_positive.mean():.1%} of "
        f"rows; C {C}{l1_ratio}; {scored}"
    )


def _table(
    results: Sequence[Result], marks: Sequence[str], options: argparse.Namespace
) -> str:
    """Return the table: a column per model, with numbers aligned on the right."""
    columns = [_cells(result, reference_of(results), options) for result in results]
    widths = [max(len(cell) for _, cell in cells) for cells in columns]
    labels = [label for label, _ in columns[0]]
    first_width = max(map(len, labels))
    lines = []
    for label, *cells in zip(labels, *columns, strict=True):
        # The mark is to the right of the aligned numbers.
        ends = marks if label == "iterations" else [" "] * len(marks)
        line = label.ljust(first_width)
        for (_, cell), width, end in zip(cells, widths, ends, strict=True):
            line += f"  {cell:>{width}}{end}"
        lines.append(line.rstrip())
    lines.insert(len(results[0].model.heading), "─" * max(map(len, lines)))
    return "\n".join(lines)


def _cells(
    result: Result, reference: Result | None, options: argparse.Namespace
) -> list[tuple[str, str]]:
    """Return the column of a model: the label of each line, and its cell."""
    model: list[tuple[str, str]] = []
    if options.C == AUTO:
        model.append(("C", f"{result.fitted.C:.4g}"))
    if options.l1_ratio > 0:
        n_nonzero = np.count_nonzero(result.fitted.coef_)
        shown = "–" if result.fits[0].was_stopped else f"{n_nonzero:,}"
        model.append(("coefficients not 0", shown))
    scores: list[tuple[str, str]] = []
    for metric, values in zip(METRICS, result.scores.T, strict=True):
        scores.append((metric, _decimal(values.mean())))
        if len(values) > 1:
            scores.append(("", _decimal(values.std(), ".1e", prefix="± ")))
    gap = getattr(result.fitted, "optimality_gap_", np.nan)
    compared: list[tuple[str, str]] = []
    if reference is not None:
        difference = np.nan
        if result is not reference:
            difference = np.abs(result.probability - reference.probability).max()
        compared.append(("largest difference", _number(difference, ".1e")))
    return [
        *(("", line) for line in result.model.heading),
        *model,
        ("cost J", _decimal(result.cost)),
        *scores,
        ("iterations", str(result.fitted.n_iter_[0])),
        ("optimality gap", _number(gap, ".1e")),
        ("fit time", _duration(result.fits[0].seconds)),
        *compared,
    ]


def _number(value: float, spec: str, prefix: str = "") -> str:
    return "–" if np.isnan(value) else f"{prefix}{float(value):{spec}}"


def _decimal(value: float, small: str = ".2e", prefix: str = "") -> str:
    """Format with four decimals, or as ``small`` if these would show little."""
    return _number(value, ".4f" if value == 0 or abs(value) >= 1e-3 else small, prefix)


def _duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1e3:.1f} ms"
    return f"{seconds:.2f} s" if seconds < 100 else f"{seconds:.0f} s"


def _legend(results: Sequence[Result], options: argparse.Namespace) -> list[str]:
    reference, search = reference_of(results), results[0].model.search
    model = []
    if search is not None:
        model.append(
            f"C: of {search.Cs!r} values, the one with the best mean log loss (squared "
            f"error: Brier score) in a cross-validation with {options.cv} folds. Each "
            "fit has its own choice, on its own rows, so that held-out rows take no "
            "part in it. The fit time is without the choice."
        )
        if reference is not None:
            model[-1] += f" {REFERENCE} has the C of cross entropy, bias free."
    if options.l1_ratio > 0:
        n_features = results[0].fitted.n_features_in_
        model.append(f"coefficients not 0: of {n_features:,}, the bias not counted.")
    scored = "of another fit over the rows that are held out from it."
    if len(results[0].scores) > 1:
        scored = (
            f"mean ± standard deviation over the held-out rows of {options.cv} folds."
        )
    return [
        *model,
        f"bias free: not penalized, as in {REFERENCE}; absorbed: penalized, as "
        "one more weight.",
        "cost J: mean loss over all rows; compare it within one loss only (the squared "
        "error is half the Brier score).",
        f"{', '.join(METRICS)}: {scored}",
        "iterations, optimality gap, fit time: of the fit on all rows, its columns "
        "prepared. The gap is a bound on how far the objective is above its minimum, "
        "relative to it.",
        *_legend_of_reference(reference),
    ]


def _legend_of_reference(reference: Result | None) -> list[str]:
    if reference is None:
        return [
            f"{REFERENCE} is left out: it needs all rows in memory. Reading the rows "
            "is part of the fit time."
        ]
    estimator = reference.model.estimator
    return [
        "largest difference: between a fitted probability and that of "
        f"{REFERENCE}, over all rows.",
        f'{REFERENCE}: solver="{estimator.solver}", tol={estimator.tol:g}; '
        f"each fit may take {TIME_RATIO} times as long as the longest of the other "
        f"models' on all rows, or {MIN_TIME_LIMIT:g} s if that is more.",
    ]


def _footnotes(results: Sequence[Result]) -> tuple[list[str], list[str]]:
    """Return what the fits warned of, and each result's mark (a space if none)."""
    texts = [_warnings(result) for result in results]
    names: dict[str, list[str]] = {text: [] for text in texts}
    for text, result in zip(texts, results, strict=True):
        names[text].append(result.model.name)
    mark_of = dict(zip(filter(None, names), cycle(_MARKS), strict=False))
    notes = [
        f"{mark} {'; '.join(names[text])}: {text}." for text, mark in mark_of.items()
    ]
    return notes, [mark_of.get(text, " ") for text in texts]


def _warnings(result: Result) -> str:
    """Return what the fits warned of, and how many of them did; '' if none.

    Warnings that differ by numbers only are counted as one.
    """
    alike: dict[str, list[str]] = {}
    for fit in result.fits:
        for warning in fit.warnings:
            alike.setdefault(re.sub(r"\d+", "#", warning), []).append(warning)
    return "; ".join(
        f"{warnings[0]} ({len(warnings)} of {len(result.fits)} fits)"
        for warnings in alike.values()
    )


def _wrap(paragraphs: Iterable[str]) -> str:
    return "\n".join(
        textwrap.fill(paragraph, _WIDTH, subsequent_indent="  ", break_on_hyphens=False)
        for paragraph in paragraphs
    )
