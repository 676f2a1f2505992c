"""What printed changes two accuracies can be, by pencil on the sets in play for Malayalam ARC."""

from fractions import Fraction

import pytest

from harness.judge.arithmetic import PrintedChange, matches, printed_changes
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.words.claim import Printed

SMALL, LARGE = (PrintedChange(benchmark="arc", language="ml", printed=Printed(text), source="s") for text in ("+0.16", "+5.47"))  # fmt: skip


def can_be(before: Fraction, after: Fraction) -> list[tuple[str, str, str]]:
    return [(each.printed, each.form, each.rounding.value) for each in matches((SMALL, LARGE), before, after)]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        pytest.param((280, 1115), (341, 1115), [("+5.47", "points", "rounded once")], id="61 items of 1,115 are 5.4709"),
        pytest.param((280, 1142), (342, 1142), [], id="62 of 1,142 are 5.43"),
        pytest.param((256, 1115), (270, 1115), [("+5.47", "percent", "rounded once")], id="14 more than 256 are 5.469 %"),
        pytest.param((280, 1115), (281, 1115), [], id="one item is 0.09, two are 0.18: never 0.16"),
        pytest.param((285, 1142), (280, 1115), [("+0.16", "points", "rounded once")],
                     id="fewer right answers of fewer questions are 0.16"),
        pytest.param((625, 1115), (626, 1115), [("+0.16", "percent", "rounded once")], id="one item on 625 is 0.16 %"),
        pytest.param((0, 1115), (61, 1115), [("+5.47", "points", "rounded once")], id="nothing right before"),
    ],
)  # fmt: skip
def test_pairs_of_arc_runs(
    before: tuple[int, int], after: tuple[int, int], expected: list[tuple[str, str, str]]
) -> None:
    assert can_be(Fraction(*before), Fraction(*after)) == expected


def test_a_difference_of_two_rounded_accuracies_is_told_as_such() -> None:
    """24.554 and 24.706 print as 24.55 and 24.71, which are 0.16 apart; they themselves are 0.152 apart."""
    assert can_be(Fraction("0.24554"), Fraction("0.24706")) == [("+0.16", "points", "made from two rounded accuracies")]  # fmt: skip


def test_the_printed_changes_of_the_paper_are_those_of_its_claims() -> None:
    found = printed_changes(load_study("sin2025"), load_claims("sin2025"))
    assert [(each.benchmark, each.language, each.printed.text) for each in found] == [
        ("arc", "ml", "+0.16"),
        ("arc", "ml", "+5.47"),
        ("hellaswag", "ml", "+1.62"),
        ("mmlu", "ml", "-0.22"),
    ]
