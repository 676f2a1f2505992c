"""The self-checks stage: every stage run on small committed inputs, its figures held against recorded ones.

No stage here reads what another one made, so that one fault shows in one place. The recorded figures were made
by this very code on the machine that their certificate names; the tolerances say how far other machines may be.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from harness.sources.pins import locate
from harness.stages.alignment import adapters
from harness.stages.dictionary_error import dictionary_error
from harness.stages.evaluation import benchmarks, benchmarks_tuned
from harness.stages.extraction import activations, activations_tuned
from harness.stages.phrases import phrases as select_phrases
from harness.stages.stage import stage
from harness.stages.translation import converted_translators, translation_shards
from harness.statistics.metrics import gap_percent
from harness.store.tables import read_column, read_table, write_table
from harness.words.estimate import SelfCheck
from harness.words.plan import Parameters
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
    Translated,
    Translation,
)
from harness.words.study import Aggregation, Language, Pin

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


@stage(on="accelerator")
def self_checks(
    *,
    out: Path,
    known_numbers: Pin,
    phrases: Parameters,
    languages: tuple[Parameters, ...],
    benchmarks: Parameters,
) -> None:
    """Known numbers, computed again.

    Writes one row per recorded number.

    Args:
        out: The folder to fill.
        known_numbers: Folder with the recorded numbers and the inputs of every stage.
        phrases: What the phrases stage is told.
        languages: Each tuned language, and what its stages are told: translator, translation, activations, dictionary and adapter.
        benchmarks: How the reference language's questions are asked, of the untouched model and through each adapter.
    """
    folder = locate(known_numbers)
    found = figures(folder, phrases, languages, benchmarks)
    write_table(out, SelfCheck, checks(found, recorded_numbers(folder)))


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


def figures(
    folder: Path,
    of_phrases: Parameters,
    of_languages: tuple[Parameters, ...],
    of_benchmarks: Parameters,
) -> Iterator[Figure]:
    """Every figure, stage by stage; those of one language for every tuned language."""
    with tempfile.TemporaryDirectory() as scratch:
        yield from _phrases(of_phrases, Path(scratch))
    for told in of_languages:
        for check in (_translation, _activations, _tuned_activations, _dictionary_error, _adapter):
            with tempfile.TemporaryDirectory() as scratch:
                yield from check(told, folder, Path(scratch))
    yield from _benchmarks(of_benchmarks, "benchmarks", "by the untouched model", None)
    for language in (_language(told) for told in of_languages):
        stage_name, by = f"benchmarks-tuned.{language.code}", f"through the {language.name} adapter"
        yield from _benchmarks(of_benchmarks, stage_name, by, folder / "adapter" / language.code)
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


def _phrases(told: Parameters, scratch: Path) -> Iterator[Figure]:
    select_phrases(out=scratch, **told)
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


def _translation(told: Parameters, folder: Path, scratch: Path) -> Iterator[Figure]:
    language, (english, translated) = _language(told), _texts(told, folder)
    converted_translators(out=scratch / "translator", **told["translator"])
    translation_shards(english, scratch / "translator", out=scratch, **told["translation"])
    known = {row.text_id: row.text for row in read_table(translated, Translation)}
    same = sum(known[row.text_id] == row.text for row in read_table(scratch, Translated))
    yield Figure(
        check_id=f"translations.{language.code}.same",
        says=f"committed phrases whose {language.name} translation is the recorded one",
        value=same,
        kind=Kind.COUNT,
    )


def _activations(told: Parameters, folder: Path, scratch: Path) -> Iterator[Figure]:
    activations(*_texts(told, folder), out=scratch, **told["activations"])
    yield from _read_activations(told, scratch, "activations")


def _tuned_activations(told: Parameters, folder: Path, scratch: Path) -> Iterator[Figure]:
    english, translated = _texts(told, folder)
    adapter = folder / "adapter" / _language(told).code
    activations_tuned(english, adapter, translated, out=scratch, **told["activations_tuned"])
    yield from _read_activations(told, scratch, "activations-tuned")


def _read_activations(told: Parameters, scratch: Path, stage_name: str) -> Iterator[Figure]:
    language = _language(told)
    layer, mean = (read_column(scratch, PanelActivation, name) for name in ("layer", "mean"))
    for number in _spread(told["activations"]["networks"].layers):
        yield Figure(
            check_id=f"{stage_name}.{language.code}.layer-{number}",
            says=f"mean activation of the panel at layer {number} over the committed {language.name} translations",
            value=float(mean[layer == number].astype(np.float64).mean()),
            kind=Kind.MEAN,
        )
    tokens = int(read_column(scratch, TextLength, "tokens").sum())
    yield Figure(
        check_id=f"{stage_name}.{language.code}.tokens",
        says=f"{language.name} tokens that count, BOS and padding out",
        value=tokens,
        kind=Kind.EXACT,
    )


def _dictionary_error(told: Parameters, folder: Path, scratch: Path) -> Iterator[Figure]:
    language = _language(told)
    dictionary_error(*_texts(told, folder), out=scratch, **told["dictionary"])
    rows = {row.layer: row for row in read_table(scratch, DictionaryError)}
    for number in _spread(tuple(rows)):
        yield Figure(
            check_id=f"dictionary-error.{language.code}.layer-{number}",
            says=f"fraction of {language.name} variance that the dictionary of layer {number} leaves unexplained",
            value=rows[number].fraction_variance_unexplained,
            kind=Kind.MEAN,
        )


def _adapter(told: Parameters, folder: Path, scratch: Path) -> Iterator[Figure]:
    language = _language(told)
    adapters(*_texts(told, folder), out=scratch, **told["adapter"])
    losses, moments = read_table(scratch, TrainingLoss), read_table(scratch, AlignmentStep)
    values = {"first-loss": losses[0].loss, "last-loss": losses[-1].loss, "gap": moments[-1].gap}
    for name, value in values.items():
        yield Figure(
            check_id=f"adapters.{language.code}.{name}",
            says=f"{name.replace('-', ' ')} of {len(losses)} training steps on committed {language.name} pairs",
            value=value,
            kind=Kind.MEAN,
        )


def _benchmarks(told: Parameters, stage_name: str, by: str, adapter: Path | None) -> Iterator[Figure]:
    right = Counter[str]()
    with tempfile.TemporaryDirectory() as scratch:
        if adapter is None:
            benchmarks(out=Path(scratch), **told)
        else:
            benchmarks_tuned(adapter, out=Path(scratch), **told)
        for row in read_table(Path(scratch), ItemOutcome):
            right[row.benchmark] += int(row.acc)
    for benchmark in told["benchmarks"]:
        yield Figure(
            check_id=f"{stage_name}.{benchmark.name}",
            says=f"{benchmark.name} items in {told['language']} that are answered rightly {by}",
            value=right[benchmark.name],
            kind=Kind.COUNT,
        )


def _language(told: Parameters) -> Language:
    language: Language = told["language"]
    return language


def _texts(told: Parameters, folder: Path) -> tuple[Path, Path]:
    return folder / "phrases", folder / "translation" / _language(told).code


def _spread(layers: Sequence[int]) -> tuple[int, ...]:
    """The first, a middle and the last of some layers."""
    return layers[0], layers[len(layers) // 2], layers[-1]


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
