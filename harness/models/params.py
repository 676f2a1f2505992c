"""Gemma Scope's `params.npz` as arrays: all of one dictionary, real and finite, or one clear error."""

import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.sources.pins import locate
from harness.statistics.finite import not_finite
from harness.words.errors import MissingSourceError
from harness.words.study import Pin

ARRAY_NAMES = ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")
"""What a Gemma Scope `params.npz` holds."""


def num_latents(pin: Pin, file: str) -> int:
    """How many latents the dictionary of one file has; reads its thresholds alone.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary.
    """
    return len(arrays_of(pin, file, ("threshold",))["threshold"])


def arrays_of(pin: Pin, file: str, names: Sequence[str]) -> dict[str, Tensor]:
    """Some arrays of one file, float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, each once, of one width, real and finite.
    """
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
    shape = tuple(arrays["W_enc"].shape) if "W_enc" in arrays else (1, arrays["threshold"].numel())
    d_model, d_sae = shape if len(shape) == len(("d_model", "latent")) else (0, 0)
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
                f"{shape}, which is (d_model, latents)"
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
