"""A file of measurements made elsewhere, read whole and typed, or refused with one clear error."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from harness.words.canonical import Json, place_of_surrogate, text_digest
from harness.words.errors import UsageError

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError

SCHEMA_FILE = "audit.schema.json"
SCHEMA_VERSION = "1.0"
CURE = "docs/audit.md shows what such a file holds"

MOST_DIGITS = 300
"""Longer integers fit no floating-point number."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one unit contributed under one seed."""

    unit: str
    seed: int | None
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
    df: float | None
    units: int
    seeds: int
    one_run_sd: float | None


@dataclass(frozen=True, kw_only=True)
class Raw:
    """What an estimate is made of."""

    formula: str
    rows: tuple[Row, ...]
    phrases: tuple[PhraseRow, ...] = ()
    """Empty where nobody says which phrases the units share."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One measurement, addressed by claim, reading and estimate."""

    place: str
    """Where it stands in the file, for messages."""
    claim: str
    reading: str | None
    estimate_id: str | None
    unit: str
    measured: Summary | Raw


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that a file declares."""

    study: str
    declared_by: str
    text: str
    """The file itself."""
    entries: tuple[Entry, ...]

    @property
    def sha256(self) -> str:
        """Digest of the file."""
        return text_digest(self.text)


def schema_text() -> str:
    """The schema as shipped."""
    return resources.files("harness.judge").joinpath(SCHEMA_FILE).read_text(encoding="utf-8")


def read_declaration(path: Path) -> Declaration:
    """What a file declares.

    Raises:
        UsageError: If it cannot be read, is no JSON, holds a number or a text that is none, or breaks the schema; names the
            place.
    """
    text = _text(path)
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
        text=text,
        entries=tuple(
            _entry(each, f"measurements[{place}]") for place, each in enumerate(content["measurements"])
        ),
    )


def _told(fault: "ValidationError") -> str:
    if fault.validator == "not":
        return "this cannot stand here: unit_values go with formula and phrase_values, and everything else is computed from them"
    return fault.message[:200]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}; name a JSON file; {CURE}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no text in UTF-8 (byte {error.start}), so no JSON; {CURE}") from error


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


def _entry(content: Mapping[str, Any], place: str) -> Entry:
    return Entry(
        place=place,
        claim=content["claim"],
        reading=content.get("reading"),
        estimate_id=content.get("estimate_id"),
        unit=content["unit"],
        measured=_raw(content) if "unit_values" in content else _summary(content),
    )


def _summary(content: Mapping[str, Any]) -> Summary:
    df, one_run_sd = content.get("df"), content.get("one_run_sd")
    return Summary(
        estimate=float(content["estimate"]),
        se=float(content["se"]),
        df=None if df is None else float(df),
        units=int(content.get("units", 0)),
        seeds=int(content.get("seeds", 0)),
        one_run_sd=None if one_run_sd is None else float(one_run_sd),
    )


def _raw(content: Mapping[str, Any]) -> Raw:
    rows = tuple(
        Row(
            unit=row["unit"],
            seed=None if row.get("seed") is None else int(row["seed"]),
            observed=float(row["observed"]),
            reference=float(row["reference"]),
        )
        for row in content["unit_values"]
    )
    phrases = tuple(
        PhraseRow(
            unit=row["unit"],
            phrase=row["phrase"],
            observed=float(row["observed"]),
            reference=float(row["reference"]),
        )
        for row in content.get("phrase_values", ())
    )
    return Raw(formula=content["formula"], rows=rows, phrases=phrases)
