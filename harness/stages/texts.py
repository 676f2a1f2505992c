"""The texts of one language as a stage reads them: the English phrases, or their translations, by `text_id`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.store.tables import read_optional, read_table
from harness.words.records import ParallelTranslation, Text, Translation

Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class LanguageTexts:
    """What one language says for each phrase."""

    text_ids: tuple[int, ...]
    texts: tuple[str, ...]
    held_out: tuple[bool, ...]


def parallel_texts(folder: Path) -> LanguageTexts:
    """Every sentence of a parallel text as a machine translated it, and as people did; none where the text was not had.

    The machine's has an even `text_id`, people's the next one, so that `by_people` tells them apart.
    """
    rows = read_optional(folder, ParallelTranslation)
    texts = tuple(text for row in rows for text in (row.text, row.reference))
    return LanguageTexts(text_ids=tuple(range(len(texts))), texts=texts, held_out=(True,) * len(texts))


def by_people(text_ids: Ids) -> tuple[NDArray[np.bool_], Ids]:
    """Of texts of a parallel text: which are people's, and the number of each one's sentence."""
    return text_ids % 2 == 1, text_ids // 2


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
