"""A run's tables as the judge's measurements: relabelled languages, chance, the paper's own sample, streams."""

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from claims.sin2025.study import BENCHMARKS
from harness.judge.measurements import Measurements, measurements_of
from harness.judge.pooled import pooled
from harness.judge.unit_values import read_stored
from harness.statistics.measured import Measured
from harness.words.claim import Claim, InferenceTarget
from harness.words.study import Group, Language, Study
from tests.judge.asked import reading, value_claim
from tests.judge.tables import accuracy, delta, gap, id_of, single, write
from tests.small_plan import small_study

POPULATION = InferenceTarget.POPULATION
MEANS = {"zh": 10.0, "ru": 9.5, "es": 9.0, "it": 8.5, "hi": 5.0, "mr": 6.0, "ml": 7.0, "sw": 8.0, "bn": 7.5}
"""Mean activation of nine languages, four high and five low: the five lowest are the low ones."""

LOW = ("hi", "mr", "ml", "sw", "bn")


def study_of(low: tuple[str, ...] = LOW) -> Study:
    nine = tuple(
        Language(code=code, name=code, group=Group.LOW if code in low else Group.HIGH, script="LATIN")
        for code in MEANS
    )
    english = Language(code="en", name="English", group=Group.REFERENCE, script="LATIN")
    return small_study(languages=(english, *nine), benchmarks=BENCHMARKS)


def samples(
    folder: Path, *parts: Measured, study: Study | None = None, claims: tuple[Claim, ...] = ()
) -> Measurements:
    return measurements_of(study or study_of(), read_stored(write(folder, *parts)), claims)


def nine_gaps(low: tuple[str, ...] = LOW) -> list[Measured]:
    """Two latents per language; those of the high group average 9.25."""
    shape = np.array([0.5, 1.5])
    above = shape * np.mean([value for code, value in MEANS.items() if code not in low])
    below = shape * np.mean([MEANS[code] for code in low])
    own = [gap((value * shape).tolist(), above.tolist(), language=code) for code, value in MEANS.items()]
    return [gap(below.tolist(), above.tolist()), *own]


def test_the_lowest_five_of_nine_are_one_way_in_126(tmp_path: Path) -> None:
    parts = nine_gaps()
    (note,) = samples(tmp_path, *parts)[id_of(parts[0]), POPULATION].notes
    assert note.startswith("Of the 126 ways to share 9 languages out, 0.79% give a gap as large")
    assert "rests on 9 units, and its p-value cannot fall below 0.0079" in note


def test_another_grouping_is_less_unusual(tmp_path: Path) -> None:
    low = ("zh", "mr", "ml", "sw", "bn")
    parts = nine_gaps(low)
    (note,) = samples(tmp_path, *parts, study=study_of(low))[id_of(parts[0]), POPULATION].notes

    def found(chosen: tuple[str, ...]) -> float:
        above = [value for code, value in MEANS.items() if code not in chosen]
        return 100 * (1 - np.mean([MEANS[code] for code in chosen]) / np.mean(above))

    gaps = [found(chosen) for chosen in combinations(MEANS, 5)]
    assert parts[0].estimate.value == pytest.approx(found(low))
    share = np.mean([each >= found(low) - 1e-12 for each in gaps])
    assert f"{share:.2%} give a gap as large" in note
    assert 0.05 < share < 0.95


def test_only_a_group_gap_with_all_its_languages_is_relabelled(tmp_path: Path) -> None:
    parts = nine_gaps()
    assert samples(tmp_path / "one", *parts)[id_of(parts[1]), POPULATION].notes == ()
    assert samples(tmp_path / "less", *parts[:-1])[id_of(parts[0]), POPULATION].notes == ()
    change = delta([[1, 0]], [0, 0])
    assert samples(tmp_path / "delta", change)[id_of(change), POPULATION].notes == ()


RIGHT = [1] * 25 + [0] * 75
"""As many right as guessing among four gives; its standard error is 4.35 points."""


@pytest.mark.parametrize(
    ("right", "at_chance"),
    [
        pytest.param(RIGHT, True, id="at chance"),
        pytest.param([0] * 100, True, id="below chance"),
        pytest.param([1] * 39 + [0] * 61, True, id="14 points above, under three standard errors"),
        pytest.param([1] * 40 + [0] * 60, False, id="15 points above, over three standard errors"),
    ],
)
def test_a_change_that_starts_from_guessing_is_marked(
    tmp_path: Path, right: list[int], *, at_chance: bool
) -> None:
    change = delta([right], right)
    held = samples(tmp_path, change, accuracy(right))
    assert held[id_of(change), POPULATION].starts_at_chance is at_chance


def test_english_changes_start_from_english_accuracy(tmp_path: Path) -> None:
    change = delta([RIGHT], RIGHT, quantity="delta-english")
    good = [1] * 90 + [0] * 10
    guessed, known = accuracy(RIGHT), accuracy(good, language="en")
    assert not samples(tmp_path / "good", change, guessed, known)[id_of(change), POPULATION].starts_at_chance
    assert samples(tmp_path / "bad", change, accuracy(good), accuracy(RIGHT, language="en"))[
        id_of(change), POPULATION
    ].starts_at_chance


def test_what_starts_from_no_known_accuracy_is_not_marked(tmp_path: Path) -> None:
    change, other = delta([RIGHT], RIGHT), delta([RIGHT], RIGHT, benchmark="unheard-of")
    held = samples(tmp_path, change, other, gap(), accuracy(RIGHT, benchmark="unheard-of"))
    assert [held[id_of(each), POPULATION].starts_at_chance for each in (change, other, gap())] == [False] * 3


def test_a_run_knows_what_it_measured(tmp_path: Path) -> None:
    held = samples(tmp_path, gap())
    assert (id_of(gap()), POPULATION) in held
    assert (id_of(single(1.0)), POPULATION) not in held
    assert list(held) == [(id_of(gap()), inference) for inference in InferenceTarget]
    assert dict(Measurements(study=study_of())) == {}


def asking_for(part: Measured, **changes: Any) -> Claim:
    return value_claim(readings=(reading(id_of(part)),), **changes)


def test_the_units_behind_the_printed_number_reach_the_noise(tmp_path: Path) -> None:
    held = samples(tmp_path, gap(), claims=(asking_for(gap(), paper_units=16),))
    plain = samples(tmp_path / "plain", gap(), claims=(asking_for(gap()),))
    found, other = held[id_of(gap()), POPULATION], plain[id_of(gap()), POPULATION]
    assert found.one_run_sd is not None
    assert found.one_run_sd == pytest.approx(other.one_run_sd / 2)
    assert other.one_run_sd == pytest.approx(other.spread.se)


def test_fixed_items_vary_by_their_seeds_alone(tmp_path: Path) -> None:
    change = delta([[1, 1, 1, 0], [1, 0, 0, 0]], [0, 1, 0, 0])
    held = samples(tmp_path, change)
    fixed, drawn = (held[id_of(change), each] for each in (InferenceTarget.FIXED_ITEMS, POPULATION))
    # 50 and 0 points: their standard deviation over the root of two
    assert fixed.spread.se == pytest.approx(25)
    assert drawn.spread.se > fixed.spread.se


def test_claims_that_are_asked_move_no_draw_and_streams_do(tmp_path: Path) -> None:
    parts = [gap(layer=layer) for layer in (5, 6)]
    folder = write(tmp_path, *parts)
    some, all_ = (
        measurements_of(study_of(), read_stored(folder), [asking_for(part) for part in asked])
        for asked in (parts[1:], parts)
    )
    first, second = (each[id_of(parts[1]), POPULATION].draws for each in (some, all_))
    np.testing.assert_array_equal(first, second)
    assert len(first) == 9_999
    other = all_.redrawn(2, 99)[id_of(parts[1]), POPULATION].draws
    assert len(other) == 99
    assert not (other == first[:99]).all()


def test_several_changes_are_pooled(tmp_path: Path) -> None:
    parts = delta([[1, 0, 1]], [0, 0, 1]), delta([[1, 1, 1]], [0, 0, 1], language="hi")
    held = samples(tmp_path, *parts)
    assert pooled([held[id_of(part), POPULATION] for part in parts]).value == pytest.approx(50)
