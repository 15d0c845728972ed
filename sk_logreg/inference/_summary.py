"""The summary of an inference, as text and as HTML."""

import textwrap
from collections.abc import Sequence
from html import escape

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


def as_text(
    title: str,
    facts: Sequence[tuple[str, str]],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
) -> str:
    """Return a summary for a terminal, in 80 columns if the names allow it."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) if not place else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        for cells in (head, *rows)
    ]
    rule = "─" * max(map(len, lines))
    half = -(-len(facts) // 2)
    left, right = facts[:half], facts[half:]
    pairs = [*zip(left, [*right, *[("", "")] * (half - len(right))], strict=True)]
    wide = max(len(name) + len(value) for name, value in left) + 2
    shown = [
        f"{a}{b.rjust(wide - len(a))}    {c.ljust(24)}{d}".rstrip()
        for (a, b), (c, d) in pairs
    ]
    numbered = [
        textwrap.fill(
            note,
            _WIDTH,
            initial_indent=f"{place:2d}. ",
            subsequent_indent="    ",
        )
        for place, note in enumerate(notes, 1)
    ]
    parts = [title, "", *shown, "", lines[0], rule, *lines[1:]]
    return "\n".join([*parts, "", "Notes", *numbered] if numbered else parts)


def as_html(
    title: str,
    facts: Sequence[tuple[str, str]],
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    notes: Sequence[str],
) -> str:
    """Return a summary for a notebook."""
    right = ' style="text-align: right"'

    def cells(kind: str, texts: Sequence[str]) -> str:
        first, *others = (escape(text) for text in texts)
        return f'<{kind} style="text-align: left">{first}</{kind}>' + "".join(
            f"<{kind}{right}>{text}</{kind}>" for text in others
        )

    body = "".join(f"<tr>{cells('td', row)}</tr>" for row in rows)
    described = "".join(
        f"<tr><td>{escape(name)}</td><td{right}>{escape(value)}</td></tr>"
        for name, value in facts
    )
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    return (
        f"<div><p><strong>{escape(title)}</strong></p>"
        f"<table><thead><tr>{cells('th', head)}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
        f"<details><summary>Fit</summary><table><tbody>{described}</tbody></table>"
        f"</details><details open><summary>Notes</summary><ol>{listed}</ol></details>"
        "</div>"
    )
