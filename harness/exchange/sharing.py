"""A store's artifacts at a place that others reach: pushed there and pulled from there, through any file system of fsspec.

A place holds `files/`, each called by its own digest, and `records/`, the manifests that name them. A record is put there
last, and whatever is put there is written below `drafts/` first: what a killed push leaves is in no record, so that nobody
takes it, and the next push goes on from there. Two at once write the same bytes under the same names.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from uuid import uuid4

from harness.sources.studies import load_profiles, load_study, study_names
from harness.store.files import FULL
from harness.store.store import MANIFEST, Artifact, Store, read_manifest
from harness.store.tables import column_names
from harness.words.canonical import Json
from harness.words.errors import DamagedArtifactError, HarnessError, StoreError, UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

RECORDS, FILES, DRAFTS = "records", "files", "drafts"

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


@dataclass(frozen=True)
class Place:
    """A folder of some file system, and what is found there."""

    url: str

    @cached_property
    def _found(self) -> tuple["AbstractFileSystem", str]:
        """Its file system, and its root there.

        Raises:
            UsageError: If nothing is known of such an address, or what it takes is not installed.
        """
        import fsspec

        kind = self.url.partition("://")[0] if "://" in self.url else "file"
        if kind == "hf":
            # Every file that is put there, and every one that is moved to its name, is a commit: nobody has tried what thousands make.
            raise UsageError(
                f"{self.url}: artifacts are not shared through the hub; name a folder, file://FOLDER or s3://BUCKET/FOLDER"
            )
        # A disk has folders that have to be made; the others make what they need.
        options = {"auto_mkdir": True} if kind in {"file", "local"} else {}
        try:
            files, root = fsspec.url_to_fs(self.url, **options)
        except ImportError as error:
            cure = "install 'replication-harness[s3]'" if kind in {"s3", "s3a"} else "install what it names"
            raise UsageError(
                f"{self.url}: a place of this kind takes another package ({error}); {cure}"
            ) from error
        except ValueError as error:
            raise UsageError(
                f"{self.url}: no place of this kind is known ({error}); name a folder, file://FOLDER, s3://BUCKET/FOLDER "
                "or another address of fsspec"
            ) from error
        return files, root.rstrip("/")

    @property
    def files(self) -> "AbstractFileSystem":
        """The file system that it lies in."""
        return self._found[0]

    def path(self, *names: str) -> str:
        """Where something lies in it."""
        return "/".join((self._found[1], *names))

    def sizes(self, folder: str) -> Mapping[str, int]:
        """Every file below one of its folders, by its path from there, with its bytes."""
        self.files.invalidate_cache()
        start = self.path(folder)
        with self.reached():
            found = self.files.find(start, detail=True)
        return {path.removeprefix(start).strip("/"): int(entry["size"]) for path, entry in found.items()}

    def read(self, *names: str) -> bytes:
        """A small file of it."""
        with self.reached():
            return bytes(self.files.cat_file(self.path(*names)))

    def put(self, paths: Mapping[str, Path]) -> None:
        """Put files there, by the names that they are to have; each is there whole or not at all."""
        drafts = {name: self.path(DRAFTS, uuid4().hex) for name in paths}
        with self.reached():
            self.files.put([str(path) for path in paths.values()], list(drafts.values()))
            for name, draft in drafts.items():
                self.files.mv(draft, self.path(name))

    def get(self, paths: Mapping[str, Path]) -> None:
        """Fetch files of it, by name."""
        for path in paths.values():
            path.parent.mkdir(parents=True, exist_ok=True)
        with self.reached(fills_disk=True):
            self.files.get([self.path(name) for name in paths], [str(path) for path in paths.values()])

    @contextmanager
    def reached(self, *, fills_disk: bool = False) -> Iterator[None]:
        """Turns what a file system refuses into one clear error.

        Args:
            fills_disk: True where room is needed on this machine, whose own words are told by the store.

        Raises:
            StoreError: If it cannot be reached, may not be used, or has no room.
        """
        try:
            yield
        except HarnessError:
            raise
        except Exception as error:
            if fills_disk and isinstance(error, OSError) and error.errno in FULL:
                raise
            # Clients raise what they like.
            raise StoreError(f"{self.url}: {_refusal(error)}") from error


def _refusal(error: Exception) -> str:
    """What kept a file system from doing what it was asked, and what helps."""
    said = f"{type(error).__name__}: {error}"
    if isinstance(error, OSError) and error.errno in FULL:
        return f"there is no room ({said}); free some, then start again: what is there stays"
    if isinstance(error, PermissionError) or "credentials" in said.lower():
        return (
            f"it may not be used ({said}); give credentials as its client takes them (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
            "AWS_PROFILE), or ask its owner"
        )
    if isinstance(error, FileNotFoundError):
        return f"it is not there ({said}); make the bucket or folder, or correct the address"
    return f"it could not be used ({said}); start again: what is there is not sent anew"


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
    chosen = [each for each in store.list() if keys is None or each.key in keys]
    if absent := set(keys or ()).difference(each.key for each in chosen):
        raise UsageError(
            f"{len(absent)} of the artifacts that are meant are not in {store.root}, {min(absent)[:12]} for one; name their store "
            "with --store, or make them with 'harness reproduce'"
        )
    terms, records, files = Terms(store), place.sizes(RECORDS), dict(place.sizes(FILES))
    for artifact in chosen:
        why = "" if with_texts else terms.forbid(artifact)
        try:
            fate = Fate.WITHHELD if why else _sent(store, artifact, place, files, records)
        except DamagedArtifactError as error:
            fate, why = Fate.REFUSED, str(error)
        yield _shared(artifact, fate, why)


def _sent(
    store: Store, artifact: Artifact, place: Place, files: dict[str, int], records: Collection[str]
) -> Fate:
    """Send what a place lacks of an artifact, its record last.

    Raises:
        DamagedArtifactError: If it is not what its manifest says.
    """
    record = _record(artifact.recipe.stage, artifact.key)
    wanted = {file.sha256: file for file in artifact.files if files.get(file.sha256) != file.size_bytes}
    if record in records:
        if place.read(RECORDS, record) != (artifact.folder / MANIFEST).read_bytes():
            return Fate.OTHER
        if not wanted:
            return Fate.STANDING
    store.get(artifact.recipe.stage, artifact.key)
    if wanted:
        place.put({f"{FILES}/{digest}": artifact.folder / file.path for digest, file in wanted.items()})
        files |= {digest: file.size_bytes for digest, file in wanted.items()}
    place.put({f"{RECORDS}/{record}": artifact.folder / MANIFEST})
    return Fate.SENT


def pull(store: Store, place: Place, keys: Collection[str] | None) -> Iterator[Shared]:
    """Take artifacts from a place into a store; each is verified to the byte before it stands there.

    Args:
        store: Where they go.
        place: Where they are.
        keys: Names of those that are meant; None means all.

    Raises:
        StoreError: If the place or the disk refuses.
    """
    records = sorted(place.sizes(RECORDS))
    files = place.sizes(FILES)  # asked last: of a record that was there before, every file is
    for record in records:
        path = PurePosixPath(record)
        stage, key = path.parent.name, path.stem
        if record == _record(stage, key) and (keys is None or key in keys):
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
    same = place.read(RECORDS, _record(stage, key)) == (artifact.folder / MANIFEST).read_bytes()
    return _shared(artifact, Fate.STANDING if same else Fate.OTHER)


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
