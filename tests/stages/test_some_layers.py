"""A model of which some layers alone have a dictionary: what is read there is what a whole run reads there, and nothing else."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from harness.models.loading import load_language_model
from harness.models.params import arrays_of
from harness.models.sae import layer_encoder
from harness.sources.neuronpedia import stored_rows
from harness.stages.alignment import adapters
from harness.stages.dictionary_error import dictionary_error
from harness.stages.extraction import activations
from harness.stages.harvest import corpus_contexts, harvest, harvested
from harness.stages.phrases import phrases
from harness.stages.replay import replay
from harness.store.tables import read_table, write_table
from harness.words.plan import Networks
from harness.words.records import (
    DictionaryError,
    LayerReplay,
    MeanResidual,
    PanelActivation,
    PanelLatent,
    RandomReading,
    Selection,
    SplicedLoss,
    Text,
    TokenActivation,
    TrainingLoss,
    Translation,
)
from harness.words.study import Harvest, Home, Pin, SAEForm, SAEKind
from tests.sae_forms import write_form
from tests.small_study import SPECIFICATION
from tests.world_texts import english_sentences, in_language
from tests.worlds import World

READ = (1, 3)
"""Of four."""


def networks_of(world: World, *, some: bool) -> Networks:
    networks = world.networks()
    if not some:
        return networks
    files = tuple(world.dictionary_files[layer] for layer in READ)
    return replace(networks, dictionary_files=files, dictionary_layers=READ)


def source_ids(world: World, *, some: bool) -> tuple[str, ...]:
    return tuple(world.phrase_source_ids[layer] for layer in READ) if some else world.phrase_source_ids


def chosen_phrases(world: World, out: Path, *, some: bool) -> Path:
    networks = networks_of(world, some=some)
    phrases(
        out=out,
        export=world.phrases,
        source_ids=source_ids(world, some=some),
        dictionaries=world.dictionaries,
        dictionary_files=networks.dictionary_files,
        dictionary_layers=networks.dictionary_layers,
        choice=SPECIFICATION.phrases,
        latents_per_layer=6,
        phrases_per_latent=None,
        panel_latents=4,
        held_out_fraction=1 / 3,
        seed=3,
    )
    return out


def require_alike(found: Mapping[bool, Sequence[Any]]) -> None:
    """Rows of some layers are those of all layers, but for what another order of sums does, and of no other layer."""
    assert {row.layer for row in found[True]} == {*READ}
    ours, theirs = (
        {(row.layer, getattr(row, "latent", 0), getattr(row, "text_id", 0)): vars(row) for row in rows}
        for rows in found.values()
    )
    assert ours.keys() == {key for key in theirs if key[0] in READ}
    for key, row in ours.items():
        for name, value in row.items():
            expected = theirs[key][name]
            assert value == (
                expected if isinstance(expected, str) else pytest.approx(expected, rel=1e-4, abs=1e-6)
            )


@pytest.fixture(scope="module")
def read_texts(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Phrases of the layers that are read: both worlds read the same texts."""
    return chosen_phrases(world, tmp_path_factory.mktemp("some"), some=True)


def test_the_phrases_of_a_layer_do_not_depend_on_which_others_are_read(
    world: World, read_texts: Path, tmp_path: Path
) -> None:
    whole = chosen_phrases(world, tmp_path, some=False)

    def told(folder: Path) -> tuple[object, object]:
        texts = {row.text_id: row.text for row in read_table(folder, Text)}
        spoken = [
            (row.layer, row.latent, texts[row.text_id], row.stored_peak)
            for row in read_table(folder, Selection)
        ]
        return [row for row in spoken if row[0] in READ], [
            row for row in read_table(folder, PanelLatent) if row.layer in READ
        ]

    assert told(read_texts) == told(whole)
    assert {row.layer for row in read_table(read_texts, Selection)} == {*READ}


@pytest.mark.parametrize("kind", [TokenActivation, PanelActivation, MeanResidual])
def test_what_is_read_at_a_layer_is_what_a_whole_run_reads_there(
    world: World, read_texts: Path, tmp_path: Path, kind: type[Any]
) -> None:
    found = {}
    for some in (True, False):
        told = {"language": "en", "panel_texts": 5, "similarity_texts": 3, "seed": 1}
        out = tmp_path / str(some)
        activations(read_texts, out=out, networks=networks_of(world, some=some), **told)
        found[some] = read_table(out, kind)
    require_alike(found)


@pytest.mark.parametrize("kind", [DictionaryError, RandomReading, SplicedLoss])
def test_dictionaries_are_tried_where_they_are(
    world: World, read_texts: Path, tmp_path: Path, kind: type[Any]
) -> None:
    found = {}
    for some in (True, False):
        told = {"language": "en", "texts": 6, "texts_per_spliced": 2, "seed": 1}
        out = tmp_path / str(some)
        dictionary_error(read_texts, out=out, networks=networks_of(world, some=some), **told)
        found[some] = read_table(out, kind)
    require_alike(found)


def test_stored_rows_are_found_again_at_the_layers_that_they_are_of(world: World, tmp_path: Path) -> None:
    told = {"export": world.phrases, "rows_per_layer": 20, "seed": 3}
    for some in (True, False):
        networks = networks_of(world, some=some)
        replay(out=tmp_path / str(some), source_ids=source_ids(world, some=some), networks=networks, **told)
    some_rows, all_rows = (read_table(tmp_path / str(some), LayerReplay) for some in (True, False))
    assert [(row.layer, row.passes) for row in some_rows] == [(layer, True) for layer in READ]
    assert some_rows == [row for row in all_rows if row.layer in READ]


def test_rows_are_harvested_of_the_dictionaries_that_there_are(world: World, tmp_path: Path) -> None:
    lines = [" ".join(english_sentences(3, seed=seed)) for seed in range(20)]
    (tmp_path / "texts.jsonl").write_text("".join(f'{{"text": "{line}"}}\n' for line in lines))
    corpus = Pin(name="texts", home=Home.FOLDER, address=str(tmp_path), licence="none")
    how = Harvest(files=("texts.jsonl",), contexts=30, context_tokens=33, rows_per_latent=4)
    for some in (True, False):
        harvest(
            out=tmp_path / str(some),
            corpus=corpus,
            how=how,
            source_ids=source_ids(world, some=some),
            networks=networks_of(world, some=some),
        )
    for source_id in source_ids(world, some=True):
        ours, theirs = (list(stored_rows(tmp_path / str(some), source_id)) for some in (True, False))
        assert ours
        assert ours == theirs
    language_model = load_language_model(world.model, world.numerics)
    contexts = list(corpus_contexts(language_model, corpus, how))
    assert tuple(harvested(language_model, networks_of(world, some=True), contexts, how).layers) == READ


def test_an_adapter_changes_its_layers_and_the_loss_reads_those_that_have_a_dictionary(
    world: World, read_texts: Path, tmp_path: Path
) -> None:
    """Before its first step an adapter changes nothing: the loss is that of one that changes and reads these layers alone."""
    told = translated(read_texts, tmp_path / "translation")
    choice = replace(SPECIFICATION.alignment, layers=(0, 1, 2, 3))
    first = {}
    for some, layers in ((True, (0, 1, 2, 3)), (False, READ), (False, (0, 1, 2, 3))):
        out = tmp_path / f"{some}-{len(layers)}"
        training: Mapping[str, Any] = {
            "language": "es", "seed": 1, "max_steps": 1, "batch_size": 4, "wrong_partners": False,
        }  # fmt: skip
        adapters(
            read_texts, told, out=out, networks=networks_of(world, some=some), choice=replace(choice, layers=layers), **training
        )  # fmt: skip
        first[some, len(layers)] = read_table(out, TrainingLoss)[0].loss
        card = (out / "README.md").read_text(encoding="utf-8")
        assert ("The loss reads layers 1, 3:" in card) is some
    assert first[True, 4] == pytest.approx(first[False, 2], rel=1e-6)
    config = json.loads((tmp_path / "True-4" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["layers_to_transform"] == [0, 1, 2, 3]


def translated(texts: Path, out: Path) -> Path:
    """Into a made-up Spanish."""
    flags = dict.fromkeys((each.name for each in fields(Translation) if each.name.startswith("is_")), False)
    rows = [
        Translation(text_id=row.text_id, language="es", text=in_language(row.text, "es"), **flags)
        for row in read_table(texts, Text)
    ]
    write_table(out, Translation, rows)
    return out


@pytest.mark.parametrize(
    ("named", "says"),
    [
        pytest.param({"1": "blocks.2.hook_resid_pre", "3": "blocks.4.hook_resid_pre"}, "", id="the stream before the next"),
        pytest.param({"1": "blocks.1.hook_resid_pre", "3": "blocks.3.hook_resid_pre"},
                     "named for layer 1, was trained at 'blocks.1.hook_resid_pre'; expected blocks.1.hook_resid_post or blocks.2",
                     id="off by one"),
    ],
)  # fmt: skip
def test_what_stands_beside_a_file_holds_it_to_its_layer(
    world: World, tmp_path: Path, named: Mapping[str, str], says: str
) -> None:
    form = SAEForm(kind=SAEKind.SAE_LENS, is_before=True)
    files = tuple(
        write_form(tmp_path, layer, arrays_of(world.dictionaries, world.dictionary_files[layer]), form)
        for layer in READ
    )
    for layer, file in zip(READ, files, strict=True):
        beside = tmp_path / Path(file).parent / "cfg.json"
        text, old = beside.read_text(), f"blocks.{layer + 1}.hook_resid_pre"
        assert old in text
        beside.write_text(text.replace(old, named[str(layer)]))
    networks = replace(
        networks_of(world, some=True),
        dictionaries=Pin(name="suite", home=Home.FOLDER, address=str(tmp_path), licence="none"),
        dictionary_files=files,
        dictionary_form=form,
    )
    if says:
        with pytest.raises(ValueError, match=says):
            layer_encoder(networks, 1)
    else:
        assert [layer_encoder(networks, layer).num_latents for layer in READ] == [64, 64]
