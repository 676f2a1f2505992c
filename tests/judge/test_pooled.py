"""The mean over several changes in accuracy: questions and seeds that several share count once."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import Measurement, measurements_of
from harness.judge.pooled import pooled as pooled_of
from harness.sources.studies import load_study
from harness.statistics.measured import Measured
from harness.statistics.stats import combined, mean_spread
from harness.words.claim import InferenceTarget, Minima, Rule
from harness.words.verdict import Why
from tests.judge.asked import claim, reading, sample
from tests.judge.tables import delta, gap, id_of, measurements, stored

BEFORE = [1, 0, 0, 1, 0, 1]
FIRST = [[1, 1, 0, 1, 0, 1], [1, 1, 1, 1, 0, 0], [1, 0, 0, 1, 0, 1]]
SECOND = [[0, 1, 0, 1, 1, 1], [1, 1, 0, 1, 0, 1], [1, 0, 1, 1, 0, 1]]


def pooled(folder: Path, *parts: Measured) -> Measurement:
    found = measurements(stored(folder, *parts), num_draws=9)
    return pooled_of([found[id_of(part), InferenceTarget.POPULATION] for part in parts])


def changes(after: list[list[int]]) -> np.ndarray:
    """Seed-averaged change of every question, in points."""
    return 100 * (np.mean(after, axis=0) - np.array(BEFORE))


def by_seed(after: list[list[int]]) -> np.ndarray:
    return 100 * (np.mean(after, axis=1) - np.mean(BEFORE))


def test_one_estimate_pooled_is_the_estimate_itself(tmp_path: Path) -> None:
    part = delta(FIRST, BEFORE)
    alone = measurements(stored(tmp_path, part), num_draws=9)[id_of(part), InferenceTarget.POPULATION]
    found = pooled(tmp_path / "pooled", part)
    assert found.value == alone.value
    assert found.spread.se == pytest.approx(alone.spread.se)
    assert found.spread.df == pytest.approx(alone.spread.df)
    assert (found.num_units, found.num_seeds) == (6, 3)


def test_the_same_question_in_two_languages_is_one_unit_and_so_is_the_same_seed(tmp_path: Path) -> None:
    found = pooled(tmp_path, delta(FIRST, BEFORE), delta(SECOND, BEFORE, language="hi"))
    questions = mean_spread((changes(FIRST) + changes(SECOND)) / 2)
    seeds = mean_spread((by_seed(FIRST) + by_seed(SECOND)) / 2)
    expected = combined((questions, seeds))
    assert found.value == pytest.approx((changes(FIRST).mean() + changes(SECOND).mean()) / 2)
    assert found.spread.se == pytest.approx(expected.se)
    assert found.spread.df == pytest.approx(expected.df)


def test_seeds_that_move_every_language_alike_do_not_average_out(tmp_path: Path) -> None:
    """Seeds give 0, 50 and 100 in two languages alike: their mean varies as each does, not by the root of two less."""
    after = [[0, 0], [1, 0], [1, 1]]
    found = pooled(tmp_path, delta(after, [0, 0]), delta(after, [0, 0], language="hi"))
    questions = 100 * np.std([2 / 3, 1 / 3], ddof=1) / math.sqrt(2)
    assert found.spread.se == pytest.approx(math.hypot(questions, 50 / math.sqrt(3)))


def test_the_same_name_in_two_benchmarks_is_two_questions(tmp_path: Path) -> None:
    found = pooled(tmp_path, delta(FIRST, BEFORE), delta(SECOND, BEFORE, benchmark="mmlu"))
    shares = [(each - each.mean()) / 12 for each in (changes(FIRST), changes(SECOND))]
    questions = math.sqrt((np.concatenate(shares) ** 2).sum() * 12 / 11)
    seeds = mean_spread((by_seed(FIRST) + by_seed(SECOND)) / 2)  # one adapter answers both benchmarks
    assert found.spread.se == pytest.approx(math.hypot(questions, seeds.se))


def test_the_benchmarks_of_one_adapter_are_no_seeds_of_their_own(tmp_path: Path) -> None:
    """Each question changes alike on average, so that seeds alone vary: by 0, 50 and 50 points in both benchmarks.

    Two benchmarks that move together are worth one: an error of 50 / 3 points, and not of 50 / 3 over the root of two.
    """
    after = [[0, 0], [1, 0], [0, 1]]
    cells = [delta(after, [0, 0], benchmark=name) for name in ("arc", "mmlu")]
    asked = claim(Rule.POOLED_SIGN, id="a", sign=1, readings=(reading(*map(id_of, cells)),))
    found = measurements_of(load_study("sin2025"), stored(tmp_path, *cells), [asked])
    (verdict,) = judge([asked], found, Circumstances())
    assert verdict.primary is not None
    assert verdict.primary.numbers is not None
    assert verdict.primary.numbers.se == pytest.approx(50 / 3)


@pytest.mark.parametrize("poor", [0, 1])
@pytest.mark.parametrize(
    ("rule", "printed", "sign"), [(Rule.POOLED_SIGN, (), 1), (Rule.POOLED_AT_MOST, ("5",), 0)]
)
def test_the_fewest_seeds_of_any_cell_count(
    tmp_path: Path, rule: Rule, printed: tuple[str, ...], sign: int, poor: int
) -> None:
    cells = [
        delta(FIRST[: 2 if place == poor else 3], BEFORE, language=code)
        for place, code in enumerate(("ml", "hi"))
    ]
    about = reading(*map(id_of, cells))
    asked = claim(rule, *printed, id="a", sign=sign, readings=(about,), minima=Minima(seeds=3))
    found = measurements_of(load_study("sin2025"), stored(tmp_path, *cells), [asked])
    (verdict,) = judge([asked], found, Circumstances())
    assert verdict.why is Why.TOO_FEW_SEEDS


def test_cells_weigh_alike_however_many_questions_they_hold(tmp_path: Path) -> None:
    many = delta([row * 10 for row in SECOND], BEFORE * 10, benchmark="mmlu")
    found = pooled(tmp_path, delta(FIRST, BEFORE), many)
    assert found.value == pytest.approx((changes(FIRST).mean() + changes(SECOND).mean()) / 2)
    assert found.num_units == 6
    assert found.method == "t over questions, shared across 2 cells, and training seeds"


def test_the_pooled_error_is_that_of_resampled_questions(tmp_path: Path) -> None:
    """Two ways: questions drawn again in both languages at once, 4,000 times."""
    generator = np.random.default_rng(3)
    before = generator.integers(0, 2, 300)
    flips = [(before + (generator.random(300) < share)) % 2 for share in (0.1, 0.2)]
    found = pooled(tmp_path, *[
        delta([after.tolist()], before.tolist(), language=code) for code, after in zip(("hi", "ml"), flips, strict=True)
    ])  # fmt: skip
    mean = 100 * (np.mean(flips, axis=0) - before)
    again = mean[generator.integers(0, 300, (4_000, 300))].mean(axis=1)
    assert found.spread.se == pytest.approx(again.std(), rel=0.05)


def test_a_single_question_shows_no_spread(tmp_path: Path) -> None:
    found = pooled(tmp_path, delta([[1]], [0]), delta([[0]], [0], language="hi"))
    assert (found.value, found.is_without_spread) == (50, True)


def test_two_questions_show_one(tmp_path: Path) -> None:
    """Changes of 100 and of nothing: 100 / sqrt(2) apart, over the root of two."""
    found = pooled(tmp_path, delta([[1, 0]], [0, 0]))
    assert (found.value, found.spread.se, found.spread.df) == (50, pytest.approx(50), pytest.approx(1))
    assert found.estimate_id == id_of(delta([[1, 0]], [0, 0]))


def test_only_changes_in_accuracy_can_be_pooled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="only mean differences can be pooled"):
        pooled(tmp_path, gap())


def test_declared_values_may_share_all_of_their_error() -> None:
    found = pooled_of([
        sample(3.0, 0.6, 9, num_units=50, num_seeds=5), sample(5.0, 0.8, 4, num_units=40, num_seeds=3)
    ])  # fmt: skip
    assert (found.value, found.spread.se) == (pytest.approx(4), pytest.approx(0.7))
    assert found.spread.df == 4
    assert (found.num_units, found.num_seeds, found.estimate_id) == (40, 3, "quantity + quantity")
    assert found.method == "mean of 2 declared values, whose errors may be one and the same"


def test_declared_values_without_degrees_of_freedom_have_none_together() -> None:
    found = pooled_of([sample(3.0, 0.6, None), sample(5.0, 0.8, None)])
    assert found.spread.df is None


def test_seeds_that_cells_do_not_share_each_count_by_themselves(tmp_path: Path) -> None:
    """Three seeds of each of two languages, none the same: their means vary by 50 / sqrt(3) each, and half of both by the root of two less."""
    after = [[0, 0], [1, 0], [1, 1]]
    own = delta(after, [0, 0], language="hi")
    other = replace(
        own, units=tuple(replace(row, seed=row.seed + 10) for row in own.units if row.seed is not None)
    )
    found = pooled(tmp_path, delta(after, [0, 0]), other)
    questions = 100 * np.std([2 / 3, 1 / 3], ddof=1) / math.sqrt(2)
    assert found.spread.se == pytest.approx(math.hypot(questions, 50 / math.sqrt(3) / math.sqrt(2)))


def test_one_value_in_every_cell_is_no_spread_whatever_rounding_leaves(tmp_path: Path) -> None:
    after = [[0.1 + 0.2] * 3, [0.3] * 3]
    found = pooled(tmp_path, *(delta(after, [0.0] * 3, language=code) for code in ("hi", "ml", "mr")))
    assert found.is_without_spread


def test_a_pooled_sign_is_held_against_the_flips_of_all_cells(tmp_path: Path) -> None:
    """One question of a thousand flips in each of three cells, all the same way: fair flips do so once in eight."""
    before = [0] * 1_000
    cells = [delta([[1, *before[1:]]], before, benchmark=name) for name in ("arc", "hellaswag", "mmlu")]
    found = pooled(tmp_path, *cells)
    assert found.p_above(0.0) < 0.05
    assert found.p_without_sign(1) == pytest.approx(1 / 8)
