"""Every field of every study and profile, changed by itself: where it arrives, and which artifacts get another name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from functools import cache
from typing import Any

import pytest

from claims.sin2025.profiles import fixture
from harness.designs.design import as_trained
from harness.designs.disparity.plan import plan
from harness.run.artifacts import Recipes
from harness.sources.studies import load_profile, load_profiles, load_study, study_names
from harness.words.plan import Item, Plan
from harness.words.specification import Grid
from harness.words.study import Harvest, Home, Parallel, Pin, Profile, PublishedModel, Study, Weights

WORLDS = [
    (study, profile)
    for study in study_names()
    if load_study(study).design == "harness.designs.disparity.design"
    for profile in load_profiles(load_study(study))
]

READERS = ("activations", "activations-tuned", "dictionary-error", "adapters", "replay", "harvest")
"""Stages that run the language model beside its SAEs."""
CHECKED = "self-checks[tuned].languages"
CHECKED_READERS = tuple(
    f"{CHECKED}.{stage}" for stage in ("activations", "activations_tuned", "dictionary", "adapter")
)
DEEPEST = ("activations-tuned.deepest", f"{CHECKED}.activations_tuned.deepest")
"""Tuned models are read as far as anything is asked of them."""
ASKERS = ("benchmarks", "benchmarks-tuned", "self-checks.benchmarks")
TRANSLATORS = ("translation-shards", "translation-scores", f"{CHECKED}.translation")
OF_ONE_TRANSLATOR = (
    "translation-shards[*]",
    "translation-scores[*]",
    "self-checks[own].languages.translation",
)
SELECTION = ("phrases", "self-checks.phrases")


def at(places: tuple[str, ...], field: str) -> tuple[str, ...]:
    """A field of several tasks."""
    return tuple(f"{place}.{field}" for place in places)


def of_networks(field: str) -> tuple[str, ...]:
    """A field of whatever the language model is run with beside its SAEs."""
    return at((*READERS, *CHECKED_READERS), f"networks.{field}")


def of_numerics(field: str) -> tuple[str, ...]:
    """A field of whatever any model is run with."""
    return (
        *of_networks(f"numerics.{field}"),
        *at((*ASKERS, "published-models"), f"numerics.{field}"),
    )


def of_language(field: str) -> tuple[str, ...]:
    """A field of a target language."""
    return (
        *at(("translations[*]", "self-checks[own].languages"), f"language.{field}"),
        "estimates.languages",
    )


OF_BENCHMARK = (*at(ASKERS, "benchmarks"), "estimates.benchmarks")
TUNED_ITEMS = ("adapters items", "activations-tuned items", "benchmarks-tuned items")
PUBLISHED_ITEMS = (
    "published-models items",
    "activations-tuned items",
    "benchmarks-tuned items",
    "estimates.published",
)

RATES = (
    *at(("adapters", f"{CHECKED}.adapter"), "choice.learning_rate"),
    "estimates.specification.alignment.learning_rate",
)

ARRIVES: Mapping[str, tuple[str, ...]] = {
    "study.name": (),
    "study.paper_id": (),
    "study.title": (),
    "study.design": (),
    "study.shapes.num_layers": ("estimates.num_layers",),
    "study.shapes.dictionary_layers": (*of_networks("dictionary_layers"), *at((*SELECTION, "estimates"), "dictionary_layers")),
    "study.shapes.dictionary_layers left out": of_networks("dictionary_layers"),
    # The other shapes are evidence of a run's mode: they are compared with what was loaded, and make nothing.
    "study.shapes.d_model": (),
    "study.shapes.d_sae": (),
    "study.shapes.vocab_size": (),
    "study.grid": ("estimates.grid",),
    "study.asked_grid": ("estimates.grid",),
    # What a plan counts parameters from.
    **dict.fromkeys((f"study.shapes.weights.{field.name}" for field in fields(Weights)), ()),
    "study.languages.*.name": of_language("name"),
    "study.languages.*.group": of_language("group"),
    "study.languages.*.script": of_language("script"),
    "study.languages.*.tuned": (
        "translations[*].language.tuned",
        "estimates.languages",
        *TUNED_ITEMS,
        "self-checks.languages",
    ),
    "study.benchmarks.*.name": OF_BENCHMARK,
    "study.benchmarks.*.template": OF_BENCHMARK,
    "study.benchmarks.*.data_folder": OF_BENCHMARK,
    "study.benchmarks.*.evaluated_split": OF_BENCHMARK,
    "study.benchmarks.*.metric": OF_BENCHMARK,
    "study.benchmarks.*.shots": OF_BENCHMARK,
    "study.benchmarks.*.chance": OF_BENCHMARK,
    "study.primary.name": ("estimates.specification.name",),
    "study.primary.pooling": ("estimates.specification.pooling",),
    "study.primary.aggregation": ("estimates.specification.aggregation",),
    "study.primary.gain_layer": ("estimates.specification.gain_layer", *DEEPEST),
    "study.primary.num_beams": (*at(TRANSLATORS, "num_beams"), "estimates.specification.num_beams"),
    **{
        f"study.primary.phrases.{field}": (*at(SELECTION, f"choice.{field}"), f"estimates.specification.phrases.{field}")
        for field in ("min_fraction_of_maximum", "cut", "min_examples", "max_examples")
    },
    **{
        f"study.primary.alignment.{field}": (
            *at(("adapters", f"{CHECKED}.adapter"), f"choice.{field}"),
            f"estimates.specification.alignment.{field}",
            *(DEEPEST if field == "layers" else ()),
        )
        for field in (
            "alpha", "latents", "detach_english", "hold_english", "straight_through", "layers", "rank", "lora_alpha", "target_modules", "learning_rate", "epochs",
            "pairs", "weight_decay",
        )
    },
    "study.primary.alignment.batch_size": (
        *at(("adapters", f"{CHECKED}.adapter"), "choice.batch_size"),
        "estimates.specification.alignment.batch_size",
        *at(("adapters", f"{CHECKED}.adapter"), "batch_size unless sized"),
    ),
    "profile.name": (),
    "profile.summary": (),
    "profile.self_check_study": (),
    "profile.shards": (),
    # What lies along an axis is no specification yet.
    "profile.levels": (),
    "profile.alignment left out": RATES,
    # What a run on smaller sizes says of itself; it makes nothing.
    "profile.registered_sizes": (),
    "profile.known_numbers": ("self-checks.known_numbers",),
    "profile.known_numbers left out": ("self-checks items",),
    "profile.sources.model": (*of_networks("model"), *at(ASKERS, "model"), "published-models.model"),
    # Rows of the export are held to the latents that they have.
    "profile.sources.dictionaries": (*of_networks("dictionaries"), *at(SELECTION, "dictionaries")),
    "profile.sources.dictionary_files": (*of_networks("dictionary_files"), *at(SELECTION, "dictionary_files")),
    "profile.sources.phrases": (*at(SELECTION, "export"), "replay.export", "harvest.corpus"),
    "profile.sources.phrase_source_ids": at((*SELECTION, "replay", "harvest"), "source_ids"),
    **{f"profile.sources.dictionary_form.{name}": of_networks(f"dictionary_form.{name}") for name in ("kind", "k", "reads", "is_before")},
    "profile.sources.harvest left out": ("harvest items",),
    **{
        f"profile.sources.harvest.{name}": (f"harvest.how.{name}",)
        for name in ("files", "contexts", "context_tokens", "rows_per_latent")
    },
    # Spot checks ask it; nothing measured rests on its answers.
    "profile.sources.phrase_service": (),
    "profile.sources.translators.*.pin": at(("converted-translators[*]", "self-checks[own].languages.translator"), "translator"),
    "profile.sources.translators.*.target_token": at(OF_ONE_TRANSLATOR, "target_token"),
    # A remark for whoever reads the study.
    "profile.sources.translators.*.named_otherwise": (),
    "profile.sources.benchmarks.*": at(ASKERS, "data"),
    "profile.sources.published_models left out": PUBLISHED_ITEMS,
    "profile.sources.published_models.*.name": PUBLISHED_ITEMS,
    "profile.sources.published_models.*.language": PUBLISHED_ITEMS,
    "profile.sources.published_models.*.pin": ("published-models[*].source",),
    "profile.sources.parallel left out": ("translation-scores items", "activations items"),
    "profile.sources.parallel.pin": ("translation-scores.parallel.pin",),
    "profile.sources.parallel.split": ("translation-scores.parallel.split",),
    "profile.sources.parallel.configs.en": ("translation-scores.parallel.source_config",),
    "profile.sources.parallel.configs.*": ("translation-scores[*].parallel.target_config",),
    "profile.sizes.sampling_seed": (
        *at(SELECTION, "seed"),
        *at(("replay", "activations", "activations-tuned", "dictionary-error"), "seed"),
    ),
    "profile.sizes.latents_per_layer": at(SELECTION, "latents_per_layer"),
    "profile.sizes.phrases_per_latent": at(SELECTION, "phrases_per_latent"),
    "profile.sizes.panel_latents": at(SELECTION, "panel_latents"),
    "profile.sizes.held_out_fraction": at(SELECTION, "held_out_fraction"),
    "profile.sizes.similarity_texts": ("activations.similarity_texts unless read again",),
    "profile.sizes.dictionary_texts": (
        "dictionary-error.texts",
        f"{CHECKED}.dictionary.texts",
    ),
    "profile.sizes.adapter_seeds": (*TUNED_ITEMS, "estimates.adapter_seeds", f"{CHECKED}.adapter.seed"),
    "profile.sizes.control_seeds": ("adapters items", "activations-tuned items", "estimates.control_seeds"),
    "profile.sizes.ablations left out": ("adapters items", "activations-tuned items"),
    "profile.sizes.ablated_languages left out": ("adapters items", "activations-tuned items"),
    "profile.sizes.max_alignment_steps": ("adapters.max_steps",),
    "profile.sizes.alignment_batch": at(("adapters", f"{CHECKED}.adapter"), "batch_size"),
    "profile.sizes.items_per_cell": at(ASKERS, "items"),
    "profile.sizes.max_shots": at(ASKERS, "max_shots"),
    "profile.sizes.parallel_texts": ("translation-scores.parallel.sentences",),
    "profile.sizes.batch_tokens": of_networks("batch_tokens"),
    "profile.sizes.dtype": of_numerics("dtype"),
    "profile.sizes.translator_dtype": at(TRANSLATORS, "numerics.dtype"),
    "profile.sizes.threads": (*of_numerics("threads"), *at(TRANSLATORS, "numerics.threads")),
}  # fmt: skip
"""By field: the stages and fields of their tasks where a change of it arrives, in every item and nowhere else.

"[*]" is the items of the field's own language or model alone, "[tuned]" holds in every tuned language and "[own]" in
the field's own where it is tuned; " items" is
other items than before; "unless sized" holds where the profile sets no batch of its own, "unless read again" of phrases in their own script, and "left out" where
a profile had nothing there.
"""

DEEPEST_OF_THEM = object()
"""Stands for the last of the layers that were said."""

ARRIVES_AS: Mapping[tuple[str, str], Any] = {
    # The self-checks train one adapter for a language, with the first of the seeds.
    **{
        ("profile.sizes.adapter_seeds", f"self-checks.languages[{code}].adapter.seed"): 101
        for code in ("mr", "ml", "hi")
    },
    ("study.languages.*.tuned", "self-checks.languages"): ("mr", "ml"),
    **{
        ("study.primary.alignment.layers", place): DEEPEST_OF_THEM
        for place in (
            "activations-tuned.deepest",
            *(f"self-checks.languages[{code}].activations_tuned.deepest" for code in ("mr", "ml", "hi")),
        )
    },
    ("profile.sources.published_models left out", "estimates.published"): (("ml", "another"),),
    # The grid before that of the study is none at all.
    ("study.grid", "estimates.grid"): (),
    ("study.asked_grid", "estimates.grid"): (),
}
"""What stands in a place where a change arrives as something else than itself."""

LOOKED_UP_BY = ("study.languages.*.code",)
"""What everything else of a language is found by: that each item reads its own language's things is held item by item."""

ANOTHER = Pin(name="another", home=Home.FOLDER, address="elsewhere", licence="none")

LEFT_OUT: Mapping[str, Any] = {
    "profile.known_numbers": ANOTHER,
    "study.shapes.dictionary_layers": (1, 2),
    "study.asked_grid": Grid.NONE,
    "profile.levels": (("alpha=10", ()),),
    "profile.self_check_study": "another",
    # A whole choice comes in, which differs from the study's own in the learning rate alone.
    "profile.alignment": 7.0,
    "profile.registered_sizes": fixture().sizes,
    "profile.sources.phrase_service": ANOTHER,
    "profile.sources.translators.*.target_token": ">>another<<",
    "profile.sources.published_models": (PublishedModel(name="another", language="ml", pin=ANOTHER),),
    "profile.sources.dictionary_form.k": 7,
    "profile.sources.harvest": Harvest(files=("a",), contexts=7, context_tokens=7, rows_per_latent=7),
    "profile.sources.parallel": Parallel(
        pin=ANOTHER,
        split="test",
        configs=dict.fromkeys(("en", "zh", "ru", "es", "it", "id", "ca", "mr", "ml", "hi"), "another"),
    ),
    "profile.sizes.phrases_per_latent": 10,
    "profile.sizes.control_seeds": (7,),
    "profile.sizes.ablations": ("alpha=10",),
    "profile.sizes.ablated_languages": ("ml",),
    "profile.sizes.max_alignment_steps": 7,
    "profile.sizes.alignment_batch": 7,
    "profile.sizes.items_per_cell": 7,
    "profile.sizes.max_shots": 7,
}
"""What comes in where a profile leaves something out."""


@dataclass(frozen=True)
class World:
    """A study and the profile that feeds it."""

    study: Study
    profile: Profile

    def plan(self) -> Plan:
        """What a run of it makes."""
        return plan(as_trained(self.study, self.profile), self.profile, "cpu")


@dataclass(frozen=True)
class Leaf:
    """One field that can be changed by itself."""

    path: tuple[str | int, ...]
    row: str
    """Its row of the table."""
    key: str
    """The language, model or folder that it belongs to; empty for others."""
    value: Any


@cache
def world_of(study: str, profile: str) -> World:
    """A world as it stands, but for what it trains otherwise: that is a change like others, and hides the study's own choice."""
    loaded, asked = load_study(study), load_profile(load_study(study), profile)
    sizes = replace(asked.sizes, control_seeds=(1,), ablations=(), ablated_languages=())
    return World(loaded, replace(asked, alignment=None, sizes=sizes))


def leaves(value: Any, path: tuple[str | int, ...] = (), row: str = "", key: str = "") -> Iterator[Leaf]:
    """Every field below a value. Of languages the last one speaks: it is neither the reference nor the first tuned."""
    if not parts(value):
        is_left_out = value in (None, ()) and f"{row} left out" in ARRIVES
        yield Leaf(path, f"{row} left out" if is_left_out else row, key, value)
    for step, label, part in parts(value):
        if row == "study.languages" and part is not value[-1]:
            continue
        below = f"{row}.{label}".lstrip(".")
        named = below if is_dataclass(value) or below in ARRIVES else f"{row}.*"
        yield from leaves(part, (*path, step), named, key if is_dataclass(value) else label)


def parts(value: Any) -> list[tuple[Any, str, Any]]:
    """Step, name and value of everything inside; nothing inside what is changed as a whole."""
    if is_dataclass(value) and not isinstance(value, Pin):
        # What lies along an axis is no specification yet, and makes nothing until one is asked for.
        names = [field.name for field in fields(value) if field.name != "axes"]
        return [(name, name, getattr(value, name)) for name in names]
    if isinstance(value, Mapping):
        return [(key, key, part) for key, part in value.items()]
    if isinstance(value, tuple) and value and is_dataclass(value[0]):
        return [(place, getattr(part, "code", part.name), part) for place, part in enumerate(value)]
    return []


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The same value with one field replaced."""
    if not path:
        return new
    step, *rest = path
    if isinstance(value, Mapping):
        return {**value, step: changed(value[step], tuple(rest), new)}
    if isinstance(value, tuple):
        return tuple(
            changed(part, tuple(rest), new) if place == step else part for place, part in enumerate(value)
        )
    return replace(value, **{step: changed(getattr(value, step), tuple(rest), new)})


def another(leaf: Leaf) -> Any:
    """Some other value that may stand there."""
    match leaf.value:
        case None | ():
            found = LEFT_OUT[leaf.row.removesuffix(" left out")]
        case bool():
            found = not leaf.value
        case Enum():
            kind = list(type(leaf.value))
            found = kind[kind.index(leaf.value) - 1]
        case int() | float():
            found = leaf.value + type(leaf.value)(1)
        case str():
            found = (
                "hi" if leaf.row == "profile.sources.published_models.*.language" else f"{leaf.value}-another"
            )
        case Pin():
            found = replace(leaf.value, address=f"{leaf.value.address}-another")
        case (int(), *_):
            found = tuple(each + 100 for each in leaf.value)
        case (str(), *_):
            found = (*leaf.value[:-1], f"{leaf.value[-1]}-another")
        case _:
            raise AssertionError(f"no other value is known for {leaf.row}")
    return found


def with_leaf(world: World, leaf: Leaf) -> World:
    """The world with that field changed; what a data folder is looked up by moves with its name."""
    new = another(leaf)
    if leaf.row == "profile.alignment left out":
        new = replace(world.study.primary.alignment, learning_rate=new)
    moved: World = changed(world, leaf.path, new)
    if leaf.row.endswith(".data_folder"):
        data = world.profile.sources.benchmarks
        moved = changed(moved, ("profile", "sources", "benchmarks"), {**data, new: data[leaf.value]})
    return moved


def in_task(value: Any, path: str) -> dict[str, Any]:
    """Everything inside a task by its path; what holds several things alike stands as a whole."""
    if isinstance(value, Mapping):
        return {
            place: part
            for name, told in value.items()
            for place, part in in_task(told, f"{path}.{name}").items()
        }
    if isinstance(value, tuple) and value and isinstance(value[0], Mapping):
        by_language = {each["language"].code: each for each in value}
        found = {path: tuple(by_language)}
        for code, each in by_language.items():
            found |= in_task(each, f"{path}[{code}]")
        return found
    if not is_dataclass(value) or isinstance(value, Pin):
        return {path: value}
    found = {}
    for field in fields(value):
        found |= in_task(getattr(value, field.name), f"{path}.{field.name}")
    return found


def by_place(made: Plan) -> dict[tuple[str, str], Item]:
    """Every item of a plan by stage and name."""
    return {(item.stage, item.name): item for item in made.items()}


def arrivals(before: Plan, after: Plan) -> dict[str, dict[str, Any]]:
    """By place where two plans differ: what stands there now, by item."""
    old, new = by_place(before), by_place(after)
    found: dict[str, dict[str, Any]] = {
        # How many shards there are follows how many phrases could be drawn, and is no field's business.
        f"{stage} items": {}
        for stage, _ in old.keys() ^ new.keys()
        if stage != "translation-shards"
    }
    for place in old.keys() & new.keys():
        if old[place].parameters == new[place].parameters:
            continue
        was, now = (in_task(items[place].parameters, place[0]) for items in (old, new))
        for path in was.keys() & now.keys():
            if was[path] != now[path]:
                found.setdefault(path, {})[place[1]] = now[path]
    return found


def expected(world: World, leaf: Leaf, before: Plan) -> dict[str, set[str]]:
    """By place of the row that this world has: the items that a change must reach."""
    found: dict[str, set[str]] = {}
    for place in ARRIVES[leaf.row]:
        where, _, condition = place.partition(" unless ")
        stage, _, path = where.partition(".")
        if place.endswith(" items"):
            found[place] = set()
            continue
        if condition == "sized" and world.profile.sizes.alignment_batch is not None:
            continue
        name = stage.partition("[")[0]
        items = {item.name for made in before.stages if made.name == name for item in made.items}
        if condition == "read again":
            items = {item for item in items if not item.endswith(("/romanised", "/parallel"))}
        if "[*]" in stage:
            items = {
                item
                for item in items
                if item.split("/")[0] == leaf.key or item.endswith(f"published-{leaf.key}")
            }
        tuned = [language.code for language in world.study.tuned]
        codes = tuned if "[tuned]" in stage else [code for code in tuned if code == leaf.key]
        paths = (
            [path.replace("languages.", f"languages[{code}].") for code in codes]
            if "[tuned]" in stage or "[own]" in stage
            else [path]
        )
        if items:
            found |= {f"{name}.{each}": items for each in paths}
    return found


@dataclass(frozen=True)
class Change:
    """One field changed by itself, and the plan that follows."""

    leaf: Leaf
    after: Plan
    arrivals: dict[str, dict[str, Any]]


@cache
def changes_of(study: str, profile: str) -> tuple[Change, ...]:
    """Every field of a world changed by itself."""
    world = world_of(study, profile)
    before, found = world.plan(), []
    for leaf in leaves(world):
        if leaf.row not in LOOKED_UP_BY:
            after = with_leaf(world, leaf).plan()
            found.append(Change(leaf, after, arrivals(before, after)))
    return tuple(found)


def test_every_field_has_a_row_and_every_row_a_field() -> None:
    found = {leaf.row for names in WORLDS for leaf in leaves(world_of(*names))}
    assert found == {*ARRIVES, *LOOKED_UP_BY}


@pytest.mark.parametrize(("study", "profile"), WORLDS)
def test_every_field_arrives_where_the_table_says_and_nowhere_else(study: str, profile: str) -> None:
    world = world_of(study, profile)
    before = world.plan()
    for change in changes_of(study, profile):
        reached = {place: set(items) for place, items in change.arrivals.items()}
        assert reached == expected(world, change.leaf, before), change.leaf


@pytest.mark.parametrize(("study", "profile"), WORLDS)
def test_what_arrives_is_what_was_said(study: str, profile: str) -> None:
    for change in changes_of(study, profile):
        for place, items in change.arrivals.items():
            said = ARRIVES_AS.get((change.leaf.row, place), another(change.leaf))
            said = max(another(change.leaf)) if said is DEEPEST_OF_THEM else said
            for item, arrived in items.items():
                assert said in contents(arrived), (change.leaf, place, item)


@pytest.mark.parametrize("profile", ["fixture", "rehearsal", "paper-authors"])
def test_what_a_change_reaches_gets_another_name_and_so_does_all_that_is_made_from_it(profile: str) -> None:
    before = world_of("sin2025", profile).plan()
    old, keys = by_place(before), keys_of(before)
    by_reach = {
        frozenset(place.partition(".")[0] for place in each.arrivals): each
        for each in changes_of("sin2025", profile)
    }
    for change in by_reach.values():  # one of those that reach the same stages
        new, moved = by_place(change.after), set[tuple[str, str]]()
        for place, item in new.items():  # in an order in which they can be made
            needs = [(need.stage, need.name) for _, need in item.needs]
            was = [(need.stage, need.name) for _, need in old[place].needs] if place in old else None
            if was != needs or item.parameters != old[place].parameters or moved.intersection(needs):
                moved.add(place)
        renamed = {place for place, key in keys_of(change.after).items() if keys.get(place) != key}
        assert renamed == moved, change.leaf


def keys_of(made: Plan) -> dict[tuple[str, str], str]:
    """Name of every artifact of a plan, by stage and item."""
    recipes = Recipes(plan=made, revision=lambda pin: pin.address, code=lambda module: module, versions={})
    return {place: recipes.key(item) for place, item in by_place(made).items()}


def contents(value: Any) -> list[Any]:
    """A value and everything inside it."""
    if isinstance(value, tuple):
        return [value, *(each for part in value for each in contents(part))]
    return [value, *(each for _, _, part in parts(value) for each in contents(part))]
