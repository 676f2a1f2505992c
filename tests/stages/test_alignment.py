"""Adapters: the loss by pencil, where they sit, what they train on, and a base model that stays what it was."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import astuple, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from torch import Tensor

from harness.models.adapters import adds_nothing, attached, save_adapter, trained_adapter, untouched
from harness.models.batches import Portion
from harness.models.loading import LanguageModel, load_language_model
from harness.models.sae import Encoder, load_encoder
from harness.models.work import METER
from harness.stages import alignment
from harness.stages import training as training_stage
from harness.stages.alignment import narrowed, training_and_held_out
from harness.stages.alignment_loss import Aligner, Pairs, Untouched, alignment_loss
from harness.stages.training import (
    GRADIENT_TOLERANCE,
    Before,
    Training,
    TrainingTask,
    measured_moment,
    nats_per_token,
    planned_batches,
    strangers,
)
from harness.store.tables import read_table, write_table
from harness.words.errors import UnusableWeightsError
from harness.words.records import AlignmentStep, Selection, Text, TrainingLoss
from harness.words.study import AlignedLatents, AlignmentChoice
from tests.small_study import SPECIFICATION
from tests.stages.conftest import OWN, SENTENCES, made
from tests.world_networks import D_SAE
from tests.worlds import World

CHOICE = SPECIFICATION.alignment
WEIGHTS = "adapter_model.safetensors"


@pytest.fixture(scope="module")
def language_model(world: World) -> LanguageModel:
    return load_language_model(world.model, world.numerics)


@pytest.fixture
def aligner(world: World, language_model: LanguageModel) -> Aligner:
    encoders = {
        layer: load_encoder(world.dictionaries, world.dictionary_files[layer]) for layer in CHOICE.layers
    }
    return Aligner(language_model=language_model, encoders=encoders, choice=CHOICE)


@pytest.fixture
def _base_is_restored(language_model: LanguageModel) -> Iterator[None]:
    """Whatever a test does, the base model must be bit for bit what it was."""
    before = {name: tensor.clone() for name, tensor in language_model.model.state_dict().items()}
    yield
    after = language_model.model.state_dict()
    assert list(before) == list(after)
    assert all(torch.equal(before[name], after[name]) for name in before)


def task_of(world: World, **changes: Any) -> TrainingTask:
    of_choice = {field.name for field in fields(CHOICE)} & changes.keys()
    choice = replace(CHOICE, **{name: changes.pop(name) for name in of_choice})
    task = TrainingTask(
        language="ml", seed=1, networks=world.networks(), choice=choice, max_steps=3, batch_size=4
    )
    return replace(task, **changes)


def loss_of(
    u: Sequence[float], v: Sequence[float], u_orig: Sequence[float], choice: AlignmentChoice
) -> tuple[float, list[float], list[float]]:
    """Loss of one layer and one text over two latents that weigh alike, with its gradients on u and v."""
    sides = [torch.tensor([side], requires_grad=True) for side in (u, v)]
    loss = alignment_loss([sides[0]], [sides[1]], [torch.tensor([u_orig])], [torch.full((1, 2), 0.5)], choice)
    torch.autograd.backward(loss)
    gradients = [[0.0, 0.0] if side.grad is None else side.grad[0].tolist() for side in sides]
    return float(loss.detach()), gradients[0], gradients[1]


@pytest.mark.parametrize(
    ("alpha", "loss"),
    [
        pytest.param(0.0, 1.5, id="alignment alone: (|1-0| + |2-4|)/2"),
        pytest.param(1.0, 2.0, id="with retention: + ((1-1)^2 + (2-1)^2)/2"),
        pytest.param(10.0, 6.5, id="ten times retention: + 10 * 1/2"),
    ],
)
def test_the_loss_by_pencil(alpha: float, loss: float) -> None:
    assert loss_of([1.0, 2.0], [0.0, 4.0], [1.0, 1.0], replace(CHOICE, alpha=alpha))[0] == loss


@pytest.mark.parametrize(
    ("detach", "on_u"),
    [
        # Slopes of |u - v| / 2 are 1/2 and -1/2; of the retention term (u - u_orig) they are 0 and 1.
        pytest.param(False, [0.5, 0.5], id="both sides carry gradient"),
        pytest.param(True, [0.0, 1.0], id="English feels retention only"),
    ],
)
def test_detaching_moves_gradients_and_not_the_loss(detach: bool, on_u: list[float]) -> None:  # noqa: FBT001
    loss, u, v = loss_of([1.0, 2.0], [0.0, 4.0], [1.0, 1.0], replace(CHOICE, detach_english=detach))
    assert (loss, u, v) == (2.0, on_u, [-0.5, 0.5])


def test_held_english_is_the_untouched_models() -> None:
    # (|1-0| + |1-4|)/2 against the untouched 1 and 1, and ((1-1)^2 + (2-1)^2)/2: English feels retention alone.
    found = loss_of([1.0, 2.0], [0.0, 4.0], [1.0, 1.0], replace(CHOICE, hold_english=True))
    assert found == (2.5, [0.0, 1.0], [-0.5, 0.5])


A, B, C = (1, 4, 1), (1, 5, 1), (1, 6, 1)
"""Three texts of which nothing matters but how many they are."""

BATCH = Pairs(
    english=(A, B, C),
    target=(A, B, C),
    # The third speaks at a layer that is not aligned, and nobody speaks at the aligned layer 2.
    own=(((0, 0), (0, 1), (1, 2)), ((0, 1),), ((3, 0),)),
)
SPOKEN = {0: [[1 / 6, 1 / 6, 0], [0, 1 / 6, 0], [0, 0, 0]], 1: [[0, 0, 1 / 2], [0, 0, 0], [0, 0, 0]]}
"""Shares by pencil: two layers speak, so each weighs a half; at layer 0 three own latents share it, at layer 1 one has it."""


def narrow(language_model: LanguageModel, latents: AlignedLatents) -> Aligner:
    """An aligner with three latents in each of the layers 2, 0 and 1."""
    empty = Encoder(W_enc=torch.zeros(32, 3), b_enc=torch.zeros(3), threshold=torch.zeros(3))
    choice = replace(CHOICE, latents=latents, layers=(2, 0, 1))
    return Aligner(language_model=language_model, encoders=dict.fromkeys((2, 0, 1), empty), choice=choice)


def test_own_latents_weigh_alike_within_a_layer_and_layers_that_speak_weigh_alike(
    language_model: LanguageModel,
) -> None:
    shares = narrow(language_model, AlignedLatents.OWN).shares(BATCH, BATCH)
    for layer, found in enumerate(shares):
        torch.testing.assert_close(found, torch.tensor(SPOKEN.get(layer, [[0.0] * 3] * 3)))


def test_over_all_latents_everything_weighs_alike(language_model: LanguageModel) -> None:
    # Three layers, three texts, three latents.
    for found in narrow(language_model, AlignedLatents.ALL).shares(BATCH, BATCH):
        torch.testing.assert_close(found, torch.full((3, 3), 1 / 27))


@pytest.mark.parametrize("latents", AlignedLatents)
def test_a_part_of_a_batch_has_the_shares_of_the_whole(
    language_model: LanguageModel, latents: AlignedLatents
) -> None:
    aligner = narrow(language_model, latents)
    parts = [aligner.shares(BATCH.chosen(part), BATCH) for part in ([0], [1, 2])]
    for whole, *halves in zip(aligner.shares(BATCH, BATCH), *parts, strict=True):
        assert torch.equal(torch.cat(halves), whole)


def test_a_batch_in_which_nothing_speaks_adds_nothing_and_stays_a_number(
    language_model: LanguageModel, aligner: Aligner
) -> None:
    silent = replace(BATCH.chosen([2]), own=((),))
    assert not any(layer.any() for layer in narrow(language_model, AlignedLatents.OWN).shares(silent, silent))
    assert aligner.loss(silent, nullcontext) == 0.0


def test_the_loss_is_the_mean_over_layers_of_means_over_own_latents() -> None:
    # Layer 0: own distances 1, 3 and 5, mean 3. Layer 1: own distance 8. Layer 2: none. Mean of 3 and 8: 5.5.
    u = [torch.zeros(3, 3)] * 3
    v = [
        torch.tensor([[1.0, 3.0, 90.0], [90.0, 5.0, 90.0], [90.0] * 3]),
        torch.tensor([[90.0, 90.0, 8.0], [90.0] * 3, [90.0] * 3]),
        torch.full((3, 3), 90.0),
    ]
    shares = [torch.tensor(SPOKEN.get(layer, [[0.0] * 3] * 3)) for layer in range(3)]
    assert alignment_loss(u, v, u, shares, CHOICE) == pytest.approx(5.5)


def test_untouched_english_passes_once_a_phrase(
    world: World, inputs: Mapping[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two epochs, and held-out pairs measured three times."""
    usual, untouched = Aligner.pooled_activations, list[tuple[int, ...]]()

    def watched(self: Aligner, ids: Sequence[Sequence[int]], width: int = 0) -> list[Tensor]:
        layers = [each for each in self.language_model.model.modules() if isinstance(each, BaseTunerLayer)]
        if all(layer.disable_adapters for layer in layers):
            untouched.extend(map(tuple, ids))
        return usual(self, ids, width)

    monkeypatch.setattr(Aligner, "pooled_activations", watched)
    made(alignment.adapters, task_of(world, max_steps=None, epochs=2), inputs, tmp_path)
    pools = training_and_held_out(load_language_model(world.model, world.numerics), **inputs)
    phrases = [phrase for pool in pools for phrase in zip(pool.english, pool.own, strict=True)]
    assert len(set(phrases)) == len(phrases)
    assert sorted(untouched) == sorted(ids for ids, _ in phrases)
    assert len(read_table(tmp_path, AlignmentStep)) == 2


def test_narrowed_encoders_have_the_loss_and_the_gradient_of_whole_ones(
    aligner: Aligner, language_model: LanguageModel, inputs: Mapping[str, Path]
) -> None:
    """Twice with the same pairs, once the adapter has moved: what was kept of the untouched side is still right."""
    pairs, _ = training_and_held_out(language_model, **inputs)
    encoders, (numbered,) = narrowed(aligner.encoders, pairs)
    assert all(len(encoders[layer].threshold) < D_SAE for layer in encoders)
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        narrow_one = replace(aligner, encoders=encoders, known={})
        narrow_one.loss(numbered, tuned.disable_adapter)
        strengthen(tuned)
        found = []
        for one, of_pairs in ((replace(aligner, known={}), pairs), (narrow_one, numbered)):
            tuned.zero_grad()
            loss = one.loss(of_pairs, tuned.disable_adapter)
            torch.autograd.backward(loss)
            found.append((float(loss.detach()), [weight.grad.clone() for _, weight in lora_weights(tuned)]))
    (whole, slopes), (narrow_loss, narrow_slopes) = found
    assert narrow_loss == pytest.approx(whole, rel=1e-6)
    largest = max(float(slope.abs().max()) for slope in slopes)
    for slope, other in zip(slopes, narrow_slopes, strict=True):
        assert float((slope - other).abs().max()) <= GRADIENT_TOLERANCE["float32"] * largest


def test_a_loss_over_different_layers_is_refused() -> None:
    one = [torch.zeros(1, 1)]
    with pytest.raises(ValueError, match="shorter"):
        alignment_loss(one * 2, one, one * 2, one * 2, CHOICE)


@pytest.mark.parametrize(
    ("num_pairs", "changes", "sizes"),
    [
        pytest.param(10, {}, [4, 4, 2], id="one epoch: ten by fours"),
        pytest.param(10, {"epochs": 2}, [4, 4, 2, 4, 4, 2], id="two epochs"),
        pytest.param(10, {"epochs": 2, "pairs": 6}, [4, 2, 4, 2], id="six pairs per epoch"),
        pytest.param(10, {"epochs": 2, "max_steps": 4}, [4, 4, 2, 4], id="cut off at four steps"),
        pytest.param(3, {}, [3], id="fewer pairs than a batch"),
    ],
)
def test_planned_batches_by_pencil(
    world: World, num_pairs: int, changes: Mapping[str, Any], sizes: list[int]
) -> None:
    batches = planned_batches(num_pairs, task_of(world, **{"max_steps": None, **changes}))
    assert [len(batch) for batch in batches] == sizes


def test_each_epoch_sees_every_pair_once_in_an_order_of_its_own(world: World) -> None:
    batches = planned_batches(12, task_of(world, epochs=2, max_steps=None))
    first, second = ([index for batch in part for index in batch] for part in (batches[:3], batches[3:]))
    assert sorted(first) == sorted(second) == list(range(12))
    assert first != second


def test_epochs_see_the_same_pairs_though_there_are_more(world: World) -> None:
    # 30 pairs exist, 8 are asked for: two epochs of two batches of 4 see 8 different ones, twice.
    batches = planned_batches(30, task_of(world, pairs=8, epochs=2, max_steps=None))
    first, second = ([index for batch in part for index in batch] for part in (batches[:2], batches[2:]))
    assert sorted(first) == sorted(second)
    assert len(set(first)) == 8
    assert max(first) > 8


def test_planned_batches_follow_the_seed(world: World) -> None:
    first, again, other = (planned_batches(12, task_of(world, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("count", [2, 3, 17])
def test_shuffling_leaves_no_phrase_with_its_own_translation(count: int) -> None:
    for seed in range(20):
        partners = strangers(count, np.random.default_rng(seed))
        assert sorted(partners) == list(range(count))
        assert all(own != partner for own, partner in enumerate(partners))


def test_pairs_are_split_by_what_is_held_out(
    language_model: LanguageModel, inputs: Mapping[str, Path]
) -> None:
    # Of 24 texts 8 are held out (0, 3, ..., 21); text 23 has no translation and is left out: 15 remain.
    training, held_out = training_and_held_out(language_model, **inputs)
    ids = [tuple(row) for row in language_model.token_ids(SENTENCES)]
    assert held_out.english == tuple(ids[0::3])
    assert training.english == tuple(ids[n] for n in range(23) if n % 3)
    assert len(training.target) == len(training) == 15
    assert held_out.own == tuple(OWN[n] for n in range(0, 23, 3))
    assert training.own == tuple(OWN[n] for n in range(23) if n % 3)


@pytest.mark.parametrize("held_out", [True, False], ids=["nothing to train on", "nothing held out"])
def test_a_split_without_two_sides_is_refused(
    language_model: LanguageModel, tmp_path: Path, *, held_out: bool
) -> None:
    texts = [Text(text_id=n, text=text, held_out=held_out) for n, text in enumerate(SENTENCES)]
    write_table(tmp_path, Text, texts)
    write_table(tmp_path, Selection, [])
    with pytest.raises(ValueError, match="both need at least 2"):
        training_and_held_out(language_model, tmp_path)


@pytest.mark.usefixtures("_base_is_restored")
@pytest.mark.parametrize("modules", [("q_proj",), ("q_proj", "v_proj")], ids="+".join)
@pytest.mark.parametrize("layers", [(0, 1, 2), (1,), (0, 3)], ids=str)
def test_an_adapter_sits_in_exactly_the_chosen_places(
    language_model: LanguageModel, layers: tuple[int, ...], modules: tuple[str, ...]
) -> None:
    choice = replace(CHOICE, layers=layers, target_modules=modules)
    with trained_adapter(language_model.model, choice, seed=0) as tuned:
        places = {name.split(".lora_")[0].split("model.layers.")[1] for name, _ in lora_weights(tuned)}
        trainable = {name for name, parameter in tuned.named_parameters() if parameter.requires_grad}
        assert trainable == {name for name, _ in lora_weights(tuned)}
    assert places == {f"{layer}.self_attn.{module}" for layer in layers for module in modules}


@pytest.mark.usefixtures("_base_is_restored")
def test_a_disabled_adapter_is_the_base_model_bit_for_bit(
    language_model: LanguageModel, aligner: Aligner
) -> None:
    ids = language_model.token_ids(SENTENCES[:5])
    base = pooled(aligner, ids)
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        strengthen(tuned)
        changed = pooled(aligner, ids)
        trained = [name for name, weight in tuned.named_parameters() if weight.requires_grad]
        with suppress(ZeroDivisionError), untouched(tuned):
            disabled = pooled(aligner, ids)
            raise ZeroDivisionError
        again = pooled(aligner, ids)
        assert [name for name, weight in tuned.named_parameters() if weight.requires_grad] == trained
    assert all(torch.equal(one, other) for one, other in zip(base, disabled, strict=True))
    assert all(torch.equal(one, other) for one, other in zip(changed, again, strict=True))
    assert not any(torch.equal(one, other) for one, other in zip(base, changed, strict=True))


@pytest.mark.usefixtures("_base_is_restored")
def test_the_seed_alone_draws_the_first_weights(language_model: LanguageModel) -> None:
    drawn = []
    for number, seed in enumerate((1, 1, 2)):
        torch.manual_seed(number)
        before = torch.get_rng_state()
        with trained_adapter(language_model.model, CHOICE, seed=seed) as tuned:
            drawn.append(torch.cat([weight.detach().flatten() for _, weight in lora_weights(tuned)]))
        assert torch.equal(torch.get_rng_state(), before)
    first, again, other = drawn
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.usefixtures("_base_is_restored")
def test_the_base_model_comes_back_after_a_crash(language_model: LanguageModel) -> None:
    def crash() -> None:
        with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
            strengthen(tuned)
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        crash()


@pytest.mark.usefixtures("_base_is_restored")
def test_a_saved_adapter_comes_back(language_model: LanguageModel, tmp_path: Path) -> None:
    folder = saved(language_model, tmp_path / "adapter")
    ids = torch.tensor(language_model.token_ids(SENTENCES[:1]))
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        strengthen(tuned)
        expected = language_model.model(input_ids=ids).logits
    with attached(language_model.model, folder):
        torch.testing.assert_close(language_model.model(input_ids=ids).logits, expected, rtol=0, atol=0)
    assert sorted(path.name for path in folder.iterdir()) == ["README.md", "adapter_config.json", WEIGHTS]


@pytest.mark.usefixtures("_base_is_restored")
def test_peft_loads_a_saved_adapter_with_its_base_model(
    world: World, language_model: LanguageModel, tmp_path: Path
) -> None:
    from peft import AutoPeftModelForCausalLM

    base = world.model.address
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        strengthen(tuned)
        save_adapter(tuned, tmp_path, "# A card\n", base=base, revision="1f2e")
    ids = torch.tensor(language_model.token_ids(SENTENCES[:1]))
    with attached(language_model.model, tmp_path):
        expected = language_model.model(input_ids=ids).logits
    loaded = AutoPeftModelForCausalLM.from_pretrained(tmp_path, attn_implementation="eager").eval()
    torch.testing.assert_close(loaded(input_ids=ids).logits, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("_base_is_restored")
def test_a_saved_adapter_tells_no_path_and_no_order_of_a_set(
    language_model: LanguageModel, tmp_path: Path
) -> None:
    # A set of four words iterates in another order in nearly every process.
    modules = ("v_proj", "q_proj", "o_proj", "k_proj")
    choice = replace(CHOICE, target_modules=modules, layers=(2, 0))
    with trained_adapter(language_model.model, choice, seed=0) as tuned:
        save_adapter(tuned, tmp_path, "# A card\n", base="a/model", revision="1f2e")
    config = json.loads((tmp_path / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == ("a/model", "1f2e")
    assert config["target_modules"] == sorted(modules)
    assert config["layers_to_transform"] == [0, 2]


@pytest.mark.usefixtures("_base_is_restored")
def test_an_adapter_is_read_as_it_is_and_never_in_training(
    language_model: LanguageModel, tmp_path: Path
) -> None:
    """Somebody else's adapter may have been trained with dropout; a reading with it would be another each time."""
    folder = saved(language_model, tmp_path / "adapter")
    ids = torch.tensor(language_model.token_ids(SENTENCES[:1]))
    with attached(language_model.model, folder):
        expected = language_model.model(input_ids=ids).logits
    file = folder / "adapter_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"lora_dropout": 0.5}))
    with attached(language_model.model, folder):
        assert torch.equal(language_model.model(input_ids=ids).logits, expected)


@pytest.mark.usefixtures("_base_is_restored")
def test_a_folder_without_an_adapter_is_refused(language_model: LanguageModel, tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError, match="holds no adapter; expected adapter_model"),
        attached(language_model.model, tmp_path),
    ):
        pass


@pytest.mark.usefixtures("_base_is_restored")
def test_an_adapter_whose_weights_are_no_number_is_refused(
    language_model: LanguageModel, tmp_path: Path
) -> None:
    folder = saved(language_model, tmp_path / "adapter")
    weights = load_file(folder / WEIGHTS)
    save_file({name: tensor * float("nan") for name, tensor in weights.items()}, folder / WEIGHTS)
    with pytest.raises(UnusableWeightsError, match="no number"), attached(language_model.model, folder):
        pass


def test_the_untouched_side_is_padded_like_the_tuned_one(
    aligner: Aligner, language_model: LanguageModel
) -> None:
    # Without an adapter u and u_orig are one thing; in low precision only if they are padded alike.
    english, target = language_model.token_ids(["a harbour"]), language_model.token_ids(["a harbour " * 9])
    every = tuple((layer, latent) for layer in CHOICE.layers for latent in range(D_SAE))
    pairs = Pairs(english=tuple(map(tuple, english)), target=tuple(map(tuple, target)), own=(every,))
    both, _ = aligner.both_sides(pairs)
    for u, u_orig in zip(both, aligner.original(pairs, nullcontext), strict=True):
        assert torch.allclose(u, u_orig, rtol=0, atol=1e-6)


@pytest.mark.usefixtures("_base_is_restored")
@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("weights of other names", "tensors are missing"),
        ("weights of zero", "changes nothing"),
        ("one layer of zero", "changes nothing"),
    ],
)
def test_an_adapter_that_changes_nothing_is_refused(
    language_model: LanguageModel, tmp_path: Path, fault: str, says: str
) -> None:
    folder = saved(language_model, tmp_path / "adapter")
    weights = load_file(folder / WEIGHTS)
    if fault == "weights of zero":
        spoilt = {name: torch.zeros_like(tensor) for name, tensor in weights.items()}
    elif fault == "one layer of zero":
        spoilt = {name: tensor * float("layers.1." not in name) for name, tensor in weights.items()}
    else:
        spoilt = {name.replace("layers", "blocks"): tensor for name, tensor in weights.items()}
    save_file(spoilt, folder / WEIGHTS)
    with (
        pytest.raises(UnusableWeightsError, match=says),
        attached(language_model.model, folder),
    ):
        pass


@pytest.mark.usefixtures("_base_is_restored")
def test_training_brings_held_out_partners_closer(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    task = task_of(world, learning_rate=3e-2, epochs=10, max_steps=20, alpha=0.0)
    made(alignment.adapters, task, inputs, tmp_path)
    moments, losses = read_table(tmp_path, AlignmentStep), read_table(tmp_path, TrainingLoss)
    assert [moment.step for moment in moments] == [0, 20]
    assert [loss.step for loss in losses] == list(range(1, 21))
    assert moments[-1].gap < 0.8 * moments[0].gap
    assert losses[-1].loss < losses[0].loss
    assert moments[0].retention == pytest.approx(0.0, abs=1e-9)
    assert moments[-1].retention > 1e-4


@pytest.mark.usefixtures("_base_is_restored")
def test_the_retention_term_holds_english_back(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    for alpha in (0.0, 100.0):
        task = task_of(world, learning_rate=3e-2, epochs=10, max_steps=10, alpha=alpha)
        made(alignment.adapters, task, inputs, tmp_path / str(alpha))
    free, held = (read_table(tmp_path / name, AlignmentStep)[-1].retention for name in ("0.0", "100.0"))
    assert held < free / 2


@pytest.mark.usefixtures("_base_is_restored")
def test_the_same_seed_writes_the_same_weights_and_another_seed_others(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    for number, (name, seed) in enumerate((("first", 1), ("again", 1), ("other", 2))):
        torch.manual_seed(number)
        made(alignment.adapters, task_of(world, seed=seed), inputs, tmp_path / name)
    first, again, other = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("first", "again", "other"))
    assert first == again
    assert first != other


@pytest.mark.usefixtures("_base_is_restored")
def test_an_adapter_after_others_is_the_one_that_it_would_be_alone(
    world: World, inputs: Mapping[str, Path], language_model: LanguageModel, tmp_path: Path
) -> None:
    """What adapters of the same pairs and layers show before training is looked for once: u, v, u_orig, and both sides as language."""
    tasks = {
        "first": task_of(world),
        "seed": task_of(world, seed=2, alpha=10.0),
        "control": task_of(world, wrong_partners=True),
    }
    texts = {}
    alignment._before.cache_clear()
    for name, task in tasks.items():
        so_far = METER.so_far()
        made(alignment.adapters, task, inputs, tmp_path / "together" / name)
        texts[name] = (METER.so_far() - so_far).texts
    for name, task in tasks.items():
        alignment._before.cache_clear()
        made(alignment.adapters, task, inputs, tmp_path / "alone" / name)
    together, alone = (
        {path.relative_to(tmp_path / how): path.read_bytes() for path in (tmp_path / how).glob("*/*")}
        for how in ("together", "alone")
    )
    assert together == alone
    held_out = len(training_and_held_out(language_model, **inputs)[1])
    assert texts["first"] - texts["seed"] == 5 * held_out
    assert texts["seed"] == texts["control"]


def test_an_adapter_that_adds_something_looks_for_itself(
    language_model: LanguageModel, inputs: Mapping[str, Path], aligner: Aligner, world: World
) -> None:
    training, held_out = training_and_held_out(language_model, **inputs)
    before = Before()
    moments = []
    for is_strong in (False, True):
        with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
            assert adds_nothing(tuned)
            if is_strong:
                strengthen(tuned)
            record = Training(
                aligner=replace(aligner, known={}),
                tuned=tuned,
                training=training,
                held_out=held_out,
                task=task_of(world, max_steps=1),
                portion=Portion(4),
                positions=Portion(100),
                before=before,
            ).run()
        moments.append(record.moments[0])
    assert moments[0].gap != moments[1].gap
    assert moments[1].retention > moments[0].retention


@pytest.mark.usefixtures("_base_is_restored")
@pytest.mark.parametrize(("layer", "is_moved"), [(1, True), (3, False)], ids=["aligned", "not aligned"])
def test_an_adapter_rests_on_the_dictionaries_of_the_aligned_layers_alone(
    world: World,
    inputs: Mapping[str, Path],
    tmp_path: Path,
    layer: int,
    is_moved: bool,  # noqa: FBT001
) -> None:
    files = list(world.dictionary_files)
    files[layer] = files[0]
    other = replace(world.networks(), dictionary_files=tuple(files))
    for name, networks in (("own", world.networks()), ("other", other)):
        made(alignment.adapters, task_of(world, networks=networks), inputs, tmp_path / name)
    own, exchanged = ((tmp_path / name / WEIGHTS).read_bytes() for name in ("own", "other"))
    assert (own != exchanged) is is_moved


@pytest.mark.usefixtures("_base_is_restored")
def test_held_out_texts_never_stand_in_a_training_batch(
    world: World,
    language_model: LanguageModel,
    inputs: Mapping[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trained_on: list[Pairs] = []
    original = Aligner.loss

    def watched(self: Aligner, pairs: Pairs, untouched: Untouched, batch: Pairs | None = None) -> Tensor:
        trained_on.append(pairs)
        return original(self, pairs, untouched, batch)

    monkeypatch.setattr(Aligner, "loss", watched)
    made(alignment.adapters, task_of(world, epochs=2, max_steps=None), inputs, tmp_path)
    training, held_out = training_and_held_out(language_model, **inputs)
    english = {row for pairs in trained_on for row in pairs.english}
    target = {row for pairs in trained_on for row in pairs.target}
    assert (english, target) == (set(training.english), set(training.target))
    assert not english & set(held_out.english)
    assert not target & set(held_out.target)
    partner = dict(zip(training.english, training.target, strict=True))
    assert all(
        partner[en] == xx for pairs in trained_on for en, xx in zip(pairs.english, pairs.target, strict=True)
    )


def test_a_moment_measures_true_and_shuffled_partners(
    language_model: LanguageModel, inputs: Mapping[str, Path], aligner: Aligner
) -> None:
    _, held_out = training_and_held_out(language_model, **inputs)
    same = replace(held_out, target=held_out.english)
    moment = measured_moment(aligner, same, nullcontext, batch_tokens=1_024, step=0, seed=1)
    # One text against itself, in rows of one batch: only the order of float32 sums differs.
    assert moment.gap == pytest.approx(0.0, abs=1e-5)
    assert moment.shuffled_gap > 0.01
    assert moment.english_mean == pytest.approx(moment.target_mean, rel=1e-5)
    assert moment.english_nats_per_token == moment.target_nats_per_token


@pytest.mark.parametrize("batch_tokens", [1, 40, 100])
def test_a_moment_is_the_same_however_many_pairs_go_through_at_once(
    language_model: LanguageModel, inputs: Mapping[str, Path], aligner: Aligner, batch_tokens: int
) -> None:
    held_out = one_long_translation(training_and_held_out(language_model, **inputs)[0].chosen(range(9)))
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        strengthen(tuned)
        whole, parts = (
            measured_moment(aligner, held_out, tuned.disable_adapter, batch_tokens=size, step=1, seed=1)
            for size in (100_000, batch_tokens)
        )
    assert whole.retention > 0
    assert whole.shuffled_gap != pytest.approx(whole.gap, rel=1e-3), "pairs out of order would not be seen"
    assert astuple(parts) == pytest.approx(astuple(whole), rel=1e-5)


def test_one_long_translation_leaves_the_other_pairs_narrow(
    language_model: LanguageModel,
    inputs: Mapping[str, Path],
    aligner: Aligner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held_out = one_long_translation(training_and_held_out(language_model, **inputs)[0].chosen(range(9)))
    seen: list[int] = []

    def watched(self: Aligner, ids: Sequence[Sequence[int]], width: int = 0) -> list[Tensor]:
        seen.append(len(ids) * max(width, *map(len, ids)))
        return original(self, ids, width)

    original = Aligner.pooled_activations
    monkeypatch.setattr(Aligner, "pooled_activations", watched)
    widest = 2 * max(map(len, held_out.target))
    measured_moment(aligner, held_out, nullcontext, batch_tokens=widest, step=0, seed=1)
    assert len(seen) > 2
    assert max(seen) == widest


class Told:
    """Stands for an aligner whose pooled activations are the numbers that stand for the tokens of each text."""

    language_model = None

    def __init__(self) -> None:
        self.known: dict[Any, Any] = {}

    def both_sides(self, pairs: Pairs) -> tuple[list[Tensor], list[Tensor]]:
        english, target = (torch.tensor(side, dtype=torch.float32) for side in (pairs.english, pairs.target))
        return [english], [target]

    def original(self, pairs: Pairs, _untouched: Untouched) -> list[Tensor]:
        return [torch.tensor(pairs.english, dtype=torch.float32) - 2]

    def shares(self, pairs: Pairs, batch: Pairs) -> list[Tensor]:
        return [torch.full((len(pairs), 1), 1 / len(batch))]


def test_a_moment_by_pencil(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partners 1 and 3 apart; strangers |0 - 13| and |10 - 1|, where English and English would be 10 apart."""
    monkeypatch.setattr(training_stage, "nats_per_token", lambda _model, ids, _tokens: float(ids[0][0]))
    pairs = Pairs(english=((0,), (10,)), target=((1,), (13,)), own=((), ()))
    told: Any = Told()
    assert measured_moment(told, pairs, nullcontext, batch_tokens=8, step=5, seed=1) == AlignmentStep(
        step=5,
        gap=2.0,
        shuffled_gap=11.0,
        retention=4.0,
        english_mean=5.0,
        target_mean=7.0,
        english_nats_per_token=0.0,
        target_nats_per_token=1.0,
    )


def test_nats_per_token_equal_the_librarys_own_loss(language_model: LanguageModel) -> None:
    ids = language_model.token_ids(SENTENCES[:4])
    total = tokens = 0.0
    for row in ids:
        one = torch.tensor([row])
        total += float(language_model.model(input_ids=one, labels=one).loss) * (len(row) - 1)
        tokens += len(row) - 1
    assert nats_per_token(language_model, ids) == pytest.approx(total / tokens, rel=1e-5)


def pooled(aligner: Aligner, ids: Sequence[Sequence[int]]) -> list[Tensor]:
    with torch.no_grad():
        return aligner.pooled_activations(ids)


def one_long_translation(pairs: Pairs) -> Pairs:
    """Pairs of which the one in the middle has a translation that repeats itself, as a stuck translator's does."""
    target = list(pairs.target)
    middle = len(target) // 2
    target[middle] = target[middle][:1] + target[middle][1:] * 5
    return replace(pairs, target=tuple(target))


def lora_weights(tuned: Any) -> list[tuple[str, Tensor]]:
    return [(name, weight) for name, weight in tuned.named_parameters() if "lora_" in name]


def strengthen(tuned: Any) -> None:
    """Random weights where an adapter starts from zero."""
    stream = torch.Generator().manual_seed(0)
    for name, weight in lora_weights(tuned):
        if "lora_B" in name:
            weight.data.normal_(generator=stream)


def saved(language_model: LanguageModel, folder: Path) -> Path:
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        strengthen(tuned)
        save_adapter(tuned, folder, "# A card\n", base="a/model", revision="1f2e")
    return folder
