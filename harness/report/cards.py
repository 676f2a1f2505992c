"""Claim cards: everything that decided one claim, folded on a screen and open in print."""

from collections.abc import Iterator, Sequence

from harness.report.claimwords import (
    NONE,
    badge,
    difference_words,
    interval_words,
    margins_words,
    measured_words,
    probability_words,
    target_words,
    verdict_cell,
)
from harness.report.document import JudgedCase, JudgedClaim, PrintedTarget, Report
from harness.report.elements import Content, code, facts, paragraph, plain_table
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import amount, count, exact
from harness.report.verdictwords import FLAGS, INFERENCES, SOURCES, UNITS
from harness.report.wording import repeat_words
from harness.words.claim import RULES_IN_WORDS, Reading, shown_as
from harness.words.verdict import Member, Numbers

ESTIMATES_STAGE = "estimates"
CASE_HEADERS = ("Reading", "Verdict", "Printed", "Measured, 90 %", "Difference", "Margins", "TOST p", "Deviation p", "after Holm")  # fmt: skip
MEMBER_HEADERS = ("Quantity", "Estimate", "Standard error", "Lower limit", "Upper limit")


def cards(report: Report, claims: Sequence[JudgedClaim], prefix: str) -> Markup:
    """One card for each claim, in the study's order.

    Args:
        report: The whole report, for the files behind the numbers and the command that repeats one claim.
        claims: Claims of one study.
        prefix: Of the cards' ids.
    """
    return joined(*(_card(report, claim, prefix) for claim in claims), between="\n")


def _card(report: Report, claim: JudgedClaim, prefix: str) -> Markup:
    title = tag("span", claim.text, class_="title")
    summary = tag("summary", badge(claim.verdict), Markup(" "), title, Markup(" "), code(claim.id))
    return tag(
        "details",
        summary,
        _sentence(claim),
        paragraph(tag("strong", "Why this verdict. "), claim.says),
        *_cases(claim),
        facts(list(_facts(report, claim))),
        *_members(claim),
        id=f"{prefix}-{claim.id}",
        class_="card",
    )


def _sentence(claim: JudgedClaim) -> Markup:
    sentence = claim.sentence
    text = f"\u201c{sentence.quote}\u201d" if sentence.quote else f"In our words: {sentence.sense}"
    source = ", ".join(part for part in (sentence.source, sentence.where) if part)
    cite = source if claim.expected else f"{source} ({SOURCES[sentence.tier]})"
    return tag("blockquote", paragraph(text), tag("footer", cite))


def _cases(claim: JudgedClaim) -> Iterator[Markup]:
    if claim.cases:
        rows = [_case_row(case, case.unit or claim.unit) for case in claim.cases]
        yield plain_table(f"{claim.id}: each target under its reading.", CASE_HEADERS, rows, num_labels=2)
        notes = [note for case in claim.cases for note in (*_own_words(case, claim), *case.notes)]
        if notes:
            yield tag("ul", *(tag("li", note) for note in dict.fromkeys(notes)), class_="notes")


def _own_words(case: JudgedCase, claim: JudgedClaim) -> tuple[str, ...]:
    """What is said of one case, where the claim has several."""
    return (f"{case.reading}: {case.says}",) if len(claim.cases) > 1 else ()


def _case_row(case: JudgedCase, unit: str) -> tuple[Content, ...]:
    measured = case.measured
    tests = (None,) * 3 if measured is None else (measured.p_equiv, measured.p_dev, measured.p_dev_holm)
    return (
        case.reading,
        verdict_cell(case),
        target_words(case, unit),
        measured_words(case, unit),
        difference_words(case, unit),
        margins_words(case),
        *map(probability_words, tests),
    )


def _facts(report: Report, claim: JudgedClaim) -> Iterator[tuple[str, Content]]:
    """Names and values, in the order in which a doubter asks."""
    rule, first = claim.rule, next(iter(claim.cases), None)
    yield from (("Reading", _reading(reading)) for reading in claim.readings)
    yield "Rule", RULES_IN_WORDS[rule.name]
    if first and first.band:
        yield "Band", f"{interval_words(first.band, claim.unit)}"
    if rule.margin is not None:
        yield "Margin", f"{exact(rule.margin)}{UNITS[claim.unit]}: {rule.margin_because}"
    if claim.measured:
        yield from _measured(claim.measured, claim.unit)
    yield "Asks for", f"{_minima(claim)} Its error bar answers for {INFERENCES[rule.inference]}."
    if claim.flags:
        yield "Beside the word", "; ".join(FLAGS[flag] for flag in claim.flags)
    if claim.beside:
        yield "To be known", claim.beside
    if claim.discrepancies:
        yield "Printed elsewhere", "; ".join(map(_discrepancy, claim.discrepancies))
    if origin := ", ".join((*claim.inventory, *claim.conflicts)):
        yield "In the inventory", origin
    if claim.measured:
        yield "Files", _files(report)
    yield "Run it alone", code(_command(report, claim))


def _reading(reading: Reading) -> Markup:
    support = ", ".join(reading.supported_by)
    return joined(
        tag("strong", reading.name),
        f": {reading.says}" + (f" (supported by {support})" if support else ""),
    )


def _measured(measured: Numbers, unit: str) -> Iterator[tuple[str, Content]]:
    rests = [
        count(number, noun)
        for number, noun in ((measured.num_units, "unit"), (measured.num_seeds, "seed"))
        if number
    ]
    method = measured.method
    yield (
        "Rests on",
        ". ".join(part for part in (", ".join(rests), method[:1].upper() + method[1:]) if part) or NONE,
    )
    if measured.se is not None:
        df = "" if measured.df is None else f", {exact(measured.df)} degrees of freedom"
        yield "Standard error", f"{exact(measured.se)}{UNITS[unit]}{df}"
    if measured.ci95:
        yield "95 % interval", interval_words(measured.ci95, unit)
    if measured.pi95:
        yield "One run would land", f"{interval_words(measured.pi95, unit)}, in 95 of 100"


def _minima(claim: JudgedClaim) -> str:
    rule = claim.rule
    asked = [
        count(number, noun) for number, noun in ((rule.min_units, "unit"), (rule.min_seeds, "seed")) if number
    ]
    return f"At least {' and '.join(asked)}." if asked else "No minimum."


def _discrepancy(target: PrintedTarget) -> str:
    return f"{shown_as(target.printed, target.stands_for)} in {target.source} ({SOURCES[target.source_tier]})"


def _files(report: Report) -> Content:
    digests = [artifact.digest for artifact in report.run.artifacts if artifact.stage == ESTIMATES_STAGE]
    if not digests:
        return "declared, not stored"
    return joined("stored estimates ", code(digests[0]))


def _command(report: Report, claim: JudgedClaim) -> str:
    again = repeat_words(report)
    return again if report.mode == "audit" else f"{again} --claim {claim.id}"


def _members(claim: JudgedClaim) -> Iterator[Markup]:
    """What a claim about several quantities rests on."""
    for case in claim.cases:
        if case.members:
            rows = [_member_row(member, case.unit or claim.unit) for member in case.members]
            yield plain_table(f"{claim.id}: its members.", MEMBER_HEADERS, rows, num_labels=1)


def _member_row(member: Member, unit: str) -> tuple[Content, ...]:
    values = (member.estimate, member.se, member.lower, member.upper)
    shown = (
        NONE if value is None else amount(value, unit, signed=value is not member.se) for value in values
    )
    return (code(member.estimate_id), *shown)
