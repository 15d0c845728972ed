"""Print, also to streams whose encoding is not Unicode, and check output files."""

import os
from pathlib import Path
from typing import TextIO

from sk_logreg._cli._arguments import SKOPS_ENDING
from sk_logreg._cli._errors import CommandError, import_extra

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


def check_output(path: Path) -> None:
    """Raise a CommandError if a file of this name cannot be written."""
    folder = path.parent
    if not folder.is_dir():
        raise CommandError(
            f"there is no folder {folder} to write {path.name} in: make it first"
        )
    if path.is_dir():
        raise CommandError(f"{path} is a folder: name a file to write")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise CommandError(
            f"{path} cannot be written: name a file in a folder you may write in"
        )
    needed = {SKOPS_ENDING: "skops.io", ".png": "matplotlib"}.get(path.suffix.lower())
    if needed:
        import_extra(needed)
