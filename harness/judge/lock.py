"""The pre-registration of a study: written once, checked at every run, changed only by amendments that show themselves.

It guards against bending by oversight or in small steps. Whoever rewrites lock, ledger and history together is seen by
other copies of them alone.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from harness.judge.registration import content_of, difference, parts_that_differ
from harness.sources.studies import lock_path
from harness.store.files import write_json
from harness.store.provenance import commit, now, require_checkout
from harness.words.canonical import Json, digest_of, plain
from harness.words.errors import HarnessError, UsageError
from harness.words.judgement import Amendment, Lock, LockStatus

FORMAT = 1
LOCK_BROKEN = 11
"""Exit code of a broken pre-registration."""


class LockBrokenError(HarnessError):
    """What would be judged is not what was registered."""

    exit_code: ClassVar[int] = LOCK_BROKEN


@dataclass(frozen=True, kw_only=True)
class Step:
    """One amendment, with the digests before and after it."""

    amendment: Amendment
    commit: str
    old_sha256: str
    new_sha256: str
    seal: str = ""
    """Digest of everything else in this step."""

    @property
    def digest(self) -> str:
        """What the seal must be."""
        return digest_of(replace(self, seal=""))


@dataclass(frozen=True, kw_only=True)
class LockFile:
    """What stands in `lock.json`."""

    format: int = FORMAT
    study: str
    sha256: str
    """Digest of the content."""
    commit: str
    """Of the checkout in which it was written first."""
    date: str
    amendments: tuple[Step, ...] = ()
    content: Json

    @property
    def first_sha256(self) -> str:
        """Digest of what was registered first."""
        return self.amendments[0].old_sha256 if self.amendments else self.sha256

    @property
    def known_sha256(self) -> tuple[str, ...]:
        """Every digest that this registration ever had, in order."""
        return (self.first_sha256, *(step.new_sha256 for step in self.amendments))


@dataclass(frozen=True, kw_only=True)
class LockState:
    """What became of a registration, and why it is broken where it is."""

    lock: Lock
    faults: tuple[str, ...] = ()


def lock_state(study: str, run_locks: Collection[str] = ()) -> LockState:
    """How a study stands to its registration.

    Args:
        study: Name of the study.
        run_locks: Locks under which the ledger has full runs of it; each must be known to this one.

    Raises:
        UsageError: If there is no such study, or its claims cannot be used.
    """
    path, content = lock_path(study), content_of(study)
    current = digest_of(content)
    if not path.is_file():
        return LockState(lock=Lock(sha256=current, status=LockStatus.ABSENT))
    try:
        found = read_lock(path)
    except LockBrokenError as error:
        return LockState(lock=Lock(sha256=current, status=LockStatus.BROKEN), faults=(str(error),))
    faults = (*_own_faults(found, study), *_drift(found, content), *_unknown(found, run_locks))
    sound = LockStatus.AMENDED if found.amendments else LockStatus.INTACT
    return LockState(
        # A broken one keeps its own name: a run under it counts among those of the registration that it broke.
        lock=Lock(
            sha256=found.sha256,
            status=LockStatus.BROKEN if faults else sound,
            commit=found.commit,
            date=found.date,
            amendments=tuple(step.amendment for step in found.amendments),
        ),
        faults=faults,
    )


def write_lock(study: str) -> LockFile:
    """Register a study as it stands.

    Raises:
        UsageError: If it is registered already.
    """
    require_checkout("'harness lock'")
    path = lock_path(study)
    if path.exists():
        raise UsageError(f"{path} stands already; change it with 'harness lock --amend REASON'")
    content = content_of(study)
    made = LockFile(
        study=study, sha256=digest_of(content), commit=str(commit()), date=_today(), content=content
    )
    write_json(path, plain(made))
    return made


def amend_lock(study: str, because: str, run_locks: Collection[str] = ()) -> LockFile:
    """Change a registration in the open: reason, date and diff stay in it.

    Args:
        study: Name of the study.
        because: Why it must be changed.
        run_locks: Locks under which the ledger has full runs of it; with any, the change is marked as made after
            seeing results.

    Raises:
        UsageError: If there is no reason, no lock, or no change.
        LockBrokenError: If the file is not what was written; an amendment would hide that.
    """
    require_checkout("'harness lock --amend'")
    path = lock_path(study)
    if not because.strip():
        raise UsageError("an amendment needs a reason; say it after --amend")
    if not path.is_file():
        raise UsageError(f"there is no {path} to amend; write it with 'harness lock'")
    old, content = read_lock(path), content_of(study)
    if faults := (*_own_faults(old, study), *_unknown(old, run_locks)):
        raise LockBrokenError(_told(path, faults))
    if digest_of(content) == old.sha256:
        raise UsageError(f"nothing to amend: claims/{study} is what {path} holds")
    step = _step(old, content, because, after_results=bool(run_locks))
    new = replace(old, sha256=step.new_sha256, amendments=(*old.amendments, step), content=content)
    write_json(path, plain(new))
    return new


def require_unbroken(study: str, state: LockState) -> None:
    """Stop where a registration is broken.

    Raises:
        LockBrokenError: Names everything that does not fit.
    """
    if state.lock.status is LockStatus.BROKEN:
        raise LockBrokenError(_told(lock_path(study), state.faults))


def read_lock(path: Path) -> LockFile:
    """The registration in a file.

    Raises:
        LockBrokenError: If it is not one.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        steps = tuple(
            Step(**{**step, "amendment": Amendment(**step["amendment"])}) for step in found["amendments"]
        )
        made = LockFile(**{**found, "amendments": steps})
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise LockBrokenError(
            f"{path} is no registration ({type(error).__name__}: {error}); take it from the history again"
        ) from error
    return made


def _own_faults(found: LockFile, study: str) -> Iterator[str]:
    """Where the file does not fit itself: somebody changed it by hand."""
    if (found.format, found.study) != (FORMAT, study):
        yield f"it is of format {found.format} for study {found.study!r}; expected {FORMAT} for {study!r}"
    if digest_of(found.content) != found.sha256:
        yield f"its content has digest {digest_of(found.content)[:12]}, but it is named {found.sha256[:12]}: edited by hand"
    expected = found.first_sha256
    for number, step in enumerate(found.amendments, start=1):
        if step.seal != step.digest or step.amendment.number != number:
            yield f"amendment {number} is not what was written: edited, moved or taken from elsewhere"
        if step.old_sha256 != expected:
            yield f"amendment {number} does not follow what stands before it: one was removed or moved"
        expected = step.new_sha256
    if found.amendments and expected != found.sha256:
        yield "its last amendment does not lead to its content: one was removed"


def _drift(found: LockFile, content: Json) -> Iterator[str]:
    """What the study says otherwise than its registration."""
    if digest_of(content) != digest_of(found.content):
        parts = ", ".join(parts_that_differ(found.content, content))
        yield (
            f"claims/{found.study} is not what was registered; what differs: {parts}\n"
            f"{_indented(difference(found.content, content))}"
        )


def _unknown(found: LockFile, run_locks: Collection[str]) -> Iterator[str]:
    for sha256 in sorted(set(run_locks) - set(found.known_sha256)):
        yield f"the ledger has full runs under lock {sha256[:12]}, which this never was: it was written or replaced later"


def _step(old: LockFile, content: Json, because: str, *, after_results: bool) -> Step:
    amendment = Amendment(
        number=len(old.amendments) + 1,
        date=_today(),
        because=because.strip(),
        diff=difference(old.content, content),
        after_results=after_results,
    )
    step = Step(
        amendment=amendment, commit=str(commit()), old_sha256=old.sha256, new_sha256=digest_of(content)
    )
    return replace(step, seal=step.digest)


def _told(path: Path, faults: Collection[str]) -> str:
    listed = "\n  ".join(faults)
    return (
        f"{path} is broken:\n  {listed}\nput back what was registered, or say why it changes with "
        "'harness lock --amend REASON'"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _today() -> str:
    """The date alone: a clock adds nothing here."""
    return now()[:10]
