"""Printing, also to streams whose encoding is not Unicode."""

from typing import TextIO

# Each replacement in the table is as wide as the original, so that it stays aligned.
# errors="backslashreplace" alone would make 450 characters of the table's rule.
_REPLACEMENTS = {
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
    """Print a line, with replacements for the characters that the stream lacks."""
    encoding = stream.encoding or "ascii"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        for character, replacement in _REPLACEMENTS.items():
            text = text.replace(character, replacement)
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    print(text, file=stream, flush=True)
