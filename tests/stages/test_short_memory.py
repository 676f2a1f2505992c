"""Training when memory is short: the same losses and the same adapter as with memory to spare, and a word about it."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from claims.sin2025.profiles import fixture
from claims.sin2025.study import PRIMARY
from harness.designs.disparity.base import BaseRun
from harness.designs.disparity.tuning import smaller_portions
from harness.models.adapters import trained_adapter
from harness.models.batches import Portion
from harness.models.loading import LanguageModel, load_language_model
from harness.models.sae import load_encoder
from harness.stages import alignment
from harness.stages.alignment import training_and_held_out
from harness.stages.alignment_loss import Aligner, OwnLatents, Pairs, Untouched
from harness.stages.training import GRADIENT_TOLERANCE, LOSS_TOLERANCE, Training, TrainingTask
from harness.store.tables import read_table, write_table
from harness.words.errors import MemoryShortError
from harness.words.records import AlignmentStep, TrainingLoss
from harness.words.study import AlignedLatents
from tests.small_study import small_plan
from tests.stages.conftest import made
from tests.stages.test_alignment import CHOICE, WEIGHTS, task_of
from tests.worlds import World

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"

TOLERANCE = 1e-5
"""Share of itself by which a figure of float32 may differ after steps of which each was rounded otherwise."""

MIXED = (1, 4, 2, 8, 1, 3, 6, 2)
"""Questions in a row that make up the texts of a batch: 8 to 105 tokens each."""


@pytest.fixture
def training(world: World, inputs: Mapping[str, Path]) -> Iterator[Training]:
    """An adapter with something to lose: its weights are random, none is zero."""
    language_model: LanguageModel = load_language_model(world.model, world.numerics)
    encoders = {n: load_encoder(world.dictionaries, world.dictionary_files[n]) for n in CHOICE.layers}
    aligner = Aligner(language_model=language_model, encoders=encoders, choice=CHOICE)
    pairs, held_out = training_and_held_out(language_model, **inputs)
    with trained_adapter(language_model.model, CHOICE, seed=0) as tuned:
        stream = torch.Generator().manual_seed(0)
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.data.normal_(generator=stream)
        yield Training(
            aligner=aligner,
            tuned=tuned,
            training=pairs,
            held_out=held_out,
            task=task_of(world),
            portion=Portion(8),
            positions=Portion(1_024),
        )


@pytest.fixture(params=["float32", "bfloat16"])
def mixed(request: pytest.FixtureRequest, world: World) -> Iterator[Training]:
    """The committed model under an adapter that does something, and pairs of very different lengths."""
    sources, choice = fixture().sources, PRIMARY.alignment
    language_model = load_language_model(sources.model, replace(world.numerics, dtype=request.param))
    encoders = {n: load_encoder(sources.dictionaries, sources.dictionary_files[n]) for n in choice.layers}
    sides = {"english": questions(language_model, "en"), "target": questions(language_model, "ml")}
    pairs = Pairs(**sides, own=tuple(own_latents(place) for place in range(len(MIXED))))
    with trained_adapter(language_model.model, choice, seed=0) as tuned:
        stream = torch.Generator().manual_seed(0)
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.data.normal_(std=0.02, generator=stream)
        yield Training(
            aligner=Aligner(language_model=language_model, encoders=encoders, choice=choice),
            tuned=tuned,
            training=pairs,
            held_out=pairs,
            task=task_of(world),
            portion=Portion(8),
            positions=Portion(1_024),
        )


def own_latents(place: int) -> OwnLatents:
    """Latents of every layer, more of them for each further text; the first has none at all."""
    return tuple((layer, latent) for layer in range(26) for latent in range(32 * place))


def questions(language_model: LanguageModel, language: str) -> tuple[tuple[int, ...], ...]:
    lines = (FIXTURES / "okapi" / "m_arc" / "data" / language / "test.jsonl").read_text().splitlines()
    asked = [json.loads(line)["instruction"] for line in lines]
    texts = [" ".join(asked[7 * place : 7 * place + number]) for place, number in enumerate(MIXED)]
    return tuple(map(tuple, language_model.token_ids(texts)))


def moved(training: Training, micro_batch: int) -> tuple[float, float]:
    """Shares by which loss and gradient of the whole batch move in parts."""
    indices = list(range(len(MIXED)))
    whole_loss, whole = training.gradients(indices, len(indices)), slopes(training)
    loss, found = training.gradients(indices, micro_batch), slopes(training)
    return abs(loss / whole_loss - 1), float((found - whole).abs().max() / whole.abs().max())


@pytest.mark.parametrize("micro_batch", [4, 3, 1])
def test_parts_of_mixed_lengths_stay_within_the_stated_tolerance(mixed: Training, micro_batch: int) -> None:
    lengths = [len(row) for row in (*mixed.training.english, *mixed.training.target)]
    assert (min(lengths), max(lengths)) == (8, 105)
    loss, gradient = moved(mixed, micro_batch)
    assert loss <= LOSS_TOLERANCE
    assert gradient <= GRADIENT_TOLERANCE[precision(mixed)]


@pytest.mark.parametrize("mixed", ["bfloat16"], indirect=True)
def test_parts_padded_less_wide_than_the_whole_would_be_seen(
    mixed: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    padded = Aligner.pooled_activations
    monkeypatch.setattr(Aligner, "pooled_activations", lambda self, ids, _width: padded(self, ids))
    loss, gradient = moved(mixed, 1)
    assert loss > LOSS_TOLERANCE
    assert gradient > GRADIENT_TOLERANCE["bfloat16"]


def precision(training: Training) -> str:
    return str(training.aligner.language_model.model.dtype).removeprefix("torch.")


def slopes(training: Training) -> Tensor:
    found = [weight.grad.flatten() for weight in training.tuned.parameters() if weight.grad is not None]
    return torch.cat(found).clone()


@pytest.mark.parametrize("micro_batch", [1, 2, 3, 5])
def test_parts_have_the_loss_and_the_gradient_of_the_whole_batch(
    training: Training, micro_batch: int
) -> None:
    indices = [3, 0, 7, 11, 5, 2, 9, 1]
    lengths = {len(row) for row in training.training.chosen(indices).target}
    assert len(lengths) > 1, "texts of one length need no padding, and show nothing of it"
    assert any(not training.training.own[index] for index in indices), (
        "and a text that says nothing is to be among them"
    )
    whole_loss, whole = training.gradients(indices, 8), slopes(training)
    loss, found = training.gradients(indices, micro_batch), slopes(training)
    assert loss == pytest.approx(whole_loss, rel=TOLERANCE)
    assert float((found - whole).abs().max()) <= TOLERANCE * float(whole.abs().max())


def test_parts_that_were_batches_of_their_own_would_be_seen(training: Training) -> None:
    # Own latents weigh alike, so neither equal parts nor parts that weigh by their pairs give the whole.
    indices = [3, 0, 7]
    assert [len(training.training.own[index]) for index in indices] == [4, 4, 12]
    whole = training.gradients(indices, 3)
    parts = [training.gradients(part, 2) for part in ([3, 0], [7])]
    assert training.gradients(indices, 2) == pytest.approx((2 * parts[0] + 3 * parts[1]) / 5, rel=TOLERANCE)
    assert whole != pytest.approx((2 * parts[0] + parts[1]) / 3, rel=TOLERANCE)
    assert whole != pytest.approx(sum(parts) / 2, rel=TOLERANCE)


@pytest.mark.parametrize("micro_batch", [1, 2, 5])
def test_parts_over_all_latents_have_the_loss_of_the_whole_batch_too(
    training: Training, micro_batch: int
) -> None:
    choice = replace(CHOICE, latents=AlignedLatents.ALL)
    over_all = replace(training, aligner=replace(training.aligner, choice=choice))
    indices = [3, 0, 7, 11, 5]
    whole = over_all.gradients(indices, 5)
    assert whole != pytest.approx(training.gradients(indices, 5), rel=TOLERANCE)
    assert over_all.gradients(indices, micro_batch) == pytest.approx(whole, rel=TOLERANCE)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_a_run_whose_memory_fails_once_ends_where_an_undisturbed_one_does(
    world: World, inputs: Mapping[str, Path], tmp_path: Path, error: type[RuntimeError]
) -> None:
    task = task_of(world, max_steps=3)
    made(alignment.adapters, task, inputs, tmp_path / "undisturbed")
    disturbed(task, inputs, tmp_path / "short", error=error)
    losses = [read_table(tmp_path / name, TrainingLoss) for name in ("undisturbed", "short")]
    for one, other in zip(*losses, strict=True):
        assert other.loss == pytest.approx(one.loss, rel=TOLERANCE)
    assert [(row.pairs, row.micro_batch) for row in losses[0]] == [(4, 4)] * 3
    assert [(row.pairs, row.micro_batch) for row in losses[1]] == [(4, 4), (4, 2), (4, 2)]
    one, other = (load_file(tmp_path / name / WEIGHTS) for name in ("undisturbed", "short"))
    # Adam divides by the gradient's own size, so weights whose gradient is all rounding may go either way.
    assert max(float((one[name] - other[name]).abs().max()) for name in one) <= 0.1 * CHOICE.learning_rate


def test_a_single_pair_that_does_not_fit_ends_in_one_clear_error(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(MemoryShortError, match="A pair of ml with its gradients does not fit into memory"):
        disturbed(task_of(world), inputs, tmp_path, room=0)


def test_held_out_pairs_that_do_not_fit_are_measured_in_smaller_batches(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    task = task_of(world, max_steps=1)
    made(alignment.adapters, task, inputs, tmp_path / "undisturbed")
    with measuring_at_most(2):
        made(alignment.adapters, task, inputs, tmp_path / "short")
    undisturbed, short = (read_table(tmp_path / name, AlignmentStep) for name in ("undisturbed", "short"))
    for one, other in zip(undisturbed, short, strict=True):
        assert astuple(other) == pytest.approx(astuple(one), rel=1e-5, abs=1e-9)


def test_a_single_held_out_pair_that_does_not_fit_ends_in_one_clear_error(
    world: World, inputs: Mapping[str, Path], tmp_path: Path
) -> None:
    with measuring_at_most(0), pytest.raises(MemoryShortError, match="A held-out pair of ml does not fit"):
        made(alignment.adapters, task_of(world), inputs, tmp_path)


@pytest.mark.parametrize(("held", "told"), [((4, 4), []), ((4, 2), [2.0])], ids=["all fitted", "one did not"])
def test_the_estimates_say_so_only_where_memory_was_short(
    world: World, tmp_path: Path, held: tuple[int, int], told: list[float]
) -> None:
    (item,) = small_plan(world).stage("estimates").items
    folders = {}
    for seed in item.parameters["adapter_seeds"]:
        folders[f"adapters/ml/seed-{seed}"] = tmp_path / str(seed)
        rows = (TrainingLoss(step=n, loss=1.0, pairs=4, micro_batch=size) for n, size in enumerate(held))
        write_table(tmp_path / str(seed), TrainingLoss, rows)
    # What is specified beside the primary specification reaches no run that estimates are read from.
    told_of_others = {"grid", "num_layers", "dictionary_layers"}
    read = {name: value for name, value in item.parameters.items() if name not in told_of_others}
    base = BaseRun(inputs=folders, layers=tuple(range(item.parameters["num_layers"])), **read)
    assert [part.estimate.value for part in smaller_portions(base)] == told


def disturbed(
    task: TrainingTask,
    inputs: Mapping[str, Path],
    out: Path,
    *,
    room: int = 2,
    error: type[RuntimeError] = RuntimeError,
) -> None:
    """Train with memory for so many pairs from the second loss on, failing in the middle of a step."""
    original, seen = Aligner.loss, list[int]()

    def loss(self: Aligner, pairs: Pairs, untouched: Untouched, batch: Pairs | None = None) -> Tensor:
        seen.append(len(pairs))
        found = original(self, pairs, untouched, batch)
        if len(seen) > 1 and len(pairs) > room:
            raise error("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes.")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Aligner, "loss", loss)
        made(alignment.adapters, task, inputs, out)


@contextmanager
def measuring_at_most(room: int) -> Iterator[None]:
    """Memory for so many pairs wherever no gradient is asked for."""
    original = Aligner.both_sides

    def both_sides(self: Aligner, pairs: Pairs, width: int = 0) -> tuple[list[Tensor], list[Tensor]]:
        if not torch.is_grad_enabled() and len(pairs) > room:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return original(self, pairs, width)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Aligner, "both_sides", both_sides)
        yield
