"""A file of measurements made elsewhere: read whole and typed, or one clear error that names the place."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from harness.judge.validate import claim_named
from harness.statistics.stats import mean_spread, standard_deviation
from harness.words.canonical import Json, place_of_surrogate, text_digest
from harness.words.claim import Claim, InferenceTarget, Reading
from harness.words.errors import UsageError, choice_error
from harness.words.estimate import Formula

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError
    from pydantic import TypeAdapter

SCHEMA_FILE = "audit.schema.json"
SCHEMA_VERSION = "1.0"
CURE = "docs/audit.md shows what such a file holds"

MOST_DIGITS = 300
"""Longer integers fit no floating-point number."""


MOST_LISTED = 10
"""So many faults are told at once."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """What a table of numbers does not say of itself: the study that they are about, who measured them, and when."""

    study: str
    declared_by: str
    declared_on: str = ""
    """Day, such as 2026-11-19; empty where nobody says."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one unit contributed under one seed."""

    unit: str
    cluster: str | None = None
    """What it varies together with, such as the subject of a question; None where it varies by itself."""
    seed: int | None = None
    observed: float
    reference: float


@dataclass(frozen=True, kw_only=True)
class PhraseRow:
    """What one phrase contributed to one latent, its seeds averaged."""

    unit: str
    phrase: str
    observed: float
    reference: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """An estimate with the error that somebody computed."""

    estimate: float
    se: float
    df: float | None = None
    units: int = 0
    seeds: int = 0
    one_run_sd: float | None = None


@dataclass(frozen=True, kw_only=True)
class SeedRow:
    """An estimate as one training seed alone gave it."""

    seed: int
    value: float


@dataclass(frozen=True, kw_only=True)
class BySeed:
    """An estimate under each training seed, where the same units were asked every time."""

    seed_values: tuple[SeedRow, ...]
    units: int = 0

    @property
    def summary(self) -> Summary:
        """Their mean, with the error that the spread between seeds gives."""
        values = [row.value for row in self.seed_values]
        spread = mean_spread(np.array(values))
        return Summary(
            estimate=float(np.mean(values)),
            se=spread.se,
            df=spread.df,
            units=self.units,
            seeds=len(values),
            one_run_sd=standard_deviation(values),
        )


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What an estimate is made of."""

    formula: Formula
    unit_values: tuple[Row, ...]
    phrase_values: tuple[PhraseRow, ...] = ()
    """Empty where nobody says which phrases the units share."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One measurement, addressed by claim, reading and estimate."""

    place: str
    """Where it stands in the file, for messages."""
    claim: str
    reading: str | None
    sole_reading: bool = False
    """True where somebody says on purpose that no other reading of the claim was measured."""
    estimate_id: str | None
    unit: str
    measured: Summary | BySeed | Raw


@dataclass(frozen=True, kw_only=True)
class Address:
    """What one measurement is about: a claim, one of its readings, and one estimate that this reading names."""

    claim: Claim
    reading: Reading
    estimate_id: str

    @property
    def form(self) -> dict[str, Json]:
        """As a file names it, with the unit that its numbers stand in."""
        return {
            "claim": self.claim.id,
            "reading": self.reading.name,
            "estimate_id": self.estimate_id,
            "unit": self.claim.unit_of(self.reading),
        }


@dataclass(frozen=True, kw_only=True)
class Declaration(Head):
    """Everything that a file declares."""

    text: str
    """The file itself."""
    entries: tuple[Entry, ...]

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return text_digest(self.text)


def addressed(
    claims: Sequence[Claim],
    *,
    claim: str = "",
    reading: str = "",
    estimate_id: str = "",
    asked: InferenceTarget | None = None,
    place: str,
) -> Address:
    """What a measurement is about, by whatever it names of that: its claim or its estimate at least.

    Args:
        claims: Of the study.
        claim: Id of the claim; left out, the first one that is about the estimate.
        reading: Left out, the first one that is about the estimate, where that is named; else the claim's first.
        estimate_id: May be left out where the reading has one alone.
        asked: Question that the error answers; claims that ask it are looked at first.
        place: Where the measurement stands, for messages.

    Raises:
        UsageError: If there is no such claim, reading or estimate, or one of them has to be named.
    """
    if not claim and not estimate_id:
        raise UsageError(f"{place}: neither claim nor estimate_id is given")
    if not claim:
        if about := address_of(claims, estimate_id, reading, asked):
            return about
        raise UsageError(
            f"{place}: no claim is about the estimate {estimate_id!r}; 'harness explain' knows every estimate that one is about"
        )
    try:
        found = claim_named(claims, claim)
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from error
    if not found.readings:
        raise UsageError(
            f"{place}: claim {found.id} is about no measured quantity, so nothing can be declared for it"
        )
    readings = {each.name: each for each in found.readings}
    holding = (each.name for each in found.readings if estimate_id in each.estimates)
    named = reading or next(holding, found.primary.name)
    if named not in readings:
        raise choice_error("reading", named, tuple(readings), f"(readings of {found.id}, at {place})")
    estimates = readings[named].estimates
    if not estimate_id and len(estimates) > 1:
        raise UsageError(
            f"{place}: claim {found.id} is about {len(estimates)} estimates under reading {named!r}; name one with estimate_id, such "
            f"as {estimates[0]!r}"
        )
    if estimate_id and estimate_id not in estimates:
        where = f"(estimates of {found.id} under reading {named!r}, at {place})"
        raise choice_error("estimate", estimate_id, estimates, where)
    return Address(claim=found, reading=readings[named], estimate_id=estimate_id or estimates[0])


def address_of(
    claims: Sequence[Claim], estimate_id: str, reading: str = "", asked: InferenceTarget | None = None
) -> Address | None:
    """The first claim and reading that are about an estimate, claims that ask a question first; None where none is."""
    for claim in sorted(claims, key=lambda claim: asked not in {None, claim.inference}):
        for each in claim.readings:
            if estimate_id in each.estimates and reading in {"", each.name}:
                return Address(claim=claim, reading=each, estimate_id=estimate_id)
    return None


def content_of(head: Head, measurements: Sequence[dict[str, Json]]) -> dict[str, Json]:
    """What a file under one head holds, as JSON."""
    day: dict[str, Json] = {"declared_on": head.declared_on} if head.declared_on else {}
    return {
        "schema_version": SCHEMA_VERSION,
        "study": head.study,
        "declared_by": head.declared_by,
        **day,
        "measurements": list(measurements),
    }


def schema_text() -> str:
    """The schema as shipped."""
    return resources.files("harness.judge").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


def read_declaration(path: Path) -> Declaration:
    """What a file declares.

    Raises:
        UsageError: If it cannot be read, is no JSON, holds a number or a text that is none, or breaks the schema; names the
            place.
    """
    return declaration_of(text_of(path), path)


def declaration_of(text: str, path: Path, places: Sequence[str] = ()) -> Declaration:
    """What a text in JSON declares.

    Args:
        text: The JSON.
        path: File that it comes from, for messages.
        places: Where each measurement stands in that file; by default its place in the JSON.

    Raises:
        UsageError: As `read_declaration`.
    """
    content = _parsed(text, path)
    if broken := place_of_surrogate(content):
        raise UsageError(f"{path} at {broken}: half of a character (a lone surrogate), expected text; {CURE}")
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, str) and version != SCHEMA_VERSION:
        raise UsageError(
            f"{path}: schema_version {version!r} is not known here; this harness reads {SCHEMA_VERSION!r}; {CURE}"
        )
    faults = sorted(_validator().iter_errors(content), key=lambda fault: (len(fault.path), fault.json_path))
    if faults:
        more = f" (and {len(faults) - 1} more faults)" if len(faults) > 1 else ""
        raise UsageError(f"{path} at {faults[0].json_path}: {_told(faults[0])}{more}; {CURE}")
    assert isinstance(content, dict)
    return Declaration(
        study=str(content["study"]),
        declared_by=str(content["declared_by"]),
        declared_on=_day(content.get("declared_on", ""), path),
        text=text,
        entries=tuple(
            _entry(each, places[number] if places else f"measurements[{number}]", path)
            for number, each in enumerate(content["measurements"])
        ),
    )


def row_faults(content: dict[str, Json], rows: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Every measurement that breaks the schema: the row of a table that it comes from, and how."""
    for fault in _validator().iter_errors(content):
        match list(fault.path):
            case ["measurements", int(number), *inside]:
                yield rows[number], f"line {rows[number]}: {'.'.join(map(str, inside))}: {_told(fault)}"


def listed(faults: Sequence[str], of: int) -> str:
    """One fault as it is; of several each on a line of its own, behind how many entries cannot be used."""
    if len(faults) == 1:
        return faults[0]
    more = [f"and {len(faults) - MOST_LISTED} more"] if len(faults) > MOST_LISTED else []
    return "\n  ".join([f"{len(faults)} of {of} cannot be used, so none is:", *faults[:MOST_LISTED], *more])


def _day(text: str, path: Path) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise UsageError(f"{path} at $.declared_on: there is no day {text!r}; {CURE}") from error


def _told(fault: "ValidationError") -> str:
    if fault.validator == "not":
        return (
            "this cannot stand here: unit_values go with formula and phrase_values, seed_values with units, and everything else is "
            "computed from them"
        )
    return fault.message[:200]


def text_of(path: Path) -> str:
    """A file's text.

    Raises:
        UsageError: If it cannot be read, or is none.
    """
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(
            f"cannot read {path}: {error.strerror}; name a file in JSON or CSV; {CURE}"
        ) from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is no text in UTF-8 (byte {error.start}), so neither JSON nor CSV; {CURE}"
        ) from error


def _parsed(text: str, path: Path) -> Any:  # noqa: ANN401  whatever JSON holds, until the schema has seen it
    def refuse(token: str) -> NoReturn:
        raise UsageError(f"{path} holds {token[:20]}, which is no finite number; {CURE}")

    def number(token: str) -> float:
        value = float(token)
        return value if abs(value) != float("inf") else refuse(token)

    def integer(token: str) -> int:
        return int(token) if len(token) <= MOST_DIGITS else refuse(token)

    def once(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        names = [name for name, _ in pairs]
        if twice := {name for name in names if names.count(name) > 1}:
            raise UsageError(f"{path} says {min(twice)!r} twice in one object; {CURE}")
        return dict(pairs)

    try:
        return json.loads(
            text, parse_constant=refuse, parse_float=number, parse_int=integer, object_pairs_hook=once
        )
    except (ValueError, RecursionError) as error:
        size = "an empty file" if not text.strip() else "cut off or never was JSON"
        raise UsageError(f"{path} is no JSON ({error}): {size}; {CURE}") from error


@cache
def _validator() -> "Draft202012Validator":
    from jsonschema import Draft202012Validator

    schema: dict[str, Any] = json.loads(schema_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def _entry(content: Mapping[str, Any], place: str, path: Path) -> Entry:
    from pydantic import ValidationError

    try:
        form = Raw if "unit_values" in content else BySeed if "seed_values" in content else Summary
        measured = _reader(form).validate_python(content)
    except ValidationError as error:
        # What the schema cannot see: an integer that no integer of ours can hold.
        fault = error.errors()[0]
        field = ".".join(map(str, fault["loc"]))
        raise UsageError(
            f"{path} at $.{place}.{field} is {fault['input']!r}: {fault['msg']}; {CURE}"
        ) from error
    return Entry(
        place=place,
        claim=content["claim"],
        reading=content.get("reading"),
        sole_reading=content.get("sole_reading", False),
        estimate_id=content.get("estimate_id"),
        unit=content["unit"],
        measured=measured,
    )


@cache
def _reader(form: type[Summary | BySeed | Raw]) -> "TypeAdapter[Summary | BySeed | Raw]":
    """Reads one form of a measurement; the schema has seen it before, and the fields of its address are not of it."""
    from pydantic import TypeAdapter

    return TypeAdapter(form)
