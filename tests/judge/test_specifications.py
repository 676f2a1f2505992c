"""Claims judged under other specifications from stored sides: measured as the primary one is, and a planted flip is found."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from claims.sin2025.study import STUDY
from harness.judge.judge import Circumstances, judge
from harness.judge.measurements import measurements_of
from harness.judge.multiverse import multiverses
from harness.judge.specifications import Specifications, StoredSides, read_specifications
from harness.statistics.stats import mean_spread, median_draws
from harness.words.claim import InferenceTarget
from harness.words.estimate import MEDIAN_OF_GAPS, Formula, SpecifiedEstimate
from harness.words.judgement import Grade, Judged, Multiverse
from harness.words.verdict import State
from tests.judge.asked import reading, value_claim
from tests.judge.tables import gap, id_of, stored

POPULATION = InferenceTarget.POPULATION
RANDOM = np.random.Generator(np.random.PCG64(7))
HIGH = RANDOM.lognormal(size=400).astype(np.float32).astype(np.float64)
LOW = (HIGH * (0.75 + 0.1 * RANDOM.standard_normal(400))).astype(np.float32).astype(np.float64)
PRIMARY = gap(LOW.tolist(), HIGH.tolist())
ID = id_of(PRIMARY)


def beside(sides: Mapping[str, tuple[np.ndarray, np.ndarray]], **holes: str) -> Specifications:
    """Specifications of the one gap, by name their low and high side; of holes the reason."""
    rows = [
        SpecifiedEstimate(
            estimate_id=ID.replace("primary", name),
            primary_id=ID,
            specification=name,
            sides=name,
            formula=MEDIAN_OF_GAPS if name.endswith("median-of-ratios") else Formula.GAP,
            unit_kind="latent",
            value=float(
                100 * np.median(1 - low / high)
                if name.endswith("median-of-ratios")
                else 100 * (1 - np.nansum(low) / high[~np.isnan(low)].sum())
            ),
            because="",
        )
        for name, (low, high) in sides.items()
    ]
    rows += [
        SpecifiedEstimate(
            estimate_id=ID.replace("primary", name),
            primary_id=ID,
            specification=name,
            sides="",
            formula="",
            unit_kind="latent",
            value=None,
            because=because,
        )
        for name, because in holes.items()
    ]
    kept = {
        (ID, name): StoredSides(seeds=(), observed=low[None, :], reference=high[None, :], widening=1.0)
        for name, (low, high) in sides.items()
    }
    return Specifications(estimates={ID: tuple(rows)}, sides=kept)


def test_the_same_sides_are_measured_alike(tmp_path: Path) -> None:
    """Two ways: the primary estimate of the run, and its own sides stored as a specification."""
    tables = stored(tmp_path, PRIMARY)
    primary = measurements_of(STUDY, tables, ())[ID, POPULATION]
    name = "pooling=max"
    found = beside({name: (LOW, HIGH)}).measured(STUDY, (PRIMARY.estimate,), POPULATION)
    measured = found[ID.replace("primary", name), POPULATION]
    assert measured.value == pytest.approx(primary.value)
    assert measured.spread.se == pytest.approx(primary.spread.se)
    assert measured.interval(0.90) == pytest.approx(primary.interval(0.90), rel=1e-9)


def test_units_of_which_nothing_is_left_are_left_out() -> None:
    low = np.where(np.arange(400) % 4, LOW, np.nan)
    found = beside({"pooling=max": (low, HIGH)}).measured(STUDY, (PRIMARY.estimate,), POPULATION)
    assert found[ID.replace("primary", "pooling=max"), POPULATION].num_units == 300


def test_the_bootstrap_of_a_median_is_that_of_drawn_samples() -> None:
    """Two ways: the exact distribution, and four thousand drawn samples of an odd number."""
    values = LOW[:51]
    exact = median_draws(values, 999)
    drawn = np.median(RANDOM.choice(values, size=(4_000, 51)), axis=1)
    assert exact.std() == pytest.approx(drawn.std(), rel=0.1)
    assert np.quantile(exact, [0.05, 0.95]) == pytest.approx(np.quantile(drawn, [0.05, 0.95]), rel=0.05)
    assert exact.std() > mean_spread(values).se / 3


def planted(tmp_path: Path) -> Multiverse:
    """Three choices, of which the group alone moves the gap: from about 26 % to none; poolings and strengths shake it a little."""
    sides = {}
    for pooling, strength, group in np.ndindex(4, 3, 2):
        parts = (
            ("pooling", ("mean", "max", "mean-active", "last")[pooling]),
            ("strength", ("0.8", "0.9", "strongest")[strength]),
            ("group", ("without-english", "with-english")[group]),
        )
        first = ("mean", "0.8", "without-english")
        name = "+".join(
            f"{axis}={level}" for (axis, level), one in zip(parts, first, strict=True) if level != one
        )
        if name:
            low = LOW * (1.0 + 0.003 * pooling - 0.002 * strength) * (4 / 3 if group else 1.0)
            sides[name] = (low, HIGH)
    claims = (value_claim("26.5", margin=4.0, readings=(reading(ID),)),)
    measurements = measurements_of(STUDY, stored(tmp_path, PRIMARY), claims)
    verdicts = judge(claims, measurements, Circumstances())
    judged = Judged(study="sin2025", claims=claims, verdicts=verdicts)
    specifications = beside(sides, **{"speaker=panel": "no panel"})
    (found,) = multiverses(judged, STUDY, measurements, specifications, Circumstances())
    return found


def test_a_planted_choice_that_flips_the_verdict_is_found_and_named_first(tmp_path: Path) -> None:
    found = planted(tmp_path)
    assert tuple(axis.name for axis in found.axes) == ("pooling", "speaker", "strength", "group")
    assert found.specifications[0].state is State.PASS
    assert found.flips[0] == "group=with-english"
    assert found.flips == ("group=with-english",)
    assert found.deciding[0].axis == "group"
    assert found.grade is Grade.MIXED
    by_state = {each.specification: each.state for each in found.specifications}
    assert by_state["group=with-english"] is State.DEVIATION
    assert by_state["pooling=last+strength=strongest"] is State.PASS
    (hole,) = (each for each in found.specifications if each.estimate is None)
    assert (hole.specification, hole.state, hole.hole) == ("speaker=panel", State.NOT_RUN, "no panel")


def test_an_artifact_without_a_grid_has_no_specifications(tmp_path: Path) -> None:
    stored(tmp_path, PRIMARY)
    assert not read_specifications((tmp_path,)).estimates
