"""The drawings of the report, as SVG that stands inside a page: no script, no request, the same bytes every time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.document import Measurement
from harness.report.drawing import (
    BANDS,
    FAINT,
    INK,
    LINES,
    MARKERS,
    MUTED,
    PAPER,
    SERIES,
    STEPS,
    Frame,
    blank,
    house_style,
    inline,
    signed,
    stamp,
)
from harness.report.markup import Markup, printable
from harness.report.panels import Figure as Drawing
from harness.report.panels import Filled, first_series
from harness.report.scatter import draw_points, pointed
from harness.report.seedplots import both_sided, draw_slopes, draw_strips, seeded
from harness.report.wording import scope_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PRIMARY = "primary"
BY_SEED = {
    Drawing.SLOPES: "gain",
    Drawing.GAIN_SEEDS: "gain",
    Drawing.DELTA_SEEDS: "delta",
    Drawing.ENGLISH_SLOPES: "retention-by-adapter",
}
"""Drawings of training seeds, and the quantity that each shows."""
SLOPED = frozenset({Drawing.SLOPES, Drawing.ENGLISH_SLOPES})
"""Those that need both sides of every seed."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A printed number that a drawing over layers shows beside what was measured."""

    layer: int
    value: float
    margin: float


def drawn(drawing: Drawing, filled: Filled, frame: Frame, marks: Sequence[Mark] = ()) -> Markup | None:
    """The drawing of a panel's measurements, or None where they do not hold what it needs."""
    with house_style():
        figure = _figure(drawing, filled, marks)
        if figure is None:
            return None
        stamp(figure, frame)
        return inline(figure, frame)


def drawn_rows(drawing: Drawing, filled: Filled) -> list[Measurement]:
    """The measurements that a drawing shows."""
    if drawing in BY_SEED:
        known = both_sided(filled.rows) if drawing in SLOPED else seeded(filled.rows)
        rows = [row for row in known if row.quantity == BY_SEED[drawing] and row.specification == PRIMARY]
        return sorted(rows, key=lambda row: filled.languages.place(row.language))
    if drawing is Drawing.GAP_AND_ACCURACY:
        return pointed(filled.rows)
    return [row for row in filled.rows if row.layer is not None and row.value is not None]


def _figure(drawing: Drawing, filled: Filled, marks: Sequence[Mark]) -> "Figure | None":
    rows = drawn_rows(drawing, filled)
    if not rows:
        return None
    if drawing in SLOPED:
        return draw_slopes(rows, filled.languages)
    if drawing in BY_SEED:
        return draw_strips(rows, filled.languages)
    if drawing is Drawing.GAP_AND_ACCURACY:
        return draw_points(rows, filled.languages)
    if drawing is Drawing.GAP_BY_LAYER:
        figure = blank(4.1)
        _draw_lines(figure, rows, marks)
        return figure
    codes = sorted({row.language or "" for row in rows}, key=filled.languages.place)
    figure = blank(1.7 + 0.3 * len(codes))
    _draw_heatmap(figure, rows, codes, [filled.languages.group(code) for code in codes])
    return figure


def _draw_lines(figure: "Figure", rows: Sequence[Measurement], marks: Sequence[Mark]) -> None:
    """One line per reading and specification, over layers, with its 90 % ribbon; printed numbers with margins."""
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for place, key in enumerate(dict.fromkeys((row.reading, row.specification) for row in rows)):
        points = sorted((row.layer, row.value) for row in rows if key == (row.reading, row.specification))
        axes.plot(
            *zip(*points, strict=True),
            label=printable(_series_words(*key)),
            color=SERIES[place % len(SERIES)],
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            linewidth=1.8,
        )
        _ribbon(axes, [row for row in rows if key == (row.reading, row.specification)], place)
    _marks(axes, marks)
    axes.margins(x=0.02)
    axes.set_xlabel("Layer")
    axes.set_ylabel("Gap, percent")
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=14))
    axes.yaxis.set_major_formatter(signed)
    figure.legend(loc="outside upper left", ncols=2)


def _ribbon(axes: "Axes", rows: Sequence[Measurement], place: int) -> None:
    """The 90 % intervals of one line, where they are known."""
    limits = sorted((row.layer, row.precision.ci90) for row in rows if row.precision and row.precision.ci90)
    if limits:
        layers, ends = zip(*limits, strict=True)
        lower, upper = zip(*ends, strict=True)
        axes.fill_between(layers, lower, upper, color=SERIES[place % len(SERIES)], alpha=0.16, linewidth=0)


def _marks(axes: "Axes", marks: Sequence[Mark]) -> None:
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
            label="printed, with its margin",
            zorder=5,
        )


def _series_words(reading: str, specification: str) -> str:
    against = f"against {scope_words('reading', reading)}"
    return (
        against if specification == "primary" else f"{against}, {scope_words('specification', specification)}"
    )


def _draw_heatmap(
    figure: "Figure", rows: Sequence[Measurement], languages: Sequence[str], groups: Sequence[str]
) -> None:
    """Languages down, group by group, layers across, of the first reading and specification."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from numpy import full, ma, nan

    rows = first_series(rows)
    layers = sorted({row.layer for row in rows if row.layer is not None})
    cells = full((len(languages), len(layers)), nan)
    for row in rows:
        cells[languages.index(row.language or ""), layers.index(row.layer or 0)] = row.value
    step = _band_step(max(abs(row.value or 0.0) for row in rows))
    edges = [(place - len(BANDS) / 2) * step for place in range(len(BANDS) + 1)]
    axes = figure.subplots()
    mesh = axes.pcolormesh(
        ma.masked_invalid(cells),
        cmap=ListedColormap(BANDS),
        norm=BoundaryNorm(edges, len(BANDS)),
        edgecolors=PAPER,
        linewidth=1.0,
    )
    bar = figure.colorbar(mesh, ax=axes, ticks=[place * step for place in range(-5, 6)], aspect=14, pad=0.015)
    bar.ax.yaxis.set_major_formatter(signed)
    bar.outline.set_visible(False)
    bar.set_label("Gap, percent")
    _name_cells(axes, [printable(language) for language in languages], layers)
    _name_groups(axes, groups)


def _name_cells(axes: "Axes", languages: Sequence[str], layers: Sequence[int]) -> None:
    axes.set_xticks([place + 0.5 for place in range(len(layers))], [str(layer) for layer in layers])
    axes.set_yticks([place + 0.5 for place in range(len(languages))], languages)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("Layer")


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


def _band_step(largest: float) -> float:
    """The roundest width of a band with which the bands reach the largest value."""
    least = largest / (len(BANDS) / 2) or 1.0
    power = 10.0 ** int(f"{least:e}".partition("e")[2])
    return next(power * step for step in STEPS if power * step >= least)
