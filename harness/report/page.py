"""The page `report.html`: one file that asks nothing of the network and needs no script."""

import json
from importlib import resources

from harness.report.answer import answer
from harness.report.baselines import baseline_gate
from harness.report.coverage import coverage
from harness.report.document import Report, as_json
from harness.report.elements import code, paragraph
from harness.report.instrument import self_checks
from harness.report.markup import Markup, joined, tag
from harness.report.measured import measured_sections
from harness.report.method import history, method
from harness.report.numbers import short
from harness.report.openness import arithmetic, left_open
from harness.report.provenance import provenance
from harness.report.sections import (
    citation,
    claim_cards,
    limits,
    not_run,
    paper_link,
    stopped,
    unusable,
    verdicts,
)
from harness.report.verdictwords import LOCKS
from harness.report.wording import mode_words

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)


def render_page(report: Report) -> str:
    """The whole page; the same report gives the same text."""
    return f"<!doctype html>\n{tag('html', _head(report), _body(report), lang='en').html}\n"


def _head(report: Report) -> Markup:
    ribbon = mode_words(report).ribbon
    return tag(
        "head",
        tag("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_SECURITY_POLICY}">'),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", f"{ribbon} \u00b7 Replication report, {report.paper.id}"),
        tag("style", Markup(_style(ribbon))),
    )


def _style(ribbon: str) -> str:
    """The style sheet, with the ribbon repeated in the margin of every printed page."""
    sheet = resources.files("harness.report").joinpath("report.css").read_text(encoding="utf-8")
    return f'\n{sheet}\n@page {{ @top-center {{ content: "{ribbon}"; }} }}\n'


def _body(report: Report) -> Markup:
    content = _sections(report)
    return tag(
        "body",
        tag("a", "Skip to the report", href="#in-short", class_="skip"),
        _ribbon(report),
        tag(
            "div",
            _masthead(report),
            _contents(content),
            tag("main", joined(*(part for _, _, part in content), between="\n"), id="main"),
            _footer(report),
            class_="sheet",
        ),
        _embedded(report),
    )


def _sections(report: Report) -> tuple[tuple[str, str, Markup], ...]:
    return (
        ("in-short", "In short", answer(report)),
        *([("not-run", "Not run", not_run(report))] if report.not_run else []),
        *([("stopped", "Not trained", stopped(report))] if report.stopped else []),
        *([("unusable", "Left out", unusable(report))] if report.unusable else []),
        ("claims", "Verdicts", verdicts(report)),
        *([("cards", "Claim cards", claim_cards(report))] if report.claims else []),
        *measured_sections(report),
        *([("coverage", "Coverage", coverage(report))] if report.coverage else []),
        *([("baselines", "Baseline gate", baseline_gate(report))] if report.baselines else []),
        *(_judged_sections(report) if report.judged else []),
        ("provenance", "Provenance", provenance(report)),
        ("self-checks", "Self-checks", self_checks(report)),
        ("limits", "Limits", limits(report)),
        ("citation", "How to cite", citation(report)),
    )


def _judged_sections(report: Report) -> list[tuple[str, str, Markup]]:
    return [
        ("left-open", "Left open", left_open(report)),
        ("arithmetic", "Arithmetic", arithmetic(report)),
        ("method", "How it was judged", method(report)),
        ("history", "Ledger", history(report)),
    ]


def _ribbon(report: Report) -> Markup:
    run, lock = report.run, report.lock
    place = f"run {run.ordinal} of {run.runs_under_lock}"
    changes = len(lock.amendments)
    state = LOCKS[lock.status] + (f" {changes}\u00d7" if changes else "")
    words = f"{place} \u00b7 {state} \u00b7 {report.level} (ACM v1.1)"
    return tag(
        "aside",
        tag("strong", mode_words(report).ribbon),
        tag("span", words),
        class_=f"ribbon {report.mode}",
        aria_label="What this run is",
    )


def _masthead(report: Report) -> Markup:
    paper = report.paper
    return tag(
        "header",
        paragraph("Replication report", class_="kicker"),
        tag("h1", paper.title),
        paragraph(paper_link(paper.id), " \u00b7 study ", code(report.run.study), class_="byline"),
    )


def _contents(content: tuple[tuple[str, str, Markup], ...]) -> Markup:
    entries = (tag("li", tag("a", heading, href=f"#{anchor}")) for anchor, heading, _ in content)
    return tag("nav", tag("ol", *entries), aria_label="Contents")


def _footer(report: Report) -> Markup:
    return tag(
        "footer",
        paragraph(
            f"{mode_words(report).ribbon} \u00b7 run ",
            code(short(report.run.id)),
            " \u00b7 the same numbers, in full precision and with their ids, stand in ",
            code("report.json"),
            " beside this page, and inside it.",
        ),
    )


def _embedded(report: Report) -> Markup:
    """The whole report inside the page, as data that no browser runs."""
    text = json.dumps(
        as_json(report), sort_keys=True, ensure_ascii=True, allow_nan=False, separators=(",", ":")
    )
    # "<" would let a text of the report end the element; its escape means the same to whoever reads JSON.
    safe = text.replace("<", "\\u003c")
    return Markup(f'<script type="application/json" id="report-json">{safe}</script>')
