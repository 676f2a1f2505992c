"""Quantities of the field by pencil, against numpy, and as properties."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from harness.statistics.metrics import (
    centred,
    change_percent,
    cosines,
    gap_percent,
    group_means,
    pearson,
    pooled,
    ratio_percent,
)
from harness.words.study import Aggregation, Pooling

Values = NDArray[np.float64]
POSITIVE = st.floats(0.01, 1000.0)
PAIRS = st.integers(1, 20).flatmap(
    lambda size: st.tuples(
        arrays(np.float64, size, elements=POSITIVE), arrays(np.float64, size, elements=POSITIVE)
    )
)


def of(*values: float) -> Values:
    return np.asarray(values, dtype=np.float64)


@pytest.mark.parametrize(
    ("low", "high", "aggregation", "percent"),
    [
        pytest.param((1, 2), (2, 3), Aggregation.RATIO_OF_MEANS, 40.0, id="ratio of means: 1 - 3/5"),
        pytest.param(
            (1, 2), (2, 3), Aggregation.MEAN_OF_RATIOS, 500 / 12, id="mean of ratios: 1 - (1/2 + 2/3)/2"
        ),
        pytest.param((3,), (2,), Aggregation.RATIO_OF_MEANS, -50.0, id="the low side above: 1 - 3/2"),
        pytest.param((0, 0), (2, 3), Aggregation.RATIO_OF_MEANS, 100.0, id="a silent low side"),
        pytest.param(
            (1, 1), (0, 4), Aggregation.RATIO_OF_MEANS, 50.0, id="one silent latent divides nothing"
        ),
    ],
)
def test_gap_by_pencil(
    low: tuple[float, ...], high: tuple[float, ...], aggregation: Aggregation, percent: float
) -> None:
    assert gap_percent(of(*low), of(*high), aggregation) == pytest.approx(percent, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize(
    ("low", "high", "aggregation"),
    [
        pytest.param((), (), Aggregation.RATIO_OF_MEANS, id="no latent, ratio of means"),
        pytest.param((), (), Aggregation.MEAN_OF_RATIOS, id="no latent, mean of ratios"),
        pytest.param((1, 1), (0, 0), Aggregation.RATIO_OF_MEANS, id="a silent high side"),
        pytest.param((1, 1), (0, 4), Aggregation.MEAN_OF_RATIOS, id="one silent latent among ratios"),
        pytest.param((1,), (float("nan"),), Aggregation.RATIO_OF_MEANS, id="a high side that is no number"),
    ],
)
def test_a_gap_to_nothing_is_refused(
    low: tuple[float, ...], high: tuple[float, ...], aggregation: Aggregation
) -> None:
    with pytest.raises(ValueError, match="no ratio exists"):
        gap_percent(of(*low), of(*high), aggregation)


def test_change_and_ratio_by_pencil() -> None:
    # Before 1 + 3 = 4, after 2 + 3 = 5: 5/4 of before, a quarter more.
    after, before = of(2, 3), of(1, 3)
    assert change_percent(after, before) == pytest.approx(25.0)
    assert ratio_percent(after, before) == pytest.approx(125.0)
    assert change_percent(before, after) == pytest.approx(-20.0)


@pytest.mark.parametrize("formula", [change_percent, ratio_percent], ids=["change", "ratio"])
def test_a_change_from_nothing_is_refused(formula: object) -> None:
    assert callable(formula)
    for before in (of(0, 0), of()):
        with pytest.raises(ValueError, match="no ratio exists"):
            formula(np.ones(len(before)), before)


def test_pearson_by_pencil() -> None:
    # Deviations -1 0 1 and -1 1 0: product 1, lengths sqrt 2 and sqrt 2.
    assert pearson(of(1, 2, 3), of(1, 3, 2)) == pytest.approx(0.5)
    assert pearson(of(1, 2, 3), of(5, 3, 1)) == pytest.approx(-1.0)


@given(arrays(np.float64, (2, 9), elements=st.floats(-100, 100)))
def test_pearson_agrees_with_numpy(both: Values) -> None:
    assume(both.std(axis=1).min() > 1e-3)
    assert pearson(both[0], both[1]) == pytest.approx(np.corrcoef(both)[0, 1], abs=1e-9)


@pytest.mark.parametrize("constant", [0.0, 25.0, 0.1, 100 / 3], ids=lambda value: f"{value:.3g}")
def test_a_side_that_does_not_vary_has_no_correlation(constant: float) -> None:
    # The mean of three times 0.1 is not 0.1 in floating point; that must not pass for spread.
    assert math.isnan(pearson(np.full(3, constant), of(1, 2, 4)))
    assert math.isnan(pearson(of(1, 2, 4), np.full(3, constant)))


@pytest.mark.parametrize("count", [0, 1, 2])
def test_too_few_pairs_are_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} pairs; a correlation needs at least 3"):
        pearson(np.arange(count, dtype=np.float64), np.ones(count))


def test_cosines_by_pencil() -> None:
    # A right angle; 45 degrees; opposite, whatever the lengths; nothing to compare with.
    left = np.asarray([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0], [0.0, 0.0]])
    right = np.asarray([[0.0, 3.0], [1.0, 1.0], [-5.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(cosines(left, right), [0.0, math.sqrt(0.5), -1.0, np.nan], atol=1e-12)


def test_centring_by_pencil() -> None:
    # Mean row (2, 4).
    assert centred(np.asarray([[1.0, 3.0], [3.0, 5.0]])).tolist() == [[-1.0, -1.0], [1.0, 1.0]]


def test_centring_takes_a_shared_direction_out_of_the_cosine() -> None:
    shared = np.asarray([100.0, 0.0, 0.0])
    left = shared + np.asarray([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]])
    right = shared + np.asarray([[0.0, -1.0, 0.0], [0.0, 1.0, 0.0]])
    assert (cosines(left, right) > 0.999).all()
    np.testing.assert_allclose(cosines(centred(left), centred(right)), [-1.0, -1.0])


def test_group_means_by_pencil() -> None:
    # Group 0: (1 + 3)/2; group 1: nobody; group 2: 5.
    found = group_means(of(1, 5, 3), np.asarray([0, 2, 0]), 3)
    np.testing.assert_array_equal(found, [2.0, np.nan, 5.0])


@given(PAIRS, st.floats(0.1, 10))
def test_no_unit_of_activation_moves_a_percentage(sides: tuple[Values, Values], scale: float) -> None:
    low, high = sides
    for aggregation in Aggregation:
        assert gap_percent(scale * low, scale * high, aggregation) == pytest.approx(
            gap_percent(low, high, aggregation), rel=1e-9, abs=1e-9
        )
    assert change_percent(scale * low, scale * high) == pytest.approx(
        change_percent(low, high), rel=1e-9, abs=1e-9
    )


@given(PAIRS)
def test_gap_change_and_ratio_say_the_same_thing(sides: tuple[Values, Values]) -> None:
    low, high = sides
    gap = gap_percent(low, high, Aggregation.RATIO_OF_MEANS)
    assert change_percent(low, high) == pytest.approx(-gap, rel=1e-9, abs=1e-9)
    assert ratio_percent(low, high) == pytest.approx(100 - gap, rel=1e-9, abs=1e-9)


def test_a_correlation_of_small_numbers_is_none_the_less_one() -> None:
    x = np.asarray([0.0, 0.001, 0.002])
    assert pearson(x, 3 * x) == pytest.approx(1)


def test_a_group_without_any_value_has_no_mean_wherever_it_stands() -> None:
    means = group_means(np.asarray([1.0, 3.0]), np.asarray([1, 1]), 3)
    assert np.isnan(means[[0, 2]]).all()
    assert means[1] == 2


def test_a_refusal_counts_the_latents_that_it_rests_on() -> None:
    nothing, two = of(), of(0, 0)
    for refused in (lambda x: gap_percent(x, x, Aggregation.RATIO_OF_MEANS), lambda x: change_percent(x, x)):
        for side in (nothing, two):
            with pytest.raises(
                ValueError, match=f"^{len(side)} latents, of which the reference side is zero"
            ):
                refused(side)


def test_numbers_too_small_to_be_squared_have_no_correlation() -> None:
    assert math.isnan(pearson(of(0, 1e-200, 2e-200), of(1, 2, 3)))


VALUES = np.asarray([1.0, 0.0, 5.0, 0.0, 0.0, 3.0], dtype=np.float32)
OFFSETS = np.asarray([0, 3, 5, 6])
"""Three phrases: 1 0 5, then 0 0, then 3."""


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        pytest.param(Pooling.MEAN, [2.0, 0.0, 3.0], id="mean over tokens: 6/3, 0/2, 3/1"),
        pytest.param(Pooling.MAX, [5.0, 0.0, 3.0], id="strongest token"),
        pytest.param(Pooling.MEAN_ACTIVE, [3.0, 0.0, 3.0], id="mean over active tokens: 6/2, none, 3/1"),
        pytest.param(Pooling.LAST, [5.0, 0.0, 3.0], id="last token"),
    ],
)
def test_poolings_by_pencil(how: Pooling, expected: list[float]) -> None:
    found = pooled(VALUES, OFFSETS, how)
    assert found.tolist() == expected
    assert found.dtype == np.float64


def test_the_last_token_is_not_the_strongest() -> None:
    assert pooled(np.asarray([9.0, 4.0], dtype=np.float32), np.asarray([0, 2]), Pooling.LAST).tolist() == [
        4.0
    ]


@pytest.mark.parametrize("how", list(Pooling), ids=str)
def test_a_phrase_without_tokens_is_refused_by_name(how: Pooling) -> None:
    with pytest.raises(ValueError, match=r"phrases \[1\] have no token"):
        pooled(VALUES, np.asarray([0, 3, 3, 6]), how)


@pytest.mark.parametrize("how", list(Pooling), ids=str)
def test_no_phrase_pools_to_no_value(how: Pooling) -> None:
    assert pooled(np.empty(0, dtype=np.float32), np.asarray([0]), how).tolist() == []
