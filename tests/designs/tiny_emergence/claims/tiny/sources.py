"""Who says what is claimed of the tiny model."""

from harness.words.claim import Sentence, Source, SourceTier

NOTE = "a note"

SOURCES = (
    Source(
        name=NOTE,
        tier=SourceTier.PAPER,
        kind="a note that nobody printed",
        address="",
        read="2026-11-30",
    ),
)
CONFLICTS = ()


def sentence(sense: str) -> Sentence:
    """A sentence of the note."""
    return Sentence(source=NOTE, tier=SourceTier.PAPER, where="the note", sense=sense)
