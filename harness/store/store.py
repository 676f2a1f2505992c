"""Artifacts on disk, named by the digest of what made them; published whole, verified when read."""

import errno
import json
import logging
import shutil
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from harness.store.files import (
    FULL,
    disk_errors,
    draft_of,
    file_sha256,
    locked,
    may_write,
    remove_folder,
    sync,
    write_json,
    write_whole,
)
from harness.words.canonical import canonical_json, digest_of, plain, text_digest
from harness.words.errors import DamagedArtifactError, MissingArtifactError, StoreError

log = logging.getLogger(__name__)

MANIFEST = "artifact.json"

LATE_SECONDS = 60.0
"""How late they may be: as long as NFS remembers, unless it is told otherwise, that a name was not there."""

LATE_TICK_SECONDS = 0.5
"""How often a folder is looked through for what another host has published."""

ABANDONED_SECONDS = 24 * 3600
"""A draft of another host that nobody has touched for so long belongs to a process that died."""

REPORT = "report"
"""Stage of finished reports, which stay in the store of whoever judged them: a verdict is not passed on without its judge."""

FORMAT = 1
"""Version of the manifest; a reader refuses any other."""


@dataclass(frozen=True, kw_only=True)
class Ingredient:
    """One artifact that another was made from."""

    role: str
    key: str
    digest: str


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides what an artifact holds."""

    stage: str
    item: str
    parameters: str
    """Canonical JSON of all of it; its digest is the artifact's name."""
    ingredients: tuple[Ingredient, ...] = ()

    @property
    def key(self) -> str:
        """Name of the artifact."""
        return text_digest(self.parameters)


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """One file of an artifact."""

    path: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, kw_only=True)
class Artifact:
    """A finished artifact: where it lies, what made it, and what it holds."""

    folder: Path
    recipe: Recipe
    files: tuple[StoredFile, ...]

    @property
    def key(self) -> str:
        """Digest of what made it."""
        return self.recipe.key

    @property
    def digest(self) -> str:
        """Digest of what it holds: names, sizes and bytes of its files."""
        return digest_of(self.files)

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)

    def __str__(self) -> str:
        """The artifact as messages show it."""
        return f"{self.recipe.stage} {self.recipe.item} ({self.key[:12]})"


def megabytes(size_bytes: int) -> str:
    """A size as it is listed."""
    return f"{size_bytes / 1e6:.1f} MB"


def write_manifest(folder: Path, recipe: Recipe) -> None:
    """Describe a filled folder, and wait until all of it is on the disk.

    Raises:
        StoreError: If the folder holds nothing, or a link.
    """
    files = []
    for path in _names(folder):
        if path.is_symlink():
            raise StoreError(f"{path} is a link; an artifact holds its own bytes, so copy the file instead")
        name, size = path.relative_to(folder).as_posix(), path.stat().st_size
        files.append(StoredFile(path=name, sha256=file_sha256(path), size_bytes=size))
        sync(path)
    if not files:
        raise StoreError(
            f"{recipe.stage} {recipe.item} made no file, so there is nothing to publish; see its log"
        )
    content = {
        "format": FORMAT,
        "stage": recipe.stage,
        "item": recipe.item,
        "key": recipe.key,
        "digest": digest_of(tuple(files)),
        "parameters": json.loads(recipe.parameters),
        "inputs": recipe.ingredients,
        "files": tuple(files),
    }
    write_json(folder / MANIFEST, plain(content))


def _names(folder: Path) -> list[Path]:
    """Files of an artifact, its manifest apart, in one order everywhere."""
    paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    return sorted(path for path in paths if path != folder / MANIFEST)


def verified(folder: Path, key: str = "") -> Artifact:
    """An artifact of which every byte has been read and found as promised.

    Args:
        folder: Where it lies.
        key: What it has to be called; by default its folder's name.

    Raises:
        MissingArtifactError: If it was never made.
        DamagedArtifactError: If a file is gone, cut, changed, or one too many.
    """
    artifact = read_manifest(folder, key)
    promised = {file.path: file for file in artifact.files}
    found = {path.relative_to(folder).as_posix() for path in _names(folder)}
    for name in sorted(found - promised.keys()):
        raise _damaged(folder / name, "a file that its manifest does not name", "no such file")
    for file in artifact.files:
        path = folder / file.path
        if not path.is_file():
            raise _damaged(path, "no such file", f"{file.size_bytes} bytes")
        if (size := path.stat().st_size) != file.size_bytes:
            raise _damaged(path, f"{size} bytes", f"{file.size_bytes} bytes")
        if (digest := file_sha256(path)) != file.sha256:
            raise _damaged(path, f"sha256 {digest}", f"sha256 {file.sha256}")
    return artifact


def _damaged(path: Path, found: str, expected: str) -> DamagedArtifactError:
    return DamagedArtifactError(
        f"{path} is damaged: found {found}, expected {expected}; "
        "'harness reproduce' removes and makes it again, 'harness store verify' checks the rest",
        fault=f"{path.name}: found {found}, expected {expected}",
    )


def read_manifest(folder: Path, key: str = "") -> Artifact:
    """An artifact as its manifest describes it; the files themselves are not read.

    Args:
        folder: Where it lies.
        key: What it has to be called; by default its folder's name.

    Raises:
        MissingArtifactError: If it was never made.
        DamagedArtifactError: If the manifest cannot be read, or contradicts itself.
    """
    path = folder / MANIFEST
    if not folder.is_dir():
        raise MissingArtifactError(f"no artifact at {folder}; run the stage that makes it")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        recipe = Recipe(
            stage=str(content["stage"]),
            item=str(content["item"]),
            parameters=canonical_json(content["parameters"]),
            ingredients=tuple(Ingredient(**entry) for entry in content["inputs"]),
        )
        files = tuple(StoredFile(**entry) for entry in content["files"])
        artifact = Artifact(folder=folder, recipe=recipe, files=files)
        stated = (content["format"], content["key"], content["key"], content["digest"])
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise _damaged(
            path, f"no readable manifest ({type(error).__name__}: {error})", "one of this format"
        ) from None
    if stated != (FORMAT, key or folder.name, artifact.key, artifact.digest):
        raise _damaged(
            path, "a manifest whose format, key or digest is not the one of its content", "one of this format"
        )
    # Whoever wrote a manifest elsewhere must not choose where else files of this disk are written.
    if outside := [file.path for file in files if not _is_inside(file.path)]:
        raise _damaged(path, f"the file {outside[0]!r}, which leads out of the artifact", "files inside it")
    return artifact


def _is_inside(path: str) -> bool:
    """Whether a name of a file stays below its folder, beside the manifest."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and path != MANIFEST


def _key_of(draft: Path) -> str:
    """Name of the artifact that a draft was to become."""
    return draft.name.lstrip(".").removeprefix("leaving-").partition(".")[0]


def _remove_dead_drafts(folder: Path) -> None:
    """Remove what processes that died left of an artifact; whoever calls this holds the lock of its key.

    Where a file system's locks end at its hosts, as some do, another host may be at work on the same artifact: what it has
    written of late stays. Both then publish by a rename, and the second one finds the first one's.
    """
    ours = draft_of(folder).name.rpartition(".")[0]
    for draft in folder.parent.glob(f".{folder.name}*"):
        if draft.name.rpartition(".")[0] == ours or time.time() - draft.stat().st_mtime > ABANDONED_SECONDS:
            shutil.rmtree(draft, ignore_errors=True)


def _put_in_place(draft: Path, folder: Path) -> None:
    """Give a draft its name; where a host that shares no locks with this one has published meanwhile, that stays."""
    try:
        draft.rename(folder)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST} or not (folder / MANIFEST).is_file():
            raise
        log.warning("%s was published by another host meanwhile", folder.name)


@dataclass(frozen=True)
class Store:
    """A folder of artifacts that any number of processes may use at once."""

    root: Path
    verified: dict[str, Artifact] = field(default_factory=dict, repr=False, compare=False)
    """What this process has verified already, by key."""

    def folder(self, stage: str, key: str) -> Path:
        """Where an artifact lies once it is finished."""
        return self.root / "objects" / stage / key[:2] / key

    def get(self, stage: str, key: str) -> Artifact:
        """A finished artifact; every byte of it is verified, once per process.

        Raises:
            MissingArtifactError: If it was never made.
            DamagedArtifactError: If it is not what its manifest says.
        """
        if key not in self.verified:
            self.verified[key] = verified(self.folder(stage, key))
        return self.verified[key]

    def wait_for(self, stage: str, key: str) -> None:
        """Wait a while for an artifact that another host has published: network file systems tell of it late."""
        folder, deadline = self.folder(stage, key), time.monotonic() + LATE_SECONDS
        while not (folder / MANIFEST).is_file() and time.monotonic() < deadline:
            # A name that was not there is remembered for a while; a listing asks the server anew.
            for parent in (folder.parent.parent, folder.parent, folder):
                with suppress(OSError):
                    list(parent.iterdir())
            time.sleep(LATE_TICK_SECONDS)

    def peek(self, stage: str, key: str) -> Artifact:
        """A finished artifact as its manifest describes it; bytes are not read.

        Raises:
            MissingArtifactError: If it was never made.
            DamagedArtifactError: If its manifest cannot be read.
        """
        return read_manifest(self.folder(stage, key))

    def produce(self, recipe: Recipe, make: Callable[[Path], None]) -> Artifact:
        """The artifact of a recipe: the finished one where it stands, else made now, by one process.

        Args:
            recipe: What decides its content.
            make: Fills the folder that it is given.

        Raises:
            StoreError: If the disk refuses, or nothing was made.
        """
        if artifact := self._standing(recipe):
            return artifact
        with locked(self.root / "locks" / f"{recipe.key}.lock"):
            # Another process may have made it while this one waited.
            return self._standing(recipe, repair=True) or self._make(recipe, make)

    def adopt(self, stage: str, key: str, bring: Callable[[Path], None]) -> Artifact:
        """A finished artifact that was made elsewhere: the one that stands here, else the one that is brought, byte by byte verified.

        Args:
            stage: Its stage.
            key: Its name.
            bring: Fills the folder that it is given, manifest and all.

        Raises:
            DamagedArtifactError: If what is brought is not what its manifest says; nothing of it stays.
            StoreError: If the disk refuses.
        """

        def whole(draft: Path) -> None:
            with disk_errors(self.folder(stage, key)):
                bring(draft)
                if (found := verified(draft, key).recipe.stage) != stage:
                    raise _damaged(draft / MANIFEST, f"an artifact of {found}", f"one of {stage}")
                for path in draft.rglob("*"):
                    sync(path)

        with locked(self.root / "locks" / f"{key}.lock"):
            try:
                return self.get(stage, key)
            except MissingArtifactError:
                pass
            except DamagedArtifactError as error:
                log.warning("%s; it is removed and brought anew", error)
                self._remove(self.folder(stage, key), key)
            return self._publish(stage, key, whole)

    def discard(self, stage: str, key: str) -> None:
        """Remove an artifact, finished or damaged."""
        with locked(self.root / "locks" / f"{key}.lock"):
            self._remove(self.folder(stage, key), key)

    def list(self) -> Iterator[Artifact]:
        """Every finished artifact as its manifest describes it; bytes are not read.

        Raises:
            DamagedArtifactError: If a manifest cannot be read.
        """
        for folder in self._folders():
            yield read_manifest(folder)

    def verify(self) -> tuple[DamagedArtifactError, ...]:
        """Reads every byte of every artifact; what it finds wrong, one error per artifact."""
        found = []
        for folder in self._folders():
            try:
                verified(folder)
            except DamagedArtifactError as error:
                found.append(error)
        return tuple(found)

    def holds(self, keys: Collection[str]) -> bool:
        """Whether one of these keys, or more, names an artifact that stands here."""
        return any(folder.name in keys for folder in self._folders())

    def note_run(self, run: Path) -> None:
        """Remember the folder of a run that names artifacts of this store, so that nobody cleans them away."""
        place = str(run.resolve())
        note = self.root / "runs" / f"{text_digest(place)}.txt"
        if not note.exists() and may_write(note):
            write_whole(note, place)

    def noted_runs(self) -> tuple[Path, ...]:
        """Folders of the runs that are remembered, whether they still stand or not."""
        return tuple(sorted(Path(note.read_text(encoding="utf-8")) for note in self.root.glob("runs/*.txt")))

    def clean(self, keep: Collection[str], *, remove: bool) -> tuple[Path, ...]:
        """Folders of artifacts that nobody keeps, and of work that was never finished.

        Args:
            keep: Keys that stay.
            remove: False only lists them.
        """
        loose = tuple(folder for folder in self._folders() if folder.name not in keep)
        drafts = tuple(self.root.glob("objects/*/*/.*"))
        if remove:
            for folder in loose:
                self.discard(folder.parent.parent.name, folder.name)
            for draft in drafts:
                with locked(self.root / "locks" / f"{_key_of(draft)}.lock"):
                    shutil.rmtree(draft, ignore_errors=True)
        return (*loose, *drafts)

    def _standing(self, recipe: Recipe, *, repair: bool = False) -> Artifact | None:
        """The artifact of a recipe if it can be used; `repair` removes it if it cannot."""
        try:
            artifact = self.get(recipe.stage, recipe.key)
        except MissingArtifactError:
            return None
        except DamagedArtifactError as error:
            reason = str(error)
        else:
            if artifact.recipe.ingredients == recipe.ingredients:
                return artifact
            reason = f"{artifact} was made from inputs that have been made anew since"
        if repair:
            log.warning("%s; it is removed and made again", reason)
            self._remove(self.folder(recipe.stage, recipe.key), recipe.key)
        return None

    def _remove(self, folder: Path, key: str) -> None:
        self.verified.pop(key, None)
        if folder.is_dir():
            remove_folder(folder)

    def _make(self, recipe: Recipe, make: Callable[[Path], None]) -> Artifact:
        def described(draft: Path) -> None:
            folder = self.folder(recipe.stage, recipe.key)
            with disk_errors(folder, FULL):
                make(draft)
            with disk_errors(folder):
                write_manifest(draft, recipe)

        return self._publish(recipe.stage, recipe.key, described)

    def _publish(self, stage: str, key: str, fill: Callable[[Path], None]) -> Artifact:
        """Fill a draft of an artifact, manifest and all, and put it where readers look once it is whole."""
        folder = self.folder(stage, key)
        draft = draft_of(folder)
        try:
            with disk_errors(folder):
                _remove_dead_drafts(folder)
                draft.mkdir(parents=True)
            fill(draft)
            with disk_errors(folder):
                _put_in_place(draft, folder)
                sync(folder.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.verified[key] = read_manifest(folder)
        return self.verified[key]

    def _folders(self) -> Iterator[Path]:
        yield from sorted(path for path in self.root.glob("objects/*/*/*") if not path.name.startswith("."))
