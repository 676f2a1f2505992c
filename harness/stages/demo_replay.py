"""The demo-replay stage: what the authors' demonstration stores of single features, counted again from its own tokens."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from harness.sources.pins import how_to_mend, locate
from harness.stages.stage import stage
from harness.statistics.language_classes import label_of, script_language
from harness.store.tables import write_table
from harness.words.dictionaries import ClassChoice, DemoFeature
from harness.words.errors import MissingSourceError
from harness.words.study import Pin

LEVELS = 10
"""Steps in which the demonstration tells a value, of the largest one of its feature."""

LARGEST_GRANULARITY = 4
"""Of the authors' codes."""

T = TypeVar("T")

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
        steps = sorted(
            {path.parent.name for path in below.parent.glob("*/*.json")}, key=lambda name: (len(name), name)
        )
        raise MissingSourceError(
            f"{demo} has no features of step {step} below {folder}, where it has those of {', '.join(steps) or 'none'}; "
            f"{how_to_mend(demo)}, or the steps of its demonstration in profiles.py"
        )
    return files


def read_feature(demo: Pin, path: Path) -> Feature:
    """What one file tells.

    Raises:
        MissingSourceError: If it is told otherwise than the authors tell them.
    """
    try:
        told = _typed("all of it", json.loads(path.read_text(encoding="utf-8")), dict)
        feature = Feature(
            number=int(path.stem),
            examples=tuple(map(_example, _typed("token_act", told["token_act"], list))),
            languages={
                language: _whole(f"language {language}", count)
                for language, count in _typed("language", told["language"], dict).items()
            },
            granularity=_whole("granularity", told["granularity"], most=LARGEST_GRANULARITY),
        )
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _untold(demo, path, error) from error
    return feature


def _example(told: object) -> Example:
    """One window. Nothing is made of what is no text or no tenths: a value that is cut to a whole one is another one."""
    tokens = _typed("an example", told, list)
    if not tokens:
        raise ValueError("an example holds no token")
    return tuple(map(_token, tokens))


def _token(told: object) -> tuple[str, int]:
    text, value = _typed("a token of an example", told, list)
    return _typed("the text of a token", text, str), _whole("the value of a token", value, most=LEVELS)


def _whole(what: str, told: object, *, most: float = math.inf) -> int:
    number = _typed(what, told, int)
    if not 0 <= number <= most:
        raise ValueError(f"{what} is {number}")
    return number


def _typed(what: str, told: object, kind: type[T]) -> T:
    if not isinstance(told, kind) or isinstance(told, bool):
        raise TypeError(f"{what} is {type(told).__name__}, and not {kind.__name__}")
    return told


def _untold(demo: Pin, path: Path, error: Exception) -> MissingSourceError:
    said = f"no {error}" if isinstance(error, KeyError) else str(error)
    return MissingSourceError(
        f"{demo}: {path.parent.name}/{path.name} does not tell a feature ({said}); expected token_act, lists of [token, 0 to {LEVELS}], "
        f"language, a count for each, and granularity, 0 to {LARGEST_GRANULARITY}; {how_to_mend(demo)}"
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
