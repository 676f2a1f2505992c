"""The benchmarks: levels before, changes after."""

import pytest

from claims.sin2025 import benchmarks
from harness.plugin import Clerk, sentence
from harness.words.claim import Claim


@pytest.mark.parametrize("claim", benchmarks.CLAIMS, ids=sentence)
def test_benchmark(claim: Claim, judged: Clerk) -> None:
    """Reports what the judge says of one claim."""
    judged.report(claim)
