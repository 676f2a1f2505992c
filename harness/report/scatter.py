"""Gap against accuracy: one point per language and benchmark, named; no line is fitted through so few."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.document import Measurement
from harness.report.drawing import FAINT, MARKERS, SERIES, blank, signed
from harness.report.languages import Languages
from harness.report.markup import printable
from harness.report.numbers import amount

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 2


def pointed(rows: Sequence[Measurement]) -> list[Measurement]:
    """The correlations whose points are known."""
    return [row for row in rows if row.points]


def draw_points(rows: Sequence[Measurement], languages: Languages) -> "Figure":
    """One panel per correlation, all with the same horizontal axis."""
    lines = -(-len(rows) // COLUMNS)
    figure = blank(0.9 + 2.9 * lines)
    grid = figure.subplots(lines, min(COLUMNS, len(rows)), sharex=True, squeeze=False)
    panels = [axes for line in grid for axes in line]
    for axes, row in zip(panels, rows, strict=False):
        _panel(axes, row, languages)
    for axes in panels[len(rows) :]:
        axes.set_visible(False)
    figure.supxlabel("Mean gap over layers, percent", fontsize=10.5)
    figure.supylabel("Accuracy, percent", fontsize=10.5)
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if len(handles) > 1:
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=len(handles))
    return figure


def _panel(axes: "Axes", row: Measurement, languages: Languages) -> None:
    groups = list(dict.fromkeys(languages.group(point.unit) for point in row.points))
    for place, group in enumerate(groups):
        points = [point for point in row.points if languages.group(point.unit) == group]
        axes.scatter(
            [point.x for point in points],
            [point.y for point in points],
            color=SERIES[place % len(SERIES)],
            marker=MARKERS[place % len(MARKERS)],
            s=40,
            label=printable(group) or "languages",
            zorder=3,
        )
    for point in row.points:
        where = (point.x, point.y)
        axes.annotate(printable(point.unit), where, xytext=(6, 4), textcoords="offset points", fontsize=9.5)
    correlation = amount(row.value, row.unit, signed=True)
    name = row.benchmark or "mean of the benchmarks"
    axes.set_title(printable(f"{name}: r = {correlation}"), fontsize=10.5, loc="left")
    axes.margins(0.12)
    axes.xaxis.set_major_formatter(signed)
    axes.grid(color=FAINT, linewidth=0.7)
