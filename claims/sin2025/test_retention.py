"""What is left of English under the adapters."""

import pytest

from claims.sin2025 import retention
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", retention.CLAIMS, ids=sentence)
def test_retention(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
