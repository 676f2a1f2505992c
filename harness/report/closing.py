"""The last lines of a run: where its report lies, what it counts, and what the exit code means."""

from collections.abc import Iterator
from pathlib import Path

from harness.report.answer import outcome
from harness.report.wording import exit_words, mode_words
from harness.report.writer import PAGE_FILE, SUMMARY_FILE, load_report

LABEL_WIDTH = 9


def closing_lines(run: Path) -> Iterator[str]:
    """What a terminal and a log show when a run is over, from its stored report.

    Args:
        run: Folder of the run.
    """
    report = load_report(run)
    code = report["summary"]["exit_code"]
    yield ""
    yield mode_words(report).ribbon
    lines = {
        "outcome": outcome(report),
        "report": str(run / PAGE_FILE),
        "summary": str(run / SUMMARY_FILE),
        f"exit {code}": exit_words(report),
    }
    yield from (f"  {label:<{LABEL_WIDTH}}{words}" for label, words in lines.items())
