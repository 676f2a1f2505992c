"""Bootstrap draws against a slow loop; limits read off a handful of draws by hand."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics import resampling
from harness.statistics.resampling import (
    Crossed,
    Values,
    cluster_sums,
    crossed_sums,
    percentile_interval,
    share_above,
    share_below,
    stream,
)
from harness.words.estimate import MANY_DRAWS, NUM_DRAWS

COLUMNS = np.array([[1.0, 10.0], [2.0, 0.0], [4.0, -3.0], [8.0, 0.5]])
SHARED = Crossed(
    latent=np.array([0, 0, 1, 1, 2], np.int32),
    phrase=np.array([0, 1, 0, 2, 2], np.int32),
    columns=np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0], [9.0, 10.0]]),
)


def generators() -> tuple[np.random.Generator, np.random.Generator]:
    return stream("latents/layer 6", 1), stream("phrases/layer 6", 1)


def drawn(units: int, generator: np.random.Generator, num_draws: int) -> Iterator[Values]:
    for places in generator.integers(0, units, size=(num_draws, units), dtype=np.int32):
        yield np.array([float((places == unit).sum()) for unit in range(units)])


def test_a_stream_repeats_itself_and_no_other() -> None:
    def first(key: str, number: int) -> list[int]:
        return stream(key, number).integers(0, 1_000_000, 4).tolist()

    assert first("latents/layer 6", 1) == first("latents/layer 6", 1)
    alike = [first("latents/layer 6", 1), first("latents/layer 6", 2), first("latents/layer 7", 1)]
    assert len({tuple(each) for each in alike}) == 3


def test_streams_stay_what_they_are_so_that_old_verdicts_can_be_recomputed() -> None:
    assert stream("latents/layer 6", 1).integers(0, 1_000_000, 4).tolist() == [691778, 246915, 624854, 336355]


def test_sums_over_drawn_units_equal_a_slow_loop() -> None:
    sums = cluster_sums(COLUMNS, stream("latents/layer 6", 1), 50)
    slow = [counts @ COLUMNS for counts in drawn(4, stream("latents/layer 6", 1), 50)]
    assert sums.shape == (50, 2)
    np.testing.assert_allclose(sums, slow)


def test_every_draw_holds_as_many_units_as_there_are() -> None:
    assert (cluster_sums(np.ones((7, 1)), stream("any", 1), 30) == 7).all()


@pytest.mark.parametrize("cells", [1, 4, 11, 60])
def test_how_many_places_are_drawn_at_once_moves_no_draw(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, crossed = cluster_sums(COLUMNS, stream("any", 1), 15), crossed_sums(SHARED, generators(), 15)
    monkeypatch.setattr(resampling, "BLOCK_CELLS", cells)
    assert (cluster_sums(COLUMNS, stream("any", 1), 15) == whole).all()
    assert (crossed_sums(SHARED, generators(), 15) == crossed).all()


def test_draws_are_the_same_whatever_is_summed() -> None:
    alone = cluster_sums(COLUMNS[:, :1], stream("any", 1), 20)
    assert (cluster_sums(COLUMNS, stream("any", 1), 20)[:, :1] == alone).all()


def test_more_draws_begin_with_the_fewer() -> None:
    few, many = (cluster_sums(COLUMNS, stream("any", 1), number) for number in (20, 40))
    assert (many[:20] == few).all()


def test_crossed_sums_equal_a_slow_loop() -> None:
    slow = [
        sum(
            by_latent[latent] * by_phrase[phrase] * row
            for latent, phrase, row in zip(SHARED.latent, SHARED.phrase, SHARED.columns, strict=True)
        )
        for by_latent, by_phrase in zip(
            drawn(3, generators()[0], 40), drawn(3, generators()[1], 40), strict=True
        )
    ]
    np.testing.assert_allclose(crossed_sums(SHARED, generators(), 40), slow)


def test_resampling_phrases_too_spreads_wider_where_they_are_shared() -> None:
    places = np.arange(200, dtype=np.int32)
    values = np.random.default_rng(1).normal(10, 3, 10)[places % 10]
    shared = Crossed(latent=places // 10, phrase=places % 10, columns=values[:, None])
    by_latent = np.bincount(shared.latent, weights=values)[:, None]
    alone, both = cluster_sums(by_latent, generators()[0], 400), crossed_sums(shared, generators(), 400)
    assert both.std() > 3 * alone.std()


def test_twenty_draws_leave_one_in_twenty_outside_each_end() -> None:
    nineteen = np.array([5.0, *range(6, 24)])[::-1]
    assert percentile_interval(nineteen, 0.9) == (5, 23)
    thirty_nine = np.arange(39.0)
    assert percentile_interval(thirty_nine, 0.9) == (1, 37)
    assert percentile_interval(thirty_nine[:38], 0.9) == (0, 37)
    assert percentile_interval(thirty_nine, 0.95) == (0, 38)
    assert percentile_interval(np.arange(9_999.0), 0.9) == (499, 9_499)


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=60), st.sampled_from([0.5, 0.9, 0.95]))
def test_ends_are_those_of_a_whole_sort(values: list[float], level: float) -> None:
    draws = np.array(values)
    ordered = np.sort(draws[np.isfinite(draws)])
    place = int((1 - level) / 2 * (len(draws) + 1) + 1e-9) - (len(draws) - len(ordered))
    ends = (ordered[place - 1], ordered[-place]) if place > 0 else (-np.inf, np.inf)
    assert percentile_interval(draws, level) == ends


def test_too_few_draws_give_no_end() -> None:
    assert percentile_interval(np.array([3.0, 1.0, 2.0]), 0.9) == (-np.inf, np.inf)
    assert percentile_interval(np.arange(18.0), 0.9) == (-np.inf, np.inf)
    assert percentile_interval(np.full(39, np.nan), 0.9) == (-np.inf, np.inf)


def test_shares_count_the_estimate_itself_beyond_the_edge() -> None:
    draws = np.array([1.0, 2.0, 3.0])
    assert (share_below(draws, 2), share_above(draws, 2)) == (3 / 4, 3 / 4)
    assert (share_below(draws, 0.9), share_above(draws, 3.1)) == (1 / 4, 1 / 4)
    assert (share_below(draws, 1.5), share_above(draws, 1.5)) == (2 / 4, 3 / 4)
    assert (share_below(draws, 3), share_above(draws, 1)) == (1, 1)


@given(st.lists(st.integers(0, 8), min_size=19, max_size=60), st.floats(-1, 9))
def test_an_end_lies_inside_an_edge_exactly_when_few_draws_lie_beyond(values: list[int], edge: float) -> None:
    draws = np.array(values, float)
    low, high = percentile_interval(draws, 0.9)
    assert (low > edge) == (share_below(draws, edge) <= 0.05)
    assert (high < edge) == (share_above(draws, edge) <= 0.05)


def test_draws_without_a_value_lie_beyond_either_end() -> None:
    draws = np.array([np.nan, np.inf, *range(37)])
    assert percentile_interval(draws, 0.9) == (-np.inf, np.inf)  # one of 39 may lie beyond; two have no value
    assert percentile_interval(np.array([*range(37), 37.0, -np.inf]), 0.9) == (0, 37)
    assert (share_below(draws, 0.5), share_above(draws, 35.5)) == (4 / 40, 4 / 40)


def test_five_percent_of_the_usual_draws_is_a_whole_number() -> None:
    assert (NUM_DRAWS + 1) % 20 == (MANY_DRAWS + 1) % 20 == 0
    assert MANY_DRAWS + 1 == 10 * (NUM_DRAWS + 1)
