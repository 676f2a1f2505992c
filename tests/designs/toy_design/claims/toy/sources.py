"""Who says what is claimed of words."""

from harness.words.claim import Source, SourceTier

SOURCES = (
    Source(
        name="the title",
        tier=SourceTier.PAPER,
        kind="a title that nobody printed",
        address="",
        read="2026-11-29",
    ),
)
CONFLICTS = ()
