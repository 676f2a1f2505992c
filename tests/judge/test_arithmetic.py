"""The arithmetic of printed numbers: known answers, and both sides of every edge."""

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judge.arithmetic import (
    Agreement,
    Occurrence,
    Rounding,
    change_rounding_of,
    closing_ratio,
    end_ratio,
    feasible_neighbours,
    gap_ratio,
    occurrences,
    printings_overlap,
    relative_change_rounding_of,
    relative_rounding_of,
    rounding_of,
    stays_within_reference,
    word_agreement,
)
from harness.words.claim import GainAgainstGap, Granularity, Printed, TwoPrintings, WordsAgainstNumbers


def points(text: str, *num_items: int) -> Granularity:
    return Granularity(printed=Printed(text), item_counts=tuple((n, f"set of {n}") for n in num_items))


def accuracy(text: str, *num_items: int) -> Granularity:
    return replace(points(text, *num_items), is_change=False)


def relative(text: str, base: tuple[int, int], *num_items: int) -> Granularity:
    return Granularity(
        printed=Printed(text), item_counts=tuple((n, f"set of {n}") for n in num_items), base_counts=base
    )


def counts(asked: Granularity, rounding: Rounding | None = None) -> list[tuple[int, int]]:
    return [
        (each.num_items, each.count)
        for each in occurrences(asked)
        if rounding is None or each.rounding is rounding
    ]


def test_a_mean_of_43_whole_scores_cannot_be_5_27() -> None:
    assert [count for count in range(500) if rounding_of(Printed("5.27"), count, 43, whole=1)] == []
    assert rounding_of(Printed("5.28"), 227, 43, whole=1) is Rounding.ONCE


def test_one_accuracy_was_rounded_once() -> None:
    """142 of 438 are 32.42 percent and 143 are 32.65: neither is printed as 32.5, which a difference could be."""
    assert [count for count in range(439) if rounding_of(Printed("32.5"), count, 438)] == []
    assert rounding_of(Printed("32.5"), 142, 438, is_change=True) is Rounding.TWICE
    assert list(occurrences(accuracy("32.5", 438))) == []
    assert counts(points("32.5", 438)) == [(438, 142)]
    assert counts(accuracy("32.4", 438)) == [(438, 142)]
    assert counts(accuracy("32.6", 438)) == counts(accuracy("32.65", 438)) == [(438, 143)]


def test_one_accuracy_is_a_share_of_its_questions() -> None:
    """Nobody answers fewer than none rightly, nor more than all."""
    assert counts(accuracy("-10", 10)) == counts(accuracy("110", 10)) == []
    assert counts(accuracy("0", 10)) == [(10, 0)]
    assert counts(accuracy("100", 10)) == [(10, 10)]


@given(right=st.integers(0, 438), decimals=st.integers(0, 3))
def test_what_a_page_prints_of_one_accuracy_is_always_feasible(right: int, decimals: int) -> None:
    assert (438, right) in counts(accuracy(f"{100 * right / 438:.{decimals}f}", 438))


@pytest.mark.parametrize("num_items", range(1165, 1173))
def test_a_gain_of_0_16_points_cannot_occur_near_1170_items(num_items: int) -> None:
    assert counts(points("+0.16", num_items)) == []
    assert counts(points("+0.17", num_items)) == [(num_items, 2)]
    assert counts(points("+0.09", num_items)) == [(num_items, 1)]


def test_a_gain_of_0_16_points_can_occur_on_1250_items() -> None:
    assert list(occurrences(points("+0.16", 1250))) == [
        Occurrence(num_items=1250, test_set="set of 1250", count=2, base=None, rounding=Rounding.ONCE)
    ]


def test_a_gain_of_0_16_points_needs_589_to_666_or_1177_to_1333_items() -> None:
    found = {n for n in range(1, 1400) if counts(points("+0.16", n))}
    assert found == {*range(589, 667), *range(1177, 1334)}


@pytest.mark.parametrize(
    ("num_items", "once", "twice"),
    [
        (1115, [61], []),
        (1116, [61], []),
        (1117, [], [61]),
        (1142, [], []),
        (1169, [64], []),
        (1170, [64], []),
    ],
)
def test_a_gain_of_5_47_points_is_61_of_the_subset_or_64_of_1170(
    num_items: int, once: list[int], twice: list[int]
) -> None:
    asked = points("+5.47", num_items)
    assert [count for _, count in counts(asked, Rounding.ONCE)] == once
    assert [count for _, count in counts(asked, Rounding.TWICE)] == twice


def test_a_gain_of_1_62_points_is_97_or_98_of_6019_or_exactly_145_of_8933() -> None:
    assert counts(points("+1.62", 6019), Rounding.TWICE) == [(6019, 97), (6019, 98)]
    assert counts(points("+1.62", 6019), Rounding.ONCE) == []
    assert counts(points("+1.62", 8933), Rounding.ONCE) == [(8933, 145)]


def test_a_loss_of_0_22_points_is_24_of_11044_items() -> None:
    assert counts(points("-0.22", 11044), Rounding.ONCE) == [(11044, -24)]
    assert counts(points("-0.22", 11044), Rounding.TWICE) == [(11044, -25)]


def test_0_16_percent_of_the_base_is_one_of_607_to_645_right_answers() -> None:
    found = [base for base in range(1, 1116) if relative_rounding_of(Printed("+0.16"), 1, base, 1115)]
    once = [
        base
        for base in range(1, 1116)
        if relative_rounding_of(Printed("+0.16"), 1, base, 1115) is Rounding.ONCE
    ]
    assert once == list(range(607, 646))
    assert (
        min(found) > 500
    )  # rounding accuracies first reaches a little further, never to a quarter of the items


@pytest.mark.parametrize(("count", "base"), [(14, 256), (15, 274), (17, 311), (18, 329)])
def test_5_47_percent_of_the_base_can_occur_between_23_and_30_percent(count: int, base: int) -> None:
    assert relative_rounding_of(Printed("+5.47"), count, base, 1115) is Rounding.ONCE


def test_1_62_percent_cannot_come_from_1515_right_answers() -> None:
    assert counts(relative("+1.62", (1515, 1515), 6019)) == []
    assert counts(relative("+1.58", (1515, 1515), 6019), Rounding.ONCE) == [(6019, 24)]
    assert counts(relative("+1.65", (1515, 1515), 6019), Rounding.ONCE) == [(6019, 25)]


def test_accuracies_that_were_rounded_first_give_other_percentages() -> None:
    # 1,515 of 6,019 prints as 25.17, 1,539 as 25.57: 0.40 of 25.17 is 1.59 percent, though 24 of 1,515 is 1.58.
    assert relative_rounding_of(Printed("+1.59"), 24, 1515, 6019) is Rounding.TWICE
    assert relative_rounding_of(Printed("+1.60"), 24, 1515, 6019) is None
    assert relative_rounding_of(Printed("+1.58"), 24, 1515, 6019) is Rounding.ONCE


@pytest.mark.parametrize(
    ("text", "count", "num_items", "expected"),
    [
        pytest.param("12", 1, 8, Rounding.ONCE, id="12.5 rounded down"),
        pytest.param("13", 1, 8, Rounding.ONCE, id="12.5 rounded up"),
        pytest.param("14", 1, 8, None, id="12.5 is no 14"),
        pytest.param("-12", -1, 8, Rounding.ONCE, id="a loss"),
        pytest.param("12", -1, 8, None, id="a loss is no gain"),
        pytest.param("6.2", 1, 16, Rounding.ONCE, id="6.25 with one decimal"),
        pytest.param("6.1", 1, 16, None, id="6.25 is no 6.1"),
        pytest.param("6", 1, 15, Rounding.TWICE, id="6.67 from two rounded numbers"),
        pytest.param("21", 1, 5, None, id="20 lies one whole unit away"),
        pytest.param("20.0", 1, 5, Rounding.ONCE, id="20 exactly"),
        pytest.param("0", 0, 1, Rounding.ONCE, id="one item, nothing gained"),
    ],
)
def test_rounding_at_its_edges(text: str, count: int, num_items: int, expected: Rounding | None) -> None:
    assert rounding_of(Printed(text), count, num_items, is_change=True) is expected


@pytest.mark.parametrize(
    ("text", "after", "expected"),
    [
        pytest.param("0.12", Fraction(401, 800), Rounding.ONCE, id="0.125 rounded down"),
        pytest.param("0.13", Fraction(401, 800), Rounding.ONCE, id="0.125 rounded up"),
        pytest.param("0.14", Fraction(401, 800), None, id="0.125 is no 0.14"),
        pytest.param("0.06", Fraction(801, 1600), Rounding.ONCE, id="0.0625 rounded"),
        pytest.param("0.07", Fraction(801, 1600), Rounding.TWICE, id="0.0625 from two rounded accuracies"),
        pytest.param("0.05", Fraction(801, 1600), None, id="0.0625 lies further from 0.05"),
        pytest.param("0.11", Fraction(501, 1000), None, id="0.10 lies one whole unit away"),
        pytest.param("-10", Fraction(2, 5), Rounding.ONCE, id="a loss"),
        pytest.param("10", Fraction(2, 5), None, id="a loss is no gain"),
    ],
)
def test_a_change_between_accuracies_of_different_items(
    text: str, after: Fraction, expected: Rounding | None
) -> None:
    assert change_rounding_of(Printed(text), Fraction(1, 2), after) is expected


def test_a_relative_change_between_accuracies_of_different_items() -> None:
    # From 30 of 120 to 29 of 100 is from .25 to .29, 16 percent more; from 4 of 900 upwards, 0.44 before is printed 0.
    assert relative_change_rounding_of(Printed("16.0"), Fraction(30, 120), Fraction(29, 100)) is Rounding.ONCE
    assert relative_change_rounding_of(Printed("16.1"), Fraction(30, 120), Fraction(29, 100)) is None
    assert relative_change_rounding_of(Printed("100"), Fraction(4, 900), Fraction(1, 90)) is None
    for either in ("12", "13"):  # from 8 to 9 percent are 12.5 percent more, and pages differ on a tie
        assert (
            relative_change_rounding_of(Printed(either), Fraction(2, 25), Fraction(9, 100)) is Rounding.ONCE
        )


@pytest.mark.parametrize("before", [Fraction(0), Fraction(-1, 2)])
def test_a_relative_change_from_nothing_is_refused(before: Fraction) -> None:
    with pytest.raises(ValueError, match=r"^a change in percent needs an accuracy above zero before$"):
        relative_change_rounding_of(Printed("1"), before, Fraction(1, 2))


@pytest.mark.parametrize("num_items", [0, -3])
def test_no_items_have_no_share(num_items: int) -> None:
    with pytest.raises(ValueError, match="a share needs at least one"):
        rounding_of(Printed("1"), 1, num_items)


@pytest.mark.parametrize("base", [0, 11])
def test_a_relative_change_needs_a_base_within_the_items(base: int) -> None:
    with pytest.raises(ValueError, match=f"{base} right answers of 10; a relative change needs 1 to 10"):
        relative_rounding_of(Printed("1"), 1, base, 10)


def test_no_more_answers_can_be_gained_than_there_are() -> None:
    assert counts(points("100", 3)) == [(3, 3)]
    assert counts(points("133", 3)) == []
    assert counts(points("-100", 3)) == [(3, -3)]
    assert counts(points("-133", 3)) == []
    assert counts(relative("50", (2, 2), 3), Rounding.ONCE) == [(3, 1)]
    assert counts(relative("100", (2, 2), 3)) == []
    assert counts(relative("-100", (2, 2), 3), Rounding.ONCE) == [(3, -2)]
    assert counts(relative("-150", (2, 2), 3)) == []


def test_a_single_right_answer_is_a_base_and_is_told() -> None:
    (found,) = (each for each in occurrences(relative("100", (0, 1), 3)) if each.rounding is Rounding.ONCE)
    assert (found.count, found.base) == (1, 1)


def test_a_gain_of_many_times_the_base_is_sought_as_far_as_its_rounding_reaches() -> None:
    # 99 times 51 are 5,049 answers more. But 51 of 10,000 prints as 1 percent, and 9,950 as 100: that is "+9900" too.
    asked = relative("+9900", (51, 51), 10_000)
    assert counts(asked, Rounding.ONCE) == [(10_000, 5_049)]
    assert counts(asked, Rounding.TWICE) == [(10_000, count) for count in range(9_899, 9_950)]


def test_every_number_of_two_decimals_can_occur_on_more_than_5000_items() -> None:
    assert feasible_neighbours(points("+1.62", 5001)) == (101, 101)
    assert feasible_neighbours(points("+1.62", 5000)) == (51, 101)  # one item is two steps of the last digit


def test_few_numbers_can_occur_on_the_arc_subset() -> None:
    # Eleven counts lie within half a point, and two of every nine numbers lie close enough to one.
    found, asked = feasible_neighbours(points("+5.47", 1115))
    assert (found, asked) == (22, 101)


def test_a_wide_range_of_bases_lets_nearly_everything_occur() -> None:
    assert feasible_neighbours(relative("+5.47", (274, 274), 1115))[0] < 10
    assert feasible_neighbours(relative("+5.47", (256, 343), 1115))[0] > 90


@given(
    count=st.integers(-300, 300),
    num_items=st.integers(300, 6000),
    decimals=st.integers(0, 3),
)
def test_what_a_page_prints_of_a_true_count_is_always_feasible(
    count: int, num_items: int, decimals: int
) -> None:
    printed = f"{100 * count / num_items:.{decimals}f}"
    assert (num_items, count) in counts(points(printed, num_items), Rounding.ONCE)


@given(before=st.integers(0, 1115), after=st.integers(0, 1115), decimals=st.integers(0, 3))
def test_the_difference_of_two_printed_accuracies_is_always_feasible(
    before: int, after: int, decimals: int
) -> None:
    one, other = (float(f"{100 * right / 1115:.{decimals}f}") for right in (before, after))
    assert (1115, after - before) in counts(points(f"{other - one:.{decimals}f}", 1115))


@given(before=st.integers(100, 1000), gained=st.integers(-90, 110), decimals=st.integers(1, 2))
def test_the_relative_change_of_two_printed_accuracies_is_always_feasible(
    before: int, gained: int, decimals: int
) -> None:
    one, other = (round(100 * right / 1115, decimals) for right in (before, before + gained))
    printed = f"{100 * (other - one) / one:.{decimals}f}"
    found = occurrences(relative(printed, (before, before), 1115))
    assert gained in {each.count for each in found}


def words(text: str, *, least: float | None = None, most: float | None = None) -> Agreement:
    asked = WordsAgainstNumbers(
        word="word", source="news", numbers=(("it", Printed(text)),), least=least, most=most
    )
    ((what, printed, agreement),) = word_agreement(asked)
    assert (what, printed.text) == ("it", text)
    return agreement


@pytest.mark.parametrize(
    ("text", "least", "most", "expected"),
    [
        pytest.param("+1.62", 0, None, Agreement.HOLDS, id="a gain is positive"),
        pytest.param("-0.22", 0, None, Agreement.BREAKS, id="a loss is not"),
        pytest.param("0.00", 0, None, Agreement.UNDECIDED, id="nothing may be a little"),
        pytest.param("0.005", 0, None, Agreement.HOLDS, id="a little"),
        pytest.param("-0.01", 0, None, Agreement.BREAKS, id="a little loss"),
        pytest.param("-0.5", -0.45, None, Agreement.BREAKS, id="at most the limit is not above it"),
        pytest.param("-0.5", -0.4501, None, Agreement.UNDECIDED, id="just below the upper end"),
        pytest.param("-0.5", -0.55, None, Agreement.UNDECIDED, id="the lower end on the limit"),
        pytest.param("-0.5", -0.5501, None, Agreement.HOLDS, id="just below the lower end"),
        pytest.param("19.89", None, 26.27, Agreement.HOLDS, id="not above the maximum"),
        pytest.param("30.1", None, 26.27, Agreement.BREAKS, id="above the maximum"),
        pytest.param("5.0", None, 5, Agreement.UNDECIDED, id="at the maximum"),
        pytest.param("5.0", None, 5.05, Agreement.HOLDS, id="the upper end on the maximum"),
        pytest.param("5.0", None, 5.0499, Agreement.UNDECIDED, id="the upper end above the maximum"),
        pytest.param("5.0", None, 4.95, Agreement.UNDECIDED, id="the lower end on the maximum"),
        pytest.param("5.0", None, 4.9499, Agreement.BREAKS, id="the lower end above the maximum"),
        pytest.param("~91", 90, None, Agreement.UNDECIDED, id="about 91 against 90"),
        pytest.param("3", 1, 5, Agreement.HOLDS, id="between"),
        pytest.param("7", 1, 5, Agreement.BREAKS, id="above both"),
        pytest.param("0", 1, 5, Agreement.BREAKS, id="below both"),
    ],
)
def test_a_word_against_a_number(
    text: str, least: float | None, most: float | None, expected: Agreement
) -> None:
    assert words(text, least=least, most=most) is expected


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        pytest.param("+5.47", "+0.16", False, id="far apart"),
        pytest.param("26.27", "26.3", True, id="one printed shorter"),
        pytest.param("26.27", "26.33", False, id="another number"),
        pytest.param("1", "2", True, id="1.5 is printed both ways"),
        pytest.param("1.0", "2", False, id="1.05 is not 1.5"),
        pytest.param("26.2", "26.25", True, id="overlapping"),
        pytest.param("26.2", "26.26", False, id="just apart"),
        pytest.param("26.26", "26.2", False, id="the other way round"),
        pytest.param("~91", "92", True, id="about"),
        pytest.param("~91", "93", False, id="not even about"),
    ],
)
def test_two_printings_agree_within_their_rounding(one: str, other: str, expected: bool) -> None:  # noqa: FBT001
    asked = TwoPrintings(printed=(("one", Printed(one)), ("other", Printed(other))))
    assert printings_overlap(asked) is expected


@pytest.mark.parametrize(("gain", "ratio"), [("87.69", 0.533), ("86.32", 0.537), ("75.49", 0.570)])
def test_the_ratio_from_which_a_gain_closes(gain: str, ratio: float) -> None:
    assert closing_ratio(Printed(gain)) == pytest.approx(ratio, abs=5e-4)


def test_the_ratio_that_a_gap_implies_and_where_a_gain_ends() -> None:
    assert gap_ratio(Printed("26.27")) == pytest.approx(0.7373)
    assert end_ratio(Printed("100"), Printed("25")) == pytest.approx(1.5)


@pytest.mark.parametrize(
    ("gain", "gaps", "expected"),
    [
        pytest.param("87.69", ("26.27", "19.89"), False, id="the paper's"),
        pytest.param("100", ("50",), True, id="exactly closed"),
        pytest.param("25", ("20",), True, id="exactly closed again"),
        pytest.param("102", ("50",), True, id="within the rounding"),
        pytest.param("103", ("50",), False, id="just beyond the rounding"),
        pytest.param("104", ("50",), False, id="beyond the rounding"),
        pytest.param("~101", ("~49",), True, id="from half of it, doubled, with all rounding"),
        pytest.param("100", ("20", "50"), True, id="the widest gap counts"),
        pytest.param("100", ("50", "20"), True, id="in any order"),
        pytest.param("-20", ("10",), True, id="a loss passes nothing"),
        pytest.param("5", ("-10",), False, id="no gap was open"),
    ],
)
def test_a_gain_that_passes_the_reference(gain: str, gaps: tuple[str, ...], expected: bool) -> None:  # noqa: FBT001
    asked = GainAgainstGap(gain=Printed(gain), gaps=tuple(map(Printed, gaps)))
    assert stays_within_reference(asked) is expected


@pytest.mark.parametrize("gain", ["-100", "-150"])
def test_a_gain_that_leaves_nothing_is_refused(gain: str) -> None:
    with pytest.raises(ValueError, match="leaves nothing; expected more than -100"):
        closing_ratio(Printed(gain))
    with pytest.raises(ValueError, match="leaves nothing"):
        stays_within_reference(GainAgainstGap(gain=Printed(gain), gaps=(Printed("20"),)))
