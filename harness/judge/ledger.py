"""Every full run, crashed ones too: JSON lines that each carry the digest of the one before, and a seal at the end.

A line that was edited, removed, put in or moved is seen and named; so is a removed last line, since the seal counts. Only
somebody who computes all digests anew goes unseen here; the reports of the runs still tell.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeVar, get_type_hints

from harness.judge.preregistration import LockBrokenError, Sealed, out_of_place
from harness.store.files import locked, write_whole
from harness.store.provenance import commit, now
from harness.words.canonical import canonical_json, digest_of
from harness.words.judgement import Ledger, LedgerLine

NOTHING_BEFORE = "0" * 64
"""What the first line follows."""


class Event(StrEnum):
    """What a line says of a run."""

    BEGUN = "begun"
    ENDED = "ended"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What makes a full run one and the same, however often it is resumed."""

    run_id: str
    study: str
    lock: str
    """Digest of the registration under which it runs."""


@dataclass(frozen=True, kw_only=True)
class Entry(Sealed):
    """One line."""

    SEAL: ClassVar[str] = "sha256"

    event: str
    run_id: str
    study: str
    lock: str
    commit: str
    date: str
    outcome: str = ""
    """In a few words, once it has ended."""
    exit_code: int | None = None
    previous: str
    sha256: str = ""
    """Digest of everything else in this line."""

    @property
    def run(self) -> Run:
        """The run that it is about."""
        return Run(run_id=self.run_id, study=self.study, lock=self.lock)


@dataclass(frozen=True, kw_only=True)
class Seal:
    """The last line of the file."""

    sealed_lines: int
    last: str
    """Digest of the line before it."""


@dataclass(frozen=True, kw_only=True)
class LedgerFile:
    """The ledger of one reports folder."""

    folder: Path

    @property
    def path(self) -> Path:
        """The file; absent until the first full run."""
        return self.folder / "ledger.jsonl"

    def begin(self, run: Run) -> Ledger:
        """Note a full run before it is judged; a resumed run keeps its line.

        Raises:
            LockBrokenError: If the ledger was tampered with; nothing is added then.
            StoreError: If it cannot be written.
        """
        with self._alone() as entries:
            if not any(entry.run == run for entry in entries):
                self._append(entries, Event.BEGUN, run)
        return self.standing(run)

    def end(self, run: Run, outcome: str, exit_code: int) -> Ledger:
        """Note what came of a run, in a few words; said once, however often its report is written.

        Raises:
            LockBrokenError: If the ledger was tampered with, or the run was never begun.
            StoreError: If it cannot be written.
        """
        with self._alone() as entries:
            of_run = [entry for entry in entries if entry.run == run]
            if not of_run:
                raise LockBrokenError(
                    f"{self.path} has no line for run {run.run_id}, which ends; one was removed"
                )
            if (of_run[-1].outcome, of_run[-1].exit_code) != (outcome, exit_code):
                self._append(entries, Event.ENDED, run, outcome=outcome, exit_code=exit_code)
        return self.standing(run)

    def standing(self, run: Run) -> Ledger:
        """Which of how many full runs under its lock a run is, and what came of each; 1 of 1 where it has no line.

        Raises:
            LockBrokenError: If the ledger was tampered with.
        """
        under = [entry for entry in self.entries() if (entry.study, entry.lock) == (run.study, run.lock)]
        names = list(dict.fromkeys(entry.run_id for entry in under))
        if run.run_id not in names:
            return Ledger()
        lines = tuple(
            _line(ordinal, [entry for entry in under if entry.run_id == name])
            for ordinal, name in enumerate(names, start=1)
        )
        return Ledger(ordinal=names.index(run.run_id) + 1, runs_under_lock=len(names), lines=lines)

    def locks_of(self, study: str) -> frozenset[str]:
        """Locks under which a study has full runs.

        Raises:
            LockBrokenError: If the ledger was tampered with.
        """
        return frozenset(entry.lock for entry in self.entries() if entry.study == study)

    def entries(self) -> tuple[Entry, ...]:
        """Every line, in order; none where there is no ledger yet.

        Raises:
            LockBrokenError: If it was tampered with; names the line.
        """
        if not self.path.is_file():
            return ()
        lines = self.path.read_bytes().splitlines()
        read = [self._read(number, line) for number, line in enumerate(lines, start=1)]
        entries = tuple(each for each in read if isinstance(each, Entry))
        if faults := list(_faults(read)):
            listed = "\n  ".join(faults)
            raise LockBrokenError(
                f"{self.path} is not what was written:\n  {listed}\nput the file back as it was"
            )
        return entries

    def _append(
        self,
        entries: tuple[Entry, ...],
        event: Event,
        run: Run,
        *,
        outcome: str = "",
        exit_code: int | None = None,
    ) -> None:
        entry = Entry(
            event=event,
            run_id=run.run_id,
            study=run.study,
            lock=run.lock,
            commit=str(commit()),
            date=now(),
            outcome=outcome,
            exit_code=exit_code,
            previous=entries[-1].sha256 if entries else NOTHING_BEFORE,
        )
        lines = (*entries, entry.sealed())
        seal = Seal(sealed_lines=len(lines), last=lines[-1].sha256)
        # Written whole and renamed: a killed process leaves the old ledger or the new one, with its seal.
        write_whole(self.path, "".join(canonical_json(line) + "\n" for line in (*lines, seal)))

    @contextmanager
    def _alone(self) -> Iterator[tuple[Entry, ...]]:
        """The lines, while no other process may add one."""
        with locked(self.folder / ".ledger.lock"):
            yield self.entries()

    def _read(self, number: int, line: bytes) -> Entry | Seal:
        try:
            found = json.loads(line.decode("utf-8"))
            return _typed(Seal, found) if "sealed_lines" in found else _typed(Entry, found)
        except (ValueError, TypeError, RecursionError) as error:
            raise LockBrokenError(
                f"{self.path}, line {number}: no line of a ledger ({error}); put the file back as it was"
            ) from error


Line = TypeVar("Line", Entry, Seal)


def _typed(kind: type[Line], found: Any) -> Line:  # noqa: ANN401  whatever a line holds
    """A line whose every word is of its type and can be digested; anything else was never written here."""
    line = kind(**found)
    allowed = get_type_hints(kind)
    for name, value in vars(line).items():
        if not isinstance(value, allowed[name]):
            raise TypeError(f"{name} is {value!r}")
    digest_of(line)
    return line


def _faults(read: list[Entry | Seal]) -> Iterator[str]:
    """What does not fit, line by line; a seal among the lines has no place in their chain."""
    entries = [(number, line) for number, line in enumerate(read, start=1) if isinstance(line, Entry)]
    links = [(line.previous, line.sha256) for _, line in entries]
    astray = {entries[place - 1][0] for place in out_of_place(NOTHING_BEFORE, links)}
    begun = set[Run]()
    for number, line in enumerate(read, start=1):
        if isinstance(line, Seal):
            if number < len(read):
                yield f"line {number} is a seal, but {len(read) - number} lines follow it: they were put in"
            continue
        if not line.is_whole:
            yield f"line {number}, run {line.run_id}: edited, its digest does not fit"
        if number in astray:
            yield f"line {number}, run {line.run_id}: does not follow the line before it; one was removed, put in or moved"
        if line.event == Event.ENDED and line.run not in begun:
            yield f"line {number}, run {line.run_id}: ends a run that no line begins"
        begun.add(line.run)
    seal, last = read[-1] if read else None, links[-1][1] if links else NOTHING_BEFORE
    if not isinstance(seal, Seal):
        yield "its seal is missing: lines were cut off at the end"
    elif (seal.sealed_lines, seal.last) != (len(read) - 1, last):
        yield f"its seal counts {seal.sealed_lines} lines up to {seal.last[:12]}; {len(read) - 1} stand, up to {last[:12]}"


def _line(ordinal: int, entries: list[Entry]) -> LedgerLine:
    last = entries[-1]
    return LedgerLine(
        ordinal=ordinal,
        run_id=last.run_id,
        date=entries[0].date,
        outcome=last.outcome or "begun, and not ended",
        exit_code=last.exit_code,
    )
