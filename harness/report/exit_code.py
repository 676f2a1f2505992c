"""The exit code of a run: what a script learns without reading the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from harness.words.claim import Kind, Tier
from harness.words.judgement import FailOn, Judgement, LockStatus
from harness.words.mode import Mode
from harness.words.verdict import JUDGED, Finding, State, Why


class ExitCode(IntEnum):
    """Endings of a run that leaves a report; 4 is left to whoever asked the wrong thing."""

    SHOWN = 0
    """Every gated claim passed; in a fixture run, every self-check agrees."""
    FINDING = 1
    """A claim deviates; in a fixture run, a self-check differs."""
    MALFUNCTION = 3
    """A gated claim ended in ERROR, or an adapter that is no control could not be trained: nothing about the paper."""
    NOTHING_JUDGED = 5
    """No claim was judged; in a fixture run, no self-check was made."""
    UNRESOLVED = 10
    """No deviation, yet a gated claim is INCONCLUSIVE, CONTESTED or NOT_RUN."""
    LOCK_BROKEN = 11
    """What was judged is not what was registered; in a full run also when nothing was."""


SELF_CHECKED_MODES = (Mode.FIXTURE, Mode.REHEARSAL)
"""Modes without evidence about the paper: only their self-checks can end well or badly."""

UNGATED_KINDS = (Kind.QUALITATIVE, Kind.ARITHMETIC)
"""What cannot be measured, and what is about printed numbers alone and not about the replication."""

UNRESOLVED_STATES = (State.INCONCLUSIVE, State.CONTESTED, State.NOT_RUN)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What an exit code follows from."""

    mode: str
    """"full", "rehearsal", "fixture" or "audit"."""
    gated: Sequence[tuple[State | Finding, Why]] = ()
    """Verdicts of the primary claims that can be tested and were asked for."""
    differs: Sequence[bool] = ()
    """For each self-check, whether it came out different from what is known or expected."""
    lock: LockStatus = LockStatus.INTACT
    fail_on: FailOn = FailOn.UNRESOLVED
    is_whole: bool = True
    """False where an adapter that claims rest on broke, so that something they need was not measured."""


def exit_code(outcome: Outcome) -> ExitCode:
    """The code with which a run ends; where several hold, 3 goes before 11, 1, 5, 10 and 0."""
    states = [state for state, why in outcome.gated if why is not Why.DESELECTED]
    if State.ERROR in states or not outcome.is_whole:
        return ExitCode.MALFUNCTION
    # What a run about the paper is judged by must have been registered before.
    is_unregistered = outcome.mode == Mode.FULL and outcome.lock is LockStatus.ABSENT
    if outcome.lock is LockStatus.BROKEN or is_unregistered:
        return ExitCode.LOCK_BROKEN
    if outcome.mode in SELF_CHECKED_MODES:
        return _of_self_checks(outcome.differs)
    if outcome.fail_on is FailOn.NEVER:
        return ExitCode.SHOWN
    return _of_claims(states, outcome.fail_on)


def outcome_of(mode: str, judgement: Judgement | None, known_numbers: Sequence[bool]) -> Outcome:
    """What a run's exit code follows from.

    Args:
        mode: "full", "rehearsal", "fixture" or "audit".
        judgement: Verdicts and conditions; None where nothing is judged.
        known_numbers: For each known number of the instrument, whether it came out different.
    """
    if judgement is None:
        return Outcome(mode=mode, differs=known_numbers)
    paper, checked = judgement.paper, judgement.self_check
    wrong = (
        [
            verdict.state != claim.expected
            for claim, verdict in zip(checked.claims, checked.verdicts, strict=True)
        ]
        if checked
        else []
    )
    return Outcome(
        mode=mode,
        gated=[
            (verdict.state, verdict.why)
            for claim, verdict in zip(paper.claims, paper.verdicts, strict=True)
            if claim.tier is Tier.PRIMARY
            and claim.kind not in UNGATED_KINDS
            and claim.id not in judgement.deselected
        ],
        differs=[*known_numbers, *wrong],
        lock=judgement.lock.status,
        fail_on=judgement.fail_on,
    )


def _of_self_checks(differs: Sequence[bool]) -> ExitCode:
    if not differs:
        return ExitCode.NOTHING_JUDGED
    return ExitCode.FINDING if any(differs) else ExitCode.SHOWN


def _of_claims(states: Sequence[State | Finding], fail_on: FailOn) -> ExitCode:
    if State.DEVIATION in states:
        return ExitCode.FINDING
    if not any(state in JUDGED for state in states):
        return ExitCode.NOTHING_JUDGED
    if fail_on is FailOn.UNRESOLVED and any(state in UNRESOLVED_STATES for state in states):
        return ExitCode.UNRESOLVED
    return ExitCode.SHOWN
