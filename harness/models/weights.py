"""Files of weights: what they hold, and a tuned model's in the place of the base's for a while."""

import json
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.models.batches import is_out_of_memory
from harness.statistics.finite import not_finite
from harness.words.errors import HarnessError, UnusableWeightsError

WHOLE_WEIGHTS = "model*.safetensors"
"""Files that hold the weights of a whole model, one or several."""

INDEX = "model.safetensors.index.json"
"""Says which of several files holds which tensor."""

FLOATING = frozenset({"BF16", "F16", "F32", "F64"})
"""Kinds of numbers that weights are stored as. Others are codes, whose scales no loader here would apply."""

SET = re.compile(r"\{([^{}]*)\}")
LONGEST_MESSAGE = 300
"""Characters of what a library says that are kept; it may list every module of a model."""


@contextmanager
def reading_foreign_files(folder: Path, refusal: Callable[[str], Exception]) -> Iterator[None]:
    """Turns whatever foreign files make a library say into one clear error; a disk or memory that fails passes.

    Args:
        folder: Where the files lie.
        refusal: The error for what was said, which is on one line, the same in every process and on every machine.
    """
    try:
        yield
    except (HarnessError, MemoryError, torch.AcceleratorError, pickle.UnpicklingError):
        raise
    except Exception as error:  # a foreign file makes a library fail in any way
        is_machine = isinstance(error, OSError) and error.errno is not None
        if is_machine or (isinstance(error, RuntimeError) and is_out_of_memory(error)):
            raise
        said = " ".join(str(error).replace(str(folder), "the folder").split())
        said = SET.sub(lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", said)
        raise refusal(f"{type(error).__name__}: {said[:LONGEST_MESSAGE]}") from error


def weights_fault(folder: Path) -> str:
    """What is wrong with the files of weights in a folder, on one line; nothing where each tensor stands once, as numbers.

    A tensor that stands in two files, or in another than the index says, would be taken from whichever is read last.
    """
    from safetensors import SafetensorError, safe_open

    homes: dict[str, str] = {}
    for path in sorted(folder.glob(WHOLE_WEIGHTS)):
        try:
            with safe_open(path, framework="pt") as stored:
                kinds = {name: stored.get_slice(name).get_dtype() for name in stored.keys()}  # noqa: SIM118  no mapping
        except SafetensorError as error:
            return f"{path.name} cannot be read: {error}"
        for name, kind in kinds.items():
            if name in homes:
                return f"{name} stands in {homes[name]} and in {path.name}; expected it once"
            if kind not in FLOATING:
                return f"{path.name} holds {name} as {kind}; expected one of {', '.join(sorted(FLOATING))}"
            homes[name] = path.name
    return _index_fault(folder / INDEX, homes)


def absent_weights(folder: Path) -> list[str]:
    """Files that the index of a folder names and that are not there; none where there is no index, or none that can be read."""
    with suppress(_NoIndexError):
        return sorted(
            file for file in set(_indexed(folder / INDEX).values()) if not (folder / file).is_file()
        )
    return []


def _index_fault(path: Path, homes: Mapping[str, str]) -> str:
    if not path.is_file():
        return ""
    try:
        said = _indexed(path)
    except _NoIndexError as error:
        return f"{path.name} is no index of weights: {error}"
    for name in sorted(said.keys() | homes.keys()):
        if name not in said:
            return (
                f"{path.name} does not name {name}, which stands in {homes[name]}; expected each tensor once"
            )
        if said[name] != homes.get(name):
            found = homes.get(name, "none of those that are there")
            return f"{path.name} says that {name} stands in {said[name]}, but it stands in {found}"
    return ""


class _NoIndexError(Exception):
    """A file says of no tensor, or of one tensor twice, where it stands."""


def _indexed(path: Path) -> Mapping[str, str]:
    """By its name, the file that an index says holds a tensor; nothing where there is no index."""

    def named_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        named = dict(pairs)
        for name, told in pairs:
            if named[name] != told:
                raise ValueError(f"it names {name} twice, in {told} and in {named[name]}; expected it once")
        return named

    if not path.is_file():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=named_once)
        return {str(name): str(file) for name, file in told["weight_map"].items()}
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _NoIndexError(f"it has no {error}" if isinstance(error, KeyError) else str(error)) from error


def tensors_of(path: Path) -> dict[str, Tensor]:
    """Every tensor of one file, by name.

    Raises:
        SafetensorError: If it cannot be read.
    """
    from safetensors.torch import load_file

    tensors: dict[str, Tensor] = load_file(path)
    return tensors


def has_whole_weights(folder: Path) -> bool:
    """Whether a folder holds the weights of a whole model."""
    return any(folder.glob(WHOLE_WEIGHTS))


@contextmanager
def whole_weights(model: Any, folder: Path) -> Iterator[None]:  # noqa: ANN401
    """The model with other weights while the block runs; afterwards its own, bit for bit.

    Args:
        model: A causal language model; its parameters are written in place, in its own precision.
        folder: Holds the weights, in one file or several.

    Raises:
        UnusableWeightsError: If the files cannot be read or name a tensor twice, or the weights are not those of such a
            model, differ where the model shares one memory, are no numbers, or are the base model's own.
    """
    if fault := weights_fault(folder):
        raise UnusableWeightsError(folder, f"its weights are spoilt: {fault}")
    given = {
        name: tensor
        for path in sorted(folder.glob(WHOLE_WEIGHTS))
        for name, tensor in tensors_of(path).items()
    }
    own: Mapping[str, Tensor] = model.state_dict()
    if fault := _misfit(given, own):
        raise UnusableWeightsError(folder, f"its weights are of another model: {fault}")
    kept = {name: own[name].detach().to("cpu", copy=True) for name in given}
    try:
        _write(own, given)
        if broken := not_finite({name: own[name] for name in given}):
            raise UnusableWeightsError(
                folder, f"its weights are no numbers, at {broken[:3]}; nothing can be measured"
            )
        if all(torch.equal(own[name].to("cpu"), weight) for name, weight in kept.items()):
            raise UnusableWeightsError(
                folder,
                "its weights are the base model's own, so tuned would silently mean base; name another model",
            )
        yield
    finally:
        _write(own, kept)


def _write(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(weight)


def _misfit(given: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> str:
    """Why weights cannot take the place of a model's own; nothing where every one of its weights is given, and no other."""
    # A name that shares its memory with a given one need not be given itself.
    places = {own[name].data_ptr() for name in given.keys() & own.keys()}
    missing = [name for name, weight in own.items() if name not in given and weight.data_ptr() not in places]
    strange = [name for name in given if name not in own]
    if missing or strange:
        return (
            f"{len(missing)} of {len(own)} weights are missing {missing[:3]}, and {len(strange)} have no place in the base "
            f"model {strange[:3]}; expected a tuned copy of it, or an adapter"
        )
    firsts: dict[int, str] = {}
    for name, weight in given.items():
        if weight.shape != own[name].shape:
            return f"{name} has shape {tuple(weight.shape)}, the base model's {tuple(own[name].shape)}; expected a tuned copy of it"
        # Where names share their memory, the last one written would silently win.
        first = firsts.setdefault(own[name].data_ptr(), name)
        if first != name and not torch.equal(given[first], weight):
            return f"{first} and {name} differ, and are one weight in the base model; expected a tuned copy of it, or an adapter"
    return ""
