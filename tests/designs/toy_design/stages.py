"""The two stages of the toy: letters are counted, and their mean is estimated."""

from pathlib import Path

import numpy as np

from harness.stages.stage import stage
from harness.statistics.measured import plain_mean
from harness.store.tables import read_table, write_table
from harness.words.estimate import Estimate, PhraseValue, Scope, UnitValue
from harness.words.records import TextLength


@stage(on="processor")
def letters(*, out: Path, words: tuple[str, ...], doubled: bool) -> None:
    """The letters of every word."""
    factor = 2 if doubled else 1
    write_table(
        out, TextLength, [TextLength(text_id=n, tokens=factor * len(word)) for n, word in enumerate(words)]
    )


@stage(on="processor")
def means(letters: Path, *, out: Path) -> None:
    """The mean word.

    Writes the tables that the judge and the report read.
    """
    rows = read_table(letters, TextLength)
    counts = np.asarray([float(row.tokens) for row in rows])
    found = plain_mean(
        Scope(quantity="word-length", unit="percent"), "word", [str(row.text_id) for row in rows], counts
    )
    write_table(out, Estimate, [found.estimate])
    write_table(out, UnitValue, found.units)
    write_table(out, PhraseValue, [])
