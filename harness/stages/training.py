"""Training of one adapter: every planned step, what held-out pairs show meanwhile, and where it had to stop.

An adapter whose numbers stop being numbers is an outcome, not a crash: it is recorded with the step at which it
stopped, so that others go on and nothing is concluded from this one. A batch that does not fit into memory is worked
through in parts: the same step, from the same weights, along the same gradient.

Held-out pairs go through the model a few at a time, those of about one length together, and are put back into their order
afterwards: one long translation makes its own few neighbours wide, and not every pair.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import astuple, dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from harness.models.adapters import adds_nothing, untouched
from harness.models.batches import Portion, length_buckets, padded_left
from harness.models.loading import LanguageModel
from harness.models.residuals import counted_positions
from harness.stages.alignment_loss import Aligner, OwnLatents, Pairs, Untouched
from harness.statistics.finite import NotFiniteError, largest, require_number
from harness.words.plan import Networks
from harness.words.records import AdapterFailure, AlignmentStep, TrainingLoss
from harness.words.study import AlignmentChoice

if TYPE_CHECKING:
    from peft import PeftModel

log = logging.getLogger(__name__)

MOMENTS = 2
"""Held-out pairs are measured this often: before and after."""

LOSS_TOLERANCE = 1e-6
"""Share of itself by which the loss of a batch may move where it is worked through in parts, in float32 and in bfloat16."""

GRADIENT_TOLERANCE = {"float32": 5e-6, "bfloat16": 4e-3}
"""Share of the largest slope by which any may move then, by the model's precision; seen: 1.1e-6 and 9.3e-4."""

LOGIT_POSITIONS = 1_024
"""Padded positions whose logits are held at once: a gigabyte at the real vocabulary, in float32."""


@dataclass(frozen=True, kw_only=True)
class TrainingTask:
    """One adapter to be trained."""

    language: str
    seed: int
    networks: Networks
    choice: AlignmentChoice
    max_steps: int | None
    batch_size: int
    wrong_partners: bool = False
    """True of a control: every English phrase is paired with the translation of another one."""


@dataclass
class TrainingRecord:
    """What became of one training."""

    losses: list[TrainingLoss] = field(default_factory=list)
    """One row for every step taken."""
    moments: list[AlignmentStep] = field(default_factory=list)
    failure: AdapterFailure | None = None
    """Where it stopped; None where every step was taken."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a model shows of held-out pairs."""

    sides: list[list[Tensor]]
    """u, v and u_orig, each per layer, in the order of the pairs."""
    nats: tuple[float, float]
    """Language loss of the English and of the target side."""
    known: dict[tuple[tuple[int, ...], OwnLatents], Mapping[tuple[int, int], float]]
    """What an aligner that has seen it knows of the untouched model."""


@dataclass
class Before:
    """What held-out pairs show before any step, once one adapter has looked: a fresh one adds zeros, whatever its seed."""

    seen: Seen | None = None


@dataclass(frozen=True, kw_only=True)
class Training:
    """One adapter on its way through the planned steps."""

    aligner: Aligner
    tuned: "PeftModel"
    training: Pairs
    held_out: Pairs
    task: TrainingTask
    portion: Portion
    """Pairs held in memory at once: a whole batch, until that turns out too much."""
    positions: Portion
    """Padded positions held at once where nothing is learnt: those of the task, until they turn out too many."""
    before: Before | None = None
    """What other adapters on the same held-out pairs have seen; None where this one looks for itself."""

    def run(self) -> TrainingRecord:
        """Take every step of the plan, or stop where a number is none; the adapter is changed in place."""
        batches, record = planned_batches(len(self.training), self.task), TrainingRecord()
        optimizer = torch.optim.AdamW(
            self.parameters, lr=self.task.choice.learning_rate, weight_decay=self.task.choice.weight_decay
        )
        step = 0
        try:
            record.moments.append(self._moment(step))
            for step, indices in enumerate(batches, start=1):
                record.losses.append(self._row(step, indices, self._step(optimizer, indices)))
            if batches:
                record.moments.append(self._moment(step))
        except NotFiniteError as error:
            record.failure = AdapterFailure(
                language=self.task.language,
                seed=self.task.seed,
                step=step,
                what=error.what,
                value=error.value,
                is_control=self.task.wrong_partners,
            )
        return record

    def _step(self, optimizer: torch.optim.Optimizer, indices: list[int]) -> float:
        """The loss of one batch, and a step along its gradient."""
        before, what = self.portion.size, f"A pair of {self.task.language} with its gradients"
        value = self.portion.fitting(partial(self.gradients, indices), len(indices), what)
        if self.portion.size < before:
            log.warning("memory is short: %d pairs at a time instead of %d", self.portion.size, before)
        # A gradient may overflow where the loss does not, and so may a step where its gradient does not.
        require_number("gradient", largest(p.grad for p in self.parameters if p.grad is not None))
        optimizer.step()
        require_number("weight", largest(self.parameters))
        return value

    def gradients(self, indices: Sequence[int], micro_batch: int) -> float:
        """The loss of one batch, whose gradients then stand in the adapter; nothing else is changed.

        Every activation weighs in a part what it weighs in the whole batch, so the losses of parts sum up to that of the
        whole, and so do their gradients. Parts are padded as wide as the whole, so that only sums over fewer texts are
        rounded otherwise.
        By how much is stated, and measured on the miniature model with texts of very different lengths, on a processor:
        `LOSS_TOLERANCE` and `GRADIENT_TOLERANCE`. Where rounding tips an activation over its threshold, it may be more.

        Args:
            indices: Training pairs of the batch.
            micro_batch: Pairs that are held in memory at once.
        """
        for parameter in self.parameters:
            parameter.grad = None
        total, batch = 0.0, self.training.chosen(indices)
        for start in range(0, len(indices), micro_batch):
            part = self.training.chosen(indices[start : start + micro_batch])
            loss = self.aligner.loss(part, self.untouched, batch)
            total += require_number("loss", float(loss.detach()))
            torch.autograd.backward(loss)
        return total

    def _row(self, step: int, indices: Sequence[int], loss: float) -> TrainingLoss:
        pairs = len(indices)
        return TrainingLoss(step=step, loss=loss, pairs=pairs, micro_batch=self.portion.of(pairs))

    @cached_property
    def parameters(self) -> list[torch.nn.Parameter]:
        """What is trained: looked up once, since walking through a model of many modules costs as much as a small step."""
        return [parameter for parameter in self.tuned.parameters() if parameter.requires_grad]

    def untouched(self) -> AbstractContextManager[None]:
        """Opens a block without the adapter."""
        return untouched(self.tuned)

    def _moment(self, step: int) -> AlignmentStep:
        is_shared = step == 0 and adds_nothing(self.tuned)
        moment = self.positions.fitting(
            lambda size: measured_moment(
                self.aligner,
                self.held_out,
                self.untouched,
                batch_tokens=size,
                step=step,
                seed=self.task.seed,
                before=self.before if is_shared else None,
            ),
            self.positions.size,
            f"A held-out pair of {self.task.language}",
        )
        for value in astuple(moment):
            require_number("held-out figure", value)
        return moment


def planned_batches(num_pairs: int, task: TrainingTask) -> list[list[int]]:
    """Indices of the pairs of every step: one seeded sample of pairs, in a new order each epoch, cut at the limit."""
    stream = np.random.default_rng(np.random.SeedSequence([task.seed, num_pairs]))
    chosen = stream.permutation(num_pairs)[: task.choice.pairs]
    batches: list[list[int]] = []
    for _ in range(task.choice.epochs):
        order = stream.permutation(chosen).tolist()
        batches += [order[start : start + task.batch_size] for start in range(0, len(order), task.batch_size)]
    return batches[: task.max_steps]


def drawn_pairs(num_pairs: int, task: TrainingTask) -> list[int]:
    """Indices of the pairs that some step is trained on, each once, in ascending order."""
    return sorted({index for batch in planned_batches(num_pairs, task) for index in batch})


@torch.no_grad()
def measured_moment(
    aligner: Aligner,
    held_out: Pairs,
    untouched: Untouched,
    *,
    batch_tokens: int,
    step: int,
    seed: int,
    before: Before | None = None,
) -> AlignmentStep:
    """What held-out pairs show: distance of true and of shuffled partners, drift, both sides, language loss.

    Activations are those that the loss is a mean over; a shuffled partner is read at the English phrase's own latents.
    u, v and u_orig of a pair are padded alike; those of another pair may be padded otherwise, so that another
    `batch_tokens` moves the figures by what rounding does: under 1e-5 of themselves in float32, more in bfloat16.

    Args:
        aligner: The model under the adapter, its encoders, and the choice of the loss.
        held_out: Pairs to measure on, at least two.
        untouched: Opens a block without the adapter.
        batch_tokens: Padded positions per forward pass.
        step: Steps taken so far.
        seed: Draws the wrong partners, with the step.
        before: What an earlier adapter has seen, or this one is to leave for the next; None looks anew.
    """
    before = before or Before()
    seen = before.seen = before.seen or _seen(aligner, held_out, untouched, batch_tokens)
    aligner.known.update(seen.known)
    english, target, original = seen.sides
    shares = aligner.shares(held_out, held_out)
    partners = strangers(len(held_out), np.random.default_rng(np.random.SeedSequence([seed, step])))
    return AlignmentStep(
        step=step,
        gap=_mean(shares, ((u - v).abs() for u, v in zip(english, target, strict=True))),
        shuffled_gap=_mean(shares, ((u - v[partners]).abs() for u, v in zip(english, target, strict=True))),
        retention=_mean(shares, ((u - o).square() for u, o in zip(english, original, strict=True))),
        english_mean=_mean(shares, english),
        target_mean=_mean(shares, target),
        english_nats_per_token=seen.nats[0],
        target_nats_per_token=seen.nats[1],
    )


def _seen(aligner: Aligner, held_out: Pairs, untouched: Untouched, batch_tokens: int) -> Seen:
    sides = _three_sides(aligner, held_out, untouched, batch_tokens)
    model = aligner.language_model
    nats = (
        nats_per_token(model, held_out.english, batch_tokens),
        nats_per_token(model, held_out.target, batch_tokens),
    )
    return Seen(sides=sides, nats=nats, known=dict(aligner.known))


def strangers(count: int, stream: np.random.Generator) -> list[int]:
    """For every pair the index of another one, each used once."""
    order = stream.permutation(count)
    partner = dict(zip(order.tolist(), np.roll(order, 1).tolist(), strict=True))
    return [partner[index] for index in range(count)]


@torch.no_grad()
def nats_per_token(
    language_model: LanguageModel, ids: Sequence[Sequence[int]], batch_tokens: int = LOGIT_POSITIONS
) -> float:
    """Mean negative log-likelihood of every token after BOS.

    Runs a few texts at a time, `LOGIT_POSITIONS` at most: the logits of one position are as wide as the vocabulary.
    """
    total, tokens = 0.0, 0
    for bucket in length_buckets([len(row) for row in ids], min(batch_tokens, LOGIT_POSITIONS)):
        batch = [ids[index] for index in bucket]
        input_ids, mask = padded_left(batch, language_model.pad_id, language_model.device)
        counted = counted_positions(mask, len(language_model.front_ids))[:, 1:]
        logits = language_model.model(input_ids=input_ids, attention_mask=mask, use_cache=False).logits[
            :, :-1
        ]
        chosen = torch.log_softmax(logits.to(torch.float32), dim=-1).gather(
            -1, input_ids[:, 1:].unsqueeze(-1)
        )
        total -= float(chosen.squeeze(-1)[counted].sum(dtype=torch.float64))
        tokens += int(counted.sum())
    return total / tokens


def _three_sides(
    aligner: Aligner, pairs: Pairs, untouched: Untouched, batch_tokens: int
) -> list[list[Tensor]]:
    """u, v and u_orig, each per layer, in the order of the pairs."""
    longest = [max(map(len, sides)) for sides in zip(pairs.english, pairs.target, strict=True)]
    # One forward pass holds both sides, so a pair takes two rows of it.
    buckets = length_buckets(longest, batch_tokens // 2)
    places = torch.tensor([index for bucket in buckets for index in bucket]).argsort()
    batches = [pairs.chosen(bucket) for bucket in buckets]
    sides = [(*aligner.both_sides(batch), aligner.original(batch, untouched)) for batch in batches]
    return [
        [torch.cat(layer)[places] for layer in zip(*of_batches, strict=True)]
        for of_batches in zip(*sides, strict=True)
    ]


def _mean(shares: Sequence[Tensor], values: Iterable[Tensor]) -> float:
    """Mean over what the loss is a mean over."""
    return float(sum((weights * layer).sum() for weights, layer in zip(shares, values, strict=True)))
