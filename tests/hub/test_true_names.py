"""What the hub in miniature serves under the true names is what the committed world holds, and sets the true traps."""

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from sentencepiece import SentencePieceProcessor

from claims.sin2025 import pins
from harness.models.loading import LanguageModel, load_language_model
from harness.sources.neuronpedia import listed_latents, stored_rows
from harness.words.plan import Numerics
from harness.words.study import GEMMA_2, Home, ModelPin
from tests.hub.miniature import BUCKET, FIXTURES, miniature_hub
from tests.hub.server import Content, Hub, content_of

SHARDS = [f"model-0000{number}-of-00003.safetensors" for number in (1, 2, 3)]
TEXT = "The old harbour was quiet, all 54 days."


@pytest.fixture(scope="module")
def miniature() -> Hub:
    return miniature_hub()


@pytest.fixture(scope="module")
def files(miniature: Hub) -> Mapping[str, Content]:
    return miniature.repositories["models", pins.MODEL.address].files


def language_model(folder: Path) -> LanguageModel:
    pin = ModelPin(name="model", home=Home.FOLDER, address=str(folder), licence="none", facts=GEMMA_2)
    return load_language_model(pin, Numerics(device="cpu", dtype="float32", threads=1))


def test_the_model_comes_in_shards_under_its_true_names(files: Mapping[str, Content]) -> None:
    assert sorted(name for name in files if pins.MODEL.wants(name)) == [
        *("config.json", "generation_config.json", *SHARDS, "model.safetensors.index.json"),
        *("special_tokens_map.json", "tokenizer.json", "tokenizer.model", "tokenizer_config.json"),
    ]


def test_the_shards_are_the_committed_model_bit_for_bit(files: Mapping[str, Content], tmp_path: Path) -> None:
    for name in files:
        if pins.MODEL.wants(name):
            (tmp_path / name).write_bytes(content_of(files[name]))
    served, committed = language_model(tmp_path), language_model(FIXTURES / "model")
    assert served.token_ids([TEXT]) == committed.token_ids([TEXT])
    ours, theirs = served.model.state_dict(), committed.model.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_second_tokenizer_knows_the_same_pieces_and_puts_no_bos(files: Mapping[str, Content]) -> None:
    (expected,) = language_model(FIXTURES / "model").token_ids([TEXT])
    assert (
        SentencePieceProcessor(model_proto=content_of(files["tokenizer.model"])).encode(TEXT) == expected[1:]
    )


def exported(miniature: Hub, source: str, kind: str) -> list[list[Any]]:
    """Parsed rows of each file of one source."""
    return [
        [json.loads(line) for line in gzip.decompress(content_of(content)).splitlines()]
        for key, content in miniature.objects.items()
        if key.startswith(f"{BUCKET}/{source}/{kind}/")
    ]


@pytest.mark.parametrize("kind", ["activations", "features"])
def test_every_source_names_latents_by_strings_in_some_files_and_by_numbers_in_others(
    miniature: Hub, kind: str
) -> None:
    for source in pins.PHRASE_SOURCE_IDS:
        kinds = [{type(row["index"]) for row in rows} for rows in exported(miniature, source, kind) if rows]
        assert all(len(each) == 1 for each in kinds)
        assert {str} in kinds
        assert {int} in kinds


def test_both_kinds_join_on_the_same_latents(miniature: Hub, tmp_path: Path) -> None:
    source, export = pins.PHRASE_SOURCE_IDS[0], tmp_path / BUCKET
    for key, content in miniature.objects.items():
        if key.startswith(f"{BUCKET}/{source}/"):
            path = export / key.removeprefix(f"{BUCKET}/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content_of(content))
    rows = {row.latent for row in stored_rows(export, source)}
    assert rows == listed_latents(export, source)
    assert len(rows) > 64
