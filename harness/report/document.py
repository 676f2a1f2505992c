"""The report as one JSON document: its typed form."""

from typing import NotRequired, TypedDict

from harness.report.claimdocument import JudgedClaim

VERDICTS = ("PASS", "DEVIATION", "INCONCLUSIVE", "CONTESTED", "NOT_RUN", "NOT_TESTABLE", "ERROR")


class Paper(TypedDict):
    """The paper that is replicated."""

    id: str
    title: str


class AmendmentEntry(TypedDict):
    """One change of the pre-registration after it was committed."""

    number: int
    date: str
    because: str
    diff: str
    after_results: bool


class LockEntry(TypedDict):
    """The pre-registration that held when the run was made."""

    sha256: str
    status: str
    commit: str
    date: str
    amendments: list[AmendmentEntry]


class LedgerEntry(TypedDict):
    """One full run under the lock."""

    ordinal: int
    run_id: str
    date: str
    outcome: str
    exit_code: int | None


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


class StoppedEntry(TypedDict):
    """One adapter that could not be trained: the step that could not be taken, and the value that is no number."""

    adapter: str
    is_control: bool
    """True of a control, on which no claim rests: it makes no run a malfunction."""
    language: str
    seed: int
    step: int
    what: str
    value: str


class Run(TypedDict):
    """The run itself."""

    id: str
    ordinal: int
    runs_under_lock: int
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
    formula: str
    """How stored unit values become the number."""
    unit: str
    value: float | None
    layer: int | None
    language: str | None
    benchmark: str | None
    unit_kind: str
    num_units: int
    num_seeds: int
    num_unit_values: int
    precision: NotRequired["PrecisionEntry"]
    points: NotRequired[list["Point"]]
    """Both sides of a correlation, unit by unit."""


class SeedEntry(TypedDict):
    """What one training seed gives by itself."""

    seed: int
    value: float
    before: float | None
    after: float | None


class PrecisionEntry(TypedDict):
    """How sure one number is."""

    se: float | None
    df: float | None
    ci90: list[float] | None
    ci95: list[float] | None
    seeds: list[SeedEntry]


class Point(TypedDict):
    """One unit of a correlation."""

    unit: str
    x: float
    y: float


class Check(TypedDict):
    """One known number of the instrument, recomputed; `measured` is None when it is not finite."""

    id: str
    says: str
    expected: float
    measured: float | None
    tolerance: float
    because: str
    differs: bool


class SelfCheckStudy(TypedDict):
    """A study whose claims check the judge; each states the verdict that is expected of it."""

    study: str
    claims: list[JudgedClaim]


class DepartureEntry(TypedDict):
    """One way in which the run was not what the protocol asked for."""

    date: str
    what: str
    because: str


class ProspectEntry(TypedDict):
    """Whether a claim could be decided at the size of this run."""

    claim_id: str
    units_needed: int | None
    units_planned: int
    decidable: bool
    is_foreseen: bool
    says: str


class ChoiceEntry(TypedDict):
    """One thing that the paper leaves open."""

    name: str
    alternatives: list[str]
    openness: str
    says: str


class UnscoredEntry(TypedDict):
    """A translator for which the parallel text could not be had."""

    language: str
    why: str


class CoverageEntry(TypedDict):
    """What phrase selection found in one layer: rows read, rows dropped by reason, and latents step by step."""

    layer: int
    rows_read: int
    rows_peaked_on_bos: int
    rows_across_documents: int
    rows_unreadable: int
    rows_peaked_on_blank: int
    rows_not_english: int
    rows_below_maximum: int
    rows_duplicate: int
    latents_listed: int
    latents_without_rows: int
    latents_seen: int
    latents_eligible: int
    latents_drawn: int


class OverlapEntry(TypedDict):
    """How many of one benchmark's questions a language shares with all others."""

    benchmark: str
    language: str
    asked: int
    shared: int


class UnusableEntry(TypedDict):
    """A published model that cannot be put onto the base model."""

    language: str
    name: str
    why: str


class BaselineEntry(TypedDict):
    """The baseline gate in one cell under one metric; scores in percent of the questions."""

    benchmark: str
    language: str
    metric: str
    ours: float | None
    theirs: float | None
    items: int | None
    item_agreement: float | None
    outcome: str
    says: str


class Summary(TypedDict):
    """The outcome in numbers."""

    counts: dict[str, int]
    """Claims by state; those about the paper's own arithmetic are not among them."""
    non_discriminating: int
    """PASS that agrees with no effect as well."""
    fail_on: str
    exit_code: int


class Report(TypedDict):
    """Everything that the pages show; `report.schema.json` says the same in full."""

    schema_version: str
    paper: Paper
    mode: str
    level: str
    lock: LockEntry
    run: Run
    languages: list[Language]
    not_run: list[Unfinished]
    stopped: NotRequired[list[StoppedEntry]]
    """Adapters that could not be trained; nothing that needs them was measured."""
    unscored: NotRequired[list[UnscoredEntry]]
    """Translators that could not be held against people, and why; no claim rests on it."""
    judged: bool
    """Whether a judge was asked; where not, there are no claims."""
    claims: list[JudgedClaim]
    self_check_study: SelfCheckStudy | None
    measurements: list[Measurement]
    self_checks: list[Check]
    choices: list[ChoiceEntry]
    departures: list[DepartureEntry]
    ledger: list[LedgerEntry]
    prospects: list[ProspectEntry]
    unusable: NotRequired[list[UnusableEntry]]
    """Published models that cannot be used, and why; no claim rests on them."""
    coverage: NotRequired[list[CoverageEntry]]
    """What the phrases cover of each layer; left out where no artifact says so."""
    overlaps: NotRequired[list[OverlapEntry]]
    """Benchmarks whose questions are not the same in every language; left out where all are."""
    baselines: NotRequired[list[BaselineEntry]]
    """The baseline gate; left out where it was not asked."""
    summary: Summary
