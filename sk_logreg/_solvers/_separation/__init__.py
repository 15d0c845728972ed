"""Whether there is a minimum at all: separation of the classes by a hyperplane."""

from sk_logreg._solvers._separation._in_partitions import find_in_partitions
from sk_logreg._solvers._separation._linear_programs import row_tolerance
from sk_logreg._solvers._separation._resolve import Separation, resolve_separation
from sk_logreg._solvers._separation._search import SEARCH, Search
from sk_logreg._solvers._separation._unit_rows import UnitRows

__all__ = [
    "SEARCH",
    "Search",
    "Separation",
    "UnitRows",
    "find_in_partitions",
    "resolve_separation",
    "row_tolerance",
]
