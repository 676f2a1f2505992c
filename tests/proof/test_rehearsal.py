"""The rehearsal profile at its true widths and two layers deep: what a processor can try of it, what it held, its pace."""

import json
import resource
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from claims.sin2025.profiles import made, paper, rehearsal
from claims.sin2025.study import STUDY
from harness.designs.design import plan
from harness.run.pace import lines_of, pace_of
from harness.run.progress import recorded
from harness.run.run_report import evidence_of, read_replay
from harness.run.stageprocess import run_stage
from harness.store.provenance import THREAD_VARIABLES
from harness.store.run_folder import RunFolder
from harness.store.store import Store
from harness.store.tables import read_table
from harness.words.estimate import Estimate
from harness.words.mode import Mode, mode_of
from harness.words.plan import Plan
from harness.words.records import AlignmentStep, LayerReplay, LoadedModel
from harness.words.study import Profile, Shapes, Study

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
        for variable in THREAD_VARIABLES:
            patch.setenv(variable, "1")
        yield plan(shallow_study(), shallow_profile(), "cpu")


def test_the_main_path_passes_at_true_widths(
    shallow: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, store = RunFolder(root=tmp_path / "run"), Store(tmp_path / "store")
    with recorded(shallow, run, "shallow"):
        for stage in shallow.stages:
            run_stage(shallow, stage.name, store, run)
    folders = {
        (stage.name, record.item): store.peek(stage.name, record.key).folder
        for stage in shallow.stages
        for record in run.read_index(stage.name) or ()
    }
    (model,) = read_table(folders["replay", "all"], LoadedModel)
    assert (model.num_layers, model.d_model, model.vocab_size) == (LAYERS, 2304, 256_000)
    assert {layer.d_sae for layer in read_table(folders["replay", "all"], LayerReplay)} == {16_384}
    first, last = read_table(folders["adapters", "ml/seed-1"], AlignmentStep)
    assert (first.step, last.step) == (0, 1)
    quantities = {row.quantity for row in read_table(folders["estimates", "all"], Estimate)}
    assert quantities >= {"gap", "gain", "retention", "accuracy"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MAX_MEMORY_GIB * 2**20
    evidence = evidence_of(shallow, read_replay(folders["replay", "all"]), ())
    assert mode_of(evidence) is Mode.REHEARSAL
    expect_a_pace(shallow, run.root, monkeypatch)


def expect_a_pace(shallow: Plan, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage that runs the model is counted, and none passes what the machine can multiply."""
    (folder / "report.json").write_text(json.dumps({"mode": Mode.REHEARSAL}))
    worlds = {"rehearsal": shallow.profile, "paper": paper()}
    monkeypatch.setattr("harness.run.pace.load_study", lambda name: shallow.study)
    monkeypatch.setattr("harness.run.pace.load_profile", lambda study, name: worlds[name])
    pace = pace_of(folder, "paper")
    for line in lines_of(pace, price_per_hour=2.0):
        print(line)  # noqa: T201  pytest shows it with -s
    reading = {stage.name for stage in shallow.stages if stage.uses_model} - {"translation-shards"}
    assert {stage.stage for stage in pace.stages if stage.flops} == reading
    assert pace.matmul_flops_per_second is not None
    assert all(stage.flops / stage.wall_seconds < pace.matmul_flops_per_second for stage in pace.stages)
    assert {stage.stage for stage in pace.other.stages} == reading | {"translation-shards"}
