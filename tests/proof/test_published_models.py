"""The tuned models of the hub in miniature: one of each kind, and each moves what a model's layers give."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load, save

from claims.sin2025 import pins
from harness.models.adapters import attached
from harness.models.loading import load_language_model
from harness.store.tables import read_table
from harness.words.plan import Numerics
from harness.words.records import UnusableModel
from harness.words.study import GEMMA_2, Home, ModelPin, PublishedModel
from tests.hub.commands import harness
from tests.hub.miniature import FIXTURES, miniature_hub
from tests.hub.server import Hub, Repository, content_of, serving

WANTED = ("adapter_config.json", "adapter_model.safetensors", "model.safetensors")


@pytest.mark.parametrize("number", [0, 1], ids=["an adapter", "whole weights"])
def test_each_kind_moves_the_residual_stream(tmp_path: Path, number: int) -> None:
    repository = miniature_hub().repositories["models", pins.PUBLISHED_MODELS[number].pin.address]
    for name in WANTED:
        if name in repository.files:
            content = repository.files[name]
            (tmp_path / name).write_bytes(content() if callable(content) else content)
    folder = str(FIXTURES / "model")
    pin = ModelPin(name="model", home=Home.FOLDER, address=folder, licence="none", facts=GEMMA_2)
    model = load_language_model(pin, Numerics(device="cpu", dtype="float32", threads=1)).model
    tokens = torch.tensor([[2, 50, 70]])
    with torch.no_grad():
        before = model(tokens, output_hidden_states=True).hidden_states[21]
        with attached(model, tmp_path) as tuned:
            after = tuned(tokens, output_hidden_states=True).hidden_states[21]
    assert not torch.allclose(before, after)


def test_a_bad_model_stops_no_stage_and_is_named_and_the_others_come_as_they_are(tmp_path: Path) -> None:
    """The command line over a real line: one adapter of another width among the four."""
    miniature, (good, bad, *_) = miniature_hub(), pins.PUBLISHED_MODELS
    files = dict(miniature.repositories["models", good.pin.address].files)
    held = load(content_of(files["adapter_model.safetensors"]))
    files["adapter_model.safetensors"] = save({name: weight[:, :1] for name, weight in held.items()})
    miniature.repositories["models", bad.pin.address] = Repository(files=files)
    words = ["--profile", "paper-authors", "--device", "cpu", "--store", str(tmp_path / "store")]
    with serving(miniature) as hub:
        done = harness(hub, tmp_path, "stage", "published-models", *words, "--run", str(tmp_path / "run"))
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)
    (table,) = (tmp_path / "store").rglob("unusable_models.parquet")
    (row,) = read_table(table.parent, UnusableModel)
    assert (row.language, row.name) == (bad.language, bad.name)
    assert "size mismatch" in row.why
    assert str(tmp_path) not in row.why
    assert not list(table.parent.glob("*.safetensors"))
    for model in pins.PUBLISHED_MODELS:
        if model != bad:
            assert served(miniature, model) in kept(tmp_path / "store")


def served(hub: Hub, model: PublishedModel) -> dict[str, bytes]:
    """What of a model's files is to be brought."""
    files = hub.repositories["models", model.pin.address].files
    return {name: content_of(files[name]) for name in WANTED if name in files}


def kept(store: Path) -> list[dict[str, bytes]]:
    """What each artifact with a whole model holds of it."""
    folders = [table.parent for table in store.rglob("published_origins.parquet")]
    return [
        {name: (folder / name).read_bytes() for name in WANTED if (folder / name).exists()}
        for folder in folders
    ]
