"""What the door to dictionaries refuses, and that both halves hold the same arrays."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.supply.dictionaries import layer_dictionary, layer_encoder, load_dictionary, load_encoder
from harness.words.failures import MissingSourceError
from harness.words.pins import Home, Pin
from harness.words.tasks import Networks
from tests.world_networks import D_MODEL
from tests.worlds import World


def test_encoder_and_dictionary_hold_the_same_arrays(world: World) -> None:
    file = world.dictionary_files[0]
    encoder, dictionary = (
        load_encoder(world.dictionaries, file),
        load_dictionary(world.dictionaries, file, "cpu"),
    )
    assert torch.equal(encoder.W_enc, dictionary.W_enc)
    assert torch.equal(encoder.threshold, dictionary.threshold)


def test_a_missing_dictionary_says_what_is_there(world: World) -> None:
    with pytest.raises(MissingSourceError, match=r"layer_9.*its folder holds.*layer_0"):
        load_encoder(world.dictionaries, "layer_9/width_64/average_l0_8/params.npz")


def test_a_dictionary_without_a_threshold_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "params.npz", W_enc=np.zeros((2, 3)), b_enc=np.zeros(3))
    pin = Pin(name="cut", home=Home.FOLDER, address=str(tmp_path), licence="none")
    with pytest.raises(ValueError, match=r"params\.npz lacks \['threshold'\]"):
        load_encoder(pin, "params.npz")


@pytest.mark.parametrize("cut", [0, 40, 400], ids=["nothing left", "a few bytes", "cut in the middle"])
def test_a_dictionary_cut_short_is_told(tmp_path: Path, cut: int) -> None:
    np.savez(tmp_path / "whole.npz", W_enc=np.ones((20, 30)), b_enc=np.zeros(30), threshold=np.zeros(30))
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
    arrays = {"W_enc": np.ones((2, 3)), "b_enc": np.zeros(3), "threshold": np.zeros(3), name: np.zeros(shape)}
    np.savez(tmp_path / "params.npz", **arrays)
    pin = Pin(name="odd", home=Home.FOLDER, address=str(tmp_path), licence="none")
    with pytest.raises(ValueError, match=f"holds {name} of shape"):
        load_encoder(pin, "params.npz")


@pytest.mark.parametrize("load", [layer_encoder, layer_dictionary], ids=["encoder", "dictionary"])
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
    assert torch.equal(layer_dictionary(networks, 1).W_enc, layer_encoder(networks, 1).W_enc)


@pytest.mark.parametrize(
    "values", [np.ones((96, 4), dtype=np.complex64), np.ones((96, 4), dtype=bool)], ids=["complex", "truth"]
)
def test_arrays_of_no_real_numbers_are_refused(tmp_path: Path, values: np.ndarray) -> None:
    ones = np.ones(4, dtype=np.float32)
    np.savez(tmp_path / "params.npz", W_enc=values, b_enc=ones, threshold=ones)
    pin = Pin(name="odd", home=Home.FOLDER, address=str(tmp_path), licence="none")
    with pytest.raises(ValueError, match=r"W_enc holds .* values; expected real numbers"):
        load_encoder(pin, "params.npz")
