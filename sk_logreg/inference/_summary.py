"""The summary of an inference, as text and as HTML."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import zip_longest

import numpy as np

_WIDTH = 80


def number(value: float, digits: int = 4) -> str:
    """Return a number with a few significant digits."""
    if np.isnan(value):
        return "–"
    if np.isinf(value):
        return "∞" if value > 0 else "−∞"
    value += 0.0  # no negative zero
    size = abs(value)
    if size != 0.0 and (size < 1e-3 or size >= 1e6):
        return f"{value:.{digits - 1}e}"
    whole = 1 if size < 1.0 else int(np.floor(np.log10(size))) + 1
    return f"{value:.{max(0, digits - whole + (size < 1.0))}f}"


def p_value(value: float) -> str:
    """Return a p-value with three decimals."""
    if np.isnan(value):
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


@dataclass(frozen=True)
class Summary:
    """The parts of a summary.

    Attributes
    ----------
    title : str
    facts : sequence of tuple of str
        Names and values of figures of the whole fit.
    head : sequence of str
        The header of the table of coefficients.
    rows : sequence of sequence of str
        Its cells.
    notes : sequence of str
    """

    title: str
    facts: Sequence[tuple[str, str]]
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str]

    def as_text(self) -> str:
        """Return the summary for a terminal, in 80 columns if the names allow it."""
        table = [self.head, *self.rows]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = [_aligned(cells, widths) for cells in table]
        rule = "─" * max(map(len, lines))
        notes = [_numbered(place, note) for place, note in enumerate(self.notes, 1)]
        parts = [self.title, "", *self._facts_in_two_columns(), "", lines[0], rule]
        return "\n".join([*parts, *lines[1:], "", "Notes", *notes])

    def _facts_in_two_columns(self) -> list[str]:
        half = -(-len(self.facts) // 2)
        left, right = self.facts[:half], self.facts[half:]
        width = max(len(name) + len(value) for name, value in left) + 2
        return [
            f"{a}{b.rjust(width - len(a))}    {c.ljust(24)}{d}".rstrip()
            for (a, b), (c, d) in zip_longest(left, right, fillvalue=("", ""))
        ]

    def as_html(self) -> str:
        """Return the summary for a notebook."""
        body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in self.rows)
        facts = "".join(f"<tr>{_cells('td', fact)}</tr>" for fact in self.facts)
        notes = "".join(f"<li>{escape(note)}</li>" for note in self.notes)
        return (
            f"<div><p><strong>{escape(self.title)}</strong></p>"
            f"<table><thead><tr>{_cells('th', self.head)}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
            f"<details><summary>Fit</summary><table><tbody>{facts}</tbody></table>"
            "</details><details open><summary>Notes</summary>"
            f"<ol>{notes}</ol></details></div>"
        )


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return the cells of a line, the first aligned on the left."""
    first, *others = zip(cells, widths, strict=True)
    name, width = first
    numbers = [cell.rjust(size) for cell, size in others]
    return "  ".join([name.ljust(width), *numbers]).rstrip()


def _numbered(place: int, note: str) -> str:
    return textwrap.fill(
        note, _WIDTH, initial_indent=f"{place:2d}. ", subsequent_indent="    "
    )


def _cells(kind: str, texts: Sequence[str]) -> str:
    """Return the cells of a line of HTML, the first aligned on the left."""
    sides = ["left", *["right"] * (len(texts) - 1)]
    return "".join(
        f'<{kind} style="text-align: {side}">{escape(text)}</{kind}>'
        for side, text in zip(sides, texts, strict=True)
    )
