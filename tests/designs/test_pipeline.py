"""The map: what a plan makes, in an order in which it can be made, and nothing that moves between two plans."""

import importlib
import inspect
import types
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from harness.designs.design import plan
from harness.designs.disparity.plan import SELF_CHECK_STEPS, SHARD_TEXTS, WHOLE_DEPTH_TEXTS
from harness.stages.stage import declaration, staged
from harness.words.plan import Item, Plan
from harness.words.study import SAMPLING_SEED, Home, Pin, Profile, Study
from tests.small_study import small_profile, small_study
from tests.worlds import World

FOUR_LAYERS = World(root=Path("nowhere"), num_layers=4, languages=("en", "zh", "es", "ml"))
"""Only its pins are read, so it need not exist."""

STAGES = (
    "replay",
    "phrases",
    "converted-translators",
    "translation-shards",
    "translations",
    "romanisations",
    "activations",
    "dictionary-error",
    "adapters",
    "activations-tuned",
    "benchmarks",
    "benchmarks-tuned",
    "estimates",
)


@pytest.fixture
def study() -> Study:
    return small_study(FOUR_LAYERS)


@pytest.fixture
def profile() -> Profile:
    return small_profile(FOUR_LAYERS)


@pytest.fixture
def made(study: Study, profile: Profile) -> Plan:
    return plan(study, profile, "cpu")


def names(made: Plan, stage: str) -> list[str]:
    return [item.name for item in made.stage(stage).items]


def places(items: Iterator[Item]) -> list[str]:
    return [f"{item.stage}/{item.name}" for item in items]


def test_the_stages_of_a_plan(made: Plan) -> None:
    assert tuple(stage.name for stage in made.stages) == STAGES
    assert all(stage.says for stage in made.stages)


def test_every_item_needs_only_items_of_earlier_stages(made: Plan) -> None:
    earlier: set[str] = set()
    for stage in made.stages:
        for item in stage.items:
            assert item.stage == stage.name
            assert set(places(need for _, need in item.needs)) <= earlier
        earlier |= set(places(iter(stage.items)))


def test_every_name_is_unique(made: Plan) -> None:
    found = places(made.items())
    assert len(set(found)) == len(found)


def test_no_item_reads_two_things_in_one_role(made: Plan) -> None:
    for item in made.items():
        roles = [role for role, _ in item.needs]
        assert len(set(roles)) == len(roles)


def test_a_plan_built_twice_is_the_same_plan(study: Study, profile: Profile, made: Plan) -> None:
    assert plan(study, profile, "cpu") == made
    assert plan(study, profile, "cuda") != made


def test_every_language_but_english_is_translated(made: Plan) -> None:
    assert names(made, "translations") == ["zh", "es", "ml"]
    for stage in ("dictionary-error", "benchmarks"):
        assert names(made, stage) == ["en", "zh", "es", "ml"]


def test_languages_in_other_scripts_are_read_once_more_in_latin_letters(made: Plan) -> None:
    assert names(made, "romanisations") == ["zh", "ml"]
    assert names(made, "activations") == ["en", "zh", "es", "ml", "zh/romanised", "ml/romanised"]
    items = {item.name: item for item in made.stage("activations").items}
    for code in ("zh", "ml"):
        own, latin = items[code], items[f"{code}/romanised"]
        assert latin.parameters == {**own.parameters, "panel_texts": 0, "similarity_texts": 0}
        romanised = dict(latin.needs)["translation"]
        assert places([romanised, *(need for _, need in romanised.needs)]) == [
            f"romanisations/{code}",
            f"translations/{code}",
        ]


def test_shards_hold_as_many_phrases_as_could_be_drawn(study: Study, profile: Profile, made: Plan) -> None:
    most = 4 * profile.sizes.latents_per_layer * study.primary.phrases.max_examples
    assert most <= SHARD_TEXTS
    assert names(made, "translation-shards") == ["zh/0", "es/0", "ml/0"]
    wide = replace(
        profile, sizes=replace(profile.sizes, latents_per_layer=SHARD_TEXTS // 4 + 1, phrases_per_latent=2)
    )
    items = plan(study, wide, "cpu").stage("translation-shards").items
    assert [item.parameters["shard"] for item in items if item.name.startswith("es/")] == [0, 1, 2]
    (spanish,) = (item for item in plan(study, wide, "cpu").stage("translations").items if item.name == "es")
    assert [need.name for _, need in spanish.needs] == ["all", "es/0", "es/1", "es/2"]


def test_english_is_read_from_the_phrases_themselves(made: Plan) -> None:
    roles = {item.name: [role for role, _ in item.needs] for item in made.stage("activations").items}
    assert roles["en"] == ["phrases"]
    assert roles["zh"] == roles["es"] == roles["ml"] == ["phrases", "translation"]


def test_every_item_reads_the_translation_of_its_own_language(made: Plan) -> None:
    for stage in ("activations", "dictionary-error", "activations-tuned"):
        for item in made.stage(stage).items:
            needs = dict(item.needs)
            if "translation" in needs:
                assert needs["translation"].name == item.name.removesuffix("/romanised").split("/")[-1]


def test_every_tuned_language_gets_an_adapter_per_seed(study: Study, profile: Profile) -> None:
    languages = tuple(replace(each, tuned=each.code in {"ml", "es"}) for each in study.languages)
    made = plan(replace(study, languages=languages), profile, "cpu")
    assert names(made, "adapters") == ["es/seed-1", "es/seed-2", "ml/seed-1", "ml/seed-2"]
    seeds = {item.name: item.parameters["seed"] for item in made.stage("adapters").items}
    assert seeds == {"es/seed-1": 1, "es/seed-2": 2, "ml/seed-1": 1, "ml/seed-2": 2}


@pytest.mark.parametrize("stage", ["activations-tuned", "benchmarks-tuned"])
def test_an_adapter_is_read_in_its_own_language_and_in_english(made: Plan, stage: str) -> None:
    assert names(made, stage) == ["ml/seed-1/ml", "ml/seed-1/en", "ml/seed-2/ml", "ml/seed-2/en"]
    for item in made.stage(stage).items:
        adapter = dict(item.needs)["adapter"]
        assert item.name == f"{adapter.name}/{item.name.split('/')[-1]}"


def test_base_and_tuned_benchmarks_are_asked_the_same(made: Plan) -> None:
    base = {item.name: item.parameters for item in made.stage("benchmarks").items}
    for item in made.stage("benchmarks-tuned").items:
        assert item.parameters == base[item.name.split("/")[-1]]


def test_base_and_tuned_activations_differ_in_depth_and_samples_alone(made: Plan) -> None:
    """Tuned models are read up to the deepest layer that is asked about, without panels and similarities."""
    base = {item.name: item.parameters for item in made.stage("activations").items}
    for item in made.stage("activations-tuned").items:
        sampled = {**item.parameters, "similarity_texts": 8, "panel_texts": WHOLE_DEPTH_TEXTS}
        assert sampled.pop("deepest") == made.study.primary.deepest_tuned_layer == 2
        assert sampled == base[item.name.split("/")[-1]]


def test_the_estimates_need_every_other_item_but_the_gate(made: Plan) -> None:
    """What the gate found speaks about the numbers, and moves none; parts of translations are read in the whole."""
    (last,) = made.stage("estimates").items
    unread = {"replay", "converted-translators", "translation-shards", "romanisations", "estimates"}
    others = [place for place in places(made.items()) if place.partition("/")[0] not in unread]
    assert sorted(role for role, _ in last.needs) == sorted(others)
    assert places(need for _, need in last.needs) == [role for role, _ in last.needs]


def test_a_stage_without_items_is_not_planned(study: Study, profile: Profile) -> None:
    languages = tuple(replace(each, tuned=False) for each in study.languages)
    made = plan(replace(study, languages=languages), profile, "cpu")
    assert {stage.name for stage in made.stages} == set(STAGES) - {
        "adapters",
        "activations-tuned",
        "benchmarks-tuned",
    }


def test_a_stage_tells_what_it_reads_from(made: Plan) -> None:
    assert made.stage("phrases").needs == ()
    assert made.stage("activations-tuned").needs == ("phrases", "translations", "adapters")
    assert made.stage("benchmarks-tuned").needs == ("adapters",)


def test_an_unknown_stage_is_refused_with_those_that_exist(made: Plan) -> None:
    with pytest.raises(
        ValueError, match="unknown stage 'activation'; this plan has replay, phrases, converted-translators"
    ):
        made.stage("activation")


@pytest.mark.parametrize(
    ("name", "batch"),
    [("profile", 4), ("specification", 8)],
    ids=["a size of the profile", "the specification"],
)
def test_the_batch_of_an_adapter_comes_from(study: Study, profile: Profile, name: str, batch: int) -> None:
    sizes = profile.sizes if name == "profile" else replace(profile.sizes, alignment_batch=None)
    (item, *_) = plan(study, replace(profile, sizes=sizes), "cpu").stage("adapters").items
    assert item.parameters["batch_size"] == batch


def test_no_task_knows_a_printed_number_or_the_paper(made: Plan) -> None:
    """A task is all that a stage is told; it holds no study, whose name and paper would come with it."""
    assert not [
        found
        for item in made.items()
        for found in parts(item.parameters)
        if isinstance(found, (Study, Profile))
    ]


def parts(value: object) -> Iterator[object]:
    """A value and everything inside it."""
    yield value
    if is_dataclass(value):
        for field in fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from parts(each)
    elif isinstance(value, tuple):
        for each in value:
            yield from parts(each)


@pytest.fixture
def checked(study: Study, profile: Profile) -> Plan:
    known = Pin(name="known numbers", home=Home.FOLDER, address="nowhere", licence="CC0-1.0")
    return plan(study, replace(profile, known_numbers=known), "cpu")


def test_self_checks_stand_beside_the_run_and_need_nothing_of_it(made: Plan, checked: Plan) -> None:
    assert checked.stages[:-1] == made.stages
    (item,) = checked.stage("self-checks").items
    assert item.needs == ()
    told = item.parameters
    assert told["phrases"] == made.stage("phrases").items[0].parameters
    assert [each["language"] for each in told["languages"]] == list(made.study.tuned)
    shards, translators = (
        {each.name: each.parameters for each in made.stage(stage).items}
        for stage in ("translation-shards", "converted-translators")
    )
    for each in told["languages"]:
        code = each["language"].code
        assert (each["translation"], each["translator"]) == (shards[f"{code}/0"], translators[code])
        assert [each[name]["language"] for name in ("activations", "dictionary", "adapter")] == [code] * 3
        assert each["adapter"]["max_steps"] == SELF_CHECK_STEPS
    assert told["benchmarks"]["language"] == made.study.reference.code


def test_what_the_source_says_of_a_stage_is_what_its_function_takes_and_its_items_give(checked: Plan) -> None:
    assert {stage.name for stage in checked.stages} == {*STAGES, "self-checks"}
    for stage in checked.stages:
        module, _, name = stage.function.partition(":")
        function = getattr(importlib.import_module(module), name)
        taken, kinds = inspect.signature(function).parameters, get_type_hints(function)
        declared = declaration(stage.function)
        assert [*declared.roles, "out", *declared.parameters] == list(taken)
        assert declared.optional == {
            each for each, taker in taken.items() if taker.default is not inspect.Parameter.empty
        }
        assert inspect.getdoc(function).splitlines()[0] == f"{stage.says}."
        for item in stage.items:
            for given, value in item.parameters.items():
                assert is_of(value, kinds[given]), f"{item.stage} {item.name}: {given}"


def is_of(value: object, kind: Any) -> bool:
    """Whether a value is of an annotated kind."""
    outer, inner = get_origin(kind), get_args(kind)
    if outer in {types.UnionType, Union}:
        return any(is_of(value, each) for each in inner)
    if outer is tuple:
        each = inner[0] if inner[-1] is Ellipsis else None
        kinds = [each] * len(value) if each else inner
        return isinstance(value, tuple) and all(map(is_of, value, kinds))
    if kind is Any:
        return True
    return isinstance(value, (outer or kind, int) if kind is float else outer or kind)


def test_an_unknown_stage_of_a_design_is_refused() -> None:
    with pytest.raises(ValueError, match="no stage is called 'harness\\.stages\\.phrases:verdicts'"):
        declaration("harness.stages.phrases:verdicts")


def test_a_design_that_gives_a_stage_something_else_is_refused(made: Plan) -> None:
    (item,) = made.stage("phrases").items
    told = {name: value for name, value in item.parameters.items() if name != "seed"}
    with pytest.raises(ValueError, match="the design gives something else or nothing for depth, seed"):
        staged(item.function, [replace(item, parameters={**told, "depth": 3})])


def test_sampling_streams_start_from_the_root_seed(made: Plan) -> None:
    (phrases,) = made.stage("phrases").items
    assert phrases.parameters["seed"] == SAMPLING_SEED
    assert {item.parameters["seed"] for item in made.stage("dictionary-error").items} == {SAMPLING_SEED}
