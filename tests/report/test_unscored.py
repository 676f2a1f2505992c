"""A run that could not have people's translations: both pages say why, once, and nothing else changes."""

from pathlib import Path

import pytest

from harness.report.writer import load_report, write_report
from harness.store.tables import write_table
from harness.words.records import UnscoredTranslator
from tests.report import worlds

SHUT = "the gate of flores-plus is shut: accept its licence"
ROWS = [UnscoredTranslator(language=code, why=SHUT) for code in ("es", "ml")]


@pytest.fixture(scope="module")
def unscored_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unscored")
    estimates, checks = worlds.store(folder, worlds.estimates()[:3], worlds.checks())
    write_table(estimates, UnscoredTranslator, ROWS)
    assert write_report(worlds.facts(), estimates, checks, folder / "out").summary.exit_code == 0
    return folder / "out"


def test_the_report_holds_language_and_reason(unscored_folder: Path) -> None:
    report = load_report(unscored_folder)
    assert report.unscored == tuple(ROWS)
    assert report.summary.exit_code == 0


@pytest.mark.parametrize("file", ["report.html", "summary.md"])
def test_a_page_gives_a_reason_once_for_all_its_languages(unscored_folder: Path, file: str) -> None:
    page = (unscored_folder / file).read_text(encoding="utf-8")
    assert page.count(f"Not had for es, ml: {SHUT}") == 1


@pytest.mark.parametrize("file", ["report.html", "summary.md", "report.json"])
def test_a_run_that_lacks_nothing_says_nothing_of_it(run_folder: Path, file: str) -> None:
    page = (run_folder / file).read_text(encoding="utf-8")
    assert "Not had for" not in page
    assert "unscored" not in page
