"""Claims as tables of text, for formats without markup of their own."""

from collections.abc import Sequence

from harness.report.claimwords import margins_words, measured_words, plain_verdict, printed_words
from harness.report.document import JudgedClaim
from harness.report.tabulation import Table
from harness.report.verdictwords import STATES, TIERS, UNITS

HEADERS = ("", "Claim", "Verdict", "Printed", "Measured, 90 %", "Margins")


def claims_as_table(claims: Sequence[JudgedClaim], caption: str) -> Table:
    """One row for each claim, tier by tier; with what was expected where that is stated."""
    ordered = sorted(claims, key=lambda claim: list(TIERS).index(claim.tier))
    expects = any(claim.expected for claim in claims)
    return Table(
        caption=caption,
        headers=(*HEADERS[:3], *(("Expected",) if expects else ()), *HEADERS[3:]),
        num_labels=4 if expects else 3,
        rows=tuple(_row(claim, expects=expects) for claim in ordered),
        groups=tuple(TIERS[claim.tier] for claim in ordered),
    )


def reasons_as_table(claims: Sequence[JudgedClaim], caption: str) -> Table:
    """Why each verdict, in one sentence."""
    rows = tuple((claim.id, plain_verdict(claim), claim.says) for claim in claims)
    return Table(caption=caption, headers=("Claim", "Verdict", "Why"), num_labels=3, rows=rows)


def _row(claim: JudgedClaim, *, expects: bool) -> tuple[str, ...]:
    measured = measured_words(claim, claim.unit)
    return (
        STATES[claim.verdict].glyph,
        f"{claim.text} ({claim.id})",
        plain_verdict(claim).partition(" ")[2],
        *((_expected(claim),) if expects else ()),
        printed_words(claim),
        measured + UNITS[claim.unit] if claim.measured else measured,
        margins_words(claim),
    )


def _expected(claim: JudgedClaim) -> str:
    words = str(claim.expected).replace("_", " ")
    return f"\u2717 expected {words}" if claim.differs else "\u2713 as expected"
