"""What a grid makes beside the primary specification: each thing once, under the specification that asks for it first."""

from collections import Counter
from functools import cache

import pytest

from harness.designs.design import plan
from harness.sources.studies import load_profile, load_study
from harness.words.plan import Item, Plan
from harness.words.specification import PRIMARY, Grid
from harness.words.study import ALREADY_TAKEN, gridded


@cache
def drawn(grid: Grid | None = None) -> Plan:
    """The miniature's plan under a grid."""
    study = gridded(load_study("sin2025"), grid)
    return plan(study, load_profile(study, "fixture"), "cpu")


def new_items(grid: Grid, specification: str) -> list[Item]:
    return [item for item in drawn(grid).items() if item.specification == specification]


def counted(grid: Grid, specification: str) -> dict[str, int]:
    """By stage: items that are made for one specification and for none before it."""
    return dict(Counter(item.stage for item in new_items(grid, specification)))


def estimates_of(specification: str, grid: Grid = Grid.ALL) -> Item:
    (found,) = (item for item in drawn(grid).stage("specified-estimates").items if item.name == specification)
    return found


@pytest.mark.parametrize("grid", list(Grid))
def test_the_primary_specification_is_the_same_items_whatever_the_grid(grid: Grid) -> None:
    """Names, parameters and needs; of estimates all but the axes that stored values give."""

    def told(made: Plan) -> list[object]:
        return [
            (item.stage, item.name, {**item.parameters, "grid": ()}, [role for role, _ in item.needs])
            for item in made.items()
            if item.specification == PRIMARY
        ]

    assert told(drawn(grid)) == told(drawn())


def test_the_registered_grid_makes_nothing_beside_the_primary_specification() -> None:
    assert {item.specification for item in drawn().items()} == {PRIMARY}


def test_a_level_of_training_takes_one_seed_of_every_tuned_language() -> None:
    assert counted(Grid.TRAINING, "alpha=0") == {
        "adapters": 3,
        "activations-tuned": 6,
        "benchmarks-tuned": 6,
        "specified-estimates": 1,
    }


def test_what_an_ablation_of_the_primary_specification_trained_is_not_trained_again() -> None:
    """The miniature trains alpha=10 in Malayalam beside its adapters, and reads it."""
    made = {item.name for item in new_items(Grid.TRAINING, "alpha=10") if item.stage == "adapters"}
    assert made == {"alpha=10/mr/seed-1", "alpha=10/hi/seed-1"}
    needs = dict(estimates_of("alpha=10").needs)
    assert needs["adapters/ml/seed-1"].name == "ml/alpha=10/seed-1"


def test_other_prompts_take_answers_alone_and_those_of_adapters_that_stand() -> None:
    assert counted(Grid.TRAINING, "shots=0-0-0") == {
        "benchmarks": 4,
        "benchmarks-tuned": 6,
        "specified-estimates": 1,
    }
    answered = [item for item in new_items(Grid.TRAINING, "shots=0-0-0") if item.stage == "benchmarks-tuned"]
    assert {need.specification for item in answered for _, need in item.needs} == {PRIMARY}
    assert estimates_of("shots=0-0-0").parameters["kinds"] == ("delta",)


def test_a_pair_takes_what_its_parts_have_made() -> None:
    """Window and one beam: the phrases are those of the window, the translations are new, and so is one adapter a language."""
    found = counted(Grid.EXTRACTION, "cut=window+beams=1")
    assert "phrases" not in found
    assert (found["translations"], found["adapters"]) == (9, 3)
    assert dict(estimates_of("cut=window+beams=1").needs)["phrases/all"].name == "cut=window/all"


def test_levels_that_a_world_cannot_have_are_there_with_their_reason() -> None:
    said = {
        item.name: item.parameters["because"] for item in drawn(Grid.ALL).stage("specified-estimates").items
    }
    assert said["adapters=joint"] == "an adapter is trained for one language"
    assert said["sae=65k"] == "no world names the files of such dictionaries"
    assert said["dtype=float32"] == ALREADY_TAKEN
    assert said["alpha=0"] == ""
    assert estimates_of("adapters=joint").parameters["kinds"] == ("gain", "delta")
    assert not estimates_of("adapters=joint").needs


def test_a_world_that_trains_otherwise_has_the_studys_own_training_as_a_level() -> None:
    """The miniature lets gradients pass straight through, and at a hundred times the rate."""
    names = {item.name for item in drawn(Grid.TRAINING).stage("specified-estimates").items}
    assert {"silent=none", "rate=1e-4", "rate=3e-4"} <= names
    assert "silent=straight-through" not in names


def test_items_of_one_stage_have_names_of_their_own() -> None:
    for stage in drawn(Grid.ALL).stages:
        names = [item.name for item in stage.items]
        assert len(set(names)) == len(names)
