"""The measured part of the page: every panel under the heading of its group."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from harness.report.captions import NOT_DRAWN, TITLES, caption, points_table, printed_marks, seeds_table
from harness.report.document import Measurement, Report
from harness.report.drawing import Frame
from harness.report.elements import figure, folded, paragraph, section, table
from harness.report.figures import drawn, drawn_rows
from harness.report.languages import Languages
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import amount
from harness.report.panels import Figure, Filled, filled_panels
from harness.report.remarks import remarks
from harness.report.tabulation import is_shortened, tabulate
from harness.report.wording import stamp_words

NOT_MEASURED = "Not measured in this run."


def measured_sections(report: Report) -> tuple[tuple[str, str, Markup], ...]:
    """Anchor, heading and content of each group of panels; none where nothing could be measured."""
    if report.not_run:
        return ()
    panels = filled_panels(report.measurements, Languages(report.languages))
    groups = groupby(panels, key=lambda filled: filled.panel.group)
    return tuple(
        _group(heading, [_panel(filled, report) for filled in members]) for heading, members in groups
    )


def _group(heading: str, panels: Sequence[Markup]) -> tuple[str, str, Markup]:
    anchor = heading.lower().replace(" ", "-")
    return anchor, heading, section(anchor, heading, *panels)


def _panel(filled: Filled, report: Report) -> Markup:
    panel = filled.panel
    head = joined(
        tag("h3", panel.heading, id=panel.anchor), paragraph(panel.lead, class_="lead"), between="\n"
    )
    absent = [paragraph(words, class_="absent") for words in remarks(report, panel.anchor)]
    if not filled.rows:
        return tag("div", head, *(absent or [paragraph(NOT_MEASURED, class_="absent")]), class_="panel")
    drawings = (part for drawing in panel.figures for part in _figure(filled, drawing, report))
    return tag("div", head, *drawings, *_tables(filled), *absent, class_="panel")


def _tables(filled: Filled) -> tuple[Markup, ...]:
    if not is_shortened(filled):
        return (table(tabulate(filled)),)
    return (
        table(tabulate(filled, short=True)),
        folded(f"{filled.panel.heading}: the table with every {_left_out(filled)}", table(tabulate(filled))),
    )


def _left_out(filled: Filled) -> str:
    readings = {row.reading for row in filled.rows}
    return "reading and layer" if filled.panel.first_series_in_short and len(readings) > 1 else "layer"


def _figure(filled: Filled, drawing: Figure, report: Report) -> Iterator[Markup]:
    """The drawing with its caption and whatever of its numbers no table of the panel holds."""
    marks = printed_marks(report) if drawing is Figure.GAP_BY_LAYER else []
    svg = drawn(drawing, filled, _frame(filled, drawing, report), marks)
    if svg is None:
        yield paragraph(f"{TITLES[drawing]}: {NOT_DRAWN[drawing]}", class_="absent")
        return
    yield figure(svg, TITLES[drawing], caption(filled, drawing, report))
    rows = drawn_rows(drawing, filled)
    if drawing is Figure.GAP_AND_ACCURACY:
        yield folded("Gap against accuracy: every point", table(points_table(rows, filled.languages)))
    elif drawing not in {Figure.GAP_BY_LAYER, Figure.GAP_BY_LANGUAGE}:
        yield folded(f"{TITLES[drawing]}: every seed", table(seeds_table(rows, drawing, filled.languages)))


def _frame(filled: Filled, drawing: Figure, report: Report) -> Frame:
    return Frame(
        anchor=f"figure-{drawing.value}",
        title=TITLES[drawing],
        description=f"{caption(filled, drawing, report)} {_extremes(drawn_rows(drawing, filled))}",
        stamp=stamp_words(report),
    )


def _extremes(rows: Sequence[Measurement]) -> str:
    """The lowest and the highest number drawn, for those who do not see the drawing."""
    finite = sorted((row for row in rows if row.value is not None), key=lambda row: row.value or 0.0)
    return f"Lowest {_placed(finite[0])}; highest {_placed(finite[-1])}." if finite else ""


def _placed(row: Measurement) -> str:
    value = amount(row.value, row.unit, signed=True, with_unit=True)
    return " ".join(filter(None, (value, f"at layer {row.layer}", row.language and f"for {row.language}")))
