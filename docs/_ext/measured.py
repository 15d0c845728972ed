"""Directives that show the result files of the benchmarks.

======================================  ============================================
directive                               shows
======================================  ============================================
``.. measured-report:: full.md``        a report
``.. measured-figure:: full.png``       a figure
``.. measured-summary:: NAME.csv``      a short table of a summary file
======================================  ============================================

The files are in ``benchmarks/results/``. A missing file is replaced by a note.
"""

import csv
import os
from pathlib import Path

from benchmarks.problems import label_of
from docutils import nodes
from docutils.parsers.rst import Directive, directives
from docutils.statemachine import StringList

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


class _Measured(Directive):
    required_arguments = 1
    option_spec = {"alt": directives.unchanged}

    def run(self):
        path = RESULTS / self.arguments[0]
        env = self.state.document.settings.env
        env.note_dependency(str(path))
        if not path.exists():
            text = f"Not measured yet: benchmarks/results/{path.name} does not exist."
            return [nodes.paragraph("", "", nodes.emphasis("", text))]
        container = nodes.container()
        page = Path(env.doc2path(env.docname)).parent
        lines = self.content_of(path, os.path.relpath(path, page)).splitlines()
        self.state.nested_parse(StringList(lines, str(path)), 0, container)
        return container.children

    def content_of(self, path, relative):
        """Return the reST for a file; the second path is relative to the page."""
        raise NotImplementedError


class Report(_Measured):
    def content_of(self, _path, relative):
        return f".. include:: {relative}\n   :parser: myst_parser.sphinx_\n   :start-line: 1"


class Figure(_Measured):
    def content_of(self, path, relative):
        return f".. image:: {relative}\n   :alt: {self.options.get('alt', path.stem)}"


class Summary(_Measured):
    def content_of(self, path, _relative):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["ours_seconds"]]
        lines = [
            ".. list-table::",
            "   :header-rows: 1",
            "",
            "   * - data",
            "     - rows × columns",
            "     - this package",
            "     - best peer",
            "     - ratio",
        ]
        for row in rows:
            size = f"{int(row['n_samples']):,} × {int(row['n_features']):,}"
            peer = row["best_peer"] or "none reached 1e-8"
            if row["best_seconds"]:
                peer += f", {float(row['best_seconds']):.3g} s"
            ratio = f"{float(row['ratio']):.2g}" if row["ratio"] else "–"
            cells = [
                label_of(row["problem"]),
                size,
                f"{float(row['ours_seconds']):.3g} s",
                peer,
                ratio,
            ]
            lines += [
                f"   {'* -' if k == 0 else '  -'} {c}" for k, c in enumerate(cells)
            ]
        return "\n".join(lines)


def setup(app):
    app.add_directive("measured-report", Report)
    app.add_directive("measured-figure", Figure)
    app.add_directive("measured-summary", Summary)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
