"""What can go wrong by name, and the exit code that each kind of failure ends with."""

from enum import IntEnum, StrEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What a command ends with."""

    SHOWN = 0
    """Every gated claim passed; in a fixture run, every self-check agrees."""
    FINDING = 1
    """A claim deviates; in a fixture run, a self-check differs."""
    MALFUNCTION = 3
    """Something broke: a damaged file twice over, a full disk, no permission, a crash, a gated claim in ERROR, an adapter on which
    claims rest."""
    USAGE = 4
    """The question could not be asked: an unknown name, a malformed study or file."""
    NOTHING_JUDGED = 5
    """Nothing could be measured, for want of a network, an accelerator, a token or data, or no claim was judged; in a fixture run,
    no self-check was made."""
    UNRESOLVED = 10
    """No deviation, yet a gated claim is INCONCLUSIVE, CONTESTED or NOT_RUN."""
    LOCK_BROKEN = 11
    """What was judged is not what was registered; in a full run also when nothing was."""


class FailOn(StrEnum):
    """What ends a run with another exit code than 0."""

    UNRESOLVED = "unresolved"
    DEVIATION = "deviation"
    """Unresolved claims are tolerated where at least one was judged."""
    NEVER = "never"
    """Only malfunction, usage and a broken lock."""


class Reason(StrEnum):
    """Why something was not run, in the words of the report."""

    NO_NETWORK = "no-network"
    NO_ACCELERATOR = "no-accelerator"
    GATED_WEIGHTS = "gated-weights"
    DATASET_UNAVAILABLE = "dataset-unavailable"
    UPSTREAM_NOT_RUN = "upstream-not-run"
    """The run ended before it came to this."""


class HarnessError(Exception):
    """A failure that is told in one clear error; its class fixes the exit code."""

    exit_code: ClassVar[int] = ExitCode.MALFUNCTION


def failure_code(error: BaseException) -> int:
    """The exit code that a failure ends with."""
    return error.exit_code if isinstance(error, HarnessError) else ExitCode.MALFUNCTION


class UsageError(HarnessError):
    """What was asked for is not there, or is malformed."""

    exit_code: ClassVar[int] = ExitCode.USAGE


class SettingError(UsageError):
    """A variable of the environment says what nothing can be done with."""


class NotJudgedError(HarnessError):
    """The run cannot measure anything here."""

    exit_code: ClassVar[int] = ExitCode.NOTHING_JUDGED

    def __init__(self, message: str, *, reason: Reason) -> None:
        super().__init__(message)
        self.reason = reason


class MissingSourceError(NotJudgedError):
    """A pinned thing cannot be had: no network, no permission, or no such thing."""

    def __init__(self, message: str, *, reason: Reason = Reason.DATASET_UNAVAILABLE) -> None:
        super().__init__(message, reason=reason)


class StoreError(HarnessError):
    """The disk refuses: full, read-only, or no permission."""


class DamagedArtifactError(StoreError):
    """A stored artifact is not what its manifest says."""

    def __init__(self, message: str, *, fault: str = "") -> None:
        super().__init__(message)
        self.fault = fault
        """Which of its files, what was found and what was expected: for whoever holds it elsewhere than in a store."""


class MissingArtifactError(StoreError):
    """An artifact that is asked for was never made, or has been removed."""


class MemoryShortError(HarnessError):
    """Something does not fit into memory, in the smallest portions that it may be done in."""


class WrongNetworksError(HarnessError):
    """Model, dictionaries and stored activations do not belong together on any layer."""


class UnusableWeightsError(HarnessError):
    """Weights that cannot stand where a tuned model's would."""

    def __init__(self, folder: object, why: str) -> None:
        super().__init__(f"what {folder} holds cannot be used: {why}")
        self.why = why
        """One line that names no place of this machine, so that it can be stored."""


class StageFailedError(HarnessError):
    """A stage ended without its artifacts; carries what the stage itself said."""

    def __init__(self, message: str, *, exit_code: int, damaged: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # the failed stage fixes it, not the class
        self.damaged = damaged


def choice_error(kind: str, asked: str, allowed: tuple[str, ...], cure: str) -> UsageError:
    """One clear error for a name that is not among those allowed."""
    import difflib

    close = difflib.get_close_matches(asked, allowed, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    names = ", ".join(allowed) or "none"
    return UsageError(f"unknown {kind} {asked!r}; allowed: {names}{hint} {cure}".rstrip())
