"""The rule for a correlation over languages: the interval, every language left out, and what is only shown."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from harness.judge.measurements import Measurement
from harness.judge.rules import judge_correlation
from harness.statistics.metrics import pearson
from harness.words.claim import Minima, Rule
from harness.words.verdict import CaseVerdict, State, Why
from tests.judge.asked import asking, claim, sample, times

PASS, DEVIATION, INCONCLUSIVE = State.PASS, State.DEVIATION, State.INCONCLUSIVE
CRITICAL = 0.58597
"""Correlation of nine units whose 90 % interval just ends at zero: tanh(1.644854 / sqrt(6))."""

GAPS = np.array([28.0, 22, 20, 19, 15, 12, 10, 9, 5])
SCORES = np.array([21.0, 25, 24, 27, 30, 29, 33, 31, 36])
CODES = tuple("abcdefghi")


def correlated(x: np.ndarray, y: np.ndarray, **changes: Any) -> Measurement:
    count = len(x)
    given: dict[str, Any] = {"num_units": count, "pairs": (y, x), "units": CODES[:count]}
    return sample(pearson(x, y), 0.0, None, **(given | changes))


def judged(found: Measurement, sign: int = -1, count: int = 1, **changes: Any) -> CaseVerdict:
    return judge_correlation(
        asking(claim(Rule.CORRELATION_SIGN, sign=sign, **changes)), (found,), times(count)
    )


def declared(value: float, units: int = 9) -> Measurement:
    """A correlation whose sides lie steadily on a line, so that leaving one out turns nothing around."""
    return replace(correlated(GAPS, SCORES * np.sign(-value)), value=value, num_units=units)


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize(
    ("size", "state", "why"),
    [
        pytest.param(CRITICAL + 1e-4, PASS, Why.SHOWN, id="the interval just excludes zero"),
        pytest.param(CRITICAL - 1e-4, INCONCLUSIVE, Why.LEANING_PASS, id="it just does not"),
        pytest.param(
            1e-4 - CRITICAL, INCONCLUSIVE, Why.LEANING_DEVIATION, id="on the other side it just does not"
        ),
        pytest.param(-CRITICAL - 1e-4, DEVIATION, Why.OPPOSITE_SIGN, id="on the other side it just does"),
    ],
)
def test_nine_languages_decide_at_586(size: float, state: State, why: Why, sign: int) -> None:
    case = judged(declared(sign * size), sign)
    assert (case.state, case.why) == (state, why)


def test_the_published_intervals() -> None:
    numbers = judged(declared(-0.80)).numbers
    assert numbers is not None
    assert numbers.ci90 == pytest.approx((-0.944, -0.403), abs=5e-4)
    assert numbers.ci95 == pytest.approx((-0.956, -0.290), abs=5e-4)
    assert judged(declared(-0.50)).state is INCONCLUSIVE


def test_a_deviation_pays_for_its_family_and_a_pass_does_not() -> None:
    assert judged(declared(-0.60), count=100).state is PASS
    case = judged(declared(0.60), count=2)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.NOT_AFTER_HOLM)


def test_one_language_on_which_the_sign_hangs_withholds_a_pass() -> None:
    lever = np.array([-10.0, *[0.1, 0.0, -0.1, 0.1, 0.0, -0.1, 0.1, -0.1]])
    found = correlated(lever, np.array([10.0, *[0.2, 0.0, -0.1, 0.1, 0.0, -0.2, 0.0, 0.1]]))
    assert found.value < -0.99
    case = judged(found)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.LEANING_PASS)
    assert "Leaving out a moves it most" in case.notes[2]


def test_without_the_languages_themselves_it_cannot_pass() -> None:
    case = judged(replace(declared(-0.9), pairs=None, units=()))
    assert case.state is INCONCLUSIVE
    assert "nobody can leave one out" in case.says
    assert case.notes == ()


@pytest.mark.parametrize(
    ("units", "minimum", "why"),
    [(7, 8, Why.TOO_FEW_UNITS), (3, 0, Why.TOO_FEW_UNITS), (4, 0, Why.LEANING_PASS)],
)
def test_too_few_languages_leave_it_open(units: int, minimum: int, why: Why) -> None:
    found = correlated(GAPS[:units], np.array([1.0, 3, 2, 4, 5, 6, 7])[:units])
    case = judged(found, sign=-1, minima=Minima(units=minimum))
    assert (case.state, case.why) == (INCONCLUSIVE, why)


def test_three_languages_are_one_too_few_for_an_interval() -> None:
    case = judged(correlated(GAPS[:3], SCORES[:3]))
    assert case.says == "It rests on 3 units; an interval for a correlation needs 4."
    assert case.numbers is None


@pytest.mark.parametrize("sign", [1, -1])
def test_languages_that_hold_no_correlation_without_one_of_them_withhold_a_pass(sign: int) -> None:
    # Eight languages in a square have a correlation of 0 exactly; the ninth lies far out.
    square = np.array([-1.0, -1, 1, 1, -1, -1, 1, 1]), np.array([-1.0, 1, -1, 1, -1, 1, -1, 1])
    found = correlated(np.append(square[0], 99.0), sign * np.append(square[1], 99.0))
    case = judged(found, sign)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.LEANING_PASS)
    assert "Leaving out i moves it most, to" in case.notes[2]


def test_what_the_interval_and_the_tests_rest_on_stands_beside_the_verdict() -> None:
    """Both signs at atanh(-.6) * sqrt(6) = -1.69787 standard errors, and a deviation among three claims."""
    for sign, p_values in ((-1, (0.044766, 0.955234, 1)), (1, (0.955234, 0.044766, 0.134298))):
        case = judged(replace(declared(-0.60), num_seeds=3), sign, count=3)
        numbers = case.numbers
        assert numbers is not None
        assert (numbers.p_equiv, numbers.p_dev, numbers.p_dev_holm) == pytest.approx(p_values, abs=5e-6)
        assert (numbers.num_units, numbers.num_seeds, numbers.method) == (9, 3, "Fisher's z over languages")
        assert case.says.startswith(
            "Correlation -0.600 over 9 units, 90 % interval -0.88 to -0.02; with one unit"
        )


def test_a_perfect_correlation_is_judged_like_any_other() -> None:
    case = judged(correlated(GAPS, -2 * GAPS))
    assert case.state is PASS
    assert case.numbers is not None
    assert case.numbers.ci90 == pytest.approx((-1, -1), abs=1e-6)


def test_it_shows_permutations_ranks_and_the_partial_correlation() -> None:
    tokens = np.array([9.0, 8, 9, 7, 6, 5, 5, 4, 2])
    case = judged(correlated(GAPS, SCORES, control=tokens))
    permuted, ranked, moved, held = case.notes
    assert permuted.startswith("Permutation of every order: p = ")
    assert ranked == "Rank correlation -0.950."
    assert moved.startswith("Leaving out ")
    assert held.startswith("With tokens per phrase held constant it is ")
    assert "Correlation -0.964 over 9 units" in case.says
    assert "with one unit left out it lies from -0.973 to -0.945." in case.says


def test_the_permutation_of_six_units_is_the_published_one() -> None:
    six = correlated(np.array([28.0, 22, 20, 19, 15, 12]), np.array([21.0, 25, 24, 27, 30, 29]))
    case = judged(six)
    assert case.notes[0] == "Permutation of every order: p = 0.0125 two-sided, 0.009722 one-sided."
    assert "from -0.959 to -0.850" in case.says


def test_ten_languages_are_shuffled_at_random() -> None:
    ten = np.arange(10.0)
    found = correlated(ten, -ten, units=tuple("abcdefghij"))
    assert judged(found).notes[0].startswith("Permutation of random orders: p = ")


def test_a_printed_correlation_is_held_against_the_measured_one() -> None:
    """atanh(-0.8) lies 0.733 from atanh(-0.95); over nine languages each, 1.96 * sqrt(1/6 + 1/6) is needed."""
    asked = asking(claim(Rule.CORRELATION_SIGN, "-0.95", sign=-1))
    found = judge_correlation(asked, (sample(-0.8, 0.0, None, num_units=9),), lambda p: p)
    assert "0.733 from the printed -0.95" in found.notes[0]
    assert "from 1.132 on" in found.notes[0]
