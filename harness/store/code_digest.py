"""The digest of code that can move a number: a module and all of the project's modules it imports, or folders to the byte."""

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
"""The package whose modules count as the project's own."""

Meaning = tuple[str, tuple[str, ...]]
"""Digest of what a module does, and every name that an import statement of it could load."""


def code_digest(module: str, package: Path = HERE) -> str:
    """Digest of a module and, through every import statement, of its package's modules below it, and of this one's.

    Comments, docstrings and layout do not count. Imports inside functions count; modules that are
    loaded by a computed name do not, so stages must not do that.

    Args:
        module: Full name, such as "harness.stages.translation".
        package: Folder of the package; its name is the first part of `module`.

    Raises:
        ValueError: If the package has no such module.
    """
    lines = [f"{name}\0{digest}\n" for name, (digest, _) in sorted(_closure(module, package).items())]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def import_closure(module: str, package: Path = HERE) -> tuple[str, ...]:
    """Names of the module and of the package's modules it imports, directly or not, sorted."""
    return tuple(sorted(_closure(module, package)))


def folders_digest(*folders: Path) -> str:
    """Digest of every file below some folders, by name and bytes: code, templates, tables; not what Python compiled of them."""
    lines = [
        f"{place}/{path.relative_to(folder).as_posix()}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
        for place, folder in enumerate(folders)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.parent.name != "__pycache__"
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _closure(module: str, package: Path) -> Mapping[str, Meaning]:
    """The module and what it imports, directly or not, each with what it means."""
    packages = {HERE.name: HERE, package.name: package}
    if _file(module, packages) is None:
        raise ValueError(f"no module {module!r} in {package}; its code cannot be digested")
    found: dict[str, Meaning] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or (path := _file(name, packages)) is None:
            continue
        inside = name if path.name == "__init__.py" else name.rpartition(".")[0]
        found[name] = _meaning(path.read_bytes(), inside)
        waiting += [*_parents(name), *found[name][1]]
    return found


def _file(name: str, packages: Mapping[str, Path]) -> Path | None:
    """Source file of a module of one of the packages; None for everything else."""
    first, *rest = name.split(".")
    if first not in packages:
        return None
    stem = packages[first].joinpath(*rest)
    for candidate in (stem / "__init__.py", stem.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _parents(name: str) -> list[str]:
    """Packages that Python runs before the module itself."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


# Stages share most of their code. Keyed by bytes, not by time stamp: two edits within one tick must not look alike. The tree
# is let go: a hundred of them would be walked by every later collection of garbage.
@cache
def _meaning(source: bytes, inside: str) -> Meaning:
    """What a module of that package means, by its source."""
    tree = _WithoutDocstrings().visit(ast.parse(source))
    found: list[str] = []
    for node in _statements(tree):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, inside)
            found += (base, *(f"{base}.{alias.name}" for alias in node.names))
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest(), tuple(found)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Everything below a node but expressions, which hold no statement and are nine tenths of a tree."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child
            yield from _statements(child)


def _absolute(node: ast.ImportFrom, inside: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = inside.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


class _WithoutDocstrings(ast.NodeTransformer):
    """Drops every statement that is a bare text: docstrings and the strings below fields."""

    def visit(self, node: ast.AST) -> Any:  # noqa: ANN401  as the base class has it
        return node if isinstance(node, ast.expr) else super().visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            return None
        return node


@cache
def installed_code_digest(module: str) -> str:
    """Digest of a module that this process can import, of this package or of another one, taken once per process."""
    return code_digest(module, package_of(module))


def installed_libraries(module: str) -> frozenset[str]:
    """Packages that a module which this process can import may load, by its own import statements or those of what it imports.

    A package that a module names is among them whether or not it ever comes to that line.
    """
    closure = _closure(module, package_of(module))
    return frozenset(name.partition(".")[0] for _, imported in closure.values() for name in imported)


def package_of(module: str) -> Path:
    """Folder of the package that a module is of: this one, or another that this process has loaded."""
    found = sys.modules.get(module.partition(".")[0])
    return Path(next(iter(found.__path__))) if found else HERE
