"""What a model loses where a layer's stream is replaced: all copies in one pass, against one slow pass for each."""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor

from harness.models.loading import LanguageModel, load_language_model
from harness.models.splicing import text_losses
from tests.worlds import World

TEXTS = ("The old harbour is near the river.", "The cold window.", "The bright island looks like the letter.")
LAYERS = range(4)
TOLERANCE = {"rel": 1e-4}


@pytest.fixture(scope="module")
def language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture(scope="module")
def ids(language_model: LanguageModel) -> list[list[int]]:
    return language_model.token_ids(TEXTS)


def slow_loss(
    language_model: LanguageModel,
    row: Sequence[int],
    layer: int | None = None,
    replaced: Callable[[Tensor], Tensor] = lambda stream: stream,
) -> float:
    """Summed loss of one text by the library's own logits, with one layer's output replaced."""

    def hook(_module: object, _inputs: object, output: Tensor) -> Tensor:
        return replaced(output)

    block = language_model.model.model.layers[layer or 0]
    handle = block.register_forward_hook(hook) if layer is not None else None
    tokens = torch.tensor([row])
    with torch.no_grad():
        logits = language_model.model(input_ids=tokens).logits[0, :-1].to(torch.float32)
    if handle is not None:
        handle.remove()
    # The first token is predicted from what stands in front, which nothing rebuilds.
    return float(-torch.log_softmax(logits, dim=-1).gather(1, tokens[0, 1:, None])[1:].sum())


def halved(_layer: int, stream: Tensor) -> Tensor:
    return 0.5 * stream + 0.1


def halved_but_for_bos(stream: Tensor) -> Tensor:
    return torch.cat([stream[:, :1], halved(0, stream[:, 1:])], dim=1)


@pytest.mark.parametrize("batch_tokens", [1, 10_000])
def test_every_loss_is_that_of_a_pass_of_its_own(
    language_model: LanguageModel, ids: list[list[int]], batch_tokens: int
) -> None:
    found = text_losses(language_model, ids, LAYERS, halved, batch_tokens)
    for row, losses in zip(ids, found, strict=True):
        assert losses.tokens == len(row) - 2
        assert losses.clean == pytest.approx(slow_loss(language_model, row), **TOLERANCE)
        spliced = [slow_loss(language_model, row, layer, halved_but_for_bos) for layer in LAYERS]
        assert losses.spliced == pytest.approx(spliced, **TOLERANCE)
        zeroed = [slow_loss(language_model, row, layer, torch.zeros_like) for layer in LAYERS]
        assert losses.zeroed == pytest.approx(zeroed, **TOLERANCE)


def test_a_perfect_copy_loses_nothing(language_model: LanguageModel, ids: list[list[int]]) -> None:
    for losses in text_losses(language_model, ids, LAYERS, lambda _layer, stream: stream, 1_000):
        assert losses.spliced == pytest.approx([losses.clean] * len(LAYERS), rel=1e-6)


def test_the_model_is_left_as_it_was(language_model: LanguageModel, ids: list[list[int]]) -> None:
    before = slow_loss(language_model, ids[0])
    text_losses(language_model, ids, LAYERS, halved, 1_000)
    assert slow_loss(language_model, ids[0]) == before


def test_no_text_loses_nothing(language_model: LanguageModel) -> None:
    assert text_losses(language_model, [], LAYERS, halved, 1_000) == []
