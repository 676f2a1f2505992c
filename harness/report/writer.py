"""Records in, files out: `report.json`, and from it alone the page, the summary and the CI record."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from harness.models.failed_adapters import adapter_failures, unusable_models
from harness.report.assembly import Records, as_report
from harness.report.document import SCHEMA_VERSION, Point, Report, as_json, from_json
from harness.report.render import render_junit, render_page, render_summary
from harness.report.wording import exit_words, mode_words, outcome, presentation_of
from harness.store.files import write_whole
from harness.store.run_folder import JUNIT_FILE, PAGE_FILE, REPORT_FILE, SUMMARY_FILE, read_record
from harness.store.tables import read_column, read_table, table_path
from harness.words.errors import UsageError
from harness.words.estimate import Estimate, ItemOverlap, SelfCheck, UnitValue
from harness.words.judgement import Judgement
from harness.words.records import Coverage, UnscoredTranslator
from harness.words.runfacts import RunFacts

Row = TypeVar("Row")


def write_report(
    facts: RunFacts, estimates: Path, self_checks: Path, out: Path, judgement: Judgement | None = None
) -> Report:
    """Write the report of a run; one with stages that could not be finished holds no number.

    Args:
        facts: What the run is.
        estimates: Folder with the tables of `Estimate` and `UnitValue`.
        self_checks: Folder with the table of `SelfCheck`; without one, no self-check was made.
        out: Folder for `report.json`, `report.html`, `summary.md` and `junit.xml`.
        judgement: Verdicts and the conditions under which they were reached; None where nothing is judged.

    Raises:
        ValueError: If the records cannot stand in a report: ids that occur twice, a digest that is none.
    """
    records = Records() if facts.not_run else _records(facts.study, estimates, self_checks)
    return _write(as_report(facts, records, judgement), out)


def write_report_of(
    facts: RunFacts,
    estimates: Sequence[Estimate],
    units: Sequence[UnitValue],
    out: Path,
    judgement: Judgement,
) -> Report:
    """The same for numbers that no artifact holds: rows as `estimates` and `unit_values` would have them."""
    pointed = presentation_of(facts.study).pointed
    drawn = {row.estimate_id for row in estimates if row.quantity in pointed}
    records = Records(
        estimates=estimates,
        unit_counts=Counter(row.estimate_id for row in units),
        points=[
            (row.estimate_id, Point(unit=row.unit, x=row.reference, y=row.observed))
            for row in units
            if row.estimate_id in drawn
        ],
    )
    return _write(as_report(facts, records, judgement), out)


def render_report(run: Path) -> Report:
    """Write the page, the summary and the CI record of a stored run again, from its `report.json` alone.

    Raises:
        UsageError: If the folder holds none, or one that this version does not read.
    """
    report = load_report(run)
    _render(report, run)
    return report


def load_report(run: Path) -> Report:
    """The report of a stored run.

    Raises:
        UsageError: If the folder holds none, the file is no JSON, was written by another version, or breaks its schema.
    """
    path, content = run / REPORT_FILE, read_record(run, REPORT_FILE)
    version = content.get("schema_version") if isinstance(content, dict) else None
    if isinstance(version, str) and version != SCHEMA_VERSION:
        raise UsageError(
            f"{path} was written as version {version[:20]} of the report, but this harness reads {SCHEMA_VERSION}; render it "
            f"with the harness that wrote it, or run 'harness reproduce' again"
        )
    try:
        return from_json(content, str(path))
    except ValueError as error:
        raise UsageError(str(error)) from error


def closing_lines(report: Report, run: Path) -> Iterator[str]:
    """What a terminal and a log show when a run is over.

    Args:
        report: That of the run.
        run: Folder of the run.
    """
    yield ""
    yield mode_words(report).ribbon
    lines = {
        "outcome": outcome(report),
        "report": str(run / PAGE_FILE),
        "summary": str(run / SUMMARY_FILE),
        f"exit {report.summary.exit_code}": exit_words(report),
    }
    yield from (f"  {label:<9}{words}" for label, words in lines.items())


def _write(built: Report, out: Path) -> Report:
    text = json.dumps(as_json(built), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    # Pages are rendered from what the file says, so that they are the same when they are rendered again.
    report = from_json(json.loads(text), f"the report of {built.run.id}")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / REPORT_FILE, f"{text}\n")
    _render(report, out)
    return report


def _render(report: Report, run: Path) -> None:
    write_whole(run / PAGE_FILE, render_page(report))
    write_whole(run / SUMMARY_FILE, render_summary(report))
    write_whole(run / JUNIT_FILE, render_junit(report))


def _records(study: str, estimates: Path, self_checks: Path) -> Records:
    rows = read_table(estimates, Estimate)
    owners = read_column(estimates, UnitValue, "estimate_id")
    pointed = presentation_of(study).pointed
    drawn = [row.estimate_id for row in rows if row.quantity in pointed]
    return Records(
        estimates=rows,
        unit_counts=Counter[str](owners.tolist()),
        points=_points(estimates, np.isin(owners, drawn)),
        checks=_read_if_there(self_checks, SelfCheck),
        unusable=unusable_models(estimates),
        stopped=adapter_failures(estimates),
        unscored=_read_if_there(estimates, UnscoredTranslator),
        coverage=_read_if_there(estimates, Coverage),
        overlaps=_read_if_there(estimates, ItemOverlap),
    )


def _points(estimates: Path, mask: NDArray[np.bool_]) -> list[tuple[str, Point]]:
    """Both sides of each correlation; column by column, since most of the table's millions of rows are others'."""
    columns = (
        read_column(estimates, UnitValue, name)[mask].tolist()
        for name in ("estimate_id", "unit", "reference", "observed")
    )
    return [(owner, Point(unit=unit, x=x, y=y)) for owner, unit, x, y in zip(*columns, strict=True)]


def _read_if_there(folder: Path, row_type: type[Row]) -> list[Row]:
    """The rows of a table that is written only where there is something to say."""
    return read_table(folder, row_type) if table_path(folder, row_type).exists() else []
