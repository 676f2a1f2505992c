"""From a claim and its verdict to the form in which `report.json` holds both."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from operator import itemgetter
from typing import cast

from harness.report.claimdocument import (
    Case,
    ClaimReading,
    DecisionRule,
    HowNear,
    JudgedClaim,
    MeasuredNumbers,
    OneOfSeveral,
    Place,
    PrintedTarget,
)
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
        "unit": str(reading.unit) if reading.unit else None,
        "margin": reading.margin,
        "margin_because": reading.margin_because,
    }


def _target(target: Target) -> PrintedTarget:
    return {
        "printed": target.printed.text,
        "stands_for": target.stands_for,
        "value": target.value,
        "half_width": target.rounding,
        "source": target.source,
        "source_tier": str(target.tier),
        "reading": target.reading,
    }


def _case(case: CaseVerdict) -> Case:
    return {
        "reading": case.reading,
        "unit": case.unit,
        "printed": case.printed,
        "stands_for": case.stands_for,
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


def _count_words(item_counts: Sequence[tuple[int, str]]) -> Iterator[str]:
    """Numbers of items with the set that has so many; neighbours of one set as a range."""
    for of, counts in groupby(sorted(item_counts, key=itemgetter(1)), key=itemgetter(1)):
        numbers = sorted(count for count, _ in counts)
        runs = groupby(enumerate(numbers), key=lambda place: place[1] - place[0])
        ranges = ([number for _, number in run] for _, run in runs)
        yield f"{', '.join(_range_words(run) for run in ranges)} ({of})"


def _range_words(run: Sequence[int]) -> str:
    return f"{run[0]:,}" if len(run) == 1 else f"{run[0]:,} to {run[-1]:,}"


def _printed_numbers(payload: Arithmetic | None) -> Iterator[tuple[str, str]]:
    """What a claim about the paper's own arithmetic compares."""
    if isinstance(payload, Granularity):
        yield "difference", payload.printed.text
        yield from (("items", words) for words in _count_words(payload.item_counts))
    elif isinstance(payload, TwoPrintings):
        yield from ((who, printed.text) for who, printed in payload.printed)
    elif isinstance(payload, GainAgainstGap):
        yield "gain", payload.gain.text
        yield from (("gap", gap.text) for gap in payload.gaps)
    elif payload is not None:
        yield "word", payload.word
        yield from ((what, printed.text) for what, printed in payload.numbers)
