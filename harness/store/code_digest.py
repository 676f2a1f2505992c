"""The digest of code that can move a number: a module and all of the project's modules it imports, or folders to the byte."""

import ast
import hashlib
import sys
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
"""The package whose modules count as the project's own."""

Meaning = tuple[str, tuple[str, ...]]
"""Digest of what a module does, and every name that an import statement of it could load."""


IMPORTS = (ast.Import, ast.ImportFrom)


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
    waiting, seen = [module], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        if (path := _file(name, packages)) is None:
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
    text: list[str] = []
    imports: list[ast.Import | ast.ImportFrom] = []
    _spell(ast.parse(source), text.append, imports.append)
    found: list[str] = []
    for node in imports:
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        else:
            base = _absolute(node, inside)
            found += (base, *(f"{base}.{alias.name}" for alias in node.names))
    return hashlib.sha256("".join(text).encode()).hexdigest(), tuple(found)


def _spell(
    value: object, write: Callable[[str], None], note: Callable[[ast.Import | ast.ImportFrom], None]
) -> None:
    """Write a tree as `ast.dump` would, without every statement that is a bare text: docstrings and the strings below fields.

    One walk in a third of the time that dropping, dumping and looking for imports take one after another.

    Args:
        value: A tree, or what stands in a field of one.
        write: Takes the text piece by piece.
        note: Takes every import statement.
    """
    if isinstance(value, ast.AST):
        opening, fields = _form(type(value).__name__)
        if isinstance(value, IMPORTS):
            note(value)
        write(opening)
        between = ""
        for name, is_silent in fields:
            entry = getattr(value, name)
            if entry is not None or not is_silent:
                write(f"{between}{name}=")
                _spell(entry, write, note)
                between = ", "
        write(")")
    elif isinstance(value, list):
        write("[")
        between = ""
        for entry in value:
            if not _is_bare_text(entry):
                write(between)
                _spell(entry, write, note)
                between = ", "
        write("]")
    else:
        write(repr(value))


@cache
def _form(kind: str) -> tuple[str, tuple[tuple[str, bool], ...]]:
    """How the text of a kind of node begins, and its fields, each with whether it is left out where there is nothing in it."""
    node = getattr(ast, kind)
    return f"{kind}(", tuple((name, getattr(node, name, ...) is None) for name in node._fields)


def _is_bare_text(entry: object) -> bool:
    return (
        isinstance(entry, ast.Expr)
        and isinstance(entry.value, ast.Constant)
        and isinstance(entry.value.value, str)
    )


def _absolute(node: ast.ImportFrom, inside: str) -> str:
    if node.level == 0:
        return node.module or ""
    parts = inside.split(".")
    base = ".".join(parts[: len(parts) - node.level + 1])
    return f"{base}.{node.module}" if node.module else base


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
