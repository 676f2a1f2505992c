"""Everything that the paper claims, in the order of its inventory; nothing here was measured."""

from claims.bilingual import CHANGES, DEPTHS_READ, LOSSES, SHARES, TRENDS, Readings
from claims.inaba2025 import sources
from claims.inaba2025.sources import ABSTRACT, COMPUTED, FIRST, SAMPLE, STRUCTURED
from claims.inaba2025.study import MODEL, SIZES, STUDY
from harness.words.claim import Claim, Minima, Printed, SourceTier, Target, Tier, Unit
from harness.words.claim_forms import Basis, order, sign, untestable, value
from harness.words.emergence import FINAL

READINGS = Readings(
    study=STUDY, model=MODEL, supported_by=(ABSTRACT,), parts_supported_by=(ABSTRACT, STRUCTURED)
)
EARLY, MID = STUDY.early, STUDY.mid
LAYER = 11
"""The half depth of the 1.8b model, which the authors count as layer 12."""

SAMPLED = Basis(unit=Unit.POINTS, minima=Minima(units=100))

UNINTERPRETABLE = (
    "Early bilingual latents are mostly uninterpretable in the authors' own sample (61 of 67), so that a share that falls at first and "
    "rises later may speak of noise: see the share by activity, and that of the untrained model."
)
EXPANSION = "At one number of latents the expansion falls as models grow (64 to 10.7 times), so that this is no effect of size alone."


def counted(number: str, reading: str = "primary") -> tuple[Target, ...]:
    """A number that the authors' sample gives: ours, and said to be."""
    return (
        Target(
            printed=Printed(number),
            stands_for=COMPUTED,
            source=SAMPLE,
            tier=SourceTier.AUTHORS,
            reading=reading,
            half_width=0.0,
        ),
    )


OF_A_SAMPLE = (
    "about twice the standard error of a share of 100 latents, which is all that the authors released"
)

# Apart first, together afterwards (I01 to I03).

ORDER = (
    sign(
        "apart.first", "From early to mid training latents of one language gain, and bilingual ones lose", sources.APART,
        READINGS.changes(EARLY, MID), -1, inventory="I01", conflicts="L1 L6 L8", tier=Tier.PRIMARY, basis=CHANGES, beside=UNINTERPRETABLE,
    ),
    sign(
        "together.later", "From mid to late training bilingual latents gain", sources.ALIGNED,
        READINGS.changes(MID, FINAL), +1, inventory="I02", conflicts="L1 L6 L8", tier=Tier.PRIMARY, basis=CHANGES, beside=UNINTERPRETABLE,
    ),
    value(
        "together.later.sample", "From mid to late training the bilingual share of the 1.8b model grows by 19 points at half depth",
        sources.sample("25 of 100 latents are bilingual at the end, 6 of 100 at step 10,000"),
        READINGS.read(
            "of the labelled latents, at half depth",
            (f"share-change/model={MODEL}/from={MID}/to={FINAL}/layer={LAYER}/primary/primary",), by=(SAMPLE,),
        ),
        counted("19"), margin=10.0, because=OF_A_SAMPLE, null=0.0, inventory="I02", conflicts="L1 L2 L6", basis=CHANGES,
    ),
    value(
        "final.share.sample", "In the finished 1.8b model 25 percent of the latents at half depth are bilingual",
        sources.sample("25 of 100 latents are bilingual at the end"),
        READINGS.read(
            "of the labelled latents",
            (f"class-share/model={MODEL}/step={FINAL}/class=bilingual/layer={LAYER}/primary/primary",), by=(SAMPLE,),
        ),
        counted("25"), margin=9.0, because=OF_A_SAMPLE, inventory="I02", conflicts="L1 L2", basis=SHARES,
    ),
    sign(
        "order", "Bilingual latents gain more from mid to late than from early to mid training", sources.ALIGNED,
        READINGS.lateness(), +1, inventory="I03", conflicts="L1 L6 L8", tier=Tier.PRIMARY, basis=CHANGES, beside=UNINTERPRETABLE,
    ),
)  # fmt: skip

# Where, and in which models (I04, I05).

PLACE = (
    *(
        order(
            f"middle.{size.name}", f"In the finished {size.name} model the bilingual share is largest in the middle third of the layers",
            sources.MIDDLE, READINGS.profile(size, STUDY.layers(size)), largest=READINGS.profile(size, STUDY.middle_third(size)),
            inventory="I04", conflicts="L2 L7 L8", tier=Tier.PRIMARY, basis=SHARES,
            beside=DEPTHS_READ,
        )
        for size in SIZES
    ),
    sign(
        "size", "The bilingual share of the finished model grows with every step in size", sources.LARGER,
        READINGS.trends(), +1, inventory="I05", conflicts="L5 L8", tier=Tier.PRIMARY, basis=TRENDS, beside=EXPANSION,
        part_by_summary="the list of sizes",
    ),
)  # fmt: skip

# What the bilingual part of the finished model does for an earlier one (I06, I07).

UNKNOWN_MODEL = "Which model, layer, step and measure were taken is not known; here it is the 1.8b model at half depth, and nats per token."

PARTS = (
    sign(
        "part.helps", "The bilingual part of the finished model lowers the loss of one in the midst of its training", sources.INTEGRATED,
        READINGS.gains(), +1,
        inventory="I06", conflicts="L1 L6", tier=Tier.PRIMARY, basis=LOSSES, beside=UNKNOWN_MODEL,
    ),
    sign(
        "part.beyond", "The bilingual part lowers it more than either part of one language", sources.BEYOND,
        READINGS.leads(), +1,
        inventory="I07", conflicts="L1 L6", basis=LOSSES, beside=UNKNOWN_MODEL,
    ),
)  # fmt: skip

# The first version alone (I08, I09), the instrument (I10), and the limits (I11).

REST = (
    sign(
        "concepts.later", "From early to late training more latents stand for concepts", sources.TOKENS_FIRST,
        READINGS.read(
            "synonyms or meanings, of the authors' own labels of 100 latents a step",
            (f"demonstrated-change/from={EARLY}/to={FINAL}/class=concept-level/primary/primary",), by=(FIRST,),
        ),
        +1, inventory="I08", conflicts="L1", basis=SAMPLED,
        beside="Judged on the authors' labels: nobody here labels latents by hand, and no measure by machine is a source's.",
    ),
    untestable(
        "wider.lower", "More latents, and more of them at a token, lower the error of a dictionary", sources.WIDER,
        inventory="I09", conflicts="L1 L3",
        beside="It is a truth of any such dictionary that is trained well, and the numbers compared are not known; one width and one k are trained here.",
    ),
    untestable(
        "parts.sum", "English, Japanese and bilingual parts make up the stream", sources.PARTS, inventory="I10",
        beside="An identity, which planted tests hold, within a millionth: with latents of no class and the bias they sum to what a dictionary rebuilds.",
    ),
    untestable("other.pairs", "Other pairs of languages may differ", sources.PAIR, inventory="I11"),
)  # fmt: skip

CLAIMS: tuple[Claim, ...] = (*ORDER, *PLACE, *PARTS, *REST)
