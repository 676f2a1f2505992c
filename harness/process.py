"""A command as a process: its streams, which may be closed, full or left by their reader, and the signals that end it.

A run of hours does not end because nobody reads its lines. A command whose answer is what it prints ends with a code
that says that the answer was lost.
"""

import errno
import io
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from harness.words.errors import StoreError

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
