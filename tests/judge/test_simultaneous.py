"""Limits that hold at once: against a slow loop, against theory for members that somebody declared."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtrit

from harness.judge.rules_maximum import DECLARED_DRAWS, Joint, joint
from harness.statistics.resampling import stream
from tests.judge.asked import drawn, members, normal, sample


def table(seed: int, values: np.ndarray, errors: np.ndarray, num_draws: int = 199) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((num_draws, len(values)))
    return values + noise * errors * np.linspace(0.8, 1.3, len(values))


@pytest.fixture(scope="module")
def four() -> Joint:
    values, errors = np.array([5.0, 6.0, 7.5, 7.0]), np.array([1.0, 0.5, 2.0, 1.5])
    return Joint(values, errors, table(1, values, errors))


def slow_upper_point(four: Joint) -> float:
    """The 10th largest of 199 draws' largest standardised rises of an estimate above its truth."""
    maxima = sorted(
        max((four.values[place] - row[place]) / four.errors[place] for place in range(4))
        for row in four.table
    )
    return maxima[-10]


def test_limits_equal_a_slow_loop(four: Joint) -> None:
    np.testing.assert_allclose(four.lower_limits(), four.values - slow_upper_point(four) * four.errors)


def test_a_limit_clears_an_edge_exactly_when_its_p_value_is_small(four: Joint) -> None:
    rise = slow_upper_point(four)
    assert four.p_rise(rise + 1e-9) <= 0.05 < four.p_rise(rise - 1e-9)


@pytest.mark.parametrize("places", [[0], [3], [1, 2], [0, 1, 3]])
def test_places_equal_a_slow_loop(four: Joint, places: list[int]) -> None:
    others = [place for place in range(4) if place not in places]

    def lead(row: np.ndarray, one: int, other: int) -> float:
        return float((row[one] - row[other]) / math.hypot(four.errors[one], four.errors[other]))

    errors = four.values - four.table  # how far each estimate lies above a truth that is drawn
    elsewhere = []
    for other in others:
        seen = max(lead(four.values, place, other) for place in places)
        hits = sum(max(lead(row, place, other) for place in places) >= seen for row in errors)
        elsewhere.append((1 + hits) / 200)
    best = max(min(lead(four.values, other, place) for place in places) for other in others)
    beaten = []
    for place in places:
        hits = sum(max(lead(row, other, place) for other in others) >= best for row in errors)
        beaten.append((1 + hits) / 200)
    assert four.p_largest_elsewhere(places) == pytest.approx(max(elsewhere))
    assert four.p_beaten(places) == pytest.approx(max(beaten))


@pytest.mark.parametrize(("df", "quantile"), [(None, ndtri), (4.0, lambda p: stdtrit(4, p))])
def test_declared_members_get_the_limits_of_independent_ones(df: float | None, quantile: object) -> None:
    declared = joint(members([1.0, 2.0, 3.0], se=2.0, df=df))
    point = quantile(0.95 ** (1 / 3))  # type: ignore[operator]
    np.testing.assert_allclose(
        declared.lower_limits(), declared.values - 2 * point, atol=0.2 if df is None else 0.5
    )
    assert declared.table.shape == (DECLARED_DRAWS, 3)


def test_declared_members_are_drawn_by_their_name_alone() -> None:
    first, second = members([1.0, 2.0])
    alone, both = joint([second]).table, joint([first, second]).table
    assert (both[:, 1] == alone[:, 0]).all()
    assert not np.allclose(both[:, 0] - 1, both[:, 1] - 2)


def test_a_member_with_draws_sets_the_number_for_those_without() -> None:
    mixed = joint(
        [sample(1.0, 1.0, None, estimate_id="m0"), drawn(2.0, 1.0, 2 + normal(1, 19), estimate_id="m1")]
    )
    assert mixed.table.shape == (19, 2)


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_limits_for_all_are_never_tighter_than_for_some(seed: int, count: int) -> None:
    values, errors = np.arange(6.0), np.linspace(1, 2, 6)
    draws = table(seed, values, errors, 99)
    whole = Joint(values, errors, draws)
    part = Joint(values[:count], errors[:count], draws[:, :count])
    assert (whole.lower_limits()[:count] <= part.lower_limits()).all()


def test_declared_draws_stay_what_they_are_so_that_old_verdicts_can_be_recomputed() -> None:
    known, few = (
        sample(1.0, 2.0, None, estimate_id="m0"),
        sample(1.0, 2.0, 4.0, estimate_id="m0", stream_number=2),
    )
    normal_ones = stream("declared/m0", 1).standard_normal(DECLARED_DRAWS)
    student_ones = stream("declared/m0", 2).standard_t(4.0, DECLARED_DRAWS)
    assert (joint([known]).table[:, 0] == 1 + 2 * normal_ones).all()
    assert (joint([few]).table[:, 0] == 1 + 2 * student_ones).all()


@pytest.mark.parametrize(("num_draws", "beyond"), [(5, 0), (19, 0), (38, 0), (39, 1)])
def test_one_draw_in_twenty_may_lie_beyond_the_limits_that_hold_at_once(num_draws: int, beyond: int) -> None:
    # Truths 1, 2, 3, ... below an estimate of 0: of 39 draws and the estimate itself, two are one in twenty.
    steps = np.arange(1.0, num_draws + 1)[:, None]
    assert Joint(np.zeros(1), np.ones(1), -steps).lower_limits()[0] == -(num_draws - beyond)
