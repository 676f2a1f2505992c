"""The report as one JSON document: its typed form, and the way from records to it."""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TypedDict, cast

from harness.report.exit_code import exit_code
from harness.words.record import (
    ArtifactRecord,
    Estimate,
    LanguageFact,
    NotRun,
    RunFacts,
    SelfCheck,
    SourceRecord,
)

VERDICTS = ("PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED", "NOT_RUN", "NOT_TESTABLE", "ERROR")


class Paper(TypedDict):
    """The paper that is replicated."""

    id: str
    title: str


class Lock(TypedDict):
    """The pre-registration that held when the run was made."""

    sha256: str
    status: str


class Artifact(TypedDict):
    """One stored artifact that the run rests on."""

    stage: str
    item: str
    key: str
    digest: str
    size_bytes: int


class Source(TypedDict):
    """One outside thing that the run used."""

    name: str
    address: str
    revision: str
    licence: str


class Language(TypedDict):
    """One language of the study."""

    code: str
    name: str
    group: str


class Unfinished(TypedDict):
    """One stage that the run could not finish, and why."""

    stage: str
    reason: str
    message: str


class Run(TypedDict):
    """The run itself."""

    id: str
    ordinal: int
    study: str
    profile: str
    environment: dict[str, str]
    artifacts: list[Artifact]
    sources: list[Source]


class Measurement(TypedDict):
    """One measured quantity; `value` is None when it is not finite."""

    id: str
    quantity: str
    reading: str
    specification: str
    unit: str
    value: float | None
    layer: int | None
    language: str | None
    benchmark: str | None
    unit_kind: str
    num_units: int
    num_seeds: int
    num_unit_values: int


class Check(TypedDict):
    """One known number of the instrument, recomputed; `measured` is None when it is not finite."""

    id: str
    says: str
    expected: float
    measured: float | None
    tolerance: float
    because: str
    differs: bool


class Claim(TypedDict):
    """One judged claim; the parts that every claim has."""

    id: str
    text: str
    tier: str
    verdict: str
    reason: str


class Summary(TypedDict):
    """The outcome in numbers."""

    counts: dict[str, int]
    exit_code: int


class Report(TypedDict):
    """Everything that the pages show; `report.schema.json` says the same in full."""

    schema_version: str
    paper: Paper
    mode: str
    level: str
    lock: Lock
    run: Run
    languages: list[Language]
    not_run: list[Unfinished]
    claims: list[Claim]
    measurements: list[Measurement]
    self_checks: list[Check]
    summary: Summary


def as_report(
    facts: RunFacts, estimates: Sequence[Estimate], unit_values: Counter[str], checks: Sequence[SelfCheck]
) -> Report:
    """The document of one run.

    Args:
        facts: What the run is.
        estimates: Every estimate, in the order to show.
        unit_values: Number of stored unit values by estimate id.
        checks: Every self-check, in the order to show.

    Raises:
        ValueError: If two estimates or two self-checks share an id.
    """
    _refuse_duplicates("estimate", (row.estimate_id for row in estimates))
    _refuse_duplicates("self-check", (row.check_id for row in checks))
    return {
        "schema_version": "1.0",
        "paper": {"id": facts.paper_id, "title": facts.paper_title},
        "mode": facts.mode,
        "level": "replicability",
        "lock": {"sha256": facts.specification_digest, "status": "absent"},
        "run": _run(facts),
        "languages": [_language(row) for row in facts.languages],
        "not_run": [_unfinished(row) for row in facts.not_run],
        "claims": [],
        "measurements": [_measurement(row, unit_values[row.estimate_id]) for row in estimates],
        "self_checks": [_check(row) for row in checks],
        "summary": {
            "counts": dict.fromkeys(VERDICTS, 0),
            "exit_code": exit_code(facts.mode, [row.differs for row in checks]),
        },
    }


def _run(facts: RunFacts) -> Run:
    return {
        "id": facts.run_id,
        "ordinal": facts.ordinal,
        "study": facts.study,
        "profile": facts.profile,
        "environment": dict(facts.environment),
        "artifacts": [_artifact(row) for row in facts.artifacts],
        "sources": [_source(row) for row in facts.sources],
    }


def _artifact(row: ArtifactRecord) -> Artifact:
    return cast("Artifact", asdict(row))


def _source(row: SourceRecord) -> Source:
    return cast("Source", asdict(row))


def _language(row: LanguageFact) -> Language:
    return cast("Language", asdict(row))


def _unfinished(row: NotRun) -> Unfinished:
    return cast("Unfinished", asdict(row))


def _measurement(row: Estimate, num_unit_values: int) -> Measurement:
    return {
        "id": row.estimate_id,
        "quantity": row.quantity,
        "reading": row.reading,
        "specification": row.specification,
        "unit": row.unit,
        "value": _finite(row.value),
        "layer": row.layer,
        "language": row.language,
        "benchmark": row.benchmark,
        "unit_kind": row.unit_kind,
        "num_units": row.num_units,
        "num_seeds": row.num_seeds,
        "num_unit_values": num_unit_values,
    }


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


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _refuse_duplicates(kind: str, ids: Iterable[str]) -> None:
    twice = sorted(name for name, count in Counter(ids).items() if count > 1)
    if twice:
        raise ValueError(
            f"{kind} ids must be unique, but {len(twice)} occur more than once: {', '.join(twice[:5])}; "
            f"the stage that wrote them must give each a name of its own"
        )
