"""Things drawn at random: recipes, layouts, true shapes in small, and the whole main path through them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from claims.sin2025.profiles import rehearsal
from claims.sin2025.study import STUDY
from harness.designs.design import plan
from harness.models.loading import load_language_model
from harness.models.sae import load_encoder, load_sae
from harness.models.translator import convert_marian, load_translator
from harness.sources.pins import locate, revision_of
from harness.sources.studies import profile_faults
from harness.sources.synthetic import recipe_of, synthetic_folder
from harness.stages.translation import translated_texts
from harness.store.tables import read_table
from harness.words.errors import UsageError
from harness.words.estimate import Estimate
from harness.words.plan import Numerics
from harness.words.records import DictionaryError, LayerReplay, LoadedModel
from harness.words.study import (
    GEMMA_2,
    Harvest,
    Home,
    ModelPin,
    Pin,
    Profile,
    SAEForm,
    SAEKind,
    Sources,
    Translator,
)
from tests.small_study import make, small_profile, small_study
from tests.worlds import World

CPU = Numerics(device="cpu", dtype="float32", threads=1)


def pin(recipe: str) -> Pin:
    return Pin(name="made", home=Home.MADE, address=recipe, licence="none")


MODEL = ModelPin.of(
    pin("model?vocabulary=400&width=32&layers=4&heads=2&kv_heads=1&head_width=16&mlp=64"), GEMMA_2
)
DICTIONARIES = pin("dictionaries?width=32&latents=64&layers=4")
TRANSLATOR = pin("translator?vocabulary=300&width=16&layers=1&heads=2&mlp=32")
EXPORT = pin("export?layers=4&latents=8&tokens=40")
ITEMS = pin("items?items=6")


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path_factory.getbasetemp() / "made-home"))
    for forget in (locate, revision_of, load_language_model, load_translator):
        forget.cache_clear()


def made_profile(world: World) -> Profile:
    sources = Sources(
        model=MODEL,
        dictionaries=DICTIONARIES,
        dictionary_files=tuple(f"layer_{layer}/params.npz" for layer in range(4)),
        phrases=EXPORT,
        phrase_source_ids=tuple(str(layer) for layer in range(4)),
        translators={code: Translator(pin=TRANSLATOR) for code in ("zh", "es", "ml")},
        benchmarks={"m_arc": ITEMS},
    )
    return replace(small_profile(world), sources=sources)


def test_a_made_model_has_the_shapes_of_its_recipe() -> None:
    language_model = load_language_model(MODEL, CPU)
    assert language_model.model.get_input_embeddings().weight.shape == (400, 32)
    assert language_model.model.config.num_hidden_layers == 4
    (ids,) = language_model.token_ids(["the harbour is quiet."])
    assert (ids[0],) == language_model.front_ids
    assert language_model.tokenizer.unk_token_id not in ids


def test_made_dictionaries_have_unit_rows() -> None:
    encoder, whole = (
        load_encoder(DICTIONARIES, "layer_3/params.npz"),
        load_sae(DICTIONARIES, "layer_3/params.npz", "cpu"),
    )
    assert encoder.W_enc.shape == (32, 64)
    assert np.linalg.norm(whole.W_dec.detach().numpy(), axis=1) == pytest.approx(np.ones(64), abs=1e-5)


def test_a_made_translator_translates(tmp_path: Path) -> None:
    convert_marian(TRANSLATOR, tmp_path / "es")
    translator = load_translator(tmp_path / "es", CPU)
    (found,) = translated_texts(translator, {0: "the harbour"}, None, 2, 8)
    # A random one never ends by itself.
    assert found.is_truncated


def test_the_same_recipe_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = {path.name: path.read_bytes() for path in synthetic_folder(MODEL).rglob("*") if path.is_file()}
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    again = {path.name: path.read_bytes() for path in synthetic_folder(MODEL).rglob("*") if path.is_file()}
    assert first == again


def test_a_thing_is_made_once() -> None:
    folder = synthetic_folder(EXPORT)
    before = folder.stat().st_mtime_ns
    assert synthetic_folder(EXPORT) == folder
    assert folder.stat().st_mtime_ns == before


@pytest.mark.parametrize(("layers", "made"), [("7,15,", (7, 15)), ("7,", (7,)), ("3", (0, 1, 2))])
def test_layers_are_counted_or_listed(layers: str, made: tuple[int, ...]) -> None:
    recipe = pin(f"dictionaries?width=4&latents=8&layers={layers}")
    assert recipe_of(recipe)[1] == {"width": 4, "latents": 8, "layers": len(made)}
    found = {path.parent.name for path in synthetic_folder(recipe).glob("*/params.npz")}
    assert found == {f"layer_{layer}" for layer in made}


def test_the_recipe_is_the_revision() -> None:
    assert revision_of(MODEL) == revision_of(replace(MODEL, name="other"))
    assert revision_of(MODEL) != revision_of(replace(MODEL, address=MODEL.address.replace("32", "48", 1)))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        pytest.param(
            "modle?width=3", "unknown kind of made thing 'modle'.*did you mean 'model'", id="an unknown kind"
        ),
        pytest.param("items?items=many", "is no recipe", id="no number"),
        pytest.param(
            "export?layers=7,15&latents=8&tokens=40",
            "is no recipe .no comma stands behind layer 15",
            id="half a list",
        ),
        pytest.param("items", "items should not differ", id="no figures at all"),
        pytest.param("items?item=3", "item, items should not differ; a items takes", id="another figure"),
    ],
)
def test_what_is_no_recipe_is_refused(recipe: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        recipe_of(pin(recipe))


def test_the_rehearsal_profile_fits_the_study_and_its_shapes() -> None:
    profile = rehearsal()
    assert list(profile_faults(STUDY, profile)) == []
    kind, figures = recipe_of(profile.sources.model)
    assert (kind, figures["layers"], figures["width"], figures["vocabulary"]) == (
        "model", STUDY.shapes.num_layers, STUDY.shapes.d_model, STUDY.shapes.vocab_size
    )  # fmt: skip
    assert recipe_of(profile.sources.dictionaries)[1] == {"width": 2304, "latents": 16_384, "layers": 26}
    assert {pin.home for pin in profile.sources.pins()} == {Home.MADE}


def harvested_profile(world: World) -> Profile:
    """The same with SAEs of which 40 of 64 latents fire at a token, and rows that are harvested from made texts."""
    profile = made_profile(world)
    sources = replace(
        profile.sources,
        dictionaries=pin("top-k-dictionaries?width=32&latents=64&layers=4"),
        dictionary_files=tuple(f"layer{layer}.sae.pt" for layer in range(4)),
        dictionary_form=SAEForm(kind=SAEKind.QWEN_SCOPE, k=40),
        phrases=pin("corpus?documents=60&sentences=6"),
        harvest=Harvest(files=("texts.jsonl",), contexts=200, context_tokens=48, rows_per_latent=8),
    )
    return replace(profile, sources=sources)


@pytest.mark.slow
def test_the_whole_main_path_runs_on_rows_harvested_with_a_top_k(world: World, tmp_path: Path) -> None:
    study, profile = small_study(world), harvested_profile(world)
    drawn = plan(study, profile, "cpu")
    made: dict[str, Path] = {}
    (last,) = drawn.stage("estimates").items
    assert len(read_table(make(last, tmp_path, made), Estimate)) > 50
    (gate,) = drawn.stage("replay").items
    assert all(layer.passes for layer in read_table(make(gate, tmp_path, made), LayerReplay))
    (error, *_) = drawn.stage("dictionary-error").items
    assert {row.l0 for row in read_table(make(error, tmp_path, made), DictionaryError)} == {40.0}


@pytest.mark.slow
def test_the_whole_main_path_runs_on_made_things(world: World, tmp_path: Path) -> None:
    drawn = plan(small_study(world), made_profile(world), "cpu")
    made: dict[str, Path] = {}
    (last,) = drawn.stage("estimates").items
    estimates = read_table(make(last, tmp_path, made), Estimate)
    assert len(estimates) > 50
    (gate,) = drawn.stage("replay").items
    folder = make(gate, tmp_path, made)
    assert not any(layer.passes for layer in read_table(folder, LayerReplay))
    (model,) = read_table(folder, LoadedModel)
    assert (model.num_layers, model.d_model, model.vocab_size) == (4, 32, 400)
