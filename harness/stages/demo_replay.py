"""The demo-replay stage: what the authors' demonstration stores of single features, counted again from its own tokens."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from harness.sources.pins import locate
from harness.stages.stage import stage
from harness.statistics.language_classes import label_of, script_language
from harness.store.tables import write_table
from harness.words.dictionaries import ClassChoice, DemoFeature
from harness.words.errors import MissingSourceError
from harness.words.study import Pin


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
    below = locate(demo) / folder / str(step)
    files = sorted(below.glob("*.json"), key=lambda path: (len(path.stem), path.stem))
    if not files:
        raise MissingSourceError(
            f"{demo} has no features of step {step} below {folder}; correct the pin or the steps of the study"
        )
    write_table(out, DemoFeature, [_feature(demo, path, step, languages, choice) for path in files])


def _feature(
    demo: Pin, path: Path, step: int, languages: tuple[str, str], choice: ClassChoice
) -> DemoFeature:
    try:
        told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        labels = list(example_languages(told["token_act"], languages))
        stored = tuple(int(told["language"][language]) for language in languages)
        number, granularity = int(path.stem), int(told["granularity"])
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as error:
        raise MissingSourceError(
            f"{demo}: {path.parent.name}/{path.name} does not tell a feature ({error!r}); expected token_act, language and "
            "granularity; the authors' files may have changed: correct the revision of the pin"
        ) from error
    found = (labels.count(languages[0]), labels.count(languages[1]))
    return DemoFeature(
        step=step,
        feature=number,
        examples=len(labels),
        first_stored=stored[0],
        second_stored=stored[1],
        first_found=found[0],
        second_found=found[1],
        granularity=granularity,
        label=label_of(found, languages, choice, fires=bool(labels)),
        passes=stored == found,
    )


def example_languages(
    examples: Sequence[Sequence[tuple[str, int]]], languages: tuple[str, str]
) -> Iterator[str]:
    """The language of each example by its strongest token, the first of equal ones."""
    for example in examples:
        values = [int(value) for _, value in example]
        yield script_language([str(token) for token, _ in example], values.index(max(values)), languages)
