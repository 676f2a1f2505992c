"""Rendered runs, shared by the tests that only read them."""

from pathlib import Path

import pytest

from harness.report.document import Report
from harness.report.writer import load_report, write_report
from tests.report import judged, worlds


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixture run without a judge."""
    folder = tmp_path_factory.mktemp("run")
    write_report(worlds.facts(), *worlds.store(folder, worlds.estimates(), worlds.checks()), folder / "out")
    return folder / "out"


@pytest.fixture(scope="session")
def judged_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fixture run whose judge judged the miniature study."""
    folder = tmp_path_factory.mktemp("judged")
    tables = worlds.store(folder, worlds.estimates(), worlds.checks())
    write_report(worlds.facts(), *tables, folder / "out", judged.fixture_judgement())
    return folder / "out"


@pytest.fixture(scope="session")
def full_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full run with every verdict there is but ERROR."""
    folder = tmp_path_factory.mktemp("full")
    tables = worlds.store(folder, worlds.estimates(), worlds.checks())
    write_report(worlds.facts(mode="full"), *tables, folder / "out", judged.full_judgement())
    return folder / "out"


@pytest.fixture(scope="session")
def stored(run_folder: Path) -> Report:
    return load_report(run_folder)


@pytest.fixture(scope="session")
def stored_full(full_folder: Path) -> Report:
    return load_report(full_folder)


@pytest.fixture(scope="session")
def stored_judged(judged_folder: Path) -> Report:
    return load_report(judged_folder)


@pytest.fixture(scope="session")
def page(run_folder: Path) -> str:
    return (run_folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def full_page(full_folder: Path) -> str:
    return (full_folder / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def judged_page(judged_folder: Path) -> str:
    return (judged_folder / "report.html").read_text(encoding="utf-8")
