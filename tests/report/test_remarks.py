"""Benchmarks whose questions differ between languages: both pages say so beside accuracy and correlation."""

from pathlib import Path

import pytest

from harness.report.writer import load_report, write_report
from harness.store.tables import write_table
from harness.words.estimate import ItemOverlap
from tests.report import worlds

ASKED = {"en": 1_169, "zh": 1_160, "es": 1_169, "ml": 1_142}
ROWS = [
    ItemOverlap(benchmark="arc", language=code, asked=asked, shared=1_130) for code, asked in ASKED.items()
]
SAID = (
    "Not the same questions of arc in every language: all share 1,130, of 1,169 in en, es; of 1,160 in zh; of 1,142 in ml. "
    "Each accuracy is over the language\u2019s own questions."
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("overlaps")
    estimates, checks = worlds.store(root, worlds.estimates(), worlds.checks())
    write_table(estimates, ItemOverlap, ROWS)
    assert write_report(worlds.facts(), estimates, checks, root / "out").summary.exit_code == 0
    return root / "out"


def test_the_report_holds_every_language(folder: Path) -> None:
    assert load_report(folder).overlaps == tuple(ROWS)


def test_the_page_says_so_beside_accuracy_and_beside_correlation(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count(SAID) == 2
    for anchor in ("accuracy", "correlation"):
        panel, _, _ = page.partition(f'<h3 id="{anchor}"')[2].partition("<h3")
        assert SAID in panel


@pytest.mark.parametrize("heading", ["Accuracy", "Gap against accuracy"])
def test_the_summary_says_so_too(folder: Path, heading: str) -> None:
    assert f"\n{heading}. {SAID}\n" in (folder / "summary.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("file", ["report.html", "summary.md", "report.json"])
def test_a_run_on_the_same_questions_says_nothing_of_it(run_folder: Path, file: str) -> None:
    page = (run_folder / file).read_text(encoding="utf-8")
    assert "Not the same questions" not in page
    assert "overlaps" not in page
