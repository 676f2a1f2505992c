"""JumpReLU arithmetic by pencil, and against sae-lens."""

import pytest
import torch
from torch import Tensor

from harness.models.sae import Encoder, latent_activations, load_encoder, load_sae
from harness.statistics.finite import NotFiniteError
from tests.world_networks import DEAD_LATENT
from tests.worlds import World, dictionary_file

ONES = Encoder(W_enc=torch.ones(2, 3), b_enc=torch.zeros(3), threshold=torch.tensor([1.0, 0.5, 0.25]))
"""Every pre-activation is the sum of the stream; three latents of rising ease."""


@pytest.fixture(scope="module")
def encoder(world: World) -> Encoder:
    return load_encoder(world.dictionaries, dictionary_file(1))


@pytest.fixture(scope="module")
def residual() -> Tensor:
    return 3 * torch.randn(5, 7, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("stream", "expected"),
    [
        pytest.param([0.5, 0.25], [0.0, 0.75, 0.75], id="0.75 passes 0.5 and 0.25 but not 1"),
        pytest.param([0.75, 0.5], [1.25, 1.25, 1.25], id="1.25 passes all and keeps its height"),
        pytest.param([0.25, 0.25], [0.0, 0.0, 0.5], id="0.5 does not pass a threshold of 0.5"),
        pytest.param([-1.0, 0.5], [0.0, 0.0, 0.0], id="a negative sum passes nothing"),
    ],
)
def test_ones_and_three_thresholds(stream: list[float], expected: list[float]) -> None:
    assert latent_activations(torch.tensor(stream), ONES).tolist() == expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_stream_that_is_no_number_is_refused_and_not_silent(value: float) -> None:
    stream = torch.tensor([[0.3, 0.3], [value, 0.3]])
    with pytest.raises(NotFiniteError) as refused:
        latent_activations(stream, ONES)
    assert (refused.value.what, str(refused.value.value)) == ("value of the residual stream", str(value))
    assert str(refused.value) == (
        "the residual stream holds values that are infinite or no number; the precision is too low for this model, "
        "or its weights are broken"
    )


def test_a_negative_threshold_lets_nothing_below_zero_through() -> None:
    # Pre-activations -0.5, 0 and 0.5 all pass a threshold of -1; only 0.5 is above zero.
    eager = Encoder(W_enc=torch.eye(3), b_enc=torch.zeros(3), threshold=torch.full((3,), -1.0))
    assert latent_activations(torch.tensor([-0.5, 0.0, 0.5]), eager).tolist() == [0.0, 0.0, 0.5]


def test_the_bias_is_added_before_the_threshold() -> None:
    # 0.5 + 0.25 = 0.75 passes 0.5 with the bias only.
    biased = Encoder(W_enc=torch.ones(1, 1), b_enc=torch.tensor([0.25]), threshold=torch.tensor([0.5]))
    assert latent_activations(torch.tensor([0.5]), biased).tolist() == [0.75]


def test_chosen_columns_equal_the_full_encoding_in_the_order_asked(
    encoder: Encoder, residual: Tensor
) -> None:
    latents = torch.tensor([9, 2, 63, 2])
    torch.testing.assert_close(
        latent_activations(residual, encoder.columns(latents)),
        latent_activations(residual, encoder)[..., latents],
        rtol=1e-5,
        atol=1e-5,
    )


def test_sae_lens_gives_the_same_activations(world: World, encoder: Encoder, residual: Tensor) -> None:
    dictionary = load_sae(world.dictionaries, dictionary_file(1), "cpu")
    ours = latent_activations(residual, encoder)
    torch.testing.assert_close(ours, dictionary.encode(residual), rtol=1e-5, atol=1e-5)
    assert 0 < (ours > 0).float().mean() < 1
    assert (ours[..., DEAD_LATENT] == 0).all()


def test_the_decoders_bias_is_not_subtracted(world: World, encoder: Encoder, residual: Tensor) -> None:
    b_dec = load_sae(world.dictionaries, dictionary_file(1), "cpu").b_dec
    assert b_dec.abs().max() > 0.1
    pre_acts = residual @ encoder.W_enc + encoder.b_enc
    fires = latent_activations(residual, encoder) > 0
    torch.testing.assert_close(
        latent_activations(residual, encoder)[fires], pre_acts[fires], rtol=1e-5, atol=1e-5
    )
    assert not torch.allclose(
        latent_activations(residual - b_dec, encoder), latent_activations(residual, encoder)
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_half_precision_streams_are_raised_before_encoding(
    encoder: Encoder, residual: Tensor, dtype: torch.dtype
) -> None:
    halved = residual.to(dtype)
    found = latent_activations(halved, encoder)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, latent_activations(halved.float(), encoder), rtol=0, atol=0)


def test_a_latent_that_half_precision_would_lose_survives() -> None:
    # bfloat16 keeps 8 bits: 1 + 2**-9 rounds to 1 there and would not pass a threshold of 1.
    encoder = Encoder(W_enc=torch.ones(2, 1), b_enc=torch.zeros(1), threshold=torch.ones(1))
    stream = torch.tensor([1.0, 2.0**-9], dtype=torch.bfloat16)
    assert latent_activations(stream, encoder).tolist() == [1 + 2.0**-9]


def test_gradients_pass_where_a_latent_fires_and_nowhere_else() -> None:
    stream = torch.tensor([[0.5, 0.25]], requires_grad=True)
    torch.autograd.backward(latent_activations(stream, ONES).sum())
    # Two of three latents fire, each with slope 1 in both coordinates.
    assert stream.grad is not None
    assert stream.grad.tolist() == [[2.0, 2.0]]


def test_an_encoder_is_carried_to_a_device_whole() -> None:
    # The device "meta" holds shapes and no values, so a part that stayed behind shows.
    moved = ONES.to("meta")
    parts = (moved.W_enc, moved.b_enc, moved.threshold)
    assert [part.device.type for part in parts] == ["meta"] * 3
    assert [tuple(part.shape) for part in parts] == [(2, 3), (3,), (3,)]


def test_activations_are_float32_where_their_stream_lies_whatever_the_defaults() -> None:
    stream = torch.tensor([0.5, 0.25])
    with torch.device("meta"):
        found = latent_activations(stream, ONES)
    assert (found.device.type, found.dtype) == ("cpu", torch.float32)
    assert found.tolist() == [0.0, 0.75, 0.75]
