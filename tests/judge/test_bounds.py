"""Intervals that stay where a truth can lie, and errors that give the intervals beside them: by pencil."""

import math
from dataclasses import replace

import numpy as np
import pytest

from harness.designs.disparity.quantities import QUANTITIES, estimands
from harness.designs.emergence.quantities import share_scope
from harness.judge.measurements import EVERYWHERE, interval_error, measurements_of
from harness.judge.pooled import pooled
from harness.judge.quantities import estimate_scopes
from harness.judge.rules import judge_ceiling, judge_value
from harness.judge.rules_maximum import judge_largest
from harness.sources.studies import load_study
from harness.statistics.stats import t_quantile
from harness.words.claim import InferenceTarget, Rule
from harness.words.estimate import Estimate, Formula
from harness.words.verdict import State
from tests.judge.asked import asking, claim, drawn, reading, sample, times, unadjusted, value_claim

SHARE = (0.0, 100.0)
NEAR_ALL = replace(sample(98.0, 2.0, 19.0), within=SHARE)
"""19 of 20 right, more or less: the 90 % interval by Student reaches from 94.54 to 101.46."""


def test_the_interval_of_a_share_ends_at_all_of_it() -> None:
    assert sample(98.0, 2.0, 19.0).interval(0.90) == pytest.approx((94.5417, 101.4583), abs=1e-4)
    assert NEAR_ALL.interval(0.90) == pytest.approx((94.5417, 100.0), abs=1e-4)
    few = replace(sample(1.0, 2.0, 19.0), within=SHARE)
    assert few.interval(0.95)[0] == 0.0


def test_no_truth_lies_beyond_and_a_p_value_knows() -> None:
    """A band that reaches from 95 to 101 cannot be left at its upper end, so the interval's lower end, 95.04, decides alone."""
    assert (NEAR_ALL.p_below(101.0), NEAR_ALL.p_above(-1.0)) == (0.0, 0.0)
    assert NEAR_ALL.p_below(100.0) > 0.05
    measured = replace(NEAR_ALL, value=98.5)
    case = judge_value(asking(value_claim("98", 2.5)), (measured,), unadjusted)
    elsewhere = judge_value(
        asking(value_claim("98", 2.5)), (replace(measured, within=EVERYWHERE),), unadjusted
    )
    assert elsewhere.state is State.INCONCLUSIVE
    assert case.numbers is not None
    assert case.numbers.ci90 is not None
    assert case.state is State.PASS
    assert case.numbers.ci90 == (pytest.approx(95.0417, abs=1e-4), 100.0)
    assert case.numbers.pi95 is not None
    assert case.numbers.pi95[1] == 100.0


def test_limits_of_members_and_of_means_stay_within_too() -> None:
    two = tuple(
        replace(NEAR_ALL, estimate_id=name, value=value) for name, value in (("m0", 99.0), ("m1", 1.0))
    )
    members = judge_largest(
        asking(claim(Rule.LARGEST_AT, readings=(reading("m0", "m1"),), named=("m0",))), two, times(1)
    ).members
    ends = [end for member in members for end in (member.lower, member.upper) if end is not None]
    assert min(ends) == 0.0
    assert max(ends) == 100.0
    mean = pooled((NEAR_ALL, replace(NEAR_ALL, value=99.0)))
    assert mean.interval(0.95)[1] == 100.0
    assert (
        judge_ceiling(asking(claim(Rule.POOLED_AT_MOST, "60")), (mean,), unadjusted).state is State.DEVIATION
    )


def test_accuracies_of_a_run_are_told_within_0_and_100() -> None:
    """Declared accuracies near both ends, through the whole path from a study to its intervals."""
    study = load_study("sin2025")
    names = [f"accuracy/lang={code}/bench=arc/primary/primary" for code in ("ml", "hi")]
    declared = {
        (name, inference): replace(sample(value, 2.0, 19.0), estimate_id=name)
        for name, value in zip(names, (99.5, 0.5), strict=True)
        for inference in ("population",)
    }
    measured = measurements_of(study, None, (), declared)  # type: ignore[arg-type]
    assert [measured[name, "population"].interval(0.95) for name in names] == [  # type: ignore[index]
        (pytest.approx(95.314, abs=1e-3), 100.0), (0.0, pytest.approx(4.686, abs=1e-3))
    ]  # fmt: skip


def test_every_quantity_that_is_a_share_a_change_of_one_or_a_cosine_is_bounded() -> None:
    told = {name: quantity.within for name, quantity in QUANTITIES.items() if quantity.within}
    assert told == {
        "gap": (-math.inf, 100), "gap-remaining": (-math.inf, 100), "gap-on-chosen-texts": (-math.inf, 100),
        "gap-on-parallel-text": (-math.inf, 100),
        "retention": (0, math.inf), "retention-by-adapter": (0, math.inf), "retention-ablated": (0, math.inf), "accuracy": (0, 100),
        "delta": (-100, 100), "delta-english": (-100, 100), "relative-delta": (-100, math.inf), "correlation": (-1, 1),
        "similarity": (-1, 1), "selections-kept": (0, 100), "translation-chrf": (0, 100), "translations-unflagged": (0, 100),
    }  # fmt: skip
    study = load_study("sin2025")
    assert all(each.within == QUANTITIES[each.quantity].within for each in estimands(study).values())


def test_a_share_that_no_claim_may_be_about_is_bounded_as_well() -> None:
    """1 of 218 latents: the 90 % interval by the normal reaches from -.29 to 1.21."""
    study = load_study("inaba2025")
    scope = share_scope("150m", "before-any-claim", "en", 3)
    assert scope.estimate_id not in estimate_scopes(study)
    share = Estimate(
        estimate_id=scope.estimate_id,
        quantity=scope.quantity,
        reading=scope.reading,
        specification=scope.specification,
        formula=Formula.SHARE,
        unit=scope.unit,
        value=100 / 218,
        layer=scope.layer,
        language=None,
        benchmark=None,
        unit_kind="feature",
        num_units=218,
        num_seeds=1,
    )
    key = (scope.estimate_id, InferenceTarget.POPULATION)
    measured = measurements_of(
        study, None, (), {key: replace(sample(100 / 218, 0.4567, 217.0), estimate=share)}
    )
    low, high = measured[key].interval(0.90)
    assert low == 0.0
    assert high == pytest.approx(1.213, abs=1e-3)


def test_error_and_degrees_give_the_interval_or_the_wider_error_does() -> None:
    student = sample(10.0, 1.0, 9.0)
    assert interval_error(student, student.interval(0.90)) is None
    wide = drawn(10.0, 1.0, np.array([6.0, *[10.0] * 17, 11.0]))
    ci90 = wide.interval(0.90)
    given = interval_error(wide, ci90)
    assert given is not None
    # The farther end lies 4 below, which Student's (here the normal) 1.645 errors reach with an error of 2.43.
    assert given == pytest.approx(4.0 / t_quantile(0.95, None))
    assert 10.0 - t_quantile(0.95, None) * given == pytest.approx(ci90[0])
    assert (
        interval_error(NEAR_ALL, NEAR_ALL.interval(0.90)) is None
    )  # cut short, so its own error reaches farther
    assert interval_error(student, None) is None


def test_the_wider_error_stands_beside_a_verdict() -> None:
    wide = drawn(26.0, 0.5, np.array([24.5, *[26.0] * 17, 26.5]))
    case = judge_value(asking(value_claim()), (wide,), unadjusted)
    assert case.numbers is not None
    assert case.numbers.se == 0.5
    assert case.numbers.interval_se == pytest.approx(1.5 / t_quantile(0.95, None))
