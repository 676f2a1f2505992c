"""Training of one adapter: every planned step, what held-out pairs show meanwhile, and where it had to stop.

An adapter whose numbers stop being numbers is an outcome, not a crash: it is recorded with the step at which it
stopped, so that others go on and nothing is concluded from this one. A batch that does not fit into memory is worked
through in parts: the same step, from the same weights, along the same gradient.
"""

import logging
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from harness.models.batches import Portion
from harness.stages.alignment_loss import Aligner, Pairs
from harness.stages.held_out import measured_moment
from harness.statistics.finite import NotFiniteError, largest, require_number
from harness.words.plan import AdapterTask
from harness.words.records import AdapterFailure, AlignmentStep, TrainingLoss

if TYPE_CHECKING:
    from peft import PeftModel

log = logging.getLogger(__name__)

MOMENTS = 3
"""Held-out pairs are measured this often: before, after, and evenly in between."""

LOSS_TOLERANCE = 1e-6
"""Share of itself by which the loss of a batch may move where it is worked through in parts, in float32 and in bfloat16."""

GRADIENT_TOLERANCE = {"float32": 5e-6, "bfloat16": 4e-3}
"""Share of the largest slope by which any may move then, by the model's precision; seen: 1.1e-6 and 9.3e-4."""


@dataclass
class TrainingRecord:
    """What became of one training."""

    losses: list[TrainingLoss] = field(default_factory=list)
    """One row for every step taken."""
    moments: list[AlignmentStep] = field(default_factory=list)
    failure: AdapterFailure | None = None
    """Where it stopped; None where every step was taken."""


@dataclass(frozen=True, kw_only=True)
class Training:
    """One adapter on its way through the planned steps."""

    aligner: Aligner
    tuned: "PeftModel"
    training: Pairs
    held_out: Pairs
    task: AdapterTask
    portion: Portion
    """Pairs held in memory at once: a whole batch, until that turns out too much."""
    positions: Portion
    """Padded positions held at once where nothing is learnt: those of the task, until they turn out too many."""

    def run(self) -> TrainingRecord:
        """Take every step of the plan, or stop where a number is none; the adapter is changed in place."""
        batches, record = planned_batches(len(self.training), self.task), TrainingRecord()
        optimizer = torch.optim.AdamW(
            self._parameters(), lr=self.task.choice.learning_rate, weight_decay=self.task.choice.weight_decay
        )
        measured_at = set(np.linspace(0, len(batches), MOMENTS).round().astype(int).tolist())
        step = 0
        try:
            record.moments.append(self._moment(step))
            for step, indices in enumerate(batches, start=1):
                record.losses.append(self._row(step, indices, self._step(optimizer, indices)))
                if step in measured_at:
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
        require_number("gradient", largest(p.grad for p in self._parameters() if p.grad is not None))
        optimizer.step()
        require_number("weight", largest(self._parameters()))
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
        self.tuned.zero_grad()
        total, batch = 0.0, self.training.chosen(indices)
        for start in range(0, len(indices), micro_batch):
            part = self.training.chosen(indices[start : start + micro_batch])
            loss = self.aligner.loss(part, self.tuned.disable_adapter, batch)
            total += require_number("loss", float(loss.detach()))
            torch.autograd.backward(loss)
        return total

    def _row(self, step: int, indices: Sequence[int], loss: float) -> TrainingLoss:
        pairs = len(indices)
        return TrainingLoss(step=step, loss=loss, pairs=pairs, micro_batch=self.portion.of(pairs))

    def _parameters(self) -> list[torch.nn.Parameter]:
        return [parameter for parameter in self.tuned.parameters() if parameter.requires_grad]

    def _moment(self, step: int) -> AlignmentStep:
        moment = self.positions.fitting(
            lambda size: measured_moment(
                self.aligner,
                self.held_out,
                self.tuned.disable_adapter,
                batch_tokens=size,
                step=step,
                seed=self.task.seed,
            ),
            self.positions.size,
            f"A held-out pair of {self.task.language}",
        )
        for value in astuple(moment):
            require_number("held-out figure", value)
        return moment


def planned_batches(num_pairs: int, task: AdapterTask) -> list[list[int]]:
    """Indices of the pairs of every step: one seeded sample of pairs, in a new order each epoch, cut at the limit."""
    stream = np.random.default_rng(np.random.SeedSequence([task.seed, num_pairs]))
    chosen = stream.permutation(num_pairs)[: task.choice.pairs]
    batches: list[list[int]] = []
    for _ in range(task.choice.epochs):
        order = stream.permutation(chosen).tolist()
        batches += [order[start : start + task.batch_size] for start in range(0, len(order), task.batch_size)]
    return batches[: task.max_steps]


def drawn_pairs(num_pairs: int, task: AdapterTask) -> list[int]:
    """Indices of the pairs that some step is trained on, each once, in ascending order."""
    return sorted({index for batch in planned_batches(num_pairs, task) for index in batch})
