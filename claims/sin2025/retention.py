"""What is left of English (C12, C20): its activations, or its accuracy, as sources differ on which is meant (K5)."""

from claims.sin2025 import sources
from claims.sin2025.estimate_names import BENCHMARKS, GAIN_LAYER, NAMES, TUNED, english_delta
from harness.words.claim import (
    Claim,
    InferenceTarget,
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

ACTIVATION = Reading(
    name="activation",
    says="mean English activation after, in percent of before, over the adapters",
    supported_by=(sources.ABSTRACT, sources.STRUCTURED),
    estimates=(f"retention/layer={GAIN_LAYER}/lang=en/activation/primary",),
)
ACCURACY = Reading(
    name="accuracy",
    says="English accuracy after, in percent of before, over the adapters and benchmarks",
    supported_by=(sources.FEED, sources.NEWS),
    estimates=("retention/lang=en/accuracy/primary",),
)
SPREAD = Pilot(
    unit_sd=20.0,
    seed_sd=1.0,
    because="20 between latents and 1 between seeds, in percent, are assumed: no adapter of the real model has been "
    "trained yet",
)
STABLE = sources.summary(sources.NEWS, "English performance stays stable")

RETENTION = (
    Claim(
        id="retention.en.value",
        says="English retention is about 91 percent",
        inventory=("C12",),
        conflicts=("K5", "K9"),
        sentence=sources.RETENTION,
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=Tier.PRIMARY,
        unit=Unit.PERCENT,
        readings=(ACTIVATION, ACCURACY),
        targets=tuple(
            Target(
                printed=Printed("approximately 91 percent"),
                source=sources.ABSTRACT,
                tier=SourceTier.ABSTRACT,
                reading=reading.name,
            )
            for reading in (ACTIVATION, ACCURACY)
        ),
        margin=2.0,
        margin_because="with the rounding of about 91 the band is 88 to 94; a tenth of the number would accept 82 to 100, "
        "and so a model that forgets nothing",
        null=100.0,
        minima=Minima(units=100, seeds=3),
        pilot=SPREAD,
        beside="The training objective pulls English and the tuned language towards each other; it does not force either to "
        "rise. Weight of the retention term: 1, never tuned to reach 91.",
    ),
    Claim(
        id="retention.en.floor",
        says="English retention in accuracy does not fall below 90 percent",
        inventory=("C12", "C20"),
        conflicts=("K5",),
        sentence=sources.summary(
            sources.STRUCTURED,
            "English performance below 90 percent retention would count as a failure",
            "failure modes",
        ),
        kind=Kind.FLOOR,
        rule=Rule.AT_LEAST,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=(ACCURACY,),
        targets=(
            Target(
                printed=Printed("90"),
                source=sources.STRUCTURED,
                tier=SourceTier.SUMMARY,
                reading="accuracy",
                half_width=0.0,
            ),
        ),
        minima=Minima(seeds=3),
        pilot=Pilot(unit_sd=0.0, seed_sd=1.0, because="1 between seeds, in percent, is assumed"),
        inference=InferenceTarget.FIXED_ITEMS,
    ),
)


def stable(adapter: str, benchmark: str, min_items: int) -> Claim:
    """English accuracy on one benchmark under one language's adapters."""
    return Claim(
        id=f"bench.en.{adapter}.{benchmark}.stable",
        says=f"English {BENCHMARKS[benchmark]} accuracy stays stable under the {NAMES[adapter]} adapters",
        inventory=("C20",),
        conflicts=("K5", "K13"),
        sentence=STABLE,
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=Tier.SECONDARY,
        unit=Unit.POINTS,
        readings=(
            Reading(
                name="points",
                says="change of English accuracy in points",
                supported_by=(sources.NEWS, sources.FEED),
                estimates=(english_delta(adapter, benchmark),),
            ),
        ),
        targets=(
            Target(
                printed=Printed("0"),
                stands_for="stable",
                source=sources.NEWS,
                tier=SourceTier.SUMMARY,
                reading="points",
                half_width=0.0,
            ),
        ),
        margin=1.0,
        margin_because="less than one standard error of one accuracy on the ARC test set (1.3 points), so nobody would call "
        "a smaller move in a table a change",
        minima=Minima(units=min_items, seeds=3),
        inference=InferenceTarget.FIXED_ITEMS,
        pilot=Pilot(unit_sd=0.0, seed_sd=0.3, because="0.3 points between seeds is assumed"),
        beside="No source prints a change of English accuracy: 0 and the margin are ours.",
    )


ITEMS = {"arc": 1_115, "hellaswag": 6_019, "mmlu": 11_025}
"""Questions of the authors' aligned test sets, or the fewest that their pages allow; fewer is a part of the test."""

CLAIMS = (
    *RETENTION,
    *(stable(adapter, benchmark, items) for adapter in TUNED for benchmark, items in ITEMS.items()),
)
