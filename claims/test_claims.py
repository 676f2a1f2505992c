"""Every verdict of a run as a test: `pytest claims -k malayalam`, and the last step of `harness reproduce`."""

from harness.plugin import Verdicts
from harness.report.document import JudgedClaim


def test_claim(claim: JudgedClaim, verdicts: Verdicts) -> None:
    """Reports what the judge said of one claim, or whether a self-check came out as it must."""
    verdicts.tell(claim)
