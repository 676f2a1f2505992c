"""The gains of the tuned languages."""

import pytest

from claims.sin2025 import gains
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", gains.CLAIMS, ids=sentence)
def test_gain(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
