"""The page: self-contained, complete, escaped, and silent about nothing."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness.report.document import Report
from harness.report.tables import Filled, filled_panels, tabulate
from harness.report.writer import load_report, write_report
from harness.words.runfacts import Paper
from tests.report import worlds

HOSTILE = "<script>alert(1)</script>\"'><img src=//x.example/y onerror=z>&amp; $x^2$ \x00\x1b\u202e| `code` [a](b)\n#"
VOID = {"meta", "br", "link"}
SLOW_4G_BYTES = 200_000 * 3
"""What slow 4G (1.6 Mbit/s) carries in three seconds."""


class Reader(HTMLParser):
    """Elements of a page, and whether each is closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def having(self, name: str) -> Iterator[tuple[str, str]]:
        return ((tag, attributes[name] or "") for tag, attributes in self.elements if name in attributes)


@pytest.fixture(scope="module")
def elements(page: str) -> Reader:
    return Reader(page)


def rendered(folder: Path, **changes: object) -> str:
    few = [row for row in worlds.estimates() if row.quantity == "gain"]
    facts = worlds.facts(**changes)
    write_report(facts, *worlds.store(folder, few, worlds.checks(number=1)), folder / "out")
    return (folder / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["page", "full_page", "judged_page"])
def test_a_phone_loads_it_in_three_seconds(which: str, request: pytest.FixtureRequest) -> None:
    assert len(request.getfixturevalue(which).encode()) < SLOW_4G_BYTES


@pytest.mark.parametrize("which", ["page", "full_page", "judged_page"])
def test_no_list_of_terms_holds_one_twice(which: str, request: pytest.FixtureRequest) -> None:
    lists = re.findall(r"<dl.*?</dl>", request.getfixturevalue(which), flags=re.DOTALL)
    terms = [re.findall(r"<dt>(.*?)</dt>", each, flags=re.DOTALL) for each in lists]
    assert sum(map(len, terms)) > len(lists)
    assert [each for each in terms if len(set(each)) < len(each)] == []


def test_no_request_leaves_the_page(page: str, elements: Reader) -> None:
    addresses = [
        (tag, value)
        for name in ("src", "href", "xlink:href", "srcset", "data")
        for tag, value in elements.having(name)
    ]
    outside = [(tag, value) for tag, value in addresses if not value.startswith("#")]
    assert set(outside) == {("a", "https://arxiv.org/abs/2507.18918"), ("a", "report.json")}
    assert not re.search(r"url\((?!#)|@import", page)
    assert not {"script", "link", "iframe", "img", "image", "object", "base", "form"} & {
        tag for tag, _ in elements.elements
    }
    assert not [
        attribute
        for _, attributes in elements.elements
        for attribute in attributes
        if attribute.startswith("on")
    ]


def test_the_policy_forbids_requests(elements: Reader) -> None:
    policies = [attributes["content"] for _, attributes in elements.elements if "http-equiv" in attributes]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'"]


def test_the_mode_is_said_wherever_a_reader_may_look(page: str) -> None:
    ribbon = "FIXTURE RUN \u2014 SAYS NOTHING ABOUT THE PAPER"
    assert f"<title>{ribbon}" in page
    assert f"<strong>{ribbon}</strong>" in page
    assert f'@top-center {{ content: "{ribbon}"; }}' in page
    assert page.count(f">{ribbon}</text>") == 3, "each figure carries it, since figures are cut out of pages"


@pytest.mark.parametrize(
    ("mode", "ribbon"),
    [("rehearsal", "RANDOM WEIGHTS"), ("full", "FULL RUN"), ("audit", "NUMBERS DECLARED BY OTHERS")],
)
def test_every_mode_has_its_ribbon(tmp_path: Path, mode: str, ribbon: str) -> None:
    page = rendered(tmp_path, mode=mode)
    assert re.search(rf"<title>[^<]*{ribbon}", page)
    assert "FIXTURE" not in page


def test_what_a_run_rests_on_is_told_by_its_design(page: str, tmp_path: Path) -> None:
    assert "Model, dictionaries, translators and benchmarks are miniatures" in page
    plain = rendered(tmp_path, study="elsewhere")
    assert "Models and data are miniatures" in plain
    assert "<dt>latent</dt>" in page
    assert "<dt>latent</dt>" not in plain


def test_it_says_that_no_claim_is_judged(page: str) -> None:
    assert "No claim is judged yet: this version measures" in page


def test_ids_are_unique_and_all_references_lead_somewhere(page: str, elements: Reader) -> None:
    ids = Counter(value for _, value in elements.having("id"))
    assert [name for name, number in ids.items() if number > 1] == []
    inside = {
        value[1:]
        for name in ("href", "xlink:href")
        for _, value in elements.having(name)
        if value.startswith("#")
    }
    named = {part for _, value in elements.having("aria-labelledby") for part in value.split()}
    clipped = set(re.findall(r"url\(#([^)]+)\)", page))
    assert inside | named | clipped <= set(ids)
    assert clipped, "the figures clip, so this test sees their ids"


def test_structure(elements: Reader) -> None:
    tags = Counter(tag for tag, _ in elements.elements)
    assert (tags["h1"], tags["main"], tags["svg"]) == (1, 1, 3)
    assert tags["table"] == tags["caption"]
    assert elements.elements[0] == ("html", {"lang": "en"})
    assert all(attributes.get("scope") for tag, attributes in elements.elements if tag == "th")
    assert all(attributes.get("role") == "img" for tag, attributes in elements.elements if tag == "svg")


def test_every_measurement_has_a_cell(stored: Report) -> None:
    panels = filled_panels(stored)
    shown = [row.id for filled in panels for row in filled.rows]
    assert sorted(shown) == sorted(row.id for row in stored.measurements)
    cells = sum(_num_values(filled) for filled in panels if filled.rows)
    assert cells == len(stored.measurements)


def _num_values(filled: Filled) -> int:
    table = tabulate(filled)
    if "Units" in table.headers:
        return len(table.rows)
    return sum(bool(cell) for row in table.rows for cell in row[table.num_labels :])


def test_an_unknown_quantity_is_shown(tmp_path: Path) -> None:
    novel = replace(worlds.BLANK, quantity="novel-thing", unit="tokens", value=-3.25)
    estimates, checks = worlds.store(tmp_path, [worlds.named(novel)], [])
    write_report(worlds.facts(), estimates, checks, tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "Other measurements" in page
    assert "novel-thing" in page
    assert "\u22123.2\u00a0tokens" in page


def test_a_unit_that_nobody_knows_is_refused_by_name(tmp_path: Path) -> None:
    novel = worlds.named(replace(worlds.BLANK, quantity="novel-thing", unit="furlongs", value=-3.25))
    with pytest.raises(ValueError, match=r"measurements\[0\]\.unit: 'furlongs' is not one of"):
        write_report(worlds.facts(), *worlds.store(tmp_path, [novel], []), tmp_path / "out")


def test_a_study_that_is_not_at_hand_is_shown_plainly(tmp_path: Path) -> None:
    rows = [row for row in worlds.estimates() if row.quantity in {"gap", "gain"}]
    write_report(worlds.facts(study="elsewhere"), *worlds.store(tmp_path, rows, []), tmp_path / "out")
    (filled,) = filled_panels(load_report(tmp_path / "out"))
    assert (filled.panel.heading, len(filled.rows)) == ("Measured too", len(rows))


def test_a_second_number_in_the_same_cell_is_shown_too(tmp_path: Path) -> None:
    rows = [row for row in worlds.estimates() if row.quantity == "accuracy"]
    rival = replace(rows[0], estimate_id="accuracy/rival", value=77.77)
    write_report(worlds.facts(), *worlds.store(tmp_path, [*rows, rival], []), tmp_path / "out")
    assert "77.77" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


def test_missing_data_says_so(tmp_path: Path) -> None:
    write_report(
        worlds.facts(artifacts=(), sources=(), environment={}),
        *worlds.store(tmp_path, [], None),
        tmp_path / "out",
    )
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    Reader(page)
    assert page.count("Not measured in this run.") == len(filled_panels(load_report(tmp_path / "out")))
    for words in (
        "No self-check was made in this run.",
        "No outside source",
        "No environment",
        "No stored artifact",
    ):
        assert words in page


def test_a_figure_without_layers_says_so(tmp_path: Path) -> None:
    rows = [worlds.named(replace(worlds.BLANK, quantity="gap", reading="high", value=20.0))]
    write_report(worlds.facts(), *worlds.store(tmp_path, rows, []), tmp_path / "out")
    assert "Figure not drawn" in (tmp_path / "out/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("study", [HOSTILE, "sin2025"], ids=["no study", "a study with drawings"])
def test_hostile_text_stays_text(tmp_path: Path, study: str) -> None:
    rows = [
        worlds.named(
            replace(
                row,
                reading=HOSTILE,
                specification=HOSTILE,
                language=language,
                unit_kind=HOSTILE,
            )
        )
        for row in worlds.estimates()[:60:10]
        for language in (None, HOSTILE)
    ]
    rows.append(worlds.named(replace(worlds.BLANK, quantity=HOSTILE, benchmark=HOSTILE)))
    unique = list({row.estimate_id: row for row in rows}.values())
    checks = [replace(worlds.checks()[0], check_id=HOSTILE, says=HOSTILE, because=HOSTILE, differs=True)]
    facts = worlds.facts(
        study=study,
        paper=Paper(id=HOSTILE, title=HOSTILE),
        profile=HOSTILE,
        id=HOSTILE,
        environment={HOSTILE: HOSTILE},
        artifacts=(replace(worlds.RUN.artifacts[0], stage=HOSTILE, item=HOSTILE, digest=HOSTILE),),
        sources=(replace(worlds.RUN.sources[0], name=HOSTILE, address=HOSTILE, licence=HOSTILE),),
    )
    assert (
        write_report(facts, *worlds.store(tmp_path, unique, checks), tmp_path / "out").summary.exit_code == 1
    )
    reader = Reader((tmp_path / "out/report.html").read_text(encoding="utf-8"))
    assert "img" not in {tag for tag, _ in reader.elements}
    assert "script" not in {tag for tag, _ in reader.elements}
    summary = (tmp_path / "out/summary.md").read_text(encoding="utf-8")
    assert "<script" not in summary
    assert "<img" not in summary
    assert "[a](b)" not in summary
    for name in ("report.html", "summary.md", "junit.xml"):
        assert not re.search("[\x00\x1b\u202e]", (tmp_path / "out" / name).read_text(encoding="utf-8")), name
