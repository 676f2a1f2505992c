"""All claims of a study heard at once: every rule, one family of p-values per tier, two streams of draws.

A family is judged whole whatever is selected, so choosing claims changes no verdict.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from harness.judge.question import Adjust, Question, answer, questions
from harness.judge.rules_arithmetic import judge_arithmetic
from harness.judge.rules_correlation import judge_correlation
from harness.judge.rules_many import judge_consistency, judge_every_sign
from harness.judge.rules_maximum import judge_at_most, judge_largest, judge_reaches
from harness.judge.rules_single import judge_ceiling, judge_floor, judge_sign, judge_value
from harness.judge.sample import Sample
from harness.judge.telling import agreed, explored, of_cases
from harness.statistics.resampling import MANY_DRAWS, NUM_DRAWS
from harness.statistics.stats import holm
from harness.words.claim import Claim, InferenceTarget, Kind, Rule, Tier
from harness.words.estimate import InconsistentError
from harness.words.verdict import CaseVerdict, Flag, State, Verdict, Why

Decide = Callable[[Question, tuple[Sample, ...], Adjust], CaseVerdict]

DECIDE: Mapping[Rule, Decide] = {
    Rule.WITHIN_MARGIN: judge_value,
    Rule.MAXIMUM_AT_MOST: judge_at_most,
    Rule.MAXIMUM_AT_LEAST: judge_reaches,
    Rule.POOLED_AT_MOST: judge_ceiling,
    Rule.LARGEST_AT: judge_largest,
    Rule.LARGEST_WITHIN: judge_largest,
    Rule.SIGN: judge_sign,
    Rule.EVERY_SIGN: judge_every_sign,
    Rule.AT_LEAST: judge_floor,
    Rule.POOLED_SIGN: judge_consistency,
    Rule.CORRELATION_SIGN: judge_correlation,
}
"""Which function decides by which rule; arithmetic and qualitative claims need no measurement."""

UNMET = (Why.TOO_FEW_UNITS, Why.TOO_FEW_SEEDS, Why.ZERO_VARIANCE, Why.SUBSET, Why.ASSUMPTION_BROKEN)
"""Reasons of a measurement that no verdict may rest on."""

POOLED = (Rule.POOLED_SIGN, Rule.POOLED_AT_MOST)
"""Rules about the mean over several estimates, which comes before the estimates themselves."""


class Samples(Protocol):
    """Where measured quantities come from: a run's tables, or a file that somebody handed in."""

    def has(self, estimate_id: str) -> bool:
        """Whether it was measured."""

    def sample(self, estimate_id: str, inference: InferenceTarget) -> Sample:
        """One quantity with its error."""

    def pooled(self, estimate_ids: Sequence[str]) -> Sample:
        """The mean of several, each weighing alike."""

    def another(self, stream_number: int, num_draws: int) -> "Samples":
        """The same measurements with other bootstrap draws."""

    def notes(self, estimate_id: str) -> tuple[str, ...]:
        """What is shown beside one quantity."""

    def is_at_chance(self, estimate_id: str) -> bool:
        """Whether it starts from an accuracy that cannot be told from guessing."""


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """What a verdict depends on besides measurements."""

    why_not_run: Why | None = None
    """Why nothing of this study can be judged here, such as fixture mode."""
    why_missing: Why = Why.UPSTREAM_NOT_RUN
    """What it means when an estimate is not there."""
    deselected: frozenset[str] = frozenset()
    """Claims that nobody asked for; judged with their family all the same, and not told."""
    subset_estimates: frozenset[str] = frozenset()
    """Estimates over some of a benchmark's questions, where an item limit was set: claims on them speak of no full test."""
    unreplayed_estimates: Mapping[str, str] = field(default_factory=dict)
    """Estimates that rest on a layer whose stored activations were not found again, each with the sentence that says so."""
    broken_estimates: Mapping[str, str] = field(default_factory=dict)
    """Estimates that could not be formed since something broke, each with the sentence that says what."""
    differing_estimates: Mapping[str, str] = field(default_factory=dict)
    """Estimates that rest on a cell where our untouched model is not the authors', each with the sentence that says so."""
    remarks: Mapping[str, str] = field(default_factory=dict)
    """What must be said beside every claim that rests on an estimate."""
    undecidable: frozenset[str] = frozenset()
    """Claims that the pre-flight found too big for this run."""


@dataclass(frozen=True)
class _Asked:
    """One claim that is judged from measurements, with its cases."""

    claim: Claim
    cases: tuple[Question, ...]
    circumstances: Circumstances


def judge(claims: Sequence[Claim], samples: Samples, circumstances: Circumstances) -> tuple[Verdict, ...]:
    """One verdict per claim, in their order.

    Args:
        claims: The whole inventory of a study; a family's size counts claims that were not measured.
        samples: The measurements.
        circumstances: What else decides.
    """
    settled = {claim.id: found for claim in claims if (found := _settled(claim, samples, circumstances))}
    asked = [
        _Asked(claim, tuple(questions(claim)), circumstances) for claim in claims if claim.id not in settled
    ]
    judged = _steady(asked, claims, samples)
    told = {each.claim.id: _told(each, judged[each.claim.id], samples) for each in asked}
    return tuple(_if_asked_for(claim, (settled | told)[claim.id], circumstances) for claim in claims)


def _if_asked_for(claim: Claim, verdict: Verdict, circumstances: Circumstances) -> Verdict:
    """The verdict, or that nobody asked for it; what cannot be tested stays so."""
    if claim.id not in circumstances.deselected or verdict.state is State.NOT_TESTABLE:
        return verdict
    return _without(claim, State.NOT_RUN, Why.DESELECTED, "Nobody asked for it in this run.")


def _settled(claim: Claim, samples: Samples, circumstances: Circumstances) -> Verdict | None:
    """The verdict of a claim that no measurement can move, or that nothing was measured for."""
    if claim.kind is Kind.QUALITATIVE:
        says = "The sentence names nothing that can be measured."
        return _without(claim, State.NOT_TESTABLE, Why.NO_QUANTITY, says)
    if circumstances.why_not_run:
        says = "Nothing of it is judged in this run."
        return _without(claim, State.NOT_RUN, circumstances.why_not_run, says)
    if claim.arithmetic is not None:
        return judge_arithmetic(claim)
    return _unmeasured(claim, samples, circumstances)


def _unmeasured(claim: Claim, samples: Samples, circumstances: Circumstances) -> Verdict | None:
    """The verdict of a claim whose measurements broke or are not there; None where it can be judged."""
    if failed := [each for each in _estimates(claim) if each in circumstances.broken_estimates]:
        return _without(claim, State.ERROR, Why.ADAPTER_FAILED, circumstances.broken_estimates[failed[0]])
    asked = claim.primary.estimates
    if missing := [each for each in asked if not samples.has(each)]:
        says = f"{len(missing)} of {len(asked)} estimates are missing, such as {missing[0]}."
        return _without(claim, State.NOT_RUN, circumstances.why_missing, says)
    return _stopped(claim, circumstances)


def _stopped(claim: Claim, circumstances: Circumstances) -> Verdict | None:
    """The ERROR of a claim that rests on something that failed a gate; none of its measurements is looked at."""
    if said := _said_of(claim, circumstances.unreplayed_estimates):
        return _without(claim, State.ERROR, Why.REPLAY_FAILED, said[0])
    if said := _said_of(claim, circumstances.differing_estimates):
        return _without(claim, State.ERROR, Why.BASELINE_DIFFERS, said[0])
    return None


def _said_of(claim: Claim, sentences: Mapping[str, str]) -> tuple[str, ...]:
    """What is said of the estimates that any reading of a claim rests on, each sentence once."""
    return tuple(dict.fromkeys(sentences[each] for each in _estimates(claim) if each in sentences))


def _estimates(claim: Claim) -> tuple[str, ...]:
    """Every estimate that any reading of a claim rests on."""
    return tuple(each for reading in claim.readings for each in reading.estimates)


def _without(claim: Claim, state: State, why: Why, says: str) -> Verdict:
    return Verdict(claim_id=claim.id, state=state, why=why, says=says)


Cases = dict[str, tuple[CaseVerdict, ...]]


def _steady(asked: Sequence[_Asked], claims: Sequence[Claim], samples: Samples) -> Cases:
    """Verdicts on which two independent streams of draws agree; ten times the draws where they do not."""
    first = _pass(asked, claims, samples, {})
    second = _pass(asked, claims, samples.another(2, NUM_DRAWS), {})
    unlike = [each for each in asked if _states(first[each.claim.id]) != _states(second[each.claim.id])]
    if unlike:
        brought = {name: _p_dev(cases[0]) for name, cases in first.items()}
        again = [_pass(unlike, claims, samples.another(number, MANY_DRAWS), brought) for number in (1, 2)]
        for name in again[0]:
            first[name] = tuple(map(agreed, again[0][name], again[1][name]))
    return first


def _states(cases: tuple[CaseVerdict, ...]) -> list[State]:
    return [case.state for case in cases]


def _pass(
    asked: Sequence[_Asked], claims: Sequence[Claim], samples: Samples, brought: Mapping[str, float]
) -> Cases:
    """Every case of every claim under one stream: raw p-values first, then what each family makes of them.

    Args:
        asked: What to judge.
        claims: The whole inventory.
        samples: The measurements under that stream.
        brought: P-values of claims that are not judged again.
    """
    raw = {each.claim.id: _cases(each, samples, lambda p: p)[0] for each in asked}
    p_values = {**brought, **{name: _p_dev(case) for name, case in raw.items()}}
    return {each.claim.id: _cases(each, samples, _adjusted(each.claim, claims, p_values)) for each in asked}


def _p_dev(case: CaseVerdict) -> float:
    """What a case brings to its family; one that misses a minimum cannot deviate, so it brings 1."""
    if case.why in UNMET:
        return 1.0
    return case.numbers.p_dev if case.numbers and case.numbers.p_dev is not None else 1.0


def _adjusted(claim: Claim, claims: Sequence[Claim], p_values: Mapping[str, float]) -> Adjust:
    """What the claim's family makes of its p-value; claims without one count with 1."""
    if claim.tier is Tier.EXPLORATORY:
        return lambda p: p
    others = [p_values.get(each.id, 1.0) for each in family(claims, claim.tier) if each.id != claim.id]
    return lambda p: holm([p, *others])[0]


def family(claims: Sequence[Claim], tier: Tier) -> tuple[Claim, ...]:
    """The claims of one tier whose p-values are adjusted together: all that a measurement decides."""
    return tuple(each for each in claims if each.tier is tier and each.rule in DECIDE)


def _cases(asked: _Asked, samples: Samples, adjust: Adjust) -> tuple[CaseVerdict, ...]:
    return tuple(_case(question, samples, adjust, asked.circumstances) for question in asked.cases)


def _case(question: Question, samples: Samples, adjust: Adjust, circumstances: Circumstances) -> CaseVerdict:
    ids = question.reading.estimates
    if missing := [each for each in ids if not samples.has(each)]:
        says = f"This reading was not measured: {missing[0]} is missing."
        return answer(question, State.INCONCLUSIVE, circumstances.why_missing, says)
    case = _decided(question, samples, adjust)
    is_subset = not circumstances.subset_estimates.isdisjoint(ids)
    if is_subset and case.state is not State.ERROR and case.why not in UNMET:
        says = f"Only some of the test questions were asked. {case.says}"
        return replace(case, state=State.INCONCLUSIVE, why=Why.SUBSET, flags=(), says=says)
    return case


def _decided(question: Question, samples: Samples, adjust: Adjust) -> CaseVerdict:
    claim, ids = question.claim, question.reading.estimates
    try:
        found = tuple(samples.sample(each, claim.inference) for each in ids)
        if not all(sample.is_finite for sample in found):
            return answer(question, State.ERROR, Why.NOT_FINITE, "A measured value is no finite number.")
        asked = (samples.pooled(ids), *found) if claim.rule in POOLED else found
        return DECIDE[claim.rule](question, asked, adjust)
    except InconsistentError as error:
        return answer(question, State.ERROR, Why.INCONSISTENT, str(error))
    except Exception as error:  # noqa: BLE001  a crash of the judge is a verdict of its own, never a deviation
        return answer(question, State.ERROR, Why.CRASH, f"{type(error).__name__}: {error}")


def _told(asked: _Asked, cases: tuple[CaseVerdict, ...], samples: Samples) -> Verdict:
    """The verdict of one claim from its cases, and what the circumstances make of it."""
    claim = asked.claim
    if claim.tier is Tier.EXPLORATORY:
        cases = tuple(map(explored, cases))
    verdict = of_cases(claim, cases)
    if verdict.state is State.ERROR:
        return verdict
    is_leaning = verdict.why in {Why.LEANING_PASS, Why.LEANING_DEVIATION}
    if is_leaning and claim.id in asked.circumstances.undecidable:
        verdict = replace(verdict, why=Why.UNDERPOWERED)
    return _annotated(verdict, claim, samples, _said_of(claim, asked.circumstances.remarks))


def _annotated(verdict: Verdict, claim: Claim, samples: Samples, remarks: tuple[str, ...]) -> Verdict:
    ids = claim.primary.estimates
    at_chance = (Flag.AT_CHANCE,) if len(ids) == 1 and samples.is_at_chance(ids[0]) else ()
    beside = tuple(note for each in ids for note in samples.notes(each)) if len(ids) == 1 else ()
    primary, *others = verdict.cases
    cases = (replace(primary, notes=(*primary.notes, *beside, *remarks)), *others)
    return replace(verdict, flags=(*verdict.flags, *at_chance), cases=cases)
