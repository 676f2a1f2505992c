"""The only door to peft: new LoRA adapters, adapters on disk, and a base model that gets its old self back."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from harness.supply.stopped import published_origin
from harness.supply.wholeweights import has_whole_weights, whole_weights
from harness.tools.memory import is_out_of_memory
from harness.words.failures import UnusableWeightsError
from harness.words.study import AlignmentChoice

if TYPE_CHECKING:
    from peft import PeftModel

CARD_FILE = "README.md"
"""Where peft and the hub look for a model card."""


ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

SET = re.compile(r"\{([^{}]*)\}")
LONGEST_WORD = 300
"""Characters of what peft says that are kept; it may list every module of the model."""


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


@contextmanager
def attached(model: Any, folder: Path) -> Iterator[Any]:  # noqa: ANN401
    """The model with an adapter from disk for the time of the block; afterwards the base model as it was.

    A folder with the whole weights of a tuned model stands for an adapter: they take the place of the base model's.

    Raises:
        FileNotFoundError: If the folder holds no adapter.
        UnusableWeightsError: If what it holds does not fit the model, is no numbers, or changed nothing, since tuned would
            then silently mean base. Of ours every module must change; a published one may hold modules that its loss
            never reached.
    """
    if has_whole_weights(folder):
        with whole_weights(model, folder):
            yield model
        return
    if not (folder / ADAPTER_WEIGHTS).is_file():
        raise FileNotFoundError(f"{folder} holds no adapter; expected {ADAPTER_WEIGHTS} in it")
    with _restored(model):
        tuned = _loaded(model, folder)
        _require_working(tuned, folder)
        yield tuned


@contextmanager
def _restored(model: Any) -> Iterator[None]:  # noqa: ANN401
    """The model has its modules and weights again after the block, also where peft stopped halfway, or took new weights."""
    modules = [(module, list(module.named_children())) for module in model.modules()]
    weights = [(weight, weight.data, weight.requires_grad) for weight in model.parameters()]
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


def _loaded(model: Any, folder: Path) -> "PeftModel":  # noqa: ANN401
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, folder).eval()
    except (OSError, MemoryError, torch.AcceleratorError):
        raise
    except Exception as error:  # a foreign file makes peft fail in any way
        if isinstance(error, RuntimeError) and is_out_of_memory(error):
            raise
        raise UnusableWeightsError(folder, f"peft refuses it: {_in_words(error, folder)}") from error


def _in_words(error: Exception, folder: Path) -> str:
    """What an error says, on one line, the same in every process and on every machine."""
    said = " ".join(str(error).replace(str(folder), "the folder").split())
    said = SET.sub(lambda found: "{" + ", ".join(sorted(found[1].split(", "))) + "}", said)
    return f"{type(error).__name__}: {said[:LONGEST_WORD]}"


def save_adapter(tuned: "PeftModel", folder: Path, card: str) -> None:
    """Write weights, configuration and model card: the same bytes wherever and whenever the adapter is saved."""
    tuned.save_pretrained(folder)
    # peft's own card names the path of the base model.
    (folder / CARD_FILE).write_text(card, encoding="utf-8", newline="\n")
    file = folder / "adapter_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    # peft names the path of the base model, and lists sets in an order that changes with every process.
    steady = {name: sorted(value) if isinstance(value, list) else value for name, value in config.items()}
    steady["base_model_name_or_path"] = None
    file.write_text(json.dumps(steady, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _require_working(tuned: "PeftModel", folder: Path) -> None:
    # Weights that fit no module are only warned about, and leave B at the zeros that it starts from.
    weights = {name: weight for name, weight in tuned.named_parameters() if "lora_" in name}
    second = {name: weight for name, weight in weights.items() if "lora_B" in name}
    idle = [name for name, weight in second.items() if not bool(weight.any())]
    if not second or len(idle) == len(second) or (idle and published_origin(folder) is None):
        raise UnusableWeightsError(
            folder,
            f"the adapter changes nothing at {idle[:3] or 'any module'}: its weights fit no module, or are zero; expected a "
            "trained one",
        )
    broken = [name for name, weight in weights.items() if not bool(torch.isfinite(weight).all())]
    if broken:
        raise UnusableWeightsError(
            folder, f"the adapter holds weights that are no number, at {broken[:3]}; expected a trained one"
        )
