"""How commands answer: whole lines in a pipe, lines that fit on a terminal, and a shared problem once."""

import gc
import json
import sys
from collections.abc import Iterator

import pytest

from harness.process import YOUNG_OBJECTS, answer, collect_seldom, say, told


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Standard output is a terminal; COLUMNS says how wide."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    return monkeypatch


@pytest.mark.parametrize(
    ("columns", "lines"),
    [
        ("80", ["gap.l6.value      one two three four five six seven eight nine ten eleven twelve", " " * 18 + "thirteen"]),
        ("50", ["gap.l6.value      one two three four five six", " " * 18 + "seven eight nine ten eleven", " " * 18 + "twelve thirteen"]),
        ("40", ["gap.l6.value      one two three four", "    five six seven eight nine ten eleven", "    twelve thirteen"]),
    ],
)  # fmt: skip
def test_on_a_terminal_a_long_line_goes_on_below_its_text(
    terminal: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: str, lines: list[str]
) -> None:
    terminal.setenv("COLUMNS", columns)
    terminal.setattr(sys.stdout, "isatty", lambda: True)
    say(f"{'gap.l6.value':<18}", "one two three four five six seven eight nine ten eleven twelve thirteen")
    assert capsys.readouterr().out.splitlines() == lines


def test_in_a_pipe_a_line_stays_whole_unless_it_is_prose(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    say("id  ", "word " * 30)
    say("id  ", "word " * 30, prose=True)
    whole, *parts = capsys.readouterr().out.splitlines()
    assert len(whole) > 150
    assert len(parts) == 5
    assert max(map(len, parts)) <= 40


def test_a_machine_gets_everything_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    answer({"a": 1}, [("", "one")], as_json=True)
    assert json.loads(capsys.readouterr().out) == {"a": 1}
    assert told(iter("xy"), lambda each: ("", each), as_json=True) == ["x", "y"]
    assert capsys.readouterr().out == ""


def test_what_has_no_line_is_kept_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert told(iter("xy"), lambda each: None if each == "x" else ("", each), as_json=False) == ["x", "y"]
    assert capsys.readouterr().out == "y\n"


def test_people_hear_of_each_thing_as_soon_as_it_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    def found() -> Iterator[str]:
        yield "x"
        assert capsys.readouterr().out == "> x\n"
        yield "y"

    assert told(found(), lambda each: ("> ", each), as_json=False) == ["x", "y"]


@pytest.mark.parametrize(
    ("words", "asked"), [(["plan"], [YOUNG_OBJECTS]), ([], [YOUNG_OBJECTS]), (["stage", "phrases"], [])]
)
def test_stages_alone_look_for_garbage_as_often_as_usual(
    monkeypatch: pytest.MonkeyPatch, words: list[str], asked: list[int]
) -> None:
    thresholds: list[int] = []
    monkeypatch.setattr(gc, "set_threshold", thresholds.append)
    monkeypatch.setattr(sys, "argv", ["harness", *words])
    collect_seldom()
    assert thresholds == asked
