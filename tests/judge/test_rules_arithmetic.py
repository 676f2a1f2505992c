"""Claims about printed numbers: each rule shown to find them possible, impossible as reported, and to say when it cannot tell."""

from dataclasses import replace

import pytest

from harness.judge.arithmetic import judge_arithmetic
from harness.words.claim import (
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    Kind,
    Printed,
    Rule,
    Sentence,
    SourceTier,
    Tier,
    TwoPrintings,
    Unit,
    WordsAgainstNumbers,
)
from harness.words.verdict import Finding, Why

SUBSET = (1115, "aligned subset")


def claim(arithmetic: Arithmetic | None) -> Claim:
    return Claim(
        id="arith.it",
        says="It stands.",
        inventory=("C01",),
        sentence=Sentence(source="summary", tier=SourceTier.SUMMARY, where="quick facts", sense="so it says"),
        kind=Kind.ARITHMETIC,
        rule=Rule.GRANULARITY,
        tier=Tier.SECONDARY,
        unit=Unit.POINTS,
        arithmetic=arithmetic,
    )


def points(text: str, *sets: tuple[int, str], base: tuple[int, int] | None = None) -> Granularity:
    return Granularity(printed=Printed(text), item_counts=sets, base_counts=base)


def words(*texts: str) -> WordsAgainstNumbers:
    return WordsAgainstNumbers(
        word="consistent",
        source="news",
        numbers=tuple((f"cell {i}", Printed(t)) for i, t in enumerate(texts)),
        least=0,
    )


def printings(one: str, other: str) -> TwoPrintings:
    return TwoPrintings(printed=(("A", Printed(one)), ("B", Printed(other))))


def gain(text: str, *gaps: str) -> GainAgainstGap:
    return GainAgainstGap(gain=Printed(text), gaps=tuple(map(Printed, gaps)))


def as_printed(asked: Arithmetic) -> str:
    """What a verdict repeats of the page."""
    match asked:
        case Granularity():
            return asked.printed.text
        case WordsAgainstNumbers():
            return ", ".join(f"{what} {number.text}" for what, number in asked.numbers)
        case TwoPrintings():
            (_, one), (_, other) = asked.printed
            return f"{one.text} (A), {other.text} (B)"
        case GainAgainstGap():
            return f"gain {asked.gain.text}, gaps " + " and ".join(gap.text for gap in asked.gaps)


@pytest.mark.parametrize(
    ("asked", "state", "why", "says"),
    [
        pytest.param(
            points("+0.16", SUBSET, (1142, "full set")), Finding.CANNOT_OCCUR, Why.INFEASIBLE,
            "Cannot occur as reported by the summary: no whole number of questions gives +0.16 points, however it was rounded "
            "(aligned subset: 1,115; full set: 1,142).",
            id="no count gives it",
        ),
        pytest.param(
            points("+5.47", SUBSET), Finding.CONSISTENT, Why.FEASIBLE,
            "Consistent as reported by the summary: +5.47 points can occur: +61 of 1,115 questions (aligned subset), rounded once.",
            id="61 questions give it",
        ),
        pytest.param(
            points("+5.47", (1142, "full set"), SUBSET), Finding.CONSISTENT, Why.FEASIBLE, "+61 of 1,115", id="one of two sets",
        ),
        pytest.param(
            points("+1.62", (6019, "subset")), Finding.CANNOT_TELL, Why.ANYTHING_FITS,
            "this check could not fail (subset: 6,019).", id="so many questions that anything can occur",
        ),
        pytest.param(
            points("+1.62"), Finding.CANNOT_TELL, Why.COUNT_UNKNOWN, "no source says on how many questions +1.62 rests",
            id="unknown count",
        ),
        pytest.param(
            points("+1.62", (6019, "subset"), base=(1515, 1515)), Finding.CANNOT_OCCUR, Why.INFEASIBLE,
            "no whole number of questions gives +1.62 percent of 1515 right answers", id="relative, and impossible",
        ),
        pytest.param(
            points("+5.47", SUBSET, base=(274, 276)), Finding.CONSISTENT, Why.FEASIBLE,
            "+5.47 percent of 274 to 276 right answers can occur: +15 of 1,115 questions from 274 right",
            id="relative, and possible",
        ),
        pytest.param(
            replace(points("32.5", (438, "a test")), is_change=False), Finding.CANNOT_OCCUR, Why.INFEASIBLE,
            "no whole number of questions gives 32.5 percent of all, rounded once (a test: 438).", id="one accuracy",
        ),
        pytest.param(
            replace(points("32.4", (438, "a test")), is_change=False), Finding.CONSISTENT, Why.FEASIBLE,
            "32.4 percent of all can occur: 142 of 438 questions (a test), rounded once.", id="one accuracy that can be",
        ),
        pytest.param(
            words("+0.16", "-0.22"), Finding.CANNOT_OCCUR, Why.INFEASIBLE,
            'Cannot occur as reported by the news: "consistent" does not hold of the printed numbers: cell 1 is printed as -0.22.', id="a word that breaks",
        ),
        pytest.param(words("+0.16", "+1.62"), Finding.CONSISTENT, Why.FEASIBLE, "holds of every", id="a word that holds"),
        pytest.param(
            words("+0.16", "0.00"), Finding.CANNOT_TELL, Why.WITHIN_ROUNDING, "lost in the rounding", id="a word between",
        ),
        pytest.param(
            words("-0.22", "0.00"), Finding.CANNOT_OCCUR, Why.INFEASIBLE, "cell 0", id="one broken number decides",
        ),
        pytest.param(
            words("-0.22", "-1.0"), Finding.CANNOT_OCCUR, Why.INFEASIBLE,
            "printed numbers: cell 0 is printed as -0.22; cell 1 is printed as -1.0.", id="every broken number is named",
        ),
        pytest.param(
            printings("+5.47", "+0.16"), Finding.CANNOT_OCCUR, Why.INFEASIBLE, "Cannot occur as reported by the A and the B: no one number can be printed both ways: 5.31 apart, beyond",
            id="two other numbers",
        ),
        pytest.param(printings("26.27", "26.3"), Finding.CONSISTENT, Why.FEASIBLE, "0.03 apart, within", id="one number twice"),
        pytest.param(
            gain("87.69", "26.27", "19.89"), Finding.NOTE, Why.BESIDE,
            "starts at 0.533 of it; the printed gaps imply 0.737, 0.801, from where it passes it", id="a gain past the reference",
        ),
        pytest.param(
            gain("20", "26.27"), Finding.NOTE, Why.BESIDE, "from where it does not pass it", id="a gain that closes a part",
        ),
    ],
)  # fmt: skip
def test_what_is_found_in_printed_numbers(asked: Arithmetic, state: Finding, why: Why, says: str) -> None:
    verdict = judge_arithmetic(claim(asked))
    assert (verdict.claim_id, verdict.state, verdict.why) == ("arith.it", state, why)
    assert says in verdict.says
    (case,) = verdict.cases
    assert (case.state, case.why, case.says) == (state, why, verdict.says)
    assert (case.reading, case.printed) == ("as printed", as_printed(asked))
    reported_by = {WordsAgainstNumbers: "news", TwoPrintings: "A and B"}.get(type(asked), "summary")
    assert (case.source, case.source_tier, case.numbers, case.band) == (reported_by, "T4", None, None)


def test_the_innocent_explanations_of_a_gain_stand_first_and_nobody_is_accused() -> None:
    verdict = judge_arithmetic(claim(gain("87.69", "26.27")))
    assert verdict.says.startswith(
        "A language may start farther below the reference than its group does on average;"
    )
    assert "Cannot occur" not in verdict.says


def test_the_power_of_a_check_stands_beside_it() -> None:
    (case,) = judge_arithmetic(claim(points("+5.47", SUBSET))).cases
    assert case.notes == (
        "+61 of 1,115 questions (aligned subset), rounded once.",
        "Of 101 numbers around it, 22 could occur as well.",
    )


def test_a_run_of_sizes_is_told_by_its_ends() -> None:
    sets = ((1115, "subset"), (1117, "subset"), (1116, "subset"), (1142, "full"), (1167, "full"))
    verdict = judge_arithmetic(claim(points("+0.16", *sets)))
    assert verdict.says.endswith("(subset: 1,115 to 1,117; full: 1,142 or 1,167).")
    two = judge_arithmetic(claim(points("+0.16", (1116, "subset"), (1115, "subset"))))
    assert two.says.endswith("(subset: 1,115 to 1,116).")


def test_many_ways_are_counted_and_not_told() -> None:
    (case,) = judge_arithmetic(claim(points("+5.47", SUBSET, base=(256, 343)))).cases
    assert case.notes[4].endswith(" more ways.")


def test_where_a_gain_ends_stands_beside_it() -> None:
    (case,) = judge_arithmetic(claim(gain("87.69", "26.27"))).cases
    assert case.notes == (
        "From a gap of 26.27 percent, ratio 0.737, the gain ends at 1.384 of the reference.",
    )
    assert case.printed == "gain 87.69, gaps 26.27"


def test_a_gain_that_stays_within_the_reference_tells_where_it_ends_too() -> None:
    (case,) = judge_arithmetic(claim(gain("20", "26.27", "19.89"))).cases
    assert case.notes == (
        "From a gap of 26.27 percent, ratio 0.737, the gain ends at 0.885 of the reference.",
        "From a gap of 19.89 percent, ratio 0.801, the gain ends at 0.961 of the reference.",
    )


def test_a_claim_without_printed_numbers_is_no_arithmetic() -> None:
    with pytest.raises(ValueError, match=r"'arith\.it' carries no printed numbers"):
        judge_arithmetic(claim(None))
