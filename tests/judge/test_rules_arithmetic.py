"""Claims about printed numbers: each rule shown to accept, to reject, and to say when it cannot tell."""

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
from harness.words.verdict import State, Why

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
        word="consistent", numbers=tuple((f"cell {i}", Printed(t)) for i, t in enumerate(texts)), least=0
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
            points("+0.16", SUBSET, (1142, "full set")), State.DEVIATION, Why.INFEASIBLE,
            "No whole number of questions gives +0.16 points, however it was rounded (aligned subset: 1,115; full set: 1,142).",
            id="no count gives it",
        ),
        pytest.param(
            points("+5.47", SUBSET), State.PASS, Why.FEASIBLE,
            "+5.47 points can occur: +61 of 1,115 questions (aligned subset), rounded once.", id="61 questions give it",
        ),
        pytest.param(
            points("+5.47", (1142, "full set"), SUBSET), State.PASS, Why.FEASIBLE, "+61 of 1,115", id="one of two sets",
        ),
        pytest.param(
            points("+1.62", (6019, "subset")), State.INCONCLUSIVE, Why.UNDERPOWERED,
            "this check could not fail (subset: 6,019).", id="so many questions that anything can occur",
        ),
        pytest.param(
            points("+1.62"), State.INCONCLUSIVE, Why.COUNT_UNKNOWN, "No source says on how many questions +1.62 rests",
            id="unknown count",
        ),
        pytest.param(
            points("+1.62", (6019, "subset"), base=(1515, 1515)), State.DEVIATION, Why.INFEASIBLE,
            "No whole number of questions gives +1.62 percent of 1515 right answers", id="relative, and impossible",
        ),
        pytest.param(
            points("+5.47", SUBSET, base=(274, 276)), State.PASS, Why.FEASIBLE,
            "+5.47 percent of 274 to 276 right answers can occur: +15 of 1,115 questions from 274 right",
            id="relative, and possible",
        ),
        pytest.param(
            words("+0.16", "-0.22"), State.DEVIATION, Why.INFEASIBLE,
            '"consistent" does not hold of the printed numbers: cell 1 is printed as -0.22.', id="a word that breaks",
        ),
        pytest.param(words("+0.16", "+1.62"), State.PASS, Why.FEASIBLE, "holds of every", id="a word that holds"),
        pytest.param(
            words("+0.16", "0.00"), State.INCONCLUSIVE, Why.LEANING_PASS, "lost in the rounding", id="a word between",
        ),
        pytest.param(
            words("-0.22", "0.00"), State.DEVIATION, Why.INFEASIBLE, "cell 0", id="one broken number decides",
        ),
        pytest.param(
            words("-0.22", "-1.0"), State.DEVIATION, Why.INFEASIBLE,
            "printed numbers: cell 0 is printed as -0.22; cell 1 is printed as -1.0.", id="every broken number is named",
        ),
        pytest.param(
            printings("+5.47", "+0.16"), State.DEVIATION, Why.INFEASIBLE, "5.31 apart, beyond", id="two other numbers",
        ),
        pytest.param(printings("26.27", "26.3"), State.PASS, Why.FEASIBLE, "0.03 apart, within", id="one number twice"),
        pytest.param(
            gain("87.69", "26.27", "19.89"), State.DEVIATION, Why.INFEASIBLE,
            "starts at 0.533 of it, but the printed gaps imply 0.737, 0.801", id="a gain that passes the reference",
        ),
        pytest.param(gain("20", "26.27"), State.PASS, Why.FEASIBLE, "does not pass", id="a gain that closes a part"),
    ],
)  # fmt: skip
def test_a_verdict_on_printed_numbers(asked: Arithmetic, state: State, why: Why, says: str) -> None:
    verdict = judge_arithmetic(claim(asked))
    assert (verdict.claim_id, verdict.state, verdict.why) == ("arith.it", state, why)
    assert says in verdict.says
    (case,) = verdict.cases
    assert (case.state, case.why, case.says) == (state, why, verdict.says)
    assert (case.reading, case.printed) == ("as printed", as_printed(asked))
    assert (case.source, case.source_tier, case.numbers, case.band) == ("summary", "T4", None, None)


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
