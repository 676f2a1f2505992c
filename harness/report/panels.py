"""What a reader takes in together: panels of measurements, each one table and sometimes a drawing; and what quantities are called.

All of it is data: no other module of the report names a quantity.
"""

from dataclasses import dataclass
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
    HEATMAP = auto()
    """Languages down, layers across."""
    SLOPES = auto()
    """Before and after, seed by seed."""
    STRIPS = auto()
    """Every seed's own number."""
    POINTS = auto()
    """Both sides of correlations, language by language."""


class Remark(Enum):
    """What a panel may have to say beside its numbers."""

    NOT_SCORED = auto()
    """Translators that could not be held against people."""
    OTHER_QUESTIONS = auto()
    """Benchmarks whose questions are not the same in every language."""


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One drawing of a panel."""

    anchor: str
    kind: Drawing
    title: str
    quantity: str = ""
    """The only quantity that it shows; empty where it shows all that the panel has."""
    says: str = ""
    """What the caption says of it."""


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
    remark: Remark | None = None
    is_optional: bool = False
    """True of a panel that is not missed where nothing of it was measured."""
    is_open_in_summary: bool = False
    """Whether its table is unfolded in the summary: what most readers come for."""


PER_SEED = "Thin lines are single training seeds, the thick one their mean."
GAP_BY_LAYER = Figure(anchor="gap-by-layer", kind=Drawing.LINES, title="Gap by layer")
GAP_BY_LANGUAGE = Figure(
    anchor="gap-by-language",
    kind=Drawing.HEATMAP,
    title="Gap by language and layer",
    says="Blue: stronger than the reference; orange: weaker.",
)
SLOPES = Figure(
    anchor="before-and-after",
    kind=Drawing.SLOPES,
    title="Before and after alignment",
    quantity="gain",
    says=f"Mean activation on held-out phrases before and after the adapter. {PER_SEED}",
)
ENGLISH_SLOPES = Figure(
    anchor="english-before-and-after",
    kind=Drawing.SLOPES,
    title="English before and after each adapter",
    quantity="retention-by-adapter",
    says="Mean activation of English latents on held-out phrases before and after the adapter of each "
    f"language. {PER_SEED}",
)
GAIN_SEEDS = Figure(
    anchor="gain-by-seed",
    kind=Drawing.STRIPS,
    title="Gain, seed by seed",
    quantity="gain",
    says="Each mark is the gain of one training seed; the line is their mean.",
)
DELTA_SEEDS = Figure(
    anchor="change-by-seed",
    kind=Drawing.STRIPS,
    title="Change of accuracy, seed by seed",
    quantity="delta",
    says="Each mark is the change under one training seed, on the same questions; the line is their mean.",
)
GAP_AND_ACCURACY = Figure(
    anchor="gap-and-accuracy",
    kind=Drawing.POINTS,
    title="Gap against accuracy",
    says="One point per language. No line is fitted: nine points do not bear one.",
)

ACTIVATION = "Activation gap"
ALIGNED = "After alignment"
BENCHMARKS = "Benchmarks"
BACKGROUND = "What stands behind the gap"
OTHER = "Other measurements"

PANELS = (
    Panel(
        anchor="gap",
        is_open_in_summary=True,
        group=ACTIVATION,
        heading="Gap by layer",
        lead="How much weaker latents answer to the low-resource languages than to the reference side, as a "
        "share of the reference. Above zero: the low-resource languages are weaker. Sources differ on what the "
        "reference is, so each reading has a line of its own.",
        quantities=("gap",),
        scope=Scope.GROUP,
        layout=Layout.GRID,
        columns=("reading", "specification"),
        figures=(GAP_BY_LAYER,),
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
        figures=(GAP_BY_LANGUAGE,),
    ),
    Panel(
        anchor="gain",
        is_open_in_summary=True,
        group=ALIGNED,
        heading="Gain",
        lead="Change of the mean activation on held-out phrases, relative to before the adapter. Other "
        "specifications take it over all aligned layers, or as the share of the distance to English.",
        quantities=("gain", "gain-control"),
        figures=(SLOPES, GAIN_SEEDS),
    ),
    Panel(
        anchor="retention",
        is_open_in_summary=True,
        group=ALIGNED,
        heading="English retention",
        lead="What is left of English after alignment, as a share of before; 100 % means that nothing moved.",
        quantities=("retention", "retention-by-adapter"),
        figures=(ENGLISH_SLOPES,),
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
        anchor="accuracy",
        group=BENCHMARKS,
        heading="Accuracy",
        lead="Share of questions that the untuned model answers correctly.",
        quantities=("accuracy",),
        layout=Layout.GRID,
        columns=("benchmark",),
        remark=Remark.OTHER_QUESTIONS,
    ),
    Panel(
        anchor="delta",
        is_open_in_summary=True,
        group=BENCHMARKS,
        heading="Change of accuracy",
        lead="Tuned minus untuned, question by question on the same questions.",
        quantities=("delta", "delta-english", "relative-delta"),
        layout=Layout.GRID,
        columns=("benchmark",),
        figures=(DELTA_SEEDS,),
    ),
    Panel(
        anchor="correlation",
        group=BENCHMARKS,
        heading="Gap against accuracy",
        lead="Correlation over languages. Few languages make a wide interval: read it as a hint. Script, tokens "
        "per word and share of the training text may stand behind both sides.",
        quantities=("correlation",),
        figures=(GAP_AND_ACCURACY,),
        remark=Remark.OTHER_QUESTIONS,
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
        anchor="chrf",
        group=BACKGROUND,
        heading="Translators against people",
        lead="chrF of each translator on sentences that people translated too: 100 is the same text. "
        "It depends on the language as well, so compare translators of one language.",
        quantities=("translation-chrf",),
        remark=Remark.NOT_SCORED,
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

QUANTITIES = {
    "gap": "gap",
    "gain": "gain",
    "gain-control": "gain of the control, trained on wrong partners",
    "retention": "retention",
    "retention-by-adapter": "retention, adapter by adapter",
    "accuracy": "accuracy",
    "delta": "adapter's own language",
    "delta-english": "English under the adapter",
    "relative-delta": "adapter's own language, relative",
    "correlation": "correlation",
    "similarity": "similarity",
    "tokens-per-phrase": "tokens per phrase",
    "selections-kept": "selections with tokens",
    "dictionary-error": "variance unexplained",
    "dictionary-l0": "active latents",
    "translation-chrf": "chrF of the translator",
    "translations-unflagged": "translations without a flag",
    "pairs-at-once": "pairs in memory at once, where a batch did not fit",
}
LEARNED = {
    "alignment-gap": "distance to own translation",
    "alignment-gap-shuffled": "distance to another translation",
    "alignment-drift": "drift of English, squared",
    "alignment-english-mean": "mean activation, English",
    "alignment-target-mean": "mean activation, target",
    "english-nats": "nats per token, English",
    "target-nats": "nats per token, target",
}
QUANTITIES |= LEARNED | {
    f"{name}-control": f"control, wrong partners: {says}" for name, says in LEARNED.items()
}
"""What each quantity is called; one that is not here keeps its own name."""

SIGNED = frozenset({"gap", "gain", "gain-control", "delta", "delta-english", "relative-delta", "correlation"})
"""Quantities that are differences, whose sign is always printed."""

MARKED = "gap"
"""The quantity beside whose line over layers the printed numbers stand."""

READINGS = {
    "high": "high-resource mean",
    "english": "English",
    "accuracy": "accuracy ratio",
}

SPECIFICATIONS = {
    "mean-over-aligned-layers": "over all aligned layers",
    "share-of-gap-closed": "share of the gap closed",
}
