"""The texts of one language as a stage reads them: the English phrases, or their translations, by `text_id`."""

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


def language_texts(english: Path, translation: Path | None = None) -> LanguageTexts:
    """The translations if there are some, else the English phrases; always in the phrases' order.

    Raises:
        ValueError: If translations and phrases are not about the same texts.
    """
    phrases = read_table(english, Text)
    spoken = {phrase.text_id: phrase.text for phrase in phrases}
    if translation is not None:
        spoken = {row.text_id: row.text for row in read_table(translation, Translation)}
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
