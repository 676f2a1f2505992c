"""The committed miniature of the second paper, through every stage in one process: three checkpoints, and little of everything."""

from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from claims.inaba2025.profiles import fixture
from claims.inaba2025.study import STUDY
from harness.designs.design import costs_of, plan
from harness.designs.emergence.availability import sources_of
from harness.judge.measurements import Measurements
from harness.judge.unit_values import Stored, read_stored
from harness.models.work import METER
from harness.stages.stage import perform
from harness.store.tables import read_table
from harness.words.claim import InferenceTarget
from harness.words.dictionaries import BILINGUAL, ClassShare
from harness.words.emergence import EmergenceSizes, EmergenceSources
from harness.words.estimate import SelfCheck
from harness.words.plan import Work
from harness.words.study import Profile


def small() -> Profile:
    """The miniature world with three of its checkpoints, and dictionaries of a few steps."""
    ours = fixture()
    assert isinstance(ours.sources, EmergenceSources)
    assert isinstance(ours.sizes, EmergenceSizes)
    assert ours.sizes.windows is not None
    assert ours.sizes.recipe is not None
    kept = {"150m-mid", "150m-final", "440m-final"}
    return replace(
        ours,
        sources=replace(ours.sources, cells=tuple(each for each in ours.sources.cells if each.name in kept)),
        sizes=replace(
            ours.sizes,
            repeated_seeds=(2, 3),
            spliced_windows=4,
            integration_windows=12,
            check_windows=8,
            windows=replace(ours.sizes.windows, per_language=160),
            recipe=replace(ours.sizes.recipe, latents=64, tokens=6_000, buffer_tokens=6_000),
            classes=replace(STUDY.primary.classes, min_examples=2),
        ),
    )


@dataclass(frozen=True)
class Made:
    """What every item left, and what it made networks read."""

    folders: dict[tuple[str, str], Path] = field(default_factory=dict)
    work: dict[tuple[str, str], Work] = field(default_factory=lambda: defaultdict(Work))
    """By stage and size."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root, made = tmp_path_factory.mktemp("miniature"), Made()
    for item in plan(STUDY, small(), "cpu").items():
        out, before = root / item.stage / item.name, METER.so_far()
        out.mkdir(parents=True)
        perform(item, {role: made.folders[need.stage, need.name] for role, need in item.needs}, out)
        made.folders[item.stage, item.name] = out
        made.work[item.stage, item.name.partition("-")[0]] += METER.so_far() - before
    return made


@pytest.fixture(scope="module")
def folders(made: Made) -> dict[tuple[str, str], Path]:
    return made.folders


@pytest.fixture(scope="module")
def tables(folders: dict[tuple[str, str], Path]) -> Stored:
    return read_stored(folders["estimates", "all"])


def test_every_layer_has_its_shares_and_they_sum_to_all(tables: Stored) -> None:
    for layer in (0, 1, 2, 3, 5):
        shares = [
            tables.estimates[
                f"class-share/model=150m/step=final/class={label}/layer={layer}/primary/primary"
            ].value
            for label in STUDY.classes
        ]
        assert sum(shares) == pytest.approx(100)


def test_every_estimate_is_what_its_units_give(tables: Stored) -> None:
    measurements = Measurements(study=STUDY, tables=tables)
    assert len(tables.estimates) > 100
    for name in tables.estimates:
        assert measurements[name, InferenceTarget.POPULATION].is_finite


def test_other_seeds_train_other_dictionaries_whose_shares_lie_within_their_sampling_error(
    folders: dict[tuple[str, str], Path], tables: Stored
) -> None:
    """At half depth of every checkpoint: no two of three seeds are further apart than so few latents would be by chance."""
    measurements = Measurements(study=STUDY, tables=tables)
    for cell in small().sources.cells:  # type: ignore[attr-defined]
        rows = [row for row in read_table(folders["classes", cell.name], ClassShare) if row.layer == 2]
        labelled = {seed: sum(row.latents for row in rows if row.seed == seed) for seed in (1, 2, 3)}
        shares = {row.seed: row.share / 100 for row in rows if row.label == BILINGUAL}
        assert len(set(shares.values())) > 1
        mean, fewest = sum(shares.values()) / len(shares), min(labelled.values())
        chance = (2 * mean * (1 - mean) / fewest) ** 0.5
        assert max(shares.values()) - min(shares.values()) < 3 * chance
        name = f"class-share/model={cell.size}/step={cell.phase}/class=bilingual/layer=2/primary/primary"
        found = measurements[name, InferenceTarget.POPULATION]
        assert (found.num_seeds, found.value) == (3, pytest.approx(100 * mean))


def test_parts_are_put_in_with_their_controls(tables: Stored) -> None:
    parts = {
        dict(tables.axes[name])["part"]
        for name, row in tables.estimates.items()
        if row.quantity == "integration-gain"
    }
    assert parts == {"en", "ja", "bilingual", "random", "all", "rebuilt"}


@pytest.mark.parametrize("size", ["150m", "440m"])
def test_what_networks_read_is_what_a_plan_foresees(made: Made, size: str) -> None:
    """Texts, tokens and what dictionaries encode; and layers, but where searches and steps of dictionaries are counted as such."""
    cell = next(cell for cell in sources_of(small()).cells if cell.size == size)
    drawn = plan(replace(STUDY, shapes=cell.shapes), small(), "cpu")
    own = (
        replace(stage, items=tuple(item for item in stage.items if size in item.name))
        for stage in drawn.stages
    )
    foreseen = costs_of(replace(drawn, stages=tuple(stage for stage in own if stage.items))).work
    counted = {stage: work for (stage, of), work in made.work.items() if of == size and work != Work()}
    assert counted.keys() == {stage for stage, work in foreseen.items() if work != Work()}
    for stage, work in counted.items():
        layers = ("token_layers",) if stage == "model-checks" else ()
        for part in ("texts", "tokens", "encoded", *layers):
            assert getattr(work, part) == pytest.approx(getattr(foreseen[stage], part), rel=0.02), (
                stage,
                part,
            )


def test_its_checks_come_out_as_they_must(folders: dict[tuple[str, str], Path]) -> None:
    found = read_table(folders["self-checks", "all"], SelfCheck)
    assert [each.check_id for each in found if each.differs] == []
    families = {"balance", "shapes", "loss", "order", "demonstration"}
    assert {each.check_id.partition(".")[0] for each in found} == families


def test_a_world_run_backwards_is_told_by_its_models(
    folders: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    """The last checkpoint in the place of the middle one, and that in its place: every stage runs, and a check differs."""
    ours = small()
    mid, final, large = ours.sources.cells  # type: ignore[attr-defined]
    turned = (replace(mid, pin=final.pin), replace(final, pin=mid.pin), large)
    world = replace(ours, sources=replace(ours.sources, cells=turned))  # type: ignore[call-arg]
    made = {place: folder for place, folder in folders.items() if place[0] in {"corpus", "demo-replay"}}
    for item in plan(STUDY, world, "cpu").items():
        if item.stage in {"model-checks", "self-checks"}:
            out = tmp_path / item.stage / item.name
            out.mkdir(parents=True)
            perform(item, {role: made[need.stage, need.name] for role, need in item.needs}, out)
            made[item.stage, item.name] = out
    found = read_table(made["self-checks", "all"], SelfCheck)
    assert [each.check_id for each in found if each.differs] == ["order.150m"]
