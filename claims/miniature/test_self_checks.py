"""The judge on numbers whose verdicts are known: each check fails when a claim does not come out as it must."""

import pytest

from claims.miniature.claims import CLAIMS
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", CLAIMS, ids=sentence)
def test_the_judge_says_what_is_expected_of(claim: Claim, judged: Clerk) -> None:
    """Reports whether one claim came out as it must."""
    judged.report_expected(claim)
