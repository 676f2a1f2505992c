"""Another model in miniature under its true names: its rows are found again, and known faults are seen."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from harness.designs.design import plan
from harness.sources.studies import load_profile, load_study
from harness.stages.phrases import phrases
from harness.stages.replay import replay
from harness.store.tables import read_table
from harness.words.plan import Item, Networks, Parameters
from harness.words.records import Coverage, LayerReplay, Text
from harness.words.study import Home, Pin
from tests.hub.elsewhere import hub_elsewhere
from tests.hub.server import Hub, content_of
from tests.planted.faults import HOOKED, STREAM
from tests.planted.patching import Patch, planted

LAYERS = 2
"""Layers that are read here; whole runs are a proof."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    return hub_elsewhere("llama_3_1_8b", tmp_path_factory.mktemp("draft"))


@pytest.fixture(scope="module")
def told(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Parameters]:
    """What replay and phrases are told of the first layers, from folders that hold what the pins ask the hub for."""
    study = load_study("llama_3_1_8b")
    profile = load_profile(study, "paper")
    root = tmp_path_factory.mktemp("fetched")

    def fetched(pin: Pin) -> Pin:
        folder = root / pin.name / pin.address.rpartition("/")[2]
        held = (
            {key.partition("/")[2]: content for key, content in hub.objects.items()}
            if pin.home is Home.BUCKET
            else hub.repositories["models", pin.address].files
        )
        start = pin.address.partition("amazonaws.com/")[2] + "/" if pin.home is Home.BUCKET else ""
        for name, content in held.items():
            if name.startswith(start) and (pin.home is Home.BUCKET or pin.wants(name)):
                path = folder / name.removeprefix(start)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content_of(content))
        return replace(pin, home=Home.FOLDER, address=str(folder))

    sources = profile.sources
    sources = replace(
        sources,
        model=fetched(sources.model),
        dictionaries=fetched(sources.dictionaries),
        phrases=fetched(sources.phrases),
    )
    drawn = plan(study, replace(profile, sources=sources), "cpu")
    return {name: _shortened(drawn.stage(name).items[0]) for name in ("replay", "phrases")}


def _shortened(item: Item) -> Parameters:
    told = {**item.parameters, "source_ids": item.parameters["source_ids"][:LAYERS]}
    if "dictionary_files" in told:
        told["dictionary_files"] = told["dictionary_files"][:LAYERS]
    if "networks" in told:
        networks: Networks = told["networks"]
        files = networks.dictionary_files[:LAYERS]
        told["networks"] = replace(networks, dictionary_files=files, dictionary_layers=tuple(range(LAYERS)))
    return told


def test_only_what_is_needed_of_the_true_repository_is_fetched(told: Mapping[str, Parameters]) -> None:
    networks: Networks = told["replay"]["networks"]
    names = sorted(path.name for path in Path(networks.model.address).rglob("*") if path.is_file())
    assert [name for name in names if not name.startswith("model-0000")] == [
        "config.json", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json",
    ]  # fmt: skip


def replayed(told: Mapping[str, Parameters], out: Path) -> list[LayerReplay]:
    replay(out=out, **told["replay"])
    return list(read_table(out, LayerReplay))


def test_rows_in_byte_level_pieces_are_found_again_in_the_units_they_were_stored_in(
    told: Mapping[str, Parameters], tmp_path: Path
) -> None:
    layers = replayed(told, tmp_path)
    assert [layer.passes for layer in layers] == [True] * LAYERS
    assert all(layer.median_scale == pytest.approx(1, abs=0.01) for layer in layers)


@pytest.mark.parametrize(
    ("patch", "says"),
    [
        pytest.param(
            Patch("sources.neuronpedia:piece_ids", "_as_exported(piece)", "piece"),
            "has no piece ' ", id="pieces not inverted",
        ),
        pytest.param(
            Patch("sources.neuronpedia:piece_ids", "if pieces is Pieces.WORD_MARKS:", "if True:"),
            "has no piece ' ", id="pieces taken for those of Gemma",
        ),
    ],
)  # fmt: skip
def test_pieces_that_are_read_wrongly_are_of_another_tokenizer(
    told: Mapping[str, Parameters], tmp_path: Path, patch: Patch, says: str
) -> None:
    with planted((patch,)), pytest.raises(ValueError, match=f"{says}.*do not belong together"):
        replayed(told, tmp_path)


FOLD, FILE = "models.params:_llama_scope", "words.plan:Networks.dictionary_file"
BEFORE = Patch(FILE, "self.layers.index(layer)", "self.layers.index(layer) - 1")


@pytest.mark.parametrize(
    "patches",
    [
        pytest.param((Patch(FOLD, "_with_decoder_norm(arrays)", "arrays"),), id="decoder norm forgotten"),
        pytest.param((Patch(FOLD, 'found["b_enc"] / scale * unit', 'found["b_enc"] * unit'),), id="bias in the other unit"),
        pytest.param((BEFORE, Patch("models.params:require_its_layer", "if found not in expected:", "if False:")), id="SAE of the layer before"),
        pytest.param((Patch(STREAM, HOOKED, "stream = _inputs[0]"),), id="stream before the layer"),
    ],
)  # fmt: skip
def test_a_form_that_is_read_wrongly_is_seen_by_the_gate(
    told: Mapping[str, Parameters], tmp_path: Path, patches: tuple[Patch, ...]
) -> None:
    with planted(patches):
        assert not any(layer.passes for layer in replayed(told, tmp_path))


def test_an_sae_of_another_layer_is_refused_by_what_its_file_says(
    told: Mapping[str, Parameters], tmp_path: Path
) -> None:
    with planted((BEFORE,)), pytest.raises(ValueError, match=r"was trained at 'blocks\.1\.hook_resid_post'"):
        replayed(told, tmp_path)


def test_a_missing_front_token_is_seen_by_the_gate(told: Mapping[str, Parameters], tmp_path: Path) -> None:
    assert not any(layer.rows_passing_without_bos > layer.rows / 2 for layer in replayed(told, tmp_path))


def test_phrases_are_whole_sentences_without_marks_of_a_vocabulary(
    told: Mapping[str, Parameters], tmp_path: Path
) -> None:
    phrases(out=tmp_path, **told["phrases"])
    texts = [row.text for row in read_table(tmp_path, Text)]
    assert "The teacher\u2019s letter was seen from the old harbour in the morning." in texts
    assert all(text.isprintable() and text.startswith("The ") and text.endswith(".") for text in texts)
    assert all(
        (row.rows_peaked_on_bos, row.rows_across_documents) > (0, 0) for row in read_table(tmp_path, Coverage)
    )
