"""Bootstrap draws of stored estimates: shared, keyed, two-way where phrases are shared, and moved by no choice."""

from pathlib import Path

import numpy as np
import pytest

from harness.judge.measurements import one_run_noise
from harness.judge.unit_values import Stored
from harness.statistics import resampling
from harness.statistics.measured import Measured
from harness.statistics.stats import ratio_spread
from harness.words.claim import InferenceTarget
from harness.words.estimate import InconsistentError
from tests.judge.tables import (
    HIGH,
    LOW,
    delta,
    gain,
    gap,
    id_of,
    measurements,
    named,
    revalued,
    single,
    stored,
    with_phrases,
)

POPULATION = InferenceTarget.POPULATION
GAPS = [gap(layer=layer, language=code) for layer in (5, 6) for code in (None, "hi", "ml")]
OTHERS = [gain([[12, 15, 9, 13]], [10, 12, 8, 10]), delta([[1, 0]], [0, 0]), single(97.0)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return stored(tmp_path_factory.mktemp("run"), *GAPS, *OTHERS)


def draws(
    run: Stored, part: Measured, wanted: list[Measured], number: int = 1, num_draws: int = 99
) -> np.ndarray:
    found = measurements(run, number, num_draws)
    found.resampled.draw([id_of(each) for each in wanted])
    drawn = found[id_of(part), POPULATION].draws
    assert drawn is not None
    return drawn


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """To the last bit; draws without a value among them."""
    return np.array_equal(one, other, equal_nan=True)


def test_what_else_is_asked_for_moves_no_draw(run: Stored) -> None:
    alone = draws(run, GAPS[3], [])
    for wanted in ([GAPS[3]], GAPS, GAPS[::-1], [*OTHERS, *GAPS], GAPS[:3]):
        assert same(draws(run, GAPS[3], wanted), alone)


def test_how_much_is_drawn_at_once_moves_no_draw(run: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draws(run, GAPS[3], GAPS)
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 10)
    assert same(draws(run, GAPS[3], GAPS), whole)


def test_latents_of_one_layer_are_drawn_together_and_of_another_apart(run: Stored) -> None:
    everything = [draws(run, part, GAPS) for part in GAPS]
    assert all(same(each, everything[0]) for each in everything[:3])
    assert all(same(each, everything[3]) for each in everything[3:])
    assert not same(everything[0], everything[3])


def test_another_stream_draws_otherwise_and_more_draws_begin_alike(run: Stored) -> None:
    first = draws(run, GAPS[0], [])
    assert not same(draws(run, GAPS[0], [], number=2), first)
    assert same(draws(run, GAPS[0], [], num_draws=300)[:99], first)


def test_estimates_without_latents_or_unknown_ones_are_not_drawn(run: Stored) -> None:
    found = measurements(run, num_draws=9)
    found.resampled.draw([id_of(OTHERS[1]), id_of(OTHERS[2]), "no/such/estimate"])
    assert found[id_of(OTHERS[1]), POPULATION].draws is None
    assert ("no/such/estimate", POPULATION) not in found


LINEARISED = 2.041241452319315
"""Standard error of the gap over four latents, were each drawn by itself."""

SHARED = {
    "u0": [(1, 8.0, 10.0), (2, 8.0, 10.0)],
    "u1": [(1, 9.0, 12.0)],
    "u2": [(2, 6.0, 8.0)],
    "u3": [(3, 7.0, 10.0)],
}
"""Text 1 serves two latents, text 2 as well."""

OWN = {
    "u0": [(1, 8.0, 10.0), (2, 8.0, 10.0)],
    "u1": [(3, 9.0, 12.0)],
    "u2": [(4, 6.0, 8.0)],
    "u3": [(5, 7.0, 10.0)],
}


def test_phrases_are_resampled_too_where_they_serve_several_latents(tmp_path: Path) -> None:
    wider = {}
    for name, phrases in (("shared", SHARED), ("own", OWN)):
        part = with_phrases(gap(), phrases)
        found = measurements(stored(tmp_path / name, part), num_draws=99)[id_of(part), POPULATION]
        wider[name] = found.spread.se / LINEARISED
    assert wider["shared"] > 1.2
    assert wider["own"] == pytest.approx(1)


def test_the_two_way_draws_widen_as_a_slow_loop_says(tmp_path: Path) -> None:
    part = with_phrases(gap(), SHARED)
    found = measurements(stored(tmp_path, part), num_draws=60)[id_of(part), POPULATION]
    by_latent, by_phrase = (
        resampling.stream(f"{what}/layer 6", 1).integers(0, count, size=(60, count), dtype=np.int32)
        for what, count in (("latents", 4), ("phrases", 3))
    )
    alone, crossed = [], []
    for draw in range(60):
        rows = by_latent[draw]
        alone.append(100 * (1 - np.array(LOW)[rows].sum() / np.array(HIGH)[rows].sum()))
        low, high = 0.0, 0.0
        for place, phrases in enumerate(SHARED.values()):
            for text, observed, reference in phrases:
                weight = (by_latent[draw] == place).sum() * (by_phrase[draw] == text - 1).sum() / len(phrases)
                low, high = low + weight * observed, high + weight * reference
        if high:  # a draw may hold no phrase of any drawn latent
            crossed.append(100 * (1 - low / high))
    wider = np.std(crossed, ddof=1) / np.std(alone, ddof=1)
    assert found.spread.se == pytest.approx(wider * LINEARISED)


def test_what_else_stands_in_the_table_moves_no_draw(tmp_path: Path) -> None:
    """Another layer has latents of the same names, and meets them in another order."""
    part = with_phrases(gap(), SHARED)
    other = with_phrases(gap(layer=5), dict(reversed(SHARED.items())))
    alone, beside = (
        measurements(stored(tmp_path / name, *parts), num_draws=99)[id_of(part), POPULATION].draws[1]
        for name, parts in (("alone", [part]), ("beside", [other, part]))
    )
    assert np.array_equal(alone, beside, equal_nan=True)


def test_shared_phrases_widen_the_interval(tmp_path: Path) -> None:
    """Ten texts stand behind 200 latents; a text's gap is far from another's."""
    texts = np.random.default_rng(5).normal(0.75, 0.2, 10)
    low = [float(texts[place % 10]) for place in range(200)]
    part = gap(low, [1.0] * 200)
    shared = with_phrases(part, {f"u{place}": [(place % 10, low[place], 1.0)] for place in range(200)})
    alone, both = (
        measurements(stored(tmp_path / name, each), num_draws=999)[id_of(part), POPULATION]
        for name, each in (("alone", part), ("both", shared))
    )
    narrow, wide = ((high - low_) for low_, high in (alone.interval(0.9), both.interval(0.9)))
    assert wide > 3 * narrow


def test_units_that_do_not_give_the_estimate_are_refused(tmp_path: Path) -> None:
    part = revalued(gap(), 25.1)
    with pytest.raises(InconsistentError, match=r"stored units give 25.0*, but the stored estimate is 25\.1"):
        measurements(stored(tmp_path, part), num_draws=9)[id_of(part), POPULATION]


def test_a_rounding_of_the_last_bit_is_no_contradiction(tmp_path: Path) -> None:
    part = revalued(gap(), 25.0 + 1e-9)
    assert measurements(stored(tmp_path, part), num_draws=9)[id_of(part), POPULATION].value > 25
    nothing = revalued(gap([1.0, 2.0], [1.0, 2.0]), 1e-10)
    assert (
        measurements(stored(tmp_path / "0", nothing), num_draws=9)[id_of(nothing), POPULATION].value == 1e-10
    )


def test_seeds_that_rest_on_other_units_are_refused(tmp_path: Path) -> None:
    part = gain([[12, 15], [11, 14]], [10, 12])
    swapped = (*part.units[:2], *part.units[:1:-1])
    run = stored(tmp_path, Measured(estimate=part.estimate, units=swapped))
    with pytest.raises(InconsistentError, match="its seeds do not rest on the same units"):
        measurements(run, num_draws=9)[id_of(part), POPULATION]


def test_seeds_whose_rows_are_mixed_are_refused(tmp_path: Path) -> None:
    part = gain([[12, 15], [11, 14]], [10, 12])
    first, second, third, fourth = part.units
    run = stored(tmp_path, Measured(estimate=part.estimate, units=(first, fourth, third, second)))
    assert [row.unit for row in (first, fourth, third, second)] == [*named(2), *named(2)]
    with pytest.raises(InconsistentError, match="its seeds do not rest on the same units"):
        measurements(run, num_draws=9)[id_of(part), POPULATION]


def test_one_broken_estimate_breaks_no_other(tmp_path: Path) -> None:
    broken = gain([[12, 15], [11, 14]], [10, 12])
    broken = Measured(estimate=broken.estimate, units=broken.units[:3])
    without = Measured(estimate=gap(layer=7).estimate, units=())
    sound = gap()
    found = measurements(stored(tmp_path, broken, without, sound), num_draws=9)
    found.resampled.draw([id_of(broken), id_of(without), id_of(sound)])
    assert found[id_of(sound), POPULATION].value == pytest.approx(25)
    for part in (broken, without):
        with pytest.raises(InconsistentError):
            found[id_of(part), POPULATION]


def test_seeds_widen_the_draws_as_they_widen_the_error(tmp_path: Path) -> None:
    before = [10.0, 12.0, 8.0, 10.0]
    part = gain([[11, 13, 9, 12], [14, 16, 11, 13], [12, 15, 10, 12]], before)
    found = measurements(stored(tmp_path, part), num_draws=9_999)[id_of(part), InferenceTarget.POPULATION]
    alone = measurements(stored(tmp_path / "again", part), num_draws=9_999)
    alone.resampled.draw([id_of(part)])
    pivots = alone.resampled._drawn[id_of(part)].pivots
    observed, reference = np.array([37, 44, 30, 37]) / 3, np.array(before)
    data = ratio_spread(observed, reference)
    raw = (
        100
        * (observed.sum() / reference.sum())
        * np.exp(-pivots * data.se / (observed.sum() / reference.sum()))
    )
    middle = [np.diff(np.nanquantile(each, [0.05, 0.95])).item() for each in (found.draws, raw)]
    assert middle[0] > middle[1]
    assert found.spread.se > 100 * data.se


def test_one_run_never_lands_in_less_than_our_own_interval(tmp_path: Path) -> None:
    phrases = {f"u{place}": [(place % 2, LOW[place], HIGH[place])] for place in range(4)}
    part = with_phrases(gap(), phrases)
    found = measurements(stored(tmp_path, part), num_draws=9_999)[id_of(part), InferenceTarget.POPULATION]
    assert found.spread.se > 1.2 * LINEARISED
    assert found.one_run_sd == found.spread.se
    assert one_run_noise(found).half_width > found.spread.half_width(0.95)
