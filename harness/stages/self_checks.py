"""The self-checks stage: every stage run on small committed inputs, its figures held against recorded ones.

No stage here reads what another one made, so that one fault shows in one place. The recorded figures were made
by this very code on the machine that their certificate names; the tolerances say how far other machines may be.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from harness.sources.pins import locate
from harness.stages import alignment, dictionary_error, evaluation, extraction, phrases, translation
from harness.statistics.metrics import gap_percent
from harness.store.tables import read_column, read_table, write_table
from harness.words.estimate import SelfCheck
from harness.words.plan import BenchmarksTask, LanguageChecks, SelfChecksTask
from harness.words.records import (
    AlignmentStep,
    Coverage,
    DictionaryError,
    ItemOutcome,
    PanelActivation,
    Selection,
    Text,
    TextLength,
    TrainingLoss,
    Translation,
)
from harness.words.study import Aggregation

NUMBERS_FILE = "numbers.json"


class Kind(StrEnum):
    """What a figure is, which says how far another machine may be from it."""

    EXACT = "exact"
    COUNT = "count"
    MEAN = "mean"


TOLERANCES: Mapping[Kind, Callable[[float], tuple[float, str]]] = {
    Kind.EXACT: lambda _: (0.0, "integer arithmetic leaves no room"),
    Kind.COUNT: lambda _: (1.0, "one item may sit on an edge that another processor's rounding tips"),
    Kind.MEAN: lambda expected: (
        1e-4 * abs(expected),
        "float32 sums in another order move a mean by about 1e-6 of itself; 1e-4 leaves room",
    ),
}
"""Largest allowed difference from an expected value, and why."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One number that a stage gave on committed inputs."""

    check_id: str
    says: str
    value: float
    kind: Kind


def produce(task: SelfChecksTask, inputs: Mapping[str, Path], out: Path) -> None:
    """Write one row per recorded number."""
    assert not inputs
    folder = locate(task.known_numbers)
    recorded = recorded_numbers(folder)
    write_table(out, SelfCheck, checks(figures(task, folder), recorded))


def recorded_numbers(folder: Path) -> dict[str, float]:
    """Recorded figures by check id.

    Raises:
        ValueError: If the file does not map names to numbers.
    """
    numbers = json.loads((folder / NUMBERS_FILE).read_text(encoding="utf-8"))
    if not isinstance(numbers, dict) or not all(isinstance(value, int | float) for value in numbers.values()):
        raise ValueError(f"{NUMBERS_FILE} must map check ids to numbers; rebuild it with 'nox -s fixtures'")
    return {name: float(value) for name, value in numbers.items()}


def checks(found: Iterator[Figure], recorded: Mapping[str, float]) -> Iterator[SelfCheck]:
    """Each figure against its record; a figure without a record, or a record without a figure, differs."""
    seen: set[str] = set()
    for figure in found:
        seen.add(figure.check_id)
        yield _check(figure, recorded.get(figure.check_id, float("nan")))
    for name in sorted(set(recorded) - seen):
        says = "recorded, but no stage gave it"
        missing = Figure(check_id=name, says=says, value=float("nan"), kind=Kind.EXACT)
        yield _check(missing, recorded[name])


def figures(task: SelfChecksTask, folder: Path) -> Iterator[Figure]:
    """Every figure, stage by stage; those of one language for every tuned language."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from _phrases(task, Path(scratch))
    for checked in task.languages:
        for stage in (_translation, _activations, _tuned_activations, _dictionary_error, _adapter):
            with tempfile.TemporaryDirectory() as scratch:
                yield from stage(checked, folder, Path(scratch))
    yield from _benchmarks(task.benchmarks, "benchmarks", "by the untouched model", {})
    for checked in task.languages:
        code, name = checked.language.code, checked.language.name
        through = {"adapter": folder / "adapter" / code}
        yield from _benchmarks(
            task.benchmarks, f"benchmarks-tuned.{code}", f"through the {name} adapter", through
        )
    yield from pencil_figures()


def pencil_figures() -> Iterator[Figure]:
    """Answers that a pencil gives: low 1 and 2 against high 2 and 3."""
    low, high = np.asarray([1.0, 2.0]), np.asarray([2.0, 3.0])
    answers = (
        (
            "estimates.ratio-of-means",
            "100 * (1 - 3/5), the gap as a ratio of means",
            Aggregation.RATIO_OF_MEANS,
        ),
        (
            "estimates.mean-of-ratios",
            "100 * (1 - (1/2 + 2/3)/2), the gap as a mean of ratios",
            Aggregation.MEAN_OF_RATIOS,
        ),
    )
    for name, says, aggregation in answers:
        yield Figure(check_id=name, says=says, value=gap_percent(low, high, aggregation), kind=Kind.MEAN)


def _phrases(task: SelfChecksTask, scratch: Path) -> Iterator[Figure]:
    phrases.produce(task.phrases, {}, scratch)
    coverage = read_table(scratch, Coverage)
    counts = {
        "texts": len(read_table(scratch, Text)),
        "selections": len(read_table(scratch, Selection)),
        "rows": sum(row.rows_read for row in coverage),
        "eligible": sum(row.latents_eligible for row in coverage),
    }
    for name, count in counts.items():
        yield Figure(
            check_id=f"phrases.{name}",
            says=f"{name} counted by phrase selection on the committed export",
            value=count,
            kind=Kind.EXACT,
        )


def _translation(task: LanguageChecks, folder: Path, scratch: Path) -> Iterator[Figure]:
    texts = _texts(task, folder)
    translation.produce(task.translation, {"phrases": texts["phrases"]}, scratch)
    known = {row.text_id: row.text for row in read_table(texts["translation"], Translation)}
    same = sum(known[row.text_id] == row.text for row in read_table(scratch, Translation))
    yield Figure(
        check_id=f"translations.{task.language.code}.same",
        says=f"committed phrases whose {task.language.name} translation is the recorded one",
        value=same,
        kind=Kind.COUNT,
    )


def _activations(task: LanguageChecks, folder: Path, scratch: Path) -> Iterator[Figure]:
    yield from _read_activations(task, folder, scratch, "activations", {})


def _tuned_activations(task: LanguageChecks, folder: Path, scratch: Path) -> Iterator[Figure]:
    through = {"adapter": folder / "adapter" / task.language.code}
    yield from _read_activations(task, folder, scratch, "activations-tuned", through)


def _read_activations(
    task: LanguageChecks, folder: Path, scratch: Path, stage: str, adapter: Mapping[str, Path]
) -> Iterator[Figure]:
    extraction.produce(task.activations, {**_texts(task, folder), **adapter}, scratch)
    language = task.language
    layer, mean = (read_column(scratch, PanelActivation, name) for name in ("layer", "mean"))
    for number in _spread(len(task.activations.networks.dictionary_files)):
        yield Figure(
            check_id=f"{stage}.{language.code}.layer-{number}",
            says=f"mean activation of the panel at layer {number} over the committed {language.name} translations",
            value=float(mean[layer == number].astype(np.float64).mean()),
            kind=Kind.MEAN,
        )
    tokens = int(read_column(scratch, TextLength, "tokens").sum())
    yield Figure(
        check_id=f"{stage}.{language.code}.tokens",
        says=f"{language.name} tokens that count, BOS and padding out",
        value=tokens,
        kind=Kind.EXACT,
    )


def _dictionary_error(task: LanguageChecks, folder: Path, scratch: Path) -> Iterator[Figure]:
    dictionary_error.produce(task.dictionary, _texts(task, folder), scratch)
    rows = read_table(scratch, DictionaryError)
    for number in _spread(len(rows)):
        yield Figure(
            check_id=f"dictionary-error.{task.language.code}.layer-{number}",
            says=f"fraction of {task.language.name} variance that the dictionary of layer {number} leaves unexplained",
            value=rows[number].fraction_variance_unexplained,
            kind=Kind.MEAN,
        )


def _adapter(task: LanguageChecks, folder: Path, scratch: Path) -> Iterator[Figure]:
    alignment.produce(task.adapter, _texts(task, folder), scratch)
    losses, moments = read_table(scratch, TrainingLoss), read_table(scratch, AlignmentStep)
    values = {"first-loss": losses[0].loss, "last-loss": losses[-1].loss, "gap": moments[-1].gap}
    for name, value in values.items():
        yield Figure(
            check_id=f"adapters.{task.language.code}.{name}",
            says=f"{name.replace('-', ' ')} of {len(losses)} training steps on committed {task.language.name} pairs",
            value=value,
            kind=Kind.MEAN,
        )


def _benchmarks(task: BenchmarksTask, stage: str, by: str, inputs: Mapping[str, Path]) -> Iterator[Figure]:
    right = Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        evaluation.produce(task, inputs, Path(scratch))
        for row in read_table(Path(scratch), ItemOutcome):
            right[row.benchmark] += int(row.acc)
    for benchmark in task.benchmarks:
        yield Figure(
            check_id=f"{stage}.{benchmark.name}",
            says=f"{benchmark.name} items in {task.language} that are answered rightly {by}",
            value=right[benchmark.name],
            kind=Kind.COUNT,
        )


def _texts(task: LanguageChecks, folder: Path) -> dict[str, Path]:
    return {"phrases": folder / "phrases", "translation": folder / "translation" / task.language.code}


def _spread(num_layers: int) -> tuple[int, ...]:
    return 0, num_layers // 2, num_layers - 1


def _check(figure: Figure, expected: float) -> SelfCheck:
    tolerance, because = TOLERANCES[figure.kind](expected)
    agrees = abs(figure.value - expected) <= tolerance
    return SelfCheck(
        check_id=figure.check_id,
        says=figure.says,
        expected=expected,
        measured=figure.value,
        tolerance=tolerance,
        because=because,
        differs=not agrees,
    )
