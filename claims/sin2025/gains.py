"""Activation gains of the tuned languages (C08 to C11).

What "gain" is relative to stands nowhere (K4). One reading is supported: change relative to before. The share of the gap
that was closed is a specification of ours, not a reading. Indonesian and Catalan are never mentioned after fine-tuning (K11).
"""

from claims.sin2025 import sources
from claims.sin2025.estimate_names import NAMES, gain
from harness.words.claim import (
    Claim,
    Kind,
    Minima,
    Pilot,
    Printed,
    Reading,
    Rule,
    Sentence,
    Target,
    Tier,
    Unit,
)

CONFLICTS = ("K4", "K9", "K11")
TRAINED = Minima(units=100, seeds=3)
SPREAD = Pilot(
    unit_sd=60.0,
    seed_sd=1.2,
    because="60 between latents and 1.2 between seeds, in percent, are assumed: no adapter of the real model has been "
    "trained yet",
)
MARATHI = sources.summary(sources.STRUCTURED, "activation of Marathi rises by 75.49 percent", "quick facts")
PRINTED = (
    ("ml", "87.69", "C08", sources.GAINS, "apart from that of Marathi (69.5 to 81.5)"),
    (
        "hi",
        "86.32",
        "C09",
        sources.GAINS,
        "wide enough to hold Malayalam as well, which the paper does not rank",
    ),
    ("mr", "75.49", "C10", MARATHI, "apart from that of Malayalam (81.7 to 93.7)"),
)
"""Language, printed gain, statement, sentence, and what the margin does to the band."""


def reading(language: str) -> tuple[Reading, ...]:
    """The only reading that a source supports."""
    return (
        Reading(
            name="relative",
            says="change relative to before, on phrases that no adapter saw",
            supported_by=(sources.NEWS,),
            estimates=(gain(language),),
        ),
    )


def value(language: str, printed: str, statement: str, sentence: Sentence, band: str) -> Claim:
    """The size of one language's gain."""
    return Claim(
        id=f"gain.{language}.value",
        says=f"{NAMES[language]} activations gain {printed} percent",
        inventory=(statement,),
        conflicts=CONFLICTS,
        sentence=sentence,
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=Tier.PRIMARY,
        unit=Unit.PERCENT,
        readings=reading(language),
        targets=(
            Target(printed=Printed(printed), source=sentence.source, tier=sentence.tier, reading="relative"),
        ),
        margin=6.0,
        margin_because=f"about 7 percent of the number, and a band {band}",
        null=0.0,
        minima=TRAINED,
        pilot=SPREAD,
        beside="The layer of the gain stands nowhere; it is measured at layer 20.",
    )


def direction(language: str, statement: str, sentence: Sentence) -> Claim:
    """Whether one language gains at all."""
    return Claim(
        id=f"gain.{language}.direction",
        says=f"{NAMES[language]} activations rise",
        inventory=(statement,),
        conflicts=CONFLICTS,
        sentence=sentence,
        kind=Kind.DIRECTION,
        rule=Rule.SIGN,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=reading(language),
        sign=1,
        minima=TRAINED,
        pilot=SPREAD,
    )


UNPRINTED = Claim(
    id="gain.unprinted",
    says="Indonesian and Catalan gains are not printed",
    inventory=("C11",),
    conflicts=("K11",),
    sentence=sources.summary(
        sources.STRUCTURED,
        "gains are named for Malayalam, Hindi and Marathi; no source names Indonesian or Catalan",
    ),
    kind=Kind.QUALITATIVE,
    rule=Rule.NONE,
    tier=Tier.EXPLORATORY,
    unit=Unit.NONE,
    beside="Without a printed number, or a word that they were tuned at all, there is nothing to compare with.",
)

CLAIMS = (
    *(value(*row) for row in PRINTED),
    *(direction(language, statement, sentence) for language, _, statement, sentence, _ in PRINTED),
    UNPRINTED,
)
