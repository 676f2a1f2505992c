"""A text that people translated into many languages, read side by side: one file per language and split, joined by id."""

import re
from dataclasses import dataclass
from pathlib import Path

from harness.sources.corpus import rows_of, text_of
from harness.sources.pins import locate_once
from harness.words.errors import MissingSourceError
from harness.words.plan import ParallelTexts

SUFFIXES = (".parquet", ".jsonl")


@dataclass(frozen=True, kw_only=True)
class ParallelSentence:
    """One sentence in the reference language and in another, both by people."""

    sentence_id: str
    source: str
    target: str


def parallel_sentences(wanted: ParallelTexts) -> list[ParallelSentence]:
    """As many sentences as are wanted, spread evenly over the split: neighbours are of one document.

    Layout unconfirmed: nobody here has seen the files. What is asked of them is that exactly one Parquet or JSON-lines
    file has both the split and the language's configuration among the words of its path, as "devtest/eng_Latn.parquet"
    and "data/eng_Latn/devtest-00000-of-00001.parquet" have, and that its rows have `id` and `text`.

    Raises:
        MissingSourceError: If they cannot be had, or are not laid out so; the message names what was found.
    """
    folder = locate_once(wanted.pin)
    sources = _sentences(folder, wanted, wanted.source_config)
    targets = _sentences(folder, wanted, wanted.target_config)
    shared = sorted(sources.keys() & targets.keys(), key=_in_order)
    if not shared:
        raise MissingSourceError(
            f"{wanted.pin}: no id stands both in {wanted.source_config} and in {wanted.target_config}, such as "
            f"{_some(sources)} and {_some(targets)}; the rows are no translations of each other"
        )
    count = min(wanted.sentences, len(shared))
    chosen = [shared[number * len(shared) // count] for number in range(count)]
    return [ParallelSentence(sentence_id=each, source=sources[each], target=targets[each]) for each in chosen]


def _sentences(folder: Path, wanted: ParallelTexts, config: str) -> dict[str, str]:
    files = [path for path in sorted(folder.rglob("*")) if path.suffix in SUFFIXES]
    words = {path: re.split(r"[/.\-]", path.relative_to(folder).as_posix()) for path in files}
    found = [path for path in files if wanted.split in words[path] and config in words[path]]
    if len(found) != 1:
        names = [path.relative_to(folder).as_posix() for path in found or files]
        raise MissingSourceError(
            f"{wanted.pin}: {len(found)} files are for split {wanted.split} and configuration {config}, expected one "
            f"with both in its path; found {_some(names)} of {len(names)}; correct the reader or the profile"
        )
    try:
        return {str(row["id"]): text_of(row) for row in rows_of(found[0])}
    except (KeyError, OSError, RecursionError, TypeError, ValueError) as error:
        raise MissingSourceError(
            f"{wanted.pin}: {found[0].relative_to(folder).as_posix()} is no table of sentences: {error!r}; expected rows "
            "with id and text; correct the reader, or the profile's pin"
        ) from error


def _in_order(sentence_id: str) -> tuple[int, str]:
    return (int(sentence_id) if sentence_id.isdecimal() else 0), sentence_id


def _some(names: object) -> list[str]:
    return list(names)[:3] if isinstance(names, dict | list) else []
