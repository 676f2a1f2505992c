"""What the paper concludes from its numbers."""

import pytest

from claims.sin2025.claims import KEY_FACTOR
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", [KEY_FACTOR], ids=sentence)
def test_reading(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
