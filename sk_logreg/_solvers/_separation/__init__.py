"""Whether there is a minimum at all: separation of the classes by a hyperplane."""

from sk_logreg._solvers._separation._resolve import resolve_separation

__all__ = ["resolve_separation"]
