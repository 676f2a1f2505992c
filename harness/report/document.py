"""The report as one document: typed records of which `report.json` is the JSON, and its schema the contract."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cache, cached_property
from importlib import resources
from typing import TYPE_CHECKING, Any, cast

from harness.words.claim import Kind, Reading, Rule, Sentence, Source, SourceTier, Tier, Unit
from harness.words.errors import FailOn
from harness.words.estimate import ItemOverlap
from harness.words.judgement import (
    BaselineCheck,
    Choice,
    Grade,
    LedgerLine,
    Lock,
    Multiverse,
    Precision,
    Prospect,
    SeedValue,
)
from harness.words.records import Coverage, UnscoredTranslator, UnusableModel
from harness.words.runfacts import Declared, LanguageFact, NotRun, Paper, RunRecord
from harness.words.verdict import CaseVerdict, Closeness, Finding, Flag, Numbers, State, Why

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from pydantic import TypeAdapter

SCHEMA_VERSION = "1.1"
SCHEMA_FILE = "report.schema.json"
EVIDENT_MODES = frozenset({"full", "audit"})
"""Modes in which claims of the paper are judged."""
Allows = Callable[[Any], bool]
"""Whether a value is allowed."""
LEFT_OUT = frozenset(
    {
        "stopped", "unscored", "unusable", "coverage", "overlaps", "baselines", "precision", "points", "expected", "differs", "place", "rivals",
        "settings", "multiverse", "explored", "sign_test", "hole", "axes", "reported_by_summary", "declared", "cited", "interval_se", "resized",
    }
)  # fmt: skip
"""Fields that JSON does not hold where there is nothing in them."""


@dataclass(frozen=True, kw_only=True)
class StoppedAdapter:
    """One adapter that could not be trained: the step that could not be taken, and the value that is no number."""

    adapter: str
    is_control: bool
    """True of a control, on which no claim rests: it makes no run a malfunction."""
    language: str
    seed: int
    step: int
    what: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Point:
    """One unit of a correlation."""

    unit: str
    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One measured quantity; `value` is None when it is not finite."""

    id: str
    quantity: str
    reading: str
    specification: str
    formula: str
    """How stored unit values become the number."""
    unit: str
    value: float | None
    axes: Mapping[str, str] = field(default_factory=dict)
    """Where it stands on axes that its design names, such as a model's size; empty where that names none."""
    layer: int | None
    language: str | None
    benchmark: str | None
    unit_kind: str
    num_units: int
    num_seeds: int
    num_unit_values: int
    precision: Precision | None = None
    points: tuple[Point, ...] = ()
    """Both sides of a correlation, unit by unit."""

    @property
    def seeds(self) -> tuple[SeedValue, ...]:
        """What single training seeds give; empty where they are not known."""
        return self.precision.seeds if self.precision else ()

    @property
    def series(self) -> tuple[str, str]:
        """Reading and specification: how the number is meant."""
        return (self.reading, self.specification)


@dataclass(frozen=True, kw_only=True)
class Rival:
    """What remains of an effect without one of its rival explanations, over the layers at which both were measured."""

    rival: str
    """Reading of what remains."""
    name: str
    without: str
    """How it was taken away, as a sentence begins."""
    layers: int
    whole: float
    """Mean over layers of the effect, in its unit."""
    remaining: float
    """Mean over layers of what remains."""
    above: int
    """Layers at which the 90 % interval of what remains lies above zero."""
    below: int
    """Layers at which it lies below zero."""


@dataclass(frozen=True, kw_only=True)
class KnownNumber:
    """One known number of the instrument, recomputed; `measured` is None when it is not finite."""

    id: str
    says: str
    expected: float
    measured: float | None
    tolerance: float
    because: str
    differs: bool


@dataclass(frozen=True, kw_only=True)
class PrintedTarget:
    """One number that a claim is held against."""

    printed: str
    stands_for: str
    """The printed word where the number is ours; empty where the number is printed."""
    value: float
    half_width: float
    source: str
    source_tier: SourceTier
    reading: str


@dataclass(frozen=True, kw_only=True)
class DecisionRule:
    """What decides a claim, fixed beforehand."""

    name: Rule
    alpha: float
    margin: float | None
    margin_because: str
    null: float | None
    sign: int
    named: tuple[str, ...]
    inference: str
    min_units: int
    min_seeds: int


@dataclass(frozen=True, kw_only=True)
class JudgedClaim:
    """One claim with everything that decided it."""

    id: str
    text: str
    kind: Kind
    tier: Tier
    unit: Unit
    inventory: tuple[str, ...]
    conflicts: tuple[str, ...]
    sentence: Sentence
    readings: tuple[Reading, ...]
    targets: tuple[PrintedTarget, ...]
    discrepancies: tuple[PrintedTarget, ...]
    arithmetic: tuple[tuple[str, str], ...]
    """What each printed number is, and how it is printed; empty for claims that are measured."""
    paper_units: int | None
    rule: DecisionRule
    beside: str
    selected: bool
    state: State | Finding = field(metadata={"alias": "verdict"})
    why: Why = field(metadata={"alias": "reason"})
    flags: tuple[Flag, ...]
    says: str
    numbers: Numbers | None = field(metadata={"alias": "measured"})
    closeness: Closeness | None
    cases: tuple[CaseVerdict, ...]
    reported_by_summary: str = ""
    """What of it only a summary reports: "all of it", or a part such as "layer 6"; empty where nothing."""
    expected: State | Finding | None = None
    """What a self-check must come out with; None of a claim of the paper."""
    differs: bool | None = None
    multiverse: Multiverse | None = None
    """What becomes of it under other specifications; None where none was computed, or it is not about one estimate."""

    @property
    def grade(self) -> Grade | None:
        """How far its verdict depends on open choices; None of what no measurement decides."""
        if self.kind in {Kind.ARITHMETIC, Kind.QUALITATIVE}:
            return None
        return self.multiverse.grade if self.multiverse else Grade.NOT_ASSESSED

    @property
    def source_names(self) -> tuple[str, ...]:
        """Every source that it names, once."""
        numbers = (target.source for target in (*self.targets, *self.discrepancies))
        readers = (name for reading in self.readings for name in reading.supported_by)
        return tuple(dict.fromkeys((self.sentence.source, *numbers, *readers)))

    @property
    def judged_by(self) -> tuple[object, ...]:
        """What decides it: verdicts under other rules cannot be compared alone."""
        return (self.kind, self.tier, self.rule, self.targets, self.readings)


@dataclass(frozen=True, kw_only=True)
class SelfCheckStudy:
    """A study whose claims check the judge; each states the verdict that is expected of it."""

    study: str
    claims: tuple[JudgedClaim, ...]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The outcome in numbers."""

    counts: Mapping[State, int]
    """Claims by state; those about printed numbers alone are not among them."""
    non_discriminating: int
    """PASS that agrees with no effect as well."""
    fail_on: FailOn
    exit_code: int
    reported_by_summary: Mapping[State, int] = field(default_factory=dict)
    """Those of the counted claims that a summary alone reports, in whole or in part."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that the pages show."""

    schema_version: str = SCHEMA_VERSION
    paper: Paper
    mode: str
    level: str = "replicability"
    lock: Lock
    run: RunRecord
    languages: tuple[LanguageFact, ...]
    not_run: tuple[NotRun, ...]
    judged: bool
    """Whether a judge was asked; where not, there are no claims."""
    claims: tuple[JudgedClaim, ...]
    self_check_study: SelfCheckStudy | None
    measurements: tuple[Measurement, ...]
    rivals: tuple[Rival, ...] = ()
    """Rival explanations of what the study is about; empty where its design knows none, or none was measured."""
    self_checks: tuple[KnownNumber, ...]
    choices: tuple[Choice, ...]
    departures: tuple[()] = ()
    """The schema asks for ways in which the run was not what the protocol asked for; none has ever been recorded."""
    ledger: tuple[LedgerLine, ...]
    prospects: tuple[Prospect, ...]
    summary: Summary
    stopped: tuple[StoppedAdapter, ...] = ()
    """Adapters that could not be trained; nothing that needs them was measured."""
    unscored: tuple[UnscoredTranslator, ...] = ()
    """Translators that could not be held against people, and why; no claim rests on it."""
    unusable: tuple[UnusableModel, ...] = ()
    """Published models that cannot be used, and why; no claim rests on them."""
    coverage: tuple[Coverage, ...] = ()
    """What the phrases cover of each layer; empty where no artifact says so."""
    overlaps: tuple[ItemOverlap, ...] = ()
    """Benchmarks whose questions are not the same in every language; empty where all are."""
    baselines: tuple[BaselineCheck, ...] = ()
    """The baseline gate; empty where it was not asked."""
    declared: Declared | None = None
    """Who handed the numbers in; None where they were measured here."""
    cited: tuple[Source, ...] = ()
    """The texts that the paper's claims are taken from."""

    @property
    def is_evident(self) -> bool:
        """Whether verdicts on the paper stand in it."""
        return self.judged and self.mode in EVIDENT_MODES and not self.not_run

    @cached_property
    def measured_claims(self) -> list[JudgedClaim]:
        """The paper's claims but for those about printed numbers alone."""
        return [claim for claim in self.claims if claim.kind is not Kind.ARITHMETIC]

    @cached_property
    def arithmetic_claims(self) -> list[JudgedClaim]:
        """The claims about printed numbers alone."""
        return [claim for claim in self.claims if claim.kind is Kind.ARITHMETIC]

    @property
    def checking_claims(self) -> tuple[JudgedClaim, ...]:
        """The claims that check the judge."""
        return self.self_check_study.claims if self.self_check_study else ()

    @property
    def num_self_checks(self) -> int:
        """Known numbers, and claims that check the judge."""
        return len(self.self_checks) + len(self.checking_claims)

    @cached_property
    def num_differing(self) -> int:
        """How many of them came out different."""
        known = sum(check.differs for check in self.self_checks)
        return known + sum(bool(claim.differs) for claim in self.checking_claims)

    @cached_property
    def broken_adapters(self) -> list[str]:
        """The adapters that could not be trained and are no controls: a run without them is a malfunction."""
        return [entry.adapter for entry in self.stopped if not entry.is_control]


def as_json(report: Report) -> dict[str, Any]:
    """The document as `report.json` holds it; a field with nothing in it that JSON may do without is left out."""
    return cast("dict[str, Any]", _jsonable(report))


def _jsonable(value: object) -> object:
    if isinstance(value, tuple | list):
        return [_jsonable(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _jsonable(each) for name, each in value.items()}
    if not is_dataclass(value):
        return value
    held = {each.metadata.get("alias", each.name): getattr(value, each.name) for each in fields(value)}
    return {
        name: _jsonable(each)
        for name, each in held.items()
        if name not in LEFT_OUT or each not in (None, (), "", {})
    }


def from_json(content: object, name: str) -> Report:
    """Parsed JSON as the document, once the schema holds.

    Args:
        content: Parsed JSON.
        name: What to call it in messages.

    Raises:
        ValueError: If the schema does not hold, or a word is unknown; the message names the first places where it breaks.
    """
    # Saying where a schema breaks takes several times as long as seeing that it holds.
    is_allowed = _allowed()(content)
    faults = [] if is_allowed else sorted(_validator().iter_errors(content), key=lambda each: each.json_path)
    if faults:
        places = "; ".join(f"at {fault.json_path}: {fault.message[:200]}" for fault in faults[:3])
        raise ValueError(
            f"{name} is not a report that {SCHEMA_FILE} allows ({len(faults)} faults): {places}; "
            f"write it again with the harness instead of by hand"
        )
    try:
        return _reader().validate_python(content)
    except ValueError as error:
        raise ValueError(
            f"{name} keeps to {SCHEMA_FILE}, but says what this harness has no word for ({error}); render it with the harness "
            f"that wrote it"
        ) from error


def schema_text() -> str:
    """The schema as shipped."""
    return resources.files("harness.report").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    schema = json.loads(schema_text())
    return Draft202012Validator(_without_references(schema, schema["$defs"]))


def _without_references(node: Any, known: Mapping[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    """The schema with what is meant in the place of each reference: looking one up takes longer than most checks."""
    if isinstance(node, list):
        return [_without_references(each, known) for each in node]
    if not isinstance(node, dict):
        return node
    rest = {
        key: _without_references(each, known) for key, each in node.items() if key not in {"$ref", "$defs"}
    }
    if "$ref" not in node:
        return rest
    meant = _without_references(known[node["$ref"].removeprefix("#/$defs/")], known)
    return {**rest, "allOf": [*rest.get("allOf", ()), meant]} if rest else meant


@cache
def _allowed() -> Allows:
    validator = _validator()
    return allows(validator, validator.schema)


def allows(validator: "Draft202012Validator", schema: Any) -> Allows:  # noqa: ANN401 - any part of a schema
    """Whether a part of a schema without references holds, as a function: no word of it is looked up again for every value.

    Words that it has no quicker way for are left to the library.
    """
    if isinstance(schema, bool):
        return lambda _: schema
    checks = [_allows_word(validator, schema, word) for word in schema if word in validator.VALIDATORS]
    return checks[0] if len(checks) == 1 else lambda value: all(check(value) for check in checks)


def _allows_word(  # noqa: C901, PLR0911  one way a word
    validator: "Draft202012Validator", schema: Mapping[str, Any], word: str
) -> Allows:
    """Whether one word of a schema holds; words that speak of one type allow every value of another."""
    asked = schema[word]

    def inside(part: Any) -> Allows:  # noqa: ANN401 - any part of a schema
        return allows(validator, part)

    match word:
        case "type":
            types, is_type = ([asked] if isinstance(asked, str) else asked), validator.TYPE_CHECKER.is_type
            return lambda value: any(is_type(value, each) for each in types)
        case "enum" if all(isinstance(each, str) for each in asked):
            return lambda value: isinstance(value, str) and value in asked
        case "properties":
            parts = {name: inside(part) for name, part in asked.items()}
            return lambda value: (
                not isinstance(value, dict)
                or all(part(value[name]) for name, part in parts.items() if name in value)
            )
        case "required":
            return lambda value: not isinstance(value, dict) or all(name in value for name in asked)
        case "additionalProperties" if asked is False and "patternProperties" not in schema:
            known = schema.get("properties", {}).keys()
            return lambda value: not isinstance(value, dict) or value.keys() <= known
        case "items":
            part, skipped = inside(asked), len(schema.get("prefixItems", ()))
            return lambda value: not isinstance(value, list) or all(map(part, value[skipped:]))
        case "prefixItems":
            firsts = list(map(inside, asked))
            return lambda value: (
                not isinstance(value, list)
                or all(part(each) for part, each in zip(firsts, value, strict=False))
            )
        case "allOf":
            every = list(map(inside, asked))
            return lambda value: all(part(value) for part in every)
        case "oneOf":
            some = list(map(inside, asked))
            return lambda value: sum(part(value) for part in some) == 1
        case "if":
            condition, then, otherwise = (
                inside(asked),
                *(inside(schema.get(each, True)) for each in ("then", "else")),
            )
            return lambda value: then(value) if condition(value) else otherwise(value)
        case _:
            by_library = validator.VALIDATORS[word]
            return lambda value: not any(by_library(validator, asked, value, schema) or ())


@cache
def _reader() -> "TypeAdapter[Report]":
    from pydantic import TypeAdapter

    return TypeAdapter(Report)
