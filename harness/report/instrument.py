"""The self-checks: known numbers of the stages, and a study whose claims check the judge; never a word on the paper."""

from harness.report.answer import differing_claims
from harness.report.cards import cards
from harness.report.claimtable import claim_table, forest_figure
from harness.report.document import KnownNumber, Report, SelfCheckStudy
from harness.report.elements import code, paragraph, plain_table, section
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import count, exact
from harness.report.wording import mode_words

NONE_MADE = "No self-check was made in this run."
KNOWN = "Numbers of single stages that are known beforehand, computed again by this run."
NO_STUDY = "No study that checks the judge was judged in this run."


def self_checks(report: Report) -> Markup:
    """Whether the instrument does what it is known to do."""
    lead = paragraph("These check the instrument, and say nothing about the paper.", class_="lead")
    study = report.self_check_study
    if not report.self_checks and study is None:
        none = paragraph(NONE_MADE, class_="absent")
        return section("self-checks", "Self-checks", lead, none, class_="instrument")
    return section(
        "self-checks",
        "Self-checks",
        lead,
        *([tag("h3", "The judge at work", id="judge"), *_study(report, study)] if study else []),
        tag("h3", "Known numbers of the stages"),
        paragraph(KNOWN),
        _known_numbers(report),
        class_="instrument",
    )


def _study(report: Report, study: SelfCheckStudy) -> tuple[Markup, ...]:
    name, number, differ = study.study, len(study.claims), len(differing_claims(report))
    said = (
        "each has the verdict that was expected of it"
        if not differ
        else f"{count(differ, 'claim')} with another verdict than expected"
    )
    title = f"Self-check study {name}"
    return (
        paragraph(
            "The study ",
            code(name),
            f" judges this run against an independent run of the same miniature world, by the same rules as a paper. "
            f"Some of its claims are meant to fail: of {count(number, 'claim')}, {said}.",
        ),
        forest_figure(
            study.claims, "figure-self-check-forest", f"{title}: value claims", mode_words(report).ribbon
        ),
        claim_table(study.claims, f"{title}: claims, verdicts and what was expected.", "check"),
        cards(report, study.claims, "check"),
    )


def _known_numbers(report: Report) -> Markup:
    if not report.self_checks:
        return paragraph("No known number was computed again.", class_="absent")
    headers = ("State", "What is known", "Why this tolerance", "Expected", "Measured", "Tolerance")
    ordered = sorted(report.self_checks, key=lambda check: not check.differs)
    rows = [_check_row(check) for check in ordered]
    return plain_table("Known numbers, those that differ first.", headers, rows, num_labels=3, class_="known")


def _check_row(check: KnownNumber) -> tuple[Markup | str, ...]:
    state = ("differs", "\u2717 differs") if check.differs else ("agrees", "\u2713 agrees")
    known = joined(tag("span", check.says), code(check.id), between=" ")
    numbers = (exact(check.expected), exact(check.measured), exact(check.tolerance))
    return (tag("span", state[1], class_=f"state {state[0]}"), known, check.because, *numbers)
