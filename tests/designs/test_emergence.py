"""Studies of emergence: what they declare, what a plan makes of it, what cannot be had, and estimates by pencil."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from claims.inaba2025.profiles import PROFILES, fixture, paper
from claims.inaba2025.study import STUDY
from harness.designs.design import Lacking, plan
from harness.designs.emergence.availability import unavailable
from harness.designs.emergence.quantities import estimands
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import Measurements
from harness.judge.validate import load_claims
from harness.run.forecast import Rates, fitting, outlook
from harness.sources.studies import load_profile, load_study, profile_faults, study_faults
from harness.words.emergence import (
    Demonstration,
    EmergenceSizes,
    EmergenceSources,
    EmergenceStudy,
    Phase,
    Replayed,
    is_middle,
)
from harness.words.errors import UsageError
from harness.words.study import Profile
from harness.words.verdict import State, Why

CLAIMS = load_claims("inaba2025")


def test_layers_are_counted_from_zero_at_the_depths_that_are_asked_for() -> None:
    """The authors' layer 12 of 24 is number 11 from 0."""
    assert {size.name: STUDY.layers(size) for size in STUDY.sizes} == {
        "150m": (0, 2, 5, 8, 11),
        "440m": (0, 3, 7, 11, 15),
        "980m": (0, 4, 9, 14, 19),
        "1.8b": (0, 5, 11, 17, 23),
        "3.7b": (0, 6, 13, 20, 27),
    }
    assert [STUDY.middle(size) for size in STUDY.sizes] == [5, 7, 9, 11, 13]
    assert [STUDY.middle_third(size) for size in STUDY.sizes] == [(5,), (7,), (9,), (11,), (13,)]
    assert [layer for layer in range(6) if is_middle(layer, 6)] == [2, 3]


def test_a_finished_model_of_every_size_is_the_size_that_its_shapes_say() -> None:
    """Parameters without embeddings as the models' configurations give them."""
    embedded = {size.name: 2 * size.shapes.vocab_size * size.shapes.d_model for size in STUDY.sizes}
    assert {size.name: size.shapes.parameters - embedded[size.name] for size in STUDY.sizes} == {
        "150m": 50_344_448,
        "440m": 243_303_424,
        "980m": 684_258_816,
        "1.8b": 1_459_718_144,
        "3.7b": 3_171_068_928,
    }


@pytest.mark.parametrize(
    ("profile", "items"),
    [
        pytest.param("fixture", [1, 10, 10, 10, 10, 10, 2, 4, 1, 1], id="two sizes at five checkpoints"),
        pytest.param(
            "paper", [1, 5, 1, 5, 5, 5, 5, 4, 1, 1], id="finished models alone: nothing to integrate"
        ),
        pytest.param("rehearsal", [1, 5, 5, 5, 5, 5, 1, 1], id="their shapes"),
    ],
)
def test_a_world_gets_what_its_checkpoints_allow(profile: str, items: list[int]) -> None:
    study = load_study("inaba2025")
    drawn = plan(study, load_profile(study, profile), "cpu")
    assert [len(stage.items) for stage in drawn.stages] == items


def test_more_seeds_are_trained_where_claims_on_change_rest() -> None:
    study = load_study("inaba2025")
    items = plan(study, load_profile(study, "fixture"), "cpu").stage("saes").items
    seeds = {
        item.name: [place.seed for place in item.parameters["places"] if place.layer == 2] for item in items
    }
    assert seeds["150m-early"] == seeds["150m-mid"] == seeds["440m-final"] == [1, 2, 3]
    assert seeds["150m-initial"] == seeds["440m-late"] == [1]


def test_what_was_never_released_is_known_before_anything_is_spent() -> None:
    told = {each.claim_id: each for each in outlook(STUDY, paper())}
    never = {name for name, each in told.items() if each.says.startswith("weights-not-released")}
    assert never == {name for name, each in told.items() if not each.decidable}
    assert never == {
        "apart.first", "together.later", "together.later.sample", "order", "part.helps", "part.beyond",
    }  # fmt: skip
    assert not told["concepts.later"].is_foreseen
    assert "the mid checkpoint of 1.8b" in told["part.helps"].says


def test_claims_on_it_are_not_run_and_say_why() -> None:
    circumstances = Circumstances(unavailable_estimates=unavailable(STUDY, PROFILES["rehearsal"]))
    found = {each.claim_id: each for each in judge(CLAIMS, Measurements(study=STUDY), circumstances)}
    assert (found["order"].state, found["order"].why) == (State.NOT_RUN, Why.WEIGHTS_NOT_RELEASED)
    assert (found["size"].state, found["size"].why) == (State.NOT_RUN, Why.UPSTREAM_NOT_RUN)
    assert (found["concepts.later"].state, found["concepts.later"].why) == (
        State.NOT_RUN,
        Why.DATASET_UNAVAILABLE,
    )
    assert found["parts.sum"].state is State.NOT_TESTABLE


def test_the_miniature_has_all_that_its_two_sizes_can_give() -> None:
    lacking = unavailable(STUDY, fixture())
    name = "class-share/model=1.8b/step=final/class=bilingual/layer=11/primary/primary"
    assert lacking[name].lacking is Lacking.DATASET
    assert "this world does not have" in lacking[name].says
    assert {dict(scope.axes).get("model") for name, scope in estimands(STUDY).items() if name in lacking} <= {
        "980m",
        "1.8b",
        "3.7b",
        None,
    }


def test_no_number_of_the_authors_sample_is_said_to_be_printed() -> None:
    targets = [(claim, target) for claim in CLAIMS for target in claim.targets]
    assert len(targets) == 2
    for claim, target in targets:
        assert target.stands_for == "computed by us"
        assert claim.sentence.sense.endswith("printed nowhere")


def test_every_statement_of_the_inventory_is_there() -> None:
    named = {statement for claim in CLAIMS for statement in claim.inventory}
    assert named == {f"I{number:02}" for number in range(1, 12)}


def test_smaller_sizes_are_refused_by_one_clear_line(tmp_path: Path) -> None:
    """Neither looked for nor taken from a file: `plan --within`, and `--sizes` of every command."""
    path = tmp_path / "sizes.json"
    path.write_text('{"study": "inaba2025", "profile": "paper", "sizes": {"latents_per_layer": 1}}')
    for ask in (
        lambda: fitting(STUDY, paper(), 3_600.0, Rates()),
        lambda: load_profile(STUDY, "paper", path),
    ):
        with pytest.raises(
            UsageError,
            match=r"inaba2025 has no sizes that a run may take less of.*harness plan --study inaba2025",
        ) as raised:
            ask()
        assert len(str(raised.value).splitlines()) == 1


def changed(**fields: object) -> EmergenceStudy:
    return replace(STUDY, **fields)  # type: ignore[arg-type]


def of_sources(**fields: object) -> Profile:
    ours = fixture()
    return replace(ours, sources=replace(ours.sources, **fields))  # type: ignore[arg-type]


def of_sizes(**fields: object) -> Profile:
    ours = fixture()
    return replace(ours, sizes=replace(ours.sizes, **fields))  # type: ignore[arg-type]


def sources() -> EmergenceSources:
    found = fixture().sources
    assert isinstance(found, EmergenceSources)
    return found


def faults_of() -> Iterator[object]:
    """Studies and profiles with one thing wrong, each with what is said of it."""
    yield pytest.param(
        changed(early="mid", mid="early"), None, "in this order and before 'final'", id="phases swapped"
    )
    yield pytest.param(changed(phases=STUDY.phases[:-1]), None, "it must be 'final'", id="no finished model")
    yield pytest.param(
        changed(phases=(Phase(name="a b", says=""), *STUDY.phases)),
        None,
        "'a b' is no name of a phase",
        id="a name with a space",
    )
    yield pytest.param(changed(depths=(0.0, 1.5)), None, "depths [1.5] do not exist", id="too deep")
    yield pytest.param(
        changed(languages=STUDY.languages[:1]), None, "1 languages are listed", id="one language"
    )
    yield pytest.param(
        changed(sizes=(*STUDY.sizes, STUDY.sizes[0])), None, "is listed 2 times", id="a size twice"
    )
    cells = sources().cells
    yield pytest.param(STUDY, of_sources(cells=cells[::-1]), "out of order", id="checkpoints backwards")
    yield pytest.param(STUDY, of_sources(cells=()), "none or out of order", id="no checkpoint")
    yield pytest.param(
        STUDY, of_sources(cells=(replace(cells[0], size="7b"),)), "the study has 150m", id="another size"
    )
    yield pytest.param(
        STUDY, of_sources(cells=(replace(cells[0], phase="x"),)), "the study has initial", id="another phase"
    )
    yield pytest.param(
        STUDY, of_sources(texts=sources().texts[::-1]), "the study wants en, ja", id="languages exchanged"
    )
    shown = Demonstration(
        pin=cells[0].pin,
        folder="",
        steps={"early": 10},
        replayed=Replayed(pin=cells[0].pin, cell="150m-mid", layer=2),
    )
    yield pytest.param(
        STUDY, of_sources(demonstration=shown), "'150m-mid'; name one of", id="a step not shown"
    )
    yield pytest.param(STUDY, of_sizes(sae_seeds=(1, 1)), "and each once", id="a seed twice")
    yield pytest.param(STUDY, of_sizes(integration_windows=0), "sizes.integration_windows is 0", id="no text")
    yield pytest.param(
        STUDY, of_sizes(recipe=replace(STUDY.primary.recipe, k=0)), "the recipe has k 0", id="nothing fires"
    )
    yield pytest.param(STUDY, of_sizes(dtype="int8"), "sizes.dtype is 'int8'", id="no such precision")
    disparity = load_profile(load_study("sin2025"), "fixture")
    yield pytest.param(STUDY, disparity, "of another design", id="a world of the other kind")


@pytest.mark.parametrize(("study", "profile", "says"), list(faults_of()))
def test_what_contradicts_itself_is_refused(
    study: EmergenceStudy, profile: Profile | None, says: str
) -> None:
    found = list(study_faults(study) if profile is None else profile_faults(study, profile))
    assert any(says in each for each in found), found


def test_every_world_is_sound() -> None:
    assert list(study_faults(STUDY)) == []
    assert [fault for each in PROFILES.values() for fault in profile_faults(STUDY, each)] == []
    assert all(isinstance(each.sizes, EmergenceSizes) for each in PROFILES.values())
