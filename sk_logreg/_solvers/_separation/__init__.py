"""Whether there is a minimum at all: separation of the classes by a hyperplane."""

from sk_logreg._solvers._separation._resolve import resolve_separation
from sk_logreg._solvers._separation._search import SEARCH, Search
from sk_logreg._solvers._separation._unit_rows import UnitRows

__all__ = ["SEARCH", "Search", "UnitRows", "resolve_separation"]
