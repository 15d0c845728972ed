"""Draw the reliability curves and the cost per iteration."""

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.calibration import calibration_curve

from sk_logreg._cli._compare import Result
from sk_logreg._cli._data import Dataset
from sk_logreg._cli._errors import CommandError, import_extra, reason
from sk_logreg._cli._files import check_writable
from sk_logreg._cli._models import REFERENCE

# Okabe and Ito's colours, which colour-blind readers tell apart, with a line and a
# marker of its own a model, so that coinciding curves both show.
_STYLES: dict[str, dict[str, object]] = {
    "cross entropy, bias free": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "cross entropy, bias absorbed": {
        "color": "#56B4E9",
        "marker": "s",
        "linestyle": "--",
    },
    "squared error, bias free": {"color": "#D55E00", "marker": "^", "linestyle": "-"},
    "squared error, bias absorbed": {
        "color": "#E69F00",
        "marker": "v",
        "linestyle": "--",
    },
    REFERENCE: {"color": "black", "marker": "x", "linestyle": ":"},
}
_N_BINS = 10
# Of the objective, relative to it; a smaller one is due to rounding.
_RISE = 1e-6


def check_plot(path: Path) -> None:
    """Raise a CommandError if a picture cannot be drawn at ``path``."""
    check_writable(path)
    import_extra("matplotlib")


def draw_plot(path: Path, results: Sequence[Result], dataset: Dataset) -> str:
    """Draw both panels into a PNG file, and say so."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    reliability, iterations = figure.subplots(1, 2)
    _draw_reliability(reliability, results, dataset)
    _draw_iterations(iterations, results)
    handles, labels = reliability.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    try:
        with warnings.catch_warnings():
            # A name in a script that the font lacks is drawn as boxes.
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            figure.savefig(path, dpi=150)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {reason(error)}") from error
    return f"Drew {path}."


def _draw_reliability(axes: Any, results: Sequence[Result], dataset: Dataset) -> None:
    for result in results:
        if np.isnan(result.held_out).any():
            continue
        share, probability = calibration_curve(
            dataset.is_positive, result.held_out, n_bins=_N_BINS, strategy="quantile"
        )
        axes.plot(probability, share, label=result.model.name, **_style(result))
    axes.plot([0, 1], [0, 1], color="0.7", zorder=1, label="perfectly reliable")
    axes.set(
        title=f"Reliability on held-out rows ({_short(dataset.name)})",
        xlabel=f"mean predicted probability of {_short(dataset.target.description)}",
        ylabel="share of it among these rows",
        aspect="equal",
        xlim=(-0.02, 1.02),
        ylim=(-0.02, 1.02),
    )


def _draw_iterations(axes: Any, results: Sequence[Result]) -> None:
    for result in results:
        if not result.model.is_reference:
            axes.plot(*_excess(result.fitted), **_style(result))
    axes.set(
        title="Cost per iteration",
        xlabel="iteration, over all starts",
        ylabel="relative suboptimality of the objective (bound)",
        yscale="log",
    )
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", color="0.9")


def _excess(fitted: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the iterations and (F - F*) / F after each, F* the certified bound.

    Where F rises, the iterations of another start begin: a nan breaks the line. So
    does an iteration on a part of the rows, whose objective is another one.
    """
    all_rows = max((record.rows_used for record in fitted.history_), default=0)
    objective = np.array(
        [
            record.objective if record.rows_used == all_rows else np.nan
            for record in fitted.history_
        ]
    )
    lowest = max(float(fitted.objective_), np.finfo(float).tiny)
    excess = (objective - lowest) / lowest + float(fitted.optimality_gap_)
    rises = 1 + np.flatnonzero(np.diff(objective) > _RISE * objective[:-1])
    iteration = np.arange(1.0, 1 + excess.size)
    return (
        np.insert(iteration, rises, np.nan),
        np.insert(np.where(excess > 0, excess, np.nan), rises, np.nan),
    )


def _style(result: Result) -> dict[str, object]:
    return {
        **_STYLES[result.model.name],
        "linewidth": 1.5,
        "markersize": 5,
        "fillstyle": "none",
    }


def _short(text: str) -> str:
    """Return a name fit for a label: one line, none of it taken for TeX."""
    return textwrap.shorten(text, 40, placeholder="…").replace("$", r"\$")
