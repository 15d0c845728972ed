"""Draw the reliability curves and the convergence of the fits."""

import textwrap
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.calibration import CalibrationDisplay

from sk_logreg._cli._compare import Result, reference_of
from sk_logreg._cli._data import Dataset
from sk_logreg.displays import ConvergenceDisplay

_REFERENCE_STYLE: dict[str, Any] = {"color": "black", "linestyle": "--", "marker": "x"}
# Open markers, so that both of two coinciding curves are seen.
_MARKERS: dict[str, Any] = {"markersize": 5.0, "fillstyle": "none"}


def draw_plot(path: Path, results: Sequence[Result], dataset: Dataset) -> str:
    """Draw both panels into a PNG file, and return a sentence for the user."""
    from matplotlib.artist import getp
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5.5), layout="constrained")
    reliability, convergence = figure.subplots(1, 2)
    reference = reference_of(results)
    own = {each.model.name: each.fitted for each in results if each is not reference}
    display = ConvergenceDisplay.from_estimators(own, ax=convergence, **_MARKERS)
    convergence.set(
        title="Convergence on all rows", xlabel="iteration, over all starts"
    )
    # A model has the same style in both panels.
    styles = [
        {name: getp(line, name) for name in _REFERENCE_STYLE} for line in display.lines_
    ]
    for result, style in zip(results, [*styles, _REFERENCE_STYLE], strict=False):
        if not np.isnan(result.held_out).any():
            CalibrationDisplay.from_predictions(
                dataset.scored,
                result.held_out,
                n_bins=10,
                strategy="quantile",
                name=result.model.name,
                ax=reliability,
                **_MARKERS,
                **style,
            )
    reliability.set(
        title=f"Reliability on held-out rows ({_shorten(dataset.name)})",
        xlabel=f"mean predicted probability of {_shorten(dataset.description)}",
        ylabel="share of it among these rows",
    )
    with warnings.catch_warnings():
        # A character that the font lacks is drawn as a box.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(path, dpi=150)
    return f"Drew {path}."


def _shorten(text: str) -> str:
    """Return a name for a label: one short line, without TeX."""
    return textwrap.shorten(text, 40, placeholder="…").replace("$", r"\$")
