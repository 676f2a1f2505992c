"""Files that are there whole or not at all, kernel locks, and one clear error when the disk refuses."""

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from harness.tools.canonical import Json
from harness.words.failures import HarnessError, StoreError

CURES = {
    errno.ENOSPC: "free some space, then start again: what is finished is kept",
    errno.EDQUOT: "the quota is used up; free some space, then start again: what is finished is kept",
    errno.EROFS: "the file system is read-only; name a writable folder with --store or --out",
    errno.EACCES: "this user may not write there; change its owner, or name another folder with --store or --out",
    errno.EPERM: "this user may not write there; change its owner, or name another folder with --store or --out",
    errno.ENOTDIR: "a file stands where a folder is needed; name another folder with --store or --out",
    errno.EEXIST: "a file stands where a folder is needed; name another folder with --store or --out",
    errno.EIO: "the disk failed; check it before starting again",
}
"""Refusals of a disk that a person can do something about, and what."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The refusals that are the disk's alone, whatever file was being written."""

_READ_BYTES = 1 << 20


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
    except OSError as error:
        if error.errno is None or error.errno not in reasons:
            raise
        raise refusal(path, error.errno) from error
    except Exception as error:
        # Libraries in other languages keep the reason and drop its number.
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise refusal(path, errno.ENOSPC) from error


def refusal(path: Path, number: int) -> StoreError:
    """The clear error for one reason of the operating system."""
    return StoreError(
        f"cannot write {path}: {os.strerror(number)} [{errno.errorcode[number]}]; {CURES[number]}"
    )


def write_whole(path: Path, text: str) -> None:
    """Write a text file so that a reader, or a crash, sees the old bytes or the new, nothing between."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            draft.write_text(text, encoding="utf-8")
            sync(draft)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync(path.parent)


def write_json(path: Path, content: Json) -> None:
    """Write JSON for people to read as well, whole or not at all."""
    write_whole(path, json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sync(path: Path) -> None:
    """Wait until a file or a folder's names are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def remove_folder(folder: Path) -> None:
    """Remove a folder so that no reader ever sees half of it."""
    with disk_errors(folder):
        leaving = folder.with_name(f".leaving-{folder.name}-{os.getpid()}")
        folder.rename(leaving)
        shutil.rmtree(leaving)


def nearest_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that exists: where its disk can be asked about."""
    return next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.is_dir())


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a kernel lock, waiting for it; the kernel frees it when the process dies."""
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


@dataclass(frozen=True, kw_only=True)
class _Holder:
    """Who holds a lock, written beside it; only a hint for messages, the kernel's lock decides."""

    path: Path

    def name(self) -> str:
        try:
            return f"process {self.path.read_text(encoding='utf-8').strip()}"
        except FileNotFoundError:
            return "another process"


@contextmanager
def held_alone(path: Path, says: str) -> Iterator[None]:
    """Hold a kernel lock that nobody waits for.

    Args:
        path: The lock file.
        says: What is being held, for the message.

    Raises:
        BusyError: If another process holds it; names that process.
    """
    holder = _Holder(path=path.with_suffix(".pid"))
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise BusyError(
                f"{says} is in use by {holder.name()}; wait for it or stop it, "
                "or name another folder with --out; the lock goes with the process, nothing needs to be unlocked"
            ) from error
    try:
        write_whole(holder.path, f"{os.getpid()}\n")
        yield
    finally:
        lock.release()
