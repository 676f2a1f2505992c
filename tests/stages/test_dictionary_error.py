"""How well dictionaries rebuild the stream: running sums by pencil, against numpy and against a slow loop."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from harness.models.loading import LanguageModel, load_language_model
from harness.models.residuals import visit_residuals
from harness.models.sae import load_sae
from harness.stages import dictionary_error
from harness.stages.dictionary_error import (
    RANDOM_DIRECTIONS,
    dictionary_sample,
    reconstruction_totals,
)
from harness.stages.extraction import sample_of
from harness.statistics.reconstruction import LayerTotals
from harness.store.tables import read_table, write_table
from harness.words.plan import Parameters
from harness.words.records import DictionaryError, RandomReading, SplicedLoss, Text, Translation
from tests.stages.conftest import made
from tests.world_texts import english_sentences
from tests.worlds import World

SENTENCES = english_sentences(12, seed=9)


@pytest.fixture(scope="module")
def language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    folder = tmp_path_factory.mktemp("phrases")
    write_table(
        folder, Text, [Text(text_id=n, text=text, held_out=False) for n, text in enumerate(SENTENCES)]
    )
    return {"phrases": folder}


def task_of(
    world: World, texts: int, seed: int = 1, batch_tokens: int = 512, texts_per_spliced: int = 3
) -> Parameters:
    return {
        "language": "en",
        "networks": world.networks(batch_tokens),
        "texts": texts,
        "texts_per_spliced": texts_per_spliced,
        "seed": seed,
    }


def test_variance_unexplained_by_pencil() -> None:
    # Stream (1, 0), (3, 0), (2, 4), mean (2, 4/3): variance 1 + 1 + 0 + 16/9 + 16/9 + 64/9 = 38/3.
    # Rebuilt one off in a single coordinate: squared error 1. Five active of three tokens: L0 of 5/3.
    totals = LayerTotals()
    rebuilt = torch.tensor([[1.0, 1.0], [3.0, 0.0]])
    totals.add(torch.tensor([[1.0, 0.0], [3.0, 0.0]]), rebuilt, torch.tensor([[1.0, 2.0], [0.0, 3.0]]))
    totals.add(torch.tensor([[2.0, 4.0]]), torch.tensor([[2.0, 4.0]]), torch.tensor([[0.5, 0.5]]))
    assert totals.fraction_variance_unexplained == pytest.approx(3 / 38)
    assert (totals.active, totals.tokens) == (5.0, 3)


@pytest.mark.parametrize(
    ("rebuilt", "fraction"),
    [
        pytest.param([[1.0], [3.0]], 0.0, id="a perfect copy leaves nothing"),
        pytest.param([[2.0], [2.0]], 1.0, id="the mean alone leaves everything"),
        pytest.param([[3.0], [1.0]], 4.0, id="worse than the mean is above one"),
    ],
)
def test_the_scale_of_the_fraction(rebuilt: list[list[float]], fraction: float) -> None:
    totals = LayerTotals()
    totals.add(torch.tensor([[1.0], [3.0]]), torch.tensor(rebuilt), torch.ones(2, 1))
    assert totals.fraction_variance_unexplained == pytest.approx(fraction)


def test_sums_in_parts_equal_numpy_on_the_whole() -> None:
    stream = np.random.default_rng(0)
    # A large mean, as residual streams have, over which single precision would stumble.
    whole = 100 + stream.normal(size=(50, 8))
    rebuilt = whole + 0.1 * stream.normal(size=whole.shape)
    totals = LayerTotals()
    for start in range(0, 50, 7):
        part = slice(start, start + 7)
        totals.add(torch.tensor(whole[part]), torch.tensor(rebuilt[part]), torch.ones(len(whole[part]), 3))
    expected = ((whole - rebuilt) ** 2).sum() / ((whole - whole.mean(0)) ** 2).sum()
    assert totals.fraction_variance_unexplained == pytest.approx(expected, rel=1e-9)
    assert totals.active / totals.tokens == 3


def slow_errors(
    world: World, language_model: LanguageModel, texts: Sequence[str]
) -> list[tuple[float, float]]:
    """Fraction and L0 of every layer, from one text at a time and numpy."""
    parts: dict[int, list[np.ndarray[tuple[int, int], np.dtype[np.float32]]]] = {n: [] for n in range(4)}
    for text in texts:
        encoded = language_model.tokenizer([text], return_tensors="pt")
        with torch.no_grad():
            visit_residuals(
                language_model.decoder,
                encoded["input_ids"],
                encoded["attention_mask"],
                range(4),
                lambda layer, stream: parts[layer].append(stream[0, 1:].numpy()),
            )
    found = []
    for layer, streams in parts.items():
        whole = np.concatenate(streams).astype(np.float32)
        sae = load_sae(world.dictionaries, world.dictionary_files[layer], "cpu")
        acts = sae.encode(torch.tensor(whole))
        rebuilt = (acts @ sae.W_dec + sae.b_dec).numpy().astype(np.float64)
        error = ((whole - rebuilt) ** 2).sum() / ((whole - whole.mean(0, dtype=np.float64)) ** 2).sum()
        found.append((float(error), float((acts > 0).sum() / len(whole))))
    return found


def test_errors_of_every_layer_equal_a_slow_loop(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    made(dictionary_error.dictionary_error, task_of(world, texts=100), inputs, tmp_path)
    rows = read_table(tmp_path, DictionaryError)
    assert [row.layer for row in rows] == [0, 1, 2, 3]
    assert {row.language for row in rows} == {"en"}
    num_tokens = sum(len(row) - 1 for row in language_model.token_ids(SENTENCES))
    assert {row.tokens for row in rows} == {num_tokens}
    for row, (error, l0) in zip(rows, slow_errors(world, language_model, SENTENCES), strict=True):
        assert row.fraction_variance_unexplained == pytest.approx(error, rel=1e-5)
        assert row.l0 == pytest.approx(l0, rel=1e-6)


def test_the_size_of_a_batch_moves_no_error(world: World, language_model: LanguageModel) -> None:
    small, large = (
        reconstruction_totals(language_model, SENTENCES, world.networks(batch_tokens))
        for batch_tokens in (1, 4096)
    )
    for one, other in zip(small.values(), large.values(), strict=True):
        assert one.fraction_variance_unexplained == pytest.approx(
            other.fraction_variance_unexplained, rel=1e-5
        )
        assert (one.tokens, one.active) == (other.tokens, other.active)


def test_every_language_is_described_on_the_same_texts(
    world: World, inputs: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen where the sample is read: each translation says which text it is of."""
    flags = dict.fromkeys(
        (field.name for field in fields(Translation) if field.name.startswith("is_")), False
    )
    described: dict[str, list[int]] = {}
    for code in ("en", "ml", "es"):
        said = [
            Translation(text_id=n, language=code, text=f"{code} {n}", **flags) for n in range(len(SENTENCES))
        ]
        write_table(tmp_path / code, Translation, said)
        needs = inputs if code == "en" else {**inputs, "translation": tmp_path / code}
        spoken = SENTENCES if code == "en" else [each.text for each in said]

        def totals(
            _model: object, texts: Sequence[str], _networks: object, _also: object, code: str = code
        ) -> dict[int, LayerTotals]:
            described[code] = [spoken.index(text) for text in texts]  # noqa: B023  called before the next round
            return {}

        monkeypatch.setattr(dictionary_error, "reconstruction_totals", totals)
        task = {**task_of(world, texts=5), "language": code}
        made(dictionary_error.dictionary_error, task, needs, tmp_path / "out" / code)
    assert described["en"] == described["ml"] == described["es"]
    assert len(described["en"]) == 5


def test_a_text_without_tokens_adds_nothing(world: World, language_model: LanguageModel) -> None:
    with_empty = reconstruction_totals(language_model, ["", *SENTENCES], world.networks())
    without = reconstruction_totals(language_model, SENTENCES, world.networks())
    assert [each.tokens for each in with_empty.values()] == [each.tokens for each in without.values()]


@pytest.mark.parametrize("seed", [0, 1, 20_250_101])
def test_the_sample_is_not_the_similarity_sample(seed: int) -> None:
    # Independent halves of 1,000 share 250; their spread is 8, from the hypergeometric distribution.
    sample = dictionary_sample(1_000, 500, seed)
    assert sample == sorted(set(sample))
    assert len(sample) == 500
    assert 200 < len(sample_of(range(1_000), 500, seed).intersection(sample)) < 300


def test_the_sample_is_seeded_and_as_large_as_asked(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    for name, seed in (("first", 1), ("again", 1), ("other", 2)):
        made(dictionary_error.dictionary_error, task_of(world, texts=4, seed=seed), inputs, tmp_path / name)
    first, again, other = (
        read_table(tmp_path / name, DictionaryError) for name in ("first", "again", "other")
    )
    assert first == again != other
    lengths = sorted(len(row) - 1 for row in language_model.token_ids(SENTENCES))
    assert sum(lengths[:4]) <= first[0].tokens <= sum(lengths[-4:])


def test_random_directions_read_the_same_stream_in_every_language(
    world: World, language_model: LanguageModel, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    made(dictionary_error.dictionary_error, task_of(world, texts=5), inputs, tmp_path)
    rows = {(row.layer, row.text_id): row for row in read_table(tmp_path, RandomReading)}
    sample = dictionary_sample(len(SENTENCES), 5, 1)
    assert rows.keys() == {(layer, text) for layer in range(4) for text in sample}
    directions = dictionary_error._random_directions(world.networks(), 1)
    encoded = language_model.tokenizer([SENTENCES[sample[2]]], return_tensors="pt")
    streams: dict[int, torch.Tensor] = {}
    with torch.no_grad():
        visit_residuals(language_model.decoder, *encoded.values(), range(4), streams.__setitem__)
    for layer, stream in streams.items():
        read = (stream[0, 1:] @ directions[layer]).numpy()
        values = np.reshape(rows[layer, sample[2]].values, (-1, RANDOM_DIRECTIONS))
        np.testing.assert_allclose(values, read, rtol=1e-3, atol=1e-4)


def test_random_directions_have_norms_of_the_dictionarys_own(world: World) -> None:
    for layer, drawn in dictionary_error._random_directions(world.networks(), 1).items():
        own = load_sae(world.dictionaries, world.dictionary_files[layer], "cpu").W_enc.norm(dim=0)
        distance = (drawn.norm(dim=0)[:, None] - own[None]).abs().min(dim=1).values
        assert drawn.shape == (
            len(load_sae(world.dictionaries, world.dictionary_files[layer], "cpu").W_enc),
            32,
        )
        assert float(distance.max()) < 1e-4 * float(own.max())
        # No direction is one of the dictionary's, and none is another's.
        cosines = torch.nn.functional.normalize(drawn, dim=0).T @ torch.nn.functional.normalize(drawn, dim=0)
        assert float((cosines - torch.eye(32)).abs().max()) < 0.999


def test_losses_are_kept_of_some_texts_at_every_layer(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    made(dictionary_error.dictionary_error, task_of(world, texts=5), inputs, tmp_path)
    rows = read_table(tmp_path, SplicedLoss)
    assert {(row.layer, row.text_id) for row in rows} == {
        (layer, text) for layer in range(4) for text in dictionary_sample(len(SENTENCES), 5, 1)[:2]
    }
    for text in {row.text_id for row in rows}:
        own = [row for row in rows if row.text_id == text]
        assert len({row.clean for row in own}) == 1
        assert len({row.spliced for row in own}) == 4
