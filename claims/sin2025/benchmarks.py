"""Benchmarks before and after tuning (C07, C13 to C19).

Percent or points is said of none of the changes (K6), so each has two readings: points, and percent of the accuracy before, with
margins of the same size on the page.
"""

from dataclasses import dataclass

from claims.sin2025 import sources
from claims.sin2025.estimate_names import (
    BENCHMARKS,
    HIGH_RESOURCE,
    LOW_RESOURCE,
    NAMES,
    TUNED,
    accuracy,
    delta,
    relative_delta,
)
from claims.sin2025.retention import ITEMS
from harness.words.claim import (
    Claim,
    InferenceTarget,
    Kind,
    Minima,
    Pilot,
    Printed,
    Reading,
    Rule,
    Sentence,
    SourceTier,
    Target,
    Tier,
    Unit,
)

AT_CHANCE = (
    "Malayalam HellaSwag stands at chance in the authors' own baseline: 1,515 of 6,019 right, 0.3 standard errors above a "
    "quarter."
)
SAME_SET = (
    "The question sets of the two accuracies behind the printed number may differ; here they are the same."
)
FIXED_SPREAD = Pilot(
    unit_sd=0.0, seed_sd=0.3, because="0.3 points between seeds is assumed; the questions are fixed"
)
ITEM_SPREAD = Pilot(
    unit_sd=22.4,
    seed_sd=0.3,
    because="one answer in twenty is assumed to flip, 22.4 points a question, and 0.3 between seeds",
)


@dataclass(frozen=True, kw_only=True)
class Change:
    """One printed change of Malayalam accuracy."""

    benchmark: str
    statements: tuple[str, ...]
    printed: tuple[tuple[str, str], ...]
    """Number and source; all of one tier."""
    sign: int
    tier: Tier
    conflicts: tuple[str, ...]
    beside: str

    @property
    def name(self) -> str:
        """Benchmark as the paper spells it."""
        return BENCHMARKS[self.benchmark]

    @property
    def sentence(self) -> Sentence:
        """Where the first number stands."""
        number, source = self.printed[0]
        return sources.summary(source, f"{self.name} in Malayalam changes by {number}", "results")

    @property
    def numbers(self) -> str:
        """The printed numbers in words."""
        return " or ".join(number for number, _ in self.printed)

    def targets(self, reading: str) -> tuple[Target, ...]:
        """Every printed number under one reading, as a difference of two accuracies of two decimals."""
        return tuple(
            Target(
                printed=Printed(number),
                source=source,
                tier=SourceTier.SUMMARY,
                reading=reading,
                half_width=0.01 if reading == "points" else None,
            )
            for number, source in self.printed
        )


CHANGES = (
    Change(
        benchmark="arc",
        statements=("C13", "C14", "C18"),
        printed=(("+0.16", sources.STRUCTURED), ("+5.47", sources.NEWS)),
        sign=1,
        tier=Tier.SECONDARY,
        conflicts=("K6", "K13"),
        beside=f"Two summaries print two numbers, which are no two forms of one. {SAME_SET}",
    ),
    Change(
        benchmark="hellaswag",
        statements=("C15", "C18"),
        printed=(("+1.62", sources.STRUCTURED),),
        sign=1,
        tier=Tier.PRIMARY,
        conflicts=("K6", "K13"),
        beside=f"{AT_CHANCE} {SAME_SET}",
    ),
    Change(
        benchmark="mmlu",
        statements=("C16", "C18"),
        printed=(("-0.22", sources.STRUCTURED),),
        sign=-1,
        tier=Tier.SECONDARY,
        conflicts=("K6", "K7", "K13"),
        beside=SAME_SET,
    ),
)


def points_reading(*estimates: str) -> Reading:
    """Changes in points."""
    return Reading(
        name="points",
        says="change of accuracy in points, on the same questions",
        supported_by=(sources.STRUCTURED, sources.NEWS),
        estimates=estimates,
    )


def relative_reading(estimate: str) -> Reading:
    """A change in percent of the accuracy before."""
    return Reading(
        name="relative",
        says="change in percent of the accuracy before, on the same questions",
        supported_by=(sources.NEWS, sources.STRUCTURED),
        estimates=(estimate,),
        unit=Unit.PERCENT,
        margin=2.0,
        margin_because="of an accuracy of one in four, where Malayalam stands, it is the same 0.5 points",
    )


def value(change: Change) -> Claim:
    """The size of a change, in points or in percent of the accuracy before."""
    return Claim(
        id=f"bench.ml.{change.benchmark}.value",
        says=f"Malayalam {change.name} accuracy changes by {change.numbers}, points or percent",
        inventory=change.statements,
        conflicts=change.conflicts,
        sentence=change.sentence,
        kind=Kind.VALUE,
        rule=Rule.WITHIN_MARGIN,
        tier=change.tier,
        unit=Unit.POINTS,
        readings=(
            points_reading(delta("ml", change.benchmark)),
            relative_reading(relative_delta("ml", change.benchmark)),
        ),
        targets=(*change.targets("points"), *change.targets("relative")),
        margin=0.5,
        margin_because="an absolute margin, since the numbers stand near zero, and one that keeps +1.62 apart from no change",
        null=0.0,
        minima=Minima(units=ITEMS[change.benchmark], seeds=3),
        inference=InferenceTarget.FIXED_ITEMS,
        pilot=FIXED_SPREAD,
        beside=change.beside,
    )


def direction(change: Change) -> Claim:
    """Whether accuracy rises or drops, on questions like these."""
    return Claim(
        id=f"bench.ml.{change.benchmark}.direction",
        says=f"Malayalam {change.name} accuracy {'rises' if change.sign > 0 else 'drops'}",
        inventory=change.statements,
        conflicts=change.conflicts,
        sentence=change.sentence,
        kind=Kind.DIRECTION,
        rule=Rule.SIGN,
        tier=Tier.SECONDARY,
        unit=Unit.POINTS,
        readings=(points_reading(delta("ml", change.benchmark)),),
        sign=change.sign,
        minima=Minima(units=ITEMS[change.benchmark], seeds=3),
        pilot=ITEM_SPREAD,
        beside=change.beside,
    )


def best(benchmark: str) -> Claim:
    """Whether a high-resource language scores best before tuning."""
    return Claim(
        id=f"bench.base.{benchmark}.best",
        says=f"Before tuning a high-resource language scores best on {BENCHMARKS[benchmark]}",
        inventory=("C07",),
        conflicts=("K10",),
        sentence=sources.UNDERPERFORM,
        kind=Kind.REGION,
        rule=Rule.LARGEST_WITHIN,
        tier=Tier.SECONDARY,
        unit=Unit.PERCENT,
        readings=(
            Reading(
                name="accuracy",
                says="accuracy of the untouched model, English left out",
                supported_by=(sources.ABSTRACT, sources.NEWS),
                estimates=tuple(accuracy(code, benchmark) for code in (*HIGH_RESOURCE, *LOW_RESOURCE)),
            ),
        ),
        named=tuple(accuracy(code, benchmark) for code in HIGH_RESOURCE),
        minima=Minima(units=ITEMS[benchmark]),
        beside="The weakest form of the sentence: the top of the ranking only. No accuracy is printed."
        + (f" {AT_CHANCE}" if benchmark == "hellaswag" else ""),
    )


EVERY_CHANGE = (points_reading(*(delta(code, benchmark) for code in TUNED for benchmark in ITEMS)),)
TOGETHER = (
    Claim(
        id="bench.consistency",
        says="Tuning improves Malayalam, Hindi and Marathi benchmarks consistently",
        inventory=("C17", "C18", "C19"),
        conflicts=("K7", "K11", "K13"),
        sentence=sources.IMPROVEMENTS,
        kind=Kind.CONSISTENCY,
        rule=Rule.POOLED_SIGN,
        tier=Tier.SECONDARY,
        unit=Unit.POINTS,
        readings=EVERY_CHANGE,
        sign=1,
        minima=Minima(units=min(ITEMS.values()), seeds=3),
        pilot=ITEM_SPREAD,
        beside=f"One summary prints a drop for Malayalam MMLU, and another calls the gains uneven. {AT_CHANCE}",
    ),
    Claim(
        id="bench.modest",
        says="Tuning improves Malayalam, Hindi and Marathi benchmarks by no more than 5 points",
        inventory=("C17",),
        conflicts=("K7", "K11"),
        sentence=sources.IMPROVEMENTS,
        kind=Kind.BOUND,
        rule=Rule.POOLED_AT_MOST,
        tier=Tier.SECONDARY,
        unit=Unit.POINTS,
        readings=EVERY_CHANGE,
        targets=(
            Target(
                printed=Printed("5"),
                stands_for="modest",
                source=sources.ABSTRACT,
                tier=SourceTier.ABSTRACT,
                reading="points",
                half_width=0.0,
            ),
        ),
        minima=Minima(units=min(ITEMS.values()), seeds=3),
        pilot=ITEM_SPREAD,
        beside=f"The limit of 5 points is ours: the abstract says modest, and no number. {AT_CHANCE}",
    ),
    Claim(
        id="bench.unprinted",
        says="Hindi and Marathi benchmark changes are not printed",
        inventory=("C19",),
        conflicts=("K11",),
        sentence=sources.summary(
            sources.STRUCTURED, "changes are given for Malayalam; no source gives any for Hindi or Marathi"
        ),
        kind=Kind.QUALITATIVE,
        rule=Rule.NONE,
        tier=Tier.EXPLORATORY,
        unit=Unit.NONE,
        beside=f"They are measured, and count in bench.consistency and bench.modest; {NAMES['hi']} and {NAMES['mr']} have no "
        "printed number to be held against.",
    ),
)

CLAIMS = (
    *(build(change) for change in CHANGES for build in (value, direction)),
    *(best(benchmark) for benchmark in ITEMS),
    *TOGETHER,
)
