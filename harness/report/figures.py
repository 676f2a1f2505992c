"""The drawings of the report, as SVG that stands inside a page: no script, no request, the same bytes every time."""

import io
import math
import re
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

from harness.designs.presentation import Drawing, Figure
from harness.report.document import JudgedClaim, Measurement
from harness.report.numbers import MINUS, amount, printable, unit_form
from harness.report.tables import Filled, Names, coordinate, first_series
from harness.report.wording import VERDICTS, margins
from harness.store.environment import without_strays
from harness.words.claim import Kind, Tier
from harness.words.judgement import Grade, Multiverse, SpecificationVerdict, VariedAxis
from harness.words.specification import PRIMARY, Openness
from harness.words.verdict import CaseVerdict, Finding, Interval, State

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import PathPatch

INK, MUTED, FAINT, PAPER = "#1d2433", "#586274", "#d5dae2", "#fefefd"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")
"""Okabe and Ito's colours, told apart by readers with any colour vision."""
BANDS = (
    "#004c78", "#0f6ba3", "#4a94c2", "#8ebbda", "#c6ddec", "#f1f0ec",
    "#f8dcc7", "#f0b48c", "#e2874f", "#c95f1b", "#923f00",
)  # fmt: skip
"""From far below zero, through zero, to far above."""
STATE_COLOURS: dict[str, str] = {
    State.PASS: "#00694e",
    State.DEVIATION: "#a13c00",
    State.INCONCLUSIVE: "#6a5200",
    State.CONTESTED: "#74408a",
    State.NOT_RUN: "#5a6475",
    State.NOT_TESTABLE: "#5a6476",
    State.ERROR: "#b0124a",
}
ID_ASKED_FOR = re.compile(r"(?<=#)[^)\s]+")
NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")
AROUND_A_STEP = re.compile(r"\s*([MLQCz])\s*")
KNOWN_TO_THE_SHEET = (
    f"fill:{INK}",
    "font-family:",
    "font-size:10.5px",
    "text-anchor:start",
    "stroke-dashoffset:0",
    "stroke-linecap:",
    "stroke-linejoin:",
)
"""Styles of a drawing that the page's style sheet gives it anyway, or that say nothing."""
STAMP_INCHES = 0.24
"""Height of the strip below a drawing that holds its warning and nothing else."""


def state_class(state: str) -> str:
    """The name of a state in the style sheet, such as "not-run"."""
    return state.lower().replace("_", "-")


ROLES = {
    **{
        colour: f"var(--{name})"
        for colour, name in zip((INK, MUTED, FAINT, PAPER), ("ink", "muted", "rule", "paper"), strict=True)
    },
    **{colour: f"var(--series-{place})" for place, colour in enumerate(SERIES)},
    **{colour: f"var(--band-{place})" for place, colour in enumerate(BANDS)},
    **{colour: f"var(--{state_class(state)})" for state, colour in STATE_COLOURS.items()},
}
"""Colours as drawn, and the style-sheet variable that takes the place of each, so that dark pages fit."""
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
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
}


@dataclass(frozen=True, kw_only=True)
class Frame:
    """What a drawing says about itself."""

    anchor: str
    title: str
    description: str
    stamp: str
    """Printed inside the drawing, so that it keeps its warning when it is cut out of the page; may be empty."""


@cache
def _load_as_shipped() -> None:
    """Matplotlib reads a user's settings when it is first imported, and stumbles over broken ones: it gets empty ones."""
    with TemporaryDirectory() as folder, without_strays(), chdir(folder):
        Path("matplotlibrc").touch()
        import matplotlib.style  # noqa: F401  its styles belong to what is read


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib as shipped plus our style, whatever a user has set; text without a glyph is drawn by the browser."""
    _load_as_shipped()
    import matplotlib as mpl
    from matplotlib import style

    with warnings.catch_warnings(), style.context("default"), mpl.rc_context(STYLE):
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def blank(height_inches: float) -> "Canvas":
    """A figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(10, height_inches), facecolor="none", layout="constrained")


LONGEST_OF_THREE = 36
"""Letters of a line's name of which three stand side by side above a figure."""


def signed(value: float, _position: float) -> str:
    """A tick of an axis that shows differences."""
    return f"{value:+.6g}".replace("-", MINUS) if value else "0"


def inline(figure: "Canvas", frame: Frame) -> Markup:
    """The figure as an element of a page: stamped, lean, with ids of its own, colours of the page, a title and a description."""
    if frame.stamp:
        _stamp(figure, frame.stamp)
    _lay_out(figure)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    root = ET.fromstring(written.getvalue())  # noqa: S314 - matplotlib's own
    asked_for = {
        name for each in root.iter() for value in each.attrib.values() for name in ID_ASKED_FOR.findall(value)
    }
    parts = [part for each in root for part in _lean(each, asked_for, frame.anchor)]
    body = "".join(ET.tostring(part, encoding="unicode") for part in _merged(parts))
    for drawn_colour, role in ROLES.items():
        body = body.replace(drawn_colour, role)
    width, height = (_short(72 * inches) for inches in figure.get_size_inches())
    title, description = f"{frame.anchor}-title", f"{frame.anchor}-description"
    opening = (
        f'<svg class="plot" role="img" aria-labelledby="{title} {description}" viewBox="0 0 {width} {height}">'
        f'<title id="{title}">{escape(printable(frame.title))}</title>'
        f'<desc id="{description}">{escape(printable(frame.description))}</desc>'
    )
    return Markup(f"{opening}{body}</svg>")  # noqa: S704 - what writes XML escapes every text


def _lay_out(figure: "Canvas") -> None:
    """Place everything once, at the size of SVG: saving would draw all of it for the sake of the layout, and then again."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    FigureCanvasSVG(figure)
    figure.set_dpi(FigureCanvasSVG.fixed_dpi)
    if engine := figure.get_layout_engine():
        engine.execute(figure)
    figure.set_layout_engine(None)


def _lean(drawn: Element, asked_for: AbstractSet[str], anchor: str) -> list[Element]:
    """What shows of an element that matplotlib wrote: two thirds of its bytes and half of its elements say nothing on a page.

    Groups that only name their parts go, and so do ids that nothing asks for, empty paths, and styles that the page's sheet has;
    numbers are kept to a tenth of a point, which no screen shows.
    """
    tag = drawn.tag.rpartition("}")[2]
    if tag in {"metadata", "style"}:
        return []
    parts = _merged([part for each in drawn for part in _lean(each, asked_for, anchor)])
    attributes = {
        name.rpartition("}")[2]: _attribute(name, value, anchor)
        for name, value in drawn.attrib.items()
        if name != "id" or value in asked_for
    }
    attributes = {name: value for name, value in attributes.items() if value}
    is_empty_path = tag == "path" and "id" not in attributes and attributes.get("style") == "fill:none"
    if is_empty_path or (tag in {"g", "defs"} and not parts):
        return []
    if tag == "g" and not attributes:
        return parts
    lean = Element(tag, attributes)
    lean.text = drawn.text if tag == "text" else None
    lean.extend(parts)
    return [lean]


def _attribute(name: str, value: str, anchor: str) -> str:
    """The value of an attribute: ids behind the drawing's anchor, no number longer than it shows; empty where it says nothing."""
    if name == "id":
        return f"{anchor}-{value}"
    if "#" in value and name != "style":
        return value.replace("#", f"#{anchor}-")
    if name == "style":
        parts = (part.strip().replace(": ", ":") for part in value.split(";"))
        return ";".join(part for part in parts if not part.startswith(KNOWN_TO_THE_SHEET))
    short = NUMBER.sub(lambda number: _short(float(number.group())), value)
    if name == "transform" and short.startswith("rotate(0 "):
        return ""
    return AROUND_A_STEP.sub(r"\1", short) if name == "d" else short


def _short(number: float) -> str:
    """A length in points, to a tenth."""
    return f"{number:z.1f}".removesuffix(".0")


def _merged(parts: Sequence[Element]) -> list[Element]:
    """Neighbouring paths of one style as one path; where colours shine through each other, each stays by itself."""
    kept: list[Element] = []
    for part in parts:
        before = kept[-1] if kept else part
        sides = [{**each.attrib, "d": ""} for each in (before, part)]
        is_alike = before is not part and before.tag == part.tag == "path" and sides[0] == sides[1]
        if is_alike and "id" not in part.attrib and "opacity" not in part.get("style", ""):
            before.set("d", before.get("d", "") + part.get("d", ""))
        else:
            kept.append(part)
    return kept


def _stamp(figure: "Canvas", words: str) -> None:
    """The warning of the run in a strip of its own below the drawing, so that it covers nothing."""
    width, height = figure.get_size_inches()
    whole = height + STAMP_INCHES
    figure.set_size_inches(width, whole)
    figure.set_layout_engine("constrained", rect=(0, STAMP_INCHES / whole, 1, height / whole))
    figure.text(0.995, 0.04 / whole, words, ha="right", va="bottom", fontsize=8, color=MUTED)


# Which drawing, of which measurements


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
    if runs_along_an_axis(figure):
        return [row for row in filled.rows if row.value is not None and _is_on_a_curve(row, figure)]
    if figure.kind in {Drawing.TRADE_OFF, Drawing.DOTS}:
        return _ablated_rows(figure, filled)
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


def runs_along_an_axis(figure: Figure) -> bool:
    """Whether a drawing shows every number of a quantity, as curves do, and dots along anything but layers."""
    return figure.kind is Drawing.CURVES or (figure.kind is Drawing.DOTS and figure.along != "layer")


def _is_on_a_curve(row: Measurement, figure: Figure) -> bool:
    """Whether a number of the primary specification stands along what curves run along, with the values that the figure asks for."""
    return (
        row.quantity == figure.quantity
        and row.specification == PRIMARY
        and coordinate(row, figure.along) is not None
        and all(coordinate(row, axis) == value for axis, value in figure.only)
    )


def _ablated_rows(figure: Figure, filled: Filled) -> list[Measurement]:
    """Numbers of the primary specification, and of those that differ from it along the figure's axis alone."""
    rows = [
        row
        for row in filled.rows
        if row.quantity in {figure.quantity, figure.against}
        and row.value is not None
        and (row.specification == PRIMARY or row.specification.startswith(f"{figure.axis}="))
    ]
    if figure.against:
        # Gains are read at more layers than retention is.
        layers = {row.layer for row in rows if row.quantity == figure.against}
        rows = [row for row in rows if row.layer in layers]
    # The primary specification by itself is no ablation.
    return rows if any(row.specification != PRIMARY for row in rows) else []


# Over layers

NUMBERED = 14
"""So many layers are numbered one by one along an axis that is true to their depth; of more, some round ones."""


COLUMNS = 32
"""So many columns of a heat map have the room for a number each; of more, every second one has its own."""


def _lines(rows: Sequence[Measurement], names: Names, shown: Figure, marks: Sequence[Mark]) -> "Canvas":
    """One line per reading and specification, over layers, with its 90 % ribbon; printed numbers with margins."""
    from matplotlib.ticker import FixedLocator, MaxNLocator

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
    layers = {row.layer for row in rows if row.layer is not None} | {mark.layer for mark in marks}
    axes.xaxis.set_major_locator(
        FixedLocator(sorted(layers)) if len(layers) <= NUMBERED else MaxNLocator(integer=True, nbins=NUMBERED)
    )
    axes.yaxis.set_major_formatter(signed)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


def _curves(rows: Sequence[Measurement], names: Names, shown: Figure) -> "Canvas":
    """One line, or where order means nothing one mark, for whatever else a number is of, with 90 % intervals."""
    values = list(dict.fromkeys(coordinate(row, shown.along) for row in rows))
    if shown.along == "layer":
        values.sort(key=lambda layer: int(layer or 0))
    places = {value: place for place, value in enumerate(values)}
    told = [axis for axis in _axes_that_differ(rows, names) if axis != shown.along]
    lines: dict[tuple[str, ...], list[Measurement]] = {}
    for row in rows:
        says = tuple(_coordinate_says(row, axis, names) for axis in told)
        lines.setdefault(says or (names.called("quantity", row.quantity),), []).append(row)
    labels = [", ".join(says) for says in lines]
    looks = strokes(list(lines))
    num_strokes = len({stroke for stroke, _ in looks})
    room = 3 if max(map(len, labels)) <= LONGEST_OF_THREE else 2
    columns = num_strokes if 1 < num_strokes <= room else room
    figure = blank(4.1 + 0.18 * (len(lines) // columns))
    axes = figure.subplots()
    for place, (label, unsorted) in enumerate(zip(labels, lines.values(), strict=True)):
        # Beside each other, so that no interval hides another.
        offset = 0.3 * ((place + 0.5) / len(lines) - 0.5)
        own = sorted(unsorted, key=lambda row: places[coordinate(row, shown.along)])
        across = [places[coordinate(row, shown.along)] + offset for row in own]
        ends = [
            row.precision.ci90 if row.precision and row.precision.ci90 else (row.value, row.value)
            for row in own
        ]
        stroke, hue = looks[place]
        axes.plot(
            across,
            [row.value or 0.0 for row in own],
            label=printable(label),
            color=SERIES[hue],
            linestyle=LINES[stroke % len(LINES)] if shown.kind is Drawing.CURVES else "none",
            # Another mark for another stroke of the same colour.
            marker=MARKERS[(hue + stroke) % len(MARKERS)],
            markersize=5,
            linewidth=1.6,
        )
        axes.vlines(across, *zip(*ends, strict=True), color=SERIES[hue], alpha=0.32, linewidth=4)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xticks(list(places.values()), [printable(str(value)) for value in places])
    axes.set_xlabel(shown.across)
    axes.set_ylabel(shown.up)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    if shown.quantity in names.presentation.signed:
        axes.yaxis.set_major_formatter(signed)
    figure.legend(loc="outside upper left", ncols=columns)
    return figure


def strokes(lines: Sequence[tuple[str, ...]]) -> list[tuple[int, int]]:
    """Stroke and colour of each line, by what it is of: the first thing is the stroke and the rest the colour, if both suffice."""
    first, rest = (
        list(dict.fromkeys(of)) for of in zip(*((says[0], says[1:]) for says in lines), strict=True)
    )
    if len(rest) > 1 and len(first) <= len(LINES) and len(rest) <= len(SERIES):
        return [(first.index(says[0]), rest.index(says[1:])) for says in lines]
    return [divmod(place, len(SERIES)) for place in range(len(lines))]


def _axes_that_differ(rows: Sequence[Measurement], names: Names) -> list[str]:
    """Axes of the design, layers, languages and readings in which some rows differ."""
    known = (*names.axes(rows), "layer", "language", "reading")
    return [axis for axis in known if len({coordinate(row, axis) for row in rows}) > 1]


def _coordinate_says(row: Measurement, axis: str, names: Names) -> str:
    value = coordinate(row, axis)
    if axis == "language" and value:
        return f"text in {names.name(str(value))}"
    return f"layer {value}" if axis == "layer" else names.called(axis, value)


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
    numbered = range(0, len(layers), math.ceil(len(layers) / COLUMNS))
    axes.set_xticks([place + 0.5 for place in numbered], [str(layers[place]) for place in numbered])
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


SIGNS_PER_ROW = 4
"""So much of a group's name stands upright beside one language."""


def _name_groups(axes: "Axes", groups: Sequence[str]) -> None:
    """Each group's name beside its rows, upright where all have the room for it, and a line where one ends and the next begins."""
    places = {group: [place for place, other in enumerate(groups) if other == group] for group in groups}
    if len(places) < 2:  # noqa: PLR2004 - with one group there is nothing to tell apart
        return
    upright = all(len(group) <= SIGNS_PER_ROW * len(rows) for group, rows in places.items())
    for group, rows in places.items():
        axes.annotate(
            group,
            xy=(0, (rows[0] + rows[-1] + 1) / 2),
            xycoords=("axes fraction", "data"),
            xytext=(-34 if upright else -26, 0),
            textcoords="offset points",
            rotation=90 if upright else 0,
            ha="center" if upright else "right",
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


# Adapters that were trained otherwise


def _trade_off(rows: Sequence[Measurement], names: Names, shown: Figure) -> "Canvas":
    """One curve a language: a point for each specification, joined in the order in which they are stored."""
    figure = blank(4.1)
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    gains = {(row.language, row.specification): row for row in rows if row.quantity == shown.quantity}
    kept = {(row.language, row.specification): row for row in rows if row.quantity == shown.against}
    for place, language in enumerate(dict.fromkeys(row.language for row in rows)):
        both = [(kept[key], gains[key]) for key in kept if key in gains and key[0] == language]
        colour = SERIES[place % len(SERIES)]
        for across, up in both:
            _crossed(axes, across, up, colour)
            words = printable(names.called("specification", up.specification))
            axes.annotate(
                words,
                (across.value or 0.0, up.value or 0.0),
                xytext=(7, 6),
                textcoords="offset points",
                fontsize=9.5,
            )
        axes.plot(
            [across.value or 0.0 for across, _ in both],
            [up.value or 0.0 for _, up in both],
            color=colour,
            marker=MARKERS[place % len(MARKERS)],
            label=printable(names.name(language or "")),
            linewidth=1.2,
        )
    axes.margins(0.15)
    axes.set_xlabel(shown.across)
    axes.set_ylabel(shown.up)
    axes.yaxis.set_major_formatter(signed)
    axes.grid(color=FAINT, linewidth=0.7)
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def _crossed(axes: "Axes", across: Measurement, up: Measurement, colour: str) -> None:
    """The 90 % interval of a point in either direction, where it is known."""
    at = (across.value or 0.0, up.value or 0.0)
    if across.precision and across.precision.ci90:
        axes.hlines(at[1], *across.precision.ci90, color=colour, alpha=0.32, linewidth=3)
    if up.precision and up.precision.ci90:
        axes.vlines(at[0], *up.precision.ci90, color=colour, alpha=0.32, linewidth=3)


def _dots(rows: Sequence[Measurement], names: Names, shown: Figure) -> "Canvas":
    """One mark per language and specification at each layer that it is read at, side by side, with its 90 % interval."""
    if runs_along_an_axis(shown):
        return _curves(rows, names, shown)
    figure = blank(3.6)
    axes = figure.subplots()
    axes.axhline(0, color=MUTED, linewidth=0.8)
    layers = sorted({row.layer for row in rows if row.layer is not None})
    series = list(dict.fromkeys((row.language, row.specification) for row in rows))
    for place, (language, specification) in enumerate(series):
        colour, aside = SERIES[place % len(SERIES)], 0.6 * ((place + 0.5) / len(series) - 0.5)
        own = [row for row in rows if (row.language, row.specification) == (language, specification)]
        words = f"{names.name(language or '')}, {names.called('specification', specification)}"
        axes.plot(
            [layers.index(row.layer or 0) + aside for row in own],
            [row.value or 0.0 for row in own],
            color=colour,
            marker=MARKERS[place % len(MARKERS)],
            linestyle="none",
            label=printable(words),
        )
        for row in own:
            if row.precision and row.precision.ci90:
                axes.vlines(
                    layers.index(row.layer or 0) + aside,
                    *row.precision.ci90,
                    color=colour,
                    alpha=0.32,
                    linewidth=4,
                )
    axes.set_xticks(range(len(layers)), [str(layer) for layer in layers])
    axes.set_xlim(-0.5, len(layers) - 0.5)
    axes.set_ylim(*_at_least(axes.get_ylim()))
    axes.set_xlabel(shown.across)
    axes.set_ylabel(shown.up)
    axes.yaxis.set_major_formatter(signed)
    axes.grid(axis="y", color=FAINT, linewidth=0.7)
    figure.legend(loc="outside upper left", ncols=2)
    return figure


DRAWERS: Mapping[Drawing, Callable[[Sequence[Measurement], Names, Figure], "Canvas"]] = {
    Drawing.CURVES: _curves,
    Drawing.HEATMAP: _heatmap,
    Drawing.SLOPES: _slopes,
    Drawing.STRIPS: _strips,
    Drawing.POINTS: _points,
    Drawing.TRADE_OFF: _trade_off,
    Drawing.DOTS: _dots,
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
        if claim.state is not State.CONTESTED:
            printed = claim.targets[0].value
            yield _forest_row(claim.id, claim, printed, margin)
            continue
        yield ForestRow(label=claim.id, state=claim.state, is_heading=True)
        margins_of = {reading.name: reading.margin or margin for reading in claim.readings}
        of_several_sources = len({case.reading for case in claim.cases}) < len(claim.cases)
        for case in claim.cases:
            name = f"{case.reading}, {case.source}" if of_several_sources else case.reading
            near = case.closeness.difference if case.closeness else math.nan
            printed = case.numbers.estimate - near if case.numbers else math.nan
            yield _forest_row(f"as {name}", case, printed, margins_of.get(case.reading, margin))


def _forest_row(label: str, judged: JudgedClaim | CaseVerdict, printed: float, margin: float) -> ForestRow:
    measured = judged.numbers
    if measured is None or not math.isfinite(printed):
        return ForestRow(label=label, state=judged.state)

    def in_margins(ends: Interval | None) -> Interval | None:
        return ends and ((ends[0] - printed) / margin, (ends[1] - printed) / margin)

    return ForestRow(
        label=label,
        state=judged.state,
        at=(measured.estimate - printed) / margin,
        ci90=in_margins(measured.ci90),
        ci95=in_margins(measured.ci95),
    )


def forest(claims: Sequence[JudgedClaim], frame: Frame) -> Markup | None:
    """The drawing, or None where no value claim was measured."""
    if not any(claim.numbers for claim in value_claims(claims)):
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
        f"{claim.id}: {margins(claim)} margins, {VERDICTS[claim.state].word}"
        for claim in value_claims(claims)
        if claim.numbers
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


# The specification curve: one claim under every specification, sorted, with the choices that lead there


RIBBON_FROM = 200
"""Specifications above which a ribbon stands for single intervals, and densities for single choices."""
RIBBON_POINTS = 48
"""Places of a ribbon, and at most so many columns of densities."""
DENSITY_COLUMNS = 27
SHADES = (BANDS[4], BANDS[3], BANDS[2], BANDS[1])
"""Colours of a density, the lowest first."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Curve:
    """The specifications of one claim in the order of a drawing: sorted by estimate, then the holes."""

    axes: tuple[VariedAxis, ...]
    shown: tuple[SpecificationVerdict, ...]
    """Those that were computed."""
    holes: tuple[SpecificationVerdict, ...]

    @property
    def width(self) -> int:
        """Columns, holes included."""
        return len(self.shown) + len(self.holes)

    @property
    def is_ribbon(self) -> bool:
        """Whether there are too many to be told apart."""
        return self.width > RIBBON_FROM

    def takes(self, axis: VariedAxis, level: str) -> list[bool]:
        """By column: whether the specification takes a level of an axis."""
        return [level_of(each.specification, axis) == level for each in (*self.shown, *self.holes)]


def level_of(specification: str, axis: VariedAxis) -> str:
    """The level of an axis that a specification takes: the primary one unless its name says otherwise."""
    parts = dict(part.partition("=")[::2] for part in specification.split("+"))
    return parts.get(axis.name, axis.levels[0])


def curve_of(found: Multiverse) -> Curve:
    """The specifications that are the same quantity, in the order of a drawing; other quantities stand in the table alone."""
    others = [axis for axis in found.axes if axis.openness is Openness.NOT_EQUIVALENT]
    same = [
        each
        for each in found.specifications
        if all(level_of(each.specification, axis) == axis.levels[0] for axis in others)
    ]
    return Curve(
        axes=tuple(axis for axis in found.axes if axis not in others),
        shown=tuple(
            sorted(
                (each for each in same if each.estimate is not None), key=lambda each: each.estimate or 0.0
            )
        ),
        holes=tuple(each for each in same if each.estimate is None),
    )


def specification_curve(claim: JudgedClaim, frame: Frame) -> Markup | None:
    """The drawing of one claim's specifications; None where too few were computed to be graded."""
    if claim.multiverse is None or claim.multiverse.grade is Grade.NOT_ASSESSED:
        return None
    curve = curve_of(claim.multiverse)
    rows = [(axis, level) for axis in curve.axes for level in axis.levels]
    with house_style():
        figure = blank(3.1 + 0.2 * len(rows))
        ratios = {"height_ratios": (2.6, 0.2 * len(rows)), "width_ratios": (9, 1)}
        (above, corner), (below, beside) = figure.subplots(2, 2, gridspec_kw=ratios)
        corner.set_visible(False)
        _draw_estimates(above, curve, claim)
        _draw_choices(below, curve, rows)
        _draw_shares(beside, claim.multiverse, rows)
        return inline(figure, frame)


def _draw_estimates(axes: "Axes", curve: Curve, claim: JudgedClaim) -> None:
    """The sorted estimates with their intervals, and what they are held against."""
    if claim.cases and claim.cases[0].band:
        axes.axhspan(*claim.cases[0].band, color=FAINT, alpha=0.55, linewidth=0)
    if claim.targets:
        axes.axhline(claim.targets[0].value, color=INK, linewidth=1.1)
    null = 0.0 if claim.rule.sign else claim.rule.null
    if null is not None:
        axes.axhline(null, color=MUTED, linewidth=0.9, linestyle="--")
    values = [each.estimate or 0.0 for each in curve.shown]
    ends = [each.ci90 or (value, value) for each, value in zip(curve.shown, values, strict=True)]
    if curve.is_ribbon:
        places = sorted(
            {round(step * (len(values) - 1) / RIBBON_POINTS) for step in range(RIBBON_POINTS + 1)}
        )
        lower, upper = zip(*(ends[place] for place in places), strict=True)
        axes.fill_between(places, lower, upper, color=SERIES[0], alpha=0.2, linewidth=0)
        axes.plot(places, [values[place] for place in places], color=SERIES[0], linewidth=1.6)
    else:
        axes.vlines(range(len(values)), *zip(*ends, strict=True), color=MUTED, linewidth=0.8)
        for state in dict.fromkeys(each.state for each in curve.shown):
            own = [place for place, each in enumerate(curve.shown) if each.state is state]
            axes.plot(
                own,
                [values[place] for place in own],
                linestyle="none",
                marker=VERDICTS[state].marker,
                markersize=4.5,
                color=STATE_COLOURS[state],
                label=VERDICTS[state].word,
            )
    primary = next(place for place, each in enumerate(curve.shown) if each.specification == PRIMARY)
    axes.plot(
        [primary], [values[primary]], linestyle="none", marker="D", markersize=9, markeredgecolor=PAPER, color=INK,
        label="primary specification",
    )  # fmt: skip
    if curve.holes:
        axes.axvspan(len(values) - 0.5, curve.width - 0.5, color=FAINT, alpha=0.35, linewidth=0)
        middle = len(values) + len(curve.holes) / 2
        axes.annotate(
            "not computed", xy=(middle, 0.5), xycoords=("data", "axes fraction"), rotation=90, color=MUTED, ha="center", va="center",
            fontsize=9,
        )  # fmt: skip
    axes.set_xlim(-0.5, curve.width - 0.5)
    axes.set_xticks([])
    axes.set_ylabel(unit_form(claim.unit).words.removeprefix("in ") or str(claim.unit))
    if null == 0:
        axes.yaxis.set_major_formatter(signed)
    axes.legend(loc="upper left", fontsize=9, ncols=2)


def _draw_choices(axes: "Axes", curve: Curve, rows: Sequence[tuple[VariedAxis, str]]) -> None:
    """A row for each level: where specifications take it, as blocks, or as how many of some neighbours do."""
    columns = min(curve.width, DENSITY_COLUMNS)
    edges = [round(place * curve.width / columns) for place in range(columns + 1)]
    blocks: dict[str, list[tuple[int, float, float]]] = {}
    for row, (axis, level) in enumerate(rows):
        takes = curve.takes(axis, level)
        shares = [sum(takes[start:end]) / (end - start) for start, end in pairwise(edges)]
        place = 0
        for shade, run in groupby(math.ceil(share * len(SHADES)) for share in shares):
            start, place = place, place + len(list(run))
            if shade:
                blocks.setdefault(SHADES[shade - 1], []).append((row, edges[start] - 0.5, edges[place] - 0.5))
    for colour in sorted(blocks):
        lines, starts, stops = zip(*blocks[colour], strict=True)
        axes.hlines(
            [line + 0.5 for line in lines], starts, stops, color=colour, linewidth=10, capstyle="butt"
        )
    axes.set_xlim(-0.5, curve.width - 0.5)
    axes.set_ylim(len(rows), 0)
    axes.set_xticks([])
    axes.set_yticks(
        [place + 0.5 for place in range(len(rows))],
        [
            printable(f"{axis.name} ({axis.openness}) {level}" if level == axis.levels[0] else level)
            for axis, level in rows
        ],
        fontsize=9,
    )
    for place, (axis, level) in enumerate(rows):
        if place and level == axis.levels[0]:
            axes.axhline(place, color=FAINT, linewidth=0.8)
    axes.set_xlabel("Specifications, by their estimate")
    axes.spines[:].set_visible(False)


def _draw_shares(axes: "Axes", found: Multiverse, rows: Sequence[tuple[VariedAxis, str]]) -> None:
    """How much of the estimates' variance each axis brings about, beside its levels; blank where nothing is attributed to it."""
    shares = {each.axis: each.share for each in found.deciding}
    tops = [place for place, (axis, level) in enumerate(rows) if level == axis.levels[0]]
    for place, end in zip(tops, (*tops[1:], len(rows)), strict=True):
        # What lies beyond the registered grid was run one level at a time, and has no main effect.
        if (share := shares.get(rows[place][0].name)) is not None:
            axes.barh(place + 0.5, share, height=0.7, color=SERIES[1])
            axes.annotate(f"{100 * share:.0f} %", xy=(share, place + 0.5), xytext=(3, 0), textcoords="offset points", va="center",
                          fontsize=8.5, color=INK)  # fmt: skip
        if end < len(rows):
            axes.axhline(end, color=FAINT, linewidth=0.8)
    axes.set_ylim(len(rows), 0)
    axes.set_xlim(0, max([*shares.values(), 0.01]) * 1.9)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.set_xlabel("Variance")
    axes.spines[:].set_visible(False)
