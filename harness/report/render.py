"""Every page of a report from one context: templates for HTML, Markdown and JUnit, each with its own way to make text safe."""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import groupby

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.designs.design import Design
from harness.designs.presentation import Drawing, Figure, Panel, Remark
from harness.report import figures, numbers, tables, wording
from harness.report.document import JudgedClaim, Measurement, Report
from harness.report.figures import Frame, state_class
from harness.report.numbers import amount, count, printable
from harness.report.tables import Filled, Table
from harness.words.claim import RULES_IN_WORDS, SOURCES_IN_WORDS, Kind, Tier, shown_as
from harness.words.judgement import prospects_say
from harness.words.verdict import Finding, Flag, State

MAX_SUMMARY_BYTES = 64 * 1024
"""What a step summary of CI takes."""
ROOM_FOR_NOTE = 200
"""Bytes kept free for the line that says what was left out."""
PART = "<!-- part -->"
"""Stands before each part of a summary but the first; no text of a report can hold it, since its signs are escaped."""
MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]|#~$])")
"""Signs that mean something to Markdown; none of them stands in what HTML escaping writes for &, < and >."""
BLANK = re.compile(r"\s+", re.ASCII)
"""Blanks that may become one; the narrow space between a number and its unit is none of them."""
XML_SIGNS = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#13;",
    "\n": "&#10;",
    "\t": "&#09;",
}
ARXIV_NUMBER = re.compile(r"\b\d{4}\.\d{4,5}\b")

FOREST_CAPTION = (
    "Distances are in margins: the hollow diamond is the printed number (ours where a word is printed), the shaded band the margin fixed "
    "beforehand (rounding adds a little to it). Thick bars are 90 % intervals, which decide; thin ones 95 %. Beyond "
    "four margins an arrow stands at the edge. A contested claim has a line for every reading. The table below holds the numbers."
)
LINES_OF_AMENDMENT = 12
"""So many lines of what an amendment changed stand on the page."""
NOT_DRAWN = {
    Drawing.LINES: "Figure not drawn: this run holds no finite number by layer for it.",
    Drawing.CURVES: "Figure not drawn: this run holds no finite number for it.",
    Drawing.HEATMAP: "Figure not drawn: this run holds no finite number by layer for it.",
    Drawing.SLOPES: "figure not drawn, since this report holds no numbers of single seeds.",
    Drawing.STRIPS: "figure not drawn, since this report holds no numbers of single seeds.",
    Drawing.POINTS: "figure not drawn, since this report holds no points of single languages.",
    Drawing.TRADE_OFF: "figure not drawn, since this run trained no adapter of another weight.",
    Drawing.DOTS: "figure not drawn, since this run trained no adapter on other layers.",
}


def render_page(report: Report) -> str:
    """The page `report.html`: one file that asks nothing of the network and needs no script."""
    return page("page.html", report=report, groups=list(_groups(report)), contents=[])


def page(template: str, **content: object) -> str:
    """A page from its template, with the style sheet in it."""
    sheet = Markup(_sheet())  # noqa: S704 - ours
    return _environment(_html).get_template(template).render(sheet=sheet, **content)


def render_card(report: Report, claim: JudgedClaim) -> str:
    """One claim's card by itself, for a notebook; its links lead nowhere there, and are left out."""
    card = _environment(_html).get_template("card.html").render(report=report, claim=claim)
    return re.sub(r'<a href="#[^"]*">(.*?)</a>', r"\1", card).replace("<details ", "<details open ", 1)


def render_summary(report: Report) -> str:
    """The short report `summary.md`: where it would grow too large, tables give way first and the head never does."""
    filled = [] if report.not_run else tables.filled_panels(report)
    text = _environment(_markdown).get_template("summary.md").render(report=report, panels=filled)
    head, *blocks = (f"{part.strip()}\n" for part in text.split(PART))
    kept, left_out = [head], 0
    room = MAX_SUMMARY_BYTES - ROOM_FOR_NOTE - len(head.encode())
    for block in blocks:
        needed = len(block.encode()) + 1
        if needed > room:
            left_out += 1
            continue
        kept.append(block)
        room -= needed
    if left_out:
        kept.append(f"_{count(left_out, 'table')} left out here for size; see report.html._\n")
    return "\n".join(kept)


def render_junit(report: Report) -> str:
    """The CI record `junit.xml`: suites of self-checks, of stages that could not be finished, and of claims, one per tier."""
    return _environment(_xml).get_template("junit.xml").render(report=report, suites=_suites(report))


# Text made safe


@cache
def _environment(safe: Callable[[str], str]) -> Environment:
    """Templates whose every output is made safe in one way, unless it is markup already."""

    def finalize(value: object) -> Markup:
        return value if isinstance(value, Markup) else Markup(safe(printable(str(value))))  # noqa: S704 - made safe

    environment = Environment(
        loader=PackageLoader("harness.report"),
        extensions=["jinja2.ext.do"],
        autoescape=True,
        undefined=StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        name: getattr(numbers, name)
        for name in ("amount", "count", "exact", "interval", "probability", "short", "size", "whole")
    } | {"state_class": state_class, "digest": _digest, "suffix": _suffix}
    environment.globals |= {
        "words": wording,
        "tables": tables,
        "plain": markdown_text,
        "rules": RULES_IN_WORDS,
        "sources": SOURCES_IN_WORDS,
        "shown_as": shown_as,
        "prospects_say": prospects_say,
        "forest": _forest,
        "forest_caption": FOREST_CAPTION,
        "curve": _curve,
        "curve_claims": _curve_claims,
        "claims_by_tier": _claims_by_tier,
        "address": _address,
        "remarks": _remarks,
        "estimates_digest": _estimates_digest,
        "lines_of_amendment": LINES_OF_AMENDMENT,
    }
    return environment


def _html(text: str) -> str:
    return str(escape(text))


def _markdown(text: str) -> str:
    # Quotes stay as they are: they mean nothing outside a tag, and their escape would be escaped again.
    return MARKDOWN_SIGNS.sub(r"\\\1", html.escape(BLANK.sub(" ", text).strip(), quote=False))


def _xml(text: str) -> str:
    return "".join(XML_SIGNS.get(sign, sign) for sign in text)


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return _markdown(printable(text))


def _digest(text: str) -> Markup:
    """The head of a digest, with nothing in it that could end a code span."""
    return Markup(re.sub(r"[^\w.-]", "", numbers.short(text)))  # noqa: S704 - letters, digits, points and dashes


def _suffix(unit: str) -> str:
    """What follows a number of a unit."""
    return numbers.unit_form(unit).suffix


def _address(paper_id: str) -> str:
    """Where a paper of arXiv is to be found; nothing for another."""
    number = ARXIV_NUMBER.search(paper_id)
    return f"https://arxiv.org/abs/{number.group()}" if number else ""


def _sheet() -> str:
    return resources.files("harness.report").joinpath("report.css").read_text(encoding="utf-8")


# Panels with their drawings


@dataclass(frozen=True, kw_only=True)
class DrawnFigure:
    """A drawing with its caption, or what stands in its place, and whatever of its numbers no table of the panel holds."""

    title: str
    svg: Markup | None
    caption: str
    folded: str = ""
    """Heading of the folded table."""
    table: Table | None = None


@dataclass(frozen=True, kw_only=True)
class ShownPanel:
    """One panel as the page shows it."""

    panel: Panel
    figures: tuple[DrawnFigure, ...]
    table: Table | None
    """None where nothing was measured."""
    is_shortened: bool
    """Whether the table leaves layers or readings out."""
    whole: Table | None
    """The table with everything, where the other is a shortened one and the panel is not content with that."""
    left_out: str
    """What the shortened one leaves out."""
    remarks: list[str]


def _groups(report: Report) -> Iterator[tuple[str, list[ShownPanel]]]:
    """Heading and panels of each group; none where nothing could be measured."""
    filled = [] if report.not_run else tables.filled_panels(report)
    for heading, members in groupby(filled, key=lambda each: each.panel.group):
        yield heading, [_shown(each, report) for each in members]


def _shown(filled: Filled, report: Report) -> ShownPanel:
    panel, rows = filled.panel, filled.rows
    shortened = bool(rows) and tables.is_shortened(filled)
    several = panel.first_series_in_short and len({row.reading for row in rows}) > 1
    return ShownPanel(
        panel=panel,
        figures=tuple(_figure(filled, figure, report) for figure in panel.figures if rows),
        table=tables.tabulate(filled, short=shortened) if rows else None,
        whole=tables.tabulate(filled) if shortened and not panel.is_in_short_alone else None,
        is_shortened=shortened,
        left_out="reading and layer" if several else "layer",
        remarks=_remarks(panel, report),
    )


def _remarks(panel: Panel, report: Report) -> list[str]:
    """Sentences that belong beside one panel's numbers; none where nothing is amiss."""
    if panel.remark is Remark.NOT_SCORED:
        return wording.unscored_words(report)
    return wording.overlap_words(report) if panel.remark is Remark.OTHER_QUESTIONS else []


def _figure(filled: Filled, figure: Figure, report: Report) -> DrawnFigure:
    rows = figures.drawn_rows(figure, filled)
    marks = _printed_marks(report, figure) if figure.kind is Drawing.LINES else []
    caption = _caption(filled, figure, report, has_marks=bool(marks))
    frame = Frame(
        anchor=f"figure-{figure.anchor}",
        title=figure.title,
        description=f"{caption} {_extremes(rows)}",
        stamp=wording.stamp_words(report),
    )
    svg = figures.drawn(figure, filled, frame, marks)
    if svg is None:
        return DrawnFigure(
            title=figure.title,
            svg=None,
            caption=NOT_DRAWN[Drawing.CURVES if figures.runs_along_an_axis(figure) else figure.kind],
        )
    table = None
    if figure.kind is Drawing.POINTS:
        table = tables.points_table(rows, figure, filled.names)
    elif figure.kind in {Drawing.SLOPES, Drawing.STRIPS}:
        table = tables.seeds_table(rows, figure, filled.names)
    elif figure.kind in {Drawing.TRADE_OFF, Drawing.DOTS} and not figures.runs_along_an_axis(figure):
        table = tables.ablations_table(rows, figure, filled)
    every = "seed" if figure.kind in {Drawing.SLOPES, Drawing.STRIPS} else "point"
    return DrawnFigure(
        title=figure.title, svg=svg, caption=caption, table=table, folded=f"{figure.title}: every {every}"
    )


def _caption(filled: Filled, figure: Figure, report: Report, *, has_marks: bool) -> str:
    """What a drawing shows, and where its numbers stand."""
    if figures.runs_along_an_axis(figure):
        return f"{figure.says} Bars are 90 % intervals. The table below holds the numbers."
    if figure.kind is Drawing.LINES:
        known = any(row.precision and row.precision.ci90 for row in filled.rows)
        ribbon = "; ribbons are 90 % intervals" if known else "; intervals are not in this report"
        whose = "what the paper prints"
        if report.self_check_study:
            whose = "what the self-check study prints, where that is meant to agree"
        marks = f" Diamonds: {whose}, with the margin to either side." if has_marks else ""
        gaps = "broken where a layer was not measured"
        return f"One line per reading, {gaps}{ribbon}.{marks} The table below holds the numbers."
    if figure.kind is Drawing.HEATMAP:
        reading, specification = tables.first_series(filled.rows)[0].series
        return (
            f"Each language at each layer against {filled.names.called('reading', reading)}, "
            f"specification {filled.names.called('specification', specification)}. {figure.says} The tables below hold the numbers."
        )
    # What the judge noted beside claims about correlations, such as the range when one language is left out.
    told = [
        f"{claim.id}: {' '.join(note.rstrip('.') + '.' for note in claim.cases[0].notes)} "
        for claim in _comparable_claims(report)
        if claim.kind is Kind.CORRELATION and claim.cases and claim.cases[0].notes
    ]
    ranges = "".join(told) if figure.kind is Drawing.POINTS else ""
    return f"{figure.says} {ranges}The table below holds the numbers."


def _comparable_claims(report: Report) -> Sequence[JudgedClaim]:
    """The claims that a drawing may be held against: the paper's in a full run, the self-checks' in a run of their world."""
    return report.claims if report.mode in {"full", "audit"} else report.checking_claims


def _printed_marks(report: Report, figure: Figure) -> list[figures.Mark]:
    """The printed numbers beside a line over layers."""
    layers = {
        row.id: row.layer
        for row in report.measurements
        if row.quantity == figure.quantity and row.language is None
    }
    marks = []
    for claim in _comparable_claims(report):
        estimates = claim.readings[0].estimates if claim.readings else ()
        layer = layers.get(estimates[0]) if len(estimates) == 1 else None
        # A self-check that is meant to be wrong is nothing to compare a line with.
        is_planted = claim.expected not in {None, State.PASS}
        if layer is not None and claim.kind is Kind.VALUE and claim.targets and not is_planted:
            target, margin = claim.targets[0], claim.rule.margin or 0.0
            marks.append(figures.Mark(layer=layer, value=target.value, margin=margin + target.half_width))
    return marks


def _extremes(rows: Sequence[Measurement]) -> str:
    """The lowest and the highest number drawn, for those who do not see the drawing."""
    finite = sorted((row for row in rows if row.value is not None), key=lambda row: row.value or 0.0)
    return f"Lowest {_placed(finite[0])}; highest {_placed(finite[-1])}." if finite else ""


def _placed(row: Measurement) -> str:
    value = amount(row.value, row.unit, signed=True, with_unit=True)
    axes = " ".join(f"{axis} {value}" for axis, value in row.axes.items())
    layer = "" if row.layer is None else f"at layer {row.layer}"
    return " ".join(filter(None, (value, axes, layer, row.language and f"for {row.language}")))


# Claims


def _claims_by_tier(claims: Sequence[JudgedClaim]) -> list[tuple[str, list[JudgedClaim]]]:
    """Claims under the heading of their tier, those of the forest plot first and in its order."""
    drawn = figures.value_claims(claims)
    ordered = (*drawn, *(claim for claim in claims if claim not in drawn))
    return [
        (heading, [claim for claim in ordered if claim.tier == tier])
        for tier, heading in wording.TIERS.items()
    ]


def _estimates_digest(report: Report) -> str:
    """Digest of the stored estimates; empty where none is stored."""
    stage = (wording.design_for(report.run.study) or Design).estimates
    return next((row.digest for row in report.run.artifacts if row.stage == stage), "")


def _forest(claims: Sequence[JudgedClaim], anchor: str, title: str, stamp: str) -> Markup | None:
    """The forest plot of a study's value claims; None where none was measured."""
    description = f"{FOREST_CAPTION} {figures.describe_forest(claims)}"
    return figures.forest(claims, Frame(anchor=anchor, title=title, description=description, stamp=stamp))


CURVE_CAPTION = (
    "Every specification that was computed, sorted by its estimate, with its 90 % interval, the band, the printed number as a line and the "
    "primary one as a diamond; below, the levels that they take, and what share of the variance each choice brings about. Grade:"
)


def _curve_claims(report: Report) -> list[JudgedClaim]:
    """The claims whose specifications are drawn: those of the design's kinds that a run can be held against, primary ones first.

    Of self-checks those that are meant to agree, and would not with no effect as well.
    """
    is_any = wording.presentation_of(report.run.study).has_curves_without_numbers
    kinds = {Kind.VALUE, *([Kind.DIRECTION, Kind.ARGMAX, Kind.REGION] if is_any else [])}
    found = [
        claim
        for claim in _comparable_claims(report)
        if claim.kind in kinds and claim.multiverse and _is_drawn(claim)
    ]
    return sorted(found, key=lambda claim: claim.tier is not Tier.PRIMARY)


def _is_drawn(claim: JudgedClaim) -> bool:
    if claim.expected is None:
        return True
    return claim.expected is State.PASS and Flag.NON_DISCRIMINATING not in claim.flags


def _curve(claim: JudgedClaim, stamp: str) -> Markup | None:
    """The specification curve of a claim; None where too few specifications were computed."""
    title = f"{claim.id} under other specifications"
    description = f"{CURVE_CAPTION} {wording.grade_word(claim)}."
    return figures.specification_curve(
        claim, Frame(anchor=f"curve-{claim.id}", title=title, description=description, stamp=stamp)
    )


# The CI record


@dataclass(frozen=True)
class Case:
    """One case of the CI record; its schema knows properties of suites alone, so what belongs to a case stands in its message."""

    class_name: str
    name: str
    element: str = ""
    """"failure", "error" or "skipped"; nothing of a case that is well."""
    type: str = ""
    message: str = ""


def _suites(report: Report) -> dict[str, list[Case]]:
    """Cases by name of their suite."""
    suites: dict[str, list[Case]] = {"self-checks": []}
    for check in report.self_checks:
        measured = numbers.NOT_FINITE if check.measured is None else check.measured
        said = (
            f"measured {measured}, but {check.expected} is known; "
            f"allowed difference {check.tolerance} ({check.because})"
        )
        suites["self-checks"].append(_self_check("self-checks", check.id, said, differs=check.differs))
    if report.self_check_study:
        suites["self-check-claims"] = []
    for claim in report.checking_claims:
        said = f"{claim.state}, but {claim.expected} was expected. {wording.everything(claim)}"
        case = _self_check("self-check-claims", claim.id, said, differs=bool(claim.differs))
        suites["self-check-claims"].append(case)
    for entry in report.not_run:
        case = Case("stages", entry.stage, "skipped", "", f"{entry.reason}: {entry.message}")
        suites.setdefault("stages", []).append(case)
    for adapter in report.stopped:
        said = f"stopped at step {adapter.step}: a {adapter.what} is {adapter.value}"
        # A control is no malfunction: no claim rests on it.
        ending = (
            ("skipped", "", f"control: {said}") if adapter.is_control else ("error", "adapter-failed", said)
        )
        suites.setdefault("adapters", []).append(Case("adapters", adapter.adapter, *ending))
    for claim in report.claims:
        suite = str(claim.kind if claim.kind is Kind.ARITHMETIC else claim.tier)
        suites.setdefault(suite, []).append(_claim_case(claim))
    return suites


def _self_check(class_name: str, name: str, said: str, *, differs: bool) -> Case:
    return (
        Case(class_name, name, "failure", "self-check.differs", said) if differs else Case(class_name, name)
    )


def _claim_case(claim: JudgedClaim) -> Case:
    """DEVIATION fails, ERROR errs, and whatever is neither shown nor refuted is skipped with its word first.

    What cannot occur as a source reports it is no failure of anything that ran, so it is skipped too.
    """
    said = wording.everything(claim)
    match claim.state:
        case State.PASS | Finding.CONSISTENT:
            ending = ("", "", "")
        case State.DEVIATION:
            ending = ("failure", f"deviation.{claim.why}", said)
        case State.ERROR:
            ending = ("error", str(claim.why), said)
        case _:
            ending = ("skipped", "", f"{claim.state}: {said}")
    return Case(f"claims.{claim.kind}", claim.id, *ending)
