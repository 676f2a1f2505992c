"""The meter by pencil: two layers, a few tokens, and everything that a network may be asked to do with them."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from harness.models.sae import Encoder, latent_activations
from harness.models.work import METER, WITH_GRADIENTS, Meter
from harness.words.plan import Work

PAD = 0


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, stream: Tensor) -> tuple[Tensor]:
        return (self.scale * stream,)


class Decoder(nn.Module):
    """Two layers over token ids as numbers; may stop after the first, as a reader of shallow layers does."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(), Layer()])

    def forward(self, input_ids: Tensor, depth: int = 2) -> Tensor:
        stream = input_ids.to(torch.float32)
        for layer in list(self.layers)[:depth]:
            (stream,) = layer(stream)
        return stream


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def decoder(meter: Meter) -> Decoder:
    decoder = Decoder()
    meter.watch(decoder, PAD)
    return decoder


TEXTS = torch.tensor([[PAD, 2, 5], [2, 7, 9]])
"""Two and three tokens, one place of padding."""


@torch.no_grad()
def test_padding_is_no_token_and_every_layer_counts(meter: Meter, decoder: Decoder) -> None:
    decoder(input_ids=TEXTS)
    assert meter.so_far() == Work(texts=2, tokens=5, token_layers=10)
    decoder(TEXTS)
    assert meter.so_far() == Work(texts=4, tokens=10, token_layers=20)


@torch.no_grad()
def test_a_pass_that_ends_early_counts_the_layers_it_reached(meter: Meter, decoder: Decoder) -> None:
    decoder(input_ids=TEXTS, depth=1)
    decoder(input_ids=TEXTS[1:], depth=2)
    assert meter.so_far() == Work(texts=3, tokens=8, token_layers=5 + 6)


def test_layers_with_gradients_count_as_two_passes(meter: Meter, decoder: Decoder) -> None:
    """The first layer is frozen here, so that nothing is sent back through it."""
    decoder.layers[0].requires_grad_(requires_grad=False)
    decoder(input_ids=TEXTS)
    assert meter.so_far().token_layers == 5 + WITH_GRADIENTS * 5


def test_asking_twice_counts_once_and_a_difference_is_what_came_between(
    meter: Meter, decoder: Decoder
) -> None:
    with torch.no_grad():
        decoder(input_ids=TEXTS)
        before = meter.so_far()
        assert meter.so_far() == before
        decoder(input_ids=TEXTS[:1])
    meter.translated += 3
    assert meter.so_far() - before == Work(texts=1, tokens=2, token_layers=4, translated=3)


def test_what_a_dictionary_encodes_is_counted() -> None:
    """Five tokens, two values each, against three latents; twice as dear on the way back."""
    encoder = Encoder(W_enc=torch.ones(2, 3), b_enc=torch.zeros(3), threshold=torch.zeros(3))
    before = METER.so_far()
    latent_activations(torch.ones(5, 2), encoder)
    assert (METER.so_far() - before).encoded == 5 * 2 * 3
    latent_activations(torch.ones(5, 2, requires_grad=True), encoder)
    assert (METER.so_far() - before).encoded == 30 + WITH_GRADIENTS * 30
    # All compete in a TopK, however few are asked.
    top_1 = replace(encoder, k=1).choosing(torch.tensor([2]))
    before = METER.so_far()
    latent_activations(torch.ones(5, 2), top_1)
    assert (METER.so_far() - before).encoded == 30
