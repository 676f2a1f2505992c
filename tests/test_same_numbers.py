"""The proof that a change changed no number sees a number that changed."""

import json
import shutil
from pathlib import Path

import pytest

from tests.same_numbers import FORMS, compare, measured, tree

EXAMPLE = Path(__file__).resolve().parents[1] / "reports" / "example"


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record whose tables are tiny, and whose reports are the committed example."""
    folder = tmp_path / "before"
    shutil.copytree(EXAMPLE, folder / "rendered")
    shutil.copyfile(EXAMPLE / "report.json", folder / "run.json")
    for name in ("parameters.json", "verdicts.json", "locks.json"):
        (folder / name).write_text('[{"a": 1}]', encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        pytest.param("parameters.json", "1", "2", id="a parameter of an item"),
        pytest.param("verdicts.json", "1", "2", id="a verdict"),
        pytest.param("locks.json", "1", "11", id="a lock that breaks"),
        pytest.param("rendered/summary.md", "PASS", "pass", id="a word of the summary"),
        pytest.param("rendered/junit.xml", "testcase", "test", id="a name in the JUnit file"),
        pytest.param("rendered/report.html", "<table", '<table class="wide"', id="an attribute of the page"),
        pytest.param("run.json", '"value": ', '"worth": ', id="a field of the report"),
        pytest.param("run.json", '"digest": "', '"digest": "0', id="an artifact's digest"),
    ],
)  # fmt: skip
def test_a_change_is_seen(record: Path, name: str, old: str, new: str) -> None:
    after = record.parent / "after"
    shutil.copytree(record, after)
    assert compare(record, after) == []
    text = (after / name).read_text(encoding="utf-8")
    (record / name).write_text(text, encoding="utf-8")
    (after / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    (found,) = compare(record, after)
    assert found.startswith(f"{name}: ")


def test_what_holds_the_digest_of_the_code_is_left_out(record: Path) -> None:
    report = json.loads((record / "run.json").read_text(encoding="utf-8"))
    report["run"]["id"], report["run"]["artifacts"][0]["key"] = "another", "another"
    before = measured(record / "run.json")
    (record / "run.json").write_text(json.dumps(report), encoding="utf-8")
    assert measured(record / "run.json") == before


def test_white_space_between_elements_is_no_difference(tmp_path: Path) -> None:
    pages = ["<p>one  <b>two</b></p>", "<p>\n one <b>two</b>\n</p>"]
    for place, page in enumerate(pages):
        (tmp_path / f"{place}.html").write_text(page, encoding="utf-8")
    assert tree(tmp_path / "0.html") == tree(tmp_path / "1.html")
    assert len(FORMS) == 7
