"""The adapters stage: LoRA adapters that pull a language's latent activations towards English's.

With u the pooled latent activations of an English phrase, v those of its translation, and u_orig those of the
untouched model, the loss of one layer is

    mean abs(u - v) + alpha * mean (u - u_orig)^2

as means over phrases and latents, so that alpha means the same at every size; the loss is the mean over layers.

Source: summary S1 of arXiv 2507.18918; what it leaves open is answered in the study's specification.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from harness.supply.adapters import save_adapter, trained_adapter
from harness.supply.loading import LanguageModel, load_encoder, load_language_model
from harness.supply.tables import write_table
from harness.supply.texts import language_texts
from harness.tools.batches import length_buckets, padded_left
from harness.tools.encoding import Encoder, latent_activations
from harness.tools.hooks import visit_residuals
from harness.tools.pooling import averaging_matrix, counted_positions
from harness.words.record import AlignmentStep, TrainingLoss
from harness.words.study import AlignmentChoice
from harness.words.tasks import AdapterTask, Networks

if TYPE_CHECKING:
    from peft import PeftModel

MOMENTS = 3
"""Held-out pairs are measured this often: before, after, and evenly in between."""

HELD_OUT_PAIRS = 64
"""At most so many held-out pairs are measured at each moment."""

LOGIT_POSITIONS = 1_024
"""Padded positions whose logits are held at once: a gigabyte at the real vocabulary, in float32."""

Untouched = Callable[[], AbstractContextManager[None]]
"""Opens a block in which the model runs without its adapter."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """Token ids of English phrases and of their translations, in the same order."""

    english: tuple[tuple[int, ...], ...]
    target: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.english)

    def chosen(self, indices: Sequence[int]) -> "Pairs":
        """Some of the pairs, in the order given."""
        return Pairs(
            english=tuple(self.english[index] for index in indices),
            target=tuple(self.target[index] for index in indices),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Aligner:
    """What the loss needs: a model, the encoders of the aligned layers, and the choice of the loss."""

    language_model: LanguageModel
    encoders: Mapping[int, Encoder]
    choice: AlignmentChoice

    def pooled_activations(
        self, ids: Sequence[Sequence[int]], width: int = 0
    ) -> list[Float[Tensor, "text latent"]]:
        """Mean latent activations of each text over its tokens, per aligned layer; BOS and padding out.

        Args:
            ids: Token ids of each text.
            width: Positions to pad to at least; the same padding rounds the same way.
        """
        language_model = self.language_model
        input_ids, mask = padded_left(ids, language_model.pad_id, language_model.device, width)
        counted = counted_positions(input_ids, mask, language_model.bos_id)
        averaging = averaging_matrix(counted)
        pooled: list[Tensor] = []

        def visit(layer: int, residual: Tensor) -> None:
            pooled.append(averaging @ latent_activations(residual[counted], self.encoders[layer]))

        visit_residuals(language_model.decoder, input_ids, mask, self.encoders.keys(), visit)
        return pooled

    def both_sides(self, pairs: Pairs) -> tuple[list[Tensor], list[Tensor]]:
        """Pooled activations of the English and of the target side, from one pass over both."""
        pooled = self.pooled_activations((*pairs.english, *pairs.target))
        return [layer[: len(pairs)] for layer in pooled], [layer[len(pairs) :] for layer in pooled]

    def original(self, pairs: Pairs, untouched: Untouched) -> list[Float[Tensor, "text latent"]]:
        """Pooled activations of the English side without the adapter, padded as `both_sides` pads it."""
        width = max(len(row) for row in (*pairs.english, *pairs.target))
        with untouched(), torch.no_grad():
            return self.pooled_activations(pairs.english, width)

    def loss(self, pairs: Pairs, untouched: Untouched) -> Float[Tensor, ""]:
        """The alignment loss of some pairs; gradients reach the adapter through both sides unless detached."""
        english, target = self.both_sides(pairs)
        return alignment_loss(english, target, self.original(pairs, untouched), self.choice)


def produce(task: AdapterTask, inputs: Mapping[str, Path], out: Path) -> None:
    """Train one adapter; write it, the loss of every step and what held-out pairs showed."""
    language_model = load_language_model(task.networks.model, task.networks.numerics)
    encoders = {layer: _encoder(task.networks, layer) for layer in task.choice.layers}
    aligner = Aligner(language_model=language_model, encoders=encoders, choice=task.choice)
    training, held_out = training_and_held_out(language_model, inputs)
    with trained_adapter(language_model.model, task.choice, task.seed) as tuned:
        losses, moments = train(aligner, tuned, training, held_out, task)
        save_adapter(tuned, out)
    write_table(out, TrainingLoss, losses)
    write_table(out, AlignmentStep, moments)


def alignment_loss(
    english: Sequence[Float[Tensor, "text latent"]],
    target: Sequence[Float[Tensor, "text latent"]],
    original: Sequence[Float[Tensor, "text latent"]],
    choice: AlignmentChoice,
) -> Float[Tensor, ""]:
    """Mean over layers of the alignment term plus alpha times the retention term.

    Args:
        english: u per layer.
        target: v per layer.
        original: u of the untouched model per layer.
        choice: Alpha, and whether the alignment term holds u fixed.
    """
    layers = []
    for u, v, u_orig in zip(english, target, original, strict=True):
        anchor = u.detach() if choice.detach_english else u
        layers.append((anchor - v).abs().mean() + choice.alpha * (u - u_orig).square().mean())
    return torch.stack(layers).mean()


def train(
    aligner: Aligner, tuned: "PeftModel", training: Pairs, held_out: Pairs, task: AdapterTask
) -> tuple[list[TrainingLoss], list[AlignmentStep]]:
    """Take every step of the plan; the adapter ends up trained in place.

    Raises:
        FloatingPointError: If the loss stops being a number.
    """
    parameters = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        parameters, lr=task.choice.learning_rate, weight_decay=task.choice.weight_decay
    )
    batches = planned_batches(len(training), task)
    measured_at = set(np.linspace(0, len(batches), MOMENTS).round().astype(int).tolist())
    moments = [measured_moment(aligner, held_out, tuned.disable_adapter, step=0, seed=task.seed)]
    losses: list[TrainingLoss] = []
    for step, indices in enumerate(batches, start=1):
        loss = aligner.loss(training.chosen(indices), tuned.disable_adapter)
        if not torch.isfinite(loss.detach()):
            raise FloatingPointError(
                f"the alignment loss is {float(loss.detach())} at step {step} of {task.language}"
            )
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(TrainingLoss(step=step, loss=float(loss.detach())))
        if step in measured_at:
            moments.append(
                measured_moment(aligner, held_out, tuned.disable_adapter, step=step, seed=task.seed)
            )
    return losses, moments


def planned_batches(num_pairs: int, task: AdapterTask) -> list[list[int]]:
    """Indices of the pairs of every step: one seeded sample of pairs, in a new order each epoch, cut at the limit."""
    stream = np.random.default_rng(np.random.SeedSequence([task.seed, num_pairs]))
    chosen = stream.permutation(num_pairs)[: task.choice.pairs]
    batches: list[list[int]] = []
    for _ in range(task.choice.epochs):
        order = stream.permutation(chosen).tolist()
        batches += [order[start : start + task.batch_size] for start in range(0, len(order), task.batch_size)]
    return batches[: task.max_steps]


@torch.no_grad()
def measured_moment(
    aligner: Aligner, held_out: Pairs, untouched: Untouched, *, step: int, seed: int
) -> AlignmentStep:
    """What held-out pairs show: distance of true and of shuffled partners, drift, both sides, language loss."""
    english, target = aligner.both_sides(held_out)
    partners = strangers(len(held_out), np.random.default_rng(np.random.SeedSequence([seed, step])))
    original = aligner.original(held_out, untouched)
    return AlignmentStep(
        step=step,
        gap=_mean_over_layers((u - v).abs() for u, v in zip(english, target, strict=True)),
        shuffled_gap=_mean_over_layers((u - v[partners]).abs() for u, v in zip(english, target, strict=True)),
        retention=_mean_over_layers((u - o).square() for u, o in zip(english, original, strict=True)),
        english_mean=_mean_over_layers(iter(english)),
        target_mean=_mean_over_layers(iter(target)),
        english_nats_per_token=nats_per_token(aligner.language_model, held_out.english),
        target_nats_per_token=nats_per_token(aligner.language_model, held_out.target),
    )


def strangers(count: int, stream: np.random.Generator) -> list[int]:
    """For every pair the index of another one, each used once."""
    order = stream.permutation(count)
    partner = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [partner[index] for index in range(count)]


@torch.no_grad()
def nats_per_token(language_model: LanguageModel, ids: Sequence[Sequence[int]]) -> float:
    """Mean negative log-likelihood of every token after BOS.

    Runs a few texts at a time: the logits of one position are as wide as the vocabulary.
    """
    total, tokens = 0.0, 0
    for bucket in length_buckets([len(row) for row in ids], LOGIT_POSITIONS):
        batch = [ids[index] for index in bucket]
        input_ids, mask = padded_left(batch, language_model.pad_id, language_model.device)
        counted = counted_positions(input_ids, mask, language_model.bos_id)[:, 1:]
        logits = language_model.model(input_ids=input_ids, attention_mask=mask).logits[:, :-1]
        chosen = torch.log_softmax(logits.to(torch.float32), dim=-1).gather(
            -1, input_ids[:, 1:].unsqueeze(-1)
        )
        total -= float(chosen.squeeze(-1)[counted].sum(dtype=torch.float64))
        tokens += int(counted.sum())
    return total / tokens


def training_and_held_out(language_model: LanguageModel, inputs: Mapping[str, Path]) -> tuple[Pairs, Pairs]:
    """Pairs of English phrase and translation: those that may be trained on, and a sample of those held out.

    Pairs with an empty side are left out. The sample depends on the number of pairs alone, so that every seed of an
    adapter is measured on the same ones.

    Raises:
        ValueError: If there is nothing to train on or nothing to measure on.
    """
    target = language_texts(inputs)
    english = language_texts({"phrases": inputs["phrases"]})
    sides = zip(
        language_model.token_ids(english.texts),
        language_model.token_ids(target.texts),
        target.held_out,
        strict=True,
    )
    rows = [(tuple(en), tuple(xx), held) for en, xx, held in sides if len(en) > 1 and len(xx) > 1]
    parts = [_as_pairs([row for row in rows if row[2] is held]) for held in (False, True)]
    if not all(len(part) > 1 for part in parts):
        raise ValueError(
            f"{len(parts[0])} pairs to train on and {len(parts[1])} held out; both need at least 2: "
            "take more phrases, or another share held out"
        )
    stream = np.random.default_rng(np.random.SeedSequence([HELD_OUT_PAIRS, len(parts[1])]))
    sample = stream.permutation(len(parts[1]))[:HELD_OUT_PAIRS].tolist()
    return parts[0], parts[1].chosen(sorted(sample))


@cache
def _encoder(networks: Networks, layer: int) -> Encoder:
    return load_encoder(networks.dictionaries, networks.dictionary_files[layer]).to(networks.numerics.device)


def _as_pairs(rows: Sequence[tuple[tuple[int, ...], tuple[int, ...], bool]]) -> Pairs:
    return Pairs(english=tuple(row[0] for row in rows), target=tuple(row[1] for row in rows))


def _mean_over_layers(values: Iterator[Tensor]) -> float:
    return float(torch.stack([layer.mean() for layer in values]).mean())
