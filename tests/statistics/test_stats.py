"""Quantiles, tests and spreads by pencil, against published figures, and two ways where there are two."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics.stats import (
    Spread,
    Values,
    combined,
    expected_maximum,
    holm,
    mean_spread,
    ratio_spread,
    share_spread,
    sign_flip_tail,
    sign_tail,
    standard_deviation,
    t_quantile,
    t_tail,
    tail_above,
    tail_below,
    units_for_equivalence,
)
from harness.words.estimate import ALPHA

HIGH, LOW = np.array([10.0, 12, 8, 10]), np.array([8.0, 9, 6, 7])
SEEDS = np.array([84.1, 86.3, 85.2])


@pytest.mark.parametrize(
    ("probability", "df", "expected"),
    [
        (0.95, 199, 1.652547),
        (0.95, 49, 1.676551),
        (0.95, 4, 2.131847),
        (0.95, 2, 2.919986),
        (0.975, 199, 1.971957),
        (0.975, 2, 4.302653),
        (0.95, None, 1.644854),
        (0.025, None, -1.959964),
        (0.5, 3, 0.0),
    ],
)
def test_quantiles_are_those_of_the_tables(probability: float, df: float | None, expected: float) -> None:
    assert t_quantile(probability, df) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize("df", [2.0, 6.09, 199.0, None])
def test_the_tail_at_a_quantile_is_what_the_quantile_leaves(df: float | None) -> None:
    assert t_tail(t_quantile(0.95, df), df) == pytest.approx(0.05, rel=1e-9)
    assert t_tail(0.0, df) == 0.5
    assert t_tail(-1.3, df) == pytest.approx(1 - t_tail(1.3, df), rel=1e-12)


def test_far_tails_keep_their_digits() -> None:
    assert t_tail(26.765 / 0.6, 199) == pytest.approx(7.157e-106, rel=1e-3, abs=0)
    assert t_tail(math.inf, 5) == 0
    assert t_tail(math.inf, None) == 0


def test_a_spread_reaches_as_far_as_its_quantile_says() -> None:
    spread = Spread(0.6, 199)
    assert spread.half_width(0.9) == pytest.approx(1.652547 * 0.6, abs=1e-6)
    assert spread.half_width(0.95) == pytest.approx(1.971957 * 0.6, abs=1e-6)
    assert spread.interval(25.1, 0.9) == pytest.approx((24.1085, 26.0915), abs=5e-5)


def test_an_estimate_above_the_edge_is_unlikely_above_it_and_likely_below() -> None:
    spread = Spread(2.0, None)
    assert tail_above(1.0, 1.0 + 2 * 1.644854, spread) == pytest.approx(0.05, abs=1e-6)
    assert tail_below(1.0, 1.0 - 2 * 1.644854, spread) == pytest.approx(0.05, abs=1e-6)
    assert tail_above(1.0, 1.0, spread) == tail_below(1.0, 1.0, spread) == 0.5
    assert tail_above(0.0, 3.0, spread) + tail_below(0.0, 3.0, spread) == pytest.approx(1)


def test_few_degrees_of_freedom_make_either_side_of_an_edge_likelier() -> None:
    # Student's quantile of .95 at 4 degrees of freedom is 2.131847.
    spread = Spread(2.0, 4)
    assert tail_above(1.0, 1.0 + 2 * 2.131847, spread) == pytest.approx(0.05, abs=1e-6)
    assert tail_below(1.0, 1.0 - 2 * 2.131847, spread) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [
        pytest.param([0.001, 0.01, 0.03, 0.04, 0.2], [0.005, 0.04, 0.09, 0.09, 0.2], id="the worked example"),
        pytest.param([0.2, 0.03, 0.001, 0.04, 0.01], [0.2, 0.09, 0.005, 0.09, 0.04], id="in any order"),
        pytest.param([0.03], [0.03], id="one alone is left as it is"),
        pytest.param([], [], id="none at all"),
        pytest.param([0.5, 0.6], [1.0, 1.0], id="never above one"),
        pytest.param([0.02, 0.02, 0.02], [0.06, 0.06, 0.06], id="equal ones stay equal"),
        pytest.param([0.01, 1.0, 1.0], [0.03, 1.0, 1.0], id="those not measured count"),
    ],
)
def test_holm_steps_down(raw: list[float], adjusted: list[float]) -> None:
    assert holm(raw) == pytest.approx(adjusted, abs=1e-12)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_lies_between_raw_and_bonferroni(raw: list[float]) -> None:
    adjusted = holm(raw)
    assert all(p <= q <= min(1, len(raw) * p) + 1e-12 for p, q in zip(raw, adjusted, strict=True))
    assert [q for _, q in sorted(zip(raw, adjusted, strict=True))] == sorted(adjusted)


def test_two_sources_of_error_share_welch_and_satterthwaites_freedom() -> None:
    both = combined([Spread(0.6, 199), Spread(1.2 / math.sqrt(3), 2)])
    assert (both.se, both.df) == (pytest.approx(0.9165151, abs=1e-6), pytest.approx(6.0906, abs=1e-4))
    assert both.interval(85, 0.9) == pytest.approx((83.2238, 86.7762), abs=5e-4)


def test_a_known_spread_adds_to_the_error_and_not_to_its_doubt() -> None:
    assert combined([Spread(3.0, None), Spread(4.0, None)]) == Spread(5.0, None)
    both = combined([Spread(3.0, 4), Spread(4.0, None)])
    assert (both.se, both.df) == (5.0, pytest.approx(5**4 / (3**4 / 4)))


def test_a_source_without_error_changes_nothing() -> None:
    alone = combined([Spread(0.0, 2), Spread(0.7, 9), Spread(0.0, None)])
    assert (alone.se, alone.df) == (pytest.approx(0.7), pytest.approx(9))
    assert combined([Spread(0.0, 2)]) == combined([]) == Spread(0.0, None)


def test_the_mean_of_three_seeds_has_their_spread() -> None:
    spread = mean_spread(SEEDS)
    assert (spread.se, spread.df) == (pytest.approx(1.1 / math.sqrt(3)), 2)
    assert spread.interval(85.2, 0.9) == pytest.approx((83.345560, 87.054440), abs=5e-7)
    assert standard_deviation(SEEDS.tolist()) == pytest.approx(1.1)


def test_one_value_shows_no_spread_and_two_do() -> None:
    assert mean_spread(SEEDS[:1]) == mean_spread(SEEDS[:0]) == Spread(0.0, None)
    assert ratio_spread(LOW[:1], HIGH[:1]) == Spread(0.0, None)
    assert standard_deviation([3.0]) == standard_deviation([]) == 0
    assert mean_spread(np.array([1.0, 3.0])) == Spread(1.0, 1.0)
    assert ratio_spread(LOW[:2], HIGH[:2]).df == 1
    assert standard_deviation([1.0, 3.0]) == pytest.approx(math.sqrt(2))


@pytest.mark.parametrize(
    ("high", "low", "gap", "se"),
    [
        pytest.param([10, 12, 8, 10], [8, 9, 6, 7], 25.0, 2.041241, id="four even latents"),
        pytest.param(
            [10, 20, 5, 5], [9, 12, 4, 5], 25.0, 10.358169, id="one latent that outweighs the others"
        ),
    ],
)
def test_a_ratio_of_means_has_the_linearised_error(
    high: list[float], low: list[float], gap: float, se: float
) -> None:
    observed, reference = np.array(low, float), np.array(high, float)
    spread = ratio_spread(observed, reference)
    assert 100 * (1 - observed.sum() / reference.sum()) == pytest.approx(gap)
    assert (100 * spread.se, spread.df) == (pytest.approx(se, abs=5e-7), 3)
    assert ratio_spread(observed, -reference).se == pytest.approx(spread.se)


def test_the_mean_of_ratios_is_another_quantity_with_another_error() -> None:
    gaps = 100 * (1 - np.array([9.0, 12, 4, 5]) / np.array([10.0, 20, 5, 5]))
    assert (gaps.mean(), mean_spread(gaps).se) == (pytest.approx(17.5), pytest.approx(8.539126, abs=5e-7))


@pytest.mark.parametrize(
    ("gained", "lost", "items", "points", "se"),
    [
        pytest.param(50, 20, 1169, 2.566296, 0.712064, id="fifty against twenty"),
        pytest.param(30, 28, 1169, 0.171086, 0.651737, id="thirty against twenty-eight"),
        pytest.param(10, 2, 100, 8.0, 3.387440, id="ten against two"),
        pytest.param(2, 10, 100, -8.0, 3.387440, id="two against ten"),
        pytest.param(4, 4, 100, 0.0, 2.842676, id="as many lost as gained"),
        pytest.param(0, 0, 100, 0.0, 0.0, id="no answer flipped"),
        pytest.param(1, 0, 2, 50.0, 50.0, id="one of two"),
    ],
)
def test_a_paired_change_is_the_mean_over_its_items(
    gained: int, lost: int, items: int, points: float, se: float
) -> None:
    changes = flipped(gained, lost, items)
    found = mean_spread(changes)
    assert (changes.mean(), found.se) == (pytest.approx(points, abs=5e-7), pytest.approx(se, abs=5e-7))


def test_the_paired_interval_is_the_normal_one_that_is_printed() -> None:
    found = mean_spread(flipped(50, 20, 1169))
    assert found.interval(2.566296, 0.9) == pytest.approx((1.394126, 3.738466), abs=5e-4)


def flipped(gained: int, lost: int, items: int) -> Values:
    """Points of every item that turned right, turned wrong, or did neither."""
    return np.array([100.0] * gained + [-100.0] * lost + [0.0] * (items - gained - lost))


@pytest.mark.parametrize(
    ("positive", "total", "tail"),
    [
        (6, 9, 0.25390625),
        (8, 9, 0.01953125),
        (9, 9, 0.001953125),
        (0, 9, 1.0),
        (0, 0, 1.0),
        (1, 1, 0.5),
        (1, 2, 0.75),
    ],
)
def test_the_sign_count_has_its_exact_tail(positive: int, total: int, tail: float) -> None:
    assert sign_tail(positive, total) == pytest.approx(tail, abs=1e-12)


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi)), (26, 1.982158)],
)
def test_the_largest_of_several_is_too_large_on_average(count: int, expected: float) -> None:
    assert expected_maximum(count) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("unit_sd", "margin", "needed"),
    [(30, 2.5, 1234), (30, 2.0, 1927), (100 * math.sqrt(0.05), 0.5, 17128)],
)
def test_the_units_that_a_margin_needs(unit_sd: float, margin: float, needed: int) -> None:
    assert units_for_equivalence(unit_sd, margin) == needed
    assert units_for_equivalence(unit_sd, margin, power=0.9) > needed


def test_half_an_interval_alone_needs_fewer_units_than_showing_it() -> None:
    flips = 100 * math.sqrt(0.05)
    assert Spread(flips / math.sqrt(1169), None).half_width(0.9) == pytest.approx(1.08, abs=5e-3)
    assert Spread(flips / math.sqrt(5412), None).half_width(0.9) == pytest.approx(0.5, abs=1e-4)


def test_every_verdict_is_earned_at_five_percent() -> None:
    assert ALPHA == 0.05


@pytest.mark.parametrize(
    ("steps", "tail"),
    [
        pytest.param([1, 1, 1], 1 / 8, id="three, all one way"),
        pytest.param(
            [1] * 10 + [-1] * 2 + [0] * 9, 0.038574 / 2, id="McNemar 10 against 2, half of the two-sided"
        ),
        pytest.param([2, 1, -1], 3 / 8, id="of two sizes"),
        pytest.param([-1, -1], 1.0, id="the other way"),
        pytest.param([0, 0], 1.0, id="nothing flipped"),
    ],
)
def test_fair_signs_give_as_large_a_sum_this_often(steps: list[int], tail: float) -> None:
    assert sign_flip_tail(np.array(steps)) == pytest.approx(tail, abs=5e-7)


def test_the_tail_of_signs_equals_every_way_to_flip_them() -> None:
    steps = np.array([3, -1, 2, 2, 5, -4, 1, 0, 3])
    sums = [np.dot(signs, steps) for signs in itertools.product((1, -1), repeat=len(steps))]
    assert sign_flip_tail(steps) == pytest.approx(np.mean(np.array(sums) >= steps.sum()))


def test_a_spread_below_rounding_is_no_spread() -> None:
    ratios = 0.7373 * np.random.default_rng(1).lognormal(0, 1, 200)
    assert ratio_spread(ratios, ratios / 0.7373).se == 0
    assert mean_spread(np.array([0.1 + 0.2, 0.3, 0.3])).se == 0
    assert mean_spread(np.array([0.3, 0.3000001])).se > 0


def test_a_share_has_the_error_of_counts_with_one_more_of_either_kind() -> None:
    """25 of 100: 26/102 * 76/102 / 102 is 0.00186203, whose root is 4.3151 points; 7 of 100 comes to 2.6620."""
    assert share_spread(np.array([25.0]), np.array([100.0])).se == pytest.approx(4.3151, abs=5e-5)
    both = share_spread(np.array([25.0, 7.0]), np.array([100.0, -100.0]))
    assert both.se == pytest.approx(math.hypot(4.3151, 2.6620), abs=1e-4)
    assert both.df is None


def test_groups_of_one_side_weigh_alike() -> None:
    alone = share_spread(np.array([25.0]), np.array([100.0])).se
    four = share_spread(np.full(4, 25.0), np.full(4, 100.0)).se
    assert four == pytest.approx(alone / 2)
    assert share_spread(np.array([25.0] * 4 + [25.0]), np.array([100.0] * 4 + [-100.0])).se == pytest.approx(
        math.hypot(alone / 2, alone)
    )


def test_a_share_of_none_has_an_error_too() -> None:
    assert share_spread(np.zeros(1), np.array([10.0])).se == pytest.approx(
        100 * math.sqrt(11) / 12 / math.sqrt(12), rel=1e-9
    )


def test_a_difference_of_shares_errs_as_often_as_it_may() -> None:
    """Two groups of 100 whose true shares are equal: nine intervals of ten hold zero, near the edge as well."""
    generator, held = np.random.default_rng(7), []
    for share in (0.05, 0.3):
        counts = generator.binomial(100, share, (2000, 2)).astype(float)
        spreads = [share_spread(pair, np.array([100.0, -100.0])) for pair in counts]
        held.append(
            np.mean(
                [
                    abs(one - other) <= each.half_width(0.9)
                    for (one, other), each in zip(counts, spreads, strict=True)
                ]
            )
        )
    assert min(held) >= 0.88
    assert max(held) <= 0.96
