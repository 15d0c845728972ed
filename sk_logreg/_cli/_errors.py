"""The errors that the command reports, and the words for them."""

import importlib
from collections.abc import Sequence
from typing import Any


class CommandError(Exception):
    """A mistake that the user can correct: one line on stderr, exit status 2."""


def import_extra(module: str, extra: str = "cli", purpose: str = "here") -> Any:
    """Import a module of an extra, or say what for and how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise CommandError(
            f"{package} is needed {purpose} and cannot be imported ({error}): "
            f"pip install 'sk_logreg[{extra}]'"
        ) from error


def import_dask(module: str) -> Any:
    """Import a module of dask, or say how to install it."""
    purpose = "for a table that takes more than half of the memory"
    return import_extra(module, "dask", purpose)


def listing(values: Sequence[object], most: int = 8) -> str:
    """Name the first values, quoted: ``'a', 'b', 'c', … (12 in all)``."""
    return enumeration([repr(str(value)) for value in values], most)


def enumeration(texts: Sequence[str], most: int = 8) -> str:
    """Join the first texts, and add their number if there are more."""
    told = ", ".join(texts[:most])
    return told if len(texts) <= most else f"{told}, … ({len(texts)} in all)"


def reason(error: BaseException) -> str:
    """Return the message of an exception, without the path if possible."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
