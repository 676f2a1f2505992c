"""The demo-replay stage: what the authors' demonstration stores of single features, counted again from its own tokens."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.sources.pins import locate
from harness.stages.stage import stage
from harness.statistics.language_classes import label_of, script_language
from harness.store.tables import write_table
from harness.words.dictionaries import ClassChoice, DemoFeature
from harness.words.errors import MissingSourceError
from harness.words.study import Pin

Example = Sequence[tuple[str, int]]
"""Tokens of one window, each with its value in tenths of the feature's largest one."""


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One file of the demonstration."""

    number: int
    examples: tuple[Example, ...]
    languages: dict[str, int]
    """Examples of each, as the authors counted them."""
    granularity: int


@stage(on="processor")
def demo_replay(
    *,
    out: Path,
    demo: Pin,
    folder: str,
    step: int,
    languages: tuple[str, str],
    choice: ClassChoice,
) -> None:
    """Counts of the authors' demonstration, found again.

    Writes each of its features with the languages of its examples, as they were stored and as they are counted here.

    Raises:
        MissingSourceError: If there is no feature of the step, or one is told otherwise than the authors tell them.
    """
    features = [read_feature(demo, path) for path in feature_files(demo, folder, step)]
    write_table(out, DemoFeature, [_counted(demo, each, step, languages, choice) for each in features])


def feature_files(demo: Pin, folder: str, step: int) -> list[Path]:
    """The files of the features of a step, by their numbers.

    Raises:
        MissingSourceError: If there is none.
    """
    below = locate(demo) / folder / str(step)
    files = sorted(below.glob("*.json"), key=lambda path: (len(path.stem), path.stem))
    if not files:
        raise MissingSourceError(
            f"{demo} has no features of step {step} below {folder}; correct the pin or the steps of the study"
        )
    return files


def read_feature(demo: Pin, path: Path) -> Feature:
    """What one file tells.

    Raises:
        MissingSourceError: If it is told otherwise than the authors tell them.
    """
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        examples = tuple(
            tuple((str(token), int(value)) for token, value in example) for example in told["token_act"]
        )
        feature = Feature(
            number=int(path.stem),
            examples=examples,
            languages={str(language): int(count) for language, count in told["language"].items()},
            granularity=int(told["granularity"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise _untold(demo, path, error) from error
    if not all(examples):
        raise _untold(demo, path, ValueError("an example without a token"))
    return feature


def _untold(demo: Pin, path: Path, error: Exception) -> MissingSourceError:
    return MissingSourceError(
        f"{demo}: {path.parent.name}/{path.name} does not tell a feature ({error!r}); expected token_act, language and granularity; "
        "the authors' files may have changed: correct the revision of the pin"
    )


def _counted(
    demo: Pin, feature: Feature, step: int, languages: tuple[str, str], choice: ClassChoice
) -> DemoFeature:
    labels = list(example_languages(feature.examples, languages))
    try:
        stored = tuple(feature.languages[language] for language in languages)
    except KeyError as error:
        raise _untold(demo, Path(str(step), f"{feature.number}.json"), error) from error
    found = (labels.count(languages[0]), labels.count(languages[1]))
    return DemoFeature(
        step=step,
        feature=feature.number,
        examples=len(labels),
        first_stored=stored[0],
        second_stored=stored[1],
        first_found=found[0],
        second_found=found[1],
        granularity=feature.granularity,
        label=label_of(found, languages, choice, fires=bool(labels)),
        passes=stored == found,
    )


def example_languages(examples: Sequence[Example], languages: tuple[str, str]) -> Iterator[str]:
    """The language of each example by its strongest token, the first of equal ones."""
    for example in examples:
        values = [value for _, value in example]
        yield script_language([token for token, _ in example], values.index(max(values)), languages)
