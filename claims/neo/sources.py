"""Who asks: nobody has claimed anything of these models."""

from claims import elsewhere
from harness.words.claim import Sentence, SourceTier
from harness.words.judgement import Conflict

SOURCES = elsewhere.SOURCES
CONFLICTS: tuple[Conflict, ...] = ()


def sentence(sense: str) -> Sentence:
    """A question of our own, after what the paper says of other models."""
    return Sentence(
        source=elsewhere.ASKED,
        tier=SourceTier.OURS,
        where="what arXiv 2503.06394 says of other models and another pair of languages",
        sense=sense,
    )
