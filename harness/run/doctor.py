"""What a run needs of this machine: every need of a plan examined, with its cure, and every outside thing fetched."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from harness.designs.design import costs_of
from harness.models.translator import require_engine_library
from harness.run.artifacts import Recipes, inventory
from harness.run.cluster import SLURM, VERDICTS, Cluster
from harness.run.forecast import accelerator_bytes
from harness.sources import hub
from harness.sources.pins import (
    Seen,
    bytes_to_come,
    download_folders,
    endpoint_of,
    known_revision,
    known_revision_or_unpinned,
    locate,
    record,
    recorded,
    refuse_change,
    revision_of,
    seen_now,
    why,
)
from harness.store.files import nearest_folder, own_folder, require_folder
from harness.store.provenance import (
    accelerator_cure,
    accelerator_memory,
    accelerator_problem,
    check_versions,
    default_device,
)
from harness.store.store import Store
from harness.words.errors import (
    HarnessError,
    MissingSourceError,
    NotJudgedError,
    Reason,
    SettingError,
    StoreError,
)
from harness.words.plan import Plan
from harness.words.study import Home, Pin, Profile

SMALL_STORE_BYTES = 2**29
"""What a committed world leaves at most: it holds a few texts, however many its sizes would allow."""

SMALL_MEMORY_BYTES = 2**30
"""What it takes of an accelerator at most, whatever the shapes of its study's true model."""


class UnmetNeedError(HarnessError):
    """A run cannot start on this machine; ends as what is wrong there would have ended it."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code  # type: ignore[misc]  # what is wrong fixes it, not the class


class NeedState(StrEnum):
    """What a look at one need came to."""

    WELL = "ok"
    WARNING = "warn"
    MISSING = "missing"


@dataclass(frozen=True, kw_only=True)
class Need:
    """One need of a run, and how it is met."""

    need: str
    state: NeedState = NeedState.WELL
    found: str
    cure: str = ""
    reason: Reason | None = None
    """Why nothing could be measured without it; None where something is broken, or a run starts all the same."""
    exit_code: int = 0
    """That of a run which cannot start without it; 0 where one starts, and says so."""

    def __str__(self) -> str:
        """The need as one line."""
        return f"{self.need}: {self.found}{f'; {self.cure}' if self.cure else ''}"


@dataclass(frozen=True, kw_only=True)
class Room:
    """Bytes that a run will write to one folder."""

    need: str
    folder: Path
    wanted: int
    unknown: Sequence[Pin] = ()
    """Things whose size is not known."""
    is_exact: bool = False
    """True of what is written to the byte; else a run starts with less, since it may need less."""


def examined(plan: Plan, device: str, store: Path, cluster: Cluster | None = None) -> Iterator[Need]:
    """Every need of a plan, one after the other; first uses are recorded on the way.

    Args:
        plan: What is to be run.
        device: Where its models are to run.
        store: Folder of the artifacts.
        cluster: Where its stages are sent; what models run on is looked for there, and not on this machine.
    """
    yield _checked("libraries", check_versions, "as pyproject.toml asks for")
    if cluster:
        yield from _partitions(cluster, plan, device)
    else:
        accelerator = _accelerator(plan, device)
        yield accelerator
    if (
        not cluster
        and device != "cpu"
        and accelerator.state is NeedState.WELL
        and plan.profile.sources.translators
    ):
        # What translators load there, and torch does not.
        yield _checked("translators on an accelerator", require_engine_library, "the engine has its library")
    seen: dict[Pin, Seen] = {}
    for pin in plan.profile.sources.pins():
        yield _source(pin, seen)
    yield from _unasked(plan, seen)
    remote = plan.profile.sources.remote_pins()
    yield from (_gate(pin, seen) for pin in remote if pin.gated)
    rooms = [*_download_rooms(remote, seen), _store_room(plan, store, seen)]
    for place, room in enumerate(rooms):
        beside = sum(each.wanted for each in rooms[:place] if _disk(each.folder) == _disk(room.folder))
        yield _measured(room, beside)


def require_needs(plan: Plan, device: str, store: Path, cluster: Cluster | None = None) -> Iterator[Need]:
    """The needs of a plan that a run starts without, and must tell of.

    Raises:
        UnmetNeedError: If there is one that it cannot start without.
        NotJudgedError: The same, where nothing could be measured.
    """
    findings = [
        finding for finding in examined(plan, device, store, cluster) if finding.state is not NeedState.WELL
    ]
    yield from (finding for finding in findings if not finding.exit_code)
    # What is broken is told before what merely cannot be had, and what another machine would lack too before this one's own.
    unmet = sorted(
        (finding for finding in findings if finding.exit_code),
        key=lambda each: (each.exit_code, each.reason is Reason.NO_ACCELERATOR),
    )
    if not unmet:
        return
    first, others = unmet[0], len(unmet) - 1
    message = f"this machine cannot run it: {first}"
    if others:
        message += (
            f"; {others} more {'need is' if others == 1 else 'needs are'} not met: 'harness doctor --study {plan.study.name} "
            f"--profile {plan.profile.name} --device {device}' lists them"
        )
    if first.reason:
        raise NotJudgedError(message, reason=first.reason)
    raise UnmetNeedError(message, exit_code=first.exit_code)


def _download_rooms(remote: Sequence[Pin], seen: Mapping[Pin, Seen]) -> Iterator[Room]:
    """Where downloads are written: the hub's client has folders of its own, and objects lie beside what is recorded."""
    kept_here = [pin for pin in remote if pin.home in {Home.BUCKET, Home.CODE}]
    on_hub = [pin for pin in remote if pin not in kept_here]
    places = [
        ("room for downloads", hub.cache_root(), on_hub),
        ("room for objects", own_folder("buckets"), kept_here),
    ]
    if chunks := hub.xet_cache():
        places.insert(1, ("room for Xet's chunks", chunks, on_hub))
    for need, folder, pins in places:
        if pins:
            missing = sum(bytes_to_come(pin, seen[pin]) for pin in pins if pin in seen)
            yield Room(
                need=need,
                folder=folder,
                wanted=min(missing, hub.XET_CACHE_BYTES) if folder == chunks else missing,
                unknown=[pin for pin in pins if pin not in seen],
                is_exact=folder != chunks,
            )


def _store_room(plan: Plan, store: Path, seen: Mapping[Pin, Seen]) -> Room:
    """What the artifacts take that do not stand yet, as the design tells of its stages, and weights that are kept in another form."""
    stored_bytes = costs_of(plan).stored_bytes
    made = sum(stored_bytes.get(stage.name, 0) * len(stage.items) for stage in plan.stages)
    if plan.profile.is_committed:
        made = min(made, SMALL_STORE_BYTES)
    sources = plan.profile.sources
    pins = [each.pin for each in sources.published_models] + [
        each.pin for each in sources.translators.values()
    ]
    kept = [pin for pin in pins if not pin.is_local]
    copied = sum(seen[pin].size_bytes for pin in kept if pin in seen)
    standing = inventory(Recipes(plan=plan, revision=known_revision_or_unpinned), Store(store))
    return Room(
        need="room for the store",
        folder=store,
        wanted=max(0, made + copied - sum(stage.size_bytes for stage in standing)),
        unknown=[pin for pin in kept if pin not in seen],
    )


def device_for(profile: Profile, *, on_cluster: bool = False) -> str:
    """Where the models of a profile run when nobody says: on an accelerator where one can be used.

    A world at true sizes asks for one wherever it is, and is refused with the cure: weeks on a processor are nobody's wish
    unless they say so.
    """
    if not profile.is_committed:
        return "cuda"
    # What the submitting host has says nothing about where jobs run, and a committed world needs nothing.
    return "cpu" if on_cluster else default_device()


def is_able(findings: list[Need]) -> bool:
    """True when nothing that is needed is missing."""
    return all(finding.state is not NeedState.MISSING for finding in findings)


def _checked(need: str, check: Callable[[], object], found: str) -> Need:
    """A need that one question settles."""
    try:
        check()
    except HarnessError as error:
        return _unmet(need, error)
    return Need(need=need, found=found)


def _accelerator(plan: Plan, device: str) -> Need:
    """A driver that the pinned torch can use, and enough memory."""
    need, is_small = "accelerator", plan.profile.is_committed
    if device == "cpu":
        if is_small:
            return Need(need=need, found="the processor was asked for")
        found = "the processor was asked for; true sizes take weeks on it"
        return Need(need=need, state=NeedState.WARNING, found=found, cure="use --device cuda")
    if problem := accelerator_problem():
        return _no_accelerator(problem, accelerator_cure())
    memory = accelerator_memory()
    wanted = SMALL_MEMORY_BYTES if is_small else accelerator_bytes(plan.study, plan.profile)
    found = f"{memory.free_bytes / 2**30:.1f} of {_gib(memory.total_bytes)} of memory are free, about {_gib(wanted)} are needed"
    if memory.free_bytes >= wanted:
        return Need(need=need, found=found)
    is_shared = memory.total_bytes >= wanted
    larger = "use an accelerator with more memory"
    return _no_accelerator(found, f"end what else uses it, or {larger}" if is_shared else larger)


def _partitions(cluster: Cluster, plan: Plan, device: str) -> Iterator[Need]:
    """Whether there is a place for every stage's jobs, with as much as they ask for."""
    if cluster.executor != SLURM:
        yield Need(need="cluster", found=f"{cluster.executor} is not asked what it has")
        return
    shards = cluster.shards(plan.profile)
    asked = {
        stage.name: cluster.resources(
            plan, stage, device, parts=min(shards, len(stage.items)) if stage.uses_model else 1
        )
        for stage in plan.stages
    }
    told = set()
    for job, resources in {**asked, VERDICTS: cluster.resources_of_verdicts(plan.profile)}.items():
        need = _partition(cluster, job, resources)
        if need.state is not NeedState.WELL or need.found not in told:
            told.add(need.found)
            yield need


def _partition(cluster: Cluster, stage: str, asked: Mapping[str, Any]) -> Need:
    need = f"jobs of {stage}"
    partition = cluster.partition(asked)
    if partition is None:
        wanted = asked.get("slurm_partition")
        found = f"there is no partition {wanted}" if wanted else "no partition takes jobs that name none"
        cure = "name one under default-resources of the profile, as slurm_partition; 'sinfo' lists them"
        return _unmet(need, SettingError(found), cure=cure)
    found = f"partition {partition.name}: {partition.resources}, {partition.memory_mb} MB a node, {partition.minutes:g} min a job"
    if not partition.is_up:
        return _unmet(need, SettingError(f"{found}; it is down"), cure="name another one, or wait")
    if asked.get("gpu") and "gpu" not in partition.resources:
        problem = NotJudgedError(f"{found}; no GPU is there", reason=Reason.NO_ACCELERATOR)
        return _unmet(need, problem, cure="name a partition that has one, as slurm_partition")
    for name, word, there in (("mem_mb", "MB", partition.memory_mb), ("runtime", "min", partition.minutes)):
        wanted = asked.get(name)
        if isinstance(wanted, int) and wanted > there:
            cure = f"name another partition, or ask for less as {name} under set-resources of {stage}; a job that ends early goes on"
            return _unmet(need, SettingError(f"{found}; {wanted} {word} are asked for"), cure=cure)
    return Need(need=need, found=found)


def probed_store(cluster: Cluster, store: Path, pins: Iterable[Pin] = ()) -> Need:
    """Whether locks and files of the store, and what is fetched, reach from host to host, by a job that looks."""
    need, asked = "store, seen from a node", cluster.settings.get("default-resources", {})
    try:
        store.mkdir(parents=True, exist_ok=True)
        host = cluster.probe(store, asked, download_folders(pins))
    except HarnessError as error:
        return _unmet(need, error)
    return Need(need=need, found=f"{host} sees a lock that is held here, and a new file at once")


def _no_accelerator(found: str, cure: str) -> Need:
    return _unmet("accelerator", NotJudgedError(found, reason=Reason.NO_ACCELERATOR), cure=cure)


def _source(pin: Pin, seen: dict[Pin, Seen]) -> Need:
    """A folder as certified, or what its endpoint says now against what it said at first use."""
    need = f"{pin.name} ({pin.address})"
    try:
        if pin.is_local:
            return Need(need=need, found=f"content {revision_of(pin)[:12]}")
        earlier = recorded(pin)
        if earlier is not None:
            seen[pin] = earlier
        if earlier is not None and not bytes_to_come(pin, earlier):
            return Need(need=need, found=f"whole on this machine, {_described(pin, earlier)}")
        current = seen_now(pin)
        seen[pin] = earlier or record(pin, current)
        if earlier is not None and pin.revision is None and earlier.revision != current.revision:
            moved = f"recorded revision {earlier.revision[:12]}; {endpoint_of(pin)} has {current.revision[:12]} by now"
            cure = "none is needed: the recorded one is used"
            return Need(need=need, state=NeedState.WARNING, found=moved, cure=cure)
        refuse_change(pin, seen[pin], current)
    except SettingError:
        raise
    except HarnessError as error:
        return _wanting(pin, need, error)
    return Need(need=need, found=_described(pin, seen[pin]))


def _wanting(pin: Pin, need: str, error: HarnessError) -> Need:
    """What cannot be had stops a run, unless it is a control that runs do without."""
    if pin.is_optional and isinstance(error, MissingSourceError):
        cure = "none is needed: a run goes on without it, and says so"
        return Need(need=need, state=NeedState.WARNING, found=why(error, pin), cure=cure)
    return _unmet(need, error, why(error, pin))


def _unmet(need: str, error: HarnessError, found: str = "", cure: str = "") -> Need:
    return Need(
        need=need,
        state=NeedState.MISSING,
        found=found or str(error),
        cure=cure,
        reason=error.reason if isinstance(error, NotJudgedError) else None,
        exit_code=error.exit_code,
    )


def _described(pin: Pin, seen: Seen) -> str:
    return f"revision {seen.revision[:12]}, {len(seen.files)} files, {_gib(seen.size_bytes)}, licence {pin.licence}"


def _unasked(plan: Plan, seen: Mapping[Pin, Seen]) -> Iterator[Need]:
    """Benchmarks that have no questions in some of the study's languages: what rests on those is not measured."""
    from harness.stages.evaluation_tasks import missing_languages

    codes = [language.code for language in plan.study.languages]
    for benchmark in plan.study.benchmarks:
        pin = plan.profile.sources.benchmarks[benchmark.data_folder]
        # Nothing is fetched or made to answer this; made questions are the same in every language.
        if pin.home is not Home.FOLDER and pin not in seen:
            continue
        files = [file.path for file in seen[pin].files] if pin in seen else None
        try:
            missing = missing_languages(pin, benchmark, codes, files)
        except HarnessError as error:  # another layout, say, than any data set is known to have
            yield _unmet(f"questions of {pin.name}", error)
            continue
        if missing:
            names = ", ".join(each.name for each in plan.study.languages if each.code in missing)
            found = f"none in {names}; claims about {benchmark.name} there are not run, all else is"
            cure = "none is needed, or pin a data set that has them"
            yield Need(need=f"questions of {pin.name}", state=NeedState.WARNING, found=found, cure=cure)


def _gate(pin: Pin, seen: Mapping[Pin, Seen]) -> Need:
    """Whether a gate is open; what is whole on this machine needs nobody's leave any more."""
    need = f"gate of {pin.address}"
    if pin in seen and not bytes_to_come(pin, seen[pin]):
        return Need(need=need, found="passed: whole on this machine")
    try:
        hub.may_read(pin)
    except SettingError:
        raise
    except HarnessError as error:
        return _wanting(pin, need, error)
    token = "a token is set" if hub.has_token() else "no token is set"
    return Need(need=need, found=f"open; {token}")


def _disk(folder: Path) -> int:
    """Number of the file system that a folder lies on."""
    return nearest_folder(folder).stat().st_dev


def _measured(room: Room, beside: int) -> Need:
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
        cure = "free some, or name a folder on another disk (HF_HOME, HF_HUB_CACHE, HF_XET_CACHE, --store)"
        refused = StoreError.exit_code if room.is_exact else 0
        return Need(need=room.need, state=NeedState.MISSING, found=found, cure=cure, exit_code=refused)
    if room.unknown:
        cure = (
            "mend what is missing above, then ask again: sizes are recorded when their endpoints first answer"
        )
        return Need(need=room.need, state=NeedState.WARNING, found=found, cure=cure)
    return Need(need=room.need, found=found)


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
        UsageError: If what is fetched would go with a container.
    """
    require_folder(hub.cache_root())
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


MARKS = {NeedState.WELL: "ok     ", NeedState.WARNING: "warn   ", NeedState.MISSING: "MISSING"}


class Lines:
    """Needs and fetched things for people: the lead of a line, and its text; a problem that many share is told in full once."""

    def __init__(self) -> None:
        self.first: dict[str, str] = {}

    def need(self, found: Need) -> tuple[str, str]:
        """One need, with its cure."""
        said = found.found if found.state is NeedState.WELL else self._once(found.need, found.found)
        cure = f"  ->  {found.cure}" if found.cure else ""
        return f"{MARKS[found.state]} {found.need:<46} ", f"{said}{cure}"

    def fetched(self, each: Fetched) -> tuple[str, str]:
        """One thing that was fetched, or why it could not be."""
        said = f"revision {each.revision[:12]}" if each.revision else self._once(each.name, each.problem)
        return f"{MARKS[NeedState.WELL if each.revision else NeedState.MISSING]} {each.name:<46} ", said

    def _once(self, name: str, problem: str) -> str:
        first = self.first.setdefault(problem, name)
        return problem if first == name else f"the same as for {first}"
