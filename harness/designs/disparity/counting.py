"""What each stage of this design read in a finished run: counted in what it stored, texts, tokens and layers passed.

Nothing is taken from the sizes that a profile allows. What no artifact tells is not counted, and the reason is given.
A token is a position that the language model passed: BOS counts, padding does not. Which pairs a step of training took is
drawn anew, by the very functions that training draws with; only lengths matter to them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial

from harness.designs.costs import WITH_GRADIENTS, Counter, FinishedRun, NotCountedError, Work
from harness.stages.alignment import parted, with_wrong_partners
from harness.stages.alignment_loss import Pairs
from harness.stages.dictionary_error import dictionary_sample
from harness.stages.training import TrainingTask, planned_batches
from harness.store.tables import table_path
from harness.words.records import (
    AlignmentStep,
    DictionaryError,
    ParallelTranslation,
    PromptTotal,
    ReplayedRow,
    Text,
    TextLength,
    TrainingLoss,
    Translated,
    UnscoredTranslator,
)


def _replay(run: FinishedRun, name: str) -> Work:
    """Every row twice, with BOS and without, each as far as its own layer."""
    rows = run.rows("replay", name, ReplayedRow)
    return Work(
        texts=2 * len(rows),
        tokens=sum(2 * row.tokens + 1 for row in rows),
        token_layers=sum((row.layer + 1) * (2 * row.tokens + 1) for row in rows),
    )


def _translations(run: FinishedRun, name: str) -> Work:
    return Work(texts=len(run.column("translation-shards", name, Translated, "text_id")))


def _parallel_translations(run: FinishedRun, name: str) -> Work:
    stage = "translation-scores"
    if table_path(run.artifact(stage, name), UnscoredTranslator).exists():
        return Work(texts=0)
    return Work(texts=len(run.column(stage, name, ParallelTranslation, "sentence_id")))


def _activations(run: FinishedRun, name: str, stage: str) -> Work:
    """Texts with a token besides BOS; others are not read."""
    if run.was_passed_over(stage, name):
        return _through(run, 0, 0)
    lengths = run.column(stage, name, TextLength, "tokens")
    texts = int((lengths > 0).sum())
    return _through(run, texts, texts + int(lengths.sum()))


def _dictionary_error(run: FinishedRun, name: str) -> Work:
    """A sample of the language's texts, drawn again for their number; their tokens stand in the table."""
    told = run.item("dictionary-error", name).parameters
    tokens = run.rows("dictionary-error", name, DictionaryError)[0].tokens
    lengths = run.column("activations", name, TextLength, "tokens")
    drawn = lengths[dictionary_sample(len(lengths), told["texts"], told["seed"])]
    if int(drawn.sum()) != tokens:
        raise NotCountedError(
            f"the texts of dictionary-error {name} are not those that its study and profile draw now"
        )
    texts = int((drawn > 0).sum())
    return _through(run, texts, texts + tokens)


def _adapters(run: FinishedRun, name: str) -> Work:
    choice = run.item("adapters", name).parameters["choice"]
    done, reached = training_work(run, name), max(choice.layers) + 1
    return Work(
        texts=done.texts,
        tokens=done.tokens,
        token_layers=done.token_layers(reached, run.plan.study.shapes.num_layers),
    )


def _benchmarks(run: FinishedRun, name: str, stage: str) -> Work:
    if run.was_passed_over(stage, name):
        return _through(run, 0, 0)
    (total,) = run.rows(stage, name, PromptTotal)
    return _through(run, total.prompts, total.tokens)


COUNTERS: Mapping[str, Counter] = {
    "replay": _replay,
    "translation-shards": _translations,
    "translation-scores": _parallel_translations,
    "activations": partial(_activations, stage="activations"),
    "activations-tuned": partial(_activations, stage="activations-tuned"),
    "dictionary-error": _dictionary_error,
    "adapters": _adapters,
    "benchmarks": partial(_benchmarks, stage="benchmarks"),
    "benchmarks-tuned": partial(_benchmarks, stage="benchmarks-tuned"),
}
"""How one item of each stage is counted."""


def _through(run: FinishedRun, texts: int, tokens: int) -> Work:
    """Texts that passed every layer."""
    return Work(texts=texts, tokens=tokens, token_layers=tokens * run.plan.study.shapes.num_layers)


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
