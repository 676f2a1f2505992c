"""Estimates that are drawn together: each has the values that it has alone, and what is not asked for is not drawn."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.judge import resampled
from harness.judge.measurements import Measurements
from harness.judge.unit_values import Stored
from harness.statistics import resampling
from harness.statistics.measured import Measured, Sides, measured
from harness.words.claim import InferenceTarget
from harness.words.estimate import Formula, InconsistentError, Scope
from tests.judge.tables import (
    delta,
    gain,
    gap,
    id_of,
    measurements,
    named,
    per_seed,
    single,
    stored,
    with_phrases,
)

POPULATION = InferenceTarget.POPULATION

SHARED = {
    "u0": [(1, 8.0, 10.0), (2, 8.0, 10.0)],
    "u1": [(1, 9.0, 12.0)],
    "u2": [(2, 6.0, 8.0)],
    "u3": [(3, 7.0, 10.0)],
}
"""Text 1 serves two latents, text 2 as well."""


def scaled(factor: float) -> dict[str, list[tuple[int, float, float]]]:
    """The same phrases, both sides of the third latent other ones."""
    changed = {**SHARED, "u2": [(2, 6.0 * factor, 8.0 / factor)]}
    return {unit: list(each) for unit, each in changed.items()}


def difference(layer: int, low: list[float]) -> Measured:
    sides = Sides(units=named(4), observed=np.array(low), reference=np.array([10.0, 12, 8, 10]))
    scope = Scope(quantity="gap-difference", unit="activation", layer=layer)
    return measured(scope, float(np.mean(low) - 10), Formula.DIFFERENCE, "latent", (sides,))


FIRST = gap()
SECOND = gap([9.0, 12, 4, 5], [10.0, 20, 5, 5], language="hi")
THIRD = difference(6, [1.0, 2, 3, 4])
ELSEWHERE = gap([1.0, 2, 3, 4], layer=7)
TRAINED = gain([[12, 15, 9, 13], [11, 14, 9, 12], [15, 12, 8, 13]], [10, 12, 8, 10], layer=6)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    return stored(tmp_path_factory.mktemp("run"), FIRST, SECOND, THIRD, ELSEWHERE, TRAINED)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many estimates each drawing was for."""
    found: list[int] = []
    sums = resampled.cluster_sums

    def counted(
        columns: resampling.Values, generator: np.random.Generator, num_draws: int, *, at_once: bool
    ) -> resampling.Values:
        assert not at_once  # its last digits depend on what is drawn beside it
        found.append(columns.shape[1] // resampled.NUM_COLUMNS)
        return sums(columns, generator, num_draws, at_once=at_once)

    monkeypatch.setattr(resampled, "cluster_sums", counted)
    return found


@pytest.mark.parametrize("part", [FIRST, SECOND, THIRD], ids=["a gap", "another gap", "a difference"])
def test_drawn_together_each_has_the_values_that_it_has_alone(run: Stored, part: Measured) -> None:
    together = measurements(run, num_draws=50)
    together.resampled.draw([id_of(each) for each in (THIRD, FIRST, SECOND)])
    alone = measurements(run, num_draws=50)[id_of(part), POPULATION]
    np.testing.assert_array_equal(together[id_of(part), POPULATION].draws, alone.draws)
    assert alone.draws is not None
    assert np.nanstd(alone.draws[np.isfinite(alone.draws)]) > 0


def test_phrases_drawn_together_give_each_the_values_that_it_has_alone(tmp_path: Path) -> None:
    parts = [
        with_phrases(gap([8, 9, 6 * factor, 7], [10, 12, 8 / factor, 10], language=code), scaled(factor))
        for factor, code in ((1.0, None), (0.5, "hi"), (0.25, "ml"))
    ]
    run = stored(tmp_path, *parts)
    together = measurements(run, num_draws=80)
    together.resampled.draw([id_of(part) for part in parts])
    for part in parts:
        alone = measurements(run, num_draws=80)[id_of(part), POPULATION]
        both = together[id_of(part), POPULATION]
        assert both.spread == alone.spread
        np.testing.assert_array_equal(both.draws, alone.draws)
    assert both.spread != together[id_of(parts[0]), POPULATION].spread


def test_other_phrases_are_drawn_for_themselves(tmp_path: Path) -> None:
    other = {**scaled(1.0), "u3": [(1, 7.0, 10.0)]}
    parts = [with_phrases(gap(), SHARED), with_phrases(gap(language="hi"), other)]
    run = stored(tmp_path, *parts)
    together = measurements(run, num_draws=80)
    together.resampled.draw([id_of(part) for part in parts])
    for part in parts:
        alone = measurements(run, num_draws=80)[id_of(part), POPULATION]
        assert together[id_of(part), POPULATION].spread == alone.spread


def test_the_first_that_is_asked_for_brings_those_beside_it_and_no_other_layer(
    run: Stored, times: list[int]
) -> None:
    wanted = tuple(id_of(each) for each in (FIRST, SECOND, ELSEWHERE))
    found = measurements(run, num_draws=9, wanted=(*wanted, "no/such/estimate"))
    found[id_of(FIRST), POPULATION]
    found[id_of(SECOND), POPULATION]
    assert times == [2]
    found[id_of(ELSEWHERE), POPULATION]
    assert times == [2, 1]


def test_what_was_drawn_brings_nothing_else(run: Stored, times: list[int]) -> None:
    found = measurements(run, num_draws=9, wanted=(id_of(SECOND),))
    found.resampled.draw([id_of(FIRST)])
    found[id_of(FIRST), POPULATION]
    assert times == [1]


def test_what_cannot_be_drawn_stands_in_nobodys_way(tmp_path: Path, times: list[int]) -> None:
    without = Measured(estimate=gap(layer=7).estimate, units=())
    documents = delta([[1, 0]], [0, 0])
    found = measurements(stored(tmp_path, without, documents, FIRST), num_draws=9)
    found.resampled.draw([id_of(documents), id_of(without), id_of(FIRST)])
    assert times == [1]
    with pytest.raises(InconsistentError, match="rests on latents, but none of them is stored"):
        found[id_of(without), POPULATION]


def without_seeds(found: Measurements, part: Measured) -> resampled.Values:
    """Draws before training seeds add anything."""
    rows = found.tables.unit_rows(id_of(part))
    assert rows is not None
    error = resampled.data_spread(part.estimate, rows).se
    return resampled.studentised(part.estimate, rows, found.resampled._drawn[id_of(part)].pivots, error)


def test_seeds_add_a_students_noise_of_the_estimates_own(run: Stored) -> None:
    found = measurements(run, num_draws=40)
    seen, raw = found[id_of(TRAINED), POPULATION], without_seeds(found, TRAINED)
    by_seed = [22.5, 15.0, 20.0]
    noise = resampling.stream(f"seeds/{id_of(TRAINED)}", 1).standard_t(2, 40)
    assert seen.draws is not None
    np.testing.assert_allclose(seen.draws, raw + np.std(by_seed, ddof=1) / math.sqrt(3) * noise)


def test_one_seed_adds_nothing(tmp_path: Path) -> None:
    part = gain([[12, 15, 9, 13]], [10, 12, 8, 10])
    found = measurements(stored(tmp_path, part), num_draws=40)
    seen, raw = found[id_of(part), POPULATION], without_seeds(found, part)
    np.testing.assert_array_equal(seen.draws, raw)
    assert seen.spread.df == 3


def test_two_seeds_are_a_spread(tmp_path: Path) -> None:
    part = gain([[12, 15, 9, 13], [11, 14, 9, 12]], [10, 12, 8, 10])
    found = measurements(stored(tmp_path, part), num_draws=9)[id_of(part), InferenceTarget.FIXED_ITEMS]
    assert found.spread.se == pytest.approx(abs(22.5 - 15.0) / 2)
    assert found.draws is None


def test_a_sample_says_what_it_is_of(run: Stored, tmp_path: Path) -> None:
    found = measurements(run, 3, 9)[id_of(FIRST), POPULATION]
    assert (found.estimate_id, found.unit_kind, found.stream_number) == (id_of(FIRST), "latent", 3)
    assert (found.pairs, found.units, found.control) == (None, (), None)
    figure = measurements(stored(tmp_path, single(97.0)), num_draws=9)[id_of(single(97.0)), POPULATION]
    assert (figure.estimate_id, figure.num_units, figure.num_seeds) == (id_of(single(97.0)), 0, 0)
    assert figure.method == "a single figure"
    seeds = measurements(stored(tmp_path / "seeds", per_seed([84.1, 86.3])), num_draws=9)
    assert seeds[id_of(per_seed([84.1, 86.3])), POPULATION].method == "t over 2 training seeds"


def test_units_that_contradict_the_estimate_say_what_to_do(tmp_path: Path) -> None:
    part = gap([1.0, 2.0], [4.0, 4.0])
    broken = Measured(estimate=gap([1.0, 2.5], [4.0, 4.0]).estimate, units=part.units)
    with pytest.raises(InconsistentError, match=r"; run the estimates stage again$"):
        measurements(stored(tmp_path, broken), num_draws=9)[id_of(broken), POPULATION]


def test_a_number_whose_units_give_none_is_refused(tmp_path: Path) -> None:
    part = gap([0.0, 0.0], [1.0, 1.0])
    nothing = Measured(estimate=part.estimate, units=tuple(replace(row, reference=0.0) for row in part.units))
    with pytest.raises(InconsistentError, match="stored units give nan, but the stored estimate is 100"):
        measurements(stored(tmp_path, nothing), num_draws=9)[id_of(nothing), POPULATION]


@pytest.mark.parametrize(
    ("draws", "deviation"),
    [([], 0.0), ([1.0], 0.0), ([1.0, math.nan], 0.0), ([1.0, 3.0], math.sqrt(2)), ([1.0, 3.0, math.inf], math.sqrt(2))],
)  # fmt: skip
def test_draws_without_a_number_widen_nothing(draws: list[float], deviation: float) -> None:
    assert resampled._deviation(np.array(draws)) == pytest.approx(deviation)
