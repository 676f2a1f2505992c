"""One rendered fixture run, shared by the tests that only read it."""

from pathlib import Path

import pytest

from harness.report import load_report, write_report
from harness.report.document import Report
from tests.report import worlds


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_report(worlds.facts(), *worlds.store(folder, worlds.estimates(), worlds.checks()), folder / "out")
    return folder / "out"


@pytest.fixture(scope="session")
def stored(run_folder: Path) -> Report:
    return load_report(run_folder)


@pytest.fixture(scope="session")
def page(run_folder: Path) -> str:
    return (run_folder / "report.html").read_text(encoding="utf-8")
