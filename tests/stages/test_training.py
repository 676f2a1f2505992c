"""Training of one adapter: where a number is none it stops, says so, and leaves everybody else alone."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.designs.design import plan
from harness.judge.unit_values import read_stored
from harness.models.failed_adapters import adapter_failures
from harness.stages import alignment, translation
from harness.stages.alignment_loss import Aligner, Pairs, Untouched
from harness.stages.training import Training
from harness.statistics.finite import NotFiniteError, largest, require_number
from harness.store.tables import read_table, table_path
from harness.words.estimate import BrokenEstimate, Estimate
from harness.words.records import AdapterFailure, TrainingLoss, adapter_name
from tests.small_study import make, small_profile, small_study
from tests.stages.conftest import made
from tests.stages.test_alignment import WEIGHTS, task_of
from tests.worlds import World, build_world

Loss = Callable[[Tensor, int], Tensor]
"""What becomes of the loss at a step."""


def plant(patch: pytest.MonkeyPatch, changed: Loss, *, adapter: str = "") -> None:
    """Change the loss of every step, for one adapter or for all."""
    original, run = Aligner.loss, Training.run
    steps, at_work = defaultdict[str, int](int), [""]

    def watched(self: Training) -> object:
        at_work[0] = adapter_name(self.task.language, self.task.seed, is_control=self.task.wrong_partners)
        return run(self)

    def loss(self: Aligner, pairs: Pairs, untouched: Untouched, batch: Pairs | None = None) -> Tensor:
        steps[at_work[0]] += 1
        found = original(self, pairs, untouched, batch)
        return changed(found, steps[at_work[0]]) if adapter in {"", at_work[0]} else found

    patch.setattr(Training, "run", watched)
    patch.setattr(Aligner, "loss", loss)


class Steep(torch.autograd.Function):
    """The identity, with a slope that overflows: a finite loss whose gradient is none."""

    @staticmethod
    def forward(_context: object, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(_context: object, slope: Tensor) -> Tensor:  # type: ignore[override]
        return slope * math.inf


def no_number_at(step: int) -> Loss:
    return lambda loss, now: loss * math.nan if now == step else loss


def steep_at(step: int) -> Loss:
    return lambda loss, now: Steep.apply(loss) if now == step else loss  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    ("changed", "stop"),
    [
        pytest.param(no_number_at(1), (1, "loss"), id="a loss at the first step"),
        pytest.param(no_number_at(3), (3, "loss"), id="a loss at the last step"),
        pytest.param(steep_at(2), (2, "gradient"), id="a gradient under a finite loss"),
    ],
)
def test_training_stops_where_a_number_is_none(
    world: World, inputs: Mapping[str, Path], tmp_path: Path, changed: Loss, stop: tuple[int, str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        plant(patch, changed)
        made(alignment.adapters, task_of(world, seed=7), inputs, tmp_path)
    (failure,) = adapter_failures(tmp_path)
    assert (failure.language, failure.seed, failure.step, failure.what) == ("ml", 7, *stop)
    assert not math.isfinite(failure.value)
    assert [row.step for row in read_table(tmp_path, TrainingLoss)] == list(range(1, stop[0]))
    assert not (tmp_path / WEIGHTS).exists()


def test_weights_that_overflow_are_seen_at_the_very_step(
    world: World,
    inputs: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    made(alignment.adapters, task_of(world, learning_rate=math.inf), inputs, tmp_path)
    (failure,) = adapter_failures(tmp_path)
    assert (failure.step, failure.what) == (1, "weight")


def test_a_residual_stream_that_overflows_stops_the_training_too(
    world: World,
    inputs: Mapping[str, Path],
    tmp_path: Path,
) -> None:
    # Weights of 1e30 are finite; the queries and keys that they make are not.
    made(alignment.adapters, task_of(world, learning_rate=1e30, alpha=0.0), inputs, tmp_path)
    (failure,) = adapter_failures(tmp_path)
    assert failure.step == 2
    assert failure.what in {"value of the residual stream", "held-out figure"}


def test_a_failure_says_language_seed_step_and_value() -> None:
    failure = AdapterFailure(language="ml", seed=3, step=17, what="loss", value=math.nan)
    assert str(failure) == "Training of the adapter ml/seed-3 stopped at step 17: a loss is nan."


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_with_its_value(value: float) -> None:
    with pytest.raises(NotFiniteError, match=f"a loss is {value}") as caught:
        require_number("loss", value)
    assert (caught.value.what, str(caught.value.value)) == ("loss", str(value))
    assert require_number("loss", 2.5) == 2.5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_one_value_among_many_is_found(value: float) -> None:
    # Magnitudes 3, 5 and 2 by pencil; one value that is none outweighs them all.
    tensors = [torch.tensor([1.0, -3.0]), torch.tensor([[-5.0]]), torch.tensor([2.0])]
    assert largest(tensors) == 5.0
    tensors[0][0] = value
    assert not math.isfinite(largest(tensors))


TUNED = ("zh", "ml")
"""Of the random world's languages those whose held-out phrases some latent of every layer fires on; a gain needs something before it."""

STOPPED = "Training of the adapter ml/seed-2 stopped at step 2: a loss is nan."


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Estimates of the small study with two tuned languages: undisturbed, and with the adapter ml/seed-2 stopped."""
    root = tmp_path_factory.mktemp("stopped")
    world = build_world(root / "world", languages=("en", "zh", "es", "ml"))
    study = small_study(world)
    languages = tuple(replace(each, tuned=each.code in TUNED) for each in study.languages)
    (item,) = plan(replace(study, languages=languages), small_profile(world), "cpu").stage("estimates").items
    found: dict[str, Path] = {}
    for name, step in (("whole", 0), ("stopped", 2)):
        with pytest.MonkeyPatch.context() as patch:
            # Random translators seldom stop by themselves.
            patch.setattr(translation, "MAX_NEW_TOKENS", 12)
            plant(patch, no_number_at(step), adapter="ml/seed-2")
            found[name] = make(item, root / name, {})
    return found


def estimates(folder: Path) -> dict[str, Estimate]:
    return {row.estimate_id: row for row in read_table(folder, Estimate)}


def test_what_does_not_need_a_stopped_adapter_is_measured_as_ever(folders: Mapping[str, Path]) -> None:
    whole, stopped = estimates(folders["whole"]), estimates(folders["stopped"])
    assert all(whole[name] == row for name, row in stopped.items())
    assert "gain/layer=2/lang=zh/primary/primary" in stopped
    assert stopped["gain/layer=2/lang=zh/primary/primary"].num_seeds == 2


def test_what_needs_it_is_named_with_its_reason_and_no_mean_is_taken_over_the_others(
    folders: Mapping[str, Path],
) -> None:
    whole, stopped = (estimates(folders[name]) for name in ("whole", "stopped"))
    broken = read_stored(folders["stopped"]).broken
    # Where the random model answers no English question, nothing of it can be retained, in either run.
    assert set(broken) - {"retention/lang=en/accuracy/primary"} == set(whole) - set(stopped)
    assert set(broken.values()) == {STOPPED}
    assert "gain/layer=2/lang=ml/primary/primary" in broken
    assert "retention/layer=2/lang=en/activation/primary" in broken


def test_what_would_be_read_through_it_passes_the_failure_on(folders: Mapping[str, Path]) -> None:
    store = folders["stopped"].parent.parent
    for stage in ("activations-tuned", "benchmarks-tuned"):
        for code in ("ml", "en"):
            (failure,) = adapter_failures(store / stage / "ml" / "seed-2" / code)
            assert str(failure) == STOPPED
        assert adapter_failures(store / stage / "ml" / "seed-1" / "ml") == ()


def test_an_undisturbed_run_holds_no_word_of_failures(folders: Mapping[str, Path]) -> None:
    assert read_stored(folders["whole"]).broken == {}
    assert not any(table_path(folders["whole"], kind).exists() for kind in (AdapterFailure, BrokenEstimate))
