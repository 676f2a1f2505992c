"""Rows of comma-separated values, one number each, as a declaration of measurements."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.judge.declaration import (
    Declaration,
    Head,
    addressed,
    content_of,
    declaration_of,
    listed,
    row_faults,
    text_of,
)
from harness.judge.validate import load_claims
from harness.words.canonical import Json
from harness.words.claim import Claim, InferenceTarget
from harness.words.errors import UsageError, choice_error

COLUMNS = (
    "claim", "estimate_id", "reading", "sole_reading", "unit",
    "value", "se", "df", "units", "seeds", "one_run_sd", "seed",
)  # fmt: skip
"""What a row may say; a row names a claim or an estimate, and a value."""

NUMBERS = ("se", "df", "units", "seeds", "one_run_sd")
"""Columns of a summary beside its value, as the JSON names them."""

COUNTS = ("units", "seeds", "seed")

YES, NO = ("true", "yes", "1"), ("", "false", "no", "0")

CURE = "docs/audit.md lists the columns"


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One row, with the line that it stands on."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"line {self.number}"

    def fault(self, what: str) -> UsageError:
        return UsageError(f"{self.place}: {what}")

    def figure(self, column: str) -> float | int | None:
        """The number of a column; None where the cell is empty."""
        text = self[column]
        if not text:
            return None
        try:
            value = int(text) if column in COUNTS else float(text)
        except ValueError as error:
            form = "a whole number" if column in COUNTS else "a number such as 25.1, with a point and no unit"
            raise self.fault(f"{column} is {text!r}, expected {form}") from error
        if not math.isfinite(value):
            raise self.fault(f"{column} is {text!r}, which is no finite number")
        return value


def read_rows(path: Path, head: Head) -> Declaration:
    """What a table declares: its numbers under one head, as the JSON of a declaration would hold them.

    Rows with a seed are values of single trainings; those of one claim, reading and estimate belong together.

    Raises:
        UsageError: If it cannot be read or is no such table, or some row cannot be taken: then each such row is named, and
            none is taken.
    """
    claims = load_claims(head.study)
    text = text_of(path).removeprefix("\ufeff")
    lines = list(_lines(text, path))
    found: dict[tuple[str, str, str], tuple[_Line, dict[str, Json]]] = {}
    faults: dict[int, str] = {}
    for line in lines:
        try:
            _take(line, claims, found)
        except UsageError as fault:
            faults[line.number] = str(fault)
    content = content_of(head, [measurement for _, measurement in found.values()])
    for number, told in row_faults(content, [line.number for line, _ in found.values()]):
        faults.setdefault(number, told)
    if faults:
        raise UsageError(
            f"{path}: {listed([faults[number] for number in sorted(faults)], len(lines))}; {CURE}"
        )
    places = [line.place for line, _ in found.values()]
    return declaration_of(json.dumps(content, indent=1, ensure_ascii=False) + "\n", path, places)


def _lines(text: str, path: Path) -> Iterator[_Line]:
    """Every row that says something, by the names of the header."""
    rows = csv.reader(io.StringIO(text), strict=True)
    try:
        header = [cell.strip() for cell in next(rows, [])]
        _refuse_header(header, path)
        for row in rows:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if len(cells) != len(header):
                raise UsageError(
                    f"{path} line {rows.line_num}: {len(cells)} cells under {len(header)} columns; a text with a comma stands in double "
                    f"quotes; {CURE}"
                )
            yield _Line(number=rows.line_num, cells=dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise UsageError(f"{path} line {rows.line_num} is no CSV: {error}; {CURE}") from error


def _refuse_header(header: Sequence[str], path: Path) -> None:
    if len(header) == 1 and ";" in header[0]:
        raise UsageError(
            f"{path} parts its columns by semicolons; save it with commas, and points in numbers; {CURE}"
        )
    for name in header:
        if name not in COLUMNS:
            raise choice_error("column", name, COLUMNS, f"(header of {path}); {CURE}")
    if twice := {name for name in header if header.count(name) > 1}:
        raise UsageError(f"{path} has the column {min(twice)!r} twice; {CURE}")
    if "value" not in header or not {"claim", "estimate_id"} & set(header):
        raise UsageError(
            f"{path} needs the column value, and claim or estimate_id; found {', '.join(header) or 'nothing'}; {CURE}"
        )


def _take(
    line: _Line, claims: tuple[Claim, ...], found: dict[tuple[str, str, str], tuple[_Line, dict[str, Json]]]
) -> None:
    """Add what one row says to what was found before it."""
    about = addressed(
        claims,
        claim=line["claim"],
        reading=line["reading"],
        estimate_id=line["estimate_id"],
        asked=InferenceTarget.FIXED_ITEMS if line["seed"] else InferenceTarget.POPULATION,
        place=line.place,
    )
    value, seed = line.figure("value"), line.figure("seed")
    if value is None:
        raise line.fault("value is empty")
    address = about.form
    if line["unit"]:
        address["unit"] = line["unit"]
    if _said_yes(line):
        address["sole_reading"] = True
    numbers: dict[str, Json] = {name: number for name in NUMBERS if (number := line.figure(name)) is not None}
    key = about.claim.id, about.reading.name, about.estimate_id
    if seed is None:
        if key in found:
            raise line.fault(
                f"{about.claim.id} under reading {about.reading.name!r} stands on line {found[key][0].number} already; say it once"
            )
        if "se" not in numbers:
            raise line.fault("neither se nor seed is given; one of them says how sure the value is")
        found[key] = line, address | {"estimate": value, **numbers}
        return
    own: dict[str, Json] = {"seed": seed, "value": value}
    first, measurement = found.setdefault(key, (line, address | numbers | {"seed_values": []}))
    rows = measurement.get("seed_values")
    if not isinstance(rows, list) or any(
        measurement.get(name) != number for name, number in (address | numbers).items()
    ):
        raise line.fault(f"it says otherwise than line {first.number}, whose seeds it belongs to")
    rows.append(own)


def _said_yes(line: _Line) -> bool:
    said = line["sole_reading"].lower()
    if said not in YES + NO:
        raise choice_error("sole_reading", said, ("true", "false"), f"(line {line.number})")
    return said in YES
