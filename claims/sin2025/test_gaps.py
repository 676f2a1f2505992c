"""The gaps between languages: how large, where the largest, in every layer."""

import pytest

from claims.sin2025 import gaps
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", gaps.CLAIMS, ids=sentence)
def test_gap(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
