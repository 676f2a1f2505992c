"""Claims that check the judge: targets come from an independent run of the same world, and every state has its claim.

The independent run (`fixtures/independent_run`) draws other latents, holds out other texts and trains under other
seeds. Its phrases come from the same small pool, so the two runs are more alike than two laboratories would be; the
margins are wide because eighty latents are few. A claim whose target is wrong on purpose says so.
"""

from claims.miniature.sources import RUN
from harness.words.claim import (
    Granularity,
    InferenceTarget,
    Minima,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    TwoPrintings,
    Unit,
)
from harness.words.claim_forms import Basis, arithmetic, bound, order, sign, untestable, value
from harness.words.verdict import Finding, State

LAYERS = (0, 3, 6, 9, 12, 15, 19, 22, 25)
"""A third of the layers: enough to show what many members do to a limit, and three times as quick to resample."""

SENTENCE = Sentence(
    source=RUN, tier=SourceTier.PAPER, where="fixtures/independent_run", sense="What that run measured."
)

GAP_MARGIN = "about three standard errors of eighty latents: the judge must accept what is the same world"
SEEDS = Basis(minima=Minima(seeds=3))
ONE_SEED = Basis(unit=Unit.POINTS, minima=Minima(units=60, seeds=1))
LATENTS, TRAINED = Basis(minima=Minima(units=60)), Basis(minima=Minima(units=60, seeds=3))

ON_PURPOSE = "wrong on purpose: the judge must see it"


def reading(*estimates: str) -> tuple[Reading]:
    """What a claim here means; nothing is left open in a world of our own."""
    return (Reading(name="primary", says="as measured", supported_by=(RUN,), estimates=estimates),)


def gap(*layers: int) -> tuple[Reading]:
    """The group gap of some layers, below the high-resource languages."""
    return reading(*(f"gap/layer={layer}/high/primary" for layer in layers))


def accuracy(*languages: str) -> tuple[Reading]:
    """Accuracy of the untouched model on ARC in some languages."""
    return reading(*(f"accuracy/lang={code}/bench=arc/primary/primary" for code in languages))


OVER_LAYERS = reading("gain/lang=ml/primary/mean-over-aligned-layers")
RETENTION = reading("retention/layer=20/lang=en/activation/primary")

VALUES = (
    value(
        "mini.gap.l6.value", "The gap at layer 6 is that of the independent run", SENTENCE, gap(6), "15.27", margin=15.0,
        null=0.0, inventory="miniature", basis=LATENTS, expected=State.PASS,
        because=GAP_MARGIN,
    ),
    value(
        "mini.gap.l25.value", "The gap at layer 25 is that of the independent run", SENTENCE, gap(25), "23.49",
        margin=15.0, null=0.0, inventory="miniature", basis=LATENTS, expected=State.PASS,
        because=GAP_MARGIN,
    ),
    value(
        "mini.gap.l6.sharp", "The gap at layer 6 is within one point of the independent run", SENTENCE, gap(6), "15.27",
        margin=1.0, null=0.0, inventory="miniature", expected=State.INCONCLUSIVE,
        because="far below the error of eighty latents: a hit this close must not pass",
    ),
    value(
        "mini.gap.l6.mirrored", "The gap at layer 6 has the opposite sign", SENTENCE, gap(6), "-15.27", margin=5.0,
        null=0.0, inventory="miniature", expected=State.DEVIATION,
        because=ON_PURPOSE,
    ),
    value(
        "mini.gap.l6.reference", "The gap at layer 6 is 58.30, whatever it is measured against", SENTENCE,
        (
            Reading(
                name="english",
                says="below English",
                supported_by=(RUN,),
                estimates=("gap/layer=6/english/primary",),
            ),
            Reading(
                name="high",
                says="below the high-resource languages",
                supported_by=(RUN,),
                estimates=gap(6)[0].estimates,
            ),
        ),
        "58.30", margin=15.0, null=0.0, inventory="miniature", expected=State.CONTESTED,
        because=GAP_MARGIN,
    ),
    value(
        "mini.gain.ml.value", "The Malayalam gain is that of the independent run", SENTENCE,
        reading("gain/layer=20/lang=ml/primary/primary"), "-6.36", margin=4.0, null=0.0, inventory="miniature",
        basis=TRAINED, expected=State.INCONCLUSIVE,
        because="far below the error of seventy latents, of which a few that awake make most of a gain: a hit must not pass",
    ),
    value(
        "mini.gain.ml.layers", "The Malayalam gain over all aligned layers is that of the independent run", SENTENCE,
        OVER_LAYERS, "18.18", margin=15.0, null=0.0, inventory="miniature", basis=SEEDS, expected=State.PASS,
        because="other latents and other texts move it by some points, which three seeds of one run do not show",
    ),
    value(
        "mini.gain.id.value", "The Indonesian gain is nothing, and was never measured", SENTENCE,
        reading("gain/layer=20/lang=id/primary/primary"), "0.00", margin=1.0, inventory="miniature",
        expected=State.NOT_RUN,
        because=ON_PURPOSE,
    ),
    value(
        "mini.retention.value", "English retention is that of the independent run", SENTENCE, RETENTION, "91.43",
        margin=6.0, null=100.0, inventory="miniature", basis=TRAINED, expected=State.PASS,
        because="about three standard errors of eighty latents and three seeds",
    ),
    value(
        "mini.accuracy.zh.arc", "Chinese ARC accuracy is that of the independent run", SENTENCE, accuracy("zh"), "75.00",
        margin=30.0, inventory="miniature", expected=State.PASS,
        because="three standard errors of twenty questions",
    ),
    value(
        "mini.delta.ml.arc.fixed", "Malayalam ARC accuracy moves as in the independent run, on these very questions",
        SENTENCE, reading("delta/lang=ml/bench=arc/primary/primary"), "-8.33", margin=5.0, null=0.0, inventory="miniature",
        basis=Basis(unit=Unit.POINTS, inference=InferenceTarget.FIXED_ITEMS, minima=Minima(seeds=3)),
        expected=State.INCONCLUSIVE,
        because="one question of twenty",
    ),
)  # fmt: skip

PLACES = (
    bound(
        "mini.gap.max.bound", "None of nine layers has a gap above the largest of the independent run", SENTENCE,
        gap(*LAYERS), "25.33", rule=Rule.MAXIMUM_AT_MOST, margin=35.0, inventory="miniature", expected=State.PASS,
        because="eight standard errors: limits for nine skewed layers at once are that wide",
    ),
    bound(
        "mini.gap.max.attained", "Some of nine layers reaches a fifth of the largest gap of the independent run",
        SENTENCE, gap(*LAYERS), "25.33", rule=Rule.MAXIMUM_AT_LEAST, margin=20.0, inventory="miniature",
        expected=State.PASS,
        because="four fifths of it: lower limits of nine layers at once lie that low",
    ),
    order(
        "mini.gap.argmax", "The largest gap of nine layers stands at layer 19, as in the independent run", SENTENCE,
        gap(*LAYERS), largest=gap(19), inventory="miniature", expected=State.INCONCLUSIVE,
    ),
    order(
        "mini.gap.region", "The largest gap of nine layers stands behind the first layer", SENTENCE, gap(*LAYERS),
        largest=gap(*LAYERS[1:]), inventory="miniature", expected=State.PASS,
    ),
    sign(
        "mini.gap.direction", "The gap is positive at layers 6, 19 and 25", SENTENCE, gap(6, 19, 25), +1,
        inventory="miniature", expected=State.PASS,
    ),
    sign(
        "mini.gap.ml.direction", "Malayalam lies above the high-resource languages at layer 6", SENTENCE,
        reading("gap/layer=6/lang=ml/high/primary"), -1, inventory="miniature", expected=State.DEVIATION,
        beside="Wrong on purpose: Malayalam lies far below.",
    ),
    bound(
        "mini.retention.floor", "English retention is at least 99.99", SENTENCE, RETENTION, "99.99", rule=Rule.AT_LEAST,
        inventory="miniature", expected=State.INCONCLUSIVE,
        beside="Wrong on purpose, and not told: a p-value of 0.004 is not enough among all claims of its tier.",
    ),
    sign(
        "mini.gain.ml.direction", "Malayalam activations rise through its adapters, in the mean over aligned layers", SENTENCE,
        OVER_LAYERS, +1, inventory="miniature", basis=SEEDS, expected=State.PASS,
    ),
    sign(
        "mini.alpha.retention", "Ten times the weight of the retention term keeps more of English", SENTENCE,
        reading("retention-difference/layer=20/lang=ml/activation/alpha=10-minus-primary"), +1, inventory="miniature",
        basis=ONE_SEED, expected=State.PASS,
    ),
    sign(
        "mini.layers.early", "Tuning layer 6 alone lifts Malayalam more than tuning layer 25 alone", SENTENCE,
        reading(
            *(f"gain-difference/layer={layer}/lang=ml/primary/layers=6-minus-layers=25" for layer in (6, 25))
        ),
        +1, inventory="miniature", basis=ONE_SEED, expected=State.INCONCLUSIVE,
        beside="Half a point less at layer 6, and nothing at layer 25: one layer moves this world too little to tell.",
    ),
    sign(
        "mini.similarity.ml", "Malayalam texts resemble their English phrases at layer 20", SENTENCE,
        reading("similarity/layer=20/lang=ml/centred/primary"), +1, inventory="miniature", basis=Basis(unit=Unit.COSINE),
        expected=State.PASS,
    ),
    sign(
        "mini.correlation.arc", "ARC accuracy falls as the gap grows", SENTENCE,
        reading("correlation/bench=arc/primary/primary"), -1, rule=Rule.CORRELATION_SIGN, inventory="miniature",
        basis=Basis(unit=Unit.CORRELATION, minima=Minima(units=8)), expected=State.INCONCLUSIVE,
    ),
    bound(
        "mini.accuracy.modest", "Low-resource accuracy stays below 60 percent on average", SENTENCE,
        accuracy("ml", "mr", "hi"), "60", rule=Rule.POOLED_AT_MOST, inventory="miniature", expected=State.PASS,
    ),
    sign(
        "mini.accuracy.consistent", "Every high-resource language answers some ARC questions rightly", SENTENCE,
        accuracy("zh", "ru", "es"), +1, rule=Rule.POOLED_SIGN, inventory="miniature", expected=State.PASS,
    ),
)  # fmt: skip

WORDS = (
    untestable(
        "mini.reading", "The miniature world understands what it reads", SENTENCE, inventory="miniature",
        expected=State.NOT_TESTABLE,
    ),
    arithmetic(
        "mini.printings", "The gap at layer 6 is printed alike with two decimals and with none", SENTENCE,
        TwoPrintings(printed=((RUN, Printed("15.27")), (RUN, Printed("15")))), inventory="miniature",
        expected=Finding.CONSISTENT,
    ),
    arithmetic(
        "mini.granularity", "An accuracy of 32.5 percent can stand on 438 questions", SENTENCE,
        Granularity(printed=Printed("32.5"), is_change=False, item_counts=((438, "an invented test"),)),
        inventory="miniature", expected=Finding.CANNOT_OCCUR,
        beside="Wrong on purpose: 142 are 32.4 percent, 143 are 32.6.",
    ),
)  # fmt: skip

CLAIMS = (*VALUES, *PLACES, *WORDS)
