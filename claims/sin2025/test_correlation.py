"""What goes with the gap: accuracy, and similarity of embeddings."""

import pytest

from claims.sin2025 import correlation
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", correlation.CLAIMS, ids=sentence)
def test_correlation(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
