"""The only door to safetensors: a tuned model's whole weights in the place of the base model's, for the time of a block."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.words.failures import UnusableWeightsError

WHOLE_WEIGHTS = "model*.safetensors"
"""Files that hold the weights of a whole model, one or several."""


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
        UnusableWeightsError: If the files cannot be read, or the weights are not those of such a model, differ where the
            model shares one memory, are no numbers, or are the base model's own.
    """
    given = _read(folder)
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


def _read(folder: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return {
            name: tensor
            for path in sorted(folder.glob(WHOLE_WEIGHTS))
            for name, tensor in load_file(path).items()
        }
    except SafetensorError as error:
        raise UnusableWeightsError(folder, f"its weights cannot be read: {error}") from error


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
    broken = [name for name in given if not bool(torch.isfinite(own[name]).all())]
    if broken:
        raise UnusableWeightsError(
            folder, f"its weights are no numbers, at {broken[:3]}; nothing can be measured"
        )
    if all(torch.equal(own[name].to("cpu"), weight) for name, weight in kept.items()):
        raise UnusableWeightsError(
            folder,
            "its weights are the base model's own, so tuned would silently mean base; name another model",
        )
