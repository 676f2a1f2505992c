"""A run's numbers as files for other tools: estimates, verdicts, settings and unit values, with a dictionary of their columns."""

import csv
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.designs.design import design_of
from harness.exchange.artifacts import artifact_of
from harness.exchange.crate import write_crate
from harness.exchange.frames import FRAMES, rows_of
from harness.report.document import Report
from harness.report.writer import load_report
from harness.sources.studies import load_study
from harness.store.files import publish_folder, require_folder
from harness.store.run_folder import (
    EXECUTION_FILE,
    JUNIT_FILE,
    PAGE_FILE,
    REPORT_FILE,
    SUMMARY_FILE,
    read_record,
)
from harness.store.tables import stream_rows, table_path, write_table
from harness.words.columns import TableForm, meanings_of, unit_of
from harness.words.errors import HarnessError, UsageError
from harness.words.estimate import PhraseValue, UnitValue

DICTIONARY = "columns.csv"
"""What every column of every table means, and in which unit it stands."""

REPORT_FILES = (REPORT_FILE, PAGE_FILE, SUMMARY_FILE, JUNIT_FILE, EXECUTION_FILE)
"""What a crate holds of the run's folder; an audit keeps no record of its execution."""

HEADER = ("table", "column", "unit", "meaning")


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What was written, and what could not be."""

    out: Path
    files: tuple[str, ...]
    why_no_units: str = ""
    """Why what single units contributed is not among it; empty where it is."""


def export(run: Path, form: TableForm, out: Path, store: Path) -> Exported:
    """Write the tables of a stored run to a folder, whole or not at all.

    Args:
        run: Folder of the run.
        form: Of the tables.
        out: Where they go; it must not hold anything else.
        store: Where the artifacts of the run lie, those of single units among them.

    Raises:
        UsageError: If the run has no report, or the folder holds something.
        StoreError: If the disk refuses; nothing is left behind.
    """
    require_folder(out)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} holds something already; name another folder with --out")
    report = load_report(run)
    units, why = _units(report, store)
    stored = {record: table_path(units, record) for record in (UnitValue, PhraseValue)} if units else {}

    def write(folder: Path) -> tuple[str, ...]:
        for record, rows in rows_of(report).items():
            write_table(folder, record, rows)
        for record, path in stored.items():
            shutil.copyfile(path, table_path(folder, record))
        records = (*FRAMES, *stored)
        if form is not TableForm.PARQUET:
            for record in records:
                _write_rows(_path(folder, record, form), meanings_of(record), stream_rows(folder, record))
                table_path(folder, record).unlink()
        _write_rows(folder / DICTIONARY, HEADER, (line for each in records for line in _meanings(each, form)))
        if form is TableForm.RO_CRATE:
            for name in REPORT_FILES:
                if (run / name).is_file():
                    shutil.copyfile(run / name, folder / name)
            write_crate(folder, report, _attempts(run))
        return tuple(path.name for path in sorted(folder.iterdir()))

    return Exported(out=out, files=publish_folder(out, write, last=DICTIONARY), why_no_units=why)


def _attempts(run: Path) -> Sequence[Mapping[str, Any]]:
    """Every attempt at the run, as its record of clock and host tells; none of an audit, which keeps no such record."""
    if not (run / EXECUTION_FILE).is_file():
        return ()
    record = read_record(run, EXECUTION_FILE)
    attempts = record.get("attempts") if isinstance(record, dict) else None
    if not isinstance(attempts, list):
        raise UsageError(
            f"{run / EXECUTION_FILE} tells of no attempt; export with another --format, or run it again"
        )
    return attempts


def _units(report: Report, store: Path) -> tuple[Path | None, str]:
    """The run's own artifact of what units and phrases contributed; or why it cannot be had."""
    stage = design_of(load_study(report.run.study)).estimates
    try:
        return artifact_of(report, store, stage, "all"), ""
    except HarnessError as error:
        return None, str(error)


def _path(folder: Path, record: type, form: TableForm) -> Path:
    return table_path(folder, record).with_suffix(form.suffix)


def _meanings(record: type, form: TableForm) -> list[tuple[str, str, str, str]]:
    name = _path(Path(), record, form).name
    return [(name, column, unit_of(record, column), says) for column, says in meanings_of(record).items()]


def _write_rows(path: Path, header: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
