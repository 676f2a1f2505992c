"""The only door to transformers: a pin in, a live model with its tokenizer out."""

import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import nn

from harness.supply.sources import locate
from harness.words.failures import HarnessError
from harness.words.pins import Pin
from harness.words.tasks import Numerics

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


def _require_punctuation_kept(pin: Pin, tokenizer: Any) -> None:  # noqa: ANN401
    if (found := tokenizer.normalize(PUNCTUATION)) != PUNCTUATION:
        raise HarnessError(
            f"the tokenizer of {pin.name} makes {found!r} of {PUNCTUATION!r}, as it does where sacremoses can be imported; "
            "expected every text as it stands: uninstall sacremoses, and start again"
        )
