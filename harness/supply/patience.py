"""How long the doors wait for those that they ask, and whom they ask again.

Where there is no network, waiting helps nobody, and the answer has to come at once. Who answered this process before
is somewhere, though: what breaks then is the line, and a night's work is worth a minute's patience.
"""

import time
from urllib.parse import urlsplit

from harness.supply.hubrefusals import is_offline

PROBE_SECONDS = 10.0
"""How long a hub may take to answer before it counts as out of reach."""

PAUSES_SECONDS = (1.0, 4.0, 16.0)
"""Waits between attempts while a hub is down, asks for patience or answers no more, where it names no time itself."""

LONGEST_PAUSE_SECONDS = 60.0

ATTEMPTS = 2
"""A file that arrives damaged is fetched once more; damaged twice, the hub serves something else."""

ANSWERED: set[str] = set()
"""Scheme, host and port of everyone who gave this process what it asked for."""


def wait(pause_seconds: float, named: str = "") -> None:
    """Wait as long as an answer's `Retry-After` names, within bounds; where it names no seconds, the given pause."""
    time.sleep(min(float(named), LONGEST_PAUSE_SECONDS) if named.isdigit() else pause_seconds)


def answered(url: str) -> None:
    """Take note that a request was granted."""
    ANSWERED.add(_asked(url))


def may_answer_again(url: str) -> bool:
    """True where silence is worth waiting out: this process had an answer from there, and is not told to stay offline."""
    return _asked(url) in ANSWERED and not is_offline()


def waited_in_vain(url: str) -> None:
    """Take note that the whole patience was spent; until the next answer, nobody waits for this one again."""
    ANSWERED.discard(_asked(url))


def _asked(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
