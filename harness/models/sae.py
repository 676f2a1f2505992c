"""The only door to sae-lens: a pin in, a dictionary of the residual stream out, as Gemma Scope stores them."""

from typing import TYPE_CHECKING

from harness.models.encoding import Encoder
from harness.models.loading import load_language_model
from harness.models.params import ARRAY_NAMES, arrays_of
from harness.words.plan import Networks
from harness.words.study import Pin

if TYPE_CHECKING:
    from sae_lens import JumpReLUSAE


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
    arrays = arrays_of(pin, file, ("W_enc", "b_enc", "threshold"))
    return Encoder(W_enc=arrays["W_enc"], b_enc=arrays["b_enc"], threshold=arrays["threshold"])


def load_dictionary(pin: Pin, file: str, device: str) -> "JumpReLUSAE":
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
