"""How often the value rule is right and wrong: from the four estimates at which its verdict turns, without a draw.

The published table was drawn 400,000 times with margin 2.5, rounding .005, 199 degrees of freedom and a one-run
spread equal to the standard error, which is itself estimated: its square follows a chi-square distribution.
"""

import math
from collections.abc import Callable
from functools import cache

import pytest
from scipy.special import chdtri, ndtr

from harness.judge.rules import judge_value
from harness.words.verdict import State
from tests.judge.asked import asking, sample, unadjusted, value_claim

PRINTED, MARGIN = 26.27, 2.5

TABLE = {
    0.3: {0: (1, 0), 1.25: (0.994, 0), 2.5: (0.052, 0.048), 3.75: (0, 0.993), 5: (0, 1), 7.5: (0, 1)},
    0.6: {0: (0.988, 0), 1.25: (0.670, 0), 2.5: (0.051, 0.049), 3.75: (0, 0.664), 5: (0, 0.994), 7.5: (0, 1)},
    1.0: {0: (0.606, 0), 1.25: (0.329, 0.002), 2.5: (0.049, 0.050), 3.75: (0.002, 0.344), 5: (0, 0.800)},
    1.5: {
        0: (0.035, 0.001),
        1.25: (0.024, 0.006),
        2.5: (0.009, 0.049),
        3.75: (0.002, 0.208),
        5: (0, 0.506),
        7.5: (0, 0.953),
    },
}
"""By standard error and true difference: shares of PASS and of DEVIATION."""

CELLS = [(se, difference, *shares) for se, row in TABLE.items() for difference, shares in row.items()]
QUESTION = asking(value_claim(str(PRINTED), MARGIN))


def state(estimate: float, se: float) -> State:
    return judge_value(QUESTION, (sample(estimate, se, 199, one_run_sd=se),), unadjusted).state


def turn(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where a verdict that holds inside stops holding, by bisection."""
    if not holds(inside):
        return inside
    for _ in range(36):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


@cache
def turns(se: float) -> tuple[float, float, float, float]:
    """Estimates at which DEVIATION ends, PASS begins, PASS ends and DEVIATION begins again."""
    far = 40 * se
    is_pass, is_no_deviation = (
        lambda estimate: state(estimate, se) is State.PASS,
        lambda estimate: state(estimate, se) is not State.DEVIATION,
    )
    ends = [
        (turn(is_no_deviation, PRINTED, PRINTED + side * far), turn(is_pass, PRINTED, PRINTED + side * far))
        for side in (-1, 1)
    ]
    return ends[0][0], ends[0][1], ends[1][1], ends[1][0]


def shares(se: float, difference: float, found: float) -> tuple[float, float]:
    """Of PASS and of DEVIATION when the truth lies that far above the printed number and the error is found so large."""
    below, begins, ends, above = (float(ndtr((m - PRINTED - difference) / se)) for m in turns(found))
    return ends - begins, below + 1 - above


@cache
def estimated(se: float) -> tuple[float, ...]:
    """Equally likely values of the estimated standard error."""
    return tuple(se * math.sqrt(float(chdtri(199, (k + 0.5) / 30)) / 199) for k in range(30))


def mean_shares(se: float, difference: float) -> tuple[float, float]:
    """The same, over all that the error may be found to be."""
    each = [shares(se, difference, found) for found in estimated(se)]
    return sum(p for p, _ in each) / len(each), sum(d for _, d in each) / len(each)


@pytest.mark.parametrize(("se", "difference", "passing", "deviating"), CELLS)
def test_the_published_rates(se: float, difference: float, passing: float, deviating: float) -> None:
    assert mean_shares(se, difference) == (
        pytest.approx(passing, abs=0.005),
        pytest.approx(deviating, abs=0.005),
    )


@pytest.mark.parametrize("se", TABLE)
def test_at_the_edge_of_the_margin_each_wrong_verdict_comes_at_most_one_time_in_twenty(se: float) -> None:
    for edge in (MARGIN + 0.005, -MARGIN - 0.005):
        wrong_pass, wrong_deviation = shares(se, edge, se)
        assert wrong_pass <= 0.05
        assert wrong_deviation <= 0.05


@pytest.mark.parametrize("se", TABLE)
def test_between_its_turns_the_verdict_never_changes(se: float) -> None:
    below, begins, ends, above = turns(se)
    expected = (State.DEVIATION, State.INCONCLUSIVE, State.PASS, State.INCONCLUSIVE, State.DEVIATION)
    cuts = (below - 10 * se, below, begins, ends, above, above + 10 * se)
    for name, low, high in zip(expected, cuts, cuts[1:], strict=False):
        steps = [low + (high - low) * step / 40 for step in range(1, 40)]
        assert {state(estimate, se) for estimate in steps} == {name}


def test_an_error_of_six_tenths_of_the_margin_hardly_ever_passes() -> None:
    assert mean_shares(0.6 * MARGIN, 0)[0] < 0.05
    assert mean_shares(0.7 * MARGIN, 0)[0] == 0
