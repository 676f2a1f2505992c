"""SAEs: what their door refuses, that both halves hold the same arrays, and the JumpReLU by pencil and by sae-lens."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.models.sae import Encoder, latent_activations, layer_encoder, layer_sae, load_encoder, load_sae
from harness.statistics.finite import NotFiniteError
from harness.words.errors import MissingSourceError
from harness.words.plan import Networks
from harness.words.study import Home, Pin
from tests.world_networks import D_MODEL, DEAD_LATENT
from tests.worlds import World, dictionary_file


def test_encoder_and_dictionary_hold_the_same_arrays(world: World) -> None:
    file = world.dictionary_files[0]
    encoder, dictionary = (
        load_encoder(world.dictionaries, file),
        load_sae(world.dictionaries, file, "cpu"),
    )
    assert torch.equal(encoder.W_enc, dictionary.W_enc)
    assert torch.equal(encoder.threshold, dictionary.threshold)


def test_a_missing_dictionary_says_what_is_there(world: World) -> None:
    with pytest.raises(MissingSourceError, match=r"layer_9.*its folder holds.*layer_0"):
        load_encoder(world.dictionaries, "layer_9/width_64/average_l0_8/params.npz")


def sound(**changes: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """The arrays of a dictionary of three latents, two wide, with some of them changed."""
    arrays = {"W_enc": np.ones((2, 3)), "W_dec": np.ones((3, 2)), "b_dec": np.zeros(2)}
    return arrays | {"b_enc": np.zeros(3), "threshold": np.zeros(3)} | changes


def pin_of(folder: Path) -> Pin:
    return Pin(name="odd", home=Home.FOLDER, address=str(folder), licence="none")


@pytest.mark.parametrize(
    ("arrays", "held"),
    [
        pytest.param({name: array for name, array in sound().items() if name != "threshold"}, r"\['W_dec', 'W_enc', 'b_dec', 'b_enc'\]", id="one is missing"),
        pytest.param(sound(log_threshold=np.zeros(3)), r"\[.*'log_threshold', 'threshold'\]", id="one too many"),
    ],
)  # fmt: skip
def test_a_file_of_other_arrays_is_refused(
    tmp_path: Path, arrays: dict[str, NDArray[Any]], held: str
) -> None:
    np.savez(tmp_path / "params.npz", **arrays)
    with pytest.raises(ValueError, match=rf"params\.npz holds the arrays {held}; expected each of"):
        load_encoder(pin_of(tmp_path), "params.npz")


def test_an_array_that_stands_twice_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "params.npz", **sound())
    with ZipFile(tmp_path / "params.npz", "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("W_enc.npy", file.read("W_enc.npy"))
    with pytest.raises(ValueError, match=r"'W_enc', 'W_enc', .*; expected each of .* once"):
        load_encoder(pin_of(tmp_path), "params.npz")


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, 1e39], ids=["none", "infinite", "below", "beyond float32"]
)
@pytest.mark.parametrize("name", sorted(sound()))
def test_values_that_are_no_numbers_are_refused(tmp_path: Path, name: str, value: float) -> None:
    arrays = sound()
    arrays[name].flat[1] = value
    np.savez(tmp_path / "params.npz", **arrays)
    with pytest.raises(
        ValueError, match=rf"odd: params\.npz holds values that are infinite or no number, in {name};"
    ):
        load_sae(pin_of(tmp_path), "params.npz", "cpu")
    if name in {"W_enc", "b_enc", "threshold"}:
        with pytest.raises(ValueError, match=f"no number, in {name};"):
            load_encoder(pin_of(tmp_path), "params.npz")


def test_a_threshold_below_zero_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "params.npz", **sound(threshold=np.array([0.5, -0.5, 1])))
    with pytest.raises(ValueError, match=r"a threshold of -0\.5; expected 0 or more"):
        load_encoder(pin_of(tmp_path), "params.npz")


@pytest.mark.parametrize("cut", [0, 40, 400], ids=["nothing left", "a few bytes", "cut in the middle"])
def test_a_dictionary_cut_short_is_told(tmp_path: Path, cut: int) -> None:
    np.savez(tmp_path / "whole.npz", **sound())
    (tmp_path / "params.npz").write_bytes((tmp_path / "whole.npz").read_bytes()[:cut])
    pin = Pin(name="cut", home=Home.FOLDER, address=str(tmp_path), licence="none")
    with pytest.raises(
        ValueError, match=r"cut: params\.npz cannot be read as arrays .* start again"
    ) as caught:
        load_encoder(pin, "params.npz")
    assert f"remove {tmp_path / 'params.npz'}, " in str(caught.value)


def test_a_damaged_dictionary_of_the_hub_names_the_file_that_holds_its_bytes(tmp_path: Path) -> None:
    """The hub's client would lead to the same bytes again if their name alone were removed."""
    (tmp_path / "blob").write_bytes(b"cut")
    (tmp_path / "params.npz").symlink_to(tmp_path / "blob")
    pin = Pin(name="cut", home=Home.FOLDER, address=str(tmp_path), licence="none")
    with pytest.raises(ValueError, match=f"remove {tmp_path / 'blob'}, "):
        load_encoder(pin, "params.npz")


@pytest.mark.parametrize(
    ("name", "shape"),
    [("threshold", (1,)), ("b_enc", (2,)), ("W_enc", (3,))],
    ids=["one threshold for all", "a bias of the model's width", "a vector"],
)
def test_an_array_of_another_shape_is_refused(tmp_path: Path, name: str, shape: tuple[int, ...]) -> None:
    np.savez(tmp_path / "params.npz", **sound(**{name: np.zeros(shape)}))
    with pytest.raises(ValueError, match=f"holds {name} of shape"):
        load_encoder(pin_of(tmp_path), "params.npz")


@pytest.mark.parametrize("load", [layer_encoder, layer_sae], ids=["encoder", "dictionary"])
def test_a_dictionary_of_another_models_width_is_refused(
    world: World, tmp_path: Path, load: Callable[[Networks, int], object]
) -> None:
    arrays = {"W_enc": np.ones((96, 5)), "W_dec": np.ones((5, 96)), "b_dec": np.zeros(96)}
    np.savez(tmp_path / "params.npz", b_enc=np.zeros(5), threshold=np.zeros(5), **arrays)
    networks = Networks(
        model=world.model,
        dictionaries=Pin(name="scope", home=Home.FOLDER, address=str(tmp_path), licence="none"),
        dictionary_files=("params.npz",),
        numerics=world.numerics,
        batch_tokens=64,
    )
    with pytest.raises(ValueError, match=rf"scope: params\.npz.* 96 wide.* is {D_MODEL} wide.*correct"):
        load(networks, 0)


def test_a_dictionary_of_the_models_width_is_taken(world: World) -> None:
    networks = Networks(
        model=world.model,
        dictionaries=world.dictionaries,
        dictionary_files=world.dictionary_files,
        numerics=world.numerics,
        batch_tokens=64,
    )
    assert layer_encoder(networks, 1).W_enc.shape[0] == D_MODEL
    assert torch.equal(layer_sae(networks, 1).W_enc, layer_encoder(networks, 1).W_enc)


@pytest.mark.parametrize("files", [3, 5], ids=["fewer", "more"])
def test_dictionaries_of_another_number_of_layers_are_refused(world: World, files: int) -> None:
    paths = (*world.dictionary_files, world.dictionary_files[0])[:files]
    with pytest.raises(
        ValueError, match=f"has files for {files} layers, but tiny model has 4; expected one for each"
    ):
        layer_encoder(replace(world.networks(), dictionary_files=paths), 0)


@pytest.mark.parametrize(
    "values", [np.ones((96, 4), dtype=np.complex64), np.ones((96, 4), dtype=bool)], ids=["complex", "truth"]
)
def test_arrays_of_no_real_numbers_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    np.savez(tmp_path / "params.npz", **sound(W_enc=values))
    with pytest.raises(ValueError, match=r"W_enc holds .* values; expected real numbers"):
        load_encoder(pin_of(tmp_path), "params.npz")


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


@pytest.mark.parametrize(
    ("straight_through", "slope"),
    [
        # Of three latents that add up both values, two fire at 0.75; the third is silent.
        pytest.param(False, [2.0, 2.0], id="a silent latent has no slope"),
        pytest.param(True, [3.0, 3.0], id="straight through it has that of its pre-activation"),
    ],
)
def test_straight_through_moves_gradients_and_no_value(straight_through: bool, slope: list[float]) -> None:  # noqa: FBT001
    stream = torch.tensor([0.5, 0.25], requires_grad=True)
    acts = latent_activations(stream, ONES, straight_through=straight_through)
    torch.autograd.backward(acts.sum())
    assert acts.tolist() == [0.0, 0.75, 0.75]
    assert stream.grad is not None
    assert stream.grad.tolist() == slope


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
