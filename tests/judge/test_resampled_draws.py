"""Bootstrap draws of stored estimates: shared, keyed, two-way where phrases are shared, and moved by no choice."""

from pathlib import Path

import numpy as np
import pytest

from harness.judge.resampled import Resampled
from harness.judge.sample import one_run_noise
from harness.judge.unitrows import Stored
from harness.tools import resampling
from harness.tools.measured import Measured
from harness.words.claim import InferenceTarget
from harness.words.formula import InconsistentError
from tests.judge.tables import (
    HIGH,
    LOW,
    delta,
    gain,
    gap,
    id_of,
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
    found = Resampled(run, number, num_draws)
    found.draw([id_of(each) for each in wanted])
    return found.sample(id_of(part), POPULATION).draws[0]


def test_what_else_is_asked_for_moves_no_draw(run: Stored) -> None:
    alone = draws(run, GAPS[3], [])
    for wanted in ([GAPS[3]], GAPS, GAPS[::-1], [*OTHERS, *GAPS], GAPS[:3]):
        assert (draws(run, GAPS[3], wanted) == alone).all()


def test_how_much_is_drawn_at_once_moves_no_draw(run: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = draws(run, GAPS[3], GAPS)
    monkeypatch.setattr(resampling, "BLOCK_CELLS", 10)
    assert (draws(run, GAPS[3], GAPS) == whole).all()


def test_latents_of_one_layer_are_drawn_together_and_of_another_apart(run: Stored) -> None:
    everything = [draws(run, part, GAPS) for part in GAPS]
    assert all((each == everything[0]).all() for each in everything[:3])
    assert all((each == everything[3]).all() for each in everything[3:])
    assert not (everything[0] == everything[3]).all()


def test_another_stream_draws_otherwise_and_more_draws_begin_alike(run: Stored) -> None:
    first = draws(run, GAPS[0], [])
    assert not (draws(run, GAPS[0], [], number=2) == first).all()
    assert (draws(run, GAPS[0], [], num_draws=300)[:99] == first).all()


def test_estimates_without_latents_or_unknown_ones_are_not_drawn(run: Stored) -> None:
    found = Resampled(run, num_draws=9)
    found.draw([id_of(OTHERS[1]), id_of(OTHERS[2]), "no/such/estimate"])
    assert found.sample(id_of(OTHERS[1]), POPULATION).draws == ()
    assert found.estimate("no/such/estimate") is None


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
    counts = {}
    for name, phrases in (("shared", SHARED), ("own", OWN)):
        part = with_phrases(gap(), phrases)
        found = Resampled(stored(tmp_path / name, part), num_draws=99)
        counts[name] = len(found.sample(id_of(part), POPULATION).draws)
    assert counts == {"shared": 2, "own": 1}


def test_the_two_way_draws_equal_a_slow_loop(tmp_path: Path) -> None:
    part = with_phrases(gap(), SHARED)
    found = Resampled(stored(tmp_path, part), num_draws=60).sample(id_of(part), POPULATION).draws[1]
    by_latent, by_phrase = (
        resampling.stream(f"{what}/layer 6", 1).integers(0, count, size=(60, count), dtype=np.int32)
        for what, count in (("latents", 4), ("phrases", 3))
    )
    for draw, value in enumerate(found):
        low, high = 0.0, 0.0
        for place, phrases in enumerate(SHARED.values()):
            for text, observed, reference in phrases:
                weight = (by_latent[draw] == place).sum() * (by_phrase[draw] == text - 1).sum() / len(phrases)
                low, high = low + weight * observed, high + weight * reference
        assert np.isnan(value) if high == 0 else value == pytest.approx(100 * (1 - low / high))


def test_shared_phrases_widen_the_interval(tmp_path: Path) -> None:
    """Ten texts stand behind 200 latents; a text's gap is far from another's."""
    texts = np.random.default_rng(5).normal(0.75, 0.2, 10)
    low = [float(texts[place % 10]) for place in range(200)]
    part = gap(low, [1.0] * 200)
    shared = with_phrases(part, {f"u{place}": [(place % 10, low[place], 1.0)] for place in range(200)})
    alone, both = (
        Resampled(stored(tmp_path / name, each), num_draws=999).sample(id_of(part), POPULATION)
        for name, each in (("alone", part), ("both", shared))
    )
    narrow, wide = ((high - low_) for low_, high in (alone.interval(0.9), both.interval(0.9)))
    assert wide > 3 * narrow


def test_units_that_do_not_give_the_estimate_are_refused(tmp_path: Path) -> None:
    part = revalued(gap(), 25.1)
    with pytest.raises(InconsistentError, match=r"stored units give 25.0*, but the stored estimate is 25\.1"):
        Resampled(stored(tmp_path, part), num_draws=9).sample(id_of(part), POPULATION)


def test_a_rounding_of_the_last_bit_is_no_contradiction(tmp_path: Path) -> None:
    part = revalued(gap(), 25.0 + 1e-9)
    assert Resampled(stored(tmp_path, part), num_draws=9).sample(id_of(part), POPULATION).value > 25
    nothing = revalued(gap([1.0, 2.0], [1.0, 2.0]), 1e-10)
    assert (
        Resampled(stored(tmp_path / "0", nothing), num_draws=9).sample(id_of(nothing), POPULATION).value
        == 1e-10
    )


def test_seeds_that_rest_on_other_units_are_refused(tmp_path: Path) -> None:
    part = gain([[12, 15], [11, 14]], [10, 12])
    swapped = (*part.units[:2], *part.units[:1:-1])
    run = stored(tmp_path, Measured(estimate=part.estimate, units=swapped))
    with pytest.raises(InconsistentError, match="its seeds do not rest on the same units"):
        Resampled(run, num_draws=9).sample(id_of(part), POPULATION)


def test_seeds_whose_rows_are_mixed_are_refused(tmp_path: Path) -> None:
    part = gain([[12, 15], [11, 14]], [10, 12])
    first, second, third, fourth = part.units
    run = stored(tmp_path, Measured(estimate=part.estimate, units=(first, fourth, third, second)))
    assert [row.unit for row in (first, fourth, third, second)] == [*named(2), *named(2)]
    with pytest.raises(InconsistentError, match="its seeds do not rest on the same units"):
        Resampled(run, num_draws=9).sample(id_of(part), POPULATION)


def test_one_broken_estimate_breaks_no_other(tmp_path: Path) -> None:
    broken = gain([[12, 15], [11, 14]], [10, 12])
    broken = Measured(estimate=broken.estimate, units=broken.units[:3])
    without = Measured(estimate=gap(layer=7).estimate, units=())
    sound = gap()
    found = Resampled(stored(tmp_path, broken, without, sound), num_draws=9)
    found.draw([id_of(broken), id_of(without), id_of(sound)])
    assert found.sample(id_of(sound), POPULATION).value == pytest.approx(25)
    for part in (broken, without):
        with pytest.raises(InconsistentError):
            found.sample(id_of(part), POPULATION)


def test_seeds_widen_the_draws_as_they_widen_the_error(tmp_path: Path) -> None:
    before = [10.0, 12.0, 8.0, 10.0]
    part = gain([[11, 13, 9, 12], [14, 16, 11, 13], [12, 15, 10, 12]], before)
    found = Resampled(stored(tmp_path, part), num_draws=9_999).sample(id_of(part), InferenceTarget.POPULATION)
    alone = Resampled(stored(tmp_path / "again", part), num_draws=9_999)
    alone.draw([id_of(part)])
    raw = alone._draws[id_of(part)][0]
    middle = [np.diff(np.quantile(each, [0.05, 0.95])).item() for each in (found.draws[0], raw)]
    assert middle[0] > middle[1]
    assert found.widest_se is not None
    assert found.widest_se >= found.spread.se


def test_one_run_never_lands_in_less_than_our_own_interval(tmp_path: Path) -> None:
    phrases = {f"u{place}": [(place % 2, LOW[place], HIGH[place])] for place in range(4)}
    part = with_phrases(gap(), phrases)
    found = Resampled(stored(tmp_path, part), num_draws=9_999).sample(id_of(part), InferenceTarget.POPULATION)
    assert len(found.draws) == 2
    # Some draws hold no phrase of any drawn latent; those have no value.
    deviations = [each[np.isfinite(each)].std(ddof=1) for each in found.draws]
    assert found.widest_se == pytest.approx(max(found.spread.se, *deviations))
    assert one_run_noise(found).half_width > found.spread.half_width(0.95)
