"""Curves of the alignment losses on the miniature world: what becomes of the phrases' own latents, step by step.

    python -m tests.bench.losses > curves.csv
    python -m tests.bench.losses --steps 500 --rates 1e-4 --languages hi > longer.csv

Each loss trains one adapter per language, from the same first weights and on the same batches. A row tells, of held-out
phrases at the layer that speaks for gains, the change of their own latents' mean activation in the target language and
what is left of it in English, both in percent of before, as the study defines gain and retention.
"""

import argparse
import csv
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path

import torch

from harness.designs.design import plan
from harness.models.adapters import trained_adapter
from harness.models.batches import Portion
from harness.models.loading import load_language_model
from harness.models.sae import layer_encoder
from harness.sources.studies import load_profile, load_study
from harness.stages.alignment import training_and_held_out
from harness.stages.alignment_loss import Aligner, Pairs
from harness.stages.stage import perform
from harness.stages.training import Training, TrainingTask, planned_batches
from harness.statistics.metrics import Values, change_percent, ratio_percent
from harness.words.plan import Item
from harness.words.study import AlignedLatents

EVERY = 20
"""Steps between two points of a curve."""

STUDY = load_study("sin2025")

LOSSES: Mapping[str, tuple[AlignedLatents, bool]] = {
    "own": (AlignedLatents.OWN, False),
    "own, English detached": (AlignedLatents.OWN, True),
    "all": (AlignedLatents.ALL, False),
}
"""By name: the latents that the loss is over, and whether its gradient stops at the English side."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One row of the table."""

    language: str
    loss: str
    learning_rate: float
    step: int
    own_latents_change: float
    english_retention: float


def points(language: str, learning_rate: float, steps: int, scratch: Path) -> Iterator[Point]:
    """The curve of every loss in one language at one rate."""
    adapters = plan(STUDY, load_profile(STUDY, "fixture"), "cpu").stage("adapters").items
    item = next(item for item in adapters if item.name.startswith(f"{language}/"))
    task = TrainingTask(**item.parameters)
    inputs = {role: _made(need, scratch) for role, need in item.needs}
    for loss, (latents, detach) in LOSSES.items():
        # An epoch has a step at least.
        choice = replace(
            task.choice,
            latents=latents,
            detach_english=detach,
            learning_rate=learning_rate,
            epochs=steps,
        )
        for step, change, retention in curve(replace(task, choice=choice, max_steps=steps), inputs):
            yield Point(
                language=language,
                loss=loss,
                learning_rate=learning_rate,
                step=step,
                own_latents_change=round(change, 2),
                english_retention=round(retention, 2),
            )


def curve(task: TrainingTask, inputs: Mapping[str, Path]) -> Iterator[tuple[int, float, float]]:
    """Steps, change of the target's own latents and retention of English, in percent."""
    language_model = load_language_model(task.networks.model, task.networks.numerics)
    encoders = {layer: layer_encoder(task.networks, layer) for layer in task.choice.layers}
    aligner = Aligner(language_model=language_model, encoders=encoders, choice=task.choice)
    reading = replace(
        aligner,
        encoders={STUDY.primary.gain_layer: encoders[STUDY.primary.gain_layer]},
        choice=replace(task.choice, latents=AlignedLatents.OWN),
    )
    pairs, held_out = training_and_held_out(language_model, **inputs)
    with trained_adapter(language_model.model, task.choice, task.seed) as tuned:
        training = Training(
            aligner=aligner,
            tuned=tuned,
            training=pairs,
            held_out=held_out,
            task=task,
            portion=Portion(task.batch_size),
            positions=Portion(task.networks.batch_tokens),
        )
        optimizer = torch.optim.AdamW(
            [weight for weight in tuned.parameters() if weight.requires_grad],
            lr=task.choice.learning_rate,
            weight_decay=task.choice.weight_decay,
        )
        before = latent_means(reading, held_out)
        for step, indices in enumerate(planned_batches(len(pairs), task), start=1):
            training.gradients(indices, len(indices))
            optimizer.step()
            if step % EVERY == 0:
                after = latent_means(reading, held_out)
                yield step, change_percent(after[1], before[1]), ratio_percent(after[0], before[0])


@torch.no_grad()
def latent_means(aligner: Aligner, pairs: Pairs) -> tuple[Values, Values]:
    """English and target: the mean over its own phrases of every latent that has some, at the one layer read."""
    (shares,), ((english,), (target,)) = aligner.shares(pairs, pairs), aligner.both_sides(pairs)
    own = (shares > 0).double()
    weights, spoken = own / own.sum(dim=0), own.any(dim=0)
    means = [(weights * side.double())[:, spoken].sum(dim=0).numpy() for side in (english, target)]
    return means[0], means[1]


def _made(item: Item, scratch: Path) -> Path:
    """The artifact of an item, made where it is not there yet."""
    folder = scratch / item.stage / item.name
    if not folder.exists():
        inputs = {role: _made(need, scratch) for role, need in item.needs}
        folder.mkdir(parents=True)
        perform(item, inputs, folder)
    return folder


def main() -> None:
    """Write the curves as CSV."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.losses")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--rates", type=float, nargs="+", default=[1e-4, 1e-3])
    codes = [language.code for language in STUDY.tuned]
    parser.add_argument("--languages", nargs="+", choices=codes, default=codes)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(field.name for field in fields(Point))
    with tempfile.TemporaryDirectory() as scratch:
        for language in asked.languages:
            for rate in asked.rates:
                for point in points(language, rate, asked.steps, Path(scratch)):
                    table.writerow(astuple(point))
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
