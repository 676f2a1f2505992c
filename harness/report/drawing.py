"""What every drawing of the report shares: colours, style, and the way into a page without script or request."""

import io
import re
import warnings
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.etree.ElementTree import Element

from markupsafe import Markup, escape

from harness.report.numbers import MINUS, printable
from harness.store.environment import without_strays
from harness.words.verdict import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
)
"""Styles of a drawing that the page's style sheet gives to its words anyway, or that say nothing."""
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


def blank(height_inches: float) -> "Figure":
    """A figure of the page's width."""
    from matplotlib.figure import Figure

    return Figure(figsize=(10, height_inches), facecolor="none", layout="constrained")


def signed(value: float, _position: float) -> str:
    """A tick of an axis that shows differences."""
    return f"{value:+.6g}".replace("-", MINUS) if value else "0"


def inline(figure: "Figure", frame: Frame) -> Markup:
    """The figure as an element of a page: stamped, lean, with ids of its own, colours of the page, a title and a description."""
    if frame.stamp:
        _stamp(figure, frame.stamp)
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


def _stamp(figure: "Figure", words: str) -> None:
    """The warning of the run in a strip of its own below the drawing, so that it covers nothing."""
    width, height = figure.get_size_inches()
    whole = height + STAMP_INCHES
    figure.set_size_inches(width, whole)
    figure.set_layout_engine("constrained", rect=(0, STAMP_INCHES / whole, 1, height / whole))
    figure.text(0.995, 0.04 / whole, words, ha="right", va="bottom", fontsize=8, color=MUTED)
