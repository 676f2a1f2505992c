"""The texts of one language as a stage reads them: the English phrases, or their translations, by `text_id`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.store.tables import read_table
from harness.words.records import Text, Translation


@dataclass(frozen=True, kw_only=True)
class LanguageTexts:
    """What one language says for each phrase."""

    text_ids: tuple[int, ...]
    texts: tuple[str, ...]
    held_out: tuple[bool, ...]


def language_texts(inputs: Mapping[str, Path]) -> LanguageTexts:
    """The translations if the stage was given some, else the English phrases; always in the phrases' order.

    Raises:
        ValueError: If translations and phrases are not about the same texts.
    """
    phrases = read_table(inputs["phrases"], Text)
    spoken = {phrase.text_id: phrase.text for phrase in phrases}
    if "translation" in inputs:
        spoken = {row.text_id: row.text for row in read_table(inputs["translation"], Translation)}
    if list(spoken) != [phrase.text_id for phrase in phrases]:
        raise ValueError(
            f"{len(phrases)} phrases but {len(spoken)} translations, or another order; "
            "the two artifacts are of different runs: run the translations stage again"
        )
    return LanguageTexts(
        text_ids=tuple(spoken),
        texts=tuple(spoken.values()),
        held_out=tuple(phrase.held_out for phrase in phrases),
    )
