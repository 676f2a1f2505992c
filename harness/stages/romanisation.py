"""The romanisations stage: translations once more in Latin letters, so that scripts can be told apart from languages.

Source: U. Hermjakob, J. May and K. Knight, "Out-of-the-box universal romanization tool uroman", ACL 2018, demonstrations; this
project uses the universal romanizer software "uroman" written by Ulf Hermjakob, USC Information Sciences Institute (2015-2020).
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

from uroman import Uroman

from harness.stages.stage import stage
from harness.store.tables import read_table, write_table
from harness.words.records import Translation


@stage(on="processor")
def romanisations(translation: Path, *, out: Path) -> None:
    """The translations into other scripts in Latin letters.

    Writes the translations of one language, in their order, each text letter by letter in another script; their flags are those of
    the text as it was translated.
    """
    rows = read_table(translation, Translation)
    write_table(out, Translation, (replace(row, text=in_latin_letters(row.text)) for row in rows))


def in_latin_letters(text: str) -> str:
    """A text by its sounds in Latin letters; what is written in them already stays, its accents apart."""
    latin: str = _romaniser().romanize_string(text)
    return latin


@cache
def _romaniser() -> Uroman:
    # It reads four megabytes of tables, which takes seconds: once for all languages of a process.
    return Uroman()
