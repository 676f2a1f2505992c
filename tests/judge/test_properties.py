"""What must hold of every measurement: the rule for values and the envelope, under Hypothesis."""

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.judge.measurements import Measurement
from harness.judge.rules import LEVEL, judge_value
from harness.words.claim import Printed, Target
from harness.words.estimate import ALPHA
from harness.words.verdict import CaseVerdict, State
from tests.judge.asked import asking, normal, sample, times, value_claim

PRINTED, MARGIN, BAND = 26.27, 2.5, (23.765, 28.775)
NOISE = normal(7, 199)

estimates = st.floats(10, 45)
errors = st.floats(0.01, 6)
freedoms = st.one_of(st.none(), st.floats(1, 500))
one_run = st.one_of(st.none(), st.floats(0, 4))
factors = st.floats(1, 5)
families = st.integers(1, 30)


@st.composite
def measured(draw: st.DrawFn) -> Measurement:
    """A sample with or without bootstrap values, skewed or not."""
    value, se, df = draw(estimates), draw(errors), draw(freedoms)
    return made(value, se, df, draw(st.floats(0, 2)), draw(one_run))


def made(value: float, se: float, df: float | None, bend: float, one_run_sd: float | None) -> Measurement:
    draws = value + se * (NOISE + bend * (NOISE**2 - 1)) if bend else None
    return sample(value, se, df, draws=draws, one_run_sd=one_run_sd, num_units=9)


def judged(found: Measurement, count: int = 1) -> CaseVerdict:
    return judge_value(asking(value_claim()), (found,), times(count))


def widened(found: Measurement, factor: float) -> Measurement:
    """The same estimate, less surely known; what one run varies by is left as it is."""
    draws = None if found.draws is None else found.value + factor * (found.draws - found.value)
    return sample(
        found.value,
        factor * found.spread.se,
        found.spread.df,
        draws=draws,
        one_run_sd=found.one_run_sd,
        num_units=9,
    )


def moved(found: Measurement, by: float) -> Measurement:
    return sample(
        found.value + by,
        found.spread.se,
        found.spread.df,
        draws=None if found.draws is None else found.draws + by,
        one_run_sd=found.one_run_sd,
        num_units=9,
    )


@given(measured(), factors, families)
def test_a_wider_interval_turns_nothing_into_a_pass(found: Measurement, factor: float, count: int) -> None:
    before, after = judged(found, count).state, judged(widened(found, factor), count).state
    assert after is not State.PASS or before is State.PASS


@given(measured(), factors, families)
def test_a_wider_interval_turns_nothing_into_a_deviation(
    found: Measurement, factor: float, count: int
) -> None:
    before, after = judged(found, count).state, judged(widened(found, factor), count).state
    assert after is not State.DEVIATION or before is State.DEVIATION


@given(measured(), st.floats(0, 20), families)
def test_moving_away_from_the_band_turns_no_deviation_into_anything_else(
    found: Measurement, by: float, count: int
) -> None:
    away = by if found.value > PRINTED else -by
    if judged(found, count).state is State.DEVIATION:
        assert judged(moved(found, away), count).state is State.DEVIATION


@given(measured(), st.floats(0, 20))
def test_moving_away_from_a_band_that_is_left_already_earns_no_pass(found: Measurement, by: float) -> None:
    assume(not BAND[0] <= found.value <= BAND[1])
    assert judged(moved(found, by if found.value > PRINTED else -by)).state is not State.PASS


@given(measured(), families, families)
def test_a_larger_family_turns_nothing_into_a_deviation(found: Measurement, few: int, more: int) -> None:
    small, large = judged(found, few).state, judged(found, few + more).state
    assert large is small or (small, large) == (State.DEVIATION, State.INCONCLUSIVE)


@given(measured())
def test_the_envelope_lies_inside_the_band_exactly_when_equivalence_is_shown(found: Measurement) -> None:
    low, high = found.interval(LEVEL)
    assume(min(abs(low - BAND[0]), abs(high - BAND[1])) > 1e-6)
    case = judged(found)
    assert case.numbers is not None
    assert case.numbers.p_equiv is not None
    inside = BAND[0] < low and high < BAND[1]
    assert inside == (case.numbers.p_equiv <= ALPHA) == (case.state is State.PASS)
    assert case.numbers.ci90 == (low, high)


@given(measured())
def test_a_deviation_is_shown_exactly_when_the_envelope_lies_outside(found: Measurement) -> None:
    low, high = found.interval(LEVEL)
    assume(min(abs(high - BAND[0]), abs(low - BAND[1])) > 1e-6)
    numbers = judged(found).numbers
    assert numbers is not None
    assert numbers.p_dev is not None
    # Skewed draws may lie beyond an edge that the estimate itself does not reach; then nothing is shown.
    outside = (high < BAND[0] and found.value < BAND[0]) or (low > BAND[1] and found.value > BAND[1])
    assert outside == (numbers.p_dev <= ALPHA)


@given(measured())
def test_the_95_percent_interval_holds_the_90_percent_one(found: Measurement) -> None:
    (low90, high90), (low95, high95) = found.interval(LEVEL), found.interval(0.95)
    assert low95 <= low90 <= high90
    assert high90 <= high95


def in_other_units(found: Measurement, times_: float) -> Measurement:
    return sample(
        times_ * found.value,
        times_ * found.spread.se,
        found.spread.df,
        draws=None if found.draws is None else times_ * found.draws,
        one_run_sd=None if found.one_run_sd is None else times_ * found.one_run_sd,
        num_units=9,
    )


@settings(max_examples=200)
@given(measured(), families)
def test_the_unit_of_measurement_decides_nothing(found: Measurement, count: int) -> None:
    target = Target(
        printed=Printed("262.7"), source="paper", tier=value_claim().targets[0].tier, reading="primary"
    )
    tenfold = judge_value(
        asking(value_claim(targets=(target,), margin=25.0)), (in_other_units(found, 10.0),), times(count)
    )
    plain = judged(found, count)
    assert tenfold.band is not None
    assert plain.band is not None
    assume(not close_to_an_edge(found))
    assert (tenfold.state, tenfold.why, tenfold.flags) == (plain.state, plain.why, plain.flags)
    np.testing.assert_allclose(tenfold.band, 10 * np.array(plain.band))
    numbers: tuple[Any, Any] = tenfold.numbers, plain.numbers
    np.testing.assert_allclose(numbers[0].ci90, 10 * np.array(numbers[1].ci90), rtol=1e-9)
    np.testing.assert_allclose(numbers[0].p_dev, numbers[1].p_dev, rtol=1e-6, atol=1e-300)


def close_to_an_edge(found: Measurement) -> bool:
    """Where a rounding of the last bit could decide."""
    half = judged(found).numbers
    assert half is not None
    assert half.pi95 is not None
    ends = (*found.interval(LEVEL), *found.interval(0.95), *half.pi95, found.value)
    edges = (*BAND, PRINTED, PRINTED - 0.005, PRINTED + 0.005)
    return any(abs(end - edge) < 1e-9 for end in ends for edge in edges)
