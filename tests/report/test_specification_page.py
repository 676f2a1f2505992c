"""The page of one specification: headed exploratory, every claim that has it beside its primary verdict, and no other name accepted."""

from pathlib import Path

import pytest

from harness.report.document import Report
from harness.report.specification_page import write_specification
from harness.words.errors import UsageError
from harness.words.specification import PRIMARY

NAME = "group=with-english"


def test_the_page_is_headed_exploratory_and_shows_both_verdicts(stored_full: Report, tmp_path: Path) -> None:
    claim = next(claim for claim in stored_full.claims if claim.multiverse)
    path = write_specification(stored_full, NAME, tmp_path)
    page = path.read_text(encoding="utf-8")
    assert path.name == f"specification-{NAME}.html"
    assert page.index("EXPLORATORY") < page.index("<h1>")
    assert "members of the high-resource group" in page
    row = page[page.index(claim.id) :].partition("</tr>")[0]
    assert row.index("DEVIATION") < row.index("PASS")
    assert "<script" not in page


def test_a_hole_is_shown_with_its_reason(stored_full: Report, tmp_path: Path) -> None:
    page = write_specification(stored_full, "pooling=last+speaker=panel", tmp_path).read_text(
        encoding="utf-8"
    )
    assert "no last token is stored" in page


@pytest.mark.parametrize(
    ("name", "says"),
    [
        pytest.param(PRIMARY, "its report is report.html", id="the one that decides"),
        pytest.param("pooling=min", "did you mean 'pooling=max'?", id="one that nobody computed"),
        pytest.param("../../x", "unknown specification", id="a path"),
    ],
)
def test_a_name_that_the_run_does_not_have_is_refused(
    stored_full: Report, name: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="specification") as caught:
        write_specification(stored_full, name, tmp_path)
    assert says in str(caught.value)
    assert not list(tmp_path.iterdir())
