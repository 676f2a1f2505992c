"""The only door to peft: new LoRA adapters, adapters on disk, and a base model that gets its old self back."""

import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from harness.models.failed_adapters import published_origin
from harness.models.weights import has_whole_weights, reading_foreign_files, tensors_of, whole_weights
from harness.statistics.finite import not_finite
from harness.words.errors import UnusableWeightsError
from harness.words.study import AlignmentChoice

if TYPE_CHECKING:
    from peft import PeftModel

CARD_FILE = "README.md"
"""Where peft and the hub look for a model card."""

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

PREFIX = "base_model.model."
"""What peft puts in front of a name of the base model."""

IGNORED_SETTINGS = ("alora_invocation_tokens",)
"""Settings that peft knows, and that act in its own forward pass alone: here the layers are asked without it."""


@contextmanager
def trained_adapter(model: Any, choice: AlignmentChoice, seed: int) -> Iterator["PeftModel"]:  # noqa: ANN401
    """The model with a fresh adapter, seeded, for the time of the block; afterwards the base model as it was.

    Args:
        model: A causal language model; its layers are changed in place while the block runs.
        choice: Rank, scale, layers and modules of the adapter.
        seed: Reaches the adapter's initial weights.
    """
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=choice.rank,
        lora_alpha=choice.lora_alpha,
        lora_dropout=0.0,
        target_modules=list(choice.target_modules),
        layers_to_transform=list(choice.layers),
        layers_pattern="layers",
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        tuned = get_peft_model(model, config)
    try:
        yield tuned
    finally:
        tuned.unload()


def adds_nothing(tuned: "PeftModel") -> bool:
    """Whether an adapter leaves its model what it is, as a fresh one does: its second factors are zero."""
    return not any(bool(weight.any()) for name, weight in tuned.named_parameters() if "lora_B" in name)


@contextmanager
def untouched(tuned: "PeftModel") -> Iterator[None]:
    """The base model in place of the tuned one for the time of the block.

    As peft's own `disable_adapter`, which walks through every module once more to warn of adapters that are half on: there is
    one here, and all of it is on, or none.
    """
    tuned.base_model.disable_adapter_layers()
    try:
        yield
    finally:
        tuned.base_model.enable_adapter_layers()


@contextmanager
def attached(model: Any, folder: Path) -> Iterator[Any]:  # noqa: ANN401
    """The model with an adapter from disk for the time of the block; afterwards the base model as it was.

    A folder with the whole weights of a tuned model stands for an adapter: they take the place of the base model's.

    Raises:
        FileNotFoundError: If the folder holds no adapter.
        UnusableWeightsError: If what it holds does not fit the model, is half of an adapter, is no numbers, reaches the head,
            which benchmarks read past it, rests on settings that nobody here follows, or changed nothing, since tuned
            would then silently mean base. Of ours every module must change; a published one may hold modules that its
            loss never reached.
    """
    if has_whole_weights(folder):
        with whole_weights(model, folder):
            yield model
        return
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise FileNotFoundError(f"{folder} holds no adapter; expected {ADAPTER_WEIGHTS} in it")
    from peft import PeftModel

    with reading_foreign_files(
        folder, lambda said: UnusableWeightsError(folder, f"its weights cannot be read: {said}")
    ):
        given = tensors_of(folder / ADAPTER_WEIGHTS)
    head = model.get_output_embeddings()
    with _restored(model, given):
        with (
            warnings.catch_warnings(),
            reading_foreign_files(
                folder, lambda said: UnusableWeightsError(folder, f"peft refuses it: {said}")
            ),
        ):
            warnings.simplefilter("ignore")  # what matters of it is refused
            tuned = PeftModel.from_pretrained(model, folder).eval()
        _require_known_settings(tuned, folder)
        _require_whole(tuned, given, folder)
        if model.get_output_embeddings() is not head:
            raise UnusableWeightsError(
                folder,
                "the adapter reaches the head of the model, and likelihoods are read off the base model's; leave it out",
            )
        _require_working(tuned, folder)
        yield tuned


def base_named(folder: Path) -> str:
    """The model that an adapter says it was trained on; nothing where it says none, or cannot be read."""
    try:
        said = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
        return str(said["base_model_name_or_path"] or "")
    except (OSError, KeyError, TypeError, ValueError, RecursionError):
        return ""


@contextmanager
def _restored(model: Any, given: Mapping[str, Tensor]) -> Iterator[None]:  # noqa: ANN401
    """The model has its modules and weights again after the block, also where peft stopped halfway, or took new weights.

    Tensors that are named like one of the model's own are written over it in place.
    """
    modules = [(module, list(module.named_children())) for module in model.modules()]
    weights = [
        (weight, weight.data.clone() if PREFIX + name in given else weight.data, weight.requires_grad)
        for name, weight in model.named_parameters()
    ]
    try:
        yield
    finally:
        for module, children in modules:
            for name, child in children:
                setattr(module, name, child)
        for weight, values, is_trained in weights:
            weight.data = values
            weight.requires_grad_(is_trained)
        # What peft leaves behind makes it take the next adapter for a second one.
        model.__dict__.pop("peft_config", None)


def save_adapter(tuned: "PeftModel", folder: Path, card: str, *, base: str, revision: str) -> None:
    """Write weights, configuration and model card: the same bytes wherever and whenever the adapter is saved.

    Args:
        tuned: The base model with its adapter.
        folder: Where it goes.
        card: The model card.
        base: Repository or folder of the base model, which peft's `AutoPeftModelForCausalLM` loads with the adapter.
        revision: Of the base model.
    """
    tuned.save_pretrained(folder)
    # peft's own card names the path of the base model.
    (folder / CARD_FILE).write_text(card, encoding="utf-8", newline="\n")
    file = folder / ADAPTER_CONFIG
    config = json.loads(file.read_text(encoding="utf-8"))
    # peft names the path from which the base model was loaded, and lists sets in an order that changes with every process.
    steady = {name: sorted(value) if isinstance(value, list) else value for name, value in config.items()}
    steady |= {"base_model_name_or_path": base, "revision": revision}
    file.write_text(json.dumps(steady, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _require_known_settings(tuned: "PeftModel", folder: Path) -> None:
    """No setting that is on is one that peft does not know, and only warns about, or that acts where nobody asks."""
    config = tuned.active_peft_config
    said: Mapping[str, object] = json.loads((folder / ADAPTER_CONFIG).read_text(encoding="utf-8"))
    known = {field.name for field in fields(config)} - {*IGNORED_SETTINGS}
    if unknown := sorted(name for name, value in said.items() if value and name not in known):
        raise UnusableWeightsError(
            folder,
            f"its {ADAPTER_CONFIG} asks for {', '.join(f'{name} = {said[name]!r}' for name in unknown)}, which would be "
            "ignored here; expected settings of this version of peft",
        )


def _require_whole(tuned: "PeftModel", given: Mapping[str, Tensor], folder: Path) -> None:
    """The file holds every tensor of the adapter and no other, and all are numbers: what it lacks would stay as drawn."""
    from peft import get_peft_model_state_dict

    needed = get_peft_model_state_dict(tuned, save_embedding_layers=False)
    missing, strange = sorted(needed.keys() - given.keys()), sorted(given.keys() - needed.keys())
    if missing or strange:
        raise UnusableWeightsError(
            folder,
            f"its weights and its settings do not belong together: {len(missing)} of {len(needed)} tensors are missing "
            f"{missing[:3]}, and {len(strange)} have no place in the adapter {strange[:3]}; expected a whole one",
        )
    if broken := not_finite(given):
        raise UnusableWeightsError(
            folder, f"the adapter holds weights that are no number, at {broken[:3]}; expected a trained one"
        )


def _require_working(tuned: "PeftModel", folder: Path) -> None:
    weights = dict(tuned.named_parameters())
    scales = {name: module.scaling for name, module in tuned.named_modules() if hasattr(module, "scaling")}
    second = [name for name in weights if "lora_B" in name]
    idle = [
        name
        for name in second
        if not any(scales[name.partition(".lora_B")[0]].values())
        or not bool(weights[name].any())
        or not bool(weights[name.replace("lora_B", "lora_A")].any())
    ]
    if not second or len(idle) == len(second) or (idle and published_origin(folder) is None):
        raise UnusableWeightsError(
            folder,
            f"the adapter changes nothing at {idle[:3] or 'any module'}: its weights fit no module, or they or its scale are "
            "zero; expected a trained one",
        )
