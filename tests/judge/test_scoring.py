"""Arithmetic of published scores, by the two that were seen in full and by pencil."""

import pytest

from harness.judge.baselines import (
    Scored,
    baseline,
    items_by_stderr,
    right_answers,
    standard_errors_above,
)
from harness.words.judgement import BaselineOutcome


@pytest.mark.parametrize(
    ("value", "stderr", "right"),
    [
        pytest.param(0.4150191061638146, 0.006351536446779069, 2498, id="Indonesian, acc"),
        pytest.param(0.5592291078252202, 0.006399930323054428, 3366, id="Indonesian, acc_norm"),
        pytest.param(0.2517029406878219, 0.005594420057712956, 1515, id="Malayalam, acc"),
    ],
)
def test_published_errors_imply_6019_items(value: float, stderr: float, right: int) -> None:
    assert items_by_stderr(value, stderr) == 6019
    assert right_answers(value, 6019) == right


@pytest.mark.parametrize(
    ("value", "stderr"),
    [(0.5, 0.0), (0.0, 0.1), (1.0, 0.1), (0.5, 0.0333)],
    ids=["no error", "nothing right", "all right", "no whole number"],
)
def test_some_errors_imply_no_number_of_items(value: float, stderr: float) -> None:
    assert items_by_stderr(value, stderr) is None


def implied(items: float) -> int | None:
    """What an accuracy of one half with the error of so many items is taken to rest on."""
    return items_by_stderr(0.5, (0.25 / (items - 1)) ** 0.5)


@pytest.mark.parametrize(
    ("items", "slack"),
    [
        pytest.param(100, 0.02, id="a fiftieth of an item"),
        pytest.param(10_000, 0.02, id="up to ten thousand"),
        pytest.param(50_000, 0.1, id="and in proportion beyond"),
        pytest.param(100_000, 0.2, id="two millionths of all"),
    ],
)
def test_an_implied_number_is_whole_within_its_digits(items: int, slack: float) -> None:
    assert implied(items + slack - 1e-5) == implied(items - slack + 1e-5) == items
    assert implied(items + slack + 1e-5) is implied(items - slack - 1e-5) is None


def test_six_printed_digits_are_enough_to_find_the_right_answers() -> None:
    assert right_answers(0.415019, 6019) == 2498  # 0.4150191...
    assert right_answers(0.415018, 6019) is None


def test_a_score_that_no_count_gives_has_no_right_answers() -> None:
    assert right_answers(0.2505, 10) is None


AGREES, DIFFERS, AT_CHANCE = BaselineOutcome.AGREES, BaselineOutcome.DIFFERS, BaselineOutcome.AT_CHANCE


def gate(
    ours: float, theirs: float, items: int, chance: float, item_agreement: float | None = None
) -> BaselineOutcome:
    """Both sides answered as many questions."""
    one, other = (Scored(accuracy=accuracy, items=items) for accuracy in (ours, theirs))
    return baseline(one, other, chance, item_agreement)


@pytest.mark.parametrize(
    ("ours", "theirs", "agreement", "expected"),
    [
        pytest.param(0.416, 0.415, None, AGREES, id="a tenth of a point apart"),
        pytest.param(0.42, 0.415, None, AGREES, id="half a point above, which is the edge"),
        pytest.param(0.41, 0.415, None, AGREES, id="half a point below"),
        pytest.param(0.42001, 0.415, None, DIFFERS, id="a hair more than half a point"),
        pytest.param(0.421, 0.415, None, DIFFERS, id="six tenths apart"),
        pytest.param(0.421, 0.415, 0.97, AGREES, id="item by item, at the edge"),
        pytest.param(0.421, 0.415, 0.9699, DIFFERS, id="item by item, a hair below"),
        pytest.param(0.415, 0.415, 0.96, DIFFERS, id="equal by chance, other items"),
        pytest.param(0.252, 0.2517, None, AT_CHANCE, id="at chance, as their Malayalam HellaSwag is"),
        pytest.param(0.45, 0.2517, None, DIFFERS, id="theirs at chance, ours far above"),
        pytest.param(0.0, 0.2517, None, DIFFERS, id="theirs at chance, ours right nowhere"),
        pytest.param(0.9, 0.2, None, DIFFERS, id="theirs below chance, ours above"),
        pytest.param(0.2, 0.2, None, AGREES, id="equally far below chance"),
        pytest.param(0.24, 0.2, None, AT_CHANCE, id="theirs below chance, ours at it"),
        pytest.param(0.25, 0.2517, 0.40, DIFFERS, id="both at chance, item by item far apart"),
        pytest.param(0.25, 0.2517, 0.97, AGREES, id="both at chance, item by item alike"),
    ],
)
def test_the_baseline_gate(
    ours: float, theirs: float, agreement: float | None, expected: BaselineOutcome
) -> None:
    assert gate(ours, theirs, 6019, 0.25, agreement) is expected


@pytest.mark.parametrize(("accuracy", "agreement"), [(0.9, None), (0.9, 1.0), (0.25, None)])
def test_another_number_of_questions_comes_before_everything(
    accuracy: float, agreement: float | None
) -> None:
    ours, theirs = (Scored(accuracy=accuracy, items=items) for items in (1000, 999))
    assert baseline(ours, theirs, 0.25, agreement) is DIFFERS
    assert baseline(theirs, ours, 0.25, agreement) is DIFFERS


@pytest.mark.parametrize(
    ("chance", "expected"),
    [(0.35, AT_CHANCE), (0.3499, DIFFERS), (0.65, AT_CHANCE), (0.6501, DIFFERS)],
    ids=["three errors above", "a little more", "three errors below", "a little lower"],
)
def test_ours_must_stand_at_chance_as_well(chance: float, expected: BaselineOutcome) -> None:
    """Half of 101 right has a standard error of 0.05; theirs is never above chance, and a point or more away."""
    assert gate(0.5, min(chance, 0.49), 101, chance) is expected


@pytest.mark.parametrize(
    ("chance", "expected"),
    [(0.35, AT_CHANCE), (0.3499, DIFFERS)],
    ids=["three standard errors are still chance", "a little more is none"],
)
def test_the_edge_of_chance(chance: float, expected: BaselineOutcome) -> None:
    """Half of 101 right has a standard error of 0.5 / sqrt(100) = 0.05, so three reach from 0.35 to 0.5."""
    assert standard_errors_above(0.5, 0.35, 101) == pytest.approx(3.0)
    assert standard_errors_above(0.5, 0.0, 2) == 1  # one of two: an error of sqrt(.25 / 1)
    assert gate(0.49, 0.5, 101, chance) is expected


@pytest.mark.parametrize(("chance", "expected"), [(0.7001, AT_CHANCE), (0.6999, AGREES)])
def test_the_edge_of_chance_of_a_score_off_the_middle(chance: float, expected: BaselineOutcome) -> None:
    """Four fifths of 145 have a standard error of sqrt(0.16 / 144) = 1/30, so three are a tenth."""
    assert gate(0.8, 0.8, 145, chance) is expected


@pytest.mark.parametrize(("theirs", "expected"), [(1.0, DIFFERS), (0.0, AT_CHANCE)], ids=["all", "none"])
def test_a_score_without_error_is_clear_of_chance_by_its_side(
    theirs: float, expected: BaselineOutcome
) -> None:
    assert gate(0.3, theirs, 10, 0.25) is expected
