"""How long the doors wait for those that they ask, and whom they ask again.

Where there is no network, waiting helps nobody, and the answer has to come at once. Who answered this process before
is somewhere, though: what breaks then is the line, and a night's work is worth a minute's patience.
"""

import logging
import time
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from harness.sources.hub_errors import is_offline
from harness.sources.retry_after import named_pause

log = logging.getLogger(__name__)

PROBE_SECONDS = 10.0
"""How long a hub may take to answer before it counts as out of reach."""

PAUSES_SECONDS = (1.0, 4.0, 16.0)
"""Waits between attempts while a hub is down, asks for patience or answers no more, where it names no time itself."""

LONGEST_PAUSE_SECONDS = 300.0
"""The hub counts questions in windows of five minutes; who names more than that is not waited for."""

NOTHING: Mapping[str, str] = MappingProxyType({})
"""The headers of no answer."""

ATTEMPTS = 2
"""A file that arrives damaged is fetched once more; damaged twice, the hub serves something else."""

ANSWERED: set[str] = set()
"""Scheme, host and port of everyone who gave this process what it asked for."""


def wait(pause_seconds: float, headers: Mapping[str, str] = NOTHING) -> None:
    """Wait as long as an answer names, within bounds, and say so; where it names no time, the given pause."""
    named = named_pause(headers)
    if named is not None:
        pause_seconds = min(named, LONGEST_PAUSE_SECONDS)
        log.info("asked to come back in %.0f s; waiting %.0f s", named, pause_seconds)
    time.sleep(pause_seconds)


def asks_too_much(headers: Mapping[str, str]) -> bool:
    """True where an answer names a time that nobody waits for."""
    return (named_pause(headers) or 0.0) > LONGEST_PAUSE_SECONDS


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
