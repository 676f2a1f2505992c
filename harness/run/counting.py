"""What the stages of a finished run read, counted in what they stored: texts, tokens, and layers passed.

Nothing is taken from the sizes that a profile allows. What no artifact tells is not counted, and the reason is given.
A token is a position that the language model passed: BOS counts, padding does not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial, reduce

from harness.run.finished import FinishedRun, NotCountedError
from harness.run.projection import layers_flops
from harness.run.trainingwork import training_work
from harness.stages.dictionary_error import dictionary_sample
from harness.store.tables import table_path
from harness.words.plan import Stage
from harness.words.records import (
    DictionaryError,
    ParallelTranslation,
    PromptTotal,
    ReplayedRow,
    TextLength,
    Translation,
    UnscoredTranslator,
)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What was read."""

    texts: int
    tokens: int | None = None
    """None where the language model did not read them."""
    token_layers: int | None = None
    """Layers that each token passed, summed; with gradients they count as two passes."""

    def __add__(self, other: "Work") -> "Work":
        """Both together."""
        return Work(
            texts=self.texts + other.texts,
            tokens=_sum(self.tokens, other.tokens),
            token_layers=_sum(self.token_layers, other.token_layers),
        )


@dataclass(frozen=True, kw_only=True)
class StageWork:
    """What one stage of a run read, as far as it can be counted."""

    stage: str
    items: int
    """Items that the run made; what it found in the store took it no time, and is not counted."""
    texts: int | None = None
    tokens: int | None = None
    flops: float | None = None
    """Useful operations of the language model's layers; its head and the dictionaries are left out."""
    not_counted: str = ""
    """What is not counted and why; empty where all is."""


def stage_work(run: FinishedRun, stage: Stage) -> StageWork:
    """The counted work of one stage."""
    made = run.made(stage.name)
    nothing = StageWork(stage=stage.name, items=len(made), not_counted="no network runs in it")
    if not stage.uses_model:
        return nothing
    try:
        work = _counted(run, stage.name, made)
    except NotCountedError as why:
        return StageWork(stage=stage.name, items=len(made), not_counted=str(why))
    return StageWork(
        stage=stage.name,
        items=len(made),
        texts=work.texts,
        tokens=work.tokens,
        flops=None if work.token_layers is None else layers_flops(run.plan.study.shapes, work.token_layers),
        not_counted="" if work.tokens is not None else "tokens of the translators are not stored",
    )


def _counted(run: FinishedRun, stage: str, made: tuple[str, ...]) -> Work:
    if stage not in COUNTERS:
        raise NotCountedError("it stores no count of what it read")
    if not made:
        raise NotCountedError("this run found all of its items in the store, and made none")
    return reduce(Work.__add__, (COUNTERS[stage](run, name) for name in made))


def _replay(run: FinishedRun, name: str) -> Work:
    """Every row twice, with BOS and without, each as far as its own layer."""
    rows = run.rows("replay", name, ReplayedRow)
    return Work(
        texts=2 * len(rows),
        tokens=sum(2 * row.tokens + 1 for row in rows),
        token_layers=sum((row.layer + 1) * (2 * row.tokens + 1) for row in rows),
    )


def _translations(run: FinishedRun, name: str) -> Work:
    return Work(texts=len(run.column("translations", name, Translation, "text_id")))


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


COUNTERS: Mapping[str, Callable[[FinishedRun, str], Work]] = {
    "replay": _replay,
    "translations": _translations,
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


def _sum(ours: int | None, theirs: int | None) -> int | None:
    return None if ours is None or theirs is None else ours + theirs
