"""Sections of the page: what was not run, verdicts, claim cards, limits, citation."""

import re

from harness.report.answer import is_evident, may_not_conclude, stopped_rows, unfinished, unusable_rows
from harness.report.cards import cards
from harness.report.claimtable import claim_table, forest_figure
from harness.report.claimwords import measured_claims
from harness.report.document import Report
from harness.report.elements import code, folded, paragraph, plain_table, section
from harness.report.markup import Markup, tag
from harness.report.numbers import count, short
from harness.report.wording import claims_words, mode_words, stamp_words

GLOSSARY = {
    "claim": "one atom of a sentence of the paper: a value, a bound, a place, a direction, a correlation",
    "reading": "one thing that a sentence may mean; each is judged by itself",
    "specification": "one way to compute one meaning; the primary one is fixed beforehand",
    "margin": "how far from the printed number still counts as agreement, fixed beforehand with its reason",
    "band": "the printed number, its rounding and the margin to either side",
    "unit": "what varies and is resampled: a latent, a question, a language",
    "latent": "one direction of a sparse autoencoder's dictionary, with its activation",
    "seed": "one training of an adapter; several tell what one training would vary by",
    "Holm": "what keeps many tests together at the error rate of one",
    "non-discriminating": "said of a PASS whose band holds \u201cno effect\u201d: it could hardly have failed",
}
FOREST_TITLE = "Value claims, in margins"
ARXIV_NUMBER = re.compile(r"\b\d{4}\.\d{4,5}\b")


def paper_link(paper_id: str) -> Markup:
    """The paper's id, linked where it is one of arXiv."""
    number = ARXIV_NUMBER.search(paper_id)
    if number is None:
        return tag("span", paper_id)
    return tag("a", paper_id, href=f"https://arxiv.org/abs/{number.group()}", rel="noreferrer")


def not_run(report: Report) -> Markup:
    """The stages that could not be finished, and why."""
    lead = paragraph(
        "What is finished is kept: once the cause is gone, the same command goes on from there.",
        class_="lead",
    )
    table = plain_table(
        "Stages that could not be finished.",
        ("Stage", "Reason", "What it said"),
        unfinished(report),
        num_labels=3,
    )
    return section("not-run", "Not run", lead, table)


def stopped(report: Report) -> Markup:
    """The adapters that could not be trained, and where their numbers stopped being numbers."""
    lead = paragraph(
        "Nothing that needs them was measured, and no mean was taken over the others instead. "
        "No claim rests on a control.",
        class_="lead",
    )
    headers = ("Adapter", "Step", "What is no number", "Value")
    table = plain_table("Adapters that could not be trained.", headers, stopped_rows(report), num_labels=1)
    return section("stopped", "Not trained", lead, table)


def unusable(report: Report) -> Markup:
    """The published models that cannot be used, and why."""
    lead = paragraph("No claim rests on them, and nothing else that was measured needs them.", class_="lead")
    table = plain_table(
        "Published models that cannot be put onto the base model.",
        ("Language", "Model", "Why"),
        unusable_rows(report),
        num_labels=3,
    )
    return section("unusable", "Published models that were left out", lead, table)


def verdicts(report: Report) -> Markup:
    """The forest plot with the main table under it; or plainly that no claim of the paper is judged, and which wait."""
    at_work = [tag("a", "See the judge at work.", href="#judge")] if report.self_check_study else []
    content = [] if is_evident(report) else [paragraph(claims_words(report), " ", *at_work, class_="absent")]
    claims = measured_claims(report)
    if is_evident(report):
        content.append(forest_figure(claims, "figure-forest", FOREST_TITLE, stamp_words(report)))
        content.append(claim_table(claims, "Every claim with its verdict: the main table.", "claim"))
    elif claims:
        table = claim_table(claims, "Claims of the paper, none of which this run judges.", "claim")
        content.append(folded(f"{count(len(claims), 'claim')} of the paper, and what each prints", table))
    return section("claims", "Verdicts", *content)


def claim_cards(report: Report) -> Markup:
    """A card for each claim of the paper."""
    lead = paragraph(
        "One card for each claim: the sentence, how it is read, what decided, and why. Open one to see it all.",
        class_="lead",
    )
    inner = cards(report, report.claims, "claim")
    if not is_evident(report):
        inner = folded(f"{count(len(report.claims), 'card')}: how a full run would be judged", inner)
    return section("cards", "Claim cards", lead, inner)


def limits(report: Report) -> Markup:
    """What the numbers cannot bear."""
    stored = sum(row.num_unit_values for row in report.measurements)
    elsewhere = "; verdicts and figures do" if report.judged else ""
    items = (
        f"You may not conclude {may_not_conclude(report)}",
        (
            f"Tables of measurements print no intervals{elsewhere}. {count(stored, 'unit-level value')} behind them are "
            f"stored, so that intervals can be computed without running a model again."
        ),
        "Where a source leaves a choice open, one specification was fixed; another may give other numbers.",
        "Accuracy is that of the questions asked; no question or phrase of a licensed corpus is printed here.",
    )
    terms = (tag("div", tag("dt", term), tag("dd", meaning)) for term, meaning in GLOSSARY.items())
    words = folded("Words of this page", tag("dl", *terms, class_="facts"))
    return section("limits", "Limits", tag("ul", *(tag("li", text) for text in items)), words)


def citation(report: Report) -> Markup:
    """How to point at the paper and at this run."""
    paper, run = report.paper, report.run
    reference = tag(
        "blockquote",
        f"Replication report on \u201c{paper.title}\u201d ({paper.id}). {mode_words(report).ribbon}. "
        f"Study {run.study}, profile {run.profile}, run ",
        code(short(run.id)),
        ", specification ",
        code(short(report.lock.sha256)),
        ".",
    )
    lead = paragraph(
        "Cite the paper itself, the harness as its ", code("CITATION.cff"), " says, and this run as:"
    )
    return section("citation", "How to cite", lead, reference)
