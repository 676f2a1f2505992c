"""The pre-registration of a study: everything that decides verdicts and could be bent after seeing numbers.

It is written once, checked at every run, and changed only by amendments that show themselves. That guards against bending
by oversight or in small steps; whoever rewrites lock, ledger and history together is seen by other copies of them alone.
"""

import difflib
import json
import textwrap
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from harness.designs.design import design_of
from harness.judge.baselines import CLEAR_OF_CHANCE_SE, MAX_POINTS_APART, MIN_ITEM_AGREEMENT
from harness.judge.validate import UNMEASURED, load_claims
from harness.sources.studies import load_profiles, load_protocol_of, load_study, load_table, lock_path
from harness.statistics.replay_gate import MAX_SCALE, MIN_CORRELATION, MIN_PASSING_FRACTION, MIN_SCALE, STRONG
from harness.store.code_digest import installed_code_digest
from harness.store.files import write_json
from harness.store.provenance import commit, now, require_checkout
from harness.words.canonical import Json, canonical_json, digest_of, plain
from harness.words.claim import Claim, Source, Tier
from harness.words.errors import ExitCode, HarnessError, UsageError
from harness.words.estimate import ALPHA, MANY_DRAWS, NUM_DRAWS
from harness.words.judgement import Amendment, Lock, LockStatus, Protocol
from harness.words.study import Home, Profile, Sizes, Sources, Study

CODE: Mapping[str, tuple[str, ...]] = {
    "judge": (
        "harness.judge.judge",
        "harness.judge.baselines",
        "harness.judge.audit_input",
        "harness.judge.declared_rows",
    ),
}
"""Modules whose code is held, each with all it imports: estimates to verdicts. Those that make estimates are of the design."""

MANY_VALUES = 20
"""A part that holds more, and was not held before, is told by their number alone: they stand in the content."""


@dataclass(frozen=True, kw_only=True)
class Registration:
    """The content of a lock; its digest names it."""

    alpha: float
    draws: int
    draws_when_verdicts_differ: int
    baseline_gate: Mapping[str, float]
    """Its bounds; the published numbers that it holds ours against stand in the protocol."""
    replay_gate: Mapping[str, float]
    """Its bounds: how well how many of which stored rows must be found again."""
    code: Mapping[str, str]
    """Digest of the code that makes estimates of stored tables, and of that which judges them; comments do not count."""
    families: Mapping[str, int]
    """Measured claims of each tier: the size of the family that their p-values are adjusted in."""
    sizes: Mapping[str, Sizes]
    """How much each world takes whose numbers are about the paper: more after an INCONCLUSIVE is an amendment."""
    sources: Mapping[str, Sources]
    """Where each of these worlds takes everything from: pins, translators by language, dictionaries by layer."""
    study: Study
    """Languages, benchmarks and the primary specification among it."""
    protocol: Protocol
    cited: tuple[Source, ...]
    """The texts that claims are taken from, as they were read."""
    claims: Mapping[str, Claim]
    """By id: targets, readings, margins with their reasons, minima."""


def registration(study: str) -> Registration:
    """What a study registers as it stands now.

    Raises:
        UsageError: If there is no such study, or its claims or protocol cannot be used.
    """
    asked, claims = load_study(study), load_claims(study)
    worlds, design = _worlds(asked), design_of(asked)
    measured = [claim.tier for claim in claims if claim.rule not in UNMEASURED]
    return Registration(
        alpha=ALPHA,
        draws=NUM_DRAWS,
        draws_when_verdicts_differ=MANY_DRAWS,
        baseline_gate={
            "errors_above_chance": CLEAR_OF_CHANCE_SE,
            "item_agreement_at_least": MIN_ITEM_AGREEMENT,
            "points_apart_at_most": MAX_POINTS_APART,
        },
        replay_gate={
            "correlation_at_least": MIN_CORRELATION,
            "scale_at_least": MIN_SCALE,
            "scale_at_most": MAX_SCALE,
            "share_of_rows_at_least": MIN_PASSING_FRACTION,
            "peak_of_a_row_at_least": STRONG,
            **design.gate,
        },
        code={
            part: digest_of(list(map(installed_code_digest, modules)))
            for part, modules in {"estimates": design.code, **CODE}.items()
        },
        families={tier.value: measured.count(tier) for tier in Tier},
        sizes={name: world.sizes for name, world in worlds.items()},
        sources={name: world.sources for name, world in worlds.items()},
        study=asked,
        protocol=load_protocol_of(study),
        cited=load_table(study, Source),
        claims={claim.id: claim for claim in claims},
    )


def _worlds(study: Study) -> Mapping[str, Profile]:
    """The worlds whose numbers can be about the paper: no miniature, and nothing made here."""
    return {
        name: profile
        for name, profile in load_profiles(study).items()
        if not profile.is_committed and not any(pin.home is Home.MADE for pin in profile.sources.pins())
    }


def content_of(study: str) -> Json:
    """What a study registers, as the lock file holds it."""
    return plain(registration(study))


def parts_that_differ(old: Json, new: Json) -> tuple[str, ...]:
    """Names of the parts in which two contents differ, in the order of the new one."""
    before, after = (content if isinstance(content, dict) else {} for content in (old, new))
    return tuple(
        name
        for name in dict.fromkeys((*after, *before))
        if (name in before, before.get(name)) != (name in after, after.get(name))
    )


def difference(old: Json, new: Json) -> str:
    """Lines taken out and put in, one value a line with the place where it stands."""
    before, after = list(_lines(old)), list(_lines(new))
    for part in _new_parts(old, new):
        after = _counted(after, part)
    lines = difflib.unified_diff(before, after, n=0, lineterm="")
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _new_parts(old: Json, new: Json, place: str = "") -> Iterator[str]:
    """Where the new content holds what the old one had no place for, at any depth."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name in sorted(new):
            if name in old:
                yield from _new_parts(old[name], new[name], f"{place}/{name}")
            else:
                yield f"{place}/{name}"


def _counted(lines: Sequence[str], part: str) -> list[str]:
    own = [line for line in lines if line.startswith(f"{part}/")]
    if len(own) <= MANY_VALUES:
        return list(lines)
    place = lines.index(own[0])
    return [*lines[:place], f"{part}: {len(own)} values", *lines[place + len(own) :]]


def _lines(content: Json, place: str = "") -> Iterator[str]:
    if isinstance(content, dict) and content:
        for key in sorted(content):
            yield from _lines(content[key], f"{place}/{key}")
    elif isinstance(content, list) and content:
        for number, entry in enumerate(content):
            yield from _lines(entry, f"{place}/{number}")
    else:
        yield f"{place}: {canonical_json(content)}"


FORMAT = 1


class LockBrokenError(HarnessError):
    """What would be judged is not what was registered."""

    exit_code: ClassVar[int] = ExitCode.LOCK_BROKEN


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """A link of a chain: it names what it follows, and carries a digest of everything else in it."""

    SEAL: ClassVar[str] = "seal"
    """Name of the field that holds that digest."""

    @property
    def is_whole(self) -> bool:
        """Whether it still is what was sealed."""
        return bool(getattr(self, self.SEAL) == getattr(self.sealed(), self.SEAL))

    def sealed(self) -> Self:
        """The same with its digest."""
        blank: dict[str, Any] = {self.SEAL: ""}
        return replace(self, **{**blank, self.SEAL: digest_of(replace(self, **blank))})


def out_of_place(first: str, links: Iterable[tuple[str, str]]) -> Iterator[int]:
    """Numbers of the links that do not follow the one before them, from 1 on.

    Args:
        first: What the first one follows.
        links: What each follows, and what it leads to.
    """
    expected = first
    for number, (follows, leads_to) in enumerate(links, start=1):
        if follows != expected:
            yield number
        expected = leads_to


@dataclass(frozen=True, kw_only=True)
class Step(Sealed):
    """One amendment, with the digests before and after it."""

    amendment: Amendment
    commit: str
    old_sha256: str
    new_sha256: str
    seal: str = ""
    """Digest of everything else in this step."""


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

    @cached_property
    def content_sha256(self) -> str:
        """Digest of the content as it stands there, whatever the file says of it."""
        return digest_of(self.content)

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
    faults = (*_own_faults(found, study), *_drift(found, content, current), *_unknown(found, run_locks))
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
    step = Step(
        amendment=Amendment(
            number=len(old.amendments) + 1,
            date=_today(),
            because=because.strip(),
            diff=difference(old.content, content),
            after_results=bool(run_locks),
        ),
        commit=str(commit()),
        old_sha256=old.sha256,
        new_sha256=digest_of(content),
    ).sealed()
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
    if found.content_sha256 != found.sha256:
        yield f"its content has digest {found.content_sha256[:12]}, but it is named {found.sha256[:12]}: edited by hand"
    links = ((step.old_sha256, step.new_sha256) for step in found.amendments)
    astray = set(out_of_place(found.first_sha256, links))
    for number, step in enumerate(found.amendments, start=1):
        if not step.is_whole or step.amendment.number != number:
            yield f"amendment {number} is not what was written: edited, moved or taken from elsewhere"
        if number in astray:
            yield f"amendment {number} does not follow what stands before it: one was removed or moved"
    if found.known_sha256[-1] != found.sha256:
        yield "its last amendment does not lead to its content: one was removed"


def _drift(found: LockFile, content: Json, current: str) -> Iterator[str]:
    """What the study says otherwise than its registration, where its digest is another."""
    if current != found.content_sha256:
        parts = ", ".join(parts_that_differ(found.content, content))
        changes = textwrap.indent(difference(found.content, content), "    ")
        yield f"claims/{found.study} is not what was registered; what differs: {parts}\n{changes}"


def _unknown(found: LockFile, run_locks: Collection[str]) -> Iterator[str]:
    for sha256 in sorted(set(run_locks) - set(found.known_sha256)):
        yield f"the ledger has full runs under lock {sha256[:12]}, which this never was: it was written or replaced later"


def _told(path: Path, faults: Collection[str]) -> str:
    listed = "\n  ".join(faults)
    return (
        f"{path} is broken:\n  {listed}\nput back what was registered, or say why it changes with "
        "'harness lock --amend REASON'"
    )


def _today() -> str:
    """The date alone: a clock adds nothing here."""
    return now()[:10]
