"""Languages by name, in the study's order, group by group; and the calm version of a crowded table."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.designs.disparity.panels import PRESENTATION
from harness.report.document import Report
from harness.report.tables import Names, Table, filled_panels, tabulate
from harness.report.writer import load_report, write_report
from harness.words.runfacts import LanguageFact
from tests.report import worlds

STUDY_ORDER = [
    "Chinese (zh)",
    "Russian (ru)",
    "Spanish (es)",
    "Italian (it)",
    "Indonesian (id)",
    "Catalan (ca)",
    "Marathi (mr)",
    "Malayalam (ml)",
    "Hindi (hi)",
]


def table(report: Report, anchor: str, *, short: bool = False) -> Table:
    panels = filled_panels(report)
    return tabulate(next(filled for filled in panels if filled.panel.anchor == anchor), short=short)


def test_the_document_holds_every_language(stored: Report) -> None:
    assert stored.languages == worlds.facts().languages


def test_a_language_that_no_study_names_keeps_its_code() -> None:
    known = Names([LanguageFact(code="ml", name="Malayalam", group="low")], PRESENTATION)
    assert [known.name(code) for code in ("ml", "xx")] == ["Malayalam (ml)", "xx"]
    assert [known.group(code) for code in ("ml", "xx", None)] == ["Low-resource", "", ""]
    assert sorted(["xx", "ml", None], key=known.place) == [None, "ml", "xx"]


def test_rows_stand_in_the_order_of_the_study(tmp_path: Path) -> None:
    rows = [row for row in worlds.estimates() if row.quantity == "gap" and row.language]
    write_report(worlds.facts(), *worlds.store(tmp_path, rows[::-1], []), tmp_path / "out")
    short = table(load_report(tmp_path / "out"), "gap-language", short=True)
    assert [row[0] for row in short.rows] == STUDY_ORDER
    assert short.groups == ("High-resource",) * 4 + ("Low-resource",) * 5


def test_the_visible_table_by_language_keeps_to_the_first_reading(stored: Report) -> None:
    short, whole = (table(stored, "gap-language", short=short) for short in (True, False))
    assert short.headers == ("Language", "0", "6", "12", "19", "25")
    assert "Reading: high-resource mean." in short.caption
    assert [row[:2] for row in whole.rows] == [
        (language, reading) for reading in ("high-resource mean", "English") for language in STUDY_ORDER
    ]


@pytest.mark.parametrize(
    ("anchor", "grouped"), [("accuracy", True), ("gain", False), ("retention", False), ("gap", False)]
)
def test_rows_are_grouped_where_groups_tell_them_apart(stored: Report, anchor: str, grouped: bool) -> None:  # noqa: FBT001 - parametrised
    assert bool(table(stored, anchor).groups) is grouped


def test_the_page_names_languages_and_its_figures_use_codes(page: str) -> None:
    assert '<th scope="row">Malayalam (ml)</th>' in page
    assert '<th scope="rowgroup" colspan="6" class="group">Low-resource</th>' in page
    assert ">ml</text>" in page
    assert ">Low-resource</text>" in page


def test_one_group_alone_is_not_named(tmp_path: Path) -> None:
    languages = tuple(replace(language, group="low") for language in worlds.facts().languages)
    facts = worlds.facts(languages=languages)
    rows = [worlds.named(row) for row in worlds.gaps()]
    write_report(facts, *worlds.store(tmp_path, rows, []), tmp_path / "out")
    assert "Low-resource<" not in (tmp_path / "out/report.html").read_text(encoding="utf-8")
