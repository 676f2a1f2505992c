"""Features that a library's own hidden states gave, found again through the stage; and what is loaded wrongly is not."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.models.loading import load_language_model
from harness.stages.feature_replay import feature_replay, levels_of
from harness.store.files import file_sha256
from harness.store.tables import read_table
from harness.words.dictionaries import CorpusWindow
from harness.words.errors import MissingSourceError, UsageError, WrongNetworksError
from harness.words.records import LayerReplay, LoadedFile, LoadedModel, ReplayedRow
from harness.words.study import Home, Pin
from tests.planted.patching import Patch, planted
from tests.released_features import (
    LAYOUTS,
    demonstrated,
    drawn_dictionary,
    write_demonstration,
    write_dictionary,
)
from tests.stages.two_languages import NUMERICS, TwoLanguages, write_two_languages
from tests.tiny_models import WIDTH

LAYER, STEP, LATENTS, K = 1, 988_240, 48, 6
FEATURES = tuple(range(12))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> TwoLanguages:
    return write_two_languages(tmp_path_factory.mktemp("two"))


@pytest.fixture(scope="module")
def world(two: TwoLanguages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration of a drawn dictionary of the early checkpoint, and the dictionary in both layouts."""
    root = tmp_path_factory.mktemp("released")
    windows = read_table(two.corpus(root / "corpus"), CorpusWindow)[:60]
    language_model = load_language_model(two.checkpoint("early"), NUMERICS)
    streams = list(hidden(language_model, windows))
    pieces = [language_model.tokenizer.convert_ids_to_tokens(list(each.token_ids)) for each in windows]
    arrays = drawn_dictionary(torch.cat(streams), LATENTS)
    write_demonstration(root / "demo", STEP, demonstrated(streams, pieces, arrays, FEATURES, examples=20))
    for layout, suffix in zip(LAYOUTS, (".safetensors", ".pth"), strict=True):
        write_dictionary(root / layout / f"sae{suffix}", arrays, layout)
    return root


def hidden(language_model: Any, windows: list[CorpusWindow]) -> Iterator[Tensor]:
    for window in windows:
        ids = torch.tensor([[*language_model.front_ids, *window.token_ids]])
        with torch.no_grad():
            states = language_model.model(ids, output_hidden_states=True).hidden_states
        yield states[LAYER + 1][0, 1:]


def pin(folder: Path, home: Home = Home.FOLDER) -> Pin:
    return Pin(name=folder.name, home=home, address=str(folder), licence="none")


def replayed(two: TwoLanguages, world: Path, out: Path, **changes: Any) -> LayerReplay:
    out.mkdir()
    told: dict[str, Any] = {
        "demo": pin(world / "demo"), "folder": "docs/data", "step": STEP, "dictionary": pin(world / "march"), "k": K, "layer": LAYER,
        "model": two.checkpoint("early"), "numerics": NUMERICS, "batch_tokens": 90,
    }  # fmt: skip
    feature_replay(out=out, **{**told, **changes})
    (layer,) = read_table(out, LayerReplay)
    return layer


@pytest.mark.parametrize("layout", LAYOUTS)
def test_features_are_found_again_by_a_dictionary_in_either_layout(
    two: TwoLanguages, world: Path, tmp_path: Path, layout: str
) -> None:
    layer = replayed(two, world, tmp_path / "out", dictionary=pin(world / layout))
    assert (layer.passes, layer.rows_passing, layer.rows) == (True, 12, 12)
    assert (layer.layer, layer.d_model, layer.d_sae) == (LAYER, WIDTH, LATENTS)
    assert layer.median_correlation == pytest.approx(1, abs=1e-3)
    assert layer.rows_passing_without_bos < 2
    rows = read_table(tmp_path / "out", ReplayedRow)
    assert [row.latent for row in rows] == list(FEATURES)
    assert all(row.same_peak and row.tokens % 12 == 0 for row in rows)
    (model,) = read_table(tmp_path / "out", LoadedModel)
    assert (model.d_model, model.attention) == (WIDTH, "sdpa")
    files = {row.path for row in read_table(tmp_path / "out", LoadedFile)}
    assert files >= {"model.safetensors", "tokenizer.json", "config.json"}
    assert any(name.startswith("sae.") for name in files)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"layer": LAYER + 1}, id="the layer counted from 1"),
        pytest.param({"layer": LAYER - 1}, id="the layer before"),
        pytest.param({"model": "late"}, id="another checkpoint"),
    ],
)
def test_what_is_loaded_wrongly_is_not_found_again(
    two: TwoLanguages, world: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    if "model" in changes:
        changes = {"model": two.checkpoint(changes["model"])}
    assert not replayed(two, world, tmp_path / "out", **changes).passes


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param(Patch("models.topk:TopKSAE.pre_acts", "(x - self.b_dec)", "x"), id="bias not subtracted"),
        pytest.param(Patch("stages.feature_replay:agreements", "unit(stream)", "stream"), id="streams at their lengths"),
        pytest.param(Patch("models.windows:visit_windows", "stream[:, front:]", "stream[:, : stream.shape[1] - front]"), id="front token read"),
        pytest.param(Patch("stages.feature_replay:agreements", "shown[window.document].latent", "shown[window.document].latent + 1"), id="the next latent"),
        pytest.param(Patch("stages.feature_replay:agreements", "values[window.text_id] = row", "values[window.text_id] = row[::-1]"), id="tokens backwards"),
    ],
)  # fmt: skip
def test_a_known_fault_of_reading_is_seen(
    two: TwoLanguages, world: Path, tmp_path: Path, patch: Patch
) -> None:
    with planted((patch,)):
        assert not replayed(two, world, tmp_path / "out").passes


def test_a_demonstration_from_elsewhere_that_is_not_found_again_ends_the_run(
    two: TwoLanguages, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.stages.demo_replay.locate", lambda _pin: world / "demo")
    elsewhere = pin(world / "demo", Home.CODE)
    with pytest.raises(WrongNetworksError, match="found again on none of 1 layers"):
        replayed(two, world, tmp_path / "out", demo=elsewhere, layer=LAYER + 1)


def test_levels_are_tenths_of_the_largest_rounded_up() -> None:
    assert levels_of([-1.0, 0.0, 0.01, 0.2, 0.21, 2.0]) == [0, 0, 1, 1, 2, 10]
    assert levels_of([-1.0, 0.0]) == [0, 0]


def test_a_dictionary_of_another_width_is_refused(two: TwoLanguages, world: Path, tmp_path: Path) -> None:
    wide = drawn_dictionary(torch.randn(50, WIDTH + 8), LATENTS)
    write_dictionary(tmp_path / "wide" / "model.safetensors", wide, "march")
    with pytest.raises(UsageError, match=f"reads a stream {WIDTH + 8} wide; that of .* is {WIDTH} wide"):
        replayed(two, world, tmp_path / "out", dictionary=pin(tmp_path / "wide"))


def test_a_feature_that_the_dictionary_does_not_have_is_refused(
    two: TwoLanguages, world: Path, tmp_path: Path
) -> None:
    few = drawn_dictionary(torch.randn(50, WIDTH), 8)
    write_dictionary(tmp_path / "few" / "model.safetensors", few, "march")
    with pytest.raises(UsageError, match=r"8\.json shows a feature that the dictionary of 8 latents"):
        replayed(two, world, tmp_path / "out", dictionary=pin(tmp_path / "few"))


def test_a_piece_of_another_vocabulary_is_named(two: TwoLanguages, world: Path, tmp_path: Path) -> None:
    told = json.loads((world / "demo" / "docs" / "data" / str(STEP) / "0.json").read_text("utf-8"))
    told["token_act"][0][3][0] = " unheard"
    write_demonstration(tmp_path / "demo", STEP, {0: told})
    with pytest.raises(MissingSourceError, match=r"0\.json holds the piece ' unheard'"):
        replayed(two, world, tmp_path / "out", demo=pin(tmp_path / "demo"))


def test_a_folder_of_no_or_several_dictionaries_is_named(
    two: TwoLanguages, world: Path, tmp_path: Path
) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(MissingSourceError, match=r"no file of weights, but \['config.json'\]; expected one"):
        replayed(two, world, tmp_path / "out", dictionary=pin(tmp_path / "none"))
    arrays = drawn_dictionary(torch.randn(50, WIDTH), LATENTS)
    for name in ("a.safetensors", "b.pth"):
        write_dictionary(tmp_path / "two" / name, arrays, "march")
    with pytest.raises(MissingSourceError, match=r"in several files: a\.safetensors, b\.pth; expected one"):
        replayed(two, world, tmp_path / "again", dictionary=pin(tmp_path / "two"))


def test_a_dictionary_is_known_by_its_arrays_whatever_it_is_called_and_stands_beside(
    two: TwoLanguages, world: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "released"
    (folder / "step" / "last").mkdir(parents=True)
    name = "step/last/pytorch_model.bin"
    shutil.copy(world / "september" / "sae.pth", folder / name)
    torch.save({"step": 3, "moments": [torch.zeros(2)]}, folder / "optimizer.pt")
    save_file({"weight": torch.zeros(2, 2)}, folder / "model.safetensors")
    assert replayed(two, world, tmp_path / "out", dictionary=pin(folder)).passes
    files = read_table(tmp_path / "out", LoadedFile)
    assert [(row.path, row.sha256) for row in files if row.source == "released"] == [
        (name, file_sha256(folder / name))
    ]
    (folder / name).unlink()
    with pytest.raises(
        UsageError,
        match=r"model\.safetensors holds the arrays \['weight'\].*; .*optimizer\.pt holds more than",
    ):
        replayed(two, world, tmp_path / "again", dictionary=pin(folder))


def spoilt(arrays: dict[str, Tensor]) -> Iterator[tuple[str, dict[str, Tensor], str]]:
    yield "another name", {**arrays, "extra": torch.zeros(1)}, "holds the arrays"
    yield "one missing", {name: each for name, each in arrays.items() if name != "b_dec"}, "holds the arrays"
    yield "a short bias", {**arrays, "encoder.bias": arrays["encoder.bias"][:-1]}, "of shape"
    yield "turned", {**arrays, "W_dec": arrays["W_dec"].T.contiguous()}, "of shape"
    yield "not finite", {**arrays, "b_dec": arrays["b_dec"] * torch.nan}, "infinite or no number"
    yield "integers", {**arrays, "b_dec": torch.zeros(WIDTH, dtype=torch.int64)}, "expected real numbers"


def test_a_file_that_is_no_such_dictionary_is_one_clear_error(
    two: TwoLanguages, world: Path, tmp_path: Path
) -> None:
    sound = load_file(world / "march" / "sae.safetensors")
    for name, arrays, says in spoilt(sound):
        folder = tmp_path / name
        folder.mkdir()
        save_file(arrays, folder / "model.safetensors")
        with pytest.raises(UsageError, match=says):
            replayed(two, world, tmp_path / f"out {name}", dictionary=pin(folder))
    folder = tmp_path / "cut"
    folder.mkdir()
    whole = (world / "march" / "sae.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UsageError, match="cannot be read as arrays"):
        replayed(two, world, tmp_path / "out cut", dictionary=pin(folder))


def test_more_firing_latents_than_there_are_are_refused(
    two: TwoLanguages, world: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=f"holds {LATENTS} latents, of which {LATENTS + 1} are to fire"):
        replayed(two, world, tmp_path / "out", k=LATENTS + 1)


def test_a_feature_that_never_fires_is_left_out(two: TwoLanguages, world: Path, tmp_path: Path) -> None:
    shown = {
        int(path.stem): json.loads(path.read_text("utf-8"))
        for path in (world / "demo" / "docs" / "data" / str(STEP)).glob("*.json")
    }
    shown[5] = {"token_act": [], "language": {"en": 0, "ja": 0}, "granularity": 3}
    write_demonstration(tmp_path / "demo", STEP, shown)
    layer = replayed(two, world, tmp_path / "out", demo=pin(tmp_path / "demo"))
    assert (layer.rows, layer.passes) == (11, True)
