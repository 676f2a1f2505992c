"""A run with an adapter that could not be trained: every page says so, and the exit code is that of a malfunction."""

import math
from pathlib import Path

import pytest

from harness.report import closing_lines, load_report, write_report
from harness.report.schema import validated
from harness.report.verdictwords import WHYS
from harness.supply.tables import write_table
from harness.words.record import AdapterFailure
from harness.words.verdict import Why
from tests.report import worlds

FAILURE = AdapterFailure(language="ml", seed=2, step=17, what="loss", value=math.nan)


@pytest.fixture(scope="module")
def stopped_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stopped")
    estimates, checks = worlds.store(folder, worlds.estimates()[:3], worlds.checks())
    write_table(estimates, AdapterFailure, [FAILURE])
    assert write_report(worlds.facts(), estimates, checks, folder / "out") == 3
    return folder / "out"


def test_the_report_holds_adapter_step_and_value(stopped_folder: Path) -> None:
    report = load_report(stopped_folder)
    assert report["stopped"] == [
        {"adapter": "ml/seed-2", "language": "ml", "seed": 2, "step": 17, "what": "loss", "value": "nan"}
    ]
    assert report["summary"]["exit_code"] == 3
    assert len(report["measurements"]) == 3


@pytest.mark.parametrize("file", ["report.html", "summary.md", "junit.xml"])
def test_every_page_names_the_adapter(stopped_folder: Path, file: str) -> None:
    assert "ml/seed-2" in (stopped_folder / file).read_text(encoding="utf-8")


def test_the_last_lines_of_the_run_name_it_too(stopped_folder: Path) -> None:
    said = "\n".join(closing_lines(stopped_folder))
    assert "1 adapter could not be trained: ml/seed-2." in said
    assert "malfunction" in said


def test_such_a_report_cannot_end_well(stopped_folder: Path) -> None:
    report = load_report(stopped_folder)
    report["summary"]["exit_code"] = 0
    with pytest.raises(ValueError, match="exit_code"):
        validated(report, "a report")


def test_a_whole_run_says_nothing_of_it(run_folder: Path) -> None:
    assert "stopped" not in load_report(run_folder)
    assert "Not trained" not in (run_folder / "report.html").read_text(encoding="utf-8")


def test_every_reason_of_a_verdict_has_words() -> None:
    assert set(WHYS) == set(Why)
