"""The tiny world holds the traps that the stages are tested with."""

import gzip
import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.world_networks import BOS_ONLY_LATENT, BOS_PEAKED_LATENT, D_SAE, DEAD_LATENT
from tests.worlds import build_world, dictionary_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.worlds import World

Rows = dict[int, list[dict[str, Any]]]


def read_rows(world: "World", layer: int, kind: str) -> Rows:
    folder = world.root / "neuronpedia/v1/gemma-2-2b-miniature" / world.phrase_source_ids[layer] / kind
    rows: Rows = defaultdict(list)
    for path in sorted(folder.glob("batch-*.jsonl.gz")):
        for line in gzip.decompress(path.read_bytes()).splitlines():
            row = json.loads(line)
            rows[int(row["index"])].append(row)
    return rows


def peaks_on_bos(row: dict[str, Any]) -> bool:
    return bool(row["tokens"][row["maxValueTokenIndex"]] == "<bos>")


@pytest.mark.parametrize("layer", range(4))
def test_latents_with_a_story_are_told_as_announced(world: "World", layer: int) -> None:
    rows = read_rows(world, layer, "activations")
    assert all(peaks_on_bos(row) for row in rows[BOS_ONLY_LATENT])
    assert {peaks_on_bos(row) for row in rows[BOS_PEAKED_LATENT]} == {True, False}
    assert set(range(D_SAE)) - set(rows) == {DEAD_LATENT, D_SAE - 1}


def test_export_mixes_index_types_and_orders(world: "World") -> None:
    rows = read_rows(world, 0, "activations")
    assert {type(row["index"]) for latent in rows.values() for row in latent} == {str, int}
    assert list(read_rows(world, 0, "features")) == sorted(range(D_SAE - 1), key=str)


def test_most_latents_have_several_strong_english_rows(world: "World") -> None:
    rows, features = (read_rows(world, 1, kind) for kind in ("activations", "features"))
    strong = [
        len(
            {
                tuple(row["tokens"])
                for row in latent
                if row["maxValue"] >= 0.8 * features[n][0]["maxActApprox"]
            }
        )
        for n, latent in rows.items()
    ]
    assert np.median(strong) >= 4


@pytest.mark.parametrize("layer", range(4))
def test_a_plausible_share_of_latents_fires(world: "World", layer: int) -> None:
    features = read_rows(world, layer, "features")
    dictionary = np.load(world.root / "saes" / dictionary_file(layer))
    np.testing.assert_allclose(np.linalg.norm(dictionary["W_dec"], axis=1), 1, rtol=1e-5)
    assert (dictionary["threshold"] > 0).all()
    assert len(features) == D_SAE - 1


def test_items_are_aligned_over_languages(world: "World") -> None:
    for folder in ("m_arc", "m_hellaswag", "m_mmlu"):
        ids = [item_ids(world.root / "okapi" / folder / "data" / code) for code in world.languages]
        assert ids[0] == ids[1] == ids[2]
        assert len(ids[0]) == 12


def item_ids(folder: "Path") -> list[str]:
    return [json.loads(line)["id"] for line in (folder / "test.jsonl").read_text("utf-8").splitlines()]


def test_same_seed_same_bytes(world: "World", tmp_path: "Path") -> None:
    again = build_world(tmp_path)
    files = [path.relative_to(world.root) for path in world.root.rglob("*") if path.is_file()]
    assert [
        name for name in files if (world.root / name).read_bytes() != (again.root / name).read_bytes()
    ] == []
