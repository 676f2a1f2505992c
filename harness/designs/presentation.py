"""How the quantities of a design are presented: panels of measurements, each one table and sometimes a drawing, and their words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto


class Scope(Enum):
    """Which of the numbers of a quantity a panel is about."""

    ANY = auto()
    GROUP = auto()
    """Those of no single language."""
    LANGUAGE = auto()
    """Those of one language each."""


class Layout(Enum):
    """How a panel's table is laid out."""

    LIST = auto()
    """One row per number, with its units and seeds."""
    GRID = auto()
    """One column per value of the panel's column dimensions."""


class Drawing(Enum):
    """A kind of drawing."""

    LINES = auto()
    """One line per reading and specification, over layers."""
    CURVES = auto()
    """One line for whatever else numbers are of, over layers or along an axis of the design."""
    HEATMAP = auto()
    """Languages down, layers across."""
    SLOPES = auto()
    """Before and after, seed by seed."""
    STRIPS = auto()
    """Every seed's own number."""
    POINTS = auto()
    """Both sides of correlations, language by language."""
    TRADE_OFF = auto()
    """One quantity against another, one point a specification, in the order of what they differ in."""
    DOTS = auto()
    """One mark per specification at each layer, with its interval."""


class Remark(Enum):
    """What a panel may have to say beside its numbers."""

    NOT_SCORED = auto()
    """Translators that could not be held against people."""
    OTHER_QUESTIONS = auto()
    """Benchmarks whose questions are not the same in every language."""


@dataclass(frozen=True, kw_only=True)
class Rival:
    """Another explanation of an effect, by quantity and reading: the whole effect, and what is left where the rival is not."""

    whole: tuple[str, str]
    remaining: tuple[str, str]
    name: str
    without: str
    """How it is taken away, as a sentence begins: "On texts that were not selected for a latent"."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One drawing of a panel."""

    anchor: str
    kind: Drawing
    title: str
    quantity: str = ""
    """The only quantity that it shows; empty where it shows all that the panel has."""
    against: str = ""
    """The quantity that a trade-off sets it against."""
    along: str = "layer"
    """What curves run along: layers, or an axis of the design in the order of its rows."""
    only: tuple[tuple[str, str], ...] = ()
    """Axes of the design, each with the one value that is drawn."""
    axis: str = ""
    """Axis along which the specifications differ that it shows, beside the primary one; empty where it shows all."""
    says: str = ""
    """What the caption says of it."""
    across: str = "Layer"
    """Words of the horizontal axis."""
    across_in_short: str = ""
    """Heading of its numbers in a table."""
    up: str = ""
    """Words of the vertical axis, or of the colours; a slope or a strip tells the unit of its numbers by itself."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One kind of measurement as the report presents it."""

    anchor: str
    group: str
    heading: str
    lead: str
    quantities: tuple[str, ...]
    """Quantities shown; none stands for whatever no other panel shows."""
    beside: tuple[tuple[str, str], ...] = ()
    """Quantities by reading that another panel shows as well; they stand first."""
    scope: Scope = Scope.ANY
    layout: Layout = Layout.LIST
    columns: tuple[str, ...] = ()
    """Dimensions that run along the columns of a grid."""
    headings: tuple[str, ...] = ()
    """Dimensions that head the rows they have in common, where several others would name each row."""
    first_series_in_short: bool = False
    """Whether the short table keeps to the first reading and specification."""
    figures: tuple[Figure, ...] = ()
    remark: Remark | None = None
    shows_rivals: bool = False
    """True of the panel that begins with what remains without each rival explanation."""
    is_optional: bool = False
    """True of a panel that is not missed where nothing of it was measured."""
    is_in_short_alone: bool = False
    """True of a panel whose page shows some layers; all of them stand in report.json."""
    is_open_in_summary: bool = False
    """Whether its table is unfolded in the summary: what most readers come for."""


@dataclass(frozen=True, kw_only=True)
class Presentation:
    """Everything that a report needs to know of the quantities of a design; whatever it does not name is shown plainly."""

    panels: tuple[Panel, ...] = ()
    """In the order to show."""
    rivals: tuple[Rival, ...] = ()
    quantities: Mapping[str, str] = field(default_factory=dict)
    """What each quantity is called; one that is not here keeps its own name."""
    signed: frozenset[str] = frozenset()
    """Quantities that are differences, whose sign is always printed."""
    axes: tuple[str, ...] = ()
    """Axes of the design in the order in which tables and figures tell them: that of the ids."""
    readings: Mapping[str, str] = field(default_factory=dict)
    specifications: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, str] = field(default_factory=dict)
    """What the groups of languages are called."""
    things: str = "models and data"
    """What a run rests on, in a few words."""
    uncounted: str = "other models or data"
    """With what a number could come out otherwise though no interval answers for it."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """Words of the design that a page explains."""
    has_curves_without_numbers: bool = False
    """Whether specifications are drawn of claims about a sign or a place as well, and not of those with a printed number alone."""

    @property
    def pointed(self) -> frozenset[str]:
        """Quantities whose units are the points of a drawing."""
        return frozenset(
            quantity
            for panel in self.panels
            if any(figure.kind is Drawing.POINTS for figure in panel.figures)
            for quantity in panel.quantities
        )


PLAIN = Presentation()
"""Nothing is named: every number stands in one table."""
