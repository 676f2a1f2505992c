"""The authors' own tuned models, one an adapter and one whole weights: fetched over a line, measured like adapters of ours."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.judge.stored import stored_samples
from harness.supply.adapters import attached, save_adapter, trained_adapter
from harness.supply.loading import LanguageModel, load_language_model
from harness.supply.studies import load_profile, load_study
from harness.supply.tables import read_table
from harness.supply.wholeweights import whole_weights
from harness.words.claim import InferenceTarget
from harness.words.failures import MissingSourceError
from harness.words.items import Item
from harness.words.pins import Home, Pin
from harness.words.record import Estimate
from harness.words.study import PublishedModel
from harness.words.tasks import PublishedModelTask
from harness.works import translation
from harness.works.pipeline import plan
from harness.works.publishedmodels import produce
from harness.works.publishedscores import PREFIX
from tests.hub.server import Hub, Repository, serving
from tests.small_study import SPECIFICATION, make, small_profile, small_study
from tests.worlds import World, build_world

WHOLE = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


def pin_of(folder: Path) -> Pin:
    return Pin(name=folder.name, home=Home.FOLDER, address=str(folder), licence="none")


def adapter_folder(model: LanguageModel, folder: Path) -> Path:
    """An adapter as peft writes it, with the base model's name that the authors' would have."""
    folder.mkdir()
    with trained_adapter(model.model, SPECIFICATION.alignment, 7) as tuned:
        with torch.no_grad():
            for name, weight in tuned.named_parameters():
                if "lora_B" in name:
                    weight.fill_(0.02)
        save_adapter(tuned, folder, "# A card\n")
    (folder / "README.md").unlink()
    config = json.loads((folder / "adapter_config.json").read_text())
    config["base_model_name_or_path"] = "google/gemma-2-2b"
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def weights_of(model: LanguageModel) -> dict[str, torch.Tensor]:
    """Weights as a model is saved: what shares its memory stands once."""
    held = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    del held["lm_head.weight"]
    return held


def whole_folder(model: LanguageModel, folder: Path, times: float = 1.02) -> Path:
    """A tuned copy of the model in two files."""
    folder.mkdir()
    tuned = {name: weight * times for name, weight in weights_of(model).items()}
    names = sorted(tuned)
    for file, part in zip(WHOLE, (names[::2], names[1::2]), strict=True):
        save_file({name: tuned[name] for name in part}, folder / file)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return build_world(tmp_path_factory.mktemp("published") / "world", languages=("en", "zh", "es", "ml"))


@pytest.fixture(scope="module")
def model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture
def _base_is_restored(model: LanguageModel) -> Iterator[None]:
    before = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    yield
    after = model.model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.usefixtures("_base_is_restored")
def test_whole_weights_stand_in_the_place_of_the_base_models(model: LanguageModel, tmp_path: Path) -> None:
    folder = whole_folder(model, tmp_path / "whole")
    tokens = torch.tensor([[2, 5, 7]])
    base = model.model(tokens).logits
    with attached(model.model, folder) as tuned:
        assert tuned is model.model
        assert torch.equal(
            tuned.lm_head.weight,
            load_file(folder / WHOLE[0]).get("model.embed_tokens.weight", tuned.lm_head.weight),
        )
        assert not torch.equal(tuned(tokens).logits, base)
    assert torch.equal(model.model(tokens).logits, base)


@pytest.mark.usefixtures("_base_is_restored")
def test_one_weight_may_stand_under_both_its_names(model: LanguageModel, tmp_path: Path) -> None:
    held = {name: weight * 1.02 for name, weight in weights_of(model).items()}
    held["lm_head.weight"] = held["model.embed_tokens.weight"].clone()
    save_file(held, tmp_path / "model.safetensors")
    with whole_weights(model.model, tmp_path):
        assert torch.equal(model.model.lm_head.weight, held["lm_head.weight"])


@pytest.mark.usefixtures("_base_is_restored")
def test_a_published_adapter_may_leave_layers_as_they_are(model: LanguageModel, tmp_path: Path) -> None:
    """peft's default puts modules on every layer, and a loss that is read at one reaches none of those above."""
    given = partly_idle(model, tmp_path / "given", working="layers.0.")
    with pytest.raises(RuntimeError, match="changes nothing"), attached(model.model, given):
        pytest.fail("as one of ours it was accepted")
    with attached(model.model, produced(given, tmp_path / "out")):
        pass


@pytest.mark.usefixtures("_base_is_restored")
def test_a_published_adapter_that_changes_nothing_anywhere_is_refused(
    model: LanguageModel, tmp_path: Path
) -> None:
    out = produced(partly_idle(model, tmp_path / "given", working="nowhere"), tmp_path / "out")
    with pytest.raises(RuntimeError, match="changes nothing"), attached(model.model, out):
        pytest.fail("an adapter of zeros was accepted")


def partly_idle(model: LanguageModel, folder: Path, working: str) -> Path:
    """An adapter that changes only the modules with `working` in their name."""
    file = adapter_folder(model, folder) / "adapter_model.safetensors"
    weights = {n: w * float("lora_A" in n or working in n) for n, w in load_file(file).items()}
    save_file(weights, file)
    return folder


def produced(given: Path, out: Path) -> Path:
    out.mkdir()
    produce(PublishedModelTask(name="4k-0", source=pin_of(given)), {}, out)
    return out


@pytest.mark.usefixtures("_base_is_restored")
def test_the_base_model_is_restored_after_a_failure(model: LanguageModel, tmp_path: Path) -> None:
    folder = whole_folder(model, tmp_path / "whole")
    with pytest.raises(ZeroDivisionError), attached(model.model, folder):
        raise ZeroDivisionError


@pytest.mark.usefixtures("_base_is_restored")
@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda held: held.popitem(), "of another model: 1 of .* weights are missing", id="one is missing"),
        pytest.param(lambda held: held.update(x=torch.ones(1)), r"1 have no place in the base model \['x'\]", id="one is strange"),
        pytest.param(lambda held: held.update({"model.norm.weight": torch.ones(3)}), r"model.norm.weight has shape \(3,\)",
                     id="another width"),
        pytest.param(lambda held: held["model.norm.weight"].fill_(float("nan")), "are no numbers", id="no number"),
        pytest.param(lambda held: held.update({"lm_head.weight": held["model.embed_tokens.weight"] * 2}),
                     "embed_tokens.weight differ, and are one weight|lm_head.weight differ, and are one weight", id="untied"),
        pytest.param(lambda _: None, "are the base model's own", id="the base model itself"),
    ],
)  # fmt: skip
def test_weights_that_are_no_tuned_copy_are_refused(
    model: LanguageModel, tmp_path: Path, spoil: object, says: str
) -> None:
    held = weights_of(model)
    assert callable(spoil)
    spoil(held)
    save_file(held, tmp_path / "model.safetensors")
    with pytest.raises(RuntimeError, match=says), whole_weights(model.model, tmp_path):
        pytest.fail("it was accepted")


def test_what_is_neither_is_told(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    task = PublishedModelTask(name="4k-0", source=pin_of(tmp_path))
    with pytest.raises(
        MissingSourceError, match=r"neither an adapter .* but adapter_config.json; leave it out"
    ):
        produce(task, {}, tmp_path)


def test_an_adapter_is_taken_where_a_repository_holds_both(model: LanguageModel, tmp_path: Path) -> None:
    folder = adapter_folder(model, tmp_path / "both")
    (folder / "model.safetensors").write_bytes(b"merged")
    (tmp_path / "out").mkdir()
    produce(PublishedModelTask(name="4k-0", source=pin_of(folder)), {}, tmp_path / "out")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["adapter_config.json", "adapter_model.safetensors", "published_origins.parquet"]  # fmt: skip


def estimates_item(world: World, published: tuple[PublishedModel, ...]) -> Item:
    profile = small_profile(world)
    profile = replace(profile, sources=replace(profile.sources, published_models=published))
    (item,) = plan(small_study(world), profile, "cpu").stage("estimates").items
    return item


@pytest.fixture(scope="module")
def folders(
    world: World, model: LanguageModel, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Path]:
    """Estimates of the small study without published models, and with one of each kind; the rest is shared."""
    root = tmp_path_factory.mktemp("measured")
    kinds = {"adapter": adapter_folder(model, root / "a"), "whole": whole_folder(model, root / "w")}
    published = tuple(
        PublishedModel(name=name, language="ml", pin=pin_of(folder)) for name, folder in kinds.items()
    )
    shared: dict[str, Path] = {}
    with pytest.MonkeyPatch.context() as patch:
        # Random translators seldom stop by themselves.
        patch.setattr(translation, "MAX_NEW_TOKENS", 12)
        without = make(estimates_item(world, ()), root / "without", shared)
        del shared["estimates/all"]
        return {"without": without, "with": make(estimates_item(world, published), root / "with", shared)}


def estimates(folder: Path) -> dict[str, Estimate]:
    return {row.estimate_id: row for row in read_table(folder, Estimate)}


def test_published_models_move_no_other_estimate(folders: Mapping[str, Path]) -> None:
    without, found = (estimates(folders[name]) for name in ("without", "with"))
    assert {name: row for name, row in found.items() if not row.quantity.startswith(PREFIX)} == without


@pytest.mark.parametrize("name", ["adapter", "whole"])
def test_both_kinds_are_measured_like_adapters_of_ours_and_named_apart(
    folders: Mapping[str, Path], name: str
) -> None:
    own = {key: row for key, row in estimates(folders["with"]).items() if row.reading == name}
    assert set(own) == {
        f"published-gain/layer=2/lang=ml/{name}/primary",
        f"published-retention/layer=2/lang=ml/{name}/primary",
        f"published-delta/lang=ml/bench=arc/{name}/primary",
        f"published-relative-delta/lang=ml/bench=arc/{name}/primary",
        f"published-delta-english/lang=ml/bench=arc/{name}/primary",
    }
    assert {row.num_seeds for row in own.values()} == {0}
    assert own[f"published-gain/layer=2/lang=ml/{name}/primary"].value != 0


def test_their_stored_units_give_the_numbers_again(world: World, folders: Mapping[str, Path]) -> None:
    samples = stored_samples(small_study(world), folders["with"], ())
    for name, row in estimates(folders["with"]).items():
        if row.quantity.startswith(PREFIX):
            assert samples.sample(name, InferenceTarget.POPULATION).value == pytest.approx(row.value)


def test_only_its_own_profile_takes_the_authors_models() -> None:
    study = load_study("sin2025")
    made = plan(study, load_profile(study, "paper-authors"), "cpu")
    assert [item.name for item in made.stage("published-models").items] == [f"ml/published-{name}" for name in ("4k-0", "16k-4", "4k-7", "4k-3")]  # fmt: skip
    asked = [item.name for item in made.stage("benchmarks-tuned").items if "published" in item.name]
    assert asked[:2] == ["ml/published-4k-0/ml", "ml/published-4k-0/en"]
    ours = plan(study, load_profile(study, "paper"), "cpu")
    assert "published-models" not in [stage.name for stage in ours.stages]


def test_both_kinds_come_over_a_line_as_they_are(model: LanguageModel, tmp_path: Path) -> None:
    """In a process of its own, since the hub's client reads its address once."""
    served = {"a/b": adapter_folder(model, tmp_path / "a"), "c/d": whole_folder(model, tmp_path / "c")}
    hub = Hub()
    for address, folder in served.items():
        files = {path.name: path.read_bytes for path in folder.iterdir()}
        hub.repositories["models", address] = Repository(files={**files, "README.md": b"card"})
    code = (
        "import sys; from pathlib import Path; from harness.words.pins import Home, Pin; "
        "from harness.words.tasks import PublishedModelTask; from harness.works.publishedmodels import produce; "
        "pin = Pin(name='n', home=Home.HUB_MODEL, address=sys.argv[1], licence='not stated', "
        "files=('adapter_config.json', 'adapter_model.safetensors', 'model*.safetensors')); "
        "produce(PublishedModelTask(name='n', source=pin), {}, Path(sys.argv[2]))"
    )
    with serving(hub) as running:
        for address, folder in served.items():
            out = tmp_path / "out" / address
            out.mkdir(parents=True)
            environment = {**os.environ, **running.environment(str(tmp_path / "home"))}
            subprocess.run(
                [sys.executable, "-c", code, address, str(out)], env=environment, check=True, timeout=180
            )
            fetched = {path.name: path.read_bytes() for path in out.iterdir() if not path.is_symlink()}
            del fetched["published_origins.parquet"]
            assert fetched == {path.name: path.read_bytes() for path in folder.iterdir()}
