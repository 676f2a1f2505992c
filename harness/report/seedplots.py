"""Drawings of training seeds: before and after as slopes, and every seed's own number as a strip."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.report.document import Measurement
from harness.report.drawing import FAINT, INK, MARKERS, MUTED, SERIES, blank, signed
from harness.report.languages import Languages
from harness.report.markup import printable
from harness.report.numbers import unit_words
from harness.words.judgement import SeedValue

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def seeded(rows: Sequence[Measurement]) -> list[Measurement]:
    """The measurements of which single seeds are known."""
    return [row for row in rows if row.seeds]


def both_sided(rows: Sequence[Measurement]) -> list[Measurement]:
    """Those of which both sides are known too."""
    return [row for row in seeded(rows) if all(_has_sides(seed) for seed in row.seeds)]


def draw_slopes(rows: Sequence[Measurement], languages: Languages) -> "Figure":
    """Before and after, one pair of columns per measurement, one thin line per seed, a thick one for their mean."""
    figure = blank(3.8)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        _slope(axes, place, row.seeds, SERIES[place % len(SERIES)])
    ticks = [place + side for place in range(len(rows)) for side in (0.0, 0.55)]
    axes.set_xticks(ticks, ["before", "after"] * len(rows))
    _name_columns(axes, [_scope_label(row, languages) for row in rows], 0.275)
    axes.set_xlim(-0.35, len(rows) - 0.1)
    axes.set_ylabel("Mean activation")
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.spines.bottom.set_visible(False)
    axes.tick_params(axis="x", length=0)
    return figure


def draw_strips(rows: Sequence[Measurement], languages: Languages) -> "Figure":
    """Every seed's own number, one row per measurement, with the mean as a line."""
    figure = blank(1.1 + 0.34 * len(rows))
    axes = figure.subplots()
    axes.axvline(0, color=MUTED, linewidth=0.8)
    for place, row in enumerate(rows):
        colour, marker = SERIES[place % len(SERIES)], MARKERS[place % len(MARKERS)]
        values = [seed.value for seed in row.seeds]
        axes.scatter(values, [place] * len(values), color=colour, marker=marker, s=38, zorder=3)
        mean = row.value
        if mean is not None:
            axes.plot([mean, mean], [place - 0.32, place + 0.32], color=INK, linewidth=1.6, zorder=2)
    axes.set_yticks(range(len(rows)), [_scope_label(row, languages) for row in rows])
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xlabel(f"Change {unit_words(rows[0].unit)}".strip())
    axes.xaxis.set_major_formatter(signed)
    axes.grid(axis="x", color=FAINT, linewidth=0.7)
    axes.spines.left.set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def _slope(axes: "Axes", place: int, seeds: Sequence[SeedValue], colour: str) -> None:
    ends = [(seed.before or 0.0, seed.after or 0.0) for seed in seeds]
    for pair in ends:
        axes.plot([place, place + 0.55], pair, color=colour, linewidth=0.9, alpha=0.75)
    mean = [sum(side) / len(ends) for side in zip(*ends, strict=True)]
    axes.plot([place, place + 0.55], mean, color=colour, linewidth=2.6, marker="o", markersize=5)


def _name_columns(axes: "Axes", names: Sequence[str], shift: float) -> None:
    for place, name in enumerate(names):
        axes.annotate(
            name,
            xy=(place + shift, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            va="bottom",
        )


def _scope_label(row: Measurement, languages: Languages) -> str:
    parts = (row.language and languages.name(row.language), row.benchmark)
    return printable(", ".join(part for part in parts if part) or row.quantity)


def _has_sides(seed: SeedValue) -> bool:
    return seed.before is not None and seed.after is not None
