"""From records to the document that everything else is rendered from."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import cast

from harness.report.claimdocument import JudgedClaim
from harness.report.claimform import claim_forms, self_check_forms
from harness.report.document import (
    VERDICTS,
    AmendmentEntry,
    Artifact,
    BaselineEntry,
    Check,
    ChoiceEntry,
    CoverageEntry,
    DepartureEntry,
    Language,
    LedgerEntry,
    LockEntry,
    Measurement,
    OverlapEntry,
    Point,
    PrecisionEntry,
    ProspectEntry,
    Report,
    Run,
    SelfCheckStudy,
    Source,
    StoppedEntry,
    Summary,
    Unfinished,
    UnscoredEntry,
    UnusableEntry,
)
from harness.report.exit_code import SELF_CHECKED_MODES, ExitCode, exit_code, outcome_of
from harness.words.claim import Claim, Kind
from harness.words.estimate import Estimate, ItemOverlap, SelfCheck
from harness.words.judgement import FailOn, Judgement, Ledger, Lock, LockStatus, Precision
from harness.words.records import AdapterFailure, Coverage, UnscoredTranslator, UnusableModel
from harness.words.runfacts import RunFacts
from harness.words.verdict import State, Verdict, Why

SCHEMA_VERSION = "1.1"
ARITHMETIC = "arithmetic"
WITHHELD = "It needs no run; 'harness explain' says what comes of it, and a full run's report does."
NON_DISCRIMINATING = "non-discriminating"


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
    claims = _claims(facts, judgement) if judgement else []
    built: Report = {
        "schema_version": SCHEMA_VERSION,
        "paper": {"id": facts.paper_id, "title": facts.paper_title},
        "mode": facts.mode,
        "level": "replicability",
        "lock": _lock(_lock_of(facts, judgement)),
        "run": _run(facts, judgement.ledger if judgement else Ledger(ordinal=facts.ordinal)),
        "languages": [cast("Language", asdict(row)) for row in facts.languages],
        "not_run": [cast("Unfinished", asdict(row)) for row in facts.not_run],
        "judged": judgement is not None,
        "claims": claims,
        "self_check_study": _self_check_study(judgement),
        "measurements": _measurements(records, judgement.precisions if judgement else ()),
        "self_checks": [_check(row) for row in records.checks],
        "choices": [cast("ChoiceEntry", _jsonable(row)) for row in judgement.choices] if judgement else [],
        "departures": [cast("DepartureEntry", asdict(row)) for row in judgement.departures]
        if judgement
        else [],
        "ledger": [cast("LedgerEntry", asdict(row)) for row in judgement.ledger.lines] if judgement else [],
        "prospects": [cast("ProspectEntry", asdict(row)) for row in judgement.prospects] if judgement else [],
        "summary": _summary(facts, records, judgement, claims),
    }
    if records.stopped:
        built["stopped"] = [_stopped(row) for row in records.stopped]
    if records.unscored:
        built["unscored"] = [cast("UnscoredEntry", asdict(row)) for row in records.unscored]
    if records.coverage:
        built["coverage"] = [cast("CoverageEntry", asdict(row)) for row in records.coverage]
    if records.overlaps:
        built["overlaps"] = [cast("OverlapEntry", asdict(row)) for row in records.overlaps]
    if records.unusable:
        built["unusable"] = [cast("UnusableEntry", asdict(row)) for row in records.unusable]
    if judgement and judgement.baselines:
        built["baselines"] = [cast("BaselineEntry", asdict(row)) for row in judgement.baselines]
    return built


def _claims(facts: RunFacts, judgement: Judgement) -> list[JudgedClaim]:
    judged = judgement.paper
    if facts.mode in SELF_CHECKED_MODES or facts.not_run:
        judged = replace(judged, verdicts=tuple(map(_withheld, judged.claims, judged.verdicts)))
    return claim_forms(judged, judgement.alpha, judgement.deselected)


def _withheld(claim: Claim, verdict: Verdict) -> Verdict:
    """No verdict on the paper's arithmetic either, on a page that is headed as saying nothing about the paper."""
    if claim.kind is not Kind.ARITHMETIC:
        return verdict
    return Verdict(claim_id=claim.id, state=State.NOT_RUN, why=Why.FIXTURE_MODE, says=WITHHELD)


def _summary(
    facts: RunFacts, records: Records, judgement: Judgement | None, claims: Sequence[JudgedClaim]
) -> Summary:
    counted = [claim for claim in claims if claim["kind"] != ARITHMETIC]
    states = Counter(claim["verdict"] for claim in counted)
    outcome = outcome_of(facts.mode, judgement, [row.differs for row in records.checks])
    outcome = replace(outcome, is_whole=all(row.is_control for row in records.stopped))
    return {
        "counts": {state: states[state] for state in VERDICTS},
        "non_discriminating": sum(
            claim["verdict"] == "PASS" and NON_DISCRIMINATING in claim["flags"] for claim in counted
        ),
        "fail_on": str(judgement.fail_on if judgement else FailOn.UNRESOLVED),
        "exit_code": ExitCode.NOTHING_JUDGED if facts.not_run else exit_code(outcome),
    }


def _lock_of(facts: RunFacts, judgement: Judgement | None) -> Lock:
    if judgement:
        return judgement.lock
    return Lock(sha256=facts.specification_digest, status=LockStatus.ABSENT)


def _lock(lock: Lock) -> LockEntry:
    return {
        "sha256": lock.sha256,
        "status": str(lock.status),
        "commit": lock.commit,
        "date": lock.date,
        "amendments": [cast("AmendmentEntry", asdict(row)) for row in lock.amendments],
    }


def _run(facts: RunFacts, ledger: Ledger) -> Run:
    return {
        "id": facts.run_id,
        "ordinal": ledger.ordinal,
        "runs_under_lock": max(ledger.runs_under_lock, ledger.ordinal),
        "study": facts.study,
        "profile": facts.profile,
        "environment": dict(facts.environment),
        "artifacts": [cast("Artifact", asdict(row)) for row in facts.artifacts],
        "sources": [cast("Source", asdict(row)) for row in facts.sources],
    }


def _self_check_study(judgement: Judgement | None) -> SelfCheckStudy | None:
    if judgement is None or judgement.self_check is None:
        return None
    judged = judgement.self_check
    return {"study": judged.study, "claims": self_check_forms(judged, judgement.alpha)}


def _measurements(records: Records, precisions: Iterable[Precision]) -> list[Measurement]:
    known = {row.estimate_id: _precision(row) for row in precisions}
    points: dict[str, list[Point]] = {}
    for owner, point in records.points:
        if math.isfinite(point["x"]) and math.isfinite(point["y"]):
            points.setdefault(owner, []).append(point)
    return [
        _measurement(row, records.unit_counts, known.get(row.estimate_id), points.get(row.estimate_id))
        for row in records.estimates
    ]


def _measurement(
    row: Estimate,
    unit_counts: Mapping[str, int],
    precision: PrecisionEntry | None,
    points: list[Point] | None,
) -> Measurement:
    entry: Measurement = {
        "id": row.estimate_id,
        "quantity": row.quantity,
        "reading": row.reading,
        "specification": row.specification,
        "formula": str(row.formula),
        "unit": row.unit,
        "value": _finite(row.value),
        "layer": row.layer,
        "language": row.language,
        "benchmark": row.benchmark,
        "unit_kind": row.unit_kind,
        "num_units": row.num_units,
        "num_seeds": row.num_seeds,
        "num_unit_values": unit_counts.get(row.estimate_id, 0),
    }
    if precision:
        entry["precision"] = precision
    if points:
        entry["points"] = points
    return entry


def _precision(row: Precision) -> PrecisionEntry:
    entry = _jsonable(row)
    del entry["estimate_id"]  # it stands in the measurement, whose own id says so
    return cast("PrecisionEntry", entry)


def _check(row: SelfCheck) -> Check:
    return {
        "id": row.check_id,
        "says": row.says,
        "expected": row.expected,
        "measured": _finite(row.measured),
        "tolerance": row.tolerance,
        "because": row.because,
        "differs": row.differs,
    }


def _jsonable(row: object) -> dict[str, object]:
    """The record with lists for tuples, as JSON reads it back."""
    return {name: _listed(value) for name, value in asdict(row).items()}  # type: ignore[call-overload]


def _listed(value: object) -> object:
    return list(value) if isinstance(value, tuple) else value


def _stopped(row: AdapterFailure) -> StoppedEntry:
    return {
        "adapter": row.name,
        "is_control": row.is_control,
        "language": row.language,
        "seed": row.seed,
        "step": row.step,
        "what": row.what,
        "value": str(row.value),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _refuse_duplicates(kind: str, ids: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise ValueError(
            f"{kind} ids must be unique, but {len(twice)} occur more than once: {', '.join(twice[:5])}; "
            f"the stage that wrote them must give each a name of its own"
        )
