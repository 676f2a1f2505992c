"""The exit code of a run: what a script learns without reading the report."""

from collections.abc import Sequence
from enum import IntEnum


class ExitCode(IntEnum):
    """Endings of a run that leaves a report."""

    SHOWN = 0
    """Every gated claim passed; in a fixture run, every self-check agrees."""
    FINDING = 1
    """A claim deviates; in a fixture run, a self-check differs."""
    NOTHING_JUDGED = 5
    """No claim was judged; in a fixture run, no self-check was made."""


SELF_CHECKED_MODES = ("fixture", "rehearsal")
"""Modes without evidence about the paper: only their self-checks can end well or badly."""


def exit_code(mode: str, differs: Sequence[bool]) -> ExitCode:
    """The code with which a run ends while no claim is judged.

    Args:
        mode: "full", "rehearsal", "fixture" or "audit".
        differs: For each self-check, whether it came out different from what is known.
    """
    if mode not in SELF_CHECKED_MODES or not differs:
        return ExitCode.NOTHING_JUDGED
    return ExitCode.FINDING if any(differs) else ExitCode.SHOWN
