"""The rehearsal profile at its true widths and two layers deep: what a processor can try of it, with what it held."""

import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from claims.sin2025.profiles import made, rehearsal
from claims.sin2025.study import STUDY
from harness.supply.tables import read_table
from harness.words.adapter import AlignmentStep
from harness.words.estimate import Estimate
from harness.words.items import Plan
from harness.words.study import Profile, Shapes, Study
from harness.words.testimony import LayerReplay, LoadedModel
from harness.works.pipeline import plan
from tests.small_study import make

LAYERS = 2
CODES = ("en", "es", "ml")
MAX_MEMORY_GIB = 16
"""Weights of 1.5 GB, dictionaries of 0.3 GB a layer, logits of 1 GB a thousand positions, and what training keeps."""


def shallow_study() -> Study:
    """The paper's study with its first two layers and three of its languages."""
    primary = STUDY.primary
    return replace(
        STUDY,
        shapes=Shapes(num_layers=LAYERS, d_model=2304, d_sae=16_384, vocab_size=256_000),
        languages=tuple(language for language in STUDY.languages if language.code in CODES),
        primary=replace(
            primary, gain_layer=LAYERS - 1, alignment=replace(primary.alignment, layers=tuple(range(LAYERS)))
        ),
    )


def shallow_profile() -> Profile:
    """The rehearsal with as many layers, and little of everything."""
    whole = rehearsal()
    sources = replace(
        whole.sources,
        model=made("model", whole.sources.model.address.replace("layers=26", f"layers={LAYERS}")),
        dictionaries=made(
            "dictionaries", whole.sources.dictionaries.address.replace("layers=26", f"layers={LAYERS}")
        ),
        dictionary_files=whole.sources.dictionary_files[:LAYERS],
        phrases=made("export", f"export?layers={LAYERS}&latents=10&tokens=64"),
        phrase_source_ids=whole.sources.phrase_source_ids[:LAYERS],
        translators={code: whole.sources.translators[code] for code in CODES[1:]},
    )
    sizes = replace(
        whole.sizes,
        latents_per_layer=8,
        panel_latents=8,
        similarity_texts=8,
        dictionary_texts=4,
        max_alignment_steps=1,
        alignment_batch=4,
        items_per_cell=2,
        max_shots=1,
        batch_tokens=512,
    )
    return replace(whole, sources=sources, sizes=sizes)


@pytest.fixture(scope="module")
def shallow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plan]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("made-home")))
        yield plan(shallow_study(), shallow_profile(), "cpu")


def test_the_main_path_passes_at_true_widths(shallow: Plan, tmp_path: Path) -> None:
    made_so_far: dict[str, Path] = {}
    for stage in shallow.stages:
        start = time.process_time()
        for item in stage.items:
            make(item, tmp_path, made_so_far)
        print(f"{stage.name:<18} {time.process_time() - start:7.1f} CPU s")  # noqa: T201  pytest shows it with -s
    (model,) = read_table(made_so_far["replay/all"], LoadedModel)
    assert (model.num_layers, model.d_model, model.vocab_size) == (LAYERS, 2304, 256_000)
    assert {layer.d_sae for layer in read_table(made_so_far["replay/all"], LayerReplay)} == {16_384}
    first, last = read_table(made_so_far["adapters/ml/seed-1"], AlignmentStep)
    assert (first.step, last.step) == (0, 1)
    quantities = {row.quantity for row in read_table(made_so_far["estimates/all"], Estimate)}
    assert quantities >= {"gap", "gain", "retention", "accuracy"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MAX_MEMORY_GIB * 2**20
