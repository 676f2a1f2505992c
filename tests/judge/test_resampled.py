"""Stored units as samples: errors by pencil, the same numbers two ways, draws that no choice of claims moves."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from harness.judge.measurements import Measurement
from harness.statistics import resampling
from harness.statistics.measured import Measured, Sides, measured
from harness.statistics.metrics import pearson
from harness.statistics.stats import ratio_spread
from harness.words.claim import InferenceTarget
from harness.words.estimate import AxisValue, Formula, Scope
from tests.judge.tables import (
    accuracy,
    delta,
    gain,
    gap,
    id_of,
    measurements,
    named,
    per_seed,
    single,
    stored,
)

POPULATION, FIXED = InferenceTarget.POPULATION, InferenceTarget.FIXED_ITEMS
RIGHT = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0]
"""Four of ten right."""

BY_SEED = [[1, 1, 1, 0, 0, 1, 0, 1, 0, 0], [1, 1, 1, 1, 0, 1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 1, 0, 1, 0, 0]]
"""Five, five and four of them right after training."""


def sampled(
    folder: Path, *parts: Measured, inference: InferenceTarget = POPULATION, **changes: object
) -> Measurement:
    """The first of the parts as a sample."""
    found = measurements(stored(folder, *parts), **{"num_draws": 199, **changes})  # type: ignore[arg-type]
    return found[id_of(parts[0]), inference]


def latents(count: int, seed: int = 1) -> Measured:
    generator = np.random.default_rng(seed)
    high = generator.lognormal(0, 0.5, count)
    return gap((0.75 * high * generator.lognormal(0, 0.4, count)).tolist(), high.tolist())


def test_a_gap_has_the_linearised_error_of_its_latents(tmp_path: Path) -> None:
    found = sampled(tmp_path, gap())
    assert (found.value, found.spread.se) == (pytest.approx(25.0), pytest.approx(2.041241, abs=5e-7))
    assert (found.spread.df, found.num_units, found.num_seeds) == (3, 4, 0)
    assert found.one_run_sd == pytest.approx(found.spread.se)
    assert found.method == "envelope of linearised t and percentile-t bootstrap over 4 latents"
    assert found.draws is not None
    assert found.draws.shape == (199,)


def test_the_linearised_error_is_that_of_the_bootstrap(tmp_path: Path) -> None:
    found = sampled(tmp_path, latents(400), num_draws=2_000)
    assert found.draws is not None
    assert found.draws.std() == pytest.approx(found.spread.se, rel=0.06)
    assert found.draws.mean() == pytest.approx(found.value, abs=0.2 * found.spread.se)


def test_draws_lie_as_many_errors_from_the_estimate_as_it_lies_from_those_over_latents_drawn_again(
    tmp_path: Path,
) -> None:
    found = sampled(tmp_path, gap())
    places = resampling.stream("latents/layer 6", 1).integers(0, 4, size=(199, 4), dtype=np.int32)
    for draw, chosen in zip(found.draws, places, strict=True):  # type: ignore[arg-type]
        low, high = np.array([8.0, 9, 6, 7])[chosen], np.array([10.0, 12, 8, 10])[chosen]
        again = ratio_spread(low, high)
        if not again.se:
            assert np.isnan(draw)  # one latent four times has no error to count in
            continue
        ratio = low.sum() / high.sum()
        errors_above = math.log(ratio / 0.75) / (again.se / ratio)
        assert draw == pytest.approx(100 * (1 - 0.75 * math.exp(-errors_above * 0.02041241 / 0.75)), rel=1e-6)


def test_units_of_one_ratio_have_no_spread_whatever_floats_make_of_it(tmp_path: Path) -> None:
    high = np.random.default_rng(3).lognormal(0, 1, 200)
    found = sampled(tmp_path, gap((0.7373 * high).tolist(), high.tolist()))
    assert found.is_without_spread
    assert found.p_above(-1e9) == found.p_below(1e9) == 1


@pytest.mark.parametrize(
    ("formula", "value", "se"),
    [
        (Formula.CHANGE, -25.0, 2.041241),
        (Formula.RATIO, 75.0, 2.041241),
        (Formula.RATIO_DIFFERENCE, 75.0, 2.041241),
        (Formula.DIFFERENCE, -2.5, 0.288675),
    ],
)
def test_every_formula_has_its_error_and_draws(
    tmp_path: Path, formula: Formula, value: float, se: float
) -> None:
    sides = Sides(units=named(4), observed=np.array([8.0, 9, 6, 7]), reference=np.array([10.0, 12, 8, 10]))
    scope = Scope(quantity="any", unit="percent", layer=6)
    found = sampled(tmp_path, measured(scope, value, formula, "latent", (sides,)), num_draws=4_000)
    assert found.spread.se == pytest.approx(se, abs=5e-7)
    assert found.draws is not None
    assert np.median(found.draws[np.isfinite(found.draws)]) == pytest.approx(value, abs=0.5 * se)


def difference(
    observed: np.ndarray, reference: np.ndarray, formula: Formula = Formula.RATIO_DIFFERENCE
) -> Measured:
    sides = Sides(units=named(len(observed)), observed=observed, reference=reference)
    value = 100 * float(observed.sum() / reference.sum())
    return measured(Scope(quantity="any", unit="points", layer=6), value, formula, "latent", (sides,))


def test_a_difference_near_zero_has_a_finite_interval_where_that_of_a_ratio_is_endless(
    tmp_path: Path,
) -> None:
    """Draws of either sign: a ratio above zero has a logarithm and these have none, so one in eight had no value."""
    generator = np.random.default_rng(5)
    before = generator.lognormal(0, 0.5, 60)
    sides = generator.normal(0, 0.2, 60) * before, before
    found = sampled(tmp_path / "difference", difference(*sides), num_draws=1_999)
    ratio = sampled(tmp_path / "ratio", difference(*sides, Formula.RATIO), num_draws=1_999)
    assert ratio.interval(0.90) == (-math.inf, math.inf)
    assert (found.value, found.spread) == (ratio.value, ratio.spread)
    assert found.draws is not None
    assert np.isfinite(found.draws).all()
    low, high = found.interval(0.90)
    assert -7 < low < -5
    assert 1 < high < 2


@pytest.mark.parametrize("away", [0.0, -1.0])
def test_a_slope_has_the_error_of_clustered_least_squares_whatever_its_sign(
    tmp_path: Path, away: float
) -> None:
    generator = np.random.default_rng(5)
    x = generator.normal(0, 1, (60, 3))
    y = away * x + generator.normal(0, 0.5, (60, 3))
    x, y = x - x.mean(), y - y.mean()
    sides = Sides(units=named(60), observed=(x * y).sum(axis=1), reference=(x * x).sum(axis=1))
    slope = float(np.polyfit(x.ravel(), y.ravel(), 1)[0])
    residuals = ((y - slope * x) * x).sum(axis=1)
    clustered = math.sqrt((residuals**2).sum() * 60 / 59) / (x * x).sum()
    part = measured(Scope(quantity="any", unit="none", layer=6), slope, Formula.SLOPE, "latent", (sides,))
    found = sampled(tmp_path, part, num_draws=2_000)
    assert (found.spread.se, found.spread.df) == pytest.approx((clustered, 59))
    assert found.draws is not None
    assert found.draws.std() == pytest.approx(clustered, rel=0.15)
    assert np.isfinite(found.draws).all()
    low, high = found.interval(0.90)
    assert low < away < high


def test_the_mean_of_gaps_is_another_estimate_with_another_error(tmp_path: Path) -> None:
    sides = Sides(units=named(4), observed=np.array([9.0, 12, 4, 5]), reference=np.array([10.0, 20, 5, 5]))
    scope = Scope(quantity="gap", unit="percent", layer=6)
    found = sampled(
        tmp_path, measured(scope, 17.5, Formula.MEAN_OF_GAPS, "latent", (sides,)), num_draws=4_000
    )
    assert (found.spread.se, found.spread.df) == pytest.approx((8.539126, 3), abs=5e-7)
    assert found.draws is not None
    assert np.median(found.draws[np.isfinite(found.draws)]) == pytest.approx(17.5, abs=0.5 * 8.539126)
    ratio = sampled(tmp_path / "ratio", gap([9, 12, 4, 5], [10, 20, 5, 5]))
    assert (ratio.value, ratio.spread.se) == (pytest.approx(25), pytest.approx(10.358169, abs=5e-7))


def test_a_gain_adds_the_spread_of_its_seeds(tmp_path: Path) -> None:
    after = np.array([12.0, 15, 9, 13])
    found = sampled(tmp_path, gain([after, 1.1 * after, 1.2 * after], [10, 12, 8, 10]))
    by_seed = [22.5, 34.75, 47.0]
    data = 100 * math.sqrt(((1.1 * after - 1.3475 * np.array([10, 12, 8, 10])) ** 2).sum() / 12) / 10
    seeds = 12.25 / math.sqrt(3)
    assert found.value == pytest.approx(np.mean(by_seed))
    assert found.spread.se == pytest.approx(math.hypot(data, seeds))
    assert found.spread.df == pytest.approx((data**2 + seeds**2) ** 2 / (data**4 / 3 + seeds**4 / 2))
    assert found.one_run_sd == pytest.approx(math.hypot(data, 12.25))
    assert (found.num_units, found.num_seeds) == (4, 3)
    assert found.method.endswith("over 4 latents, with 3 training seeds")


def test_a_change_in_accuracy_under_both_questions(tmp_path: Path) -> None:
    part = delta(BY_SEED, RIGHT)
    flipped = np.mean(BY_SEED, axis=0) - np.array(RIGHT)
    paired, seeds = 100 * flipped.std(ddof=1) / math.sqrt(10), 100 * np.std([0.1, 0.1, 0.0], ddof=1)
    population = sampled(tmp_path / "p", part, inference=POPULATION)
    fixed = sampled(tmp_path / "f", part, inference=FIXED)
    assert population.value == fixed.value == pytest.approx(20 / 3)
    assert population.spread.se == pytest.approx(math.hypot(paired, seeds / math.sqrt(3)))
    assert (fixed.spread.se, fixed.spread.df) == (pytest.approx(seeds / math.sqrt(3)), 2)
    assert population.one_run_sd == fixed.one_run_sd == pytest.approx(math.hypot(paired, seeds))
    assert (fixed.method, population.method) == (
        "t over 3 training seeds",
        "t over 10 documents, with 3 training seeds",
    )
    assert population.draws is None
    assert fixed.draws is None


def test_the_paired_formula_and_the_mean_over_documents_agree(tmp_path: Path) -> None:
    found = sampled(tmp_path, delta(BY_SEED[1:2], RIGHT))
    # two gained, one lost, of ten
    assert (found.value, found.spread.se) == (
        pytest.approx(10),
        pytest.approx(100 * math.sqrt((0.3 - 0.1**2) / 9)),
    )


def test_equal_seeds_leave_no_spread_for_fixed_items(tmp_path: Path) -> None:
    part = delta([BY_SEED[0]] * 3, RIGHT)
    assert sampled(tmp_path / "f", part, inference=FIXED).is_without_spread
    assert not sampled(tmp_path / "p", part).is_without_spread
    assert sampled(tmp_path / "one", delta(BY_SEED[:1], RIGHT), inference=FIXED).is_without_spread


def test_a_figure_per_seed_rests_on_its_seeds_under_either_question(tmp_path: Path) -> None:
    for inference in InferenceTarget:
        found = sampled(tmp_path / inference, per_seed([84.1, 86.3, 85.2]), inference=inference)
        assert (found.value, found.spread.se, found.spread.df) == (
            pytest.approx(85.2), pytest.approx(1.1 / math.sqrt(3)), 2
        )  # fmt: skip
        assert found.one_run_sd == pytest.approx(1.1)
        assert found.interval(0.9) == pytest.approx((83.345560, 87.054440), abs=5e-7)


def test_a_figure_without_units_has_no_spread(tmp_path: Path) -> None:
    found = sampled(tmp_path, single(97.0))
    assert (found.value, found.is_without_spread, found.one_run_sd) == (97.0, True, None)


def test_the_papers_own_number_of_latents_scales_its_noise(tmp_path: Path) -> None:
    part = gap()
    found = sampled(tmp_path, part, paper_units={id_of(part): 16})
    assert found.one_run_sd == pytest.approx(found.spread.se / 2)
    docs = delta(BY_SEED, RIGHT)
    scaled = sampled(tmp_path / "f", docs, inference=FIXED, paper_units={id_of(docs): 1000})
    assert scaled.one_run_sd == sampled(tmp_path / "g", docs, inference=FIXED).one_run_sd


def test_a_correlation_with_what_does_not_vary_is_no_number(tmp_path: Path) -> None:
    """Nor is it one where the last language that scores otherwise is left out; neither warns."""
    codes, gaps = ("hi", "ml", "zh", "es"), np.array([30.0, 20, 5, 1])
    scope = Scope(quantity="correlation", unit="r", benchmark="arc")
    for name, scores in (("all", np.full(4, 25.0)), ("but one", np.array([25.0, 25, 25, 40]))):
        sides = Sides(units=codes, observed=scores, reference=gaps)
        value = pearson(scores, gaps)
        part = measured(scope, value, Formula.PEARSON, "language", (sides,))
        found = sampled(tmp_path / name, part)
        assert found.value == pytest.approx(value, nan_ok=True)


def test_a_correlation_brings_its_languages_and_their_tokens(tmp_path: Path) -> None:
    codes, gaps, scores = ("hi", "ml", "zh", "es"), np.array([30.0, 20, 5, 1]), np.array([20.0, 25, 24, 40])
    sides = Sides(units=codes, observed=scores, reference=gaps)
    scope = Scope(quantity="correlation", unit="r", benchmark="arc")
    value = float(np.corrcoef(scores, gaps)[0, 1])
    part = measured(scope, value, Formula.PEARSON, "language", (sides,))
    lengths = [
        measured(
            Scope(quantity="tokens-per-phrase", unit="tokens", language=code),
            tokens,
            Formula.NO_UNITS,
            "text",
            (),
        )
        for code, tokens in zip(codes, (9.0, 8.0, 5.0, 4.0), strict=True)
    ]
    found = sampled(tmp_path / "all", part, *lengths)
    assert (found.units, found.num_units, found.is_without_spread) == (codes, 4, True)
    assert found.pairs is not None
    assert (found.pairs[0] == scores).all()
    assert (found.pairs[1] == gaps).all()
    assert found.control is not None
    assert found.control.tolist() == [9, 8, 5, 4]
    assert sampled(tmp_path / "less", part, *lengths[1:]).control is None
    assert sampled(tmp_path / "acc", accuracy(RIGHT)).pairs is None


def shares(formula: Formula, counts: list[list[float]], sizes: list[float], **about: object) -> Measured:
    """A share, or a difference of shares, of counted features; one row of counts a seed."""
    names = [f"group {place}" for place in range(len(sizes))]
    sides = [
        Sides(units=names, observed=np.array(row), reference=np.array(sizes), seed=seed)
        for seed, row in enumerate(counts)
    ]
    own, signs = np.array(counts), np.sign(sizes)
    parts = own / np.abs(sizes)
    means = [parts[:, signs == side].mean(axis=1) if (signs == side).any() else 0.0 for side in (1, -1)]
    scope = Scope(quantity="any", unit="points", **about)  # type: ignore[arg-type]
    return measured(scope, float(np.mean(100 * (means[0] - means[1]))), formula, "feature", sides)


def test_a_difference_of_two_dictionaries_has_the_error_of_both(tmp_path: Path) -> None:
    """The authors' own sample: 25 of 100 features are mixed at the end, 7 of 100 one checkpoint earlier."""
    found = sampled(tmp_path, shares(Formula.SHARE_DIFFERENCE, [[25, 7]], [100, -100]))
    assert (found.value, found.num_units) == (pytest.approx(18.0), 200)
    assert found.spread.se == pytest.approx(5.0702, abs=1e-4)
    assert found.p_without_sign(1) == pytest.approx(0.000193, abs=2e-5)
    assert found.method == "normal over 200 features, of one training seed"


def test_several_dictionaries_vary_by_their_seeds_alone(tmp_path: Path) -> None:
    """30, 34 and 38 percent: the mean is 34, its error 4 over the root of 3; features are counted in it already."""
    found = sampled(tmp_path, shares(Formula.SHARE, [[30], [34], [38]], [100]))
    assert (found.value, found.spread.df) == (pytest.approx(34.0), 2)
    assert found.spread.se == pytest.approx(4 / math.sqrt(3))
    assert (found.method, found.num_units, found.num_seeds) == ("t over 3 training seeds", 100, 3)


def test_shares_of_sizes_with_other_depths_weigh_layers_alike(tmp_path: Path) -> None:
    """Layers of 20 and 40 percent against three of 10: 20 points."""
    part = shares(Formula.SHARE_DIFFERENCE, [[20, 80, 10, 10, 10]], [100, 200, -100, -100, -100])
    assert sampled(tmp_path, part).value == pytest.approx(20.0)


def test_latents_of_two_models_share_no_draws(tmp_path: Path) -> None:
    """The layer's number is the same; what is resampled is not."""
    small, large = (
        replace(
            part,
            estimate=replace(part.estimate, estimate_id=f"any/model={name}"),
            units=tuple(replace(row, estimate_id=f"any/model={name}") for row in part.units),
            phrases=(),
            axes=(AxisValue(estimate_id=f"any/model={name}", axis="model", value=name),),
        )
        for name, part in (("small", latents(20)), ("large", latents(20)))
    )
    found = measurements(stored(tmp_path, small, large), num_draws=199)
    draws = [found[id_of(part), POPULATION].draws for part in (small, large)]
    assert draws[0] is not None
    assert draws[1] is not None
    assert not np.array_equal(draws[0], draws[1])
