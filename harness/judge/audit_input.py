"""A file of measurements made elsewhere: read whole and typed, each found its claim, reading and estimate, or one clear error."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from harness.designs.estimand import Estimand
from harness.judge.measurements import Measurement, Measurements, Quantity, measurements_of
from harness.judge.quantities import estimate_scopes
from harness.judge.resampled import RATIOS, recomputed
from harness.judge.unit_values import UnitRows, stored_in_memory
from harness.judge.validate import claim_named
from harness.statistics.stats import Spread
from harness.words.canonical import Json, place_of_surrogate, text_digest
from harness.words.claim import Claim, Kind, Reading
from harness.words.errors import UsageError, choice_error
from harness.words.estimate import Estimate, Formula, PhraseValue, UnitValue
from harness.words.study import Study

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator, ValidationError
    from pydantic import TypeAdapter

SCHEMA_FILE = "audit.schema.json"
SCHEMA_VERSION = "1.0"
CURE = "docs/audit.md shows what such a file holds"

MOST_DIGITS = 300
"""Longer integers fit no floating-point number."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one unit contributed under one seed."""

    unit: str
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
    estimate_id: str | None
    unit: str
    measured: Summary | Raw


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """Everything that a file declares."""

    study: str
    declared_by: str
    declared_on: str = ""
    """Day, such as 2026-11-19; empty where the file does not say."""
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
        declared_on=_day(content.get("declared_on", ""), path),
        text=text,
        entries=tuple(
            _entry(each, f"measurements[{place}]", path) for place, each in enumerate(content["measurements"])
        ),
    )


def _day(text: str, path: Path) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise UsageError(f"{path} at $.declared_on: there is no day {text!r}; {CURE}") from error


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


def _entry(content: Mapping[str, Any], place: str, path: Path) -> Entry:
    from pydantic import ValidationError

    try:
        measured = _reader(Raw if "unit_values" in content else Summary).validate_python(content)
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
        estimate_id=content.get("estimate_id"),
        unit=content["unit"],
        measured=measured,
    )


@cache
def _reader(form: type[Summary | Raw]) -> "TypeAdapter[Summary | Raw]":
    """Reads one form of a measurement; the schema has seen it before, and the fields of its address are not of it."""
    from pydantic import TypeAdapter

    return TypeAdapter(form)


LEAST_CORRELATED = 4
"""Fewer units have no interval on Fisher's scale."""

PHRASED = "latent"
"""The units that phrases stand behind."""

MEANS_WITHIN = 1e-4
"""Relative difference that rounding may leave between a latent and the mean of its phrases."""

UNSAID_SHARING = (
    "Nobody declared which phrases stand behind these latents, so they count as independent. Latents that share phrases vary "
    "together: in simulations of 80 of them, error rates of 5 % were 7 to 34 %."
)
"""What is said beside a claim on latents that came without their phrases."""


@dataclass(frozen=True, kw_only=True)
class AuditInput:
    """What a file declares under a study: the rows that tables would hold, and the measurements made of them."""

    estimates: tuple[Estimate, ...]
    units: tuple[UnitValue, ...]
    measurements: Measurements
    remarks: Mapping[str, str]
    """By estimate: what is said beside every claim on it."""


@dataclass(frozen=True, kw_only=True)
class _Placed:
    """One entry with what it is about."""

    entry: Entry
    claim: Claim
    reading: Reading
    scope: Estimand

    @property
    def quantity(self) -> Quantity:
        """A declared error answers one question: on items like these, or on these very items."""
        return self.scope.estimate_id, self.claim.inference

    @property
    def address(self) -> tuple[str, str, str]:
        return self.claim.id, self.reading.name, self.scope.estimate_id

    def fault(self, what: str, cure: str = "") -> UsageError:
        """What is wrong with it, where it stands, and how to mend it."""
        return UsageError(f"{what} {self}" + (f"; {cure}" if cure else ""))

    def __str__(self) -> str:
        return f"(claim {self.claim.id}, at {self.entry.place})"


def audit_input(declaration: Declaration, study: Study, claims: tuple[Claim, ...]) -> AuditInput:
    """The measurements that a declaration gives the judge.

    Raises:
        UsageError: If an entry names a claim, reading or estimate that is not there, stands in another unit than its claim,
            was declared before with other numbers, is what no truth can be, or holds unit values that give no estimate or are
            of no language of the study, or phrases that give other units.
    """
    scopes = estimate_scopes(study)
    placed = [_placed(entry, claims, scopes) for entry in declaration.entries]
    _refuse_twice(placed)
    languages = tuple(language.code for language in study.targets)
    with_units = {
        one.scope.estimate_id: (one, one.entry.measured)
        for one in placed
        if isinstance(one.entry.measured, Raw)
    }
    units = {name: _units(*found) for name, found in with_units.items()}
    stored = {name: _raw_estimate(*found, units[name]) for name, found in with_units.items()}
    for one, raw in with_units.values():
        _refuse_other_languages(one, raw, languages)
    summaries = {
        one.quantity: _summarised(one, one.entry.measured)
        for one in placed
        if isinstance(one.entry.measured, Summary)
    }
    estimates = stored | {
        name: summary.estimate for (name, _), summary in summaries.items() if summary.estimate
    }
    phrases = {name: _phrases(*found, units[name]) for name, found in with_units.items()}
    rows = tuple(row for each in units.values() for row in each)
    texts = tuple(row for each in phrases.values() for row in each)
    tables = stored_in_memory(tuple(stored.values()), rows, texts)
    return AuditInput(
        estimates=tuple(estimates[each] for each in scopes if each in estimates),
        units=rows,
        measurements=measurements_of(study, tables, claims, summaries),
        remarks={
            name: UNSAID_SHARING
            for name, estimate in stored.items()
            if estimate.unit_kind == PHRASED and not phrases[name]
        },
    )


def _placed(entry: Entry, claims: tuple[Claim, ...], scopes: Mapping[str, Estimand]) -> _Placed:
    claim = claim_named(claims, entry.claim)
    if not claim.readings:
        raise UsageError(
            f"{entry.place}: claim {claim.id} is about no measured quantity, so nothing can be declared for it"
        )
    reading = _reading(entry, claim)
    scope = scopes[_estimate_id(entry, claim, reading)]
    if entry.unit != claim.unit_of(reading):
        raise UsageError(
            f"{entry.place}: claim {claim.id} is in {claim.unit_of(reading)} under reading {reading.name}, found unit {entry.unit!r}; "
            "convert estimate and error, then say so"
        )
    if claim.kind is Kind.CORRELATION and isinstance(entry.measured, Summary):
        raise UsageError(
            f"{entry.place}: claim {claim.id} is judged by leaving every language out once, so declare unit_values with formula "
            f"{Formula.PEARSON.value!r} instead of estimate and se"
        )
    return _Placed(entry=entry, claim=claim, reading=reading, scope=scope)


def _reading(entry: Entry, claim: Claim) -> Reading:
    if entry.reading is None:
        return claim.primary
    readings = {reading.name: reading for reading in claim.readings}
    if entry.reading not in readings:
        where = f"(readings of {claim.id}, at {entry.place})"
        raise choice_error("reading", entry.reading, tuple(readings), where)
    return readings[entry.reading]


def _estimate_id(entry: Entry, claim: Claim, reading: Reading) -> str:
    if entry.estimate_id is None and len(reading.estimates) > 1:
        raise UsageError(
            f"{entry.place}: claim {claim.id} is about {len(reading.estimates)} estimates under reading {reading.name!r}; name one "
            f"with estimate_id, such as {reading.estimates[0]!r}"
        )
    named = entry.estimate_id or reading.estimates[0]
    if named not in reading.estimates:
        where = f"(estimates of {claim.id} under reading {reading.name!r}, at {entry.place})"
        raise choice_error("estimate", named, reading.estimates, where)
    return named


def _refuse_twice(found: Sequence[_Placed]) -> None:
    seen: dict[tuple[str, str, str], Entry] = {}
    first: dict[str, _Placed] = {}
    for each in found:
        entry, name = each.entry, each.scope.estimate_id
        if each.address in seen:
            raise UsageError(
                f"{entry.place}: claim {each.claim.id} has {name} in {seen[each.address].place} already; declare it once"
            )
        seen[each.address] = entry
        earlier = first.setdefault(name, each)
        if _contradict(earlier, each):
            raise UsageError(
                f"{entry.place}: {name} is declared with other numbers in {earlier.entry.place} (claim {earlier.claim.id}); one "
                "quantity has one value, and one error for each question that is asked of it"
            )


def _contradict(one: _Placed, other: _Placed) -> bool:
    left, right = one.entry.measured, other.entry.measured
    if isinstance(left, Summary) and isinstance(right, Summary) and one.quantity != other.quantity:
        return left.estimate != right.estimate
    return left != right


def _summarised(found: _Placed, summary: Summary) -> Measurement:
    return Measurement(
        estimate_id=found.scope.estimate_id,
        value=summary.estimate,
        spread=Spread(summary.se, summary.df),
        num_units=summary.units,
        num_seeds=summary.seeds,
        method="as declared",
        one_run_sd=summary.one_run_sd,
        estimate=_estimate(found, Formula.NO_UNITS, summary.estimate, summary.units, summary.seeds),
    )


def _estimate(found: _Placed, formula: Formula, value: float, units: int, seeds: int) -> Estimate:
    """What a table would hold; refused where no truth can be that value."""
    scope = found.scope
    if scope.within and not scope.within[0] <= value <= scope.within[1]:
        low, high = scope.within
        raise UsageError(
            f"{found.entry.place}: claim {found.claim.id} declares {value:g} for {scope.estimate_id}, which lies between {low:g} and "
            f"{high:g}; mend the number or its unit"
        )
    return Estimate(
        estimate_id=scope.estimate_id,
        quantity=scope.quantity,
        reading=scope.reading,
        specification=scope.specification,
        formula=formula.value,
        unit=scope.unit,
        value=value,
        layer=scope.layer,
        language=scope.language,
        benchmark=scope.benchmark,
        unit_kind=scope.unit_kind,
        num_units=units,
        num_seeds=seeds,
    )


def _units(found: _Placed, raw: Raw) -> tuple[UnitValue, ...]:
    """The rows in the order of a stored table: seed by seed, units alike in each."""
    if raw.formula not in found.scope.formulas:
        allowed = tuple(each.value for each in found.scope.formulas)
        raise choice_error("formula", raw.formula.value, allowed, str(found))
    by_seed: dict[int | None, dict[str, Row]] = defaultdict(dict)
    for row in raw.unit_values:
        if row.unit in by_seed[row.seed]:
            raise found.fault(
                f"unit {row.unit!r} stands twice under seed {row.seed}", "each unit stands once"
            )
        by_seed[row.seed][row.unit] = row
    if None in by_seed and len(by_seed) > 1:
        raise found.fault("some unit values have a seed and some have none", "give all of them one, or none")
    names = next(iter(by_seed.values()))
    if odd := set().union(*(rows.keys() ^ names.keys() for rows in by_seed.values())):
        raise found.fault(f"unit {min(odd)!r} is missing under some seed", "every seed needs the same units")
    return tuple(
        UnitValue(
            estimate_id=found.scope.estimate_id,
            unit=name,
            seed=seed,
            observed=by_seed[seed][name].observed,
            reference=by_seed[seed][name].reference,
        )
        for seed in sorted(by_seed, key=lambda each: -1 if each is None else each)
        for name in names
    )


def _phrases(found: _Placed, raw: Raw, units: Sequence[UnitValue]) -> tuple[PhraseValue, ...]:
    """The rows in the order of a stored table: latent by latent as their units stand, phrases by length and letters."""
    if not raw.phrase_values:
        return ()
    _refuse_phrases(found, raw, units)
    latents = {name: place for place, name in enumerate(dict.fromkeys(row.unit for row in units))}
    # By length first, so that numbers stand in their order.
    named = sorted({row.phrase for row in raw.phrase_values}, key=lambda phrase: (len(phrase), phrase))
    text_ids = {phrase: place for place, phrase in enumerate(named)}
    return tuple(
        PhraseValue(
            estimate_id=found.scope.estimate_id,
            unit=row.unit,
            text_id=text_ids[row.phrase],
            observed=row.observed,
            reference=row.reference,
        )
        for row in sorted(raw.phrase_values, key=lambda row: (latents[row.unit], text_ids[row.phrase]))
    )


def _refuse_phrases(found: _Placed, raw: Raw, units: Sequence[UnitValue]) -> None:
    """Phrases stand behind latents, behind all of them, each once, and have their latent's value as their mean."""
    if (kind := found.scope.unit_kind) != PHRASED:
        raise found.fault(
            f"phrase_values go with latents, and the units here are {kind}s", "leave phrase_values out"
        )
    sides: dict[str, list[tuple[float, float]]] = {row.unit: [] for row in units}
    seen: set[tuple[str, str]] = set()
    for row in raw.phrase_values:
        if row.unit not in sides:
            raise found.fault(f"phrase {row.phrase!r} is of unit {row.unit!r}, which unit_values lack")
        if (row.unit, row.phrase) in seen:
            raise found.fault(
                f"phrase {row.phrase!r} stands twice under unit {row.unit!r}", "each stands once"
            )
        if raw.formula in RATIOS and row.reference < 0:
            raise found.fault(
                f"phrase {row.phrase!r} of unit {row.unit!r} has a reference below 0",
                f"{raw.formula.value!r} needs 0 or more",
            )
        seen.add((row.unit, row.phrase))
        sides[row.unit].append((row.observed, row.reference))
    of_units: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for unit in units:
        of_units[unit.unit].append((unit.observed, unit.reference))
    for name, values in of_units.items():
        if not sides[name]:
            raise found.fault(f"unit {name!r} has no phrase", "give the phrases of every unit, or of none")
        means, wanted = np.mean(sides[name], axis=0), np.mean(values, axis=0)
        if not np.allclose(means, wanted, rtol=MEANS_WITHIN, atol=1e-9):
            raise found.fault(
                f"the phrases of unit {name!r} have means {means[0]:g} and {means[1]:g}, but its values, averaged over seeds, are "
                f"{wanted[0]:g} and {wanted[1]:g}",
                "phrases weigh alike, and are averaged over seeds",
            )


def _refuse_other_languages(found: _Placed, raw: Raw, codes: tuple[str, ...]) -> None:
    """What varies from language to language has the study's target languages for units, each by its code."""
    if found.scope.unit_kind != "language":
        return
    for row in raw.unit_values:
        if row.unit not in codes:
            cure = f"{found}; every unit is one of the study's target languages, and stands once"
            raise choice_error("language", row.unit, codes, cure)


def _raw_estimate(found: _Placed, raw: Raw, units: Sequence[UnitValue]) -> Estimate:
    _refuse_unfit(raw.formula, units, found)
    seeds = [list(rows) for _, rows in groupby(units, key=lambda row: row.seed)]
    rows = UnitRows(
        names=tuple(row.unit for row in seeds[0]),
        seeds=tuple(part[0].seed for part in seeds if part[0].seed is not None),
        observed=np.array([[row.observed for row in part] for part in seeds]),
        reference=np.array([[row.reference for row in part] for part in seeds]),
    )
    blank = _estimate(found, raw.formula, 0.0, len(rows.names), len(rows.seeds))
    with np.errstate(all="ignore"):
        value = recomputed(blank, rows)
    if not np.isfinite(value):
        raise found.fault(
            f"the unit values give no finite estimate by {raw.formula.value!r}",
            "look for sides that do not vary or overflow",
        )
    return _estimate(found, raw.formula, value, len(rows.names), len(rows.seeds))


def _refuse_unfit(formula: Formula, units: Sequence[UnitValue], found: _Placed) -> None:
    """Ratios need something to divide by, under every seed; correlations need units."""
    if formula is Formula.PEARSON and len(units) < LEAST_CORRELATED:
        raise found.fault(f"a correlation needs at least {LEAST_CORRELATED} units, found {len(units)}")
    if formula is Formula.MEAN_OF_GAPS and any(row.reference <= 0 for row in units):
        raise found.fault(f"{formula.value!r} divides by every reference, and one of them is not above 0")
    if formula not in RATIOS:
        return
    sums: dict[int | None, float] = defaultdict(float)
    for row in units:
        if row.reference < 0:
            raise found.fault(
                f"unit {row.unit!r} has a reference below 0", f"{formula.value!r} needs 0 or more"
            )
        sums[row.seed] += row.reference
    if min(sums.values()) <= 0:
        raise found.fault(f"the references sum to 0, and {formula.value!r} has nothing else to divide by")
