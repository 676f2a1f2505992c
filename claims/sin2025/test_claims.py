"""Every claim of the paper, told as a test."""

import pytest

from claims.sin2025.claims import CLAIMS
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", CLAIMS, ids=sentence)
def test_claim(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
