"""From records and verdicts to the document that every page is rendered from."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from harness.report.document import (
    DecisionRule,
    JudgedCase,
    JudgedClaim,
    KnownNumber,
    Measurement,
    Paper,
    Point,
    PrintedTarget,
    Report,
    Run,
    SelfCheckStudy,
    Spread,
    StoppedAdapter,
    Summary,
)
from harness.report.exit_code import SELF_CHECKED_MODES, ExitCode, exit_code, outcome_of
from harness.words.claim import (
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    Kind,
    Target,
    TwoPrintings,
    WordsAgainstNumbers,
)
from harness.words.estimate import Estimate, ItemOverlap, SelfCheck
from harness.words.judgement import FailOn, Judged, Judgement, Ledger, Lock, LockStatus, Precision
from harness.words.records import AdapterFailure, Coverage, UnscoredTranslator, UnusableModel
from harness.words.runfacts import RunFacts
from harness.words.verdict import CaseVerdict, Closeness, Finding, Flag, Member, Numbers, State, Verdict, Why

Row = TypeVar("Row", Numbers, Closeness, Member)

WITHHELD = "It needs no run; 'harness explain' says what comes of it, and a full run's report does."
WORDLESS = (Why.EXPLORATORY, Why.SUBSET)
"""Reasons for which no case of a claim may read PASS or DEVIATION either."""


@dataclass(frozen=True, kw_only=True)
class Records:
    """What was measured and checked; nothing of it where a run could not measure anything."""

    estimates: Sequence[Estimate] = ()
    """In the order to show."""
    unit_counts: Mapping[str, int] = field(default_factory=dict)
    """Number of stored unit values by estimate id."""
    points: Sequence[tuple[str, Point]] = ()
    """Both sides of correlations, unit by unit, each with its estimate's id."""
    checks: Sequence[SelfCheck] = ()
    unusable: Sequence[UnusableModel] = ()
    """Published models that cannot be put onto the base model."""
    stopped: Sequence[AdapterFailure] = ()
    """Adapters that could not be trained."""
    unscored: Sequence[UnscoredTranslator] = ()
    """Translators that could not be held against people."""
    coverage: Sequence[Coverage] = ()
    """What the phrases cover of each layer."""
    overlaps: Sequence[ItemOverlap] = ()
    """Benchmarks whose questions are not the same in every language."""


def as_report(facts: RunFacts, records: Records, judgement: Judgement | None = None) -> Report:
    """The document of one run.

    Args:
        facts: What the run is.
        records: What was measured and checked.
        judgement: Verdicts and the conditions under which they were reached; None where nothing is judged.

    Raises:
        ValueError: If two estimates or two self-checks share an id.
    """
    _refuse_duplicates("estimate", (row.estimate_id for row in records.estimates))
    _refuse_duplicates("self-check", (row.check_id for row in records.checks))
    claims = _claims_of_paper(facts, judgement) if judgement else ()
    ledger = judgement.ledger if judgement else Ledger(ordinal=facts.ordinal)
    unregistered = Lock(sha256=facts.specification_digest, status=LockStatus.ABSENT)
    return Report(
        paper=Paper(id=facts.paper_id, title=facts.paper_title),
        mode=facts.mode,
        lock=judgement.lock if judgement else unregistered,
        run=Run(
            id=facts.run_id,
            ordinal=ledger.ordinal,
            runs_under_lock=max(ledger.runs_under_lock, ledger.ordinal),
            study=facts.study,
            profile=facts.profile,
            environment=dict(facts.environment),
            settings=dict(facts.settings),
            artifacts=facts.artifacts,
            sources=facts.sources,
        ),
        languages=facts.languages,
        not_run=facts.not_run,
        judged=judgement is not None,
        claims=claims,
        self_check_study=_self_check_study(judgement),
        measurements=tuple(_measurements(records, judgement.precisions if judgement else ())),
        self_checks=tuple(map(_known_number, records.checks)),
        choices=judgement.choices if judgement else (),
        ledger=ledger.lines,
        prospects=judgement.prospects if judgement else (),
        summary=_summary(facts, records, judgement, claims),
        stopped=tuple(map(_stopped, records.stopped)),
        unscored=tuple(records.unscored),
        unusable=tuple(records.unusable),
        coverage=tuple(records.coverage),
        overlaps=tuple(records.overlaps),
        baselines=judgement.baselines if judgement else (),
        declared=facts.declared,
        cited=judgement.cited if judgement else (),
    )


def judged_claims(judged: Judged, alpha: float, deselected: tuple[str, ...] = ()) -> tuple[JudgedClaim, ...]:
    """Every claim of a study with its verdict, in the study's order."""
    return tuple(
        judged_claim(claim, verdict, alpha, selected=claim.id not in deselected)
        for claim, verdict in zip(judged.claims, judged.verdicts, strict=True)
    )


def judged_claim(claim: Claim, verdict: Verdict, alpha: float, *, selected: bool = True) -> JudgedClaim:
    """One claim with its verdict; a self-check also with the state that is expected of it."""
    cases = tuple(_case(case, verdict) for case in verdict.cases)
    first = cases[0] if cases else None
    return JudgedClaim(
        id=claim.id,
        text=claim.says,
        kind=claim.kind,
        tier=claim.tier,
        unit=claim.unit,
        inventory=claim.inventory,
        conflicts=claim.conflicts,
        sentence=claim.sentence,
        readings=claim.readings,
        targets=tuple(map(_target, claim.targets)),
        discrepancies=tuple(map(_target, claim.discrepancies)),
        arithmetic=tuple(_printed_numbers(claim.arithmetic)),
        paper_units=claim.paper_units,
        rule=DecisionRule(
            name=claim.rule,
            alpha=alpha,
            margin=claim.margin,
            margin_because=claim.margin_because,
            null=claim.null,
            sign=claim.sign,
            named=claim.named,
            inference=claim.inference,
            min_units=claim.minima.units,
            min_seeds=claim.minima.seeds,
        ),
        beside=claim.beside,
        reported_by_summary=claim.by_summary,
        selected=selected,
        verdict=verdict.state,
        reason=verdict.why,
        flags=verdict.flags,
        says=verdict.says,
        measured=first.measured if first else None,
        closeness=first.closeness if first else None,
        cases=cases,
        expected=_expected(claim),
        differs=verdict.state != claim.expected if claim.expected else None,
    )


def _expected(claim: Claim) -> State | Finding | None:
    if not claim.expected:
        return None
    return Finding(claim.expected) if claim.kind is Kind.ARITHMETIC else State(claim.expected)


def _claims_of_paper(facts: RunFacts, judgement: Judgement) -> tuple[JudgedClaim, ...]:
    """The claims of the paper; a page that is headed as saying nothing about it says nothing of its printed numbers either."""
    judged = judgement.paper
    if facts.mode in SELF_CHECKED_MODES or facts.not_run:
        verdicts = tuple(
            Verdict(claim_id=claim.id, state=State.NOT_RUN, why=Why.FIXTURE_MODE, says=WITHHELD)
            if claim.kind is Kind.ARITHMETIC
            else verdict
            for claim, verdict in zip(judged.claims, judged.verdicts, strict=True)
        )
        judged = replace(judged, verdicts=verdicts)
    told = judged_claims(judged, judgement.alpha, judgement.deselected)
    # A study that checks the judge elsewhere is one like any other where it is the run's own: nothing is expected of it.
    return tuple(replace(claim, expected=None, differs=None) for claim in told)


def _self_check_study(judgement: Judgement | None) -> SelfCheckStudy | None:
    if judgement is None or judgement.self_check is None:
        return None
    judged = judgement.self_check
    return SelfCheckStudy(study=judged.study, claims=judged_claims(judged, judgement.alpha))


def _summary(
    facts: RunFacts, records: Records, judgement: Judgement | None, claims: Sequence[JudgedClaim]
) -> Summary:
    counted = [claim for claim in claims if claim.kind is not Kind.ARITHMETIC]
    states, by_summary = (
        Counter(claim.verdict for claim in some)
        for some in (counted, (claim for claim in counted if claim.reported_by_summary))
    )
    outcome = outcome_of(facts.mode, judgement, [row.differs for row in records.checks])
    outcome = replace(outcome, is_whole=all(row.is_control for row in records.stopped))
    return Summary(
        counts={state: states[state] for state in State},
        reported_by_summary={state: by_summary[state] for state in State},
        non_discriminating=sum(
            claim.verdict is State.PASS and Flag.NON_DISCRIMINATING in claim.flags for claim in counted
        ),
        fail_on=judgement.fail_on if judgement else FailOn.UNRESOLVED,
        exit_code=ExitCode.NOTHING_JUDGED if facts.not_run else exit_code(outcome),
    )


def _measurements(records: Records, precisions: Iterable[Precision]) -> Iterator[Measurement]:
    known = {
        row.estimate_id: Spread(
            se=row.se, df=row.df, interval_se=row.interval_se, ci90=row.ci90, ci95=row.ci95, seeds=row.seeds
        )
        for row in precisions
    }
    points: dict[str, list[Point]] = {}
    for owner, point in records.points:
        if math.isfinite(point.x) and math.isfinite(point.y):
            points.setdefault(owner, []).append(point)
    for row in records.estimates:
        yield Measurement(
            id=row.estimate_id,
            quantity=row.quantity,
            reading=row.reading,
            specification=row.specification,
            formula=row.formula,
            unit=row.unit,
            value=row.value if math.isfinite(row.value) else None,
            layer=row.layer,
            language=row.language,
            benchmark=row.benchmark,
            unit_kind=row.unit_kind,
            num_units=row.num_units,
            num_seeds=row.num_seeds,
            num_unit_values=records.unit_counts.get(row.estimate_id, 0),
            precision=known.get(row.estimate_id),
            points=tuple(points.get(row.estimate_id, ())),
        )


def _known_number(row: SelfCheck) -> KnownNumber:
    return KnownNumber(
        id=row.check_id,
        says=row.says,
        expected=row.expected,
        measured=row.measured if math.isfinite(row.measured) else None,
        tolerance=row.tolerance,
        because=row.because,
        differs=row.differs,
    )


def _stopped(row: AdapterFailure) -> StoppedAdapter:
    return StoppedAdapter(
        adapter=row.name,
        is_control=row.is_control,
        language=row.language,
        seed=row.seed,
        step=row.step,
        what=row.what,
        value=str(row.value),
    )


def _target(target: Target) -> PrintedTarget:
    return PrintedTarget(
        printed=target.printed.text,
        stands_for=target.stands_for,
        value=target.value,
        half_width=target.rounding,
        source=target.source,
        source_tier=target.tier,
        reading=target.reading,
    )


def _case(case: CaseVerdict, verdict: Verdict) -> JudgedCase:
    """A case, without a word of its own where its claim may have none, and without numbers that JSON cannot hold."""
    near, numbers = case.closeness, case.numbers
    decided = verdict if verdict.why in WORDLESS else case
    return JudgedCase(
        reading=case.reading,
        unit=case.unit,
        printed=case.printed,
        stands_for=case.stands_for,
        source=case.source,
        source_tier=case.source_tier,
        verdict=decided.state,
        reason=decided.why,
        flags=case.flags,
        band=case.band or None,
        measured=_finite(numbers) if numbers and math.isfinite(numbers.estimate) else None,
        closeness=_finite(near) if near and math.isfinite(near.difference) else None,
        members=tuple(map(_finite, case.members)),
        notes=case.notes,
        says=decided.says,
    )


def _finite(row: Row) -> Row:
    """The row with None in place of infinite limits and numbers that are none."""
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    lost: dict[str, Any] = {name: None for name, value in values.items() if not _is_storable(value)}
    return replace(row, **lost)


def _is_storable(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(math.isfinite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _printed_numbers(payload: Arithmetic | None) -> Iterator[tuple[str, str]]:
    """What a claim about printed numbers compares."""
    match payload:
        case Granularity(printed=printed, is_change=is_change):
            yield "difference" if is_change else "accuracy", printed.text
            yield from (("items", f"{sizes} ({test_set})") for test_set, sizes in payload.sets)
        case TwoPrintings(printed=both):
            yield from ((who, printed.text) for who, printed in both)
        case GainAgainstGap(gain=gain, gaps=gaps):
            yield "gain", gain.text
            yield from (("gap", gap.text) for gap in gaps)
        case WordsAgainstNumbers(word=word, numbers=numbers):
            yield "word", word
            yield from ((what, printed.text) for what, printed in numbers)


def _refuse_duplicates(kind: str, ids: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise ValueError(
            f"{kind} ids must be unique, but {len(twice)} occur more than once: {', '.join(twice[:5])}; "
            f"the stage that wrote them must give each a name of its own"
        )
