"""Tiny random base models of every architecture that can be read, in the file layouts of the true ones."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import torch
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from harness.words.study import GEMMA_2, Home, ModelFacts, ModelPin, Pieces
from tests.world_networks import initialise

WIDTH, LAYERS, WINDOW, VOCABULARY = 32, 4, 6, 900
"""A sliding window shorter than the texts, so that a mask that forgets it is seen."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One architecture: what is known of it, and what its configuration holds besides the shapes."""

    facts: ModelFacts
    settings: dict[str, Any]
    controls: tuple[str, ...]
    """Control tokens of its vocabulary, in order."""
    tokenizer_class: str = "PreTrainedTokenizerFast"


KINDS = {
    "gemma2": Kind(
        facts=GEMMA_2,
        settings={"query_pre_attn_scalar": 16, "sliding_window": WINDOW},
        controls=("<pad>", "<eos>", "<bos>", "<unk>"),
    ),
    "gemma3_text": Kind(
        facts=replace(GEMMA_2, architecture="gemma3_text", attention="sdpa", soft_cap=None),
        settings={
            "query_pre_attn_scalar": 16,
            "sliding_window": WINDOW,
            "layer_types": ["sliding_attention", "sliding_attention", "sliding_attention", "full_attention"],
        },
        controls=("<pad>", "<eos>", "<bos>", "<unk>"),
    ),
    "llama": Kind(
        facts=ModelFacts(
            architecture="llama",
            attention="sdpa",
            front=("<|begin_of_text|>",),
            pad="<|end_of_text|>",
            soft_cap=None,
            pieces=Pieces.BYTES,
            document_marks=("<|begin_of_text|>", "<|end_of_text|>"),
        ),
        settings={"tie_word_embeddings": False},
        controls=("<|begin_of_text|>", "<|end_of_text|>"),
    ),
    "qwen3": Kind(
        facts=ModelFacts(
            architecture="qwen3",
            attention="sdpa",
            front=("<|endoftext|>",),
            pad="<|endoftext|>",
            soft_cap=None,
            pieces=Pieces.BYTES,
            document_marks=("<|endoftext|>",),
        ),
        settings={"tie_word_embeddings": True, "use_sliding_window": False},
        controls=("<|endoftext|>", "<|im_start|>", "<|im_end|>"),
        tokenizer_class="Qwen2Tokenizer",
    ),
    "mistral": Kind(
        facts=ModelFacts(
            architecture="mistral",
            attention="sdpa",
            front=("<s>",),
            pad="</s>",
            soft_cap=None,
            pieces=Pieces.WORD_MARKS,
            document_marks=("<s>", "</s>"),
        ),
        settings={"sliding_window": WINDOW, "tie_word_embeddings": False},
        controls=("<unk>", "<s>", "</s>"),
        tokenizer_class="LlamaTokenizer",
    ),
}


def write_kind(
    folder: Path, kind: Kind, texts: Sequence[str], seed: int = 0, num_layers: int = LAYERS, **settings: Any
) -> ModelPin:
    """A random model of a kind with a tokenizer of its own kind, trained on some texts."""
    tokenizer = (_byte_level if kind.facts.pieces is Pieces.BYTES else _with_word_marks)(kind, texts)
    specials = {
        "pad_token": kind.facts.pad,
        **({"bos_token": kind.facts.front[0]} if _puts_front(kind) else {}),
    }
    wrapped = PreTrainedTokenizerFast(tokenizer_object=tokenizer, padding_side="left", **specials)
    wrapped.save_pretrained(folder)
    saved = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    (folder / "tokenizer_config.json").write_text(
        json.dumps(saved | {"tokenizer_class": kind.tokenizer_class}), encoding="utf-8"
    )
    types = kind.settings.get("layer_types")
    repeated = {"layer_types": list(islice(cycle(types), num_layers))} if types else {}
    config = AutoConfig.for_model(
        kind.facts.architecture,
        vocab_size=len(wrapped),
        hidden_size=WIDTH,
        num_hidden_layers=num_layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        attn_implementation="eager",
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
        **{"intermediate_size": 2 * WIDTH, "max_position_embeddings": 1024, **kind.settings, **repeated, **settings},
    )  # fmt: skip
    model = AutoModelForCausalLM.from_config(config).eval().requires_grad_(requires_grad=False)
    initialise(model, seed)
    model.to(torch.float32).save_pretrained(folder)
    return ModelPin(
        name=f"tiny {kind.facts.architecture}",
        home=Home.FOLDER,
        address=str(folder),
        licence="none",
        facts=kind.facts,
    )


def _puts_front(kind: Kind) -> bool:
    """Whether the tokenizer itself puts a token in front; Qwen's does not, and names none."""
    return kind.facts.architecture != "qwen3"


def _byte_level(kind: Kind, texts: Sequence[str]) -> Tokenizer:
    """Pieces of bytes, as Llama 3 and Qwen spell them; a space is part of the word behind it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in kind.controls])
    if _puts_front(kind):
        front = kind.facts.front[0]
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{front} $A", special_tokens=[(front, tokenizer.token_to_id(front))]
        )
    return tokenizer


def _with_word_marks(kind: Kind, texts: Sequence[str]) -> Tokenizer:
    """Pieces that spell a space as U+2581, and rare bytes as `<0x0A>`."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "\u2581")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\u2581", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[*kind.controls, *(f"<0x{byte:02X}>" for byte in range(256))],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    content = json.loads(tokenizer.to_str())
    content["added_tokens"] = [
        each for each in content["added_tokens"] if not each["content"].startswith("<0x")
    ]
    tokenizer = Tokenizer.from_str(json.dumps(content))
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    front = kind.facts.front[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{front} $A", special_tokens=[(front, tokenizer.token_to_id(front))]
    )
    return tokenizer
