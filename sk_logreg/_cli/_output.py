"""The one place that prints."""

from typing import TextIO

# As wide as what they stand for, so that a table stays aligned.
_PLAIN = {
    "± ": "+-",
    "–": "-",
    "─": "-",
    "†": "*",
    "‡": "#",
    "§": "+",
    "¶": "@",
    "…": "...",
}


def write(text: str, stream: TextIO) -> None:
    """Print a text and a line's end to a stream, in glyphs that it has."""
    stream.write(printable(text, stream.encoding) + "\n")
    stream.flush()


def printable(text: str, encoding: str | None) -> str:
    """Return ``text`` as a stream of this encoding can print it."""
    encoding = encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for glyph, stand_in in _PLAIN.items():
            text = text.replace(glyph, stand_in)
        return text.encode(encoding, "backslashreplace").decode(encoding)
    return text
