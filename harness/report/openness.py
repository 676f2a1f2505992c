"""What the paper leaves open, and what its printed numbers allow by themselves."""

from collections.abc import Iterator

from harness.report.claimwords import arithmetic_claims, claim_name, measured_claims, verdict_cell
from harness.report.document import JudgedClaim, Report
from harness.report.elements import Content, code, folded, paragraph, plain_table, section
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import count
from harness.report.verdictwords import OPENNESS
from harness.words.claim import RULES_IN_WORDS, shown_as

NO_CHOICES = "No open choice is recorded with this report."
NOT_ASSESSED = (
    "Specification curve not drawn: this run computed the primary specification alone, so how far another choice would "
    "move a verdict is not assessed."
)
NO_ARITHMETIC = "No claim about the printed numbers among themselves is recorded."


def left_open(report: Report) -> Markup:
    """Sentences with several readings, sources that differ, and every choice that was made for the reader."""
    lead = paragraph(
        "A reading is what a number means; a choice is how one meaning is computed. Readings are judged one by one and "
        "never averaged. Of the choices, the first alternative is the primary one, fixed beforehand.",
        class_="lead",
    )
    return section(
        "left-open",
        "What the paper leaves open",
        lead,
        *_readings(report),
        *_discrepancies(report),
        _choices(report),
        paragraph(NOT_ASSESSED, class_="absent"),
    )


def _readings(report: Report) -> Iterator[Markup]:
    pairs = [
        (claim, reading)
        for claim in measured_claims(report)
        if len(claim.readings) > 1
        for reading in claim.readings
    ]
    if pairs:
        yield plain_table(
            "Sentences that can be read in several ways.",
            ("Reading", "It means", "Supported by", "Verdict under it"),
            [
                (
                    reading.name,
                    reading.says,
                    ", ".join(reading.supported_by),
                    _said(claim, reading.name),
                )
                for claim, reading in pairs
            ],
            num_labels=4,
            groups=[claim.id for claim, _ in pairs],
        )


def _said(claim: JudgedClaim, reading: str) -> Content:
    cases = [case for case in claim.cases if case.reading == reading]
    return joined(*(verdict_cell(case) for case in cases), between="; ") if cases else verdict_cell(claim)


def _discrepancies(report: Report) -> Iterator[Markup]:
    rows = [
        (
            code(claim.id),
            shown_as(target.printed, target.stands_for),
            target.source,
            target.source_tier,
        )
        for claim in report.claims
        for target in claim.discrepancies
    ]
    if rows:
        caption = "Numbers that weaker sources print otherwise; they decide nothing."
        yield plain_table(caption, ("Claim", "Printed", "Source", "Tier"), rows, num_labels=4)


def _choices(report: Report) -> Markup:
    choices = report.choices
    if not choices:
        return paragraph(NO_CHOICES, class_="absent")
    rows = [
        (
            choice.name,
            choice.alternatives[0] if choice.alternatives else "",
            "; ".join(choice.alternatives[1:]),
            f"{choice.openness}: {OPENNESS[choice.openness]}",
            choice.says,
        )
        for choice in choices
    ]
    headers = ("Choice", "Primary", "Alternatives", "How open", "To be known")
    table = plain_table("Choices that no source settles.", headers, rows, num_labels=5)
    return folded(f"{count(len(choices), 'open choice')}, with what else could be done", table)


def arithmetic(report: Report) -> Markup:
    """The printed numbers among themselves; never part of the headline."""
    lead = paragraph(
        "What the printed numbers say about each other, found without running anything. It is about the page and not "
        "about the replication, so no count above includes it.",
        class_="lead",
    )
    claims = arithmetic_claims(report)
    if not claims:
        return section(
            "arithmetic", "The paper\u2019s own arithmetic", lead, paragraph(NO_ARITHMETIC, class_="absent")
        )
    rows = [
        (
            claim_name(claim, "claim"),
            verdict_cell(claim),
            joined(*(tag("span", f"{what}: {printed}", class_="pair") for what, printed in claim.arithmetic)),
            joined(tag("span", claim.says), tag("span", RULES_IN_WORDS[claim.rule.name], class_="why")),
        )
        for claim in claims
    ]
    headers = ("Claim", "Verdict", "Printed", "Why")
    caption = "Claims about printed numbers alone."
    table = plain_table(caption, headers, rows, num_labels=4, class_="claims")
    return section("arithmetic", "The paper\u2019s own arithmetic", lead, table)
