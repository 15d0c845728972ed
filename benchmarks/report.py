"""Summaries of the measured rows, and Markdown tables of them."""

from __future__ import annotations

import math
from statistics import median

from benchmarks.climb import ACCURACY
from benchmarks.objective import ABSORBED
from benchmarks.peers import OURS, OURS_ABSORBED
from benchmarks.problems import Problem, label_of
from benchmarks.records import Row, Summary

_OURS = (OURS.name, OURS_ABSORBED.name)


def medians(rows: list[Row]) -> dict[str, float]:
    """Median time of each solver over the interleaved rounds."""
    times: dict[str, list[float]] = {}
    for row in rows:
        if row.phase == "timed" and row.status == "ok" and row.seconds is not None:
            times.setdefault(row.solver, []).append(row.seconds)
    return {solver: median(found) for solver, found in times.items()}


def _worst(rows: list[Row], solver: str) -> float | None:
    """Largest relative suboptimality of a solver in its timed fits."""
    found = [
        row.relative_suboptimality
        for row in rows
        if row.solver == solver
        and row.phase == "timed"
        and row.relative_suboptimality is not None
    ]
    return max(found, default=None)


def _best_peer(rows: list[Row]) -> tuple[Row | None, float, float | None]:
    """Return the peer with the lowest ratio to our time: its row, time and ratio.

    A peer that penalizes the intercept is compared with our fit that penalizes it too.
    If no fit of ours exists, the fastest peer is returned, with None as the ratio.
    """
    times = medians(rows)
    best: tuple[Row | None, float, float | None] = (None, math.inf, None)
    for row in rows:
        if row.solver in _OURS or row.phase != "timed" or row.round != 0:
            continue
        worst = _worst(rows, row.solver)
        if row.solver not in times or worst is None or worst > ACCURACY:
            continue
        absorbed = row.convention == ABSORBED
        own = times.get(OURS_ABSORBED.name if absorbed else OURS.name)
        ratio = None if own is None else times[row.solver] / own
        key = times[row.solver] if ratio is None else ratio
        before = best[1] if best[2] is None else best[2]
        if key < before:
            best = (row, times[row.solver], ratio)
    return best


def summarize(
    problem: Problem,
    rows: list[Row],
    read_seconds: float,
    peak: dict[str, int] | None,
) -> Summary:
    """Return the row of the summary for one problem."""
    peer, seconds, ratio = _best_peer(rows)
    ours = medians(rows).get(OURS.name)
    short = _worst(rows, OURS.name)
    some = rows[0]
    return Summary(
        grid=problem.grid,
        problem=problem.name,
        regime=problem.regime,
        n_samples=some.n_samples,
        n_features=some.n_features,
        stored=some.stored,
        target=problem.target,
        ours_seconds=ours,
        ours_suboptimality=short,
        best_peer="" if peer is None else peer.solver,
        best_setting="" if peer is None else peer.setting,
        best_seconds=None if peer is None else seconds,
        ratio=ratio,
        met=verdict(_failure(short), ratio, problem.target),
        reads=next(
            (r.reads for r in rows if r.solver == OURS.name and r.phase == "timed"),
            None,
        ),
        read_seconds=read_seconds,
        ours_over_read=None if ours is None else ours / read_seconds,
        peak_bytes=None if peak is None else peak["peak_bytes"],
        peak_over_x=None if peak is None else peak["peak_bytes"] / peak["x_bytes"],
    )


def _failure(short: float | None) -> str:
    """Return why a fit of ours does not count, empty if it counts."""
    if short is None:
        return "no fit"
    return "no: accuracy" if short > ACCURACY else ""


def verdict(failure: str, ratio: float | None, target: float) -> str:
    """Return whether the target is met, or why there is no ratio."""
    if failure:
        return failure
    if ratio is None:
        return "no peer"
    return "yes" if ratio >= target else "no"


def duration(seconds: float | None) -> str:
    """Format a time with three digits and its unit."""
    if seconds is None:
        return "—"
    if seconds < 1.0:
        return f"{seconds * 1e3:.3g} ms"
    return f"{seconds:.3g} s"


def _short(value: float | None) -> str:
    return "—" if value is None else f"{max(value, 0.0):.0e}"


def _plain(value: float | None, form: str) -> str:
    return "—" if value is None else format(value, form)


def _memory(one: Summary) -> str:
    """Peak memory in addition to X: as a fraction of X, or in MB if X is small."""
    if one.peak_bytes is None or one.peak_over_x is None:
        return "—"
    if one.peak_bytes > 10 * one.peak_over_x * 1e6:
        return f"{one.peak_over_x:.2f} X"
    return f"{one.peak_bytes / 1e6:.1f} MB"


def table(summaries: list[Summary]) -> str:
    """Return the summary as a Markdown table."""
    head = (
        "data",
        "rows × columns",
        "this package",
        "suboptimality",
        "best peer",
        "its time",
        "ratio",
        "target",
        "met",
        "reads of X",
        "time / one read",
        "extra memory",
        "name",
    )
    body = [
        (
            label_of(one.problem),
            _size(one),
            duration(one.ours_seconds),
            _short(one.ours_suboptimality),
            f"{one.best_peer} {one.best_setting}".strip() or "none reached it",
            duration(one.best_seconds),
            _plain(one.ratio, ".2f"),
            f"{one.target:g}",
            one.met,
            _plain(one.reads, ".1f"),
            _plain(one.ours_over_read, ".1f"),
            _memory(one),
            one.problem,
        )
        for one in summaries
    ]
    return markdown(head, body, right=(2, 3, 5, 6, 7, 9, 10, 11))


def _size(one: Row | Summary) -> str:
    """Return the shape of X as text."""
    return f"{one.n_samples:,} × {one.n_features:,}"


def defaults_table(rows: list[Row]) -> str:
    """Return each peer's time and suboptimality at its defaults, by problem."""
    problems = list(dict.fromkeys((row.problem, _size(row)) for row in rows))
    solvers = list(
        dict.fromkeys(
            row.solver
            for row in rows
            if row.solver not in _OURS and row.phase != "scaling"
        )
    )
    cells = {
        (row.problem, row.solver): _default_cell(row)
        for row in rows
        if row.phase == "excluded" or (row.phase == "climb" and row.round == 0)
    }
    solvers = [s for s in solvers if any((p, s) in cells for p, _ in problems)]
    body = [
        (label_of(problem), size, *(cells.get((problem, s), "") for s in solvers))
        for problem, size in problems
    ]
    return markdown(("peers at their defaults", "rows × columns", *solvers), body)


def _default_cell(row: Row) -> str:
    if row.phase == "excluded":
        return ""
    if row.relative_suboptimality is None:
        return row.status.split(":")[0]
    return f"{duration(row.seconds)}, {_short(row.relative_suboptimality)}"


def markdown(
    head: tuple[str, ...], body: list[tuple[str, ...]], right: tuple[int, ...] = ()
) -> str:
    """Return a Markdown table with aligned columns."""
    widths = [max(len(row[k]) for row in (head, *body)) for k in range(len(head))]

    def line(cells: tuple[str, ...]) -> str:
        padded = [
            cell.rjust(width) if k in right else cell.ljust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "| " + " | ".join(padded) + " |"

    rule = [
        "-" * (w - 1) + ":" if k in right else "-" * w for k, w in enumerate(widths)
    ]
    return "\n".join([line(head), "| " + " | ".join(rule) + " |", *map(line, body)])
