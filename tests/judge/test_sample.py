"""One quantity: the envelope of its intervals, the larger of its p-values, and the noise of one run."""

import math

import numpy as np
import pytest

from harness.judge.measurements import one_run_noise
from harness.statistics.stats import Spread
from tests.judge.asked import drawn, sample

NINETEEN = np.array([*range(1, 20)], float)
"""One draw in twenty beyond 1 and beyond 19, each."""


def test_the_envelope_is_the_wider_interval_at_each_end() -> None:
    # t: 10 +- 1.645 * 4 = 3.42 to 16.58; draws: 1 to 19
    assert drawn(10.0, 4.0, NINETEEN).interval(0.9) == (1, 19)
    wide = drawn(10.0, 6.0, NINETEEN)
    assert wide.interval(0.9) == pytest.approx((10 - 1.644854 * 6, 19.869), abs=1e-3)
    skewed = drawn(14.0, 4.0, NINETEEN)
    assert skewed.interval(0.9) == pytest.approx((1, 14 + 1.644854 * 4), abs=1e-5)


def test_without_draws_the_t_interval_decides() -> None:
    assert sample(10.0, 4.0, 4).interval(0.9) == pytest.approx(
        (10 - 4 * 2.131847, 10 + 4 * 2.131847), abs=1e-5
    )


def test_a_sign_of_outcomes_is_also_held_against_their_flips() -> None:
    """Three questions flipped, all the same way, of 1,115: fair flips do so once in eight, whatever t makes of it."""
    flips = np.zeros(1_115, dtype=np.int64)
    flips[:3] = 1
    error = 100 * flips.std(ddof=1) / math.sqrt(1_115)
    found = sample(300 / 1_115, error, 1_114, steps=flips)
    assert found.p_above(0.0) == pytest.approx(0.042, abs=5e-4)
    assert found.p_without_sign(1) == pytest.approx(1 / 8)
    assert found.p_without_sign(-1) == 1
    assert sample(300 / 1_115, error, 1_114).p_without_sign(1) == found.p_above(0.0)


def test_the_larger_p_value_counts() -> None:
    found = drawn(10.0, 4.0, NINETEEN)
    assert found.p_above(1.5) == pytest.approx(2 / 20)  # the t tail is .017
    assert found.p_below(18.5) == pytest.approx(2 / 20)
    assert found.p_above(9.0) == pytest.approx((1 + 9) / 20)
    assert found.p_below(9.0) == pytest.approx((1 + 11) / 20)
    assert found.p_above(-5.0) == pytest.approx(1 / 20)
    precise = drawn(10.0, 40.0, NINETEEN)
    assert precise.p_above(0.0) == pytest.approx(0.40129, abs=1e-5)
    assert precise.p_below(20.0) == pytest.approx(0.40129, abs=1e-5)


def test_without_spread_nothing_is_shown() -> None:
    still = sample(10.0, 0.0)
    assert still.is_without_spread
    assert (still.p_above(0.0), still.p_below(20.0)) == (1, 1)
    assert not sample(10.0, 1e-9).is_without_spread


@pytest.mark.parametrize(
    ("value", "se", "finite"),
    [
        (1.0, 1.0, True),
        (math.nan, 1.0, False),
        (math.inf, 1.0, False),
        (1.0, math.nan, False),
        (1.0, math.inf, False),
    ],
)
def test_what_a_crash_leaves_behind_is_seen(value: float, se: float, finite: bool) -> None:  # noqa: FBT001
    assert sample(value, se).is_finite is finite


def test_one_run_varies_by_our_error_and_its_own() -> None:
    noise = one_run_noise(sample(25.0, 3.0, None, one_run_sd=4.0))
    assert (noise.one_run_sd, noise.is_assumed) == (4.0, False)
    assert noise.half_width == pytest.approx(1.959964 * 5, abs=1e-5)


@pytest.mark.parametrize(("seeds", "expected"), [(0, 3.0), (1, 3.0), (4, 6.0)])
def test_noise_that_nobody_knows_is_assumed(seeds: int, expected: float) -> None:
    noise = one_run_noise(sample(25.0, 3.0, 4, num_seeds=seeds))
    assert (noise.one_run_sd, noise.is_assumed) == (expected, True)
    assert noise.half_width == pytest.approx(2.776445 * math.hypot(3.0, expected), abs=1e-5)


def test_noise_that_is_known_to_be_none_is_not_assumed() -> None:
    noise = one_run_noise(sample(25.0, 3.0, None, one_run_sd=0.0))
    assert (noise.one_run_sd, noise.is_assumed) == (0.0, False)
    assert noise.half_width == pytest.approx(Spread(3.0, None).half_width(0.95))
