"""Mode by evidence: shapes as loaded, digests of fixtures, the replay gate - and never a profile's name."""

from dataclasses import replace
from pathlib import Path

import pytest

from claims.sin2025.study import STUDY
from harness.designs.design import plan
from harness.run.run_report import ReplayRecord, evidence_of, evidence_words, read_replay, replay_words
from harness.sources.studies import committed_pins, load_profile
from harness.store.tables import write_table
from harness.words.mode import Mode, mode_of
from harness.words.records import LayerReplay, LoadedFile, LoadedModel
from harness.words.study import Home

SHAPES = STUDY.shapes
LAYER = LayerReplay(
    layer=0,
    d_model=SHAPES.d_model,
    d_sae=SHAPES.d_sae,
    rows=50,
    rows_passing=50,
    rows_passing_without_bos=0,
    rows_same_peak=50,
    median_correlation=1.0,
    median_scale=1.0,
    median_scale_without_bos=0.6,
    passes=True,
)
MODEL = LoadedModel(
    num_layers=SHAPES.num_layers,
    d_model=SHAPES.d_model,
    vocab_size=SHAPES.vocab_size,
    attention="eager",
    dtype="bfloat16",
)
TRUE = ReplayRecord(
    model=MODEL,
    files=(LoadedFile(source="gemma-2-2b", path="model.safetensors", sha256="a" * 64),),
    layers=tuple(replace(LAYER, layer=layer) for layer in range(SHAPES.num_layers)),
)


def mode(replayed: ReplayRecord | None, profile: str = "paper") -> Mode:
    drawn = plan(STUDY, load_profile(STUDY, profile), "cpu")
    return mode_of(evidence_of(drawn, replayed, committed_pins(STUDY)))


def with_layers(**changes: object) -> ReplayRecord:
    return replace(TRUE, layers=tuple(replace(layer, **changes) for layer in TRUE.layers))  # type: ignore[arg-type]


def a_digest_of_the_fixture() -> str:
    lines = Path("fixtures/saes/certificate.json").read_text(encoding="utf-8").split('"')
    return next(word for word in lines if len(word) == 64)


@pytest.fixture(autouse=True)
def _nothing_used_yet(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))


def test_true_shapes_and_a_passed_gate_are_a_full_run() -> None:
    assert mode(TRUE) is Mode.FULL


@pytest.mark.parametrize(
    "replayed",
    [
        pytest.param(None, id="the gate was not run"),
        pytest.param(with_layers(passes=False), id="no layer passed"),
        pytest.param(replace(TRUE, layers=TRUE.layers[:-1]), id="a layer was left out"),
        pytest.param(with_layers(d_sae=512), id="other dictionaries"),
        pytest.param(with_layers(d_model=64), id="dictionaries of another width than the model"),
        pytest.param(replace(TRUE, layers=(replace(LAYER, d_sae=1), *TRUE.layers[1:])), id="one layer of another shape"),
        pytest.param(replace(TRUE, model=replace(MODEL, vocab_size=2_048)), id="another vocabulary"),
        pytest.param(
            replace(TRUE, files=(replace(TRUE.files[0], sha256=a_digest_of_the_fixture()),)), id="a file of the fixture"
        ),
    ],
)  # fmt: skip
def test_less_than_all_of_it_is_a_fixture(replayed: ReplayRecord | None) -> None:
    assert mode(replayed) is Mode.FIXTURE


def test_a_study_of_some_layers_is_full_where_these_were_replayed() -> None:
    some = replace(SHAPES, dictionary_layers=(7, 15, 23))
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cpu")
    drawn = replace(drawn, study=replace(STUDY, shapes=some))

    def mode_at(*layers: int) -> Mode:
        replayed = replace(TRUE, layers=tuple(replace(LAYER, layer=layer) for layer in layers))
        return mode_of(evidence_of(drawn, replayed, committed_pins(STUDY)))

    assert mode_at(7, 15, 23) is Mode.FULL
    # Off by one, fewer, and every layer.
    assert {mode_at(8, 16, 24), mode_at(7, 15), mode_at(*range(26))} == {Mode.FIXTURE}
    replayed = replace(TRUE, layers=tuple(replace(LAYER, layer=layer) for layer in (7, 15, 23)))
    words = dict(evidence_words(some, evidence_of(drawn, replayed, committed_pins(STUDY))))
    assert words["shapes as loaded"] == words["shapes of the study"]
    assert words["shapes as loaded"].endswith("dictionaries of 16,384 latents at layers 7, 15, 23")
    assert words["layers found again by replay"] == "3 of 3"


def test_one_layer_that_passes_is_enough() -> None:
    """The others are errors of their own, with their figures."""
    failed = tuple(replace(layer, passes=layer.layer == 3) for layer in TRUE.layers)
    assert mode(replace(TRUE, layers=failed)) is Mode.FULL


def test_the_profile_named_fixture_is_one_whatever_it_says_of_itself() -> None:
    assert mode(TRUE, "fixture") is Mode.FIXTURE


def test_weights_made_here_are_a_rehearsal() -> None:
    profile = load_profile(STUDY, "paper")
    made = replace(profile.sources.model, home=Home.MADE)
    drawn = plan(STUDY, replace(profile, sources=replace(profile.sources, model=made)), "cpu")
    assert mode_of(evidence_of(drawn, TRUE, ())) is Mode.REHEARSAL


def test_the_evidence_can_be_read() -> None:
    drawn = plan(STUDY, load_profile(STUDY, "paper"), "cpu")
    words = dict(evidence_words(SHAPES, evidence_of(drawn, TRUE, committed_pins(STUDY))))
    assert words == {
        "shapes as loaded": "26 layers, 2304 wide, vocabulary 256,000, dictionaries of 16,384 latents",
        "shapes of the study": "26 layers, 2304 wide, vocabulary 256,000, dictionaries of 16,384 latents",
        "files that stand in a fixture's birth certificate": "0",
        "weights made by the harness": "no",
        "layers found again by replay": "26 of 26",
    }


def test_what_was_loaded_and_the_control_can_be_read() -> None:
    assert dict(replay_words(TRUE)) == {
        "attention as loaded": "eager",
        "dtype as loaded": "bfloat16",
        "rows found again without BOS": "0 to 0 % of a layer's, at a median scale of 0.600 to 0.600",
        "layers found again without BOS": "none of 26",
    }
    assert list(replay_words(None)) == []


def test_the_file_of_a_single_dictionary_is_told() -> None:
    """Whatever its authors call it."""
    file = LoadedFile(source="released dictionary", path="step/sae.pth", sha256="b" * 64)
    words = dict(replay_words(replace(TRUE, files=(*TRUE.files, file))))
    assert words["dictionary as loaded"] == "step/sae.pth of released dictionary, sha256 bbbbbbbbbbbb"


def test_layers_that_pass_without_bos_as_well_are_named() -> None:
    """45 of 50 rows are enough for the gate, 44 are not."""
    passing = {3: 45, 7: 50, 9: 44}
    blind = tuple(
        replace(
            layer,
            rows_passing_without_bos=passing.get(layer.layer, 10),
            median_scale_without_bos=1 - layer.layer / 100,
        )
        for layer in TRUE.layers
    )
    words = dict(replay_words(replace(TRUE, layers=blind)))
    assert (
        words["layers found again without BOS"] == "3, 7: there the replay gate could not tell a missing BOS"
    )
    assert (
        words["rows found again without BOS"]
        == "20 to 100 % of a layer's, at a median scale of 0.750 to 1.000"
    )


def test_testimony_is_what_the_replay_stage_wrote(tmp_path: Path) -> None:
    write_table(tmp_path, LoadedModel, (TRUE.model,))
    write_table(tmp_path, LoadedFile, TRUE.files)
    write_table(tmp_path, LayerReplay, TRUE.layers)
    assert read_replay(tmp_path) == TRUE
