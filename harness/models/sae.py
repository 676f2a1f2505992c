"""The only door to sae-lens: a pin in, an SAE of the residual stream out; JumpReLU, or TopK."""

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from harness.models.params import arrays_of, require_its_layer
from harness.models.work import METER
from harness.sources.pins import locate
from harness.statistics.finite import require_finite
from harness.words.plan import Networks
from harness.words.study import GEMMA_SCOPE, Pin, SAEForm, SAEInput

if TYPE_CHECKING:
    from sae_lens import JumpReLUSAE, TopKSAE


@dataclass(frozen=True, kw_only=True)
class Encoder:
    """The encoding half of an SAE, whole or for some latents alone; float32."""

    W_enc: Float[Tensor, "d_model latent"]
    b_enc: Float[Tensor, "latent"]
    threshold: Float[Tensor, "latent"]
    k: int | None = None
    """TopK: so many latents fire at a token, the strongest of all; None where each is decided by itself."""
    has_unit_input: bool = False
    """True where the stream of each token is brought to the length sqrt(d_model) first."""
    chosen: Int[Tensor, "chosen"] | None = None
    """TopK: the latents whose activations are given, of all that compete; None gives all."""

    @property
    def num_latents(self) -> int:
        """How many latents it gives activations of."""
        return len(self.threshold if self.chosen is None else self.chosen)

    def choosing(self, latents: Int[Tensor, "chosen"]) -> "Encoder":
        """The activations of the chosen latents alone, in the order given; with a TopK the others still compete."""
        latents = latents.to(self.threshold.device)
        if self.k is None:
            return self.columns(latents)
        return replace(self, chosen=latents if self.chosen is None else self.chosen[latents])

    def columns(self, latents: Int[Tensor, "chosen"]) -> "Encoder":
        """The same encoder cut to the chosen latents, in the order given.

        Raises:
            ValueError: If which latents fire depends on those that would be cut off.
        """
        if self.k is not None:
            raise ValueError(
                f"the columns of {len(latents)} latents were asked for, of an encoder whose {self.k} strongest latents fire; which "
                "these are depends on all of them: choose latents of the whole encoder"
            )
        return replace(
            self,
            W_enc=self.W_enc.index_select(1, latents).contiguous(),
            b_enc=self.b_enc.index_select(0, latents),
            threshold=self.threshold.index_select(0, latents),
        )

    def to(self, device: str) -> "Encoder":
        """The same encoder on another device."""
        return replace(
            self,
            W_enc=self.W_enc.to(device),
            b_enc=self.b_enc.to(device),
            threshold=self.threshold.to(device),
            chosen=None if self.chosen is None else self.chosen.to(device),
        )


def layer_encoder(networks: Networks, layer: int) -> Encoder:
    """The encoding half of one layer's dictionary, held to the model that it is to read; float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of its form, or is of a model of another width or depth, or another layer.
    """
    encoder = load_encoder(networks.dictionaries, networks.dictionary_file(layer), networks.dictionary_form)
    _require_its_model(networks, layer, encoder.W_enc.shape[0])
    return encoder


def layer_sae(networks: Networks, layer: int) -> "JumpReLUSAE | TopKSAE":
    """One layer's dictionary as sae-lens knows it, held to the model that it is to read; float32.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of its form, or is of a model of another width or depth, or another layer.
    """
    file, device = networks.dictionary_file(layer), networks.numerics.device
    dictionary = load_sae(networks.dictionaries, file, device, networks.dictionary_form)
    _require_its_model(networks, layer, dictionary.W_enc.shape[0])
    return dictionary


def load_encoder(pin: Pin, file: str, form: SAEForm = GEMMA_SCOPE) -> Encoder:
    """The encoding half of one layer's dictionary, float32, on the CPU.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of its form.
    """
    arrays = arrays_of(pin, file, ("W_enc", "b_enc", "threshold"), form)
    return Encoder(
        W_enc=arrays["W_enc"],
        b_enc=arrays["b_enc"],
        threshold=arrays["threshold"],
        k=form.k,
        has_unit_input=form.reads is SAEInput.LENGTH,
    )


def load_sae(pin: Pin, file: str, device: str, form: SAEForm = GEMMA_SCOPE) -> "JumpReLUSAE | TopKSAE":
    """One layer's dictionary as sae-lens knows it, made from the arrays that are read here; float32.

    Its own loaders are not used: that of Llama Scope leaves the decoder norm out of what the threshold is held against.

    Raises:
        MissingSourceError: If the file is not there.
        ValueError: If it does not hold the arrays of its form.
    """
    from sae_lens import JumpReLUSAE, JumpReLUSAEConfig, TopKSAE, TopKSAEConfig

    arrays = arrays_of(pin, file, form=form)
    d_model, d_sae = arrays["W_enc"].shape
    told: dict[str, Any] = {
        "d_in": d_model,
        "d_sae": d_sae,
        "dtype": "float32",
        "device": device,
        "apply_b_dec_to_input": False,
        "normalize_activations": "constant_norm_rescale" if form.reads is SAEInput.LENGTH else "none",
    }
    if form.k is None:
        dictionary = JumpReLUSAE(JumpReLUSAEConfig(**told))
    else:
        dictionary = TopKSAE(TopKSAEConfig(**told, k=form.k))
        del arrays["threshold"]
    dictionary.load_state_dict({name: tensor.to(device) for name, tensor in arrays.items()})
    return dictionary.eval().requires_grad_(requires_grad=False)


def _require_its_model(networks: Networks, layer: int, found: int) -> None:
    """A sound dictionary of another model would fail far from here, in words about matrices; or, of another depth, not at all."""
    folder = locate(networks.model) / networks.model.folder
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    width, num_layers = int(config["hidden_size"]), int(config["num_hidden_layers"])
    cure = "correct the model, the dictionaries or their files in pins.py of the study, below claims/"
    file = networks.dictionary_file(layer)
    if found != width:
        raise ValueError(
            f"{networks.dictionaries.name}: {file}, named for layer {layer}, reads a residual "
            f"stream {found} wide; that of {networks.model.name} is {width} wide, so that it is another model's "
            f"dictionary; {cure}"
        )
    if networks.dictionary_layers is None and len(networks.dictionary_files) != num_layers:
        raise ValueError(
            f"{networks.dictionaries.name} has files for {len(networks.dictionary_files)} layers, but {networks.model.name} "
            f"has {num_layers}; expected one for each layer, or the layers that they are of; {cure}"
        )
    require_its_layer(networks.dictionaries, file, networks.dictionary_form, layer)


def latent_activations(
    residual: Float[Tensor, "... d_model"], encoder: Encoder, *, straight_through: bool = False
) -> Float[Tensor, "... latent"]:
    """Activations: the pre-activation where it is above the threshold and above zero, and among the k strongest; else 0.

    The residual stream is raised to float32 first, since threshold crossings depend on precision. `b_dec` is not
    subtracted: every scaling is folded into the arrays.

    Args:
        residual: The residual stream.
        encoder: The encoding half of a dictionary.
        straight_through: Give a silent latent the gradient of its pre-activation; its value stays 0.

    Raises:
        NotFiniteError: If the stream holds a value that is no number; a threshold would turn it into 0.

    Source: arXiv 2408.05147, section 3; of TopK arXiv 2406.04093, section 2.3.
    """
    require_finite(residual)
    stream = residual.to(torch.float32)
    if encoder.has_unit_input:
        stream = torch.nn.functional.normalize(stream, dim=-1) * math.sqrt(stream.shape[-1])
    METER.encodes(stream, encoder.W_enc.shape[1])
    pre_acts = stream @ encoder.W_enc + encoder.b_enc
    fires = (pre_acts > encoder.threshold) & (pre_acts > 0)
    if encoder.k is not None:
        strongest = pre_acts.detach().topk(encoder.k, dim=-1).indices
        fires &= torch.zeros_like(fires).scatter_(-1, strongest, value=True)
    if encoder.chosen is not None:
        pre_acts, fires = (each.index_select(-1, encoder.chosen) for each in (pre_acts, fires))
    # What is zero everywhere, and has the slope of the pre-activation.
    silent = pre_acts - pre_acts.detach() if straight_through else 0.0
    return torch.where(fires, pre_acts, silent)
