"""What an endpoint answered when a pinned thing was first used: its revision and its files, then enforced.

One record per endpoint and pin lies beside the downloads; a mirror or a test hub therefore never speaks for
the real one. What is recorded here enters the name of every artifact that is made from the thing.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from harness.store.environment import address_in, in_home
from harness.store.files import disk_errors, locked, may_write, sync, write_json, write_whole
from harness.words.canonical import digest_of, plain, text_digest
from harness.words.errors import HarnessError
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


def downloads() -> Path:
    """Folder below which everything that is fetched lies: the hub client's own home.

    Raises:
        SettingError: If it lies in a home that there is not.
    """
    named = os.environ.get("HF_HOME")
    return in_home(named) if named else _own_downloads()


def own_folder(place: str) -> Path:
    """Where a thing of the harness's own lies: beside the hub client's downloads.

    Clusters share those, and nobody but their keeper may write there. What they hold is used as it is, and what they
    lack is kept in this user's own cache.

    Args:
        place: Its path below the harness's folder.
    """
    shared = downloads() / "harness" / place
    with disk_errors(shared):
        if shared.exists() or may_write(shared):
            return shared
    return _own_downloads() / "harness" / place


def _own_downloads() -> Path:
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return in_home(f"{caches}/huggingface")


def endpoint_of(pin: Pin) -> str:
    """Address of the service that a pin is fetched from.

    Raises:
        SettingError: If the variable that names another one names no address.
    """
    if pin.home is Home.BUCKET:
        return address_in("AWS_ENDPOINT_URL_S3", _own_host(pin))
    if pin.home is Home.SERVICE:
        return address_in("NEURONPEDIA_ENDPOINT", _own_host(pin))
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


def _cure(path: Path) -> str:
    return f"if the change is meant, remove {path}, and every artifact made from it gets another name"
