"""The only door to outside files: a pin in, a local folder out, and a word that stands for its content.

What is fetched is held to its recorded digests, so that how it comes moves no number: whoever asks and fetches is loaded by name,
and is no part of the code that artifacts are named by. One record of a first use per endpoint and pin lies beside the downloads;
a mirror or a test hub therefore never speaks for the real one.
"""

import hashlib
import importlib
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from harness.sources import synthetic
from harness.store.environment import address_in
from harness.store.files import (
    downloads,
    file_sha256,
    locked,
    may_write,
    own_folder,
    sync,
    write_json,
    write_whole,
)
from harness.store.provenance import CHECKOUT, require_checkout
from harness.words.canonical import digest_of, plain, text_digest
from harness.words.errors import HarnessError, MissingSourceError, SettingError
from harness.words.study import Home, Pin

HUB = "https://huggingface.co"
"""Endpoint of the hub where `HF_ENDPOINT` names no other."""

XET_SWITCH = "HF_HUB_DISABLE_XET"
"""Variable by which the hub's client leaves Xet alone. Whoever sets it, to either word, is taken by that word."""

# Where the hub offers a file through Xet, the client takes the offer, and the file comes from further hosts by code in
# another language: with those out of reach it tried for two minutes, and then raised an error of no kind. Plain HTTP
# knows proxies, goes on where it was cut, and says what is wrong. The client reads this once, when it is imported, which
# other libraries do as well.
os.environ.setdefault(XET_SWITCH, "1")

MOST_NAMES = 12
"""Names that a message lists."""

MARK_LINES = 2
"""A mark of a verified file holds what it looked like, and its digest."""


class ChangedSourceError(HarnessError):
    """An outside thing is no longer what it was when it was first used."""


@dataclass(frozen=True, kw_only=True)
class SeenFile:
    """One file as the endpoint described it."""

    path: str
    size_bytes: int
    digest: str
    """Kind and hexadecimal digits: "sha256:", "git:" (a blob of git) or "etag:" (an object store's own word)."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A pinned thing as the endpoint described it."""

    revision: str
    files: tuple[SeenFile, ...]

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)

    def absent(self, folder: Path) -> tuple[SeenFile, ...]:
        """Files that a folder does not hold."""
        return tuple(file for file in self.files if not (folder / file.path).is_file())


def endpoint_of(pin: Pin) -> str:
    """Address of the service that a pin is fetched from.

    Raises:
        SettingError: If the variable that names another one names no address.
    """
    if pin.home is Home.BUCKET:
        return address_in("AWS_ENDPOINT_URL_S3", _own_host(pin))
    if pin.home is Home.SERVICE:
        return address_in("NEURONPEDIA_ENDPOINT", _own_host(pin))
    if pin.home is Home.CODE:
        return address_in("GITHUB_SERVER_URL", _own_host(pin))
    return address_in("HF_ENDPOINT", HUB)


def _own_host(pin: Pin) -> str:
    parts = urlsplit(pin.address)
    return f"{parts.scheme}://{parts.netloc}"


def cure_of_loss(pin: Pin, what: str = "address") -> str:
    """What to do about a thing that is not, or no longer, where its pin says.

    Args:
        pin: The thing.
        what: The part of its pin that would be corrected.
    """
    moved = f"if it has moved, correct its {what} in pins.py of the study, below claims/"
    if pin.home is Home.SERVICE:
        return moved
    return f"{moved}; if it is gone, a machine that fetched it before has it still: copy {downloads()} from there"


def what_is_there(pin: Pin, paths: Iterable[str]) -> str:
    """What a repository holds where the first of a pin's files should be, for a message; nothing where it is empty.

    That is what lies in the deepest folder that both have: of a model's checkpoints, the names of the others.
    """
    found = [path.split("/") for path in paths]
    wanted = pin.files[0].split("/")[:-1] if pin.files else []
    while wanted and not any(path[: len(wanted)] == wanted for path in found):
        wanted.pop()
    names = sorted(
        {path[len(wanted)] for path in found if path[: len(wanted)] == wanted and path[len(wanted) :]}
    )
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    lead = f", and {'/'.join(wanted)} there holds" if wanted else ", and it holds"
    return f"{lead} {', '.join(names[:MOST_NAMES])}{more}" if names else ""


def why(error: HarnessError, pin: Pin) -> str:
    """What is wrong with a thing that stands beside it by name; alike for all that one endpoint does not give."""
    return str(error).removeprefix(f"{pin} cannot be fetched: ")


def recorded(pin: Pin) -> Seen | None:
    """What was recorded of a pin at its endpoint; None before its first use.

    Raises:
        ChangedSourceError: If the record cannot be read, or is of another revision than the pin's.
    """
    path = record_path(pin)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        files = tuple(SeenFile(**file) for file in content["files"])
        seen = Seen(revision=str(content["revision"]), files=files)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise ChangedSourceError(
            f"the record of the first use of {pin.name} cannot be read ({error}); remove {path}, and what {endpoint_of(pin)} "
            "has now is recorded anew"
        ) from error
    if pin.home is not Home.BUCKET and pin.revision not in {None, seen.revision}:
        raise ChangedSourceError(
            f"{pin.name} is pinned to {pin.revision}, but {path} records {seen.revision}; {_cure(path)}"
        )
    return seen


def record(pin: Pin, seen: Seen) -> Seen:
    """Keep what a first use found; where another process was quicker, its word stands.

    Raises:
        ChangedSourceError: If the record that is there says something else.
    """
    path = record_path(pin)
    with locked(path.with_suffix(".lock")):
        earlier = recorded(pin)
        if earlier is None:
            says = {"name": pin.name, "address": pin.address, "endpoint": endpoint_of(pin)}
            write_json(path, plain({**says, **asdict(seen)}))
            return seen
    refuse_change(pin, earlier, seen)
    return earlier


def refuse_change(pin: Pin, earlier: Seen, now: Seen) -> None:
    """Refuse an answer that differs from the recorded one.

    Raises:
        ChangedSourceError: If revision or files differ; names the first difference.
    """
    if earlier == now:
        return
    before, after = ({file.path: file for file in seen.files} for seen in (earlier, now))
    paths = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    what = f"file {paths[0]}" if paths else f"revision, {earlier.revision} before and {now.revision} now"
    said = [
        getattr(files.get(paths[0]), "digest", "absent") if paths else "the same files"
        for files in (before, after)
    ]
    raise ChangedSourceError(
        f"{endpoint_of(pin)} answers otherwise for {pin.name} ({pin.address}) than when it was first used: {what} "
        f"({said[0]} before, {said[1]} now); {_cure(record_path(pin))}"
    )


def verify_file(pin: Pin, file: SeenFile, path: Path) -> None:
    """Refuse a local file that is not the recorded one; reads it once for as long as it is not touched.

    An object that was stored in parts has no digest of its bytes in its listing: the first copy's is kept, and
    binds the later ones.

    Raises:
        ChangedSourceError: If its size or digest differs; the file is removed, so that it can be fetched anew.
    """
    facts = path.stat()
    mark = own_folder(f"{_record_place(pin)}.verified/{text_digest(f'{file.path} {file.digest}')}")
    stamp = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ino}"
    earlier = mark.read_text(encoding="utf-8", errors="replace").splitlines() if mark.is_file() else []
    earlier = earlier if len(earlier) == MARK_LINES else []  # half of one, after a power cut, is none
    if earlier[:1] == [stamp]:
        return
    in_parts = file.digest.startswith("etag:") and "-" in file.digest
    expected = (earlier[1] if earlier else None) if in_parts else file.digest
    found = _local_digest("sha256:" if in_parts else file.digest, path)
    if facts.st_size != file.size_bytes or found != (expected or found):
        no_digest = (
            ", or its ETags are no MD5 of its bytes, as where it encrypts with a key: set AWS_ENDPOINT_URL_S3 to another"
            if file.digest.startswith("etag:") and facts.st_size == file.size_bytes
            else ""
        )
        raise ChangedSourceError(
            f"{file.path} of {pin.name} came with {facts.st_size} bytes and digest {found}, but {file.size_bytes} "
            f"bytes and {expected or file.digest} are recorded, so {_removed(path)}: it was cut or damaged on its way, or "
            f"{endpoint_of(pin)} serves something else than at first use{no_digest}. Start again; "
            f"{_cure(record_path(pin))}"
        )
    if may_write(mark):
        # The client does not wait for the disk: without this, a mark could outlive the bytes that it speaks for.
        sync(path)
        write_whole(mark, f"{stamp}\n{found}\n")


def _removed(path: Path) -> str:
    try:
        path.resolve().unlink()
    except OSError as error:
        return f"it should go, but this user cannot remove {path} ({error.strerror}): name another folder with HF_HOME"
    return "it is removed"


def record_path(pin: Pin) -> Path:
    """Where the record of a pin at its endpoint lies."""
    return own_folder(f"{_record_place(pin)}.json")


def _record_place(pin: Pin) -> str:
    endpoint = endpoint_of(pin).partition("://")[2]
    name = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in pin.address)
    what = digest_of([pin.home, pin.address, pin.revision, list(pin.files)])[:12]
    folder = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in endpoint)
    return f"first-use/{folder}/{name}-{what}"


def listing_digest(files: Sequence[SeenFile]) -> str:
    """What stands for the content of a place that has no revisions: the digest of its listing."""
    return digest_of(sorted([file.path, file.size_bytes, file.digest] for file in files))


def _local_digest(like: str, path: Path) -> str:
    """Digest of a file's bytes, of the same kind as another."""
    kind = like.partition(":")[0]
    of_blob = f"blob {path.stat().st_size}\0".encode()
    kinds: Mapping[str, Callable[[], hashlib._Hash]] = {
        "etag": lambda: hashlib.md5(usedforsecurity=False),
        "git": lambda: hashlib.sha1(of_blob, usedforsecurity=False),
    }
    with path.open("rb") as stream:
        return f"{kind}:{hashlib.file_digest(stream, kinds.get(kind, hashlib.sha256)).hexdigest()}"


def how_to_mend(pin: Pin) -> str:
    """What can be done where a pinned thing came as it is recorded and is not what it should be; the end of a message."""
    correct = "correct the pin in pins.py of the study, below claims/"
    if pin.is_local:
        return f"put the right files in their place, or {correct}"
    if pin.revision is None:
        return f"once others lie there, remove {record_path(pin)} and start again; or {correct}"
    return f"what lies at a revision stays as it is: {correct}"


def _cure(path: Path) -> str:
    return f"if the change is meant, remove {path}, and every artifact made from it gets another name"


# A pin in, a local folder out


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
    Home.CODE: "harness.sources.code",
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


def is_fetched(pins: Iterable[Pin]) -> bool:
    """True where every pinned thing that lies elsewhere is whole on this machine."""
    remote = [(pin, recorded(pin)) for pin in pins if not pin.is_local and not pin.is_optional]
    return all(seen is not None and not bytes_to_come(pin, seen) for pin, seen in remote)


def download_folders(pins: Iterable[Pin]) -> tuple[Path, ...]:
    """Where this machine keeps what it has fetched of them."""
    remote = [(pin, recorded(pin)) for pin in pins if not pin.is_local]
    folders = {_fetcher(pin).cache_folder(pin, seen) for pin, seen in remote if seen is not None}
    return tuple(sorted(folder for folder in folders if folder.is_dir()))


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
