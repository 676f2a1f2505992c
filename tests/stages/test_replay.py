"""The replay stage on the tiny world: found again as it is, and lost with every known way of loading it wrongly."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claims.sin2025.study import STUDY
from harness.designs.design import plan
from harness.models.loading import load_language_model
from harness.sources.pins import locate
from harness.sources.studies import load_profile
from harness.stages.replay import replay, require_some
from harness.statistics.replay_gate import enough_rows
from harness.store.tables import read_table
from harness.words.errors import WrongNetworksError
from harness.words.plan import Parameters
from harness.words.records import LayerReplay, LoadedFile, LoadedModel, ReplayedRow
from harness.words.study import Home
from tests.worlds import World


def task_of(world: World) -> Parameters:
    return {
        "export": world.phrases,
        "source_ids": world.phrase_source_ids,
        "networks": world.networks(),
        "rows_per_layer": 20,
        "seed": 3,
    }


def layers(task: Parameters, out: Path) -> list[LayerReplay]:
    replay(out=out, **task)
    return read_table(out, LayerReplay)


def test_every_layer_is_found_again(world: World, tmp_path: Path) -> None:
    found = layers(task_of(world), tmp_path)
    assert [(row.layer, row.rows, row.rows_passing, row.rows_same_peak, row.passes) for row in found] == [
        (layer, 20, 20, 20, True) for layer in range(world.num_layers)
    ]
    assert [(row.median_correlation, row.median_scale) for row in found] == [
        pytest.approx((1, 1), abs=1e-3)
    ] * 4


def test_shapes_come_from_what_was_loaded(world: World, tmp_path: Path) -> None:
    found = layers(task_of(world), tmp_path)
    (model,) = read_table(tmp_path, LoadedModel)
    assert (model.num_layers, model.d_model, model.dtype, model.attention) == (4, 32, "float32", "eager")
    assert model.vocab_size == load_language_model(world.model, world.numerics).model.config.vocab_size
    assert {(row.d_model, row.d_sae) for row in found} == {(32, 64)}


def test_every_file_of_the_networks_is_digested(world: World, tmp_path: Path) -> None:
    replay(out=tmp_path, **task_of(world))
    files = read_table(tmp_path, LoadedFile)
    assert {file.path for file in files} == {
        *("model.safetensors", "config.json", "tokenizer.json"),
        *world.dictionary_files,
    }
    assert all(len(file.sha256) == 64 for file in files)


def test_the_dictionary_of_another_layer_does_not_pass(world: World, tmp_path: Path) -> None:
    files = world.dictionary_files
    networks = replace(world.networks(), dictionary_files=(files[1], *files[1:]))
    found = layers({**task_of(world), "networks": networks}, tmp_path)
    assert [row.passes for row in found] == [False, True, True, True]


def test_a_dictionary_of_another_sparsity_does_not_pass(world: World, tmp_path: Path) -> None:
    """A raised threshold: the peaks stay where they were."""
    source = locate(world.dictionaries)
    shutil.copytree(source, tmp_path / "saes")
    path = tmp_path / "saes" / world.dictionary_files[2]
    arrays = dict(np.load(path))
    arrays["b_enc"] = arrays["b_enc"] - 0.3 * np.abs(arrays["threshold"]).max()
    np.savez(path, **arrays)
    pin = replace(world.dictionaries, address=str(tmp_path / "saes"))
    found = layers(
        {**task_of(world), "networks": replace(world.networks(), dictionaries=pin)}, tmp_path / "out"
    )
    assert [row.passes for row in found] == [True, True, False, True]


def test_no_layer_passes_without_bos(world: World, tmp_path: Path) -> None:
    found = layers(task_of(world), tmp_path)
    assert [enough_rows(row.rows_passing_without_bos, row.rows) for row in found] == [False] * 4


def test_no_layer_of_the_miniature_passes_without_bos(tmp_path: Path) -> None:
    """Its first six layers, where a missing BOS shows least: up to 34 of 50 rows pass."""
    (item,) = plan(STUDY, load_profile(STUDY, "fixture"), "cpu").stage("replay").items
    networks = item.parameters["networks"]
    six = replace(networks, dictionary_files=networks.dictionary_files[:6], dictionary_layers=tuple(range(6)))
    told = {"source_ids": item.parameters["source_ids"][:6], "networks": six}
    found = layers({**item.parameters, **told}, tmp_path)
    assert [row.passes for row in found] == [True] * 6
    assert [enough_rows(row.rows_passing_without_bos, row.rows) for row in found] == [False] * 6


def test_no_layer_at_all_ends_a_run_on_foreign_things(world: World, tmp_path: Path) -> None:
    found = layers(task_of(world), tmp_path)
    lost = [replace(row, passes=False, median_scale=0.6, median_scale_without_bos=0.98) for row in found]
    foreign = replace(world.phrases, home=Home.BUCKET)
    says = r"on none of 4 layers: correlation 1.000, scale 0.600, without BOS 0.980 .*hold their revisions"
    with pytest.raises(WrongNetworksError, match=says):
        require_some(foreign, lost)
    require_some(foreign, [*lost[1:], found[0]])
    require_some(world.phrases, lost)


def test_every_row_is_kept(world: World, tmp_path: Path) -> None:
    replay(out=tmp_path, **task_of(world))
    rows = read_table(tmp_path, ReplayedRow)
    assert len(rows) == 80
    assert all(row.passes for row in rows)
