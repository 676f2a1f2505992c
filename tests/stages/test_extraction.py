"""The activations stage against a slow loop: one text at a time, hidden states of the library, sae-lens's encoder."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.models.adapters import attached, save_adapter, trained_adapter
from harness.models.loading import LanguageModel, load_language_model
from harness.models.sae import load_sae
from harness.stages import extraction, phrases
from harness.stages.extraction import sample_of
from harness.stages.texts import by_people, language_texts
from harness.store.tables import read_table, table_path, write_table
from harness.words.records import (
    MeanResidual,
    PanelActivation,
    PanelLatent,
    ParallelTranslation,
    Selection,
    Text,
    TextLength,
    TokenActivation,
    Translation,
    UnscoredTranslator,
)
from tests.small_study import SPECIFICATION
from tests.stages.conftest import made
from tests.world_texts import in_language
from tests.worlds import World

TABLES = (TokenActivation, PanelActivation, MeanResidual, TextLength)
SAMPLED = 5
ALL_TEXTS = 1_000
EMPTY_TEXT_ID = 7
TOLERANCE = {"rtol": 1e-4, "atol": 1e-5}
"""Batched and padded float32 products sum in another order than those of one text; about 1e-6 was seen."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SlowReading:
    """What the slow loop found for one text: residual stream and all latents of every layer, BOS cut off."""

    residual: Sequence[Tensor]
    acts: Sequence[Tensor]


@pytest.fixture(scope="module")
def language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture(scope="module")
def inputs(world: World, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Phrases of the world, and their translations into a made-up Spanish, one of them empty."""
    root = tmp_path_factory.mktemp("texts")
    task = {
        "export": world.phrases,
        "source_ids": world.phrase_source_ids,
        "dictionaries": world.dictionaries,
        "dictionary_files": world.dictionary_files,
        "choice": SPECIFICATION.phrases,
        "latents_per_layer": 6,
        "phrases_per_latent": None,
        "panel_latents": 4,
        "held_out_fraction": 1 / 3,
        "seed": 3,
    }
    made(phrases.phrases, task, {}, root / "phrases")
    rows = [
        Translation(
            text_id=text.text_id,
            language="es",
            text="" if text.text_id == EMPTY_TEXT_ID else in_language(text.text, "es"),
            is_empty=text.text_id == EMPTY_TEXT_ID,
            is_copy=False,
            is_repetitive=False,
            is_wrong_script=False,
            is_odd_length=False,
            is_truncated=False,
        )
        for text in read_table(root / "phrases", Text)
    ]
    write_table(root / "translation", Translation, rows)
    return {"phrases": root / "phrases", "translation": root / "translation"}


@pytest.fixture(scope="module")
def english(world: World, inputs: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return produced(world, {"phrases": inputs["phrases"]}, tmp_path_factory.mktemp("english"))


@pytest.fixture(scope="module")
def adapter(language_model: LanguageModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter that changes a lot."""
    folder = tmp_path_factory.mktemp("adapter")
    with trained_adapter(language_model.model, SPECIFICATION.alignment, seed=0) as tuned:
        for name, parameter in tuned.named_parameters():
            if "lora_B" in name:
                parameter.data.normal_(generator=torch.Generator().manual_seed(0))
        save_adapter(tuned, folder, "# A card\n", base="a/model", revision="1f2e")
    return folder


def produced(
    world: World, inputs: Mapping[str, Path], out: Path, batch_tokens: int = 512, **changes: int
) -> Path:
    told: dict[str, Any] = {
        "language": "any",
        "networks": world.networks(batch_tokens),
        "panel_texts": ALL_TEXTS,
        "seed": 1,
    } | changes
    if "adapter" in inputs:
        made(extraction.activations_tuned, {"deepest": 3} | told, inputs, out)
    else:
        made(extraction.activations, {"similarity_texts": SAMPLED} | told, inputs, out)
    return out


def slow_readings(world: World, model: LanguageModel, inputs: Mapping[str, Path]) -> dict[int, SlowReading]:
    dictionaries = [load_sae(world.dictionaries, file, "cpu") for file in world.dictionary_files]
    texts = language_texts(inputs["phrases"], inputs.get("translation"))
    found = {}
    for text_id, text in zip(texts.text_ids, texts.texts, strict=True):
        ids = model.tokenizer([text], return_tensors="pt")["input_ids"]
        assert ids[0, 0] == model.front_ids[0]
        streams = [stream[0, 1:] for stream in slow_streams(model, ids)]
        acts = [sae.encode(stream) for sae, stream in zip(dictionaries, streams, strict=True)]
        found[text_id] = SlowReading(streams, acts)
    return found


@torch.no_grad()
def slow_streams(model: LanguageModel, ids: Tensor) -> list[Tensor]:
    """Hidden states for all layers but the last, which is caught by hand before the final norm."""
    last: list[Tensor] = []
    final_norm = model.decoder.get_submodule("norm")
    handle = final_norm.register_forward_pre_hook(lambda _module, args: last.append(args[0]))
    output = model.model(input_ids=ids, output_hidden_states=True)
    handle.remove()
    return [*output.hidden_states[1:-1], last[0]]


def token_values(folder: Path) -> dict[tuple[int, int, int], Array]:
    return {
        (row.layer, row.latent, row.text_id): np.asarray(row.values)
        for row in read_table(folder, TokenActivation)
    }


def panel_rows(folder: Path) -> dict[tuple[int, int], PanelActivation]:
    return {(row.layer, row.text_id): row for row in read_table(folder, PanelActivation)}


def panel_latents(inputs: Mapping[str, Path]) -> dict[int, list[int]]:
    latents: dict[int, list[int]] = defaultdict(list)
    for row in read_table(inputs["phrases"], PanelLatent):
        assert row.position == len(latents[row.layer])
        latents[row.layer].append(row.latent)
    return latents


def table_bytes(folder: Path) -> list[bytes]:
    return [table_path(folder, kind).read_bytes() for kind in TABLES]


@pytest.mark.parametrize("language", ["en", "es"])
def test_own_latents_equal_those_of_the_slow_loop(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], tmp_path: Path, language: str
) -> None:
    given = {"phrases": inputs["phrases"]} if language == "en" else inputs
    slow = slow_readings(world, language_model, given)
    found = token_values(produced(world, given, tmp_path))
    wanted = {
        (row.layer, row.latent, row.text_id)
        for row in read_table(inputs["phrases"], Selection)
        if language == "en" or row.text_id != EMPTY_TEXT_ID
    }
    assert set(found) == wanted
    assert {layer for layer, _, _ in wanted} == {0, 1, 2, 3}
    for (layer, latent, text_id), values in found.items():
        np.testing.assert_allclose(values, slow[text_id].acts[layer][:, latent].numpy(), **TOLERANCE)


def test_an_english_phrase_reaches_its_latents_threshold_somewhere(english: Path) -> None:
    fires = [values.max() > 0 for values in token_values(english).values()]
    assert np.mean(fires) > 0.8


def test_panel_values_equal_a_loop_over_tokens(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], english: Path
) -> None:
    given = {"phrases": inputs["phrases"]}
    slow, panel, rows = (
        slow_readings(world, language_model, given),
        panel_latents(inputs),
        panel_rows(english),
    )
    assert len(rows) == 4 * len(slow)
    for (layer, text_id), row in rows.items():
        for place, latent in enumerate(panel[layer]):
            tokens = [float(value) for value in slow[text_id].acts[layer][:, latent]]
            assert row.mean[place] == pytest.approx(sum(tokens) / len(tokens), rel=1e-4, abs=1e-5)
            assert row.maximum[place] == pytest.approx(max(tokens), rel=1e-4, abs=1e-5)
            active = sum(value > 0 for value in tokens) / len(tokens)
            assert row.active_fraction[place] == pytest.approx(active, abs=1e-6)


def test_token_values_and_panel_tell_the_same_story(inputs: Mapping[str, Path], english: Path) -> None:
    panel, rows = panel_latents(inputs), panel_rows(english)
    shared = {key: values for key, values in token_values(english).items() if key[1] in panel[key[0]]}
    assert len(shared) > 20
    for (layer, latent, text_id), values in shared.items():
        place = panel[layer].index(latent)
        assert rows[layer, text_id].mean[place] == pytest.approx(values.mean(), rel=1e-5, abs=1e-6)
        assert rows[layer, text_id].maximum[place] == pytest.approx(values.max(), rel=1e-6)


def test_mean_residuals_of_the_sample_equal_a_loop(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], english: Path
) -> None:
    slow = slow_readings(world, language_model, {"phrases": inputs["phrases"]})
    rows = read_table(english, MeanResidual)
    text_ids = [text.text_id for text in read_table(inputs["phrases"], Text)]
    sample = sample_of(text_ids, SAMPLED, 1)
    assert len(sample) == SAMPLED
    assert {(row.layer, row.text_id) for row in rows} == {(n, t) for n in range(4) for t in sample}
    for row in rows:
        np.testing.assert_allclose(
            row.values, slow[row.text_id].residual[row.layer].mean(0).numpy(), **TOLERANCE
        )
        lengths = slow[row.text_id].residual[row.layer].norm(dim=1)
        assert row.length == pytest.approx(float(lengths.mean()), rel=1e-4)


def test_counting_bos_would_be_seen(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], english: Path
) -> None:
    row = next(row for row in read_table(english, MeanResidual) if row.layer == 1)
    text = next(text for text in read_table(inputs["phrases"], Text) if text.text_id == row.text_id)
    streams = slow_streams(
        language_model, language_model.tokenizer([text.text], return_tensors="pt")["input_ids"]
    )
    with_bos = streams[1][0].mean(0).numpy()
    assert np.abs(with_bos - np.asarray(row.values)).max() > 100 * TOLERANCE["atol"]


def test_lengths_count_tokens_without_bos_in_the_phrases_order(
    language_model: LanguageModel, inputs: Mapping[str, Path], english: Path
) -> None:
    texts = read_table(inputs["phrases"], Text)
    assert read_table(english, TextLength) == [
        TextLength(
            text_id=text.text_id,
            tokens=len(language_model.tokenizer(text.text, add_special_tokens=False)["input_ids"]),
        )
        for text in texts
    ]


def depths(inputs: Mapping[str, Path], whole: frozenset[int]) -> dict[int, int]:
    """By text: the deepest layer that it is asked about."""
    found = dict.fromkeys(whole, 3)
    for row in read_table(inputs["phrases"], Selection):
        found[row.text_id] = max(row.layer, found.get(row.text_id, 0))
    return found


@pytest.fixture(name="passed")
def _passed(language_model: LanguageModel, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Fills with texts and layer of every pass through a layer."""
    passed: list[tuple[int, int]] = []
    for layer, block in enumerate(language_model.decoder.get_submodule("layers").children()):

        def forward(
            stream: Tensor, *args: Any, _layer: int = layer, _usual: Any = block.forward, **named: Any
        ) -> Any:
            passed.append((len(stream), _layer))
            return _usual(stream, *args, **named)

        monkeypatch.setattr(block, "forward", forward)
    return passed


def test_a_text_climbs_as_far_as_it_is_asked_about(
    world: World, inputs: Mapping[str, Path], passed: list[tuple[int, int]], tmp_path: Path
) -> None:
    """One text a batch, the deepest first; the sample goes through the whole depth, and its panels alone are kept."""
    english = {"phrases": inputs["phrases"]}
    out = produced(world, english, tmp_path, batch_tokens=1, panel_texts=6, similarity_texts=2)
    text_ids = [text.text_id for text in read_table(inputs["phrases"], Text)]
    sample = sample_of(text_ids, 6, 1)
    wanted = depths(inputs, sample)
    assert len(set(wanted.values())) == 4, "texts of every depth, or nothing is seen"
    reached = sorted(wanted.values(), reverse=True)
    assert passed == [(1, layer) for depth in reached for layer in range(depth + 1)]
    assert {row.text_id for row in read_table(out, PanelActivation)} == sample
    assert {row.text_id for row in read_table(out, MeanResidual)} == sample_of(text_ids, 2, 1) < sample
    assert [row.text_id for row in read_table(out, TextLength)] == text_ids


@pytest.mark.parametrize("batch_tokens", [1, 64])
def test_values_are_those_of_a_pass_to_the_end_bit_by_bit(
    world: World,
    inputs: Mapping[str, Path],
    monkeypatch: pytest.MonkeyPatch,
    passed: list[tuple[int, int]],
    tmp_path: Path,
    *,
    batch_tokens: int,
) -> None:
    early = produced(world, inputs, tmp_path / "early", batch_tokens, panel_texts=2)
    steps = sum(texts for texts, _ in passed)
    passed.clear()
    usual = extraction.visit_residuals

    def to_the_end(decoder: Any, ids: Tensor, mask: Tensor, layers: Sequence[int], visit: Any) -> None:
        def asked(layer: int, residual: Tensor) -> None:
            if layer in layers:
                visit(layer, residual)

        usual(decoder, ids, mask, range(4), asked)

    monkeypatch.setattr(extraction, "visit_residuals", to_the_end)
    assert table_bytes(
        produced(world, inputs, tmp_path / "whole", batch_tokens, panel_texts=2)
    ) == table_bytes(early)
    assert sum(texts for texts, _ in passed) > steps


def test_through_an_adapter_held_out_texts_are_read_up_to_the_deepest_layer_asked_about(
    world: World, inputs: Mapping[str, Path], adapter: Path, passed: list[tuple[int, int]], tmp_path: Path
) -> None:
    given = {"phrases": inputs["phrases"], "adapter": adapter}
    out = produced(world, given, tmp_path, deepest=1, panel_texts=0)
    held_out = {text.text_id for text in read_table(inputs["phrases"], Text) if text.held_out}
    selections = read_table(inputs["phrases"], Selection)
    asked = {(row.layer, row.latent, row.text_id) for row in selections if row.layer <= 1}
    assert set(token_values(out)) == {each for each in asked if each[2] in held_out} < asked
    assert {layer for _, layer in passed} == {0, 1}
    assert read_table(out, PanelActivation) == read_table(out, MeanResidual) == []


@pytest.mark.parametrize("batch_tokens", [1, 64, 4096], ids=lambda size: f"{size} positions per batch")
def test_the_size_of_a_batch_moves_no_value(
    world: World, inputs: Mapping[str, Path], english: Path, tmp_path: Path, batch_tokens: int
) -> None:
    again = produced(world, {"phrases": inputs["phrases"]}, tmp_path, batch_tokens)
    expected, found = token_values(english), token_values(again)
    assert set(found) == set(expected)
    for key, values in found.items():
        np.testing.assert_allclose(values, expected[key], **TOLERANCE)
    panel = panel_rows(english)
    for place, row in panel_rows(again).items():
        np.testing.assert_allclose(row.mean, panel[place].mean, **TOLERANCE)


def test_the_same_task_writes_the_same_bytes(
    world: World, inputs: Mapping[str, Path], english: Path, tmp_path: Path
) -> None:
    assert table_bytes(produced(world, {"phrases": inputs["phrases"]}, tmp_path)) == table_bytes(english)


def test_an_empty_text_has_length_zero_and_no_row(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    out = produced(world, inputs, tmp_path)
    assert {row.text_id for row in read_table(out, TextLength) if row.tokens == 0} == {EMPTY_TEXT_ID}
    assert EMPTY_TEXT_ID in {row.text_id for row in read_table(inputs["phrases"], Selection)}
    for kind in (TokenActivation, PanelActivation, MeanResidual):
        assert EMPTY_TEXT_ID not in {row.text_id for row in read_table(out, kind)}


def test_translations_of_other_phrases_are_refused(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    rows = read_table(inputs["translation"], Translation)
    write_table(tmp_path / "short", Translation, rows[:-1])
    with pytest.raises(ValueError, match="the two artifacts are of different runs"):
        produced(world, {**inputs, "translation": tmp_path / "short"}, tmp_path / "out")


def test_an_adapter_changes_the_values_and_leaves_the_base_as_it_was(
    world: World,
    language_model: LanguageModel,
    inputs: Mapping[str, Path],
    adapter: Path,
    tmp_path: Path,
) -> None:
    given = {"phrases": inputs["phrases"]}
    base = table_bytes(produced(world, given, tmp_path / "base"))
    before = {name: tensor.clone() for name, tensor in language_model.model.state_dict().items()}
    tuned = produced(world, {**given, "adapter": adapter}, tmp_path / "tuned")
    assert table_bytes(tuned) != base
    after = language_model.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert table_bytes(produced(world, given, tmp_path / "again")) == base


def test_tuned_values_equal_the_slow_loop_through_the_same_adapter(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], adapter: Path, tmp_path: Path
) -> None:
    given = {"phrases": inputs["phrases"]}
    with attached(language_model.model, adapter) as tuned:
        through = replace(language_model, model=tuned.get_base_model())
        slow = slow_readings(world, through, given)
    for (layer, latent, text_id), values in token_values(
        produced(world, {**given, "adapter": adapter}, tmp_path)
    ).items():
        np.testing.assert_allclose(values, slow[text_id].acts[layer][:, latent].numpy(), **TOLERANCE)


def test_both_sides_of_a_parallel_text_are_read_by_the_panel_alone(
    world: World, inputs: Mapping[str, Path], english: Path, tmp_path: Path
) -> None:
    """A machine that says what the English phrase says reads as that phrase does, and people's sentence as theirs."""
    first, second = read_table(inputs["phrases"], Text)[:2]
    pairs = ((first.text, second.text), (second.text, first.text))
    rows = [
        ParallelTranslation(sentence_id=str(number), language="es", text=ours, reference=theirs)
        for number, (ours, theirs) in enumerate(pairs)
    ]
    write_table(tmp_path / "parallel", ParallelTranslation, rows)
    out = produced(world, {"phrases": inputs["phrases"], "parallel": tmp_path / "parallel"}, tmp_path / "out")
    found = {(row.layer, row.text_id): row.mean for row in read_table(out, PanelActivation)}
    said = {0: first.text_id, 1: second.text_id, 2: second.text_id, 3: first.text_id}
    known = {(row.layer, row.text_id): row.mean for row in read_table(english, PanelActivation)}
    assert {text for _, text in found} == said.keys()
    for (layer, text), mean in found.items():
        np.testing.assert_allclose(mean, known[layer, said[text]], **TOLERANCE)
    people, sentences = by_people(np.arange(4))
    assert (people.tolist(), sentences.tolist()) == ([False, True, False, True], [0, 0, 1, 1])
    assert read_table(out, TokenActivation) == []


def test_a_parallel_text_that_was_not_had_leaves_nothing_to_read(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    write_table(tmp_path / "parallel", UnscoredTranslator, [UnscoredTranslator(language="es", why="a gate")])
    out = produced(world, {"phrases": inputs["phrases"], "parallel": tmp_path / "parallel"}, tmp_path / "out")
    assert [read_table(out, kind) for kind in TABLES] == [[], [], [], []]
