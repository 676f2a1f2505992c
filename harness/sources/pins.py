"""The only door to outside files: a pin in, a local folder out, and a word that stands for its content.

What is fetched is held to its recorded digests, so that how it comes moves no number: whoever asks and fetches is loaded by name,
and is no part of the code that artifacts are named by.
"""

import hashlib
import importlib
import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Protocol, cast

from harness.sources import synthetic
from harness.sources.pin_record import Seen, record, recorded
from harness.store.files import file_sha256
from harness.store.provenance import require_checkout
from harness.words.errors import HarnessError, MissingSourceError, SettingError
from harness.words.study import Home, Pin

CHECKOUT = Path(__file__).resolve().parents[2]
"""Root that relative folder addresses start from."""

UNPINNED = "unpinned"
"""Revision of a thing that was never used, and whose endpoint cannot be asked; nothing is ever made from it."""

NOT_HAD = "not-had"
"""Revision of an optional thing that cannot be had: what says so has a name of its own, and is made anew once it can."""

DECIDED = "HARNESS_NOT_HAD"
"""Variable in which a command tells those that it starts which optional things are not had: JSON, why by pin's name.
All of a run then agree, whenever a gate opens."""

CERTIFICATE = "certificate.json"
"""Lists every file that was made in a committed folder, with its digest, and nothing else."""


FETCHERS: Mapping[Home, str] = {
    Home.HUB_MODEL: "harness.sources.hub",
    Home.HUB_DATASET: "harness.sources.hub",
    Home.BUCKET: "harness.sources.bucket",
}
"""Module that asks and fetches from each place."""


class Fetcher(Protocol):
    """What such a module does."""

    def seen_now(self, pin: Pin) -> Seen:
        """What the endpoint says of a thing now."""

    def fetched(self, pin: Pin, seen: Seen) -> Path:
        """Folder that holds what was recorded, each file verified; what is missing is fetched."""

    def cache_folder(self, pin: Pin, seen: Seen) -> Path:
        """Where it is kept; asks nobody."""


class ForeignFileError(HarnessError):
    """A certified folder holds a file that its certificate does not know, or lacks one that it does."""


@cache
def locate(pin: Pin) -> Path:
    """Folder that holds the pinned thing, fetched first when it lives elsewhere, each file as it was at first use.

    Raises:
        ForeignFileError: If a folder is not there.
        UsageError: If the folder is one of a checkout, and this is none.
        MissingSourceError: If it cannot be fetched.
        ChangedSourceError: If it is not what it was when it was first used.
    """
    if pin.home is Home.FOLDER:
        return _folder(pin)
    if pin.home is Home.MADE:
        return synthetic.synthetic_folder(pin)
    return _fetcher(pin).fetched(pin, first_use(pin))


@cache
def why_not_had(pin: Pin) -> str:
    """Why an optional thing cannot be had, on one line; nothing where all of it lies on this machine, fetched now if need be."""
    if DECIDED in os.environ:
        return _decided(os.environ[DECIDED]).get(pin.name, "")
    try:
        locate(pin)
    except MissingSourceError as error:
        return " ".join(str(error).split())
    return ""


def _decided(told: str) -> dict[str, str]:
    try:
        whys = json.loads(told)
        return {str(name): str(why) for name, why in whys.items()}
    except (ValueError, AttributeError) as error:
        raise SettingError(
            f"{DECIDED} is {told!r}, which no command of this program has written; unset it"
        ) from error


def decisions_to_share(pins: Iterable[Pin]) -> dict[str, str]:
    """What a command has to tell those that it starts, as a variable of their environment."""
    return {DECIDED: json.dumps({pin.name: why_not_had(pin) for pin in pins if pin.is_optional})}


def locate_once(pin: Pin) -> Path:
    """Folder that holds the pinned thing, fetched first; an optional one that cannot be had is not asked for twice.

    Raises:
        MissingSourceError: If it cannot be had.
    """
    if pin.is_optional and why_not_had(pin):
        raise MissingSourceError(why_not_had(pin))
    return locate(pin)


@cache
def revision_of(pin: Pin) -> str:
    """What stands for the content of a pin in every digest.

    A folder has the digest of its files' names and bytes, a hub repository its commit, a bucket the digest of its
    listing; the last two as they were at first use. An optional thing that cannot be had has a word that says so.

    Raises:
        ForeignFileError: If a folder is not there, or is not as its birth certificate says.
        MissingSourceError: If a thing was never used, and its endpoint cannot be asked.
    """
    if pin.home is Home.MADE:
        return synthetic.synthetic_revision(pin)
    if pin.is_optional and why_not_had(pin):
        return NOT_HAD
    if pin.home is not Home.FOLDER:
        return first_use(pin).revision
    folder = _folder(pin)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    digests = {path.relative_to(folder).as_posix(): file_sha256(path) for path in files}
    refuse_foreign_files(folder, digests)
    listing = "".join(f"{path}\0{digest}\n" for path, digest in digests.items())
    return hashlib.sha256(listing.encode()).hexdigest()


def known_revision(pin: Pin) -> str:
    """What stands for the content of a pin in every digest, as far as this machine knows it without asking anybody.

    Raises:
        ForeignFileError: If a folder is not there, or is not as its birth certificate says.
        MissingSourceError: If the thing was never used on this machine.
    """
    if pin.is_local:
        return revision_of(pin)
    seen = recorded(pin)
    if pin.is_optional and (seen is None or bytes_to_come(pin, seen)):
        return NOT_HAD
    if seen is None:
        raise MissingSourceError(
            f"{pin} was never used on this machine, so what it holds is not known yet; 'harness reproduce' and "
            "'harness doctor' ask for it, and record the answer"
        )
    return seen.revision


def known_revision_or_unpinned(pin: Pin) -> str:
    """What is known of a pin's content here, or what its pin says of it: for reports of runs that could not begin."""
    try:
        return known_revision(pin)
    except MissingSourceError:
        return pin.revision or UNPINNED


def first_use(pin: Pin) -> Seen:
    """What was recorded when a thing was first used; asked for and recorded now if this is its first use.

    Raises:
        MissingSourceError: If it was never used, and its endpoint cannot be asked.
    """
    return recorded(pin) or record(pin, seen_now(pin))


def seen_now(pin: Pin) -> Seen:
    """What the endpoint of a hub repository or a bucket says of it now.

    Raises:
        MissingSourceError: If the endpoint cannot be asked, or has no such thing.
    """
    return _fetcher(pin).seen_now(pin)


def _fetcher(pin: Pin) -> Fetcher:
    return cast("Fetcher", importlib.import_module(FETCHERS[pin.home]))


def bytes_to_come(pin: Pin, seen: Seen) -> int:
    """Bytes of a hub repository or a bucket that are not on this machine yet."""
    return sum(file.size_bytes for file in seen.absent(_fetcher(pin).cache_folder(pin, seen)))


def content_digests(pin: Pin) -> frozenset[str]:
    """SHA-256 digests of what a pin holds, as far as they are known without reading gigabytes."""
    if pin.home is Home.FOLDER:
        folder = _folder(pin)
        return frozenset(file_sha256(path) for path in folder.rglob("*") if path.is_file())
    if pin.home is Home.MADE:
        return frozenset()
    seen = recorded(pin)
    digests = (file.digest.partition(":") for file in (seen.files if seen else ()))
    return frozenset(digest for kind, _, digest in digests if kind == "sha256")


def _folder(pin: Pin) -> Path:
    folder = CHECKOUT / pin.address
    if not folder.is_dir():
        require_checkout(f"{pin.name}, the folder {pin.address},")
        raise ForeignFileError(
            f"{pin.name} is pinned to the folder {pin.address}, which is not in this checkout; "
            "restore it with 'git checkout', or rebuild it with 'nox -s fixtures'"
        )
    return folder


def refuse_foreign_files(folder: Path, found: Mapping[str, str]) -> None:
    """Hold the files of a folder against the nearest certificate at or above it; no certificate, no check.

    Args:
        folder: The folder that was read.
        found: Digest of each of its files, by path below the folder.

    Raises:
        ForeignFileError: If a file was changed, added or removed since the certificate was written.
    """
    certified = _certified(folder)
    if certified is None:
        return
    below = folder.relative_to(certified)
    here = {
        (below / path).as_posix(): digest for path, digest in found.items() if Path(path).name != CERTIFICATE
    }
    expected = {
        path: digest for path, digest in _listed(certified).items() if Path(path).is_relative_to(below)
    }
    cure = "restore it with 'git checkout', or rebuild the miniature world with 'nox -s fixtures'"
    for path in sorted(here.keys() | expected.keys()):
        place, certificate = f"{certified.name}/{path}", f"{certified.name}/{CERTIFICATE}"
        if path not in here:
            raise ForeignFileError(f"{place} is missing, but {certificate} lists it; {cure}")
        if path not in expected:
            raise ForeignFileError(
                f"{place} is foreign: {certificate} does not list it; remove it, or {cure}"
            )
        if here[path] != expected[path]:
            raise ForeignFileError(
                f"{place} has digest {here[path][:12]}, but {certificate} says {expected[path][:12]}; {cure}"
            )


def fixture_digests(pin: Pin) -> frozenset[str]:
    """Digests that stand in the birth certificate of a committed folder; empty where it is not in this checkout."""
    folder = CHECKOUT / pin.address
    certified = _certified(folder) if pin.home is Home.FOLDER and folder.is_dir() else None
    return frozenset(_listed(certified).values()) if certified else frozenset()


def _certified(folder: Path) -> Path | None:
    """The nearest folder at or above another that holds a certificate."""
    return next((parent for parent in (folder, *folder.parents) if (parent / CERTIFICATE).is_file()), None)


def _listed(certified: Path) -> Mapping[str, str]:
    content = None
    with suppress(ValueError):
        content = json.loads((certified / CERTIFICATE).read_text(encoding="utf-8"))
    files = content.get("files") if isinstance(content, dict) else None
    if not isinstance(files, dict):
        raise ForeignFileError(f"{certified / CERTIFICATE} lists no files; restore it with 'git checkout'")
    return files
