"""Rules about the largest of several: "up to", "reaches", "is the largest", "lies in this region"."""

import math
from dataclasses import dataclass, replace

import numpy as np

from harness.judge.question import LEVEL, Adjust, Question, answer, numbers_of, shown, unmet_minimum
from harness.judge.rules_single import how_it_ends, three_way
from harness.judge.sample import Sample
from harness.judge.simultaneous import Joint, joint
from harness.statistics.stats import expected_maximum
from harness.words.verdict import CaseVerdict, Interval, Member, State, Why


def judge_at_most(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """No member above the edge: PASS when every upper limit is below, DEVIATION when a simultaneous lower one is not.

    Source: the intersection-union test for PASS, which needs no correction; max-t for DEVIATION.
    """
    band = question.band
    assert band is not None
    if missed := unmet_minimum(question, samples):
        return _unmet(question, samples, missed)
    all_of = joint(samples)
    excess = (all_of.values - band[1]) / all_of.errors
    p_pass, p_dev = max(each.p_below(band[1]) for each in samples), all_of.p_rise(float(excess.max()))
    says = f"no member lies above {shown(band[1])}"
    return _about_maximum(
        question,
        samples,
        all_of,
        adjust,
        _Assertion(
            says=says,
            against=Why.LARGER,
            p_pass=p_pass,
            p_dev=p_dev,
            pass_rests_on=(max(samples, key=lambda each: each.p_below(band[1])),),
            deviation_rests_on=(samples[int(np.argmax(excess))],),
            is_about_size=True,
        ),
    )


def judge_reaches(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """Some member reaches the edge: PASS when a simultaneous lower limit does, DEVIATION when no upper limit does.

    Source: max-t for PASS; the intersection-union test for DEVIATION, which needs no correction.
    """
    band = question.band
    assert band is not None
    if missed := unmet_minimum(question, samples):
        return _unmet(question, samples, missed)
    all_of = joint(samples)
    lead = (all_of.values - band[0]) / all_of.errors
    p_pass, p_dev = all_of.p_rise(float(lead.max())), max(each.p_below(band[0]) for each in samples)
    says = f"the largest member reaches {shown(band[0])}"
    return _about_maximum(
        question,
        samples,
        all_of,
        adjust,
        _Assertion(
            says=says,
            against=Why.SMALLER,
            p_pass=p_pass,
            p_dev=p_dev,
            pass_rests_on=(samples[int(np.argmax(lead))],),
            deviation_rests_on=(max(samples, key=lambda each: each.p_below(band[0])),),
            is_about_size=True,
        ),
    )


def judge_largest(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """The largest is a named member: PASS when every other is shown to be led by one, DEVIATION when another leads all."""
    if missed := unmet_minimum(question, samples):
        return _unmet(question, samples, missed)
    all_of = joint(samples)
    places = [place for place, sample in enumerate(samples) if sample.estimate_id in question.claim.named]
    p_pass, p_dev = all_of.p_largest_elsewhere(places), all_of.p_beaten(places)
    says = "the largest member is where the claim puts it"
    leading = tuple(
        max((sample for place, sample in enumerate(samples) if (place in places) is named), key=_value_of)
        for named in (True, False)
    )
    return _about_maximum(
        question,
        samples,
        all_of,
        adjust,
        _Assertion(
            says=says,
            against=Why.ELSEWHERE,
            p_pass=p_pass,
            p_dev=p_dev,
            pass_rests_on=leading,
            deviation_rests_on=leading,
            is_about_size=False,
        ),
    )


@dataclass(frozen=True, kw_only=True)
class _Assertion:
    says: str
    against: Why
    """Reason of a deviation."""
    p_pass: float
    p_dev: float
    pass_rests_on: tuple[Sample, ...]
    """Members that decide a PASS: the one at the edge, or the largest on either side."""
    deviation_rests_on: tuple[Sample, ...]
    is_about_size: bool
    """False where the claim is about a place, which has no interval."""


def _about_maximum(
    question: Question, samples: tuple[Sample, ...], all_of: Joint, adjust: Adjust, asserted: _Assertion
) -> CaseVerdict:
    state, why = three_way(asserted.p_pass, asserted.p_dev, adjust, asserted.against)
    largest = samples[int(np.argmax(all_of.values))]
    members = _members(samples, all_of)
    return answer(
        question,
        state,
        why,
        f"That {asserted.says} {how_it_ends(state)}: the largest is {largest.estimate_id} at {shown(largest.value)}.",
        # The interval of the largest member alone would forget that it was chosen for being the largest.
        numbers=replace(
            numbers_of(largest, adjust, asserted.p_pass, asserted.p_dev),
            ci90=_limits(members) if asserted.is_about_size else None,
            ci95=None,
        ),
        members=members,
        notes=(_flattery(samples),),
        rests_on=asserted.deviation_rests_on if state is State.DEVIATION else asserted.pass_rests_on,
    )


def _limits(members: tuple[Member, ...]) -> Interval | None:
    """Where the largest of the true values lies: from the highest limit of all at once to the highest of one by itself."""
    lower = [each.lower for each in members if each.lower is not None]
    upper = [each.upper for each in members if each.upper is not None]
    return (max(lower), max(upper)) if lower and len(upper) == len(members) else None


def _value_of(sample: Sample) -> float:
    return sample.value


def _unmet(question: Question, samples: tuple[Sample, ...], missed: tuple[Why, str]) -> CaseVerdict:
    members = tuple(
        Member(estimate_id=each.estimate_id, estimate=each.value, se=each.spread.se, lower=None, upper=None)
        for each in samples
    )
    return answer(question, State.INCONCLUSIVE, *missed, members=members)


def _members(samples: tuple[Sample, ...], all_of: Joint) -> tuple[Member, ...]:
    lower, upper = all_of.lower_limits().tolist(), [each.interval(LEVEL)[1] for each in samples]
    return tuple(
        Member(
            estimate_id=each.estimate_id,
            estimate=each.value,
            se=each.spread.se,
            lower=below if math.isfinite(below) else None,
            upper=above if math.isfinite(above) else None,
        )
        for each, below, above in zip(samples, lower, upper, strict=True)
    )


def _flattery(samples: tuple[Sample, ...]) -> str:
    typical = float(np.median([sample.spread.se for sample in samples]))
    excess = expected_maximum(len(samples)) * typical
    return f"Were all {len(samples)} members equal, the largest would come out {shown(excess)} too high on average."
