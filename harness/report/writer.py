"""Records in, files out: `report.json`, and from it alone the page, the summary and the CI record."""

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.designs import presentation
from harness.models.failed_adapters import adapter_failures, unusable_models
from harness.report.document import (
    SCHEMA_VERSION,
    DecisionRule,
    JudgedClaim,
    KnownNumber,
    Measurement,
    Point,
    PrintedTarget,
    Report,
    Rival,
    SelfCheckStudy,
    StoppedAdapter,
    Summary,
    as_json,
    from_json,
)
from harness.report.render import render_junit, render_page, render_summary
from harness.report.wording import exit_words, mode_words, outcome, presentation_of
from harness.store.files import write_whole
from harness.store.run_folder import JUNIT_FILE, PAGE_FILE, REPORT_FILE, SUMMARY_FILE, read_record
from harness.store.tables import read_column, read_optional, read_table
from harness.words.claim import (
    Claim,
    Kind,
    Target,
    Tier,
)
from harness.words.errors import ExitCode, FailOn, UsageError
from harness.words.estimate import AxisValue, Estimate, ItemOverlap, Scope, SelfCheck, UnitValue, axes_of
from harness.words.judgement import Judged, Judgement, Ledger, Lock, LockStatus, Precision
from harness.words.mode import Mode
from harness.words.records import AdapterFailure, Coverage, UnscoredTranslator, UnusableModel
from harness.words.runfacts import RunFacts
from harness.words.verdict import (
    JUDGED,
    CaseVerdict,
    Closeness,
    Finding,
    Flag,
    Member,
    Numbers,
    State,
    Verdict,
    Why,
)

Figures = TypeVar("Figures", Numbers, Closeness, Member)

WITHHELD = "It needs no run; 'harness explain' says what comes of it, and a full run's report does."
WORDLESS = (Why.EXPLORATORY, Why.SUBSET)
"""Reasons for which no case of a claim may read PASS or DEVIATION either."""


# How a run ends


SELF_CHECKED_MODES = (Mode.FIXTURE, Mode.REHEARSAL)
"""Modes without evidence about the paper: only their self-checks can end well or badly."""

UNGATED_KINDS = (Kind.QUALITATIVE, Kind.ARITHMETIC)
"""What cannot be measured, and what is about printed numbers alone and not about the replication."""

UNRESOLVED_STATES = (State.INCONCLUSIVE, State.CONTESTED, State.NOT_RUN)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an exit code follows from."""

    mode: str
    """"full", "rehearsal", "fixture" or "audit"."""
    gated: Sequence[tuple[State | Finding, Why]] = ()
    """Verdicts of the primary claims that can be tested and were asked for."""
    differs: Sequence[bool] = ()
    """For each self-check, whether it came out different from what is known or expected."""
    lock: LockStatus = LockStatus.INTACT
    fail_on: FailOn = FailOn.UNRESOLVED
    is_whole: bool = True
    """False where an adapter that claims rest on broke, so that something they need was not measured."""


def exit_code(outcome: Outcome) -> ExitCode:
    """The code with which a run ends; where several hold, 3 goes before 11, 1, 5, 10 and 0."""
    states = [state for state, why in outcome.gated if why is not Why.DESELECTED]
    if State.ERROR in states or not outcome.is_whole:
        return ExitCode.MALFUNCTION
    # What a run about the paper is judged by must have been registered before.
    is_unregistered = outcome.mode == Mode.FULL and outcome.lock is LockStatus.ABSENT
    if outcome.lock is LockStatus.BROKEN or is_unregistered:
        return ExitCode.LOCK_BROKEN
    if outcome.mode in SELF_CHECKED_MODES:
        if not outcome.differs:
            return ExitCode.NOTHING_JUDGED
        return ExitCode.FINDING if any(outcome.differs) else ExitCode.SHOWN
    return _of_claims(states, outcome.fail_on)


def _of_claims(states: Sequence[State | Finding], fail_on: FailOn) -> ExitCode:
    if fail_on is FailOn.NEVER:
        return ExitCode.SHOWN
    if State.DEVIATION in states:
        return ExitCode.FINDING
    if not any(state in JUDGED for state in states):
        return ExitCode.NOTHING_JUDGED
    is_open = any(state in UNRESOLVED_STATES for state in states)
    return ExitCode.UNRESOLVED if is_open and fail_on is FailOn.UNRESOLVED else ExitCode.SHOWN


def outcome_of(
    mode: str,
    claims: Iterable[JudgedClaim],
    known_numbers: Iterable[bool] = (),
    *,
    lock: LockStatus = LockStatus.INTACT,
    fail_on: FailOn = FailOn.UNRESOLVED,
    is_whole: bool = True,
) -> Outcome:
    """What a run's exit code follows from.

    Args:
        mode: "full", "rehearsal", "fixture" or "audit".
        claims: Those of the paper, and those that check the judge.
        known_numbers: For each known number of the instrument, whether it came out different.
        lock: State of the lock.
        fail_on: What ends with another code than 0.
        is_whole: False where an adapter that claims rest on broke.
    """
    gated, differs = [], list(known_numbers)
    for claim in claims:
        if claim.expected:
            differs.append(claim.state != claim.expected)
        elif claim.tier is Tier.PRIMARY and claim.kind not in UNGATED_KINDS and claim.selected:
            gated.append((claim.state, claim.why))
    return Outcome(mode=mode, gated=gated, differs=differs, lock=lock, fail_on=fail_on, is_whole=is_whole)


# The document: from records and verdicts to what `report.json` holds


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
    axes: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    """Axes of estimates whose design names some, by estimate id."""


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
    self_check_study = _self_check_study(judgement)
    ledger = judgement.ledger if judgement else Ledger()
    measurements = tuple(_measurements(records, judgement.precisions if judgement else {}))
    unregistered = Lock(sha256=facts.specification_digest, status=LockStatus.ABSENT)
    return Report(
        paper=facts.paper,
        mode=facts.mode,
        lock=judgement.lock if judgement else unregistered,
        run=replace(facts.run, ordinal=ledger.ordinal, runs_under_lock=ledger.runs_under_lock),
        languages=facts.languages,
        not_run=facts.not_run,
        judged=judgement is not None,
        claims=claims,
        self_check_study=self_check_study,
        measurements=measurements,
        rivals=tuple(_rivals(measurements, presentation_of(facts.run.study).rivals)),
        self_checks=tuple(map(_known_number, records.checks)),
        choices=judgement.choices if judgement else (),
        ledger=ledger.lines,
        prospects=judgement.prospects if judgement else (),
        summary=_summary(
            facts, records, judgement, claims, self_check_study.claims if self_check_study else ()
        ),
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
    beside = {each.claim_id: each for each in judged.multiverses}
    return tuple(
        replace(
            judged_claim(claim, verdict, alpha, selected=claim.id not in deselected),
            multiverse=beside.get(claim.id),
        )
        for claim, verdict in zip(judged.claims, judged.verdicts, strict=True)
    )


def judged_claim(claim: Claim, verdict: Verdict, alpha: float, *, selected: bool = True) -> JudgedClaim:
    """One claim with its verdict; a self-check also with the state that is expected of it."""
    cases = tuple(_storable(case, verdict) for case in verdict.cases)
    first = cases[0] if cases else None
    states = Finding if claim.kind is Kind.ARITHMETIC else State
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
        arithmetic=claim.arithmetic.compared if claim.arithmetic else (),
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
        state=verdict.state,
        why=verdict.why,
        flags=verdict.flags,
        says=verdict.says,
        numbers=first.numbers if first else None,
        closeness=first.closeness if first else None,
        cases=cases,
        expected=states(claim.expected) if claim.expected else None,
        differs=verdict.state != claim.expected if claim.expected else None,
    )


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
    facts: RunFacts,
    records: Records,
    judgement: Judgement | None,
    claims: Sequence[JudgedClaim],
    checking: Sequence[JudgedClaim],
) -> Summary:
    counted = [claim for claim in claims if claim.kind is not Kind.ARITHMETIC]
    states, by_summary = (
        Counter(claim.state for claim in some)
        for some in (counted, (claim for claim in counted if claim.reported_by_summary))
    )
    fail_on = judgement.fail_on if judgement else FailOn.UNRESOLVED
    outcome = outcome_of(
        facts.mode,
        (*claims, *checking),
        (row.differs for row in records.checks),
        lock=judgement.lock.status if judgement else LockStatus.INTACT,
        fail_on=fail_on,
        is_whole=all(row.is_control for row in records.stopped),
    )
    return Summary(
        counts={state: states[state] for state in State},
        reported_by_summary={state: by_summary[state] for state in State},
        non_discriminating=sum(
            claim.state is State.PASS and Flag.NON_DISCRIMINATING in claim.flags for claim in counted
        ),
        fail_on=fail_on,
        exit_code=ExitCode.NOTHING_JUDGED if facts.not_run else exit_code(outcome),
    )


def _measurements(records: Records, precisions: Mapping[str, Precision]) -> Iterator[Measurement]:
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
            axes=dict(records.axes.get(row.estimate_id, ())),
            layer=row.layer,
            language=row.language,
            benchmark=row.benchmark,
            unit_kind=row.unit_kind,
            num_units=row.num_units,
            num_seeds=row.num_seeds,
            num_unit_values=records.unit_counts.get(row.estimate_id, 0),
            precision=precisions.get(row.estimate_id),
            points=tuple(points.get(row.estimate_id, ())),
        )


def _rivals(measured: Sequence[Measurement], known: Sequence[presentation.Rival]) -> Iterator[Rival]:
    """What remains of an effect without each rival that was measured at some layer; primary specifications alone."""
    finite = {
        (row.quantity, row.reading, row.layer): row
        for row in measured
        if row.language is None and row.value is not None and row.specification == Scope.specification
    }
    for rival in known:
        layers = [layer for quantity, reading, layer in finite if (quantity, reading) == rival.remaining]
        pairs = [
            (finite[(*rival.whole, layer)], finite[(*rival.remaining, layer)])
            for layer in layers
            if (*rival.whole, layer) in finite
        ]
        ends = [row.precision.ci90 for _, row in pairs if row.precision and row.precision.ci90]
        if pairs:
            whole, remaining = (
                sum(row.value or 0.0 for row in side) / len(pairs) for side in zip(*pairs, strict=True)
            )
            yield Rival(
                rival=rival.remaining[1],
                name=rival.name,
                without=rival.without,
                layers=len(pairs),
                whole=whole,
                remaining=remaining,
                above=sum(low > 0 for low, _ in ends),
                below=sum(high < 0 for _, high in ends),
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


def _storable(case: CaseVerdict, verdict: Verdict) -> CaseVerdict:
    """A case, without a word of its own where its claim may have none, and without numbers that JSON cannot hold."""
    near, numbers = case.closeness, case.numbers
    decided = verdict if verdict.why in WORDLESS else case
    return replace(
        case,
        state=decided.state,
        why=decided.why,
        says=decided.says,
        numbers=_finite(numbers) if numbers and math.isfinite(numbers.estimate) else None,
        closeness=_finite(near) if near and math.isfinite(near.difference) else None,
        members=tuple(map(_finite, case.members)),
    )


def _finite(row: Figures) -> Figures:
    """The row with None in place of infinite limits and numbers that are none."""
    values = {each.name: getattr(row, each.name) for each in fields(row)}
    lost: dict[str, Any] = {name: None for name, value in values.items() if not _is_storable(value)}
    return replace(row, **lost)


def _is_storable(value: object) -> bool:
    if isinstance(value, tuple):
        return all(map(math.isfinite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _refuse_duplicates(kind: str, ids: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise ValueError(
            f"{kind} ids must be unique, but {len(twice)} occur more than once: {', '.join(twice[:5])}; "
            f"the stage that wrote them must give each a name of its own"
        )


# Its files


def write_report(
    facts: RunFacts, estimates: Path, self_checks: Path, out: Path, judgement: Judgement | None = None
) -> Report:
    """Write the report of a run; one with stages that could not be finished holds no number.

    Args:
        facts: What the run is.
        estimates: Folder with the tables of `Estimate` and `UnitValue`.
        self_checks: Folder with the table of `SelfCheck`; without one, no self-check was made.
        out: Folder for `report.json`, `report.html`, `summary.md` and `junit.xml`.
        judgement: Verdicts and the conditions under which they were reached; None where nothing is judged.

    Raises:
        ValueError: If the records cannot stand in a report: ids that occur twice, a digest that is none.
    """
    records = Records() if facts.not_run else _records(facts.run.study, estimates, self_checks)
    return _write(as_report(facts, records, judgement), out)


def write_report_of(
    facts: RunFacts,
    estimates: Sequence[Estimate],
    units: Sequence[UnitValue],
    out: Path,
    judgement: Judgement,
) -> Report:
    """The same for numbers that no artifact holds: rows as `estimates` and `unit_values` would have them."""
    pointed = presentation_of(facts.run.study).pointed
    drawn = {row.estimate_id for row in estimates if row.quantity in pointed}
    records = Records(
        estimates=estimates,
        unit_counts=Counter(row.estimate_id for row in units),
        points=[
            (row.estimate_id, Point(unit=row.unit, x=row.reference, y=row.observed))
            for row in units
            if row.estimate_id in drawn
        ],
    )
    return _write(as_report(facts, records, judgement), out)


def render_report(run: Path) -> Report:
    """Write the page, the summary and the CI record of a stored run again, from its `report.json` alone.

    Raises:
        UsageError: If the folder holds none, or one that this version does not read.
    """
    report = load_report(run)
    _render(report, run)
    return report


def load_report(run: Path) -> Report:
    """The report of a stored run.

    Raises:
        UsageError: If the folder holds none, the file is no JSON, was written by another version, or breaks its schema.
    """
    path, content = run / REPORT_FILE, read_record(run, REPORT_FILE)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, str) and version != SCHEMA_VERSION:
        raise UsageError(
            f"{path} was written as version {version[:20]} of the report, but this harness reads {SCHEMA_VERSION}; render it "
            f"with the harness that wrote it, or run 'harness reproduce' again"
        )
    try:
        return from_json(content, str(path))
    except ValueError as error:
        raise UsageError(str(error)) from error


def closing_lines(report: Report, run: Path) -> Iterator[str]:
    """What a terminal and a log show when a run is over.

    Args:
        report: That of the run.
        run: Folder of the run.
    """
    yield ""
    yield mode_words(report).ribbon
    lines = {
        "outcome": outcome(report),
        "report": str(run / PAGE_FILE),
        "summary": str(run / SUMMARY_FILE),
        f"exit {report.summary.exit_code}": exit_words(report),
    }
    yield from (f"  {label:<9}{words}" for label, words in lines.items())


def _write(built: Report, out: Path) -> Report:
    text = json.dumps(as_json(built), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    # Pages are rendered from what the file says, so that they are the same when they are rendered again.
    report = from_json(json.loads(text), f"the report of {built.run.id}")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / REPORT_FILE, f"{text}\n")
    _render(report, out)
    return report


def _render(report: Report, run: Path) -> None:
    write_whole(run / PAGE_FILE, render_page(report))
    write_whole(run / SUMMARY_FILE, render_summary(report))
    write_whole(run / JUNIT_FILE, render_junit(report))


def _records(study: str, estimates: Path, self_checks: Path) -> Records:
    rows = read_table(estimates, Estimate)
    owners = read_column(estimates, UnitValue, "estimate_id")
    pointed = presentation_of(study).pointed
    drawn = [row.estimate_id for row in rows if row.quantity in pointed]
    return Records(
        estimates=rows,
        unit_counts=Counter[str](owners.tolist()),
        points=_points(estimates, np.isin(owners, drawn)),
        checks=read_optional(self_checks, SelfCheck),
        unusable=unusable_models(estimates),
        stopped=adapter_failures(estimates),
        unscored=read_optional(estimates, UnscoredTranslator),
        coverage=read_optional(estimates, Coverage),
        overlaps=read_optional(estimates, ItemOverlap),
        axes=axes_of(read_optional(estimates, AxisValue)),
    )


def _points(estimates: Path, mask: NDArray[np.bool_]) -> list[tuple[str, Point]]:
    """Both sides of each correlation; column by column, since most of the table's millions of rows are others'."""
    columns = (
        read_column(estimates, UnitValue, name)[mask].tolist()
        for name in ("estimate_id", "unit", "reference", "observed")
    )
    return [(owner, Point(unit=unit, x=x, y=y)) for owner, unit, x, y in zip(*columns, strict=True)]
