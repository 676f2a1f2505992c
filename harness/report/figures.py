"""The drawings of the report, as SVG that stands inside a page: no script, no request, the same bytes every time."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from harness.designs.presentation import Drawing, Figure
from harness.report.document import JudgedCase, JudgedClaim, Measurement
from harness.report.drawing import (
    BANDS,
    FAINT,
    INK,
    MUTED,
    PAPER,
    SERIES,
    STATE_COLOURS,
    Frame,
    blank,
    house_style,
    inline,
    signed,
)
from harness.report.numbers import amount, printable, unit_form
from harness.report.tables import Filled, Names, first_series
from harness.report.vocabulary import VERDICTS
from harness.report.wording import margins
from harness.words.claim import Kind, Tier
from harness.words.verdict import Finding, Interval, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import PathPatch

PRIMARY = "primary"
MARKERS = "osD^vP"
LINES = ("-", "--", ":", "-.")
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
POINT_COLUMNS = 2
REACH = 4.0
"""Margins to either side of the printed number that are drawn; what lies beyond is an arrow at the edge."""
LEAST_REACH = 1.0
"""Percent or points to either side of zero that an axis of changes reaches at least, so that nothing small looks large."""
ROW_INCHES = 0.42
ABSENT = "no measurement"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A printed number that a drawing over layers shows beside what was measured."""

    layer: int
    value: float
    margin: float


def drawn(figure: Figure, filled: Filled, frame: Frame, marks: Sequence[Mark] = ()) -> Markup | None:
    """The drawing of a panel's measurements, or None where they do not hold what it needs."""
    rows = drawn_rows(figure, filled)
    if not rows:
        return None
    with house_style():
        if figure.kind is Drawing.LINES:
            canvas = _lines(rows, filled.names, figure, marks)
        else:
            canvas = DRAWERS[figure.kind](rows, filled.names, figure)
        return inline(canvas, frame)


def drawn_rows(figure: Figure, filled: Filled) -> list[Measurement]:
    """The measurements that a drawing shows."""
    if figure.kind is Drawing.POINTS:
        return [row for row in filled.rows if row.points]
    if figure.kind in {Drawing.LINES, Drawing.HEATMAP}:
        return [row for row in filled.rows if row.layer is not None and row.value is not None]
    rows = [
        row
        for row in filled.rows
        if row.seeds and row.quantity == figure.quantity and row.specification == PRIMARY
    ]
    if figure.kind is Drawing.SLOPES:
        rows = [row for row in rows if all(None not in (seed.before, seed.after) for seed in row.seeds)]
    return sorted(rows, key=lambda row: filled.names.place(row.language))


# Over layers


def _lines(rows: Sequence[Measurement], names: Names, shown: Figure, marks: Sequence[Mark]) -> "Canvas":
    """One line per reading and specification, over layers, with its 90 % ribbon; printed numbers with margins."""
    from matplotlib.ticker import MaxNLocator

    figure = blank(4.1)
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for place, series in enumerate(dict.fromkeys(row.series for row in rows)):
        _series(axes, [row for row in rows if row.series == series], names, place)
    if marks:
        axes.errorbar(
            [mark.layer for mark in marks],
            [mark.value for mark in marks],
            yerr=[mark.margin for mark in marks],
            fmt="D",
            color=INK,
            markerfacecolor="none",
            markersize=8,
            capsize=5,
            linewidth=1.4,
            label="printed, with the margin",
            zorder=5,
        )
    axes.margins(x=0.02)
    axes.set_ylim(*_at_least(axes.get_ylim()))
    axes.set_xlabel(shown.across)
    axes.set_ylabel(shown.up)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=14))
    axes.yaxis.set_major_formatter(signed)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _series(axes: "Axes", rows: Sequence[Measurement], names: Names, place: int) -> None:
    """One line with its ribbon: both reach over neighbouring layers alone, so that nothing is drawn where nothing was measured."""
    colour = SERIES[place % len(SERIES)]
    reading, specification = rows[0].series
    words = f"against {names.called('reading', reading)}"
    if specification != PRIMARY:
        words += f", {names.called('specification', specification)}"
    values = {row.layer: row.value for row in rows if row.layer is not None and row.value is not None}
    for number, run in enumerate(_neighbours(sorted(values))):
        axes.plot(
            run,
            [values[layer] for layer in run],
            label=None if number else printable(words),
            color=colour,
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            linewidth=1.8,
        )
    limits = {
        row.layer or 0: row.precision.ci90 for row in rows if row.precision and row.precision.ci90 is not None
    }
    for run in _neighbours(sorted(limits)):
        lower, upper = zip(*(limits[layer] for layer in run), strict=True)
        if len(run) == 1:  # a ribbon has no width there
            axes.vlines(run, lower, upper, color=colour, alpha=0.32, linewidth=5)
        else:
            axes.fill_between(run, lower, upper, color=colour, alpha=0.16, linewidth=0)


def _at_least(ends: tuple[float, float]) -> tuple[float, float]:
    """The ends of an axis, or further ones where they lie close to zero."""
    return min(ends[0], -LEAST_REACH), max(ends[1], LEAST_REACH)


def _neighbours(layers: Sequence[int]) -> Iterator[list[int]]:
    """Layers in runs without a gap."""
    run: list[int] = []
    for layer in layers:
        if run and layer != run[-1] + 1:
            yield run
            run = []
        run.append(layer)
    if run:
        yield run


def _heatmap(rows: Sequence[Measurement], names: Names, shown: Figure) -> "Canvas":
    """Languages down, group by group, layers across, of the first reading and specification."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import BoundaryNorm, ListedColormap

    codes = sorted({row.language or "" for row in rows}, key=names.place)
    rows = first_series(rows)
    layers = sorted({row.layer or 0 for row in rows})
    step = band_step(max(LEAST_REACH, *(abs(row.value or 0.0) for row in rows)))
    norm = BoundaryNorm([(place - len(BANDS) / 2) * step for place in range(len(BANDS) + 1)], len(BANDS))
    figure = blank(1.7 + 0.3 * len(codes))
    axes = figure.subplots()
    cells: dict[int, list[tuple[int, int]]] = {}
    for row in rows:
        place = layers.index(row.layer or 0), codes.index(row.language or "")
        cells.setdefault(int(norm(row.value or 0.0)), []).append(place)
    for band, places in sorted(cells.items()):
        axes.add_patch(_squares(places, BANDS[band]))
    axes.set_xlim(0, len(layers))
    axes.set_ylim(len(codes), 0)
    colours = ScalarMappable(norm, ListedColormap(BANDS))
    bar = figure.colorbar(
        colours, ax=axes, ticks=[place * step for place in range(-5, 6)], aspect=14, pad=0.015
    )
    bar.ax.yaxis.set_major_formatter(signed)
    bar.outline.set_visible(False)
    bar.set_label(shown.up)
    axes.set_xticks([place + 0.5 for place in range(len(layers))], [str(layer) for layer in layers])
    axes.set_yticks([place + 0.5 for place in range(len(codes))], [printable(code) for code in codes])
    axes.spines[:].set_visible(False)
    axes.set_xlabel(shown.across)
    _name_groups(axes, [names.group(code) for code in codes])
    return figure


def _squares(places: Sequence[tuple[int, int]], colour: str) -> "PathPatch":
    """All cells of one colour as one path, which weighs a tenth of what the cells weigh by themselves."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path
    from matplotlib.transforms import Affine2D

    squares = [Path.unit_rectangle().transformed(Affine2D().translate(*place)) for place in places]
    return PathPatch(Path.make_compound_path(*squares), facecolor=colour, edgecolor=PAPER, linewidth=1.0)


def _name_groups(axes: "Axes", groups: Sequence[str]) -> None:
    """Each group's name beside its rows, and a line where one ends and the next begins."""
    places = {group: [place for place, other in enumerate(groups) if other == group] for group in groups}
    if len(places) < 2:  # noqa: PLR2004 - with one group there is nothing to tell apart
        return
    for group, rows in places.items():
        axes.annotate(
            group,
            xy=(0, (rows[0] + rows[-1] + 1) / 2),
            xycoords=("axes fraction", "data"),
            xytext=(-34, 0),
            textcoords="offset points",
            rotation=90,
            ha="center",
            va="center",
            color=MUTED,
        )
        if rows[0]:
            axes.axhline(rows[0], color=INK, linewidth=1.6)


def band_step(largest: float) -> float:
    """The roundest width of a band with which the bands reach the largest value."""
    least = largest / (len(BANDS) / 2) or 1.0
    power = 10.0 ** int(f"{least:e}".partition("e")[2])
    return next(power * step for step in STEPS if power * step >= least)


# Seed by seed


def _slopes(rows: Sequence[Measurement], names: Names, shown: Figure) -> "Canvas":
    """Before and after, one pair of columns per measurement, one thin line per seed, a thick one for their mean."""
    figure = blank(3.8)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        colour, across = SERIES[place % len(SERIES)], [place, place + 0.55]
        ends = [(seed.before or 0.0, seed.after or 0.0) for seed in row.seeds]
        for pair in ends:
            axes.plot(across, pair, color=colour, linewidth=0.9, alpha=0.75)
        mean = [sum(side) / len(ends) for side in zip(*ends, strict=True)]
        axes.plot(across, mean, color=colour, linewidth=2.6, marker="o", markersize=5)
    ticks = [place + side for place in range(len(rows)) for side in (0.0, 0.55)]
    axes.set_xticks(ticks, ["before", "after"] * len(rows))
    for place, row in enumerate(rows):
        axes.annotate(
            _scope_label(row, names),
            xy=(place + 0.275, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
        )
    axes.set_xlim(-0.35, len(rows) - 0.1)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))  # from zero: a change looks as large as it is
    axes.set_ylabel(shown.up)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.spines["bottom"].set_visible(False)
    return figure


def _strips(rows: Sequence[Measurement], names: Names, _shown: Figure) -> "Canvas":
    """Every seed's own number, one row per measurement, with the mean as a line."""
    figure = blank(1.1 + 0.34 * len(rows))
    axes = figure.subplots()
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for place, row in enumerate(rows):
        colour, marker = SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)]
        values = [seed.value for seed in row.seeds]
        axes.scatter(values, [place] * len(values), color=colour, marker=marker, s=38, zorder=3)
        if row.value is not None:
            ends = [place - 0.32, place + 0.32]
            axes.plot([row.value, row.value], ends, color=INK, linewidth=1.6, zorder=2)
    axes.set_yticks(range(len(rows)), [_scope_label(row, names) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(f"Change {unit_form(rows[0].unit).words}".strip())
    axes.set_xlim(*_at_least(axes.get_xlim()))
    axes.xaxis.set_major_formatter(signed)
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.spines["left"].set_visible(False)
    return figure


def _scope_label(row: Measurement, names: Names) -> str:
    parts = (row.language and names.name(row.language), row.benchmark)
    return printable(", ".join(part for part in parts if part) or row.quantity)


# Unit by unit


def _points(rows: Sequence[Measurement], names: Names, shown: Figure) -> "Canvas":
    """One panel per correlation, all with the same horizontal axis; no line is fitted through so few points."""
    lines = -(-len(rows) // POINT_COLUMNS)
    figure = blank(0.9 + 2.9 * lines)
    grid = figure.subplots(lines, min(POINT_COLUMNS, len(rows)), sharex=True, squeeze=False)
    panels = [axes for line in grid for axes in line]
    for axes, row in zip(panels, rows, strict=False):
        _correlation(axes, row, names)
    for axes in panels[len(rows) :]:
        axes.set_visible(False)
    figure.supxlabel(f"{shown.across}, percent", fontsize=10.5)
    figure.supylabel(f"{shown.up}, percent", fontsize=10.5)
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    if len(handles) > 1:
        figure.legend(handles.values(), handles.keys(), loc="outside upper left", ncols=len(handles))
    return figure


def _correlation(axes: "Axes", row: Measurement, names: Names) -> None:
    for place, group in enumerate(dict.fromkeys(names.group(point.unit) for point in row.points)):
        points = [point for point in row.points if names.group(point.unit) == group]
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
        where, offset = (point.x, point.y), (6, 4)
        axes.annotate(printable(point.unit), where, xytext=offset, textcoords="offset points", fontsize=9.5)
    name = row.benchmark or "mean of the benchmarks"
    title = f"{name}: r = {amount(row.value, row.unit, signed=True)}"
    axes.set_title(printable(title), fontsize=10.5, loc="left")
    axes.margins(0.12)
    axes.xaxis.set_major_formatter(signed)
    axes.grid(color=FAINT, linewidth=0.7)


DRAWERS: Mapping[Drawing, Callable[[Sequence[Measurement], Names, Figure], "Canvas"]] = {
    Drawing.HEATMAP: _heatmap,
    Drawing.SLOPES: _slopes,
    Drawing.STRIPS: _strips,
    Drawing.POINTS: _points,
}


# The forest plot: every value claim on one axis, in margins, so that percent and points can be seen together


@dataclass(frozen=True, kw_only=True)
class ForestRow:
    """One line of the forest plot: a claim, or one reading of a claim whose readings contradict each other."""

    label: str
    state: State | Finding
    is_heading: bool = False
    """True of the line that names such a claim, with a line for each reading below it."""
    at: float | None = None
    """The estimate, in margins from the printed number; None where nothing was measured."""
    ci90: Interval | None = None
    ci95: Interval | None = None


def value_claims(claims: Iterable[JudgedClaim]) -> list[JudgedClaim]:
    """The claims that have a row: printed numbers with a margin, primary ones first."""
    rows = [claim for claim in claims if claim.kind is Kind.VALUE and claim.targets and claim.rule.margin]
    return sorted(rows, key=lambda claim: claim.tier is not Tier.PRIMARY)


def forest_rows(claims: Iterable[JudgedClaim]) -> Iterator[ForestRow]:
    """The lines of the plot from top to bottom; of a contested claim every case, since no one of them decides."""
    for claim in value_claims(claims):
        margin = claim.rule.margin or math.nan
        if claim.verdict is not State.CONTESTED:
            printed = claim.targets[0].value
            yield _forest_row(claim.id, claim, printed, margin)
            continue
        yield ForestRow(label=claim.id, state=claim.verdict, is_heading=True)
        margins_of = {reading.name: reading.margin or margin for reading in claim.readings}
        of_several_sources = len({case.reading for case in claim.cases}) < len(claim.cases)
        for case in claim.cases:
            name = f"{case.reading}, {case.source}" if of_several_sources else case.reading
            near = case.closeness.difference if case.closeness else math.nan
            printed = case.measured.estimate - near if case.measured else math.nan
            yield _forest_row(f"as {name}", case, printed, margins_of.get(case.reading, margin))


def _forest_row(label: str, judged: JudgedClaim | JudgedCase, printed: float, margin: float) -> ForestRow:
    measured = judged.measured
    if measured is None or not math.isfinite(printed):
        return ForestRow(label=label, state=judged.verdict)

    def in_margins(ends: Interval | None) -> Interval | None:
        return ends and ((ends[0] - printed) / margin, (ends[1] - printed) / margin)

    return ForestRow(
        label=label,
        state=judged.verdict,
        at=(measured.estimate - printed) / margin,
        ci90=in_margins(measured.ci90),
        ci95=in_margins(measured.ci95),
    )


def forest(claims: Sequence[JudgedClaim], frame: Frame) -> Markup | None:
    """The drawing, or None where no value claim was measured."""
    if not any(claim.measured for claim in value_claims(claims)):
        return None
    rows = list(forest_rows(claims))
    with house_style():
        figure = blank(1.2 + ROW_INCHES * len(rows))
        axes = figure.subplots()
        axes.axvspan(-1, 1, color=FAINT, alpha=0.55, linewidth=0)
        axes.axvline(0, color=MUTED, linewidth=0.9)
        lines = [place for place, row in enumerate(rows) if not row.is_heading]
        axes.scatter(
            [0] * len(lines), lines, marker="D", s=26, facecolors="none", edgecolors=INK, linewidths=1.1, zorder=2
        )  # fmt: skip
        axes.set_xlim(-REACH - 0.25, REACH + 0.25)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        for place in lines:
            _draw_forest_row(axes, place, rows[place])
        _label_forest(axes, rows)
        return inline(figure, frame)


def describe_forest(claims: Sequence[JudgedClaim]) -> str:
    """What the drawing shows, for those who do not see it."""
    said = [
        f"{claim.id}: {margins(claim)} margins, {VERDICTS[claim.verdict].word}"
        for claim in value_claims(claims)
        if claim.measured
    ]
    return "; ".join(said) + "."


def _draw_forest_row(axes: "Axes", place: int, row: ForestRow) -> None:
    if row.at is None:
        axes.text(0.3, place, ABSENT, va="center", color=MUTED, fontsize=9)
        return
    colour = STATE_COLOURS[row.state]
    for interval, width in ((row.ci95, 1.3), (row.ci90, 4.2)):
        if interval:
            ends = [_within_reach(end) for end in interval]
            axes.plot(ends, [place, place], color=colour, linewidth=width, solid_capstyle="butt", zorder=3)
    beyond = (">" if row.at > 0 else "<") if abs(row.at) > REACH else VERDICTS[row.state].marker
    axes.scatter([_within_reach(row.at)], [place], marker=beyond, s=64, color=colour, zorder=4)


def _within_reach(at: float) -> float:
    return min(REACH + 0.1, max(-REACH - 0.1, at))


def _label_forest(axes: "Axes", rows: Sequence[ForestRow]) -> None:
    axes.set_yticks(range(len(rows)), [printable(row.label) for row in rows])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("Distance from the printed number, in margins")
    axes.xaxis.set_major_formatter(signed)
    side = axes.secondary_yaxis("right")
    words = (VERDICTS[row.state] for row in rows)
    side.set_yticks(range(len(rows)), [f"{each.glyph} {each.word}" for each in words])
    side.spines["right"].set_visible(False)
    for label, row in zip(side.get_yticklabels(), rows, strict=True):
        label.set_color(STATE_COLOURS[row.state])
        label.set_fontweight("bold")
