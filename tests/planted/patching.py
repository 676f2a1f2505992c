"""Planting a fault: a few words of a function's source are changed, and the function runs the changed words.

The code object is exchanged in place, so that the change is seen by everyone who holds the function, under whatever
name it was imported.
"""

import ast
import functools
import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FunctionType
from typing import Any

MODELS = ("load_language_model",)
"""Caches that take long to fill."""
SPOILING = ("models.loading", "models.adapters")
"""Modules in which a fault can spoil what they hold: how models are loaded, and how adapters come and go."""


@dataclass(frozen=True)
class Patch:
    """Words of one function, and what stands there instead."""

    where: str
    """Module and function below `harness`, such as "models.sae:latent_activations"."""
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.where}: {self.old} -> {self.new}"


@contextmanager
def planted(patches: Sequence[Patch]) -> Iterator[None]:
    """The pipeline with a fault, for the time of the block."""
    with ExitStack() as stack:
        for where in dict.fromkeys(patch.where for patch in patches):
            stack.enter_context(_exchanged(where, [patch for patch in patches if patch.where == where]))
        kept = () if any(patch.where.startswith(SPOILING) for patch in patches) else MODELS
        forget(kept)
        try:
            yield
        finally:
            forget(kept)


def forget(kept: Sequence[str]) -> None:
    """Empty every cache of the pipeline that may hold what a fault made, but for some."""
    for name, module in list(sys.modules.items()):
        if name.startswith("harness."):
            for key, value in vars(module).items():
                if hasattr(value, "cache_clear") and key not in kept:
                    value.cache_clear()


@contextmanager
def _exchanged(where: str, patches: Sequence[Patch]) -> Iterator[None]:
    function = _function(where)
    sound = function.__code__
    function.__code__ = _changed(function, patches)
    try:
        yield
    finally:
        function.__code__ = sound


def _function(where: str) -> FunctionType:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(f"harness.{module}")
    for name in path.split("."):
        found = inspect.getattr_static(found, name)
        if isinstance(found, property):
            found = found.fget
        elif isinstance(found, functools.cached_property):
            found = found.func
    function = inspect.unwrap(found)
    assert isinstance(function, FunctionType)
    return function


def _changed(function: FunctionType, patches: Sequence[Patch]) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    for patch in patches:
        assert source.count(patch.old) == 1, (
            f"the fault fits {source.count(patch.old)} places; mend it: {patch}"
        )
        source = source.replace(patch.old, patch.new)
    tree = ast.parse(source)
    definition = tree.body[0]
    assert isinstance(definition, ast.FunctionDef)
    definition.decorator_list = []
    names = dict(function.__globals__)
    exec(compile(tree, filename=f"<{function.__qualname__}, planted>", mode="exec"), names)
    code: CodeType = names[definition.name].__code__
    return code
