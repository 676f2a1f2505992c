"""MAP-Neo asked what the second paper says: sizes by arithmetic, checkpoints in the order of tokens, questions and no claim of the paper."""

import math

import pytest

from claims.inaba2025.claims import CLAIMS as PAPERS
from claims.neo import pins
from claims.neo.claims import CLAIMS
from claims.neo.study import STUDY
from harness.designs.design import plan, unavailable_of
from harness.designs.emergence.availability import sources_of
from harness.sources.studies import load_profile
from harness.words.claim import SourceTier, Tier
from harness.words.emergence import FINAL


def test_parameters_are_those_that_name_the_sizes_and_that_the_files_hold() -> None:
    """Millions of parameters, and gigabytes of bfloat16 where the size of a file is known."""
    millions = {size.name: size.shapes.parameters / 1e6 for size in STUDY.sizes}
    assert millions == {"250m": pytest.approx(250.8, abs=0.1), "460m": pytest.approx(460.1, abs=0.1), "980m": pytest.approx(979.9, abs=0.1)}  # fmt: skip
    assert [round(2 * millions[name] / 1e3, 2) for name in ("460m", "980m")] == [0.92, 1.96]


def test_folders_are_named_for_the_tokens_of_their_steps() -> None:
    for folder, step in pins.CHECKPOINTS.values():
        assert f"{step * pins.TOKENS_A_STEP / 1e9:.2f}B" == folder


def test_phases_stand_in_the_thirds_that_their_names_say() -> None:
    tokens = {
        phase: math.log(step / pins.CHECKPOINTS["first"][1]) for phase, (_, step) in pins.CHECKPOINTS.items()
    }
    thirds = {phase: 3 * place / tokens[FINAL] for phase, place in tokens.items()}
    assert list(thirds) == [phase.name for phase in STUDY.phases] == sorted(thirds, key=thirds.__getitem__)
    assert thirds["early"] < 1 < thirds["between"] < thirds["mid"] < 2 < thirds["late"]


def test_every_checkpoint_of_every_size_is_planned_and_nothing_is_lacking() -> None:
    profile = load_profile(STUDY, "paper")
    drawn = plan(STUDY, profile, "cpu")
    assert {stage.name: len(stage.items) for stage in drawn.stages} == {
        "corpus": 1, "model-checks": 18, "saes": 18, "sae-quality": 18, "examples": 18, "classes": 18, "integration": 3, "estimates": 1,
        "self-checks": 1,
    }  # fmt: skip
    lacking = unavailable_of(STUDY, profile)
    assert not {name for claim in CLAIMS for reading in claim.readings for name in reading.estimates} & {
        *lacking
    }
    assert pins.TOKENIZER in profile.sources.pins()
    assert len({cell.pin for cell in sources_of(profile).cells}) == 18


def test_all_that_the_paper_says_of_its_models_is_asked_and_no_number_is_held_against_them() -> None:
    """The paper's own statements on checkpoints, layers, sizes and parts, as far as they are no counts of its sample."""
    asked = {claim.id for claim in CLAIMS if not claim.id.startswith("middle.")}
    told = {
        claim.id
        for claim in PAPERS
        if {*claim.inventory} & {f"I0{number}" for number in range(1, 8)} and not claim.targets
    }
    assert asked == {name for name in told if not name.startswith("middle.")}
    assert not any(claim.targets for claim in CLAIMS)
    assert {claim.tier for claim in CLAIMS} == {Tier.SECONDARY}
    assert {claim.sentence.tier for claim in CLAIMS} == {SourceTier.OURS}


def test_a_rehearsal_draws_one_model_a_size_at_its_shapes() -> None:
    profile = load_profile(STUDY, "rehearsal")
    models = {pin.address for pin in profile.sources.pins() if pin.name.startswith("made model")}
    assert models == {
        "llama?vocabulary=64128&width=1024&layers=8&heads=8&kv_heads=1&head_width=128&mlp=4096&tied=0",
        "llama?vocabulary=64128&width=1024&layers=22&heads=8&kv_heads=1&head_width=128&mlp=4096&tied=0",
        "llama?vocabulary=64128&width=2048&layers=12&heads=8&kv_heads=1&head_width=256&mlp=8192&tied=0",
    }
