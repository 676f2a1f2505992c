"""The main table: every claim, what is printed, what was measured, how far apart, and the verdict."""

from collections.abc import Sequence

from harness.report.claimwords import (
    claim_name,
    difference_words,
    margins_words,
    measured_words,
    printed_words,
    source_words,
    verdict_cell,
)
from harness.report.document import JudgedClaim
from harness.report.drawing import Frame
from harness.report.elements import Content, figure, paragraph, plain_table
from harness.report.forest import description, forest, value_claims
from harness.report.markup import Markup, joined, tag
from harness.report.verdictwords import TIERS, UNITS

HEADERS = ("Claim", "Verdict", "Printed", "Measured, 90 %", "Difference", "Margins")
SELF_CHECK_HEADERS = ("Claim", "Verdict", "Expected", "Printed", "Measured, 90 %", "Margins")
NO_FOREST = "Figure not drawn: this run measured no quantity of a claim with a printed number and a margin."
FOREST_CAPTION = (
    "Distances are in margins: the hollow diamond is the printed number (ours where a word is printed), the shaded band the margin fixed "
    "beforehand (rounding adds a little to it). Thick bars are 90 % intervals, which decide; thin ones 95 %. Beyond "
    "four margins an arrow stands at the edge. Its numbers stand in the table below."
)


def forest_figure(claims: Sequence[JudgedClaim], anchor: str, title: str, stamp: str) -> Markup:
    """The forest plot of a study's value claims, or plainly that there is none."""
    svg = forest(
        claims,
        Frame(
            anchor=anchor,
            title=title,
            description=f"{FOREST_CAPTION} {description(claims)}",
            stamp=stamp,
        ),
    )
    if svg is None:
        return paragraph(NO_FOREST, class_="absent")
    return figure(svg, title, FOREST_CAPTION)


def claim_table(claims: Sequence[JudgedClaim], caption: str, prefix: str) -> Markup:
    """One row for each claim, tier by tier, those of the drawing first and in its order.

    Args:
        claims: Claims of one study.
        caption: Says what the table holds.
        prefix: Of the ids of the cards that the rows lead to.
    """
    drawn = value_claims(claims)
    rest = [claim for claim in claims if claim not in drawn]
    ordered = sorted((*drawn, *rest), key=lambda claim: list(TIERS).index(claim.tier))
    expects = any(claim.expected for claim in claims)
    return plain_table(
        caption,
        SELF_CHECK_HEADERS if expects else HEADERS,
        [_row(claim, prefix, expects=expects) for claim in ordered],
        num_labels=3 if expects else 2,
        groups=[TIERS[claim.tier] for claim in ordered],
        class_="claims",
    )


def _row(claim: JudgedClaim, prefix: str, *, expects: bool) -> tuple[Content, ...]:
    printed = printed_words(claim)
    source = tag("span", source_words(claim), class_="source") if claim.targets else Markup("")
    return (
        claim_name(claim, prefix),
        verdict_cell(claim),
        *((_expected(claim),) if expects else ()),
        joined(printed, source, between=" "),
        _with_unit(measured_words(claim, claim.unit), claim),
        *(() if expects else (difference_words(claim, claim.unit),)),
        margins_words(claim),
    )


def _expected(claim: JudgedClaim) -> Markup:
    words = str(claim.expected).replace("_", " ")
    state = ("differs", f"\u2717 expected {words}") if claim.differs else ("agrees", "\u2713 as expected")
    return tag("span", state[1], class_=f"state {state[0]}")


def _with_unit(text: str, claim: JudgedClaim) -> str:
    """The numbers of an interval stay together where a cell is narrow."""
    kept = text.replace(", ", ",\u00a0")
    return kept + UNITS[claim.unit] if claim.measured else kept
