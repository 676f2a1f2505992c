"""The card of an adapter: read by the hub's own reader, true to the training, and without a phrase or a path."""

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path

import pytest
from huggingface_hub import ModelCard

from harness.models.adapters import attached
from harness.models.loading import load_language_model
from harness.sources.pins import revision_of
from harness.stages import alignment
from harness.stages.alignment import training_and_held_out
from harness.stages.alignment_loss import Pairs
from harness.stages.model_card import Trained, model_card
from harness.stages.training import planned_batches
from harness.store.tables import read_table
from harness.words.canonical import digest_of
from harness.words.records import AlignmentStep
from harness.words.study import AlignedLatents, Home, Pin
from tests.stages.conftest import SENTENCES, made
from tests.stages.test_alignment import task_of
from tests.worlds import World


@pytest.fixture(scope="module")
def folders(
    world: World, inputs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Path]:
    root = tmp_path_factory.mktemp("cards")
    changes: dict[str, dict[str, object]] = {
        "first": {},
        "again": {},
        "control": {"wrong_partners": True},
        "other seed": {"seed": 2},
    }
    for name, change in changes.items():
        made(alignment.adapters, task_of(world, **change), inputs, root / name)
    return {name: root / name for name in changes}


def card(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def test_the_hubs_own_reader_finds_what_it_looks_for(folders: Mapping[str, Path], world: World) -> None:
    data = ModelCard.load(folders["first"] / "README.md").data.to_dict()
    assert data["base_model"] == world.model.name
    assert data["base_model_revision"] == revision_of(world.model)
    assert (data["library_name"], data["pipeline_tag"]) == ("peft", "text-generation")
    assert data["language"] == ["en", "ml"]
    assert data["license"] == "other"
    assert data["license_name"] == world.model.licence.lower().replace(" ", "-")
    assert {"lora", "peft"} <= set(data["tags"])


def test_the_same_training_gives_the_same_card(folders: Mapping[str, Path]) -> None:
    assert card(folders["first"]) == card(folders["again"])


def test_a_card_holds_the_figures_of_its_training(folders: Mapping[str, Path]) -> None:
    moments = read_table(folders["first"], AlignmentStep)
    before, after = moments[0].target_nats_per_token, moments[-1].target_nats_per_token
    text = card(folders["first"])
    assert f"in the target language, nats per token | {before:.6g} | {after:.6g} |" in text
    assert "| seed | 1 |" in text
    assert "| steps taken | 3 |" in text
    assert "| learning_rate | 0.001 |" in text
    assert '| latents | "own" |' in text
    assert "The means go over the latents that each English phrase was selected for." in text


def test_a_card_names_a_model_of_the_hub_by_its_address(world: World) -> None:
    pin = Pin(name="model", home=Home.HUB_MODEL, address="google/gemma-2-2b", licence="Gemma Terms of Use")
    networks = replace(world.networks(), model=pin)
    one = Pairs(english=((1, 2),), target=((1, 3),), own=((),))
    names = [field.name for field in fields(AlignmentStep)]
    moments = [AlignmentStep(**dict.fromkeys(names, step)) for step in (0, 1)]
    text = model_card(
        Trained(
            task=task_of(world, networks=networks),
            revision="c" * 40,
            drawn=one,
            pool_size=1,
            held_out=one,
            losses=[],
            moments=moments,
        )
    )
    data = ModelCard(text).data.to_dict()
    assert (data["base_model"], data["base_model_revision"]) == ("google/gemma-2-2b", "c" * 40)
    assert data["license_name"] == "gemma-terms-of-use"
    assert "no model of the hub" not in text


def test_a_card_tells_no_phrase_and_no_path(folders: Mapping[str, Path], world: World) -> None:
    assert str(world.root) not in card(folders["first"])
    assert not [sentence for sentence in SENTENCES if sentence in card(folders["first"])]


def test_the_card_of_a_control_says_so_and_names_other_data(folders: Mapping[str, Path]) -> None:
    control, own = card(folders["control"]), card(folders["first"])
    assert "# Adapter ml/control-1" in control
    assert "wrong ones, by seed" in control
    assert "control" in ModelCard.load(folders["control"] / "README.md").data.tags
    assert trained_on(own) != trained_on(control)


def test_a_card_counts_and_digests_the_pairs_that_were_drawn(
    folders: Mapping[str, Path], world: World, inputs: Mapping[str, Path]
) -> None:
    pool, _ = training_and_held_out(load_language_model(world.model, world.numerics), **inputs)
    task = task_of(world)
    drawn = sorted({index for batch in planned_batches(len(pool), task) for index in batch})
    assert len(drawn) == task.batch_size * 3 < len(pool), "of so few pairs every step would see all"
    chosen = pool.chosen(drawn)
    digest = digest_of([chosen.english, chosen.target])
    told = f"- Pairs trained on: 12, drawn by seed from {len(pool)}, SHA-256 of their token ids `{digest}`"
    assert trained_on(card(folders["first"])) == told


def test_a_card_says_what_its_loss_was_a_mean_over(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    made(alignment.adapters, task_of(world, latents=AlignedLatents.ALL, max_steps=1), inputs, tmp_path)
    assert "The means go over all latents of the layer." in card(tmp_path)


def test_another_seed_names_other_data(folders: Mapping[str, Path]) -> None:
    assert trained_on(card(folders["first"])) != trained_on(card(folders["other seed"]))


def trained_on(text: str) -> str:
    (line,) = (line for line in text.splitlines() if "Pairs trained on" in line)
    return line


def test_an_adapter_with_its_card_comes_back(folders: Mapping[str, Path], world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    with attached(language_model.model, folders["first"]) as tuned:
        assert tuned.peft_config["default"].r == task_of(world).choice.rank
