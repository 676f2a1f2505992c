"""What the phrases cover of each layer: every count of the stored table, folded, on both pages."""

import re
from dataclasses import astuple, fields
from pathlib import Path

import pytest

from harness.report.tables import COVERAGE_HEADERS
from harness.report.writer import load_report, write_report
from harness.store.tables import write_table
from harness.words.records import Coverage
from tests.report import worlds

NAMES = [field.name for field in fields(Coverage)]
ROWS = [
    Coverage(**{name: 1_000 * (layer + 1) + place for place, name in enumerate(NAMES)} | {"layer": layer})
    for layer in range(3)
]
"""Every count is another one."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("coverage")
    estimates, checks = worlds.store(root, worlds.estimates()[:3], worlds.checks())
    write_table(estimates, Coverage, ROWS)
    assert write_report(worlds.facts(), estimates, checks, root / "out").summary.exit_code == 0
    return root / "out"


def test_the_report_holds_every_count(folder: Path) -> None:
    assert load_report(folder).coverage == tuple(ROWS)


def test_no_count_goes_unshown() -> None:
    assert list(COVERAGE_HEADERS) == NAMES


def test_the_summary_has_one_folded_row_per_layer(folder: Path) -> None:
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    block = summary.partition("<details><summary>Coverage of the phrases</summary>")[2].partition(
        "</details>"
    )[0]
    lines = [line for line in block.splitlines() if line.startswith("|")]
    assert lines[0].startswith("| Layer | Rows read | Peak on BOS |")
    assert lines[2:] == [
        f"| {row.layer} | " + " | ".join(f"{value:,}" for value in astuple(row)[1:]) + " |" for row in ROWS
    ]


def test_the_page_has_them_folded_with_the_sums(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    part = page.partition('<section id="coverage"')[2].partition("</section>")[0]
    assert "<details><summary>3 layers: 6,003 rows read, 6,039 latents drawn</summary>" in part
    cells = [re.findall(r"<t[hd][^>]*>([^<]*)</t", row) for row in part.split("<tr>")[2:]]
    assert cells == [[f"{value:,}" for value in astuple(row)] for row in ROWS]


@pytest.mark.parametrize("file", ["report.html", "summary.md", "report.json"])
def test_a_run_without_it_says_nothing_of_it(run_folder: Path, file: str) -> None:
    assert "overage" not in (run_folder / file).read_text(encoding="utf-8")
