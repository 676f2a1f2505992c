"""Correlation over a few units: published figures, every order by hand, and random orders against all of them."""

import math

import numpy as np
import pytest

from harness.statistics import correlation
from harness.statistics.correlation import fisher, leave_one_out, partial, permutation_p, spearman

GAPS = np.array([28.0, 22, 20, 19, 15, 12])
SCORES = np.array([21.0, 25, 24, 27, 30, 29])
UP = np.arange(1.0, 6.0)
NINE = np.array([3.0, 1, 4, 1.5, 9, 2, 6, 5, 3.5])
OTHER_NINE = np.array([2.0, 7, 1, 8, 2.5, 3, 1.8, 4, 5])


def test_fishers_interval_is_the_published_one() -> None:
    scale = fisher(-0.80, 9)
    assert scale.se == pytest.approx(1 / math.sqrt(6))
    assert scale.interval(0.9) == pytest.approx((-0.943623, -0.402898), abs=5e-7)
    assert scale.interval(0.95) == pytest.approx((-0.956132, -0.289903), abs=5e-7)
    assert fisher(-0.50, 9).interval(0.9) == pytest.approx((-0.840, 0.122), abs=5e-4)


def test_nine_units_exclude_zero_from_a_correlation_of_minus_586() -> None:
    edge = -math.tanh(1.6448536 / math.sqrt(6))
    assert edge == pytest.approx(-0.586, abs=5e-4)
    assert fisher(edge, 9).interval(0.9)[1] == pytest.approx(0, abs=1e-7)
    assert fisher(edge, 9).tail_above_zero() == pytest.approx(0.95, abs=1e-7)
    assert fisher(-edge, 9).tail_above_zero() == pytest.approx(0.05, abs=1e-7)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_perfect_correlation_has_an_interval_of_one_point(sign: float) -> None:
    assert fisher(sign, 9).interval(0.9) == (sign, sign)
    assert fisher(sign, 9).tail_above_zero() == (0.0 if sign > 0 else 1.0)


def test_three_units_leave_no_interval_and_four_do() -> None:
    with pytest.raises(ValueError, match="3 units; an interval for a correlation needs at least 4"):
        fisher(0.5, 3)
    low, high = fisher(0.5, 4).interval(0.9)
    assert -1 < low < 0.5 < high < 1


def test_rank_correlation_of_the_worked_example() -> None:
    assert spearman(GAPS, SCORES) == pytest.approx(-0.885714, abs=5e-7)
    assert spearman(UP, UP**3) == pytest.approx(1)


def test_equal_values_share_their_mean_rank() -> None:
    ranks = np.array([1.0, 2.5, 2.5, 4.0])
    expected = np.corrcoef(ranks, [1.0, 2, 3, 4])[0, 1]
    assert spearman(np.array([5.0, 7, 7, 9]), np.array([10.0, 20, 30, 40])) == pytest.approx(expected)


def test_each_unit_is_left_out_in_turn() -> None:
    expected = [-0.8501, -0.9343, -0.9593, -0.9390, -0.9470, -0.9459]
    assert leave_one_out(GAPS, SCORES) == pytest.approx(expected, abs=5e-5)


def test_a_third_quantity_held_constant_can_turn_a_correlation_around() -> None:
    # r_xy = .5, r_xz = r_yz = sqrt(.5), so (.5 - .5) / .5 = 0
    x, y, z = np.array([1.0, 1, -1, -1]), np.array([1.0, -1, 1, -1]), np.array([1.0, 1, 1, -1])
    assert partial(x + y, x, y) == pytest.approx(1)
    pair = [np.corrcoef(a, b)[0, 1] for a, b in ((x, y), (x, z), (y, z))]
    expected = (pair[0] - pair[1] * pair[2]) / math.sqrt((1 - pair[1] ** 2) * (1 - pair[2] ** 2))
    assert partial(x, y, z) == pytest.approx(expected)
    assert expected == pytest.approx(-0.5)


def test_what_a_third_quantity_explains_wholly_has_no_partial_correlation() -> None:
    assert math.isnan(partial(UP, np.array([2.0, 1, 5, 3, 4]), UP))


def test_five_units_in_opposite_order_are_one_order_in_120() -> None:
    found = permutation_p(UP, UP[::-1])
    assert (found.one_sided, found.two_sided, found.exact) == (1 / 120, 2 / 120, True)


def test_the_worked_example_of_six_units() -> None:
    found = permutation_p(GAPS, SCORES)
    assert found.one_sided == pytest.approx(0.009722, abs=5e-7)
    assert found.two_sided == pytest.approx(0.0125, abs=5e-7)
    assert found == permutation_p(SCORES, GAPS)


def test_no_correlation_at_all_is_what_at_least_half_of_all_orders_reach() -> None:
    found = permutation_p(np.array([-1.0, 0, 1]), np.array([1.0, -2, 1]))
    assert found.two_sided == 1
    assert found.one_sided >= 0.5


def test_ten_units_are_shuffled_at_random_with_the_estimate_as_one_more_order() -> None:
    ten = np.arange(10.0)
    found = permutation_p(ten, ten)
    assert not found.exact
    assert found.one_sided == 1 / 100_001
    assert found.two_sided <= 3 / 100_001


def test_nine_units_are_still_ordered_in_every_way(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = permutation_p(NINE, OTHER_NINE)
    monkeypatch.setattr(correlation, "EXACT_UP_TO", 8)
    random = permutation_p(NINE, OTHER_NINE)
    assert (exact.exact, random.exact) == (True, False)
    assert random.one_sided == pytest.approx(exact.one_sided, abs=0.005)
    assert random.two_sided == pytest.approx(exact.two_sided, abs=0.005)
    assert random == permutation_p(NINE, OTHER_NINE)


def test_a_constant_added_to_every_score_changes_no_share() -> None:
    # 2**30 is added without rounding; equal orders would come apart if the sums held it.
    assert permutation_p(GAPS, SCORES + 2.0**30) == permutation_p(GAPS, SCORES)
