"""Rules for one quantity with one edge: a sign, a floor, a ceiling; each accepts and rejects at its edge."""

import pytest

from harness.judge.rules import judge_ceiling, judge_floor, judge_sign, unmet_minimum
from harness.words.claim import Minima, Rule
from harness.words.verdict import CaseVerdict, State, Why
from tests.judge.asked import Decide, asking, at_alpha, claim, drawn, normal, sample, times, unadjusted

PASS, DEVIATION, INCONCLUSIVE = State.PASS, State.DEVIATION, State.INCONCLUSIVE
REACH = 1.6448536269514722
"""Half a 90 % interval, in standard errors."""

ABOVE = asking(claim(Rule.SIGN, sign=1))
BELOW = asking(claim(Rule.SIGN, sign=-1))
FLOOR = asking(claim(Rule.AT_LEAST, "90"))
CEILING = asking(claim(Rule.POOLED_AT_MOST, "5"))

EDGES = [
    pytest.param(judge_sign, ABOVE, 0.0, 1, Why.OPPOSITE_SIGN, id="above zero"),
    pytest.param(judge_sign, BELOW, 0.0, -1, Why.OPPOSITE_SIGN, id="below zero"),
    pytest.param(judge_floor, FLOOR, 90.0, 1, Why.BELOW_LIMIT, id="at least 90"),
    pytest.param(judge_ceiling, CEILING, 5.0, -1, Why.ABOVE_LIMIT, id="at most 5"),
]


def judged(decide: Decide, question: object, value: float, count: int = 1) -> CaseVerdict:
    found = sample(value, 1.0, None)
    return decide(question, (found,), times(count))  # type: ignore[arg-type]


@pytest.mark.parametrize(("decide", "question", "edge", "side", "against"), EDGES)
def test_it_passes_when_the_interval_just_clears_the_edge(
    decide: Decide, question: object, edge: float, side: int, against: Why
) -> None:
    clear, short = (judged(decide, question, edge + side * (REACH + step)) for step in (1e-9, -1e-9))
    assert (clear.state, clear.why) == (PASS, Why.SHOWN)
    assert (short.state, short.why) == (INCONCLUSIVE, Why.LEANING_PASS)
    assert "is shown to hold" in clear.says
    assert "cannot be told" in short.says


@pytest.mark.parametrize(("decide", "question", "edge", "side", "against"), EDGES)
def test_it_deviates_when_the_interval_just_lies_beyond_the_edge(
    decide: Decide, question: object, edge: float, side: int, against: Why
) -> None:
    beyond, short = (judged(decide, question, edge - side * (REACH + step)) for step in (1e-9, -1e-9))
    assert (beyond.state, beyond.why) == (DEVIATION, against)
    assert (short.state, short.why) == (INCONCLUSIVE, Why.LEANING_DEVIATION)
    assert "is shown not to hold" in beyond.says


@pytest.mark.parametrize(("decide", "question", "edge", "side", "against"), EDGES)
def test_only_a_deviation_pays_for_the_family(
    decide: Decide, question: object, edge: float, side: int, against: Why
) -> None:
    assert judged(decide, question, edge + side * 1.7, count=50).state is PASS
    # 1.96 standard errors are p = .025: enough among two claims, not among three
    assert judged(decide, question, edge - side * 1.961, count=2).state is DEVIATION
    case = judged(decide, question, edge - side * 1.961, count=3)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.NOT_AFTER_HOLM)


@pytest.mark.parametrize(("decide", "question", "edge", "side", "against"), EDGES)
def test_its_p_values_are_the_two_tails_at_the_edge(
    decide: Decide, question: object, edge: float, side: int, against: Why
) -> None:
    numbers = judged(decide, question, edge + side * REACH, count=4).numbers
    assert numbers is not None
    assert (numbers.p_equiv, numbers.p_dev) == (pytest.approx(0.05), pytest.approx(0.95))
    assert numbers.p_dev_holm == 1
    assert numbers.pi95 is None
    assert numbers.ci90 is not None
    assert min(abs(end - edge) for end in numbers.ci90) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(("decide", "question", "edge", "side", "against"), EDGES)
def test_a_p_value_of_five_percent_exactly_decides(
    decide: Decide, question: object, edge: float, side: int, against: Why
) -> None:
    found = [at_alpha(edge + side), at_alpha(edge - side)]
    clear, beyond = (decide(question, (each,), unadjusted) for each in found)  # type: ignore[arg-type]
    assert clear.numbers is not None
    assert beyond.numbers is not None
    assert clear.numbers.p_equiv == beyond.numbers.p_dev == 0.05
    assert (clear.state, beyond.state) == (PASS, DEVIATION)
    among_two = decide(question, (found[1],), times(2))  # type: ignore[arg-type]
    assert (among_two.state, among_two.why) == (INCONCLUSIVE, Why.NOT_AFTER_HOLM)


@pytest.mark.parametrize(("decide", "question", "edge", "side", "against"), EDGES)
def test_a_value_on_the_edge_leans_to_the_claim(
    decide: Decide, question: object, edge: float, side: int, against: Why
) -> None:
    case = judged(decide, question, edge)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.LEANING_PASS)
    assert case.numbers is not None
    assert case.numbers.p_equiv == case.numbers.p_dev == 0.5


@pytest.mark.parametrize(
    ("decide", "question", "value", "says"),
    [
        (judge_sign, ABOVE, 3.0, "That it lies above zero is shown to hold: 3.00, 90 % interval 1.36 to 4.64."),
        (judge_sign, ABOVE, -3.0, "That it lies above zero is shown not to hold: -3.00, 90 % interval -4.64 to -1.36."),
        (judge_sign, BELOW, 1.0, "That it lies below zero cannot be told: 1.00, 90 % interval -0.64 to 2.64."),
        (judge_floor, FLOOR, 90.0, "That it reaches 90.00 cannot be told: 90.00, 90 % interval 88.36 to 91.64."),
        (judge_ceiling, CEILING, 1.0, "That it stays below 5.00 is shown to hold: 1.00, 90 % interval -0.64 to 2.64."),
    ],
)  # fmt: skip
def test_the_sentence_beside_a_verdict_says_what_how_and_where(
    decide: Decide, question: object, value: float, says: str
) -> None:
    assert judged(decide, question, value).says == says


def test_the_hedged_retention_passes_as_a_value_and_stays_open_as_a_floor() -> None:
    case = judge_floor(FLOOR, (sample(90.20, 0.50, 199),), unadjusted)
    assert case.state is INCONCLUSIVE
    assert case.numbers is not None
    assert case.numbers.ci90 is not None
    assert case.numbers.ci90[0] == pytest.approx(89.374, abs=5e-4)


def test_a_ceiling_looks_at_the_mean_and_not_at_its_members() -> None:
    mean, member = sample(3.0, 0.1), sample(9.0, 0.1)
    assert judge_ceiling(CEILING, (mean, member), unadjusted).state is PASS


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (sample(9, 1, num_units=7, num_seeds=3), Why.TOO_FEW_UNITS),
        (sample(9, 1, num_units=8, num_seeds=2), Why.TOO_FEW_SEEDS),
        (sample(9, 0, num_units=8, num_seeds=3), Why.ZERO_VARIANCE),
    ],
    ids=str,
)
def test_a_minimum_that_is_missed_leaves_a_sign_open(found: object, why: Why) -> None:
    question = asking(claim(Rule.SIGN, sign=1, minima=Minima(units=8, seeds=3)))
    case = judge_sign(question, (found,), unadjusted)  # type: ignore[arg-type]
    assert (case.state, case.why) == (INCONCLUSIVE, why)
    assert case.numbers is not None
    assert case.numbers.estimate == 9  # what was measured stands there all the same
    assert unmet_minimum(question, (sample(9, 1, num_units=8, num_seeds=3),)) is None


def test_every_sample_must_meet_the_minima() -> None:
    question = asking(claim(Rule.SIGN, sign=1, minima=Minima(units=8)))
    full, short, still = sample(9, 1, num_units=8), sample(9, 1, num_units=7), sample(9, 0, num_units=8)
    assert unmet_minimum(question, (full, full)) is None
    for pair in ((full, short), (short, full)):
        assert unmet_minimum(question, pair) == (
            Why.TOO_FEW_UNITS,
            "It rests on 7 units; a verdict on this claim needs 8.",
        )
    assert unmet_minimum(question, (full, still)) is not None
    assert unmet_minimum(question, (full, still), needs_spread=False) is None


def test_draws_that_disagree_with_the_t_interval_withhold_a_pass() -> None:
    heavy = drawn(3.0, 1.0, 3.0 + 2.5 * normal(1))
    assert judge_sign(ABOVE, (sample(3.0, 1.0, None),), unadjusted).state is PASS
    assert judge_sign(ABOVE, (heavy,), unadjusted).state is INCONCLUSIVE
