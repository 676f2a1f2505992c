"""What every drawing of the report shares: colours, style, and the way into a page without script or request."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

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
    """The figure as an element of a page: stamped, with ids of its own, colours of the page, a title and a description."""
    if frame.stamp:
        _stamp(figure, frame.stamp)
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    body = written.getvalue().partition("<svg")[2].partition(">")[2]
    body = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", body, flags=re.DOTALL)
    body = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{frame.anchor}-", body)
    for drawn_colour, role in ROLES.items():
        body = body.replace(drawn_colour, role)
    width, height = (round(72 * inches, 3) for inches in figure.get_size_inches())
    title, description = f"{frame.anchor}-title", f"{frame.anchor}-description"
    opening = (
        f'<svg class="plot" role="img" aria-labelledby="{title} {description}" viewBox="0 0 {width} {height}">'
        f'<title id="{title}">{escape(printable(frame.title))}</title>'
        f'<desc id="{description}">{escape(printable(frame.description))}</desc>'
    )
    return Markup(opening + re.sub(r"\s*\n\s*", "\n", body).strip())  # noqa: S704 - matplotlib escapes what it writes


def _stamp(figure: "Figure", words: str) -> None:
    """The warning of the run in a strip of its own below the drawing, so that it covers nothing."""
    width, height = figure.get_size_inches()
    whole = height + STAMP_INCHES
    figure.set_size_inches(width, whole)
    figure.set_layout_engine("constrained", rect=(0, STAMP_INCHES / whole, 1, height / whole))
    figure.text(0.995, 0.04 / whole, words, ha="right", va="bottom", fontsize=8, color=MUTED)
