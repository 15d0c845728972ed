"""The figure: the time of every peer divided by ours, for each problem."""

from __future__ import annotations

from pathlib import Path

from benchmarks.climb import ACCURACY
from benchmarks.objective import ABSORBED
from benchmarks.peers import OURS, OURS_ABSORBED
from benchmarks.problems import label_of
from benchmarks.records import Row, Summary
from benchmarks.report import duration, medians

_COLORS = {
    "sklearn": "#1b6ca8",
    "sklearnex": "#00a5cf",
    "glum": "#e07a1f",
    "liblinear-official": "#7a4fb5",
    "statsmodels": "#3f8f3f",
    "skglm": "#c2347e",
    "snapml": "#8c6d46",
    "celer": "#b03a2e",
    "adelie": "#5d6d7e",
    "scipy": "#555555",
}
_MARKS = "oDs^vP<>*Xhp"


def _points(rows: list[Row], problem: str) -> dict[str, tuple[float, bool]]:
    """Return each peer's time over ours, and whether it reached the accuracy.

    The time of a peer that was not part of the interleaved rounds is the time of its
    fastest sufficiently accurate fit. For a peer that never reached the accuracy, it is
    the time of its most accurate fit.
    """
    mine = [row for row in rows if row.problem == problem]
    times = medians(mine)
    found = {}
    for solver in dict.fromkeys(row.solver for row in mine if row.phase == "climb"):
        if solver in (OURS.name, OURS_ABSORBED.name):
            continue
        fits = [
            r
            for r in mine
            if r.solver == solver and r.phase == "climb" and r.seconds is not None
        ]
        good = [r for r in fits if (r.relative_suboptimality or 0.0) <= ACCURACY]
        good = [r for r in good if r.relative_suboptimality is not None]
        absorbed = fits[0].convention == ABSORBED
        own = times.get(OURS_ABSORBED.name if absorbed else OURS.name)
        own = own or times.get(OURS.name)
        if own is None:
            continue
        if good:
            seconds = times.get(solver, min(r.seconds or 0.0 for r in good))
        else:
            shown = min(fits, key=lambda r: r.relative_suboptimality or float("inf"))
            seconds = shown.seconds or 0.0
        found[solver] = (seconds / own, bool(good))
    return found


def draw(path: Path, rows: list[Row], summaries: list[Summary]) -> None:
    """Draw the dot plot as PNG. Draw nothing if there is no fit of ours."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    shown = [one for one in summaries if one.ours_seconds is not None]
    if not shown:
        return
    figure, axes = plt.subplots(figsize=(10.5, 1.9 + 0.36 * len(shown)))
    marks: dict[str, tuple[str, str]] = {}
    for place, one in enumerate(shown):
        axes.axhline(place, color="#eeeeee", linewidth=0.8, zorder=0)
        label = "target" if place == 0 else None
        axes.plot(
            [one.target] * 2,
            [place - 0.36, place + 0.36],
            color="#d62728",
            linewidth=2.2,
            label=label,
            zorder=1,
        )
        for solver, (ratio, reached) in _points(rows, one.problem).items():
            family = solver.split()[0]
            color = _COLORS.get(family, "black")
            if solver not in marks:
                used = sum(1 for s in marks if s.split()[0] == family)
                marks[solver] = (color, _MARKS[used % len(_MARKS)])
            axes.plot(
                ratio,
                place,
                marks[solver][1],
                color=color,
                markerfacecolor=color if reached else "none",
                markersize=7 if reached else 5,
                alpha=0.9 if reached else 0.45,
                linestyle="none",
                zorder=3,
            )
    _dress(axes, shown)
    _legend(axes, marks)
    figure.savefig(path, dpi=150, bbox_inches="tight")
    plt.close(figure)


def _dress(axes: object, shown: list[Summary]) -> None:
    """Format the axes, and write the two columns of text on the right."""
    axes.axvline(1.0, color="black", linewidth=1.2, zorder=2)
    axes.set_xscale("log")
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(
        range(len(shown)),
        [f"{label_of(o.problem)}   {o.n_samples:,} × {o.n_features:,}" for o in shown],
    )
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.5), min(high, 3e3))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.tick_params(axis="y", length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(
        "time of a whole fit ÷ time of this package, both at relative suboptimality"
        " ≤ 1e-8   (above 1: slower)"
    )
    across = axes.get_yaxis_transform()
    axes.text(1.02, -0.75, "this package", transform=across, weight="bold", va="bottom")
    axes.text(1.17, -0.75, "best peer", transform=across, weight="bold", va="bottom")
    for place, one in enumerate(shown):
        axes.text(
            1.02, place, duration(one.ours_seconds), transform=across, va="center"
        )
        ratio = "none" if one.ratio is None else f"{one.ratio:.2g} ×  {one.best_peer}"
        color = "#2a7d2a" if one.met == "yes" else "#c22"
        axes.text(1.17, place, ratio, transform=across, va="center", color=color)


def _legend(axes: object, marks: dict[str, tuple[str, str]]) -> None:
    """Draw the legend below the axes."""
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=color, marker=mark, linestyle="none", label=solver)
        for solver, (color, mark) in sorted(marks.items())
    ]
    handles.append(
        Line2D(
            [],
            [],
            color="#888888",
            marker="o",
            markerfacecolor="none",
            linestyle="none",
            label="hollow: did not reach 1e-8",
        )
    )
    handles.append(Line2D([], [], color="#d62728", linewidth=2.2, label="target"))
    axes.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.62 / (0.36 * len(axes.get_yticks()))),
        ncols=4,
        frameon=False,
        fontsize=9,
    )
