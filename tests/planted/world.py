"""The planted world on disk, and a study of it: four layers, five languages, adapters and a control for two of them."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.words.study import (
    GEMMA_2,
    Aggregation,
    AlignedLatents,
    AlignmentChoice,
    Benchmark,
    Group,
    Home,
    Language,
    ModelPin,
    PhraseChoice,
    PhraseCut,
    Pin,
    Pooling,
    Profile,
    Shapes,
    Sizes,
    Sources,
    Specification,
    Study,
    Translator,
)
from tests.planted.dictionaries import D_SAE, MAX_EXAMPLES, MIN_EXAMPLES, Selected, dictionaries
from tests.planted.lexicon import CODES, LETTERS, NAMES, SPOKEN, TARGETS, phrases, sentence, word_in
from tests.planted.network import D_MODEL, NUM_LAYERS, Facts, Strengths, facts, write_model
from tests.planted.pencil import Dictionary, selected, stored_rows
from tests.planted.translator import TAGS, write_translator

LATENTS_PER_BATCH = 6
MODEL_ID = "gemma-2-2b-planted"
NUM_ITEMS = 10
SAMPLED_TEXTS = 12
"""Texts on which dictionaries and similarities are measured."""
SAMPLING_SEED = 7
"""Draws them, and what is held out; not what a profile has that names none."""
QUESTIONS_DRAW = 0
"""A draw under which every accuracy that is divided by is above zero, every adapter changes some answer, and under one of
them none is right any more."""

ADAPTERS: Mapping[tuple[str, int], Strengths] = {
    ("ml", 1): (0.010, 0.020, 0.015, 0.0),
    ("ml", 2): (0.020, 0.010, 0.035, 0.0),
    ("ml", 3): (0.015, 0.025, 0.060, 0.0),
    ("hi", 1): (0.015, 0.005, 0.010, 0.0),
    ("hi", 2): (-0.005, 0.020, 0.030, 0.0),
    ("hi", 3): (0.020, 0.010, 0.070, 0.0),
}
"""By language and seed: how strongly the adapter reads the constant in each layer."""

SEEDS = (1, 2, 3)

CONTROLS: Mapping[tuple[str, int], Strengths] = {
    ("ml", 1): (0.005, 0.010, 0.025, 0.0),
    ("hi", 1): (0.010, -0.005, 0.020, 0.0),
}
"""The same of the controls, which are trained on wrong partners."""

LOGGED: Mapping[tuple[str, int], tuple[tuple[float, ...], ...]] = {
    ("ml", 1): ((2.0, 4.0, 0.0, 3.0, 1.0, 5.0, 7.0), (1.5, 3.0, 0.25, 3.5, 2.0, 5.5, 6.0)),
    ("ml", 2): ((2.5, 4.5, 0.0, 3.0, 1.0, 5.0, 7.0), (1.0, 2.0, 0.5, 3.25, 2.5, 5.25, 6.5)),
    ("ml", 3): ((3.0, 5.0, 0.0, 3.0, 1.0, 5.0, 7.0), (0.5, 2.5, 0.75, 3.0, 3.0, 5.75, 6.25)),
    ("hi", 1): ((1.0, 2.0, 0.0, 3.0, 2.0, 5.0, 6.0), (0.5, 1.5, 0.125, 4.0, 2.25, 5.75, 5.0)),
    ("hi", 2): ((1.5, 2.5, 0.0, 3.0, 2.0, 5.0, 6.0), (0.75, 1.0, 0.75, 3.75, 2.75, 5.0, 4.0)),
    ("hi", 3): ((2.0, 3.0, 0.0, 3.0, 2.0, 5.0, 6.0), (0.25, 0.5, 0.25, 4.25, 2.5, 6.0, 5.5)),
}
"""By language and seed: the moments before and after training that the tables of a planted adapter hold."""

LOGGED_OF_CONTROLS: Mapping[tuple[str, int], tuple[tuple[float, ...], ...]] = {
    ("ml", 1): ((3.5, 4.25, 0.0, 3.0, 1.0, 5.0, 7.0), (3.25, 3.5, 1.25, 2.5, 1.75, 6.5, 8.0)),
    ("hi", 1): ((1.75, 2.25, 0.0, 3.0, 2.0, 5.0, 6.0), (1.25, 2.0, 0.375, 2.75, 3.0, 6.25, 7.5)),
}

ARC = Benchmark(
    name="arc",
    template="arc_multilingual/_arc_yaml",
    data_folder="m_arc",
    evaluated_split="test",
    metric="acc_norm",
    shots=2,
    chance=0.25,
)
HELLASWAG = Benchmark(
    name="hellaswag",
    template="hellaswag_multilingual/_hellaswag_yaml",
    data_folder="m_hellaswag",
    evaluated_split="val",
    metric="acc",
    shots=0,
    chance=0.25,
)
MMLU = Benchmark(
    name="mmlu",
    template="mmlu_multilingual/_default_yaml",
    data_folder="m_mmlu",
    evaluated_split="test",
    metric="acc",
    shots=1,
    chance=0.25,
)
NUM_EXAMPLES = 4
"""Documents that the examples of a prompt are taken from: more than any prompt shows."""

LANGUAGES = (
    Language(code="en", name="English", group=Group.REFERENCE, script="LATIN"),
    Language(code="es", name="Spanish", group=Group.HIGH, script="LATIN"),
    Language(code="it", name="Italian", group=Group.HIGH, script="LATIN"),
    Language(code="hi", name="Hindi", group=Group.LOW, script="DEVANAGARI", tuned=True),
    Language(code="ml", name="Malayalam", group=Group.LOW, script="MALAYALAM", tuned=True),
)

ALIGNMENT = AlignmentChoice(
    latents=AlignedLatents.OWN,
    alpha=1.0,
    detach_english=False,
    layers=(0, 1, 2),
    rank=2,
    lora_alpha=4,
    target_modules=("q_proj", "v_proj"),
    learning_rate=1e-3,
    batch_size=8,
    epochs=2,
    pairs=100,
    weight_decay=0.01,
)

SPECIFICATION = Specification(
    name="primary",
    phrases=PhraseChoice(
        min_fraction_of_maximum=0.8,
        cut=PhraseCut.SENTENCE,
        min_examples=MIN_EXAMPLES,
        max_examples=MAX_EXAMPLES,
    ),
    pooling=Pooling.MEAN,
    aggregation=Aggregation.RATIO_OF_MEANS,
    alignment=ALIGNMENT,
    gain_layer=2,
    num_beams=3,
)

STUDY = Study(
    name="planted",
    paper_id="none",
    title="A study of planted numbers",
    design="harness.designs.disparity.design",
    shapes=Shapes(num_layers=NUM_LAYERS, d_model=D_MODEL, d_sae=D_SAE, vocab_size=0),
    languages=LANGUAGES,
    benchmarks=(ARC, HELLASWAG, MMLU),
    primary=SPECIFICATION,
)

Question = Mapping[str, Any]


@dataclass(frozen=True)
class PlantedWorld:
    """The planted numbers, and the folder in which a world was made of them."""

    root: Path
    facts: Facts
    dictionaries: tuple[Dictionary, ...]

    @cached_property
    def selected(self) -> Selected:
        """What phrase selection must find."""
        return [
            selected(stored_rows(self.facts, self.dictionaries, layer), MIN_EXAMPLES, MAX_EXAMPLES)
            for layer in range(NUM_LAYERS)
        ]

    @property
    def profile(self) -> Profile:
        """The world as a profile: everything is taken, nothing is drawn but what is held out."""
        return Profile(
            name="planted",
            summary="every weight set by hand",
            sources=Sources(
                model=ModelPin.of(self._pin("model"), GEMMA_2),
                dictionaries=self._pin("saes"),
                dictionary_files=tuple(dictionary_file(layer) for layer in range(NUM_LAYERS)),
                phrases=self._pin(f"neuronpedia/v1/{MODEL_ID}"),
                phrase_source_ids=tuple(source_id(layer) for layer in range(NUM_LAYERS)),
                translators={
                    code: Translator(pin=self._pin(f"translators/{code}"), target_token=TAGS.get(code))
                    for code in TARGETS
                },
                benchmarks={
                    benchmark.data_folder: self._pin(f"okapi/{benchmark.data_folder}")
                    for benchmark in STUDY.benchmarks
                },
            ),
            sizes=Sizes(
                sampling_seed=SAMPLING_SEED,
                latents_per_layer=D_SAE,
                panel_latents=4,
                held_out_fraction=1 / 3,
                similarity_texts=SAMPLED_TEXTS,
                dictionary_texts=SAMPLED_TEXTS,
                adapter_seeds=SEEDS,
                control_seeds=(1,),
                max_alignment_steps=1,
                alignment_batch=64,
                items_per_cell=NUM_ITEMS,
                max_shots=None,
                batch_tokens=96,
                dtype="float32",
                threads=1,
            ),
        )

    def _pin(self, below: str) -> Pin:
        address = str((self.root / below).resolve())
        return Pin(name=f"planted {below}", home=Home.FOLDER, address=address, licence="Apache-2.0")


def build_planted_world(root: Path) -> PlantedWorld:
    """Write the planted world below a folder."""
    planted = facts()
    world = PlantedWorld(root=root, facts=planted, dictionaries=tuple(dictionaries(planted)))
    write_model(root / "model", planted)
    for layer, dictionary in enumerate(world.dictionaries):
        _write_dictionary(root / "saes" / dictionary_file(layer), dictionary)
        _write_export(root / "neuronpedia" / "v1" / MODEL_ID / source_id(layer) / "activations", world, layer)
    for code in TARGETS:
        write_translator(root / "translators" / code, code)
    for code in CODES:
        for folder, items in questions(code).items():
            for split, rows in items.items():
                _write_lines(root / "okapi" / folder / "data" / code / f"{split}.jsonl", rows)
    return world


def dictionary_file(layer: int) -> str:
    """Where one layer's dictionary lies."""
    return f"layer_{layer}/width_{D_SAE}/average_l0_4/params.npz"


def source_id(layer: int) -> str:
    """Name of one layer's export folder."""
    return f"{layer}-planted-res-{D_SAE}"


def questions(code: str) -> dict[str, dict[str, list[Question]]]:
    """Benchmark items of a language, by data folder and split: the same meanings in every language."""
    rng = np.random.default_rng(QUESTIONS_DRAW)

    def said(count: int) -> str:
        return " ".join(word_in(code, word) for word in rng.choice(SPOKEN["en"], count).tolist())

    def distinct(count: int, longest: int) -> list[str]:
        words = [word_in(code, word) for word in rng.permutation(SPOKEN["en"]).tolist()]
        lengths = rng.integers(1, longest + 1, count).tolist()
        return [" ".join(words.pop() for _ in range(length)) for length in lengths]

    def arc(split: str, number: int) -> Question:
        letters = ("a", "b", "c", "d") if number % 2 else ("a", "b", "c", "d", "e")
        drawn = distinct(len(letters), longest=2)
        options = {f"option_{letter}": text for letter, text in zip(letters, drawn, strict=True)}
        return {
            "id": f"arc/{split}/{number}",
            "instruction": said(4) + ".",
            "option_e": None,
            **options,
            "answer": str(rng.choice(LETTERS)),
        }

    def hellaswag(split: str, number: int) -> Question:
        return {
            "ind": number,
            "activity_label": "Bench",
            "ctx_a": said(3) + ".",
            "ctx_b": NAMES[0],
            "endings": [" ".join(pair) for pair in zip(*[iter(distinct(8, longest=1))] * 2, strict=True)],
            "label": str(rng.integers(4)),
            "split": split,
        }

    def mmlu(split: str, number: int) -> Question:
        options = {f"option_{letter.lower()}": said(3) for letter in LETTERS}
        return {
            "id": f"mmlu/{split}/{number}",
            "instruction": said(4) + ".",
            **options,
            "answer": str(rng.choice(LETTERS)),
        }

    return {
        "m_arc": {
            "train": [arc("train", number) for number in range(NUM_EXAMPLES)],
            "test": [arc("test", number) for number in range(NUM_ITEMS + 3)],
        },
        "m_hellaswag": {"val": [hellaswag("val", number) for number in range(NUM_ITEMS + 3)]},
        "m_mmlu": {
            "train": [mmlu("train", number) for number in range(NUM_EXAMPLES)],
            "test": [mmlu("test", number) for number in range(NUM_ITEMS + 3)],
        },
    }


def _write_dictionary(path: Path, dictionary: Dictionary) -> None:
    path.parent.mkdir(parents=True)
    arrays: dict[str, Any] = {name: array.astype(np.float32) for name, array in vars(dictionary).items()}
    np.savez(path, **arrays)


def _write_export(folder: Path, world: PlantedWorld, layer: int) -> None:
    batches: dict[int, list[dict[str, Any]]] = {}
    for number, row in enumerate(stored_rows(world.facts, world.dictionaries, layer)):
        content = {
            "index": str(row.latent) if number % 2 else row.latent,
            "tokens": list(row.pieces),
            "values": list(row.values),
        }
        batches.setdefault(row.latent // LATENTS_PER_BATCH, []).append(content)
    for batch, rows in batches.items():
        _write_lines(folder / f"batch-{batch}.jsonl.gz", rows)


def _write_lines(path: Path, rows: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)


def texts() -> dict[str, tuple[str, ...]]:
    """By English text: the phrase that it spells."""
    return {sentence(phrase): phrase for phrase in phrases()}
