"""The only door to the model hub: what a repository holds, and its files in the hub client's own cache.

Every failure of hub or line leaves as one `MissingSourceError` with its reason. A token is read by the hub's
client alone, from `HF_TOKEN` or its own file; it is never spoken of here.

Files come over plain HTTP, since Xet, the client's other way, tells of no failure that could be acted upon.
"""

import os
import sys
from collections.abc import Callable
from fnmatch import fnmatch
from pathlib import Path
from typing import TypeVar

from harness.sources import patience
from harness.sources.hub_errors import XET_SWITCH, headers_of, is_passing, is_silence, page_of, told
from harness.sources.pin_record import (
    HUB,
    ChangedSourceError,
    Seen,
    SeenFile,
    cure_of_loss,
    endpoint_of,
    hold_file,
)
from harness.store.files import disk_errors
from harness.words.errors import MissingSourceError
from harness.words.study import Home, Pin

# Where the hub offers a file through Xet, the client takes the offer, and the file comes from further hosts by code in
# another language: with those out of reach it tried for two minutes, and then raised an error of no kind. Plain HTTP
# knows proxies, goes on where it was cut, and says what is wrong. The client reads this once, when it is imported.
os.environ.setdefault(XET_SWITCH, "1")

Answer = TypeVar("Answer")


def repository(pin: Pin) -> Seen:
    """What the hub says of a repository now: its commit, and the files that are needed.

    Raises:
        MissingSourceError: If the hub does not answer, refuses, or has no such repository, revision or file.
    """
    from huggingface_hub import HfApi

    def ask() -> object:
        return HfApi().repo_info(
            pin.address,
            repo_type=_kind(pin),
            revision=pin.revision,
            files_metadata=True,
            timeout=patience.PROBE_SECONDS,
        )

    with told(pin):
        facts = vars(_patiently(pin, ask))
    siblings = [file for file in facts["siblings"] or () if wanted(pin, file.rfilename)]
    if untold := [file.rfilename for file in siblings if file.size is None or _digest(file) is None]:
        raise MissingSourceError(
            f"{pin} cannot be fetched: {endpoint_of(pin)} tells no size or no digest of {len(untold)} of its {len(siblings)} "
            f"files, such as {untold[0]}, so nothing could be checked; it may be a mirror that does not pass on what the hub "
            f"answers to 'blobs=true': set HF_ENDPOINT to one that does, or unset it for {HUB}"
        )
    files = tuple(
        SeenFile(path=file.rfilename, size_bytes=int(file.size), digest=str(_digest(file)))
        for file in siblings
    )
    if not files or facts["sha"] is None:
        raise MissingSourceError(
            f"{pin} holds none of the files {list(pin.files) or 'it should'}: {page_of(pin)} is not laid out as its pin says; "
            f"{cure_of_loss(pin, 'files')}"
        )
    return Seen(revision=facts["sha"], files=tuple(sorted(files, key=lambda file: file.path)))


def snapshot(pin: Pin, seen: Seen) -> Path:
    """Folder that holds the recorded files of a repository, each verified; what is missing is fetched.

    Raises:
        MissingSourceError: If something is missing and cannot be fetched.
        ChangedSourceError: If a file is not the recorded one, twice over.
    """
    for attempt in range(patience.ATTEMPTS):
        folder = cache_folder(pin, seen)
        if absent(folder, seen):
            folder = _fetched(pin, seen)
        try:
            for file in seen.files:
                hold_file(pin, file, folder / file.path)
        except ChangedSourceError:
            if attempt == patience.ATTEMPTS - 1:
                raise
        else:
            break
    return folder


def absent(folder: Path, seen: Seen) -> tuple[SeenFile, ...]:
    """Recorded files that a folder does not hold."""
    return tuple(file for file in seen.files if not (folder / file.path).is_file())


def may_read(pin: Pin) -> None:
    """Ask the hub whether this machine's token opens a repository; nothing is fetched.

    Raises:
        MissingSourceError: If it does not, or the hub does not answer.
    """
    from huggingface_hub import HfApi

    with told(pin):
        _patiently(pin, lambda: HfApi().auth_check(pin.address, repo_type=_kind(pin)))


def wanted(pin: Pin, path: str) -> bool:
    """True for a file that the pin asks for."""
    return not pin.files or any(fnmatch(path, pattern) for pattern in pin.files)


def cache_folder(pin: Pin, seen: Seen) -> Path:
    """Where the hub's client keeps a repository at the recorded revision; asks nobody."""
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=pin.address, repo_type=_kind(pin))
    return cache_root() / name / "snapshots" / seen.revision


def cache_root() -> Path:
    """Folder in which the hub's client keeps all repositories; often on another disk than the rest of its home."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def _fetched(pin: Pin, seen: Seen) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # a lazy name

    if not sys.stderr.isatty():
        disable_progress_bars()

    def fetch() -> str:
        # One question first: a download repeats its own for half a minute when nobody answers.
        HfApi().repo_info(
            pin.address, repo_type=_kind(pin), revision=seen.revision, timeout=patience.PROBE_SECONDS
        )
        patience.answered(endpoint_of(pin))
        return snapshot_download(
            pin.address,
            repo_type=_kind(pin),
            revision=seen.revision,
            allow_patterns=[file.path for file in seen.files],
        )

    with told(pin), disk_errors(cache_folder(pin, seen)):
        return Path(_patiently(pin, fetch))


def _patiently(pin: Pin, ask: Callable[[], Answer]) -> Answer:
    """The answer to a question that is asked again while the hub is down, wants fewer of them or answers no more."""
    endpoint = endpoint_of(pin)
    for pause in (*patience.PAUSES_SECONDS, None):
        try:
            answer = ask()
        except Exception as error:
            waits_for_answer = is_silence(error) and patience.may_answer_again(endpoint)
            if pause is None and waits_for_answer:
                patience.waited_in_vain(endpoint)
            is_worth_waiting = waits_for_answer or (
                is_passing(error) and not patience.asks_too_much(headers_of(error))
            )
            if pause is None or not is_worth_waiting:
                raise
            patience.wait(pause, headers_of(error))
        else:
            patience.answered(endpoint)
            return answer
    raise AssertionError("the last attempt returns or raises")


def _kind(pin: Pin) -> str:
    return "model" if pin.home is Home.HUB_MODEL else "dataset"


def _digest(file: object) -> str | None:
    """A large file has the SHA-256 of its bytes, a small one git's digest of a blob; None where neither is told."""
    facts = vars(file)
    kind, digits = "git", facts["blob_id"]
    if facts.get("lfs") is not None:
        kind, digits = "sha256", facts["lfs"].sha256
    return f"{kind}:{str(digits).lower()}" if digits else None
