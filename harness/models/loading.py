"""The only door to transformers: a pin in, a live model with its tokenizer out, whole and as its facts say, or refused."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from harness.models.weights import (
    INDEX,
    WHOLE_WEIGHTS,
    absent_weights,
    has_whole_weights,
    reading_foreign_files,
    weights_fault,
)
from harness.models.work import METER
from harness.sources.pins import how_to_mend, locate
from harness.statistics.finite import not_finite
from harness.store.files import file_sha256
from harness.words.errors import MissingSourceError, UsageError, choice_error
from harness.words.plan import Numerics
from harness.words.records import LoadedFile, LoadedModel
from harness.words.study import ModelFacts, ModelPin, Pin

ARCHITECTURES = ("gemma2", "gemma3_text", "llama", "mistral", "qwen3")
"""What `config.json` may call the kind of a base model: those whose residual streams and likelihoods were tried.

They are decoders with `.layers` and rotary positions, which padding on the left moves all alike.
"""

UNREAD_SETTINGS = {
    "use_bidirectional_attention": False,
    "is_encoder_decoder": False,
}
"""Settings of these kinds that nobody here follows, and the value at which there is nothing to follow."""
WITHOUT_EFFECT = {"cache_implementation", "hidden_act", "sliding_window_pattern", "sliding_window_size"}
"""Settings in the files of true models that their kind has under another name, or for generating alone."""
ATTENTIONS = ("full_attention", "sliding_attention")
"""What a layer may be: its stream is read, and its keys are kept, as of any other."""
ROTATIONS = ("default", "linear", "llama3", "yarn")
"""How rotary positions may be stretched: not by the length of the longest text of a batch."""
ROTATION_SETTINGS = {
    "rope_type", "rope_theta", "factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings",
    "beta_fast", "beta_slow", "attention_factor", "mscale", "mscale_all_dim", "truncate",
}  # fmt: skip

CONFIG = "config.json"
"""What a model cannot do without, besides its weights and its tokenizer."""

TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model")
"""The forms in which a tokenizer is read, the first that is there: whole, or as SentencePiece trained it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TextReader:
    """The tokenizer of a language model, with what that model has in front of every text."""

    tokenizer: Any
    """Reads every text as text: a control token that it spells, as pages about tokenizers do, stays in pieces."""
    front_ids: tuple[int, ...]
    """What stands before every text, and never counts; empty where nothing does."""

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, behind what stands in front.

        That is put here, whatever the tokenizer's own files would put: some put it, some do not, and some twice.

        Raises:
            ValueError: If a text holds it once more; every number would be wrong.
        """
        ids: list[list[int]] = (
            self.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        )
        for text, row in zip(texts, ids, strict=True):
            if not {*self.front_ids}.isdisjoint(row):
                raise ValueError(
                    f"the tokenizer of {self.tokenizer.name_or_path!r} gave {row[:4]}... for {text[:40]!r}; expected no "
                    f"{list(self.front_ids)}, which stands in front of every text: the text spells another, which is not to be "
                    "read as one: encode with split_special_tokens"
                )
        return [[*self.front_ids, *row] for row in ids]

    def lengths(self, ids: Sequence[Sequence[int]]) -> list[int]:
        """How many tokens of each text count: all but those in front."""
        return [len(row) - len(self.front_ids) for row in ids]


@dataclass(frozen=True, kw_only=True, eq=False)
class LanguageModel(TextReader):
    """A causal language model with its tokenizer."""

    model: Any
    """A causal language model of one of the `ARCHITECTURES`, in evaluation mode."""
    pad_id: int
    facts: ModelFacts
    device: str

    @property
    def decoder(self) -> nn.Module:
        """The stack of layers below the language-model head."""
        decoder = self.model.get_decoder()
        assert isinstance(decoder, nn.Module)
        return decoder


@cache
def load_language_model(pin: ModelPin, numerics: Numerics) -> LanguageModel:
    """The language model of a pin, once per process.

    Raises:
        MissingSourceError: If it cannot be had, or lacks a file.
        UsageError: If its files hold another kind of model than its facts say, or one with something that nobody here
            reckons with, lack a tensor of it or hold one too many, hold values that are no numbers, or its tokenizer does not
            fit it.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    facts = pin.facts
    if facts.architecture not in ARCHITECTURES:
        raise choice_error(
            "architecture", facts.architecture, ARCHITECTURES, f"(facts of {pin.name}; none else was tried)"
        )
    folder = sound_folder(pin, (CONFIG,), facts.architecture, pin.folder)
    if not has_whole_weights(folder):
        raise _lacks(pin, WHOLE_WEIGHTS, folder)
    reader = load_text_reader(pin)
    with reading_foreign_files(folder, refusal(pin)):
        # Before any weight is read: what is quantized is unpacked without a word, and no longer called so.
        require_reckoned(pin, unfollowed(AutoConfig.from_pretrained(folder)))
        model, report = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=getattr(torch, numerics.dtype),
            attn_implementation=facts.attention,
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # refused below, by name
        )
    model.eval().requires_grad_(requires_grad=False).to(numerics.device)
    require_whole(pin, model, report)
    require_reckoned(pin, unreckoned(model, facts))
    require_its_tokenizer(pin, model, reader.tokenizer)
    pad_id = _token_id(pin, reader.tokenizer, facts.pad)
    for token_id in (pad_id, *reader.front_ids):
        _require_embedded(pin, model, token_id)
    METER.watch(model.get_decoder(), pad_id)
    return LanguageModel(
        model=model,
        tokenizer=reader.tokenizer,
        front_ids=reader.front_ids,
        pad_id=pad_id,
        facts=facts,
        device=numerics.device,
    )


def load_text_reader(pin: ModelPin) -> TextReader:
    """The tokenizer of a model's pin, without the model: whether every id is embedded is held against it once it is loaded.

    Raises:
        MissingSourceError: If it cannot be had, or lacks a file.
        UsageError: If its files cannot be read, or it lacks a token that the model's facts name.
    """
    path = tokenizer_file(pin)
    with reading_foreign_files(path.parent, refusal(pin.tokenizer or pin)):
        tokenizer = _tokenizer(path)
    front_ids = tuple(_token_id(pin, tokenizer, token) for token in pin.facts.front)
    return TextReader(tokenizer=tokenizer, front_ids=front_ids)


def tokenizer_file(pin: ModelPin) -> Path:
    """The file that a model's tokenizer is read from, among its own or where its pin says.

    Raises:
        MissingSourceError: If there is none.
    """
    held = pin.tokenizer or pin
    folder = locate(pin) / pin.folder if held is pin else locate(held)
    # Of its own files only the whole form: another one beside it was never tried to be the same.
    names = TOKENIZER_FILES[:1] if held is pin else TOKENIZER_FILES
    found = next((folder / name for name in names if (folder / name).is_file()), None)
    if found is None:
        raise _lacks(held, " or ".join(names), folder)
    return found


def _tokenizer(path: Path) -> Any:  # noqa: ANN401
    """A tokenizer from either form; the class that files of the second name may be code of their own, which is never run."""
    from transformers import AutoTokenizer
    from transformers.tokenization_utils_sentencepiece import SentencePieceBackend

    kind = AutoTokenizer if path.name == TOKENIZER_FILES[0] else SentencePieceBackend
    return kind.from_pretrained(path.parent, padding_side="left", split_special_tokens=True)


def require_reckoned(pin: Pin, strange: Iterable[str]) -> None:
    """Nothing is passed over that moves a number, and that nobody here follows."""
    if named := "; ".join(strange):
        raise UsageError(f"{pin} has what nobody here reckons with: {named}; {how_to_mend(pin)}")


def unfollowed(config: Any) -> Iterator[str]:  # noqa: ANN401
    """What a configuration says and no number would show, one phrase each.

    The library keeps a setting that its class for this kind of model does not have, and never reads it.
    """
    from transformers import GenerationConfig

    known = {*type(config)().to_dict(), *GenerationConfig().to_dict(), *WITHOUT_EFFECT}
    said = config.to_dict()
    for name, value in said.items():
        says_nothing = not value or (isinstance(value, float) and value == 1)
        if name not in known and not name.startswith("_") and not says_nothing:
            yield f"{name} = {value!r}, which no {config.model_type} of the library has"
    for name, value in UNREAD_SETTINGS.items():
        if (found := said.get(name)) not in (None, value):
            yield f"{name} = {found!r}"
    for kind in sorted({*(said.get("layer_types") or ())} - {*ATTENTIONS}):
        yield f"layers of type {kind!r} (layer_types); expected some of {', '.join(ATTENTIONS)}"
    rotation = said.get("rope_parameters") or {}
    # One for each type of layer, where they differ.
    for told in (
        rotation.values() if all(isinstance(each, dict) for each in rotation.values()) else (rotation,)
    ):
        if (found := told.get("rope_type", "default")) not in ROTATIONS:
            yield f"rotary positions of type {found!r} (rope_type); expected one of {', '.join(ROTATIONS)}"
        for name in sorted({*told} - ROTATION_SETTINGS):
            if told[name] not in (None, 1.0):
                yield f"{name} = {told[name]!r} of its rotary positions"


def unreckoned(model: Any, facts: ModelFacts) -> Iterator[str]:  # noqa: ANN401
    """What a model has that hooks, positions or likelihoods would pass over without a word, one phrase each."""
    config, head = model.config.get_text_config(), model.get_output_embeddings()
    cap = getattr(config, "final_logit_softcapping", None)
    if cap != facts.soft_cap:
        yield f"a bound on its logits of {cap} (final_logit_softcapping), and its facts say {facts.soft_cap}"
    if getattr(config, "attn_logit_softcapping", None) is not None and facts.attention != "eager":
        yield f"capped attention scores (attn_logit_softcapping), which {facts.attention!r} attention does not cap"
    if getattr(head, "bias", None) is not None:
        yield "a bias of its head"
    if config.architectures and type(model).__name__ not in config.architectures:
        yield f"weights of {', '.join(config.architectures)} (architectures); expected {type(model).__name__}"
    if (
        config.tie_word_embeddings
        and head is not None
        and head.weight is not model.get_input_embeddings().weight
    ):
        yield "a head of its own, which its configuration says is tied to its embeddings (tie_word_embeddings)"
    if not isinstance(getattr(model.get_decoder(), "layers", None), nn.ModuleList):
        yield "a decoder without .layers"
    tables = {name for name, module in model.named_modules() if isinstance(module, nn.Embedding)}
    if len(tables) > 1:
        yield f"{len(tables)} tables of embeddings ({', '.join(sorted(tables))}): learned positions, which padding moves"


def key_value_cache() -> Any:  # noqa: ANN401
    """An empty cache that keeps all keys of all layers.

    One that is made after a configuration drops what lies outside a sliding window: what a mask is wide then depends on the layer.
    """
    from transformers import DynamicCache

    return DynamicCache()


def sound_folder(pin: Pin, files: Sequence[str], kind: str, below: str = "") -> Path:
    """Where a model lies, once its files are all there, are of its kind, and name each tensor once.

    The library takes a configuration of another kind for its own, and draws at random whatever then has no weights.

    Args:
        pin: Leads to it.
        files: What it cannot do without.
        kind: What its configuration must call it.
        below: Where it lies below the pin's root.
    """
    folder = locate(pin) / below
    if missing := [name for name in files if not (folder / name).is_file()]:
        raise _lacks(pin, ", ".join(missing), folder)
    try:
        said = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        found_kind = said["model_type"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{pin}: config.json tells no model_type ({error!r}); expected {kind!r}; {how_to_mend(pin)}"
        ) from error
    if found_kind != kind:
        raise UsageError(
            f"{pin}: config.json is of a model of type {found_kind!r}; expected {kind!r}; {how_to_mend(pin)}"
        )
    if absent := absent_weights(folder):
        raise _lacks(pin, f"{', '.join(absent)}, which {INDEX} names", folder)
    if fault := weights_fault(folder):
        raise UsageError(f"{pin}: {fault}; {how_to_mend(pin)}")
    return folder


def _lacks(pin: Pin, what: str, folder: Path) -> MissingSourceError:
    found = sorted(path.name for path in folder.glob("*"))
    return MissingSourceError(f"{pin} has no {what}; its folder holds {found[:12]}; {how_to_mend(pin)}")


def refusal(pin: Pin) -> Callable[[str], UsageError]:
    """The error for what a library says of the files of a pin."""
    return lambda said: UsageError(f"{pin} cannot be loaded ({said}); {how_to_mend(pin)}")


def require_whole(pin: Pin, model: Any, report: Mapping[str, Collection[Any]]) -> None:  # noqa: ANN401
    """Every tensor of the model was in its files, in its shape, every one of theirs is in the model, and all hold numbers.

    What the files lack is drawn at random without an error, anew at every load. Tensors that are tied to another one, or
    computed, may be absent: the library's own report knows them.
    """
    missing, strange = sorted(report["missing_keys"]), sorted(report["unexpected_keys"])
    if missing or strange:
        raise UsageError(
            f"{pin}: its files and its config.json do not belong together: {len(missing)} tensors that the model needs are "
            f"missing {missing[:3]}, and {len(strange)} have no place in it {strange[:3]}; {how_to_mend(pin)}"
        )
    for name, found, expected in sorted(report["mismatched_keys"]):
        raise UsageError(
            f"{pin}: its files hold {name} of shape {tuple(found)}; its config.json asks for {tuple(expected)}; {how_to_mend(pin)}"
        )
    if broken := not_finite({**dict(model.named_parameters()), **dict(model.named_buffers())}):
        raise UsageError(
            f"{pin}: {len(broken)} tensors hold values that are infinite or no number in {model.dtype} {broken[:3]}; {how_to_mend(pin)}"
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
            f"{how_to_mend(pin)}"
        )


def _token_id(pin: Pin, tokenizer: Any, token: str) -> int:  # noqa: ANN401
    """The id of a token that the facts of a model name."""
    token_id = tokenizer.get_vocab().get(token)
    if token_id is None:
        raise UsageError(f"{pin}: its tokenizer has no {token!r}, which its facts name; {how_to_mend(pin)}")
    return int(token_id)


def loaded_model(language_model: LanguageModel) -> LoadedModel:
    """Shapes of the model, read from the weights and not from its configuration."""
    embedding = language_model.model.get_input_embeddings().weight
    return LoadedModel(
        num_layers=len(language_model.decoder.layers),  # type: ignore[arg-type]
        d_model=int(embedding.shape[1]),
        vocab_size=int(embedding.shape[0]),
        attention=str(language_model.model.config._attn_implementation),  # noqa: SLF001
        dtype=str(embedding.dtype).removeprefix("torch."),
    )


def model_files(model: ModelPin) -> Iterable[LoadedFile]:
    """The files of a model that decide what it computes, with the digests of their bytes."""
    folder, told = locate(model) / model.folder, model.tokenizer or model
    for path in sorted([*folder.glob("*.safetensors"), folder / "config.json"]):
        yield LoadedFile(source=model.name, path=path.name, sha256=file_sha256(path))
    path = tokenizer_file(model)
    yield LoadedFile(source=told.name, path=path.name, sha256=file_sha256(path))
