"""One judged claim as `report.json` holds it: its typed form, and the way to it from a claim and its verdict."""

import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import NotRequired, TypedDict, cast

from harness.words.claim import (
    Arithmetic,
    Claim,
    GainAgainstGap,
    Granularity,
    Reading,
    Target,
    TwoPrintings,
)
from harness.words.judgement import Judged
from harness.words.verdict import CaseVerdict, Closeness, Member, Numbers, Verdict, Why

WORDLESS = (Why.EXPLORATORY, Why.SUBSET)
"""Reasons for which no case of a claim may read PASS or DEVIATION either."""


class PrintedTarget(TypedDict):
    """One printed number."""

    printed: str
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
    printed: str
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


def claim_forms(judged: Judged, alpha: float, deselected: tuple[str, ...]) -> list[JudgedClaim]:
    """Every claim of a study with its verdict, in the study's order."""
    return [
        claim_form(claim, verdict, alpha, selected=claim.id not in deselected)
        for claim, verdict in zip(judged.claims, judged.verdicts, strict=True)
    ]


def self_check_forms(judged: Judged, alpha: float) -> list[JudgedClaim]:
    """The same for a study that checks the judge: each with the state that is expected of it."""
    forms = claim_forms(judged, alpha, ())
    for form, claim in zip(forms, judged.claims, strict=True):
        form["expected"] = claim.expected
        form["differs"] = form["verdict"] != claim.expected
    return forms


def claim_form(claim: Claim, verdict: Verdict, alpha: float, *, selected: bool = True) -> JudgedClaim:
    """One claim with its verdict."""
    cases = [_case(_held(case, verdict)) for case in verdict.cases]
    first = cases[0] if cases else None
    return {
        "id": claim.id,
        "text": claim.says,
        "kind": str(claim.kind),
        "tier": str(claim.tier),
        "unit": str(claim.unit),
        "inventory": list(claim.inventory),
        "conflicts": list(claim.conflicts),
        "sentence": cast("Place", {**asdict(claim.sentence), "tier": str(claim.sentence.tier)}),
        "readings": [_reading(reading) for reading in claim.readings],
        "targets": [_target(target) for target in claim.targets],
        "discrepancies": [_target(target) for target in claim.discrepancies],
        "arithmetic": [list(pair) for pair in _printed_numbers(claim.arithmetic)],
        "paper_units": claim.paper_units,
        "rule": _rule(claim, alpha),
        "beside": claim.beside,
        "selected": selected,
        "verdict": str(verdict.state),
        "reason": str(verdict.why),
        "flags": [str(flag) for flag in verdict.flags],
        "says": verdict.says,
        "measured": first["measured"] if first else None,
        "closeness": first["closeness"] if first else None,
        "cases": cases,
    }


def _rule(claim: Claim, alpha: float) -> DecisionRule:
    return {
        "name": str(claim.rule),
        "alpha": alpha,
        "margin": claim.margin,
        "margin_because": claim.margin_because,
        "null": claim.null,
        "sign": claim.sign,
        "named": list(claim.named),
        "inference": str(claim.inference),
        "min_units": claim.minima.units,
        "min_seeds": claim.minima.seeds,
    }


def _reading(reading: Reading) -> ClaimReading:
    return {
        "name": reading.name,
        "says": reading.says,
        "supported_by": list(reading.supported_by),
        "estimates": list(reading.estimates),
    }


def _target(target: Target) -> PrintedTarget:
    return {
        "printed": target.printed.text,
        "value": target.value,
        "half_width": target.rounding,
        "source": target.source,
        "source_tier": str(target.tier),
        "reading": target.reading,
    }


def _case(case: CaseVerdict) -> Case:
    return {
        "reading": case.reading,
        "printed": case.printed,
        "source": case.source,
        "source_tier": str(case.source_tier),
        "verdict": str(case.state),
        "reason": str(case.why),
        "flags": [str(flag) for flag in case.flags],
        "band": list(case.band) if case.band else None,
        "measured": _numbers(case.numbers),
        "closeness": _closeness(case.closeness),
        "members": [_member(member) for member in case.members],
        "notes": list(case.notes),
        "says": case.says,
    }


def _held(case: CaseVerdict, verdict: Verdict) -> CaseVerdict:
    """A case without a word of its own where the claim may have none: exploratory, or judged on a part of the items."""
    if verdict.why not in WORDLESS:
        return case
    return replace(case, state=verdict.state, why=verdict.why, says=verdict.says)


def _numbers(numbers: Numbers | None) -> MeasuredNumbers | None:
    if numbers is None or not math.isfinite(numbers.estimate):
        return None
    return cast("MeasuredNumbers", _finite(numbers))


def _closeness(closeness: Closeness | None) -> HowNear | None:
    return cast("HowNear", _finite(closeness)) if closeness and math.isfinite(closeness.difference) else None


def _member(member: Member) -> OneOfSeveral:
    return cast("OneOfSeveral", _finite(member))


def _finite(row: Numbers | Closeness | Member) -> dict[str, object]:
    """The row with None in place of whatever JSON cannot hold: infinite limits, numbers that are none."""
    return {name: _storable(value) for name, value in asdict(row).items()}


def _storable(value: object) -> object:
    if isinstance(value, tuple):
        return list(value) if all(map(math.isfinite, value)) else None
    return value if not isinstance(value, float) or math.isfinite(value) else None


def _printed_numbers(payload: Arithmetic | None) -> Iterator[tuple[str, str]]:
    """What a claim about the paper's own arithmetic compares."""
    if isinstance(payload, Granularity):
        yield "difference", payload.printed.text
        yield from (("items", f"{items:,} ({of})") for items, of in payload.item_counts)
    elif isinstance(payload, TwoPrintings):
        yield from ((who, printed.text) for who, printed in payload.printed)
    elif isinstance(payload, GainAgainstGap):
        yield "gain", payload.gain.text
        yield from (("gap", gap.text) for gap in payload.gaps)
    elif payload is not None:
        yield "word", payload.word
        yield from ((what, printed.text) for what, printed in payload.numbers)
