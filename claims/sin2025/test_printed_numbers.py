"""The paper's own arithmetic; needs no model."""

import pytest

from claims.sin2025 import printed_numbers
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", printed_numbers.CLAIMS, ids=sentence)
def test_printed_number(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
