"""The authors' own tuned models, one an adapter and one whole weights: fetched over a line, measured like adapters of ours."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.designs.design import plan
from harness.designs.disparity.quantities import PREFIX
from harness.judge.measurements import measurements_of
from harness.judge.unit_values import read_stored
from harness.models.adapters import attached, save_adapter, trained_adapter
from harness.models.failed_adapters import unusable_models
from harness.models.loading import LanguageModel, load_language_model
from harness.models.weights import whole_weights
from harness.report.writer import closing_lines, load_report, write_report
from harness.sources.studies import load_profile, load_study
from harness.stages import translation
from harness.stages.published_models import published_models
from harness.store.tables import read_table, table_path
from harness.words.claim import InferenceTarget
from harness.words.errors import MissingSourceError, UnusableWeightsError
from harness.words.estimate import Estimate
from harness.words.plan import Item, Parameters
from harness.words.records import PublishedOrigin, UnusableModel
from harness.words.study import Home, Pin, PublishedModel
from tests.report import worlds
from tests.small_study import SPECIFICATION, make, small_profile, small_study
from tests.worlds import World, build_world

Weights = dict[str, torch.Tensor]
Config = dict[str, Any]
Spoil = Callable[[Weights, Config], None]

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
        save_adapter(tuned, folder, "# A card\n", base="a/model", revision="1f2e")
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
def test_a_published_adapter_may_leave_layers_as_they_are(
    world: World, model: LanguageModel, tmp_path: Path
) -> None:
    """peft's default puts modules on every layer, and a loss that is read at one reaches none of those above."""
    given = partly_idle(model, tmp_path / "given", working="layers.0.")
    with pytest.raises(UnusableWeightsError, match="changes nothing"), attached(model.model, given):
        pytest.fail("as one of ours it was accepted")
    with attached(model.model, produced(world, given, tmp_path / "out")):
        pass


@pytest.mark.usefixtures("_base_is_restored")
def partly_idle(model: LanguageModel, folder: Path, working: str) -> Path:
    """An adapter that changes only the modules with `working` in their name."""
    file = adapter_folder(model, folder) / "adapter_model.safetensors"
    weights = {n: w * float("lora_A" in n or working in n) for n, w in load_file(file).items()}
    save_file(weights, file)
    return folder


def task_of(world: World, given: Path) -> Parameters:
    source = pin_of(given)
    return {
        "language": "ml",
        "name": "4k-0",
        "source": source,
        "model": world.model,
        "numerics": world.numerics,
    }


def produced(world: World, given: Path, out: Path) -> Path:
    out.mkdir()
    published_models(out=out, **task_of(world, given))
    return out


def spoilt_adapter(model: LanguageModel, folder: Path, spoil: Spoil) -> Path:
    """An adapter with other weights or another configuration."""
    weights = load_file(adapter_folder(model, folder) / "adapter_model.safetensors")
    config = json.loads((folder / "adapter_config.json").read_text())
    spoil(weights, config)
    save_file(weights, folder / "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return folder


def of_another_width(weights: Weights, _config: Config) -> None:
    weights.update({name: torch.ones(3, 3) for name in weights})


def without_numbers(weights: Weights, _config: Config) -> None:
    weights.update({name: weight * float("nan") for name, weight in weights.items()})


def of_zeros(weights: Weights, _config: Config) -> None:
    weights.update({name: torch.zeros_like(weight) for name, weight in weights.items()})


def for_unknown_modules(_weights: Weights, config: Config) -> None:
    config["target_modules"] = ["wrong_proj", "also_wrong", "third_wrong", "fourth_wrong"]


def of_an_unknown_kind(_weights: Weights, config: Config) -> None:
    config["peft_type"] = "TELEPATHY"


def of_the_base_weights(_weights: Weights, config: Config) -> None:
    config["init_lora_weights"] = "pissa"


def with_half_of_it_missing(weights: Weights, _config: Config) -> None:
    for name in [name for name in weights if ".layers.1." in name]:
        del weights[name]


def with_a_tensor_too_many(weights: Weights, _config: Config) -> None:
    weights["base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"] = torch.ones(1, 32)


def with_a_weight_of_the_base(weights: Weights, _config: Config) -> None:
    weights["base_model.model.model.norm.weight"] = torch.full((32,), 3.0)


def with_a_setting_of_a_newer_library(_weights: Weights, config: Config) -> None:
    config |= {"use_future_scale": {"a": 3}, "switched_off": None}


def invoked_by_tokens(_weights: Weights, config: Config) -> None:
    config["alora_invocation_tokens"] = [5, 7]


def without_magnitudes(_weights: Weights, config: Config) -> None:
    config["use_dora"] = True


def without_what_it_saved(_weights: Weights, config: Config) -> None:
    config["modules_to_save"] = ["model.norm"]


def of_scale_zero(_weights: Weights, config: Config) -> None:
    config["lora_alpha"] = 0


def of_rank_zero(_weights: Weights, config: Config) -> None:
    config["r"] = 0


def on_the_head(weights: Weights, config: Config) -> None:
    config |= {"target_modules": ["lm_head"], "layers_to_transform": None, "layers_pattern": None}
    weights.clear()
    weights["base_model.model.lm_head.lora_A.weight"] = torch.ones(config["r"], 32)
    weights["base_model.model.lm_head.lora_B.weight"] = torch.ones(600, config["r"])


UNUSABLE = (
    pytest.param(with_half_of_it_missing, "tensors are missing ['base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight'",
                 id="half of it missing"),
    pytest.param(with_a_tensor_too_many, "1 have no place in the adapter ['base_model.model.model.layers.0.mlp.up_proj", id="one too many"),
    pytest.param(with_a_weight_of_the_base, "1 have no place in the adapter ['base_model.model.model.norm.weight']", id="a base weight"),
    pytest.param(with_a_setting_of_a_newer_library, "asks for use_future_scale = {'a': 3}, which would be ignored", id="newer setting"),
    pytest.param(invoked_by_tokens, "asks for alora_invocation_tokens = [5, 7], which would be ignored", id="invoked by tokens"),
    pytest.param(without_magnitudes, "lora_magnitude_vector", id="DoRA without magnitudes"),
    pytest.param(without_what_it_saved, "peft refuses it: KeyError: 'base_model.model.model.norm.weight'", id="modules not saved"),
    pytest.param(of_scale_zero, "changes nothing at", id="scale zero"),
    pytest.param(of_rank_zero, "peft refuses it: ValueError: `r` should be a positive integer", id="rank zero"),
    pytest.param(on_the_head, "reaches the head of the model", id="the head"),
    pytest.param(of_another_width, "RuntimeError: Error(s) in loading state_dict", id="another width"),
    pytest.param(without_numbers, "weights that are no number", id="no numbers"),
    pytest.param(of_zeros, "changes nothing", id="changes nothing"),
    pytest.param(
        for_unknown_modules,
        "Target modules {'also_wrong', 'fourth_wrong', 'third_wrong', 'wrong_proj'} not found",
        id="unknown modules",
    ),
    pytest.param(of_an_unknown_kind, "KeyError: 'TELEPATHY'", id="an unknown kind"),
)  # fmt: skip


@pytest.mark.usefixtures("_base_is_restored")
@pytest.mark.parametrize(("spoil", "says"), UNUSABLE)
def test_an_adapter_that_cannot_be_used_is_not_kept_and_one_row_says_why(
    world: World, model: LanguageModel, tmp_path: Path, spoil: Spoil, says: str
) -> None:
    out = produced(world, spoilt_adapter(model, tmp_path / "given", spoil), tmp_path / "out")
    assert [path.name for path in out.iterdir()] == ["unusable_models.parquet"]
    (row,) = read_table(out, UnusableModel)
    assert (row.language, row.name) == ("ml", "4k-0")
    assert says in row.why
    assert len(row.why.splitlines()) == 1
    assert str(tmp_path) not in row.why
    # Nothing of it is left in the base model, onto which the next one is put.
    good = produced(world, adapter_folder(model, tmp_path / "good"), tmp_path / "next")
    assert read_table(good, PublishedOrigin) == [PublishedOrigin(name="4k-0")]


@pytest.mark.usefixtures("_base_is_restored")
def test_whole_weights_that_cannot_be_used_are_not_kept_either(
    world: World, model: LanguageModel, tmp_path: Path
) -> None:
    whys = []
    for name, times in (("base", 1.0), ("nan", float("nan"))):
        out = produced(world, whole_folder(model, tmp_path / name, times), tmp_path / f"out-{name}")
        assert [path.name for path in out.iterdir()] == ["unusable_models.parquet"]
        whys += [row.why for row in read_table(out, UnusableModel)]
    twice = whole_folder(model, tmp_path / "twice")
    save_file(load_file(twice / WHOLE[0]), twice / "model-00003-of-00002.safetensors")
    whys += [row.why for row in read_table(produced(world, twice, tmp_path / "out-twice"), UnusableModel)]
    misled = whole_folder(model, tmp_path / "misled")
    (misled / "model.safetensors.index.json").write_text(
        json.dumps({"weight_map": {"model.norm.weight": WHOLE[0]}})
    )
    whys += [row.why for row in read_table(produced(world, misled, tmp_path / "out-misled"), UnusableModel)]
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "model.safetensors").write_bytes(b"cut short")
    whys += [row.why for row in read_table(produced(world, tmp_path / "cut", tmp_path / "o"), UnusableModel)]
    for why, says in zip(
        whys,
        (
            "the base model's own",
            "no numbers",
            "and in model-00003",
            "does not name model.embed_tokens.weight, which stands in",
            "cannot be read",
        ),
        strict=True,
    ):
        assert says in why
        assert str(tmp_path) not in why


@pytest.mark.usefixtures("_base_is_restored")
def test_an_adapter_that_puts_other_weights_into_the_base_takes_them_along(
    model: LanguageModel, tmp_path: Path
) -> None:
    with attached(model.model, spoilt_adapter(model, tmp_path / "given", of_the_base_weights)):
        pass


def with_a_norm_of_its_own(weights: Weights, config: Config) -> None:
    config["modules_to_save"] = ["model.norm"]
    with_a_weight_of_the_base(weights, config)


@pytest.mark.usefixtures("_base_is_restored")
def test_a_module_that_was_tuned_whole_is_used(model: LanguageModel, tmp_path: Path) -> None:
    with attached(model.model, spoilt_adapter(model, tmp_path / "given", with_a_norm_of_its_own)) as tuned:
        assert torch.equal(tuned.get_decoder().norm.weight, torch.full((32,), 3.0))


@pytest.mark.usefixtures("_base_is_restored")
def test_an_adapter_that_is_cut_short_is_told(world: World, model: LanguageModel, tmp_path: Path) -> None:
    given = adapter_folder(model, tmp_path / "given")
    (given / "adapter_model.safetensors").write_bytes(b"cut short")
    (row,) = read_table(produced(world, given, tmp_path / "out"), UnusableModel)
    assert "its weights cannot be read" in row.why


@pytest.mark.parametrize(
    ("named", "is_ours"),
    [
        ("google/gemma-2-2b", True),
        ("Google/Gemma-2-2B", True),
        ("/scratch/models/gemma-2-2b", True),
        ("gemma-2-2b", True),
        (None, True),
        ("google/gemma-2-2b-it", False),
        ("meta-llama/Llama-3-8B", False),
        ("someone/gemma-2-2b", False),
        ("/scratch/models/gemma-2-2b-it", False),
    ],
)
def test_an_adapter_of_another_base_model_is_named(
    world: World,
    model: LanguageModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    named: str | None,
    *,
    is_ours: bool,
) -> None:
    monkeypatch.setattr("harness.stages.published_models.load_language_model", lambda *_: model)
    given = spoilt_adapter(
        model, tmp_path / "given", lambda _, config: config.update(base_model_name_or_path=named)
    )
    hub = replace(world.model, home=Home.HUB_MODEL, address="google/gemma-2-2b")
    (tmp_path / "out").mkdir()
    published_models(out=tmp_path / "out", **{**task_of(world, given), "model": hub})
    unusable = unusable_models(tmp_path / "out")
    assert bool(unusable) != is_ours
    assert all(
        f"it was trained on {named}, but the base model is google/gemma-2-2b" in row.why for row in unusable
    )


@pytest.mark.usefixtures("_base_is_restored")
def test_short_memory_is_no_fault_of_the_weights(
    world: World, model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def starve(*_given: object, **_named: object) -> None:
        raise torch.OutOfMemoryError

    given = adapter_folder(model, tmp_path / "given")
    monkeypatch.setattr("peft.PeftModel.from_pretrained", starve)
    with pytest.raises(torch.OutOfMemoryError):
        produced(world, given, tmp_path / "out")


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
    with pytest.raises(UnusableWeightsError, match=says), whole_weights(model.model, tmp_path):
        pytest.fail("it was accepted")


def test_what_is_neither_is_told(world: World, tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(
        MissingSourceError, match=r"neither an adapter .* but adapter_config.json; leave it out"
    ):
        published_models(out=tmp_path, **task_of(world, tmp_path))


def test_an_adapter_is_taken_where_a_repository_holds_both(
    world: World, model: LanguageModel, tmp_path: Path
) -> None:
    folder = adapter_folder(model, tmp_path / "both")
    (folder / "model.safetensors").write_bytes(b"merged")
    out = produced(world, folder, tmp_path / "out")
    assert sorted(path.name for path in out.iterdir()) == ["adapter_config.json", "adapter_model.safetensors", "published_origins.parquet"]  # fmt: skip


def estimates_item(world: World, published: tuple[PublishedModel, ...]) -> Item:
    profile = small_profile(world)
    profile = replace(profile, sources=replace(profile.sources, published_models=published))
    (item,) = plan(small_study(world), profile, "cpu").stage("estimates").items
    return item


@pytest.fixture(scope="module")
def folders(
    world: World, model: LanguageModel, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Path]:
    """Estimates of the small study without published models, with one of each kind, and with two bad ones beside; the
    rest is shared."""
    root = tmp_path_factory.mktemp("measured")
    good = named(adapter=adapter_folder(model, root / "a"), whole=whole_folder(model, root / "w"))
    bad = named(
        foreign=spoilt_adapter(model, root / "f", of_another_width), base=whole_folder(model, root / "b", 1.0)
    )
    shared: dict[str, Path] = {}
    with pytest.MonkeyPatch.context() as patch:
        # Random translators seldom stop by themselves.
        patch.setattr(translation, "MAX_NEW_TOKENS", 12)
        without = make(estimates_item(world, ()), root / "without", shared)
        made = {"without": without}
        for name, published in {"with": good, "bad": (good[0], *bad, good[1])}.items():
            del shared["estimates/all"]
            made[name] = make(estimates_item(world, published), root / name, shared)
        return made


def named(**given: Path) -> tuple[PublishedModel, ...]:
    return tuple(
        PublishedModel(name=name, language="ml", pin=pin_of(folder)) for name, folder in given.items()
    )


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


def test_bad_models_take_no_number_from_the_others_and_are_named(folders: Mapping[str, Path]) -> None:
    assert estimates(folders["bad"]) == estimates(folders["with"])
    whys = {row.name: row.why for row in read_table(folders["bad"], UnusableModel)}
    assert list(whys) == ["foreign", "base"]
    assert "size mismatch" in whys["foreign"]
    assert "the base model's own" in whys["base"]
    assert not table_path(folders["with"], UnusableModel).exists()


def test_nothing_was_read_through_a_bad_model(folders: Mapping[str, Path]) -> None:
    for stage in ("activations-tuned", "benchmarks-tuned"):
        for code in ("ml", "en"):
            folder = folders["bad"].parents[1] / stage / "ml" / "published-foreign" / code
            assert [path.name for path in folder.iterdir()] == ["unusable_models.parquet"]


def test_the_report_names_the_bad_models_and_ends_as_without_them(
    folders: Mapping[str, Path], tmp_path: Path
) -> None:
    _, checks = worlds.store(tmp_path, [], worlds.checks())
    reports = [
        write_report(worlds.facts(), folders[name], checks, tmp_path / name) for name in ("with", "bad")
    ]
    codes = [report.summary.exit_code for report in reports]
    assert codes == [0, 0]
    without, report = (load_report(tmp_path / name) for name in ("with", "bad"))
    assert not without.unusable
    assert [entry.name for entry in report.unusable] == ["foreign", "base"]
    assert report.measurements == without.measurements
    for file in ("report.html", "summary.md"):
        text = (tmp_path / "bad" / file).read_text(encoding="utf-8")
        assert "2 published models could not be used: foreign in ml, base in ml." in text
        assert "size mismatch for base" in text
        assert "Published models" not in (tmp_path / "with" / file).read_text(encoding="utf-8")
    assert "foreign in ml" in "\n".join(closing_lines(reports[1], tmp_path / "bad"))


def test_their_stored_units_give_the_numbers_again(world: World, folders: Mapping[str, Path]) -> None:
    samples = measurements_of(small_study(world), read_stored(folders["with"]), ())
    for name, row in estimates(folders["with"]).items():
        if row.quantity.startswith(PREFIX):
            assert samples[name, InferenceTarget.POPULATION].value == pytest.approx(row.value)


def test_only_its_own_profile_takes_the_authors_models() -> None:
    study = load_study("sin2025")
    made = plan(study, load_profile(study, "paper-authors"), "cpu")
    assert [item.name for item in made.stage("published-models").items] == [f"ml/published-{name}" for name in ("4k-0", "16k-4", "4k-7", "4k-3")]  # fmt: skip
    asked = [item.name for item in made.stage("benchmarks-tuned").items if "published" in item.name]
    assert asked[:2] == ["ml/published-4k-0/ml", "ml/published-4k-0/en"]
    ours = plan(study, load_profile(study, "paper"), "cpu")
    assert "published-models" not in [stage.name for stage in ours.stages]
