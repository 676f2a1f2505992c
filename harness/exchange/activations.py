"""A table of SAE activations, one row a phrase of a latent in a language, as a declaration of gaps and gains."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.designs.design import design_of
from harness.designs.estimand import PhraseValues
from harness.judge.declaration import Head, address_of, content_of, listed
from harness.judge.validate import load_claims
from harness.sources.studies import load_study
from harness.statistics.measured import Measured
from harness.words.canonical import Json
from harness.words.claim import Claim
from harness.words.errors import UsageError, choice_error
from harness.words.study import Study

COLUMNS = {
    "layer": pa.int64(),
    "latent": pa.int64(),
    "language": pa.string(),
    "text": pa.string(),
    "value": pa.float64(),
}
"""What a table holds, in any order and beside anything else; a text is named by itself or by a number, alike in every language."""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The untouched model's table, and those of one adapter by training seed."""

    before: Path
    adapter: str = ""
    """Code of the language that the adapters were trained for; empty where nothing was trained."""
    after: Mapping[int, Path]


def declaration_of_tables(head: Head, tables: Tables) -> dict[str, Json]:
    """What a run of the study would have estimated from the same values, as the content of a declaration.

    Raises:
        UsageError: If a table cannot be read, lacks a column, or its rows do not belong together; or if no claim is about
            what they amount to.
    """
    study = load_study(head.study)
    measured_values = design_of(study).measured_values
    if measured_values is None:
        raise UsageError(f"studies of the kind of {study.name} are not made of values of single phrases")
    codes = tuple(language.code for language in study.tuned)
    if bool(tables.adapter) != bool(tables.after):
        raise UsageError(
            "--adapter and --after go together: an adapter, and one table for each of its training seeds"
        )
    if tables.adapter and tables.adapter not in codes:
        raise choice_error("adapter", tables.adapter, codes, f"(languages that {study.name} trains for)")
    after = {seed: read_values(path, study) for seed, path in tables.after.items()}
    found = measured_values(study, read_values(tables.before, study), tables.adapter, after)
    measurements = list(_measurements(load_claims(study.name), found))
    if not measurements:
        raise UsageError(
            f"no claim of {study.name} is about what {tables.before} holds; 'harness claims --study {study.name}' lists the layers and "
            "languages that claims are about"
        )
    return content_of(head, measurements)


def read_values(path: Path, study: Study) -> PhraseValues:
    """The values of a Parquet table.

    Raises:
        UsageError: If it cannot be read, lacks a column, a cell is empty or of another kind, or rows are not what a study's
            activations can be: then each such row is named.
    """
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        found = "there is no such file" if isinstance(error, FileNotFoundError) else str(error)
        raise UsageError(
            f"cannot read {path} as Parquet ({found}); name a table of {', '.join(COLUMNS)}"
        ) from error
    if lacking := [name for name in COLUMNS if name not in table.column_names]:
        raise UsageError(
            f"{path} lacks the column {lacking[0]!r}; found {', '.join(table.column_names)}, expected {', '.join(COLUMNS)}"
        )
    columns = {}
    for name, kind in COLUMNS.items():
        column = table.column(name)
        if column.null_count:
            first = int(np.flatnonzero(column.is_null())[0]) + 1
            raise UsageError(
                f"{path}: {column.null_count} cells of {name!r} are empty, row {first} for one; leave such rows out of every language"
            )
        try:
            columns[name] = np.asarray(column.cast(kind))
        except pa.ArrowException as error:
            raise UsageError(f"{path}: {name!r} holds {column.type}, expected {kind}: {error}") from error
    if not len(table):
        raise UsageError(f"{path} holds no row")
    values = PhraseValues(
        **{name: column.astype(str) if column.dtype == object else column for name, column in columns.items()}
    )
    if faults := list(_faults(values, study)):
        raise UsageError(f"{path}: {listed(faults, len(table))}")
    return values


def _faults(values: PhraseValues, study: Study) -> Iterator[str]:
    """Every row that has no place among a study's activations, and why."""
    codes, layers = tuple(language.code for language in study.languages), frozenset(study.shapes.layers)
    seen: dict[tuple[int, int, str, str], int] = {}
    columns = (values.layer, values.latent, values.language, values.text, values.value)
    for number, row in enumerate(zip(*(column.tolist() for column in columns), strict=True), start=1):
        layer, latent, language, text, value = row
        first = seen.setdefault((layer, latent, language, text), number)
        if language not in codes:
            yield f"row {number}: unknown language {language!r}; allowed: {', '.join(codes)}"
        elif layer not in layers:
            yield f"row {number}: layer {layer}; the layers that have a dictionary are {study.shapes.layers_say}"
        elif not (math.isfinite(value) and value >= 0):
            yield f"row {number}: value is {value:g}; SAE activations are 0 or more"
        elif first != number:
            yield (
                f"row {number}: layer {layer}, latent {latent}, text {text!r} in {language} stands in row {first} already; give one "
                "value each"
            )


def _measurements(claims: Sequence[Claim], found: Sequence[Measured]) -> Iterator[dict[str, Json]]:
    for each in found:
        about = address_of(claims, each.estimate.estimate_id)
        if about is None:
            continue
        units: list[Json] = [
            {"unit": row.unit, "seed": row.seed, "observed": row.observed, "reference": row.reference}
            for row in each.units
        ]
        phrases: list[Json] = [
            {
                "unit": row.unit,
                "phrase": str(row.text_id),
                "observed": row.observed,
                "reference": row.reference,
            }
            for row in each.phrases
        ]
        shared: dict[str, Json] = {"phrase_values": phrases} if phrases else {}
        yield about.form | {"formula": each.estimate.formula, "unit_values": units} | shared
