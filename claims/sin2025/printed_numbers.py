"""What the printed numbers say of each other, without a measurement: about the page, not about the replication."""

from claims.sin2025 import sources
from claims.sin2025.benchmarks import AT_CHANCE
from claims.sin2025.estimate_names import NAMES
from claims.sin2025.gains import PRINTED as PRINTED_GAINS
from harness.words.claim import (
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    Kind,
    Printed,
    Rule,
    Sentence,
    Tier,
    TwoPrintings,
    Unit,
    WordsAgainstNumbers,
)

SUBSET, FULL_SET = "aligned subset", "full Malayalam set"
ARC_SETS = (*((num_items, SUBSET) for num_items in range(1_115, 1_118)), (1_142, FULL_SET))
"""Sizes that the pages of the authors' data allow; their row counts are rounded."""
OTHER_ARC_SETS = tuple((num_items, "full set of another language") for num_items in range(1_165, 1_173))
"""In case that a number slipped into the wrong row."""
HELLASWAG_SETS = ((6_019, SUBSET), (8_933, FULL_SET))
MMLU_SETS = tuple((num_items, SUBSET) for num_items in range(11_025, 11_064))
ARC_BASE = (256, 343)
"""Right answers at 23 to 30 percent, around chance: where this model stands on ARC in Malayalam."""
HELLASWAG_BASE = (1_515, 1_515)
"""Right answers of the authors' own baseline, by plain accuracy."""

ARC_LOW, ARC_HIGH = Printed("+0.16"), Printed("+5.47")
HELLASWAG, MMLU = Printed("+1.62"), Printed("-0.22")
DEEP, EARLY = Printed("19.89"), Printed("26.27")

STRUCTURED_CHANGES = sources.summary(
    sources.STRUCTURED,
    "Malayalam changes by +0.16 on ARC-Challenge, +1.62 on HellaSwag and -0.22 on MMLU",
    "results",
)
NEWS_ARC = sources.summary(sources.NEWS, "Malayalam improves by 5.47 percent on ARC-Challenge")


def printed_claim(
    name: str,
    says: str,
    arithmetic: Arithmetic,
    *,
    rule: Rule,
    sentence: Sentence,
    inventory: tuple[str, ...],
    conflicts: tuple[str, ...] = (),
    unit: Unit = Unit.POINTS,
    beside: str = "",
) -> Claim:
    """One claim about printed numbers."""
    return Claim(
        id=f"arith.{name}",
        says=says,
        inventory=inventory,
        conflicts=conflicts,
        sentence=sentence,
        kind=Kind.ARITHMETIC,
        rule=rule,
        tier=Tier.SECONDARY,
        unit=unit,
        arithmetic=arithmetic,
        beside=beside,
    )


GRANULARITY = (
    printed_claim(
        "ml.arc.low.points",
        "Malayalam ARC-Challenge can change by +0.16 points on one test set",
        Granularity(printed=ARC_LOW, item_counts=(*ARC_SETS, *OTHER_ARC_SETS)),
        rule=Rule.GRANULARITY,
        sentence=STRUCTURED_CHANGES,
        inventory=("C14",),
        conflicts=("K6",),
        beside="Accuracies on two different test sets, an average, or a number from another row could still print so.",
    ),
    printed_claim(
        "ml.arc.low.relative",
        "Malayalam ARC-Challenge can change by +0.16 percent of its accuracy",
        Granularity(printed=ARC_LOW, item_counts=ARC_SETS, base_counts=ARC_BASE),
        rule=Rule.GRANULARITY,
        sentence=STRUCTURED_CHANGES,
        inventory=("C14",),
        conflicts=("K6",),
        unit=Unit.PERCENT,
        beside="One question more is 0.16 percent of 607 to 645 right answers: an accuracy of English, not of Malayalam. "
        "The base, 23 to 30 percent, is an assumption around chance.",
    ),
    printed_claim(
        "ml.arc.high.points",
        "Malayalam ARC-Challenge can change by +5.47 points on one test set",
        Granularity(printed=ARC_HIGH, item_counts=ARC_SETS),
        rule=Rule.GRANULARITY,
        sentence=NEWS_ARC,
        inventory=("C13",),
        conflicts=("K6",),
    ),
    printed_claim(
        "ml.arc.high.relative",
        "Malayalam ARC-Challenge can change by +5.47 percent of its accuracy",
        Granularity(printed=ARC_HIGH, item_counts=ARC_SETS, base_counts=ARC_BASE),
        rule=Rule.GRANULARITY,
        sentence=NEWS_ARC,
        inventory=("C13",),
        conflicts=("K6",),
        unit=Unit.PERCENT,
        beside="The base, 23 to 30 percent, is an assumption around chance.",
    ),
    printed_claim(
        "ml.hellaswag.points",
        "Malayalam HellaSwag can change by +1.62 points on one test set",
        Granularity(printed=HELLASWAG, item_counts=HELLASWAG_SETS),
        rule=Rule.GRANULARITY,
        sentence=STRUCTURED_CHANGES,
        inventory=("C15",),
        beside=AT_CHANCE,
    ),
    printed_claim(
        "ml.hellaswag.relative",
        "Malayalam HellaSwag can change by +1.62 percent of its plain accuracy",
        Granularity(printed=HELLASWAG, item_counts=HELLASWAG_SETS[:1], base_counts=HELLASWAG_BASE),
        rule=Rule.GRANULARITY,
        sentence=STRUCTURED_CHANGES,
        inventory=("C15",),
        conflicts=("K6",),
        unit=Unit.PERCENT,
        beside=f"Of plain accuracy alone: the length-normalised base is not known. {AT_CHANCE}",
    ),
    printed_claim(
        "ml.mmlu.points",
        "Malayalam MMLU can change by -0.22 points on one test set",
        Granularity(printed=MMLU, item_counts=MMLU_SETS),
        rule=Rule.GRANULARITY,
        sentence=STRUCTURED_CHANGES,
        inventory=("C16",),
    ),
)

WORDS = (
    printed_claim(
        "consistent",
        "The printed Malayalam changes are consistent improvements",
        WordsAgainstNumbers(
            word="consistent improvements",
            numbers=(("ARC-Challenge", ARC_LOW), ("HellaSwag", HELLASWAG), ("MMLU", MMLU)),
            least=0.0,
        ),
        rule=Rule.WORDS_AGAINST_NUMBERS,
        sentence=sources.IMPROVEMENTS,
        inventory=("C16", "C17", "C18"),
        conflicts=("K7", "K13"),
        beside=f"The word is the abstract's, the numbers are a summary's. On average over the three they are positive. {AT_CHANCE}",
    ),
    printed_claim(
        "up-to",
        "No printed gap is larger than the one that is printed as the largest",
        WordsAgainstNumbers(word="up to 26.27", numbers=(("deeper layers", DEEP),), most=EARLY.value),
        rule=Rule.WORDS_AGAINST_NUMBERS,
        sentence=sources.EARLY_GAP,
        inventory=("C01", "C02", "C03"),
        unit=Unit.PERCENT,
    ),
)

PRINTINGS = (
    printed_claim(
        "ml.arc.two-printings",
        "Both printed Malayalam ARC-Challenge changes are one number",
        TwoPrintings(printed=((sources.NEWS, ARC_HIGH), (sources.STRUCTURED, ARC_LOW))),
        rule=Rule.TWO_PRINTINGS,
        sentence=STRUCTURED_CHANGES,
        inventory=("C13", "C14"),
        conflicts=("K6",),
        beside="Nor are they points and percent of one change: that would need an accuracy of 2.9 percent, far below chance.",
    ),
)

GAINS = tuple(
    printed_claim(
        f"gain-gap.{language}",
        f"From the printed gap the printed gain lifts {NAMES[language]} to the reference and not past it",
        GainAgainstGap(gain=Printed(printed), gaps=(EARLY, DEEP)),
        rule=Rule.GAIN_AGAINST_GAP,
        sentence=sentence,
        inventory=(statement, "C01", "C02"),
        conflicts=("K1", "K4"),
        unit=Unit.PERCENT,
        beside="The gap is the group's mean. Either this language starts far below its group, or it passes the reference, or "
        "gain means something else.",
    )
    for language, printed, statement, sentence, _ in PRINTED_GAINS
)

CLAIMS = (*GRANULARITY, *WORDS, *PRINTINGS, *GAINS)
