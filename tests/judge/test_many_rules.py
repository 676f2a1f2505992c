"""Rules about every member and about their mean, each at its edge."""

import pytest

from harness.judge.measurements import Measurement
from harness.judge.rules import judge_consistency, judge_every_sign
from harness.words.claim import Minima, Rule
from harness.words.verdict import CaseVerdict, State, Why
from tests.judge.asked import asking, at_alpha, claim, members, sample, times, unadjusted

PASS, DEVIATION, INCONCLUSIVE = State.PASS, State.DEVIATION, State.INCONCLUSIVE
CLEAR, SHORT = 1.65, 1.64
"""Standard errors from zero that just are, and just are not, shown at 5 %."""

HOLM_OF_THREE = 2.1280
"""Normal quantile of .05 / 3 is 2.12805: one member in three must lie so far on the other side."""


def every(values: list[float], sign: int = 1, count: int = 1, **changes: object) -> CaseVerdict:
    question = asking(claim(Rule.EVERY_SIGN, sign=sign, **changes))
    return judge_every_sign(question, members(values), times(count))


def consistent(mean: Measurement, values: list[float], sign: int = 1, **changes: object) -> CaseVerdict:
    question = asking(claim(Rule.POOLED_SIGN, sign=sign, **changes))
    return judge_consistency(question, (mean, *members(values)), unadjusted)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("values", "state", "why"),
    [
        pytest.param([CLEAR, 9, 9], PASS, Why.SHOWN, id="the weakest is just shown"),
        pytest.param([SHORT, 9, 9], INCONCLUSIVE, Why.LEANING_PASS, id="the weakest is just not shown"),
        pytest.param(
            [9, 9, -HOLM_OF_THREE - 1e-3], DEVIATION, Why.OPPOSITE_SIGN, id="one is shown to be opposite"
        ),
        pytest.param(
            [9, 9, 0.01 - HOLM_OF_THREE], INCONCLUSIVE, Why.LEANING_DEVIATION, id="one is nearly so"
        ),
    ],
)
def test_every_member_must_have_the_sign(values: list[float], state: State, why: Why, sign: int) -> None:
    case = every([sign * value for value in values], sign)
    assert (case.state, case.why) == (state, why)


def test_a_hundred_members_need_no_correction_to_pass() -> None:
    assert every([CLEAR] * 100, count=50).state is PASS


def test_an_opposite_member_must_be_so_among_all_claims_too() -> None:
    case = every([9, 9, -HOLM_OF_THREE - 1e-3], count=2)
    assert (case.state, case.why) == (INCONCLUSIVE, Why.NOT_AFTER_HOLM)


def test_every_sign_names_the_weakest_and_counts_signs() -> None:
    case = every([3, 1, -0.5, 4])
    assert "2 of 4 members are shown to have the claimed sign and 0 the opposite one" in case.says
    assert "the weakest is m2 at -0.50" in case.says
    assert case.notes == ("3 of 4 have the claimed sign; fair coins do as well with p = 0.312.",)
    assert case.numbers is not None
    assert case.numbers.estimate == -0.5
    assert [member.estimate for member in case.members] == [3, 1, -0.5, 4]


def test_limits_of_members_widen_with_their_number() -> None:
    reaches = []
    for count in (1, 3):
        member = every([5.0] * count).members[0]
        assert member.lower is not None
        assert member.upper is not None
        assert member.upper - 5 == pytest.approx(5 - member.lower)
        reaches.append(5 - member.lower)
    assert reaches == [pytest.approx(1.644854, abs=1e-6), pytest.approx(2.128045, abs=1e-6)]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("mean", "values", "state", "why"),
    [
        pytest.param(CLEAR, [1, 1, 1], PASS, Why.SHOWN, id="the mean is just shown and none contradicts"),
        pytest.param(SHORT, [1, 1, 1], INCONCLUSIVE, Why.LEANING_PASS, id="the mean is just not shown"),
        pytest.param(9, [9, 9, 0.01 - HOLM_OF_THREE], PASS, Why.SHOWN, id="a member is nearly opposite"),
        pytest.param(9, [9, 9, -HOLM_OF_THREE - 1e-3], INCONCLUSIVE, Why.LEANING_DEVIATION,
                     id="a member is just shown to be opposite, so no pass"),
        pytest.param(9, [9, 9, -2.3940 - 1e-3], DEVIATION, Why.OPPOSITE_SIGN, id="clearly enough for both ways to fail"),
        pytest.param(-1.9600 - 1e-3, [1, 1, 1], DEVIATION, Why.OPPOSITE_SIGN, id="the mean itself is opposite"),
        pytest.param(-1.9600 + 1e-3, [1, 1, 1], INCONCLUSIVE, Why.LEANING_DEVIATION, id="the mean is nearly so"),
    ],
)  # fmt: skip
def test_consistency_is_a_mean_that_no_member_contradicts(
    mean: float, values: list[float], state: State, why: Why, sign: int
) -> None:
    case = consistent(sample(sign * mean, 1.0, None), [sign * value for value in values], sign)
    assert (case.state, case.why) == (state, why)


@pytest.mark.parametrize(("positive", "tail"), [(6, "0.254"), (8, "0.0195"), (9, "0.00195")])
def test_the_sign_count_of_nine_cells_has_its_exact_tail(positive: int, tail: str) -> None:
    case = consistent(sample(9, 1, None), [1.0] * positive + [-0.5] * (9 - positive))
    assert case.notes == (f"{positive} of 9 have the claimed sign; fair coins do as well with p = {tail}.",)


def test_consistency_shows_the_mean_and_lists_its_members() -> None:
    case = consistent(sample(2.0, 1, None), [1.0, -9.0])
    assert case.numbers is not None
    assert case.numbers.estimate == 2
    assert [member.estimate_id for member in case.members] == ["m0", "m1"]
    assert "mean over 2 members is 2.00, 90 % interval 0.36 to 3.64; a member is shown" in case.says
    assert "no member is shown" in consistent(sample(2.0, 1, None), [1.0, 1.0]).says


@pytest.mark.parametrize("minima", [Minima(units=300), Minima(seeds=1)])
def test_members_that_miss_a_minimum_leave_both_rules_open(minima: Minima) -> None:
    cases = every([9, 9], minima=minima), consistent(sample(9, 1, None), [9, 9], minima=minima)
    for case in cases:
        assert case.state is INCONCLUSIVE
        assert case.why in {Why.TOO_FEW_UNITS, Why.TOO_FEW_SEEDS}
        assert len(case.members) == 2


def test_a_member_without_spread_leaves_it_open() -> None:
    still = members([3.0, 3.0], se=0.0)
    question = asking(claim(Rule.EVERY_SIGN, sign=1))
    assert judge_every_sign(question, still, unadjusted).why is Why.ZERO_VARIANCE
    question = asking(claim(Rule.POOLED_SIGN, sign=1))
    assert judge_consistency(question, (sample(9, 1), *still), unadjusted).why is Why.ZERO_VARIANCE


def test_five_percent_exactly_shows_a_member_on_either_side() -> None:
    mean = sample(9.0, 1.0, None)
    for sign in (1, -1):
        one = at_alpha(sign, estimate_id="m0")
        case = judge_every_sign(asking(claim(Rule.EVERY_SIGN, sign=1)), (one,), unadjusted)
        told = "1 of 1 members are shown to have the claimed sign and 0 the opposite one"
        assert case.says.startswith(
            told if sign > 0 else told.replace("1 of", "0 of").replace("and 0", "and 1")
        )
        assert case.state is (PASS if sign > 0 else DEVIATION)
        both = judge_consistency(asking(claim(Rule.POOLED_SIGN, sign=1)), (mean, one), unadjusted)
        assert both.state is (PASS if sign > 0 else INCONCLUSIVE)
        assert f"{'no' if sign > 0 else 'a'} member is shown to go the other way" in both.says


def test_the_p_values_of_both_rules_stand_beside_their_verdicts() -> None:
    # The weakest lies at zero, the strongest opposite one 2 errors below; Holm multiplies by three.
    numbers = every([0.0, 9, -2]).numbers
    assert numbers is not None
    assert (numbers.p_equiv, numbers.p_dev) == (
        pytest.approx(0.97725, abs=1e-6),
        pytest.approx(0.06825, abs=1e-5),
    )
    # A mean 2 errors above zero, no member against it: nothing could be less of a deviation.
    numbers = consistent(sample(2.0, 1, None), [9, 9]).numbers
    assert numbers is not None
    assert (numbers.p_equiv, numbers.p_dev) == (pytest.approx(0.02275, abs=1e-6), 1)


def test_members_carry_their_errors_and_limits_at_their_own_freedom() -> None:
    asked = asking(claim(Rule.EVERY_SIGN, sign=1))
    (member,) = judge_every_sign(asked, (sample(20.0, 2.0, 4, num_units=5),), unadjusted).members
    assert member.se == 2
    # Student's quantile of .95 at 4 degrees of freedom is 2.131847.
    assert (member.lower, member.upper) == (
        pytest.approx(15.736306, abs=1e-6),
        pytest.approx(24.263694, abs=1e-6),
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_member_of_nothing_has_no_sign(sign: int) -> None:
    assert every([3.0 * sign, 0.0], sign).notes[0].startswith("1 of 2 have the claimed sign")
