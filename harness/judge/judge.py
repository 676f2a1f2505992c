"""The judge: claims and measurements in, one verdict a claim out.

Every case is decided by its claim's rule, the p-values of a tier are adjusted together, and two streams of draws must agree.
A family is judged whole whatever is selected, so choosing claims changes no verdict.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from harness.designs.design import Unavailable
from harness.judge.arithmetic import judge_arithmetic
from harness.judge.measurements import Measurement, Measurements
from harness.judge.pooled import pooled
from harness.judge.rules import (
    Adjust,
    Case,
    cases_of,
    judge_ceiling,
    judge_consistency,
    judge_correlation,
    judge_every_sign,
    judge_floor,
    judge_sign,
    judge_value,
    range_text,
    shown,
    verdict_on,
)
from harness.judge.rules_maximum import judge_at_most, judge_largest, judge_reaches
from harness.statistics.stats import holm
from harness.words.claim import Claim, InferenceTarget, Kind, Rule, Tier, shown_as
from harness.words.estimate import MANY_DRAWS, NUM_DRAWS, InconsistentError
from harness.words.verdict import CaseVerdict, Finding, Flag, State, Verdict, Why

Decide = Callable[[Case, tuple[Measurement, ...], Adjust], CaseVerdict]

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

Cases = Mapping[str, tuple[CaseVerdict, ...]]
"""The cases of each claim, by its id."""


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
    unavailable_estimates: Mapping[str, Unavailable] = field(default_factory=dict)
    """Estimates that this world cannot give, such as those of a model that nobody has published; known before anything is measured."""
    remarks: Mapping[str, str] = field(default_factory=dict)
    """What must be said beside every claim that rests on an estimate."""
    sole_readings: Mapping[str, str] = field(default_factory=dict)
    """Claims that are judged under one of their readings alone, on purpose, each with the sentence that says so."""
    undecidable: frozenset[str] = frozenset()
    """Claims that the pre-flight found too big for this run."""


def judge(
    claims: Sequence[Claim], measurements: Measurements, circumstances: Circumstances
) -> tuple[Verdict, ...]:
    """One verdict per claim, in their order.

    Args:
        claims: The whole inventory of a study; a family's size counts claims that were not measured.
        measurements: What was measured.
        circumstances: What else decides.
    """
    settled = {
        claim.id: verdict
        for claim in claims
        if (verdict := next(_settled(claim, measurements, circumstances), None))
    }
    measured = [claim for claim in claims if claim.id not in settled]

    def decided(some: Sequence[Claim], draws: Measurements, known: Mapping[str, float]) -> Cases:
        """Every case of some claims: raw p-values first, then what each family makes of them and of those known before."""
        raw = {
            claim.id: case_verdict(next(cases_of(claim)), draws, lambda p: p, circumstances) for claim in some
        }
        p_values = {**known, **{name: p_dev_of(case) for name, case in raw.items()}}
        adjusted = {claim.id: adjusted_in_family(claim, claims, p_values) for claim in some}
        return {
            claim.id: tuple(
                case_verdict(case, draws, adjusted[claim.id], circumstances) for case in cases_of(claim)
            )
            for claim in some
        }

    # Two streams of draws must reach the same states; where they do not, ten times the draws decide.
    cases = dict(decided(measured, measurements, {}))
    checked = decided(measured, measurements.redrawn(2, NUM_DRAWS), {})
    unlike = [claim for claim in measured if _states(cases[claim.id]) != _states(checked[claim.id])]
    if unlike:
        known = {name: p_dev_of(found[0]) for name, found in cases.items()}
        one, other = (decided(unlike, measurements.redrawn(stream, MANY_DRAWS), known) for stream in (1, 2))
        cases |= {name: tuple(map(_agreed, one[name], other[name])) for name in one}
    for claim in measured:
        settled[claim.id] = _of_cases(claim, cases[claim.id], measurements, circumstances)

    return tuple(
        _without(claim, State.NOT_RUN, Why.DESELECTED, "Nobody asked for it in this run.")
        if claim.id in circumstances.deselected and settled[claim.id].state is not State.NOT_TESTABLE
        else settled[claim.id]
        for claim in claims
    )


def family(claims: Sequence[Claim], tier: Tier) -> tuple[Claim, ...]:
    """The claims of one tier whose p-values are adjusted together: all that a measurement decides."""
    return tuple(claim for claim in claims if claim.tier is tier and claim.rule in DECIDE)


def _settled(claim: Claim, measurements: Measurements, circumstances: Circumstances) -> Iterator[Verdict]:
    """Verdicts that no measurement can move, the one that holds first; none where measurements decide."""
    if claim.kind is Kind.QUALITATIVE:
        says = "The sentence names nothing that can be measured."
        yield _without(claim, State.NOT_TESTABLE, Why.NO_QUANTITY, says)
    if circumstances.why_not_run:
        says = "Nothing of it is judged in this run."
        yield _without(claim, State.NOT_RUN, circumstances.why_not_run, says)
    if claim.arithmetic is not None:
        yield judge_arithmetic(claim)
    for says in _said_of(claim, circumstances.broken_estimates):
        yield _without(claim, State.ERROR, Why.ADAPTER_FAILED, says)
    asked = claim.primary.estimates
    for each in (name for name in asked if name in circumstances.unavailable_estimates):
        found = circumstances.unavailable_estimates[each]
        yield _without(claim, State.NOT_RUN, Why(found.lacking), found.says)
    if missing := [each for each in asked if (each, claim.inference) not in measurements]:
        named = missing[0]
        if circumstances.why_missing is Why.NOT_DECLARED and claim.inference is InferenceTarget.FIXED_ITEMS:
            named += (
                " on fixed items"  # it may have been declared with the error that answers the other question
            )
        says = f"{len(missing)} of {len(asked)} estimates are missing, such as {named}."
        yield _without(claim, State.NOT_RUN, circumstances.why_missing, says)
    for says in _said_of(claim, circumstances.unreplayed_estimates):
        yield _without(claim, State.ERROR, Why.REPLAY_FAILED, says)
    for says in _said_of(claim, circumstances.differing_estimates):
        yield _without(claim, State.ERROR, Why.BASELINE_DIFFERS, says)


def _without(claim: Claim, state: State, why: Why, says: str) -> Verdict:
    return Verdict(claim_id=claim.id, state=state, why=why, says=says)


def _said_of(claim: Claim, sentences: Mapping[str, str]) -> Iterable[str]:
    """What is said of the estimates that any reading of a claim rests on, each sentence once."""
    return dict.fromkeys(sentences[each] for each in claim.estimates if each in sentences)


def _states(cases: Sequence[CaseVerdict]) -> list[State | Finding]:
    return [case.state for case in cases]


def p_dev_of(case: CaseVerdict) -> float:
    """What a case brings to its family; one that misses a minimum cannot deviate, so it brings 1."""
    if case.why in UNMET or case.numbers is None or case.numbers.p_dev is None:
        return 1.0
    return case.numbers.p_dev


def adjusted_in_family(claim: Claim, claims: Sequence[Claim], p_values: Mapping[str, float]) -> Adjust:
    """What the claim's family makes of its p-value; claims without one count with 1."""
    if claim.tier is Tier.EXPLORATORY:
        return lambda p: p
    others = [p_values.get(each.id, 1.0) for each in family(claims, claim.tier) if each.id != claim.id]
    return lambda p: holm([p, *others])[0]


def case_verdict(
    case: Case, measurements: Measurements, adjust: Adjust, circumstances: Circumstances
) -> CaseVerdict:
    """One case by its claim's rule; what breaks on the way is an ERROR, never a deviation."""
    claim, ids = case.claim, case.reading.estimates
    if missing := [each for each in ids if (each, claim.inference) not in measurements]:
        says = f"This reading was not measured: {missing[0]} is missing."
        return verdict_on(case, State.INCONCLUSIVE, circumstances.why_missing, says)
    try:
        measured = tuple(measurements[each, claim.inference] for each in ids)
        if not all(each.is_finite for each in measured):
            says = "A measured value is no finite number."
            return verdict_on(case, State.ERROR, Why.NOT_FINITE, says)
        if claim.rule in POOLED:
            measured = (pooled(measured), *measured)
        found = DECIDE[claim.rule](case, measured, adjust)
    except InconsistentError as error:
        return verdict_on(case, State.ERROR, Why.INCONSISTENT, str(error))
    except Exception as error:  # noqa: BLE001  a crash of the judge is a verdict of its own, never a deviation
        return verdict_on(case, State.ERROR, Why.CRASH, f"{type(error).__name__}: {error}")
    if found.state is State.ERROR or found.why in UNMET or circumstances.subset_estimates.isdisjoint(ids):
        return found
    says = f"Only some of the test questions were asked. {found.says}"
    return replace(found, state=State.INCONCLUSIVE, why=Why.SUBSET, flags=(), says=says)


def _agreed(case: CaseVerdict, other: CaseVerdict) -> CaseVerdict:
    """The case where another stream tells the same; else that it cannot be told."""
    if case.state is other.state:
        return case
    says = f"Two streams of {MANY_DRAWS} draws reach different verdicts. {case.says}"
    return replace(case, state=State.INCONCLUSIVE, why=Why.UNSTABLE, flags=(), says=says)


def _of_cases(
    claim: Claim,
    cases: tuple[CaseVerdict, ...],
    measurements: Measurements,
    circumstances: Circumstances,
) -> Verdict:
    """What the cases of one claim amount to, with what must be said beside it.

    Equal cases give their verdict; PASS against DEVIATION is contested; anything else is unresolved.
    """
    is_explored = claim.tier is Tier.EXPLORATORY
    if is_explored:
        cases = tuple(map(_explored, cases))
    states, deciding = set(_states(cases)), cases[0]
    state, why, flags, says = deciding.state, deciding.why, deciding.flags, deciding.says
    if State.ERROR in states:
        deciding = next(case for case in cases if case.state is State.ERROR)
        return Verdict(claim_id=claim.id, state=State.ERROR, why=deciding.why, flags=deciding.flags,
                       says=deciding.says, cases=cases)  # fmt: skip
    if {State.PASS, State.DEVIATION} <= states:
        one_reading = len({case.reading for case in cases}) == 1
        what = "Which printed number is the paper's" if one_reading else "What the sentence means"
        readings = "; ".join(
            f"{case.reading} ({shown_as(case.printed or 'no target', case.stands_for)}): {case.state}"
            for case in cases
        )
        state, why, flags = State.CONTESTED, Why.READINGS_DIFFER, ()
        says = f"{what} decides: {readings}."
    elif len(states) > 1:
        deciding = next(case for case in cases if case.state is State.INCONCLUSIVE)
        state, why, says = deciding.state, deciding.why, deciding.says
        flags = (*deciding.flags, Flag.READING_DEPENDENT)
    elif len(cases) > 1 and not is_explored:
        is_whole = all(case.why is not circumstances.why_missing for case in cases)
        flags = (*flags, Flag.TARGET_DISPUTED if is_whole else Flag.READING_DEPENDENT)
    if why in {Why.LEANING_PASS, Why.LEANING_DEVIATION} and claim.id in circumstances.undecidable:
        why = Why.UNDERPOWERED
    primary, *others = cases
    notes = (*primary.notes, *_said_of(claim, circumstances.remarks))
    if len(claim.primary.estimates) == 1:
        alone = measurements[claim.primary.estimates[0], claim.inference]
        flags = (*flags, Flag.AT_CHANCE) if alone.starts_at_chance else flags
        notes = (*primary.notes, *alone.notes, *_said_of(claim, circumstances.remarks))
    if claim.id in circumstances.sole_readings:
        flags = (*flags, Flag.SOLE_READING)
        notes = (*notes, circumstances.sole_readings[claim.id])
    return Verdict(claim_id=claim.id, state=state, why=why, flags=flags, says=says,
                   cases=(replace(primary, notes=notes), *others))  # fmt: skip


def _explored(case: CaseVerdict) -> CaseVerdict:
    """The measurement without any verdict on it."""
    if case.state is State.ERROR:
        return case
    says = "This is explored and not judged."
    if case.numbers:
        says += f" Measured {shown(case.numbers.estimate)}, 90 % interval {range_text(case.numbers.ci90)}."
    return replace(case, state=State.INCONCLUSIVE, why=Why.EXPLORATORY, flags=(), says=says)
