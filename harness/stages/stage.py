"""What a stage is: one typed function, whose signature and docstring say all that a plan needs to know of it.

    @stage(on="accelerator")
    def translations(phrases: Path, *, out: Path, language: Language, num_beams: int) -> None:
        \"\"\"The phrases in every target language.\"\"\"

Positional parameters are the folders that it reads, by role; one that is called `inputs` takes whatever its design gives it.
`out` is the folder to fill. All other keyword-only parameters decide what the item holds, and the artifact's key hashes them
by these names. The docstring's first line is what `harness plan` prints.

A plan is drawn from the source alone: what a stage imports is loaded when it runs.
"""

import ast
import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

from harness.words.plan import Item, Stage

P = ParamSpec("P")
T = TypeVar("T")

EVERYTHING = "inputs"
"""The parameter that takes the folders of every role, by role."""

OUT = "out"
"""The parameter that takes the folder to fill."""


def stage(*, on: Literal["accelerator", "processor"]) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Marks a function as a stage that wants the accelerator, or does without."""
    assert on in {"accelerator", "processor"}
    return lambda function: function


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What the source of a stage says of it."""

    function: str
    """Module and name, such as "harness.stages.translation:translations"."""
    says: str
    on: str
    roles: tuple[str, ...]
    parameters: tuple[str, ...]
    optional: frozenset[str]
    """Roles and parameters that may be left out."""

    def require_fit(self, item: Item) -> None:
        """Guards against a design that gives a stage something else than it takes.

        Raises:
            ValueError: If a parameter or a role is unknown or missing; names them.
        """
        given = {*item.parameters, *(() if EVERYTHING in self.roles else (role for role, _ in item.needs))}
        known = {*self.parameters, *self.roles} - {EVERYTHING}
        if wrong := sorted(given - known) + sorted(known - given - self.optional):
            raise ValueError(
                f"{item.stage} {item.name}: {self.function} takes {', '.join(sorted(known))}; the design gives something else or "
                f"nothing for {', '.join(wrong)}"
            )


@cache
def declaration(function: str) -> Declaration:
    """What a stage's source says of it; nothing is imported but the packages above it.

    Raises:
        ValueError: If there is no such function, or it is no stage.
    """
    module, _, name = function.partition(":")
    for node in _source(module).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return _declared(function, node)
    raise ValueError(f"no stage is called {function!r}")


def constant(module: str, name: str) -> int:
    """A number that the module of a stage names, for whoever must not load what it imports.

    Raises:
        ValueError: If it names none.
    """
    for node in _source(module).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == [name]:
            return int(ast.literal_eval(node.value))
    raise ValueError(f"{module} names no number {name!r}")


def staged(function: str, items: Iterable[Item]) -> Stage:
    """The stage of a function, with those of some items that it makes.

    Raises:
        ValueError: If there is no such stage, or an item does not fit it.
    """
    declared = declaration(function)
    own = tuple(item for item in items if item.function == function)
    for item in own:
        declared.require_fit(item)
    return Stage(function=function, says=declared.says, items=own, uses_model=declared.on == "accelerator")


def computes_with_torch(stage: Stage) -> bool:
    """Whether a stage's module loads torch; translators compute without it, and do not wait seconds for it."""
    importlib.import_module(stage.module)
    return "torch" in sys.modules


def perform(item: Item, inputs: Mapping[str, Path], out: Path) -> None:
    """Make one item: import its stage, and call it with the folders of what it needs by role, and the folder to fill."""
    module, _, name = item.function.partition(":")
    work = getattr(importlib.import_module(module), name)
    if EVERYTHING in declaration(item.function).roles:
        work(inputs, out=out, **item.parameters)
    else:
        work(**inputs, out=out, **item.parameters)


def _source(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    return ast.parse(Path(spec.origin).read_bytes() if spec and spec.origin else b"")


def _declared(function: str, node: ast.FunctionDef) -> Declaration:
    marks = [mark for mark in node.decorator_list if isinstance(mark, ast.Call)]
    said = ast.get_docstring(node)
    if not said or not marks or ast.unparse(marks[-1].func) != stage.__name__:
        raise ValueError(f"{function} is no stage: it needs @stage(on=...) and a docstring")
    roles = [argument.arg for argument in node.args.args]
    named = [argument.arg for argument in node.args.kwonlyargs]
    optional = {name for name, default in zip(named, node.args.kw_defaults, strict=True) if default}
    return Declaration(
        function=function,
        says=said.splitlines()[0].rstrip("."),
        on=ast.literal_eval(marks[-1].keywords[0].value),
        roles=tuple(roles),
        parameters=tuple(name for name in named if name != OUT),
        optional=frozenset(optional.union(roles[len(roles) - len(node.args.defaults) :])),
    )
