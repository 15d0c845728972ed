"""Find the tunable constants of the package, and import it with other values.

Tunable are the numbers, tuples of numbers and plain expressions of numbers that

- a module assigns to a constant, such as ``_BLOCK_BYTES = 3 << 20``, or
- a frozen dataclass gives its fields as defaults, if all of its fields have one.

`NOT_TUNABLE` lists the exceptions.
"""

from __future__ import annotations

import ast
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any

#: The modules directly in the first package, and all those below the others.
PACKAGES = (
    "sk_logreg",
    "sk_logreg._design",
    "sk_logreg._objective",
    "sk_logreg._solvers",
)
#: Limits of float64, mathematical facts, sentinels, and limits of what messages say.
NOT_TUNABLE = frozenset(
    {
        "EPS",
        "TINY",
        "LARGEST_EXPONENT",
        "CENTER_DIGITS",
        "CONVEX_FROM",
        "LEAST_OUTSIDE",
        "UNKNOWN_GAP",
        "LARGEST_BOUND",
        "MAX_NAMES",
    }
)
_NAME = re.compile(r"_?[A-Z][A-Z0-9_]*")
_NUMERIC = (ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.Tuple)
_SYNTAX = (ast.operator, ast.unaryop, ast.expr_context)


@dataclass(frozen=True)
class Tunable:
    """A constant of a module, or a default of its options, and its value."""

    module: str
    attribute: str
    value: Any

    @property
    def name(self) -> str:
        """Its full name."""
        return f"{self.module}.{self.attribute}"


def _is_numeric(statement: ast.stmt) -> bool:
    """Whether a statement assigns a name an expression of numbers and names only."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign) or not statement.value:
        return False
    nodes = ast.walk(statement.value)
    return all(isinstance(node, _NUMERIC + _SYNTAX) for node in nodes)


def _is_options(statement: ast.stmt) -> bool:
    """Whether a statement is a frozen dataclass whose fields all have such defaults."""
    if not isinstance(statement, ast.ClassDef):
        return False
    frozen = any("frozen=True" in ast.unparse(d) for d in statement.decorator_list)
    fields = [one for one in statement.body if isinstance(one, ast.AnnAssign)]
    return frozen and bool(fields) and all(map(_is_numeric, fields))


def _assignments(tree: ast.Module) -> Iterator[tuple[str, Any]]:
    """Names of the constants of a module, with the statements that assign them."""
    for statement in tree.body:
        if _is_options(statement):
            for one in filter(_is_numeric, statement.body):
                yield f"{statement.name}.{_target(one)}", one
        elif _is_numeric(statement) and _NAME.fullmatch(_target(statement)):
            yield _target(statement), statement


def _target(statement: Any) -> str:
    targets = getattr(statement, "targets", None) or [statement.target]
    return ast.unparse(targets[0])


def _scalable(value: Any) -> bool:
    """Whether a value is a number other than 0, or a tuple of such numbers."""
    if isinstance(value, tuple):
        return bool(value) and all(map(_scalable, value))
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and value != 0


def _modules(package: str) -> list[str]:
    """Names of a package and of its modules, of all below it unless it is outermost."""
    path = import_module(package).__path__
    walk = pkgutil.walk_packages if "." in package else pkgutil.iter_modules
    below = [m for m in walk(path, f"{package}.") if "." in package or not m.ispkg]
    return [package, *sorted(m.name for m in below if not m.name.endswith("__main__"))]


def find_tunables(packages: tuple[str, ...] = PACKAGES) -> list[Tunable]:
    """All tunable constants of the modules of some packages."""
    found = []
    for module in (module for package in packages for module in _modules(package)):
        names = vars(import_module(module))
        tree = ast.parse(Path(names["__file__"]).read_text(encoding="utf-8"))
        for attribute, statement in _assignments(tree):
            owner, _, name = attribute.rpartition(".")
            scope = names | vars(names[owner]) if owner else dict(names)
            value = eval(ast.unparse(statement.value), scope)
            if _scalable(value) and name.lstrip("_").upper() not in NOT_TUNABLE:
                found.append(Tunable(module, attribute, value))
    return found


def scaled(value: Any, factor: float) -> Any:
    """A number, or each of a tuple, times a factor. Integers stay integers, not 0."""
    if isinstance(value, tuple):
        return tuple(scaled(one, factor) for one in value)
    if isinstance(value, int):
        return max(1, round(abs(value) * factor)) * (1 if value > 0 else -1)
    return float(value) * factor


@dataclass
class Variant:
    """A separate copy of the package, in which one constant has another value.

    Inside ``with variant:``, importing the package gives this copy. All that is
    computed from the constant, and every name it is imported by, has the other value.
    """

    tunable: Tunable
    value: Any
    modules: dict[str, Any] = field(default_factory=dict)
    _others: dict[str, Any] = field(default_factory=dict)

    def find_spec(self, name: str, path: Any, _target: Any = None) -> ModuleSpec | None:
        """Find the module of the constant, as one of `sys.meta_path` does."""
        spec = PathFinder.find_spec(name, path) if name == self.tunable.module else None
        if spec is not None:
            spec.loader = _Loader(name, str(spec.origin))
            spec.loader.variant = self
        return spec

    def _taken(self) -> dict[str, Any]:
        root = self.tunable.module.partition(".")[0]
        names = [name for name in sys.modules if name.partition(".")[0] == root]
        return {name: sys.modules.pop(name) for name in names}

    def __enter__(self) -> None:
        self._others = self._taken()
        sys.modules.update(self.modules)
        sys.meta_path.insert(0, self)

    def __exit__(self, *_: object) -> None:
        sys.meta_path.remove(self)
        self.modules = self._taken()
        sys.modules.update(self._others)


class _Loader(SourceFileLoader):
    variant: Variant

    def get_code(self, _fullname: str) -> Any:
        """Compile the changed source; do not read or write a cached one."""
        tree = ast.parse(self.get_data(self.path))
        statement = dict(_assignments(tree))[self.variant.tunable.attribute]
        statement.value = ast.Constant(self.variant.value)
        return compile(ast.fix_missing_locations(tree), self.path, "exec")
