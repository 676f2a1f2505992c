"""What a reader of a disparity study takes in together: every panel and drawing, and what its quantities are called."""

from harness.designs.disparity.quantities import QUANTITIES, SUFFIX
from harness.designs.presentation import Drawing, Figure, Layout, Panel, Presentation, Remark, Rival, Scope

PER_SEED = "Thin lines are single training seeds, the thick one their mean."
GAP_BY_LAYER = Figure(
    anchor="gap-by-layer", kind=Drawing.LINES, title="Gap by layer", quantity="gap", up="Gap, percent"
)
GAP_BY_LANGUAGE = Figure(
    anchor="gap-by-language",
    kind=Drawing.HEATMAP,
    title="Gap by language and layer",
    says="Blue: stronger than the reference; orange: weaker.",
    up="Gap, percent",
)
SLOPES = Figure(
    anchor="before-and-after",
    kind=Drawing.SLOPES,
    title="Before and after alignment",
    quantity="gain",
    up="Mean activation",
    says=f"Mean activation on held-out phrases before and after the adapter. {PER_SEED}",
)
ENGLISH_SLOPES = Figure(
    anchor="english-before-and-after",
    kind=Drawing.SLOPES,
    title="English before and after each adapter",
    quantity="retention-by-adapter",
    up="Mean activation",
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
    across="Mean gap over layers",
    across_in_short="Gap",
    up="Accuracy",
)

GAIN_AGAINST_RETENTION = Figure(
    anchor="gain-against-retention",
    kind=Drawing.TRADE_OFF,
    title="Gain against retention",
    quantity="gain-ablated",
    against="retention-ablated",
    axis="alpha",
    says="What each weight of the retention term leaves of English, and what it gives the language; the primary one is 1. Bars "
    "are 90 % intervals.",
    across="English retention, percent",
    up="Gain, percent",
)
EARLY_AGAINST_DEEP = Figure(
    anchor="early-against-deep",
    kind=Drawing.DOTS,
    title="Early against deep",
    quantity="gain-ablated",
    axis="layers",
    says="Gain of adapters on one layer alone, at each layer that they are read at; an adapter cannot reach below its own. Bars "
    "are 90 % intervals.",
    across="Layer read at",
    up="Gain, percent",
)

ACTIVATION = "Activation gap"
ALIGNED = "After alignment"
BENCHMARKS = "Benchmarks"
BACKGROUND = "What stands behind the gap"

LEARNED = (
    "alignment-gap",
    "alignment-gap-shuffled",
    "alignment-drift",
    "alignment-english-mean",
    "alignment-target-mean",
    "english-nats",
    "target-nats",
)
"""What adapters learned; of the controls too."""

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
        anchor="untrained-latents",
        group=ALIGNED,
        heading="Latents that no adapter was trained on",
        lead="The gain over latents of which every phrase was held out: where nothing of a gain remains on them, adapters learnt the latents that "
        "they were trained on by heart.",
        quantities=("gain-remaining",),
        layout=Layout.GRID,
        columns=("reading",),
        is_optional=True,
    ),
    Panel(
        anchor="alignment",
        group=ALIGNED,
        heading="What the adapters learned",
        lead="Distance between a held-out phrase and its own translation, and the translation of another "
        "phrase: if both shrink alike, only averages were aligned. Activations are means over the latents that the loss "
        "is a mean over, by the primary specification each phrase\u2019s own. Nats per token tell what it cost the model "
        "as a language model.",
        quantities=(*LEARNED, *(f"{name}{SUFFIX}" for name in LEARNED), "pairs-at-once"),
        layout=Layout.GRID,
        columns=("reading", "specification"),
    ),
    Panel(
        anchor="ablations",
        group=ALIGNED,
        heading="Trained otherwise",
        lead="Adapters that differ from the primary ones in one thing, of one seed, read on the same phrases: the weight alpha of the "
        "retention term, or the layers of loss and adapter. A difference of two is taken latent by latent.",
        quantities=("gain-ablated", "retention-ablated", "gain-difference", "retention-difference"),
        is_optional=True,
        figures=(GAIN_AGAINST_RETENTION, EARLY_AGAINST_DEEP),
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
        anchor="decoupling",
        group=BENCHMARKS,
        heading="What activation buys",
        lead="Over all adapters of all tuned languages: by how many points accuracy changes where activation changes by one percent more. "
        "Zero: adapters that lift activation more lift accuracy no more, and the two are decoupled.",
        quantities=("accuracy-on-activation",),
        layout=Layout.GRID,
        columns=("reading",),
        is_optional=True,
    ),
    Panel(
        anchor="rivals",
        is_in_short_alone=True,
        shows_rivals=True,
        group=BACKGROUND,
        heading="Rival explanations, layer by layer",
        lead="The gap as it is, and the same gap where a rival explanation is taken away: how far the low-resource languages still "
        "lie below. A rival that is the whole gap leaves nothing of it; one that has nothing to do with it leaves all. Each is taken away "
        "by itself, so they do not add up; whoever is left out with it, as languages with long tokens or another script are, is not compared "
        "either. On chosen texts the panel of latents is read against English.",
        quantities=("gap-remaining", "gap-on-chosen-texts", "gap-on-parallel-text", "gap-of-translators"),
        beside=(("gap", "high"), ("gap", "english")),
        scope=Scope.GROUP,
        layout=Layout.GRID,
        columns=("layer",),
    ),
    Panel(
        anchor="slope",
        group=BACKGROUND,
        heading="Activation and tokens",
        lead="Within a low-resource language: by how many percent the activation of a phrase, held against the high-resource "
        "languages\u2019, changes where its tokens, held against theirs, are one percent more. Minus one: the same sum is spread over "
        "more tokens, and the mean is diluted; zero: tokens do not matter.",
        quantities=("slope-on-tokens",),
        layout=Layout.GRID,
        columns=("reading",),
    ),
    Panel(
        anchor="similarity",
        group=BACKGROUND,
        is_in_short_alone=True,
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
        is_in_short_alone=True,
        heading="Dictionary error",
        lead="Share of the residual stream's variance that the dictionary leaves unexplained: 0 is perfect, "
        "and a language with a high value is poorly described by its latents.",
        quantities=("dictionary-error",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
    Panel(
        anchor="loss-recovered",
        group=BACKGROUND,
        is_in_short_alone=True,
        heading="Loss recovered",
        lead="Of what the language model loses where the stream after a layer is nothing, the share that the dictionary\u2019s "
        "reconstruction wins back: 100 % is as good as the stream itself.",
        quantities=("loss-recovered",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
    Panel(
        anchor="dictionary-l0",
        group=BACKGROUND,
        is_in_short_alone=True,
        heading="Active latents",
        lead="Mean number of latents above zero per token.",
        quantities=("dictionary-l0",),
        layout=Layout.GRID,
        columns=("layer",),
    ),
)

OF_CONTROLS = {f"gain{SUFFIX}": "gain of the control, trained on wrong partners"} | {
    f"{name}{SUFFIX}": f"control, wrong partners: {QUANTITIES[name].label}" for name in LEARNED
}

RIVALS = (
    ("unselected", "Selection on English", "On texts that were not selected for a latent"),
    (
        "active-in-english",
        "Selection on English, silence apart",
        "On such texts, where the latent is active in English",
    ),
    ("equal-firing", "Latents fire more rarely", "If latents fired on as large a share of tokens"),
    ("equal-strength", "Latents are weaker where they fire", "If latents were as strong where they fire"),
    ("equal-tokens", "More tokens a word", "On phrases of about as many tokens (within 20 %)"),
    ("maximum", "Pooling by mean: maximum", "By the maximum over tokens in place of the mean"),
    ("sum", "Pooling by mean: sum", "By the sum over tokens in place of the mean"),
    (
        "romanised",
        "Script, in Latin letters",
        "With every language that is written otherwise in Latin letters",
    ),
    ("same-script", "Script", "Among languages in the script of English alone"),
    ("residual-stream", "The dictionary", "By the length of the residual stream, without any dictionary"),
    (
        "random-dictionary",
        "The dictionary\u2019s directions",
        "With random directions of the same norms, as sparse in English",
    ),
    ("languages", "A few languages", "With languages in place of latents as what varies"),
    (
        "same-script-languages",
        "A few languages of one script",
        "Among languages in the script of English, with languages as what varies",
    ),
)
"""Reading of what remains of the gap, the explanation that is taken away, and the beginning of its sentence."""

CHOSEN = (
    (
        "chosen-in-english",
        "Selection on English, repeated",
        "Against English, on texts not selected for a latent that English would select",
    ),
    (
        "chosen-in-the-language",
        "Selection on English, mirrored",
        "On such texts that the low-resource language would select (a gap of selection alone turns round)",
    ),
)
"""The same of the gap to English on texts that one side would select."""

PARALLEL = Rival(
    whole=("gap-on-parallel-text", "by-machine"),
    remaining=("gap-on-parallel-text", "by-people"),
    name="The translators",
    without="On sentences that people translated, in place of the translators",
)

READINGS = {
    "by-machine": "as the translators say it",
    "by-people": "as people say it",
    "high": "high-resource mean",
    "english": "English",
    "accuracy": "accuracy ratio",
    "untrained-latents": "latents that no adapter was trained on",
} | {reading: name for reading, name, _ in (*RIVALS, *CHOSEN)}

SPECIFICATIONS = {
    "mean-over-aligned-layers": "over all aligned layers",
    "share-of-gap-closed": "share of the gap closed",
}

PRESENTATION = Presentation(
    panels=PANELS,
    rivals=(
        *(
            Rival(whole=("gap", against), remaining=(quantity, reading), name=name, without=without)
            for quantity, against, known in (
                ("gap-remaining", "high", RIVALS),
                ("gap-on-chosen-texts", "english", CHOSEN),
            )
            for reading, name, without in known
        ),
        PARALLEL,
    ),
    quantities={name: quantity.label for name, quantity in QUANTITIES.items()} | OF_CONTROLS,
    signed=frozenset(name for name, quantity in QUANTITIES.items() if quantity.signed) | {f"gain{SUFFIX}"},
    readings=READINGS,
    specifications=SPECIFICATIONS,
    groups={"reference": "Reference", "high": "High-resource", "low": "Low-resource"},
    things="model, dictionaries, translators and benchmarks",
    uncounted="another dictionary, other phrases or another translator",
    terms={
        "unit": "what varies and is resampled: a latent, a question, a text, a language",
        "latent": "one direction of a sparse autoencoder\u2019s dictionary, with its activation",
        "seed": "one training of an adapter; several tell what one training would vary by",
    },
)
