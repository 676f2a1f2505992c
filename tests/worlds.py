"""A tiny random world on disk, in the layouts of the real one: model, dictionaries, translators, export, items.

Nothing in it is trained, so it is built in seconds; it serves every test that needs files and shapes but no
learned behaviour. The stories told by single latents and rows are in `world_networks` and `world_data`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from claims.sin2025.study import BENCHMARKS
from harness.words.plan import Networks, Numerics
from harness.words.study import (
    GEMMA_2,
    Home,
    ModelPin,
    Pin,
    Sources,
    Translator,
)
from tests.world_data import MODEL_ID, packed_windows, source_id, write_benchmarks, write_export
from tests.world_networks import (
    D_SAE,
    residual_streams,
    write_dictionary,
    write_model,
    write_tokenizer,
    write_translator,
)
from tests.world_texts import documents, english_sentences, in_language

WINDOW_TOKENS = 40
TARGET_TOKENS = {"zh": ">>cmn_Hans<<"}


@dataclass(frozen=True)
class World:
    """Where one tiny world lies, and the pins that lead the harness to it."""

    root: Path
    num_layers: int
    languages: tuple[str, ...]
    """English first; the world can also translate into Chinese, whose translator needs a target token."""

    @property
    def model(self) -> ModelPin:
        return ModelPin.of(self.pin("tiny model", "model"), GEMMA_2)

    @property
    def dictionaries(self) -> Pin:
        return self.pin("tiny dictionaries", "saes")

    @property
    def dictionary_files(self) -> tuple[str, ...]:
        return tuple(dictionary_file(layer) for layer in range(self.num_layers))

    @property
    def phrases(self) -> Pin:
        return self.pin("tiny export", f"neuronpedia/v1/{MODEL_ID}")

    @property
    def phrase_source_ids(self) -> tuple[str, ...]:
        return tuple(source_id(layer) for layer in range(self.num_layers))

    @property
    def translators(self) -> Mapping[str, Translator]:
        return {
            language: Translator(
                pin=self.pin(f"tiny translator {language}", f"translators/opus-mt-en-{language}"),
                target_token=TARGET_TOKENS.get(language),
            )
            for language in translated_languages(self.languages)
        }

    @property
    def benchmarks(self) -> Mapping[str, Pin]:
        return {
            benchmark.data_folder: self.pin(f"tiny {benchmark.name}", f"okapi/{benchmark.data_folder}")
            for benchmark in BENCHMARKS
        }

    @property
    def sources(self) -> Sources:
        return Sources(
            model=self.model,
            dictionaries=self.dictionaries,
            dictionary_files=self.dictionary_files,
            phrases=self.phrases,
            phrase_source_ids=self.phrase_source_ids,
            translators=self.translators,
            benchmarks=self.benchmarks,
        )

    @property
    def numerics(self) -> Numerics:
        return Numerics(device="cpu", dtype="float32", threads=1)

    def networks(self, batch_tokens: int = 512) -> Networks:
        """Model and dictionaries on the CPU in float32."""
        return Networks(
            model=self.model,
            dictionaries=self.dictionaries,
            dictionary_files=self.dictionary_files,
            numerics=self.numerics,
            batch_tokens=batch_tokens,
        )

    def pin(self, name: str, below: str) -> Pin:
        """A pin of one folder of this world."""
        address = str((self.root / below).resolve())
        return Pin(name=name, home=Home.FOLDER, address=address, licence="Apache-2.0")


def dictionary_file(layer: int) -> str:
    """Where one layer's dictionary lies below the dictionaries' root."""
    return f"layer_{layer}/width_{D_SAE}/average_l0_8/params.npz"


def translated_languages(languages: Sequence[str]) -> tuple[str, ...]:
    """The targets of the world, and Chinese."""
    return tuple(dict.fromkeys((*(code for code in languages if code != "en"), "zh")))


def build_world(
    root: Path, num_layers: int = 4, languages: tuple[str, ...] = ("en", "es", "ml"), seed: int = 0
) -> World:
    """Write a whole world below `root`; the same seed writes the same bytes."""
    torch.set_num_threads(1)
    sentences = english_sentences(120, seed)
    spoken = {code: [in_language(text, code) for text in sentences] for code in languages}
    texts = documents(seed)
    tokenizer = write_tokenizer(
        root / "model", [*texts, *(text for rows in spoken.values() for text in rows)]
    )
    model = write_model(root / "model", num_layers, len(tokenizer), seed)
    ids = packed_windows([tokenizer(text).input_ids for text in texts], WINDOW_TOKENS)
    tokens = [tokenizer.convert_ids_to_tokens(row) for row in ids[:, 1:].tolist()]
    for layer, stream in enumerate(residual_streams(model, ids)):
        dictionary = write_dictionary(root / "saes" / dictionary_file(layer), stream, ids, seed + layer)
        write_export(root / "neuronpedia" / "v1" / MODEL_ID, layer, dictionary, stream, tokens)
    for code in translated_languages(languages):
        target = [in_language(text, code) for text in sentences]
        folder = root / "translators" / f"opus-mt-en-{code}"
        write_translator(folder, sentences, target, TARGET_TOKENS.get(code))
    write_benchmarks(root / "okapi", languages, seed)
    return World(root=root, num_layers=num_layers, languages=languages)
