"""What the command says when it cannot go on."""

import importlib
from collections.abc import Sequence
from typing import Any


class CommandError(Exception):
    """A mistake the user can put right: one line on stderr, exit status 2."""


def import_extra(module: str) -> Any:
    """Import a module of the ``cli`` extra, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise CommandError(
            f"{package} is needed here and cannot be imported ({error}): "
            "pip install 'sk_logreg[cli]'"
        ) from error


def listing(values: Sequence[object], most: int = 8) -> str:
    """Name the first values, quoted: ``'a', 'b', 'c', … (12 in all)``."""
    return enumeration([repr(str(value)) for value in values], most)


def enumeration(texts: Sequence[str], most: int = 8) -> str:
    """Join the first texts, and say how many there are if not all are told."""
    told = ", ".join(texts[:most])
    return told if len(texts) <= most else f"{told}, … ({len(texts)} in all)"


def reason(error: BaseException) -> str:
    """Return what an exception says, without a path where it can be told apart."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
