"""Rules about every member and about their mean: "in every layer", "consistently"."""

from collections.abc import Sequence

from harness.judge.question import (
    Adjust,
    Question,
    answer,
    finite,
    numbers_of,
    range_text,
    shown,
    unmet_minimum,
)
from harness.judge.rules_single import flips, three_way
from harness.judge.sample import Sample
from harness.statistics.stats import ALPHA, holm, sign_tail
from harness.words.verdict import CaseVerdict, Member, State, Why

BOTH_WAYS = 2
"""A consistency claim can fail by its mean or by a member, so its smaller p-value counts twice."""


def judge_every_sign(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """Every member has the claimed sign: PASS when each is shown at `ALPHA`, DEVIATION when one is shown otherwise.

    Source: the intersection-union test; R. Berger, Technometrics 24 (1982), 295-300. It needs no correction for PASS.
    """
    sign = question.claim.sign
    members = _members(samples)
    if missed := unmet_minimum(question, samples):
        return answer(question, State.INCONCLUSIVE, *missed, members=members)
    claimed = [sample.p_without_sign(sign) for sample in samples]
    opposite = holm([sample.p_without_sign(-sign) for sample in samples])
    weakest = samples[max(range(len(samples)), key=claimed.__getitem__)]
    contrary = samples[min(range(len(samples)), key=opposite.__getitem__)]
    p_pass, p_dev = max(claimed), min(opposite)
    state, why = three_way(p_pass, p_dev, adjust, Why.OPPOSITE_SIGN)
    says = (
        f"{sum(p <= ALPHA for p in claimed)} of {len(samples)} members are shown to have the claimed sign and "
        f"{sum(p <= ALPHA for p in opposite)} the opposite one; the weakest is {weakest.estimate_id} "
        f"at {shown(weakest.value)}."
    )
    numbers = numbers_of(weakest, adjust, p_pass, p_dev)
    return answer(
        question,
        state,
        why,
        says,
        numbers=numbers,
        members=members,
        notes=(_sign_count(samples, sign),),
        rests_on=(contrary if state is State.DEVIATION else weakest,),
    )


def judge_consistency(question: Question, samples: tuple[Sample, ...], adjust: Adjust) -> CaseVerdict:
    """The mean over members has the claimed sign, and no member is shown to have the opposite one.

    Args:
        question: What is asked.
        samples: The mean over members, then the members.
        adjust: What the family makes of a p-value.
    """
    sign, (pooled, *rest) = question.claim.sign, samples
    members = tuple(rest)
    if missed := unmet_minimum(question, members):
        return answer(question, State.INCONCLUSIVE, *missed, members=_members(members))
    opposite = holm([member.p_without_sign(-sign) for member in members])
    p_contrary = min(opposite)
    p_pass, p_pooled = pooled.p_without_sign(sign), pooled.p_without_sign(-sign)
    p_dev = min(1.0, BOTH_WAYS * min(p_pooled, p_contrary))
    # A member that is shown to go the other way denies consistency, however well the mean does.
    state, why = three_way(1.0 if p_contrary <= ALPHA else p_pass, p_dev, adjust, Why.OPPOSITE_SIGN)
    denied_by_member = state is State.DEVIATION and p_contrary < p_pooled
    numbers = numbers_of(pooled, adjust, p_pass, p_dev)
    says = (
        f"The mean over {len(members)} members is {shown(pooled.value)}, 90 % interval {range_text(numbers.ci90)}; "
        f"{'a member is' if p_contrary <= ALPHA else 'no member is'} shown to go the other way."
    )
    return answer(
        question,
        state,
        why,
        says,
        numbers=numbers,
        members=_members(members),
        notes=(_sign_count(members, sign), *flips(pooled, sign)),
        rests_on=(members[opposite.index(p_contrary)] if denied_by_member else pooled,),
    )


def _members(samples: Sequence[Sample]) -> tuple[Member, ...]:
    """Each with its two-sided limits at `ALPHA`, adjusted by their number."""
    return tuple(
        Member(
            estimate_id=sample.estimate_id,
            estimate=sample.value,
            se=sample.spread.se,
            lower=lower,
            upper=upper,
        )
        for sample in samples
        for lower, upper in (finite(sample.interval(1 - 2 * ALPHA / len(samples))) or (None, None),)
    )


def _sign_count(samples: Sequence[Sample], sign: int) -> str:
    agreeing = sum(sample.value * sign > 0 for sample in samples)
    tail = sign_tail(agreeing, len(samples))
    return f"{agreeing} of {len(samples)} have the claimed sign; fair coins do as well with p = {tail:.3g}."
