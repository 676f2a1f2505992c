"""The only door to sae-lens: a pin in, a JumpReLU dictionary of the residual stream out, as Gemma Scope stores them."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.models.params import ARRAY_NAMES, arrays_of
from harness.sources.pins import locate
from harness.statistics.finite import NotFiniteError
from harness.words.plan import Networks
from harness.words.study import Pin

if TYPE_CHECKING:
    from sae_lens import JumpReLUSAE


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The encoding half of a dictionary, whole or cut to some latents; float32."""

    W_enc: Float[Tensor, "d_model latent"]
    b_enc: Float[Tensor, "latent"]
    threshold: Float[Tensor, "latent"]

    def columns(self, latents: Int[Tensor, "chosen"]) -> "Encoder":
        """The same encoder for the chosen latents, in the order given."""
        return Encoder(
            W_enc=self.W_enc.index_select(1, latents).contiguous(),
            b_enc=self.b_enc.index_select(0, latents),
            threshold=self.threshold.index_select(0, latents),
        )

    def to(self, device: str) -> "Encoder":
        """The same encoder on another device."""
        return Encoder(
            W_enc=self.W_enc.to(device), b_enc=self.b_enc.to(device), threshold=self.threshold.to(device)
        )


def layer_encoder(networks: Networks, layer: int) -> Encoder:
    """The encoding half of one layer's dictionary, held to the model that it is to read; float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, or is of a model of another width or depth.
    """
    encoder = load_encoder(networks.dictionaries, networks.dictionary_files[layer])
    _require_its_model(networks, layer, encoder.W_enc.shape[0])
    return encoder


def layer_sae(networks: Networks, layer: int) -> "JumpReLUSAE":
    """One layer's dictionary as sae-lens knows it, held to the model that it is to read; float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary, or is of a model of another width or depth.
    """
    file, device = networks.dictionary_files[layer], networks.numerics.device
    dictionary = load_sae(networks.dictionaries, file, device)
    _require_its_model(networks, layer, dictionary.W_enc.shape[0])
    return dictionary


def load_encoder(pin: Pin, file: str) -> Encoder:
    """The encoding half of one layer's dictionary, float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary.
    """
    arrays = arrays_of(pin, file, ("W_enc", "b_enc", "threshold"))
    return Encoder(W_enc=arrays["W_enc"], b_enc=arrays["b_enc"], threshold=arrays["threshold"])


def load_sae(pin: Pin, file: str, device: str) -> "JumpReLUSAE":
    """One layer's dictionary as sae-lens knows it, float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of a JumpReLU dictionary.
    """
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig

    arrays = arrays_of(pin, file, ARRAY_NAMES)
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
    config = json.loads((locate(networks.model) / "config.json").read_text(encoding="utf-8"))
    width, num_layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
    cure = "correct the model, the dictionaries or their files in pins.py of the study, below claims/"
    if found != width:
        raise ValueError(
            f"{networks.dictionaries.name}: {networks.dictionary_files[layer]}, named for layer {layer}, reads a residual "
            f"stream {found} wide; that of {networks.model.name} is {width} wide, so that it is another model's "
            f"dictionary; {cure}"
        )
    if len(networks.dictionary_files) != num_layers:
        raise ValueError(
            f"{networks.dictionaries.name} has files for {len(networks.dictionary_files)} layers, but {networks.model.name} "
            f"has {num_layers}; expected one for each layer; {cure}"
        )


def latent_activations(
    residual: Float[Tensor, "... d_model"], encoder: Encoder
) -> Float[Tensor, "... latent"]:
    """Activations after the JumpReLU: the pre-activation where it is above the threshold and above zero, else 0.

    The residual stream is raised to float32 first, since threshold crossings depend on precision. `b_dec` is not
    subtracted: these dictionaries were released with every scaling folded in.

    Raises:
        NotFiniteError: If the stream holds a value that is no number; a threshold would turn it into 0.

    Source: arXiv 2408.05147, section 3.
    """
    require_finite(residual)
    pre_acts = residual.to(torch.float32) @ encoder.W_enc + encoder.b_enc
    fires = (pre_acts > encoder.threshold) & (pre_acts > 0)
    return torch.where(fires, pre_acts, 0.0)


def require_finite(residual: Float[Tensor, "... d_model"]) -> None:
    """Refuse a residual stream that overflowed or was never a number.

    Raises:
        NotFiniteError: If a value is infinite or no number.
    """
    finite = torch.isfinite(residual)
    if not bool(finite.all()):
        raise NotFiniteError(
            "the residual stream holds values that are infinite or no number; the precision is too low for this "
            "model, or its weights are broken",
            what="value of the residual stream",
            value=float(residual.detach()[~finite][0]),
        )
