"""Controls trained on wrong partners: nobody keeps its own, nothing else differs, and no claim hears of them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.designs.design import plan
from harness.designs.disparity.quantities import SUFFIX
from harness.judge.unit_values import read_stored
from harness.judge.validate import load_claims
from harness.models.failed_adapters import adapter_failures
from harness.sources.studies import load_profile, load_study
from harness.stages import translation
from harness.stages.alignment import with_wrong_partners
from harness.stages.alignment_loss import Pairs
from harness.store.tables import read_table
from harness.words.estimate import Estimate
from harness.words.plan import Item
from harness.words.records import TrainingLoss
from tests.small_study import make, small_profile, small_study
from tests.stages.test_training import no_number_at, plant
from tests.worlds import World, build_world

PAIRS = Pairs(
    english=tuple((1, n) for n in range(9)),
    target=tuple((1, 100 + n) for n in range(9)),
    own=tuple(((0, n),) for n in range(9)),
)


def test_every_phrase_gets_the_translation_of_another_one() -> None:
    for seed in range(20):
        wrong = with_wrong_partners(PAIRS, seed)
        assert (wrong.english, wrong.own) == (PAIRS.english, PAIRS.own)
        assert sorted(wrong.target) == sorted(PAIRS.target)
        assert all(given != own for given, own in zip(wrong.target, PAIRS.target, strict=True))


def test_wrong_partners_follow_the_seed() -> None:
    first, again, other = (with_wrong_partners(PAIRS, seed) for seed in (1, 1, 2))
    assert first == again != other


def estimates_item(world: World, control_seeds: tuple[int, ...]) -> Item:
    profile = small_profile(world)
    sizes = replace(profile.sizes, control_seeds=control_seeds)
    (item,) = plan(small_study(world), replace(profile, sizes=sizes), "cpu").stage("estimates").items
    return item


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Estimates of the small study without controls, with two, and with two of which one stopped; the rest is shared."""
    root = tmp_path_factory.mktemp("controls")
    world = build_world(root / "world", languages=("en", "zh", "es", "ml"))
    found: dict[str, Path] = {}
    shared: dict[str, Path] = {}
    with pytest.MonkeyPatch.context() as patch:
        # Random translators seldom stop by themselves.
        patch.setattr(translation, "MAX_NEW_TOKENS", 12)
        found["without"] = make(estimates_item(world, ()), root / "without", shared)
        del shared["estimates/all"]
        found["with"] = make(estimates_item(world, (1, 2)), root / "with", dict(shared))
        plant(patch, no_number_at(1), adapter="ml/control-2")
        found["stopped"] = make(estimates_item(world, (1, 2)), root / "stopped", dict(shared))
    return found


def estimates(folder: Path) -> dict[str, Estimate]:
    return {row.estimate_id: row for row in read_table(folder, Estimate)}


def test_controls_move_no_other_estimate(folders: Mapping[str, Path]) -> None:
    without, found = (estimates(folders[name]) for name in ("without", "with"))
    assert {name: row for name, row in found.items() if SUFFIX not in row.quantity} == without


def test_controls_are_measured_beside_the_adapters(folders: Mapping[str, Path]) -> None:
    found = estimates(folders["with"])
    gain, control = (found[f"{name}/layer=2/lang=ml/primary/primary"] for name in ("gain", "gain-control"))
    assert (control.unit, control.num_seeds, control.num_units) == (gain.unit, 2, gain.num_units)
    assert control.value != gain.value
    before, after = (found[f"target-nats-control/lang=ml/{when}/primary"] for when in ("before", "after"))
    assert before.value == found["target-nats/lang=ml/before/primary"].value != after.value


def test_controls_take_the_same_steps_on_other_pairs(folders: Mapping[str, Path]) -> None:
    own = read_table(folders["without"].parents[1] / "adapters" / "ml" / "seed-1", TrainingLoss)
    control = read_table(folders["with"].parents[1] / "adapters" / "ml" / "control-1", TrainingLoss)
    assert [row.step for row in control] == [row.step for row in own]
    assert all(one.loss != other.loss for one, other in zip(own, control, strict=True))


def test_a_control_that_stopped_breaks_nothing_but_its_own_estimates(folders: Mapping[str, Path]) -> None:
    without, stopped = (estimates(folders[name]) for name in ("without", "stopped"))
    broken = read_stored(folders["stopped"]).broken
    assert stopped == without
    assert set(broken) == set(estimates(folders["with"])) - set(without)
    (failure,) = adapter_failures(folders["stopped"])
    assert failure.name == "ml/control-2"
    assert set(broken.values()) == {str(failure)}


def test_controls_are_read_in_their_own_language_and_asked_no_question(folders: Mapping[str, Path]) -> None:
    store = folders["with"].parents[1]
    assert [path.name for path in (store / "activations-tuned" / "ml" / "control-1").iterdir()] == ["ml"]
    assert not list(store.glob("benchmarks-tuned/*/control-*"))


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        pytest.param("paper", ["ml/control-1", "hi/control-1", "mr/control-1"], id="the paper"),
        pytest.param("rehearsal", ["ml/control-1", "hi/control-1", "mr/control-1"], id="the rehearsal"),
        pytest.param("fixture", ["ml/control-1"], id="one language of the fixture"),
    ],
)
def test_profiles_with_a_control(name: str, controls: list[str]) -> None:
    study = load_study("sin2025")
    items = plan(study, load_profile(study, name), "cpu").stage("adapters").items
    assert sorted(item.name for item in items if "control" in item.name) == sorted(controls)


@pytest.mark.parametrize("study", ["sin2025", "miniature"])
def test_no_claim_rests_on_a_control(study: str) -> None:
    named = [each for claim in load_claims(study) for reading in claim.readings for each in reading.estimates]
    assert named
    assert not [each for each in named if SUFFIX in each]
