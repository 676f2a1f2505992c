"""What an interval takes for granted: pencil answers, a published example, and the same number two ways."""

import math

import numpy as np
import pytest
from scipy.stats import f_oneway

from harness.statistics.assumptions import (
    clustered,
    effective_units,
    has_odd_one_out,
    most_influential,
    tail_index,
)

ONES = np.ones(8)


def test_the_tail_index_is_hills_over_the_largest_quarter() -> None:
    residuals = np.array([4.0, -4, 1, -1, 1, -1, 1, -1])  # the two largest are four times the third
    assert tail_index(10 + residuals, ONES) == pytest.approx(1 / math.log(4))
    assert tail_index(10 + np.array([8.0, -2, -2, 1, -1, 0, -4, 0]), ONES) == pytest.approx(
        2 / (math.log(8 / 2) + math.log(4 / 2))
    )


def test_a_tail_of_pareto_is_found_again() -> None:
    sizes = np.random.default_rng(1).pareto(1.5, 20_000) + 1
    signs = np.where(np.arange(20_000) % 2, 1.0, -1.0)
    assert tail_index(1e6 + signs * sizes, np.ones(20_000)) == pytest.approx(1.5, abs=0.1)


def test_equal_sizes_have_no_tail_and_units_that_carry_nothing_the_worst() -> None:
    assert tail_index(10 + np.array([1.0, -1] * 4), ONES) == math.inf
    assert tail_index(np.array([0.0] * 8), ONES) == 0
    # Residuals 1.5, -1, 0 and -0.5 in size order 1.5, 1, 0.5, 0: a quarter of four is the largest alone.
    assert tail_index(np.array([9.0, 8, 6, 7]), np.array([10.0, 12, 8, 10])) == pytest.approx(
        1 / math.log(1.5)
    )


def test_effective_units_by_hand() -> None:
    assert effective_units(np.ones(4)) == 4
    assert effective_units(np.array([3.0, 1, 1, 1])) == pytest.approx(36 / 12)


def test_the_most_influential_unit_moves_the_ratio_most_when_it_goes() -> None:
    observed, reference = np.array([1.0, 1, 9, 1]), np.array([2.0, 2, 3, 2])
    assert most_influential(observed, reference) == 2


def test_the_published_odd_one_out_is_found() -> None:
    """Eight masses with one far off; Grubbs's statistic is 2.4687, the two-sided point 2.1266.

    Source: NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.17.1.
    """
    masses = np.array([199.31, 199.53, 200.19, 200.82, 201.92, 201.95, 202.18, 245.57])
    assert has_odd_one_out(masses)
    assert not has_odd_one_out(masses[:-1])
    assert not has_odd_one_out(np.array([1.0, 5]))


@pytest.mark.parametrize(
    "values", [[0.17, 0.17, 0.26], [1.0, 1, 2], [1.0, 1, 1, 1, 9], [50.0, 50, 50, 50, 50 + 7e-15]], ids=str
)
def test_ties_and_rounding_make_nothing_odd(values: list[float]) -> None:
    """Accuracies are whole counts, so seeds fall on each other, and whatever stands beside a tie looks odd."""
    assert not has_odd_one_out(np.array(values))


GROUPS = [*"hhhh", *"lllll"]
NOISE = np.array([0.3, -0.4, 0.5, -0.4, 0.2, -0.5, 0.4, 0.3, -0.2])
OTHER = np.array([0.1, 0.5, 0.2, -0.8, -0.3, 0.4, 0.6, -0.2, -0.5])
STEP = np.array([0.0] * 4 + [10.0] * 5)


def test_a_correlation_that_two_groups_alone_make_rests_on_them() -> None:
    found = clustered(STEP + NOISE, -STEP + OTHER, GROUPS)
    assert found is not None
    assert found.rests_on_clusters
    within = [NOISE - np.repeat([NOISE[:4].mean(), NOISE[4:].mean()], [4, 5]),
              OTHER - np.repeat([OTHER[:4].mean(), OTHER[4:].mean()], [4, 5])]  # fmt: skip
    assert found.within == pytest.approx(np.corrcoef(*within)[0, 1])


def test_one_that_is_shown_within_them_does_not() -> None:
    found = clustered(STEP + NOISE, -STEP - NOISE + 0.05 * OTHER, GROUPS)
    assert found is not None
    assert found.within < -0.9
    assert not found.rests_on_clusters


def test_groups_that_do_not_differ_make_nothing() -> None:
    x, y = NOISE, -NOISE + 0.6 * OTHER
    assert f_oneway(x[:4], x[4:]).pvalue > 0.05
    found = clustered(x, y, GROUPS)
    assert found is not None
    assert not found.rests_on_clusters


def test_the_other_sign_within_breaks_it_whatever_else() -> None:
    found = clustered(STEP / 10 + NOISE, -STEP / 10 + NOISE, GROUPS)
    assert found is not None
    assert found.within > 0
    assert found.rests_on_clusters


def test_too_few_units_within_tell_nothing() -> None:
    assert clustered(NOISE[:4], OTHER[:4], [*"hhll"]) is None
    assert clustered(NOISE, OTHER, ["h"] * 9) is None
