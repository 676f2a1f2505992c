"""Records in, files out: `report.json`, and from it alone the page, the summary and the CI record."""

import json
from collections import Counter
from pathlib import Path

from harness.report.document import Report, as_report
from harness.report.junit import render_junit
from harness.report.markdown import render_summary
from harness.report.page import render_page
from harness.report.schema import validated
from harness.supply.tables import read_column, read_table, table_path
from harness.words.failures import UsageError
from harness.words.record import Estimate, RunFacts, SelfCheck, UnitValue

REPORT_FILE, PAGE_FILE, SUMMARY_FILE = "report.json", "report.html", "summary.md"


def write_report(facts: RunFacts, estimates: Path, self_checks: Path, out: Path) -> int:
    """Write the report of a run; one with stages that could not be finished holds no number.

    Args:
        facts: What the run is.
        estimates: Folder with the tables of `Estimate` and `UnitValue`.
        self_checks: Folder with the table of `SelfCheck`; without one, no self-check was made.
        out: Folder for `report.json`, `report.html`, `summary.md` and `junit.xml`.

    Returns:
        The exit code of the run.

    Raises:
        ValueError: If the records cannot stand in a report: ids that occur twice, a digest that is none.
    """
    built = _unmeasured(facts) if facts.not_run else _measured(facts, estimates, self_checks)
    text = json.dumps(built, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    report = validated(json.loads(text), f"the report of {facts.run_id}")
    out.mkdir(parents=True, exist_ok=True)
    _write(out / REPORT_FILE, text)
    return _render(report, out)


def render_report(run: Path) -> int:
    """Write the page, the summary and the CI record of a stored run again, from its `report.json` alone.

    Returns:
        The exit code that the report holds.

    Raises:
        FileNotFoundError: If the folder holds no `report.json`.
        ValueError: If the schema does not hold.
    """
    return _render(load_report(run), run)


def load_report(run: Path) -> Report:
    """The report of a stored run.

    Raises:
        FileNotFoundError: If the folder holds no `report.json`.
        UsageError: If the file is no JSON.
        ValueError: If the schema does not hold.
    """
    path = run / REPORT_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(
            f"{path} is no JSON ({error}); run 'harness reproduce' again to write it anew"
        ) from error
    return validated(content, str(path))


def _render(report: Report, run: Path) -> int:
    _write(run / PAGE_FILE, render_page(report))
    _write(run / SUMMARY_FILE, render_summary(report))
    _write(run / "junit.xml", render_junit(report))
    return report["summary"]["exit_code"]


def _measured(facts: RunFacts, estimates: Path, self_checks: Path) -> Report:
    unit_values = Counter[str](read_column(estimates, UnitValue, "estimate_id").tolist())
    return as_report(facts, read_table(estimates, Estimate), unit_values, _read_checks(self_checks))


def _unmeasured(facts: RunFacts) -> Report:
    return as_report(facts, [], Counter(), [])


def _read_checks(folder: Path) -> list[SelfCheck]:
    return read_table(folder, SelfCheck) if table_path(folder, SelfCheck).exists() else []


def _write(path: Path, text: str) -> None:
    path.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8", newline="\n")
