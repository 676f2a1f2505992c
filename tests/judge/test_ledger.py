"""The ledger: every full run keeps a line, and every tampering is seen and named."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.judge.ledger import LedgerFile, Run
from harness.judge.preregistration import LockBrokenError
from harness.words.judgement import Ledger

LOCK, OTHER = "a" * 64, "b" * 64


def run(name: str, study: str, lock: str) -> Run:
    return Run(run_id=name, study=study, lock=lock)


@pytest.fixture
def ledger(tmp_path: Path) -> LedgerFile:
    return LedgerFile(folder=tmp_path)


def three_runs(ledger: LedgerFile) -> None:
    for name in ("first", "second", "third"):
        ledger.begin(run(name, "paper", LOCK))
    ledger.end(run("first", "paper", LOCK), "6 PASS, 1 DEVIATION", 1)


def test_without_a_full_run_there_is_no_ledger(ledger: LedgerFile) -> None:
    assert ledger.entries() == ()
    assert ledger.standing(run("first", "paper", LOCK)) == Ledger()
    assert not ledger.path.exists()


def test_a_run_learns_its_place_under_the_lock(ledger: LedgerFile) -> None:
    three_runs(ledger)
    standing = ledger.standing(run("second", "paper", LOCK))
    assert (standing.ordinal, standing.runs_under_lock) == (2, 3)
    assert [(line.ordinal, line.run_id) for line in standing.lines] == [
        (1, "first"),
        (2, "second"),
        (3, "third"),
    ]
    assert (standing.lines[0].outcome, standing.lines[0].exit_code) == ("6 PASS, 1 DEVIATION", 1)
    assert (standing.lines[1].outcome, standing.lines[1].exit_code) == ("begun, and not ended", None)


def test_a_resumed_run_keeps_its_line(ledger: LedgerFile) -> None:
    three_runs(ledger)
    before = ledger.path.read_bytes()
    assert ledger.begin(run("second", "paper", LOCK)).ordinal == 2
    assert ledger.path.read_bytes() == before


def test_an_ending_is_noted_once_and_again_when_it_differs(ledger: LedgerFile) -> None:
    three_runs(ledger)
    ledger.end(run("first", "paper", LOCK), "6 PASS, 1 DEVIATION", 1)
    assert len(ledger.entries()) == 4
    ledger.end(run("first", "paper", LOCK), "7 PASS", 0)
    assert len(ledger.entries()) == 5
    assert ledger.standing(run("third", "paper", LOCK)).lines[0].outcome == "7 PASS"


def test_another_study_or_lock_counts_by_itself(ledger: LedgerFile) -> None:
    three_runs(ledger)
    assert ledger.begin(run("first", "other", LOCK)).runs_under_lock == 1
    assert ledger.begin(run("first", "paper", OTHER)).runs_under_lock == 1
    assert ledger.standing(run("first", "paper", LOCK)).runs_under_lock == 3
    assert ledger.locks_of("paper") == {LOCK, OTHER}
    assert ledger.locks_of("other") == {LOCK}
    assert ledger.locks_of("third") == frozenset()


def edited(line: str) -> str:
    return line.replace("6 PASS, 1 DEVIATION", "7 PASS")


NO_LINE = "line 2: no line of a ledger"
Change = Callable[[list[str]], list[str]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        pytest.param(lambda lines: [*lines[:3], edited(lines[3]), lines[4]], "line 4, run first: edited", id="edited"),
        pytest.param(
            lambda lines: [lines[0].replace('"first"', '"fifth"'), *lines[1:]], "line 1, run fifth: edited", id="renamed",
        ),
        pytest.param(
            lambda lines: [lines[0], *lines[2:]], "line 2, run third: does not follow the line before it", id="removed",
        ),
        pytest.param(lambda lines: lines[1:], "line 1, run second: does not follow", id="the first removed"),
        pytest.param(
            lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], "line 2, run third: does not follow", id="moved",
        ),
        pytest.param(lambda lines: [lines[0], *lines], "line 2, run first: does not follow", id="put in"),
        pytest.param(lambda lines: [*lines[:3], lines[4]], "its seal counts 4 lines", id="the last removed"),
        pytest.param(lambda lines: lines[:4], "its seal is missing", id="the seal removed"),
        pytest.param(lambda lines: lines[:2], "its seal is missing", id="the end cut off"),
        pytest.param(lambda lines: [], "its seal is missing", id="emptied"),
        pytest.param(lambda lines: [*lines, lines[0]], "line 5 is a seal, but 1 lines follow it", id="added after the seal"),
        pytest.param(lambda lines: [*lines[:1], "{half", *lines[2:]], NO_LINE, id="torn"),
        pytest.param(lambda lines: [*lines[:1], '{"run": 1}', *lines[2:]], NO_LINE, id="foreign"),
        pytest.param(lambda lines: [*lines[:1], "[]", *lines[2:]], NO_LINE, id="a list"),
        pytest.param(lambda lines: [*lines[:1], '{"sealed_lines": null, "last": null}'], NO_LINE, id="an empty seal"),
        pytest.param(lambda lines: [*lines[:1], lines[1].replace('"begun"', "1"), *lines[2:]], NO_LINE, id="a number for a word"),
        pytest.param(lambda lines: [*lines[:1], lines[1].replace("begun", "\\ud800"), *lines[2:]], NO_LINE, id="half a letter"),
        pytest.param(lambda lines: [*lines[:1], "[" * 100_000, *lines[2:]], NO_LINE, id="a deep hole"),
    ],
)  # fmt: skip
def test_tampering_is_seen_and_named(ledger: LedgerFile, change: Change, says: str) -> None:
    three_runs(ledger)
    lines = ledger.path.read_text().splitlines()
    ledger.path.write_text("".join(line + "\n" for line in change(lines)))
    for ask in (
        ledger.entries,
        lambda: ledger.begin(run("fourth", "paper", LOCK)),
        lambda: ledger.standing(run("first", "paper", LOCK)),
        lambda: ledger.locks_of("paper"),
    ):
        with pytest.raises(LockBrokenError, match=r"ledger\.jsonl") as told:
            ask()
        assert says in str(told.value)
    assert told.value.exit_code == 11


def test_an_untouched_ledger_is_not_refused(ledger: LedgerFile) -> None:
    three_runs(ledger)
    assert len(ledger.entries()) == 4
    assert json.loads(ledger.path.read_text().splitlines()[-1])["sealed_lines"] == 4


def test_a_run_that_was_never_begun_cannot_end(ledger: LedgerFile) -> None:
    three_runs(ledger)
    with pytest.raises(LockBrokenError, match="has no line for run fourth"):
        ledger.end(run("fourth", "paper", LOCK), "", 0)


def test_an_ending_without_a_beginning_is_seen(ledger: LedgerFile) -> None:
    from dataclasses import replace

    from harness.judge.ledger import NOTHING_BEFORE, Seal
    from harness.words.canonical import canonical_json

    three_runs(ledger)
    ended = replace(ledger.entries()[3], previous=NOTHING_BEFORE).sealed()
    seal = Seal(sealed_lines=1, last=ended.sha256)
    ledger.path.write_text(f"{canonical_json(ended)}\n{canonical_json(seal)}\n")
    with pytest.raises(LockBrokenError, match="line 1, run first: ends a run that no line begins"):
        ledger.entries()


def test_processes_that_begin_at_once_each_keep_a_line(ledger: LedgerFile) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from harness.judge.ledger import LedgerFile, Run
        ledger = LedgerFile(folder=Path(sys.argv[1]))
        for number in range(5):
            ledger.begin(Run(run_id=f"{sys.argv[2]}-{number}", study="paper", lock="a" * 64))
    """)
    command = [sys.executable, "-c", code, str(ledger.folder)]
    running = [subprocess.Popen([*command, name]) for name in ("one", "other", "third")]
    assert [each.wait(timeout=60) for each in running] == [0, 0, 0]
    assert ledger.standing(run("one-0", "paper", LOCK)).runs_under_lock == 15


def test_a_killed_process_leaves_a_whole_ledger(ledger: LedgerFile) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from harness.judge.ledger import LedgerFile, Run
        ledger = LedgerFile(folder=Path(sys.argv[1]))
        for number in range(100_000):
            ledger.begin(Run(run_id=str(number), study="paper", lock="a" * 64))
            print(number, flush=True)
    """)
    running = subprocess.Popen(
        [sys.executable, "-c", code, str(ledger.folder)], stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    told = [running.stdout.readline() for _ in range(10)]
    os.kill(running.pid, signal.SIGKILL)
    running.wait(timeout=60)
    running.stdout.close()
    assert len(ledger.entries()) >= len(told)
    assert ledger.begin(run("after", "paper", LOCK)).runs_under_lock >= len(told) + 1
