"""A command as a process: what it answers, its streams, which may be closed, full or left by their reader, and its signals.

A run of hours does not end because nobody reads its lines. A command whose answer is what it prints ends with a code
that says that the answer was lost.
"""

import errno
import gc
import io
import json
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NoReturn, TypeVar

from harness.words.errors import StoreError

Found = TypeVar("Found")

Line = tuple[str, str]
"""What a line begins with, and the text that goes on below itself where a terminal is too narrow for it."""

YOUNG_OBJECTS = 200_000
"""Containers that a command may make before it looks for garbage among them: some tens of megabytes."""

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


def told(found: Iterable[Found], line: Callable[[Found], Line | None], *, as_json: bool) -> list[Found]:
    """What is found, each told as soon as it is where it has a line, unless a machine is to read all of it in the end."""
    kept = []
    for each in found:
        kept.append(each)
        if not as_json and (words := line(each)):
            say(*words)
    return kept


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


# Streams, which may be closed, full or left by their reader, and signals


STREAMS = ("stdin", "stdout", "stderr")
"""By the numbers that every process has them under."""

READER_GONE = 128 + signal.SIGPIPE
"""Exit code of a command whose answer nobody read to its end, as shells have it."""

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""Signals by which schedulers, machines that shut down, and closed terminals ask for an end."""


class StoppedError(BaseException):
    """A signal other than the keyboard's asked this process to end; not for handlers of failures."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Output(io.TextIOWrapper):
    """A stream to people or programs; once it cannot be written, words go nowhere, and the work goes on."""

    lost: OSError | None = None
    """Why it cannot be written."""

    def write(self, text: str, /) -> int:
        """Write for as long as that is possible."""
        try:
            return super().write(text)
        except OSError as error:
            self._lose(error)
            return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        try:
            super().flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        self.lost = error
        # What waits in buffers, here and in libraries, needs a place to go to.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), self.fileno())


def open_outputs() -> None:
    """Give this process outputs that take any text, in UTF-8, and streams that stand where none was left open."""
    # A file that is opened later would otherwise get a missing stream's number, and whatever is printed.
    while (number := os.open(os.devnull, os.O_RDWR)) < len(STREAMS):
        os.set_inheritable(number, True)
    os.close(number)
    for name in STREAMS[1:]:
        number = STREAMS.index(name)
        os.set_blocking(number, True)  # whoever shares a terminal or a pipe may have set it otherwise
        binary = open(number, "wb", closefd=False)  # noqa: SIM115  a number is no path; open to the end
        output = Output(binary, encoding="utf-8", errors="backslashreplace", line_buffering=True)
        setattr(sys, name, output)


def collect_seldom() -> None:
    """Look for garbage after many more objects than usual: nearly all that a command loads and reads stays until it ends.

    Stages keep the usual: what a network leaves in a circle can be gigabytes.
    """
    if sys.argv[1:2] != ["stage"]:
        gc.set_threshold(YOUNG_OBJECTS)


def code_of_answer() -> int:
    """Exit code of a command that printed its answer.

    Raises:
        StoreError: If standard output could not take all of it.
    """
    lost = sys.stdout.lost if isinstance(sys.stdout, Output) else None
    if lost is None:
        return 0
    if lost.errno in {errno.EPIPE, errno.EIO}:
        return READER_GONE
    raise StoreError(f"standard output cannot be written ({lost.strerror}); the answer is not whole")


def heed_signals() -> None:
    """Hear when to end, and when children end, as far as whoever started this process wants that."""
    # One that ignores its own children would have ours go unheard as well.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in ENDINGS:
        # What is started by "nohup" is to outlive the terminal.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def stop(number: int, _frame: object) -> NoReturn:
    """End on a signal. Asked once is asked: a terminal's end may come with a second one, which would cut an orderly end short."""
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    raise StoppedError(number)
