"""Files that are there whole or not at all, kernel locks, and one clear error when the disk refuses."""

import errno
import fcntl
import hashlib
import json
import os
import platform
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TypeVar

from harness.store.environment import in_home
from harness.words.canonical import Json
from harness.words.errors import HarnessError, StoreError, UsageError

Result = TypeVar("Result")

CURES = {
    errno.ENOSPC: "free some space, then start again: what is finished is kept",
    errno.EDQUOT: "the quota is used up; free some space, then start again: what is finished is kept",
    errno.EFBIG: "files of this size are not allowed here; lift the limit ('ulimit -f'), or name a folder on another disk "
    "with {place}",
    errno.EROFS: "the file system is read-only; name a writable folder with {place}",
    errno.EACCES: "this user may not; change its owner or its rights, or name another folder with {place}",
    errno.EPERM: "this user may not; change its owner or its rights, or name another folder with {place}",
    errno.ENOENT: "it is not there, and could not be made; name another folder with {place}",
    errno.ENOTDIR: "a file stands where a folder is needed; name another folder with {place}",
    errno.EEXIST: "a file stands where a folder is needed; name another folder with {place}",
    errno.EISDIR: "a folder stands where a file is needed; name another folder with {place}",
    errno.ELOOP: "its links lead in a circle; mend them, or name another folder with {place}",
    errno.ENAMETOOLONG: "the file system takes no name of this length; name another folder with {place}",
    errno.EILSEQ: "the file system takes no such name; name another folder with {place}",
    errno.EBUSY: "it is mounted, or in use by the system; name another folder with {place}",
    errno.EXDEV: "it lies across two file systems; name a folder on one of them with {place}",
    errno.EMFILE: "this process may open no more files; raise the limit ('ulimit -n'), then start again",
    errno.ENFILE: "this machine can open no more files; end what else runs on it, then start again",
    errno.ESTALE: "the network file system lost it; mount it anew, then start again: what is finished is kept",
    errno.ENOTCONN: "the file system is gone; mount it anew, then start again: what is finished is kept",
    errno.EIO: "the disk failed; check it before starting again",
}
"""Refusals of a disk that a person can do something about, and what; `{place}` is what names the folder."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The refusals that are the disk's alone, whatever file was being written."""

PLACELESS = FULL | {errno.EMFILE, errno.ENFILE}
"""The refusals whose cure is plain even where nobody says which file it was."""

UNSYNCED = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EROFS})
"""Answers of file systems that cannot be asked to wait for their disk, or need not."""

HUB_CACHE_VARIABLES = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE")
"""Variables that give the files of the hub's client a folder of their own, the stronger first."""


class BusyError(HarnessError):
    """Another process holds the lock."""


@contextmanager
def disk_errors(path: Path, reasons: Collection[int] = frozenset(CURES)) -> Iterator[None]:
    """Turns a refusal of the disk into one clear error; other failures pass.

    Args:
        path: What was being written.
        reasons: Error numbers that count as the disk's.

    Raises:
        StoreError: If the disk is full, read-only, failing, or not ours to write.
    """
    try:
        yield
    except HarnessError:
        raise
    except OSError as error:
        if error.errno is None or error.errno not in reasons:
            raise
        # What is not there may be another thing than what is written.
        named = error.errno == errno.ENOENT and error.filename
        raise disk_refusal(Path(os.fsdecode(named)) if named else path, error.errno) from error
    except Exception as error:
        # Libraries in other languages keep the reason and drop its number.
        number = next((each for each in FULL if os.strerror(each) in str(error)), None)
        if number is None:
            raise
        raise disk_refusal(path, number) from error


def disk_refusal(path: Path, number: int, verb: str = "write") -> StoreError:
    """The clear error for one reason of the operating system."""
    cure = CURES[number].format(place=_what_names(path))
    if verb == "use":  # what is only read may lie where nothing but the checkout names it
        cure = cure.partition(", or name")[0]
    links = (each for each in (path, *path.parents) if each.is_symlink() and not each.exists())
    if number == errno.EEXIST and (link := next(links, None)):
        cure = (
            f"{link} is a link that leads nowhere; remove it, or name another folder with {_what_names(path)}"
        )
    return StoreError(f"cannot {verb} {path}: {os.strerror(number)} [{errno.errorcode[number]}]; {cure}")


def failure_message(error: BaseException) -> str:
    """What a failure says at the end of a command; a refusal of the disk that nobody turned into a clear error is one now."""
    if isinstance(error, HarnessError):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        named = error.filename or "a file"
        if error.errno in (CURES if error.filename else PLACELESS):
            return str(disk_refusal(Path(os.fsdecode(named)), error.errno, verb="use"))
    return f"{type(error).__name__}: {error}"


def _what_names(path: Path) -> str:
    """What a person says to have a file lie elsewhere: a variable of the hub's client, or an option."""
    caches = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folders = [(name, os.environ.get(name)) for name in (*HUB_CACHE_VARIABLES, "HF_HOME")]
    for name, folder in (*folders, ("HF_HOME", f"{caches}/huggingface")):
        if folder and path.absolute().is_relative_to(Path(os.path.expanduser(folder)).absolute()):  # noqa: PTH111  never raises
            return name
    return "--store or --out"


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, sees the old bytes or the new, nothing between."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = draft_of(path)
        try:
            draft.write_text(text, encoding="utf-8")
            sync(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync(path.parent)


def draft_of(path: Path) -> Path:
    """Where this process writes what will stand at a path: no other one does, on no host that sees the folder."""
    return path.with_name(f".{path.name}.{platform.node()}.{os.getpid()}")


def write_json(path: Path, content: Json) -> None:
    """Write JSON for people to read as well, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sync(path: Path) -> None:
    """Wait until a file or a folder's names are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in UNSYNCED:
            raise
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def remove_folder(folder: Path) -> None:
    """Remove a folder so that no reader ever sees half of it, where it can be renamed."""
    with disk_errors(folder):
        leaving = draft_of(folder.with_name(f"leaving-{folder.name}"))
        try:
            folder.rename(leaving)
        except OSError as error:
            # A folder that an image brought along, or one that is a mount point, stays where it is.
            if error.errno not in {errno.EXDEV, errno.EBUSY}:
                raise
            leaving = folder
        if leaving.is_symlink():  # somebody moved it to a larger disk: what lies there is theirs
            leaving.unlink()
        else:
            shutil.rmtree(leaving)


def publish_folder(folder: Path, write: Callable[[Path], Result], last: str) -> Result:
    """Write the files of a folder beside their place, and put them there once all are whole.

    A folder that is there already stays, since it may be a mount point or a link: its files are replaced one by one.

    Args:
        folder: Where they belong.
        write: Fills the folder that it is given.
        last: The file by which a reader knows the others.

    Returns:
        What `write` does.

    Raises:
        StoreError: If the disk refuses; nothing is replaced then unless all was written.
    """
    inside = os.path.isdir(folder)  # noqa: PTH112  never raises
    draft = draft_of(folder / folder.name if inside else folder.absolute())
    try:
        with disk_errors(folder):
            draft.mkdir(parents=True)
            result = write(draft)
            if inside:
                for path in sorted(draft.iterdir(), key=lambda path: (path.name == last, path.name)):
                    path.replace(folder / path.name)
            else:
                draft.rename(folder)
            sync(folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return result


def require_folder(path: Path) -> None:
    """Refuse, before anything is done, a place that can hold no files of a run.

    Raises:
        UsageError: If its name is no text, something else than a folder stands there, or it would go with a container.
        StoreError: If it is somebody else's folder, mounted into a container.
    """
    try:
        str(path.absolute()).encode("utf-8")
    except UnicodeEncodeError as error:
        raise UsageError(
            f"the folder {os.fsencode(path)!r} has the byte 0x{ord(str(path.absolute())[error.start]) - 0xDC00:02x} in its name, "
            "which is no text in UTF-8; name a folder without it"
        ) from error
    for place in (path, *path.parents):
        with suppress(OSError):  # what cannot even be looked at is told when it is to be written
            if place.is_symlink() and not place.exists():
                raise UsageError(f"{place} is a link that leads nowhere; remove it, or name another folder")
            if place.exists() and not place.is_dir():
                raise UsageError(f"{place} is a file; name a folder")
    for mount in filter(None, os.environ.get("HARNESS_MOUNTS", "").split(os.pathsep)):
        if path.absolute().is_relative_to(mount):
            _require_mount(Path(mount))


def _require_mount(place: Path) -> None:
    """Refuse a folder of an image that nobody mounted, or that belongs to another user than the container's."""
    mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    if str(place) not in {line.split()[4] for line in mounts}:
        raise UsageError(
            f"{place} is no mounted folder, and what is written there goes with the container; make a folder and mount it: "
            f'-v "$PWD/{place.name}:{place}"'
        )
    if not may_write(place):
        owner = place.stat()
        raise StoreError(
            f"{place} is a mounted folder of user {owner.st_uid}, in which user {os.getuid()} may not write; start the container "
            f"as its owner: --user {owner.st_uid}:{owner.st_gid}"
        )


def require_writable(path: Path) -> None:
    """Make a folder that is to be written for hours, and refuse it at once where it takes no file.

    Raises:
        UsageError: If it can be no folder.
        StoreError: If the disk refuses.
    """
    require_folder(path)
    with disk_errors(path):
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass


def nearest_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that exists: where its disk can be asked about."""
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if os.path.isdir(parent))  # noqa: PTH112  never raises


def may_write(path: Path) -> bool:
    """True where this user may make a file or a folder, as far as can be told without trying."""
    return os.access(nearest_folder(path), os.W_OK)


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


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a kernel lock, waiting for it; the kernel frees it when the process dies.

    Raises:
        StoreError: If the disk refuses, or knows no locks.
    """
    with _lock_file(path) as stream:
        take_lock(stream, wait=True)
        yield


def take_lock(stream: IO[bytes], *, wait: bool = False) -> bool:
    """Take the kernel's lock of an open file, which its last handle gives back; False where another process holds it.

    Raises:
        StoreError: If the file system knows no locks: some network and user-space ones do not.
    """
    try:
        fcntl.flock(stream, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        path = Path(stream.name)
        raise StoreError(
            f"the file system of {path.parent} knows no locks ({error.strerror} [{errno.errorcode.get(error.errno or 0, '?')}]), and "
            "without them two processes at once would spoil each other's work; name a folder on another disk with "
            f"{_what_names(path)}"
        ) from error
    return True


def process_space() -> str:
    """Where the number of a process names that process and no other: this host, this start of it, this container."""
    boot, numbers = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    started = boot.read_text(encoding="ascii").strip() if boot.exists() else "-"
    return f"{platform.node()} {started} {numbers.readlink() if numbers.is_symlink() else '-'}"


@contextmanager
def _lock_file(path: Path) -> Iterator[IO[bytes]]:
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("ab")
    with stream:
        yield stream


@contextmanager
def held_alone(path: Path, says: str) -> Iterator[None]:
    """Hold a kernel lock that nobody waits for.

    Args:
        path: The lock file.
        says: What is being held, for the message.

    Raises:
        BusyError: If another process holds it; names that process.
    """
    holder = path.with_suffix(".pid")  # only a hint for messages, the kernel's lock decides
    with _lock_file(path) as stream:
        if not take_lock(stream):
            name = "another process"
            with suppress(OSError, ValueError):
                number, _, elsewhere = holder.read_text(encoding="utf-8").partition(" on ")
                name = f"process {int(number)}"
                if elsewhere and elsewhere.strip() != platform.node():
                    name += f" on {elsewhere.strip()}"
            raise BusyError(
                f"{says} is in use by {name}; wait for it or stop it, "
                "or name another folder with --out; the lock goes with the process, nothing needs to be unlocked"
            )
        write_whole(holder, f"{os.getpid()} on {platform.node()}\n")
        yield
