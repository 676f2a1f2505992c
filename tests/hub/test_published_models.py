"""The tuned models of the hub in miniature: one of each kind, and each moves what a model's layers give."""

from pathlib import Path

import pytest
import torch

from claims.sin2025 import pins
from harness.supply.adapters import attached
from harness.supply.loading import load_language_model
from harness.words.pins import Home, Pin
from harness.words.tasks import Numerics
from tests.hub.miniature import FIXTURES, miniature_hub

WANTED = ("adapter_config.json", "adapter_model.safetensors", "model.safetensors")


@pytest.mark.parametrize("number", [0, 1], ids=["an adapter", "whole weights"])
def test_each_kind_moves_the_residual_stream(tmp_path: Path, number: int) -> None:
    repository = miniature_hub().repositories["models", pins.PUBLISHED_MODELS[number].pin.address]
    for name in WANTED:
        if name in repository.files:
            content = repository.files[name]
            (tmp_path / name).write_bytes(content() if callable(content) else content)
    pin = Pin(name="model", home=Home.FOLDER, address=str(FIXTURES / "model"), licence="none")
    model = load_language_model(pin, Numerics(device="cpu", dtype="float32", threads=1)).model
    tokens = torch.tensor([[2, 50, 70]])
    with torch.no_grad():
        before = model(tokens, output_hidden_states=True).hidden_states[21]
        with attached(model, tmp_path) as tuned:
            after = tuned(tokens, output_hidden_states=True).hidden_states[21]
    assert not torch.allclose(before, after)
