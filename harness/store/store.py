"""Artifacts on disk, named by the digest of what made them; published whole, verified when read."""

import logging
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from harness.store.files import FULL, disk_errors, locked, remove_folder, sync
from harness.store.manifest import Artifact, Recipe, read_manifest, verified, write_manifest
from harness.words.errors import DamagedArtifactError, MissingArtifactError

log = logging.getLogger(__name__)


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
        return tuple(error for folder in self._folders() if (error := _damage(folder)))

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
                self._sweep(draft)
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
        folder = self.folder(recipe.stage, recipe.key)
        draft = folder.with_name(f".{folder.name}")
        try:
            with disk_errors(folder):
                # The key's lock is held, so a draft that is there belongs to a process that died.
                shutil.rmtree(draft, ignore_errors=True)
                draft.mkdir(parents=True)
            with disk_errors(folder, FULL):
                make(draft)
            with disk_errors(folder):
                write_manifest(draft, recipe)
                draft.rename(folder)
                sync(folder.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        self.verified[recipe.key] = read_manifest(folder)
        return self.verified[recipe.key]

    def _folders(self) -> Iterator[Path]:
        yield from sorted(path for path in self.root.glob("objects/*/*/*") if not path.name.startswith("."))

    def _sweep(self, draft: Path) -> None:
        with locked(self.root / "locks" / f"{draft.name.lstrip('.')}.lock"):
            shutil.rmtree(draft, ignore_errors=True)


def _damage(folder: Path) -> DamagedArtifactError | None:
    try:
        verified(folder)
    except DamagedArtifactError as error:
        return error
    return None
