"""What remains without each rival explanation: one table on the page and in the summary, and records in `report.json`."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.report.document import Rival
from harness.report.writer import load_report, write_report
from harness.words.estimate import Estimate
from harness.words.judgement import Precision
from tests.report import judged, worlds

ROW = (
    "Selection on English",
    "On texts that were not selected for a latent, +6.00 of +24.00 points remain.",
    "1 of 2",
    "0 of 2",
)


def row(quantity: str, layer: int, value: float, **changes: object) -> Estimate:
    scope = {"quantity": quantity, "layer": layer, "value": value, **changes}
    return worlds.named(replace(worlds.BLANK, **scope))  # type: ignore[arg-type]


def measured() -> list[Estimate]:
    """A gap of 20 and 28 points, of which 2 and 10 remain; and what must not be mistaken for either."""
    return [
        *(row("gap", layer, value, reading="high") for layer, value in ((0, 20.0), (1, 28.0), (2, 99.0))),
        *(row("gap-remaining", layer, value, reading="unselected") for layer, value in ((0, 2.0), (1, 10.0))),
        row("gap", 0, 77.0, reading="high", language="ml"),
        row("gap", 0, 77.0, reading="high", specification="pooling=max"),
        row("gap", 0, 77.0, reading="english"),
    ]


def interval(low: float, high: float) -> Precision:
    return Precision(se=1.0, df=None, ci90=(low, high), ci95=(low - 1, high + 1), seeds=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rows = tmp_path_factory.mktemp("rivals"), measured()
    ends = {rows[3].estimate_id: interval(-1.0, 5.0), rows[4].estimate_id: interval(7.0, 13.0)}
    judgement = replace(judged.fixture_judgement(), precisions=ends)
    tables = worlds.store(root, rows, worlds.checks())
    write_report(worlds.facts(), *tables, root / "out", judgement)
    return root / "out"


def test_the_report_holds_what_remains(folder: Path) -> None:
    name, sentence, *_ = ROW
    assert load_report(folder).rivals == (
        Rival(
            rival="unselected",
            name=name,
            without=sentence.partition(",")[0],
            layers=2,
            whole=24.0,
            remaining=6.0,
            above=1,
            below=0,
        ),
    )


def test_the_summary_tells_it_in_a_sentence(folder: Path) -> None:
    summary = (folder / "summary.md").read_text(encoding="utf-8")
    assert f"| {' | '.join(ROW)} |" in summary
    assert "<details open><summary>Rival explanations</summary>" in summary


def test_the_page_tells_it_where_it_stands_behind_the_gap(folder: Path) -> None:
    page = (folder / "report.html").read_text(encoding="utf-8")
    section = page.partition('<section id="what-stands-behind-the-gap"')[2].partition("</section>")[0]
    assert all(cell.replace(" ", "\u00a0") in section or cell in section for cell in ROW)
    # Layer by layer the gap itself stands beside it, and no other specification of it.
    panel = section.partition('<h3 id="rivals"')[2].partition("<h3")[0]
    assert "+20.00" in panel
    assert "+2.00" in panel
    assert "+99.00" in panel
    cells = panel.partition("layer by layer")[2]
    assert cells.count("+77.00") == 1


def test_a_run_without_any_says_nothing_of_it(run_folder: Path) -> None:
    assert load_report(run_folder).rivals == ()
    assert "rivals" not in (run_folder / "report.json").read_text(encoding="utf-8")
    assert "Rival explanations</summary>" not in (run_folder / "summary.md").read_text(encoding="utf-8")
