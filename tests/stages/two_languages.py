"""A tiny world in two languages: documents, two random checkpoints of one Llama with one tokenizer, and what stages are told of them."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from harness.stages import classes, corpus, examples, sae_quality, saes
from harness.words.dictionaries import (
    ClassChoice,
    CorpusText,
    ExampleChoice,
    KeptExamples,
    LabelledBy,
    Loss,
    SAEPlace,
    TopKRecipe,
    WindowChoice,
)
from harness.words.plan import Numerics
from harness.words.study import Home, ModelPin, Pieces, Pin
from tests.tiny_models import KINDS, write_kind

LANGUAGES = ("en", "ja")
WORDS = ("river", "old", "window", "bright", "letter", "island", "cold", "harbour")
KANJI = "\u5ddd\u53e4\u7a93\u660e\u624b\u7d19\u5cf6\u6e2f\u306e\u3092\u306b\u304c"

NUMERICS = Numerics(device="cpu", dtype="float32", threads=1)
PLACES = (SAEPlace(layer=1, seed=1), SAEPlace(layer=2, seed=1), SAEPlace(layer=2, seed=2))

RECIPE = TopKRecipe(
    latents=64,
    k=4,
    loss=Loss.UNEXPLAINED,
    tokens=2_000,
    batch_tokens=256,
    buffer_tokens=256,
    learning_rate=1e-2,
    warmup_steps=2,
    adam_eps=6.25e-10,
    unit_encoder=False,
    rows_set_after=False,
    dtype="float32",
)
"""The recipe of the authors' code of March 2025, small."""

LATER = replace(
    RECIPE,
    loss=Loss.SQUARED,
    buffer_tokens=900,
    unit_encoder=True,
    rows_set_after=True,
    mixed_dtype="bfloat16",
)
"""That of September."""

EXAMPLES = ExampleChoice(kept=KeptExamples.FIRST_STRONG, strong_fraction=0.7, examples=50)
CLASSES = ClassChoice(labelled_by=LabelledBy.SCRIPT, threshold=0.9, min_examples=3)
FACTS = replace(
    KINDS["llama"].facts, front=("<s>",), pad="</s>", pieces=Pieces.WORD_MARKS, document_marks=("<s>", "</s>")
)
LLAMA = replace(KINDS["llama"], facts=FACTS, controls=("<unk>", "<s>", "</s>"))


@dataclass(frozen=True)
class TwoLanguages:
    """Where it lies."""

    root: Path

    def pin(self, name: str) -> Pin:
        """A folder of it."""
        return Pin(name=name, home=Home.FOLDER, address=str(self.root / name), licence="none")

    def checkpoint(self, name: str) -> ModelPin:
        """One of the two models."""
        return ModelPin.of(self.pin(name), FACTS)

    @cached_property
    def texts(self) -> tuple[CorpusText, ...]:
        """The corpus."""
        return tuple(
            CorpusText(language=code, pin=self.pin("texts"), files=(f"{code}.jsonl",)) for code in LANGUAGES
        )

    def corpus(self, out: Path, **told: Any) -> Path:
        """The corpus stage."""
        choice = WindowChoice(
            tokens=12, per_document=2, per_language=None, train_fraction=0.6, validation_fraction=0.1
        )
        asked = {
            "texts": self.texts,
            "tokenizer": self.checkpoint("early"),
            "choice": choice,
            "seed": 1,
        }
        out.mkdir(parents=True)
        corpus.corpus(out=out, **{**asked, **told})
        return out

    def saes(self, corpus: Path, out: Path, **told: Any) -> Path:
        """The saes stage."""
        asked: Mapping[str, Any] = {**self.reading, "recipe": RECIPE}
        out.mkdir(parents=True)
        saes.saes(corpus, out=out, **{**asked, **told})
        return out

    def quality(self, corpus: Path, trained: Path, out: Path, **told: Any) -> Path:
        """The sae-quality stage."""
        out.mkdir(parents=True)
        sae_quality.sae_quality(corpus, trained, out=out, **{**self.reading, "spliced_windows": 3, **told})
        return out

    def examples(self, corpus: Path, trained: Path, out: Path, **told: Any) -> Path:
        """The examples stage."""
        out.mkdir(parents=True)
        asked = {**self.reading, "languages": LANGUAGES, "choice": EXAMPLES}
        examples.examples(corpus, trained, out=out, **{**asked, **told})
        return out

    def classes(self, found: Path, out: Path, **told: Any) -> Path:
        """The classes stage."""
        out.mkdir(parents=True)
        classes.classes(found, out=out, **{"languages": LANGUAGES, "choice": CLASSES, **told})
        return out

    @property
    def reading(self) -> dict[str, Any]:
        """What every stage is told that reads a model through its dictionaries."""
        return {
            "model": self.checkpoint("early"),
            "numerics": NUMERICS,
            "places": PLACES,
            "batch_tokens": 130,
        }


def _weigh_final_norm(path: Path) -> None:
    """A final norm that is seen where streams are brought to one length: one of equal weights is not."""
    weights = load_file(path)
    weights["model.norm.weight"] = torch.linspace(0.25, 2.0, len(weights["model.norm.weight"]))
    save_file(weights, path, {"format": "pt"})


def write_two_languages(root: Path) -> TwoLanguages:
    """The files of the world; nothing in it is trained."""
    drawn = random.Random(1)
    documents = {
        "en": [
            " ".join(drawn.choices(WORDS, k=drawn.randrange(8, 40))) + f" {drawn.randrange(100)}"
            for _ in range(60)
        ],
        "ja": [
            "".join(drawn.choices(KANJI, k=drawn.randrange(10, 60))) + f"{drawn.randrange(100)}"
            for _ in range(80)
        ],
    }
    (root / "texts").mkdir(parents=True)
    for code, texts in documents.items():
        lines = (json.dumps({"text": text}, ensure_ascii=False) for text in texts)
        (root / "texts" / f"{code}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    everything = [text for texts in documents.values() for text in texts]
    for seed, name in enumerate(("early", "late")):
        write_kind(root / name, LLAMA, everything, seed=seed)
        _weigh_final_norm(root / name / "model.safetensors")
    return TwoLanguages(root)
