"""The summary as a reader of Markdown sees it: every text as it is, nothing more."""

from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from harness.report.render import markdown_text
from harness.report.writer import write_report
from tests.report import worlds


def shown(text: str) -> str:
    """What a reader sees of one line of Markdown."""
    (inline,) = (token for token in MarkdownIt("commonmark").parse(text) if token.type == "inline")
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    return "".join(child.content for child in inline.children or ())


def cells(summary: str) -> list[list[str]]:
    """Every row of every table."""
    tokens = MarkdownIt("commonmark").enable("table").parse(summary)
    rows: list[list[str]] = []
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in {"td_open", "th_open"}:
            rows[-1].append("".join(child.content for child in tokens[place + 1].children or ()))
    return rows


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("adapter's own language", id="an apostrophe"),
        pytest.param('a "quoted" name', id="quotation marks"),
        pytest.param("a < b && b > c", id="signs of HTML"),
        pytest.param("&#x27; &amp; &lt;", id="what looks like an entity"),
        pytest.param("<script>alert(1)</script>", id="an element"),
        pytest.param("100 * (1 - 3/5) * 2", id="stars"),
        pytest.param("snake_case_name and __more__", id="underscores"),
        pytest.param("[a](b) ![c](d) `e` ~~f~~ # g", id="every mark"),
        pytest.param(r"a \ b \| c", id="backslashes"),
    ],
)
def test_a_text_is_shown_as_it_is(text: str) -> None:
    assert shown(markdown_text(text)) == text


def test_nothing_is_escaped_twice(run_folder: Path) -> None:
    summary = (run_folder / "summary.md").read_text(encoding="utf-8")
    assert "adapter's own language" in summary
    assert "&" not in summary


def test_every_table_is_read_as_one(run_folder: Path) -> None:
    rows = cells((run_folder / "summary.md").read_text(encoding="utf-8"))
    assert ["Malayalam (ml)", "20", "primary", "+75.00\u202f%", "60 latents", "3"] in rows
    assert ["Hindi (hi)", "\u2013", "over all aligned layers", "+61.00\u202f%", "60 latents", "3"] in rows
    assert ["Marathi (mr)", "20", "share of the gap closed", "+240.00\u202f%", "60 latents", "3"] in rows
    assert ["High-resource", *[""] * 5] in rows


def test_a_pipe_does_not_end_a_cell(tmp_path: Path) -> None:
    row = worlds.named(replace(worlds.BLANK, quantity="a|b", unit="tokens"))
    write_report(worlds.facts(), *worlds.store(tmp_path, [row], []), tmp_path / "out")
    assert ["a|b", "0.0 tokens", "60 latents"] in cells((tmp_path / "out/summary.md").read_text())
