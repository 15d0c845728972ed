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
    named = ", ".join(repr(str(value)) for value in values[:most])
    return named if len(values) <= most else f"{named}, … ({len(values)} in all)"


def reason(error: BaseException) -> str:
    """Return what an exception says, without a path where it can be told apart."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
