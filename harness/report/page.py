"""The page `report.html`: one file that asks nothing of the network and needs no script."""

from importlib import resources

from harness.report.document import Report
from harness.report.elements import code, paragraph
from harness.report.markup import Markup, joined, tag
from harness.report.measured import measured_sections
from harness.report.numbers import short
from harness.report.sections import (
    answer,
    citation,
    claims,
    limits,
    not_run,
    paper_link,
    provenance,
    self_checks,
)
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
        tag("title", f"{ribbon} \u00b7 Replication report, {report['paper']['id']}"),
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
    )


def _sections(report: Report) -> tuple[tuple[str, str, Markup], ...]:
    return (
        ("in-short", "In short", answer(report)),
        *([("not-run", "Not run", not_run(report))] if report["not_run"] else []),
        ("claims", "Claims", claims(report)),
        *measured_sections(report),
        ("self-checks", "Self-checks", self_checks(report)),
        ("provenance", "Provenance", provenance(report)),
        ("limits", "Limits", limits(report)),
        ("citation", "How to cite", citation(report)),
    )


def _ribbon(report: Report) -> Markup:
    mode = report["mode"]
    lock = report["lock"]["status"]
    state = "no lock yet" if lock == "absent" else f"lock {lock}"
    words = f"run {report['run']['ordinal']} \u00b7 {state} \u00b7 {report['level']} (ACM v1.1)"
    return tag(
        "div",
        tag("strong", mode_words(report).ribbon),
        tag("span", words),
        class_=f"ribbon {mode}",
        role="note",
    )


def _masthead(report: Report) -> Markup:
    paper = report["paper"]
    return tag(
        "header",
        paragraph("Replication report", class_="kicker"),
        tag("h1", paper["title"]),
        paragraph(paper_link(paper["id"]), " \u00b7 study ", code(report["run"]["study"]), class_="byline"),
    )


def _contents(content: tuple[tuple[str, str, Markup], ...]) -> Markup:
    entries = (tag("li", tag("a", heading, href=f"#{anchor}")) for anchor, heading, _ in content)
    return tag("nav", tag("ol", *entries), aria_label="Contents")


def _footer(report: Report) -> Markup:
    return tag(
        "footer",
        paragraph(
            f"{mode_words(report).ribbon} \u00b7 run ",
            code(short(report["run"]["id"])),
            " \u00b7 the same numbers, in full precision and with their ids, stand in ",
            code("report.json"),
            " beside this page.",
        ),
    )
