"""How long the doors wait for those that they ask, and how often they ask again."""

import time

PROBE_SECONDS = 10.0
"""How long a hub may take to answer before it counts as out of reach."""

PAUSES_SECONDS = (1.0, 4.0, 16.0)
"""Waits between attempts while a hub is down or asks for patience, where it names no time itself."""

LONGEST_PAUSE_SECONDS = 60.0

ATTEMPTS = 2
"""A file that arrives damaged is fetched once more; damaged twice, the hub serves something else."""


def wait(pause_seconds: float, named: str = "") -> None:
    """Wait as long as an answer's `Retry-After` names, within bounds; where it names no seconds, the given pause."""
    time.sleep(min(float(named), LONGEST_PAUSE_SECONDS) if named.isdigit() else pause_seconds)
