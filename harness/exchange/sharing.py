"""A store's artifacts at a place that others reach: pushed there and pulled from there.

A place holds `files/`, each called by its own digest, and `records/`, the manifests that name them. A record is there only
where its files are: what a killed push leaves is in no record, so that nobody takes it, and the next push goes on from
there. Two at once write the same bytes under the same names.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path, PurePosixPath

from harness.exchange.places import FILES, RECORDS, Place
from harness.sources.studies import load_profiles, load_study, study_names
from harness.store.store import MANIFEST, REPORT, Artifact, Store, megabytes, read_manifest
from harness.store.tables import column_names
from harness.words.canonical import Json
from harness.words.errors import DamagedArtifactError, UsageError

PERMITTING = ("Apache-2.0", "CC-BY-", "CC0-", "MIT", "ODC-BY")
"""How licences begin under which a text may be passed on as it is; whatever else a source states, its texts stay."""

TEXT_COLUMN = "text"
"""Column by which a table holds what somebody wrote."""

COPIES = "published_origins.parquet"
"""Table beside weights that somebody else published."""

OWN_SUFFIXES = frozenset({".parquet", ".safetensors", ".json", ".md"})
"""Of files that stages fill with numbers, and with what describes them; any other may hold the texts that it was made from."""


class Fate(StrEnum):
    """What became of an artifact that was to be shared."""

    SENT = "sent"
    TAKEN = "taken"
    STANDING = "there"
    """It was there already, whole."""
    OTHER = "other"
    """One of the same name is there, made by somebody else with other bytes; it stays as it is."""
    WITHHELD = "withheld"
    """It holds what may not be passed on."""
    REFUSED = "refused"
    """It is not what its manifest says; nothing of it was shared."""


@dataclass(frozen=True, kw_only=True)
class Shared:
    """One artifact, and what became of it."""

    stage: str
    item: str
    key: str
    size_bytes: int
    fate: Fate
    why: str = ""


def line_of(shared: Shared) -> tuple[str, str] | None:
    """What became of one artifact, for people: the lead of its line, and the text; None of what was there already."""
    if shared.fate is Fate.STANDING:
        return None
    lead = f"{shared.fate:<9} {shared.stage:<21} {shared.item:<24} {shared.key[:12]} "
    return lead, shared.why or megabytes(shared.size_bytes)


def total_line(shared: Sequence[Shared]) -> str:
    """What became of all artifacts together."""
    by_fate = {fate: [each for each in shared if each.fate is fate] for fate in Fate}
    counts = (
        f"{len(some)} {fate} ({megabytes(sum(each.size_bytes for each in some))})"
        for fate, some in by_fate.items()
        if some
    )
    return ", ".join(counts) or "nothing to share"


def push(
    store: Store, place: Place, keys: Collection[str] | None, *, with_texts: bool = False
) -> Iterator[Shared]:
    """Share finished artifacts of a store; each is verified to the byte before it is sent.

    Args:
        store: Where they stand.
        place: Where they go.
        keys: Names of those that are meant; None means all.
        with_texts: Send as well what may not be passed on, for a place that nobody else reads.

    Raises:
        UsageError: If one that is meant is not in the store.
        StoreError: If the place refuses.
    """
    standing = (each for each in store.list() if each.recipe.stage != REPORT)
    chosen = [each for each in standing if keys is None or each.key in keys]
    if absent := set(keys or ()).difference(each.key for each in chosen):
        raise UsageError(
            f"{len(absent)} of the artifacts that are meant are not in {store.root}, {min(absent)[:12]} for one; name their store "
            "with --store, or make them with 'harness reproduce'"
        )
    place.refresh()
    terms, records = Terms(store), place.sizes(RECORDS)
    parcel = Parcel(place, dict(place.sizes(FILES)))
    for artifact in chosen:
        why = "" if with_texts else terms.forbid(artifact)
        try:
            fate = Fate.WITHHELD if why else _fate(store, artifact, parcel, records)
        except DamagedArtifactError as error:
            fate, why = Fate.REFUSED, str(error)
        if fate is Fate.SENT:
            parcel.artifacts.append(artifact)
            if parcel.is_full():
                yield from parcel.sent()
        else:
            yield _shared(artifact, fate, why)
    yield from parcel.sent()


def _fate(store: Store, artifact: Artifact, parcel: "Parcel", records: Collection[str]) -> Fate:
    """What is to become of an artifact: it is to be sent where the place lacks its record, or a file.

    Raises:
        DamagedArtifactError: If it is not what its manifest says.
    """
    if _record(artifact.recipe.stage, artifact.key) in records:
        if (fate := _there(artifact, parcel.place)) is Fate.OTHER:
            return fate
        if not parcel.lacks(artifact):
            return Fate.STANDING
    store.get(artifact.recipe.stage, artifact.key)
    return Fate.SENT


def _there(artifact: Artifact, place: Place) -> Fate:
    """Whether the record that a place has of an artifact is this one's."""
    record = f"{RECORDS}/{_record(artifact.recipe.stage, artifact.key)}"
    return Fate.STANDING if place.holds(record, (artifact.folder / MANIFEST).read_bytes()) else Fate.OTHER


@dataclass
class Parcel:
    """Artifacts that are sent together, as many as suit a place."""

    place: Place
    there: dict[str, int]
    """Files of the place, by their digests, with their bytes."""
    artifacts: list[Artifact] = field(default_factory=list)

    def lacks(self, artifact: Artifact) -> Mapping[str, Path]:
        """Files of an artifact that the place has not, by their digests."""
        return {
            file.sha256: artifact.folder / file.path
            for file in artifact.files
            if self.there.get(file.sha256) != file.size_bytes
        }

    def is_full(self) -> bool:
        """True where it is time to send it."""
        files = sum(len(artifact.files) + 1 for artifact in self.artifacts)
        size = sum(artifact.size_bytes for artifact in self.artifacts)
        return files >= self.place.files_at_once or size >= self.place.bytes_at_once

    def sent(self) -> Iterator[Shared]:
        """Send it, and begin the next one; nothing is told of an artifact before all of it is there.

        Raises:
            StoreError: If the place refuses.
        """
        artifacts, self.artifacts = self.artifacts, []
        records = {f"{RECORDS}/{_record(each.recipe.stage, each.key)}": each for each in artifacts}
        before = self.place.publish(
            {f"{FILES}/{digest}": path for each in artifacts for digest, path in self.lacks(each).items()},
            {name: each.folder / MANIFEST for name, each in records.items()},
        )
        self.there |= {file.sha256: file.size_bytes for each in artifacts for file in each.files}
        for name, each in records.items():
            yield _shared(each, _there(each, self.place) if name in before else Fate.SENT)


def pull(store: Store, place: Place, keys: Collection[str] | None) -> Iterator[Shared]:
    """Take artifacts from a place into a store; each is verified to the byte before it stands there.

    Args:
        store: Where they go.
        place: Where they are.
        keys: Names of those that are meant; None means all.

    Raises:
        UsageError: If none of them is there.
        StoreError: If the place or the disk refuses.
    """
    place.refresh()
    found = sorted((path.parent.name, path.stem) for path in map(PurePosixPath, place.sizes(RECORDS)))
    files = place.sizes(FILES)  # asked last: of a record that was there before, every file is
    chosen = [(stage, key) for stage, key in found if stage != REPORT and (keys is None or key in keys)]
    if not chosen:
        raise UsageError(
            f"{place.url} holds {len(found)} artifacts, none of them among those that are meant; name the place that 'harness store "
            "push' was told, and a run or a profile whose artifacts went there"
        )
    for stage, key in chosen:
        yield _taken(store, place, stage, key, files)


def _taken(store: Store, place: Place, stage: str, key: str, files: Mapping[str, int]) -> Shared:
    """Take one artifact, unless it stands here already."""
    brought: list[Artifact] = []

    def bring(draft: Path) -> None:
        (draft / MANIFEST).write_bytes(place.read(RECORDS, _record(stage, key)))
        described = read_manifest(draft, key)
        for file in described.files:
            if (size := files.get(file.sha256)) != file.size_bytes:
                found = "no such file" if size is None else f"{size} bytes"
                fault = f"{file.path}: found {found}, expected {file.size_bytes} bytes"
                raise DamagedArtifactError(f"{place.path(FILES, file.sha256)}: {fault}", fault=fault)
        place.get({f"{FILES}/{file.sha256}": draft / file.path for file in described.files})
        brought.append(described)

    try:
        artifact = store.adopt(stage, key, bring)
    except DamagedArtifactError as error:
        where = f"{place.url.rstrip('/')}/{RECORDS}/{_record(stage, key)}"
        why = f"{where} is broken ({error.fault}); remove it and its file, and have it pushed again"
        return Shared(stage=stage, item="", key=key, size_bytes=0, fate=Fate.REFUSED, why=why)
    if brought:
        return _shared(artifact, Fate.TAKEN)
    return _shared(artifact, _there(artifact, place))


def _record(stage: str, key: str) -> str:
    return f"{stage}/{key}.json"


def _shared(artifact: Artifact, fate: Fate, why: str = "") -> Shared:
    return Shared(
        stage=artifact.recipe.stage,
        item=artifact.recipe.item,
        key=artifact.key,
        size_bytes=artifact.size_bytes,
        fate=fate,
        why=why,
    )


@dataclass(frozen=True)
class Terms:
    """What the licences of sources say about artifacts that hold copies of them."""

    store: Store

    @cached_property
    def licences(self) -> Mapping[str, frozenset[str]]:
        """What the committed studies say of each source, by its name."""
        profiles = (each for name in study_names() for each in load_profiles(load_study(name)).values())
        found: dict[str, set[str]] = {}
        for pin in (pin for profile in profiles for pin in profile.sources.pins()):
            found.setdefault(pin.name, set()).add("gated" if pin.gated else pin.licence)
        return {name: frozenset(terms) for name, terms in found.items()}

    def forbid(self, artifact: Artifact) -> str:
        """Why an artifact may not be passed on; nothing where it may: its numbers are nobody's texts, or those are free."""
        if not _holds_copies(artifact):
            return ""
        for source in sorted(self._sources(artifact)):
            terms = self.licences.get(source, {"unknown here"})
            if closed := sorted(each for each in terms if not each.startswith(PERMITTING)):
                return f"it holds texts or weights of {source}, whose licence is {closed[0]}"
        return ""

    def _sources(self, artifact: Artifact) -> set[str]:
        """Names of all pinned things that went into an artifact, directly or not."""
        found = set(_pins(json.loads(artifact.recipe.parameters)))
        for part in artifact.recipe.ingredients:
            stages = self.store.root.glob(f"objects/*/{part.key[:2]}/{part.key}")
            made = next((self.store.peek(path.parent.parent.name, part.key) for path in stages), None)
            found |= (
                self._sources(made) if made else {f"{part.role} {part.key[:12]}, which is not in the store"}
            )
        return found


def _holds_copies(artifact: Artifact) -> bool:
    """Whether an artifact holds texts that somebody wrote, or weights that somebody else trained."""
    paths = [artifact.folder / file.path for file in artifact.files]
    return any(
        path.name == COPIES
        or path.suffix not in OWN_SUFFIXES
        or (path.suffix == ".parquet" and TEXT_COLUMN in column_names(path))
        for path in paths
    )


def _pins(content: Json) -> Iterator[str]:
    """Names of the pinned things among an artifact's parameters."""
    if isinstance(content, dict):
        if isinstance(content.get("name"), str) and "revision" in content:
            yield str(content["name"])
        for entry in content.values():
            yield from _pins(entry)
    elif isinstance(content, list):
        for entry in content:
            yield from _pins(entry)
