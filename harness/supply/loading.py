"""The only door to transformers and sae-lens: a pin in, a live model, tokenizer or dictionary out."""

import pickle
import warnings
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.supply.sources import locate
from harness.tools.encoding import Encoder
from harness.words.failures import HarnessError, MissingSourceError
from harness.words.pins import Pin
from harness.words.tasks import Networks, Numerics

if TYPE_CHECKING:
    from sae_lens import JumpReLUSAE

ARRAY_NAMES = ("W_enc", "W_dec", "b_enc", "b_dec", "threshold")
"""What a Gemma Scope `params.npz` holds."""

PUNCTUATION = "\u201cone\u201d \u2013 \u00abtwo\u00bb \u2026 \u2018three\u2019"
"""Marks that a normaliser of punctuation writes otherwise."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LanguageModel:
    """A causal language model with its tokenizer."""

    model: Any
    """`Gemma2ForCausalLM` in evaluation mode."""
    tokenizer: Any
    bos_id: int
    pad_id: int
    device: str

    @property
    def decoder(self) -> nn.Module:
        """The stack of layers below the language-model head."""
        decoder = self.model.model
        assert isinstance(decoder, nn.Module)
        return decoder

    @property
    def width(self) -> int:
        """Width of its residual stream."""
        return int(self.model.config.hidden_size)

    @property
    def num_layers(self) -> int:
        """Number of decoder layers."""
        return int(self.model.config.num_hidden_layers)

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, with exactly one BOS, in front.

        Raises:
            ValueError: If the tokenizer put no BOS, or more than one; every number would be wrong.
        """
        ids: list[list[int]] = self.tokenizer(list(texts))["input_ids"]
        for text, row in zip(texts, ids, strict=True):
            if row[:1] != [self.bos_id] or row.count(self.bos_id) != 1:
                raise ValueError(
                    f"the tokenizer of {self.tokenizer.name_or_path!r} gave {row[:4]}... for {text[:40]!r}; expected "
                    f"exactly one BOS ({self.bos_id}), in front; its tokenizer.json lacks the BOS post-processor"
                )
        return ids


@dataclass(frozen=True, kw_only=True, eq=False)
class TranslationModel:
    """A Marian model with its tokenizer."""

    model: Any
    tokenizer: Any


@cache
def load_language_model(pin: Pin, numerics: Numerics) -> LanguageModel:
    """The language model of a pin, once per process.

    Attention is eager: the model caps its attention scores, which the fused kernels do not.

    Raises:
        MissingSourceError: If it cannot be had.
    """
    from transformers import AutoTokenizer, Gemma2ForCausalLM

    folder = locate(pin)
    dtype = getattr(torch, numerics.dtype)
    model = Gemma2ForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", use_safetensors=True
    )
    model.eval().requires_grad_(requires_grad=False).to(numerics.device)
    tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left")
    return LanguageModel(
        model=model,
        tokenizer=tokenizer,
        bos_id=int(tokenizer.bos_token_id),
        pad_id=int(tokenizer.pad_token_id),
        device=numerics.device,
    )


@cache
def load_translator(pin: Pin, numerics: Numerics) -> TranslationModel:
    """The translation model of a pin, in float32 whatever precision it is stored in.

    Raises:
        MissingSourceError: If it cannot be had.
        ValueError: If its weights are a pickle of anything but tensors.
        HarnessError: If its tokenizer changes punctuation, as it does where sacremoses is present.
    """
    from transformers import MarianMTModel, MarianTokenizer

    folder = locate(pin)
    try:
        # Some translators are published as a pickle alone: of it nothing but tensors is read, never code.
        model = MarianMTModel.from_pretrained(folder, dtype=torch.float32, weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{pin.name}: its weights hold more than tensors ({str(error).splitlines()[0]}), so they are not read: such a "
            "file can run any code; find out who published it, and correct the pin"
        ) from error
    model.eval().requires_grad_(requires_grad=False).to(numerics.device)
    with warnings.catch_warnings():
        # Punctuation is left as it stands: sacremoses is absent on purpose, so that inputs never depend on it.
        warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
        tokenizer = MarianTokenizer.from_pretrained(folder)
    _require_punctuation_kept(pin, tokenizer)
    return TranslationModel(model=model, tokenizer=tokenizer)


def layer_encoder(networks: Networks, layer: int) -> Encoder:
    """The encoding half of one layer's dictionary, held to the model that it is to read; float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, or is of another model's width.
    """
    encoder = load_encoder(networks.dictionaries, networks.dictionary_files[layer])
    _require_width(networks, layer, encoder.W_enc.shape[0])
    return encoder


def layer_dictionary(networks: Networks, layer: int) -> "JumpReLUSAE":
    """One layer's dictionary as sae-lens knows it, held to the model that it is to read; float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, or is of another model's width.
    """
    file, device = networks.dictionary_files[layer], networks.numerics.device
    dictionary = load_dictionary(networks.dictionaries, file, device)
    _require_width(networks, layer, dictionary.W_enc.shape[0])
    return dictionary


def _require_punctuation_kept(pin: Pin, tokenizer: Any) -> None:  # noqa: ANN401
    if (found := tokenizer.normalize(PUNCTUATION)) != PUNCTUATION:
        raise HarnessError(
            f"the tokenizer of {pin.name} makes {found!r} of {PUNCTUATION!r}, as it does where sacremoses can be imported; "
            "expected every text as it stands: uninstall sacremoses, and start again"
        )


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


def _require_width(networks: Networks, layer: int, found: int) -> None:
    """A sound dictionary of another model would fail far from here, in words about matrices."""
    expected = load_language_model(networks.model, networks.numerics).width
    if found != expected:
        raise ValueError(
            f"{networks.dictionaries.name}: {networks.dictionary_files[layer]}, named for layer {layer}, reads a residual "
            f"stream {found} wide; that of {networks.model.name} is {expected} wide, so that it is another model's "
            "dictionary; correct the model, the dictionaries or their files in pins.py of the study, below claims/"
        )


def _arrays(pin: Pin, file: str, names: Sequence[str]) -> dict[str, Tensor]:
    path = locate(pin) / file
    if not path.is_file():
        raise MissingSourceError(f"{pin.name} has no file {file}; its folder holds {_listing(path)}")
    try:
        with path.open("rb") as stream, np.load(stream) as stored:
            missing = sorted(set(names) - set(stored.files))
            arrays = {name: _real(stored[name], name) for name in names if not missing}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, TypeError, RuntimeError) as error:
        raise ValueError(
            f"{pin.name}: {file} cannot be read as arrays ({error}); remove {path.resolve()}, and start again to fetch it "
            "anew"
        ) from error
    if missing:
        raise ValueError(f"{pin.name}: {file} lacks {missing}; expected {list(ARRAY_NAMES)}")
    _require_shapes(arrays, f"{pin.name}: {file}")
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


def _listing(path: Path) -> str:
    nearest = next(parent for parent in path.parents if parent.is_dir())
    return f"{sorted(entry.name for entry in nearest.iterdir())[:8]} in {nearest.name}"
