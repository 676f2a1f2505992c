"""Rules about the largest of several, at their edges: 19 draws, so that 5 % is the most extreme of them.

Both members have a standard error of 1. One draw of the first lies 3 below it and one 2 above, the rest on it: lower
limits that hold for both at once are 3 below every member; the upper limit of each by itself is 2 above the first, and
1.645 above the second.
"""

import numpy as np
import pytest

from harness.judge.measurements import Measurement
from harness.judge.rules_maximum import judge_at_most, judge_largest, judge_reaches
from harness.words.claim import Claim, Minima, Rule
from harness.words.estimate import Estimate, Formula
from harness.words.verdict import CaseVerdict, State, Why
from tests.judge.asked import Decide, asking, claim, drawn, members, normal, reading, sample, times

PASS, DEVIATION, INCONCLUSIVE = State.PASS, State.DEVIATION, State.INCONCLUSIVE
DEVIATIONS = np.array([-3.0, 2.0, *[0.0] * 17])

BOTH = (reading("m0", "m1"),)
AT_MOST = claim(Rule.MAXIMUM_AT_MOST, "20", margin=2.0, readings=BOTH)
REACHES = claim(Rule.MAXIMUM_AT_LEAST, "20", margin=2.0, readings=BOTH)
FIRST = claim(Rule.LARGEST_AT, readings=BOTH, named=("m0",))


def pair(first: float, second: float, se: float = 1.0) -> tuple[Measurement, ...]:
    return (
        drawn(first, se, first + se * DEVIATIONS, estimate_id="m0"),
        drawn(second, se, np.full(19, second), estimate_id="m1"),
    )


def judged(decide: Decide, asked: Claim, samples: tuple[Measurement, ...], count: int = 1) -> CaseVerdict:
    return decide(asking(asked), samples, times(count))


@pytest.mark.parametrize(
    ("decide", "asked", "values", "state", "why"),
    [
        # no member above 22.5
        pytest.param(judge_at_most, AT_MOST, (9, 20.8), PASS, Why.SHOWN, id="all upper limits below the bound"),
        pytest.param(judge_at_most, AT_MOST, (9, 20.9), INCONCLUSIVE, Why.LEANING_PASS, id="one upper limit above it"),
        pytest.param(judge_at_most, AT_MOST, (9, 25.4), INCONCLUSIVE, Why.LEANING_DEVIATION, id="no lower limit above"),
        pytest.param(judge_at_most, AT_MOST, (9, 25.6), DEVIATION, Why.LARGER, id="one lower limit above the bound"),
        # the largest reaches 17.5
        pytest.param(judge_reaches, REACHES, (9, 20.6), PASS, Why.SHOWN, id="one lower limit above the edge"),
        pytest.param(judge_reaches, REACHES, (20.6, 9), PASS, Why.SHOWN, id="whichever member it is"),
        pytest.param(judge_reaches, REACHES, (9, 20.4), INCONCLUSIVE, Why.LEANING_PASS, id="no lower limit above it"),
        pytest.param(judge_reaches, REACHES, (9, 15.9), INCONCLUSIVE, Why.LEANING_DEVIATION, id="one upper limit above"),
        pytest.param(judge_reaches, REACHES, (9, 15.8), DEVIATION, Why.SMALLER, id="all upper limits below the edge"),
        # m0 is the largest
        pytest.param(judge_largest, FIRST, (13.1, 10), PASS, Why.SHOWN, id="leads by more than any draw"),
        pytest.param(judge_largest, FIRST, (12.9, 10), INCONCLUSIVE, Why.LEANING_PASS, id="by less than one draw of 19"),
        pytest.param(judge_largest, FIRST, (10, 11.9), INCONCLUSIVE, Why.LEANING_DEVIATION, id="the other leads within"),
        pytest.param(judge_largest, FIRST, (10, 12.1), DEVIATION, Why.ELSEWHERE, id="the other leads beyond the draws"),
    ],
)  # fmt: skip
def test_the_edges(decide: Decide, asked: Claim, values: tuple[float, float], state: State, why: Why) -> None:
    case = judged(decide, asked, pair(*values))
    assert (case.state, case.why) == (state, why)


@pytest.mark.parametrize(
    ("decide", "asked", "edge"), [(judge_at_most, AT_MOST, 22.5), (judge_reaches, REACHES, 17.5)]
)
def test_limits_lie_as_many_errors_away_as_the_draws_say(decide: Decide, asked: Claim, edge: float) -> None:
    # With errors of 1/2 the limits of the second lie 1.5 below and 0.82 above.
    below, above = (judged(decide, asked, pair(9, value, 0.5)) for value in (edge - 0.9, edge + 1.6))
    assert {below.state, above.state} == {PASS, DEVIATION}
    near = (judged(decide, asked, pair(9, value, 0.5)) for value in (edge - 0.7, edge + 1.4))
    assert [case.state for case in near] == [INCONCLUSIVE] * 2


@pytest.mark.parametrize(
    ("decide", "asked", "says"),
    [
        (judge_at_most, AT_MOST, "That no member lies above 22.50 is shown to hold: the largest is m1 at 19.40."),
        (judge_reaches, REACHES, "That the largest member reaches 17.50 cannot be told: the largest is m1 at 19.40."),
        (judge_largest, FIRST,
         ("That the largest member is where the claim puts it is shown not to hold: the largest is m1 at 19.40; the named lead the "
          "others by -10.40, 90 % interval -13.40 to -8.40.")),
    ],
)  # fmt: skip
def test_the_sentence_beside_a_verdict(decide: Decide, asked: Claim, says: str) -> None:
    assert judged(decide, asked, pair(9, 19.4)).says == says


@pytest.mark.parametrize(
    ("decide", "asked", "ci90"),
    [
        (judge_at_most, AT_MOST, (16.4, 21.0449)),
        (judge_reaches, REACHES, (16.4, 21.0449)),
        # A lead of -10.4: one draw lies 3 above its truth, another 2 below.
        (judge_largest, FIRST, (-13.4, -8.4)),
    ],
)
def test_the_interval_is_that_of_a_size_or_a_lead_and_never_that_of_the_largest_alone(
    decide: Decide, asked: Claim, ci90: tuple[float, float]
) -> None:
    numbers = judged(decide, asked, pair(9, 19.4)).numbers
    assert numbers is not None
    assert numbers.ci90 == pytest.approx(ci90, abs=1e-4)
    assert numbers.ci95 is None


def test_a_claim_about_a_difference_or_a_place_gives_that_and_not_the_largest() -> None:
    layers = tuple(
        drawn(
            value,
            1.0,
            value + DEVIATIONS,
            estimate_id=f"m{layer}",
            estimate=of_layer(f"m{layer}", layer, value),
        )
        for layer, value in ((6, 25.1), (25, 19.2))
    )
    asked = claim(Rule.LARGEST_AT, readings=(reading("m6", "m25"),), named=("m6",))
    numbers = judged(judge_largest, asked, layers).numbers
    assert numbers is not None
    # Both have the same draws, so their difference has none: 25.1 - 19.2 to either side.
    assert (numbers.estimate, numbers.ci90, numbers.se) == (
        pytest.approx(5.9),
        pytest.approx((5.9, 5.9)),
        None,
    )
    assert numbers.place == "layer 6"


@pytest.mark.parametrize("values", [(13.1, 10.0), (12.9, 10.0), (10.0, 11.9), (10.0, 12.1)])
def test_a_lead_and_its_limits_say_what_the_verdict_says(values: tuple[float, float]) -> None:
    case = judged(judge_largest, FIRST, pair(*values))
    assert case.numbers is not None
    assert case.numbers.ci90 is not None
    low, high = case.numbers.ci90
    assert (low > 0, high < 0) == (case.state is PASS, case.state is DEVIATION)


def of_layer(name: str, layer: int, value: float) -> Estimate:
    return Estimate(
        estimate_id=name, quantity="gap", reading="high", specification="primary", formula=Formula.GAP, unit="percent",
        value=value, layer=layer, language=None, benchmark=None, unit_kind="latent", num_units=9, num_seeds=0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("decide", "asked", "values"),
    [(judge_at_most, AT_MOST, (9, 30)), (judge_reaches, REACHES, (9, 9)), (judge_largest, FIRST, (9, 30))],
)
def test_a_deviation_pays_for_its_family(decide: Decide, asked: Claim, values: tuple[float, float]) -> None:
    assert judged(decide, asked, pair(*values)).state is DEVIATION
    case = judged(decide, asked, pair(*values), count=2)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.NOT_AFTER_HOLM)


@pytest.mark.parametrize(
    ("values", "state"),
    [
        pytest.param((10, 9, 5, 5), PASS, id="a named one is always the largest, whichever"),
        pytest.param((5, 9, 20, 5), DEVIATION, id="another beats both named ones"),
        pytest.param((5, 17.5, 20, 5), INCONCLUSIVE, id="another beats one named one only"),
        pytest.param((5, 5, 5, 20), DEVIATION, id="any other one will do"),
    ],
)
def test_a_region_holds_the_largest_when_any_of_its_members_is(
    values: tuple[float, ...], state: State
) -> None:
    four = tuple(f"m{place}" for place in range(4))
    asked = claim(Rule.LARGEST_WITHIN, readings=(reading(*four),), named=("m0", "m1"))
    spread = normal(3, 999)
    samples = tuple(
        drawn(value, 1.0, value + np.roll(spread, 97 * place), estimate_id=name)
        for place, (name, value) in enumerate(zip(four, values, strict=True))
    )
    assert judged(judge_largest, asked, samples).state is state


def test_a_verdict_about_a_maximum_names_the_largest_and_lists_all_limits() -> None:
    case = judged(judge_at_most, AT_MOST, pair(9, 19.4))
    assert "no member lies above 22.50 is shown to hold: the largest is m1 at 19.40" in case.says
    assert [(each.estimate_id, each.estimate, each.se) for each in case.members] == [
        ("m0", 9, 1),
        ("m1", 19.4, 1),
    ]
    assert [(each.lower, each.upper) for each in case.members] == [
        (pytest.approx(6), pytest.approx(11)),
        (pytest.approx(16.4), pytest.approx(21.0449, abs=1e-4)),
    ]
    assert case.numbers is not None
    assert case.numbers.estimate == 19.4
    assert case.numbers.p_equiv == pytest.approx(0.05)
    assert case.numbers.p_dev == 1


def test_the_note_says_how_much_a_maximum_flatters() -> None:
    layers = members([20.0] * 26, se=1.5)
    asked = claim(
        Rule.MAXIMUM_AT_MOST, "20", margin=2.0, readings=(reading(*[each.estimate_id for each in layers]),)
    )
    (note,) = judged(judge_at_most, asked, layers).notes
    assert "all 26 members equal, the largest would come out 2.97 too high" in note


def test_of_26_equal_layers_none_is_shown_to_lead_any_other() -> None:
    layers = members([20.0] * 26, se=1.5)
    asked = claim(Rule.LARGEST_AT, readings=(reading(*[each.estimate_id for each in layers]),), named=("m6",))
    case = judged(judge_largest, asked, layers)
    assert case.state is INCONCLUSIVE
    assert case.numbers is not None
    assert case.numbers.p_equiv == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    ("decide", "asked"), [(judge_at_most, AT_MOST), (judge_reaches, REACHES), (judge_largest, FIRST)]
)
def test_a_minimum_that_is_missed_lists_members_without_limits(decide: Decide, asked: Claim) -> None:
    short = claim(
        asked.rule, *[t.printed.text for t in asked.targets], margin=asked.margin, readings=BOTH,
        named=asked.named, minima=Minima(units=50),
    )  # fmt: skip
    samples = tuple(sample(9, 1, 40, estimate_id=name) for name in ("m0", "m1"))
    case = judged(decide, short, samples)
    assert (case.state, case.why, case.numbers) == (INCONCLUSIVE, Why.TOO_FEW_UNITS, None)
    assert [(each.estimate_id, each.se) for each in case.members] == [("m0", 1), ("m1", 1)]
    assert [(each.estimate, each.lower, each.upper) for each in case.members] == [(9, None, None)] * 2
    still = tuple(sample(9, 0, estimate_id=name) for name in ("m0", "m1"))
    assert judged(decide, asked, still).why is Why.ZERO_VARIANCE
