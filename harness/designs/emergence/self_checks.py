"""The self-checks of this design: as much text of either language, models in the order of their training, the authors' counts found again."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from harness.stages.stage import stage
from harness.store.tables import read_table, write_table
from harness.words.dictionaries import CheckedFact, CorpusSize, DemoFeature, ProbedLanguage
from harness.words.estimate import SelfCheck

EXACT = "a count, which is right or wrong"


@stage(on="processor")
def self_checks(
    inputs: Mapping[str, Path],
    *,
    out: Path,
    trained: tuple[str, ...],
    training: Mapping[str, tuple[str, ...]],
) -> None:
    """Whether models are the ones that were asked for, and the authors' counts are found again.

    Writes a known number for the corpus, every checkpoint, every size and every step of the demonstration. Of a model that was never trained
    only its shapes are asked: that it predicts no better than guessing is as it should be. Checkpoints must stand in the order
    of their training, which shares cannot tell: a world run backwards falls and rises as well.
    """
    write_table(out, SelfCheck, checks(inputs, trained, training))


def checks(
    inputs: Mapping[str, Path], trained: tuple[str, ...], training: Mapping[str, tuple[str, ...]]
) -> Iterator[SelfCheck]:
    """Every check, the order of checkpoints first.

    Args:
        inputs: Folders of the corpus, of model checks and of steps of the demonstration, by stage and item.
        trained: Checkpoints that have learned something.
        training: Checkpoints of each size, in the order of their training.
    """
    for size, cells in training.items():
        if later := [
            better for before, after in pairwise(cells) for better in _better(inputs, before, after)
        ]:
            says = f"losses of {size} in either language that fall from one checkpoint to the next"
            yield _check(f"order.{size}", says, later)
    for role, folder in inputs.items():
        stage_name, _, name = role.partition("/")
        if stage_name == "corpus":
            yield _balance(folder)
        elif stage_name == "model-checks":
            facts = read_table(folder, CheckedFact)
            shapes = [fact.passes for fact in facts if not fact.fact.startswith("loss")]
            yield _check(
                f"shapes.{name}", f"shapes of {name} as its weights have them, that are as asked", shapes
            )
            if name in trained:
                # What stands in front helps a trained model, and an early one not yet.
                losses = [
                    fact.passes
                    for fact in facts
                    if fact.fact.startswith("loss") and " with " not in fact.fact
                ]
                yield _check(
                    f"loss.{name}", f"languages that {name} predicts better than by guessing", losses
                )
        else:
            found = [feature.passes for feature in read_table(folder, DemoFeature)]
            yield _check(
                f"demonstration.{name}", f"features of step {name} whose counts are the authors' own", found
            )


def _better(inputs: Mapping[str, Path], before: str, after: str) -> Iterator[bool]:
    """Whether each language is predicted better by the later of two checkpoints; both read the same windows."""
    earlier, later = (read_table(inputs[f"model-checks/{name}"], ProbedLanguage) for name in (before, after))
    losses = {row.language: row.nats_per_token for row in earlier}
    yield from (row.nats_per_token < losses[row.language] for row in later)


def _balance(corpus: Path) -> SelfCheck:
    """Whether the corpus has as many windows of one language as of the other: without that, classes follow the text."""
    windows: dict[str, int] = {}
    for row in read_table(corpus, CorpusSize):
        windows[row.language] = windows.get(row.language, 0) + row.windows
    (first, expected), (second, measured) = windows.items()
    return SelfCheck(
        check_id="balance",
        says=f"windows of {second} in the corpus, as many as of {first}",
        expected=float(expected),
        measured=float(measured),
        tolerance=0.0,
        because=EXACT,
        differs=measured != expected,
    )


def _check(check_id: str, says: str, passes: list[bool]) -> SelfCheck:
    return SelfCheck(
        check_id=check_id,
        says=says,
        expected=float(len(passes)),
        measured=float(sum(passes)),
        tolerance=0.0,
        because=EXACT,
        differs=not passes or not all(passes),
    )
