"""The measured part of the page: every panel under the heading of its group."""

from collections.abc import Sequence
from itertools import groupby

from harness.report.document import Measurement, Report
from harness.report.elements import folded, paragraph, section, table
from harness.report.figures import Frame, drawn
from harness.report.languages import Languages
from harness.report.markup import Markup, joined, tag
from harness.report.numbers import amount
from harness.report.panels import Figure, Filled, filled_panels, first_series
from harness.report.tabulation import is_shortened, tabulate
from harness.report.wording import MODES, scope_words

NOT_MEASURED = "Not measured in this run."
NOT_DRAWN = "Figure not drawn: this run holds no finite number by layer for it."


def measured_sections(report: Report) -> tuple[tuple[str, str, Markup], ...]:
    """Anchor, heading and content of each group of panels; none where nothing could be measured."""
    if report["not_run"]:
        return ()
    panels = filled_panels(report["measurements"], Languages(report["languages"]))
    groups = groupby(panels, key=lambda filled: filled.panel.group)
    mode = report["mode"]
    return tuple(_group(heading, [_panel(filled, mode) for filled in members]) for heading, members in groups)


def _group(heading: str, panels: Sequence[Markup]) -> tuple[str, str, Markup]:
    anchor = heading.lower().replace(" ", "-")
    return anchor, heading, section(anchor, heading, *panels)


def _panel(filled: Filled, mode: str) -> Markup:
    panel = filled.panel
    head = joined(
        tag("h3", panel.heading, id=panel.anchor), paragraph(panel.lead, class_="lead"), between="\n"
    )
    if not filled.rows:
        return tag("div", head, paragraph(NOT_MEASURED, class_="absent"), class_="panel")
    return tag("div", head, *_figure(filled, mode), *_tables(filled), class_="panel")


def _tables(filled: Filled) -> tuple[Markup, ...]:
    if not is_shortened(filled):
        return (table(tabulate(filled)),)
    return (
        table(tabulate(filled, short=True)),
        folded(f"{filled.panel.heading}: the table with every {_left_out(filled)}", table(tabulate(filled))),
    )


def _left_out(filled: Filled) -> str:
    readings = {row["reading"] for row in filled.rows}
    return "reading and layer" if filled.panel.first_series_in_short and len(readings) > 1 else "layer"


def _figure(filled: Filled, mode: str) -> tuple[Markup, ...]:
    drawing = filled.panel.figure
    if drawing is None:
        return ()
    svg = drawn(drawing, filled, _frame(filled, drawing, mode))
    if svg is None:
        return (paragraph(NOT_DRAWN, class_="absent"),)
    scroll = tag("div", svg, class_="scroll", role="region", tabindex="0", aria_label=filled.panel.heading)
    return (tag("figure", scroll, tag("figcaption", _caption(filled, drawing))),)


def _frame(filled: Filled, drawing: Figure, mode: str) -> Frame:
    return Frame(
        anchor=f"figure-{drawing.value}",
        title=filled.panel.heading,
        description=f"{_caption(filled, drawing)} {_extremes(filled.rows)}",
        stamp="" if mode == "full" else MODES[mode].ribbon,
    )


def _caption(filled: Filled, drawing: Figure) -> str:
    if drawing is Figure.GAP_BY_LAYER:
        return "Gap by layer, one line per reading. Its numbers stand in the table below."
    first = first_series(filled.rows)[0]
    return (
        f"Gap of each language at each layer against {scope_words('reading', first['reading'])}, "
        f"specification {scope_words('specification', first['specification'])}. Blue: stronger than the "
        f"reference; orange: weaker. Its numbers stand in the tables below."
    )


def _extremes(rows: Sequence[Measurement]) -> str:
    """The lowest and the highest number drawn, for those who do not see the drawing."""
    finite = sorted((row for row in rows if row["value"] is not None), key=lambda row: row["value"] or 0.0)
    return f"Lowest {_placed(finite[0])}; highest {_placed(finite[-1])}." if finite else ""


def _placed(row: Measurement) -> str:
    value = amount(row["value"], row["unit"], signed=True, with_unit=True)
    return " ".join(
        filter(None, (value, f"at layer {row['layer']}", row["language"] and f"for {row['language']}"))
    )
