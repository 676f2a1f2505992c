"""The only door to sae-lens: a pin in, a dictionary of the residual stream out, as Gemma Scope stores them."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.supply.loading import load_language_model
from harness.supply.sources import locate
from harness.tools.encoding import Encoder
from harness.tools.finite import not_finite
from harness.words.failures import MissingSourceError
from harness.words.pins import Pin
from harness.words.tasks import Networks

if TYPE_CHECKING:
    from sae_lens import JumpReLUSAE

ARRAY_NAMES = ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")
"""What a Gemma Scope `params.npz` holds."""


def layer_encoder(networks: Networks, layer: int) -> Encoder:
    """The encoding half of one layer's dictionary, held to the model that it is to read; float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, or is of a model of another width or depth.
    """
    encoder = load_encoder(networks.dictionaries, networks.dictionary_files[layer])
    _require_its_model(networks, layer, encoder.W_enc.shape[0])
    return encoder


def layer_dictionary(networks: Networks, layer: int) -> "JumpReLUSAE":
    """One layer's dictionary as sae-lens knows it, held to the model that it is to read; float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, or is of a model of another width or depth.
    """
    file, device = networks.dictionary_files[layer], networks.numerics.device
    dictionary = load_dictionary(networks.dictionaries, file, device)
    _require_its_model(networks, layer, dictionary.W_enc.shape[0])
    return dictionary


def load_encoder(pin: Pin, file: str) -> Encoder:
    """The encoding half of one layer's dictionary, float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary.
    """
    arrays = _arrays(pin, file, ("W_enc", "b_enc", "threshold"))
    return Encoder(W_enc=arrays["W_enc"], b_enc=arrays["b_enc"], threshold=arrays["threshold"])


def load_dictionary(pin: Pin, file: str, device: str) -> "JumpReLUSAE":
    """One layer's dictionary as sae-lens knows it, float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary.
    """
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig

    arrays = _arrays(pin, file, ARRAY_NAMES)
    d_model, d_sae = arrays["W_enc"].shape
    config = JumpReLUSAEConfig(
        d_in=d_model,
        d_sae=d_sae,
        dtype="float32",
        device=device,
        apply_b_dec_to_input=False,
        normalize_activations="none",
    )
    dictionary = JumpReLUSAE(config)
    dictionary.load_state_dict({name: tensor.to(device) for name, tensor in arrays.items()})
    return dictionary.eval().requires_grad_(requires_grad=False)


def _require_its_model(networks: Networks, layer: int, found: int) -> None:
    """A sound dictionary of another model would fail far from here, in words about matrices; or, of another depth, not at all."""
    model = load_language_model(networks.model, networks.numerics)
    cure = "correct the model, the dictionaries or their files in pins.py of the study, below claims/"
    if found != model.width:
        raise ValueError(
            f"{networks.dictionaries.name}: {networks.dictionary_files[layer]}, named for layer {layer}, reads a residual "
            f"stream {found} wide; that of {networks.model.name} is {model.width} wide, so that it is another model's "
            f"dictionary; {cure}"
        )
    if len(networks.dictionary_files) != model.num_layers:
        raise ValueError(
            f"{networks.dictionaries.name} has files for {len(networks.dictionary_files)} layers, but {networks.model.name} "
            f"has {model.num_layers}; expected one for each layer; {cure}"
        )


def _arrays(pin: Pin, file: str, names: Sequence[str]) -> dict[str, Tensor]:
    path = locate(pin) / file
    if not path.is_file():
        raise MissingSourceError(f"{pin.name} has no file {file}; its folder holds {_listing(path)}")
    try:
        with path.open("rb") as stream, np.load(stream) as stored:
            held = sorted(stored.files)
            arrays = {name: _real(stored[name], name) for name in names if held == sorted(ARRAY_NAMES)}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{pin.name}: {file} cannot be read as arrays ({error}); remove {path.resolve()}, and start again to fetch it "
            "anew"
        ) from error
    if not arrays:
        raise ValueError(
            f"{pin.name}: {file} holds the arrays {held}; expected each of {list(ARRAY_NAMES)} once, and no more"
        )
    _require_shapes(arrays, f"{pin.name}: {file}")
    _require_values(arrays, f"{pin.name}: {file}")
    return arrays


def _real(array: NDArray[np.generic] | bytes, name: str) -> Tensor:
    # A conversion would drop the imaginary half of a number, and read True as 1. What is no array comes as bytes.
    if isinstance(array, bytes) or array.dtype.kind != "f":
        found = "bytes" if isinstance(array, bytes) else f"{array.dtype} values"
        raise TypeError(f"{name} holds {found}; expected real numbers")
    return torch.from_numpy(array).to(torch.float32)


def _require_shapes(arrays: Mapping[str, Tensor], place: str) -> None:
    """Every array as the encoder's shape asks for; one of the wrong kind would broadcast and give numbers."""
    d_model, d_sae = arrays["W_enc"].shape if arrays["W_enc"].ndim == len(("d_model", "latent")) else (0, 0)
    expected = {
        "W_enc": (d_model, d_sae),
        "W_dec": (d_sae, d_model),
        "b_enc": (d_sae,),
        "b_dec": (d_model,),
        "threshold": (d_sae,),
    }
    for name, array in arrays.items():
        if tuple(array.shape) != expected[name] or not d_sae:
            raise ValueError(
                f"{place} holds {name} of shape {tuple(array.shape)}; expected {expected[name]} beside W_enc of shape "
                f"{tuple(arrays['W_enc'].shape)}, which is (d_model, latents)"
            )


def _require_values(arrays: Mapping[str, Tensor], place: str) -> None:
    """No comparison with what is no number holds: such a latent would be silent, and its silence counted."""
    if broken := not_finite(arrays):
        raise ValueError(
            f"{place} holds values that are infinite or no number, in {', '.join(broken)}; expected finite ones, also in float32; "
            "name another file in pins.py of the study, below claims/"
        )
    if "threshold" in arrays and (lowest := float(arrays["threshold"].min())) < 0:
        raise ValueError(
            f"{place} holds a threshold of {lowest:g}; expected 0 or more, as a JumpReLU has: is it the logarithm of one?"
        )


def _listing(path: Path) -> str:
    nearest = next(parent for parent in path.parents if parent.is_dir())
    return f"{sorted(entry.name for entry in nearest.iterdir())[:8]} in {nearest.name}"
