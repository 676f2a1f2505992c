"""What the door to models refuses, and what it gives once."""

import io
import pickle
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from harness.supply.certificates import ForeignFileError
from harness.supply.loading import load_language_model, load_translator
from harness.supply.sources import locate
from harness.words.failures import HarnessError
from harness.words.pins import Home, Pin
from proof.parsers import Trap
from tests.worlds import World


def torch_saved(content: object) -> bytes:
    written = io.BytesIO()
    torch.save(content, written)
    return written.getvalue()


def test_a_model_is_loaded_once(world: World) -> None:
    assert load_language_model(world.model, world.numerics) is load_language_model(
        world.model, world.numerics
    )


def test_the_model_runs_in_the_precision_that_was_asked_for(world: World) -> None:
    numerics = replace(world.numerics, dtype="bfloat16")
    weights = load_language_model(world.model, numerics).model.parameters()
    assert {weight.dtype for weight in weights} == {torch.bfloat16}


def test_no_weight_of_the_base_model_can_be_trained(world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    assert not any(weight.requires_grad for weight in language_model.model.parameters())


def test_every_text_begins_with_one_bos(world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    for row in language_model.token_ids(["a harbour", "the old town"]):
        assert row[0] == language_model.bos_id
        assert row.count(language_model.bos_id) == 1


def test_a_second_bos_in_the_text_is_refused(world: World) -> None:
    language_model = load_language_model(world.model, world.numerics)
    with pytest.raises(ValueError, match="exactly one BOS"):
        language_model.token_ids(["one <bos> too many"])


def test_a_tokenizer_without_bos_is_refused(world: World, tmp_path: Path) -> None:
    shutil.copytree(locate(world.model), tmp_path / "model")
    tokenizer = tmp_path / "model" / "tokenizer.json"
    text = tokenizer.read_text(encoding="utf-8")
    start = text.index('"post_processor"')
    stop = text.index('"decoder"', start)
    tokenizer.write_text(text[:start] + '"post_processor": null, ' + text[stop:], encoding="utf-8")
    pin = Pin(name="no bos", home=Home.FOLDER, address=str(tmp_path / "model"), licence="none")
    with pytest.raises(ValueError, match="lacks the BOS post-processor"):
        load_language_model(pin, world.numerics).token_ids(["a harbour"])


def test_translators_run_in_float32_however_they_are_stored(world: World) -> None:
    weights = load_translator(world.translators["ml"].pin, world.numerics).model.parameters()
    assert {weight.dtype for weight in weights} == {torch.float32}


def copied(pin: Pin, folder: Path) -> Pin:
    shutil.copytree(locate(pin), folder)
    return replace(pin, address=str(folder))


@pytest.mark.parametrize(
    "wrap", [partial(pickle.dumps, protocol=2), torch_saved], ids=["a bare pickle", "as torch saves it"]
)
def test_a_planted_pickle_in_the_place_of_weights_is_never_loaded(
    world: World, tmp_path: Path, wrap: Callable[[object], bytes]
) -> None:
    for pin, load, refusal in (
        (world.model, load_language_model, pytest.raises(OSError, match=r"no file named model\.safetensors")),
        (
            world.translators["es"].pin,
            load_translator,
            pytest.raises(ValueError, match="hold more than tensors"),
        ),
    ):
        planted = copied(pin, tmp_path / pin.name)
        (tmp_path / pin.name / "model.safetensors").unlink()
        (tmp_path / pin.name / "pytorch_model.bin").write_bytes(wrap({"weight": Trap()}))
        with refusal:
            load(planted, world.numerics)


def test_a_pickle_of_tensors_alone_is_a_translator_like_any_other(world: World, tmp_path: Path) -> None:
    pin = world.translators["es"].pin
    planted = copied(pin, tmp_path / "es")
    weights = tmp_path / "es" / "model.safetensors"
    (tmp_path / "es" / "pytorch_model.bin").write_bytes(torch_saved(load_file(weights)))
    weights.unlink()
    found = load_translator(planted, world.numerics).model.state_dict()
    expected = load_translator(pin, world.numerics).model.state_dict()
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_translators_are_given_every_mark_as_it_stands(world: World) -> None:
    tokenizer = load_translator(world.translators["ml"].pin, world.numerics).tokenizer
    assert tokenizer.normalize("\u201cone\u201d \u2013 two") == "\u201cone\u201d \u2013 two"


def test_a_library_that_would_change_the_texts_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class MosesPunctNormalizer:
        def __init__(self, language: str) -> None:
            """As the library's own."""

        def normalize(self, text: str) -> str:
            return text.replace("\u201c", '"').replace("\u201d", '"')

    monkeypatch.setitem(sys.modules, "sacremoses", SimpleNamespace(MosesPunctNormalizer=MosesPunctNormalizer))
    with pytest.raises(HarnessError, match="expected every text as it stands: uninstall sacremoses"):
        load_translator.__wrapped__(world.translators["ml"].pin, world.numerics)


def test_a_folder_that_is_not_there_says_how_to_get_it() -> None:
    pin = Pin(name="lost", home=Home.FOLDER, address="fixtures/nowhere", licence="none")
    with pytest.raises(ForeignFileError, match="restore it with 'git checkout'"):
        locate(pin)
