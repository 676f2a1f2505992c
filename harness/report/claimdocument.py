"""The typed form of one judged claim, as `report.json` holds it."""

from typing import NotRequired, TypedDict


class PrintedTarget(TypedDict):
    """One number that the claim is held against."""

    printed: str
    stands_for: str
    """The printed word where the number is ours; empty where the number is printed."""
    value: float
    half_width: float
    source: str
    source_tier: str
    reading: str


class ClaimReading(TypedDict):
    """One thing that the sentence may mean."""

    name: str
    says: str
    supported_by: list[str]
    estimates: list[str]
    unit: str | None
    margin: float | None
    margin_because: str


class Place(TypedDict):
    """Where a source says it."""

    source: str
    tier: str
    where: str
    quote: str
    sense: str


class DecisionRule(TypedDict):
    """What decides the claim, fixed beforehand."""

    name: str
    alpha: float
    margin: float | None
    margin_because: str
    null: float | None
    sign: int
    named: list[str]
    inference: str
    min_units: int
    min_seeds: int


class MeasuredNumbers(TypedDict):
    """What a verdict rests on."""

    estimate: float
    se: float | None
    df: float | None
    ci90: list[float] | None
    ci95: list[float] | None
    pi95: list[float] | None
    one_run_sd: float | None
    num_units: int | None
    num_seeds: int | None
    method: str
    p_equiv: float | None
    p_dev: float | None
    p_dev_holm: float | None


class HowNear(TypedDict):
    """How near a measurement came."""

    difference: float
    margins: float | None
    ratio: float | None


class OneOfSeveral(TypedDict):
    """One of several quantities that a claim is about."""

    estimate_id: str
    estimate: float | None
    se: float | None
    lower: float | None
    upper: float | None


class Case(TypedDict):
    """One target of a claim under one reading, judged."""

    reading: str
    unit: str
    printed: str
    stands_for: str
    source: str
    source_tier: str
    verdict: str
    reason: str
    flags: list[str]
    band: list[float] | None
    measured: MeasuredNumbers | None
    closeness: HowNear | None
    members: list[OneOfSeveral]
    notes: list[str]
    says: str


class JudgedClaim(TypedDict):
    """One claim with everything that decided it."""

    id: str
    text: str
    kind: str
    tier: str
    unit: str
    inventory: list[str]
    conflicts: list[str]
    sentence: Place
    readings: list[ClaimReading]
    targets: list[PrintedTarget]
    discrepancies: list[PrintedTarget]
    arithmetic: list[list[str]]
    """What each printed number is, and how it is printed; empty for claims that are measured."""
    paper_units: int | None
    rule: DecisionRule
    beside: str
    selected: bool
    verdict: str
    reason: str
    flags: list[str]
    says: str
    measured: MeasuredNumbers | None
    closeness: HowNear | None
    cases: list[Case]
    expected: NotRequired[str]
    """The state that a self-check must come out with."""
    differs: NotRequired[bool]
