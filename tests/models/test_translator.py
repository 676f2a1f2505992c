"""A converted model holds no path and nothing of transformers; what the engine would get wrong is refused."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ctranslate2
import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.models import translator
from harness.models.translator import convert_marian, load_marian, load_translator
from harness.sources.pins import locate
from harness.words.errors import HarnessError, UsageError
from harness.words.study import Pin
from tests.worlds import World

EMBEDDING = "model.shared.weight"


def reweighed(pin: Pin, folder: Path, change: Callable[[torch.Tensor], object]) -> Pin:
    """The same translator in another folder, with a change of its embedding."""
    shutil.copytree(locate(pin), folder)
    held = load_file(folder / "model.safetensors")
    change(held[EMBEDDING])
    save_file(held, folder / "model.safetensors")
    return replace(pin, address=str(folder))


def test_a_conversion_is_the_same_bytes_wherever_it_is_made(world: World, tmp_path: Path) -> None:
    pin = world.translators["zh"].pin
    moved = reweighed(pin, tmp_path / "elsewhere", lambda embedding: embedding)
    made = []
    for number, each in enumerate((pin, moved)):
        convert_marian(each, tmp_path / str(number))
        files = sorted((tmp_path / str(number)).iterdir())
        made.append({path.name: path.read_bytes() for path in files})
    assert made[0] == made[1]
    assert {"model.bin", "config.json", "source.spm", "target.spm", "vocab.json"} <= made[0].keys()
    assert not any(str(tmp_path).encode() in content for content in made[0].values())


def test_a_converted_model_knows_how_much_it_can_read(world: World, tmp_path: Path) -> None:
    convert_marian(world.translators["zh"].pin, tmp_path / "zh")
    positions = load_marian(world.translators["zh"].pin).model.config.max_position_embeddings
    assert load_translator(tmp_path / "zh", world.numerics).max_positions == positions


def test_a_start_that_is_not_zero_is_refused(world: World, tmp_path: Path) -> None:
    pin = world.translators["es"].pin
    spoilt = reweighed(pin, tmp_path / "es", lambda embedding: embedding[-1].fill_(0.25))
    with pytest.raises(
        UsageError, match=r"decoder starts from token \d+ of \d+, embedded as values up to 0\.25"
    ):
        convert_marian(spoilt, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_start_that_is_not_the_last_token_is_refused(world: World, tmp_path: Path) -> None:
    pin = world.translators["es"].pin
    spoilt = reweighed(pin, tmp_path / "es", lambda embedding: embedding[5].zero_())
    config = tmp_path / "es" / "config.json"
    said = json.loads(config.read_text(encoding="utf-8"))
    config.write_text(json.dumps(said | {"decoder_start_token_id": 5}), encoding="utf-8")
    with pytest.raises(UsageError, match="decoder starts from token 5 of"):
        convert_marian(spoilt, tmp_path / "out")


def test_a_precision_that_is_none_is_refused_with_those_that_are(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'bfloat17'.*float32, float16, int8"):
        load_translator(tmp_path, replace(world.numerics, dtype="bfloat17"))


def test_a_precision_that_this_device_has_not_says_what_to_do(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("Requested float16 compute type, but the target device does not support it.")

    monkeypatch.setattr(ctranslate2, "Translator", refuse)
    with pytest.raises(
        UsageError, match=r"cannot compute in float16 on this cpu .*choose another translator_dtype"
    ):
        load_translator(tmp_path, replace(world.numerics, dtype="float16"))


def test_eight_bits_translate_too(world: World, tmp_path: Path) -> None:
    convert_marian(world.translators["es"].pin, tmp_path / "es")
    engine = load_translator(tmp_path / "es", replace(world.numerics, dtype="int8")).engine
    assert engine.compute_type == "int8_float32"


def test_an_accelerator_without_the_engines_library_says_how_to_get_it(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def missing(name: str, mode: int) -> None:
        asked.append(name)
        raise OSError(name)

    monkeypatch.setattr(translator.ctypes, "CDLL", missing)
    with pytest.raises(HarnessError, match=r"libcublasLt\.so\.12 of CUDA 12.*pip install nvidia-cublas-cu12"):
        load_translator(tmp_path, replace(world.numerics, device="cuda"))
    assert asked[0] == "libcublasLt.so.12"
