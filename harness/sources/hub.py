"""The only door to the model hub: what a repository holds, and its files in the hub client's own cache.

Every failure of hub or line leaves as one `MissingSourceError` with its reason. A token is read by the hub's
client alone, from `HF_TOKEN` or its own file; it is never spoken of here.

Files come over plain HTTP, since Xet, the client's other way, tells of no failure that could be acted upon.
"""

import logging
import os
import re
import sys
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from harness.sources import http
from harness.sources.http import (
    Answer,
    Setback,
    expect_connection,
    is_offline,
    is_passing,
    patiently,
    silence_of,
    when_to_return,
)
from harness.sources.pins import (
    HUB,
    XET_SWITCH,
    Seen,
    SeenFile,
    cure_of_loss,
    endpoint_of,
    record_path,
    verify_file,
    what_is_there,
)
from harness.store.files import disk_errors
from harness.words.errors import MissingSourceError, Reason, SettingError
from harness.words.study import Home, Pin

TALKERS = ("httpx", "httpx2")
"""Loggers of the hub's client that tell every request."""

XET_CACHE_BYTES = 10_000_000_000
"""Chunks of files that Xet keeps at most, beside the files; some builds keep none."""

OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
"""Variables by which the hub's client is told to ask nobody; the first that says anything decides."""

TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
"""Variables in which the hub's client looks for a token, before it looks into its file."""


def seen_now(pin: Pin) -> Seen:
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
            timeout=http.PROBE_SECONDS,
        )

    facts = vars(_answer(pin, ask))
    siblings = [file for file in facts["siblings"] or () if pin.wants(file.rfilename)]
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
            f"{pin} holds none of the files {list(pin.files) or 'it should'}: {page_of(pin)} is not laid out as its pin says"
            f"{what_is_there(pin, (file.rfilename for file in facts['siblings'] or ()))}; {cure_of_loss(pin, 'files')}"
        )
    return Seen(revision=facts["sha"], files=tuple(sorted(files, key=lambda file: file.path)))


def fetched(pin: Pin, seen: Seen) -> Path:
    """Folder that holds the recorded files of a repository, each verified; what is missing is fetched.

    Raises:
        MissingSourceError: If something is missing and cannot be fetched.
        ChangedSourceError: If a file is not the recorded one, twice over.
    """

    def held() -> Path:
        folder = cache_folder(pin, seen)
        if seen.absent(folder):
            folder = _snapshot(pin, seen)
        for file in seen.files:
            verify_file(pin, file, folder / file.path)
        return folder

    return http.once_more_if_damaged(held)


def may_read(pin: Pin) -> None:
    """Ask the hub whether this machine's token opens a repository; nothing is fetched.

    Raises:
        MissingSourceError: If it does not, or the hub does not answer.
    """
    from huggingface_hub import HfApi

    _answer(pin, lambda: HfApi().auth_check(pin.address, repo_type=_kind(pin)))


def cache_folder(pin: Pin, seen: Seen) -> Path:
    """Where the hub's client keeps a repository at the recorded revision; asks nobody."""
    from huggingface_hub.file_download import repo_folder_name

    name = repo_folder_name(repo_id=pin.address, repo_type=_kind(pin))
    return cache_root() / name / "snapshots" / seen.revision


def cache_root() -> Path:
    """Folder in which the hub's client keeps all repositories; often on another disk than the rest of its home."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE)


def xet_cache() -> Path | None:
    """Folder in which Xet keeps chunks of what it fetches; None where files come over plain HTTP."""
    from huggingface_hub import constants

    return None if constants.HF_HUB_DISABLE_XET else Path(constants.HF_XET_CACHE)


def _snapshot(pin: Pin, seen: Seen) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]  # a lazy name

    if not sys.stderr.isatty():
        disable_progress_bars()

    def fetch() -> str:
        # One question first: a download repeats its own for half a minute when nobody answers.
        HfApi().repo_info(
            pin.address, repo_type=_kind(pin), revision=seen.revision, timeout=http.PROBE_SECONDS
        )
        http.take_note(endpoint_of(pin))
        with disk_errors(cache_folder(pin, seen)):
            return snapshot_download(
                pin.address,
                repo_type=_kind(pin),
                revision=seen.revision,
                allow_patterns=[file.path for file in seen.files],
            )

    return Path(_answer(pin, fetch))


def _kind(pin: Pin) -> str:
    return "model" if pin.home is Home.HUB_MODEL else "dataset"


def _digest(file: object) -> str | None:
    """A large file has the SHA-256 of its bytes, a small one git's digest of a blob; None where neither is told."""
    facts = vars(file)
    kind, digits = "git", facts["blob_id"]
    if facts.get("lfs") is not None:
        kind, digits = "sha256", facts["lfs"].sha256
    return f"{kind}:{str(digits).lower()}" if digits else None


def _answer(pin: Pin, ask: Callable[[], Answer]) -> Answer:
    """The answer of the hub, asked patiently, and every refusal of hub, line and offline switch as one clear error.

    Raises:
        MissingSourceError: If the hub does not answer, or refuses.
        SettingError: If the environment is such that it cannot be asked.
    """
    from huggingface_hub import constants, errors

    for name in TALKERS:
        logging.getLogger(name).setLevel(logging.WARNING)
    expect_connection()
    has_token()
    try:
        return patiently(endpoint_of(pin), ask, setback)
    except errors.HfHubHTTPError as error:
        raise _refusal(pin, error) from error
    except (errors.LocalEntryNotFoundError, ConnectionError, TimeoutError, transport_error()) as error:
        if isinstance(_reason(error), errors.FileMetadataError):
            raise _garbled(pin, _reason(error)) from error
        raise MissingSourceError(_unanswered(pin, error), reason=Reason.NO_NETWORK) from error
    except OSError as error:
        # What the disk refuses has a number; what the client itself finds wrong has none.
        if error.errno is not None:
            raise
        raise _garbled(pin, error) from error
    except RuntimeError as error:
        if constants.HF_HUB_DISABLE_XET:
            raise
        raise MissingSourceError(
            f"{pin} cannot be fetched: Xet storage, which {XET_SWITCH} here lets the hub's client use, fails "
            f"({_first_line(error)}); set {XET_SWITCH}=1, or unset it, so that files come over plain HTTP",
            reason=Reason.NO_NETWORK,
        ) from error


def _garbled(pin: Pin, error: BaseException) -> MissingSourceError:
    """An answer that does not fit itself: another length than it announces, packed on the way, or without its headers."""
    return MissingSourceError(
        f"{pin} cannot be fetched: what {endpoint_of(pin)} sends is not what it announces ({_first_line(error)}); something "
        "between here and there cuts or changes it, a mirror perhaps: start again, or set HF_ENDPOINT to another one",
        reason=Reason.NO_NETWORK,
    )


def _unanswered(pin: Pin, error: Exception) -> str:
    if is_offline():
        switch = next(name for name in OFFLINE_SWITCHES if os.environ.get(name))
        return (
            f"{pin} cannot be fetched: {switch}={os.environ[switch]} forbids to ask {endpoint_of(pin)}, and it is not whole in "
            f"the local hub cache; unset {switch}, or fill HF_HOME on a machine that may ask"
        )
    return (
        f"{pin} cannot be fetched: no network ({silence_of(endpoint_of(pin), error)}), and not whole in the local hub cache; "
        "connect this machine and start again, or fill HF_HOME on one that is connected"
    )


def _refusal(pin: Pin, error: Exception) -> MissingSourceError:
    response = vars(error)["response"]
    status: int = response.status_code
    if _is_gate(pin, error, status):
        found = "the token that is set is not let in" if has_token() else "no token is set"
        return MissingSourceError(
            f"{pin} is gated, and {found}: accept its licence ({pin.licence}) at {page_of(pin)}, "
            "then set HF_TOKEN to a read token of the same account",
            reason=Reason.GATED_WEIGHTS,
        )
    if status == HTTPStatus.UNAUTHORIZED and has_token():
        return MissingSourceError(
            f"{pin} cannot be fetched: the hub does not accept the token that is set; correct HF_TOKEN, or unset it: "
            "this repository needs none",
            reason=Reason.GATED_WEIGHTS,
        )
    if is_passing(status):
        return MissingSourceError(
            f"{pin} cannot be fetched now: the hub answers {status} over and over; {when_to_return(response.headers)}, then "
            "start again: what is fetched is kept",
            reason=Reason.NO_NETWORK,
        )
    return _loss(pin, error, status)


def _is_gate(pin: Pin, error: Exception, status: int) -> bool:
    """True where a licence was not accepted; a repository that was taken down refuses with the same number."""
    from huggingface_hub.errors import DisabledRepoError, GatedRepoError

    if isinstance(error, DisabledRepoError):
        return False
    refused = pin.gated and status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    return refused or isinstance(error, GatedRepoError)


def _loss(pin: Pin, error: Exception, status: int) -> MissingSourceError:
    """What is not there, or no longer: renamed, removed, made private or taken down."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RevisionNotFoundError):
        taken = f"; to take what is there now, remove {record_path(pin)}" if pin.revision is None else ""
        return MissingSourceError(
            f"{pin}: {page_of(pin)} has no such revision; {cure_of_loss(pin, 'revision')}{taken}"
        )
    if isinstance(error, RepositoryNotFoundError):
        token = (
            ", or none that the token may see"
            if has_token()
            else ", or it wants a token, and no token is set; set HF_TOKEN"
        )
        return MissingSourceError(
            f"{pin} cannot be fetched: {page_of(pin)} answers {status}, there is no such repository{token}; {cure_of_loss(pin)}"
        )
    said = _first_line(vars(error).get("server_message") or error)
    return MissingSourceError(
        f"{pin} cannot be fetched: {page_of(pin)} refuses with {status} ({said}); {cure_of_loss(pin)}"
    )


def page_of(pin: Pin) -> str:
    """Where a person would look at a repository."""
    folder = "datasets/" if pin.home is Home.HUB_DATASET else ""
    return f"{endpoint_of(pin)}/{folder}{pin.address}"


def has_token() -> bool:
    """True when the hub's client finds a token, in the environment or in its file.

    Raises:
        SettingError: If what it finds cannot be a token; it is not printed.
    """
    from huggingface_hub import constants, get_token

    place = next((name for name in TOKENS if os.environ.get(name)), constants.HF_TOKEN_PATH)
    cure = "set HF_TOKEN to a read token, copied anew, or correct or remove the file"
    try:
        token = get_token()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(
            f"the hub's token cannot be read from {place} ({type(error).__name__}); {cure}"
        ) from error
    if token and not re.fullmatch(r"[!-~]+", token):
        raise SettingError(
            f"the hub's token in {place} holds a character that no token has, perhaps an invisible one; {cure}"
        )
    return token is not None


def setback(error: BaseException) -> Setback | None:
    """What may pass: a hub that is down or wants fewer questions, and silence where it is not told to ask nobody."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    found = _reason(error)
    if isinstance(found, HfHubHTTPError):
        return Setback(headers=found.response.headers) if is_passing(found.response.status_code) else None
    if isinstance(found, OfflineModeIsEnabled):
        return None
    is_silence = isinstance(found, (ConnectionError, TimeoutError, transport_error()))
    return Setback(is_silence=True) if is_silence else None


def _reason(error: BaseException) -> BaseException:
    """What was the matter: a download that finds no file here either tells it by its error's cause alone."""
    from huggingface_hub.errors import LocalEntryNotFoundError

    return error.__cause__ or error if isinstance(error, LocalEntryNotFoundError) else error


def transport_error() -> type[Exception]:
    """What the hub's client raises when nothing answers: of httpx or httpx2, whichever it is built on."""
    from huggingface_hub import errors

    error: type[Exception] = vars(errors)["HTTPError"]
    return error


def _first_line(error: object) -> str:
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
