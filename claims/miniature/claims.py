"""Claims that check the judge: targets come from an independent run of the same world, and every state has its claim.

The independent run (`fixtures/independent_run`) draws other latents, holds out other texts and trains under other
seeds. Its phrases come from the same small pool, so the two runs are more alike than two laboratories would be; the
margins are wide because eighty latents are few. A claim whose target is wrong on purpose says so.
"""

from dataclasses import replace

from harness.words.claim import (
    Claim,
    InferenceTarget,
    Kind,
    Minima,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    Target,
    Tier,
    TwoPrintings,
    Unit,
)
from harness.words.verdict import State

LAYERS = (0, 3, 6, 9, 12, 15, 19, 22, 25)
"""A third of the layers: enough to show what many members do to a limit, and three times as quick to resample."""

RUN = "independent run of the miniature world"
SENTENCE = Sentence(
    source=RUN, tier=SourceTier.PAPER, where="fixtures/independent_run", sense="What that run measured."
)

GAP_MARGIN = "about three standard errors of eighty latents: the judge must accept what is the same world"
ON_PURPOSE = "wrong on purpose: the judge must see it"


def gap(layer: int, reading: str = "high") -> str:
    """Id of the group gap of one layer."""
    return f"gap/layer={layer}/{reading}/primary"


def target(printed: str, reading: str = "primary") -> Target:
    """A number of the independent run as this table prints it."""
    return Target(printed=Printed(printed), source=RUN, tier=SourceTier.PAPER, reading=reading)


def reading(*estimates: str, name: str = "primary", says: str = "as measured") -> Reading:
    """What a claim here means; nothing is left open in a world of our own."""
    return Reading(name=name, says=says, supported_by=(RUN,), estimates=estimates)


BLANK = Claim(
    id="",
    says="",
    inventory=("miniature",),
    sentence=SENTENCE,
    kind=Kind.VALUE,
    rule=Rule.WITHIN_MARGIN,
    tier=Tier.SECONDARY,
    unit=Unit.PERCENT,
)
"""What all claims of this study share."""

VALUES = (
    replace(
        BLANK,
        id="mini.gap.l6.value",
        says="The gap at layer 6 is that of the independent run",
        readings=(reading(gap(6)),),
        targets=(target("15.06"),),
        margin=15.0,
        margin_because=GAP_MARGIN,
        null=0.0,
        minima=Minima(units=60),
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.gap.l25.value",
        says="The gap at layer 25 is that of the independent run",
        readings=(reading(gap(25)),),
        targets=(target("23.39"),),
        margin=15.0,
        margin_because=GAP_MARGIN,
        null=0.0,
        minima=Minima(units=60),
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.gap.l6.sharp",
        says="The gap at layer 6 is within one point of the independent run",
        readings=(reading(gap(6)),),
        targets=(target("15.06"),),
        margin=1.0,
        margin_because="far below the error of eighty latents: a hit this close must not pass",
        null=0.0,
        expected=State.INCONCLUSIVE,
    ),
    replace(
        BLANK,
        id="mini.gap.l6.mirrored",
        says="The gap at layer 6 has the opposite sign",
        readings=(reading(gap(6)),),
        targets=(target("-15.06"),),
        margin=5.0,
        margin_because=ON_PURPOSE,
        null=0.0,
        expected=State.DEVIATION,
    ),
    replace(
        BLANK,
        id="mini.gap.l6.reference",
        says="The gap at layer 6 is 58.28, whatever it is measured against",
        readings=(
            reading(gap(6, "english"), name="english", says="below English"),
            reading(gap(6), name="high", says="below the high-resource languages"),
        ),
        targets=(target("58.28", "english"), target("58.28", "high")),
        margin=15.0,
        margin_because=GAP_MARGIN,
        null=0.0,
        expected=State.CONTESTED,
    ),
    replace(
        BLANK,
        id="mini.gain.ml.value",
        says="The Malayalam gain is that of the independent run",
        readings=(reading("gain/layer=20/lang=ml/primary/primary"),),
        targets=(target("-0.04"),),
        margin=4.0,
        margin_because="about three standard errors of seventy latents and three seeds",
        null=0.0,
        minima=Minima(units=60, seeds=3),
        # Inside the band, but a few latents decide it: their tail is heavier than any interval can bear.
        expected=State.INCONCLUSIVE,
    ),
    replace(
        BLANK,
        id="mini.gain.id.value",
        says="The Indonesian gain is nothing, and was never measured",
        readings=(reading("gain/layer=20/lang=id/primary/primary"),),
        targets=(target("0.00"),),
        margin=1.0,
        margin_because=ON_PURPOSE,
        expected=State.NOT_RUN,
    ),
    replace(
        BLANK,
        id="mini.retention.value",
        says="English retention is that of the independent run",
        readings=(reading("retention/layer=20/lang=en/activation/primary"),),
        targets=(target("99.92"),),
        margin=0.5,
        margin_because="a tenth of the drift that would worry anybody, and ten standard errors",
        null=100.0,
        minima=Minima(units=60, seeds=3),
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.accuracy.zh.arc",
        says="Chinese ARC accuracy is that of the independent run",
        readings=(reading("accuracy/lang=zh/bench=arc/primary/primary"),),
        targets=(target("75.00"),),
        margin=30.0,
        margin_because="three standard errors of twenty questions",
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.delta.ml.arc.fixed",
        says="Malayalam ARC accuracy moves as in the independent run, on these very questions",
        unit=Unit.POINTS,
        readings=(reading("delta/lang=ml/bench=arc/primary/primary"),),
        targets=(target("0.00"),),
        margin=5.0,
        margin_because="one question of twenty",
        null=0.0,
        inference=InferenceTarget.FIXED_ITEMS,
        minima=Minima(seeds=3),
        expected=State.INCONCLUSIVE,
        beside="Twenty steps of training flip no answer here, so all seeds agree and their spread is unknown.",
    ),
)

PLACES = (
    replace(
        BLANK,
        id="mini.gap.max.bound",
        says="None of nine layers has a gap above the largest of the independent run",
        kind=Kind.BOUND,
        rule=Rule.MAXIMUM_AT_MOST,
        readings=(reading(*map(gap, LAYERS)),),
        targets=(target("24.89"),),
        margin=35.0,
        margin_because="eight standard errors: limits for nine skewed layers at once are that wide",
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.gap.max.attained",
        says="Some of nine layers reaches a fifth of the largest gap of the independent run",
        kind=Kind.ATTAINED,
        rule=Rule.MAXIMUM_AT_LEAST,
        readings=(reading(*map(gap, LAYERS)),),
        targets=(target("24.89"),),
        margin=20.0,
        margin_because="four fifths of it: lower limits of nine layers at once lie that low",
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.gap.argmax",
        says="The largest gap of nine layers stands at layer 19, as in the independent run",
        kind=Kind.ARGMAX,
        rule=Rule.LARGEST_AT,
        readings=(reading(*map(gap, LAYERS)),),
        named=(gap(19),),
        expected=State.INCONCLUSIVE,
    ),
    replace(
        BLANK,
        id="mini.gap.region",
        says="The largest gap of nine layers stands behind the first layer",
        kind=Kind.REGION,
        rule=Rule.LARGEST_WITHIN,
        readings=(reading(*map(gap, LAYERS)),),
        named=tuple(map(gap, LAYERS[1:])),
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.gap.direction",
        says="The gap is positive at layers 6, 19 and 25",
        kind=Kind.DIRECTION,
        rule=Rule.EVERY_SIGN,
        readings=(reading(gap(6), gap(19), gap(25)),),
        sign=1,
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.gap.ml.direction",
        says="Malayalam lies above the high-resource languages at layer 6",
        kind=Kind.DIRECTION,
        rule=Rule.SIGN,
        readings=(reading("gap/layer=6/lang=ml/high/primary"),),
        sign=-1,
        expected=State.DEVIATION,
        beside="Wrong on purpose: Malayalam lies far below.",
    ),
    replace(
        BLANK,
        id="mini.retention.floor",
        says="English retention is at least 99.99",
        kind=Kind.FLOOR,
        rule=Rule.AT_LEAST,
        readings=(reading("retention/layer=20/lang=en/activation/primary"),),
        targets=(target("99.99"),),
        expected=State.DEVIATION,
        beside="Wrong on purpose: training costs English a little, and the judge must see how little.",
    ),
    replace(
        BLANK,
        id="mini.similarity.ml",
        says="Malayalam texts resemble their English phrases at layer 20",
        kind=Kind.DIRECTION,
        rule=Rule.SIGN,
        unit=Unit.COSINE,
        readings=(reading("similarity/layer=20/lang=ml/centred/primary"),),
        sign=1,
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.correlation.arc",
        says="ARC accuracy falls as the gap grows",
        kind=Kind.CORRELATION,
        rule=Rule.CORRELATION_SIGN,
        unit=Unit.CORRELATION,
        readings=(reading("correlation/bench=arc/primary/primary"),),
        sign=-1,
        minima=Minima(units=8),
        expected=State.INCONCLUSIVE,
    ),
    replace(
        BLANK,
        id="mini.accuracy.modest",
        says="Low-resource accuracy stays below 60 percent on average",
        kind=Kind.BOUND,
        rule=Rule.POOLED_AT_MOST,
        readings=(
            reading(*(f"accuracy/lang={code}/bench=arc/primary/primary" for code in ("ml", "mr", "hi"))),
        ),
        targets=(target("60"),),
        expected=State.PASS,
    ),
    replace(
        BLANK,
        id="mini.accuracy.consistent",
        says="Every high-resource language answers some ARC questions rightly",
        kind=Kind.CONSISTENCY,
        rule=Rule.POOLED_SIGN,
        readings=(
            reading(*(f"accuracy/lang={code}/bench=arc/primary/primary" for code in ("zh", "ru", "es"))),
        ),
        sign=1,
        expected=State.PASS,
    ),
)

WORDS = (
    replace(
        BLANK,
        id="mini.reading",
        says="The miniature world understands what it reads",
        kind=Kind.QUALITATIVE,
        rule=Rule.NONE,
        unit=Unit.NONE,
        expected=State.NOT_TESTABLE,
    ),
    replace(
        BLANK,
        id="mini.printings",
        says="The gap at layer 6 is printed alike with two decimals and with none",
        kind=Kind.ARITHMETIC,
        rule=Rule.TWO_PRINTINGS,
        arithmetic=TwoPrintings(printed=(("claims", Printed("15.06")), ("rounded", Printed("15")))),
        expected=State.PASS,
    ),
)

CLAIMS = (*VALUES, *PLACES, *WORDS)
