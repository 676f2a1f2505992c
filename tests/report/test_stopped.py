"""A run with an adapter that could not be trained: every page says so, and the exit code is that of a malfunction."""

import json
import math
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from harness.report.document import StoppedAdapter, from_json
from harness.report.wording import WHYS
from harness.report.writer import closing_lines, load_report, write_report
from harness.store.tables import write_table
from harness.words.records import AdapterFailure
from harness.words.verdict import Why
from tests.report import worlds

FAILURE = AdapterFailure(language="ml", seed=2, step=17, what="loss", value=math.nan)
CONTROL = replace(FAILURE, seed=1, is_control=True)


def reported(folder: Path, *failures: AdapterFailure) -> tuple[Path, int]:
    """Folder and exit code of a report on a run with some failures."""
    estimates, checks = worlds.store(folder, worlds.estimates()[:3], worlds.checks())
    write_table(estimates, AdapterFailure, failures)
    code = write_report(worlds.facts(), estimates, checks, folder / "out").summary.exit_code
    return folder / "out", code


def require_malfunction(folder: Path) -> None:
    """No report of such a run can end well."""
    content = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    content["summary"]["exit_code"] = 0
    with pytest.raises(ValueError, match="exit_code"):
        from_json(content, "a report")


@pytest.fixture(scope="module")
def stopped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, code = reported(tmp_path_factory.mktemp("stopped"), FAILURE)
    assert code == 3
    return folder


@pytest.fixture(scope="module")
def control_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, code = reported(tmp_path_factory.mktemp("control"), CONTROL)
    assert code == 0
    return folder


def test_the_report_holds_adapter_step_and_value(stopped_folder: Path) -> None:
    report = load_report(stopped_folder)
    assert report.stopped == (
        StoppedAdapter(
            adapter="ml/seed-2", is_control=False, language="ml", seed=2, step=17, what="loss", value="nan"
        ),
    )
    assert report.summary.exit_code == 3
    assert len(report.measurements) == 3


@pytest.mark.parametrize("file", ["report.html", "summary.md", "junit.xml"])
def test_every_page_names_the_adapter(stopped_folder: Path, file: str) -> None:
    assert "ml/seed-2" in (stopped_folder / file).read_text(encoding="utf-8")


def test_the_last_lines_of_the_run_name_it_too(stopped_folder: Path) -> None:
    said = "\n".join(closing_lines(load_report(stopped_folder), stopped_folder))
    assert "1 adapter could not be trained: ml/seed-2." in said
    assert "malfunction" in said


def test_such_a_report_cannot_end_well(stopped_folder: Path) -> None:
    require_malfunction(stopped_folder)


@pytest.mark.parametrize("file", ["report.html", "summary.md", "junit.xml"])
def test_a_control_that_stopped_is_told_of_and_breaks_no_run(control_folder: Path, file: str) -> None:
    assert load_report(control_folder).summary.exit_code == 0
    assert "ml/control-1" in (control_folder / file).read_text(encoding="utf-8")
    said = "\n".join(closing_lines(load_report(control_folder), control_folder))
    assert "1 control could not be trained: ml/control-1." in said
    assert "malfunction" not in said


def test_for_ci_a_control_that_stopped_is_skipped_and_an_adapter_is_an_error(
    stopped_folder: Path, control_folder: Path
) -> None:
    suites = [
        ET.parse(folder / "junit.xml").find("testsuite[@name='adapters']")
        for folder in (stopped_folder, control_folder)
    ]
    told = [(suite.get("errors"), suite.get("skipped")) for suite in suites if suite is not None]
    assert told == [("1", "0"), ("0", "1")]


def test_an_adapter_beside_a_control_makes_a_malfunction(tmp_path: Path) -> None:
    folder, code = reported(tmp_path, CONTROL, FAILURE)
    said = "\n".join(closing_lines(load_report(folder), folder))
    assert code == 3
    assert "1 adapter could not be trained: ml/seed-2. 1 control could not be trained: ml/control-1." in said
    require_malfunction(folder)


def test_a_whole_run_says_nothing_of_it(run_folder: Path) -> None:
    assert load_report(run_folder).stopped == ()
    assert "Not trained" not in (run_folder / "report.html").read_text(encoding="utf-8")


def test_every_reason_of_a_verdict_has_words() -> None:
    assert set(WHYS) == set(Why)
