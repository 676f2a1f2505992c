"""Everything that the paper claims, in the order of its inventory; nothing here was measured."""

from itertools import pairwise

from claims.inaba2025 import sources
from claims.inaba2025.sources import ABSTRACT, COMPUTED, FIRST, SAMPLE, STRUCTURED
from claims.inaba2025.study import LANGUAGES, SIZES, STUDY
from harness.words.claim import Claim, Minima, Printed, Reading, SourceTier, Target, Tier, Unit
from harness.words.claim_forms import Basis, order, sign, untestable, value
from harness.words.emergence import FINAL, ModelSize

EARLY, MID = STUDY.early, STUDY.mid
CODES = tuple(language.code for language in LANGUAGES)
MODEL = "1.8b"
"""The size whose dictionaries the authors released."""
LAYER = 11
"""Its half depth, which the authors count as layer 12."""

CHANGES = Basis(unit=Unit.POINTS, minima=Minima(units=100, seeds=3))
"""Shares of two dictionaries: the seed of their training sets the error, so one each is too few."""
SHARES = Basis(unit=Unit.PERCENT, minima=Minima(units=100))
TRENDS = Basis(unit=Unit.POINTS, minima=Minima(units=100))
LOSSES = Basis(unit=Unit.NATS, minima=Minima(units=100))
SAMPLED = Basis(unit=Unit.POINTS, minima=Minima(units=100))

UNINTERPRETABLE = (
    "Early bilingual latents are mostly uninterpretable in the authors' own sample (61 of 67), so that a share that falls at first and "
    "rises later may speak of noise: see the share by activity, and that of the untrained model."
)
EXPANSION = "At one number of latents the expansion falls as models grow (64 to 10.7 times), so that this is no effect of size alone."


def _read(says: str, *estimates: str, by: str = ABSTRACT) -> tuple[Reading]:
    return (Reading(name="primary", says=says, supported_by=(by,), estimates=estimates),)


def changes(before: str, after: str) -> tuple[Reading]:
    """The change of the bilingual share at half depth, in every size."""
    estimates = (
        f"share-change/model={size.name}/from={before}/to={after}/layer={STUDY.middle(size)}/primary/primary"
        for size in SIZES
    )
    return _read("of the labelled latents, at half depth", *estimates)


def profile(size: ModelSize, layers: tuple[int, ...]) -> tuple[Reading]:
    """The bilingual share of the finished model in some layers."""
    estimates = (
        f"class-share/model={size.name}/step={FINAL}/class=bilingual/layer={layer}/primary/primary"
        for layer in layers
    )
    return _read("of the labelled latents", *estimates)


def integrations(quantity: str, part: str) -> tuple[Reading, ...]:
    """What a part brings, on text of either language, under every meaning that the sentence leaves open."""
    says = {
        "swap": "the part of the finished model in place of the same part of the other",
        "add": "the part beside what is there",
        "replace": "the part in place of all that latents write",
    }
    return tuple(
        Reading(
            name=reading.value,
            says=says[reading.value],
            supported_by=(ABSTRACT, STRUCTURED),
            estimates=tuple(
                f"{quantity}/model={MODEL}/{one}/layer={LAYER}/lang={code}/{reading.value}/primary"
                for code in CODES
                for one in part.split()
            ),
        )
        for reading in STUDY.primary.integration
    )


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
        changes(EARLY, MID), -1, inventory="I01", conflicts="L1 L6 L8", tier=Tier.PRIMARY, basis=CHANGES, beside=UNINTERPRETABLE,
    ),
    sign(
        "together.later", "From mid to late training bilingual latents gain", sources.ALIGNED,
        changes(MID, FINAL), +1, inventory="I02", conflicts="L1 L6 L8", tier=Tier.PRIMARY, basis=CHANGES, beside=UNINTERPRETABLE,
    ),
    value(
        "together.later.sample", "From mid to late training the bilingual share of the 1.8b model grows by 19 points at half depth",
        sources.sample("25 of 100 latents are bilingual at the end, 6 of 100 at step 10,000"),
        _read("of the labelled latents, at half depth",
              f"share-change/model={MODEL}/from={MID}/to={FINAL}/layer={LAYER}/primary/primary", by=SAMPLE),
        counted("19"), margin=10.0, because=OF_A_SAMPLE, null=0.0, inventory="I02", conflicts="L1 L2 L6", basis=CHANGES,
    ),
    value(
        "final.share.sample", "In the finished 1.8b model 25 percent of the latents at half depth are bilingual",
        sources.sample("25 of 100 latents are bilingual at the end"),
        _read("of the labelled latents",
              f"class-share/model={MODEL}/step={FINAL}/class=bilingual/layer={LAYER}/primary/primary", by=SAMPLE),
        counted("25"), margin=9.0, because=OF_A_SAMPLE, inventory="I02", conflicts="L1 L2", basis=SHARES,
    ),
    sign(
        "order", "Bilingual latents gain more from mid to late than from early to mid training", sources.ALIGNED,
        _read("twice the share at mid training below those before and after",
              *(f"lateness/model={size.name}/layer={STUDY.middle(size)}/primary/primary" for size in SIZES)),
        +1, inventory="I03", conflicts="L1 L6 L8", tier=Tier.PRIMARY, basis=CHANGES, beside=UNINTERPRETABLE,
    ),
)  # fmt: skip

# Where, and in which models (I04, I05).

PLACE = (
    *(
        order(
            f"middle.{size.name}", f"In the finished {size.name} model the bilingual share is largest in the middle third of the layers",
            sources.MIDDLE, profile(size, STUDY.layers(size)), largest=profile(size, STUDY.middle_third(size)),
            inventory="I04", conflicts="L2 L7 L8", tier=Tier.PRIMARY, basis=SHARES,
            beside="Layers at relative depth 0, 1/4, 1/2, 3/4 and 1 are read; those of them in the middle third are named.",
        )
        for size in SIZES
    ),
    sign(
        "size", "The bilingual share of the finished model grows with every step in size", sources.LARGER,
        _read("mean over the layers read, of the labelled latents",
              *(f"size-trend/step={FINAL}/from={smaller.name}/to={larger.name}/primary/primary"
                for smaller, larger in pairwise(SIZES))),
        +1, inventory="I05", conflicts="L5 L8", tier=Tier.PRIMARY, basis=TRENDS, beside=EXPANSION,
        part_by_summary="the list of sizes",
    ),
)  # fmt: skip

# What the bilingual part of the finished model does for an earlier one (I06, I07).

UNKNOWN_MODEL = "Which model, layer, step and measure were taken is not known; here it is the 1.8b model at half depth, and nats per token."

PARTS = (
    sign(
        "part.helps", "The bilingual part of the finished model lowers the loss of one in the midst of its training", sources.INTEGRATED,
        integrations("integration-gain", "part=bilingual"), +1,
        inventory="I06", conflicts="L1 L6", tier=Tier.PRIMARY, basis=LOSSES, beside=UNKNOWN_MODEL,
    ),
    sign(
        "part.beyond", "The bilingual part lowers it more than either part of one language", sources.BEYOND,
        integrations("integration-lead", " ".join(f"over={code}" for code in CODES)), +1,
        inventory="I07", conflicts="L1 L6", basis=LOSSES, beside=UNKNOWN_MODEL,
    ),
)  # fmt: skip

# The first version alone (I08, I09), the instrument (I10), and the limits (I11).

REST = (
    sign(
        "concepts.later", "From early to late training more latents stand for concepts", sources.TOKENS_FIRST,
        _read("synonyms or meanings, of the authors' own labels of 100 latents a step",
              f"demonstrated-change/from={EARLY}/to={FINAL}/class=concept-level/primary/primary", by=FIRST),
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
        beside="An identity, which a self-check holds: with latents of no class and the bias they sum to what a dictionary rebuilds.",
    ),
    untestable("other.pairs", "Other pairs of languages may differ", sources.PAIR, inventory="I11"),
)  # fmt: skip

CLAIMS: tuple[Claim, ...] = (*ORDER, *PLACE, *PARTS, *REST)
