"""Who prints the numbers that the miniature study judges: a run of our own, and no paper."""

from harness.words.claim import Source, SourceTier
from harness.words.judgement import Conflict

RUN = "independent run of the miniature world"
SOURCES = (
    Source(
        name=RUN,
        tier=SourceTier.PAPER,
        kind="a run of this harness on other draws, committed as fixtures/independent_run",
        address="",
        read="2026-11-29",
    ),
)
CONFLICTS: tuple[Conflict, ...] = ()
