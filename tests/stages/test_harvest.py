"""The harvest stage: rows of the export's own texts give the export's maxima, and a running choice is the choice of all."""

import gzip
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from harness.models.loading import LanguageModel, load_language_model
from harness.models.params import arrays_of
from harness.models.sae import layer_sae
from harness.sources.corpus import documents
from harness.sources.neuronpedia import StoredRow, listed_latents, stored_rows
from harness.sources.pins import locate
from harness.stages.harvest import (
    CONTEXTS_PER_DOCUMENT,
    MIN_TOKENS,
    StrongestRows,
    corpus_contexts,
    harvest,
    harvested,
)
from harness.stages.phrases import phrases
from harness.stages.replay import replay
from harness.store.tables import read_table
from harness.words.errors import MissingSourceError
from harness.words.plan import Networks
from harness.words.records import Coverage, LayerReplay, Selection
from harness.words.study import (
    SAMPLING_SEED,
    Harvest,
    Home,
    PhraseChoice,
    PhraseCut,
    Pin,
    SAEForm,
    SAEKind,
)
from tests.sae_forms import write_form
from tests.world_networks import D_SAE
from tests.worlds import World

HOW = Harvest(files=("texts.jsonl",), contexts=1_000, context_tokens=33, rows_per_latent=5)


def corpus_of(folder: Path) -> Pin:
    return Pin(name="corpus", home=Home.FOLDER, address=str(folder), licence="none")


def write_texts(folder: Path, texts: list[str]) -> None:
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))


@pytest.fixture(scope="module")
def language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


def maxima_of(rows: list[StoredRow]) -> dict[int, float]:
    maxima: dict[int, float] = defaultdict(float)
    for row in rows:
        maxima[row.latent] = max(maxima[row.latent], *row.values)
    return maxima


@pytest.mark.parametrize("layer", [0, 3])
def test_rows_of_the_exports_own_texts_have_the_exports_maxima(
    world: World, language_model: LanguageModel, layer: int
) -> None:
    """Those of single documents: in the others a second BOS stands, behind which a text is read anew."""
    stored = list(stored_rows(locate(world.phrases), world.phrase_source_ids[layer]))
    stored = [row for row in stored if "<bos>" not in row.tokens]
    windows = dict.fromkeys(row.tokens for row in stored)
    ids = [
        [*language_model.front_ids, *language_model.tokenizer.convert_tokens_to_ids(list(w))] for w in windows
    ]
    how = replace(HOW, context_tokens=max(map(len, ids)))
    found = harvested(language_model, world.networks(), ids, how).layers[layer]
    expected = maxima_of(stored)
    assert len(expected) > 20
    for latent, maximum in expected.items():
        assert float(found.peaks[0, latent]) == pytest.approx(maximum, abs=6e-4, rel=1e-4)


def test_what_is_written_is_read_as_an_export(
    world: World, language_model: LanguageModel, tmp_path: Path
) -> None:
    write_texts(tmp_path, english(world)[:60])
    out = tmp_path / "out"
    told = {"corpus": corpus_of(tmp_path), "how": HOW, "source_ids": world.phrase_source_ids}
    harvest(out=out, networks=world.networks(), **told)
    contexts = list(corpus_contexts(language_model, corpus_of(tmp_path), HOW))
    found = harvested(language_model, world.networks(batch_tokens=64), contexts, HOW)
    for layer, source_id in enumerate(world.phrase_source_ids):
        rows = list(stored_rows(out, source_id, found.layers[layer].peaks.shape[1]))
        assert len(rows) == int((found.layers[layer].peaks > 0).sum()) > 50
        expected = {n: float(peak) for n, peak in enumerate(found.layers[layer].peaks[0]) if peak > 0}
        assert maxima_of(rows) == pytest.approx(expected, abs=6e-4, rel=1e-4)
        assert listed_latents(out, source_id) == {*range(found.layers[layer].peaks.shape[1])}
        pieces = {tuple(language_model.tokenizer.convert_ids_to_tokens(ids[1:])) for ids in contexts}
        assert {row.tokens for row in rows} <= pieces


def english(world: World) -> list[str]:
    """Sentences of the tiny world, spelled from its rows."""
    windows = dict.fromkeys(
        row.tokens for row in stored_rows(locate(world.phrases), world.phrase_source_ids[0])
    )
    return ["".join(tokens).replace("\u2581", " ").replace("<bos>", " ").strip() for tokens in windows]


def test_a_running_choice_is_the_choice_of_all() -> None:
    """Against a sort of everything at once, in portions of one, three and all, with many equal peaks."""
    rng = np.random.default_rng(3)
    acts = rng.integers(0, 4, size=(12, 5, 7)).astype(np.float32)
    for portion in (1, 3, 12):
        kept = StrongestRows.empty(4, 7, 6, "cpu")
        for first in range(0, 12, portion):
            kept.add(torch.from_numpy(acts[first : first + portion]), first)
        for latent in range(7):
            peaks = acts[:, :, latent].max(axis=1)
            order = sorted(range(12), key=lambda context: (-peaks[context], context))[:4]
            assert kept.contexts[:, latent].tolist() == order
            assert kept.peaks[:, latent].tolist() == peaks[order].tolist()
            assert torch.equal(kept.values[:, latent, 1:], torch.from_numpy(acts[order, :, latent]))
        assert kept.firing.tolist() == (acts > 0).sum(axis=(0, 1)).tolist()


def test_what_is_held_does_not_grow_with_the_corpus() -> None:
    kept = StrongestRows.empty(4, 7, 5, "cpu")
    sizes = {tuple(tensor.numel() for tensor in vars(kept).values())}
    for first in range(0, 60, 3):
        kept.add(torch.rand(3, 5, 7), first)
        sizes.add(tuple(tensor.numel() for tensor in vars(kept).values()))
    assert len(sizes) == 1


def test_the_rows_of_a_top_k_are_of_latents_that_won(
    world: World, language_model: LanguageModel, tmp_path: Path
) -> None:
    form = SAEForm(kind=SAEKind.QWEN_SCOPE, k=3)
    files = tuple(
        write_form(tmp_path / "saes", layer, arrays_of(world.dictionaries, file), form)
        for layer, file in enumerate(world.dictionary_files)
    )
    networks = replace(
        world.networks(),
        dictionaries=corpus_of(tmp_path / "saes"),
        dictionary_files=files,
        dictionary_form=form,
    )
    write_texts(tmp_path, english(world)[:20])
    contexts = list(corpus_contexts(language_model, corpus_of(tmp_path), HOW))
    found = harvested(language_model, networks, contexts, HOW)
    tokens = sum(len(ids) - 1 for ids in contexts)
    assert all(0 < int(rows.firing.sum()) <= 3 * tokens for rows in found.layers.values())
    # sae-lens, on the context that holds the strongest row of all.
    rows = found.layers[1]
    latent = int(rows.peaks[0].argmax())
    ids = contexts[int(rows.contexts[0, latent])]
    with torch.no_grad():
        stream = language_model.model(torch.tensor([ids]), output_hidden_states=True).hidden_states[2][0, 1:]
    expected = layer_sae(networks, 1).encode(stream)[:, latent]
    torch.testing.assert_close(rows.values[0, latent, -len(expected) :], expected, rtol=1e-4, atol=1e-4)


@pytest.fixture(scope="module")
def harvest_folder(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is harvested from the sentences of the tiny world."""
    folder = tmp_path_factory.mktemp("harvested")
    write_texts(folder, english(world))
    harvest(
        out=folder / "out", corpus=corpus_of(folder), how=HOW, source_ids=world.phrase_source_ids,
        networks=world.networks(),
    )  # fmt: skip
    return folder / "out"


def replayed(world: World, harvest_folder: Path, out: Path, networks: Networks) -> list[LayerReplay]:
    """What the replay stage makes of harvested rows."""
    told = {"source_ids": world.phrase_source_ids, "rows_per_layer": 20, "seed": SAMPLING_SEED}
    replay(harvest_folder, out=out, export=corpus_of(out.parent), networks=networks, **told)
    return list(read_table(out, LayerReplay))


def test_harvested_rows_are_found_again_by_sae_lens(
    world: World, harvest_folder: Path, tmp_path: Path
) -> None:
    layers = replayed(world, harvest_folder, tmp_path / "out", world.networks())
    assert [layer.passes for layer in layers] == [True] * world.num_layers
    assert all(layer.rows_passing == layer.rows == 20 for layer in layers)


def test_phrases_are_selected_from_harvested_rows(world: World, harvest_folder: Path, tmp_path: Path) -> None:
    phrases(
        harvest_folder,
        out=tmp_path / "out",
        export=corpus_of(tmp_path),
        source_ids=world.phrase_source_ids,
        dictionaries=world.dictionaries,
        dictionary_files=world.dictionary_files,
        choice=PhraseChoice(
            min_fraction_of_maximum=0.8, cut=PhraseCut.SENTENCE, min_examples=1, max_examples=3
        ),
        latents_per_layer=6,
        phrases_per_latent=None,
        panel_latents=2,
        held_out_fraction=0.5,
        seed=1,
    )
    stored = list(stored_rows(harvest_folder, world.phrase_source_ids[2]))
    maxima = maxima_of(stored)
    chosen = [each for each in read_table(tmp_path / "out", Selection) if each.layer == 2]
    assert len({each.latent for each in chosen}) == 6
    assert all(each.stored_peak >= 0.8 * maxima[each.latent] - 1e-3 for each in chosen)
    (coverage,) = (each for each in read_table(tmp_path / "out", Coverage) if each.layer == 2)
    assert (coverage.rows_read, coverage.latents_listed) == (len(stored), D_SAE)


def test_contexts_are_of_one_document_and_no_document_fills_them_all(
    world: World, language_model: LanguageModel, tmp_path: Path
) -> None:
    sentence = english(world)[0]
    write_texts(tmp_path, [" ".join([sentence] * 50), "short", sentence])
    contexts = list(corpus_contexts(language_model, corpus_of(tmp_path), HOW))
    bos = language_model.front_ids[0]
    assert [len(ids) for ids in contexts[:CONTEXTS_PER_DOCUMENT]] == [33] * CONTEXTS_PER_DOCUMENT
    assert all(ids[0] == bos and ids.count(bos) == 1 and len(ids) > MIN_TOKENS for ids in contexts)
    spelled = language_model.token_ids([sentence])[0]
    assert [bos, *contexts[CONTEXTS_PER_DOCUMENT][1:]] == spelled[:33]
    fewer = replace(HOW, contexts=2)
    assert len(list(corpus_contexts(language_model, corpus_of(tmp_path), fewer))) == 2


def test_a_corpus_without_a_context_is_refused(world: World, tmp_path: Path) -> None:
    write_texts(tmp_path, ["short"])
    with pytest.raises(ValueError, match="holds no text of 8 tokens or more"):
        harvest(
            out=tmp_path / "out", corpus=corpus_of(tmp_path), how=HOW, source_ids=world.phrase_source_ids,
            networks=world.networks(),
        )  # fmt: skip


TEXTS = ["one", "two\u2028in one line", "three"]


def write_plain(path: Path) -> None:
    path.write_bytes(b"\n".join(json.dumps({"text": text}, ensure_ascii=False).encode() for text in TEXTS))


def write_gzip(path: Path) -> None:
    write_plain(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


def write_zstd(path: Path) -> None:
    write_plain(path)
    content = path.read_bytes()
    with pa.output_stream(path, compression="zstd") as sink:
        sink.write(content)


def write_parquet(path: Path) -> None:
    pq.write_table(pa.table({"text": TEXTS, "meta": [1, 2, 3]}), path)


FILES = {
    "a.jsonl": write_plain,
    "a.jsonl.gz": write_gzip,
    "a.jsonl.zst": write_zstd,
    "a.parquet": write_parquet,
}


@pytest.mark.parametrize("name", FILES)
def test_a_corpus_is_read_however_it_is_packed(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    assert list(documents(corpus_of(tmp_path), (name, name))) == TEXTS * 2


@pytest.mark.parametrize("name", FILES)
def test_a_corpus_cut_short_is_told(tmp_path: Path, name: str) -> None:
    FILES[name](tmp_path / name)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:-7])
    with pytest.raises(MissingSourceError, match=rf"{name} cannot be read behind its first \d+ rows"):
        list(documents(corpus_of(tmp_path), (name,)))


@pytest.mark.parametrize(
    "line", ['{"words": "a"}', '{"text": 3}', "[1]", "no JSON", '{"text": "\\ud800"}'],
    ids=["no text", "a number", "a list", "no JSON", "half a character"],
)  # fmt: skip
def test_a_row_without_a_text_is_told(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "fine"}\n' + line)
    with pytest.raises(MissingSourceError, match=r"a\.jsonl cannot be read behind its first 1 rows"):
        list(documents(corpus_of(tmp_path), ("a.jsonl",)))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(
        MissingSourceError, match=r"has no file b\.jsonl, and it holds a\.jsonl; put the right files"
    ):
        list(documents(corpus_of(tmp_path), ("b.jsonl",)))
