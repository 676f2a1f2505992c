"""What the training of one adapter passed through the model, from its losses and the stored lengths of its texts.

Which pairs a step takes is drawn anew, by the very functions that training draws with; only lengths matter to them.
"""

from dataclasses import dataclass
from functools import cache

from harness.run.finished import FinishedRun, NotCountedError
from harness.run.projection import WITH_GRADIENTS
from harness.stages.alignment import parted, with_wrong_partners
from harness.stages.alignment_loss import Pairs
from harness.stages.training import TrainingTask, planned_batches
from harness.words.records import AlignmentStep, Text, TextLength, TrainingLoss


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Tokens of pairs, BOS with them: some pairs as often as they were passed."""

    pairs: int
    english: int
    target: int


@dataclass(frozen=True, kw_only=True)
class TrainingWork:
    """What one adapter's training passed through the model."""

    learnt: Sides
    """Both sides with gradients, and the English one once more without the adapter."""
    measured: Sides
    """The same without gradients, and both sides as language, which alone goes through every layer."""

    @property
    def texts(self) -> int:
        """Texts passed, each as often as it was."""
        return 3 * self.learnt.pairs + 5 * self.measured.pairs

    @property
    def tokens(self) -> int:
        """Their tokens."""
        learnt, measured = self.learnt, self.measured
        return 2 * learnt.english + learnt.target + 3 * measured.english + 2 * measured.target

    def token_layers(self, reached: int, whole: int) -> int:
        """Layers that each token passed, summed; with gradients they count as `WITH_GRADIENTS`.

        Args:
            reached: Layers up to the deepest one that the loss reads.
            whole: Layers of the model.
        """
        learnt, measured = self.learnt, self.measured
        to_the_loss = WITH_GRADIENTS * (learnt.english + learnt.target) + learnt.english
        to_the_loss += 2 * measured.english + measured.target
        return reached * to_the_loss + whole * (measured.english + measured.target)


def training_work(run: FinishedRun, name: str) -> TrainingWork:
    """Counted work of one adapter.

    Raises:
        NotCountedError: If what it was trained on cannot be read, or would not be drawn again.
    """
    task = TrainingTask(**run.item("adapters", name).parameters)
    training, held_out = _pairs(run, task)
    taken = run.column("adapters", name, TrainingLoss, "pairs").tolist()
    batches = planned_batches(len(training), task)[: len(taken)]
    if [len(batch) for batch in batches] != taken:
        raise NotCountedError(
            f"the steps of adapters {name} are not those that its study and profile plan now"
        )
    moments = len(run.rows("adapters", name, AlignmentStep))
    return TrainingWork(
        learnt=_sides(training.chosen([index for batch in batches for index in batch])),
        measured=_sides(held_out, times=moments),
    )


def _pairs(run: FinishedRun, task: TrainingTask) -> tuple[Pairs, Pairs]:
    """Pairs of texts of the stored lengths, parted and matched as for training."""
    sides = [
        run.column("activations", code, TextLength, "tokens").tolist()
        for code in (run.plan.study.reference.code, task.language)
    ]
    held_out = run.column("phrases", "all", Text, "held_out").tolist()
    try:
        rows = zip(*sides, held_out, strict=True)
        training, measured = parted([(_as_long(en), _as_long(xx), held, ()) for en, xx, held in rows])
    except ValueError as error:
        raise NotCountedError(
            f"the pairs of adapters {task.language} do not fit together: {error}"
        ) from error
    return with_wrong_partners(training, task.seed) if task.wrong_partners else training, measured


@cache
def _as_long(tokens: int) -> tuple[int, ...]:
    """Ids that stand for a text of so many tokens, with one for BOS."""
    return (0,) * (1 + tokens)


def _sides(pairs: Pairs, times: int = 1) -> Sides:
    return Sides(
        pairs=times * len(pairs),
        english=times * sum(map(len, pairs.english)),
        target=times * sum(map(len, pairs.target)),
    )
