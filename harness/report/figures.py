"""The drawings of the report, as SVG that stands inside a page: no script, no request, the same bytes every time."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.document import Measurement
from harness.report.markup import Markup, escaped, printable
from harness.report.numbers import MINUS
from harness.report.panels import Figure as Drawing
from harness.report.panels import Filled, first_series
from harness.report.wording import scope_words

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK, MUTED, FAINT, PAPER = "#1d2433", "#586274", "#d5dae2", "#fefefd"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, told apart by readers with any colour vision."""
BANDS = (
    "#004c78", "#0f6ba3", "#4a94c2", "#8ebbda", "#c6ddec", "#f1f0ec",
    "#f8dcc7", "#f0b48c", "#e2874f", "#c95f1b", "#923f00",
)  # fmt: skip
"""From far below zero, through zero, to far above."""
ROLES = {
    **{
        colour: f"var(--{name})"
        for colour, name in zip((INK, MUTED, FAINT, PAPER), ("ink", "muted", "rule", "paper"), strict=True)
    },
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES)},
    **{colour: f"var(--band-{place})" for place, colour in enumerate(BANDS)},
}
"""Colours as drawn, and the style-sheet variable that takes the place of each, so that dark pages fit."""
MARKERS = "osD^vP"
LINES = ("-", "--", ":", "-.")
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "replication-report",
    "text.parse_math": False,
    "font.size": 10.5,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a drawing says about itself."""

    anchor: str
    title: str
    description: str
    stamp: str
    """Printed inside the drawing, so that it keeps its warning when it is cut out of the page; may be empty."""


def drawn(drawing: Drawing, filled: Filled, frame: Frame) -> Markup | None:
    """The drawing of a panel's measurements, or None where they do not hold what it needs."""
    located = [row for row in filled.rows if row["layer"] is not None and row["value"] is not None]
    if not located:
        return None
    with _house_style():
        if drawing is Drawing.GAP_BY_LAYER:
            figure = _blank(4.1)
            _draw_lines(figure, located)
        else:
            codes = sorted({row["language"] or "" for row in located}, key=filled.languages.place)
            figure = _blank(1.7 + 0.3 * len(codes))
            _draw_heatmap(figure, located, codes, [filled.languages.group(code) for code in codes])
        figure.text(0.995, 0.01, frame.stamp, ha="right", va="bottom", fontsize=8, color=MUTED)
        return _inline(figure, frame)


@contextmanager
def _house_style() -> Iterator[None]:
    """Matplotlib as shipped plus our style, whatever a user has set; text without a glyph is drawn by the browser."""
    import matplotlib as mpl
    from matplotlib import style

    with warnings.catch_warnings(), style.context("default"), mpl.rc_context(STYLE):
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def _blank(height_inches: float) -> "Figure":
    from matplotlib.figure import Figure

    return Figure(figsize=(10, height_inches), facecolor="none", layout="constrained")


def _draw_lines(figure: "Figure", rows: Sequence[Measurement]) -> None:
    """One line per reading and specification, over layers."""
    from matplotlib.ticker import MaxNLocator

    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    for place, key in enumerate(dict.fromkeys((row["reading"], row["specification"]) for row in rows)):
        points = sorted(
            (row["layer"], row["value"]) for row in rows if key == (row["reading"], row["specification"])
        )
        axes.plot(
            *zip(*points, strict=True),
            label=printable(_series_words(*key)),
            color=SERIES[place % len(SERIES)],
            linestyle=LINES[place % len(LINES)],
            marker=MARKERS[place % len(MARKERS)],
            markersize=5,
            linewidth=1.8,
        )
    axes.margins(x=0.02)
    axes.set_xlabel("Layer")
    axes.set_ylabel("Gap, percent")
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=14))
    axes.yaxis.set_major_formatter(_signed)
    figure.legend(loc="outside upper left", ncols=2)


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
    layers = sorted({row["layer"] for row in rows if row["layer"] is not None})
    cells = full((len(languages), len(layers)), nan)
    for row in rows:
        cells[languages.index(row["language"] or ""), layers.index(row["layer"] or 0)] = row["value"]
    step = _band_step(max(abs(row["value"] or 0.0) for row in rows))
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
    bar.ax.yaxis.set_major_formatter(_signed)
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


def _signed(value: float, _position: float) -> str:
    return f"{value:+.6g}".replace("-", MINUS) if value else "0"


def _inline(figure: "Figure", frame: Frame) -> Markup:
    """The figure as an element of a page: ids of its own, colours of the page, a title and a description."""
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    body = written.getvalue().partition("<svg")[2].partition(">")[2]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{frame.anchor}-", body)
    for drawn_colour, role in ROLES.items():
        body = body.replace(drawn_colour, role)
    return Markup(_opening(figure, frame) + re.sub(r"\s*\n\s*", "\n", body).strip())


def _opening(figure: "Figure", frame: Frame) -> str:
    width, height = (round(72 * inches, 3) for inches in figure.get_size_inches())
    title, description = f"{frame.anchor}-title", f"{frame.anchor}-description"
    return (
        f'<svg class="plot" role="img" aria-labelledby="{title} {description}" viewBox="0 0 {width} {height}">'
        f'<title id="{title}">{escaped(frame.title)}</title>'
        f'<desc id="{description}">{escaped(frame.description)}</desc>'
    )
