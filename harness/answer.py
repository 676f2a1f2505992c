"""How a command answers: lines for people, as wide as their terminal, and JSON for machines."""

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable
from typing import TypeVar

Found = TypeVar("Found")

Line = tuple[str, str]
"""What a line begins with, and the text that goes on below itself where a terminal is too narrow for it."""

LINE_WIDTH = 110
LEAST_WIDTH = 30
"""Columns that a text needs beside its lead; with fewer it goes on at the left."""


def print_json(content: object) -> None:
    """Print an answer for a machine; a number that is none is no JSON, and an error."""
    from harness.words.canonical import plain

    _write(json.dumps(plain(content), indent=2, ensure_ascii=False, allow_nan=False))


def answer(content: object, lines: Iterable[Line], *, as_json: bool, prose: bool = False) -> None:
    """What a command found: all of it for a machine, or line by line for people."""
    if as_json:
        print_json(content)
        return
    for lead, text in lines:
        say(lead, text, prose=prose)


def told(found: Iterable[Found], line: Callable[[Found], Line], *, as_json: bool) -> list[Found]:
    """What is found, each told as soon as it is, unless a machine is to read all of it in the end."""
    kept = []
    for each in found:
        kept.append(each)
        if not as_json:
            say(*line(each))
    return kept


class Once:
    """Tells a problem that many things share in full for the first of them, and by its name for the others."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}

    def __call__(self, name: str, problem: str) -> str:
        """What to say of one thing."""
        first = self.first.setdefault(problem, name)
        return problem if first == name else f"the same as for {first}"


def say(lead: str, text: str, *, prose: bool = False) -> None:
    """Print a line; on a terminal, what does not fit goes on below its text. Prose is never wider than people read."""
    width = min(shutil.get_terminal_size((LINE_WIDTH, 24)).columns, LINE_WIDTH)
    if not (prose or sys.stdout.isatty()):
        _write(lead + text)
        return
    indent = len(lead) if width - len(lead) >= LEAST_WIDTH else 4
    wrapped = textwrap.fill(
        text,
        width=width,
        initial_indent=lead,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    _write(wrapped)


def _write(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
