"""What a run needs of this machine: every need of a profile examined, with its cure, and every outside thing fetched."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from harness.run.forecast import accelerator_bytes
from harness.sources import hub
from harness.sources.hub import has_token
from harness.sources.pin_record import Seen, endpoint_of, own_folder, record, recorded, refuse_change, why
from harness.sources.pins import bytes_to_come, known_revision, locate, revision_of, seen_now
from harness.store.files import nearest_folder
from harness.store.provenance import (
    accelerator_cure,
    accelerator_memory,
    accelerator_problem,
    check_versions,
)
from harness.words.errors import HarnessError, MissingSourceError, SettingError
from harness.words.plan import Plan
from harness.words.study import Home, Pin, Profile

STORE_BYTES = 60 * 2**30
"""Room for the artifacts of a run at the true sizes: mostly token values and panels of a quarter of a million texts."""

SMALL_STORE_BYTES = 2**29
"""The same where every source lies in this checkout."""


class State(StrEnum):
    """What a look at one need came to."""

    WELL = "ok"
    WARNING = "warn"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One need of a run, and how it is met."""

    need: str
    state: State
    found: str
    cure: str = ""


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes that a run will write to one folder."""

    need: str
    folder: Path
    wanted: int
    unknown: Sequence[Pin]
    """Things whose size is not known."""


def examined(plan: Plan, device: str, store: Path) -> Iterator[Finding]:
    """Every need of a plan, one after the other; first uses are recorded on the way.

    Args:
        plan: What is to be run.
        device: Where its models are to run.
        store: Folder of the artifacts.
    """
    libraries = Finding(need="libraries", state=State.WELL, found="as pyproject.toml asks for")
    try:
        check_versions()
    except HarnessError as error:
        libraries = Finding(need="libraries", state=State.MISSING, found=str(error))
    yield libraries
    yield _accelerator(plan, device)
    seen: dict[Pin, Seen] = {}
    for pin in plan.profile.sources.pins():
        yield _source(pin, seen)
    remote = plan.profile.sources.remote_pins()
    yield from (_gate(pin, seen) for pin in remote if pin.gated)
    rooms = [*_download_rooms(remote, seen), _store_room(plan, store, seen)]
    for place, room in enumerate(rooms):
        beside = sum(each.wanted for each in rooms[:place] if _disk(each.folder) == _disk(room.folder))
        yield _measured(room, beside)


def _download_rooms(remote: Sequence[Pin], seen: Mapping[Pin, Seen]) -> Iterator[Room]:
    """Where downloads are written: the hub's client has a folder of its own, and objects lie beside what is recorded."""
    buckets = [pin for pin in remote if pin.home is Home.BUCKET]
    for need, folder, pins in (
        ("room for downloads", hub.cache_root(), [pin for pin in remote if pin not in buckets]),
        ("room for objects", own_folder("buckets"), buckets),
    ):
        if pins:
            missing = sum(bytes_to_come(pin, seen[pin]) for pin in pins if pin in seen)
            yield Room(
                need=need, folder=folder, wanted=missing, unknown=[pin for pin in pins if pin not in seen]
            )


def _store_room(plan: Plan, store: Path, seen: Mapping[Pin, Seen]) -> Room:
    published = [each.pin for each in plan.profile.sources.published_models]
    copied = sum(seen[pin].size_bytes for pin in published if pin in seen)
    return Room(
        need="room for the store",
        folder=store,
        wanted=STORE_BYTES + copied if plan.profile.sources.remote_pins() else SMALL_STORE_BYTES,
        unknown=[pin for pin in published if pin not in seen],
    )


def made_for(profile: Profile) -> str:
    """The device that a world is made for: an accelerator at true sizes, else the processor."""
    return "cpu" if all(pin.home is Home.FOLDER for pin in profile.sources.pins()) else "cuda"


def is_able(findings: list[Finding]) -> bool:
    """True when nothing that is needed is missing."""
    return all(finding.state is not State.MISSING for finding in findings)


def _accelerator(plan: Plan, device: str) -> Finding:
    """A driver that the pinned torch can use, and enough memory."""
    wanted = accelerator_bytes(plan.study.shapes, len(plan.study.primary.alignment.layers))
    is_small = all(pin.home is Home.FOLDER for pin in plan.profile.sources.pins())
    if device == "cpu":
        state = State.WELL if is_small else State.WARNING
        found = "the processor was asked for" + ("" if is_small else "; true sizes take weeks on it")
        return Finding(
            need="accelerator", state=state, found=found, cure="" if is_small else "use --device cuda"
        )
    problem = accelerator_problem()
    if problem:
        return Finding(
            need="accelerator",
            state=State.MISSING,
            found=problem,
            cure=f"{accelerator_cure()}, or say --device cpu",
        )
    memory = accelerator_memory()
    if memory.free_bytes >= wanted:
        state, cure = State.WELL, ""
    else:
        larger = "use an accelerator with more memory"
        is_shared = memory.total_bytes >= wanted
        state, cure = State.MISSING, f"end what else uses it, or {larger}" if is_shared else larger
    return Finding(
        need="accelerator",
        state=state,
        found=f"{memory.free_bytes / 2**30:.1f} of {_gib(memory.total_bytes)} of memory are free, about {_gib(wanted)} are "
        "needed",
        cure=cure,
    )


def _source(pin: Pin, seen: dict[Pin, Seen]) -> Finding:
    """A folder as certified, or what its endpoint says now against what it said at first use."""
    need = f"{pin.name} ({pin.address})"
    try:
        if pin.is_local:
            return Finding(need=need, state=State.WELL, found=f"content {revision_of(pin)[:12]}")
        earlier = recorded(pin)
        if earlier is not None:
            seen[pin] = earlier
        if earlier is not None and not bytes_to_come(pin, earlier):
            return Finding(
                need=need, state=State.WELL, found=f"whole on this machine, {_described(pin, earlier)}"
            )
        current = seen_now(pin)
        seen[pin] = earlier or record(pin, current)
        if earlier is not None and pin.revision is None and earlier.revision != current.revision:
            moved = f"recorded revision {earlier.revision[:12]}; {endpoint_of(pin)} has {current.revision[:12]} by now"
            cure = "none is needed: the recorded one is used"
            return Finding(need=need, state=State.WARNING, found=moved, cure=cure)
        refuse_change(pin, seen[pin], current)
    except SettingError:
        raise
    except HarnessError as error:
        return _wanting(pin, need, error)
    return Finding(need=need, state=State.WELL, found=_described(pin, seen[pin]))


def _wanting(pin: Pin, need: str, error: HarnessError) -> Finding:
    """What cannot be had stops a run, unless it is a control that runs do without."""
    if pin.is_optional and isinstance(error, MissingSourceError):
        cure = "none is needed: a run goes on without it, and says so"
        return Finding(need=need, state=State.WARNING, found=why(error, pin), cure=cure)
    return Finding(need=need, state=State.MISSING, found=why(error, pin))


def _described(pin: Pin, seen: Seen) -> str:
    return f"revision {seen.revision[:12]}, {len(seen.files)} files, {_gib(seen.size_bytes)}, licence {pin.licence}"


def _gate(pin: Pin, seen: Mapping[Pin, Seen]) -> Finding:
    """Whether a gate is open; what is whole on this machine needs nobody's leave any more."""
    need = f"gate of {pin.address}"
    if pin in seen and not bytes_to_come(pin, seen[pin]):
        return Finding(need=need, state=State.WELL, found="passed: whole on this machine")
    try:
        hub.may_read(pin)
    except SettingError:
        raise
    except HarnessError as error:
        return _wanting(pin, need, error)
    return Finding(
        need=need, state=State.WELL, found=f"open; {'a token is set' if has_token() else 'no token is set'}"
    )


def _disk(folder: Path) -> int:
    """Number of the file system that a folder lies on."""
    return nearest_folder(folder).stat().st_dev


def _measured(room: Room, beside: int) -> Finding:
    """Free room against what is needed, as far as that is known; what could not be asked about is no zero.

    Args:
        room: What is needed.
        beside: Bytes that other needs will take of the same disk.
    """
    free = shutil.disk_usage(nearest_folder(room.folder)).free
    found = f"{_gib(free)} free at {room.folder}, "
    if beside:
        found += f"where {_gib(beside)} of downloads will come too, "
    if room.unknown:
        names = "; ".join(pin.name for pin in room.unknown)
        found += f"{_gib(room.wanted)} needed and more: the size of {names} is not known"
    else:
        found += f"up to {_gib(room.wanted)} needed"
    if free < room.wanted + beside:
        cure = "free some, or name a folder on another disk (HF_HOME, HF_HUB_CACHE, --store)"
        return Finding(need=room.need, state=State.MISSING, found=found, cure=cure)
    if room.unknown:
        cure = (
            "mend what is missing above, then ask again: sizes are recorded when their endpoints first answer"
        )
        return Finding(need=room.need, state=State.WARNING, found=found, cure=cure)
    return Finding(need=room.need, state=State.WELL, found=found)


def _gib(size_bytes: int) -> str:
    return f"{size_bytes / 2**30:.1f} GiB"


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What became of one outside thing."""

    name: str
    address: str
    revision: str | None
    """None when it could not be had."""
    problem: str = ""
    exit_code: int = 0
    """That of the problem; 0 where a run does without the thing."""


def fetched(pins: tuple[Pin, ...]) -> Iterator[Fetched]:
    """Each thing, fetched or found whole; one that cannot be had says why, and stops no other.

    Raises:
        SettingError: If nobody can be asked for anything.
    """
    for pin in pins:
        try:
            locate(pin)
            yield Fetched(name=pin.name, address=pin.address, revision=known_revision(pin))
        except SettingError:
            raise
        except HarnessError as error:
            yield Fetched(
                name=pin.name,
                address=pin.address,
                revision=None,
                problem=why(error, pin),
                exit_code=0 if pin.is_optional and isinstance(error, MissingSourceError) else error.exit_code,
            )
