"""The only door to safetensors: what files of weights hold, and a tuned model's in the place of the base's for the time of a block."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.statistics.finite import not_finite
from harness.words.errors import UnusableWeightsError

WHOLE_WEIGHTS = "model*.safetensors"
"""Files that hold the weights of a whole model, one or several."""

INDEX = "model.safetensors.index.json"
"""Says which of several files holds which tensor."""

FLOATING = frozenset({"BF16", "F16", "F32", "F64"})
"""Kinds of numbers that weights are stored as. Others are codes, whose scales no loader here would apply."""


def weights_fault(folder: Path) -> str:
    """What is wrong with the files of weights in a folder, on one line; nothing where each tensor stands once, as numbers.

    A tensor that stands in two files, or in another than the index says, would be taken from whichever is read last.
    """
    from safetensors import SafetensorError

    homes: dict[str, str] = {}
    for path in sorted(folder.glob(WHOLE_WEIGHTS)):
        try:
            kinds = _kinds_of_numbers(path)
        except SafetensorError as error:
            return f"{path.name} cannot be read: {error}"
        for name, kind in kinds.items():
            if name in homes:
                return f"{name} stands in {homes[name]} and in {path.name}; expected it once"
            if kind not in FLOATING:
                return f"{path.name} holds {name} as {kind}; expected one of {', '.join(sorted(FLOATING))}"
            homes[name] = path.name
    return _index_fault(folder / INDEX, homes)


def _kinds_of_numbers(path: Path) -> dict[str, str]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as stored:
        return {name: stored.get_slice(name).get_dtype() for name in stored.keys()}  # noqa: SIM118  it is no mapping


def _index_fault(path: Path, homes: Mapping[str, str]) -> str:
    if not path.is_file():
        return ""
    try:
        said: dict[str, str] = dict(json.loads(path.read_text(encoding="utf-8"))["weight_map"])
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        return f"{path.name} is no index of weights: {error!r}"
    for name in sorted(said.keys() | homes.keys()):
        if said.get(name) != homes.get(name):
            says, found = (where.get(name, "no file") for where in (said, homes))
            return f"{path.name} says that {name} stands in {says}, but it stands in {found}"
    return ""


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
    fault = weights_fault(folder)
    if fault:
        raise UnusableWeightsError(folder, f"its weights are spoilt: {fault}")
    given = {
        name: tensor
        for path in sorted(folder.glob(WHOLE_WEIGHTS))
        for name, tensor in tensors_of(path).items()
    }
    own: Mapping[str, Tensor] = model.state_dict()
    _require_fitting(given, own, folder)
    _require_one_of_each(given, own, folder)
    kept = {name: own[name].detach().to("cpu", copy=True) for name in given}
    try:
        _write(own, given)
        _require_another(own, given, kept, folder)
        yield
    finally:
        _write(own, kept)


def _write(own: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, weight in weights.items():
            own[name].copy_(weight)


def _require_fitting(given: Mapping[str, Tensor], own: Mapping[str, Tensor], folder: Path) -> None:
    """Every weight of the model must be given, by its own name or by one that it shares its memory with."""
    places = {own[name].data_ptr() for name in given.keys() & own.keys()}
    missing = [name for name, weight in own.items() if name not in given and weight.data_ptr() not in places]
    strange = [name for name in given if name not in own]
    if missing or strange:
        raise UnusableWeightsError(
            folder,
            f"its weights are of another model: {len(missing)} of {len(own)} weights are missing {missing[:3]}, and "
            f"{len(strange)} have no place in the base model {strange[:3]}; expected a tuned copy of it, or an adapter",
        )
    misfits = [name for name, weight in given.items() if weight.shape != own[name].shape]
    if misfits:
        name = misfits[0]
        raise UnusableWeightsError(
            folder,
            f"its weights are of another model: {name} has shape {tuple(given[name].shape)}, the base model's "
            f"{tuple(own[name].shape)}; expected a tuned copy of it",
        )


def _require_one_of_each(given: Mapping[str, Tensor], own: Mapping[str, Tensor], folder: Path) -> None:
    """Names that share their memory in the base model must be given alike: the last one written would silently win."""
    firsts: dict[int, str] = {}
    for name, weight in given.items():
        first = firsts.setdefault(own[name].data_ptr(), name)
        if first != name and not torch.equal(given[first], weight):
            raise UnusableWeightsError(
                folder,
                f"its weights are of another model: {first} and {name} differ, and are one weight in the base model; "
                "expected a tuned copy of it, or an adapter",
            )


def _require_another(
    own: Mapping[str, Tensor], given: Mapping[str, Tensor], kept: Mapping[str, Tensor], folder: Path
) -> None:
    broken = not_finite({name: own[name] for name in given})
    if broken:
        raise UnusableWeightsError(
            folder, f"its weights are no numbers, at {broken[:3]}; nothing can be measured"
        )
    if all(torch.equal(own[name].to("cpu"), weight) for name, weight in kept.items()):
        raise UnusableWeightsError(
            folder,
            "its weights are the base model's own, so tuned would silently mean base; name another model",
        )
