"""Which measurements a reader takes in together: groups of panels, each one table and sometimes a figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from harness.report.document import Measurement
from harness.report.languages import Languages


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


class Figure(Enum):
    """A drawing that a panel carries."""

    GAP_BY_LAYER = "gap-by-layer"
    GAP_BY_LANGUAGE = "gap-by-language"
    SLOPES = "before-and-after"
    ENGLISH_SLOPES = "english-before-and-after"
    GAIN_SEEDS = "gain-by-seed"
    DELTA_SEEDS = "change-by-seed"
    GAP_AND_ACCURACY = "gap-and-accuracy"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One kind of measurement as the report presents it."""

    anchor: str
    group: str
    heading: str
    lead: str
    quantities: tuple[str, ...]
    """Quantities shown; none stands for whatever no other panel shows."""
    scope: Scope = Scope.ANY
    layout: Layout = Layout.LIST
    columns: tuple[str, ...] = ()
    """Dimensions that run along the columns of a grid."""
    first_series_in_short: bool = False
    """Whether the short table keeps to the first reading and specification."""
    figures: tuple[Figure, ...] = ()
    is_optional: bool = False
    """True of a panel that is not missed where nothing of it was measured."""

    def share_of(self, rows: Sequence[Measurement]) -> list[Measurement]:
        """The measurements that belong to this panel, in the order of its quantities."""
        return sorted(filter(self.takes, rows), key=lambda row: self.quantities.index(row.quantity))

    def takes(self, row: Measurement) -> bool:
        """Whether a measurement belongs to this panel."""
        if row.quantity not in self.quantities:
            return False
        return self.scope is Scope.ANY or (row.language is None) is (self.scope is Scope.GROUP)


SCORES = "chrf"
"""Anchor of the panel whose numbers rest on a text that a run may not have had."""
ACCURACY, CORRELATION = "accuracy", "correlation"
ACROSS_LANGUAGES = frozenset({ACCURACY, CORRELATION})
"""Anchors of the panels that hold accuracies of different languages beside each other."""

ACTIVATION = "Activation gap"
ALIGNED = "After alignment"
BENCHMARKS = "Benchmarks"
BACKGROUND = "What stands behind the gap"
OTHER = "Other measurements"

PANELS = (
    Panel(
        anchor="gap",
        group=ACTIVATION,
        heading="Gap by layer",
        lead="How much weaker latents answer to the low-resource languages than to the reference side, as a "
        "share of the reference. Above zero: the low-resource languages are weaker. Sources differ on what the "
        "reference is, so each reading has a line of its own.",
        quantities=("gap",),
        scope=Scope.GROUP,
        layout=Layout.GRID,
        columns=("reading", "specification"),
        figures=(Figure.GAP_BY_LAYER,),
    ),
    Panel(
        anchor="gap-language",
        group=ACTIVATION,
        heading="Gap by language and layer",
        lead="The same for each language by itself. Above zero: the language is weaker than the reference.",
        quantities=("gap",),
        scope=Scope.LANGUAGE,
        layout=Layout.GRID,
        columns=("layer",),
        first_series_in_short=True,
        figures=(Figure.GAP_BY_LANGUAGE,),
    ),
    Panel(
        anchor="gain",
        group=ALIGNED,
        heading="Gain",
        lead="Change of the mean activation on held-out phrases, relative to before the adapter. Other "
        "specifications take it over all aligned layers, or as the share of the distance to English.",
        quantities=("gain", "gain-control"),
        figures=(Figure.SLOPES, Figure.GAIN_SEEDS),
    ),
    Panel(
        anchor="retention",
        group=ALIGNED,
        heading="English retention",
        lead="What is left of English after alignment, as a share of before; 100 % means that nothing moved.",
        quantities=("retention", "retention-by-adapter"),
        figures=(Figure.ENGLISH_SLOPES,),
    ),
    Panel(
        anchor="alignment",
        group=ALIGNED,
        heading="What the adapters learned",
        lead="Distance between a held-out phrase and its own translation, and the translation of another "
        "phrase: if both shrink alike, only averages were aligned. Activations are means over the latents that the loss "
        "is a mean over, by the primary specification each phrase\u2019s own. Nats per token tell what it cost the model "
        "as a language model.",
        quantities=(
            "alignment-gap",
            "alignment-gap-shuffled",
            "alignment-drift",
            "alignment-english-mean",
            "alignment-target-mean",
            "english-nats",
            "target-nats",
            "alignment-gap-control",
            "alignment-gap-shuffled-control",
            "alignment-drift-control",
            "alignment-english-mean-control",
            "alignment-target-mean-control",
            "english-nats-control",
            "target-nats-control",
            "pairs-at-once",
        ),
        layout=Layout.GRID,
        columns=("reading", "specification"),
    ),
    Panel(
        anchor="published",
        group=ALIGNED,
        heading="The authors\u2019 own tuned models",
        lead="The same quantities through the models that the authors published, as they are, one model a reading. Which of them "
        "the printed numbers come from is not known, nor which phrases they saw in training; no claim rests on them.",
        quantities=(
            "published-gain",
            "published-retention",
            "published-delta",
            "published-relative-delta",
            "published-delta-english",
        ),
        is_optional=True,
    ),
    Panel(
        anchor=ACCURACY,
        group=BENCHMARKS,
        heading="Accuracy",
        lead="Share of questions that the untuned model answers correctly.",
        quantities=("accuracy",),
        layout=Layout.GRID,
        columns=("benchmark",),
    ),
    Panel(
        anchor="delta",
        group=BENCHMARKS,
        heading="Change of accuracy",
        lead="Tuned minus untuned, question by question on the same questions.",
        quantities=("delta", "delta-english", "relative-delta"),
        layout=Layout.GRID,
        columns=("benchmark",),
        figures=(Figure.DELTA_SEEDS,),
    ),
    Panel(
        anchor=CORRELATION,
        group=BENCHMARKS,
        heading="Gap against accuracy",
        lead="Correlation over languages. Few languages make a wide interval: read it as a hint. Script, tokens "
        "per word and share of the training text may stand behind both sides.",
        quantities=("correlation",),
        figures=(Figure.GAP_AND_ACCURACY,),
    ),
    Panel(
        anchor="similarity",
        group=BACKGROUND,
        heading="Embedding similarity",
        lead="Cosine between a phrase and its translation in the residual stream; centred: after the mean of "
        "each language is taken out.",
        quantities=("similarity",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
    Panel(
        anchor="translations",
        group=BACKGROUND,
        heading="Translations without a flag",
        lead="Share of translations that are neither empty, copied, repetitive, cut short, of odd length nor in a wrong script. "
        "Flagged ones are counted, not taken out.",
        quantities=("translations-unflagged",),
    ),
    Panel(
        anchor=SCORES,
        group=BACKGROUND,
        heading="Translators against people",
        lead="chrF of each translator on sentences that people translated too: 100 is the same text. "
        "It depends on the language as well, so compare translators of one language.",
        quantities=("translation-chrf",),
    ),
    Panel(
        anchor="tokens",
        group=BACKGROUND,
        heading="Tokens per phrase",
        lead="The same content costs more tokens in some languages, which thins out mean activations.",
        quantities=("tokens-per-phrase",),
    ),
    Panel(
        anchor="kept",
        group=BACKGROUND,
        heading="Selections kept",
        lead="Share of (latent, phrase) selections for which the language has any token; the others are left out of "
        "every language.",
        quantities=("selections-kept",),
    ),
    Panel(
        anchor="dictionary-error",
        group=BACKGROUND,
        heading="Dictionary error",
        lead="Share of the residual stream's variance that the dictionary leaves unexplained: 0 is perfect, "
        "and a language with a high value is poorly described by its latents.",
        quantities=("dictionary-error",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
    Panel(
        anchor="dictionary-l0",
        group=BACKGROUND,
        heading="Active latents",
        lead="Mean number of latents above zero per token.",
        quantities=("dictionary-l0",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
)

REMAINDER = Panel(
    anchor="other",
    group=OTHER,
    heading="Measured too",
    lead="Numbers that no table above shows.",
    quantities=(),
)


@dataclass(frozen=True)
class Filled:
    """A panel with the measurements it shows."""

    panel: Panel
    rows: tuple[Measurement, ...]
    languages: Languages


def filled_panels(measurements: Sequence[Measurement], languages: Languages) -> tuple[Filled, ...]:
    """Every panel with its share of the measurements, and a last one for the rest if there is a rest."""
    filled: list[Filled] = []
    waiting = list(measurements)
    for panel in PANELS:
        taken = _one_per_coordinates(panel.share_of(waiting))
        shown = {row.id for row in taken}
        waiting = [row for row in waiting if row.id not in shown]
        if taken or not panel.is_optional:
            filled.append(Filled(panel, tuple(taken), languages))
    if waiting:
        filled.append(Filled(REMAINDER, tuple(waiting), languages))
    return tuple(filled)


def first_series(rows: Sequence[Measurement]) -> list[Measurement]:
    """The measurements that share reading and specification with the first."""
    key = (rows[0].reading, rows[0].specification)
    return [row for row in rows if (row.reading, row.specification) == key]


def coordinates(row: Measurement) -> tuple[str | int | None, ...]:
    """What tells one number from another: quantity, reading, specification, layer, language, benchmark."""
    return (
        row.quantity,
        row.reading,
        row.specification,
        row.layer,
        row.language,
        row.benchmark,
    )


def _one_per_coordinates(rows: Sequence[Measurement]) -> list[Measurement]:
    """The first number at each place, since a cell of a table holds one; others go to the remainder."""
    first: dict[tuple[str | int | None, ...], Measurement] = {}
    for row in rows:
        first.setdefault(coordinates(row), row)
    return list(first.values())
