"""Rules about the largest of several: "up to", "reaches", "is the largest", "lies in this region".

The largest of several noisy estimates is too large on average, so these rules need limits that hold for all members at
once: max-t over joint draws, and how often each member is the largest.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from harness.judge.measurements import Measurement, finite, interval_error
from harness.judge.rules import (
    Adjust,
    Case,
    how_it_ends,
    numbers_of,
    range_text,
    shown,
    shown_member,
    three_way,
    unmet_minimum,
    verdict_on,
)
from harness.statistics.resampling import share_above, stream
from harness.statistics.stats import expected_maximum
from harness.words.estimate import ALPHA, LEVEL
from harness.words.verdict import CaseVerdict, Interval, Member, State, Why

Values = NDArray[np.float64]

DECLARED_DRAWS = 9_999
"""Draws that stand in where no member comes with bootstrap values."""


@dataclass(frozen=True, eq=False)
class Joint:
    """Members of one claim with their joint draws."""

    values: Values
    errors: Values
    table: Values
    """[draw, member]: values that the truths may have together."""

    def p_rise(self, statistic: float) -> float:
        """How often some member lies so many standard errors above its truth."""
        return share_above(self._rises().max(axis=1), statistic)

    def lower_limits(self) -> Values:
        """One-sided limits below every member, all of which hold at once at `ALPHA`."""
        limits: Values = self.values - _upper_point(self._rises().max(axis=1)) * self.errors
        return limits

    def p_largest_elsewhere(self, places: Sequence[int]) -> float:
        """How well "the largest is none of the named" explains how far a named member leads.

        Every other member must be led by some named one, so the worst of them decides; against one of them, the best
        lead of several named members is held against the best of their joint errors.

        Source: J. Hsu, Multiple Comparisons (1996), chapter 4, and the intersection-union test.
        """
        leads, errors, _ = self._leads(places, self._others(places))
        return max(
            share_above(errors[:, :, other].max(axis=1), float(leads[:, other].max()))
            for other in range(leads.shape[1])
        )

    def p_beaten(self, places: Sequence[int]) -> float:
        """How well "a named member is the largest" explains the best lead of any other over all of them.

        Any named member may be the largest in truth, so the one that explains it best decides.

        Source: J. Hsu, Multiple Comparisons (1996), chapter 4.
        """
        leads, errors, _ = self._leads(self._others(places), places)
        best = float(leads.min(axis=1).max())
        return max(share_above(errors[:, :, named].max(axis=1), best) for named in range(leads.shape[1]))

    def lead(self, places: Sequence[int]) -> tuple[float, Interval]:
        """By how much the best named member leads the best of the others, with a limit to either side that errs at `ALPHA`.

        The limits are those of the two tests above: the lower one lies above zero where "the largest is none of the named" is
        refuted, and the upper one below zero where "a named member is the largest" is.
        """
        others = self._others(places)
        ahead, errors, scale = self._leads(places, others)
        points = np.array([_upper_point(errors[:, :, other].max(axis=1)) for other in range(len(others))])
        lower = ((ahead - points) * scale).max(axis=0).min()
        behind, errors, scale = self._leads(others, places)
        point = max(_upper_point(errors[:, :, named].max(axis=1)) for named in range(len(places)))
        upper = -((behind - point) * scale).min(axis=1).max()
        lead = self.values[list(places)].max() - self.values[others].max()
        return float(lead), (float(lower), float(upper))

    def _others(self, places: Sequence[int]) -> list[int]:
        return [place for place in range(len(self.values)) if place not in set(places)]

    def _rises(self) -> Values:
        """How many standard errors each member lies above its truth, per draw."""
        rises: Values = (self.values - self.table) / self.errors
        return rises

    def _leads(self, leading: Sequence[int], led: Sequence[int]) -> tuple[Values, Values, Values]:
        """Leads of some members over others in their standard errors, [leading, led], their joint errors per draw, and the errors."""
        scale = np.sqrt(_pairwise(self.errors**2, leading, led, sign=1))
        leads = _pairwise(self.values, leading, led) / scale
        return leads, _pairwise(self.values - self.table, leading, led) / scale, scale


def joint(measured: Sequence[Measurement]) -> Joint:
    """The members with their draws; those without any are drawn from Student's distribution of their error."""
    num_draws = next((len(member.draws) for member in measured if member.draws is not None), DECLARED_DRAWS)
    return Joint(
        values=np.array([member.value for member in measured]),
        errors=np.array([member.spread.se for member in measured]),
        table=np.stack([_drawn(member, num_draws) for member in measured], axis=1),
    )


def _drawn(member: Measurement, num_draws: int) -> Values:
    if member.draws is not None:
        return member.draws
    generator, df = stream(f"declared/{member.estimate_id}", member.stream_number), member.spread.df
    deviates = generator.standard_normal(num_draws) if df is None else generator.standard_t(df, num_draws)
    return member.value + member.spread.se * deviates


def _pairwise(values: Values, leading: Sequence[int], led: Sequence[int], sign: int = -1) -> Values:
    pairs: Values = values[..., list(leading)][..., :, None] + sign * values[..., list(led)][..., None, :]
    return pairs


def _upper_point(maxima: Values) -> float:
    place = max(1, math.floor(ALPHA * (len(maxima) + 1) + 1e-9))
    return float(np.sort(np.nan_to_num(maxima, nan=np.inf))[-place])


def judge_at_most(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """No member above the edge: PASS when every upper limit is below, DEVIATION when a simultaneous lower one is not.

    Source: the intersection-union test for PASS, which needs no correction; max-t for DEVIATION.
    """
    assert case.band is not None
    says = f"no member lies above {shown(case.band[1])}"
    return _held_against(case, measured, adjust, edge=case.band[1], says=says, against=Why.LARGER)


def judge_reaches(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """Some member reaches the edge: PASS when a simultaneous lower limit does, DEVIATION when no upper limit does.

    Source: max-t for PASS; the intersection-union test for DEVIATION, which needs no correction.
    """
    assert case.band is not None
    says = f"the largest member reaches {shown(case.band[0])}"
    return _held_against(case, measured, adjust, edge=case.band[0], says=says, against=Why.SMALLER)


def _held_against(
    case: Case, measured: tuple[Measurement, ...], adjust: Adjust, *, edge: float, says: str, against: Why
) -> CaseVerdict:
    """All members against one edge: whether every one lies below, and whether one lies above, of which one is the claim."""
    if missed := unmet_minimum(case, measured):
        return _unmet(case, measured, missed)
    all_of, nearest = joint(measured), max(measured, key=lambda member: member.p_below(edge))
    leads = (all_of.values - edge) / all_of.errors
    all_below = nearest.p_below(edge), (nearest,)
    one_above = all_of.p_rise(float(leads.max())), (measured[int(np.argmax(leads))],)
    passes, deviates = (all_below, one_above) if against is Why.LARGER else (one_above, all_below)
    return _about_maximum(
        case,
        measured,
        all_of,
        adjust,
        says=says,
        against=against,
        p_pass=passes[0],
        p_dev=deviates[0],
        pass_rests_on=passes[1],
        deviation_rests_on=deviates[1],
    )


def judge_largest(case: Case, measured: tuple[Measurement, ...], adjust: Adjust) -> CaseVerdict:
    """The largest is a named member: PASS when every other is shown to be led by one, DEVIATION when another leads all."""
    if missed := unmet_minimum(case, measured):
        return _unmet(case, measured, missed)
    all_of = joint(measured)
    places = [place for place, member in enumerate(measured) if member.estimate_id in case.claim.named]
    leading = tuple(
        max(
            (member for place, member in enumerate(measured) if (place in places) is is_named),
            key=lambda member: member.value,
        )
        for is_named in (True, False)
    )
    lead, limits = all_of.lead(places)
    judged = _about_maximum(
        case,
        measured,
        all_of,
        adjust,
        says="the largest member is where the claim puts it",
        against=Why.ELSEWHERE,
        p_pass=all_of.p_largest_elsewhere(places),
        p_dev=all_of.p_beaten(places),
        pass_rests_on=leading,
        deviation_rests_on=leading,
    )
    assert judged.numbers is not None
    # What decides is how far the named lead, not how large the largest is.
    numbers = replace(
        judged.numbers,
        estimate=lead,
        se=None,
        df=None,
        interval_se=None,
        ci90=finite(limits),
        method=f"joint draws of {len(measured)} members",
        place=_place(measured, int(np.argmax(all_of.values))),
    )
    by = f"the named lead the others by {shown(lead)}, 90 % interval {range_text(numbers.ci90)}"
    return replace(judged, numbers=numbers, says=f"{judged.says.removesuffix('.')}; {by}.")


def _place(measured: Sequence[Measurement], largest: int) -> str:
    """What tells the largest member from the others, such as "layer 6"; its id where nothing else is known of it."""
    known = [
        (f"layer {each.layer}", str(each.language), str(each.benchmark))
        for each in (member.estimate for member in measured)
        if each is not None
    ]
    if len(known) < len(measured):
        return measured[largest].estimate_id
    told = [
        word
        for word, all_words in zip(known[largest], zip(*known, strict=True), strict=True)
        if len(set(all_words)) > 1
    ]
    return ", ".join(told) or measured[largest].estimate_id


def _about_maximum(
    case: Case,
    measured: tuple[Measurement, ...],
    all_of: Joint,
    adjust: Adjust,
    *,
    says: str,
    against: Why,
    p_pass: float,
    p_dev: float,
    pass_rests_on: tuple[Measurement, ...],
    deviation_rests_on: tuple[Measurement, ...],
) -> CaseVerdict:
    """Three ways out of an assertion about the largest.

    Args:
        case: What is asked.
        measured: The members.
        all_of: The members with their joint draws.
        adjust: What the family makes of a p-value.
        says: The assertion.
        against: Reason of a deviation.
        p_pass: How well the opposite of the claim explains the members.
        p_dev: How well the claim explains them.
        pass_rests_on: Members that decide a PASS: the one at the edge, or the largest on either side.
        deviation_rests_on: Those that decide a DEVIATION.
    """
    state, why = three_way(p_pass, p_dev, adjust, against)
    largest = measured[int(np.argmax(all_of.values))]
    members = _members(measured, all_of)
    ci90 = _limits(members)
    flattery = expected_maximum(len(measured)) * float(np.median(all_of.errors))
    return verdict_on(
        case,
        state,
        why,
        f"That {says} {how_it_ends(state)}: the largest is {largest.estimate_id} at {shown(largest.value)}.",
        # The interval of the largest member alone would forget that it was chosen for being the largest.
        numbers=replace(
            numbers_of(largest, adjust, p_pass, p_dev),
            interval_se=interval_error(largest, ci90),
            ci90=ci90,
            ci95=None,
        ),
        members=members,
        notes=(
            f"Were all {len(measured)} members equal, the largest would come out {shown(flattery)} too high on average.",
        ),
        rests_on=deviation_rests_on if state is State.DEVIATION else pass_rests_on,
    )


def _members(measured: tuple[Measurement, ...], all_of: Joint) -> tuple[Member, ...]:
    """Each with the lower limit that holds for all at once, and the upper one that is its own."""
    bounds = (
        member.bounded((limit, member.interval(LEVEL)[1]))
        for member, limit in zip(measured, all_of.lower_limits().tolist(), strict=True)
    )
    return tuple(
        shown_member(
            member, (below if math.isfinite(below) else None, above if math.isfinite(above) else None)
        )
        for member, (below, above) in zip(measured, bounds, strict=True)
    )


def _limits(members: tuple[Member, ...]) -> Interval | None:
    """Where the largest of the true values lies: from the highest limit of all at once to the highest of one by itself."""
    lower = [each.lower for each in members if each.lower is not None]
    upper = [each.upper for each in members if each.upper is not None]
    return (max(lower), max(upper)) if lower and len(upper) == len(members) else None


def _unmet(case: Case, measured: tuple[Measurement, ...], missed: tuple[Why, str]) -> CaseVerdict:
    return verdict_on(
        case, State.INCONCLUSIVE, *missed, members=tuple(shown_member(each, None) for each in measured)
    )
