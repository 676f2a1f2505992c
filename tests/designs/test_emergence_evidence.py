"""What a run of the second design is evidence for: every checkpoint's shapes and digests, and the authors' features found again."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from claims.inaba2025 import pins
from claims.inaba2025.profiles import PROFILES, fixture, paper
from claims.inaba2025.study import STUDY
from claims.neo import study as neo
from claims.neo.profiles import PROFILES as NEO
from harness.designs.design import plan
from harness.run.run_report import ReplayRecord, evidence_of, evidence_words
from harness.sources.studies import committed_pins
from harness.store.tables import write_table
from harness.words.dictionaries import Reconstruction
from harness.words.emergence import ModelSize
from harness.words.mode import Evidence, Mode, mode_of
from harness.words.records import LayerReplay, LoadedFile, LoadedModel
from harness.words.study import Profile

LAYER = LayerReplay(
    layer=pins.RELEASED_LAYER,
    d_model=2_048,
    d_sae=pins.LATENTS,
    rows=100,
    rows_passing=97,
    rows_passing_without_bos=3,
    rows_same_peak=99,
    median_correlation=0.998,
    median_scale=1.0,
    median_scale_without_bos=0.7,
    passes=True,
)

Folders = dict[tuple[str, str], Path]


@pytest.fixture(autouse=True)
def _nothing_used_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))


def loaded(size: ModelSize, **changes: Any) -> LoadedModel:
    shapes = size.shapes
    told = {
        "num_layers": shapes.num_layers,
        "d_model": shapes.d_model,
        "vocab_size": shapes.vocab_size,
        "attention": "sdpa",
        "dtype": "bfloat16",
    }
    return LoadedModel(**{**told, **changes})


TRUE = ReplayRecord(
    model=loaded(next(size for size in STUDY.sizes if size.name == "1.8b")),
    files=(LoadedFile(source="llm-jp-3-1.8b", path="model.safetensors", sha256="a" * 64),),
    layers=(LAYER,),
)


def write_cell(
    root: Path, size: ModelSize, model: LoadedModel, *, digest: str, latents: int, spare: int
) -> Folders:
    """What model-checks and sae-quality leave of one checkpoint."""
    folders = {
        (stage, f"{size.name}-final"): root / stage / size.name for stage in ("model-checks", "sae-quality")
    }
    checked, tried = folders.values()
    for folder in (checked, tried):
        folder.mkdir(parents=True)
    write_table(checked, LoadedModel, (model,))
    write_table(checked, LoadedFile, (LoadedFile(source=size.name, path="model.safetensors", sha256=digest),))
    write_table(
        tried, Reconstruction,
        [
            Reconstruction(
                layer=layer, seed=1, tokens=1, latents=latents, fraction_variance_unexplained=0.1, cosine=0.9, l0=32.0, dead_fraction=0.0,
            )
            for layer in STUDY.layers(size)[spare:]
        ],
    )  # fmt: skip
    return folders


def folders_of(
    root: Path,
    wrong: str = "",
    digest: str = "b" * 64,
    latents: int = pins.LATENTS,
    spare: int = 0,
    **changes: Any,
) -> Folders:
    """Every checkpoint of the paper's world as the study has it, one of them otherwise."""
    found: Folders = {}
    for size in STUDY.sizes:
        is_wrong = size.name == wrong
        found |= write_cell(
            root, size,
            loaded(size, **(changes if is_wrong else {})),
            digest=digest if is_wrong else "b" * 64,
            latents=latents if is_wrong else pins.LATENTS,
            spare=spare if is_wrong else 0,
        )  # fmt: skip
    return found


def evidence(
    folders: Folders, replayed: ReplayRecord | None = TRUE, profile: Profile | None = None
) -> Evidence:
    drawn = plan(STUDY, profile or paper(), "cpu")
    return evidence_of(drawn, replayed, committed_pins(STUDY), folders)


def test_true_shapes_of_every_checkpoint_and_features_found_again_are_a_full_run(tmp_path: Path) -> None:
    found = evidence(folders_of(tmp_path))
    assert mode_of(found) is Mode.FULL
    words = dict(evidence_words(STUDY.shapes, found))
    assert words["shapes as loaded"] == words["shapes of the study"]
    assert words["shapes as loaded"].endswith("dictionaries of 32,768 latents at layer 11")
    assert {words[f"shapes of {size.name}-final"] for size in STUDY.sizes} == {"the study's"}
    assert words["layers found again by replay"] == "1 of 1"
    assert "choices that are not the study's" not in words


def digest_of_the_fixture() -> str:
    certificate = json.loads(Path("fixtures/emergence/models/150m/final/certificate.json").read_text("utf-8"))
    return str(certificate["files"]["model.safetensors"])


CELLS: dict[str, dict[str, Any]] = {
    "a layer more": {"wrong": "3.7b", "num_layers": 29},
    "another width": {"wrong": "150m", "d_model": 256},
    "another vocabulary": {"wrong": "440m", "vocab_size": 1_024},
    "other dictionaries": {"wrong": "980m", "latents": 16_384},
    "a layer without a dictionary": {"wrong": "1.8b", "spare": 1},
}


@pytest.mark.parametrize("told", CELLS.values(), ids=CELLS)
def test_one_checkpoint_that_is_not_the_studys_is_a_fixture_and_is_named(
    tmp_path: Path, told: dict[str, Any]
) -> None:
    found = evidence(folders_of(tmp_path, **told))
    assert mode_of(found) is Mode.FIXTURE
    words = dict(evidence_words(STUDY.shapes, found))
    others = [size.name for size in STUDY.sizes if words[f"shapes of {size.name}-final"] != "the study's"]
    assert others == [told["wrong"]]


def test_a_file_of_the_committed_world_is_a_fixture(tmp_path: Path) -> None:
    found = evidence(folders_of(tmp_path, wrong="150m", digest=digest_of_the_fixture()))
    assert mode_of(found) is Mode.FIXTURE


@pytest.mark.parametrize(
    "replayed",
    [
        pytest.param(None, id="not run"),
        pytest.param(replace(TRUE, layers=(replace(LAYER, passes=False),)), id="not found again"),
        pytest.param(replace(TRUE, layers=(replace(LAYER, layer=12),)), id="the layer counted from 1"),
        pytest.param(replace(TRUE, layers=(replace(LAYER, d_sae=16_384),)), id="another dictionary"),
        pytest.param(replace(TRUE, model=replace(TRUE.model, num_layers=28)), id="another model"),
    ],
)
def test_without_the_authors_features_there_is_no_evidence(
    tmp_path: Path, replayed: ReplayRecord | None
) -> None:
    assert mode_of(evidence(folders_of(tmp_path), replayed)) is Mode.FIXTURE


def test_a_checkpoint_that_did_not_run_is_not_known(tmp_path: Path) -> None:
    folders = folders_of(tmp_path)
    del folders["sae-quality", "980m-final"]
    found = evidence(folders)
    assert mode_of(found) is Mode.FIXTURE
    assert dict(evidence_words(STUDY.shapes, found))["shapes of 980m-final"] == "not known"


def test_a_world_that_trains_or_cuts_otherwise_is_no_evidence(tmp_path: Path) -> None:
    ours = paper()
    briefly = replace(STUDY.primary.recipe, tokens=1_000)
    changed = replace(ours, sizes=replace(ours.sizes, recipe=briefly))  # type: ignore[type-var]  # those of the design
    found = evidence(folders_of(tmp_path), profile=changed)
    assert mode_of(found) is Mode.FIXTURE
    assert dict(evidence_words(STUDY.shapes, found))["choices that are not the study's"] == "recipe"


@pytest.mark.parametrize(
    ("profile", "mode"),
    [
        pytest.param(lambda: PROFILES["rehearsal"], Mode.REHEARSAL, id="true shapes, weights made here"),
        pytest.param(fixture, Mode.FIXTURE, id="the committed world, whatever it says of itself"),
    ],
)
def test_other_worlds_are_what_they_are(tmp_path: Path, profile: Callable[[], Profile], mode: Mode) -> None:
    assert mode_of(evidence(folders_of(tmp_path), None, profile())) is mode


def test_models_of_which_nobody_published_a_dictionary_speak_by_their_shapes_and_digests(
    tmp_path: Path,
) -> None:
    """MAP-Neo: every checkpoint as the study has it is enough; one that is not, or was not read, is not."""
    drawn, folders = plan(neo.STUDY, NEO["paper"], "cpu"), {}
    for size in neo.STUDY.sizes:
        for phase in neo.STUDY.phases:
            own = write_cell(
                tmp_path / phase.name, size, loaded(size), digest="a" * 64, latents=pins.LATENTS, spare=0
            )
            folders |= {(stage, f"{size.name}-{phase.name}"): folder for (stage, _), folder in own.items()}
    found = evidence_of(drawn, None, (), folders)
    assert mode_of(found) is Mode.FULL
    words = dict(evidence_words(neo.STUDY.shapes, found))
    assert words["shapes of the study"] == "12 layers, 2048 wide, vocabulary 64,128, no published dictionary"
    unread = {place: folder for place, folder in folders.items() if place[1] != "460m-mid"}
    assert mode_of(evidence_of(drawn, None, (), unread)) is Mode.FIXTURE
    rehearsed = plan(neo.STUDY, NEO["rehearsal"], "cpu")
    assert mode_of(evidence_of(rehearsed, None, (), folders)) is Mode.REHEARSAL
    # The paper's own study has a dictionary that must be found again.
    assert mode_of(evidence(folders_of(tmp_path / "paper"), None)) is not Mode.FULL
