"""The only door to transformers: a pin in, a live model with its tokenizer out, whole or refused."""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.models.weights import reading_foreign_files, weights_fault
from harness.models.work import METER
from harness.sources.pins import locate
from harness.statistics.finite import not_finite
from harness.words.errors import MissingSourceError, UsageError
from harness.words.plan import Numerics
from harness.words.study import Pin

MODEL_FILES = ("config.json", "tokenizer.json")
"""What a language model cannot do without, besides its weights."""

CURE = "put the right files in their place, or correct the pin in pins.py of the study, below claims/"


@dataclass(frozen=True, kw_only=True, eq=False)
class LanguageModel:
    """A causal language model with its tokenizer."""

    model: Any
    """`Gemma2ForCausalLM` in evaluation mode."""
    tokenizer: Any
    """Reads every text as text: a control token that it spells, as pages about tokenizers do, stays in pieces."""
    bos_id: int
    pad_id: int
    device: str

    @property
    def decoder(self) -> nn.Module:
        """The stack of layers below the language-model head."""
        decoder = self.model.model
        assert isinstance(decoder, nn.Module)
        return decoder

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, with exactly one BOS, in front.

        Raises:
            ValueError: If the tokenizer put no BOS, or more than one; every number would be wrong.
        """
        ids: list[list[int]] = self.tokenizer(list(texts))["input_ids"]
        for text, row in zip(texts, ids, strict=True):
            if row[:1] != [self.bos_id] or row.count(self.bos_id) != 1:
                is_spelled = self.tokenizer.bos_token in text
                raise ValueError(
                    f"the tokenizer of {self.tokenizer.name_or_path!r} gave {row[:4]}... for {text[:40]!r}; expected "
                    f"exactly one BOS ({self.bos_id}), in front; "
                    + (
                        "the text spells another, which is not to be read as one: encode with split_special_tokens"
                        if is_spelled
                        else "its tokenizer.json lacks the BOS post-processor"
                    )
                )
        return ids


@cache
def load_language_model(pin: Pin, numerics: Numerics) -> LanguageModel:
    """The language model of a pin, once per process.

    Attention is eager: the model caps its attention scores, which the fused kernels do not.

    Raises:
        MissingSourceError: If it cannot be had, or lacks a file.
        UsageError: If its files hold another kind of model, lack a tensor of it or hold one too many, hold values that are
            no numbers, or its tokenizer does not fit it.
    """
    from transformers import AutoTokenizer, Gemma2Config, Gemma2ForCausalLM

    folder = sound_folder(pin, MODEL_FILES, Gemma2Config.model_type)
    with reading_foreign_files(folder, refusal(pin)):
        model, report = Gemma2ForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, numerics.dtype),
            attn_implementation="eager",
            use_safetensors=True,
            output_loading_info=True,
        )
        tokenizer = AutoTokenizer.from_pretrained(folder, padding_side="left", split_special_tokens=True)
    model.eval().requires_grad_(requires_grad=False).to(numerics.device)
    require_whole(pin, model, report)
    require_its_tokenizer(pin, model, tokenizer)
    pad_id = _special_id(pin, model, tokenizer, "pad_token")
    METER.watch(model.model, pad_id)
    return LanguageModel(
        model=model,
        tokenizer=tokenizer,
        bos_id=_special_id(pin, model, tokenizer, "bos_token"),
        pad_id=pad_id,
        device=numerics.device,
    )


def key_value_cache() -> Any:  # noqa: ANN401
    """An empty cache that keeps all keys of all layers.

    One that is made after a configuration drops what lies outside a sliding window: what a mask is wide then depends on the layer.
    """
    from transformers import DynamicCache

    return DynamicCache()


def sound_folder(pin: Pin, files: Sequence[str], kind: str) -> Path:
    """Where a model lies, once its files are all there, are of its kind, and name each tensor once.

    The library takes a configuration of another kind for its own, and draws at random whatever then has no weights.
    """
    folder = locate(pin)
    if missing := [name for name in files if not (folder / name).is_file()]:
        found = sorted(path.name for path in folder.iterdir())
        raise MissingSourceError(f"{pin} has no {', '.join(missing)}; its folder holds {found[:12]}; {CURE}")
    try:
        said = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found_kind = said["model_type"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{pin}: config.json tells no model_type ({error!r}); expected {kind!r}; {CURE}"
        ) from error
    if found_kind != kind:
        raise UsageError(
            f"{pin}: config.json is of a model of type {found_kind!r}; expected {kind!r}; {CURE}"
        )
    if fault := weights_fault(folder):
        raise UsageError(f"{pin}: {fault}; {CURE}")
    return folder


def refusal(pin: Pin) -> Callable[[str], UsageError]:
    """The error for what a library says of the files of a pin."""
    return lambda said: UsageError(f"{pin} cannot be loaded ({said}); {CURE}")


def require_whole(pin: Pin, model: Any, report: Mapping[str, Collection[str]]) -> None:  # noqa: ANN401
    """Every tensor of the model was in its files, every one of theirs is in the model, and all hold numbers.

    What the files lack is drawn at random without an error, anew at every load. Tensors that are tied to another one, or
    computed, may be absent: the library's own report knows them.
    """
    missing, strange = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    if missing or strange:
        raise UsageError(
            f"{pin}: its files and its config.json do not belong together: {len(missing)} tensors that the model needs are "
            f"missing {missing[:3]}, and {len(strange)} have no place in it {strange[:3]}; {CURE}"
        )
    if broken := not_finite({**dict(model.named_parameters()), **dict(model.named_buffers())}):
        raise UsageError(
            f"{pin}: {len(broken)} tensors hold values that are infinite or no number in {model.dtype} {broken[:3]}; {CURE}"
        )


def require_its_tokenizer(pin: Pin, model: Any, tokenizer: Any) -> None:  # noqa: ANN401
    """Every id that a text can have is embedded; control tokens that a class of tokenizers adds come from no text."""
    controls = {place for place, token in tokenizer.added_tokens_decoder.items() if token.special}
    largest = max(place for place in tokenizer.get_vocab().values() if place not in controls)
    _require_embedded(pin, model, largest)


def _require_embedded(pin: Pin, model: Any, token_id: int) -> None:  # noqa: ANN401
    rows = model.get_input_embeddings().weight.shape[0]
    if token_id >= rows:
        raise UsageError(
            f"{pin}: its tokenizer has ids up to {token_id}, but the model embeds {rows} tokens; they are not of one model; "
            f"{CURE}"
        )


def _special_id(pin: Pin, model: Any, tokenizer: Any, name: str) -> int:  # noqa: ANN401
    token = getattr(tokenizer, name)
    if token is None:
        raise UsageError(f"{pin}: its tokenizer has no {name}; tokenizer_config.json must name one; {CURE}")
    token_id = int(tokenizer.convert_tokens_to_ids(token))
    _require_embedded(pin, model, token_id)
    return token_id
