"""The gap between languages in the untouched model: how large, where, and whether everywhere (C01 to C04).

Two sources disagree on what the gap is relative to (K1), so every claim on it has two readings, and the same printed
number is its target under both.
"""

from collections.abc import Callable, Sequence

from claims.sin2025 import sources
from claims.sin2025.estimate_names import DEEP, EARLY, LAYERS, LOW_RESOURCE, gap, language_gap
from harness.words.claim import (
    Claim,
    Kind,
    Minima,
    Pilot,
    Printed,
    Reading,
    Rule,
    SourceTier,
    Target,
    Tier,
    Unit,
)

SIDES = (
    ("high", sources.HIGH, (sources.NEWS, sources.STRUCTURED)),
    ("english", sources.ENGLISH, (sources.FEED,)),
)
"""Reading's name in the estimates, what it says, who reads it so; the primary one first."""

LATENTS = Minima(units=100)
SPREAD = Pilot(
    unit_sd=30.0,
    because="30 between latents, in percent, is assumed: no activations of the real model have been seen yet",
)


def readings(estimates: Callable[[str], Sequence[str]]) -> tuple[Reading, ...]:
    """The same estimates under both readings."""
    return tuple(
        Reading(
            name=name,
            says=f"relative to {says}",
            supported_by=supported_by,
            estimates=tuple(estimates(name)),
        )
        for name, says, supported_by in SIDES
    )


def targets(printed: str) -> tuple[Target, ...]:
    """One printed number, under both readings."""
    return tuple(
        Target(printed=Printed(printed), source=sources.ABSTRACT, tier=SourceTier.ABSTRACT, reading=name)
        for name, *_ in SIDES
    )


LAYER_6_REASON = (
    "about a tenth of the number, and a band (23.8 to 28.8) apart from that of layer 25, which the paper prints as another "
    "number"
)
LAYER_25_REASON = (
    "about a tenth of the number, and a band (17.9 to 21.9) apart from that of layer 6, which the paper prints as another "
    "number"
)
MAXIMUM_REASON = "that of the value at layer 6: a maximum is the same quantity, sought over layers"

CLAIMS = (
    Claim(
        id="gap.l6.value",
        says="At layer 6 the gap of low-resource languages is 26.27 percent",
        inventory=("C01",),
        conflicts=("K1", "K2", "K10"),
        sentence=sources.EARLY_GAP,
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=Tier.PRIMARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(6, side)]),
        targets=targets("26.27"),
        margin=2.5,
        margin_because=LAYER_6_REASON,
        null=0.0,
        minima=LATENTS,
        pilot=SPREAD,
        beside="The layer stands in one summary only; the abstract says early layers.",
    ),
    Claim(
        id="gap.max.bound",
        says="In no layer is the gap of low-resource languages larger than 26.27 percent",
        inventory=("C01",),
        conflicts=("K1", "K2"),
        sentence=sources.EARLY_GAP,
        kind=Kind.BOUND,
        rule=Rule.MAXIMUM_AT_MOST,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(layer, side) for layer in LAYERS]),
        targets=targets("26.27"),
        margin=2.5,
        margin_because=MAXIMUM_REASON,
        minima=LATENTS,
        pilot=SPREAD,
    ),
    Claim(
        id="gap.max.attained",
        says="In some layer the gap of low-resource languages reaches 26.27 percent",
        inventory=("C01",),
        conflicts=("K1", "K2"),
        sentence=sources.EARLY_GAP,
        kind=Kind.ATTAINED,
        rule=Rule.MAXIMUM_AT_LEAST,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(layer, side) for layer in LAYERS]),
        targets=targets("26.27"),
        margin=2.5,
        margin_because=MAXIMUM_REASON,
        null=0.0,
        minima=LATENTS,
        pilot=SPREAD,
    ),
    Claim(
        id="gap.argmax",
        says="The gap of low-resource languages is largest at layer 6",
        inventory=("C01", "C03"),
        conflicts=("K1", "K2"),
        sentence=sources.summary(sources.STRUCTURED, "the largest gap lies at layer 6", "quick facts"),
        kind=Kind.ARGMAX,
        rule=Rule.LARGEST_AT,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(layer, side) for layer in LAYERS]),
        named=tuple(gap(6, side) for side, *_ in SIDES),
        minima=LATENTS,
    ),
    Claim(
        id="gap.argmax.region",
        says="The gap of low-resource languages is largest in an early layer",
        inventory=("C01", "C03"),
        conflicts=("K1", "K2"),
        sentence=sources.EARLY_GAP,
        kind=Kind.REGION,
        rule=Rule.LARGEST_WITHIN,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(layer, side) for layer in LAYERS]),
        named=tuple(gap(layer, side) for side, *_ in SIDES for layer in EARLY),
        minima=LATENTS,
        beside="Early is taken as the first third of the layers, 0 to 8; the abstract draws no line.",
    ),
    Claim(
        id="gap.early-over-deep",
        says="The gap of low-resource languages is larger at layer 6 than at layer 25",
        inventory=("C03",),
        conflicts=("K1", "K2"),
        sentence=sources.summary(
            sources.NEWS, "the gap is largest early, and smaller but still there in deep layers"
        ),
        kind=Kind.ARGMAX,
        rule=Rule.LARGEST_AT,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(6, side), gap(25, side)]),
        named=tuple(gap(6, side) for side, *_ in SIDES),
        minima=LATENTS,
    ),
    Claim(
        id="gap.l25.value",
        says="At layer 25 the gap of low-resource languages is 19.89 percent",
        inventory=("C02",),
        conflicts=("K1", "K2", "K10"),
        sentence=sources.DEEP_GAP,
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=Tier.PRIMARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(25, side)]),
        targets=targets("19.89"),
        margin=2.0,
        margin_because=LAYER_25_REASON,
        null=0.0,
        minima=LATENTS,
        pilot=SPREAD,
        beside="One summary pins it to layer 25, the last when counted from 0; the abstract says deeper layers, which may "
        "also mean a floor or a mean over them.",
    ),
    Claim(
        id="gap.deep.direction",
        says="In every deep layer low-resource languages have lower activations",
        inventory=("C02", "C03"),
        conflicts=("K1", "K2"),
        sentence=sources.DEEP_GAP,
        kind=Kind.DIRECTION,
        rule=Rule.EVERY_SIGN,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(lambda side: [gap(layer, side) for layer in DEEP]),
        sign=1,
        minima=LATENTS,
        beside="Deep is taken as the last third of the layers, 17 to 25; the abstract draws no line.",
    ),
    Claim(
        id="gap.systematic.direction",
        says="Every low-resource language has lower activations in every layer",
        inventory=("C04",),
        conflicts=("K1", "K10"),
        sentence=sources.SYSTEMATIC,
        kind=Kind.DIRECTION,
        rule=Rule.EVERY_SIGN,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=readings(
            lambda side: [
                language_gap(layer, language, side) for layer in LAYERS for language in LOW_RESOURCE
            ]
        ),
        sign=1,
        minima=LATENTS,
        beside="No source prints a gap of a single language; 130 of them must all be shown, so one flat layer suffices to "
        "leave this open.",
    ),
)
