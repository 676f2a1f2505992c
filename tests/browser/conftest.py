"""A real Chromium, and the pages that it looks at; where there is none, these tests say so instead of passing."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.report.writer import write_report
from harness.words.runfacts import Paper
from tests.report import judged, worlds
from tests.report.test_page import HOSTILE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = os.environ.get("HARNESS_CHROMIUM") or shutil.which("chromium")
NEEDED = ("playwright", "axe_playwright_python", "pypdf")
REQUIRED = os.environ.get("HARNESS_BROWSER") == "required"
"""Set by `nox -s browser`: then a missing browser is a failure."""

PAGES = ("full", "fixture", "unmeasured", "hostile")
LONG = "unbroken" * 60


def missing() -> str:
    """What a browser test needs and this machine lacks."""
    absent = [name for name in NEEDED if find_spec(name) is None]
    return ", ".join([*absent, *([] if CHROMIUM else ["chromium"])])


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Headless Chromium."""
    if lacking := missing():
        reason = f"needs {lacking}: apt-get install chromium, then nox -s browser"
        pytest.fail(reason) if REQUIRED else pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # The sandbox needs rights that root in a container has not; the pages are our own files.
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One rendered page of every sort, by name."""
    folder = tmp_path_factory.mktemp("pages")
    tables = worlds.store(folder, worlds.estimates(), worlds.checks(differing=1))
    none = folder / "none"
    write_report(worlds.facts(mode="full"), *tables, folder / "full", judged.full_judgement())
    write_report(worlds.facts(), *tables, folder / "fixture", judged.fixture_judgement())
    write_report(worlds.facts(not_run=worlds.NOT_RUN), none, none, folder / "unmeasured")
    write_report(hostile_facts(), *tables, folder / "hostile", hostile_judgement())
    return {name: folder / name / "report.html" for name in PAGES}


def hostile_facts() -> object:
    """A run whose every name is made to break a page."""
    return worlds.facts(
        mode="full",
        study=LONG,
        paper=Paper(id=HOSTILE, title=f"{HOSTILE} {LONG}"),
        environment={LONG: LONG},
        artifacts=(replace(worlds.RUN.artifacts[0], stage=LONG, item=HOSTILE),),
        sources=(replace(worlds.RUN.sources[0], name=LONG, address=f"https://{LONG}", licence=HOSTILE),),
    )


def hostile_judgement() -> object:
    """Claims whose every text is made to break a page."""
    paper = judged.full_judgement().paper
    claims = tuple(
        replace(
            claim,
            says=f"{HOSTILE} {LONG}",
            beside=LONG,
            margin_because=HOSTILE,
            sentence=replace(claim.sentence, quote=HOSTILE, where=LONG),
        )
        for claim in paper.claims
    )
    verdicts = tuple(replace(verdict, says=f"{LONG} {HOSTILE}") for verdict in paper.verdicts)
    return judged.full_judgement(paper=replace(paper, claims=claims, verdicts=verdicts))
