"""The report of a run that could not measure anything: why, in every format, and not a word more."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from harness.report.document import from_json, schema_text
from harness.report.wording import REASONS
from harness.report.writer import closing_lines, load_report, write_report
from harness.words.errors import Reason
from tests.report import worlds

RIBBON = "NOTHING MEASURED \u2014 SAYS NOTHING ABOUT THE PAPER"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("not-run")
    written = write_report(worlds.facts(not_run=worlds.NOT_RUN), out / "none", out / "none", out)
    assert written.summary.exit_code == 5
    return out


@pytest.fixture
def unmeasured(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    return content


def test_the_document_holds_reasons_and_no_number(unmeasured: dict[str, Any]) -> None:
    assert [entry["reason"] for entry in unmeasured["not_run"]] == ["no-network", *["upstream-not-run"] * 2]
    assert (unmeasured["measurements"], unmeasured["self_checks"], unmeasured["claims"]) == ([], [], [])
    assert unmeasured["summary"]["exit_code"] == 5


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"mode": "full"}, id="a full run"),
        pytest.param({"summary": {"counts": {}, "exit_code": 0}}, id="a good ending"),
        pytest.param({"not_run": [{"stage": "a", "reason": "lazy", "message": "b"}]}, id="an unknown reason"),
    ],
)
def test_what_it_cannot_say(unmeasured: dict[str, Any], changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="is not a report"):
        from_json(unmeasured | changes, "it")


def test_it_cannot_hold_a_number(unmeasured: dict[str, Any], run_folder: Path) -> None:
    stored = json.loads((run_folder / "report.json").read_text(encoding="utf-8"))
    for part in ("measurements", "self_checks"):
        with pytest.raises(ValueError, match=part):
            from_json(unmeasured | {part: stored[part][:1]}, "it")


def test_every_reason_has_words_and_stands_in_the_schema() -> None:
    assert set(REASONS) == set(Reason)
    assert all(f'"{reason}"' in schema_text() for reason in Reason)


def test_the_page_says_why_and_shows_no_empty_table(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert f"<strong>{RIBBON}</strong>" in page
    assert "3 stages could not be finished: no network." in page
    assert "cannot be fetched: no network" in page
    assert "Not measured in this run." not in page
    assert "miniature world" not in page


def test_the_summary_says_why(folder: Path) -> None:
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert summary.startswith(f"### {RIBBON}\n")
    assert "| phrases | no network | export" in summary
    assert "| translations, estimates | not reached | the run ended before it came to this |" in summary


def test_the_ci_record_shows_skipped_stages(folder: Path) -> None:
    suite = ET.parse(folder / "junit.xml").getroot().find("testsuite[@name='stages']")
    assert suite is not None
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("3", "3", "0")


def test_the_last_lines_of_such_a_run(folder: Path) -> None:
    assert list(closing_lines(load_report(folder), folder)) == [
        "",
        RIBBON,
        "  outcome  3 stages could not be finished: no network.",
        f"  report   {folder}/report.html",
        f"  summary  {folder}/summary.md",
        "  exit 5   nothing was judged",
    ]


def test_the_last_lines_of_a_run(run_folder: Path) -> None:
    lines = list(closing_lines(load_report(run_folder), run_folder))
    assert lines[1] == "FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER"
    assert lines[2].startswith("  outcome  It measured 1,")
    assert lines[2].endswith(" numbers; 14 of 14 self-checks agree.")
    assert lines[-1] == "  exit 0   every check agrees"
